//! TLS to PostgreSQL.

use std::error::Error;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, io};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use trust::Authorities;
use zeroize::Zeroizing;

type Failure = Box<dyn Error + Send + Sync>;

/// How much of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Nothing: `prefer` and `require` without a root.
    Nothing,
    /// That a root vouches for it.
    Authority,
    /// And that it is of the host.
    Host,
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Nobody.
    None,
    /// The machine's roots.
    System,
    /// Those of this PEM.
    Given(Source),
}

/// Where PEM stands. It may be a key: it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// Here, under this name.
    Text(&'static str, Zeroizing<String>),
}

impl fmt::Debug for Source {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(to, "File({path:?})"),
            Self::Text(name, _) => write!(to, "Text({name:?})"),
        }
    }
}

impl Source {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match self {
            Self::File(path) => Ok(Zeroizing::new(std::fs::read(path).map_err(|error| self.odd(&error))?)),
            Self::Text(_, pem) => Ok(Zeroizing::new(pem.as_bytes().to_vec())),
        }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        let pem = self.read()?;
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match all {
            Ok(found) if found.is_empty() => Err(self.odd(&"has no certificate")),
            Ok(found) => Ok(found),
            Err(error) => Err(self.odd(&error)),
        }
    }

    fn odd(&self, error: &dyn fmt::Display) -> Failure {
        match self {
            Self::File(path) => format!("{}: {error}", path.display()).into(),
            Self::Text(name, _) => format!("{name}: {error}").into(),
        }
    }
}

/// How connections are encrypted. Files are read anew for each connection, so that renewed ones are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// What of the server's certificate is verified.
    pub verify: Verify,
    /// By whom.
    pub roots: Roots,
    /// The client's certificate and key, PEM.
    pub identity: Option<(Source, Source)>,
    /// The name that the certificate must have, in place of the host's.
    pub server_name: Option<String>,
}

impl Tls {
    /// Whether everything can be read.
    ///
    /// # Errors
    /// What can't, and why.
    pub fn check(&self) -> Result<(), Failure> {
        self.config().map(drop)
    }

    fn config(&self) -> Result<ClientConfig, Failure> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
        let verifier = Verifier { inner: self.inner(&provider)?, host: self.verify == Verify::Host, provider };
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let found = PrivateKeyDer::from_pem_slice(&key.read()?).map_err(|error| key.odd(&error))?;
                builder.with_client_auth_cert(certificate.certificates()?, found)?
            }
        })
    }

    /// What verifies, if anything.
    fn inner(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Authorities>, Failure> {
        let mut roots = RootCertStore::empty();
        let mut given = Vec::new();
        match (&self.roots, self.verify) {
            (_, Verify::Nothing) => return Ok(None),
            (Roots::None, _) => return Err("no root certificate to verify the server with".into()),
            (Roots::System, _) => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
            (Roots::Given(source), _) => {
                given = source.certificates()?;
                for certificate in &given {
                    roots.add(certificate.clone()).map_err(|error| source.odd(&error))?;
                }
            }
        }
        Ok(Some(Authorities::new(roots, given, provider)?))
    }
}

/// Verifies as much as is asked for; that the server has the key of its certificate, always.
#[derive(Debug)]
struct Verifier {
    inner: Option<Authorities>,
    host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: all else was right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes what encrypts a connection to a host.
#[derive(Clone)]
pub struct Connector(
    /// None where nothing is encrypted.
    pub Option<Tls>,
);

/// Encrypts one connection.
pub struct ToHost {
    config: Option<ClientConfig>,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = ToHost;
    type Error = Failure;

    fn make_tls_connect(&mut self, host: &str) -> Result<ToHost, Failure> {
        let config = self.0.as_ref().map(Tls::config).transpose()?;
        let name = self.0.as_ref().and_then(|tls| tls.server_name.as_deref());
        Ok(ToHost { config, host: name.unwrap_or(host).to_owned() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for ToHost {
    type Stream = Stream<S>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream<S>, Failure>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let config = self.config.ok_or("TLS is disabled")?;
            let host = ServerName::try_from(self.host)?;
            Ok(Stream(Box::new(tokio_rustls::TlsConnector::from(Arc::new(config)).connect(host, stream).await?)))
        })
    }
}

/// An encrypted connection.
pub struct Stream<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(context)
    }
}
