//! Counters and durations in Prometheus's text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most series; more are not counted, so that no label of a stranger fills the memory.
const MAX_SERIES: usize = 10_000;
/// Upper bounds of the buckets of durations, in milliseconds.
const BUCKETS_MS: [u64; 9] = [1, 5, 10, 20, 50, 100, 500, 1000, 5000];

/// What is counted. Copies count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    series: Arc<Mutex<BTreeMap<(&'static str, String), Series>>>,
}

#[derive(Debug, Clone)]
enum Series {
    Counter(u64),
    Duration { buckets: [u64; BUCKETS_MS.len()], count: u64, sum: Duration },
}

impl Metrics {
    /// Adds one to a counter.
    pub fn count(&self, name: &'static str, labels: &[(&str, &str)]) {
        self.change(name, labels, Series::Counter(0), |series| {
            if let Series::Counter(count) = series {
                *count += 1;
            }
        });
    }

    /// Adds a duration to a histogram.
    pub fn observe(&self, name: &'static str, labels: &[(&str, &str)], took: Duration) {
        let empty = Series::Duration { buckets: [0; BUCKETS_MS.len()], count: 0, sum: Duration::ZERO };
        self.change(name, labels, empty, |series| {
            if let Series::Duration { buckets, count, sum } = series {
                for (bucket, limit) in buckets.iter_mut().zip(BUCKETS_MS) {
                    *bucket += u64::from(took <= Duration::from_millis(limit));
                }
                *count += 1;
                *sum += took;
            }
        });
    }

    fn change(&self, name: &'static str, labels: &[(&str, &str)], empty: Series, change: impl FnOnce(&mut Series)) {
        let mut text = String::new();
        for (label, value) in labels {
            let comma = if text.is_empty() { "" } else { "," };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(text, "{comma}{label}=\"{value}\"");
        }
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_SERIES || all.contains_key(&(name, text.clone())) {
            change(all.entry((name, text)).or_insert(empty));
        }
    }

    /// The counters as text.
    #[must_use]
    pub fn render(&self) -> String {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        let mut last = "";
        for ((name, labels), series) in all.iter() {
            if *name != last {
                let kind = if matches!(series, Series::Counter(_)) { "counter" } else { "histogram" };
                let _ = writeln!(out, "# TYPE {name} {kind}");
                last = name;
            }
            let braced = |more: &str| match (labels.as_str(), more) {
                ("", "") => String::new(),
                ("", more) => format!("{{{more}}}"),
                (labels, "") => format!("{{{labels}}}"),
                (labels, more) => format!("{{{labels},{more}}}"),
            };
            match series {
                Series::Counter(count) => {
                    let _ = writeln!(out, "{name}{} {count}", braced(""));
                }
                Series::Duration { buckets, count, sum } => {
                    for (limit, bucket) in BUCKETS_MS.iter().zip(buckets) {
                        let bound = Duration::from_millis(*limit).as_secs_f64();
                        let _ = writeln!(out, "{name}_bucket{} {bucket}", braced(&format!("le=\"{bound}\"")));
                    }
                    let _ = writeln!(out, "{name}_bucket{} {count}", braced("le=\"+Inf\""));
                    let _ = writeln!(out, "{name}_sum{} {}", braced(""), sum.as_secs_f64());
                    let _ = writeln!(out, "{name}_count{} {count}", braced(""));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_counted() {
        let metrics = Metrics::default();
        metrics.count("a_total", &[("why", "x\"y")]);
        metrics.clone().count("a_total", &[("why", "x\"y")]);
        metrics.observe("b_seconds", &[], Duration::from_millis(7));
        let text = metrics.render();
        assert!(text.contains("a_total{why=\"x\\\"y\"} 2\n"), "{text}");
        assert!(text.contains("b_seconds_bucket{le=\"0.005\"} 0\nb_seconds_bucket{le=\"0.01\"} 1\n"), "{text}");
        for nth in 0..MAX_SERIES + 10 {
            metrics.count("c_total", &[("n", &nth.to_string())]);
        }
        assert!(metrics.series.lock().unwrap().len() <= MAX_SERIES);
    }
}
