//! `cargo xtask parity --scan`: Grype as the oracle on the same SBOMs, with the same advisories.

use crate::images::{self, BENCH, Image, TESTED};
use crate::oracle::Oracle;
use crate::parity;
use crate::run::{palisade, root, run, say};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Differences that are meant, each class with its reason and how often it may occur. A class may only shrink.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default)]
    class: Vec<Class>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    /// A line of a difference, with `*` for anything.
    line: String,
    at_most: usize,
    reason: String,
}

/// What is found, by package type, name and version.
type Findings = BTreeMap<String, BTreeMap<String, Finding>>;

/// What is told of a flaw in a package.
#[derive(Default)]
struct Finding {
    /// State, fixed versions and severity; more than one where packages differ in nothing but their place.
    facts: BTreeSet<String>,
    /// The flaw's identifiers.
    names: BTreeSet<String>,
}

/// On the images of the tests and the benchmark.
pub(crate) fn check() -> Result<()> {
    on(&images::build(TESTED.iter().chain([&BENCH]))?)
}

/// Scans the packages that Syft finds in these images with both, and lists of package URLs, and fails on what is not
/// known.
pub(crate) fn on(images: &[Image]) -> Result<()> {
    let Some(oracle) = Oracle::ready()? else { return Ok(()) };
    let palisade = palisade()?;
    let scratch = std::env::temp_dir().join(format!("palisade-findings-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let result = compare(&oracle, &palisade, images, &scratch.join("palisade.db"));
    fs::remove_dir_all(&scratch)?;
    judge(&result?)
}

/// The differences on all inputs.
fn compare(oracle: &Oracle, palisade: &Path, images: &[Image], database: &Path) -> Result<Vec<String>> {
    let mut build = Command::new(palisade);
    run(build.args(["db", "build", "-q", "--from"]).arg(oracle.feeds()).arg("--out").arg(database))?;
    let mut inputs = Vec::new();
    for image in images {
        inputs.push((image.name.to_owned(), format!("sbom:{}", parity::peer_document(image)?.display())));
    }
    for list in oracle.purls()? {
        let name = list.file_stem().context("no name")?.to_string_lossy().into_owned();
        inputs.push((name, format!("purl:{}", list.display())));
    }
    let names = oracle.names()?;
    let mut all = Vec::new();
    for (name, input) in inputs {
        let mut own = Command::new(palisade);
        own.args(["scan", "-q", "-o", "json", "--db"]).arg(database).arg(&input);
        let (peer, own) = (findings(&mut oracle.scan(&input), &names)?, findings(&mut own, &names)?);
        let count = |all: &Findings| all.values().map(BTreeMap::len).sum::<usize>();
        let lines = differences(&peer, &own);
        say(&format!("{name}: Grype {}, Palisade {}, differences {}", count(&peer), count(&own), lines.len()));
        all.extend(lines.into_iter().map(|line| format!("{name} {line}")));
    }
    Ok(all)
}

fn findings(command: &mut Command, aliases: &BTreeMap<String, Vec<String>>) -> Result<Findings> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr));
    }
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let mut findings = Findings::new();
    for found in document.get("matches").and_then(Value::as_array).context("no matches")? {
        let text = |path| found.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let list = |path| found.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let package = ["/artifact/type", "/artifact/name", "/artifact/version"].map(text).join(" ");
        let id = text("/vulnerability/id").to_owned();
        let mut versions: Vec<_> = list("/vulnerability/fix/versions").filter_map(Value::as_str).collect();
        versions.sort_unstable();
        let facts =
            format!("{} {} {}", text("/vulnerability/fix/state"), versions.join(","), text("/vulnerability/severity"));
        let names = list("/relatedVulnerabilities").filter_map(|other| other.get("id")?.as_str()).map(str::to_owned);
        let names = names.chain(aliases.get(&id).into_iter().flatten().cloned());
        let finding = findings.entry(package).or_default().entry(id.clone()).or_default();
        finding.facts.insert(facts);
        finding.names.extend(names.chain([id]));
    }
    Ok(findings)
}

