//! `GET /api/v2/search`: what the peer has no answer to. Every row comes with the proof that it is in the log.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use ledger::{LedgerError, Stored, Term, View};
use serde::{Deserialize, Serialize};
use tlog::Hash;

use super::answer::{LogEntry, Proof};
use super::{Code, error, failed};
use crate::log::Log;
use crate::terms;

const DEFAULT_ROWS: usize = 20;
const MAX_ROWS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Asked {
    /// Digest of what was signed, as `sha256:<hex>`; without an algorithm it is SHA-256.
    hash: Option<String>,
    /// SHA-256 of a key or certificate in DER, as hexadecimal.
    key: Option<String>,
    /// An address or URI of a certificate.
    identity: Option<String>,
    predicate_type: Option<String>,
    /// Entries before this index are left out.
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// Rows in the order of the log, all proven under the same checkpoint.
    entries: Vec<LogEntry<'a>>,
    /// Where to ask on from, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    tree_size: u64,
}

impl Asked {
    /// The one term that is asked for.
    fn term(&self) -> Option<Term> {
        let hash = self.hash.as_deref().map(|hash| match hash.split_once(':') {
            Some((algorithm, hex)) => terms::artifact(algorithm, hex),
            None => terms::artifact("sha256", hash),
        });
        let key = self.key.as_deref().map(terms::key_fingerprint);
        let identity = self.identity.as_deref().map(terms::identity);
        let predicate = self.predicate_type.as_deref().map(terms::predicate);
        let mut asked = [hash, key, identity, predicate].into_iter().flatten();
        let term = asked.next();
        term.filter(|_| asked.next().is_none())
    }
}

pub(crate) async fn search(
    State(log): State<Log>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else {
        return error(Code::InvalidArgument, "the query has an unknown parameter or a number that is none");
    };
    let Some(term) = asked.term() else {
        return error(Code::InvalidArgument, "ask for exactly one of hash, key, identity and predicateType");
    };
    let limit = asked.limit.unwrap_or(DEFAULT_ROWS).min(MAX_ROWS);
    let view = match log.view().await {
        Ok(view) => view,
        Err(reason) => return failed(&reason),
    };
    let rows = match rows(&view, &term, asked.from, limit).await {
        Ok(rows) => rows,
        Err(reason) => return failed(&reason),
    };
    let next = (rows.len() == limit && limit > 0).then(|| rows.last().map(|(row, _)| row.index + 1)).flatten();
    let (log_id, latest) = (log.id(), view.latest());
    let entries = rows.iter().map(|(row, hashes)| {
        let proof =
            Proof { index: row.index, size: latest.size, root: &latest.root, hashes, checkpoint: &latest.checkpoint };
        LogEntry::new(&log_id, kind(&row.body), &row.body, &proof)
    });
    Json(Answer { entries: entries.collect(), next, tree_size: latest.size }).into_response()
}

async fn rows(view: &View, term: &Term, from: u64, limit: usize) -> Result<Vec<(Stored, Vec<Hash>)>, LedgerError> {
    let mut rows = Vec::new();
    for index in view.find(term, from, limit).await? {
        if let Some(stored) = view.entry(index).await? {
            rows.push((stored, view.inclusion(index, view.latest().size).await?));
        }
    }
    Ok(rows)
}

/// The kind in a body that this log wrote.
fn kind(body: &[u8]) -> &'static str {
    if body.starts_with(br#"{"apiVersion":"0.0.2","kind":"dsse""#) { "dsse" } else { "hashedrekord" }
}
