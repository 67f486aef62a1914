use crate::template::{encode, signed};
use crate::{Algorithm, Extension, KeyError, PrivateKey, extension};
use asn1::{ENUMERATED, INTEGER, OCTET_STRING, integer, oid, sequence, time, tlv};
use jiff::Timestamp;

/// A certificate that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number's bytes.
    pub serial: Vec<u8>,
    /// Since when.
    pub at: Timestamp,
    /// Why (RFC 5280, 5.3.1); zero is not said.
    pub reason: u8,
}

/// What a revocation list is to say.
#[derive(Debug, Clone)]
pub struct RevocationList {
    /// Its number.
    pub number: u64,
    /// For a delta, the number of the list that it adds to.
    pub base: Option<u64>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next will be there.
    pub next_update: Timestamp,
    /// Who is in it.
    pub revoked: Vec<Revoked>,
    /// Where deltas to it are.
    pub freshest: Vec<String>,
}

impl RevocationList {
    /// Signs it in the name of an issuer with its key identifier, and gives DER.
    ///
    /// # Errors
    /// Where the key has no such algorithm.
    pub fn sign(&self, issuer: &[u8], key_id: &[u8], key: &PrivateKey, how: Algorithm) -> Result<Vec<u8>, KeyError> {
        let mut entries = Vec::new();
        for revoked in &self.revoked {
            let reason = if revoked.reason == 0 {
                Vec::new()
            } else {
                let value = tlv(OCTET_STRING, &[ENUMERATED, 1, revoked.reason]);
                sequence(&[&sequence(&[&oid(&[2, 5, 29, 21]), &value])])
            };
            entries.extend(sequence(&[&integer(&revoked.serial), &time(revoked.at), &reason]));
        }
        let entries = if entries.is_empty() { entries } else { sequence(&[&entries]) };
        let number = |id: &str, critical, number: u64| Extension {
            id: id.to_owned(),
            critical,
            value: integer(&number.to_be_bytes()),
        };
        let mut extensions =
            vec![extension::authority_key_id(key_id), number(extension::CRL_NUMBER, false, self.number)];
        extensions.extend(self.base.map(|base| number(extension::DELTA_CRL, true, base)));
        if !self.freshest.is_empty() {
            extensions.push(extension::distribution_points(extension::FRESHEST, &self.freshest));
        }
        let extensions = tlv(0xa0, &sequence(&[&encode(&extensions)?]));
        let (this, next) = (time(self.this_update), time(self.next_update));
        let version = [INTEGER, 1, 1];
        let tbs = sequence(&[&version, &how.identifier(), issuer, &this, &next, &entries, &extensions]);
        signed(&tbs, key, how)
    }
}
