//! Rekor's HTTP APIs over a [`ledger`]: version 1 as rekor 1.5 answers, version 2 as rekor-tiles 2.3 does.
//!
//! Each version has a log of its own, as its clients expect of a trusted root: version 1 promises with a signed entry
//! timestamp and names its tree, version 2 is tiles under a checkpoint. An entry is verified before it is logged, and
//! durable before it is answered.
//!
//! Beyond the peers, version 2 can be searched (`GET /api/v2/search`), with an inclusion proof for each row.
//!
//! ```no_run
//! # async fn run(space: std::sync::Arc<dyn space::Space>, key: std::sync::Arc<rekor::Key>) -> Result<(), ledger::LedgerError> {
//! let v2 = rekor::Log::open_v2(space, "log.example", key).await?;
//! let router: axum::Router = rekor::router(&rekor::Logs { v1: None, v2: Some(v2) });
//! # Ok(())
//! # }
//! ```

mod hex;
mod key;
mod log;
mod terms;
mod v1;
mod v2;
mod verifier;

use axum::Router;
use axum::routing::get;

pub use key::Key;
pub use log::Log;

/// The logs to serve.
#[derive(Clone)]
pub struct Logs {
    /// The log of version 1.
    pub v1: Option<Log>,
    /// The log of version 2.
    pub v2: Option<Log>,
}

/// The routes of both versions, and `/healthz`. Every body is bounded. The caller brings deadlines and TLS.
pub fn router(logs: &Logs) -> Router {
    let mut router =
        Router::new().route("/healthz", get(|| async { axum::Json(serde_json::json!({"status": "SERVING"})) }));
    if let Some(log) = &logs.v1 {
        router = router.merge(v1::router(log.clone()));
    }
    if let Some(log) = &logs.v2 {
        router = router.merge(v2::router(log.clone()));
    }
    router
}
