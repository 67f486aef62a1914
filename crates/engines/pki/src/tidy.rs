//! Deletes what has ended. Work is done in slices: the first at once, the rest each time that the server calls, so that no
//! request waits for a million certificates.

use crate::crl;
use crate::revoke::{RevokedRow, revoked_row};
use crate::store::Store;
use certificates::Certificate;
use jiff::Timestamp;
use logical::{Batch, Error, Fields, Operation, Request, Response, StorageExt, format_duration, parse_duration};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

const JOB: &str = "tidy/job";
const AUTO: &str = "config/auto-tidy";
/// How many rows are looked at in one slice.
const SLICE: usize = 5000;
const OPERATIONS: &str = "tidy_cert_store / tidy_revoked_certs / tidy_invalid_certs / tidy_revoked_cert_issuer_associations / tidy_expired_issuers / tidy_move_legacy_ca_bundle / tidy_acme";

/// What is to be tidied. Fields are those of the API; lengths are in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    tidy_cert_store: bool,
    tidy_revoked_certs: bool,
    tidy_invalid_certs: bool,
    tidy_revoked_cert_issuer_associations: bool,
    tidy_expired_issuers: bool,
    tidy_move_legacy_ca_bundle: bool,
    tidy_acme: bool,
    safety_buffer: u64,
    revoked_safety_buffer: Option<u64>,
    issuer_safety_buffer: u64,
    acme_account_safety_buffer: u64,
    page_size: u64,
    pause_duration: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tidy_cert_store: false,
            tidy_revoked_certs: false,
            tidy_invalid_certs: false,
            tidy_revoked_cert_issuer_associations: false,
            tidy_expired_issuers: false,
            tidy_move_legacy_ca_bundle: false,
            tidy_acme: false,
            safety_buffer: 72 * 3600,
            revoked_safety_buffer: None,
            issuer_safety_buffer: 365 * 24 * 3600,
            acme_account_safety_buffer: 30 * 24 * 3600,
            page_size: 1000,
            pause_duration: "0s".to_owned(),
        }
    }
}

impl Config {
    fn any(&self) -> bool {
        self.tidy_cert_store
            || self.tidy_revoked_certs
            || self.tidy_invalid_certs
            || self.tidy_revoked_cert_issuer_associations
            || self.tidy_expired_issuers
            || self.tidy_move_legacy_ca_bundle
            || self.tidy_acme
    }

    fn with(mut self, fields: Fields<'_>) -> Result<Self, Error> {
        // The older name of the same.
        self.tidy_revoked_certs = fields.boolean("tidy_revocation_list")?.unwrap_or(self.tidy_revoked_certs);
        let flags = [
            ("tidy_cert_store", &mut self.tidy_cert_store),
            ("tidy_revoked_certs", &mut self.tidy_revoked_certs),
            ("tidy_invalid_certs", &mut self.tidy_invalid_certs),
            ("tidy_revoked_cert_issuer_associations", &mut self.tidy_revoked_cert_issuer_associations),
            ("tidy_expired_issuers", &mut self.tidy_expired_issuers),
            ("tidy_move_legacy_ca_bundle", &mut self.tidy_move_legacy_ca_bundle),
            ("tidy_acme", &mut self.tidy_acme),
        ];
        for (name, value) in flags {
            *value = fields.boolean(name)?.unwrap_or(*value);
        }
        let length = |name: &str| -> Result<Option<u64>, Error> {
            match fields.duration(name)?.map(|length| length.as_secs()) {
                Some(0) => Err(Error::invalid(format!("{name} must be greater than zero"))),
                other => Ok(other),
            }
        };
        self.safety_buffer = length("safety_buffer")?.unwrap_or(self.safety_buffer);
        self.revoked_safety_buffer = length("revoked_safety_buffer")?.or(self.revoked_safety_buffer);
        self.issuer_safety_buffer = length("issuer_safety_buffer")?.unwrap_or(self.issuer_safety_buffer);
        let account = length("acme_account_safety_buffer")?;
        self.acme_account_safety_buffer = account.unwrap_or(self.acme_account_safety_buffer);
        if let Some(size) = fields.integer("page_size")? {
            self.page_size = u64::try_from(size)
                .ok()
                .filter(|size| *size >= 5)
                .ok_or_else(|| Error::invalid("page_size must be greater than five"))?;
        }
        if let Some(text) = fields.text("pause_duration")? {
            let pause = parse_duration(&text);
            let pause = pause.map_err(|error| Error::invalid(format!("Error parsing pause_duration: {error}")))?;
            self.pause_duration = format_duration(pause);
        }
        Ok(self)
    }

