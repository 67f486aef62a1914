//! An entry of a transparency log with what proves that it is there (`TransparencyLogEntry`).

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use serde::{Deserialize, Serialize};

const MAX_ENTRY_BYTES: usize = 16 << 20;
/// A path in a tree of at most 2^63 leaves.
const MAX_HASHES: usize = 64;

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlogEntry {
    /// Its index in the log. In Rekor v1 across all shards, so not the one of the inclusion proof.
    #[serde(alias = "log_index", default, with = "json::int64")]
    pub log_index: i64,
    /// The log: in Rekor the digest of its key, in v2 the ID of its checkpoint key.
    #[serde(rename = "logId", alias = "log_id", default, with = "json::key_id")]
    pub log_id: Vec<u8>,
    /// What the body is.
    #[serde(alias = "kind_version", default, deserialize_with = "json::message")]
    pub kind_version: KindVersion,
    /// When it was logged, seconds since 1970; 0 in Rekor v2, that tells no time.
    #[serde(alias = "integrated_time", default, with = "json::int64", skip_serializing_if = "json::int64::is_zero")]
    pub integrated_time: i64,
    /// Rekor v1's signed entry timestamp; empty where there is none.
    #[serde(
        rename = "inclusionPromise",
        alias = "inclusion_promise",
        default,
        with = "json::signed_entry_timestamp",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub signed_entry_timestamp: Vec<u8>,
    /// The proof that it is in the tree.
    #[serde(
        alias = "inclusion_proof",
        default,
        deserialize_with = "json::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub inclusion_proof: Option<InclusionProof>,
    /// The body, whose hash is the leaf: see [`crate::Body`].
    #[serde(alias = "canonicalized_body", default, with = "json::bytes")]
    pub canonicalized_body: Vec<u8>,
}

/// The kind of a body and its version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KindVersion {
    /// `hashedrekord`, `dsse`, `intoto`.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub kind: String,
    /// `0.0.1`, `0.0.2`.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub version: String,
}

/// The proof that an entry is in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionProof {
    /// The leaf's index in the tree.
    #[serde(alias = "log_index", default, with = "json::int64")]
    pub log_index: i64,
    /// The root of the tree.
    #[serde(alias = "root_hash", default, with = "json::bytes")]
    pub root_hash: Vec<u8>,
    /// The tree's size.
    #[serde(alias = "tree_size", default, with = "json::int64")]
    pub tree_size: i64,
    /// The path from the leaf to the root.
    #[serde(default, with = "json::bytes_list")]
    pub hashes: Vec<Vec<u8>>,
    /// The signed note with the tree's size and root; empty where there is none.
    #[serde(default, with = "checkpoint", skip_serializing_if = "String::is_empty")]
    pub checkpoint: String,
}

mod checkpoint {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Default, Serialize, Deserialize)]
    struct Checkpoint {
        #[serde(default, deserialize_with = "crate::json::null_is_default")]
        envelope: String,
    }

    pub(super) fn serialize<S: Serializer>(envelope: &str, serializer: S) -> Result<S::Ok, S::Error> {
        Checkpoint { envelope: envelope.to_owned() }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(crate::json::message::<_, Checkpoint>(deserializer)?.envelope)
    }
}

impl TlogEntry {
    /// Reads an entry that stands alone, as Rekor v2 answers with.
    pub fn parse(bytes: &[u8]) -> Result<TlogEntry, ParseError> {
        let entry: TlogEntry = read_json("the log entry", bytes, MAX_ENTRY_BYTES)?;
        entry.validate()?;
        Ok(entry)
    }

    /// The entry as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn validate(&self) -> Result<(), ParseError> {
        if self.log_index < 0 {
            return Err(ParseError::invalid("a log entry's index", "it is negative"));
        }
        if self.integrated_time < 0 {
            return Err(ParseError::invalid("a log entry's integrated time", "it is negative"));
        }
        if self.log_id.is_empty() {
            return Err(ParseError::Missing("a log entry's log ID"));
        }
        if self.canonicalized_body.is_empty() {
            return Err(ParseError::Missing("a log entry's body"));
        }
        let Some(proof) = &self.inclusion_proof else { return Ok(()) };
        at_most("hashes of an inclusion proof", proof.hashes.len(), MAX_HASHES)?;
        if proof.hashes.iter().chain([&proof.root_hash]).any(|hash| hash.len() != 32) {
            return Err(ParseError::invalid("a hash of an inclusion proof", "it hasn't 32 bytes"));
        }
        if proof.log_index < 0 || proof.tree_size <= proof.log_index {
            return Err(ParseError::invalid("an inclusion proof's index", "it isn't within the tree"));
        }
        Ok(())
    }
}
