use crate::response::CoreResponse;
use logical::{Backend, Caller, Error, Map, Operation, Pending, Request, Response};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Makes a backend for a mount; it is given the mount's options (`version` of KV).
pub type Factory = Arc<dyn Fn(&BTreeMap<String, String>) -> Arc<dyn Backend> + Send + Sync>;

/// What the server is given once.
#[derive(Clone)]
pub struct Settings {
    /// The address under which clients reach the server.
    pub api_address: Option<String>,
    /// The name of the cluster.
    pub cluster_name: String,
    /// Its identifier.
    pub cluster_id: String,
    /// The version that is told.
    pub version: String,
    /// Lifetime of leases and tokens where a mount says nothing.
    pub default_lease_ttl: Duration,
    /// Their greatest lifetime.
    pub max_lease_ttl: Duration,
    /// Secrets engines by type.
    pub secrets_engines: BTreeMap<String, Factory>,
    /// Auth methods by type.
    pub auth_methods: BTreeMap<String, Factory>,
    /// What needs the barrier or the process.
    pub operator: Arc<dyn Operator>,
    /// Where requests and answers are recorded.
    pub audit: Arc<dyn Audit>,
}

/// Does what needs the barrier or the process: `seal`, `rotate`, `key-status`, `step-down`, `storage/raft/*`,
/// `config/state/sanitized`, `host-info`. The token has been checked already.
pub trait Operator: Send + Sync {
    /// Answers a path below `sys/`.
    fn handle<'a>(&'a self, request: &'a Request) -> Pending<'a, Response> {
        let _ = request;
        Box::pin(async { Err(Error::UnsupportedPath) })
    }
}

/// What is recorded of a request, and of its answer.
pub struct AuditRecord<'a> {
    /// `request_id`.
    pub id: &'a str,
    /// What is to be done.
    pub operation: Operation,
    /// The path in the namespace.
    pub path: &'a str,
    /// The namespace's identifier and path.
    pub namespace: (&'a str, &'a str),
    /// Body and query.
    pub data: &'a Map,
    /// Headers of the request, of which the audit takes those it was told to.
    pub headers: &'a [(String, String)],
    /// Where from.
    pub address: Option<IpAddr>,
    /// The token of the request.
    pub client_token: Option<&'a str>,
    /// Whose token it is, where it was found to be valid.
    pub caller: Option<&'a Caller>,
    /// `service` or `batch`, with its lifetime in seconds.
    pub token: Option<(&'static str, u64)>,
    /// How long the answer is to be wrapped.
    pub wrap_ttl: Option<Duration>,
    /// The mount: path, accessor, type.
    pub mount: Option<(&'a str, &'a str, &'a str)>,
    /// Keys of the request whose values are recorded as they are.
    pub plain_request_keys: &'a [String],
    /// Keys of the answer whose values are recorded as they are.
    pub plain_response_keys: &'a [String],
    /// The answer.
    pub response: Option<&'a CoreResponse>,
    /// Why it was refused.
    pub error: Option<&'a str>,
}

/// An audit device as it is stored.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct AuditDevice {
    /// Its path: `file/`.
    pub path: String,
    /// `file`, `socket`, `http`, `syslog`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub description: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
    /// Whether other clusters have it not.
    pub local: bool,
}

/// Records requests and answers. A request that can't be recorded is not answered.
pub trait Audit: Send + Sync {
    /// Records a request before anything is done.
    fn request<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()>;

    /// Records an answer before it is sent.
    fn response<'a>(&'a self, record: &'a AuditRecord<'a>) -> Pending<'a, ()>;

    /// Begins to use a device; also for each at start.
    fn enable<'a>(&'a self, device: &'a AuditDevice) -> Pending<'a, ()>;

    /// Ends the use of a device.
    fn disable<'a>(&'a self, path: &'a str) -> Pending<'a, ()>;

    /// How a device writes a value (`hmac-sha256:...`); none where there is no such device.
    fn hash<'a>(&'a self, path: &'a str, input: &'a str) -> Pending<'a, Option<String>>;

    /// The request headers that are recorded, and whether their values are hashed.
    fn headers<'a>(&'a self, headers: &'a BTreeMap<String, bool>) -> Pending<'a, ()>;
}
