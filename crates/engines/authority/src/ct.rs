//! The log of certificates (RFC 6962): what it signs, and the entries of its tiles (C2SP static-ct-api).

use crate::keys::{KeyError, SigningKey};
use jiff::Timestamp;
use signing::KeyKind;

/// A precertificate as the log signs and keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 of the issuer's public key.
    pub issuer_key_hash: [u8; 32],
    /// `TBSCertificate` without poison and without SCTs.
    pub tbs: Vec<u8>,
}

impl Entry {
    /// `TimestampedEntry` of a precertificate.
    fn timestamped(&self, timestamp_ms: u64, extensions: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.tbs.len() + extensions.len() + 47);
        out.extend(timestamp_ms.to_be_bytes());
        out.extend(1u16.to_be_bytes());
        out.extend(self.issuer_key_hash);
        out.extend((self.tbs.len() as u32).to_be_bytes().into_iter().skip(1));
        out.extend(&self.tbs);
        out.extend((extensions.len() as u16).to_be_bytes());
        out.extend(extensions);
        out
    }

    /// What a leaf of the tree is the hash of: `MerkleTreeLeaf`.
    #[must_use]
    pub fn leaf(&self, timestamp_ms: u64, extensions: &[u8]) -> Vec<u8> {
        [&[0, 0][..], &self.timestamped(timestamp_ms, extensions)].concat()
    }
}

/// The extension that tells an entry's index in the log (static-ct-api).
#[must_use]
pub fn leaf_index(index: u64) -> Vec<u8> {
    let mut out = vec![0, 0, 5];
    out.extend(index.to_be_bytes().into_iter().skip(3));
    out
}

/// The key of a log of certificates.
#[derive(Debug)]
pub struct CtKey {
    key: SigningKey,
    id: [u8; 32],
}

impl CtKey {
    /// A log's key.
    ///
    /// # Errors
    /// When it is not P-256, the only kind that RFC 6962 has besides RSA.
    pub fn new(key: SigningKey) -> Result<Self, KeyError> {
        if key.kind() != KeyKind::P256 {
            return Err(KeyError::Weak("a log of certificates signs with P-256"));
        }
        let id = key.id();
        Ok(Self { key, id })
    }

    /// The log's identifier.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Signs an entry: a `SignedCertificateTimestamp`, serialized.
    ///
    /// # Errors
    /// When the key can't sign.
    pub fn sct(&self, entry: &Entry, at: Timestamp, extensions: &[u8]) -> Result<Vec<u8>, KeyError> {
        let timestamp_ms = at.as_millisecond().unsigned_abs();
        let signature = self.key.sign(&entry.leaf(timestamp_ms, extensions))?;
        let mut out = Vec::with_capacity(signature.len() + extensions.len() + 47);
        out.push(0);
        out.extend(self.id);
        out.extend(timestamp_ms.to_be_bytes());
        out.extend((extensions.len() as u16).to_be_bytes());
        out.extend(extensions);
        // SHA-256 with ECDSA.
        out.extend([4, 3]);
        out.extend((signature.len() as u16).to_be_bytes());
        out.extend(signature);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PublicKey;

    #[test]
    fn a_timestamp_holds_for_its_entry_alone() {
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let public = PublicKey::from_spki(key.spki()).unwrap();
        let log = CtKey::new(key).unwrap();
        let entry = Entry { issuer_key_hash: [7; 32], tbs: vec![0x30, 0x00] };
        let at = Timestamp::from_millisecond(1_800_000_000_123).unwrap();
        let extensions = leaf_index(0x01_0203_0405);
        assert_eq!(extensions, [0, 0, 5, 1, 2, 3, 4, 5]);
        let sct = log.sct(&entry, at, &extensions).unwrap();
        assert_eq!((sct[0], &sct[1..33]), (0, &log.id()[..]));
        let timestamp_ms = u64::from_be_bytes(sct[33..41].try_into().unwrap());
        assert_eq!(timestamp_ms, 1_800_000_000_123);
        let signature = &sct[41 + 2 + extensions.len() + 4..];
        public.verify(&entry.leaf(timestamp_ms, &extensions), signature).unwrap();
        assert!(public.verify(&entry.leaf(timestamp_ms + 1, &extensions), signature).is_err());
        assert!(public.verify(&entry.leaf(timestamp_ms, &[]), signature).is_err());
        let other = Entry { tbs: vec![0x30, 0x01, 0x00], ..entry };
        assert!(public.verify(&other.leaf(timestamp_ms, &extensions), signature).is_err());
        assert!(CtKey::new(SigningKey::generate(KeyKind::Ed25519).unwrap()).is_err());
    }
}
