use crate::{Error, Fields, Map};
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// What is to be done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// PUT or POST where nothing is yet ([`Backend::exists`](crate::Backend::exists)).
    Create,
    /// GET.
    Read,
    /// PUT or POST.
    Update,
    /// PATCH with a merge patch (RFC 7396).
    Patch,
    /// DELETE.
    Delete,
    /// LIST, or GET with `list=true`.
    List,
    /// SCAN, or GET with `scan=true`: a list of everything below.
    Scan,
}

impl Operation {
    /// `Create` or `Update`.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// As audit logs and policies call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The client's certificates in DER, its own first. The listener has checked that the client has the key, and
    /// nothing else.
    pub certificates: Arc<Vec<Vec<u8>>>,
}

/// Whose token it was.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The token's accessor.
    pub accessor: String,
    /// For logs and user names: `token`, `userpass-jane`.
    pub display_name: String,
    /// The identity's entity, or empty.
    pub entity_id: String,
    /// All policies that apply.
    pub policies: Vec<String>,
    /// Metadata of the token.
    pub metadata: Vec<(String, String)>,
}

/// A request to a backend.
#[derive(Clone)]
pub struct Request {
    /// `request_id` of the answer.
    pub id: String,
    /// What is to be done.
    pub operation: Operation,
    /// The path below the mount: `data/a/b`.
    pub path: String,
    /// Body and query. Values of the query are strings.
    pub data: Map,
    /// The whole body and its content type, where it is not JSON (OCSP, snapshots).
    pub body: Option<(String, Arc<Vec<u8>>)>,
    /// Where it is mounted, `secret/`, without the namespace.
    pub mount_point: String,
    /// The mount's accessor: `kv_1a2b3c4d`.
    pub mount_accessor: String,
    /// Headers that the mount lets pass, lower case.
    pub headers: Vec<(String, String)>,
    /// The namespace: empty, or `team/`.
    pub namespace: String,
    /// Whose token; none for paths that need none.
    pub caller: Option<Caller>,
    /// Where from.
    pub connection: Connection,
    /// When.
    pub now: Timestamp,
}

impl Request {
    /// A request for tests and for what the server asks by itself.
    pub fn new(operation: Operation, path: &str, data: Map, now: Timestamp) -> Self {
        Self {
            id: String::new(),
            operation,
            path: path.to_owned(),
            data,
            body: None,
            mount_point: String::new(),
            mount_accessor: String::new(),
            headers: Vec::new(),
            namespace: String::new(),
            caller: None,
            connection: Connection::default(),
            now,
        }
    }

    /// The body's fields with their types.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(&self.data)
    }

    /// `after` and `limit` of a list; all where none is given.
    ///
    /// # Errors
    /// Where the limit is no number.
    pub fn page(&self) -> Result<(&str, usize), Error> {
        let fields = self.fields();
        let limit = fields.integer("limit")?.filter(|limit| *limit > 0);
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok((self.data.get("after").and_then(serde_json::Value::as_str).unwrap_or_default(), limit))
    }
}
