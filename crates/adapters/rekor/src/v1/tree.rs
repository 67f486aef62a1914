//! The tree: its size, root and key, and consistency proofs.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tlog::Hash;

use super::{INVALID_TYPE, PATTERN, REQUIRED, error, failed, invalid, json};
use crate::log::Log;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    inactive_shards: (),
    root_hash: String,
    signed_tree_head: &'a str,
    #[serde(rename = "treeID")]
    tree_id: String,
    tree_size: u64,
}

pub(crate) async fn info(State(log): State<Log>) -> Response {
    match log.view().await {
        Ok(view) => {
            let latest = view.latest();
            let info = Info {
                inactive_shards: (),
                root_hash: latest.root.to_hex(),
                signed_tree_head: &latest.checkpoint,
                tree_id: log.tree_id().to_string(),
                tree_size: latest.size,
            };
            json(StatusCode::OK, &info)
        }
        Err(reason) => failed(&reason),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    first_size: Option<String>,
    last_size: Option<String>,
    #[serde(rename = "treeID")]
    tree_id: Option<String>,
}

impl Asked {
    /// Refuses a tree that is not this one.
    fn check_tree(&self, log: &Log) -> Result<(), Box<Response>> {
        let Some(asked) = self.tree_id.as_deref().filter(|asked| !asked.is_empty()) else { return Ok(()) };
        if !asked.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Box::new(invalid(PATTERN, "treeID in query should match '^[0-9]+$'")));
        }
        if asked == log.tree_id().to_string() {
            return Ok(());
        }
        let message = format!("{asked} not found in logRanges");
        Err(Box::new(error(StatusCode::BAD_REQUEST, &message)))
    }
}

pub(crate) async fn public_key(State(log): State<Log>, Query(asked): Query<Asked>) -> Response {
    if let Err(refused) = asked.check_tree(&log) {
        return *refused;
    }
    ([(header::CONTENT_TYPE, "application/x-pem-file")], log.public_key().to_pem()).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    hashes: Vec<String>,
    root_hash: String,
}

/// A size in the query: a positive number.
fn size(name: &str, given: Option<&str>, default: Option<u64>) -> Result<u64, Box<Response>> {
    let Some(given) = given else {
        return default.ok_or_else(|| Box::new(invalid(REQUIRED, &format!("{name} in query is required"))));
    };
    let number = given.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
    let wrong = || Box::new(invalid(INVALID_TYPE, &format!("{name} in query must be of type int64: {given:?}")));
    let number = number.ok_or_else(wrong)?;
    // The number that the generated checks give to a value that is too small.
    const TOO_SMALL: u16 = 613;
    if number == 0 {
        return Err(Box::new(invalid(TOO_SMALL, &format!("{name} in query should be greater than or equal to 1"))));
    }
    Ok(number)
}

pub(crate) async fn consistency(State(log): State<Log>, Query(asked): Query<Asked>) -> Response {
    match prove(&log, &asked).await {
        Ok(response) => response,
        Err(refused) => *refused,
    }
}

async fn prove(log: &Log, asked: &Asked) -> Result<Response, Box<Response>> {
    let first = size("firstSize", asked.first_size.as_deref(), Some(1))?;
    let last = size("lastSize", asked.last_size.as_deref(), None)?;
    if first > last {
        let message = format!("firstSize({first}) must be less than lastSize({last})");
        return Err(Box::new(error(StatusCode::BAD_REQUEST, &message)));
    }
    asked.check_tree(log)?;
    let view = log.view().await.map_err(|reason| Box::new(failed(&reason)))?;
    let latest = view.latest();
    if last > latest.size {
        let known = latest.size;
        let message = format!("the tree size requested({last}) was greater than what is currently observable({known})");
        return Err(Box::new(error(StatusCode::BAD_REQUEST, &message)));
    }
    let hashes = view.consistency(first, last).await.map_err(|reason| Box::new(failed(&reason)))?;
    let hashes = hashes.iter().map(Hash::to_hex).collect();
    Ok(json(StatusCode::OK, &Consistency { hashes, root_hash: latest.root.to_hex() }))
}
