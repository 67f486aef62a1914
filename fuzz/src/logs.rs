//! What a transparency log serves.

use crate::first_line;
use tlog::{Hash, Note, SignedCheckpoint, TilePath, parse_entry_bundle, verify_consistency, verify_inclusion};

/// What is printed is read as the same.
pub(crate) fn checkpoint(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(Note::parse(note.to_string().as_bytes()).as_ref(), Ok(&note));
    }
    if let Ok(signed) = SignedCheckpoint::parse(bytes) {
        assert_eq!(signed.checkpoint.to_string(), signed.note.text);
    }
}

/// A path of a tile, a line break, an entry bundle. A path is printed as it was read.
pub(crate) fn tile(bytes: &[u8]) {
    let (path, content) = first_line(bytes);
    let path = String::from_utf8_lossy(path);
    let Ok(tile) = path.parse::<TilePath>() else { return };
    assert_eq!(tile.to_string(), path);
    if let Ok(entries) = parse_entry_bundle(content, tile.width) {
        assert_eq!(entries.len(), usize::from(tile.width));
    }
}

/// Two sizes and hashes, as a proof of either kind: no proof holds for a root that is not made of it.
pub(crate) fn proof(bytes: &[u8]) {
    let Some((sizes, rest)) = bytes.split_first_chunk::<16>() else { return };
    let (first, second) = sizes.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let hashes: Vec<Hash> = rest.chunks_exact(32).filter_map(|hash| Hash::try_from(hash).ok()).collect();
    let strange = Hash([0x5a; 32]);
    let (first, second) = (number(first), number(second));
    assert!(verify_inclusion(&Hash([0; 32]), first, second, &hashes, &strange).is_err());
    let consistent = verify_consistency(first, &Hash([1; 32]), second, &strange, &hashes);
    assert!(consistent.is_err());
}
