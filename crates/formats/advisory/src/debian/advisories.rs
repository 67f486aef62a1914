//! The lists of DSAs and DLAs (`data/DSA/list`, `data/DLA/list` of the tracker's repository).

use super::{fixed_in, source_package};
use crate::ecosystem::debian_release;
use crate::error::{AdvisoryError, Rejection, Sink, read_text};
use crate::record::{Affected, FixState, Range, RangeEnd, Record, Reference};

const FORMAT: &str = "Debian advisory list";

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a list of advisories. Each is one record: its identifier is the advisory's, the CVEs it fixes are `related`,
/// and each line of a release is an entry of `affected` whose range ends with the fix.
///
/// # Errors
/// When the document is not text; entries whose first line cannot be read go to `sink` as rejections.
pub fn parse_advisories(list: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let list = read_text(FORMAT, list)?;
    let mut current: Option<Record> = None;
    for (index, line) in list.lines().enumerate() {
        if !line.starts_with([' ', '\t']) {
            if let Some(record) = current.take() {
                sink(Ok(finish(record)));
            }
            if line.trim().is_empty() {
                continue;
            }
            match head(line) {
                Some(record) => current = Some(record),
                None => sink(Err(Rejection {
                    place: format!("line {}", index + 1),
                    cause: AdvisoryError::invalid(FORMAT, "first line", line),
                })),
            }
        } else if let Some(record) = current.as_mut() {
            detail(line.trim(), record);
        }
    }
    if let Some(record) = current {
        sink(Ok(finish(record)));
    }
    Ok(())
}

/// `[29 Mar 2023] DSA-5380-1 xorg-server - security update`.
fn head(line: &str) -> Option<Record> {
    let (date, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (id, summary) = rest.trim_start().split_once(char::is_whitespace)?;
    if !id.starts_with("DSA-") && !id.starts_with("DLA-") && !id.starts_with("DTSA-") {
        return None;
    }
    let published = iso_date(date)?;
    Some(Record {
        id: id.to_owned(),
        source: "debian".to_owned(),
        summary: summary.trim().to_owned(),
        references: vec![Reference {
            url: format!("https://security-tracker.debian.org/tracker/{id}"),
            tags: vec!["advisory".to_owned()],
        }],
        modified: published.clone(),
        published,
        ..Record::default()
    })
}

fn finish(mut record: Record) -> Record {
    record.set_namespace("debian");
    record
}

/// `{CVE-2023-1393 CVE-2023-1394}`, or `[bullseye] - xorg-server 2:1.20.11-1+deb11u6`; notes are passed over.
fn detail(line: &str, record: &mut Record) {
    if let Some(inner) = line.strip_prefix('{') {
        let ids = inner.trim_end_matches('}').split_whitespace().map(str::to_owned);
        record.related.extend(ids);
    } else if let Some(mut affected) = release_line(line) {
        affected.advisory.clone_from(&record.id);
        affected.fix_date.clone_from(&record.published);
        record.affected.push(affected);
    }
}

fn release_line(line: &str) -> Option<Affected> {
    let (release, rest) = line.strip_prefix('[')?.split_once(']')?;
    let mut words = rest.split_whitespace().filter(|word| !matches!(*word, "-" | "--"));
    let package = words.next()?;
    let mut affected = source_package(package, debian_release(release)?);
    match words.next()? {
        "<not-affected>" => affected.state = FixState::NotAffected,
        "<end-of-life>" | "<no-dsa>" | "<ignored>" | "<postponed>" => {
            affected.state = FixState::WontFix;
            affected.ranges = vec![Range { end: RangeEnd::Open, ..Range::default() }];
        }
        "<unfixed>" => {
            affected.state = FixState::NotFixed;
            affected.ranges = vec![Range::default()];
        }
        word if word.starts_with('<') => return None,
        version => fixed_in(&mut affected, version),
    }
    Some(affected)
}

/// `29 Mar 2023` as `2023-03-29`.
fn iso_date(date: &str) -> Option<String> {
    let mut words = date.split_whitespace();
    let day: u8 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| name.starts_with(month))? + 1;
    let year: u16 = words.next()?.parse().ok()?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}
