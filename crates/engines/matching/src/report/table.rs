//! The table (grype/presenter/table, 0.121.2). Plain text unless colour is asked for.

use super::document::{Document, MatchEntry, Metadata};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

/// How the table is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Also list what was set aside.
    pub show_suppressed: bool,
    /// For a terminal.
    pub color: bool,
}

const HEADERS: [&str; 8] = ["NAME", "INSTALLED", "FIXED IN", "TYPE", "VULNERABILITY", "SEVERITY", "EPSS", "RISK"];
/// The list of fixes is cut at about this length.
const MAX_FIX_CHARS: usize = 30;

/// Writes the table, or that nothing was found.
///
/// # Errors
/// Where `out` fails.
pub fn write_table(document: &Document, options: TableOptions, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(options.color);
    let show_distro = distros(document).len() > 1;
    let mut rows: Vec<Vec<Cell>> = document.matches.iter().map(|entry| row(entry, "", show_distro, paint)).collect();
    if options.show_suppressed {
        for ignored in &document.ignored_matches {
            let by_vex = ignored.applied_ignore_rules.iter().any(|rule| rule.namespace == "vex");
            let note = if by_vex { "suppressed by VEX" } else { "suppressed" };
            rows.push(row(&ignored.entry, note, show_distro, paint));
        }
    }
    if rows.is_empty() {
        return out.write_all(b"No vulnerabilities found\n");
    }
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>()));
    let columns = if rows.iter().any(|row| row.len() > HEADERS.len()) { HEADERS.len() + 1 } else { HEADERS.len() };
    let header: Vec<Cell> = HEADERS.iter().map(|text| Cell::plain(*text)).collect();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = std::iter::once(&header).chain(&rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.width).max().unwrap_or(0)
        })
        .collect();
    let mut out = BufWriter::new(out);
    for row in std::iter::once(&header).chain(&rows) {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            let cell = row.get(column);
            line.push_str(cell.map_or("", |cell| cell.text.as_str()));
            let used = cell.map_or(0, |cell| cell.width);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(used) + 2));
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

/// A text and how many columns it takes on a terminal.
struct Cell {
    text: String,
    width: usize,
}

impl Cell {
    fn plain(text: impl Into<String>) -> Self {
        let text = clean(&text.into());
        Self { width: text.chars().count(), text }
    }
}

/// What comes from packages and advisories must not move the cursor.
fn clean(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn secondary(self, text: &str) -> String {
        self.with("38;5;240", text)
    }
}

fn row(entry: &MatchEntry, note: &str, show_distro: bool, paint: Paint) -> Vec<Cell> {
    let metadata = &entry.vulnerability.metadata;
    let severity = clean(&metadata.severity);
    let mut row = vec![
        Cell::plain(&*entry.artifact.name),
        Cell::plain(&*entry.artifact.version),
        fixes(entry, paint),
        Cell::plain(entry.artifact.kind),
        Cell::plain(&*metadata.id),
        Cell { width: severity.chars().count(), text: paint.with(severity_color(&severity), &severity) },
        Cell::plain(epss_text(metadata)),
        Cell::plain(risk_text(entry.vulnerability.risk)),
    ];
    row.extend(annotation(metadata, note, show_distro, paint));
    row
}

fn annotation(metadata: &Metadata, note: &str, show_distro: bool, paint: Paint) -> Option<Cell> {
    let exploited = !metadata.known_exploited.is_empty();
    let mut notes = Vec::new();
    if exploited && !paint.0 {
        notes.push("kev".to_owned());
    }
    if let Some(distro) = distro_of(&metadata.namespace).filter(|_| show_distro) {
        notes.push(distro);
    }
    if !note.is_empty() {
        notes.push(note.to_owned());
    }
    let plain = if notes.is_empty() { String::new() } else { format!("({})", notes.join(", ")) };
    match (exploited && paint.0, plain.is_empty()) {
        (false, true) => None,
        (false, false) => Some(Cell { width: plain.chars().count(), text: paint.secondary(&plain) }),
        (true, _) => {
            let text = format!("{} {}", paint.with("1;7;38;5;198", " KEV "), paint.secondary(&plain));
            Some(Cell { width: plain.chars().count() + " KEV  ".len(), text })
        }
    }
}

fn severity_color(severity: &str) -> &'static str {
    match severity.to_ascii_lowercase().as_str() {
        "critical" => "1;38;5;198",
        "high" => "38;5;203",
        "medium" => "38;5;178",
        "low" => "38;5;36",
        "negligible" => "38;5;240",
        _ => "94",
    }
}

/// Fixed versions: the suggested one marked, the others as far as there is room.
fn fixes(entry: &MatchEntry, paint: Paint) -> Cell {
    let fix = &entry.vulnerability.fix;
    match fix.state.as_str() {
        "wont-fix" => return Cell::plain("(won't fix)"),
        "unknown" => return Cell::plain(""),
        _ => {}
    }
    let suggested: Vec<&str> = entry
        .match_details
        .iter()
        .filter_map(|detail| detail.fix.as_ref())
        .map(|fix| fix.suggested_version.as_str())
        .collect();
    let marks = fix.versions.len() > 1 && !suggested.is_empty();
    let mut shown: Vec<(String, String)> = Vec::new();
    let (mut length, mut left_out) = (0, false);
    for version in &fix.versions {
        let plain = clean(version);
        if shown.iter().any(|(have, _)| *have == plain) {
            continue;
        }
        let chars = plain.chars().count();
        let is_suggested = suggested.contains(&version.as_str());
        if marks && !is_suggested && length + chars > MAX_FIX_CHARS {
            left_out = true;
            continue;
        }
        length += chars;
        let text = match (marks, is_suggested, paint.0) {
            (true, true, false) => format!("*{plain}"),
            (true, false, _) => paint.secondary(&plain),
            _ => plain.clone(),
        };
        shown.push((plain, text));
    }
    let mut width = shown.iter().map(|(plain, _)| plain.chars().count() + 2).sum::<usize>().saturating_sub(2);
    if marks && !paint.0 {
        width += shown.iter().filter(|(_, text)| text.starts_with('*')).count();
    }
    let texts: Vec<String> = shown.into_iter().map(|(_, text)| text).collect();
    let mut text = texts.join(&paint.secondary(", "));
    if left_out {
        text.push_str(&paint.secondary(", ..."));
        width += ", ...".len();
    }
    Cell { text, width }
}

fn epss_text(metadata: &Metadata) -> String {
    let Some(epss) = metadata.epss.first().filter(|epss| epss.percentile != 0.0) else { return "N/A".to_owned() };
    let probability = epss.epss * 100.0;
    let percentile = (epss.percentile * 100.0) as u32;
    let ending = match (percentile % 100, percentile % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    if probability < 0.1 {
        format!("< 0.1% ({percentile}{ending})")
    } else {
        format!("{probability:.1}% ({percentile}{ending})")
    }
}

fn risk_text(risk: f64) -> String {
    match risk {
        0.0 => "N/A".to_owned(),
        low if low < 0.1 => "< 0.1".to_owned(),
        risk => format!("{risk:.1}"),
    }
}

/// `debian:12` of `debian:distro:debian:12`.
fn distro_of(namespace: &str) -> Option<String> {
    let mut parts = namespace.splitn(4, ':').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("distro"), Some(distro), Some(release)) => Some(format!("{distro}:{release}")),
        _ => None,
    }
}

fn distros(document: &Document) -> BTreeSet<&str> {
    let namespaces = document.matches.iter().map(|entry| entry.vulnerability.metadata.namespace.as_str());
    namespaces.filter(|namespace| distro_of(namespace).is_some()).collect()
}
