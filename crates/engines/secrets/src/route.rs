use crate::core::State;
use crate::finish::is_at_or_below;
use crate::mount::{Mount, MountEntry};
use crate::namespace::Namespace;
use crate::request::CoreRequest;
use logical::{Error, Operation, Request};
use std::sync::Arc;
use std::time::Duration;

/// What a request is after its namespace and mount were found.
pub(crate) struct Routed {
    pub(crate) namespace: Arc<Namespace>,
    /// The path in the namespace.
    pub(crate) path: String,
    pub(crate) mount: Option<Arc<Mount>>,
    /// The request with its path below the mount.
    pub(crate) request: Request,
    pub(crate) token: Option<zeroize::Zeroizing<String>>,
    pub(crate) wrap_ttl: Option<Duration>,
    /// All of them, for audit.
    pub(crate) headers: Vec<(String, String)>,
}

pub(crate) fn no_route(path: &str) -> Error {
    Error::Status(404, format!("no handler for route {path:?}. route entry not found."))
}

/// `sys` paths of the outermost namespace only.
const ROOT_ONLY: [&str; 24] = [
    "audit-hash",
    "audit",
    "config/auditing",
    "config/cors",
    "config/reload",
    "config/state",
    "config/ui",
    "generate-root",
    "health",
    "host-info",
    "in-flight-req",
    "init",
    "internal/counters",
    "internal/inspect",
    "loggers",
    "metrics",
    "monitor",
    "quotas",
    "raw",
    "rekey",
    "seal",
    "step-down",
    "storage",
    "unseal",
];

/// Finds the namespace and the mount, and refuses paths that are no paths.
pub(crate) fn route(state: &State, request: CoreRequest) -> Result<Routed, Error> {
    let CoreRequest { id, operation, namespace, path, token, data, body, headers, wrap_ttl, connection, now } = request;
    if path.split('/').any(|segment| segment == ".." || segment == ".") {
        return Err(Error::invalid("relative paths not supported"));
    }
    if path.chars().any(char::is_control) {
        return Err(Error::invalid("path contains unprintable characters"));
    }
    let (namespace, path) =
        state.router.resolve(&namespace, &path).ok_or_else(|| Error::Status(404, "namespace not found".to_owned()))?;
    if path.is_empty() {
        return Err(Error::Status(404, "no handler for route \"\". route entry not found.".to_owned()));
    }
    let mut path = path.to_owned();
    if path.ends_with('/') && (operation.is_write() || operation == Operation::Patch) {
        return Err(Error::invalid("cannot write to a path ending in '/'"));
    }
    if matches!(operation, Operation::List | Operation::Scan) && !path.ends_with('/') {
        path.push('/');
    }
    if !namespace.is_root()
        && path.strip_prefix("sys/").is_some_and(|rest| ROOT_ONLY.iter().any(|front| is_at_or_below(rest, front)))
    {
        return Err(Error::invalid("operation only available in root namespace"));
    }
    let (mount, rest) = match state.router.route(&namespace, &path) {
        Some((mount, rest)) => (Some(Arc::clone(mount)), rest.to_owned()),
        None => (None, path.clone()),
    };
    let all_headers = headers.clone();
    let entry = mount.as_ref().map(|mount| &mount.entry);
    let passes = |name: &str| {
        entry.is_some_and(|entry| {
            entry.config.passthrough_request_headers.iter().any(|kept| kept.eq_ignore_ascii_case(name))
        })
    };
    let request = Request {
        id,
        operation,
        path: rest,
        data,
        body,
        mount_point: entry.map(MountEntry::full_path).unwrap_or_default(),
        mount_accessor: entry.map(|entry| entry.accessor.clone()).unwrap_or_default(),
        headers: headers.into_iter().filter(|(name, _)| passes(name) || is_harmless(name)).collect(),
        namespace: namespace.path.clone(),
        caller: None,
        connection,
        now,
    };
    Ok(Routed {
        headers: all_headers,
        namespace,
        path,
        mount,
        request,
        token,
        wrap_ttl: wrap_ttl.filter(|ttl| !ttl.is_zero()),
    })
}

/// Headers that every backend may see.
fn is_harmless(name: &str) -> bool {
    matches!(name, "accept" | "content-type" | "user-agent" | "if-modified-since" | "x-forwarded-for")
}
