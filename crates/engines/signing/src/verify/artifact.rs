//! What a signature must be of.

use super::VerifyError;
use crate::log_entry::Digests;
use crate::public_key::{KeyKind, PublicKey, SignatureError, algorithm};
use aws_lc_rs::digest;
use bundle::{HashAlgorithm, Statement};
use std::sync::OnceLock;

/// What a signature must be of.
#[derive(Debug, Clone)]
pub enum Artifact<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What has all of these digests.
    Digests(Vec<(HashAlgorithm, Vec<u8>)>),
    /// Whatever an envelope says; the caller looks at its statement. Not for signatures over the artifact's bytes.
    Unchecked,
}

impl Artifact<'_> {
    /// What has this SHA-256 digest.
    pub fn sha256(digest: [u8; 32]) -> Artifact<'static> {
        Artifact::Digests(vec![(HashAlgorithm::Sha256, digest.to_vec())])
    }
}

/// An artifact with its digests, each made once.
#[derive(Debug)]
pub(super) struct Hashed<'a> {
    artifact: &'a Artifact<'a>,
    made: [OnceLock<Vec<u8>>; 3],
}

impl<'a> Hashed<'a> {
    pub(super) fn new(artifact: &'a Artifact<'a>) -> Hashed<'a> {
        Hashed { artifact, made: Default::default() }
    }

    pub(super) fn is_unchecked(&self) -> bool {
        matches!(self.artifact, Artifact::Unchecked)
    }

    /// Checks a digest that a bundle claims for the artifact.
    pub(super) fn check(&self, hash: HashAlgorithm, claimed: &[u8]) -> Result<(), VerifyError> {
        match self.digest(hash) {
            Some(digest) if digest == claimed => Ok(()),
            Some(_) => Err(VerifyError::Digest),
            None => Err(VerifyError::NeedsDigest(hash)),
        }
    }

    /// Checks that a statement is about the artifact.
    pub(super) fn check_subjects(&self, statement: &Statement) -> Result<(), VerifyError> {
        let is_subject = |hash: HashAlgorithm| {
            let hex = |digest: Vec<u8>| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            self.digest(hash).is_some_and(|digest| statement.has_subject(hash.plain_name(), &hex(digest)))
        };
        let hashes = [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
        let named = |hash: &HashAlgorithm| {
            statement.subject.iter().any(|subject| subject.digest.contains_key(hash.plain_name()))
        };
        if hashes.iter().filter(|hash| named(hash)).any(|hash| is_subject(*hash)) {
            Ok(())
        } else {
            Err(VerifyError::Subject)
        }
    }

    /// Verifies a signature over the artifact.
    pub(super) fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), VerifyError> {
        let outcome = match self.artifact {
            Artifact::Bytes(bytes) => key.verify(bytes, signature),
            Artifact::Unchecked => return Err(VerifyError::NeedsArtifact),
            Artifact::Digests(_) if key.kind() == KeyKind::Ed25519 => Err(SignatureError::NeedsMessage),
            Artifact::Digests(digests) => {
                let own = key.kind().hash();
                let mut usable = digests.iter().filter(|(hash, _)| *hash == own || *hash == HashAlgorithm::Sha256);
                let mut outcome = Err(VerifyError::NeedsDigest(own));
                while let (true, Some((hash, digest))) = (outcome.is_err(), usable.next()) {
                    outcome = key.verify_digest(*hash, digest, signature).map_err(VerifyError::Signature);
                }
                return outcome;
            }
        };
        outcome.map_err(VerifyError::Signature)
    }
}

impl Digests for Hashed<'_> {
    fn digest(&self, hash: HashAlgorithm) -> Option<Vec<u8>> {
        match self.artifact {
            Artifact::Bytes(bytes) => {
                let [sha256, sha384, sha512] = &self.made;
                let slot = match hash {
                    HashAlgorithm::Sha256 => sha256,
                    HashAlgorithm::Sha384 => sha384,
                    HashAlgorithm::Sha512 => sha512,
                };
                Some(slot.get_or_init(|| digest::digest(algorithm(hash), bytes).as_ref().to_vec()).clone())
            }
            Artifact::Digests(digests) => {
                digests.iter().find(|(found, _)| *found == hash).map(|(_, digest)| digest.clone())
            }
            Artifact::Unchecked => None,
        }
    }
}
