//! What an advisory says of one package: written side by side with the other claims on the package, read lazily.

use super::DatabaseError;
use super::layout::{Cursor, Pen};
use super::record::RecordIndex;
use super::words::{WordTable, Words};
use advisory::{Affected, FixState, RangeEnd, Severity};
use smallvec::SmallVec;

const WHAT: &str = "claims";

const HAS_VERSIONS: u32 = 1 << 6;
const HAS_MODULE: u32 = 1 << 7;
const HAS_ARCHITECTURES: u32 = 1 << 8;
const HAS_SYMBOLS: u32 = 1 << 9;
const HAS_PLATFORMS: u32 = 1 << 10;
const HAS_PLATFORM_CPES: u32 = 1 << 11;
const HAS_FIX_DATE: u32 = 1 << 12;
const HAS_ADVISORY: u32 = 1 << 13;
const HAS_CPE: u32 = 1 << 14;

/// A claim, with what deciding on a version needs; the rest is behind [`Claim::scope`].
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The advisory.
    pub record: RecordIndex,
    /// What the publisher says about a fix.
    pub state: FixState,
    /// This package's own severity.
    pub severity: Severity,
    /// Hit when any range holds or the version is one of `versions`; none of either: every version is hit.
    pub ranges: SmallVec<[ClaimRange<'a>; 2]>,
    /// Versions named one by one.
    pub versions: SmallVec<[&'a str; 2]>,
    flags: u32,
    rest: Cursor<'a>,
    words: Words<'a>,
}

/// A range of versions, as [`advisory::Range`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRange<'a> {
    /// First version hit; empty: from the very first.
    pub introduced: &'a str,
    /// The introduced version itself is not hit.
    pub introduced_excluded: bool,
    /// Where it ends.
    pub end: ClaimEnd<'a>,
}

