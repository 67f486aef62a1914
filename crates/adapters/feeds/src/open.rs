//! Files of a folder to chunks of work: unpacked, split at documents or lines, under limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::config::Limits;

/// Bytes of work that go to one worker at once. A larger document goes alone.
const CHUNK_BYTES: usize = 1 << 20;

/// Small documents that go to one worker at once.
const CHUNK_DOCUMENTS: usize = 256;

/// Window that the largest compression levels of zstd need: 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Endings of archive entries that may be feeds.
const ENTRY_ENDINGS: &[&str] = &[".json", ".jsonl", ".yaml", ".yml", ".xml", ".csv", ".list", ".txt"];

/// A file under the folder.
#[derive(Debug)]
pub(crate) struct FileFacts {
    /// Its path under the folder, with `/`.
    pub(crate) path: String,
    /// The day of its data, where a manifest beside it tells; else empty.
    pub(crate) date: String,
}

/// A document of a file.
pub(crate) struct Document {
    pub(crate) file: Arc<FileFacts>,
    /// The entry of an archive; empty for the file itself.
    pub(crate) entry: String,
    pub(crate) bytes: Vec<u8>,
}

/// Work for one worker.
pub(crate) enum Chunk {
    /// Whole documents.
    Documents(Vec<Document>),
    /// Lines of one file, each a document.
    Lines { file: Arc<FileFacts>, entry: String, first: u64, bytes: Vec<u8> },
    /// Nothing to do, but something to report.
    Unread { path: String, cause: String },
}

/// Splits files into chunks, and gives them to `send` in order. `send` says whether to go on.
pub(crate) struct Splitter<'a> {
    limits: Limits,
    send: &'a mut dyn FnMut(Chunk) -> bool,
    pending: Vec<Document>,
    pending_bytes: usize,
    entries: usize,
    stopped: bool,
}

impl<'a> Splitter<'a> {
    pub(crate) fn new(limits: Limits, send: &'a mut dyn FnMut(Chunk) -> bool) -> Self {
        Self { limits, send, pending: Vec::new(), pending_bytes: 0, entries: 0, stopped: false }
    }

    /// Whether the receiver is gone.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Splits one file. What cannot be read is reported, not returned: the other files go on.
    pub(crate) fn file(&mut self, path: &Path, facts: FileFacts) {
        let facts = Arc::new(facts);
        if let Err(cause) = self.open(path, &facts) {
            self.unread(&facts.path, cause.to_string());
        }
    }

    /// Reports a file that is not read.
    pub(crate) fn unread(&mut self, path: &str, cause: String) {
        self.give(Chunk::Unread { path: path.to_owned(), cause });
    }

    /// Sends what is left.
    pub(crate) fn finish(&mut self) {
        self.flush();
    }

