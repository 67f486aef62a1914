use crate::aead::derive;
use crate::failure::Failure;
use crate::kind::Kind;
use crate::number::{Bytes, Number};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

pub(crate) const SOFT_DELETED: &str = "refusing to use soft-deleted key";

/// Version 3 of the peer's convergent encryption, the only one that is still done: the nonce is the HMAC of the plaintext
/// with the second half of the derived key.
const CONVERGENT_VERSION: i64 = 3;

/// A named key with all its versions, as the peer's backup has it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) key_size: usize,
    pub(crate) keys: BTreeMap<u64, Entry>,
    pub(crate) derived: bool,
    kdf: u32,
    pub(crate) convergent_encryption: bool,
    pub(crate) exportable: bool,
    pub(crate) min_decryption_version: u64,
    pub(crate) min_encryption_version: u64,
    pub(crate) latest_version: u64,
    #[serde(default)]
    pub(crate) archive_version: u64,
    #[serde(default)]
    pub(crate) archive_min_version: u64,
    #[serde(default)]
    pub(crate) min_available_version: u64,
    pub(crate) deletion_allowed: bool,
    pub(crate) convergent_version: i64,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) backup_info: Option<Mark>,
    pub(crate) restore_info: Option<Mark>,
    pub(crate) allow_plaintext_backup: bool,
    #[serde(default)]
    version_template: String,
    #[serde(default)]
    storage_prefix: String,
    /// Nanoseconds, as Go counts.
    #[serde(default)]
    auto_rotate_period: i64,
    #[serde(default, rename = "Imported")]
    pub(crate) imported: bool,
    #[serde(default, rename = "AllowImportedKeyRotation")]
    pub(crate) allow_imported_key_rotation: bool,
    #[serde(default)]
    pub(crate) soft_deleted: bool,
}

/// When a backup was taken or restored, and of which newest version.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) time: Timestamp,
    pub(crate) version: u64,
}

/// A version of a key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Of a cipher or HMAC; of Ed25519 the seed and the public key.
    pub(crate) key: Option<Bytes>,
    pub(crate) hmac_key: Option<Bytes>,
    pub(crate) time: Timestamp,
    pub(crate) ec_x: Option<Number>,
    pub(crate) ec_y: Option<Number>,
    pub(crate) ec_d: Option<Number>,
    pub(crate) rsa_key: Option<RsaPrivate>,
    pub(crate) rsa_public_key: Option<RsaPublic>,
    /// PEM of a curve's public key, base64 of Ed25519's.
    pub(crate) public_key: String,
    pub(crate) convergent_version: i64,
    pub(crate) creation_time: i64,
    pub(crate) certificate_chain: Option<Vec<Bytes>>,
    #[serde(default)]
    external_key_ref: String,
}

/// An RSA key as Go's JSON has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RsaPrivate {
    pub(crate) n: Number,
    pub(crate) e: u64,
    pub(crate) d: Number,
    pub(crate) primes: Vec<Number>,
    pub(crate) precomputed: RsaPrecomputed,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RsaPrecomputed {
    pub(crate) dp: Number,
    pub(crate) dq: Number,
    pub(crate) qinv: Number,
    #[serde(rename = "CRTValues", default)]
    pub(crate) crt_values: Option<Vec<serde_json::Value>>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RsaPublic {
    pub(crate) n: Number,
    pub(crate) e: u64,
}

/// What a new key is to be.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) derived: bool,
    pub(crate) convergent: bool,
    pub(crate) exportable: bool,
    pub(crate) allow_plaintext_backup: bool,
    pub(crate) auto_rotate_seconds: u64,
    pub(crate) key_size: usize,
    pub(crate) imported: bool,
    pub(crate) allow_imported_key_rotation: bool,
}

impl Shape {
    /// Of this type, everything else as it is where nobody says otherwise.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            derived: false,
            convergent: false,
            exportable: false,
            allow_plaintext_backup: false,
            auto_rotate_seconds: 0,
            key_size: 0,
            imported: false,
            allow_imported_key_rotation: false,
        }
    }
}

impl Policy {
    /// A key without versions.
    pub(crate) fn new(name: &str, shape: &Shape) -> Result<Self, Failure> {
        let Shape { kind, derived, convergent, .. } = *shape;
        let refused = match (kind.is_aead(), kind.derives()) {
            (false, false) if derived || convergent => "key derivation and convergent encryption",
            (false, true) if convergent => "convergent encryption",
            _ => "",
        };
        if !refused.is_empty() {
            return Err(Failure::internal(format!("{refused} not supported for keys of type {}", kind.name())));
        }
        let mut policy = Self {
            name: name.to_owned(),
            key_size: shape.key_size,
            keys: BTreeMap::new(),
            derived,
            kdf: u32::from(derived),
            convergent_encryption: convergent,
            exportable: shape.exportable,
            min_decryption_version: 1,
            min_encryption_version: 0,
            latest_version: 0,
            archive_version: 0,
            archive_min_version: 0,
            min_available_version: 0,
            deletion_allowed: false,
            convergent_version: if convergent { -1 } else { 0 },
            kind,
            backup_info: None,
            restore_info: None,
            allow_plaintext_backup: shape.allow_plaintext_backup,
            version_template: String::new(),
            storage_prefix: String::new(),
            auto_rotate_period: 0,
            imported: shape.imported,
            allow_imported_key_rotation: shape.allow_imported_key_rotation,
            soft_deleted: false,
        };
        policy.set_auto_rotate_seconds(shape.auto_rotate_seconds);
        Ok(policy)
    }

