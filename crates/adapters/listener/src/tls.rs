//! TLS from files that may change while serving.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme, version};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why files serve no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read, or has no certificate or key.
    #[error("{}: no PEM of a certificate or key", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key don't go together, or are of an unknown kind.
    #[error("certificate and key can't serve TLS")]
    Key(#[source] rustls::Error),
}

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, PEM, the server's own first.
    pub certificate: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
    /// Whether clients are asked for a certificate. Any is taken, or none: it is only proven that the client has its key.
    /// Requests carry it as [`ClientCertificates`].
    pub client_certificates: bool,
}

/// The chain that a client showed, in DER, its own first. An extension of each request; nobody has verified it.
#[derive(Debug, Clone, Default)]
pub struct ClientCertificates(pub Arc<Vec<Vec<u8>>>);

impl Tls {
    /// A configuration that follows the files: a new pair is used within seconds, a broken one is not.
    pub(crate) fn config(&self) -> Result<ServerConfig, TlsError> {
        let loaded = Loaded { key: self.load()?, stamp: self.stamp(), looked: Instant::now() };
        let resolver = Arc::new(Files { tls: self.clone(), loaded: Mutex::new(loaded) });
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(&[&version::TLS13, &version::TLS12]).map_err(TlsError::Key)?;
        let builder = if self.client_certificates {
            builder.with_client_cert_verifier(Arc::new(AnyClient::new()))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn load(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let wrong = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Pem { path, source }
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.certificate).map_err(wrong(&self.certificate))?.collect();
        let chain = chain.map_err(wrong(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(wrong(&self.key))?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(TlsError::Key)?;
        Ok(Arc::new(key))
    }

    fn stamp(&self) -> [Option<SystemTime>; 2] {
        let changed = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        [changed(&self.certificate), changed(&self.key)]
    }
}

/// Takes any certificate, or none; whoever serves the request decides what it is worth.
#[derive(Debug)]
struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClient {
    fn new() -> Self {
        Self { algorithms: aws_lc_rs::default_provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // Certificates that no authority made may be of a form that a strict parser refuses; the key is all that counts.
        let key = public_key(certificate).ok_or(rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The seventh field of a certificate's inner sequence, without its optional version (RFC 5280, section 4.1).
fn public_key(certificate: &[u8]) -> Option<SubjectPublicKeyInfoDer<'_>> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    const FIELDS_BEFORE: usize = 5;
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(outer, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest, VERSION)?.1;
    }
    for _ in 0..FIELDS_BEFORE {
        rest = element(rest, *rest.first()?)?.1;
    }
    let (_, after) = element(rest, SEQUENCE)?;
    Some(SubjectPublicKeyInfoDer::from(rest.get(..rest.len() - after.len())?))
}

/// The content of the element with this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = bytes else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match *first {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    rest.split_at_checked(length)
}

#[derive(Debug)]
struct Files {
    tls: Tls,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    stamp: [Option<SystemTime>; 2],
    looked: Instant,
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.looked.elapsed() >= LOOK_AGAIN {
            loaded.looked = Instant::now();
            let stamp = self.tls.stamp();
            if stamp != loaded.stamp {
                match self.tls.load() {
                    Ok(key) => (loaded.key, loaded.stamp) = (key, stamp),
                    Err(error) => tracing::warn!(%error, "the new certificate can't be used; the old one stays"),
                }
            }
        }
        Some(Arc::clone(&loaded.key))
    }
}
