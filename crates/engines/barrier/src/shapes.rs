use crate::lifecycle::InitKeys;
use crate::sealing::Seal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::{Error, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The body of `sys/init`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct InitRequest {
    pub secret_shares: i64,
    pub secret_threshold: i64,
    pub pgp_keys: Option<Vec<String>>,
    pub recovery_shares: i64,
    pub recovery_threshold: i64,
    pub recovery_pgp_keys: Option<Vec<String>>,
    pub root_token_pgp_key: String,
}

impl InitRequest {
    pub(crate) fn check(&self, seal: &Seal) -> Result<(), Error> {
        let pgp = |keys: &Option<Vec<String>>| keys.as_ref().is_some_and(|keys| !keys.is_empty());
        let barrier = [
            ("secret_shares", self.secret_shares != 0),
            ("secret_threshold", self.secret_threshold != 0),
            ("pgp_keys", pgp(&self.pgp_keys)),
        ];
        let recovery = [
            ("recovery_shares", self.recovery_shares != 0),
            ("recovery_threshold", self.recovery_threshold != 0),
            ("recovery_pgp_keys", pgp(&self.recovery_pgp_keys)),
        ];
        let unfit = if seal.has_recovery_keys() { &barrier } else { &recovery };
        let unfit: Vec<&str> = unfit.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        if !unfit.is_empty() {
            let names = unfit.join(",");
            return Err(Error::invalid(format!("parameters {names} not applicable to seal type {}", seal.kind())));
        }
        if pgp(&self.pgp_keys) || pgp(&self.recovery_pgp_keys) || !self.root_token_pgp_key.is_empty() {
            return Err(no_pgp());
        }
        Ok(())
    }
}

/// What is refused clearly.
pub(crate) fn no_pgp() -> Error {
    Error::invalid("PGP keys are not supported: keys and tokens are not encrypted to them")
}

/// The answer of `sys/init`. Wiped when dropped.
#[derive(Serialize)]
pub struct InitResponse {
    #[serde(flatten)]
    shares: EncodedKeys,
    #[serde(flatten)]
    recovery: Option<EncodedRecoveryKeys>,
    root_token: String,
}

/// Keys in hexadecimal and base64. Wiped when dropped.
#[derive(Serialize, Default)]
pub struct EncodedKeys {
    /// In hexadecimal.
    pub keys: Vec<String>,
    /// In base64.
    pub keys_base64: Vec<String>,
}

#[derive(Serialize)]
struct EncodedRecoveryKeys {
    recovery_keys: Vec<String>,
    recovery_keys_base64: Vec<String>,
}

impl EncodedKeys {
    /// Of these keys.
    pub fn new(keys: &[Secret]) -> Self {
        Self {
            keys: keys.iter().map(|key| encode_hex(key)).collect(),
            keys_base64: keys.iter().map(|key| STANDARD.encode(key)).collect(),
        }
    }
}

impl InitResponse {
    /// Of these keys, with the root token that the caller made.
    pub fn new(keys: &InitKeys, root_token: String) -> Self {
        let recovery = Some(&keys.recovery_shares).filter(|shares| !shares.is_empty()).map(|shares| {
            let mut encoded = EncodedKeys::new(shares);
            EncodedRecoveryKeys {
                recovery_keys: std::mem::take(&mut encoded.keys),
                recovery_keys_base64: std::mem::take(&mut encoded.keys_base64),
            }
        });
        Self { shares: EncodedKeys::new(&keys.shares), recovery, root_token }
    }
}

impl Drop for EncodedKeys {
    fn drop(&mut self) {
        self.keys.zeroize();
        self.keys_base64.zeroize();
    }
}

impl Drop for EncodedRecoveryKeys {
    fn drop(&mut self) {
        self.recovery_keys.zeroize();
        self.recovery_keys_base64.zeroize();
    }
}

impl Drop for InitResponse {
    fn drop(&mut self) {
        self.root_token.zeroize();
    }
}

fn encode_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    text
}

/// `sys/seal-status`, without what the server adds of itself (version, cluster, storage).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct SealStatus {
    #[serde(rename = "type")]
    pub kind: String,
    pub initialized: bool,
    pub sealed: bool,
    pub t: u16,
    pub n: u16,
    pub progress: usize,
    pub nonce: String,
    pub migration: bool,
    pub recovery_seal: bool,
    pub recovery_seal_type: &'static str,
}

/// Which key a rekey replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The root key, and the key of the unseal keys: `sys/rekey`.
    Root,
    /// The key of the recovery keys: `sys/rekey-recovery-key`.
    Recovery,
}

/// The body of `sys/rekey/init`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct RekeyRequest {
    pub secret_shares: i64,
    pub secret_threshold: i64,
    pub pgp_keys: Option<Vec<String>>,
    pub backup: bool,
    pub require_verification: bool,
}

/// `sys/rekey/init`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct RekeyStatus {
    pub nonce: String,
    pub started: bool,
    pub t: u16,
    pub n: u16,
    pub progress: usize,
    pub required: u16,
    pub pgp_fingerprints: Option<Vec<String>>,
    pub backup: bool,
    pub verification_required: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verification_nonce: String,
}

/// The answer of `sys/rekey/update`.
#[derive(Serialize)]
#[serde(untagged)]
pub enum RekeyUpdate {
    /// More shares are needed.
    Progress(RekeyStatus),
    /// The new keys.
    Complete(RekeyComplete),
}

/// The new keys of a rekey. Wiped when dropped.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct RekeyComplete {
    pub nonce: String,
    pub complete: bool,
    #[serde(flatten)]
    pub keys: EncodedKeys,
    pub pgp_fingerprints: Option<Vec<String>>,
    pub backup: bool,
    pub verification_required: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verification_nonce: String,
}

/// `sys/rekey/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct RekeyVerificationStatus {
    pub started: bool,
    pub nonce: String,
    pub t: u16,
    pub n: u16,
    pub progress: usize,
}

/// The answer of a write to `sys/rekey/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RekeyVerification {
    /// More shares are needed.
    Progress(RekeyVerificationStatus),
    /// The new keys are in place.
    Complete {
        /// Of the verification.
        nonce: String,
        /// True.
        complete: bool,
    },
}

/// `sys/generate-root/attempt` and `update`. The encoded token is of no use without the one-time password.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the peer's API")]
pub struct GenerateRootStatus {
    pub nonce: String,
    pub started: bool,
    pub progress: usize,
    pub required: u16,
    pub complete: bool,
    pub encoded_token: String,
    pub encoded_root_token: String,
    pub pgp_fingerprint: String,
    pub otp: String,
    pub otp_length: usize,
}
