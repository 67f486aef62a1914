//! `initialize`: the trusted root and signing configuration of a TUF repository, kept as Cosign keeps them.

use super::keys::{say, variable};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use authority::tuf::Trusted;
use bundle::{SigningConfig, TrustedRoot};
use clap::Args;
use jiff::Timestamp;
use sigstore::{Http, HttpOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The target with whom to trust.
const TRUSTED_ROOT: &str = "trusted_root.json";
/// The target with where to sign.
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
/// More versions of a root than any repository has made since the first.
const MAX_ROOTS: u64 = 1024;
const MAX_FILE: u64 = 8 << 20;

/// `initialize`
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The repository: an address, or file:///FOLDER.
    #[arg(long, value_name = "URL", env = "TUF_MIRROR")]
    mirror: Option<String>,
    /// The first root, that is trusted without proof: a file or an address.
    #[arg(long, value_name = "FILE", env = "TUF_ROOT_JSON")]
    root: Option<String>,
    /// The first root's digest, SHA-256 in hexadecimal; needed where it comes from an address.
    #[arg(long, value_name = "DIGEST")]
    root_checksum: Option<String>,
    /// Cosign's staging repository.
    #[arg(long)]
    staging: bool,
    /// Reach the repository without TLS also on other hosts.
    #[arg(long)]
    allow_http: bool,
}

/// A repository at an address or in a folder.
enum Mirror {
    Address(Http, String),
    Folder(PathBuf),
}

impl Mirror {
    /// A file; none where the repository has none.
    fn get(&self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Address(http, base) => {
                let url = http.url(base, &format!("/{path}"))?;
                match http.send(&|client| client.get(url.clone())) {
                    Ok(bytes) => Ok(Some(bytes)),
                    // Object stores answer 403 for what is not there.
                    Err(sigstore::ServiceError::Refused { status: 403 | 404, .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Folder(folder) => match std::fs::File::open(folder.join(path)) {
                Ok(file) => {
                    let mut bytes = Vec::new();
                    file.take(MAX_FILE).read_to_end(&mut bytes)?;
                    Ok(Some(bytes))
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
            },
        }
    }

    fn need(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        self.get(path)?.ok_or_else(|| advised(format!("the repository has no {path}"), "check --mirror"))
    }
}

/// Runs it.
pub(crate) fn run(command: &Command) -> Outcome {
    let address = match (&command.mirror, command.staging) {
        (Some(mirror), _) => mirror.trim_end_matches('/').to_owned(),
        (None, true) => "https://tuf-repo-cdn.sigstage.dev".to_owned(),
        (None, false) => "https://tuf-repo-cdn.sigstore.dev".to_owned(),
    };
    let http = Http::new(&HttpOptions { allow_http: command.allow_http, ..HttpOptions::default() });
    let root = command.root.as_deref().ok_or_else(|| {
        advised(
            "no first root",
            "give --root FILE: it is what is trusted without proof, so it must come to you on a safe way",
        )
    })?;
    let root = first_root(&http, root, command.root_checksum.as_deref())?;
    let mirror = match address.strip_prefix("file://") {
        Some(folder) => Mirror::Folder(PathBuf::from(folder)),
        None => Mirror::Address(http, address.clone()),
    };
    let files = fetch(&mirror, &root, Timestamp::now())?;
    let folder = cache()?;
    let inner = folder.join(folder_of(&address));
    // Nothing of an older repository stays, and nothing is removed before the new one is verified.
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot clear {}", folder.display()));
        }
        _ => {}
    }
    std::fs::create_dir_all(inner.join("targets")).with_context(|| format!("cannot make {}", inner.display()))?;
    for (name, bytes) in &files {
        output::to_file(&inner.join(name), |out| Ok(out.write_all(bytes)?))?;
    }
    let remote = serde_json::json!({ "mirror": address }).to_string();
    output::to_file(&folder.join("remote.json"), |out| Ok(out.write_all(remote.as_bytes())?))?;
    say(&format!("Trusted root of {address} kept in {}", folder.display()));
    Ok(OK)
}

fn first_root(http: &Http, place: &str, checksum: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let is_address = place.starts_with("https://") || place.starts_with("http://");
    let bytes = if is_address {
        let url = http.url(place, "")?;
        http.send(&|client| client.get(url.clone()))?
    } else {
        std::fs::read(place).with_context(|| format!("cannot read {place}"))?
    };
    match checksum {
        Some(wanted) => {
            let found = super::blob::sha256(&bytes);
            let wanted = wanted.strip_prefix("sha256:").unwrap_or(wanted);
            if found.strip_prefix("sha256:") != Some(&wanted.to_ascii_lowercase()) {
                return Err(advised(format!("the root's digest is {found}"), "--root-checksum says another"));
            }
        }
        None if is_address => {
            return Err(advised("a first root from an address, unchecked", "give its SHA-256 with --root-checksum"));
        }
        None => {}
    }
    Ok(bytes)
}

/// Updates from the first root on (TUF 1.0, section 5), and gives the files to keep.
fn fetch(mirror: &Mirror, root: &[u8], now: Timestamp) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut trusted = Trusted::new(root).context("the first root")?;
    let mut newest = root.to_vec();
    for _ in 0..MAX_ROOTS {
        let Some(next) = mirror.get(&format!("{}.root.json", trusted.root_version() + 1))? else { break };
        trusted.update_root(&next)?;
        newest = next;
    }
    let timestamp = mirror.need("timestamp.json")?;
    trusted.update_timestamp(&timestamp, now)?;
    let snapshot = mirror.need(&trusted.snapshot_path().context("no snapshot is promised")?)?;
    trusted.update_snapshot(&snapshot, now)?;
    let targets = mirror.need(&trusted.targets_path().context("no targets are promised")?)?;
    trusted.update_targets(&targets, now)?;
    let mut files = vec![
        ("root.json".to_owned(), newest),
        ("timestamp.json".to_owned(), timestamp),
        ("snapshot.json".to_owned(), snapshot),
        ("targets.json".to_owned(), targets),
    ];
    for (name, is_needed) in [(TRUSTED_ROOT, true), (SIGNING_CONFIG, false)] {
        let target = match trusted.target(name) {
            Ok(target) => target,
            Err(_) if !is_needed => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = mirror.need(&target.path)?;
        target.check(&bytes)?;
        files.push((format!("targets/{name}"), bytes));
    }
    Ok(files)
}

/// Where Cosign keeps it: `TUF_ROOT`, or `~/.sigstore/root`.
fn cache() -> anyhow::Result<PathBuf> {
    let named = variable("TUF_ROOT").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".sigstore/root"));
    named.or_else(home).ok_or_else(|| advised("no home folder", "set HOME or TUF_ROOT"))
}

