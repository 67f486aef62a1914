use crate::{Algorithm, AltName, Extension, KeyError, PublicKey, Subject, extension};
use asn1::{BIT_STRING, BOOLEAN, DerError, INTEGER, Reader, SEQUENCE, read_time};
use jiff::Timestamp;

/// Why bytes are no certificate, request or other message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Its DER is wrong.
    #[error("malformed DER")]
    Der(#[from] DerError),
    /// Longer than is read.
    #[error("longer than is read")]
    TooLong,
}

pub(crate) const MAX_BYTES: usize = 256 * 1024;

/// A certificate that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    extensions: Vec<Extension>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// Where it is no certificate of version 3 or 1.
    pub fn from_der(der: &[u8]) -> Result<Self, ParseError> {
        if der.len() > MAX_BYTES {
            return Err(ParseError::TooLong);
        }
        let mut outer = Reader::only(der, SEQUENCE)?;
        let tbs = outer.element(SEQUENCE)?;
        let algorithm = outer.element(SEQUENCE)?.whole.to_vec();
        let signature = outer.bit_string()?.to_vec();
        outer.end()?;
        let mut fields = Reader::new(tbs.content);
        if fields.peek() == Some(0xa0) {
            fields.any()?;
        }
        let serial = fields.element(INTEGER)?.content.to_vec();
        fields.element(SEQUENCE)?;
        let issuer = fields.element(SEQUENCE)?.whole.to_vec();
        let mut validity = fields.enter(SEQUENCE)?;
        let (not_before, not_after) = (read_time(&validity.any()?)?, read_time(&validity.any()?)?);
        let subject = fields.element(SEQUENCE)?.whole.to_vec();
        let spki = fields.element(SEQUENCE)?.whole.to_vec();
        let mut extensions = Vec::new();
        while !fields.is_empty() {
            let field = fields.any()?;
            if field.tag == 0xa3 {
                extensions = Extension::read_all(Reader::only(field.content, SEQUENCE)?)?;
            }
        }
        let tbs = tbs.whole.to_vec();
        Ok(Self {
            der: der.to_vec(),
            tbs,
            serial,
            issuer,
            subject,
            spki,
            not_before,
            not_after,
            extensions,
            algorithm,
            signature,
        })
    }

    /// As it was read.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What is signed.
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// In PEM, ending in a line break.
    pub fn pem(&self) -> String {
        signing::pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// The serial number's bytes, without a leading zero.
    pub fn serial(&self) -> &[u8] {
        self.serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(&self.serial)
    }

    /// The serial number as the API writes it: `1a:2b`.
    pub fn serial_text(&self) -> String {
        self.serial().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }

    /// The issuer's name in DER.
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The subject's name in DER.
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The subject's name.
    ///
    /// # Errors
    /// Where it is none.
    pub fn subject_name(&self) -> Result<Subject, DerError> {
        Subject::from_der(&self.subject)
    }

    /// DER of the public key.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The public key.
    ///
    /// # Errors
    /// Where it is of a kind that is not known here.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_spki(&self.spki)
    }

    /// From when it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// All extensions.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The value of an extension.
    pub fn extension(&self, id: &str) -> Option<&[u8]> {
        self.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.value.as_slice())
    }

    /// Whether it is an authority's, and how many may be below, where that is said.
    pub fn authority(&self) -> Option<Option<u32>> {
        let mut fields = Reader::only(self.extension(extension::BASIC_CONSTRAINTS)?, SEQUENCE).ok()?;
        if fields.peek() != Some(BOOLEAN) || fields.any().ok()?.content != [0xff] {
            return None;
        }
        if fields.is_empty() {
            return Some(None);
        }
        let length = fields.element(INTEGER).ok()?.content;
        Some(Some(length.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))))
    }

    /// The bits of its key usage, the first being `digitalSignature`; none where nothing is said.
    pub fn key_usage(&self) -> Option<u16> {
        let value = Reader::new(self.extension(extension::KEY_USAGE)?).element(BIT_STRING).ok()?.content;
        let [_, low, rest @ ..] = value else { return None };
        let high = rest.first().map_or(0, |byte| u16::from(byte.reverse_bits()));
        Some(u16::from(low.reverse_bits()) | high << 8)
    }

    /// The identifier of its key, as it says, or as it would be made of the key.
    pub fn key_id(&self) -> Vec<u8> {
        let said = self.extension(extension::SUBJECT_KEY_ID).and_then(|value| {
            Reader::only(value, asn1::OCTET_STRING).ok()?;
            Reader::new(value).any().ok().map(|element| element.content.to_vec())
        });
        said.or_else(|| self.public_key().ok().map(|key| key.identifier())).unwrap_or_default()
    }

    /// Its alternative names.
    ///
    /// # Errors
    /// Where they are malformed.
    pub fn alternative_names(&self) -> Result<Vec<AltName>, DerError> {
        self.extension(extension::ALTERNATIVE_NAMES).map_or(Ok(Vec::new()), AltName::read)
    }

    /// The algorithm of its signature.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::of_identifier(&self.algorithm)
    }

    /// Checks that this certificate was signed with a key.
    ///
    /// # Errors
    /// Where it was not.
    pub fn verify(&self, key: &PublicKey) -> Result<(), KeyError> {
        key.verify(self.algorithm().ok_or(KeyError::Unsupported)?, &self.tbs, &self.signature)
    }
}
