//! Signatures by several of many keys.

use super::{Artifact, Verified, VerifyError, verify};
use crate::policy::{Policy, SignerPolicy};
use crate::public_key::PublicKey;
use crate::trust::Trust;
use bundle::Bundle;
use jiff::Timestamp;
use thiserror::Error;

/// Why too few keys signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// A quorum of none, or of more keys than there are.
    #[error("{needed} of {distinct} different keys can't be asked for")]
    Threshold {
        /// How many are asked for.
        needed: usize,
        /// How many different keys there are.
        distinct: usize,
    },
    /// Fewer keys signed than needed.
    #[error("{found} of the {needed} keys needed have signed")]
    TooFew {
        /// How many signed.
        found: usize,
        /// How many are needed.
        needed: usize,
        /// Why the last bundle that didn't count wasn't accepted.
        #[source]
        last: Option<Box<VerifyError>>,
    },
}

/// Verifies that `needed` different keys of `keys` signed the artifact. A key counts once, however often it is listed and
/// whatever number of signatures it made. What else must be proven is in `policy`, whose signer isn't looked at.
pub fn verify_quorum(
    bundles: &[Bundle],
    artifact: &Artifact<'_>,
    trust: &Trust,
    keys: &[PublicKey],
    needed: usize,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Verified>, QuorumError> {
    let mut distinct: Vec<&PublicKey> = Vec::new();
    for key in keys {
        if !distinct.contains(&key) {
            distinct.push(key);
        }
    }
    if needed == 0 || needed > distinct.len() {
        return Err(QuorumError::Threshold { needed, distinct: distinct.len() });
    }
    let mut last = None;
    let mut found = Vec::new();
    for key in distinct {
        let policy = Policy { signer: SignerPolicy::Keys(vec![key.clone()]), ..policy.clone() };
        for bundle in bundles {
            match verify(bundle, artifact, trust, &policy, now) {
                Ok(verified) => {
                    found.push(verified);
                    break;
                }
                Err(error) => last = Some(Box::new(error)),
            }
        }
    }
    if found.len() < needed { Err(QuorumError::TooFew { found: found.len(), needed, last }) } else { Ok(found) }
}
