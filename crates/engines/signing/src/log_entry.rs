//! Entries of transparency logs: that they are in the log, and that they are of the signature.

use crate::pem;
use crate::public_key::{PublicKey, SignatureError, algorithm};
use crate::trust::Log;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::body::{LoggedSignature, Verifier};
use bundle::{Body, Envelope, HashAlgorithm, ParseError, TlogEntry};
use jiff::Timestamp;
use thiserror::Error;
use tlog::{Checkpoint, CheckpointError, Hash, Note, ProofError, SignedCheckpoint};

/// Why an entry isn't accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The body can't be read.
    #[error("the entry's body can't be read")]
    Body(#[source] ParseError),
    /// The entry claims to be of another kind than its body.
    #[error("the entry's kind or version isn't that of its body")]
    Kind,
    /// Neither proof nor promise is there.
    #[error("the entry has neither an inclusion proof nor a promise of one")]
    Unproven,
    /// The signed entry timestamp is wrong.
    #[error("the entry's signed entry timestamp isn't valid")]
    Promise,
    /// Rekor v2 promises nothing and tells no time.
    #[error("an entry of Rekor v2 has a promise or an integrated time, that its log doesn't sign")]
    UnsignedTime,
    /// The log's key wasn't trusted then.
    #[error("the log's key isn't trusted for {0}")]
    KeyNotTrustedAt(Timestamp),
    /// The proof doesn't lead to the root.
    #[error("the inclusion proof doesn't hold")]
    Proof(#[source] ProofError),
    /// The entry's index isn't the proof's.
    #[error("the entry's index isn't the one of its proof")]
    Index,
    /// The checkpoint can't be read.
    #[error("the checkpoint can't be read")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint is of another tree than the proof.
    #[error("the checkpoint is of another tree than the inclusion proof")]
    CheckpointTree,
    /// The checkpoint is of another log.
    #[error("the checkpoint is of {0:?} and not of the log")]
    CheckpointOrigin(String),
    /// The checkpoint isn't signed by the log.
    #[error("the checkpoint has no valid signature by the log's key")]
    CheckpointSignature,
    /// The entry is of something else.
    #[error("the entry is not of this {0}")]
    Mismatch(&'static str),
}

/// What an entry must be of.
#[derive(Debug)]
pub(crate) struct Logged<'a> {
    pub(crate) content: LoggedContent<'a>,
    pub(crate) signature: &'a [u8],
    pub(crate) key: &'a PublicKey,
    /// The signer's certificate, where there is one.
    pub(crate) certificate: Option<&'a [u8]>,
}

/// What was signed.
#[derive(Debug)]
pub(crate) enum LoggedContent<'a> {
    /// An artifact, by digests of it.
    Message(&'a dyn Digests),
    /// An envelope and what its signatures are made over.
    Envelope { envelope: &'a Envelope, signed: &'a [u8] },
}

/// Gives digests of an artifact.
pub(crate) trait Digests: std::fmt::Debug {
    fn digest(&self, hash: HashAlgorithm) -> Option<Vec<u8>>;
}

/// Verifies that an entry is in the log and of what was signed. The time is the one that the log signed, if it did.
pub(crate) fn verify(entry: &TlogEntry, log: &Log, logged: &Logged<'_>) -> Result<Option<Timestamp>, LogError> {
    let (body, time) = verify_logged(entry, log)?;
    check_body(&body, logged)?;
    Ok(time)
}

/// Verifies that an entry is in the log, whatever it is of.
pub(crate) fn verify_logged(entry: &TlogEntry, log: &Log) -> Result<(Body, Option<Timestamp>), LogError> {
    let body = Body::parse(&entry.canonicalized_body).map_err(LogError::Body)?;
    if body.kind_version() != (entry.kind_version.kind.as_str(), entry.kind_version.version.as_str()) {
        return Err(LogError::Kind);
    }
    let is_v2 = matches!(body, Body::HashedRekordV2(_) | Body::DsseV2(_));
    let has_promise = !entry.signed_entry_timestamp.is_empty();
    if is_v2 && (has_promise || entry.integrated_time != 0) {
        return Err(LogError::UnsignedTime);
    }
    if entry.inclusion_proof.is_none() && (is_v2 || !has_promise) {
        return Err(LogError::Unproven);
    }
    let time = if has_promise { Some(verify_promise(entry, log)?) } else { None };
    if entry.inclusion_proof.is_some() {
        verify_inclusion(entry, log, is_v2)?;
    }
    Ok((body, time))
}

/// Rekor v1's signed entry timestamp: over canonical JSON of the body, the time, the log and the index.
fn verify_promise(entry: &TlogEntry, log: &Log) -> Result<Timestamp, LogError> {
    let id: String = entry.log_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = format!(
        r#"{{"body":"{}","integratedTime":{},"logID":"{id}","logIndex":{}}}"#,
        STANDARD.encode(&entry.canonicalized_body),
        entry.integrated_time,
        entry.log_index,
    );
    log.key.verify(signed.as_bytes(), &entry.signed_entry_timestamp).map_err(|_| LogError::Promise)?;
    let time = Timestamp::from_second(entry.integrated_time).map_err(|_| LogError::Promise)?;
    if log.valid_for.contains(time) { Ok(time) } else { Err(LogError::KeyNotTrustedAt(time)) }
}

fn verify_inclusion(entry: &TlogEntry, log: &Log, is_v2: bool) -> Result<(), LogError> {
    let Some(proof) = &entry.inclusion_proof else { return Err(LogError::Unproven) };
    if is_v2 && proof.log_index != entry.log_index {
        return Err(LogError::Index);
    }
    let (Ok(index), Ok(size)) = (u64::try_from(proof.log_index), u64::try_from(proof.tree_size)) else {
        return Err(LogError::Index);
    };
    let hash = |bytes: &Vec<u8>| Hash::try_from(bytes.as_slice()).map_err(|_| LogError::CheckpointTree);
    let root = hash(&proof.root_hash)?;
    let hashes = proof.hashes.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
    let leaf = tlog::leaf_hash(&entry.canonicalized_body);
    tlog::verify_inclusion(&leaf, index, size, &hashes, &root).map_err(LogError::Proof)?;

    let signed = SignedCheckpoint::parse(proof.checkpoint.as_bytes()).map_err(LogError::Checkpoint)?;
    if signed.checkpoint.size != size || signed.checkpoint.root != root {
        return Err(LogError::CheckpointTree);
    }
    let name = key_name(&signed.checkpoint, log)?;
    verify_note(&signed.note, name, log)
}

/// The name under which the log signs: Rekor v1 adds its tree's ID to it for the origin, v2's is the log's host.
fn key_name<'a>(checkpoint: &'a Checkpoint, log: &Log) -> Result<&'a str, LogError> {
    let origin = checkpoint.origin.as_str();
    if let Some((name, tree)) = origin.rsplit_once(" - ")
        && !tree.is_empty()
        && tree.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Ok(name);
    }
    if host(&log.base_url) == Some(origin) {
        return Ok(origin);
    }
    Err(LogError::CheckpointOrigin(origin.to_owned()))
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => host.split(':').next(),
    }
}

