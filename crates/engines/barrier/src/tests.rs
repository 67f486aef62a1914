use crate::{Barrier, Key, RowError, Seal, Shares, StaticSeal, combine};
use jiff::Timestamp;
use logical::{Batch, Error, Memory, Storage, StorageExt};
use space::{Range, Space, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const THREE_OF_FIVE: Shares = Shares { shares: 5, threshold: 3 };
const NONE: Shares = Shares { shares: 0, threshold: 0 };

pub(crate) fn key(byte: u8) -> Key {
    Zeroizing::new([byte; 32])
}

pub(crate) fn static_seal(id: &str, byte: u8, previous: Option<(String, Key)>) -> Seal {
    Seal::Auto(Arc::new(StaticSeal::new((id.to_owned(), key(byte)), previous).unwrap()))
}

fn space() -> Arc<dyn Space> {
    Arc::new(space::Memory::new())
}

/// A store, and two nodes over it that unseal by themselves.
async fn two_nodes() -> (Arc<dyn Space>, Barrier, Barrier) {
    let space = space();
    let nodes = [(); 2].map(|()| Barrier::new(Arc::clone(&space), *b"b/", static_seal("1", 1, None)));
    let [one, two] = nodes;
    one.initialize(NONE, NONE, NOW).await.unwrap();
    two.unseal_by_seal().await.unwrap();
    (space, one, two)
}

fn secret(text: &str) -> logical::Secret {
    Zeroizing::new(text.as_bytes().to_vec())
}

async fn stored(space: &Arc<dyn Space>, path: &str) -> Vec<u8> {
    space.snapshot().await.unwrap().get(format!("b/row/{path}").as_bytes()).await.unwrap().unwrap().bytes
}

async fn store(space: &Arc<dyn Space>, path: &str, bytes: Vec<u8>) {
    let mut batch = space::Batch::new();
    batch.put(format!("b/row/{path}"), bytes);
    space.commit(batch).await.unwrap();
}

async fn refusal(storage: &dyn Storage, path: &str) -> Option<RowError> {
    match storage.get(path).await {
        Err(Error::Internal(cause)) => Some(cause.downcast_ref::<RowError>().unwrap().clone()),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}

#[tokio::test]
async fn rows_that_were_changed_moved_or_put_back_are_refused() {
    let (space, one, two) = two_nodes().await;
    let view = one.view("");
    view.put("a", secret("first")).await.unwrap();
    view.put("b", secret("other")).await.unwrap();
    let (old, other) = (stored(&space, "a").await, stored(&space, "b").await);
    assert!(!old.windows(5).any(|bytes| bytes == b"first"));

    let not_authentic = |path: &str| Some(RowError::NotAuthentic { path: format!("row/{path}") });
    store(&space, "a", other.clone()).await;
    store(&space, "b", old.clone()).await;
    assert_eq!(refusal(&view, "a").await, not_authentic("a"));
    assert_eq!(refusal(&view, "b").await, not_authentic("b"));

    for index in 0..old.len() {
        for bit in [1, 0x80] {
            let mut bent = old.clone();
            bent[index] ^= bit;
            store(&space, "a", bent).await;
            let refused = refusal(&view, "a").await;
            assert!(refused.is_some(), "byte {index}");
        }
    }
    for length in 0..old.len() {
        store(&space, "a", old[..length].to_vec()).await;
        assert_eq!(refusal(&view, "a").await, not_authentic("a"));
    }

    store(&space, "a", old.clone()).await;
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"first");
    view.put("a", secret("second")).await.unwrap();
    store(&space, "a", old.clone()).await;
    assert!(matches!(refusal(&view, "a").await, Some(RowError::RolledBack { path, .. }) if path == "row/a"));
    // The other node has not seen the second: this is what is not detected.
    assert_eq!(&*two.view("").get("a").await.unwrap().unwrap().value, b"first");

    // Written again it is good again; and a deleted row does not come back.
    view.put("a", secret("third")).await.unwrap();
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"third");
    let third = stored(&space, "a").await;
    two.view("").delete("a").await.unwrap();
    two.view("").put("a", secret("fourth")).await.unwrap();
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"fourth");
    let fourth = stored(&space, "a").await;
    store(&space, "a", third).await;
    assert!(matches!(refusal(&view, "a").await, Some(RowError::RolledBack { .. })));
    two.view("").put("a", secret("fifth")).await.unwrap();
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"fifth");
    let fifth = stored(&space, "a").await;
    view.delete("a").await.unwrap();
    for earlier in [fourth, fifth] {
        store(&space, "a", earlier).await;
        assert!(matches!(refusal(&view, "a").await, Some(RowError::RolledBack { .. })));
    }
    view.delete("a").await.unwrap();
    two.view("").put("a", secret("sixth")).await.unwrap();
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"sixth");
}

