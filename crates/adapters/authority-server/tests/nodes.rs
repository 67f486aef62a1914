//! Several equal nodes of one authority on a real PostgreSQL: used together, one killed under load, keys rotated.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "../../storage/tests/it/cluster.rs"]
mod cluster;

use authority::{KeyKind, Role};
use authority_server::{Folder, Plan, ServeError, ServeOptions, Server, SharedError, StartError, check};
use bundle::{Bundle, TrustedRoot};
use cluster::Cluster;
use jiff::Timestamp;
use ledger::Reader;
use serde_json::Value;
use signing::{Artifact, IdentityPolicy, Policy, PrivateKey, TextMatch, Trust, verify};
use sigstore::sign::{Services, Signatory, Subject, sign};
use sigstore::{Http, HttpOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use storage::{Connection, Store};
use zeroize::Zeroizing;

const URL: &str = "https://sigstore.example";
const WHO: &str = "ann@host.example";
const FOLDER: &str = "PALISADE_TEST_NODE_FOLDER";
const SIGNERS: usize = 3;

/// Runs only in the processes that the tests below start: a node, until it is killed.
#[test]
fn serve_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut options = ServeOptions { dev_issuer: true, ..ServeOptions::new("127.0.0.1:0".parse().unwrap()) };
        options.limits.client_rate = None;
        let server = Server::bind(folder.as_ref(), options).await.unwrap();
        println!("\nserving {}", server.address());
        std::io::stdout().flush().unwrap();
        server.serve(std::future::pending()).await;
    });
}

/// The node, the version of the log, what was signed, and the answer.
type Acknowledged = (usize, u32, Vec<u8>, Bundle);

struct Node {
    child: Child,
    url: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        // SIGKILL.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Node {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "serve_until_killed", "--nocapture"]).env(FOLDER, folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("serving ").map(str::to_owned));
        Self { child, url: format!("http://{}", address.expect("the node does not start")) }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::blocking::get(format!("{}{path}", self.url)).unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }
}

/// Signs by one node alone: its issuer, its certificates, its log, its timestamps.
fn signed(url: &str, version: u32, artifact: &[u8]) -> Option<Bundle> {
    let token = reqwest::blocking::get(format!("{url}/oidc/token?email={WHO}")).ok()?.text().ok()?;
    let token: Value = serde_json::from_str(&token).ok()?;
    let services = Services {
        logs: vec![(url.to_owned(), version)],
        tsas: vec![format!("{url}/api/v1/timestamp")],
        cas: vec![url.to_owned()],
        issuers: Vec::new(),
    };
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let token = Zeroizing::new(token["id_token"].as_str()?.to_owned());
    let signatory = Signatory::Identity { signer: &key, id_token: &token };
    sign(&Http::new(&HttpOptions::default()), &services, &signatory, Subject::Message(artifact)).ok()
}

