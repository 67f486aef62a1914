//! The authority's keys over time, and the documents by which clients trust them.
//!
//! Each role has one active key, the newest; older ones stay listed with the end of their time, so that what they signed
//! stays valid. No secret is in here.

use crate::ca::{self, CERTIFICATE_LIFETIME};
use crate::keys::{KeyError, SigningKey};
use crate::x509::Purpose;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::{
    CertificateAuthority, DistinguishedName, HashAlgorithm, KeyDetails, RootMediaType, Selector, Service,
    ServiceConfiguration, SigningConfig, TimeRange, TransparencyLog, TrustedKey, TrustedRoot,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use signing::KeyKind;

/// How long an old key may sign on after a new one was made: until every server has taken the new one.
pub const ROTATION_TIME: SignedDuration = SignedDuration::from_mins(1);

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Certificates of certificate authorities.
    CaRoot,
    /// Certificates for code signing.
    Ca,
    /// The log of certificates.
    Ct,
    /// The transparency log of version 1 of Rekor's API.
    LogV1,
    /// The transparency log of version 2.
    Log,
    /// Certificates of timestamp authorities.
    TsaRoot,
    /// Timestamps.
    Tsa,
    /// TUF's root and targets.
    TufRoot,
    /// TUF's snapshot and timestamp.
    Tuf,
    /// Tokens of the issuer for tests.
    Issuer,
}

impl Role {
    /// All of them, parents before those they certify.
    pub const ALL: [Role; 10] = [
        Role::CaRoot,
        Role::Ca,
        Role::Ct,
        Role::LogV1,
        Role::Log,
        Role::TsaRoot,
        Role::Tsa,
        Role::TufRoot,
        Role::Tuf,
        Role::Issuer,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CaRoot => "ca-root",
            Self::Ca => "ca",
            Self::Ct => "ct",
            Self::LogV1 => "log-v1",
            Self::Log => "log",
            Self::TsaRoot => "tsa-root",
            Self::Tsa => "tsa",
            Self::TufRoot => "tuf-root",
            Self::Tuf => "tuf",
            Self::Issuer => "issuer",
        }
    }

    /// The role whose key certifies this one's.
    #[must_use]
    pub fn parent(self) -> Option<Role> {
        match self {
            Self::Ca => Some(Self::CaRoot),
            Self::Tsa => Some(Self::TsaRoot),
            _ => None,
        }
    }

    /// Whether a key of this kind, that somebody brings, can do it.
    fn takes(self, kind: KeyKind) -> bool {
        match self {
            Self::CaRoot | Self::Ca | Self::TsaRoot => true,
            Self::Ct | Self::LogV1 | Self::Tsa => kind == KeyKind::P256,
            Self::Log | Self::TufRoot | Self::Tuf => matches!(kind, KeyKind::P256 | KeyKind::Ed25519),
            Self::Issuer => false,
        }
    }

    fn kind(self) -> KeyKind {
        match self {
            Self::CaRoot => KeyKind::P384,
            Self::Issuer => KeyKind::Rsa2048,
            // Witnesses cosign checkpoints of Ed25519 keys alone.
            Self::Log => KeyKind::Ed25519,
            _ => KeyKind::P256,
        }
    }

    /// The common name in its certificate.
    fn common(self) -> &'static str {
        match self {
            Self::CaRoot => "palisade-root",
            Self::Ca => "palisade-intermediate",
            Self::TsaRoot => "palisade-tsa-root",
            _ => "palisade-tsa",
        }
    }
}

/// A key of the authority, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Role and number: also the name of its file.
    pub id: String,
    /// What it signs.
    pub role: Role,
    /// The public key, DER.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub public_key: Vec<u8>,
    /// Its certificate and those above it, DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Certificate>,
    /// The ID of the log that it signs, if it signs one.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "to_base64",
        deserialize_with = "from_base64"
    )]
    pub log_id: Vec<u8>,
    /// Where the key is held, if not in a file of the authority's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Since when it is used.
    pub start: Timestamp,
    /// Until when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

/// A certificate, DER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Certificate(
    /// The bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub Vec<u8>,
);

impl KeyRecord {
    /// The chain as bytes.
    #[must_use]
    pub fn chain(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|one| one.0.clone()).collect()
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// The kind of a listed key; one that was brought may be of another than the role's own.
fn details(spki: &[u8], role: Role) -> KeyDetails {
    signing::PublicKey::from_spki(spki).map_or_else(|_| role.kind(), |key| key.kind()).details()
}

/// An authority: its name, where it is served, and its keys over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its name: the organization in certificates, the operator in trust roots.
    pub name: String,
    /// Where clients reach it, without a slash at the end.
    pub url: String,
    /// Its keys, older before newer.
    pub keys: Vec<KeyRecord>,
}