    fn revoked_buffer(&self) -> u64 {
        self.revoked_safety_buffer.unwrap_or(self.safety_buffer)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Auto {
    enabled: bool,
    interval_duration: Option<u64>,
    #[serde(flatten)]
    config: Config,
}

const INTERVAL_SECONDS: u64 = 12 * 3600;

/// Where the rows are of what is tidied, in this order.
const STAGES: [&str; 5] = ["cert/", "revoked/", "issuer/", "acme/order/", "acme/account/"];

/// What is being done, or was done last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Job {
    config: Config,
    /// Index of [`STAGES`]; past their end it is finished.
    stage: usize,
    /// The last row that was looked at.
    position: String,
    started: String,
    finished: Option<String>,
    finished_seconds: i64,
    cancelled: bool,
    rebuild: bool,
    certificates: u64,
    revoked: u64,
    orders: u64,
    accounts: u64,
}

impl Job {
    fn state(&self) -> &'static str {
        match (self.finished.is_some(), self.cancelled) {
            (true, false) => "Finished",
            (true, true) => "Cancelled",
            (false, true) => "Cancelling",
            (false, false) => "Running",
        }
    }

    fn stage_is_on(&self) -> bool {
        match self.stage {
            0 => self.config.tidy_cert_store || self.config.tidy_invalid_certs,
            1 => self.config.tidy_revoked_certs,
            2 => self.config.tidy_expired_issuers,
            _ => self.config.tidy_acme,
        }
    }
}

/// `tidy`.
pub(crate) async fn start(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let config = Config::default().with(request.fields())?;
    let running: Option<Job> = store.rows.get_json(JOB).await?;
    if running.is_some_and(|job| job.finished.is_none()) {
        return Ok(accepted("Tidy operation already in progress.".to_owned()));
    }
    let any = config.any();
    begin(store, config, request.now).await?;
    Ok(accepted(if any {
        "Tidy operation successfully started. Its outcome is told by tidy-status.".to_owned()
    } else {
        format!(
            "Manual tidy requested but no tidy operations were set. Enable at least one tidy operation to be run ({OPERATIONS})."
        )
    }))
}

fn accepted(warning: String) -> Response {
    Response { status: Some(202), warnings: vec![warning], ..Response::default() }
}

async fn begin(store: Store<'_>, config: Config, now: Timestamp) -> Result<(), Error> {
    let job = Job { config, started: now.to_string(), ..Job::default() };
    go_on(store, job, now).await
}

/// Each minute: goes on with what is being done, or begins what is due.
pub(crate) async fn periodic(store: Store<'_>, now: Timestamp) -> Result<(), Error> {
    let job: Option<Job> = store.rows.get_json(JOB).await?;
    match job {
        Some(job) if job.finished.is_none() => go_on(store, job, now).await,
        job => {
            let auto: Auto = store.rows.get_json(AUTO).await?.unwrap_or_default();
            let interval = i64::try_from(auto.interval_duration.unwrap_or(INTERVAL_SECONDS)).unwrap_or(i64::MAX);
            let last = job.map_or(i64::MIN, |job| job.finished_seconds);
            if auto.enabled && now.as_second().saturating_sub(last) >= interval {
                begin(store, auto.config, now).await?;
            }
            Ok(())
        }
    }
}

async fn go_on(store: Store<'_>, mut job: Job, now: Timestamp) -> Result<(), Error> {
    let mut left = SLICE;
    while left > 0 && !job.cancelled {
        let Some(prefix) = STAGES.get(job.stage) else { break };
        let rows = if job.stage_is_on() { store.rows.scan(prefix, &job.position, left).await? } else { Vec::new() };
        if rows.len() < left {
            job.stage += 1;
            job.position.clear();
        } else if let Some(last) = rows.last() {
            job.position.clone_from(last);
        }
        left -= rows.len().min(left);
        for row in rows {
            one(store, &mut job, &row, now).await?;
        }
    }
    if job.cancelled || job.stage >= STAGES.len() {
        if job.rebuild {
            crl::rebuild(store, now).await?;
        }
        job.finished = Some(now.to_string());
        job.finished_seconds = now.as_second();
    }
    store.rows.put_json(JOB, &job).await.map(|_| ())
}

fn ended(at: i64, buffer: u64, now: Timestamp) -> bool {
    at.saturating_add(i64::try_from(buffer).unwrap_or(i64::MAX)) < now.as_second()
}

