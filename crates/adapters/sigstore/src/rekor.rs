//! An entry in a transparency log (Rekor's API, versions 1 and 2).

use crate::ServiceError;
use crate::http::{Http, with_json};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::body::{Body, HashedRekordV1};
use bundle::{Envelope, HashAlgorithm, InclusionProof, KindVersion, TlogEntry};
use serde::Deserialize;
use serde_json::{Value, json};
use signing::KeyKind;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const WHAT: &str = "the transparency log";
/// Entries in one answer of a search, and how many answers are read.
const SEARCH_ROWS: usize = 100;
const MAX_ANSWERS: usize = 10;

/// Who verifies the signature: a certificate, or a key alone. In DER.
#[derive(Debug, Clone, Copy)]
pub struct LoggedKey<'a> {
    /// The certificate, or the SubjectPublicKeyInfo.
    pub der: &'a [u8],
    /// Whether it is a certificate.
    pub is_certificate: bool,
    /// What the key is.
    pub kind: KeyKind,
}

impl LoggedKey<'_> {
    fn pem(&self) -> Zeroizing<String> {
        signing::pem::encode(if self.is_certificate { "CERTIFICATE" } else { "PUBLIC KEY" }, self.der)
    }
}

/// What is logged.
#[derive(Debug, Clone, Copy)]
pub enum Logged<'a> {
    /// A signature over a digest.
    Digest {
        /// The hash.
        algorithm: HashAlgorithm,
        /// The digest.
        digest: &'a [u8],
        /// The signature.
        signature: &'a [u8],
    },
    /// An envelope; its first signature.
    Envelope(&'a Envelope),
}

/// Logs a signature with the log at `base`, of API version `version`.
///
/// # Errors
/// Where the log can't be reached, refuses, or answers nonsense. Whether its proof is good is for verification to say.
pub fn log(
    http: &Http,
    base: &str,
    version: u32,
    logged: Logged<'_>,
    key: LoggedKey<'_>,
) -> Result<TlogEntry, ServiceError> {
    match version {
        0 | 1 => log_v1(http, base, logged, key),
        2 => log_v2(http, base, logged, key),
        other => Err(ServiceError::answer(WHAT, format!("its API version {other} is not known"))),
    }
}

fn log_v2(http: &Http, base: &str, logged: Logged<'_>, key: LoggedKey<'_>) -> Result<TlogEntry, ServiceError> {
    let (digest, signature) = match logged {
        Logged::Digest { digest, signature, .. } => (digest.to_vec(), signature),
        Logged::Envelope(envelope) => {
            // An envelope is logged as a signature over what it signs, as the peers do.
            let first = envelope.signatures.first().ok_or_else(|| ServiceError::answer("the envelope", "unsigned"))?;
            (digest_of(key.kind.hash(), &envelope.signed_bytes()), first.sig.as_slice())
        }
    };
    let raw = json!({ "rawBytes": STANDARD.encode(key.der) });
    let name = if key.is_certificate { "x509Certificate" } else { "publicKey" };
    let request = json!({
        "hashedRekordRequestV002": {
            "digest": STANDARD.encode(digest),
            "signature": {
                "content": STANDARD.encode(signature),
                "verifier": { "keyDetails": key.kind.details().as_str(), (name): raw },
            },
        },
    });
    let url = http.url(base, "/api/v2/log/entries")?;
    let answer = http.send(&|client| with_json(client.post(url.clone()), &request))?;
    TlogEntry::parse(&answer).map_err(|error| ServiceError::answer(WHAT, error))
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Entries in the log's order.
    pub entries: Vec<TlogEntry>,
    /// Whether the log has more than are read.
    pub has_more: bool,
}

#[derive(Deserialize)]
struct SearchAnswer {
    entries: Vec<Value>,
    next: Option<u64>,
}

