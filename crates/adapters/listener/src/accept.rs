//! The loop that accepts connections, and what each request passes through.

use crate::limit::{Limits, Rates};
use crate::metrics::Metrics;
use crate::tls::{ClientCertificates, Tls, TlsError};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

/// How long requests that are under way may take at shutdown.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// How a listener listens.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where; port 0 is any.
    pub address: SocketAddr,
    /// TLS, if any.
    pub tls: Option<Tls>,
    /// Whether plain HTTP is meant outside loopback.
    pub plain: bool,
    /// Limits.
    pub limits: Limits,
    /// Where requests are counted.
    pub metrics: Metrics,
}

impl Options {
    /// Plain HTTP on loopback, with usual limits.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, tls: None, plain: false, limits: Limits::default(), metrics: Metrics::default() }
    }
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Plain HTTP that others could read.
    #[error("{0} is not loopback, and plain HTTP can be read and changed on its way")]
    Plain(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {0}")]
    Io(SocketAddr, #[source] io::Error),
    /// No TLS of these files.
    #[error("cannot serve TLS")]
    Tls(#[from] TlsError),
}

/// A bound address.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    metrics: Metrics,
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// When the system refuses, or it would be plain HTTP outside loopback that nobody asked for.
    pub async fn bind(options: Options) -> Result<Self, BindError> {
        if options.tls.is_none() && !options.plain && !options.address.ip().is_loopback() {
            return Err(BindError::Plain(options.address));
        }
        let tls = options.tls.as_ref().map(Tls::config).transpose()?;
        let failed = |source| BindError::Io(options.address, source);
        let listener = TcpListener::bind(options.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        Ok(Self { listener, address, tls, limits: options.limits, metrics: options.metrics })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then lets requests that are under way end.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        let shared = Arc::new(Shared {
            rates: Rates::new(&self.limits),
            limits: self.limits,
            metrics: self.metrics,
            router,
            tls: self.tls,
        });
        let graceful = GracefulShutdown::new();
        tokio::pin!(shutdown);
        loop {
            let next = async {
                let permit = Arc::clone(&connections).acquire_owned().await.ok();
                (permit, self.listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, client)) => {
                    let (shared, watcher) = (Arc::clone(&shared), graceful.watcher());
                    tokio::spawn(async move {
                        shared.connection(stream, client, watcher).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, or a client that went away: what follows may be better.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        drop(self.listener);
        let _ = timeout(SHUTDOWN_TIME, graceful.shutdown()).await;
    }
}

struct Shared {
    limits: Limits,
    rates: Rates,
    metrics: Metrics,
    router: Router,
    tls: Option<TlsAcceptor>,
}

impl Shared {
    async fn connection(self: &Arc<Self>, stream: TcpStream, client: SocketAddr, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.http(stream, client, ClientCertificates::default(), watcher).await,
            Some(tls) => match timeout(self.limits.head_time, tls.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                    let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
                    self.http(stream, client, ClientCertificates(Arc::new(chain)), watcher).await;
                }
                Ok(Err(_)) => self.metrics.count("http_refused_total", &[("reason", "tls")]),
                Err(_) => self.metrics.count("http_refused_total", &[("reason", "tls_time")]),
            },
        }
    }

    async fn http<S>(
        self: &Arc<Self>,
        stream: S,
        client: SocketAddr,
        certificates: ClientCertificates,
        watcher: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| {
            let (shared, certificates) = (Arc::clone(self), certificates.clone());
            async move { Ok::<_, Infallible>(shared.answer(request, client, certificates).await) }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.limits.head_time).max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(Some(Duration::from_secs(30)));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
        certificates: ClientCertificates,
    ) -> Response<Body> {
        let begin = Instant::now();
        let refused = |reason: &str, status: StatusCode| {
            self.metrics.count("http_refused_total", &[("reason", reason)]);
            (status, format!("{reason}\n")).into_response()
        };
        if !self.rates.admit(client.ip(), begin) {
            return refused("rate", StatusCode::TOO_MANY_REQUESTS);
        }
        let declared = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        if declared.is_some_and(|length: usize| length > self.limits.body_bytes) {
            return refused("body_too_large", StatusCode::PAYLOAD_TOO_LARGE);
        }
        let method = request.method().clone();
        let limit = self.limits.body_bytes;
        let mut request = request.map(|body| Body::new(Limited::new(body, limit)));
        request.extensions_mut().insert(ConnectInfo(client));
        request.extensions_mut().insert(certificates);
        let mut router = self.router.clone();
        let response = match timeout(self.limits.request_time, router.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => return refused("time", StatusCode::REQUEST_TIMEOUT),
        };
        let status = response.status();
        let labels = [("method", method.as_str()), ("status", status.as_str())];
        self.metrics.count("http_requests_total", &labels);
        self.metrics.observe("http_request_duration_seconds", &[], begin.elapsed());
        response
    }
}