/// Looks at one row, and deletes it where it has ended.
async fn one(store: Store<'_>, job: &mut Job, key: &str, now: Timestamp) -> Result<(), Error> {
    let mut batch = Batch::new();
    let name = key.rsplit('/').next().unwrap_or_default();
    if let Some(row) = key.strip_prefix("cert/") {
        let Some(entry) = store.rows.get(key).await? else { return Ok(()) };
        let gone = match Certificate::from_der(&entry.value) {
            Ok(found) => {
                let revoked = revoked_row(store, row).await?.is_some();
                let buffer = if revoked { job.config.revoked_buffer() } else { job.config.safety_buffer };
                job.config.tidy_cert_store && ended(found.not_after().as_second(), buffer, now)
            }
            Err(_) => job.config.tidy_invalid_certs,
        };
        if gone {
            job.certificates += 1;
            batch.delete(key).delete(format!("acme/cert/{row}"));
        }
    } else if let Some(row) = key.strip_prefix("revoked/") {
        let Some(found) = store.rows.get_json::<RevokedRow>(key).await? else { return Ok(()) };
        if ended(found.expires, job.config.revoked_buffer(), now) {
            job.revoked += 1;
            job.rebuild = true;
            batch.delete(key).delete(format!("cert/{row}"));
        }
    } else if key.starts_with("issuer/") {
        let found = store.issuer(name).await?;
        let is_default = store.issuers_config().await?.default == found.id;
        let end = found.certificate()?.not_after().as_second();
        if !is_default && ended(end, job.config.issuer_safety_buffer, now) {
            store.delete_issuer(&found.id).await?;
        }
    } else if key.starts_with("acme/order/") {
        if let Some((authorizations, end)) = crate::acme::order_end(store, key).await?
            && ended(end, job.config.safety_buffer, now)
        {
            job.orders += 1;
            let account = key.split('/').nth(2).unwrap_or_default();
            batch.delete(key);
            for id in authorizations {
                batch.delete(format!("acme/authorization/{account}/{id}"));
            }
        }
    } else if let Some(thumbprint) = crate::acme::unused_account(store, name).await?
        && ended(thumbprint.1, job.config.acme_account_safety_buffer, now)
    {
        job.accounts += 1;
        batch.delete(key).delete(format!("acme/thumbprint/{}", thumbprint.0));
    }
    if batch.writes.is_empty() { Ok(()) } else { store.rows.commit(batch).await.map(|_| ()) }
}

/// `tidy-cancel`.
pub(crate) async fn cancel(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let job: Option<Job> = store.rows.get_json(JOB).await?;
    let Some(mut job) = job.filter(|job| job.finished.is_none()) else {
        return Ok(Response::empty().warn("Tidy operation cannot be cancelled as none is currently running."));
    };
    job.cancelled = true;
    go_on(store, job, request.now).await?;
    status(store).await
}

/// `tidy-status`.
pub(crate) async fn status(store: Store<'_>) -> Result<Response, Error> {
    let job: Option<Job> = store.rows.get_json(JOB).await?;
    let mut data = json!(job.as_ref().map(|job| &job.config).cloned().unwrap_or_default());
    if let Value::Object(map) = &mut data {
        let Some(job) = job else {
            map.values_mut().for_each(|value| *value = Value::Null);
            map.insert("state".to_owned(), json!("Inactive"));
            for name in COUNTS.iter().chain(&["time_started", "time_finished", "error", "message"]) {
                map.insert((*name).to_owned(), Value::Null);
            }
            return Ok(Response::json(data));
        };
        map.insert("revoked_safety_buffer".to_owned(), json!(job.config.revoked_buffer()));
        map.insert("state".to_owned(), json!(job.state()));
        map.insert("time_started".to_owned(), json!(job.started));
        map.insert("time_finished".to_owned(), json!(job.finished));
        map.insert("error".to_owned(), Value::Null);
        let stage = STAGES.get(job.stage).map(|stage| format!("Tidying {}", stage.trim_end_matches('/')));
        map.insert("message".to_owned(), json!(stage));
        let counts = [job.certificates, job.revoked, job.orders, job.accounts, 0, 0, 0];
        for (name, count) in COUNTS.iter().zip(counts) {
            map.insert((*name).to_owned(), json!(count));
        }
    }
    Ok(Response::json(data))
}

const COUNTS: [&str; 7] = [
    "cert_store_deleted_count",
    "revoked_cert_deleted_count",
    "acme_orders_deleted_count",
    "acme_account_deleted_count",
    "acme_account_revoked_count",
    "missing_issuer_cert_count",
    "total_acme_account_count",
];

/// `config/auto-tidy`.
pub(crate) async fn handle_auto(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let mut auto: Auto = store.rows.get_json(AUTO).await?.unwrap_or_default();
    if request.operation.is_write() {
        let fields = request.fields();
        auto.enabled = fields.boolean("enabled")?.unwrap_or(auto.enabled);
        let interval = fields.duration("interval_duration")?.map(|length: Duration| length.as_secs());
        auto.interval_duration = interval.or(auto.interval_duration);
        auto.config = auto.config.with(fields)?;
        if auto.enabled && !auto.config.any() {
            return Err(Error::invalid(format!(
                "Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run ({OPERATIONS})."
            )));
        }
        store.rows.put_json(AUTO, &auto).await?;
    } else if request.operation != Operation::Read {
        return Err(Error::UnsupportedOperation);
    }
    let mut data = json!(auto);
    if let Value::Object(map) = &mut data {
        map.insert("interval_duration".to_owned(), json!(auto.interval_duration.unwrap_or(INTERVAL_SECONDS)));
        map.insert("revoked_safety_buffer".to_owned(), json!(auto.config.revoked_buffer()));
        map.insert("maintain_stored_certificate_counts".to_owned(), json!(false));
        map.insert("publish_stored_certificate_count_metrics".to_owned(), json!(false));
    }
    Ok(Response::json(data))
}
