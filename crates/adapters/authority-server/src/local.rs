//! An authority of one user, in this process: made on first use, gone with its handle.

use crate::folder::{Folder, FolderError, Plan};
use crate::issuer::DevIssuer;
use crate::serve::{ServeError, ServeOptions, Server};
use authority::KeyError;
use bundle::{ClientTrustConfig, SigningConfig, TrustedRoot};
use jiff::Timestamp;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How long another process of the same user is waited for.
const WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no local authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It can't be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// No thread or runtime.
    #[error("cannot start the local authority")]
    Start(#[source] io::Error),
    /// No token.
    #[error("cannot make a token")]
    Token(#[from] KeyError),
}

/// The issuer of its tokens, by a name that no network has: they are made and believed within one process.
const ISSUER: &str = "https://palisade.local/issuer";

/// A running local authority. Dropping it stops it; what it logged is durable.
pub struct Local {
    url: String,
    issuer: Arc<DevIssuer>,
    config: ClientTrustConfig,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Ready {
    url: String,
    issuer: Option<Arc<DevIssuer>>,
    config: ClientTrustConfig,
}

impl Local {
    /// Opens the authority in a folder, or makes it, and serves it on a free port of loopback. Waits for another process
    /// that has it open.
    ///
    /// # Errors
    /// When the folder can't be used, or another process keeps it.
    pub fn open(folder: &Path) -> Result<Self, LocalError> {
        match Folder::open(folder) {
            Ok(_) => {}
            Err(FolderError::None(_)) => {
                if let Some(parent) = folder.parent() {
                    std::fs::create_dir_all(parent).map_err(LocalError::Start)?;
                }
                match Folder::init(folder, &Plan::new("palisade.local"), Timestamp::now()) {
                    // Another process made it at the same time.
                    Ok(_) | Err(FolderError::Exists(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(LocalError::Start)?;
        let (ready, wait) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let folder = folder.to_owned();
        let run = move || {
            runtime.block_on(async move {
                match bind(&folder).await {
                    Err(error) => drop(ready.send(Err(error))),
                    Ok(server) => {
                        let made = server.runtime();
                        let config = made.client_trust_config();
                        let issuer = made.issuer.clone();
                        let _ = ready.send(Ok(Ready { url: server.url().to_owned(), issuer, config }));
                        server.serve(async move { drop(stopped.await) }).await;
                    }
                }
            });
        };
        let thread = thread::Builder::new().name("authority".to_owned()).spawn(run).map_err(LocalError::Start)?;
        let gone = || LocalError::Start(io::Error::other("the authority's thread ended"));
        let Ready { url, issuer, config } = wait.recv().map_err(|_| gone())??;
        let issuer = issuer.ok_or_else(gone)?;
        Ok(Self { url, issuer, config, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is served.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A token for an identity: an e-mail address, a URI or a name.
    ///
    /// # Errors
    /// When the key can't sign.
    pub fn mint(&self, identity: &str) -> Result<Zeroizing<String>, LocalError> {
        let email = (identity.contains('@') && !identity.contains("://")).then_some(identity);
        Ok(self.issuer.token(identity, email, "sigstore", Timestamp::now())?)
    }

    /// The issuer of its tokens, as certificates name it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.url()
    }

    /// Whom to trust.
    #[must_use]
    pub fn trusted_root(&self) -> &TrustedRoot {
        &self.config.trusted_root
    }

    /// Where to sign.
    #[must_use]
    pub fn signing_config(&self) -> &SigningConfig {
        &self.config.signing_config
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing to finish.
            let _ = thread.join();
        }
    }
}

async fn bind(folder: &Path) -> Result<Server, LocalError> {
    let begin = Instant::now();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    loop {
        let dev_issuer_name = Some(ISSUER.to_owned());
        let options = ServeOptions { dev_issuer: true, dev_issuer_name, ..ServeOptions::new(listen) };
        match Server::bind(folder, options).await {
            Err(ServeError::Start(crate::StartError::Store(_))) if begin.elapsed() < WAIT => {
                tokio::time::sleep(PAUSE).await;
            }
            other => return Ok(other?),
        }
    }
}
