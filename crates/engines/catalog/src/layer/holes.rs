//! Parts of a large program that no cataloger of executables looks at: machine code and debug information.
//!
//! They are left as zeros, in pages that are never touched, so that a program of hundreds of megabytes takes the memory
//! of its data and names. Only for 64-bit little-endian ELF, the form of large programs in images (System V ABI,
//! "Object Files"); every other file is kept whole.

use std::ops::Range;

/// Smaller programs are kept whole.
pub(super) const LARGE: u64 = 32 << 20;
/// Bytes of the file's beginning that hold its headers.
pub(super) const HEAD: usize = 16 << 10;
/// Smaller sections may carry data, as the one of cargo-auditable does.
const MIN_DEBUG_SECTION: u64 = 4 << 20;

/// What to leave out of the file that begins with `head`, by offset, sorted, without overlap.
pub(super) fn holes(head: &[u8]) -> Vec<Range<u64>> {
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Vec::new();
    }
    let mut holes: Vec<Range<u64>> = code(head).chain(debug_information(head)).collect();
    holes.sort_unstable_by_key(|hole| hole.start);
    // The headers stay.
    let mut end = HEAD as u64;
    holes.retain_mut(|hole| {
        hole.start = hole.start.max(end);
        end = end.max(hole.end);
        hole.start < hole.end
    });
    holes
}

/// Segments that are executed and never written.
fn code(head: &[u8]) -> impl Iterator<Item = Range<u64>> {
    const LOAD: u64 = 1;
    const EXECUTE: u64 = 1;
    const WRITE: u64 = 2;
    table(head, 32, 54, 56).filter_map(|header| {
        let flags = number(header, 4, 4)?;
        let is_code = number(header, 0, 4)? == LOAD && flags & EXECUTE != 0 && flags & WRITE == 0;
        // A page either side stays: linkers put other segments into the same pages.
        let (start, size) = (number(header, 8, 8)?, number(header, 32, 8)?);
        is_code.then(|| start.saturating_add(4096)..start.saturating_add(size).saturating_sub(4096))
    })
}

/// Large sections of no fixed meaning that are not loaded. Only where the section headers come first, as Go writes them.
fn debug_information(head: &[u8]) -> impl Iterator<Item = Range<u64>> {
    const PROGRAM_BITS: u64 = 1;
    const ALLOCATED: u64 = 2;
    table(head, 40, 58, 60).filter_map(|header| {
        let (start, size) = (number(header, 24, 8)?, number(header, 32, 8)?);
        let is_debug = number(header, 4, 4)? == PROGRAM_BITS && number(header, 8, 8)? & ALLOCATED == 0;
        (is_debug && size >= MIN_DEBUG_SECTION).then(|| start..start.saturating_add(size))
    })
}

/// The headers of a table whose offset, entry size and count stand at these places of the file header.
fn table(head: &[u8], offset: usize, entry_bytes: usize, count: usize) -> impl Iterator<Item = &[u8]> {
    let place = || {
        let offset = usize::try_from(number(head, offset, 8)?).ok()?;
        let entry_bytes = usize::try_from(number(head, entry_bytes, 2)?).ok().filter(|bytes| *bytes >= 56)?;
        let count = usize::try_from(number(head, count, 2)?).ok()?;
        Some(head.get(offset..)?.chunks_exact(entry_bytes).take(count))
    };
    place().into_iter().flatten()
}

fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(count)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// A file of `size` bytes with holes, filled from its beginning to its end.
pub(super) struct Filler<'a> {
    into: &'a mut [u8],
    holes: &'a [Range<u64>],
    position: u64,
}

impl<'a> Filler<'a> {
    /// `into` is zeroed and as long as the file.
    pub(super) fn new(into: &'a mut [u8], holes: &'a [Range<u64>]) -> Self {
        Self { into, holes, position: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut chunk: &[u8]) {
        while !chunk.is_empty() {
            while self.holes.first().is_some_and(|hole| hole.end <= self.position) {
                self.holes = self.holes.get(1..).unwrap_or_default();
            }
            let hole = self.holes.first();
            let is_hole = hole.is_some_and(|hole| hole.start <= self.position);
            let next = hole.map_or(u64::MAX, |hole| if is_hole { hole.end } else { hole.start });
            let count = usize::try_from(next - self.position).unwrap_or(usize::MAX).min(chunk.len());
            let (now, rest) = chunk.split_at(count);
            let start = usize::try_from(self.position).unwrap_or(usize::MAX);
            if let Some(to) = start.checked_add(count).and_then(|end| self.into.get_mut(start..end))
                && !is_hole
            {
                to.copy_from_slice(now);
            }
            self.position += count as u64;
            chunk = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn code_of_a_real_program_and_nothing_else() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let holes = holes(&bytes[..HEAD]);
        let hole = holes.first().expect("a program has code");
        let entry = number(&bytes, 24, 8).unwrap();
        assert!(holes.iter().all(|hole| hole.end <= bytes.len() as u64));
        assert!(hole.end - hole.start > bytes.len() as u64 / 50, "{hole:?} of {} with entry {entry:#x}", bytes.len());
    }

    #[test]
    fn only_of_the_form_that_is_known() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for (at, value) in [(0, b'M'), (4, 1), (5, 2)] {
            let mut other = bytes[..HEAD].to_vec();
            other[at] = value;
            assert!(holes(&other).is_empty(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn fills_all_but_the_holes(bounds in proptest::collection::vec(0_u64..300, 0..6), step in 1_usize..70) {
            let mut bounds = bounds;
            bounds.sort_unstable();
            let holes: Vec<Range<u64>> = bounds.as_chunks::<2>().0.iter().map(|[a, b]| *a..*b).collect();
            let file: Vec<u8> = (0..250).map(|index| u8::try_from(index).unwrap() | 1).collect();
            let mut into = vec![0; file.len()];
            let mut filler = Filler::new(&mut into, &holes);
            file.chunks(step).for_each(|chunk| filler.push(chunk));
            for (index, byte) in file.iter().enumerate() {
                let is_hole = holes.iter().any(|hole| hole.contains(&(index as u64)));
                assert_eq!(into[index], if is_hole { 0 } else { *byte }, "{index}");
            }
        }

        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
            let found = holes(&[b"\x7fELF\x02\x01".as_slice(), &noise].concat());
            assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
