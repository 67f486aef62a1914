use super::write::{Everything, Gauge};
use super::{Telemetry, lock};
use crate::audit::Devices;
use audit::DeviceState;
use barrier::Operator;
use jiff::Timestamp;
use logical::Raw;
use rustix::param::{clock_ticks_per_second, page_size};
use secrets::{Core, Figures};
use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Rows are counted again no sooner than this,
const FRESH: Duration = Duration::from_secs(10);
/// and than so many times what counting took.
const SHARE: u32 = 50;
const OPEN_METRICS: &str = "application/openmetrics-text";
const PROMETHEUS: &str = "prometheus/telemetry";

/// The figures, when they were counted and how long that took.
type Counted = (Figures, Instant, Duration);

/// Tells everything about one server.
pub(crate) struct Reporter {
    telemetry: Arc<Telemetry>,
    operator: Arc<Operator>,
    devices: Arc<Devices>,
    cluster: String,
    started: Timestamp,
    counted: Mutex<Option<Counted>>,
    listeners: OnceLock<listener::Metrics>,
}

/// The format of a request: `format`, or what its `Accept` asks for; empty is JSON.
pub(crate) fn format<'a>(asked: Option<&'a str>, accept: Option<&str>) -> &'a str {
    match (asked, accept) {
        (Some(format), _) if !format.is_empty() => format,
        (_, Some(accept)) if accept.starts_with(OPEN_METRICS) || accept.contains(PROMETHEUS) => "prometheus",
        _ => "",
    }
}

impl Reporter {
    pub(crate) fn new(
        telemetry: Arc<Telemetry>,
        operator: Arc<Operator>,
        devices: Arc<Devices>,
        cluster: String,
    ) -> Self {
        Self {
            telemetry,
            operator,
            devices,
            cluster,
            started: Timestamp::now(),
            counted: Mutex::default(),
            listeners: OnceLock::new(),
        }
    }

    /// What listeners count is told too, to Prometheus.
    pub(crate) fn set_listeners(&self, metrics: listener::Metrics) {
        let _ = self.listeners.set(metrics);
    }

    /// The answer in a format.
    pub(crate) async fn answer(&self, core: Option<&Core>, format: &str) -> Raw {
        let (status, content_type, body) = match format {
            "prometheus" => {
                let mut text = self.everything(core).await.prometheus(Instant::now());
                text.push_str(&self.listeners.get().map(listener::Metrics::render).unwrap_or_default());
                (200, "text/plain; version=0.0.4; charset=utf-8", text)
            }
            "" => {
                let body = self.everything(core).await.json(Instant::now(), Timestamp::now());
                (200, "application/json", body.to_string())
            }
            other => (400, "text/plain", format!("metric response format {other:?} unknown")),
        };
        Raw { status, content_type: content_type.to_owned(), body: body.into_bytes() }
    }

    async fn everything(&self, core: Option<&Core>) -> Everything {
        let is_open = !self.operator.barrier().is_sealed();
        let cluster = || vec![("cluster", self.cluster.clone())];
        let mut gauges = Vec::new();
        let mut gauge = |name, labels, value| gauges.push(Gauge { name, labels, value });
        gauge("vault.core.unsealed", cluster(), f64::from(u8::from(is_open)));
        // All nodes are equal: one that is open is active.
        gauge("vault.core.active", cluster(), f64::from(u8::from(is_open)));
        let in_flight = self.telemetry.in_flight.load(Ordering::Relaxed);
        gauge("vault.core.in_flight_requests", cluster(), number(in_flight.unsigned_abs()));
        if let Some(core) = core.filter(|_| is_open) {
            for count in core.mount_counts().into_iter().flatten() {
                let (local, class) = (count.is_local.to_string(), count.class.to_owned());
                let labels = vec![("cluster", self.cluster.clone()), ("local", local), ("type", class)];
                gauge("vault.core.mount_table.num_entries", labels, number(count.entries));
            }
            if let Some(figures) = self.figures(core).await {
                gauge("vault.expire.num_leases", Vec::new(), number(figures.leases));
                gauge("vault.expire.num_irrevocable_leases", Vec::new(), number(figures.irrevocable_leases));
                gauge("vault.token.count", cluster(), number(figures.tokens));
            }
        }
        for device in self.devices.health() {
            let works = matches!(device.state, DeviceState::Working);
            let labels = || vec![("device", device.name.clone())];
            gauge("palisade.audit.device_working", labels(), f64::from(u8::from(works)));
            gauge("palisade.audit.device_missed_total", labels(), number(device.missed));
        }
        gauge("process_start_time_seconds", Vec::new(), self.started.as_duration().as_secs_f64());
        for (name, value) in process() {
            gauge(name, Vec::new(), value);
        }
        let counters = lock(&self.telemetry.counters).clone();
        let samples = lock(&self.telemetry.samples).clone();
        Everything { gauges, counters, samples }
    }

    /// Counts anew where that is due. Who comes meanwhile waits for it.
    async fn figures(&self, core: &Core) -> Option<Figures> {
        let mut counted = self.counted.lock().await;
        if let Some((figures, at, took)) = &*counted
            && at.elapsed() < FRESH.max(*took * SHARE)
        {
            return Some(*figures);
        }
        let begun = Instant::now();
        match core.figures().await {
            Ok(figures) => {
                *counted = Some((figures, Instant::now(), begun.elapsed()));
                Some(figures)
            }
            Err(error) => {
                tracing::warn!(%error, "leases and tokens could not be counted");
                None
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point numbers")]
fn number(count: u64) -> f64 {
    count as f64
}

/// What the system says of this process; what can't be read is left out.
fn process() -> Vec<(&'static str, f64)> {
    let mut found = Vec::new();
    let pages = fs::read_to_string("/proc/self/statm").ok();
    if let Some(pages) = pages.as_deref().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok()) {
        found.push(("process_resident_memory_bytes", number(pages * page_size() as u64)));
    }
    let stat = fs::read_to_string("/proc/self/stat").ok();
    // After the name, which may have spaces: user and system time are the 14th and 15th field.
    let ticks = stat.as_deref().and_then(|text| {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    });
    if let Some(ticks) = ticks {
        found.push(("process_cpu_seconds_total", number(ticks) / number(clock_ticks_per_second().max(1))));
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        found.push(("process_open_fds", number(files.count() as u64)));
    }
    found
}
