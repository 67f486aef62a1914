//! `palisade authority monitor`: follows a log from outside, and tells when it lies or an identity is used.

use crate::outcome::{GATE, OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::body::{LoggedSignature, Verifier};
use bundle::{Body, TrustedRoot};
use ledger::monitor;
use regex::Regex;
use signing::{Certificate, Identity, KeyKind, PublicKey};
use sigstore::{Http, HttpOptions, ServiceError};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tlog::{Checkpoint, Hash, SignedCheckpoint, TILE_WIDTH, TilePath, TileRow, parse_entry_bundle};

/// `palisade authority monitor`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The log's address; the log answers as Rekor 2 does.
    #[arg(value_name = "URL")]
    log: String,
    /// Trusted root, that has the log's key.
    #[arg(long, value_name = "FILE")]
    trusted_root: PathBuf,
    /// Where the last checkpoint is kept: what the log must continue.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Tell of entries by this identity, a regular expression; may be given several times.
    #[arg(long, value_name = "REGEXP")]
    identity: Vec<String>,
    /// Look again and again, with a pause; otherwise once.
    #[arg(long, value_name = "SECONDS")]
    interval: Option<u64>,
    /// Reach the log without TLS also on another host.
    #[arg(long)]
    allow_http: bool,
}

/// A log that is watched.
struct Watch {
    http: Http,
    url: String,
    keys: Vec<PublicKey>,
    identities: Vec<Regex>,
}

/// A use of a watched identity.
struct Use {
    index: u64,
    subject: String,
    issuer: String,
}

/// Runs it: code 1 where the log lies or does not answer, 2 where a watched identity was used.
pub(super) fn run(args: &Args) -> Outcome {
    let bytes =
        std::fs::read(&args.trusted_root).with_context(|| format!("cannot read {}", args.trusted_root.display()))?;
    let root = TrustedRoot::parse(&bytes).with_context(|| args.trusted_root.display().to_string())?;
    let keys: Vec<PublicKey> =
        root.tlogs.iter().filter_map(|log| PublicKey::from_spki(&log.public_key.raw_bytes).ok()).collect();
    let identities = args.identity.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?;
    let http = Http::new(&HttpOptions { allow_http: args.allow_http, ..HttpOptions::default() });
    let watch = Watch { http, url: args.log.clone(), keys, identities };
    loop {
        let (size, uses) = look(&watch, &args.state)?;
        output::to_stdout(|out| {
            for found in &uses {
                writeln!(out, "ALERT entry {}: {} ({})", found.index, found.subject, found.issuer)?;
            }
            Ok(writeln!(out, "{} entries, all as they were promised", size)?)
        })?;
        match args.interval {
            Some(seconds) => std::thread::sleep(Duration::from_secs(seconds.max(1))),
            None => return Ok(if uses.is_empty() { OK } else { GATE }),
        }
    }
}

