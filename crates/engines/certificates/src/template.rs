use crate::{Algorithm, Extension, KeyError, PrivateKey};
use asn1::{bit_string, integer, sequence, time, tlv};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use jiff::Timestamp;

/// What a certificate is to say.
#[derive(Debug, Clone)]
pub struct Template {
    /// The serial number's bytes.
    pub serial: Vec<u8>,
    /// The subject's name in DER.
    pub subject: Vec<u8>,
    /// The public key in DER.
    pub spki: Vec<u8>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

impl Template {
    /// A serial number: 20 bytes, positive.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn random_serial() -> Result<Vec<u8>, KeyError> {
        let mut bytes = [0u8; 20];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Crypto)?;
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Ok(bytes.to_vec())
    }

    /// Signs it in the name of an issuer, and gives DER.
    ///
    /// # Errors
    /// Where the key has no such algorithm, or an extension no identifier.
    pub fn sign(&self, issuer: &[u8], key: &PrivateKey, algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
        let extensions = encode(&self.extensions)?;
        let extensions = if extensions.is_empty() { extensions } else { tlv(0xa3, &sequence(&[&extensions])) };
        let validity = sequence(&[&time(self.not_before), &time(self.not_after)]);
        let tbs = sequence(&[
            b"\xa0\x03\x02\x01\x02",
            &integer(&self.serial),
            &algorithm.identifier(),
            issuer,
            &validity,
            &self.subject,
            &self.spki,
            &extensions,
        ]);
        signed(&tbs, key, algorithm)
    }
}

/// The extensions one after another.
pub(crate) fn encode(extensions: &[Extension]) -> Result<Vec<u8>, KeyError> {
    let all: Result<Vec<_>, _> = extensions.iter().map(Extension::to_der).collect();
    Ok(all.map_err(|_| KeyError::Invalid)?.concat())
}

/// Something to be signed with its signature: the form of certificates, requests and lists.
pub(crate) fn signed(tbs: &[u8], key: &PrivateKey, algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
    Ok(sequence(&[tbs, &algorithm.identifier(), &bit_string(&key.sign(algorithm, tbs)?)]))
}
