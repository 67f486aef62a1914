//! A server: its storage, barrier and core, and what happens when it is initialised, unsealed and sealed.

use crate::audit::Devices;
use crate::config::{Config, SealConfig, StorageConfig};
use crate::kinds;
use crate::metrics::{Reporter, Telemetry};
use crate::operator::Hands;
use crate::seals::{self, SealSettingsError};
use barrier::{Barrier, InitRequest, InitResponse, Operator, RootUpdate, SealStatus};
use jiff::Timestamp;
use logical::{Error, Operation};
use secrets::{Core, CoreRequest, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use space::{Batch, Memory, Space, SpaceError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage::{Place, Store, StoreError};
use zeroize::Zeroizing;

/// What clients are told. Clients of Vault look at the version to know what they may ask.
pub const VERSION: &str = "1.16.3";
/// The space of all rows.
const SPACE: &str = "secrets";
const STORE_FILE: &str = "secrets.redb";
const CLUSTER: &[u8] = b"server/cluster";
/// How often leases are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Before what failed in the background is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder can't be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection string of PostgreSQL, which is not shown.
    #[error("the connection_url of PostgreSQL cannot be read")]
    Connection(#[source] storage::ConnectionError),
    /// The store.
    #[error("the storage cannot be opened")]
    Store(#[from] StoreError),
    /// The store answers no more.
    #[error("the storage cannot be read")]
    Space(#[from] SpaceError),
    /// What it has about the cluster.
    #[error("what the storage has about the cluster is damaged")]
    Cluster,
    /// The block `seal`.
    #[error(transparent)]
    Seal(#[from] SealSettingsError),
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// A server without its listeners.
pub struct Server {
    pub(crate) operator: Arc<Operator>,
    pub(crate) core: Arc<Core>,
    pub(crate) cluster: Cluster,
    pub(crate) storage_kind: &'static str,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) reporter: Arc<Reporter>,
    devices: Arc<Devices>,
    space: Arc<dyn Space>,
    has_peers: bool,
}

impl Server {
    /// Opens the storage and begins: sealed, unless a seal opens it by itself.
    ///
    /// # Errors
    /// Where the storage can't be opened, or the seal's settings make no sense.
    pub async fn open(config: &Config) -> Result<Arc<Self>, StartError> {
        let space: Arc<dyn Space> = match &config.storage {
            StorageConfig::Memory => Arc::new(Memory::new()),
            StorageConfig::Folder(path) => {
                let failed = |source| StartError::Folder { path: path.clone(), source };
                std::fs::create_dir_all(path).map_err(failed)?;
                Store::open(&Place::File(path.join(STORE_FILE))).await?.space(SPACE)
            }
            StorageConfig::Postgres(url) => {
                let variable = |name: &str| std::env::var(name).ok();
                let connection = storage::Connection::parse(url, &variable).map_err(StartError::Connection)?;
                Store::open(&Place::Postgres(connection)).await?.space(SPACE)
            }
        };
        let cluster = cluster(space.as_ref(), config.cluster_name.as_deref()).await?;
        let barrier = Barrier::new(Arc::clone(&space), b"barrier/".to_vec(), seals::seal(&config.seal)?);
        let operator = Arc::new(Operator::new(barrier));
        let telemetry = Arc::new(Telemetry::new());
        let devices = Arc::new(Devices::new(operator.barrier().view(""), Arc::clone(&telemetry)));
        let reporter =
            Reporter::new(Arc::clone(&telemetry), Arc::clone(&operator), Arc::clone(&devices), cluster.name.clone());
        let reporter = Arc::new(reporter);
        let hands = Hands::new(Arc::clone(&operator), Arc::clone(&reporter), cluster.clone(), config);
        let hands = Arc::new(hands);
        let settings = Settings {
            api_address: config.api_address.clone(),
            cluster_name: cluster.name.clone(),
            cluster_id: cluster.id.clone(),
            version: VERSION.to_owned(),
            default_lease_ttl: config.default_lease_ttl,
            max_lease_ttl: config.max_lease_ttl,
            secrets_engines: kinds::secrets_engines(),
            auth_methods: kinds::auth_methods(),
            operator: Arc::clone(&hands) as Arc<dyn secrets::Operator>,
            audit: Arc::clone(&devices) as Arc<dyn secrets::Audit>,
        };
        let core = Arc::new(Core::new(Arc::new(operator.barrier().view("")), settings));
        hands.set_core(&core);
        let has_peers = matches!(config.storage, StorageConfig::Postgres(_));
        let storage_kind = config.storage.kind();
        let server =
            Arc::new(Self { operator, core, cluster, storage_kind, telemetry, reporter, devices, space, has_peers });
        if matches!(config.seal, SealConfig::Block(..))
            && server.operator.barrier().is_initialized().await.unwrap_or(false)
            && let Err(error) = server.unseal_by_seal().await
        {
            tracing::error!(%error, "the seal did not open");
        }
        Ok(server)
    }

    /// Does what is done in the background until it is dropped. Ends when the server is gone.
    pub fn spawn_work(self: &Arc<Self>) {
        let server = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let Some(server) = server.upgrade() else { return };
                server.tick().await;
            }
        });
        if self.has_peers {
            for prefix in ["core/", "policy/", "identity/", "quota/", "logical/", "auth/"] {
                let server = Arc::clone(self);
                tokio::spawn(async move { server.follow(prefix).await });
            }
            let server = Arc::clone(self);
            tokio::spawn(async move { server.follow_keyring().await });
        }
    }

    async fn tick(&self) {
        let now = Timestamp::now();
        if self.operator.barrier().is_sealed() {
            if matches!(self.operator.barrier().seal_type(), barrier::Seal::Auto(_))
                && self.operator.barrier().is_initialized().await.unwrap_or(false)
                && let Err(error) = self.unseal_by_seal().await
            {
                tracing::warn!(%error, "the seal did not open; it is tried again");
            }
            return;
        }
        if let Err(error) = self.core.tick(now).await {
            tracing::warn!(%error, "work in the background failed");
        }
        if let Err(error) = self.operator.barrier().maintain(now).await {
            tracing::warn!(%error, "the keyring could not be rotated");
        }
    }

    /// What other nodes write under a prefix is taken over.
    async fn follow(&self, prefix: &'static str) {
        let view = self.operator.barrier().view("");
        let mut since = 0;
        loop {
            match view.changed(prefix, since).await {
                Ok(sequence) => since = sequence,
                Err(error) => {
                    tracing::warn!(%error, "changes of other nodes are not known; it is tried again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if !self.operator.barrier().is_sealed()
                && let Err(error) = self.core.invalidate(&[prefix.to_owned()]).await
            {
                tracing::warn!(%error, "what other nodes changed could not be read; it is tried again");
                tokio::time::sleep(PAUSE).await;
                since = 0;
            }
        }
    }

    async fn follow_keyring(&self) {
        let mut since = 0;
        loop {
            match self.operator.barrier().follow(since).await {
                Ok(sequence) => since = sequence,
                Err(error) => {
                    tracing::warn!(%error, "the keyring of other nodes is not known; it is tried again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// `sys/init`.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn initialize(&self, request: &InitRequest) -> Result<InitResponse, Error> {
        let now = Timestamp::now();
        let keys = self.operator.initialize(request, now).await?;
        let made = self.core.bootstrap(now).await;
        if matches!(self.operator.barrier().seal_type(), barrier::Seal::Shamir) {
            self.core.unload();
            self.operator.seal();
        }
        let token = made?;
        Ok(InitResponse::new(&keys, token.to_string()))
    }

    /// Initialises a server for development: unsealed, with this root token if one is given, and a key-value store at
    /// `secret/` unless it is not wanted. Answers with the root token and the unseal key.
    ///
    /// # Errors
    /// Where the storage fails, or the token can't be one.
    pub async fn initialize_for_development(
        &self,
        token: Option<Zeroizing<String>>,
        has_kv: bool,
    ) -> Result<(Zeroizing<String>, logical::Secret), Error> {
        let now = Timestamp::now();
        let request = InitRequest { secret_shares: 1, secret_threshold: 1, ..InitRequest::default() };
        let keys = self.operator.initialize(&request, now).await?;
        let mut root = self.core.bootstrap(now).await?;
        if let Some(wanted) = token {
            self.core.root_token_of(&wanted, now).await?;
            self.revoke(std::mem::replace(&mut root, wanted)).await?;
        }
        if has_kv {
            let options = json!({"version": "2"});
            let data = json!({"type": "kv", "description": "key/value secret storage", "options": options});
            self.ask("sys/mounts/secret", root.clone(), data).await?;
        }
        let key = keys.shares.into_iter().next().ok_or_else(|| Error::internal("no unseal key"))?;
        Ok((root, key))
    }

    /// Ends a token that nobody is to have.
    async fn revoke(&self, token: Zeroizing<String>) -> Result<(), Error> {
        self.ask("auth/token/revoke-self", token, json!({})).await
    }

    /// A write by the server itself.
    async fn ask(&self, path: &str, token: Zeroizing<String>, data: Value) -> Result<(), Error> {
        let mut request = CoreRequest::new(Operation::Update, path, Timestamp::now());
        request.token = Some(token);
        if let Value::Object(data) = data {
            request.data = data;
        }
        let response = self.core.handle(request).await;
        if response.status < 300 { Ok(()) } else { Err(Error::internal(response.errors.join("; "))) }
    }

    /// The audit devices.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// `sys/unseal` with a share.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn unseal(&self, key: &str, migrate: bool) -> Result<SealStatus, Error> {
        let was_sealed = self.operator.barrier().is_sealed();
        let status = self.operator.unseal(key, migrate).await?;
        if was_sealed && !status.sealed {
            self.load().await?;
        }
        Ok(status)
    }

    async fn unseal_by_seal(&self) -> Result<(), Error> {
        self.operator.barrier().unseal_by_seal().await?;
        self.load().await
    }

    /// A server that can't read what it needs serves nothing.
    async fn load(&self) -> Result<(), Error> {
        let loaded = self.core.load(Timestamp::now()).await;
        if loaded.is_err() {
            self.seal();
        }
        loaded
    }

    /// Forgets every key.
    pub fn seal(&self) {
        self.core.unload();
        self.operator.seal();
    }

    /// `sys/generate-root/update`.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn generate_root(&self, key: &str, nonce: &str) -> Result<barrier::GenerateRootStatus, Error> {
        match self.operator.root_update(key, nonce).await? {
            RootUpdate::Progress(status) => Ok(status),
            RootUpdate::Authenticated(grant) => {
                let now = Timestamp::now();
                let token: Zeroizing<String> = self.core.root_token(now).await?;
                let finished = self.operator.root_finish(&grant, &token).await;
                if finished.is_err() {
                    self.revoke(token).await?;
                }
                finished
            }
        }
    }

    /// Whether storage answers.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn check_storage(&self) -> Result<(), SpaceError> {
        self.space.snapshot().await.map(drop)
    }
}

/// Which cluster this is. It is told before unsealing, so it is no secret.
async fn cluster(space: &dyn Space, name: Option<&str>) -> Result<Cluster, StartError> {
    let read = async || -> Result<Option<Cluster>, StartError> {
        let row = space.snapshot().await?.get(CLUSTER).await?;
        row.map(|row| serde_json::from_slice(&row.bytes).map_err(|_| StartError::Cluster)).transpose()
    };
    if let Some(found) = read().await? {
        return Ok(found);
    }
    let id = uuid::Uuid::new_v4().to_string();
    let name = name.map_or_else(|| format!("vault-cluster-{}", id.get(..8).unwrap_or_default()), str::to_owned);
    let made = Cluster { name, id };
    let mut batch = Batch::new();
    let bytes = serde_json::to_vec(&made).map_err(|_| StartError::Cluster)?;
    batch.put(CLUSTER, bytes).require(CLUSTER, None);
    match space.commit(batch).await {
        Ok(_) => Ok(made),
        // Another node was faster.
        Err(space::CommitError::Condition { .. }) => read().await?.ok_or(StartError::Cluster),
        Err(space::CommitError::Space(error)) => Err(error.into()),
        Err(_) => Err(StartError::Cluster),
    }
}
