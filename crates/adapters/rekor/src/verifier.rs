//! Who signed an entry: a key, or a certificate with its names.

use signing::pem;
use signing::{Certificate, CertificateError, GeneralName};
use signing::{KeyError, PublicKey};

/// As the peer: more certificates in a chain are refused.
const MAX_CERTIFICATES: usize = 10;

/// A key with what is known of who holds it.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) key: PublicKey,
    /// Addresses and URIs of the certificate.
    pub(crate) identities: Vec<String>,
    /// In DER, the signer's first; none for a key.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// Why a verifier cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifierError {
    #[error("invalid public key: failure decoding PEM")]
    Pem(#[source] pem::PemError),
    #[error("invalid public key: cannot handle type {0}")]
    Label(String),
    #[error("more than 10 certificates")]
    TooManyCertificates,
    #[error("parsing public key")]
    Key(#[source] KeyError),
    #[error("parsing certificate")]
    Certificate(#[source] CertificateError),
}

impl Verifier {
    /// Reads a SubjectPublicKeyInfo.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, VerifierError> {
        let key = PublicKey::from_spki(spki).map_err(VerifierError::Key)?;
        Ok(Self { key, identities: Vec::new(), certificates: Vec::new() })
    }

    /// Reads a certificate in DER.
    pub(crate) fn from_certificate(der: &[u8]) -> Result<Self, VerifierError> {
        let certificate = Certificate::from_der(der).map_err(VerifierError::Certificate)?;
        let identities = certificate.names().iter().filter_map(|name| match name {
            GeneralName::Email(text) | GeneralName::Uri(text) => Some(text.clone()),
            other => other.as_text().map(str::to_owned),
        });
        let identities = identities.collect();
        Ok(Self { key: certificate.key().clone(), identities, certificates: vec![der.to_vec()] })
    }

    /// Reads a key, a certificate or a chain in PEM.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, VerifierError> {
        let blocks = pem::parse(text).map_err(VerifierError::Pem)?;
        if let [block] = blocks.as_slice()
            && block.label == "PUBLIC KEY"
        {
            return Self::from_spki(&block.content);
        }
        if blocks.len() > MAX_CERTIFICATES {
            return Err(VerifierError::TooManyCertificates);
        }
        if let Some(other) = blocks.iter().find(|block| block.label != "CERTIFICATE") {
            return Err(VerifierError::Label(other.label.clone()));
        }
        let chain: Vec<Vec<u8>> = blocks.iter().map(|block| block.content.to_vec()).collect();
        let mut read = chain.iter().map(|der| Self::from_certificate(der));
        let mut verifier = read.next().unwrap_or_else(|| Err(VerifierError::Pem(pem::PemError::Empty)))?;
        read.try_for_each(|other| other.map(drop))?;
        verifier.certificates = chain;
        Ok(verifier)
    }

    /// The key or certificates in PEM as the peer writes it.
    pub(crate) fn to_pem(&self) -> Vec<u8> {
        if self.certificates.is_empty() {
            return self.key.to_pem().into_bytes();
        }
        self.certificates.iter().flat_map(|der| pem::encode("CERTIFICATE", der).as_bytes().to_vec()).collect()
    }
}
