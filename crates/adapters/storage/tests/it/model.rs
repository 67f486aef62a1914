//! Random operations on a store and on the model at once; both must answer alike.

use std::sync::Arc;

use space::{Batch, CommitError, Memory, Range, Row, Snapshot, Space};
use storage::Redb;

/// A small generator, so that a failure is repeated by its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn key(&mut self) -> Vec<u8> {
        let length = self.below(4);
        (0..length).map(|_| [0, b'a', b'b', 0xff][self.below(4) as usize]).collect()
    }
}

/// Versions differ between a store with several spaces and the model, so rows are compared by what they hold, and
/// versions by what conditions on them do.
fn plain(rows: Vec<Row>) -> Vec<(Vec<u8>, Vec<u8>)> {
    rows.into_iter().map(|row| (row.key, row.value.bytes)).collect()
}

async fn version(snapshot: &dyn Snapshot, key: &[u8]) -> Option<u64> {
    snapshot.get(key).await.unwrap().map(|value| value.version)
}

pub(crate) async fn step(random: &mut Random, store: &dyn Space, model: &dyn Space) {
    let (ours, theirs) = (store.snapshot().await.unwrap(), model.snapshot().await.unwrap());
    let (mut ours_batch, mut theirs_batch) = (Batch::new(), Batch::new());
    for _ in 0..random.below(3) {
        let key = random.key();
        let (mut our, mut their) = (version(&*ours, &key).await, version(&*theirs, &key).await);
        match random.below(4) {
            0 => (our, their) = (None, None),
            1 => (our, their) = (our.map(|version| version + 1_000_000), their.map(|version| version + 1_000_000)),
            _ => {}
        }
        ours_batch.require(key.clone(), our);
        theirs_batch.require(key, their);
    }
    for _ in 0..random.below(6) {
        let key = random.key();
        if random.below(3) == 0 {
            ours_batch.delete(key.clone());
            theirs_batch.delete(key);
        } else {
            let value = vec![random.below(256) as u8; random.below(9000) as usize];
            ours_batch.put(key.clone(), value.clone());
            theirs_batch.put(key, value);
        }
    }
    match (store.commit(ours_batch).await, model.commit(theirs_batch).await) {
        (Ok(_), Ok(_)) => {}
        (Err(CommitError::Condition { key: ours, .. }), Err(CommitError::Condition { key: theirs, .. })) => {
            assert_eq!(ours, theirs);
        }
        (ours, theirs) => panic!("the store answered {ours:?}, the model {theirs:?}"),
    }
    for _ in 0..3 {
        let key = random.key();
        let (ours, theirs) = (store.get(&key).await.unwrap(), model.get(&key).await.unwrap());
        assert_eq!(ours.map(|value| value.bytes), theirs.map(|value| value.bytes));
    }
    let before = store.snapshot().await.unwrap().sequence();
    assert!(before >= ours.sequence() && store.sequence().await.unwrap() >= before);
    // The snapshots still see what they saw.
    let range = Range { start: random.key(), end: Some(random.key()), backwards: false, limit: 5 };
    for range in [range.clone(), range.backwards(), Range::prefix(random.key()), Range::prefix("").backwards()] {
        let (ours, theirs) = (ours.range(range.clone()).await.unwrap(), theirs.range(range).await.unwrap());
        assert_eq!(plain(ours), plain(theirs));
    }
    let (ours, theirs) = (store.snapshot().await.unwrap(), model.snapshot().await.unwrap());
    let all = Range::prefix("");
    assert_eq!(plain(ours.range(all.clone()).await.unwrap()), plain(theirs.range(all).await.unwrap()));
}

#[tokio::test]
async fn redb_behaves_as_the_model_also_when_reopened() {
    for seed in 1..=6 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let mut random = Random::new(seed);
        let models = [Memory::new(), Memory::new()];
        for _ in 0..4 {
            let store = Redb::open(&path).unwrap();
            let spaces = [store.space("one"), store.space("two")];
            for _ in 0..25 {
                let which = random.below(2) as usize;
                step(&mut random, &spaces[which], &models[which]).await;
            }
        }
    }
}

#[tokio::test]
async fn of_commits_that_race_under_one_condition_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = Redb::open(&folder.path().join("store")).unwrap();
    let space = Arc::new(store.space("race"));
    let racers: Vec<_> = (0..50_u8)
        .map(|racer| {
            let space = Arc::clone(&space);
            tokio::spawn(async move {
                let mut batch = Batch::new();
                batch.require("key", None).put("key", [racer]);
                space.commit(batch).await.is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += u32::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
    let seen = space.snapshot().await.unwrap().sequence();
    let watched = Arc::clone(&space);
    let watcher = tokio::spawn(async move { watched.changed(b"ke", seen).await.unwrap() });
    let mut batch = Batch::new();
    batch.delete("key");
    let sequence = space.commit(batch).await.unwrap();
    assert_eq!(watcher.await.unwrap(), sequence);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_a_store_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Redb::open(&path).unwrap();
    assert!(Redb::open(&path).is_err());
    let mut batch = Batch::new();
    batch.put(vec![0; space::MAX_KEY_BYTES + 1], "");
    assert!(matches!(store.space("a").commit(batch).await, Err(CommitError::TooLarge { what: "a key", .. })));
    std::fs::write(folder.path().join("other"), b"no store").unwrap();
    assert!(Redb::open(&folder.path().join("other")).is_err());
}
