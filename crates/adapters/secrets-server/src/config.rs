//! Configuration files of the peers (`vault server -config`, OpenBao 2.7 `internal/command/server/config.go`), HCL or JSON.

use hcl1::Body;
use logical::parse_duration;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A configuration file is read up to this size.
const MAX_BYTES: u64 = 4 << 20;
/// 32 days.
const LIFETIME: Duration = Duration::from_secs(768 * 3600);
const MAX_REQUEST_BYTES: usize = 32 << 20;
const REQUEST_TIME: Duration = Duration::from_secs(90);
const ADDRESS: &str = "127.0.0.1:8200";

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no HCL or JSON, or a field has another type.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: hcl1::Error,
    },
    /// A value that can't be meant.
    #[error("{0}")]
    Value(String),
}

/// How a server is set up.
#[derive(Clone, Default)]
pub struct Config {
    /// Where it listens.
    pub listeners: Vec<ListenerConfig>,
    /// Where rows are kept.
    pub storage: StorageConfig,
    /// How the root key is kept.
    pub seal: SealConfig,
    /// The address under which clients reach it.
    pub api_address: Option<String>,
    /// The cluster's name; made when it is first needed otherwise.
    pub cluster_name: Option<String>,
    /// Lifetime of leases and tokens; zero is 32 days.
    pub default_lease_ttl: Duration,
    /// The greatest one; zero is 32 days.
    pub max_lease_ttl: Duration,
    /// Whether memory may be swapped out.
    pub disable_mlock: bool,
}

/// One address.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Where.
    pub address: SocketAddr,
    /// Certificate and key, PEM; none with `tls_disable`.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether clients are not asked for a certificate.
    pub no_client_certificates: bool,
    /// The longest body.
    pub max_request_size: usize,
    /// How long a request may take.
    pub max_request_duration: Duration,
    /// Whether `sys/metrics` needs no token.
    pub unauthenticated_metrics: bool,
}

impl ListenerConfig {
    /// Plain HTTP, as it is asked for with `tls_disable`.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            no_client_certificates: false,
            max_request_size: MAX_REQUEST_BYTES,
            max_request_duration: REQUEST_TIME,
            unauthenticated_metrics: false,
        }
    }
}

/// Where rows are kept.
#[derive(Clone, Default)]
pub enum StorageConfig {
    /// In memory: gone when the process ends.
    #[default]
    Memory,
    /// In one file of this folder.
    Folder(PathBuf),
    /// In PostgreSQL, by a connection string.
    Postgres(zeroize::Zeroizing<String>),
}

impl StorageConfig {
    /// As `seal-status` tells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Memory => "inmem",
            Self::Folder(_) => "file",
            Self::Postgres(_) => "postgresql",
        }
    }
}

/// How the root key is kept: a block `seal`, or shares of people.
#[derive(Clone, Default)]
pub enum SealConfig {
    /// Shares.
    #[default]
    Shamir,
    /// A block: its type and settings. Values may be secret.
    Block(String, BTreeMap<String, String>),
}

