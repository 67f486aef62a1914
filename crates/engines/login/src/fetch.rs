//! What is asked of other servers: keys, discovery documents, tokens, reviews of tokens.

use std::future::Future;
use std::pin::Pin;
use zeroize::Zeroizing;

/// The longest document of an issuer, in bytes.
const MAX_DOCUMENT_BYTES: usize = jose::MAX_JWKS_BYTES;

/// A request over HTTP.
pub struct Outgoing {
    /// Where to, `https` or `http`.
    pub url: String,
    /// Sent by POST with this content type; without one it is a GET.
    pub body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
    /// `Authorization`.
    pub authorization: Option<Zeroizing<String>>,
    /// Authorities in PEM of which one must have issued the server's certificate; none: the system's.
    pub ca_pem: Option<String>,
    /// Names of which the server's certificate must have one; none: that of the address.
    pub server_names: Vec<String>,
    /// The longest answer that is read, in bytes; a longer one is an error.
    pub max_bytes: usize,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            url: String::new(),
            body: None,
            authorization: None,
            ca_pem: None,
            server_names: Vec::new(),
            max_bytes: MAX_DOCUMENT_BYTES,
        }
    }
}

/// What came back.
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back. Without secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// An answer that is awaited.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Incoming, FetchError>> + Send + 'a>>;

/// Asks other servers.
pub trait Fetch: Send + Sync {
    /// Asks once, following no redirection, with a deadline of its own.
    fn fetch(&self, request: Outgoing) -> Fetching<'_>;
}

/// The body of an answer that is no refusal.
pub(crate) async fn ask(fetch: &dyn Fetch, request: Outgoing) -> Result<Vec<u8>, FetchError> {
    let url = request.url.clone();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(FetchError(format!("{url:?} is no address of HTTP")));
    }
    let answer = fetch.fetch(request).await?;
    if answer.status != 200 {
        return Err(FetchError(format!("{url} answered {}", answer.status)));
    }
    Ok(answer.body)
}
