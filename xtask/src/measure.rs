//! What a run of a program costs, and tables of medians.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// The cost of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of processor time, of user and system.
    pub(crate) cpu: f64,
    /// The most memory that was resident, MB.
    pub(crate) peak: f64,
}

/// Runs a program that must succeed, under GNU time (Debian's package `time`).
pub(crate) fn measure(command: &mut Command) -> Result<Cost> {
    const MARK: &str = "measured";
    let mut timed = Command::new("time");
    timed.arg("-f").arg(format!("{MARK} %e %U %S %M")).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    let output = timed.stdout(Stdio::null()).output().context("cannot start `time` (Debian package time)")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{} failed: {errors}", command.get_program().to_string_lossy());
    }
    let line = errors.lines().rev().find_map(|line| line.strip_prefix(MARK)).context("no measurement")?;
    let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [wall, user, system, kilobytes] = numbers.as_slice() else { bail!("not a measurement: {line}") };
    Ok(Cost { wall: *wall, cpu: user + system, peak: kilobytes * 1024.0 / 1_000_000.0 })
}

/// Costs of several programs, run in turn.
pub(crate) struct Table {
    rows: Vec<(&'static str, Vec<Cost>)>,
}

impl Table {
    /// One row for each name.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self { rows: names.iter().map(|name| (*name, Vec::new())).collect() }
    }

    /// Adds one run.
    pub(crate) fn add(&mut self, row: usize, cost: Cost) {
        if let Some((_, costs)) = self.rows.get_mut(row) {
            costs.push(cost);
        }
    }

    /// Medians in Markdown; beside them their ratio to those of row `base`, where there is one.
    pub(crate) fn show(&self, base: Option<usize>) -> String {
        let medians: Vec<Cost> = self.rows.iter().map(|(_, costs)| median(costs)).collect();
        let base = base.and_then(|base| medians.get(base));
        let mut text = "| what | CPU, s | wall, s | peak memory, MB |\n|---|---|---|---|\n".to_owned();
        for ((name, _), cost) in self.rows.iter().zip(&medians) {
            let cell = |value: f64, of: Option<f64>| match of {
                Some(of) if of > 0.0 => format!("{value:.2} (×{:.2})", value / of),
                _ => format!("{value:.2}"),
            };
            text += &format!(
                "| {name} | {} | {} | {} |\n",
                cell(cost.cpu, base.map(|base| base.cpu)),
                cell(cost.wall, base.map(|base| base.wall)),
                cell(cost.peak, base.map(|base| base.peak)),
            );
        }
        text
    }
}

fn median(costs: &[Cost]) -> Cost {
    let of = |value: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Cost { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), peak: of(|cost| cost.peak) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let mut table = Table::new(&["one", "two"]);
        for wall in [3.0, 1.0, 2.0] {
            table.add(0, Cost { wall, cpu: 1.0, peak: 8.0 });
            table.add(1, Cost { wall: wall / 2.0, cpu: 0.5, peak: 2.0 });
        }
        assert!(table.show(Some(0)).ends_with("| two | 0.50 (×0.50) | 1.00 (×0.50) | 2.00 (×0.25) |\n"));
        assert!(table.show(None).ends_with("| two | 0.50 | 1.00 | 2.00 |\n"));
    }
}