impl State {
    /// An authority without keys.
    #[must_use]
    pub fn new(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), url: url.trim_end_matches('/').to_owned(), keys: Vec::new() }
    }

    /// The key that a role signs with.
    #[must_use]
    pub fn active(&self, role: Role) -> Option<&KeyRecord> {
        self.keys.iter().rev().find(|key| key.role == role && key.end.is_none())
    }

    /// All keys of a role, older before newer.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(move |key| key.role == role)
    }

    /// The origin of the log's checkpoints: the host of the address, as Rekor v2's clients expect it.
    #[must_use]
    pub fn origin(&self) -> &str {
        crate::issuers::split(&self.url).map_or(self.url.as_str(), |(_, host)| host)
    }

    /// Makes a new key of a role, ends the time of the one before, and lists it. `parent` is the active key of the
    /// role's parent, if it has one.
    ///
    /// # Errors
    /// When no key can be made, or the parent is missing.
    pub fn add(&mut self, role: Role, parent: Option<&SigningKey>, now: Timestamp) -> Result<SigningKey, KeyError> {
        let key = SigningKey::generate(role.kind())?;
        self.list(role, &key, None, parent, now)?;
        Ok(key)
    }

    /// As [`State::add`], with a key that is held at `reference`.
    ///
    /// # Errors
    /// When it is of a kind that the role has no use for, or the parent is missing.
    pub fn add_held(
        &mut self,
        role: Role,
        key: &SigningKey,
        reference: &str,
        parent: Option<&SigningKey>,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        if !role.takes(key.kind()) {
            return Err(KeyError::Weak("its kind does not suit this part of the authority"));
        }
        if self.of(role).any(|known| known.public_key == key.spki()) {
            return Err(KeyError::Weak("it is one that this part of the authority has or had already"));
        }
        self.list(role, key, Some(reference.to_owned()), parent, now)
    }

    fn list(
        &mut self,
        role: Role,
        key: &SigningKey,
        held: Option<String>,
        parent: Option<&SigningKey>,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let start = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let chain = match (role, role.parent()) {
            (Role::CaRoot | Role::TsaRoot, _) => vec![ca::root(key, &self.name, role.common(), start)?],
            (_, Some(above)) => {
                let record = self.active(above).ok_or(KeyError::Absent)?;
                let parent = parent.ok_or(KeyError::Absent)?;
                let purpose = if role == Role::Ca { Purpose::CodeSigning } else { Purpose::TimeStamping };
                let names = ((parent, above.common()), (key, role.common()));
                let own = ca::below(purpose, &self.name, names.0, names.1, start)?;
                [vec![own], record.chain()].concat()
            }
            _ => Vec::new(),
        };
        // Certificates of an old authority are used for their lifetime after it stopped.
        let used = if role == Role::Ca { CERTIFICATE_LIFETIME } else { SignedDuration::ZERO };
        let grace = ROTATION_TIME + used;
        for old in self.keys.iter_mut().filter(|old| old.role == role && old.end.is_none()) {
            old.end = Some(start.saturating_add(grace).unwrap_or(start));
        }
        let number = self.of(role).count() + 1;
        self.keys.push(KeyRecord {
            id: format!("{}-{number}", role.as_str()),
            role,
            public_key: key.spki().to_vec(),
            chain: chain.into_iter().map(Certificate).collect(),
            log_id: self.log_id(role, key),
            held,
            start,
            end: None,
        });
        Ok(())
    }

    /// The ID of the log that a key signs: of RFC 6962, or for Ed25519 that of signed notes, which has the origin in it.
    fn log_id(&self, role: Role, key: &SigningKey) -> Vec<u8> {
        match role {
            Role::Log if key.kind() != KeyKind::Ed25519 => key.id().to_vec(),
            Role::Ct | Role::LogV1 => key.id().to_vec(),
            Role::Log => crate::keys::sha256(&[self.origin().as_bytes(), b"\n\x01", key.raw()].concat()).to_vec(),
            _ => Vec::new(),
        }
    }

    /// Whom clients trust.
    #[must_use]
    pub fn trusted_root(&self) -> TrustedRoot {
        let authorities = |role: Role, uri: &str| {
            let one = |key: &KeyRecord| CertificateAuthority {
                subject: DistinguishedName { organization: self.name.clone(), common_name: role.common().to_owned() },
                uri: uri.to_owned(),
                cert_chain: key.chain(),
                valid_for: Some(TimeRange { start: key.start, end: key.end }),
                operator: String::new(),
            };
            self.of(role).map(one).collect()
        };
        let logs = |role: Role, base_url: &str| -> Vec<TransparencyLog> {
            let one = |key: &KeyRecord| TransparencyLog {
                base_url: base_url.to_owned(),
                hash_algorithm: Some(HashAlgorithm::Sha256),
                public_key: TrustedKey {
                    raw_bytes: key.public_key.clone(),
                    key_details: details(&key.public_key, role),
                    valid_for: Some(TimeRange { start: key.start, end: key.end }),
                },
                log_id: key.log_id.clone(),
                checkpoint_key_id: Vec::new(),
                operator: String::new(),
            };
            self.of(role).map(one).collect()
        };
        TrustedRoot {
            media_type: RootMediaType::V01,
            tlogs: [logs(Role::LogV1, &self.url), logs(Role::Log, &self.url)].concat(),
            certificate_authorities: authorities(Role::Ca, &self.url),
            ctlogs: logs(Role::Ct, &format!("{}/ct", self.url)),
            timestamp_authorities: authorities(Role::Tsa, &format!("{}/api/v1/timestamp", self.url)),
        }
    }

    /// Where clients sign; `oidc` is the issuer that they log in at, if there is one.
    #[must_use]
    pub fn signing_config(&self, oidc: Option<&str>) -> SigningConfig {
        let start = self.keys.iter().map(|key| key.start).min().unwrap_or_default();
        let service = |url: &str, version: u32| Service {
            url: url.to_owned(),
            major_api_version: version,
            valid_for: Some(TimeRange { start, end: None }),
            operator: self.name.clone(),
        };
        let any = Some(ServiceConfiguration { selector: Selector::Any, count: 0 });
        let mut config = SigningConfig::new();
        config.ca_urls = vec![service(&self.url, 1)];
        config.oidc_urls = oidc.map(|url| service(url, 1)).into_iter().collect();
        config.rekor_tlog_urls = vec![service(&self.url, 2), service(&self.url, 1)];
        config.rekor_tlog_config = any;
        config.tsa_urls = vec![service(&format!("{}/api/v1/timestamp", self.url), 1)];
        config.tsa_config = any;
        config
    }
}