/// Checks that the log's key signed the note. How keys are numbered differs; the number is only a hint.
fn verify_note(note: &Note, name: &str, log: &Log) -> Result<(), LogError> {
    let mut ids = vec![tlog::ecdsa_key_id(log.key.to_spki()), tlog::rsa_key_id(name, log.key.to_spki())];
    ids.extend([&log.log_id, &log.checkpoint_key_id].into_iter().filter_map(|id| id.first_chunk::<4>().copied()));
    if let Ok(raw) = <&[u8; 32]>::try_from(log.key.raw()) {
        ids.push(tlog::ed25519_key_id(name, raw));
    }
    let check = |text: &[u8], signature: &[u8]| -> Result<(), SignatureError> { log.key.verify(text, signature) };
    let found = ids.into_iter().any(|id| note.verify(name, id, check).is_ok());
    if found { Ok(()) } else { Err(LogError::CheckpointSignature) }
}

/// Checks that a body is of what was signed, by whom it was signed.
fn check_body(body: &Body, logged: &Logged<'_>) -> Result<(), LogError> {
    match (body, &logged.content) {
        (Body::HashedRekordV1(body), LoggedContent::Message(artifact)) => {
            same("artifact", artifact.digest(body.algorithm).as_deref(), &body.digest)?;
            same("signature", Some(logged.signature), &body.signature)?;
            same_pem(logged, &body.public_key)
        }
        (Body::HashedRekordV2(body), content) => {
            let digest = match content {
                LoggedContent::Message(artifact) => artifact.digest(body.algorithm),
                LoggedContent::Envelope { signed, .. } => Some(hash(body.algorithm, signed)),
            };
            same("artifact", digest.as_deref(), &body.digest)?;
            same_logged(logged, &body.signature)
        }
        (Body::DsseV1(body), LoggedContent::Envelope { envelope, .. }) => {
            same("payload", Some(&hash(HashAlgorithm::Sha256, &envelope.payload)), &body.payload_hash)?;
            let of_signature = body.signatures.iter().find(|one| one.signature == logged.signature);
            same_pem(logged, &of_signature.ok_or(LogError::Mismatch("signature"))?.verifier)
        }
        (Body::DsseV2(body), LoggedContent::Envelope { envelope, .. }) => {
            same("payload", Some(&hash(body.algorithm, &envelope.payload)), &body.payload_hash)?;
            let of_signature = body.signatures.iter().find(|one| one.content == logged.signature);
            same_logged(logged, of_signature.ok_or(LogError::Mismatch("signature"))?)
        }
        (Body::IntotoV2(body), LoggedContent::Envelope { envelope, .. }) => {
            same("payload", Some(&hash(HashAlgorithm::Sha256, &envelope.payload)), &body.payload_hash)?;
            let of_signature = body.signatures.iter().find(|one| one.signature == logged.signature);
            same_pem(logged, &of_signature.ok_or(LogError::Mismatch("signature"))?.public_key)
        }
        // It names no signature; the hash is of the whole envelope, with its signatures.
        (Body::IntotoV1(body), LoggedContent::Envelope { envelope, .. }) => {
            same("envelope", Some(&hash(HashAlgorithm::Sha256, &envelope.to_json())), &body.envelope_hash)?;
            same_pem(logged, &body.public_key)
        }
        (_, LoggedContent::Message(_)) => Err(LogError::Mismatch("kind of signature, one over an artifact")),
        (_, LoggedContent::Envelope { .. }) => Err(LogError::Mismatch("kind of signature, one of an envelope")),
    }
}

