//! Log entries as version 1 prints them, with the promise that is signed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::{LedgerError, Stored, View};
use serde::Serialize;
use tlog::{Hash, leaf_hash};

use crate::log::{Added, Log};

/// An entry under its ID.
pub(crate) type Named = BTreeMap<String, LogEntry>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry {
    #[serde(flatten)]
    promised: Promised,
    verification: Verification,
}

/// What the signed entry timestamp is over; the members are in canonical order.
#[derive(Serialize)]
struct Promised {
    body: String,
    #[serde(rename = "integratedTime")]
    integrated_time: u64,
    #[serde(rename = "logID")]
    log_id: String,
    #[serde(rename = "logIndex")]
    log_index: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    inclusion_proof: InclusionProof,
    signed_entry_timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InclusionProof {
    checkpoint: String,
    hashes: Vec<String>,
    log_index: u64,
    root_hash: String,
    tree_size: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("error signing")]
    Sign(#[from] signing::SignError),
    #[error("the promise cannot be printed")]
    Print(#[from] serde_json::Error),
}

/// The ID of an entry: its tree and its leaf.
pub(crate) fn entry_id(log: &Log, leaf: &Hash) -> String {
    format!("{:016x}{leaf}", log.tree_id())
}

/// An entry that was appended just now.
pub(crate) fn created(log: &Log, added: &Added, body: &[u8]) -> Result<Named, AnswerError> {
    let published = &added.published;
    let hashes = published.proofs.as_ref().and_then(|proofs| proofs.inclusion(added.place.index));
    let hashes = hashes.ok_or_else(|| LedgerError::Damaged("the entry has no proof".to_owned()))?;
    let stored =
        Stored { index: added.place.index, body: body.to_vec(), integrated_at_seconds: added.integrated_at_seconds };
    let proof = InclusionProof {
        checkpoint: published.checkpoint.clone(),
        hashes: hashes.iter().map(Hash::to_hex).collect(),
        log_index: added.place.index,
        root_hash: published.root.to_hex(),
        tree_size: published.size,
    };
    named(log, &stored, proof)
}

/// An entry of the log; nothing if there is none at the index.
pub(crate) async fn at_index(log: &Log, view: &View, index: u64) -> Result<Option<Named>, AnswerError> {
    let Some(stored) = view.entry(index).await? else { return Ok(None) };
    let latest = view.latest();
    let hashes = view.inclusion(index, latest.size).await?;
    let proof = InclusionProof {
        checkpoint: latest.checkpoint.clone(),
        hashes: hashes.iter().map(Hash::to_hex).collect(),
        log_index: index,
        root_hash: latest.root.to_hex(),
        tree_size: latest.size,
    };
    named(log, &stored, proof).map(Some)
}

fn named(log: &Log, stored: &Stored, inclusion_proof: InclusionProof) -> Result<Named, AnswerError> {
    let promised = Promised {
        body: STANDARD.encode(&stored.body),
        integrated_time: stored.integrated_at_seconds,
        log_id: Hash(log.id()).to_hex(),
        log_index: stored.index,
    };
    let signed_entry_timestamp = STANDARD.encode(log.sign(&serde_json::to_vec(&promised)?)?);
    let entry = LogEntry { promised, verification: Verification { inclusion_proof, signed_entry_timestamp } };
    Ok(Named::from([(entry_id(log, &leaf_hash(&stored.body)), entry)]))
}
