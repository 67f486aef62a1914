//! `POST /api/v1/index/retrieve`: IDs of the entries of a hash, key or address.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::{LedgerError, MAX_FOUND, Term};
use serde::Deserialize;

use super::{answer, error, failed, json};
use crate::log::Log;
use crate::terms;
use crate::verifier::Verifier;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    email: String,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    operator: String,
    public_key: Option<AskedKey>,
}

#[derive(Deserialize)]
struct AskedKey {
    #[serde(default)]
    content: String,
    #[serde(default)]
    format: String,
}

pub(crate) async fn retrieve(State(log): State<Log>, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(reason) => {
            let message = format!("parsing query body from \"\" failed, because {reason}");
            return error(StatusCode::BAD_REQUEST, &message);
        }
    };
    let terms = match asked.terms() {
        Ok(terms) => terms,
        Err(message) => return error(StatusCode::BAD_REQUEST, message),
    };
    match find(&log, &terms, asked.operator == "and").await {
        Ok(ids) => json(StatusCode::OK, &ids),
        Err(reason) => failed(&reason),
    }
}

impl Asked {
    fn terms(&self) -> Result<Vec<Term>, &'static str> {
        let mut terms = Vec::new();
        if !self.hash.is_empty() {
            terms.push(match (self.hash.split_once(':'), self.hash.len()) {
                (Some((algorithm, hex)), _) => terms::artifact(algorithm, hex),
                (None, 40) => terms::artifact("sha1", &self.hash),
                (None, 96) => terms::artifact("sha384", &self.hash),
                (None, 128) => terms::artifact("sha512", &self.hash),
                (None, _) => terms::artifact("sha256", &self.hash),
            });
        }
        if let Some(key) = &self.public_key {
            if key.format != "x509" {
                return Err("the PKI format requested is not supported by this server");
            }
            let pem = STANDARD.decode(key.content.as_bytes()).ok();
            let verifier = pem.and_then(|pem| Verifier::from_pem(&pem).ok());
            let verifier = verifier.ok_or("public key provided could not be parsed")?;
            let certificate = verifier.certificates.first();
            terms.push(terms::key(certificate.map_or(verifier.key.to_spki(), Vec::as_slice)));
        }
        if !self.email.is_empty() {
            terms.push(terms::identity(&self.email));
        }
        Ok(terms)
    }
}

/// The newest rows would be as good as the oldest; there are at most [`MAX_FOUND`] of each term.
async fn find(log: &Log, terms: &[Term], all: bool) -> Result<Vec<String>, LedgerError> {
    let view = log.view().await?;
    let mut found: Option<BTreeSet<u64>> = None;
    for term in terms {
        let indices: BTreeSet<u64> = view.find(term, 0, MAX_FOUND).await?.into_iter().collect();
        found = Some(match found {
            None => indices,
            Some(before) if all => before.intersection(&indices).copied().collect(),
            Some(before) => before.union(&indices).copied().collect(),
        });
    }
    let mut ids = Vec::new();
    for index in found.unwrap_or_default() {
        ids.push(answer::entry_id(log, &view.leaf(index).await?));
    }
    Ok(ids)
}