#[tokio::test]
async fn a_new_term_keeps_old_rows_readable_on_every_node() {
    let (_, one, two) = two_nodes().await;
    let (left, right) = (one.view("x/"), two.view("x/"));
    left.put("old", secret("1")).await.unwrap();
    assert_eq!(one.rotate(NOW).await.unwrap(), 2);
    left.put("new", secret("2")).await.unwrap();
    // The other node learns the term when it meets it, and adds to what is counted.
    assert_eq!(&*right.get("new").await.unwrap().unwrap().value, b"2");
    assert_eq!(two.key_status().unwrap().term, 2);
    right.put("old", secret("3")).await.unwrap();
    assert_eq!(one.maintain(NOW).await.unwrap(), None);
    assert_eq!(two.maintain(NOW).await.unwrap(), None);
    assert_eq!(two.key_status().unwrap().encryptions, 2);
    assert_eq!(&*left.get("old").await.unwrap().unwrap().value, b"3");

    // By age and by number.
    let config = crate::RotationConfig { enabled: true, max_operations: 1_000_000, interval: 86_400 };
    two.set_rotation_config(config).await.unwrap();
    one.follow(0).await.unwrap();
    assert_eq!(one.rotation_config().unwrap(), config);
    let tomorrow = Timestamp::from_second(86_400).unwrap();
    assert_eq!(one.maintain(tomorrow).await.unwrap(), Some(3));
    assert_eq!(two.maintain(tomorrow).await.unwrap(), Some(4), "two did not follow, and counted first");
    assert!(two.set_rotation_config(crate::RotationConfig { max_operations: 999_999, ..config }).await.is_err());

    // A node that is up to date follows a new root key, and rows are still readable; one that missed more is sealed.
    one.follow(0).await.unwrap();
    two.replace_root(None).await.unwrap();
    one.follow(0).await.unwrap();
    assert_eq!(&*left.get("old").await.unwrap().unwrap().value, b"3");
    two.rotate(NOW).await.unwrap();
    two.replace_root(None).await.unwrap();
    one.follow(0).await.unwrap();
    assert!(one.is_sealed());
    assert!(matches!(left.get("old").await, Err(Error::Sealed)));
    one.unseal_by_seal().await.unwrap();
    assert_eq!(&*left.get("new").await.unwrap().unwrap().value, b"2");
}

#[tokio::test]
async fn a_term_that_is_used_up_makes_way_and_at_its_end_encrypts_no_more() {
    let (_, one, _) = two_nodes().await;
    let view = one.view("");
    let uncounted = |barrier: &Barrier| Arc::clone(&barrier.rows().keyring.load_full().unwrap().active().uncounted);
    uncounted(&one).store(crate::MOST_OPERATIONS, Ordering::Relaxed);
    view.put("a", secret("1")).await.unwrap();
    assert_eq!(one.maintain(NOW).await.unwrap(), Some(2));
    assert_eq!(one.key_status().unwrap().encryptions, 0);
    uncounted(&one).store(1 << 32, Ordering::Relaxed);
    assert!(view.put("a", secret("2")).await.is_err());
    assert_eq!(&*view.get("a").await.unwrap().unwrap().value, b"1");
    assert_eq!(one.maintain(NOW).await.unwrap(), Some(3));
    view.put("a", secret("2")).await.unwrap();
}

