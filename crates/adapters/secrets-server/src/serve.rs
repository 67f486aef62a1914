//! A server at its listeners.

use crate::config::{Config, ListenerConfig};
use crate::http::{Surface, router};
use crate::server::{Server, StartError};
use listener::{BindError, Limits, Listener, Metrics, Options, Tls};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Clients of one address at once.
const CONNECTIONS: usize = 16_384;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// No listener is configured.
    #[error("no listener is configured: add `listener \"tcp\" {{ ... }}`")]
    NoListener,
    /// An address can't be used.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A server whose addresses are bound.
pub struct Bound {
    server: Arc<Server>,
    listeners: Vec<(Listener, Surface)>,
}

impl Bound {
    /// Binds all addresses, then opens the storage.
    ///
    /// # Errors
    /// Where an address or the storage can't be used.
    pub async fn new(config: &Config) -> Result<Self, ServeError> {
        if config.listeners.is_empty() {
            return Err(ServeError::NoListener);
        }
        let metrics = Metrics::default();
        let mut listeners = Vec::new();
        for one in &config.listeners {
            let surface = Surface {
                max_request_size: one.max_request_size,
                unauthenticated_metrics: one.unauthenticated_metrics,
            };
            listeners.push((Listener::bind(options(one, &metrics)).await?, surface));
        }
        let server = Server::open(config).await?;
        server.reporter.set_listeners(metrics);
        server.spawn_work();
        Ok(Self { server, listeners })
    }

    /// The server.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|(listener, _)| listener.address()).collect()
    }

    /// Serves until `shutdown` is ready; then requests under way end, and the server is sealed.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        for (listener, surface) in self.listeners {
            let router = router(Arc::clone(&self.server), surface);
            let mut stopped = stopped.clone();
            tasks.push(tokio::spawn(listener.serve(router, async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            })));
        }
        shutdown.await;
        let _ = stop.send(true);
        for task in tasks {
            let _ = task.await;
        }
        self.server.seal();
    }
}

fn options(config: &ListenerConfig, metrics: &Metrics) -> Options {
    let mut options = Options::new(config.address);
    options.tls = config.tls.clone().map(|(certificate, key)| Tls {
        certificate,
        key,
        client_certificates: !config.no_client_certificates,
    });
    // `tls_disable` was asked for.
    options.plain = config.tls.is_none();
    options.metrics = metrics.clone();
    options.limits = Limits {
        connections: CONNECTIONS,
        body_bytes: config.max_request_size,
        head_time: Duration::from_secs(10),
        request_time: config.max_request_duration,
        // Quotas of the core bound clients.
        client_rate: None,
        ..Limits::default()
    };
    options
}
