//! Load by Debian's `wrk`.

use crate::run::output;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Requests that wrk goes round.
pub(crate) const ROUND: usize = 1000;

/// What is asked again and again.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) method: &'static str,
    /// `{n}` in it is the number of the request in its round.
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) body: String,
    /// Whether any status will do: the peer has no page there, and says so.
    pub(crate) any_status: bool,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) answers: f64,
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

/// Runs wrk; the folder gets its script.
pub(crate) fn run(folder: &Path, address: &str, load: &Load, seconds: u32) -> Result<Figures> {
    let script = folder.join("load.lua");
    let Load { method, path, token, body, any_status } = load;
    // `gsub` gives two values, of which the braces keep the first.
    let text = format!(
        "local all, next = {{}}, 0\n\
         function init(arguments)\n\
         \x20 local headers = {{[\"Host\"] = \"{address}\", [\"X-Vault-Token\"] = {token}}}\n\
         \x20 for n = 1, {ROUND} do\n\
         \x20   all[n] = wrk.format(\"{method}\", (string.gsub(\"{path}\", \"{{n}}\", n)), headers, {body})\n\
         \x20 end\n\
         end\n\
         function request()\n\
         \x20 next = next % {ROUND} + 1\n\
         \x20 return all[next]\n\
         end\n",
        token = if token.is_empty() { "nil".to_owned() } else { format!("\"{token}\"") },
        body = if body.is_empty() { "nil".to_owned() } else { format!("[==[{body}]==]") },
    );
    fs::write(&script, text)?;
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", "--latency", &format!("-d{seconds}s"), "-s"]).arg(&script);
    let said = output(command.arg(format!("https://{address}/")))?;
    ensure!(*any_status || !said.contains("Non-2xx or 3xx responses"), "requests of {path} were refused:\n{said}");
    parse(&said).with_context(|| format!("wrk at {path} said:\n{said}"))
}

fn parse(said: &str) -> Result<Figures> {
    ensure!(!said.contains("Socket errors"), "connections broke");
    let after = |label: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).with_context(|| format!("no {label:?}"))
    };
    let answers = said.lines().find_map(|line| line.trim().split_once(" requests in ")).context("no count")?.0;
    Ok(Figures {
        answers: answers.trim().parse()?,
        per_second: after("Requests/sec:")?.parse()?,
        p99_ms: milliseconds(after("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)] {
        if let Some(number) = text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok()) {
            return Ok(number * factor);
        }
    }
    anyhow::bail!("{text:?} is no time")
}

/// The middle one by rate.
pub(crate) fn median(mut all: Vec<Figures>) -> Result<Figures> {
    all.sort_by(|left, right| left.per_second.total_cmp(&right.per_second));
    all.get(all.len() / 2).copied().context("nothing measured")
}