/// The end of a range, as [`advisory::RangeEnd`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimEnd<'a> {
    /// No end known.
    Open,
    /// First version with the fix.
    Fixed(&'a str),
    /// Last version hit.
    LastAffected(&'a str),
    /// First version not hit, not said to be a fix.
    Limit(&'a str),
}

/// What narrows a claim, and what it adds for the report.
#[derive(Debug, Clone, Default)]
pub struct ClaimScope<'a> {
    /// RHEL module `name:stream`; empty: outside modules; `None`: not said.
    pub module: Option<&'a str>,
    /// Architectures; empty: all.
    pub architectures: SmallVec<[&'a str; 2]>,
    /// Go packages and symbols; empty: the whole module.
    pub symbols: Vec<(&'a str, Vec<&'a str>)>,
    /// Operating systems; empty: all.
    pub platforms: SmallVec<[&'a str; 2]>,
    /// CPE names that must be present besides.
    pub platform_cpes: SmallVec<[&'a str; 2]>,
    /// Date on which the fix was first there; may be empty.
    pub fix_date: &'a str,
    /// Advisory that carries the fix; may be empty.
    pub advisory: &'a str,
    /// For claims on CPEs: the criterion behind `part:vendor:product`, starting with a colon; empty: all `*`.
    pub cpe_rest: &'a str,
}

/// Writes a claim of the `record`-th record.
pub(super) fn write(pen: &mut Pen, words: &mut WordTable, record: u32, affected: &Affected) {
    let cpe_rest = cpe_rest(affected);
    let mut flags = state_number(affected.state) | (severity_number(affected.severity) << 3);
    let mut flag = |present: bool, bit: u32| flags |= if present { bit } else { 0 };
    flag(!affected.versions.is_empty(), HAS_VERSIONS);
    flag(affected.module.is_some(), HAS_MODULE);
    flag(!affected.architectures.is_empty(), HAS_ARCHITECTURES);
    flag(!affected.symbols.is_empty(), HAS_SYMBOLS);
    flag(!affected.platforms.is_empty(), HAS_PLATFORMS);
    flag(!affected.platform_cpes.is_empty(), HAS_PLATFORM_CPES);
    flag(!affected.fix_date.is_empty(), HAS_FIX_DATE);
    flag(!affected.advisory.is_empty(), HAS_ADVISORY);
    flag(!cpe_rest.is_empty(), HAS_CPE);
    pen.number(record);
    pen.number(flags);
    write_ranges(pen, affected);
    if !affected.versions.is_empty() {
        pen.number(affected.versions.len() as u32);
        affected.versions.iter().for_each(|version| pen.text(version));
    }
    if let Some(module) = &affected.module {
        pen.number(words.number(module));
    }
    let mut shared = |pen: &mut Pen, list: &[String]| {
        if !list.is_empty() {
            pen.number(list.len() as u32);
            list.iter().for_each(|word| pen.number(words.number(word)));
        }
    };
    shared(pen, &affected.architectures);
    if !affected.symbols.is_empty() {
        let mut inner = Pen::default();
        inner.number(affected.symbols.len() as u32);
        for (path, symbols) in &affected.symbols {
            inner.text(path);
            inner.number(symbols.len() as u32);
            symbols.iter().for_each(|symbol| inner.text(symbol));
        }
        pen.block(&inner.bytes);
    }
    shared(pen, &affected.platforms);
    shared(pen, &affected.platform_cpes);
    if !affected.fix_date.is_empty() {
        pen.text(&affected.fix_date);
    }
    if !affected.advisory.is_empty() {
        pen.text(&affected.advisory);
    }
    if !cpe_rest.is_empty() {
        pen.number(words.number(cpe_rest));
    }
}

fn write_ranges(pen: &mut Pen, affected: &Affected) {
    pen.number(affected.ranges.len() as u32);
    for range in &affected.ranges {
        let (kind, end) = match &range.end {
            RangeEnd::Open => (0, ""),
            RangeEnd::Fixed(version) => (1, version.as_str()),
            RangeEnd::LastAffected(version) => (2, version.as_str()),
            RangeEnd::Limit(version) => (3, version.as_str()),
        };
        let introduced = !range.introduced.is_empty();
        pen.byte(kind << 2 | u8::from(range.introduced_excluded) << 1 | u8::from(introduced));
        if introduced {
            pen.text(&range.introduced);
        }
        if kind != 0 {
            pen.text(end);
        }
    }
}

/// What the criterion says behind `cpe:2.3:part:vendor:product`; nothing where that is all wildcards.
fn cpe_rest(affected: &Affected) -> &str {
    let rest = affected.package.cpe.strip_prefix("cpe:2.3:").unwrap_or_default();
    let rest = rest.get(affected.package.name.len()..).filter(|rest| rest.starts_with(':')).unwrap_or_default();
    if rest.bytes().all(|byte| matches!(byte, b':' | b'*')) { "" } else { rest }
}

impl<'a> Claim<'a> {
    pub(super) fn read(bytes: &'a [u8], words: Words<'a>) -> Result<Self, DatabaseError> {
        let mut cursor = Cursor::new(bytes, WHAT);
        let record = RecordIndex(cursor.number()?);
        let flags = cursor.number()?;
        let count = cursor.count()?;
        let mut ranges = SmallVec::new();
        for _ in 0..count {
            ranges.push(read_range(&mut cursor)?);
        }
        let mut versions = SmallVec::new();
        if flags & HAS_VERSIONS != 0 {
            for _ in 0..cursor.count()? {
                versions.push(cursor.text()?);
            }
        }
        let state = state_of(flags & 7).ok_or(DatabaseError::Corrupt(WHAT))?;
        let severity = severity_of(flags >> 3 & 7).ok_or(DatabaseError::Corrupt(WHAT))?;
        Ok(Self { record, state, severity, ranges, versions, flags, rest: cursor, words })
    }

    /// Whether anything narrows the claim or comes with it.
    #[must_use]
    pub fn has_scope(&self) -> bool {
        self.flags & !(HAS_VERSIONS | 0x3f) != 0
    }

    /// Whether the claim names Go symbols.
    #[must_use]
    pub fn has_symbols(&self) -> bool {
        self.flags & HAS_SYMBOLS != 0
    }

    /// What narrows it, and what it adds for the report.
    ///
    /// # Errors
    /// Where the file is corrupt.
    pub fn scope(&self) -> Result<ClaimScope<'a>, DatabaseError> {
        let mut cursor = self.rest;
        let has = |bit: u32| self.flags & bit != 0;
        let mut scope = ClaimScope::default();
        if has(HAS_MODULE) {
            scope.module = Some(self.words.read(&mut cursor)?);
        }
        if has(HAS_ARCHITECTURES) {
            scope.architectures = self.read_shared(&mut cursor)?;
        }
        if has(HAS_SYMBOLS) {
            scope.symbols = read_symbols(Cursor::new(cursor.bytes()?, WHAT))?;
        }
        if has(HAS_PLATFORMS) {
            scope.platforms = self.read_shared(&mut cursor)?;
        }
        if has(HAS_PLATFORM_CPES) {
            scope.platform_cpes = self.read_shared(&mut cursor)?;
        }
        if has(HAS_FIX_DATE) {
            scope.fix_date = cursor.text()?;
        }
        if has(HAS_ADVISORY) {
            scope.advisory = cursor.text()?;
        }
        if has(HAS_CPE) {
            scope.cpe_rest = self.words.read(&mut cursor)?;
        }
        Ok(scope)
    }

    fn read_shared(&self, cursor: &mut Cursor<'a>) -> Result<SmallVec<[&'a str; 2]>, DatabaseError> {
        (0..cursor.count()?).map(|_| self.words.read(cursor)).collect()
    }
}

fn read_range<'a>(cursor: &mut Cursor<'a>) -> Result<ClaimRange<'a>, DatabaseError> {
    let tag = cursor.byte()?;
    let introduced = if tag & 1 != 0 { cursor.text()? } else { "" };
    let end = match tag >> 2 {
        0 => ClaimEnd::Open,
        1 => ClaimEnd::Fixed(cursor.text()?),
        2 => ClaimEnd::LastAffected(cursor.text()?),
        3 => ClaimEnd::Limit(cursor.text()?),
        _ => return Err(DatabaseError::Corrupt(WHAT)),
    };
    Ok(ClaimRange { introduced, introduced_excluded: tag & 2 != 0, end })
}

fn read_symbols<'a>(mut cursor: Cursor<'a>) -> Result<Vec<(&'a str, Vec<&'a str>)>, DatabaseError> {
    let mut all = Vec::new();
    for _ in 0..cursor.count()? {
        let path = cursor.text()?;
        let symbols = (0..cursor.count()?).map(|_| cursor.text()).collect::<Result<_, _>>()?;
        all.push((path, symbols));
    }
    Ok(all)
}

fn state_number(state: FixState) -> u32 {
    match state {
        FixState::Unknown => 0,
        FixState::Fixed => 1,
        FixState::NotFixed => 2,
        FixState::WontFix => 3,
        FixState::NotAffected => 4,
    }
}

fn state_of(number: u32) -> Option<FixState> {
    Some(match number {
        0 => FixState::Unknown,
        1 => FixState::Fixed,
        2 => FixState::NotFixed,
        3 => FixState::WontFix,
        4 => FixState::NotAffected,
        _ => return None,
    })
}

pub(super) fn severity_number(severity: Severity) -> u32 {
    match severity {
        Severity::Unknown => 0,
        Severity::Negligible => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

pub(super) fn severity_of(number: u32) -> Option<Severity> {
    Some(match number {
        0 => Severity::Unknown,
        1 => Severity::Negligible,
        2 => Severity::Low,
        3 => Severity::Medium,
        4 => Severity::High,
        5 => Severity::Critical,
        _ => return None,
    })
}
