//! A chunk of work to items and what is to be reported about it.

use advisory::{AdvisoryError, Rejection};

use crate::config::Config;
use crate::format::{FeedItem, Format};
use crate::open::{Chunk, Document, FileFacts};
use crate::report::Report;
use crate::source::WOLFI_LAST_FREE_DAY;

/// What a chunk gave.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) items: Vec<FeedItem>,
    pub(crate) report: Report,
}

pub(crate) fn parse(chunk: Chunk, config: &Config) -> Output {
    let mut output = Output::default();
    match chunk {
        Chunk::Unread { path, cause } => output.report.unread.push((path, cause)),
        Chunk::Documents(documents) => {
            for document in documents {
                parse_document(document, config, &mut output);
            }
        }
        Chunk::Lines { file, entry, first, bytes } => {
            let place = Place { file: &file, entry: &entry };
            let mut format = None;
            let mut strange = 0_u64;
            for (line, number) in bytes.split(|b| *b == b'\n').zip(first..) {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                format = format.or_else(|| Format::recognise(line));
                match format {
                    Some(format) => {
                        let at = format!("line {number}");
                        output.read(line, format, &place, &at, config);
                    }
                    None => strange += 1,
                }
            }
            // Lines before the first that tells the format are of that format, but broken.
            match format {
                Some(format) if strange > 0 => {
                    let source = output.report.source(format.source());
                    (0..strange).for_each(|_| source.reject(format!("{}: a line that is no JSON", place.path())));
                    output.report.file(&file.path).rejected += strange;
                }
                None if strange > 0 => output.report.unread.push((place.path(), "no feed known here".to_owned())),
                _ => {}
            }
        }
    }
    output
}

/// Where a document came from.
struct Place<'a> {
    file: &'a FileFacts,
    entry: &'a str,
}

impl Place<'_> {
    fn path(&self) -> String {
        if self.entry.is_empty() { self.file.path.clone() } else { format!("{}: {}", self.file.path, self.entry) }
    }
}

fn parse_document(document: Document, config: &Config, output: &mut Output) {
    let place = Place { file: &document.file, entry: &document.entry };
    let name = if place.entry.is_empty() { &place.file.path } else { place.entry };
    let bytes = if name.ends_with(".yaml") || name.ends_with(".yml") {
        match from_yaml(&document.bytes, name) {
            Ok(bytes) => bytes,
            Err(cause) => {
                output.report.unread.push((place.path(), cause));
                return;
            }
        }
    } else {
        document.bytes
    };
    match Format::recognise(&bytes) {
        Some(format) => output.read(&bytes, format, &place, "", config),
        None => output.report.unread.push((place.path(), "no feed known here".to_owned())),
    }
}

/// A YAML document as JSON, with its file's path in `_path` as the readers of such feeds expect it.
fn from_yaml(bytes: &[u8], path: &str) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    if let Some(map) = value.as_object_mut() {
        map.insert("_path".to_owned(), path.into());
    }
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

impl Output {
    /// Reads one document, and counts.
    fn read(&mut self, bytes: &[u8], format: Format, place: &Place<'_>, at: &str, config: &Config) {
        let mut counted: Option<&'static str> = None;
        let mut file = crate::report::FileReport { documents: 1, ..Default::default() };
        let result = {
            let (items, report) = (&mut self.items, &mut self.report);
            format.parse(bytes, &mut |item| match item {
                Ok(item) => {
                    let name = source_of(&item);
                    let source = report.source(name);
                    if counted.is_none() {
                        source.documents += 1;
                        counted = Some(format.source());
                    }
                    if is_withheld(&item, name, &place.file.date, config) {
                        source.withheld += 1;
                        file.withheld += 1;
                    } else {
                        source.records += 1;
                        source.saw(date_of(&item));
                        file.records += 1;
                        items.push(item);
                    }
                }
                Err(Rejection { place: inner, cause }) => {
                    file.rejected += 1;
                    report.source(format.source()).reject(cause_line(place, &inner, &cause));
                }
            })
        };
        if let Err(cause) = result {
            file.rejected += 1;
            self.report.source(format.source()).reject(cause_line(place, at, &cause));
        } else if counted.is_none() {
            self.report.source(format.source()).documents += 1;
        }
        let known = self.report.file(&place.file.path);
        known.documents += file.documents;
        known.records += file.records;
        known.rejected += file.rejected;
        known.withheld += file.withheld;
    }
}

/// `file: entry, place: cause: cause of the cause`.
fn cause_line(place: &Place<'_>, at: &str, cause: &AdvisoryError) -> String {
    let mut line = place.path();
    if !at.is_empty() {
        line.push_str(", ");
        line.push_str(at);
    }
    let mut next: Option<&dyn std::error::Error> = Some(cause);
    while let Some(error) = next {
        line.push_str(": ");
        line.push_str(&error.to_string());
        next = error.source();
    }
    line
}

fn source_of(item: &FeedItem) -> &str {
    match item {
        FeedItem::Record(record) => &record.source,
        FeedItem::Kev(_) => "kev",
        FeedItem::Epss(_) => "epss",
        FeedItem::EndOfLife(_) => "endoflife",
    }
}

fn date_of(item: &FeedItem) -> &str {
    match item {
        FeedItem::Record(record) => &record.modified,
        FeedItem::Kev(kev) => &kev.date_added,
        FeedItem::Epss(score) => &score.date,
        FeedItem::EndOfLife(_) => "",
    }
}

/// Whether the configuration leaves an item out. What Wolfi published before its terms changed is free: its day is the
/// record's, else the file's; without either it counts as new.
fn is_withheld(item: &FeedItem, source: &str, file_date: &str, config: &Config) -> bool {
    if config.is_enabled(source) {
        return false;
    }
    let asked = config.sources.get(source).and_then(|config| config.enabled).is_some();
    if source != "wolfi" || asked {
        return true;
    }
    let own = date_of(item).get(..10).unwrap_or_default();
    let day = if own.is_empty() { file_date.get(..10).unwrap_or_default() } else { own };
    day.is_empty() || day > WOLFI_LAST_FREE_DAY
}
