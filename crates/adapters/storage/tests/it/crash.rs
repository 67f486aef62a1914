//! A process that is killed while it commits has lost nothing that it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ledger::{Entry, Reader, Writer};
use space::{Batch, Range, Space};
use storage::Redb;
use tlog::{Hash, verify_consistency};

use crate::postgres::Unsigned;

const FOLDER: &str = "PALISADE_TEST_CRASH_FOLDER";

/// Runs only in the process that the test below starts: commits until it is killed, and says which were acknowledged.
#[tokio::test]
async fn commit_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Redb::open(&Path::new(&folder).join("store")).unwrap();
    let mut workers = Vec::new();
    for worker in 0..4_u64 {
        let space = store.space("crash");
        workers.push(tokio::spawn(async move {
            for number in 0_u64.. {
                let (mut batch, number) = (Batch::new(), number * 4 + worker);
                batch.put(number.to_be_bytes(), vec![7; 500]).put(format!("twin {number}"), "");
                space.commit(batch).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {number}").unwrap();
                out.flush().unwrap();
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn no_acknowledged_commit_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for lines in [40, 90] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::commit_until_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers = output.by_ref().map_while(Result::ok);
        let numbers = numbers.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<u64>().ok());
        acknowledged.extend(numbers.take(lines));
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = output.map_while(Result::ok);
        acknowledged.extend(rest.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<u64>().ok()));

        let store = Redb::open(&folder.path().join("store")).unwrap();
        let snapshot = store.space("crash").snapshot().await.unwrap();
        for number in &acknowledged {
            assert!(snapshot.get(&number.to_be_bytes()).await.unwrap().is_some(), "{number} is lost");
            assert!(snapshot.get(format!("twin {number}").as_bytes()).await.unwrap().is_some());
        }
        // Nor is any commit there by half.
        let rows = snapshot.range(Range::prefix("")).await.unwrap();
        let (twins, numbers): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.key.starts_with(b"twin "));
        assert_eq!(twins.len(), numbers.len());
    }
    assert!(acknowledged.len() >= 130);
}

const LOG_FOLDER: &str = "PALISADE_TEST_CRASH_LOG_FOLDER";

fn entry(number: u64) -> Entry {
    Entry::new(format!("entry {number}").into_bytes(), vec![]).unwrap()
}

/// Runs only in the process that the test below starts: appends until it is killed, and says what was published.
#[tokio::test]
async fn append_until_killed() {
    let Ok(folder) = std::env::var(LOG_FOLDER) else { return };
    let store = Redb::open(&Path::new(&folder).join("store")).unwrap();
    let space: Arc<dyn Space> = Arc::new(store.space("log"));
    let mut writer = Writer::open(space, b"v2/", "log.example", Arc::new(Unsigned)).await.unwrap();
    loop {
        let size = writer.published().size;
        let entries: Vec<Entry> = (size..size + 7).map(entry).collect();
        let published = writer.append(&entries, 1).await.unwrap().published;
        let mut out = std::io::stdout().lock();
        writeln!(out, "published {} {}", published.size, published.root).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_kill_loses_no_published_entry_and_forks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut published: Vec<(u64, Hash)> = Vec::new();
    for lines in [20, 45, 30] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::append_until_killed", "--nocapture"])
            .env(LOG_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let read = |line: String| {
            let (size, root) = line.rsplit_once("published ")?.1.split_once(' ')?;
            Some((size.parse().ok()?, Hash::from_hex(root)?))
        };
        published.extend(output.by_ref().map_while(Result::ok).filter_map(read).take(lines));
        child.kill().unwrap();
        child.wait().unwrap();
        published.extend(output.map_while(Result::ok).filter_map(read));

        let store = Redb::open(&folder.path().join("store")).unwrap();
        let space: Arc<dyn Space> = Arc::new(store.space("log"));
        let view = Reader::new(space, b"v2/").view().await.unwrap().unwrap();
        let (size, root) = (view.latest().size, view.latest().root);
        for (old_size, old_root) in &published {
            let proof = view.consistency(*old_size, size).await.unwrap();
            verify_consistency(*old_size, old_root, size, &root, &proof).unwrap();
        }
        for index in 0..size {
            assert_eq!(view.entry(index).await.unwrap().unwrap().body, entry(index).body());
        }
    }
    assert!(published.len() >= 95);
}
