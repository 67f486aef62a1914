//! The entries of a tar, found in one pass and opened again later (POSIX pax, GNU tar's long names).

use crate::OciError;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

const BLOCK: u64 = 512;
/// An image has a few entries a layer.
const MAX_ENTRIES: usize = 100_000;
/// A long name or a pax header.
const MAX_EXTENSION: u64 = 1 << 20;
/// Files up to this size are kept from the first pass, together up to [`MAX_KEPT`].
const MAX_SMALL: u64 = 256 << 10;
const MAX_KEPT: u64 = 32 << 20;
/// Larger entries are passed over by seeking, where that is possible.
const WORTH_SEEKING: u64 = 1 << 20;
/// The largest tar, so that one that decompresses for ever ends.
const MAX_TAR: u64 = 1 << 40;
/// Links to links.
const MAX_LINKS: usize = 8;
/// As many first bytes as tell a compression.
pub(super) const HEAD: usize = 6;

/// A tar that can be read more than once.
pub(crate) trait Tar: Send + Sync {
    /// From the first byte on, decompressed.
    fn stream(&self) -> Result<Box<dyn Read + Send + '_>, OciError>;

    /// From byte `offset` on, where that needs no reading of what is before.
    fn seek(&self, offset: u64) -> Result<Option<Box<dyn Read + Send + '_>>, OciError>;
}

/// An entry that matters: a file or a link to one.
#[derive(Debug)]
pub(super) struct Entry {
    offset: u64,
    pub(super) size_bytes: u64,
    link: Option<String>,
    pub(super) head: Vec<u8>,
}

/// The entries of a tar by their cleaned names; of several with one name the first, as for the peers.
pub(super) struct Index {
    tar: Box<dyn Tar>,
    entries: BTreeMap<String, Entry>,
    kept: BTreeMap<String, Vec<u8>>,
}

impl Index {
    pub(super) fn read(tar: Box<dyn Tar>) -> Result<Self, OciError> {
        let (mut entries, mut kept, mut kept_bytes) = (BTreeMap::new(), BTreeMap::new(), 0);
        let mut scanner = Scanner::start(&*tar)?;
        while let Some(found) = scanner.next()? {
            if entries.len() >= MAX_ENTRIES {
                return Err(malformed(format!("more than {MAX_ENTRIES} entries")));
            }
            if entries.contains_key(&found.name) {
                continue;
            }
            let is_small = found.link.is_none() && found.size_bytes <= MAX_SMALL && kept_bytes < MAX_KEPT;
            let wanted = if is_small { found.size_bytes } else { found.size_bytes.min(HEAD as u64) };
            let bytes = scanner.read(wanted)?;
            let head = bytes.iter().copied().take(HEAD).collect();
            if is_small {
                kept_bytes += found.size_bytes;
                kept.insert(found.name.clone(), bytes);
            }
            let Found { name, offset, size_bytes, link } = found;
            entries.insert(name, Entry { offset, size_bytes, link, head });
        }
        drop(scanner);
        Ok(Self { tar, entries, kept })
    }

    /// The entry named `name`, with links followed, and its own name.
    pub(super) fn find(&self, name: &str) -> Option<(&str, &Entry)> {
        let mut name = clean(name);
        for _ in 0..=MAX_LINKS {
            let (key, entry) = self.entries.get_key_value(&name)?;
            match &entry.link {
                None => return Some((key, entry)),
                Some(target) => name.clone_from(target),
            }
        }
        None
    }

    /// The size in the entry's own header: 0 for a link.
    pub(super) fn stored_size(&self, name: &str) -> u64 {
        self.entries.get(&clean(name)).map_or(0, |entry| entry.size_bytes)
    }

    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Read + Send + '_>, OciError> {
        let Some((name, entry)) = self.find(name) else {
            return Err(malformed(format!("{name} is missing")));
        };
        if let Some(bytes) = self.kept.get(name) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        if let Some(stream) = self.tar.seek(entry.offset)? {
            return Ok(Box::new(stream.take(entry.size_bytes)));
        }
        let mut scanner = Scanner::start(&*self.tar)?;
        while let Some(found) = scanner.next()? {
            if found.name == name {
                return Ok(Box::new(scanner.stream.take(found.size_bytes)));
            }
        }
        Err(malformed(format!("{name} is missing when read again")))
    }

    /// A whole small document.
    pub(super) fn document(&self, name: &str, what: &'static str, limit: u64) -> Result<Vec<u8>, OciError> {
        let mut bytes = Vec::new();
        let opened = self.open(name)?;
        opened.take(limit + 1).read_to_end(&mut bytes).map_err(|error| malformed(format!("{name}: {error}")))?;
        if bytes.len() as u64 > limit { Err(OciError::TooLarge { what, limit }) } else { Ok(bytes) }
    }
}

struct Found {
    name: String,
    offset: u64,
    size_bytes: u64,
    link: Option<String>,
}

struct Scanner<'a> {
    tar: &'a dyn Tar,
    stream: Box<dyn Read + Send + 'a>,
    position: u64,
    next_header: u64,
}

/// What extended headers say of the next entry.
#[derive(Default)]
struct Extension {
    name: Option<String>,
    link: Option<String>,
    size_bytes: Option<u64>,
}

impl<'a> Scanner<'a> {
    fn start(tar: &'a dyn Tar) -> Result<Self, OciError> {
        Ok(Self { tar, stream: tar.stream()?, position: 0, next_header: 0 })
    }

