//! Which certificates of servers clients believe, where people name the authorities.
//!
//! [`Authorities`] verifies as rustls does, and takes a certificate that is itself one of those that were named, as
//! OpenSSL and Go do: most servers that have a certificate of their own making have one that calls itself an authority,
//! and people name that. Name and time are verified there too. [`client`] is all that a client needs.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, version};
use std::sync::Arc;

/// Why authorities can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// There is no certificate, or one that can't be read.
    #[error("the authorities are no certificates in PEM")]
    Pem,
    /// Certificates that can't be those of authorities.
    #[error("the authorities cannot be used")]
    Roots(#[source] VerifierBuilderError),
    /// No version of TLS goes with them.
    #[error("TLS cannot be set up")]
    Tls(#[source] Error),
}

/// Verifies certificates of servers.
#[derive(Debug)]
pub struct Authorities {
    inner: Arc<WebPkiServerVerifier>,
    /// One of these may be the server's own, signed by itself.
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Authorities {
    /// By these roots, of which people have named `given`.
    ///
    /// # Errors
    /// Where there is no root.
    pub fn new(
        roots: RootCertStore,
        given: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
        Ok(Self { inner, given, provider: Arc::clone(provider) })
    }
}

/// A client without a certificate of its own that believes the authorities in `pem` and no other.
///
/// # Errors
/// Where they can't be used.
pub fn client(pem: &[u8]) -> Result<ClientConfig, AuthoritiesError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let given: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| AuthoritiesError::Pem)?;
    let mut roots = RootCertStore::empty();
    for certificate in &given {
        roots.add(certificate.clone()).map_err(|_| AuthoritiesError::Pem)?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::Pem);
    }
    let authorities = Authorities::new(roots, given, &provider).map_err(AuthoritiesError::Roots)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(AuthoritiesError::Tls)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(authorities)).with_no_client_auth())
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // `CaUsedAsEndEntity`, once its time was right.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.given.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Duration;

    /// A certificate of `localhost` that is signed by itself, and its end in seconds since 1970.
    fn own(extension: &str) -> CertificateDer<'static> {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-keyout", "/dev/null", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost", "-addext"]);
        let made = openssl.arg(extension).output().unwrap();
        assert!(made.status.success());
        CertificateDer::from_pem_slice(&made.stdout).unwrap()
    }

    #[test]
    fn a_servers_own_certificate_is_believed_where_it_is_named() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let [authority, stranger] = ["critical,CA:TRUE"; 2].map(|text| own(&format!("basicConstraints={text}")));
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        let named = Authorities::new(roots.clone(), vec![authority.clone()], &provider).unwrap();
        let not_named = Authorities::new(roots, Vec::new(), &provider).unwrap();
        let today = UnixTime::now();
        let later = UnixTime::since_unix_epoch(Duration::from_secs(today.as_secs() + 3 * 86_400));
        for (verifier, certificate, name, now, good) in [
            (&named, &authority, "localhost", today, true),
            (&named, &authority, "example.org", today, false),
            (&named, &authority, "localhost", later, false),
            (&named, &stranger, "localhost", today, false),
            (&not_named, &authority, "localhost", today, false),
        ] {
            let server_name = ServerName::try_from(name).unwrap();
            let verified = verifier.verify_server_cert(certificate, &[], &server_name, &[], now);
            assert_eq!(verified.is_ok(), good, "{name} {now:?}: {verified:?}");
        }
        assert!(matches!(client(b"nothing"), Err(AuthoritiesError::Pem)));
    }
}
