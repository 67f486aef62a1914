//! A process that is killed while it commits has lost nothing that it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use space::{Batch, Range, Space};
use storage::Redb;

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
