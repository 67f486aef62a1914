//! The same on a PostgreSQL of our own.

use std::sync::Arc;
use std::time::Duration;

use ledger::{CheckpointSigner, Entry, SignError, Writer};
use space::{Batch, CommitError, Memory, Range, Space};
use storage::{Connection, Postgres};
use tlog::KeyId;

use crate::cluster::Cluster;
use crate::model::{Random, step};

async fn connect(server: &Cluster) -> Postgres {
    Postgres::connect(&Connection::parse(&server.local(), &|_| None).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_behaves_as_the_model_and_joins_several_nodes() {
    let Some(server) = Cluster::start(|_| Vec::new()) else { return };
    behaves_as_the_model(&server).await;
    one_of_racing_nodes_wins_and_the_others_are_told(&server).await;
    nodes_write_one_log(&server).await;
    a_node_that_joins_holds_nobody_up(&server).await;
}

/// Also while somebody reads for long.
async fn a_node_that_joins_holds_nobody_up(server: &Cluster) {
    let space = connect(server).await.space("join");
    let snapshot = space.snapshot().await.unwrap();
    snapshot.get(b"key").await.unwrap();
    let joined = tokio::time::timeout(Duration::from_secs(10), connect(server)).await;
    let mut batch = Batch::new();
    batch.put("key", "value");
    tokio::time::timeout(Duration::from_secs(10), space.commit(batch)).await.unwrap().unwrap();
    assert!(joined.is_ok() && snapshot.get(b"key").await.unwrap().is_none());
}

async fn behaves_as_the_model(server: &Cluster) {
    let mut random = Random::new(11);
    let models = [Memory::new(), Memory::new()];
    for _ in 0..3 {
        let store = connect(server).await;
        let spaces = [store.space("one"), store.space("two")];
        for _ in 0..40 {
            let which = random.below(2) as usize;
            step(&mut random, &spaces[which], &models[which]).await;
        }
    }
}

async fn one_of_racing_nodes_wins_and_the_others_are_told(server: &Cluster) {
    let (one, other) = (connect(server).await, connect(server).await);
    let spaces = [one.space("race"), other.space("race")];
    let racers: Vec<_> = (0..20_u8)
        .map(|racer| {
            let space = spaces[usize::from(racer % 2)].clone();
            tokio::spawn(async move {
                let mut batch = Batch::new();
                batch.require("key", None).put("key", [racer]);
                match space.commit(batch).await {
                    Ok(_) => 1,
                    Err(CommitError::Condition { .. }) => 0,
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += racer.await.unwrap();
    }
    assert_eq!(winners, 1);
    let seen = spaces[1].snapshot().await.unwrap().sequence();
    let watched = spaces[1].clone();
    let watcher = tokio::spawn(async move {
        let mut since = seen;
        loop {
            since = watched.changed(b"ke", since).await.unwrap();
            if watched.snapshot().await.unwrap().get(b"key").await.unwrap().is_none() {
                return since;
            }
        }
    });
    let mut batch = Batch::new();
    batch.delete("key");
    let sequence = spaces[0].commit(batch).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(10), watcher).await.unwrap().unwrap() >= sequence);
}

pub(crate) struct Unsigned;

impl CheckpointSigner for Unsigned {
    fn name(&self) -> &str {
        "log.example"
    }

    fn key_id(&self) -> KeyId {
        [1; 4]
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![1])
    }
}

async fn nodes_write_one_log(server: &Cluster) {
    let mut nodes = Vec::new();
    for node in 0..2_u64 {
        let store = connect(server).await;
        nodes.push(tokio::spawn(async move {
            let space: Arc<dyn Space> = Arc::new(store.space("log"));
            let mut writer = Writer::open(space, b"v2/", "log.example", Arc::new(Unsigned)).await.unwrap();
            for round in 0..15_u64 {
                let entry = |part: u64| Entry::new(format!("{node} {round} {part}").into_bytes(), vec![]).unwrap();
                let shared = Entry::new(format!("shared {round}").into_bytes(), vec![]).unwrap();
                writer.append(&[entry(0), shared, entry(1)], 1).await.unwrap();
            }
        }));
    }
    for node in nodes {
        node.await.unwrap();
    }
    let store = connect(server).await;
    let space: Arc<dyn Space> = Arc::new(store.space("log"));
    // Opening checks that the tiles lead to the root.
    let writer = Writer::open(Arc::clone(&space), b"v2/", "log.example", Arc::new(Unsigned)).await.unwrap();
    assert_eq!(writer.published().size, 2 * 15 * 2 + 15);
    let rows = space.snapshot().await.unwrap().range(Range::prefix("v2/e")).await.unwrap();
    assert!(!rows.is_empty());
}
