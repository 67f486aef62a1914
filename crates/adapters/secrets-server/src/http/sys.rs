//! Paths under `sys/` that answer while sealed, or without a token.

use super::answer::{empty, json_of, raw, refuse};
use super::{Face, Surface, read};
use crate::metrics;
use crate::server::VERSION;
use audit::DeviceState;
use axum::body::Body;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use barrier::{InitRequest, RekeyRequest, SealStatus, Subject};
use jiff::Timestamp;
use logical::{Error, Map};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Bodies here are small.
const MAX_BODY: usize = 1 << 20;

/// One of the paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Init,
    SealStatus,
    Unseal,
    Leader,
    Health,
    Metrics,
    RootAttempt,
    RootUpdate,
    RekeyInit(Subject),
    RekeyUpdate(Subject),
    RekeyVerify(Subject),
}

/// Which part a path below `sys/` is, if it is one of these.
pub(crate) fn part(path: &str, surface: Surface) -> Option<Part> {
    Some(match path {
        "init" => Part::Init,
        "seal-status" => Part::SealStatus,
        "unseal" => Part::Unseal,
        "leader" => Part::Leader,
        "health" => Part::Health,
        "metrics" if surface.unauthenticated_metrics => Part::Metrics,
        "generate-root/attempt" => Part::RootAttempt,
        "generate-root/update" => Part::RootUpdate,
        "rekey/init" => Part::RekeyInit(Subject::Root),
        "rekey/update" => Part::RekeyUpdate(Subject::Root),
        "rekey/verify" => Part::RekeyVerify(Subject::Root),
        "rekey-recovery-key/init" => Part::RekeyInit(Subject::Recovery),
        "rekey-recovery-key/update" => Part::RekeyUpdate(Subject::Recovery),
        "rekey-recovery-key/verify" => Part::RekeyVerify(Subject::Recovery),
        _ => return None,
    })
}

/// What a share comes with.
#[derive(Default)]
struct Share {
    key: Zeroizing<String>,
    nonce: String,
}

