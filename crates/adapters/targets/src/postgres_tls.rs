//! TLS to PostgreSQL.

use crate::postgres_url::Check;
use database::{Settings, TargetError};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Makes TLS connections.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

fn refused(what: &str) -> impl Fn(&dyn std::fmt::Display) -> TargetError + '_ {
    move |why| TargetError::Settings(format!("{what}: {why}"))
}

/// PEM from the configuration, else from a file.
fn pem(given: Option<&str>, file: Option<&str>) -> Result<Option<Vec<u8>>, TargetError> {
    match (given, file) {
        (Some(text), _) => Ok(Some(text.as_bytes().to_vec())),
        (None, Some(path)) => std::fs::read(path).map(Some).map_err(|error| refused(path)(&error)),
        (None, None) => Ok(None),
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| refused(what)(&error))?;
    if read.is_empty() { Err(refused(what)(&"no certificate in it")) } else { Ok(read) }
}

impl Tls {
    /// `files` are those of the URL: the authorities, the client's certificate and its key.
    pub(crate) fn new(settings: &Settings, check: Check, files: &[Option<String>; 3]) -> Result<Self, TargetError> {
        let [ca_file, certificate_file, key_file] = files.each_ref().map(|file| file.as_deref());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let check = if settings.tls.skip_verify { Check::Nothing } else { check };
        let verifier: Arc<dyn ServerCertVerifier> = match (check, pem(settings.tls.ca.as_deref(), ca_file)?) {
            (Check::Nothing, _) => Lenient::around(check, None, Vec::new(), &provider),
            (_, None) => {
                let platform = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
                let platform = platform.map_err(|error| refused("certificates of the system")(&error))?;
                Lenient::around(check, Some(Arc::new(platform)), Vec::new(), &provider)
            }
            (_, Some(pem)) => {
                let mut roots = RootCertStore::empty();
                let given = certificates(&pem, "tls_ca")?;
                for certificate in &given {
                    roots.add(certificate.clone()).map_err(|error| refused("tls_ca")(&error))?;
                }
                let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
                let inner = inner.map_err(|error| refused("tls_ca")(&error))?;
                Lenient::around(check, Some(inner), given, &provider)
            }
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| refused("TLS")(&error))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let key = settings.tls.key.as_ref().map(|key| key.as_str());
        let config = match (pem(settings.tls.certificate.as_deref(), certificate_file)?, pem(key, key_file)?) {
            (Some(chain), Some(key)) => {
                let key =
                    PrivateKeyDer::from_pem_slice(&key).map_err(|_| refused("private_key")(&"not a key in PEM"))?;
                let chain = certificates(&chain, "tls_certificate")?;
                builder.with_client_auth_cert(chain, key).map_err(|error| refused("tls_certificate")(&error))?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(refused("tls_certificate")(&"needs private_key, and the other way round")),
        };
        Ok(Self { config: Arc::new(config), server_name: settings.tls.server_name.clone() })
    }
}

/// Checks as much as is asked.
#[derive(Debug)]
struct Lenient {
    check: Check,
    inner: Option<Arc<dyn ServerCertVerifier>>,
    /// Authorities, of which one may be the server's own certificate, signed by itself.
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Lenient {
    fn around(
        check: Check,
        inner: Option<Arc<dyn ServerCertVerifier>>,
        given: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Self { check, inner, given, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = self.inner.as_ref().filter(|_| self.check != Check::Nothing) else {
            return Ok(ServerCertVerified::assertion());
        };
        match inner.verify_server_cert(certificate, others, name, ocsp, now) {
            // The chain is checked before the name.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.check == Check::Chain => Ok(ServerCertVerified::assertion()),
            // `CaUsedAsEndEntity`, once its time is checked. libpq and Go take such a certificate where it is given itself.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.given.contains(certificate) => {
                if self.check == Check::Full {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            done => done,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A handshake with a server of this name.
pub(crate) struct Handshake {
    config: Arc<ClientConfig>,
    name: String,
}

/// A connection within TLS.
pub(crate) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let name = self.server_name.clone().unwrap_or_else(|| domain.to_owned());
        Ok(Handshake { config: Arc::clone(&self.config), name })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.name).map_err(io::Error::other)?;
            TlsConnector::from(self.config).connect(name, stream).await.map(Stream)
        })
    }
}

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
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