    fn open(&mut self, path: &Path, facts: &Arc<FileFacts>) -> io::Result<()> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() > self.limits.file_bytes {
            return Err(too_large("file", self.limits.file_bytes));
        }
        let mut magic = [0; 4];
        let read = read_full(&mut file, &mut magic)?;
        file.seek(SeekFrom::Start(0))?;
        if magic.get(..read) == Some(b"PK\x03\x04") {
            return self.zip(BufReader::new(file), facts, "", 1);
        }
        self.stream(BufReader::with_capacity(256 << 10, file), &magic, facts, "", &facts.path)
    }

    /// A stream, compressed or not: a tar archive, lines, or one document.
    fn stream(
        &mut self,
        input: impl Read,
        magic: &[u8; 4],
        facts: &Arc<FileFacts>,
        entry: &str,
        name: &str,
    ) -> io::Result<()> {
        let limit = self.limits.unpacked_bytes;
        match magic {
            [0x1f, 0x8b, ..] => {
                let plain = flate2::read::MultiGzDecoder::new(input);
                self.plain(Limited::new(plain, limit), facts, entry, name)
            }
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let mut plain = zstd::Decoder::new(input)?;
                plain.window_log_max(ZSTD_WINDOW_LOG)?;
                self.plain(Limited::new(plain, limit), facts, entry, name)
            }
            _ => self.plain(Limited::new(input, limit), facts, entry, name),
        }
    }

    fn plain(&mut self, mut input: impl Read, facts: &Arc<FileFacts>, entry: &str, name: &str) -> io::Result<()> {
        let mut head = vec![0; CHUNK_BYTES];
        let read = read_full(&mut input, &mut head)?;
        head.truncate(read);
        if head.get(257..262) == Some(b"ustar") {
            return self.tar(io::Cursor::new(head).chain(input), facts);
        }
        if is_lines(name, &head) {
            self.lines(head, input, facts, entry)
        } else {
            self.whole(head, input, facts, entry)
        }
    }

    fn whole(&mut self, mut bytes: Vec<u8>, input: impl Read, facts: &Arc<FileFacts>, entry: &str) -> io::Result<()> {
        let room = (self.limits.document_bytes as u64).saturating_sub(bytes.len() as u64);
        let read = input.take(room + 1).read_to_end(&mut bytes)? as u64;
        if read > room {
            return Err(too_large("document", self.limits.document_bytes as u64));
        }
        self.document(Document { file: Arc::clone(facts), entry: entry.to_owned(), bytes });
        Ok(())
    }

    fn lines(
        &mut self,
        mut bytes: Vec<u8>,
        mut input: impl Read,
        facts: &Arc<FileFacts>,
        entry: &str,
    ) -> io::Result<()> {
        self.flush();
        let mut first = 1;
        loop {
            let mut end = bytes.iter().rposition(|b| *b == b'\n').map(|at| at + 1);
            let start = bytes.len();
            bytes.resize(start + CHUNK_BYTES, 0);
            let read = read_full(&mut input, bytes.get_mut(start..).unwrap_or_default())?;
            bytes.truncate(start + read);
            if read == 0 {
                end = Some(bytes.len());
            } else if end.is_none() {
                if bytes.len() > self.limits.document_bytes {
                    return Err(too_large("line", self.limits.document_bytes as u64));
                }
                continue;
            }
            let rest = bytes.split_off(end.unwrap_or(bytes.len()));
            let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64;
            if !bytes.is_empty() {
                let (file, entry) = (Arc::clone(facts), entry.to_owned());
                self.give(Chunk::Lines { file, entry, first, bytes });
            }
            first += lines;
            bytes = rest;
            if (read == 0 && bytes.is_empty()) || self.stopped {
                return Ok(());
            }
        }
    }

    /// A zip archive; one inside another (as the CVE list is published) is opened too.
    fn zip(&mut self, input: impl Read + Seek, facts: &Arc<FileFacts>, outer: &str, depth: u32) -> io::Result<()> {
        let mut archive = zip::ZipArchive::new(input)?;
        let mut unpacked = 0_u64;
        for index in 0..archive.len() {
            self.count_entry()?;
            let entry = archive.by_index(index)?;
            let name = entry.name().map_err(io::Error::from)?.into_owned();
            let place = if outer.is_empty() { name.clone() } else { format!("{outer}/{name}") };
            let inner = name.ends_with(".zip");
            if entry.is_dir() || !(inner || is_feed_name(&name)) {
                continue;
            }
            let limit = if inner { self.limits.file_bytes } else { self.limits.document_bytes as u64 };
            let mut bytes = Vec::new();
            entry.take(limit + 1).read_to_end(&mut bytes)?;
            unpacked += bytes.len() as u64;
            if bytes.len() as u64 > limit || unpacked > self.limits.unpacked_bytes {
                return Err(too_large(&place, limit));
            }
            if !inner {
                self.entry(bytes, facts, &place)?;
            } else if depth > 0 {
                self.zip(io::Cursor::new(bytes), facts, &place, depth - 1)?;
            }
            if self.stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A tar archive: regular files by their names, in the old, the POSIX and the GNU forms.
    fn tar(&mut self, mut input: impl Read, facts: &Arc<FileFacts>) -> io::Result<()> {
        let mut header = [0; 512];
        let mut long_name: Option<String> = None;
        while read_full(&mut input, &mut header)? == header.len() && header.iter().any(|b| *b != 0) {
            self.count_entry()?;
            let size = tar_size(&header).ok_or_else(|| io::Error::other("a tar entry without a size"))?;
            if size > self.limits.document_bytes as u64 {
                return Err(too_large("tar entry", self.limits.document_bytes as u64));
            }
            let mut bytes = Vec::new();
            if (&mut input).take(size).read_to_end(&mut bytes)? as u64 != size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            io::copy(&mut (&mut input).take(size.next_multiple_of(512) - size), &mut io::sink())?;
            match header.get(156) {
                Some(b'L') => long_name = Some(text_of(&bytes)),
                Some(b'x') => long_name = pax_path(&bytes).or(long_name),
                Some(b'0' | 0) => {
                    let name = long_name.take().unwrap_or_else(|| text_of(header.get(..100).unwrap_or_default()));
                    if is_feed_name(&name) {
                        self.entry(bytes, facts, &name)?;
                    }
                }
                _ => long_name = None,
            }
            if self.stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    fn entry(&mut self, bytes: Vec<u8>, facts: &Arc<FileFacts>, name: &str) -> io::Result<()> {
        if is_lines(name, &bytes) {
            return self.lines(bytes, io::empty(), facts, name);
        }
        self.document(Document { file: Arc::clone(facts), entry: name.to_owned(), bytes });
        Ok(())
    }

    fn count_entry(&mut self) -> io::Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries { Err(too_large("archive", self.limits.entries as u64)) } else { Ok(()) }
    }

    fn document(&mut self, document: Document) {
        self.pending_bytes += document.bytes.len();
        self.pending.push(document);
        if self.pending_bytes >= CHUNK_BYTES || self.pending.len() >= CHUNK_DOCUMENTS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.pending_bytes = 0;
            let documents = std::mem::take(&mut self.pending);
            self.stopped |= !(self.send)(Chunk::Documents(documents));
        }
    }

    fn give(&mut self, chunk: Chunk) {
        self.flush();
        self.stopped |= !(self.send)(chunk);
    }
}

/// A reader that fails once more than the limit has come out of it.
struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Limited<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit, limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(too_large("unpacked file", self.limit)),
        }
        Ok(read)
    }
}

fn too_large(what: &str, limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("{what} larger than the limit of {limit}"))
}

/// Reads until the buffer is full or the input ends.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match input.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether a file holds a JSON document in each line: by its name, or because its first two lines do.
fn is_lines(name: &str, head: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    if name.contains(".jsonl") || name.contains(".ndjson") {
        return true;
    }
    let Some(end) = head.iter().position(|b| *b == b'\n') else { return false };
    let (line, rest) = head.split_at(end);
    rest.get(1) == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn is_feed_name(name: &str) -> bool {
    ENTRY_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// The size in a tar header, octal.
fn tar_size(header: &[u8; 512]) -> Option<u64> {
    let text = text_of(header.get(124..136)?);
    u64::from_str_radix(text.trim(), 8).ok()
}

/// The path in a POSIX extended header: lines of `length key=value`.
fn pax_path(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let pairs: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')?.1.split_once('=')).collect();
    pairs.get("path").map(ToString::to_string)
}

#[cfg(test)]
mod tests;
