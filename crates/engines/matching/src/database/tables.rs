//! The small tables: exploited flaws, exploit prediction, ends of life, sources, and facts of the whole.

use super::DatabaseError;
use super::layout::{Cursor, MAX_LIST, Pen, u32_at};
use advisory::Kev;
use std::cmp::Ordering;

/// Facts of the whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// RFC 3339 time that the builder was given; empty when none.
    pub built: String,
    /// Date of the exploit prediction scores, `YYYY-MM-DD`; empty when there are none.
    pub epss_date: String,
    /// Advisories.
    pub records: u32,
    /// Claims on packages and products.
    pub claims: u32,
    /// Different packages and products.
    pub packages: u32,
}

/// Where advisories came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// The source's name in the configuration, for example `debian`.
    pub name: String,
    /// The address or the folder's name it was read from; may be empty.
    pub origin: String,
    /// SPDX expression or a sentence.
    pub licence: String,
    /// When the publisher's data was taken, RFC 3339 or a date; may be empty.
    pub captured: String,
    /// `sha256:...` over what was read; may be empty.
    pub digest: String,
    /// Advisories read.
    pub records: u64,
    /// What was left out and why, one line each.
    pub skipped: Vec<String>,
}

/// When a release of a distribution ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndOfLife {
    /// Grype's id, for example `debian`.
    pub distro: String,
    /// The release, for example `10`.
    pub release: String,
    /// Last day of support, `YYYY-MM-DD`; empty when not known.
    pub end: String,
    /// Last day of active support, `YYYY-MM-DD`; empty when not known.
    pub end_of_active_support: String,
}

/// An exploit prediction score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epss {
    /// Probability of exploitation in the next 30 days, 0 to 1.
    pub score: f64,
    /// Share of flaws with the same score or less, 0 to 1.
    pub percentile: f64,
}

pub(super) fn write_facts(facts: &Facts) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.text(&facts.built);
    pen.text(&facts.epss_date);
    for count in [facts.records, facts.claims, facts.packages] {
        pen.number(count);
    }
    pen.bytes
}

pub(super) fn read_facts(bytes: &[u8]) -> Result<Facts, DatabaseError> {
    let mut cursor = Cursor::new(bytes, "facts");
    Ok(Facts {
        built: cursor.text()?.to_owned(),
        epss_date: cursor.text()?.to_owned(),
        records: cursor.number()?,
        claims: cursor.number()?,
        packages: cursor.number()?,
    })
}

pub(super) fn write_sources(sources: &[SourceReport]) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.number(sources.len() as u32);
    for source in sources {
        for text in [&source.name, &source.origin, &source.licence, &source.captured, &source.digest] {
            pen.text(text);
        }
        pen.number(u32::try_from(source.records).unwrap_or(u32::MAX));
        pen.number(source.skipped.len() as u32);
        source.skipped.iter().for_each(|line| pen.text(line));
    }
    pen.bytes
}

pub(super) fn read_sources(bytes: &[u8]) -> Result<Vec<SourceReport>, DatabaseError> {
    let mut cursor = Cursor::new(bytes, "sources");
    let mut all = Vec::new();
    for _ in 0..cursor.count()? {
        all.push(SourceReport {
            name: cursor.text()?.to_owned(),
            origin: cursor.text()?.to_owned(),
            licence: cursor.text()?.to_owned(),
            captured: cursor.text()?.to_owned(),
            digest: cursor.text()?.to_owned(),
            records: u64::from(cursor.number()?),
            skipped: (0..cursor.count()?).map(|_| cursor.text().map(str::to_owned)).collect::<Result<_, _>>()?,
        });
    }
    Ok(all)
}

pub(super) fn write_end_of_life(list: &[EndOfLife]) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.number(list.len() as u32);
    for entry in list {
        for text in [&entry.distro, &entry.release, &entry.end, &entry.end_of_active_support] {
            pen.text(text);
        }
    }
    pen.bytes
}

pub(super) fn read_end_of_life(bytes: &[u8]) -> Result<Vec<EndOfLife>, DatabaseError> {
    let mut cursor = Cursor::new(bytes, "end of life");
    let mut all = Vec::new();
    for _ in 0..cursor.count()? {
        all.push(EndOfLife {
            distro: cursor.text()?.to_owned(),
            release: cursor.text()?.to_owned(),
            end: cursor.text()?.to_owned(),
            end_of_active_support: cursor.text()?.to_owned(),
        });
    }
    Ok(all)
}

const EXPLOITED: &str = "exploited";

/// The list must be sorted by CVE, each once.
pub(super) fn write_exploited(list: &[Kev]) -> Vec<u8> {
    let mut offsets = Pen::default();
    let mut body = Pen::default();
    for kev in list {
        offsets.u32(body.bytes.len() as u32);
        for text in [
            &kev.cve,
            &kev.vendor,
            &kev.product,
            &kev.date_added,
            &kev.required_action,
            &kev.due_date,
            &kev.ransomware,
            &kev.notes,
        ] {
            body.text(text);
        }
        for texts in [&kev.urls, &kev.cwes] {
            body.number(texts.len() as u32);
            texts.iter().for_each(|text| body.text(text));
        }
    }
    let mut pen = Pen::default();
    pen.u32(list.len() as u32);
    pen.bytes.extend_from_slice(&offsets.bytes);
    pen.bytes.extend_from_slice(&body.bytes);
    pen.bytes
}

