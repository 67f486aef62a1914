//! Reaches the clients of ACME for the PKI engine: over HTTP, by TXT records, over TLS (RFC 8555, 8; RFC 8737).
//!
//! [`Network`] is the engine's [`pki::Validation`]. Nothing that a client shows is believed here: certificates are not
//! checked, since they are what is to be shown. Each call ends in time, and what is read is bounded.

mod dns;
mod http;
mod tls;

use pki::{Answer, NetworkError, Validation};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a client may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The network as it is, or with other ports than 80 and 443 for tests.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    http_port: u16,
    tls_port: u16,
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Network {
    /// With the ports that the standards name.
    pub fn new() -> Self {
        Self { http_port: 80, tls_port: 443 }
    }

    /// With these ports for HTTP and TLS.
    pub fn with_ports(http_port: u16, tls_port: u16) -> Self {
        Self { http_port, tls_port }
    }
}

impl Validation for Network {
    fn http<'a>(&'a self, host: &'a str, path: &'a str, resolver: Option<SocketAddr>) -> Answer<'a, Vec<u8>> {
        Box::pin(in_time(http::get(host, self.http_port, path, resolver)))
    }

    fn txt<'a>(&'a self, name: &'a str, resolver: Option<SocketAddr>) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(in_time(dns::txt(name, resolver)))
    }

    fn tls_alpn<'a>(
        &'a self,
        host: &'a str,
        server_name: &'a str,
        resolver: Option<SocketAddr>,
    ) -> Answer<'a, Vec<u8>> {
        Box::pin(in_time(tls::certificate(host, self.tls_port, server_name, resolver)))
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, NetworkError>>) -> Result<T, NetworkError> {
    let late = |_| NetworkError::Connection("no answer in time".to_owned());
    tokio::time::timeout(DEADLINE, call).await.map_err(late)?
}

/// The addresses of a host, by the system or by a resolver.
async fn addresses(host: &str, port: u16, resolver: Option<SocketAddr>) -> Result<Vec<SocketAddr>, NetworkError> {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Ok(address) = literal {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found: Vec<SocketAddr> = match resolver {
        Some(_) => dns::addresses(host, resolver).await?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect(),
        None => {
            let failed = |error| NetworkError::Dns(format!("{host} can't be resolved: {error}"));
            tokio::net::lookup_host((host, port)).await.map_err(failed)?.collect()
        }
    };
    if found.is_empty() { Err(NetworkError::Dns(format!("{host} has no address"))) } else { Ok(found) }
}