impl Config {
    /// Reads files, and folders of `*.hcl` and `*.json`; later ones win.
    ///
    /// # Errors
    /// Where one can't be read or used.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for path in paths {
            for file in files(path)? {
                config.merge(&file)?;
            }
        }
        config.finish()
    }

    fn merge(&mut self, path: &Path) -> Result<(), ConfigError> {
        let failed = |source| ConfigError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
            return Err(ConfigError::Value(format!("{} has more than {MAX_BYTES} bytes", path.display())));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let wrong = |source| ConfigError::Syntax { path: path.to_owned(), source };
        let document = hcl1::parse(&text).map_err(wrong)?;
        let body = document.body();
        for name in ["storage", "backend"] {
            for block in body.blocks(name).map_err(wrong)? {
                let kind = block.labels.first().copied().unwrap_or_default();
                self.storage = storage(kind, &block.body).map_err(wrong)?.map_err(ConfigError::Value)?;
            }
        }
        for block in body.blocks("listener").map_err(wrong)? {
            match block.labels.first().copied().unwrap_or("tcp") {
                "tcp" => self.listeners.push(tcp(&block.body).map_err(wrong)?.map_err(ConfigError::Value)?),
                other => return Err(ConfigError::Value(format!("listeners of type {other:?} are not there; use tcp"))),
            }
        }
        for block in body.blocks("seal").map_err(wrong)? {
            let kind = block.labels.first().copied().unwrap_or_default().to_owned();
            let mut settings = BTreeMap::new();
            let names: Vec<&str> = block.body.keys().map(|(name, _)| name).collect();
            for name in names {
                settings.insert(name.to_owned(), block.body.text(name).map_err(wrong)?.unwrap_or_default());
            }
            if settings.get("disabled").is_none_or(|disabled| disabled != "true") {
                self.seal = if kind == "shamir" { SealConfig::Shamir } else { SealConfig::Block(kind, settings) };
            }
        }
        if let Some(address) = body.text("api_addr").map_err(wrong)? {
            self.api_address = Some(address);
        }
        if let Some(name) = body.text("cluster_name").map_err(wrong)? {
            self.cluster_name = Some(name);
        }
        for (name, field) in
            [("default_lease_ttl", &mut self.default_lease_ttl), ("max_lease_ttl", &mut self.max_lease_ttl)]
        {
            if let Some(text) = body.text(name).map_err(wrong)? {
                *field = duration(name, &text).map_err(ConfigError::Value)?;
            }
        }
        if let Some(disable) = body.boolean("disable_mlock").map_err(wrong)? {
            self.disable_mlock = disable;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Self, ConfigError> {
        for field in [&mut self.default_lease_ttl, &mut self.max_lease_ttl] {
            if field.is_zero() {
                *field = LIFETIME;
            }
        }
        if self.default_lease_ttl > self.max_lease_ttl {
            return Err(ConfigError::Value("default_lease_ttl is greater than max_lease_ttl".to_owned()));
        }
        Ok(self)
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "hcl" || extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn duration(name: &str, text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("{name}: {error}"))
}

/// Syntax errors outside, values inside.
type Read<T> = Result<Result<T, String>, hcl1::Error>;

fn storage(kind: &str, body: &Body<'_>) -> Read<StorageConfig> {
    Ok(match kind {
        "inmem" => Ok(StorageConfig::Memory),
        "file" | "raft" | "redb" => match body.text("path")? {
            Some(path) if !path.is_empty() => Ok(StorageConfig::Folder(PathBuf::from(path))),
            _ => Err(format!("storage {kind:?} needs a path")),
        },
        "postgresql" => {
            let url = body.text("connection_url")?.or_else(|| std::env::var("BAO_PG_CONNECTION_URL").ok());
            let url = url.or_else(|| std::env::var("VAULT_PG_CONNECTION_URL").ok());
            url.map(|url| StorageConfig::Postgres(url.into()))
                .ok_or_else(|| "storage \"postgresql\" needs a connection_url".to_owned())
        }
        other => Err(format!("storage of type {other:?} is not there; use file, raft, postgresql or inmem")),
    })
}

fn tcp(body: &Body<'_>) -> Read<ListenerConfig> {
    let address = body.text("address")?.unwrap_or_else(|| ADDRESS.to_owned());
    let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address };
    let Some(address) = resolve(&address) else { return Ok(Err(format!("{address:?} is no address to listen at"))) };
    let is_plain = body.boolean("tls_disable")?.unwrap_or(false);
    let tls = body.text("tls_cert_file")?.zip(body.text("tls_key_file")?);
    let tls = tls.map(|(certificate, key)| (PathBuf::from(certificate), PathBuf::from(key)));
    if tls.is_none() && !is_plain {
        return Ok(Err("a listener needs tls_cert_file and tls_key_file, or tls_disable".to_owned()));
    }
    let size = body.integer("max_request_size")?.filter(|size| *size > 0);
    let time = match body.text("max_request_duration")?.map(|text| duration("max_request_duration", &text)).transpose()
    {
        Ok(time) => time,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(ListenerConfig {
        address,
        tls: tls.filter(|_| !is_plain),
        no_client_certificates: body.boolean("tls_disable_client_certs")?.unwrap_or(false),
        max_request_size: size.and_then(|size| usize::try_from(size).ok()).unwrap_or(MAX_REQUEST_BYTES),
        max_request_duration: time.filter(|time| !time.is_zero()).unwrap_or(REQUEST_TIME),
        unauthenticated_metrics: telemetry(body)?,
    }))
}

fn telemetry(body: &Body<'_>) -> Result<bool, hcl1::Error> {
    let blocks = body.blocks("telemetry")?;
    let Some(block) = blocks.first() else { return Ok(false) };
    Ok(block.body.boolean("unauthenticated_metrics_access")?.unwrap_or(false))
}

fn resolve(address: &str) -> Option<SocketAddr> {
    use std::net::ToSocketAddrs;
    address.parse().ok().or_else(|| address.to_socket_addrs().ok()?.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_peer_are_read_and_what_is_not_there_is_said() {
        let folder = std::env::temp_dir().join(format!("palisade-config-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let read = |text: &str| {
            let path = folder.join("server.hcl");
            fs::write(&path, text).unwrap();
            Config::read(&[path])
        };
        let config = read(
            r#"{"backend":{"inmem":{}},"listener":{"tcp":{"address":"127.0.0.1:8300","tls_cert_file":"a.pem",
            "tls_key_file":"b.pem"}},"disable_mlock":true,"default_lease_ttl":"768h","max_lease_ttl":"768h"}"#,
        )
        .unwrap();
        assert_eq!(config.listeners[0].address.port(), 8300);
        assert_eq!(config.storage.kind(), "inmem");
        assert!(config.disable_mlock && config.listeners[0].tls.is_some());
        for (text, part) in [
            ("listener \"tcp\" {\n address = \"127.0.0.1:1\"\n}", "tls_cert_file"),
            ("storage \"consul\" {\n}", "\"consul\""),
            ("storage \"file\" {\n}", "path"),
            ("default_lease_ttl = \"2h\"\nmax_lease_ttl = \"1h\"", "greater"),
            ("listener \"unix\" {\n}", "unix"),
        ] {
            let error = read(text).err().unwrap().to_string();
            assert!(error.contains(part), "{error}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
