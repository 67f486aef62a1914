use jiff::Timestamp;
use logical::{Connection, Map, Operation};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A request as it comes from a client.
pub struct CoreRequest {
    /// `request_id` of the answer: a UUID made by the caller.
    pub id: String,
    /// What is to be done; PUT and POST are [`Operation::Update`].
    pub operation: Operation,
    /// `X-Vault-Namespace`, or empty.
    pub namespace: String,
    /// The path below `/v1/`, percent-decoded.
    pub path: String,
    /// `X-Vault-Token` or the bearer token.
    pub token: Option<Zeroizing<String>>,
    /// Body and query; values of the query are strings.
    pub data: Map,
    /// The whole body and its content type, where it is not JSON.
    pub body: Option<(String, Arc<Vec<u8>>)>,
    /// All headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// `X-Vault-Wrap-TTL`.
    pub wrap_ttl: Option<Duration>,
    /// Where from.
    pub connection: Connection,
    /// When.
    pub now: Timestamp,
}

impl CoreRequest {
    /// A request without a token, body or headers.
    pub fn new(operation: Operation, path: &str, now: Timestamp) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            operation,
            namespace: String::new(),
            path: path.to_owned(),
            token: None,
            data: Map::new(),
            body: None,
            headers: Vec::new(),
            wrap_ttl: None,
            connection: Connection::default(),
            now,
        }
    }
}
