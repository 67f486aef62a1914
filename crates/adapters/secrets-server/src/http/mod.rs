//! Vault's HTTP API (OpenBao 2.7, `internal/http`).

mod answer;
mod read;
mod sys;

use crate::server::Server;
use answer::refuse;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{HeaderValue, LOCATION};
use axum::http::{Request, Response, StatusCode};
use listener::ClientCertificates;
use logical::Operation;
use secrets::{CoreRequest, CoreResponse};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

const HANDLE: &str = "vault.core.handle_request";
const HANDLE_LOGIN: &str = "vault.core.handle_login_request";

/// Limits and settings of one listener.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// The longest body.
    pub max_request_size: usize,
    /// Whether `sys/metrics` needs no token.
    pub unauthenticated_metrics: bool,
}

/// The API of a server at one listener.
pub fn router(server: Arc<Server>, surface: Surface) -> Router {
    let face = Arc::new(Face { server, surface });
    Router::new().fallback_service(tower::service_fn(move |request: Request<Body>| {
        let face = Arc::clone(&face);
        async move { Ok::<_, Infallible>(face.answer(request).await) }
    }))
}

pub(crate) struct Face {
    pub(crate) server: Arc<Server>,
    pub(crate) surface: Surface,
}

impl Face {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = match read::path(parts.uri.path()) {
            Ok(path) => path,
            Err(text) => return refuse(StatusCode::BAD_REQUEST, text),
        };
        let Some(path) = path.strip_prefix("/v1/") else { return elsewhere(&path) };
        if let Some(under_sys) = path.strip_prefix("sys/")
            && let Some(part) = sys::part(under_sys, self.surface)
        {
            return self.sys(part, &parts, body).await;
        }
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let certificates = parts.extensions.get::<ClientCertificates>().cloned().unwrap_or_default().0;
        let connection = logical::Connection { address, certificates };
        match read::request(path, &parts, body, connection, self.surface.max_request_size).await {
            Ok(request) => answer::response(&self.handle(request).await),
            Err((status, text)) => refuse(status, &text),
        }
    }
}

impl Face {
    /// By the core, with how long it took.
    async fn handle(&self, request: CoreRequest) -> CoreResponse {
        let (core, telemetry) = (&self.server.core, &self.server.telemetry);
        let _in_flight = telemetry.begin();
        let destination = core.destination(&request.namespace, &request.path, request.operation);
        let operation = request.operation;
        let begun = Instant::now();
        let response = core.handle(request).await;
        let took = begun.elapsed();
        let is_login = destination.as_ref().is_some_and(|to| to.is_open && to.mount.contains("auth/"));
        telemetry.observe(if is_login { HANDLE_LOGIN } else { HANDLE }, took);
        if let Some(destination) = destination {
            telemetry.observe(&route_name(operation, &destination.mount), took);
        }
        response
    }
}

/// `vault.route.read.secret-`, as the peer has it.
fn route_name(operation: Operation, mount: &str) -> String {
    format!("vault.route.{}.{}", operation.name(), mount.replace('/', "-"))
}

/// What is not the API: a person who looks, or nothing.
fn elsewhere(path: &str) -> Response<Body> {
    let mut response = match path {
        "/" | "/ui" => Response::new(Body::empty()),
        "/ui/" => Response::new(Body::from("Palisade serves Vault's API under /v1/.\n")),
        _ => return refuse(StatusCode::NOT_FOUND, ""),
    };
    if path != "/ui/" {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(LOCATION, HeaderValue::from_static("/ui/"));
    }
    response
}
