//! A tar stream, entry by entry, with nothing written anywhere.
//!
//! Reads ustar, GNU long names and old sparse headers, and PAX (long names, sizes, sparse 0.x and 1.0). POSIX.1-2017
//! pax, and the GNU tar manual, "Basic Tar Format". Header names and sizes are untrusted; every one is bounded.

use crate::ParseError;
use sbom::FileKind;
use std::io::{ErrorKind, Read};

const BLOCK: usize = 512;
/// Window over the stream; a file up to half of it is seen as one slice without a copy.
const WINDOW: usize = 1 << 20;
/// The largest PAX or GNU long-name block.
const MAX_EXTENSION: u64 = 1 << 20;

/// What a header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) link_target: Vec<u8>,
    pub(crate) kind: FileKind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Size of the file as it appears on disk.
    pub(crate) size_bytes: u64,
    /// Size of the data in the stream; smaller than `size_bytes` for sparse files.
    stored_bytes: u64,
    /// Sparse map as (offset, length), empty for ordinary files.
    sparse: Vec<(u64, u64)>,
}

impl Entry {
    /// Bytes that the stream leaves out.
    pub(crate) fn holes_bytes(&self) -> u64 {
        self.size_bytes.saturating_sub(self.stored_bytes)
    }

    /// Does the stream hold only pieces of the file?
    pub(crate) fn is_sparse(&self) -> bool {
        !self.sparse.is_empty()
    }
}

/// A cursor over the stream.
pub(crate) struct Walker<R> {
    reader: R,
    window: Vec<u8>,
    start: usize,
    end: usize,
    /// Data and padding of the current entry that were not consumed yet.
    pending: u64,
    padding: u64,
    at_end: bool,
}

