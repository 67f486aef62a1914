//! Whom a verifier trusts, prepared once: keys are parsed and authorities' chains verified.

use crate::public_key::{KeyError, PublicKey};
use crate::x509::{Authority, CertificateError, Purpose};
use bundle::{KeyDetails, TimeRange, TransparencyLog, TrustedKey, TrustedRoot};
use thiserror::Error;

/// Trusted roots that are ready to verify with. Each stands alone: what one vouches for isn't mixed with another.
#[derive(Debug, Default)]
pub struct Trust {
    pub(crate) roots: Vec<Root>,
}

#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) authorities: Vec<Authority>,
    pub(crate) timestamp_authorities: Vec<Authority>,
    pub(crate) tlogs: Vec<Log>,
    pub(crate) ctlogs: Vec<Log>,
}

/// A log whose key can be used.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) base_url: String,
    pub(crate) log_id: Vec<u8>,
    pub(crate) checkpoint_key_id: Vec<u8>,
    pub(crate) key: PublicKey,
    pub(crate) valid_for: TimeRange,
}

/// Why a trusted root can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// It says not from when on it is to be trusted.
    #[error("{0:?} of the trusted root has no validFor")]
    NoValidity(String),
    /// A certificate of an authority is broken.
    #[error("a certificate of the authority {uri:?} can't be read")]
    Certificate {
        /// The authority.
        uri: String,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// A log's key is broken.
    #[error("the key of the log {base_url:?} can't be read")]
    Key {
        /// The log.
        base_url: String,
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl Trust {
    /// Prepares trusted roots. Logs and authorities with keys of kinds that aren't supported are left out; broken ones are
    /// an error.
    pub fn new(roots: &[TrustedRoot]) -> Result<Trust, TrustError> {
        Ok(Trust { roots: roots.iter().map(prepare).collect::<Result<_, _>>()? })
    }

    /// Trusts no authority and no log, for signatures by keys alone.
    pub fn none() -> Trust {
        Trust::default()
    }
}

fn prepare(root: &TrustedRoot) -> Result<Root, TrustError> {
    let authorities = |list: &[bundle::CertificateAuthority], purpose| {
        let prepare = |authority: &bundle::CertificateAuthority| {
            let valid_for = authority.valid_for.ok_or_else(|| TrustError::NoValidity(authority.uri.clone()))?;
            match Authority::prepare(authority, valid_for, purpose) {
                Ok(authority) => Ok(Some(authority)),
                Err(CertificateError::Key(KeyError::Unsupported | KeyError::RsaBits(_))) => Ok(None),
                Err(source) => Err(TrustError::Certificate { uri: authority.uri.clone(), source }),
            }
        };
        list.iter().filter_map(|authority| prepare(authority).transpose()).collect::<Result<Vec<_>, _>>()
    };
    Ok(Root {
        authorities: authorities(&root.certificate_authorities, Purpose::CodeSigning)?,
        timestamp_authorities: authorities(&root.timestamp_authorities, Purpose::TimeStamping)?,
        tlogs: root.tlogs.iter().filter_map(|log| prepare_log(log).transpose()).collect::<Result<_, _>>()?,
        ctlogs: root.ctlogs.iter().filter_map(|log| prepare_log(log).transpose()).collect::<Result<_, _>>()?,
    })
}

fn prepare_log(log: &TransparencyLog) -> Result<Option<Log>, TrustError> {
    let valid_for = log.public_key.valid_for.ok_or_else(|| TrustError::NoValidity(log.base_url.clone()))?;
    let key = match read_key(&log.public_key) {
        Ok(key) => key,
        Err(KeyError::Unsupported | KeyError::RsaBits(_)) => return Ok(None),
        Err(source) => return Err(TrustError::Key { base_url: log.base_url.clone(), source }),
    };
    let log_id = if log.log_id.is_empty() { key.id().to_vec() } else { log.log_id.clone() };
    let (base_url, checkpoint_key_id) = (log.base_url.clone(), log.checkpoint_key_id.clone());
    Ok(Some(Log { base_url, log_id, checkpoint_key_id, key, valid_for }))
}

fn read_key(key: &TrustedKey) -> Result<PublicKey, KeyError> {
    match key.key_details {
        KeyDetails::Pkcs1RsaPkcs1V5 => PublicKey::from_pkcs1(&key.raw_bytes),
        KeyDetails::Other(_)
        | KeyDetails::Pkcs1RsaPss
        | KeyDetails::PkixRsaPss
        | KeyDetails::PkixRsaPss2048Sha256
        | KeyDetails::PkixRsaPss3072Sha256
        | KeyDetails::PkixRsaPss4096Sha256
        | KeyDetails::PkixEd25519Ph => Err(KeyError::Unsupported),
        _ => PublicKey::from_spki(&key.raw_bytes),
    }
}
