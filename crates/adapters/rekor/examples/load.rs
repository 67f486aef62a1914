//! The parts of `cargo xtask bench log`: a server on a folder, and loads for it over loopback.
//!
//! `load serve FOLDER` prints its port and runs until its input ends. `load fill FOLDER ENTRIES` puts entries straight
//! into the log. `load post PORT SECONDS CONNECTIONS` posts entries that are signed beforehand, each a new one.
//! `load search PORT ENTRIES SEARCHES` asks for entries of a filled log by hash. `load certify PORT SECONDS CONNECTIONS`
//! asks an authority with its issuer for tests for certificates, each of a new key. Figures are printed as JSON.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::{CheckpointSigner, Entry, Merged, Merger, SignError, Term, TermKind, Writer};
use serde_json::json;
use signing::{KeyKind, PrivateKey, Signer};
use space::Space;
use storage::Redb;
use tlog::{Hash, KeyId, SignedCheckpoint, leaf_hash, sha256, verify_inclusion};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HOST: &str = "log.example";
const FILL_BATCH: u64 = 2048;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", folder] => serve(Path::new(folder)).await,
        ["fill", folder, entries] => fill(Path::new(folder), entries.parse()?).await,
        ["post", port, seconds, connections] => post(port.parse()?, seconds.parse()?, connections.parse()?).await,
        ["search", port, entries, searches] => search(port.parse()?, entries.parse()?, searches.parse()?).await,
        ["certify", port, seconds, connections] => certify(port.parse()?, seconds.parse()?, connections.parse()?).await,
        _ => {
            Err("serve FOLDER | fill FOLDER ENTRIES | post PORT SECONDS CONNECTIONS | search PORT ENTRIES SEARCHES | \
                  certify PORT SECONDS CONNECTIONS"
                .into())
        }
    }
}

fn space(folder: &Path) -> Result<(Redb, Arc<dyn Space>), Failure> {
    let store = Redb::open(&folder.join("store"))?;
    let space = Arc::new(store.space("log"));
    Ok((store, space))
}

async fn serve(folder: &Path) -> Result<(), Failure> {
    let (_store, space) = space(folder)?;
    let key = Arc::new(PrivateKey::generate(KeyKind::Ed25519)?);
    let log = rekor::Log::open_v2(space, HOST, key).await?;
    let router = rekor::router(&rekor::Logs { v1: None, v2: Some(log.clone()) });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let ended = async {
        let mut rest = Vec::new();
        // Whatever ends the input ends the server.
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    };
    axum::serve(listener, router).with_graceful_shutdown(ended).await?;
    log.close().await;
    Ok(())
}

struct Unsigned;

impl CheckpointSigner for Unsigned {
    fn name(&self) -> &str {
        HOST
    }

    fn key_id(&self) -> KeyId {
        [0; 4]
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![0; 64])
    }
}

/// An entry as large as the real one, with the same terms.
fn filler(number: u64) -> Result<Entry, Failure> {
    let digest = artifact(number);
    let padding = STANDARD.encode([7; 390]);
    let body = format!(
        r#"{{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{{"hashedRekordV002":{{"data":"{digest}","p":"{padding}"}}}}}}"#
    );
    let signer = Term::new(TermKind::Key, &format!("{}", number % 1000));
    Ok(Entry::new(body.into_bytes(), vec![Term::new(TermKind::Artifact, &format!("sha256:{digest}")), signer])?)
}

fn artifact(number: u64) -> Hash {
    sha256(&[b"filler", &number.to_be_bytes()])
}

async fn fill(folder: &Path, entries: u64) -> Result<(), Failure> {
    let (_store, space) = space(folder)?;
    let started = Instant::now();
    let mut writer = Writer::open(Arc::clone(&space), b"v2/", HOST, Arc::new(Unsigned)).await?;
    let merger = Merger::new(space, b"v2/");
    for first in (0..entries).step_by(usize::try_from(FILL_BATCH)?) {
        let batch = (first..entries.min(first + FILL_BATCH)).map(filler).collect::<Result<Vec<_>, _>>()?;
        writer.append(&batch, 1).await?;
        while merger.step().await? == Merged::Some {}
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", json!({"entries": entries, "seconds": seconds}));
    Ok(())
}

/// A connection that stays open.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream) })
    }

    /// The status and body of an answer.
    async fn send(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        self.stream.write_all(request).await?;
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).await?;
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).unwrap_or_default().parse()?;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.is_empty() {
                return Err("the server closed the connection".into());
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, body))
    }
}

/// A whole request.
fn request(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Requests that are signed beforehand; each run's are others.
fn signed(count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let key = PrivateKey::generate(KeyKind::P256)?;
    let run = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos().to_be_bytes();
    let public = STANDARD.encode(key.public_key().to_spki());
    let sign = |number: usize| {
        let message = [&run[..], &number.to_be_bytes()].concat();
        let body = json!({"hashedRekordRequestV002": {
            "digest": STANDARD.encode(sha256(&[&message])),
            "signature": {
                "content": STANDARD.encode(key.sign(&message)?),
                "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": public}},
            },
        }});
        Ok(request("/api/v2/log/entries", &body.to_string()))
    };
    (0..count).map(sign).collect()
}