fn verified(bundle: &Bundle, artifact: &[u8], root: &TrustedRoot) {
    let who = IdentityPolicy::new(TextMatch::exact(WHO), TextMatch::exact(format!("{URL}/oidc")));
    let trust = Trust::new(std::slice::from_ref(root)).unwrap();
    verify(bundle, &Artifact::Bytes(artifact), &trust, &Policy::identities([who]), Timestamp::now()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

/// An authority on the cluster, and its folder for a second node.
fn made(cluster: &Cluster, parent: &Path) -> (PathBuf, PathBuf) {
    let (one, other) = (parent.join("one"), parent.join("other"));
    let plan = Plan { url: Some(URL.to_owned()), storage: Some(cluster.local()), ..Plan::new("example.org") };
    Folder::init(&one, &plan, Timestamp::now()).unwrap();
    copy(&one, &other);
    (one, other)
}

#[test]
fn a_node_killed_under_load_loses_nothing_and_forks_nothing() {
    let Some(cluster) = Cluster::start(|_| Vec::new()) else { return };
    let parent = tempfile::tempdir().unwrap();
    let (one, other) = made(&cluster, parent.path());
    let nodes = [Node::start(&one), Node::start(&other)];
    let urls = nodes.each_ref().map(|node| node.url.clone());
    let root = TrustedRoot::parse(nodes[0].get("/trusted_root.json").1.as_bytes()).unwrap();
    assert_eq!(nodes[0].get("/tuf/timestamp.json"), nodes[1].get("/tuf/timestamp.json"), "one repository");

    let (stop, of_each) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let acknowledged: Mutex<Vec<Acknowledged>> = Mutex::new(Vec::new());
    let work = |node: usize, signer: usize| {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let version = if number % 3 == 0 { 1 } else { 2 };
            let artifact = format!("{node} {signer} {number}").into_bytes();
            match signed(&urls[node], version, &artifact) {
                Some(bundle) => {
                    acknowledged.lock().unwrap().push((node, version, artifact, bundle));
                    of_each[node].fetch_add(1, Ordering::Relaxed);
                }
                // Only the killed node refuses anything.
                None if node == 0 => return,
                None => panic!("the other node refused {number}"),
            }
        }
    };
    let [killed, survivor] = nodes;
    std::thread::scope(|scope| {
        for node in 0..2 {
            for signer in 0..SIGNERS {
                scope.spawn(move || work(node, signer));
            }
        }
        let begun = Instant::now();
        let wait_for = |enough: &dyn Fn() -> bool| {
            while !enough() {
                assert!(begun.elapsed() < Duration::from_secs(120), "{of_each:?} signed");
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        let count = |node: usize| of_each[node].load(Ordering::Relaxed);
        wait_for(&|| count(0) >= 20 && count(1) >= 20);
        drop(killed);
        let then = count(1);
        wait_for(&|| count(1) >= then + 15);
        stop.store(true, Ordering::Relaxed);
    });
    // Back again, it goes on with the same log.
    let back = Node::start(&one);
    let bundle = signed(&back.url, 2, b"back").unwrap();
    let mut acknowledged = acknowledged.into_inner().unwrap();
    acknowledged.push((0, 2, b"back".to_vec(), bundle));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let checked = runtime.block_on(check(&one, None, Timestamp::now())).unwrap();
    let of = |version: u32| acknowledged.iter().filter(|one| one.1 == version).count() as u64;
    assert!(checked.entries["v1"] >= of(1) && checked.entries["v2"] >= of(2), "{checked:?}");
    assert!(checked.entries["ct"] >= of(1) + of(2) && of(1) > 0, "{checked:?}");
    runtime.block_on(async {
        let store = Store::open(&Folder::open(&one).unwrap().store().unwrap()).await.unwrap();
        let mut places = std::collections::BTreeSet::new();
        for (node, version, artifact, bundle) in &acknowledged {
            verified(bundle, artifact, &root);
            // What was acknowledged is where it was said to be, and every promised tree is a beginning of the last.
            let prefix: &[u8] = if *version == 1 { b"v1/" } else { b"v2/" };
            let view = Reader::new(store.space("log"), prefix).view().await.unwrap().unwrap();
            let entry = bundle.material.tlog_entries.first().unwrap();
            let proof = entry.inclusion_proof.as_ref().unwrap();
            let index = u64::try_from(proof.log_index).unwrap();
            assert!(places.insert((*version, index)), "one place, two entries");
            let stored = view.entry(index).await.unwrap().unwrap();
            assert_eq!(stored.body, entry.canonicalized_body, "{version} {index} of node {node}");
            let promised = view.root(u64::try_from(proof.tree_size).unwrap()).await.unwrap();
            assert_eq!(promised.as_ref(), proof.root_hash, "{version} forked at {}", proof.tree_size);
        }
    });
    drop((back, survivor));
}

#[test]
fn nodes_follow_a_rotation_and_other_authorities_are_refused() {
    let Some(cluster) = Cluster::start(|_| Vec::new()) else { return };
    let parent = tempfile::tempdir().unwrap();
    let (one, other) = made(&cluster, parent.path());
    let nodes = [Node::start(&one), Node::start(&other)];
    let made = Folder::open(&one).unwrap().rotate("ca", &[], Timestamp::now()).unwrap();
    assert_eq!(made, ["ca-2"]);
    let until = |node: &Node, what: &dyn Fn(&str) -> bool| {
        let begun = Instant::now();
        while !what(&node.get("/trusted_root.json").1) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the new key is not taken");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let authorities = |text: &str| TrustedRoot::parse(text.as_bytes()).unwrap().certificate_authorities.len();
    until(&nodes[0], &|text| authorities(text) == 2);
    // The other has the key as soon as its folder has it; it publishes nothing older meanwhile.
    let published = nodes[0].get("/tuf/timestamp.json");
    assert_eq!(authorities(&nodes[1].get("/trusted_root.json").1), 1);
    let fresh = |text: &str| bind(&parent.path().join(text), None);
    assert!(matches!(fresh("other"), Err(SharedError::Behind { id }) if id == "ca-2"));
    copy(&one.join("keys"), &other.join("keys"));
    std::fs::copy(one.join("authority.json"), other.join("authority.json")).unwrap();
    until(&nodes[1], &|text| authorities(text) == 2);
    assert_eq!(nodes[1].get("/tuf/timestamp.json"), published);
    let root = TrustedRoot::parse(nodes[1].get("/trusted_root.json").1.as_bytes()).unwrap();
    for node in &nodes {
        verified(&signed(&node.url, 2, b"rotated").unwrap(), b"rotated", &root);
    }

    // Neither another authority nor another address, nor one without an address that nodes could share.
    let with = |name: &str, url: Option<&str>| {
        let plan = Plan { url: url.map(str::to_owned), ..Plan::new("example.org") };
        Folder::init(&parent.path().join(name), &plan, Timestamp::now()).unwrap();
        bind(&parent.path().join(name), Some(&cluster.remote()))
    };
    assert!(matches!(with("stranger", Some(URL)), Err(SharedError::Another { what }) if what == "ca-root-1"));
    assert!(
        matches!(with("moved", Some("https://b.example")), Err(SharedError::Another { what }) if what == "address")
    );
    assert!(matches!(with("local", None), Err(SharedError::Url)));
    assert_eq!(Folder::open(&other).unwrap().state().of(Role::Ca).count(), 2);
}

/// What keeps a node from starting.
fn bind(folder: &Path, storage: Option<&str>) -> Result<(), SharedError> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut options = ServeOptions::new("127.0.0.1:0".parse().unwrap());
    options.storage = storage.map(|text| Connection::parse(text, &|_| None).unwrap());
    match runtime.block_on(Server::bind(folder, options)) {
        Ok(_) => Ok(()),
        Err(ServeError::Start(StartError::Shared(error))) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}