/// Asks the log at `base` (Rekor v2 as Palisade serves it) for entries about what has a digest, `sha256:<hex>`.
///
/// # Errors
/// Where the log can't be reached or searched, or answers nonsense. Whether the entries are in it, and about this, is for
/// verification to say.
pub fn search(http: &Http, base: &str, digest: &str) -> Result<Search, ServiceError> {
    let mut entries = Vec::new();
    let mut from = 0;
    for _ in 0..MAX_ANSWERS {
        let url = http.url(base, &format!("/api/v2/search?hash={digest}&from={from}&limit={SEARCH_ROWS}"))?;
        let answer: SearchAnswer = http.json(&|client| client.get(url.clone()), WHAT)?;
        for entry in answer.entries.iter().take(SEARCH_ROWS) {
            let entry = TlogEntry::parse(entry.to_string().as_bytes());
            entries.push(entry.map_err(|error| ServiceError::answer(WHAT, error))?);
        }
        match answer.next {
            Some(next) if next > from => from = next,
            _ => return Ok(Search { entries, has_more: false }),
        }
    }
    Ok(Search { entries, has_more: true })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryV1 {
    body: String,
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: i64,
    verification: VerificationV1,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationV1 {
    signed_entry_timestamp: String,
    inclusion_proof: Option<ProofV1>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofV1 {
    checkpoint: String,
    hashes: Vec<String>,
    log_index: i64,
    root_hash: String,
    tree_size: i64,
}

fn log_v1(http: &Http, base: &str, logged: Logged<'_>, key: LoggedKey<'_>) -> Result<TlogEntry, ServiceError> {
    let request = match logged {
        Logged::Digest { algorithm, digest, signature } => {
            let body = Body::HashedRekordV1(HashedRekordV1 {
                algorithm,
                digest: digest.to_vec(),
                signature: signature.to_vec(),
                public_key: key.pem().as_bytes().to_vec(),
            });
            serde_json::from_slice::<Value>(&body.to_canonical()).map_err(|error| ServiceError::answer(WHAT, error))?
        }
        Logged::Envelope(envelope) => json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": { "proposedContent": {
                "envelope": String::from_utf8_lossy(&envelope.to_json()),
                "verifiers": [STANDARD.encode(key.pem().as_bytes())],
            } },
        }),
    };
    let url = http.url(base, "/api/v1/log/entries")?;
    let posted = http.json(&|client| with_json(client.post(url.clone()), &request), WHAT);
    let entries: BTreeMap<String, EntryV1> = match posted {
        // The same entry is there already: it is as good.
        Err(ServiceError::Refused { status: 409, location: Some(location), .. }) => {
            let path = location.rsplit('/').next().unwrap_or_default();
            let url = http.url(base, &format!("/api/v1/log/entries/{path}"))?;
            http.json(&|client| client.get(url.clone()), WHAT)?
        }
        other => other?,
    };
    let entry = entries.into_values().next().ok_or_else(|| ServiceError::answer(WHAT, "no entry"))?;
    entry_v1(entry)
}

fn entry_v1(entry: EntryV1) -> Result<TlogEntry, ServiceError> {
    let odd = |error: &dyn std::fmt::Display| ServiceError::answer(WHAT, error);
    let base64 = |text: &str| STANDARD.decode(text).map_err(|error| odd(&error));
    let hex = |text: &str| decode_hex(text).ok_or_else(|| odd(&"a hash that is no hexadecimal"));
    let body = base64(&entry.body)?;
    let (kind, version) = Body::parse(&body).map_err(|error| odd(&error))?.kind_version();
    let inclusion_proof = match entry.verification.inclusion_proof {
        None => None,
        Some(proof) => Some(InclusionProof {
            log_index: proof.log_index,
            root_hash: hex(&proof.root_hash)?,
            tree_size: proof.tree_size,
            hashes: proof.hashes.iter().map(|hash| hex(hash)).collect::<Result<_, _>>()?,
            checkpoint: proof.checkpoint,
        }),
    };
    Ok(TlogEntry {
        log_index: entry.log_index,
        log_id: hex(&entry.log_id)?,
        kind_version: KindVersion { kind: kind.to_owned(), version: version.to_owned() },
        integrated_time: entry.integrated_time,
        signed_entry_timestamp: base64(&entry.verification.signed_entry_timestamp)?,
        inclusion_proof,
        canonicalized_body: body,
    })
}

/// The digest of `bytes`.
#[must_use]
pub fn digest_of(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|byte| char::from(byte).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}