/// More than any machine answers.
const ENTRIES_PER_SECOND: usize = 20_000;

async fn post(port: u16, seconds: u64, connections: usize) -> Result<(), Failure> {
    let requests = signed(ENTRIES_PER_SECOND * usize::try_from(seconds)?)?;
    send_all(port, seconds, connections, requests, 201, check).await
}

/// More than any machine answers.
const CERTIFICATES_PER_SECOND: usize = 8_000;

async fn certify(port: u16, seconds: u64, connections: usize) -> Result<(), Failure> {
    const EMAIL: &str = "dev@example.test";
    let asked = format!("GET /oidc/token?email={EMAIL} HTTP/1.1\r\nHost: l\r\n\r\n");
    let (_, answer) = Connection::open(port).await?.send(asked.as_bytes()).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let token = answer.get("id_token").and_then(serde_json::Value::as_str).ok_or("no token")?;
    let prepare = |_| {
        let key = PrivateKey::generate(KeyKind::P256)?;
        let body = json!({
            "credentials": {"oidcIdentityToken": token},
            "publicKeyRequest": {
                "publicKey": {"algorithm": "ECDSA", "content": key.public_key().to_pem()},
                "proofOfPossession": STANDARD.encode(key.sign(EMAIL.as_bytes())?),
            },
        });
        Ok(request("/api/v2/signingCert", &body.to_string()))
    };
    let count = CERTIFICATES_PER_SECOND * usize::try_from(seconds)?;
    let requests = (0..count).map(prepare).collect::<Result<Vec<_>, Failure>>()?;
    send_all(port, seconds, connections, requests, 200, has_chain).await
}

/// The answer is a certificate with its chain.
fn has_chain(answer: &[u8]) -> Result<(), Failure> {
    let text = std::str::from_utf8(answer)?;
    let certificates = text.matches("BEGIN CERTIFICATE").count();
    if text.contains("signedCertificateEmbeddedSct") && certificates >= 2 { Ok(()) } else { Err(text.into()) }
}

/// Sends each request once over connections that stay open, looks at the last answer of each, and prints figures.
async fn send_all(
    port: u16,
    seconds: u64,
    connections: usize,
    requests: Vec<Vec<u8>>,
    wanted: u16,
    check: fn(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let mut connection = Connection::open(port).await?;
            let (mut latencies, mut last) = (Vec::new(), Vec::new());
            while Instant::now() < end {
                let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let sent = Instant::now();
                let (status, body) = connection.send(request).await?;
                if status != wanted {
                    return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
                }
                latencies.push(sent.elapsed());
                last = body;
            }
            check(&last)?;
            Ok::<_, Failure>(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    print_figures(latencies, started.elapsed());
    Ok(())
}

/// The proof of an answer holds.
fn check(answer: &[u8]) -> Result<(), Failure> {
    let entry = bundle::TlogEntry::parse(answer)?;
    let proof = entry.inclusion_proof.ok_or("no proof")?;
    let hashes = proof.hashes.iter().map(|hash| Hash::try_from(hash.as_slice())).collect::<Result<Vec<_>, _>>()?;
    let checkpoint = SignedCheckpoint::parse(proof.checkpoint.as_bytes())?.checkpoint;
    let leaf = leaf_hash(&entry.canonicalized_body);
    verify_inclusion(&leaf, u64::try_from(proof.log_index)?, checkpoint.size, &hashes, &checkpoint.root)?;
    Ok(())
}

async fn search(port: u16, entries: u64, searches: u64) -> Result<(), Failure> {
    let mut connection = Connection::open(port).await?;
    let mut latencies = Vec::new();
    let started = Instant::now();
    for number in 0..searches {
        // Spread over the log without order.
        let digest = artifact((number * 7_919_777) % entries);
        let request = format!("GET /api/v2/search?hash=sha256:{digest} HTTP/1.1\r\nHost: l\r\n\r\n");
        let sent = Instant::now();
        let (status, body) = connection.send(request.as_bytes()).await?;
        latencies.push(sent.elapsed());
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        let rows = answer.get("entries").and_then(serde_json::Value::as_array).ok_or("no rows")?;
        let [row] = rows.as_slice() else { return Err(format!("{status}: {} rows", rows.len()).into()) };
        check(row.to_string().as_bytes())?;
    }
    print_figures(latencies, started.elapsed());
    Ok(())
}

fn print_figures(mut latencies: Vec<Duration>, elapsed: Duration) {
    latencies.sort_unstable();
    let at = |part: usize| {
        let place = (latencies.len() * part / 1000).min(latencies.len().saturating_sub(1));
        latencies.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    };
    let answers = latencies.len();
    let per_second = u32::try_from(answers).map_or(0.0, |answers| f64::from(answers) / elapsed.as_secs_f64());
    let figures = json!({
        "answers": answers, "per_second": per_second,
        "median_ms": at(500), "p99_ms": at(990), "max_ms": at(1000),
    });
    println!("{figures}");
}
