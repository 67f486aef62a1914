//! Serving an authority from its folder, through changes of its keys.

use crate::folder::{Folder, LOCAL_URL};
use crate::runtime::{Given, Runtime, StartError};
use authority::Issuer;
use axum::Router;
use axum::extract::Request;
use listener::{BindError, Limits, Listener, Metrics, Options, Tls};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use storage::Redb;
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
    store: Redb,
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
        let store = Redb::open(&opened.store()).map_err(StartError::from)?;
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

/// Follows the folder.
struct Follower {
    folder: PathBuf,
    store: Redb,
    given: Given,
    current: Current,
}

impl Follower {
    /// When the lists of keys and issuers were last changed.
    fn stamp(&self) -> [Option<SystemTime>; 2] {
        ["authority.json", "issuers.yaml"]
            .map(|name| std::fs::metadata(self.folder.join(name)).and_then(|meta| meta.modified()).ok())
    }

    async fn follow(self) {
        // What was changed between loading and here is seen as a change at the first look.
        let mut stamp = [None; 2];
        let mut refreshed = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = self.stamp();
            if now != stamp {
                if self.reload().await {
                    // Publishing notes its versions in the folder, which is no change of keys.
                    stamp = self.stamp();
                }
            } else if refreshed.elapsed() >= REFRESH {
                refreshed = tokio::time::Instant::now();
                let runtime = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0);
                if let Err(error) = runtime.refresh_tuf(&self.folder, &self.given) {
                    tracing::error!(error = &error as &dyn std::error::Error, "TUF's documents could not be renewed");
                }
                stamp = self.stamp();
            }
        }
    }

    async fn reload(&self) -> bool {
        let before = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0);
        match Runtime::load(&self.folder, &self.store, &self.given, Some(&before)).await {
            Ok(next) => {
                let next = Arc::new(next);
                let router = next.router();
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(&next), router);
                before.retire(Some(&next)).await;
                true
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the changed folder can't be used");
                false
            }
        }
    }
}
