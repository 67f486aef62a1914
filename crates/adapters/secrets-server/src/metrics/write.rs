use super::sample::Sample;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

/// A value of now, with its labels.
pub(super) struct Gauge {
    /// As the peer's JSON has it, with points.
    pub(super) name: &'static str,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: f64,
}

/// All that is written.
pub(super) struct Everything {
    pub(super) gauges: Vec<Gauge>,
    pub(super) counters: BTreeMap<&'static str, u64>,
    pub(super) samples: BTreeMap<String, Sample>,
}

/// A name as Prometheus has it.
fn flat(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '_' }).collect()
}

fn braces(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

impl Everything {
    /// Prometheus's text format.
    pub(super) fn prometheus(&self, now: Instant) -> String {
        let mut text = String::new();
        let mut gauges: BTreeMap<&str, Vec<&Gauge>> = BTreeMap::new();
        for gauge in &self.gauges {
            gauges.entry(gauge.name).or_default().push(gauge);
        }
        for (name, gauges) in gauges {
            let name = flat(name);
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            let _ = writeln!(text, "# HELP {name} {name}\n# TYPE {name} {kind}");
            for gauge in gauges {
                let _ = writeln!(text, "{name}{} {}", braces(&gauge.labels), gauge.value);
            }
        }
        for (name, count) in &self.counters {
            let name = flat(name);
            let _ = writeln!(text, "# HELP {name} {name}\n# TYPE {name} counter\n{name} {count}");
        }
        // Names of mounts that differ only in what Prometheus has no letters for count together.
        let mut merged: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
        for (name, sample) in &self.samples {
            merged.entry(flat(name)).or_default().push(sample);
        }
        for (name, samples) in merged {
            let _ = writeln!(text, "# HELP {name} {name}\n# TYPE {name} summary");
            if let [sample] = samples.as_slice()
                && let Some(recent) = sample.recent(now)
            {
                for (quantile, value) in recent.quantiles {
                    let _ = writeln!(text, "{name}{{quantile=\"{quantile}\"}} {value}");
                }
            }
            let sum: f64 = samples.iter().map(|sample| sample.sum).sum();
            let count: u64 = samples.iter().map(|sample| sample.count).sum();
            let _ = writeln!(text, "{name}_sum {sum}\n{name}_count {count}");
        }
        text
    }

    /// The peer's JSON. Its samples are those of the last ten seconds.
    pub(super) fn json(&self, now: Instant, at: Timestamp) -> Value {
        let labels = |labels: &[(&'static str, String)]| -> Map<String, Value> {
            labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect()
        };
        let gauges: Vec<Value> = self
            .gauges
            .iter()
            .map(|gauge| json!({"Name": gauge.name, "Value": gauge.value, "Labels": labels(&gauge.labels)}))
            .collect();
        let counters: Vec<Value> = self
            .counters
            .iter()
            .map(|(name, count)| json!({"Name": name, "Count": count, "Sum": count, "Labels": {}}))
            .collect();
        let samples: Vec<Value> = self
            .samples
            .iter()
            .filter_map(|(name, sample)| {
                let recent = sample.recent(now)?;
                #[expect(clippy::cast_precision_loss, reason = "a window has few values")]
                let count = recent.count as f64;
                let mean = recent.sum / count;
                let deviation = (recent.squares / count - mean * mean).max(0.0).sqrt();
                Some(json!({
                    "Name": name, "Count": recent.count, "Rate": recent.sum / 10.0, "Sum": recent.sum,
                    "Min": recent.min, "Max": recent.max, "Mean": mean, "Stddev": deviation, "Labels": {},
                }))
            })
            .collect();
        let at = at.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string();
        json!({"Timestamp": at, "Gauges": gauges, "Points": [], "Counters": counters, "Samples": samples})
    }
}
