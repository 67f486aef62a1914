use std::sync::Arc;

use ledger::monitor::{self, Violation};
use ledger::{CheckpointSigner, Reader, Refused, Witness};
use space::{Memory, Space};
use tlog::{Hash, NoteSignature, SignedCheckpoint, cosigned_message};

use crate::{BadSignature, Key, PREFIX, check, entry, open, parse};

struct Log {
    space: Arc<dyn Space>,
    key: Arc<Key>,
}

impl Log {
    fn new() -> Self {
        Self { space: Arc::new(Memory::new()), key: Key::new("log.example", false) }
    }

    async fn append(&self, from: u64, count: u64) -> SignedCheckpoint {
        let entries: Vec<_> = (from..from + count).map(entry).collect();
        let appended = open(&self.space, &self.key).await.append(&entries, 1).await.unwrap();
        parse(&appended.published.checkpoint, &self.key)
    }

    async fn proof(&self, old: u64, new: u64) -> Vec<Hash> {
        let view = Reader::new(Arc::clone(&self.space), PREFIX).view().await.unwrap().unwrap();
        view.consistency(old, new).await.unwrap()
    }
}

#[tokio::test]
async fn a_witness_cosigns_what_continues_and_refuses_a_fork_and_a_rollback() {
    let (log, fork) = (Log::new(), Log::new());
    let key = Key::new("witness.example", true);
    let kept: Arc<dyn Space> = Arc::new(Memory::new());
    let witness = Witness::new(Arc::clone(&kept), b"w/", key.clone());
    let holds = |_: &SignedCheckpoint| Ok::<(), BadSignature>(());
    let (three, five) = (log.append(0, 3).await, log.append(3, 2).await);
    let NoteSignature { signature, name, key_id } = witness.add(0, &[], &three, 77, holds).await.unwrap().cosignature;
    assert_eq!((name.as_str(), key_id), (key.name(), key.key_id()));
    assert_eq!(signature[..8], 77_u64.to_be_bytes());
    check(cosigned_message(77, &three.note.text).as_bytes(), &signature[8..], &key).unwrap();

    let refused = witness.add(3, &[], &five, 78, |_| Err(BadSignature)).await;
    assert!(matches!(refused, Err(Refused::LogSignature(_))));
    assert!(matches!(witness.add(3, &[], &five, 78, holds).await, Err(Refused::Inconsistent(_))));
    assert!(matches!(witness.add(0, &[], &five, 78, holds).await, Err(Refused::OtherLast { last: 3 })));
    let proof = log.proof(3, 5).await;
    // Another witness on the same space remembers what the first has seen.
    let witness = Witness::new(kept, b"w/", key);
    witness.add(3, &proof, &five, 78, holds).await.unwrap();
    assert!(matches!(witness.add(3, &[], &three, 79, holds).await, Err(Refused::Rollback { last: 5, size: 3 })));
    let (forked, longer) = (fork.append(10, 5).await, fork.append(15, 4).await);
    assert!(matches!(witness.add(5, &[], &forked, 79, holds).await, Err(Refused::Fork { size: 5, .. })));
    let proof = fork.proof(5, 9).await;
    assert!(matches!(witness.add(5, &proof, &longer, 79, holds).await, Err(Refused::Inconsistent(_))));
    witness.add(5, &[], &five, 80, holds).await.unwrap();
}

#[tokio::test]
async fn a_monitor_sees_each_way_to_cheat() {
    let (log, fork) = (Log::new(), Log::new());
    let (three, five) = (log.append(0, 3).await.checkpoint, log.append(3, 2).await.checkpoint);
    let (other, longer) = (fork.append(10, 5).await.checkpoint, fork.append(15, 2).await.checkpoint);
    let proof = log.proof(3, 5).await;
    assert_eq!(monitor::continues(&three, &five, &proof), Ok(()));
    assert_eq!(monitor::continues(&five, &three, &[]), Err(Violation::Rollback { last: 5, size: 3 }));
    assert!(matches!(monitor::continues(&five, &other, &[]), Err(Violation::Fork { size: 5, .. })));
    let forked = monitor::continues(&five, &longer, &fork.proof(5, 7).await);
    assert!(matches!(forked, Err(Violation::Inconsistent(_))));
    let mut renamed = five.clone();
    renamed.origin = "another".to_owned();
    assert!(matches!(monitor::continues(&three, &renamed, &proof), Err(Violation::OtherLog { .. })));

    let bodies: Vec<Vec<u8>> = (0..5).map(|number| entry(number).body().to_vec()).collect();
    let entries: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    let leaves: Vec<Hash> = (0..5).map(|number| entry(number).leaf()).collect();
    assert_eq!(monitor::entries_match(0, &entries, &leaves), Ok(()));
    assert_eq!(monitor::entries_match(0, &entries[..4], &leaves), Err(Violation::EntryRemoved { index: 4 }));
    assert_eq!(monitor::entries_match(1, &entries[..4], &leaves[1..]), Err(Violation::EntryChanged { index: 1 }));
    assert_eq!(monitor::leaves_complete(&five, leaves.clone()), Ok(()));
    assert_eq!(monitor::leaves_complete(&five, leaves[..4].to_vec()), Err(Violation::EntryRemoved { index: 4 }));
    assert!(matches!(monitor::leaves_complete(&other, leaves), Err(Violation::OtherRoot { .. })));
    let watched = monitor::watched(0, &entries, |entry| entry.starts_with(b"entry 3"));
    assert_eq!(watched, [(3, entries[3])]);
}
