//! Why a bundle isn't accepted.

use crate::der::DerError;
use crate::identity::Identity;
use crate::log_entry::LogError;
use crate::public_key::SignatureError;
use crate::timestamp::TimestampError;
use crate::x509::{CertificateError, ChainError};
use bundle::{HashAlgorithm, ParseError};
use jiff::Timestamp;
use thiserror::Error;

/// Why a bundle isn't accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The policy has no key.
    #[error("no key to verify with")]
    NoKey,
    /// Signed by a key, where an identity is asked for.
    #[error("signed by a key, where a certificate is asked for")]
    KeyNotCertificate,
    /// Signed by an identity, where a key is asked for.
    #[error("signed by a certificate, where a key is asked for")]
    CertificateNotKey,
    /// A chain without a certificate.
    #[error("the certificate chain is empty")]
    NoCertificate,
    /// A root in the chain that comes with the signature.
    #[error("the certificate chain has a self-signed certificate in it")]
    RootInChain,
    /// Something else than an authority above the signer's certificate.
    #[error("the certificate chain has a certificate above the first that isn't an authority's")]
    NoAuthorityInChain,
    /// A certificate can't be read.
    #[error("a certificate of the bundle can't be read")]
    Certificate(#[from] CertificateError),
    /// An envelope with none or several signatures.
    #[error("the envelope has {0} signatures instead of one")]
    SignatureCount(usize),
    /// The signature is wrong.
    #[error("the signature can't be verified")]
    Signature(#[source] SignatureError),
    /// The digest in the bundle is another than the artifact's.
    #[error("the bundle's digest isn't that of the artifact")]
    Digest,
    /// A digest is asked for, that the caller doesn't have.
    #[error("the artifact's {0} digest is needed")]
    NeedsDigest(HashAlgorithm),
    /// The signature is over the artifact, which isn't given.
    #[error("the signature is over the artifact, which isn't given")]
    NeedsArtifact,
    /// The envelope holds no statement.
    #[error("the envelope's payload is {0:?} and not a statement about artifacts")]
    PayloadType(String),
    /// The statement can't be read.
    #[error("the envelope's statement can't be read")]
    Statement(#[source] ParseError),
    /// The statement is about something else.
    #[error("the statement isn't about the artifact")]
    Subject,
    /// No log that is trusted has it.
    #[error("no transparency log that is trusted has the signature")]
    NotLogged,
    /// An entry of a log is wrong.
    #[error("the transparency log's entry isn't accepted")]
    Log(#[from] LogError),
    /// A timestamp is wrong.
    #[error("the timestamp isn't accepted")]
    Timestamp(#[from] TimestampError),
    /// A timestamp is asked for.
    #[error("no timestamp by an authority that is trusted")]
    NoTimestamp,
    /// Nobody vouches for a time.
    #[error("nobody vouches for the time of signing, that the certificate needs")]
    NoTime,
    /// A time ahead of the clock.
    #[error("the signature was made at {0}, which is ahead of the clock")]
    FutureTime(Timestamp),
    /// The certificate isn't trusted.
    #[error("the certificate isn't accepted")]
    Chain(#[source] ChainError),
    /// The list of SCTs is broken.
    #[error("the certificate's list of SCTs can't be read")]
    SctList(#[source] DerError),
    /// There is no SCT.
    #[error("the certificate has no SCT")]
    NoSct,
    /// No SCT holds.
    #[error("no SCT of the certificate is a valid promise of a certificate log that is trusted")]
    Sct,
    /// Somebody else signed.
    #[error("signed by {:?}, issued by {:?}, whom the policy doesn't accept", .0.subjects, .0.issuer)]
    Identity(Box<Identity>),
}

impl VerifyError {
    /// How far the verification came: of several trusted roots, the error of the one that came the furthest is told.
    pub(super) fn depth(&self) -> u8 {
        match self {
            VerifyError::NotLogged => 0,
            VerifyError::Log(_) => 1,
            VerifyError::Timestamp(_) | VerifyError::NoTimestamp => 2,
            VerifyError::NoTime | VerifyError::FutureTime(_) => 3,
            VerifyError::Chain(ChainError::UnknownIssuer) => 4,
            VerifyError::Chain(_) => 5,
            VerifyError::SctList(_) | VerifyError::NoSct | VerifyError::Sct => 6,
            _ => 7,
        }
    }
}
