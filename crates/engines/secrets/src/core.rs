use crate::access::AclCache;
use crate::config::ServerConfig;
use crate::identity::PersonCache;
use crate::lockout::Failures;
use crate::mount::{Class, Mount, MountConfig, MountEntry, Target};
use crate::namespace::{Namespace, ROOT_ID};
use crate::prefix::Prefixed;
use crate::quota::Quotas;
use crate::router::Router;
use crate::settings::Settings;
use crate::token::{Keys, StoredKeys, random_text};
use jiff::Timestamp;
use logical::{Backend, Batch, Error, SpecialPaths, Storage, StorageExt as _, TokenType};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroizing;

const KEYS: &str = "core/token-keys";

/// The server after unsealing. Cheap to share; nothing is locked across a wait.
pub struct Core {
    storage: Arc<dyn Storage>,
    settings: Settings,
    state: RwLock<Option<Arc<State>>>,
    pub(crate) acls: AclCache,
    pub(crate) persons: PersonCache,
    pub(crate) failures: Failures,
    pub(crate) quotas: Quotas,
}

/// What is held in memory of the storage: replaced whole when it changes.
pub(crate) struct State {
    pub(crate) router: Router,
    pub(crate) keys: Keys,
    pub(crate) config: ServerConfig,
}

impl Core {
    /// A server over the whole barrier.
    pub fn new(storage: Arc<dyn Storage>, settings: Settings) -> Self {
        Self {
            storage,
            settings,
            state: RwLock::new(None),
            acls: AclCache::default(),
            persons: PersonCache::default(),
            failures: Failures::default(),
            quotas: Quotas::default(),
        }
    }

    /// Makes what a new server has, once, after the barrier was initialised and unsealed: the first root token.
    ///
    /// # Errors
    /// Where it was done before, or storage fails.
    pub async fn bootstrap(&self, now: Timestamp) -> Result<Zeroizing<String>, Error> {
        let stored = StoredKeys::generate()?;
        let mut batch = Batch::new();
        batch.put_json(KEYS, &stored)?.require(KEYS, None);
        for entry in self.builtin_mounts(&Namespace::root())? {
            batch.put_json(entry.key(), &entry)?;
        }
        self.storage.commit(batch).await?;
        self.load(now).await?;
        self.root_token(now).await
    }

    /// Makes a root token: at the start, and by `generate-root`.
    ///
    /// # Errors
    /// Where storage fails, or the server is sealed.
    pub async fn root_token(&self, now: Timestamp) -> Result<Zeroizing<String>, Error> {
        self.new_root_token(None, now).await
    }

    /// A root token with this text, for development. `bootstrap` must have been called.
    ///
    /// # Errors
    /// Where there is such a token, or storage fails.
    pub async fn root_token_of(&self, text: &str, now: Timestamp) -> Result<Zeroizing<String>, Error> {
        self.new_root_token(Some(text), now).await
    }

    /// Reads mounts, namespaces and settings: after each unsealing. Backends are made anew.
    ///
    /// # Errors
    /// Where storage fails or a row is damaged: nothing is served then.
    pub async fn load(&self, _now: Timestamp) -> Result<(), Error> {
        self.acls.clear();
        self.persons.clear();
        let state = self.read_state(None).await?;
        self.settings.audit.headers(&state.config.audited_headers).await?;
        for device in state.config.audit_devices.values() {
            // One that can't be used must not keep the server from starting while another works.
            if let Err(error) = self.settings.audit.enable(device).await {
                tracing::error!(path = device.path, %error, "an audit device can't be used");
            }
        }
        self.quotas.load(self.storage()).await?;
        self.set_state(Some(Arc::new(state)));
        Ok(())
    }

    /// Forgets everything: before sealing.
    pub fn unload(&self) {
        self.set_state(None);
        self.acls.clear();
        self.persons.clear();
    }

