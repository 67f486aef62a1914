use ledger::{CheckpointSigner, SignError};
use signing::{KeyKind, PublicKey, Signer};
use tlog::{KeyId, sha256};

/// The key of a log.
pub type Key = dyn Signer + Send + Sync;

/// How a version names its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By its SubjectPublicKeyInfo alone.
    V1,
    /// As C2SP signed notes do; ECDSA keys as in version 1.
    V2,
}

/// The key under the name of its log.
pub(crate) struct NamedKey {
    pub(crate) name: String,
    pub(crate) key: std::sync::Arc<Key>,
    pub(crate) naming: Naming,
}

impl NamedKey {
    pub(crate) fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The whole hash of which the note's key identifier is the start: the log's ID.
    pub(crate) fn log_id(&self) -> [u8; 32] {
        let public = self.public();
        let name = self.name.as_bytes();
        let id = match (self.naming, public.kind()) {
            (Naming::V2, KeyKind::Ed25519) => sha256(&[name, b"\n\x01", public.raw()]),
            (Naming::V2, KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096) => {
                sha256(&[name, b"\n\xffPKIX-RSA-PKCS#1v1.5", public.to_spki()])
            }
            _ => sha256(&[public.to_spki()]),
        };
        id.0
    }
}

impl CheckpointSigner for NamedKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> KeyId {
        let [a, b, c, d, ..] = self.log_id();
        [a, b, c, d]
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(text).map_err(|error| SignError(Box::new(error)))
    }
}
