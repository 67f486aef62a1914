//! Signatures as Cosign kept them before version 3, verified as bundles are.

use crate::pem::{self, PemError};
use crate::policy::Policy;
use crate::trust::Trust;
use crate::verify::{Artifact, Verified, VerifyError, verify};
use crate::x509::Certificate;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::legacy::{LocalSignedPayload, RekorBundle, Rfc3161Timestamp, SimpleSigning};
use bundle::{Bundle, Content, Envelope, KeyMaterial, Material, MediaType, MessageSignature, ParseError};
use jiff::Timestamp;
use thiserror::Error;

/// The annotation of the signature.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// The annotation of the certificate.
pub const CERTIFICATE_ANNOTATION: &str = "dev.sigstore.cosign/certificate";
/// The annotation of the certificates above it.
pub const CHAIN_ANNOTATION: &str = "dev.sigstore.cosign/chain";
/// The annotation of the log's entry.
pub const BUNDLE_ANNOTATION: &str = "dev.sigstore.cosign/bundle";
/// The annotation of the timestamp.
pub const TIMESTAMP_ANNOTATION: &str = "dev.sigstore.cosign/rfc3161timestamp";

const MAX_CHAIN: usize = 16;

/// What is kept beside what was signed.
#[derive(Debug, Clone, Default)]
pub struct LegacySignature {
    /// The signature; none for an attestation, whose envelope has it.
    signature: Vec<u8>,
    certificate: Option<Vec<u8>>,
    chain: Vec<Vec<u8>>,
    entry: Option<bundle::TlogEntry>,
    timestamp: Option<Vec<u8>>,
}

/// Why such a signature isn't accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// The signature isn't base64.
    #[error("the signature isn't base64")]
    Signature,
    /// The certificate isn't PEM.
    #[error("the certificate or its chain isn't PEM")]
    Pem(#[from] PemError),
    /// What is given as a certificate isn't one.
    #[error("instead of a certificate there is {0:?}")]
    NotCertificate(String),
    /// More certificates than are read.
    #[error("the certificate chain is too long")]
    LongChain,
    /// What is beside the signature, or what was signed, can't be read.
    #[error("what belongs to the signature can't be read")]
    Parse(#[from] ParseError),
    /// The payload is of another image.
    #[error("the signature is of the image {found}, not of {expected}")]
    Image {
        /// The image that was signed.
        found: String,
        /// The image that was to be verified.
        expected: String,
    },
    /// It doesn't hold.
    #[error("the signature isn't accepted")]
    Verify(#[from] VerifyError),
}

impl LegacySignature {
    /// Reads the annotations of a layer: those of a signature, or of an attestation, whose signature is empty.
    pub fn from_annotations<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Result<LegacySignature, LegacyError> {
        let given = |name: &str| annotation(name).filter(|text| !text.trim().is_empty());
        let signature = given(SIGNATURE_ANNOTATION).unwrap_or_default();
        let entry = given(BUNDLE_ANNOTATION).map(|json| RekorBundle::parse(json.as_bytes())?.to_entry());
        let timestamp = given(TIMESTAMP_ANNOTATION).map(|json| Rfc3161Timestamp::parse(json.as_bytes()));
        Ok(LegacySignature {
            signature: STANDARD.decode(signature.trim()).map_err(|_| LegacyError::Signature)?,
            certificate: given(CERTIFICATE_ANNOTATION).map(|text| one_certificate(text.as_bytes())).transpose()?,
            chain: given(CHAIN_ANNOTATION).map(|text| chain(text.as_bytes())).transpose()?.unwrap_or_default(),
            entry: entry.transpose()?,
            timestamp: timestamp.transpose()?.map(|timestamp| timestamp.response),
        })
    }

    /// Takes what `sign-blob --bundle` wrote. What is given as its certificate must be one: were it a key, whoever made
    /// the file would choose whom to trust (GHSA-fx35-mq7g-6g98).
    pub fn from_local(local: &LocalSignedPayload) -> Result<LegacySignature, LegacyError> {
        let certificate = local.certificate_pem().map(|pem| one_certificate(&pem)).transpose()?;
        let entry = local.rekor_bundle.as_ref().map(RekorBundle::to_entry).transpose()?;
        let signature = local.signature.clone();
        Ok(LegacySignature { signature, certificate, entry, ..LegacySignature::default() })
    }

    /// A signature alone, with the certificate that the caller has, in PEM.
    pub fn detached(signature: Vec<u8>, certificate_pem: Option<&[u8]>) -> Result<LegacySignature, LegacyError> {
        let certificate = certificate_pem.map(one_certificate).transpose()?;
        Ok(LegacySignature { signature, certificate, ..LegacySignature::default() })
    }

    /// Adds certificates that lead to the authority, in PEM.
    pub fn with_chain(mut self, pem: &[u8]) -> Result<LegacySignature, LegacyError> {
        self.chain = chain(pem)?;
        Ok(self)
    }

    /// Adds a timestamp, an RFC 3161 response in DER.
    #[must_use]
    pub fn with_timestamp(mut self, response: Vec<u8>) -> LegacySignature {
        self.timestamp = Some(response);
        self
    }

    /// As a bundle of version 0.1 over an artifact's bytes.
    pub fn to_message_bundle(&self) -> Bundle {
        let message = MessageSignature { message_digest: None, signature: self.signature.clone() };
        self.to_bundle(Content::Message(message))
    }

    /// As a bundle of version 0.1 of an attestation's envelope.
    pub fn to_envelope_bundle(&self, envelope: Envelope) -> Bundle {
        self.to_bundle(Content::Envelope(envelope))
    }

    fn to_bundle(&self, content: Content) -> Bundle {
        let key = match &self.certificate {
            // Roots among them are left out: which are trusted is for the verifier to know.
            Some(leaf) => KeyMaterial::Chain([leaf].into_iter().chain(&self.chain).cloned().collect()),
            None => KeyMaterial::PublicKey { hint: String::new() },
        };
        let tlog_entries = self.entry.iter().cloned().collect();
        let timestamps = self.timestamp.iter().cloned().collect();
        Bundle { media_type: MediaType::V01, material: Material { key, tlog_entries, timestamps }, content }
    }
}

/// Verifies the signature of an image: over its payload, that must name the image's digest, `sha256:` and hexadecimal.
pub fn verify_image(
    signature: &LegacySignature,
    payload: &[u8],
    image_digest: &str,
    trust: &Trust,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Verified, SimpleSigning), LegacyError> {
    let verified = verify(&signature.to_message_bundle(), &Artifact::Bytes(payload), trust, policy, now)?;
    let payload = SimpleSigning::parse(payload)?;
    if payload.digest() != image_digest {
        let found = payload.digest().to_owned();
        return Err(LegacyError::Image { found, expected: image_digest.to_owned() });
    }
    Ok((verified, payload))
}

fn one_certificate(bytes: &[u8]) -> Result<Vec<u8>, LegacyError> {
    let blocks = pem::parse(bytes)?;
    match blocks.first() {
        Some(block) if block.label == "CERTIFICATE" => Ok(block.content.to_vec()),
        Some(block) => Err(LegacyError::NotCertificate(block.label.clone())),
        None => Err(PemError::Empty.into()),
    }
}

fn chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>, LegacyError> {
    let mut found = pem::certificates(bytes)?;
    if found.len() > MAX_CHAIN {
        return Err(LegacyError::LongChain);
    }
    found.retain(|der| Certificate::from_der(der).is_ok_and(|certificate| !certificate.is_self_issued()));
    Ok(found)
}