/// The folder of a repository within the cache, as sigstore-go names it.
fn folder_of(address: &str) -> String {
    let bare = address.strip_prefix("https://").or(address.strip_prefix("http://")).unwrap_or(address);
    bare.chars().map(|letter| if matches!(letter, '/' | ':') { '-' } else { letter }).collect::<String>().to_lowercase()
}

/// A kept target; none where nothing is initialised, or the repository has none.
fn kept(name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    #[derive(serde::Deserialize)]
    struct Remote {
        mirror: String,
    }
    let Ok(folder) = cache() else { return Ok(None) };
    let read = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let Some(remote) = read(&folder.join("remote.json"))? else { return Ok(None) };
    let remote: Remote = serde_json::from_slice(&remote).context("remote.json of the initialised root")?;
    read(&folder.join(folder_of(remote.mirror.trim_end_matches('/'))).join("targets").join(name))
}

/// The initialised trusted root, if there is one.
pub(crate) fn trusted_root() -> anyhow::Result<Option<TrustedRoot>> {
    kept(TRUSTED_ROOT)?.map(|bytes| TrustedRoot::parse(&bytes).context("the initialised trusted root")).transpose()
}

/// The initialised trusted root.
pub(crate) fn default_root() -> anyhow::Result<TrustedRoot> {
    trusted_root()?.ok_or_else(|| advised("no root is initialised", "run `initialize` first"))
}

/// The initialised signing configuration, if there is one.
pub(crate) fn signing_config() -> anyhow::Result<Option<SigningConfig>> {
    kept(SIGNING_CONFIG)?.map(|bytes| SigningConfig::parse(&bytes).context("the initialised configuration")).transpose()
}
