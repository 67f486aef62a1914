//! Tiles: the hashes and entries of a log as fixed resources (C2SP tlog-tiles).

use std::fmt;
use std::str::FromStr;

/// Levels of the tree in a tile.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Entries in a full entry bundle.
pub const ENTRY_BUNDLE_ENTRIES: u16 = 256;

/// Levels of tiles that a tree of 2^64 leaves can have; the specification ends at 63.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileRow {
    /// Hashes of the level 8 * n of the tree.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The path of a tile: `tile/<level>/<index>[.p/<width>]`, with `entries` in place of the level for entry bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    /// Hashes of a level, or entries.
    pub row: TileRow,
    /// Index among the tiles of the row.
    pub index: u64,
    /// Hashes or entries in it, 1 to 256; a full tile has 256.
    pub width: u16,
}

/// Why a tile's path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TilePathError {
    /// It does not begin with `tile/`.
    #[error("a tile's path begins with tile/")]
    NoTile,
    /// The level is neither `entries` nor a number from 0 to 63 without leading zeros.
    #[error("the tile's level is not `entries` or a number from 0 to 63")]
    Level,
    /// The index is not three digits with `x` before all but the last group.
    #[error("the tile's index is not groups of three digits, as in x001/x234/067")]
    Index,
    /// The width of a partial tile is not a number from 1 to 255.
    #[error("the width of a partial tile is not a number from 1 to 255")]
    Width,
}

impl TilePath {
    /// The tile of `row` that the tree of `size` leaves has at `index`, with the width it has there; `None` when the
    /// tree does not reach that far.
    pub fn in_tree(row: TileRow, index: u64, size: u64) -> Option<Self> {
        let level = match row {
            TileRow::Hashes(level) => level,
            TileRow::Entries => 0,
        };
        let nodes = size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = nodes.checked_sub(before)?.min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { row, index, width })
    }

    /// Whether the tile is not full.
    pub fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            TileRow::Hashes(level) => write!(out, "tile/{level}/")?,
            TileRow::Entries => write!(out, "tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (place, group) in groups.iter().enumerate().rev() {
            if place > 0 {
                write!(out, "x{group:03}/")?;
            } else {
                write!(out, "{group:03}")?;
            }
        }
        if self.is_partial() {
            write!(out, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let rest = path.strip_prefix("tile/").ok_or(TilePathError::NoTile)?;
        let (level, rest) = rest.split_once('/').ok_or(TilePathError::Level)?;
        let row = match level {
            "entries" => TileRow::Entries,
            _ => TileRow::Hashes(
                number(level)
                    .and_then(|level| u8::try_from(level).ok())
                    .filter(|level| *level <= MAX_LEVEL)
                    .ok_or(TilePathError::Level)?,
            ),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let width = number(width).and_then(|width| u16::try_from(width).ok());
                let width = width.filter(|width| (1..TILE_WIDTH).contains(width)).ok_or(TilePathError::Width)?;
                (index, width)
            }
            None => (rest, TILE_WIDTH),
        };
        Ok(Self { row, index: tile_index(index).ok_or(TilePathError::Index)?, width })
    }
}

/// A decimal number of at most three digits without leading zeros.
fn number(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| text.parse().ok()).flatten()
}

fn tile_index(text: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut groups = text.split('/').peekable();
    let mut first = true;
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A leading group of zeros would name the same tile twice.
        if !three || (first && groups.peek().is_some() && digits == "000") {
            return None;
        }
        first = false;
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

/// Why an entry bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryBundleError {
    /// An entry is longer than its two length bytes can say.
    #[error("an entry of {0} bytes is too long for an entry bundle; the limit is 65535")]
    EntryTooLong(usize),
    /// The bundle ends within an entry.
    #[error("the entry bundle ends within entry {0}")]
    Truncated(usize),
    /// The bundle has another number of entries than its path says.
    #[error("the entry bundle has {found} entries, {expected} were expected")]
    WrongCount {
        /// Entries that the path says.
        expected: u16,
        /// Entries found, at most one more than expected.
        found: usize,
    },
}

