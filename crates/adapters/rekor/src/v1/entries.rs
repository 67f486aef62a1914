//! Entries: logged, and found by index, UUID or what they hold.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ledger::View;
use serde::Deserialize;
use serde_json::value::RawValue;
use tlog::Hash;

use super::answer::{self, AnswerError};
use super::proposal::Proposal;
use super::{INVALID_TYPE, PATTERN, REQUIRED, error, failed, invalid, json};
use crate::log::{AddError, Log};

const PATH: &str = "/api/v1/log/entries";
/// As the peer.
const MAX_QUERIES: usize = 10;
const UUID_DIGITS: usize = 64;
const TREE_DIGITS: usize = 16;

pub(crate) async fn create(State(log): State<Log>, body: Bytes) -> Response {
    let proposal = match Proposal::parse(&body) {
        Ok(proposal) => proposal,
        Err(refused) => return error(StatusCode::BAD_REQUEST, &refused.message()),
    };
    let entry = proposal.entry;
    let id = answer::entry_id(&log, &entry.leaf());
    let added = match log.add(entry.clone()).await {
        Ok(added) => added,
        Err(AddError::Busy) => return error(StatusCode::SERVICE_UNAVAILABLE, "the log is busy; retry"),
        Err(AddError::Closed | AddError::Append(_)) => {
            return error(StatusCode::INTERNAL_SERVER_ERROR, "unexpected result from transparency log");
        }
    };
    let mut response = if added.place.duplicate {
        let message = format!("an equivalent entry already exists in the transparency log with UUID {id}");
        error(StatusCode::CONFLICT, &message)
    } else {
        match answer::created(&log, &added, entry.body()) {
            Ok(named) => json(StatusCode::CREATED, &named),
            Err(reason) => return unanswered(&reason),
        }
    };
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("{PATH}/{id}")) {
        headers.insert(header::LOCATION, location);
    }
    if let Some(tag) = HeaderValue::try_from(id).ok().filter(|_| !added.place.duplicate) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn unanswered(reason: &AnswerError) -> Response {
    tracing::error!(reason = reason as &dyn std::error::Error, "an entry could not be answered");
    let message = match reason {
        AnswerError::Sign(_) | AnswerError::Print(_) => "error signing",
        AnswerError::Ledger(_) => "unexpected error communicating with transparency log",
    };
    error(StatusCode::INTERNAL_SERVER_ERROR, message)
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(rename = "logIndex")]
    log_index: Option<String>,
}

pub(crate) async fn by_index(State(log): State<Log>, Query(asked): Query<Asked>) -> Response {
    let Some(given) = asked.log_index else {
        return invalid(REQUIRED, "logIndex in query is required");
    };
    let Some(index) = given.parse::<u64>().ok().filter(|index| i64::try_from(*index).is_ok()) else {
        return invalid(INVALID_TYPE, &format!("logIndex in query must be of type int64: {given:?}"));
    };
    let found = async { answer::at_index(&log, &log.view().await?, index).await };
    match found.await {
        Ok(Some(named)) => json(StatusCode::OK, &named),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(reason) => unanswered(&reason),
    }
}

/// The leaf that an entry ID or a UUID names, in this tree.
fn leaf(log: &Log, id: &str) -> Result<Option<Hash>, ()> {
    let (tree, uuid) = match id.len() {
        UUID_DIGITS => (None, id),
        length if length == UUID_DIGITS + TREE_DIGITS && id.is_ascii() => {
            let (tree, uuid) = id.split_at(TREE_DIGITS);
            (Some(u64::from_str_radix(tree, 16).map_err(|_| ())?), uuid)
        }
        _ => return Err(()),
    };
    let leaf = Hash::from_hex(uuid).ok_or(())?;
    Ok(tree.is_none_or(|tree| tree == log.tree_id()).then_some(leaf))
}

pub(crate) async fn by_uuid(State(log): State<Log>, Path(id): Path<String>) -> Response {
    let Ok(leaf) = leaf(&log, &id) else {
        return invalid(PATTERN, "entryUUID in path should match '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'");
    };
    let Some(leaf) = leaf else { return StatusCode::NOT_FOUND.into_response() };
    let found = async {
        let view = log.view().await?;
        match view.index_of(&leaf).await? {
            Some(index) => answer::at_index(&log, &view, index).await,
            None => Ok(None),
        }
    };
    match found.await {
        Ok(Some(named)) => json(StatusCode::OK, &named),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(reason) => unanswered(&reason),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retrieved<'a> {
    #[serde(rename = "entryUUIDs", default)]
    entry_uuids: Option<Vec<String>>,
    #[serde(default)]
    log_indexes: Option<Vec<u64>>,
    #[serde(borrow, default)]
    entries: Option<Vec<&'a RawValue>>,
}

pub(crate) async fn retrieve(State(log): State<Log>, body: Bytes) -> Response {
    let asked: Retrieved = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(reason) => {
            let message = format!("parsing entry body from \"\" failed, because {reason}");
            return error(StatusCode::BAD_REQUEST, &message);
        }
    };
    let (uuids, indexes) = (asked.entry_uuids.unwrap_or_default(), asked.log_indexes.unwrap_or_default());
    let proposals = asked.entries.unwrap_or_default();
    if uuids.len() + indexes.len() + proposals.len() > MAX_QUERIES {
        let message = format!("more than max allowed {MAX_QUERIES} entries in request");
        return error(StatusCode::UNPROCESSABLE_ENTITY, &message);
    }
    let mut leaves = Vec::new();
    for uuid in &uuids {
        match leaf(&log, uuid) {
            Ok(leaf) => leaves.extend(leaf),
            Err(()) => return error(StatusCode::BAD_REQUEST, &format!("invalid uuid {uuid}")),
        }
    }
    for proposal in proposals {
        match Proposal::parse(proposal.get().as_bytes()) {
            Ok(proposal) => leaves.push(proposal.entry.leaf()),
            Err(refused) => return error(StatusCode::BAD_REQUEST, &refused.plain()),
        }
    }
    let view = match log.view().await {
        Ok(view) => view,
        Err(reason) => return failed(&reason),
    };
    match all(&log, &view, &leaves, &indexes).await {
        Ok(found) => json(StatusCode::OK, &found),
        Err(reason) => unanswered(&reason),
    }
}

async fn all(log: &Log, view: &View, leaves: &[Hash], indexes: &[u64]) -> Result<Vec<answer::Named>, AnswerError> {
    let mut found = Vec::new();
    for leaf in leaves {
        if let Some(index) = view.index_of(leaf).await? {
            found.extend(answer::at_index(log, view, index).await?);
        }
    }
    for index in indexes {
        found.extend(answer::at_index(log, view, *index).await?);
    }
    Ok(found)
}
