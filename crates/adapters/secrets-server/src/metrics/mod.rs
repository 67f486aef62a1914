//! `sys/metrics`: the peers' names, so that dashboards and alerts of theirs go on (Vault's `telemetry`, OpenBao 2.7).
//!
//! [`Telemetry`] is told what happens; [`Reporter`] adds what there is, and writes it as Prometheus or JSON.

mod reporter;
mod sample;
mod write;

pub(crate) use reporter::{Reporter, format};

use sample::Sample;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most names; what more mounts would add is not recorded.
const MAX_NAMES: usize = 4096;

/// Durations and counts by their names as the peer's JSON has them (`vault.core.handle_request`).
pub(crate) struct Telemetry {
    in_flight: AtomicI64,
    samples: Mutex<BTreeMap<String, Sample>>,
    counters: Mutex<BTreeMap<&'static str, u64>>,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        let counters = [("vault.audit.log_request_failure", 0), ("vault.audit.log_response_failure", 0)];
        Self { in_flight: AtomicI64::new(0), samples: Mutex::default(), counters: Mutex::new(BTreeMap::from(counters)) }
    }

    /// A request that is under way until this is dropped.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Something took so long.
    pub(crate) fn observe(&self, name: &str, took: Duration) {
        let now = Instant::now();
        let mut samples = lock(&self.samples);
        if let Some(sample) = samples.get_mut(name) {
            sample.add(took, now);
        } else if samples.len() < MAX_NAMES {
            samples.entry(name.to_owned()).or_default().add(took, now);
        }
    }

    /// Something happened.
    pub(crate) fn count(&self, name: &'static str) {
        *lock(&self.counters).entry(name).or_default() += 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See [`Telemetry::begin`].
pub(crate) struct InFlight<'a>(&'a Telemetry);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
