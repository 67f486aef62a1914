//! A hash index on disk: starts of buckets, then entries of (rest of the hash, value). One lookup touches two places.

use super::DatabaseError;
use super::layout::{Cursor, Pen, u32_at};

const WHAT: &str = "index";

/// FNV-1a, then a mix so that the high bits are as good as the low ones. Fixed for good: it is part of the format.
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            state = (state ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}

/// Both sections of an index, as bytes.
pub(crate) struct Written {
    pub(crate) buckets: Vec<u8>,
    pub(crate) entries: Vec<u8>,
}

/// Writes an index of (hash, value); equal hashes keep the order of their values.
pub(crate) fn write(mut entries: Vec<(u64, u32)>) -> Written {
    entries.sort_unstable();
    let bits = entries.len().next_power_of_two().trailing_zeros().min(28);
    let buckets = 1usize << bits;
    let mut starts = Pen::default();
    let mut body = Pen::default();
    let mut next = 0usize;
    for bucket in 0..buckets {
        starts.u32(next as u32);
        while let Some((hash, value)) = entries.get(next).filter(|(hash, _)| bucket_of(*hash, bits) == bucket) {
            body.u32(*hash as u32);
            body.u32(*value);
            next += 1;
        }
    }
    starts.u32(next as u32);
    Written { buckets: starts.bytes, entries: body.bytes }
}

fn bucket_of(hash: u64, bits: u32) -> usize {
    if bits == 0 { 0 } else { (hash >> (64 - bits)) as usize }
}

/// An opened index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index<'a> {
    buckets: &'a [u8],
    entries: &'a [u8],
    bits: u32,
}

impl<'a> Index<'a> {
    pub(crate) fn open(buckets: &'a [u8], entries: &'a [u8]) -> Result<Self, DatabaseError> {
        let count = (buckets.len() / 4).checked_sub(1).ok_or(DatabaseError::Corrupt(WHAT))?;
        if !count.is_power_of_two() || !buckets.len().is_multiple_of(4) {
            return Err(DatabaseError::Corrupt(WHAT));
        }
        Ok(Self { buckets, entries, bits: count.trailing_zeros() })
    }

    /// Values whose key may have this hash; the caller compares the key.
    pub(crate) fn candidates(&self, hash: u64) -> Result<Candidates<'a>, DatabaseError> {
        let bucket = bucket_of(hash, self.bits);
        let start = u32_at(self.buckets, bucket, WHAT)? as usize;
        let end = u32_at(self.buckets, bucket + 1, WHAT)? as usize;
        let range = start.checked_mul(8).zip(end.checked_mul(8)).ok_or(DatabaseError::Corrupt(WHAT))?;
        let bytes = self.entries.get(range.0..range.1).ok_or(DatabaseError::Corrupt(WHAT))?;
        Ok(Candidates { cursor: Cursor::new(bytes, WHAT), wanted: hash as u32 })
    }

    /// Every value, in the order of the hashes.
    pub(crate) fn values(&self) -> impl Iterator<Item = u32> + 'a {
        self.entries.chunks_exact(8).filter_map(|entry| u32_at(entry, 1, WHAT).ok())
    }
}

/// See [`Index::candidates`].
pub(crate) struct Candidates<'a> {
    cursor: Cursor<'a>,
    wanted: u32,
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while !self.cursor.is_empty() {
            let hash = self.cursor.u32().ok()?;
            let value = self.cursor.u32().ok()?;
            if hash == self.wanted {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found() {
        for count in [0u32, 1, 2, 3, 1000] {
            let names: Vec<String> = (0..count).map(|n| format!("name-{n}")).collect();
            let entries = names.iter().zip(0..).map(|(name, value)| (hash(&["npm", name]), value)).collect();
            let written = write(entries);
            let index = Index::open(&written.buckets, &written.entries).unwrap();
            for (name, value) in names.iter().zip(0u32..) {
                let upper = name.to_uppercase();
                assert!(index.candidates(hash(&["NPM", &upper])).unwrap().any(|found| found == value));
            }
            assert_eq!(index.candidates(hash(&["npm", "absent"])).unwrap().count(), 0);
            assert_eq!(index.values().count(), count as usize);
        }
    }

    #[test]
    fn a_cut_index_is_refused() {
        assert!(Index::open(&[], &[]).is_err());
        assert!(Index::open(&[0; 7], &[]).is_err());
        let index = Index::open(&[0, 0, 0, 0, 9, 0, 0, 0], &[]).unwrap();
        assert!(index.candidates(1).is_err());
    }
}
