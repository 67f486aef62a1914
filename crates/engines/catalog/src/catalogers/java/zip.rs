//! Zip archives, read in place from a byte slice (PKWARE APPNOTE 6.3.10).
//!
//! The central directory is the truth, as it is for the Java class loader. Where the local header of an entry says
//! something else the entry is still read, and the difference is reported. Nothing that a header claims is trusted
//! further than the bytes at hand.

use crate::ParseError;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::borrow::Cow;

const END_LENGTH: usize = 22;
const LOCATOR_LENGTH: usize = 20;
const CENTRAL_LENGTH: usize = 46;
const LOCAL_LENGTH: usize = 30;
const MAX_COMMENT: usize = u16::MAX as usize;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;
/// Sizes and checksum follow the data; the local header does not have them.
const STREAMED: u16 = 1 << 3;

/// An archive whose central directory was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    directory: &'a [u8],
    /// What was put before the archive (a launcher script, usually): offsets count from behind it.
    base: u64,
}

/// One entry of the central directory.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) name: Cow<'a, str>,
    raw_name: &'a [u8],
    flags: u16,
    method: u16,
    crc32: u32,
    compressed: u64,
    /// Bytes after inflating, as the directory says.
    pub(super) size: u64,
    offset: u64,
}

/// The content of an entry.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// What the local header says differently.
    pub(super) mismatch: Option<&'static str>,
}