impl Face {
    /// Answers one of the paths.
    pub(crate) async fn sys(&self, part: Part, parts: &Parts, body: Body) -> Response<Body> {
        let bytes = match read::body(body, MAX_BODY).await {
            Ok(bytes) => Zeroizing::new(bytes),
            Err((status, text)) => return refuse(status, &text),
        };
        let answered = match part {
            Part::Health => return self.health(parts).await,
            Part::Metrics => {
                if parts.method != Method::GET {
                    return refuse(StatusCode::METHOD_NOT_ALLOWED, "");
                }
                let query = parts.uri.query().unwrap_or_default();
                let asked = query.split('&').find_map(|pair| pair.strip_prefix("format="));
                let accept = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
                let format = metrics::format(asked, accept);
                return raw(&self.server.reporter.answer(Some(&self.server.core), format).await);
            }
            Part::Leader => self.leader(&parts.method),
            Part::Init => self.init(&parts.method, &bytes).await,
            Part::SealStatus => self.seal_status(&parts.method).await,
            Part::Unseal => self.unseal(&parts.method, &bytes).await,
            Part::RootAttempt => self.root_attempt(&parts.method, &bytes).await,
            Part::RootUpdate => self.root_update(&parts.method, &bytes).await,
            Part::RekeyInit(subject) => self.rekey_init(subject, &parts.method, &bytes).await,
            Part::RekeyUpdate(subject) => self.rekey_update(subject, &parts.method, &bytes).await,
            Part::RekeyVerify(subject) => self.rekey_verify(subject, &parts.method, &bytes).await,
        };
        match answered {
            Ok(response) => response,
            Err(Error::Internal(cause)) => {
                tracing::error!(%cause, path = parts.uri.path(), "a request failed");
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
            }
            Err(error) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let text = if error.status() == 405 { String::new() } else { error.to_string() };
                refuse(status, &text)
            }
        }
    }

    async fn health(&self, parts: &Parts) -> Response<Body> {
        let query = parts.uri.query().unwrap_or_default();
        let code = |name: &str, default: u16| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.map_or(Ok(default), |code| code.parse().map_err(|_| ()))
        };
        let codes =
            [("uninitcode", 501), ("sealedcode", 503), ("activecode", 200)].map(|(name, default)| code(name, default));
        let [Ok(uninitialized), Ok(sealed), Ok(active)] = codes else { return refuse(StatusCode::BAD_REQUEST, "") };
        let barrier = self.server.operator.barrier();
        let Ok(is_initialized) = barrier.is_initialized().await else {
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the storage does not answer");
        };
        let is_sealed = barrier.is_sealed();
        let status = match (is_initialized, is_sealed) {
            (false, _) => uninitialized,
            (true, true) => sealed,
            (true, false) => active,
        };
        let Ok(status) = StatusCode::from_u16(status) else { return refuse(StatusCode::BAD_REQUEST, "") };
        if parts.method == Method::HEAD {
            return empty(status);
        }
        if parts.method != Method::GET {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        let mut body = json!({
            "initialized": is_initialized,
            "sealed": is_sealed,
            "standby": false,
            "performance_standby": false,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": Timestamp::now().as_second(),
            "version": VERSION,
        });
        self.name(&mut body, !is_sealed);
        let broken: Vec<Value> = self.server.devices().health().iter().filter_map(broken).collect();
        if let (Some(body), false) = (body.as_object_mut(), broken.is_empty()) {
            body.insert("audit_devices".to_owned(), broken.into());
        }
        json_of(status, &body)
    }

    fn name(&self, body: &mut Value, is_open: bool) {
        if let (Some(body), true) = (body.as_object_mut(), is_open) {
            body.insert("cluster_name".to_owned(), self.server.cluster.name.clone().into());
            body.insert("cluster_id".to_owned(), self.server.cluster.id.clone().into());
        }
    }

    fn leader(&self, method: &Method) -> Result<Response<Body>, Error> {
        require(method, &[Method::GET])?;
        ok(&json!({
            "ha_enabled": false, "is_self": false, "active_time": "0001-01-01T00:00:00Z", "leader_address": "",
            "leader_cluster_address": "", "performance_standby": false, "performance_standby_last_remote_wal": 0,
        }))
    }

    async fn init(&self, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        if *method == Method::GET {
            return ok(&json!({ "initialized": self.server.operator.barrier().is_initialized().await? }));
        }
        require(method, &[Method::PUT, Method::POST])?;
        let request: InitRequest = body_of(bytes)?;
        ok(&self.server.initialize(&request).await?)
    }

    async fn seal_status(&self, method: &Method) -> Result<Response<Body>, Error> {
        require(method, &[Method::GET])?;
        self.status(&self.server.operator.seal_status().await?)
    }

    /// With what the server knows of itself.
    fn status(&self, status: &SealStatus) -> Result<Response<Body>, Error> {
        let mut body = serde_json::to_value(status).map_err(Error::internal)?;
        self.name(&mut body, !status.sealed);
        if let Some(body) = body.as_object_mut() {
            body.insert("version".to_owned(), VERSION.into());
            body.insert("build_date".to_owned(), "2026-11-01T00:00:00Z".into());
            body.insert("storage_type".to_owned(), self.server.storage_kind.into());
        }
        ok(&body)
    }

    async fn unseal(&self, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        require(method, &[Method::PUT, Method::POST])?;
        let fields = object(bytes)?;
        let fields = logical::Fields::new(&fields);
        if fields.boolean("reset")?.unwrap_or(false) {
            return self.status(&self.server.operator.reset_unseal().await?);
        }
        let key = Zeroizing::new(fields.text("key")?.unwrap_or_default());
        let migrate = fields.boolean("migrate")?.unwrap_or(false);
        self.status(&self.server.unseal(&key, migrate).await?)
    }

    async fn root_attempt(&self, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        let operator = &self.server.operator;
        match method.as_str() {
            "GET" => ok(&operator.root_status().await?),
            "PUT" | "POST" => {
                let fields = object(bytes)?;
                let fields = logical::Fields::new(&fields);
                let otp = Zeroizing::new(fields.text("otp")?.unwrap_or_default());
                ok(&operator.root_start(&otp, &fields.text("pgp_key")?.unwrap_or_default()).await?)
            }
            "DELETE" => {
                operator.root_cancel().await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn root_update(&self, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        require(method, &[Method::PUT, Method::POST])?;
        let share = share(bytes)?;
        ok(&self.server.generate_root(&share.key, &share.nonce).await?)
    }

    async fn rekey_init(&self, subject: Subject, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        let operator = &self.server.operator;
        match method.as_str() {
            "GET" => ok(&operator.rekey_status(subject).await?),
            "PUT" | "POST" => {
                let request: RekeyRequest = body_of(bytes)?;
                ok(&operator.rekey_start(subject, &request).await?)
            }
            "DELETE" => {
                operator.rekey_cancel(subject).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Error::UnsupportedOperation),
        }
    }

    async fn rekey_update(&self, subject: Subject, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        require(method, &[Method::PUT, Method::POST])?;
        let share = share(bytes)?;
        ok(&self.server.operator.rekey_update(subject, &share.key, &share.nonce).await?)
    }

    async fn rekey_verify(&self, subject: Subject, method: &Method, bytes: &[u8]) -> Result<Response<Body>, Error> {
        let operator = &self.server.operator;
        match method.as_str() {
            "GET" => ok(&operator.rekey_verification(subject).await?),
            "PUT" | "POST" => {
                let share = share(bytes)?;
                ok(&operator.rekey_verify(subject, &share.key, &share.nonce).await?)
            }
            "DELETE" => ok(&operator.rekey_verification_restart(subject).await?),
            _ => Err(Error::UnsupportedOperation),
        }
    }
}

/// A device that does not write. Why it doesn't is in the log: it could tell a path.
fn broken(device: &audit::Health) -> Option<Value> {
    let (state, since) = match &device.state {
        DeviceState::Blocked { since } => ("blocked", since),
        DeviceState::Failing { since, .. } => ("failing", since),
        DeviceState::Working => return None,
    };
    Some(json!({"path": device.name, "state": state, "since": since.to_string(), "missed": device.missed}))
}

fn require(method: &Method, allowed: &[Method]) -> Result<(), Error> {
    if allowed.contains(method) { Ok(()) } else { Err(Error::UnsupportedOperation) }
}

fn ok(value: &impl Serialize) -> Result<Response<Body>, Error> {
    Ok(json_of(StatusCode::OK, value))
}

fn object(bytes: &[u8]) -> Result<Map, Error> {
    read::json(bytes).map_err(|(_, text)| Error::Invalid(text))
}

fn body_of<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut object = object(bytes)?;
    object.retain(|_, value| !value.is_null());
    // A message of the parser could quote what was sent.
    serde_json::from_value(Value::Object(object)).map_err(|_| Error::invalid("failed to parse JSON input"))
}

fn share(bytes: &[u8]) -> Result<Share, Error> {
    let fields = object(bytes)?;
    let fields = logical::Fields::new(&fields);
    let key = Zeroizing::new(fields.text("key")?.unwrap_or_default());
    if key.is_empty() {
        return Err(Error::invalid("'key' must be specified in request body as JSON"));
    }
    Ok(Share { key, nonce: fields.text("nonce")?.unwrap_or_default() })
}
