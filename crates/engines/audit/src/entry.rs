use jiff::Timestamp;
use logical::Map;
use std::collections::BTreeMap;

/// What is logged. Everything is as it is; what must be hashed is hashed when the line is written.
#[derive(Clone, Default)]
pub struct Entry<'a> {
    /// What it is about.
    pub kind: Kind,
    /// When.
    pub time: Timestamp,
    /// Whose token, and what it may do.
    pub auth: Auth<'a>,
    /// What was asked.
    pub request: Request<'a>,
    /// What is answered, for [`Kind::Response`].
    pub response: Response<'a>,
    /// Why it was refused or failed; empty otherwise.
    pub error: &'a str,
    /// Keys of the request's data whose values stay readable (`audit_non_hmac_request_keys` of the mount).
    pub readable_request_keys: &'a [String],
    /// The same for the response.
    pub readable_response_keys: &'a [String],
    /// Headers that are logged, in lower case, and whether they are hashed (`sys/config/auditing`).
    pub audited_headers: Option<&'a BTreeMap<String, bool>>,
}

/// Whether a request is logged before it is done, or a response before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Before it is done.
    #[default]
    Request,
    /// Before it is sent.
    Response,
}

/// A token. In a response: the one that a login gave.
#[derive(Clone, Default)]
pub struct Auth<'a> {
    /// The token. Hashed.
    pub client_token: &'a str,
    /// Its accessor. Hashed unless the device says otherwise.
    pub accessor: &'a str,
    /// Its name.
    pub display_name: &'a str,
    /// All policies.
    pub policies: &'a [String],
    /// Those of the token.
    pub token_policies: &'a [String],
    /// Those of the identity.
    pub identity_policies: &'a [String],
    /// Those of other namespaces.
    pub external_namespace_policies: Option<&'a BTreeMap<String, Vec<String>>>,
    /// Whether `default` was left out.
    pub no_default_policy: bool,
    /// Whether it was allowed, and by what.
    pub policy_results: Option<PolicyResults<'a>>,
    /// Metadata of the token.
    pub metadata: Option<&'a BTreeMap<String, String>>,
    /// How often it may be used.
    pub num_uses: u64,
    /// How often still.
    pub remaining_uses: i64,
    /// The identity's entity.
    pub entity_id: &'a str,
    /// Whether the entity was made by this login.
    pub entity_created: bool,
    /// `service` or `batch`; empty where there is no token, which is written as `default`.
    pub token_type: &'a str,
    /// Its lifetime.
    pub token_ttl_seconds: u64,
    /// When it was issued.
    pub token_issue_time: Option<Timestamp>,
}

/// What policies said.
#[derive(Clone, Default)]
pub struct PolicyResults<'a> {
    /// Whether it was allowed.
    pub allowed: bool,
    /// By which policies.
    pub granting_policies: Vec<GrantingPolicy<'a>>,
}

/// A policy that allowed it.
#[derive(Clone, Default)]
pub struct GrantingPolicy<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it lives.
    pub namespace: Namespace<'a>,
}

/// A namespace.
#[derive(Clone, Copy, Default)]
pub struct Namespace<'a> {
    /// `root`
    pub id: &'a str,
    /// Empty, or `team/`.
    pub path: &'a str,
}

/// What was asked.
#[derive(Clone, Default)]
pub struct Request<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Who it is counted as.
    pub client_id: &'a str,
    /// `read`, `update` and so on.
    pub operation: &'a str,
    /// `secret/`
    pub mount_point: &'a str,
    /// `kv`
    pub mount_type: &'a str,
    /// The mount's accessor.
    pub mount_accessor: &'a str,
    /// The version of what is mounted.
    pub mount_running_version: &'a str,
    /// `secret` or `auth`.
    pub mount_class: &'a str,
    /// The token. Hashed.
    pub client_token: &'a str,
    /// Its accessor. Hashed unless the device says otherwise.
    pub client_token_accessor: &'a str,
    /// Where.
    pub namespace: Namespace<'a>,
    /// The whole path, with the mount.
    pub path: &'a str,
    /// Body and query. Strings are hashed.
    pub data: Option<&'a Map>,
    /// The client's address.
    pub remote_address: &'a str,
    /// Its port.
    pub remote_port: u16,
    /// How long the answer is to be wrapped.
    pub wrap_ttl_seconds: u64,
    /// All headers; those that are not in `audited_headers` are not logged.
    pub headers: &'a [(String, String)],
    /// Of the client's certificate.
    pub client_certificate_serial_number: &'a str,
}

/// What is answered.
#[derive(Clone, Default)]
pub struct Response<'a> {
    /// The token of a login.
    pub auth: Option<Auth<'a>>,
    /// The lease.
    pub lease_id: Option<&'a str>,
    /// The data. Strings are hashed.
    pub data: Option<&'a Map>,
    /// A body that is not JSON. Hashed.
    pub raw: Option<RawBody<'a>>,
    /// Warnings.
    pub warnings: &'a [String],
    /// Where to.
    pub redirect: &'a str,
    /// The token that wraps it.
    pub wrap_info: Option<WrapInfo<'a>>,
    /// Headers of the answer.
    pub headers: &'a [(String, String)],
}

/// A body that is not JSON.
#[derive(Clone, Copy)]
pub struct RawBody<'a> {
    /// The status.
    pub status: u16,
    /// The type.
    pub content_type: &'a str,
    /// The bytes.
    pub body: &'a [u8],
}

/// A token that wraps an answer.
#[derive(Clone, Default)]
pub struct WrapInfo<'a> {
    /// How long it lives.
    pub ttl_seconds: u64,
    /// The token. Hashed.
    pub token: &'a str,
    /// Its accessor.
    pub accessor: &'a str,
    /// When it was made.
    pub creation_time: Timestamp,
    /// The path of the request.
    pub creation_path: &'a str,
    /// The accessor of the wrapped token.
    pub wrapped_accessor: &'a str,
}

impl<'a> Entry<'a> {
    /// An entry for a request.
    pub fn request(time: Timestamp, request: Request<'a>) -> Self {
        Self { kind: Kind::Request, time, request, ..Self::default() }
    }

    /// The entry for the response to the same request.
    #[must_use]
    pub fn answered(self, time: Timestamp, response: Response<'a>) -> Self {
        Self { kind: Kind::Response, time, response, ..self }
    }
}