    /// The next file or link.
    fn next(&mut self) -> Result<Option<Found>, OciError> {
        let mut extension = Extension::default();
        for _ in 0..MAX_ENTRIES {
            self.skip_to(self.next_header)?;
            let block = self.read_up_to(BLOCK)?;
            if block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let header = Header::parse(&block)?;
            let is_plain = !matches!(header.kind, b'x' | b'g' | b'L' | b'K');
            let size_bytes = extension.size_bytes.filter(|_| is_plain).unwrap_or(header.size_bytes);
            let padded = size_bytes.checked_next_multiple_of(BLOCK);
            self.next_header = padded.and_then(|size| self.position.checked_add(size)).unwrap_or(u64::MAX);
            if self.next_header > MAX_TAR {
                return Err(malformed(format!("more than {MAX_TAR} bytes")));
            }
            match header.kind {
                b'x' => extension.pax(&self.extension(size_bytes)?),
                b'L' => extension.name = Some(text(&self.extension(size_bytes)?)),
                b'K' => extension.link = Some(text(&self.extension(size_bytes)?)),
                0 | b'0' | b'7' | b'1' | b'2' => {
                    let name = clean(&extension.name.take().unwrap_or(header.name));
                    let target = extension.link.take().unwrap_or(header.link);
                    let link = match (header.kind, name.rsplit_once('/')) {
                        (b'1', _) | (b'2', None) => Some(clean(&target)),
                        (b'2', Some((parent, _))) => Some(clean(&format!("{parent}/{target}"))),
                        _ => None,
                    };
                    return Ok(Some(Found { name, offset: self.position, size_bytes, link }));
                }
                b'g' => {}
                _ => extension = Extension::default(),
            }
        }
        Err(malformed(format!("more than {MAX_ENTRIES} entries that are no files")))
    }

    fn extension(&mut self, size_bytes: u64) -> Result<Vec<u8>, OciError> {
        if size_bytes > MAX_EXTENSION {
            return Err(malformed("an extended header that is too long"));
        }
        self.read(size_bytes)
    }

    fn read(&mut self, size_bytes: u64) -> Result<Vec<u8>, OciError> {
        let bytes = self.read_up_to(size_bytes)?;
        if bytes.len() as u64 == size_bytes { Ok(bytes) } else { Err(malformed("it is cut off")) }
    }

    fn read_up_to(&mut self, size_bytes: u64) -> Result<Vec<u8>, OciError> {
        let mut bytes = Vec::new();
        self.stream.by_ref().take(size_bytes).read_to_end(&mut bytes).map_err(malformed)?;
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    fn skip_to(&mut self, position: u64) -> Result<(), OciError> {
        let distance = position.saturating_sub(self.position);
        if distance > WORTH_SEEKING
            && let Some(stream) = self.tar.seek(position)?
        {
            (self.stream, self.position) = (stream, position);
            return Ok(());
        }
        let skipped = io::copy(&mut self.stream.by_ref().take(distance), &mut io::sink()).map_err(malformed)?;
        self.position += skipped;
        if skipped == distance { Ok(()) } else { Err(malformed("it is cut off")) }
    }
}

impl Extension {
    /// Records of `length key=value\n`; ends at the first malformed one.
    fn pax(&mut self, mut rest: &[u8]) {
        while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
            let length = rest.get(..space).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
            let Some(record) = length.and_then(|length| rest.get(space + 1..length.checked_sub(1)?)) else { return };
            let record = String::from_utf8_lossy(record);
            match record.split_once('=') {
                Some(("path", value)) => self.name = Some(value.to_owned()),
                Some(("linkpath", value)) => self.link = Some(value.to_owned()),
                Some(("size", value)) => self.size_bytes = value.parse().ok(),
                _ => {}
            }
            rest = length.and_then(|length| rest.get(length..)).unwrap_or_default();
        }
    }
}

struct Header {
    name: String,
    link: String,
    kind: u8,
    size_bytes: u64,
}

impl Header {
    fn parse(block: &[u8]) -> Result<Self, OciError> {
        let field = |start: usize, length: usize| block.get(start..start + length).unwrap_or_default();
        let sum = number(field(148, 8));
        let blanked =
            block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) });
        if block.len() as u64 != BLOCK || sum != Some(blanked.sum()) {
            return Err(malformed("no tar header where one is due"));
        }
        let Some(size_bytes) = number(field(124, 12)) else { return Err(malformed("an entry without a size")) };
        let kind = field(156, 1).first().copied().unwrap_or_default();
        // Links have no content, whatever their size field says.
        let size_bytes = if matches!(kind, b'1'..=b'6') { 0 } else { size_bytes };
        let mut name = text(field(0, 100));
        let prefix = text(field(345, 155));
        if field(257, 6) == b"ustar\0" && !prefix.is_empty() {
            name = format!("{prefix}/{name}");
        }
        Ok(Self { name, link: text(field(157, 100)), kind, size_bytes })
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// Octal, or base 256 where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => rest
            .iter()
            .try_fold(u64::from(first & 0x3f), |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte))),
        _ => {
            let digits = text(field);
            let digits = digits.trim();
            if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
        }
    }
}

/// Without `.`, `..`, and empty components; nothing leads out of the archive.
fn clean(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

fn malformed(cause: impl ToString) -> OciError {
    OciError::malformed("archive", cause)
}
