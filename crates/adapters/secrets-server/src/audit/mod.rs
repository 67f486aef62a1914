//! Audit devices: what the core records becomes lines in files, at sockets and on standard output.

mod device;
mod record;

use crate::metrics::Telemetry;
use audit::{Broker, Formatter, Health, Options, Salt, Timer};
use aws_lc_rs::rand;
use barrier::View;
use device::Worker;
use logical::{Batch, Error, Pending, Secret, Storage as _};
use record::entry;
use secrets::{AuditDevice, AuditRecord};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long devices are waited for while another has written.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long they are waited for while none has.
const DEADLINE: Duration = Duration::from_secs(10);
const SALT: &str = "server/audit-salt/";
const SALT_BYTES: usize = 32;

struct Sleep;

impl Timer for Sleep {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// All devices of a server.
pub struct Devices {
    broker: Broker,
    view: View,
    telemetry: Arc<Telemetry>,
    headers: RwLock<Arc<BTreeMap<String, bool>>>,
    workers: Mutex<BTreeMap<String, (AuditDevice, Arc<Worker>)>>,
}

impl Devices {
    /// None yet. Their salts are kept in the barrier.
    pub(crate) fn new(view: View, telemetry: Arc<Telemetry>) -> Self {
        Self {
            broker: Broker::new(Arc::new(Sleep), PATIENCE, DEADLINE),
            view,
            telemetry,
            headers: RwLock::default(),
            workers: Mutex::default(),
        }
    }

    /// How they are.
    pub fn health(&self) -> Vec<Health> {
        self.broker.health()
    }

    /// Opens files again by their names: after somebody has moved them away (SIGHUP).
    pub fn reopen(&self) {
        self.workers().values().for_each(|(_, worker)| worker.reopen());
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<String, (AuditDevice, Arc<Worker>)>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn salt(&self, path: &str) -> Result<Salt, Error> {
        let key = format!("{SALT}{path}");
        loop {
            if let Some(row) = self.view.get(&key).await? {
                return Ok(Salt::new(&row.value));
            }
            let mut bytes = Secret::new(vec![0; SALT_BYTES]);
            rand::fill(&mut bytes).map_err(Error::internal)?;
            let mut batch = Batch::new();
            batch.put(key.as_str(), bytes).require(key.as_str(), None);
            match self.view.commit(batch).await {
                // Where another node was faster, its salt is there.
                Ok(_) | Err(Error::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn add(&self, device: &AuditDevice) -> Result<(), Error> {
        let is_same =
            |(known, _): &(AuditDevice, Arc<Worker>)| known.kind == device.kind && known.options == device.options;
        if self.workers().get(&device.path).is_some_and(is_same) {
            return Ok(());
        }
        let options = Options::from_config(&device.options).map_err(|error| Error::invalid(error.to_string()))?;
        let formatter = Formatter::new(self.salt(&device.path).await?, options);
        let worker = Arc::new(Worker::start(&device.kind, &device.options).map_err(Error::Invalid)?);
        self.broker.register(&device.path, formatter, Arc::clone(&worker) as Arc<dyn audit::Device>);
        self.workers().insert(device.path.clone(), (device.clone(), worker));
        Ok(())
    }

    async fn log(&self, kind: audit::Kind, record: &AuditRecord<'_>) -> Result<(), Error> {
        if self.broker.is_empty() {
            return Ok(());
        }
        let headers = Arc::clone(&self.headers.read().unwrap_or_else(PoisonError::into_inner));
        let owned = record::Owned::of(record);
        let entry = entry(kind, record, &owned, &headers);
        let (took, failed) = match kind {
            audit::Kind::Request => ("vault.audit.log_request", "vault.audit.log_request_failure"),
            audit::Kind::Response => ("vault.audit.log_response", "vault.audit.log_response_failure"),
        };
        let begun = Instant::now();
        let logged = self.broker.log(&entry).await;
        self.telemetry.observe(took, begun.elapsed());
        logged.map_err(|error| {
            self.telemetry.count(failed);
            for (device, cause) in &error.devices {
                let cause = cause.as_ref().map_or_else(|| "blocked".to_owned(), ToString::to_string);
                tracing::error!(device, cause, "an audit device did not write");
            }
            Error::internal(error)
        })
    }
}

impl secrets::Audit for Devices {
    fn request<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()> {
        Box::pin(self.log(audit::Kind::Request, record))
    }

    fn response<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()> {
        Box::pin(self.log(audit::Kind::Response, record))
    }

    fn enable<'a>(&'a self, device: &'a AuditDevice) -> Pending<'a, ()> {
        Box::pin(self.add(device))
    }

    fn disable<'a>(&'a self, path: &'a str) -> Pending<'a, ()> {
        self.broker.deregister(path);
        self.workers().remove(path);
        Box::pin(async { Ok(()) })
    }

    fn hash<'a>(&'a self, path: &'a str, input: &'a str) -> Pending<'a, Option<String>> {
        let hash = self.broker.hash(path, input);
        Box::pin(async move { Ok(hash) })
    }

    fn headers<'a>(&'a self, headers: &'a BTreeMap<String, bool>) -> Pending<'a, ()> {
        *self.headers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(headers.clone());
        Box::pin(async { Ok(()) })
    }
}
