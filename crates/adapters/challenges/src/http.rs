use crate::addresses;
use pki::NetworkError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::net::SocketAddr;
use std::sync::Arc;

const MAX_BODY_BYTES: usize = 4096;
const MAX_REDIRECTS: usize = 10;

struct Resolver(Option<SocketAddr>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0;
        Box::pin(async move {
            let found = addresses(name.as_str(), 0, resolver).await;
            let found =
                found.map_err(|error| -> Box<dyn std::error::Error + Send + Sync> { format!("{error:?}").into() })?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The body at an address. Redirects are followed, also to HTTPS, whose certificate is not checked: the client may well be
/// waiting for its first.
pub(crate) async fn get(
    host: &str,
    port: u16,
    path: &str,
    resolver: Option<SocketAddr>,
) -> Result<Vec<u8>, NetworkError> {
    let failed = |error: reqwest::Error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        NetworkError::Connection(text)
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::limited(MAX_REDIRECTS))
        .tls_danger_accept_invalid_certs(true)
        .dns_resolver(Arc::new(Resolver(resolver)))
        .build()
        .map_err(failed)?;
    let mut response = client.get(format!("http://{host}:{port}{path}")).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(NetworkError::Connection(format!("{} answers with status {}", response.url(), response.status())));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(NetworkError::Connection(format!("the body is longer than {MAX_BODY_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