/// `-` is what only the peer finds, `+` what only Palisade finds, `=` what the one that is named first tells by another
/// identifier, `~` what both find and tell otherwise.
fn differences(peer: &Findings, own: &Findings) -> Vec<String> {
    let none = BTreeMap::new();
    let mut lines = Vec::new();
    for (package, flaws) in peer {
        let others = own.get(package).unwrap_or(&none);
        for (id, flaw) in flaws {
            match others.get(id) {
                None => lines.push(missing('-', package, id, flaw, others)),
                Some(other) if other.facts != flaw.facts => {
                    lines.push(format!("~ {package} {id}: {} -> {}", show(flaw), show(other)));
                }
                Some(_) => {}
            }
        }
    }
    for (package, flaws) in own {
        let others = peer.get(package).unwrap_or(&none);
        let more = flaws.iter().filter(|(id, _)| !others.contains_key(*id));
        lines.extend(more.map(|(id, flaw)| missing('+', package, id, flaw, others)));
    }
    lines
}

fn missing(sign: char, package: &str, id: &str, flaw: &Finding, others: &BTreeMap<String, Finding>) -> String {
    let same = others.iter().find(|(_, other)| !other.names.is_disjoint(&flaw.names));
    match same {
        Some((name, other)) => format!("= {package} {id}: {} as {name}: {}", show(flaw), show(other)),
        None => format!("{sign} {package} {id}: {}", show(flaw)),
    }
}

fn show(flaw: &Finding) -> String {
    flaw.facts.iter().cloned().collect::<Vec<_>>().join("; ")
}

/// Holds the differences against those that are known.
fn judge(differences: &[String]) -> Result<()> {
    let path = root().join("xtask/oracle/differences.toml");
    let known: Known = toml::from_str(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())?;
    let mut wrong: Vec<String> = Vec::new();
    let mut counts = vec![0usize; known.class.len()];
    for line in differences {
        match known.class.iter().zip(&mut counts).find(|(class, _)| fits(&class.line, line)) {
            Some((_, count)) => *count += 1,
            None => wrong.push(line.clone()),
        }
    }
    for (class, count) in known.class.iter().zip(counts) {
        if count > class.at_most {
            wrong.push(format!("{count} of at most {}: {} ({})", class.at_most, class.line, class.reason));
        } else if count == 0 {
            wrong.push(format!("no longer occurs: {} ({})", class.line, class.reason));
        }
    }
    if !wrong.is_empty() {
        bail!("{} differences from Grype that are not known:\n{}", wrong.len(), wrong.join("\n"));
    }
    say(&format!("findings as Grype's but for {} known differences", differences.len()));
    Ok(())
}

/// Does the text fit a pattern in which `*` stands for anything?
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_where_all_parts_stand_in_order() {
        for (pattern, text, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("* deb *: *", "bench - deb x 1 CVE-1: fixed", true),
            ("*b*a*", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn tells_what_is_missing_what_is_more_and_what_is_told_otherwise() {
        let list = |flaws: &[(&str, &str, &str)]| {
            let mut findings = Findings::new();
            for (id, facts, alias) in flaws {
                let finding = findings.entry("p".to_owned()).or_default().entry((*id).to_owned()).or_default();
                finding.facts.insert((*facts).to_owned());
                finding.names.extend([(*id).to_owned(), (*alias).to_owned()]);
            }
            findings
        };
        let peer = list(&[("a", "fixed", "1"), ("b", "fixed", "2"), ("c", "fixed", "3"), ("e", "fixed", "4")]);
        let own = list(&[("a", "fixed", "1"), ("b", "open", "2"), ("d", "fixed", "5"), ("f", "fixed", "4")]);
        assert_eq!(
            differences(&peer, &own),
            [
                "~ p b: fixed -> open",
                "- p c: fixed",
                "= p e: fixed as f: fixed",
                "+ p d: fixed",
                "= p f: fixed as e: fixed"
            ]
        );
    }
}