#[tokio::test]
async fn only_the_right_shares_unseal_and_what_is_sealed_answers_nothing() {
    let space = space();
    let barrier = Barrier::new(Arc::clone(&space), *b"b/", Seal::Shamir);
    assert!(!barrier.is_initialized().await.unwrap());
    assert!(matches!(barrier.view("").get("a").await, Err(Error::Sealed)));
    let keys = barrier.initialize(THREE_OF_FIVE, NONE, NOW).await.unwrap();
    assert_eq!(keys.shares.len(), 5);
    let again = barrier.initialize(THREE_OF_FIVE, NONE, NOW).await.err().unwrap();
    assert_eq!(again.to_string(), "Vault is already initialized");
    let view = barrier.view("");
    let version = view.put("a", secret("1")).await.unwrap();
    barrier.seal();
    for result in [
        view.get("a").await.map(drop),
        view.list("", "", 9).await.map(drop),
        view.scan("", "", 9).await.map(drop),
        view.commit(Batch::new()).await.map(drop),
        barrier.rotate(NOW).await.map(drop),
        barrier.maintain(NOW).await.map(drop),
    ] {
        assert!(matches!(result, Err(Error::Sealed)));
    }
    assert!(barrier.unseal_with(&key(7)).await.is_err());
    let two = combine(&keys.shares[..2]).unwrap();
    let error = barrier.unseal_with_seal_key(&two).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "invalid key: failed to decrypt keys from storage: cipher: message authentication failed"
    );
    assert!(barrier.is_sealed());
    barrier.unseal_with_seal_key(&combine(&keys.shares[1..4]).unwrap()).await.unwrap();
    assert_eq!(view.get("a").await.unwrap().unwrap().version, version);

    // Nothing of it is in the store.
    let rows = space.snapshot().await.unwrap().range(Range::prefix(b"".as_slice())).await.unwrap();
    let root = barrier.rows().keyring.load_full().unwrap().root.clone();
    for Value { bytes, .. } in rows.into_iter().map(|row| row.value) {
        assert!(!bytes.windows(32).any(|part| part == *root));
    }
}

#[tokio::test]
async fn a_static_seal_unseals_by_itself_and_takes_a_new_key() {
    let space = space();
    let barrier = |seal| Barrier::new(Arc::clone(&space), *b"b/", seal);
    let first = barrier(static_seal("1", 1, None));
    let keys = first.initialize(NONE, THREE_OF_FIVE, NOW).await.unwrap();
    assert_eq!((keys.shares.len(), keys.recovery_shares.len()), (0, 5));
    first.view("").put("a", secret("1")).await.unwrap();
    assert!(barrier(static_seal("1", 2, None)).unseal_by_seal().await.is_err());
    assert!(barrier(static_seal("2", 1, None)).unseal_by_seal().await.is_err());
    let previous = Some(("1".to_owned(), key(1)));
    barrier(static_seal("2", 2, previous)).unseal_by_seal().await.unwrap();
    let renewed = barrier(static_seal("2", 2, None));
    renewed.unseal_by_seal().await.unwrap();
    assert_eq!(&*renewed.view("").get("a").await.unwrap().unwrap().value, b"1");

    let hex = "07".repeat(32);
    let base64 = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";
    for text in [&[7; 32][..], hex.as_bytes(), base64.as_bytes(), base64.trim_end_matches(['=', '\n']).as_bytes()] {
        assert_eq!(*StaticSeal::parse_key(text).unwrap(), [7; 32]);
    }
    for text in [&[7; 31][..], &hex.as_bytes()[1..], b"", &[7; 33]] {
        assert!(StaticSeal::parse_key(text).is_err());
    }
}