impl<R: Read> Walker<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, window: vec![0; WINDOW], start: 0, end: 0, pending: 0, padding: 0, at_end: false }
    }

    /// The next entry, or `None` at the end of the archive. Data of the entry before that was not read is skipped.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>, ParseError> {
        self.skip_rest()?;
        let mut extension = Extension::default();
        loop {
            if self.at_end || !self.fill(BLOCK)? {
                return self.ended();
            }
            let Some(header) = self.window.get(self.start..self.start + BLOCK) else { return self.ended() };
            if header.iter().all(|byte| *byte == 0) {
                self.at_end = true;
                return Ok(None);
            }
            let header = Header::parse(header)?;
            self.start += BLOCK;
            match header.flag {
                b'x' => extension.read_pax(&self.extension(header.size)?)?,
                b'g' => drop(self.extension(header.size)?),
                b'L' => extension.path = Some(trimmed(self.extension(header.size)?)),
                b'K' => extension.link = Some(trimmed(self.extension(header.size)?)),
                _ => return self.entry(header, extension).map(Some),
            }
        }
    }

    fn ended(&self) -> Result<Option<Entry>, ParseError> {
        match self.end - self.start {
            0 => Ok(None),
            // No end marker is usual for some writers; a cut header is not.
            _ if self.at_end => Ok(None),
            _ => Err(ParseError::malformed("tar: cut in a header")),
        }
    }

    fn entry(&mut self, header: Header, extension: Extension) -> Result<Entry, ParseError> {
        let stored = extension.size.unwrap_or(header.size);
        // Links may carry a size that counts nothing.
        self.pending = if matches!(header.flag, b'1' | b'2') { 0 } else { stored };
        self.padding = self.pending.next_multiple_of(BLOCK as u64).saturating_sub(self.pending);
        let data = if header.kind == FileKind::Regular { stored } else { 0 };
        let mut entry = Entry {
            path: extension.sparse_name.or(extension.path).unwrap_or(header.path),
            link_target: extension.link.unwrap_or(header.link),
            kind: header.kind,
            mode: header.mode,
            uid: extension.uid.unwrap_or(header.uid),
            gid: extension.gid.unwrap_or(header.gid),
            size_bytes: extension.sparse_size.unwrap_or(data),
            stored_bytes: data,
            sparse: extension.sparse,
        };
        if header.flag == b'S' {
            entry.size_bytes = header.real_size;
            entry.sparse = header.sparse;
            self.old_sparse(header.sparse_extended, &mut entry)?;
        }
        if extension.sparse_in_data {
            self.sparse_map_in_data(&mut entry)?;
        }
        check_sparse(&entry)?;
        Ok(entry)
    }

    /// Old GNU sparse files: four pieces in the header, more in extension blocks before the data.
    fn old_sparse(&mut self, mut more: bool, entry: &mut Entry) -> Result<(), ParseError> {
        while more {
            if entry.sparse.len() > MAX_SPARSE {
                return Err(ParseError::Limit { what: "pieces in a sparse file", limit: MAX_SPARSE as u64 });
            }
            if !self.fill(BLOCK)? {
                return Err(ParseError::malformed("tar: cut in a sparse map"));
            }
            let block = self.window.get(self.start..self.start + BLOCK).unwrap_or_default();
            more = block.get(504).is_some_and(|byte| *byte != 0);
            for piece in block.chunks_exact(24).take(21) {
                push_piece(piece, &mut entry.sparse)?;
            }
            self.start += BLOCK;
        }
        Ok(())
    }

    /// PAX sparse 1.0: decimal numbers, one a line, at the head of the data, padded to a block.
    fn sparse_map_in_data(&mut self, entry: &mut Entry) -> Result<(), ParseError> {
        let mut numbers = Vec::new();
        let mut wanted = 1;
        let mut number = 0_u64;
        let mut used = 0_u64;
        while numbers.len() < wanted {
            if used >= MAX_EXTENSION || self.pending < BLOCK as u64 || !self.fill(BLOCK)? {
                return Err(ParseError::malformed("tar: unreadable sparse map"));
            }
            for byte in self.window.get(self.start..self.start + BLOCK).unwrap_or_default() {
                match byte {
                    b'0'..=b'9' => number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                    b'\n' if numbers.len() < wanted => {
                        if numbers.is_empty() {
                            wanted = usize::try_from(number).unwrap_or(usize::MAX).min(MAX_SPARSE) * 2 + 1;
                        }
                        numbers.push(number);
                        number = 0;
                    }
                    _ => {}
                }
            }
            self.start += BLOCK;
            self.pending -= BLOCK as u64;
            used += BLOCK as u64;
        }
        entry.stored_bytes = self.pending;
        entry.sparse = numbers.get(1..).unwrap_or_default().as_chunks::<2>().0.iter().map(|p| (p[0], p[1])).collect();
        Ok(())
    }

    /// Calls `each` with the file's content in order; holes of sparse files as zeros.
    pub(crate) fn content(&mut self, entry: &Entry, each: &mut dyn FnMut(&[u8])) -> Result<(), ParseError> {
        if entry.sparse.is_empty() {
            return self.stored(entry.stored_bytes, each);
        }
        let mut position = 0;
        for (offset, length) in &entry.sparse {
            zeros(offset.saturating_sub(position), each);
            self.stored(*length, each)?;
            position = offset.saturating_add(*length);
        }
        zeros(entry.size_bytes.saturating_sub(position), each);
        Ok(())
    }

    /// The first `count` bytes of the content, or fewer where it is shorter; they stay unread.
    pub(crate) fn peek(&mut self, count: usize) -> Result<Vec<u8>, ParseError> {
        let count = count.min(usize::try_from(self.pending).unwrap_or(usize::MAX));
        if !self.fill(count)? {
            return Err(cut());
        }
        Ok(self.window.get(self.start..self.start + count).unwrap_or_default().to_vec())
    }

    /// The whole content as one slice, where it fits into the window and is not sparse.
    pub(crate) fn slice(&mut self, entry: &Entry) -> Result<Option<&[u8]>, ParseError> {
        let Ok(size) = usize::try_from(entry.stored_bytes) else { return Ok(None) };
        if size > WINDOW / 2 || !entry.sparse.is_empty() {
            return Ok(None);
        }
        if !self.fill(size)? {
            return Err(cut());
        }
        let from = self.start;
        self.start += size;
        self.pending -= size as u64;
        Ok(self.window.get(from..from + size))
    }

    /// Reads the whole content into `into`, which is cleared first. The caller has checked the size.
    pub(crate) fn read_into(&mut self, entry: &Entry, into: &mut Vec<u8>) -> Result<(), ParseError> {
        into.clear();
        // Once and exactly: doubling would hold a large file twice. A header that lies costs address space only.
        let size = usize::try_from(entry.size_bytes).unwrap_or(usize::MAX);
        into.try_reserve_exact(size)
            .map_err(|_| ParseError::Limit { what: "bytes in memory", limit: entry.size_bytes })?;
        if !entry.sparse.is_empty() {
            return self.content(entry, &mut |chunk| into.extend_from_slice(chunk));
        }
        let buffered = self.window.get(self.start..self.end).unwrap_or_default();
        let take = buffered.len().min(usize::try_from(entry.stored_bytes).unwrap_or(usize::MAX));
        into.extend_from_slice(buffered.get(..take).unwrap_or_default());
        self.start += take;
        let rest = entry.stored_bytes - take as u64;
        let read = self.reader.by_ref().take(rest).read_to_end(into)?;
        self.pending = self.pending.saturating_sub(entry.stored_bytes);
        if (read as u64) < rest { Err(cut()) } else { Ok(()) }
    }

    fn stored(&mut self, mut left: u64, each: &mut dyn FnMut(&[u8])) -> Result<(), ParseError> {
        if left > self.pending {
            return Err(ParseError::malformed("tar: sparse pieces longer than the data"));
        }
        self.pending -= left;
        while left > 0 {
            if self.start == self.end && !self.refill()? {
                return Err(cut());
            }
            let buffered = self.window.get(self.start..self.end).unwrap_or_default();
            let take = buffered.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            each(buffered.get(..take).unwrap_or_default());
            self.start += take;
            left -= take as u64;
        }
        Ok(())
    }

    fn skip_rest(&mut self) -> Result<(), ParseError> {
        let rest = self.pending.saturating_add(self.padding);
        self.pending = rest;
        self.padding = 0;
        self.stored(rest, &mut |_| {})
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, ParseError> {
        if size > MAX_EXTENSION {
            return Err(ParseError::Limit { what: "bytes in a tar extension header", limit: MAX_EXTENSION });
        }
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        self.pending = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        self.stored(size, &mut |chunk| data.extend_from_slice(chunk))?;
        self.skip_rest()?;
        Ok(data)
    }

    /// Makes at least `size` bytes available; false at the end of the stream.
    fn fill(&mut self, size: usize) -> Result<bool, ParseError> {
        while self.end - self.start < size {
            if self.start + size > self.window.len() || self.start == self.end {
                self.window.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn refill(&mut self) -> Result<bool, ParseError> {
        self.start = 0;
        self.end = 0;
        self.more()
    }

    fn more(&mut self) -> Result<bool, ParseError> {
        loop {
            let free = self.window.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(free) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads what follows the end of the archive, so that the digests below cover the whole blob.
    pub(crate) fn drain(&mut self) -> Result<(), ParseError> {
        while self.refill()? {}
        Ok(())
    }
}

const MAX_SPARSE: usize = 100_000;

fn cut() -> ParseError {
    ParseError::malformed("tar: cut in a file")
}

fn check_sparse(entry: &Entry) -> Result<(), ParseError> {
    let mut position = 0_u64;
    let mut stored = 0_u64;
    for (offset, length) in &entry.sparse {
        let end = offset.checked_add(*length).ok_or_else(|| ParseError::malformed("tar: sparse map overflows"))?;
        if *offset < position || end > entry.size_bytes {
            return Err(ParseError::malformed("tar: sparse pieces out of order"));
        }
        position = end;
        stored = stored.saturating_add(*length);
    }
    if !entry.sparse.is_empty() && stored > entry.stored_bytes {
        return Err(ParseError::malformed("tar: sparse pieces longer than the data"));
    }
    Ok(())
}

fn zeros(mut count: u64, each: &mut dyn FnMut(&[u8])) {
    const ZEROS: [u8; 4096] = [0; 4096];
    while count > 0 {
        let take = usize::try_from(count).unwrap_or(ZEROS.len()).min(ZEROS.len());
        each(ZEROS.get(..take).unwrap_or_default());
        count -= take as u64;
    }
}

struct Header {
    path: Vec<u8>,
    link: Vec<u8>,
    kind: FileKind,
    flag: u8,
    mode: u32,
    uid: u32,
    gid: u32,
    size: u64,
    real_size: u64,
    sparse: Vec<(u64, u64)>,
    sparse_extended: bool,
}

impl Header {
    fn parse(block: &[u8]) -> Result<Self, ParseError> {
        let field = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum::<u64>()
            - field(148, 8).iter().map(|byte| u64::from(*byte)).sum::<u64>()
            + 8 * u64::from(b' ');
        if number(field(148, 8))? != sum {
            return Err(ParseError::malformed("tar: wrong header checksum"));
        }
        let flag = field(156, 1).first().copied().unwrap_or(0);
        let magic = field(257, 8);
        let gnu = magic == b"ustar  \0";
        let mut path = text(field(0, 100));
        let prefix = text(field(345, 155));
        if magic.starts_with(b"ustar\0") && !prefix.is_empty() {
            path = [prefix.as_slice(), b"/", path.as_slice()].concat();
        }
        let mut sparse = Vec::new();
        if gnu && flag == b'S' {
            for piece in field(386, 96).chunks_exact(24) {
                push_piece(piece, &mut sparse)?;
            }
        }
        let kind = match flag {
            b'0' | 0 | b'7' | b'S' if path.ends_with(b"/") => FileKind::Directory,
            b'0' | 0 | b'7' | b'S' => FileKind::Regular,
            b'1' => FileKind::HardLink,
            b'2' => FileKind::Symlink,
            b'3' => FileKind::CharacterDevice,
            b'4' => FileKind::BlockDevice,
            b'5' => FileKind::Directory,
            b'6' => FileKind::Fifo,
            _ => FileKind::Irregular,
        };
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Self {
            path,
            link: text(field(157, 100)),
            kind,
            flag,
            mode: small(number(field(100, 8)).unwrap_or(0)) & 0o7777,
            uid: small(number(field(108, 8)).unwrap_or(0)),
            gid: small(number(field(116, 8)).unwrap_or(0)),
            size: number(field(124, 12))?,
            real_size: if gnu && flag == b'S' { number(field(483, 12))? } else { 0 },
            sparse,
            sparse_extended: gnu && flag == b'S' && field(482, 1).first().is_some_and(|byte| *byte != 0),
        })
    }
}

fn push_piece(piece: &[u8], sparse: &mut Vec<(u64, u64)>) -> Result<(), ParseError> {
    if let (Some(offset), Some(length)) = (piece.get(..12), piece.get(12..24))
        && offset.first().is_some_and(|byte| *byte != 0)
    {
        sparse.push((number(offset)?, number(length)?));
    }
    Ok(())
}

/// Octal with blanks around, or base 256 when the top bit is set.
fn number(field: &[u8]) -> Result<u64, ParseError> {
    let bad = || ParseError::malformed("tar: unreadable number in a header");
    match field.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => {
            // Negative base-256 numbers (top two bits) make no sense for anything read here.
            rest.iter().try_fold(u64::from(first & 0x3f), |sum, byte| {
                sum.checked_mul(256).map(|sum| sum + u64::from(*byte)).ok_or_else(bad)
            })
        }
        _ => {
            let digits = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
            digits.iter().try_fold(0_u64, |sum, byte| match byte {
                b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(byte - b'0')).ok_or_else(bad),
                _ => Err(bad()),
            })
        }
    }
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

fn trimmed(mut data: Vec<u8>) -> Vec<u8> {
    while data.last() == Some(&0) {
        data.pop();
    }
    data
}

/// What PAX and GNU headers add to the entry that follows.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    sparse: Vec<(u64, u64)>,
    sparse_size: Option<u64>,
    sparse_name: Option<Vec<u8>>,
    sparse_offset: u64,
    sparse_in_data: bool,
}

impl Extension {
    /// Records of the form `LENGTH KEY=VALUE\n`.
    fn read_pax(&mut self, mut data: &[u8]) -> Result<(), ParseError> {
        let bad = || ParseError::malformed("tar: unreadable PAX record");
        while !data.is_empty() {
            let blank = data.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
            let length = decimal(data.get(..blank).ok_or_else(bad)?).ok_or_else(bad)?;
            let length = usize::try_from(length).map_err(|_| bad())?;
            let record = data.get(blank + 1..length.saturating_sub(1)).ok_or_else(bad)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
            let (key, value) = record.split_at(equals);
            self.set(key, value.get(1..).unwrap_or_default())?;
            data = data.get(length..).ok_or_else(bad)?;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), ParseError> {
        let count = || decimal(value).ok_or_else(|| ParseError::malformed("tar: unreadable number in a PAX record"));
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(count()?),
            b"uid" => self.uid = u32::try_from(count()?).ok(),
            b"gid" => self.gid = u32::try_from(count()?).ok(),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse_size = Some(count()?),
            b"GNU.sparse.major" => self.sparse_in_data = value == b"1",
            b"GNU.sparse.offset" => self.sparse_offset = count()?,
            b"GNU.sparse.numbytes" => self.sparse.push((self.sparse_offset, count()?)),
            b"GNU.sparse.map" => {
                let numbers: Option<Vec<u64>> = value.split(|byte| *byte == b',').map(decimal).collect();
                let numbers = numbers.ok_or_else(|| ParseError::malformed("tar: unreadable sparse map"))?;
                self.sparse = numbers.as_chunks::<2>().0.iter().map(|piece| (piece[0], piece[1])).collect();
            }
            _ => {}
        }
        if self.sparse.len() > MAX_SPARSE {
            return Err(ParseError::Limit { what: "pieces in a sparse file", limit: MAX_SPARSE as u64 });
        }
        Ok(())
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
