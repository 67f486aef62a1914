//! The tracker's list of CVEs (`data/CVE/list` of its repository), the hand-kept source of the tracker's JSON.

use super::{fixed_in, record, source_package, urgency};
use crate::ecosystem::debian_release;
use crate::error::{AdvisoryError, Rejection, Sink, read_text};
use crate::record::{Affected, FixState, Range, RangeEnd, Severity};

const FORMAT: &str = "Debian CVE list";

/// The releases that a line without a release speaks of: what it says of unstable holds in each of them that has no
/// line of its own.
const CURRENT: [&str; 6] = ["unstable", "14", "13", "12", "11", "10"];

/// What one line says of a package.
struct Line<'a> {
    /// The release's number; `None`: unstable, and every release without a line of its own.
    release: Option<&'a str>,
    package: &'a str,
    /// A version, or a word in angle brackets.
    status: &'a str,
    severity: Severity,
}

/// Reads the list of CVEs. Each entry is one record. Which releases a package is in the list does not tell, so an entry
/// of `affected` is given for every current release: where the package does not exist, nothing will match it.
///
/// # Errors
/// When the document is not text; entries whose first line cannot be read go to `sink` as rejections.
pub fn parse_cves(list: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let list = read_text(FORMAT, list)?;
    let mut current: Option<(&str, &str, Vec<Line<'_>>)> = None;
    for (index, line) in list.lines().enumerate() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, _, lines)) = current.as_mut() {
                lines.extend(package_line(line.trim()));
            }
            continue;
        }
        if let Some((id, details, lines)) = current.take() {
            sink(Ok(record(id, details.to_owned(), derive(&lines))));
        }
        let line = line.trim_end();
        let (id, rest) = line.split_once(' ').unwrap_or((line, ""));
        if id.starts_with("CVE-") {
            current = Some((id, rest.trim_start_matches('(').trim_end_matches(')'), Vec::new()));
        } else if !line.is_empty() && !line.starts_with("TEMP-") {
            sink(Err(Rejection {
                place: format!("line {}", index + 1),
                cause: AdvisoryError::invalid(FORMAT, "first line", line),
            }));
        }
    }
    if let Some((id, details, lines)) = current {
        sink(Ok(record(id, details.to_owned(), derive(&lines))));
    }
    Ok(())
}

/// `- perl 5.38.2-2 (bug #1)`, `[bookworm] - perl <no-dsa> (Minor issue)`; `None` for notes and other releases.
fn package_line(line: &str) -> Option<Line<'_>> {
    let (release, rest) = match line.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            (Some(debian_release(name)?), rest)
        }
        None => (None, line),
    };
    let (facts, remark) = rest.trim_start().strip_prefix("- ")?.split_once('(').unwrap_or((rest, ""));
    let mut words = facts.trim_start().trim_start_matches("- ").split_whitespace();
    let (package, status) = (words.next()?, words.next()?);
    let severity = remark
        .trim_end_matches(')')
        .split(';')
        .map(|word| urgency(word.trim()))
        .find(|severity| *severity != Severity::Unknown)
        .unwrap_or_default();
    Some(Line { release, package, status, severity })
}

/// The state in each release.
fn derive(lines: &[Line<'_>]) -> Vec<Affected> {
    let mut packages: Vec<&str> = lines.iter().map(|line| line.package).collect();
    packages.dedup();
    let mut seen: Vec<&str> = Vec::new();
    let mut list = Vec::new();
    for package in packages {
        if seen.contains(&package) {
            continue;
        }
        seen.push(package);
        let of_package: Vec<&Line<'_>> = lines.iter().filter(|line| line.package == package).collect();
        let general = of_package.iter().find(|line| line.release.is_none()).copied();
        for release in CURRENT {
            let own = of_package.iter().find(|line| line.release == Some(release)).copied();
            if let Some(line) = own.or(general) {
                list.extend(state(line, general, release));
            }
        }
        let older = of_package.iter().filter(|line| line.release.is_some_and(|release| !CURRENT.contains(&release)));
        list.extend(older.filter_map(|line| state(line, general, line.release?)));
    }
    list
}

/// What `line` says of `release`; `None` when it says nothing that a scan can use.
fn state(line: &Line<'_>, general: Option<&Line<'_>>, release: &str) -> Option<Affected> {
    let mut affected = source_package(line.package, release);
    affected.severity = match (line.severity, general) {
        (Severity::Unknown, Some(general)) => general.severity,
        (severity, _) => severity,
    };
    // A release that will get no fix of its own is still safe from unstable's fixed version on.
    let limit = general.map(|general| general.status).filter(|status| !status.starts_with('<'));
    let until = limit.map_or(RangeEnd::Open, |version| RangeEnd::Limit(version.to_owned()));
    match line.status {
        "<not-affected>" => affected.state = FixState::NotAffected,
        "<unfixed>" | "<removed>" => {
            affected.state = FixState::NotFixed;
            affected.ranges = vec![Range { end: until, ..Range::default() }];
        }
        "<no-dsa>" | "<ignored>" | "<postponed>" | "<end-of-life>" => {
            affected.state = FixState::WontFix;
            affected.ranges = vec![Range { end: until, ..Range::default() }];
        }
        word if word.starts_with('<') => return None,
        version => fixed_in(&mut affected, version),
    }
    Some(affected)
}
