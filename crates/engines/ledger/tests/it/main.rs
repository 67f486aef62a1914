//! A log on the model of a space.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

mod log;
mod watching;

use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ledger::{CheckpointSigner, Entry, SignError, Term, TermKind, Writer};
use space::Space;
use tlog::{KeyId, SignedCheckpoint, cosignature_key_id, ed25519_key_id};

pub(crate) const PREFIX: &[u8] = b"v2/";

pub(crate) struct Key {
    name: &'static str,
    pair: Ed25519KeyPair,
    witness: bool,
}

impl Key {
    pub(crate) fn new(name: &'static str, witness: bool) -> Arc<Self> {
        let seed = [name.len() as u8; 32];
        Arc::new(Self { name, pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap(), witness })
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap()
    }
}

impl CheckpointSigner for Key {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> KeyId {
        let public = self.public();
        if self.witness { cosignature_key_id(self.name, &public) } else { ed25519_key_id(self.name, &public) }
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.pair.sign(text).as_ref().to_vec())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the signature is bad")]
pub(crate) struct BadSignature;

pub(crate) fn check(message: &[u8], signature: &[u8], key: &Key) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ED25519, key.public()).verify(message, signature).map_err(|_| BadSignature)
}

pub(crate) fn entry(number: u64) -> Entry {
    let body = format!("entry {number} {}", "x".repeat((number % 90) as usize));
    let identity = format!("user{}@example.com", number % 5);
    Entry::new(body.into_bytes(), vec![Term::new(TermKind::Identity, &identity)]).unwrap()
}

pub(crate) async fn open(space: &Arc<dyn Space>, key: &Arc<Key>) -> Writer {
    Writer::open(Arc::clone(space), PREFIX, "log.example", key.clone()).await.unwrap()
}

pub(crate) fn parse(checkpoint: &str, key: &Key) -> SignedCheckpoint {
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).unwrap();
    signed.note.verify(key.name, key.key_id(), |message, signature| check(message, signature, key)).unwrap();
    signed
}
