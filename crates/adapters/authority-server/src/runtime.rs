//! The authority with the keys of a moment, and how it goes on to those of the next.

use crate::certificates::CtLog;
use crate::folder::{Folder, FolderError};
use crate::issuer::DevIssuer;
use crate::jwks::KeySource;
use crate::repository::{Files, refresh};
use crate::shelf::{SharedError, Shelf};
use crate::{fulcio, issuer, trust};
use authority::{Ca, CtKey, Issuer, Issuers, KeyError, Role, State, Tsa};
use axum::Router;
use bundle::{ClientTrustConfig, SigningConfig};
use jiff::Timestamp;
use ledger::LedgerError;
use listener::Metrics;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use storage::Store;

/// Why an authority can't serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A key that its certificate is not of, or that can't sign.
    #[error("a key of the authority can't be used")]
    Key(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] storage::StoreError),
    /// What the nodes of an authority share.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// A log.
    #[error("a log can't be opened")]
    Log(#[from] LedgerError),
    /// An issuer that was given on the command line.
    #[error("an issuer")]
    Issuer(#[from] authority::ConfigError),
}

/// What is given anew each time the authority is served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Where clients reach it.
    pub(crate) url: String,
    /// Its name.
    pub(crate) dev_issuer: Option<String>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) metrics: Metrics,
}

/// An open log with the name of its key.
#[derive(Clone)]
struct Logs {
    ids: [String; 3],
    v1: rekor::Log,
    v2: rekor::Log,
    ct: Arc<CtLog>,
}

pub(crate) struct Runtime {
    pub(crate) state: State,
    pub(crate) ca: Ca,
    pub(crate) ct: Arc<CtLog>,
    pub(crate) tsa: Tsa,
    pub(crate) issuers: Issuers,
    pub(crate) issuer: Option<Arc<DevIssuer>>,
    pub(crate) keys: Arc<KeySource>,
    pub(crate) metrics: Metrics,
    tuf: RwLock<Files>,
    logs: Logs,
}

impl Runtime {
    /// Reads keys and issuers; goes on with the open logs of `before` whose keys are still the same.
    pub(crate) async fn load(
        path: &Path,
        store: &Store,
        given: &Given,
        before: Option<&Self>,
    ) -> Result<Self, StartError> {
        let mut folder = Folder::open(path)?.at(&given.url);
        let mut issuers = folder.issuers()?;
        for issuer in &given.issuers {
            issuers.add(issuer.clone())?;
        }
        let own = match &given.dev_issuer {
            Some(name) => {
                let (key, record) = folder.active(Role::Issuer)?;
                Some(Arc::new(DevIssuer::new(name.clone(), key, &record.id)?))
            }
            None => None,
        };
        let (ca, record) = folder.active(Role::Ca)?;
        let ca = Ca::new(ca, record.chain())?;
        let (tsa, record) = folder.active(Role::Tsa)?;
        let tsa = Tsa::new(tsa, record.chain())?;
        // Before any log is touched: only a folder with the keys of the other nodes may sign theirs.
        let oidc = oidc_of(own.as_ref(), &issuers);
        let files = refresh(&mut folder, &Shelf::of(store), oidc.as_deref(), Timestamp::now()).await?;
        let logs = Logs::open(&folder, store, before.map(|before| &before.logs)).await?;
        Ok(Self {
            state: folder.state().clone(),
            ca,
            ct: Arc::clone(&logs.ct),
            tsa,
            issuers,
            issuer: own,
            keys: before.map(|before| Arc::clone(&before.keys)).unwrap_or_default(),
            metrics: given.metrics.clone(),
            tuf: RwLock::new(files),
            logs,
        })
    }

    /// All routes.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        let logs = rekor::Logs { v1: Some(self.logs.v1.clone()), v2: Some(self.logs.v2.clone()) };
        let router =
            rekor::router(&logs).merge(fulcio::router(Arc::clone(self))).merge(trust::router(Arc::clone(self)));
        match &self.issuer {
            Some(own) => router.merge(issuer::router(Arc::clone(own))),
            None => router,
        }
    }

    /// Ends the logs that `next` does not go on with.
    pub(crate) async fn retire(&self, next: Option<&Self>) {
        let keeps = |nth: usize| next.is_some_and(|next| next.logs.ids.get(nth) == self.logs.ids.get(nth));
        if !keeps(0) {
            self.logs.v1.close().await;
        }
        if !keeps(1) {
            self.logs.v2.close().await;
        }
    }

    /// Signs TUF's documents anew where they expire soon.
    pub(crate) async fn refresh_tuf(&self, path: &Path, store: &Store, given: &Given) -> Result<(), SharedError> {
        let mut folder = Folder::open(path)?.at(&given.url);
        let oidc = oidc_of(self.issuer.as_ref(), &self.issuers);
        let files = refresh(&mut folder, &Shelf::of(store), oidc.as_deref(), Timestamp::now()).await?;
        *self.tuf.write().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    pub(crate) fn tuf_file(&self, path: &str) -> Option<Vec<u8>> {
        self.tuf.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    pub(crate) fn signing_config(&self) -> SigningConfig {
        self.state.signing_config(oidc_of(self.issuer.as_ref(), &self.issuers).as_deref())
    }

    pub(crate) fn client_trust_config(&self) -> ClientTrustConfig {
        ClientTrustConfig::new(self.state.trusted_root(), self.signing_config())
    }
}

/// The issuer that people log in at: the own one, else the first that knows addresses.
fn oidc_of(own: Option<&Arc<DevIssuer>>, issuers: &Issuers) -> Option<String> {
    let people = || issuers.named().find(|issuer| issuer.kind == authority::IssuerType::Email);
    own.map(|own| own.url().to_owned()).or_else(|| people().map(|issuer| issuer.url.clone()))
}

impl Logs {
    async fn open(folder: &Folder, store: &Store, before: Option<&Self>) -> Result<Self, StartError> {
        let (ct_key, ct) = folder.active(Role::Ct)?;
        let (_, v1) = folder.active(Role::LogV1)?;
        let (_, v2) = folder.active(Role::Log)?;
        let ids = [v1.id.clone(), v2.id.clone(), ct.id.clone()];
        let same = |nth: usize| before.filter(|before| before.ids.get(nth) == ids.get(nth));
        let key = |record| -> Result<Arc<rekor::Key>, StartError> { Ok(Arc::new(folder.key(record)?)) };
        let origin = folder.state().origin();
        let space = |name: &str| store.space(name);
        let opened_v1 = match same(0) {
            Some(before) => before.v1.clone(),
            None => rekor::Log::open_v1(space("log"), origin, key(v1)?).await?,
        };
        let opened_v2 = match same(1) {
            Some(before) => before.v2.clone(),
            None => rekor::Log::open_v2(space("log"), origin, key(v2)?).await?,
        };
        let opened_ct = match same(2) {
            Some(before) => Arc::clone(&before.ct),
            None => {
                let sct = CtKey::new(folder.key(ct)?)?;
                Arc::new(CtLog::open(space("ct"), origin, sct, ct_key).await?)
            }
        };
        Ok(Self { v1: opened_v1, v2: opened_v2, ct: opened_ct, ids })
    }
}
