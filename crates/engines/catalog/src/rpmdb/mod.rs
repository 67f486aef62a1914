//! Reads the package headers out of the three forms of the rpm database: Berkeley DB hash (`Packages`), NDB
//! (`Packages.db`) and SQLite (`rpmdb.sqlite`).
//!
//! All work on bytes in memory and trust none of them. A page or blob is read once at most, so that the work is linear
//! in the size of the file whatever it claims, and cycles end.

mod bdb;
pub(crate) mod header;
mod ndb;
mod signature;
mod sqlite;

pub(crate) use header::Header;
pub(crate) use signature::Signature;

use crate::ParseError;

/// Gives each package's header, as stored, to `each`. The form is told by the content.
///
/// # Errors
/// Where the file is none of the three, or damaged: what could be read has been given. An error of `each` ends the walk.
pub(crate) fn headers<F>(file: &[u8], mut each: F) -> Result<(), ParseError>
where
    F: FnMut(&[u8]) -> Result<(), ParseError>,
{
    // Headers don't overlap: together they are no larger than the file.
    let mut left = file.len();
    let each = |header: &[u8]| {
        left = left.checked_sub(header.len()).ok_or_else(|| ParseError::malformed("packages overlap"))?;
        each(header)
    };
    if file.starts_with(sqlite::MAGIC) {
        sqlite::headers(file, each)
    } else if file.starts_with(ndb::MAGIC) {
        ndb::headers(file, each)
    } else {
        bdb::headers(file, each)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

/// The pages of a file, each to be read once.
struct Pages<'a> {
    file: &'a [u8],
    size: usize,
    read: Vec<bool>,
}

impl<'a> Pages<'a> {
    /// `size` must not be zero.
    fn new(file: &'a [u8], size: usize) -> Self {
        Self { file, size, read: vec![false; file.len() / size.max(1)] }
    }

    /// The page at the zero-based `number`; none where the file ends before or the page was taken before.
    fn take(&mut self, number: u32) -> Option<&'a [u8]> {
        let number = usize::try_from(number).ok()?;
        let read = self.read.get_mut(number)?;
        let start = number.checked_mul(self.size)?;
        let page = self.file.get(start..start.checked_add(self.size)?)?;
        (!std::mem::replace(read, true)).then_some(page)
    }
}

#[cfg(test)]
mod tests;