#[tokio::test]
async fn a_thousand_operations_answer_as_the_model_does() {
    let (_, one, two) = two_nodes().await;
    let model = Memory::new();
    let nodes = [one.view("m/"), two.view("m/")];
    one.view("l/").put("not/of/it", secret("0")).await.unwrap();
    one.view("m0").put("nor/this", secret("0")).await.unwrap();
    let mut state = 7_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let names = ["e/", "a", "a-", "a/", "a/b", "a/b/c", "a0", "b", "b/", "b/é", "c/d/e", "d"];
    for step in 0..1000 {
        let node = &nodes[random(2) as usize];
        let mut pick = || names[random(names.len() as u32) as usize];
        let (key, other) = (pick(), pick());
        match random(6) {
            0 | 1 => {
                let versions = (model.get(key).await.unwrap(), node.get(key).await.unwrap());
                let versions = (versions.0.map(|row| row.version), versions.1.map(|row| row.version));
                let stale = random(4) == 0;
                let shift = u64::from(stale);
                let mut results = Vec::new();
                let storages: [(&dyn Storage, _); 2] = [(&model, versions.0), (node, versions.1)];
                for (storage, version) in storages {
                    let mut batch = Batch::new();
                    let wanted = if stale && version.is_none() { Some(9999) } else { version.map(|at| at + shift) };
                    batch.require(key, wanted).put(key, secret(&step.to_string()));
                    batch.put(other, secret("other")).delete(names[step % names.len()]);
                    results.push(storage.commit(batch).await.is_ok());
                }
                assert_eq!(results[0], results[1], "step {step}");
                assert_eq!(results[0], !stale);
            }
            2 => {
                model.put(key, secret(other)).await.unwrap();
                node.put(key, secret(other)).await.unwrap();
            }
            3 => {
                model.delete(key).await.unwrap();
                node.delete(key).await.unwrap();
            }
            _ => {
                let value = |entry: Option<logical::Entry>| entry.map(|entry| entry.value);
                assert_eq!(value(model.get(key).await.unwrap()), value(node.get(key).await.unwrap()));
                let folder = if key.is_empty() || key.ends_with('/') { key } else { "" };
                for (after, limit) in [("", 99), ("", 2), (other, 99), (other, 1)] {
                    let lists = (model.list(folder, after, limit).await, node.list(folder, after, limit).await);
                    assert_eq!(lists.0.unwrap(), lists.1.unwrap(), "{folder:?} after {after:?}");
                    let scans = (model.scan(key, after, limit).await, node.scan(key, after, limit).await);
                    assert_eq!(scans.0.unwrap(), scans.1.unwrap(), "{key:?} after {after:?}");
                }
            }
        }
        if step % 300 == 299 {
            one.rotate(NOW).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_and_readers_of_one_row_on_two_nodes_are_never_mistaken_for_a_rollback() {
    let (_, one, two) = two_nodes().await;
    let mut tasks = Vec::new();
    for (number, node) in [one.clone(), two.clone(), one, two].into_iter().enumerate() {
        tasks.push(tokio::spawn(async move {
            let view = node.view("");
            for step in 0..500 {
                if number < 2 {
                    // Each adds one where nobody came first, and now and then writes without asking.
                    let (count, version) = view.get_json_at::<u64>("count").await.unwrap().unzip();
                    let mut batch = Batch::new();
                    batch.require("count", version).put_json("count", &(count.unwrap_or(0) + 1)).unwrap();
                    if step % 10 == 0 {
                        view.put("free", secret("x")).await.unwrap();
                    }
                    assert!(matches!(view.commit(batch).await, Ok(_) | Err(Error::Conflict)));
                } else {
                    view.get("count").await.unwrap();
                    view.get("free").await.unwrap();
                    tokio::task::yield_now().await;
                }
                if step % 100 == 0 {
                    let rotated = node.rotate(NOW).await;
                    assert!(matches!(rotated, Ok(_) | Err(Error::Conflict)));
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn an_earlier_keyring_seals_the_node() {
    let (space, one, two) = two_nodes().await;
    let keyring = space.snapshot().await.unwrap().get(b"b/keyring").await.unwrap().unwrap().bytes;
    one.rotate(NOW).await.unwrap();
    let mut batch = space::Batch::new();
    batch.put(*b"b/keyring", keyring);
    let at = space.commit(batch).await.unwrap();
    one.follow(at - 1).await.unwrap();
    assert!(one.is_sealed());
    two.follow(at - 1).await.unwrap();
    assert!(!two.is_sealed(), "it had not seen the later one");
}

#[tokio::test]
async fn a_list_skips_what_lies_below_and_a_watcher_wakes() {
    let (space, one, two) = two_nodes().await;
    let view = one.view("m/");
    for folder in 0..3 {
        let mut batch = Batch::new();
        for row in 0..3000 {
            batch.put(format!("{folder}/{row}"), secret("x"));
        }
        view.commit(batch).await.unwrap();
    }
    let counted = Arc::new(AtomicUsize::new(0));
    let counting: Arc<dyn Space> = Arc::new(Counted { space, rows: Arc::clone(&counted) });
    let reader = Barrier::new(counting, *b"b/", static_seal("1", 1, None));
    reader.unseal_by_seal().await.unwrap();
    assert_eq!(reader.view("m/").list("", "", usize::MAX).await.unwrap(), ["0/", "1/", "2/"]);
    let read = counted.load(Ordering::Relaxed);
    assert!(read < 100, "{read} rows were read");
    assert_eq!(reader.view("m/").view("1/").list("", "", usize::MAX).await.unwrap().len(), 3000);
    assert_eq!(reader.view("m/").scan("1/", "1/5", 1).await.unwrap(), ["1/50"]);

    let since = view.put("k", secret("1")).await.unwrap();
    let (other, watcher) = (two.view("m/"), view.changed("k", since));
    let (found, written) = tokio::join!(watcher, other.put("k", secret("2")));
    assert_eq!(found.unwrap(), written.unwrap());
}

/// A space that counts the rows of ranges.
struct Counted {
    space: Arc<dyn Space>,
    rows: Arc<AtomicUsize>,
}

struct CountedSnapshot {
    snapshot: Box<dyn space::Snapshot>,
    rows: Arc<AtomicUsize>,
}

impl Space for Counted {
    fn snapshot(&self) -> space::Pending<'_, Box<dyn space::Snapshot>> {
        Box::pin(async {
            let snapshot = self.space.snapshot().await?;
            Ok(Box::new(CountedSnapshot { snapshot, rows: Arc::clone(&self.rows) }) as Box<dyn space::Snapshot>)
        })
    }

    fn commit(&self, batch: space::Batch) -> space::Pending<'_, u64, space::CommitError> {
        self.space.commit(batch)
    }

    fn changed<'a>(&'a self, prefix: &'a [u8], since: u64) -> space::Pending<'a, u64> {
        self.space.changed(prefix, since)
    }
}

impl space::Snapshot for CountedSnapshot {
    fn sequence(&self) -> u64 {
        self.snapshot.sequence()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> space::Pending<'a, Option<Value>> {
        self.snapshot.get(key)
    }

    fn range(&self, range: Range) -> space::Pending<'_, Vec<space::Row>> {
        Box::pin(async {
            let rows = self.snapshot.range(range).await?;
            self.rows.fetch_add(rows.len(), Ordering::Relaxed);
            Ok(rows)
        })
    }
}

/// A space whose commits fail, before or after they are durable.
struct Failing {
    space: space::Memory,
    /// 0: none fails; 1: before; 2: after.
    commits: Arc<AtomicUsize>,
}

impl Space for Failing {
    fn snapshot(&self) -> space::Pending<'_, Box<dyn space::Snapshot>> {
        self.space.snapshot()
    }

    fn commit(&self, batch: space::Batch) -> space::Pending<'_, u64, space::CommitError> {
        Box::pin(async {
            let mode = self.commits.load(Ordering::Relaxed);
            let answer = if mode == 1 { Ok(0) } else { self.space.commit(batch).await };
            if mode == 0 { answer } else { answer.and(Err(space::SpaceError::Closed.into())) }
        })
    }

    fn changed<'a>(&'a self, prefix: &'a [u8], since: u64) -> space::Pending<'a, u64> {
        self.space.changed(prefix, since)
    }
}

#[tokio::test]
async fn keys_that_the_store_has_are_handed_out_though_it_failed() {
    for mode in [1, 2] {
        let commits = Arc::new(AtomicUsize::new(0));
        let space: Arc<dyn Space> = Arc::new(Failing { space: space::Memory::new(), commits: Arc::clone(&commits) });
        let barrier = |seal| Barrier::new(Arc::clone(&space), *b"b/", seal);
        let one_of_one = Shares { shares: 1, threshold: 1 };
        let node = barrier(Seal::Shamir);
        commits.store(mode, Ordering::Relaxed);
        let first = node.initialize(one_of_one, NONE, NOW).await;
        commits.store(0, Ordering::Relaxed);
        let first = match first {
            Ok(keys) => keys,
            Err(_) => node.initialize(one_of_one, NONE, NOW).await.unwrap(),
        };
        commits.store(mode, Ordering::Relaxed);
        let (rotated, replaced) = (node.rotate(NOW).await, node.replace_root(Some((one_of_one, &key(9)))).await);
        commits.store(0, Ordering::Relaxed);
        assert_eq!((rotated.is_ok(), replaced.is_ok()), (mode == 2, mode == 2));
        // Opened again, exactly the keys unseal that were handed out last.
        let new = Zeroizing::new(key(9).to_vec());
        let (works, fails) = if mode == 2 { (&new, &first.shares[0]) } else { (&first.shares[0], &new) };
        let node = barrier(Seal::Shamir);
        assert!(node.unseal_with_seal_key(fails).await.is_err());
        node.unseal_with_seal_key(works).await.unwrap();
        assert_eq!(node.key_status().unwrap().term, if mode == 2 { 2 } else { 1 });
    }
}