    /// Rows that another node has changed: what was made of them is made anew before this returns.
    ///
    /// # Errors
    /// Where storage fails; the caller must try again or unload.
    pub async fn invalidate(&self, keys: &[String]) -> Result<(), Error> {
        let starts = |prefixes: &[&str]| keys.iter().any(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)));
        if starts(&["policy/", "core/namespace/"]) {
            self.acls.clear();
        }
        if starts(&["identity/"]) {
            self.persons.clear();
        }
        if starts(&["quota/"]) {
            self.quotas.load(self.storage()).await?;
        }
        if starts(&["core/"]) {
            self.reload().await?;
        }
        if starts(&["logical/", "auth/"]) {
            let state = self.state()?;
            for mount in state.router.mounts() {
                let Target::Backend(backend) = &mount.target else { continue };
                for key in keys.iter().filter_map(|key| key.strip_prefix(mount.storage.prefix())) {
                    backend.invalidate(key);
                }
            }
        }
        Ok(())
    }

    /// What the server was given.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    pub(crate) fn storage_arc(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    pub(crate) fn state(&self) -> Result<Arc<State>, Error> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Sealed)
    }

    fn set_state(&self, state: Option<Arc<State>>) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Reads mounts and settings again after a change. Backends of mounts that are as they were stay.
    pub(crate) async fn reload(&self) -> Result<Arc<State>, Error> {
        let old = self.state()?;
        let state = Arc::new(self.read_state(Some(&old)).await?);
        self.set_state(Some(Arc::clone(&state)));
        Ok(state)
    }

    async fn read_state(&self, old: Option<&State>) -> Result<State, Error> {
        let storage = self.storage();
        let stored: StoredKeys = storage.get_json(KEYS).await?.ok_or_else(|| Error::internal("not initialised"))?;
        let mut namespaces = vec![Arc::new(Namespace::root())];
        for key in storage.scan("core/namespace/", "", usize::MAX).await? {
            namespaces.extend(storage.get_json::<Namespace>(&key).await?.map(Arc::new));
        }
        let by_id: BTreeMap<String, Arc<Namespace>> =
            namespaces.iter().map(|namespace| (namespace.id.clone(), Arc::clone(namespace))).collect();
        let mut router = Router::new(namespaces);
        for key in storage.scan("core/mount/", "", usize::MAX).await? {
            let Some(entry) = storage.get_json::<MountEntry>(&key).await? else { continue };
            let Some(namespace) = by_id.get(&entry.namespace_id) else { continue };
            let mount = self.mount(entry, Arc::clone(namespace), old);
            router.add(mount);
        }
        Ok(State { router, keys: stored.keys()?, config: ServerConfig::load(storage).await? })
    }

    /// A mount with its backend: that of the old table where the kind and options are the same.
    fn mount(&self, entry: MountEntry, namespace: Arc<Namespace>, old: Option<&State>) -> Mount {
        let kept = old.and_then(|old| old.router.by_accessor(&entry.accessor)).filter(|mount| {
            mount.entry.uuid == entry.uuid && mount.entry.kind == entry.kind && mount.entry.options == entry.options
        });
        let target = kept.map_or_else(|| self.target(&entry), |mount| mount.target.clone());
        let special = match &target {
            Target::Backend(backend) => backend.special_paths(),
            Target::System => crate::sys::special_paths(),
            Target::Token => SpecialPaths { unauthenticated: Vec::new(), root: vec!["revoke-orphan/*", "accessors*"] },
            Target::Identity => crate::identity::special_paths(),
            Target::Cubbyhole | Target::Missing => SpecialPaths::default(),
        };
        let seconds =
            |seconds: u64, default: Duration| if seconds == 0 { default } else { Duration::from_secs(seconds) };
        Mount {
            storage: Prefixed::new(self.storage_arc(), entry.storage_prefix()),
            default_ttl: seconds(entry.config.default_lease_ttl, self.settings.default_lease_ttl),
            max_ttl: seconds(entry.config.max_lease_ttl, self.settings.max_lease_ttl),
            target,
            special,
            namespace,
            entry,
        }
    }

    fn target(&self, entry: &MountEntry) -> Target {
        match (entry.class, entry.kind.as_str()) {
            (Class::Secret, "system" | "ns_system") => Target::System,
            (Class::Secret, "cubbyhole" | "ns_cubbyhole") => Target::Cubbyhole,
            (Class::Secret, "identity" | "ns_identity") => Target::Identity,
            (Class::Auth, "token" | "ns_token") => Target::Token,
            _ => self.new_backend(entry.class, &entry.kind, &entry.options).map_or(Target::Missing, Target::Backend),
        }
    }

    /// A backend of this kind; none where the server does not know it.
    pub(crate) fn new_backend(
        &self,
        class: Class,
        kind: &str,
        options: &BTreeMap<String, String>,
    ) -> Option<Arc<dyn Backend>> {
        let factories = match class {
            Class::Secret => &self.settings.secrets_engines,
            Class::Auth => &self.settings.auth_methods,
        };
        factories.get(kind).map(|factory| factory(options))
    }

    /// The mounts that every namespace has.
    pub(crate) fn builtin_mounts(&self, namespace: &Namespace) -> Result<Vec<MountEntry>, Error> {
        let prefix = if namespace.id == ROOT_ID { "" } else { "ns_" };
        let mut entries = Vec::new();
        for (class, path, kind, description) in [
            (Class::Secret, "sys/", "system", "system endpoints used for control, policy and debugging"),
            (Class::Secret, "identity/", "identity", "identity store"),
            (Class::Secret, "cubbyhole/", "cubbyhole", "per-token private secret storage"),
            (Class::Auth, "token/", "token", "token based credentials"),
        ] {
            let mut entry = new_entry(class, path, &format!("{prefix}{kind}"), namespace)?;
            description.clone_into(&mut entry.description);
            entry.local = kind == "cubbyhole";
            entry.seal_wrap = kind == "system";
            if kind == "system" {
                entry.config.passthrough_request_headers = vec!["Accept".to_owned()];
            }
            if kind == "identity" {
                entry.config.passthrough_request_headers = vec!["Authorization".to_owned()];
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// A mount with nothing tuned.
pub(crate) fn new_entry(class: Class, path: &str, kind: &str, namespace: &Namespace) -> Result<MountEntry, Error> {
    let accessor = format!("{}_{}", kind.trim_end_matches('/'), random_text(8)?.to_lowercase());
    let accessor = if class == Class::Auth { format!("auth_{accessor}") } else { accessor };
    Ok(MountEntry {
        class,
        path: path.to_owned(),
        kind: kind.to_owned(),
        description: String::new(),
        uuid: uuid::Uuid::new_v4().to_string(),
        accessor,
        namespace_id: namespace.id.clone(),
        local: false,
        seal_wrap: false,
        external_entropy_access: false,
        config: MountConfig {
            token_type: if class == Class::Auth { TokenType::DefaultService } else { TokenType::Default },
            ..MountConfig::default()
        },
        options: BTreeMap::new(),
        is_tainted: false,
    })
}