    /// Adds a newest version.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        if self.convergent_encryption {
            entry.convergent_version = CONVERGENT_VERSION;
        }
        self.latest_version += 1;
        self.archive_version = self.latest_version;
        self.keys.insert(self.latest_version, entry);
    }

    /// Adds a newest version that is made here.
    pub(crate) fn rotate(&mut self, now: Timestamp) -> Result<(), Failure> {
        self.check_usable()?;
        if self.imported && !self.allow_imported_key_rotation {
            return Err(Failure::internal(format!("imported key {} does not allow rotation within Vault", self.name)));
        }
        let entry = Entry::generate(self.kind, self.key_size, now)?;
        self.imported = false;
        self.add(entry);
        Ok(())
    }

    pub(crate) fn auto_rotate_seconds(&self) -> u64 {
        u64::try_from(self.auto_rotate_period / 1_000_000_000).unwrap_or(0)
    }

    pub(crate) fn set_auto_rotate_seconds(&mut self, seconds: u64) {
        self.auto_rotate_period = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    }

    /// Whether the newest version has had its time.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let seconds = i64::try_from(self.auto_rotate_seconds()).unwrap_or(i64::MAX);
        let rotates = seconds > 0 && !self.soft_deleted && (!self.imported || self.allow_imported_key_rotation);
        let newest = self.keys.get(&self.latest_version).map(|entry| entry.time.as_second());
        rotates && newest.is_some_and(|made| now.as_second() > made.saturating_add(seconds))
    }

    pub(crate) fn check_usable(&self) -> Result<(), Failure> {
        if self.soft_deleted { Err(Failure::user(SOFT_DELETED)) } else { Ok(()) }
    }

    /// Versions that are not set aside.
    pub(crate) fn active(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.keys.range(self.min_decryption_version..).map(|(version, entry)| (*version, entry))
    }

    pub(crate) fn entry(&self, version: u64) -> Result<&Entry, Failure> {
        let found = self.keys.get(&version).filter(|_| version >= self.min_decryption_version);
        found.ok_or_else(|| Failure::user("no such key version"))
    }

    /// Which version is meant by a request to encrypt or sign; zero is the newest.
    pub(crate) fn version_for(&self, wanted: i64, what: &str) -> Result<u64, Failure> {
        let refuse = |why: &str| Err(Failure::user(format!("requested version for {what} is {why}")));
        match u64::try_from(wanted) {
            Err(_) => refuse("negative"),
            Ok(0) => Ok(self.latest_version),
            Ok(version) if version > self.latest_version => refuse("higher than the latest key version"),
            Ok(version) if version < self.min_encryption_version => {
                refuse("less than the minimum encryption key version")
            }
            Ok(version) => Ok(version),
        }
    }

    /// The version and payload of a ciphertext or signature.
    pub(crate) fn split<'a>(&self, text: &'a str, what: &str) -> Result<(u64, &'a str), Failure> {
        let refuse = |why: &str| Failure::user(format!("invalid {what}: {why}"));
        let (before, after) = self.template();
        let rest = text.strip_prefix(before).ok_or_else(|| refuse("no prefix"))?;
        let (version, payload) = rest.split_once(after).ok_or_else(|| refuse("wrong number of fields"))?;
        let version: i64 = version.parse().map_err(|_| refuse("version number could not be decoded"))?;
        let version = u64::try_from(version).unwrap_or(0).max(1);
        if version > self.latest_version {
            return Err(refuse("version is too new"));
        }
        if version < self.min_decryption_version {
            return Err(Failure::user("ciphertext or signature version is disallowed by policy (too old)"));
        }
        Ok((version, payload))
    }

    /// What stands before the payload.
    pub(crate) fn prefix(&self, version: u64) -> String {
        let (before, after) = self.template();
        format!("{before}{version}{after}")
    }

    fn template(&self) -> (&str, &str) {
        self.version_template.split_once("{{version}}").unwrap_or(("vault:v", ":"))
    }

    /// A key for this context.
    pub(crate) fn derive(&self, entry: &Entry, context: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if context.is_empty() {
            return Err(Failure::user(
                "missing 'context' for key derivation; the key was created using a derived key, which means additional, \
                 per-request information must be included in order to perform operations with the key",
            ));
        }
        if self.kdf != 1 {
            return Err(Failure::internal("unsupported key derivation mode"));
        }
        let key = entry.key.as_ref().ok_or_else(|| Failure::internal("the key version has no private part"))?;
        derive(&key.0, context, size)
    }

    /// Refuses what the peer no longer does.
    pub(crate) fn check_convergent(&self, entry: &Entry) -> Result<(), Failure> {
        let version = match (entry.convergent_version, self.convergent_version) {
            (0, 0) => 1,
            (0, version) | (version, _) => version,
        };
        if self.convergent_encryption && (1..CONVERGENT_VERSION).contains(&version) {
            let text = "refusing to support decryption with old convergent encryption key: version";
            return Err(Failure::user(format!("{text} {version}")));
        }
        Ok(())
    }
}

impl Entry {
    /// Without any key.
    pub(crate) fn empty(time: Timestamp, creation_time: i64) -> Self {
        Self {
            key: None,
            hmac_key: None,
            time,
            ec_x: None,
            ec_y: None,
            ec_d: None,
            rsa_key: None,
            rsa_public_key: None,
            public_key: String::new(),
            convergent_version: 0,
            creation_time,
            certificate_chain: None,
            external_key_ref: String::new(),
        }
    }

    /// Whether only its public key is known.
    pub(crate) fn is_public(&self) -> bool {
        self.rsa_key.is_none() && self.ec_d.is_none() && self.key.as_ref().is_none_or(|key| key.0.is_empty())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
