//! Serving an authority from its folder, through changes of its keys.

use crate::folder::{Folder, LOCAL_URL};
use crate::runtime::{Given, Runtime, StartError};
use crate::shelf::{SharedError, Shelf};
use authority::{Issuer, ROTATION_TIME};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use listener::{BindError, Limits, Listener, Metrics, Options, Tls};
use space::Sequence;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use storage::{Connection, Place, Store};
use tower::ServiceExt;

/// How often the folder is looked at for new keys.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often TUF's documents are looked at.
const REFRESH: Duration = Duration::from_secs(3600);

/// How an authority is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// TLS, if any.
    pub tls: Option<Tls>,
    /// Whether plain HTTP is meant outside loopback.
    pub plain: bool,
    /// Whether it has an issuer of tokens for tests, which believes whoever asks.
    pub dev_issuer: bool,
    /// The issuer's name where it is not its address: one that stays while ports change.
    pub dev_issuer_name: Option<String>,
    /// Issuers that are believed besides those of the folder.
    pub issuers: Vec<Issuer>,
    /// The database, where not the one that the folder names.
    pub storage: Option<Connection>,
    /// Limits of the listener.
    pub limits: Limits,
}

impl ServeOptions {
    /// Plain HTTP on loopback.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            plain: false,
            dev_issuer: false,
            dev_issuer_name: None,
            issuers: Vec::new(),
            storage: None,
            limits: Limits::default(),
        }
    }
}

/// Why an authority is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Nothing listens.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The authority can't start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// An authority that is ready to be served.
pub struct Server {
    listener: Listener,
    folder: PathBuf,
    store: Store,
    given: Given,
    runtime: Arc<Runtime>,
}

impl Server {
    /// Opens the folder and binds the address.
    ///
    /// # Errors
    /// When either fails.
    pub async fn bind(folder: &Path, options: ServeOptions) -> Result<Self, ServeError> {
        let opened = Folder::open(folder).map_err(StartError::from)?;
        let place = match options.storage {
            Some(connection) => Place::Postgres(connection),
            None => opened.store().map_err(StartError::from)?,
        };
        if matches!(place, Place::Postgres(_)) && opened.state().url == LOCAL_URL {
            return Err(StartError::from(SharedError::Url).into());
        }
        let metrics = Metrics::default();
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let listener = Listener::bind(Options {
            address: options.listen,
            tls: options.tls,
            plain: options.plain,
            limits: options.limits,
            metrics: metrics.clone(),
        })
        .await?;
        let url = match opened.state().url.as_str() {
            LOCAL_URL => format!("{scheme}://127.0.0.1:{}", listener.address().port()),
            url => url.to_owned(),
        };
        let issuer_name = || options.dev_issuer_name.unwrap_or_else(|| format!("{url}/oidc"));
        let dev_issuer = options.dev_issuer.then(issuer_name);
        let given = Given { url, dev_issuer, issuers: options.issuers, metrics };
        let store = Store::open(&place).await.map_err(StartError::from)?;
        let runtime = Arc::new(Runtime::load(folder, &store, &given, None).await?);
        Ok(Self { listener, folder: folder.to_owned(), store, given, runtime })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Where clients reach it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.given.url
    }

    /// The issuer for tests, if it has one.
    #[must_use]
    pub fn dev_issuer(&self) -> Option<String> {
        self.runtime.issuer.as_ref().map(|own| own.url().to_owned())
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Serves until `shutdown` is ready; what was acknowledged is durable.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let current = Arc::new(RwLock::new((Arc::clone(&self.runtime), self.runtime.router())));
        let router = {
            let current = Arc::clone(&current);
            Router::new().fallback(move |request: Request| {
                let router = current.read().unwrap_or_else(PoisonError::into_inner).1.clone();
                async move { router.oneshot(request).await }
            })
        };
        let follower =
            Follower { folder: self.folder, store: self.store, given: self.given, current: Arc::clone(&current) };
        let following = tokio::spawn(follower.follow());
        self.listener.serve(router, shutdown).await;
        following.abort();
        let _ = following.await;
        let last = Arc::clone(&current.read().unwrap_or_else(PoisonError::into_inner).0);
        last.retire(None).await;
    }
}

type Current = Arc<RwLock<(Arc<Runtime>, Router)>>;

/// When the lists of keys and issuers were last changed, and what the nodes share.
type Stamp = ([Option<SystemTime>; 2], Option<Sequence>);

/// Follows the folder, and what other nodes publish.
struct Follower {
    folder: PathBuf,
    store: Store,
    given: Given,
    current: Current,
}

impl Follower {
    /// Nothing when the database does not answer.
    async fn stamp(&self) -> Option<Stamp> {
        let files = ["authority.json", "issuers.yaml"]
            .map(|name| std::fs::metadata(self.folder.join(name)).and_then(|meta| meta.modified()).ok());
        Some((files, Shelf::of(&self.store).stamp().await.ok()?))
    }

    async fn follow(self) {
        // What was changed between loading and here is seen as a change at the first look.
        let mut stamp = None;
        let mut refreshed = tokio::time::Instant::now();
        // Since when this node lacks keys of the others.
        let mut behind: Option<tokio::time::Instant> = None;
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let Some(now) = self.stamp().await else { continue };
            if stamp != Some(now) {
                match self.reload().await {
                    Ok(()) => {
                        behind = None;
                        // Publishing notes its versions, which is no change of keys.
                        stamp = self.stamp().await;
                    }
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the changed keys can't be used");
                        if matches!(error, StartError::Shared(SharedError::Behind { .. })) {
                            let since = *behind.get_or_insert_with(tokio::time::Instant::now);
                            if since.elapsed() >= ROTATION_TIME.unsigned_abs() {
                                self.stop_answering();
                            }
                        }
                    }
                }
            } else if refreshed.elapsed() >= REFRESH {
                refreshed = tokio::time::Instant::now();
                let runtime = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0);
                if let Err(error) = runtime.refresh_tuf(&self.folder, &self.store, &self.given).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "TUF's documents could not be renewed");
                }
                stamp = self.stamp().await;
            }
        }
    }

    async fn reload(&self) -> Result<(), StartError> {
        let before = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0);
        let next = Arc::new(Runtime::load(&self.folder, &self.store, &self.given, Some(&before)).await?);
        let router = next.router();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(&next), router);
        before.retire(Some(&next)).await;
        Ok(())
    }

    /// What the old keys would sign now is not valid: other nodes must answer until this one has the new ones.
    fn stop_answering(&self) {
        let answer = || async { (StatusCode::SERVICE_UNAVAILABLE, "this node lacks keys of the authority\n") };
        self.current.write().unwrap_or_else(PoisonError::into_inner).1 = Router::new().fallback(answer);
    }
}