fn same(what: &'static str, signed: Option<&[u8]>, logged: &[u8]) -> Result<(), LogError> {
    if signed == Some(logged) { Ok(()) } else { Err(LogError::Mismatch(what)) }
}

fn same_logged(logged: &Logged<'_>, entry: &LoggedSignature) -> Result<(), LogError> {
    same("signature", Some(logged.signature), &entry.content)?;
    match (&entry.verifier, logged.certificate) {
        (Verifier::Certificate(der), Some(certificate)) => same("certificate", Some(certificate), der),
        (Verifier::PublicKey(spki), None) => same_key(logged.key, spki),
        _ => Err(LogError::Mismatch("kind of verifier")),
    }
}

fn same_pem(logged: &Logged<'_>, entry: &[u8]) -> Result<(), LogError> {
    let blocks = pem::parse(entry).unwrap_or_default();
    match (blocks.as_slice(), logged.certificate) {
        ([block], Some(certificate)) if block.label == "CERTIFICATE" => {
            same("certificate", Some(certificate), &block.content)
        }
        ([block], None) if block.label == "PUBLIC KEY" => same_key(logged.key, &block.content),
        _ => Err(LogError::Mismatch("kind of verifier")),
    }
}

fn same_key(key: &PublicKey, spki: &[u8]) -> Result<(), LogError> {
    let is_same = PublicKey::from_spki(spki).is_ok_and(|found| found == *key);
    if is_same { Ok(()) } else { Err(LogError::Mismatch("key")) }
}

fn hash(hash: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    digest::digest(algorithm(hash), bytes).as_ref().to_vec()
}
