use std::sync::Arc;

use ledger::{LedgerError, Merged, Merger, Place, Reader, Term, TermKind};
use space::{Batch, Memory, Space};
use tlog::{TilePath, leaf_hash, parse_entry_bundle, verify_consistency, verify_inclusion};

use crate::{Key, PREFIX, entry, open, parse};

#[tokio::test]
async fn every_entry_is_found_with_its_proof_at_every_size_also_after_reopening() {
    let space: Arc<dyn Space> = Arc::new(Memory::new());
    let key = Key::new("log.example", false);
    let reader = Reader::new(Arc::clone(&space), PREFIX);
    assert!(reader.view().await.unwrap().is_none());
    let merger = Merger::new(Arc::clone(&space), PREFIX);
    let (mut number, mut roots) = (0, vec![]);
    for (round, count) in [1_u64, 1, 3, 250, 300, 1, 2, 600, 1, 1, 1, 1, 1, 1, 5].into_iter().enumerate() {
        // A new writer each round: all that it knows comes out of the space.
        let mut writer = open(&space, &key).await;
        let entries: Vec<_> = (number..number + count).map(entry).collect();
        let appended = writer.append(&entries, 1000 + round as u64).await.unwrap();
        let signed = parse(&appended.published.checkpoint, &key);
        assert_eq!((signed.checkpoint.size, signed.checkpoint.root), (number + count, appended.published.root));
        for (entry, place) in entries.iter().zip(&appended.places) {
            assert!(!place.duplicate);
            let proof = appended.published.proofs.as_ref().unwrap().inclusion(place.index).unwrap();
            let (size, root) = (appended.published.size, appended.published.root);
            verify_inclusion(&leaf_hash(entry.body()), place.index, size, &proof, &root).unwrap();
        }
        number += count;
        roots.push((number, appended.published.root));
        while merger.step().await.unwrap() == Merged::Some {}
    }
    let view = reader.view().await.unwrap().unwrap();
    for (size, root) in &roots {
        assert_eq!(view.root(*size).await.unwrap(), *root);
        for index in (0..*size).step_by(37) {
            let proof = view.inclusion(index, *size).await.unwrap();
            verify_inclusion(&entry(index).leaf(), index, *size, &proof, root).unwrap();
        }
        let proof = view.consistency(*size, number).await.unwrap();
        verify_consistency(*size, root, number, &view.latest().root, &proof).unwrap();
    }
    for index in 0..number {
        let stored = view.entry(index).await.unwrap().unwrap();
        assert_eq!(stored.body, entry(index).body());
        assert!((1000..1015).contains(&stored.integrated_at_seconds));
        assert_eq!(view.index_of(&entry(index).leaf()).await.unwrap(), Some(index));
    }
    let term = Term::new(TermKind::Identity, "user3@example.com");
    let found = view.find(&term, 10, 50).await.unwrap();
    assert_eq!(found, (10..).filter(|index| index % 5 == 3).take(50).collect::<Vec<_>>());
    let all = view.find(&term, 0, 1000).await.unwrap();
    assert_eq!(all, (0..number).filter(|index| index % 5 == 3).collect::<Vec<_>>());
    assert!(view.find(&Term::new(TermKind::Artifact, "user3@example.com"), 0, 9).await.unwrap().is_empty());
    assert!(matches!(view.inclusion(3, number + 1).await, Err(LedgerError::Beyond { .. })));
    assert!(view.entry(number).await.unwrap().is_none());
}

#[tokio::test]
async fn an_entry_keeps_its_index() {
    let space: Arc<dyn Space> = Arc::new(Memory::new());
    let key = Key::new("log.example", false);
    let mut writer = open(&space, &key).await;
    let place = |index, duplicate| Place { index, duplicate };
    let appended = writer.append(&[entry(0), entry(1), entry(0)], 1).await.unwrap();
    assert_eq!(appended.places, [place(0, false), place(1, false), place(0, true)]);
    let mut other = open(&space, &key).await;
    let appended = other.append(&[entry(1), entry(2)], 2).await.unwrap();
    assert_eq!(appended.places, [place(1, true), place(2, false)]);
    // The first writer does not know of entry 2 yet, and must not write over it.
    let appended = writer.append(&[entry(3), entry(2)], 3).await.unwrap();
    assert_eq!(appended.places, [place(3, false), place(2, true)]);
    let appended = writer.append(&[entry(0)], 4).await.unwrap();
    assert_eq!((appended.places, appended.published.size), (vec![place(0, true)], 4));
}

#[tokio::test]
async fn tiles_and_bundles_are_those_of_the_tree() {
    let space: Arc<dyn Space> = Arc::new(Memory::new());
    let key = Key::new("log.example", false);
    let mut writer = open(&space, &key).await;
    for from in [0, 100, 200, 300] {
        writer.append(&(from..from + 100).map(entry).collect::<Vec<_>>(), 1).await.unwrap();
    }
    let view = Reader::new(space, PREFIX).view().await.unwrap().unwrap();
    let tile = async |path: &str| view.tile(path.parse::<TilePath>().unwrap()).await.unwrap();
    let leaves: Vec<u8> = (0..256).flat_map(|index| entry(index).leaf().0).collect();
    assert_eq!(tile("tile/0/000").await.unwrap(), leaves);
    assert_eq!(tile("tile/0/000.p/7").await.unwrap(), leaves[..7 * 32]);
    assert_eq!(tile("tile/0/001.p/144").await.unwrap().len(), 144 * 32);
    assert_eq!(tile("tile/1/000.p/1").await.unwrap(), view.root(256).await.unwrap().0);
    for missing in ["tile/0/001", "tile/0/001.p/145", "tile/1/000", "tile/2/000.p/1", "tile/entries/002.p/1"] {
        assert!(tile(missing).await.is_none(), "{missing}");
    }
    let bundle = tile("tile/entries/001.p/130").await.unwrap();
    let entries = parse_entry_bundle(&bundle, 130).unwrap();
    assert_eq!(entries[129], entry(256 + 129).body());
}

#[tokio::test]
async fn a_stored_log_that_was_changed_is_not_gone_on_from() {
    let space: Arc<dyn Space> = Arc::new(Memory::new());
    let key = Key::new("log.example", false);
    open(&space, &key).await.append(&[entry(0), entry(1)], 1).await.unwrap();
    let mut batch = Batch::new();
    batch.put([PREFIX, &[b't', 0], &[0; 8]].concat(), [entry(0).leaf().0, entry(7).leaf().0].concat());
    space.commit(batch).await.unwrap();
    let opened = ledger::Writer::open(Arc::clone(&space), PREFIX, "log.example", key).await;
    assert!(matches!(opened, Err(LedgerError::Damaged(_))));
}
