//! X.509 certificates, RFC 5280, as far as Sigstore uses them. `extensions` reads what they hold, `chain` verifies paths.

mod chain;
mod constraints;
mod extensions;
#[cfg(test)]
pub(crate) mod testing;
mod time;

pub use chain::ChainError;
pub(crate) use chain::{Authority, Issued, Purpose};
pub use extensions::GeneralName;
pub(crate) use extensions::{Extensions, SCT_LIST, read_extension};
pub(crate) use time::read_time;

use crate::algorithm::SignatureAlgorithm;
use crate::der::{self, DerError, INTEGER, SEQUENCE};
use crate::public_key::{KeyError, PublicKey, SignatureError};
use jiff::Timestamp;
use std::ops::Range;
use thiserror::Error;

const MAX_CERTIFICATE_BYTES: usize = 64 << 10;

/// A certificate that was read, not yet trusted.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Range<usize>,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    pub(crate) extensions: Extensions,
}

/// Why a certificate can't be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Too large.
    #[error("a certificate of {0} bytes")]
    TooLarge(usize),
    /// Not the DER of a certificate.
    #[error("the certificate isn't valid DER")]
    Der(#[from] DerError),
    /// Its key can't be used.
    #[error("the certificate's key can't be used")]
    Key(#[from] KeyError),
}

impl Certificate {
    /// Reads a certificate of version 3.
    pub fn from_der(bytes: &[u8]) -> Result<Certificate, CertificateError> {
        if bytes.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge(bytes.len()));
        }
        let mut outer = der::whole(bytes, SEQUENCE)?;
        let tbs_element = outer.expect(SEQUENCE)?;
        let outer_algorithm = outer.expect(SEQUENCE)?;
        let signature = outer.bit_string()?.to_vec();
        outer.end()?;
        // It follows the outer header directly.
        let start = bytes.len() - outer_length(bytes)?;
        let tbs_range = start..start + tbs_element.all.len();

        let mut tbs = der::Reader::new(tbs_element.content);
        let mut version = tbs.inside(0xa0)?;
        if version.expect(INTEGER)?.content != [2] {
            return Err(DerError("a certificate of another version than 3").into());
        }
        version.end()?;
        let serial = tbs.expect(INTEGER)?.content.to_vec();
        let inner_algorithm = tbs.expect(SEQUENCE)?;
        if inner_algorithm.all != outer_algorithm.all {
            return Err(DerError("two different signature algorithms").into());
        }
        let issuer = tbs.expect(SEQUENCE)?.all.to_vec();
        let mut validity = tbs.inside(SEQUENCE)?;
        let not_before = read_time(validity.any()?)?;
        let not_after = read_time(validity.any()?)?;
        validity.end()?;
        let subject = tbs.expect(SEQUENCE)?.all.to_vec();
        let key = PublicKey::from_spki(tbs.expect(SEQUENCE)?.all)?;
        // Unique identifiers, of which nobody makes use.
        tbs.optional(0x81)?;
        tbs.optional(0x82)?;
        let extensions = match tbs.optional(0xa3)? {
            Some(element) => Extensions::read(element.content)?,
            None => Extensions::default(),
        };
        tbs.end()?;
        let algorithm = SignatureAlgorithm::read(der::Reader::new(outer_algorithm.content), None)?;
        Ok(Certificate {
            der: bytes.to_vec(),
            tbs: tbs_range,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            algorithm,
            signature,
            extensions,
        })
    }

    /// Its DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Its key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second in which it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Its subject alternative names.
    pub fn names(&self) -> &[GeneralName] {
        &self.extensions.names
    }

    /// Fulcio's extension `1.3.6.1.4.1.57264.1.<number>` as text.
    pub fn fulcio_extension(&self, number: u8) -> Option<&str> {
        self.extensions.fulcio.iter().find(|(found, _)| *found == number).map(|(_, text)| text.as_str())
    }

    /// All of Fulcio's extensions by their numbers.
    pub fn fulcio_extensions(&self) -> &[(u8, String)] {
        &self.extensions.fulcio
    }

    /// Whether it may issue certificates.
    pub fn is_ca(&self) -> bool {
        self.extensions.is_ca
    }

    /// Checks that an authority's name constraints let it give a certificate its names (RFC 5280, section 4.2.1.10).
    pub fn check_names_of(&self, leaf: &Certificate) -> Result<(), ChainError> {
        match &self.extensions.constraints {
            Some(constraints) if !constraints.allow(leaf.names()) => Err(ChainError::NameConstraints),
            _ => Ok(()),
        }
    }

    /// What was signed.
    pub(crate) fn tbs(&self) -> &[u8] {
        self.der.get(self.tbs.clone()).unwrap_or_default()
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    pub(crate) fn is_valid_at(&self, time: Timestamp) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    /// Checks that the key signed it.
    pub(crate) fn verify_signature(&self, key: &PublicKey) -> Result<(), SignatureError> {
        self.algorithm.verify(key, self.tbs(), &self.signature)
    }
}

/// The length of what is in the outermost element.
fn outer_length(bytes: &[u8]) -> Result<usize, DerError> {
    Ok(der::Reader::new(bytes).any()?.content.len())
}
