//! in-toto statements, versions 0.1 and 1.

use crate::error::{ParseError, at_most, read_json};
use crate::json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of version 0.1.
pub const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";
/// The type of version 1.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

const MAX_SUBJECTS: usize = 65_536;

/// A predicate about subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT_V01`] or [`STATEMENT_V1`].
    #[serde(rename = "_type", alias = "type")]
    pub statement_type: String,
    /// What it is about.
    #[serde(default, deserialize_with = "json::messages")]
    pub subject: Vec<Subject>,
    /// What the predicate is.
    #[serde(alias = "predicate_type", default, deserialize_with = "json::null_is_default")]
    pub predicate_type: String,
    /// The predicate.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub predicate: serde_json::Value,
}

/// An artifact by its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Digests in hexadecimal by the name of their algorithm.
    #[serde(default, deserialize_with = "json::null_is_default")]
    pub digest: BTreeMap<String, String>,
    /// Annotations, as Cosign puts those of a signature here.
    #[serde(default, deserialize_with = "json::null_is_default", skip_serializing_if = "serde_json::Map::is_empty")]
    pub annotations: serde_json::Map<String, serde_json::Value>,
}

impl Subject {
    /// A subject of one SHA-256 digest.
    pub fn sha256(name: impl Into<String>, hex: impl Into<String>) -> Subject {
        Subject {
            name: name.into(),
            digest: BTreeMap::from([("sha256".to_owned(), hex.into())]),
            annotations: serde_json::Map::new(),
        }
    }
}

impl Statement {
    /// A statement of version 1.
    pub fn new(subject: Vec<Subject>, predicate_type: impl Into<String>, predicate: serde_json::Value) -> Statement {
        Statement { statement_type: STATEMENT_V1.to_owned(), subject, predicate_type: predicate_type.into(), predicate }
    }

    /// Reads the payload of an envelope.
    pub fn parse(bytes: &[u8]) -> Result<Statement, ParseError> {
        let statement: Statement = read_json("the statement", bytes, crate::MAX_BUNDLE_BYTES)?;
        if statement.statement_type != STATEMENT_V01 && statement.statement_type != STATEMENT_V1 {
            return Err(ParseError::MediaType { what: "the statement", media_type: statement.statement_type });
        }
        at_most("subjects of the statement", statement.subject.len(), MAX_SUBJECTS)?;
        Ok(statement)
    }

    /// The statement as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a subject has this digest, in lower case hexadecimal.
    pub fn has_subject(&self, algorithm: &str, hex: &str) -> bool {
        self.subject.iter().any(|subject| subject.digest.get(algorithm).is_some_and(|digest| digest == hex))
    }
}