/// Fetches what is new, and holds all of it against what the log promised before.
fn look(watch: &Watch, state: &Path) -> anyhow::Result<(u64, Vec<Use>)> {
    let text = watch.get("/api/v2/checkpoint")?;
    let next = watch.checkpoint(&text).context("the log's checkpoint")?;
    let last = match std::fs::read(state) {
        Ok(bytes) => Some(watch.checkpoint(&bytes).with_context(|| format!("the checkpoint in {}", state.display()))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", state.display())),
    };
    let leaves = watch.leaves(next.size)?;
    monitor::leaves_complete(&next, leaves.iter().copied())?;
    if let Some(last) = &last {
        if last.origin != next.origin {
            return Err(advised("the checkpoint is of another log", "use one --state for each log"));
        }
        if next.size < last.size {
            return Err(monitor::Violation::Rollback { last: last.size, size: next.size }.into());
        }
        // What was promised before must be a beginning of what is there now.
        let before = usize::try_from(last.size).unwrap_or(usize::MAX);
        monitor::leaves_complete(last, leaves.iter().copied().take(before)).context("the log has forked")?;
    }
    let first = last.map_or(0, |last| last.size);
    let uses = watch.uses(first, next.size, &leaves)?;
    output::to_file(state, |out| Ok(out.write_all(&text)?))?;
    Ok((next.size, uses))
}

impl Watch {
    fn get(&self, path: &str) -> Result<Vec<u8>, ServiceError> {
        let url = self.http.url(&self.url, path)?;
        self.http.send(&|client| client.get(url.clone()))
    }

    /// A checkpoint that one of the trusted keys signed.
    fn checkpoint(&self, bytes: &[u8]) -> anyhow::Result<Checkpoint> {
        let signed = SignedCheckpoint::parse(bytes)?;
        let origin = signed.checkpoint.origin.as_str();
        let is_signed = self.keys.iter().any(|key| {
            let id = match <&[u8; 32]>::try_from(key.raw()) {
                Ok(raw) if key.kind() == KeyKind::Ed25519 => tlog::ed25519_key_id(origin, raw),
                _ => tlog::ecdsa_key_id(key.to_spki()),
            };
            signed.note.verify(origin, id, |text, signature| key.verify(text, signature)).is_ok()
        });
        match is_signed {
            true => Ok(signed.checkpoint),
            false => Err(advised("no key of the trusted root signed it", "check --trusted-root and the log's address")),
        }
    }

    /// The hashes of all entries.
    fn leaves(&self, size: u64) -> anyhow::Result<Vec<Hash>> {
        let mut leaves = Vec::new();
        let mut index = 0;
        while let Some(tile) = TilePath::in_tree(TileRow::Hashes(0), index, size) {
            let bytes = self.get(&format!("/api/v2/{tile}")).with_context(|| format!("{tile} is not served"))?;
            let hashes = bytes.chunks(32).map(Hash::try_from).collect::<Result<Vec<_>, _>>();
            let hashes = hashes.ok().filter(|hashes| hashes.len() == usize::from(tile.width));
            leaves.extend(hashes.with_context(|| format!("{tile} is not a tile of its width"))?);
            index += 1;
        }
        Ok(leaves)
    }

    /// The uses of watched identities among new entries, each of which must be the one in the tree.
    fn uses(&self, first: u64, size: u64, leaves: &[Hash]) -> anyhow::Result<Vec<Use>> {
        let width = u64::from(TILE_WIDTH);
        let mut found = Vec::new();
        let mut index = first / width;
        while let Some(tile) = TilePath::in_tree(TileRow::Entries, index, size) {
            let bytes = self.get(&format!("/api/v2/{tile}")).with_context(|| format!("{tile} is not served"))?;
            let entries = parse_entry_bundle(&bytes, tile.width)?;
            let start = index * width;
            let from = usize::try_from(start).unwrap_or(usize::MAX);
            let here = leaves.get(from..leaves.len().min(from + entries.len())).unwrap_or_default();
            monitor::entries_match(start, &entries, here)?;
            for (number, entry) in (start..).zip(&entries).filter(|(number, _)| *number >= first) {
                found.extend(self.concerns(number, entry));
            }
            index += 1;
        }
        Ok(found)
    }

    fn concerns(&self, index: u64, entry: &[u8]) -> Option<Use> {
        let certificate = Certificate::from_der(&certificate(entry)?).ok()?;
        let identity = Identity::of(&certificate);
        let is_watched = |subject: &&String| self.identities.iter().any(|pattern| pattern.is_match(subject));
        let subject = identity.subjects.iter().find(is_watched)?.clone();
        Some(Use { index, subject, issuer: identity.issuer.unwrap_or_default() })
    }
}

/// The certificate of who signed an entry; none where a bare key did.
fn certificate(entry: &[u8]) -> Option<Vec<u8>> {
    let logged = |signature: LoggedSignature| match signature.verifier {
        Verifier::Certificate(der) => Some(der),
        Verifier::PublicKey(_) => None,
    };
    let pem = |pem: &[u8]| signing::pem::certificates(pem).ok()?.into_iter().next();
    match Body::parse(entry).ok()? {
        Body::HashedRekordV2(body) => logged(body.signature),
        Body::DsseV2(body) => body.signatures.into_iter().find_map(logged),
        Body::HashedRekordV1(body) => pem(&body.public_key),
        Body::DsseV1(body) => body.signatures.iter().find_map(|signature| pem(&signature.verifier)),
        Body::IntotoV1(body) => pem(&body.public_key),
        Body::IntotoV2(body) => body.signatures.iter().find_map(|signature| pem(&signature.public_key)),
        _ => None,
    }
}