pub(super) fn find_exploited(bytes: &[u8], cve: &str) -> Result<Option<Kev>, DatabaseError> {
    let count = Cursor::new(bytes, EXPLOITED).u32()? as usize;
    let body =
        count.checked_mul(4).and_then(|length| length.checked_add(4)).ok_or(DatabaseError::Corrupt(EXPLOITED))?;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        let offset = u32_at(bytes, middle + 1, EXPLOITED)? as usize;
        let start = body.checked_add(offset).ok_or(DatabaseError::Corrupt(EXPLOITED))?;
        let mut cursor = Cursor::at(bytes, start, EXPLOITED)?;
        let found = cursor.text()?;
        match found.cmp(cve) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return read_exploited(found, cursor).map(Some),
        }
    }
    Ok(None)
}

fn read_exploited(cve: &str, mut cursor: Cursor<'_>) -> Result<Kev, DatabaseError> {
    let mut text = || cursor.text().map(str::to_owned);
    let mut kev = Kev {
        cve: cve.to_owned(),
        vendor: text()?,
        product: text()?,
        date_added: text()?,
        required_action: text()?,
        due_date: text()?,
        ransomware: text()?,
        notes: text()?,
        ..Kev::default()
    };
    for list in [&mut kev.urls, &mut kev.cwes] {
        for _ in 0..cursor.count()? {
            list.push(cursor.text()?.to_owned());
        }
    }
    Ok(kev)
}

const EPSS: &str = "epss";
const EPSS_ENTRY_BYTES: usize = 12;
/// Scores have at most nine decimals.
const EPSS_UNIT: f64 = 1e9;

/// A CVE as a number that sorts by year, then number; `None` where it is no CVE or its number has no room.
pub(super) fn cve_number(cve: &str) -> Option<u32> {
    let (prefix, rest) = cve.split_at_checked(4)?;
    let (year, number) = rest.split_once('-')?;
    if !prefix.eq_ignore_ascii_case("CVE-") || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: u32 = year.parse().ok()?;
    let number: u32 = number.parse().ok()?;
    (number < 1 << 26).then_some(())?;
    year.checked_sub(1990).filter(|year| *year < 64).map(|year| year << 26 | number)
}

/// The list must be sorted by number, each once.
pub(super) fn write_epss(list: &[(u32, f64, f64)]) -> Vec<u8> {
    let mut pen = Pen::default();
    for (number, score, percentile) in list {
        pen.u32(*number);
        for share in [score, percentile] {
            pen.u32((share.clamp(0.0, 1.0) * EPSS_UNIT).round() as u32);
        }
    }
    pen.bytes
}

pub(super) fn find_epss(bytes: &[u8], cve: &str) -> Result<Option<Epss>, DatabaseError> {
    let Some(wanted) = cve_number(cve) else { return Ok(None) };
    let (mut low, mut high) = (0, bytes.len() / EPSS_ENTRY_BYTES);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut cursor = Cursor::at(bytes, middle * EPSS_ENTRY_BYTES, EPSS)?;
        match cursor.u32()?.cmp(&wanted) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => {
                let score = f64::from(cursor.u32()?) / EPSS_UNIT;
                let percentile = f64::from(cursor.u32()?) / EPSS_UNIT;
                return Ok(Some(Epss { score, percentile }));
            }
        }
    }
    Ok(None)
}

/// Whether a list may be written.
pub(super) fn fits(length: usize) -> bool {
    length <= MAX_LIST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cves_sort_as_numbers() {
        assert!(cve_number("CVE-2021-44228") < cve_number("cve-2021-100000"));
        assert!(cve_number("CVE-2021-100000") < cve_number("CVE-2022-0001"));
        for bad in ["", "CVE-", "CVE-2021", "GHSA-2021-1", "CVE-1989-1", "CVE-2021-67108864", "CVE-2021-+1"] {
            assert_eq!(cve_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn scores_keep_their_decimals() {
        let list = [(cve_number("CVE-2002-0367").unwrap(), 0.049_19, 0.914_46)];
        let found = find_epss(&write_epss(&list), "CVE-2002-0367").unwrap().unwrap();
        assert_eq!((found.score, found.percentile), (0.049_19, 0.914_46));
        assert_eq!(find_epss(&[], "CVE-2002-0367").unwrap(), None);
    }

    #[test]
    fn exploited_flaws_are_found() {
        let list: Vec<Kev> = ["CVE-2020-1", "CVE-2021-2", "CVE-2022-3"]
            .into_iter()
            .map(|cve| Kev { cve: cve.to_owned(), urls: vec!["u".to_owned()], ..Kev::default() })
            .collect();
        let bytes = write_exploited(&list);
        for kev in &list {
            assert_eq!(find_exploited(&bytes, &kev.cve).unwrap().as_ref(), Some(kev));
        }
        assert_eq!(find_exploited(&bytes, "CVE-2021-1").unwrap(), None);
    }
}