/// Appends an entry to a bundle: two bytes of length, big endian, and the entry.
pub fn append_to_bundle(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryBundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryBundleError::EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle that holds exactly `width` of them.
pub fn parse_entry_bundle(mut bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, EntryBundleError> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let truncated = EntryBundleError::Truncated(entries.len());
        let (length, rest) = bundle.split_first_chunk().ok_or_else(|| truncated.clone())?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(truncated)?;
        entries.push(entry);
        if entries.len() > usize::from(width) {
            break;
        }
        bundle = rest;
    }
    if entries.len() != usize::from(width) {
        return Err(EntryBundleError::WrongCount { expected: width, found: entries.len() });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_round_trip() {
        for (text, row, index, width) in [
            ("tile/0/000", TileRow::Hashes(0), 0, 256),
            ("tile/3/x001/x234/067", TileRow::Hashes(3), 1_234_067, 256),
            ("tile/63/x999/000.p/255", TileRow::Hashes(63), 999_000, 255),
            ("tile/entries/x123/456.p/1", TileRow::Entries, 123_456, 1),
            ("tile/0/x018/x446/x744/x073/x709/x551/615", TileRow::Hashes(0), u64::MAX, 256),
        ] {
            let path = TilePath { row, index, width };
            assert_eq!(text.parse(), Ok(path));
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_path_that_names_no_tile_is_refused() {
        for (text, error) in [
            ("", TilePathError::NoTile),
            ("/tile/0/000", TilePathError::NoTile),
            ("tile/0", TilePathError::Level),
            ("tile/64/000", TilePathError::Level),
            ("tile/00/000", TilePathError::Level),
            ("tile/-1/000", TilePathError::Level),
            ("tile/+1/000", TilePathError::Level),
            ("tile/0/", TilePathError::Index),
            ("tile/0/0", TilePathError::Index),
            ("tile/0/x000/001", TilePathError::Index),
            ("tile/0/001/002", TilePathError::Index),
            ("tile/0/x001/x002", TilePathError::Index),
            ("tile/0/../000", TilePathError::Index),
            ("tile/0/x018/x446/x744/x073/x709/x551/616", TilePathError::Index),
            ("tile/0/000.p/0", TilePathError::Width),
            ("tile/0/000.p/256", TilePathError::Width),
            ("tile/0/000.p/01", TilePathError::Width),
            ("tile/0/000.p/1/2", TilePathError::Width),
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_it_reaches() {
        let path = |row, index, size| TilePath::in_tree(row, index, size).map(|path| path.to_string());
        assert_eq!(path(TileRow::Entries, 0, 0), None);
        assert_eq!(path(TileRow::Entries, 0, 5).as_deref(), Some("tile/entries/000.p/5"));
        assert_eq!(path(TileRow::Hashes(0), 1, 512).as_deref(), Some("tile/0/001"));
        assert_eq!(path(TileRow::Hashes(0), 2, 512), None);
        assert_eq!(path(TileRow::Hashes(1), 0, 512).as_deref(), Some("tile/1/000.p/2"));
        assert_eq!(path(TileRow::Hashes(63), u64::MAX, u64::MAX), None);
    }

    #[test]
    fn bundles_round_trip_and_bent_ones_are_refused() {
        let mut bundle = Vec::new();
        for entry in ["", "one", "two"] {
            append_to_bundle(&mut bundle, entry.as_bytes()).unwrap();
        }
        assert_eq!(parse_entry_bundle(&bundle, 3), Ok(vec![&b""[..], b"one", b"two"]));
        assert_eq!(parse_entry_bundle(&bundle, 2), Err(EntryBundleError::WrongCount { expected: 2, found: 3 }));
        assert_eq!(parse_entry_bundle(&bundle, 4), Err(EntryBundleError::WrongCount { expected: 4, found: 3 }));
        assert_eq!(parse_entry_bundle(&bundle[..bundle.len() - 1], 3), Err(EntryBundleError::Truncated(2)));
        let long = vec![0; 65_536];
        assert_eq!(append_to_bundle(&mut bundle, &long), Err(EntryBundleError::EntryTooLong(65_536)));
    }
}
