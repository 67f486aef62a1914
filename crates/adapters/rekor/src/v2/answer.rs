//! `TransparencyLogEntry` as the peer's gateway prints it: numbers as text, what is empty too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tlog::Hash;

use crate::log::Added;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry<'a> {
    log_index: String,
    log_id: LogId,
    kind_version: KindVersion<'a>,
    integrated_time: &'static str,
    inclusion_promise: (),
    inclusion_proof: InclusionProof<'a>,
    canonicalized_body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogId {
    key_id: String,
}

#[derive(Serialize)]
struct KindVersion<'a> {
    kind: &'a str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InclusionProof<'a> {
    log_index: String,
    root_hash: String,
    tree_size: String,
    hashes: Vec<String>,
    checkpoint: Checkpoint<'a>,
}

#[derive(Serialize)]
struct Checkpoint<'a> {
    envelope: &'a str,
}

/// What an entry is proven by.
pub(crate) struct Proof<'a> {
    pub(crate) index: u64,
    pub(crate) size: u64,
    pub(crate) root: &'a Hash,
    pub(crate) hashes: &'a [Hash],
    pub(crate) checkpoint: &'a str,
}

impl<'a> LogEntry<'a> {
    pub(crate) fn new(log_id: &[u8], kind: &'a str, body: &[u8], proof: &Proof<'a>) -> Self {
        let index = proof.index.to_string();
        Self {
            log_index: index.clone(),
            log_id: LogId { key_id: STANDARD.encode(log_id) },
            kind_version: KindVersion { kind, version: "0.0.2" },
            integrated_time: "0",
            inclusion_promise: (),
            inclusion_proof: InclusionProof {
                log_index: index,
                root_hash: STANDARD.encode(proof.root),
                tree_size: proof.size.to_string(),
                hashes: proof.hashes.iter().map(|hash| STANDARD.encode(hash)).collect(),
                checkpoint: Checkpoint { envelope: proof.checkpoint },
            },
            canonicalized_body: STANDARD.encode(body),
        }
    }
}

/// The answer to an entry that was appended just now; nothing if its proof is missing.
pub(crate) fn created(log_id: &[u8], kind: &str, added: &Added, body: &[u8]) -> Option<Vec<u8>> {
    let published = &added.published;
    let hashes = published.proofs.as_ref()?.inclusion(added.place.index)?;
    let proof = Proof {
        index: added.place.index,
        size: published.size,
        root: &published.root,
        hashes: &hashes,
        checkpoint: &published.checkpoint,
    };
    serde_json::to_vec(&LogEntry::new(log_id, kind, body, &proof)).ok()
}