impl<'a> Archive<'a> {
    /// Finds the central directory.
    ///
    /// # Errors
    /// Where there is none, or it lies outside of `bytes`.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let end = find_end(bytes).ok_or_else(|| ParseError::malformed("not a zip archive: no end record"))?;
        let mut size = u64::from(u32_at(bytes, end + 12)?);
        let mut offset = u64::from(u32_at(bytes, end + 16)?);
        let mut directory_end = end as u64;
        let is_wide =
            size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) || u16_at(bytes, end + 10)? == u16::MAX;
        if let Some(wide) = zip64_end(bytes, end).filter(|_| is_wide) {
            (directory_end, size, offset) = wide;
        }
        let outside = || ParseError::malformed("the zip directory lies outside of the file");
        let start = directory_end.checked_sub(size).ok_or_else(outside)?;
        let mut base = start.checked_sub(offset).ok_or_else(outside)?;
        // Some writers count offsets from the start of the file in spite of what they put before it.
        let mut directory_start = start;
        if base > 0 && slice(bytes, offset, 4) == Some(b"PK\x01\x02") && slice(bytes, start, 4) != Some(b"PK\x01\x02") {
            (base, directory_start) = (0, offset);
        }
        let directory = slice(bytes, directory_start, size).ok_or_else(outside)?;
        Ok(Self { bytes, directory, base })
    }

    /// The entries, in the order of the directory. Ends after the first that is not readable.
    pub(super) fn entries(&self) -> Entries<'a> {
        Entries { rest: self.directory, failed: false }
    }

    /// The content of `entry`, at most `limit` bytes of it.
    ///
    /// # Errors
    /// Where the entry is encrypted, larger than `limit`, compressed by a method other than deflate, or corrupt.
    pub(super) fn read(&self, entry: &Entry<'a>, limit: u64) -> Result<Content<'a>, ParseError> {
        if entry.size > limit {
            return Err(ParseError::Limit { what: "bytes in an archive entry", limit });
        }
        if entry.flags & ENCRYPTED != 0 {
            return Err(ParseError::malformed("the entry is encrypted"));
        }
        let at = self.base.saturating_add(entry.offset);
        let header = slice(self.bytes, at, LOCAL_LENGTH as u64).filter(|header| header.starts_with(b"PK\x03\x04"));
        let header = header.ok_or_else(|| ParseError::malformed("no local header where the directory says"))?;
        let name_length = u64::from(u16_at(header, 26)?);
        let extra_length = u64::from(u16_at(header, 28)?);
        let name_at = at + LOCAL_LENGTH as u64;
        let mismatch = local_mismatch(entry, header, slice(self.bytes, name_at, name_length))?;
        let data = slice(self.bytes, name_at + name_length + extra_length, entry.compressed)
            .ok_or_else(|| ParseError::malformed("the entry is cut"))?;
        let bytes = match entry.method {
            STORED if entry.compressed == entry.size => Cow::Borrowed(data),
            STORED => return Err(ParseError::malformed("a stored entry of two sizes")),
            DEFLATED => Cow::Owned(inflate(data, entry.size)?),
            method => return Err(ParseError::Malformed(format!("compression method {method} is not supported"))),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() != entry.crc32 {
            return Err(ParseError::malformed("the checksum of the entry does not match"));
        }
        Ok(Content { bytes, mismatch })
    }
}

/// Iterator over the central directory.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        match central_entry(self.rest) {
            Ok((entry, rest)) => {
                self.rest = rest;
                Some(Ok(entry))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

fn central_entry(bytes: &[u8]) -> Result<(Entry<'_>, &[u8]), ParseError> {
    let cut = || ParseError::malformed("the zip directory is cut");
    let header = bytes.get(..CENTRAL_LENGTH).ok_or_else(cut)?;
    if !header.starts_with(b"PK\x01\x02") {
        return Err(ParseError::malformed("the zip directory is corrupt"));
    }
    let name_length = usize::from(u16_at(header, 28)?);
    let extra_length = usize::from(u16_at(header, 30)?);
    let comment_length = usize::from(u16_at(header, 32)?);
    let raw_name = bytes.get(CENTRAL_LENGTH..CENTRAL_LENGTH + name_length).ok_or_else(cut)?;
    let extra_at = CENTRAL_LENGTH + name_length;
    let extra = bytes.get(extra_at..extra_at + extra_length).ok_or_else(cut)?;
    let rest = bytes.get(extra_at + extra_length + comment_length..).ok_or_else(cut)?;
    let mut entry = Entry {
        name: String::from_utf8_lossy(raw_name),
        raw_name,
        flags: u16_at(header, 8)?,
        method: u16_at(header, 10)?,
        crc32: u32_at(header, 16)?,
        compressed: u64::from(u32_at(header, 20)?),
        size: u64::from(u32_at(header, 24)?),
        offset: u64::from(u32_at(header, 42)?),
    };
    widen(&mut entry, extra);
    Ok((entry, rest))
}

/// Replaces the fields that say "see the ZIP64 extra field".
fn widen(entry: &mut Entry<'_>, mut extra: &[u8]) {
    while let (Ok(id), Ok(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = 4 + usize::from(length);
        if id == 1 {
            let mut at = 4;
            for field in [&mut entry.size, &mut entry.compressed, &mut entry.offset] {
                if *field == u64::from(u32::MAX)
                    && at + 8 <= end
                    && let Ok(wide) = u64_at(extra, at)
                {
                    *field = wide;
                    at += 8;
                }
            }
            return;
        }
        extra = extra.get(end..).unwrap_or_default();
    }
}

fn local_mismatch(entry: &Entry<'_>, header: &[u8], name: Option<&[u8]>) -> Result<Option<&'static str>, ParseError> {
    let streamed = entry.flags & STREAMED != 0 || u16_at(header, 6)? & STREAMED != 0;
    let differs = |at: usize, field: u64| -> Result<bool, ParseError> {
        let local = u32_at(header, at)?;
        Ok(local != u32::MAX && u64::from(local) != field)
    };
    Ok(if name != Some(entry.raw_name) {
        Some("the local header has another name than the directory")
    } else if u16_at(header, 8)? != entry.method {
        Some("the local header has another compression method than the directory")
    } else if !streamed && (differs(18, entry.compressed)? || differs(22, entry.size)?) {
        Some("the local header has another size than the directory")
    } else {
        None
    })
}

fn inflate(data: &[u8], size: u64) -> Result<Vec<u8>, ParseError> {
    let wrong_size = || ParseError::malformed("the entry inflates to another size than the directory says");
    let size = usize::try_from(size).map_err(|_| wrong_size())?;
    // Deflate shrinks by a factor of 1032 at most; a larger claim is not worth the memory.
    if size / 1032 > data.len() {
        return Err(wrong_size());
    }
    let mut out = Vec::with_capacity(size);
    let mut state = Decompress::new(false);
    let status = state
        .decompress_vec(data, &mut out, FlushDecompress::Finish)
        .map_err(|_| ParseError::malformed("the entry is corrupt"))?;
    // With no room left the stream end may not have been seen yet.
    let ended = status == Status::StreamEnd || at_end(&mut state, data)?;
    if !ended || out.len() != size {
        return Err(wrong_size());
    }
    Ok(out)
}

fn at_end(state: &mut Decompress, data: &[u8]) -> Result<bool, ParseError> {
    let rest = usize::try_from(state.total_in()).ok().and_then(|read| data.get(read..)).unwrap_or_default();
    let mut spare = [0; 1];
    let status = state
        .decompress(rest, &mut spare, FlushDecompress::Finish)
        .map_err(|_| ParseError::malformed("the entry is corrupt"))?;
    Ok(status == Status::StreamEnd)
}

/// Offset of the end record: the last one that leaves room for its comment.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_LENGTH)?;
    let first = last.saturating_sub(MAX_COMMENT);
    let window = bytes.get(first..)?;
    memchr::memmem::rfind_iter(window, b"PK\x05\x06")
        .map(|at| first + at)
        .find(|at| u16_at(bytes, at + 20).is_ok_and(|comment| at + END_LENGTH + usize::from(comment) <= bytes.len()))
}

/// Offset of the ZIP64 end record, size and offset of the directory.
fn zip64_end(bytes: &[u8], end: usize) -> Option<(u64, u64, u64)> {
    let locator = end.checked_sub(LOCATOR_LENGTH)?;
    if !bytes.get(locator..)?.starts_with(b"PK\x06\x07") {
        return None;
    }
    let said = u64_at(bytes, locator + 8).ok()?;
    // Prepended data moves the record; right before the locator is where it is then.
    let candidates = [Some(said), (locator as u64).checked_sub(56)];
    let at = candidates.into_iter().flatten().find(|at| slice(bytes, *at, 4) == Some(b"PK\x06\x06"))?;
    let record = slice(bytes, at, 56)?;
    Some((at, u64_at(record, 40).ok()?, u64_at(record, 48).ok()?))
}

fn slice(bytes: &[u8], at: u64, length: u64) -> Option<&[u8]> {
    let at = usize::try_from(at).ok()?;
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(at..end)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ParseError> {
    let cut = || ParseError::malformed("the zip archive is cut");
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or_else(cut)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ParseError> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ParseError> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, ParseError> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
