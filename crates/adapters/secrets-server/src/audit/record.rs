//! From what the core records to an entry of the audit log.

use audit::{Auth, Entry, Kind, Namespace, RawBody, Request, Response, WrapInfo};
use secrets::{AuditRecord, CoreResponse, TokenAuth};
use std::collections::BTreeMap;

/// What an entry borrows that the record has in another form.
pub(crate) struct Owned {
    address: String,
    metadata: Option<BTreeMap<String, String>>,
}

impl Owned {
    pub(crate) fn of(record: &AuditRecord<'_>) -> Self {
        let metadata = record.caller.map(|caller| caller.metadata.iter().cloned().collect());
        Self { address: record.address.map(|address| address.to_string()).unwrap_or_default(), metadata }
    }
}

/// The entry.
pub(crate) fn entry<'a>(
    kind: Kind,
    record: &'a AuditRecord<'a>,
    owned: &'a Owned,
    headers: &'a BTreeMap<String, bool>,
) -> Entry<'a> {
    let (mount_point, mount_accessor, mount_type) = record.mount.unwrap_or_default();
    let (id, path) = record.namespace;
    let (token_type, token_ttl_seconds) = record.token.unwrap_or_default();
    let token = record.client_token.unwrap_or_default();
    let accessor = record.caller.map_or("", |caller| &caller.accessor);
    let auth = record.caller.map_or_else(
        || Auth { client_token: token, ..Auth::default() },
        |caller| Auth {
            client_token: token,
            accessor: &caller.accessor,
            display_name: &caller.display_name,
            policies: &caller.policies,
            token_policies: &caller.policies,
            metadata: owned.metadata.as_ref(),
            entity_id: &caller.entity_id,
            token_type,
            token_ttl_seconds,
            ..Auth::default()
        },
    );
    Entry {
        kind,
        time: jiff::Timestamp::now(),
        auth,
        request: Request {
            id: record.id,
            operation: record.operation.name(),
            mount_point,
            mount_type,
            mount_accessor,
            mount_class: if record.path.starts_with("auth/") { "auth" } else { "secret" },
            client_token: token,
            client_token_accessor: accessor,
            namespace: Namespace { id, path },
            path: record.path,
            data: Some(record.data).filter(|data| !data.is_empty()),
            remote_address: &owned.address,
            wrap_ttl_seconds: record.wrap_ttl.map(|ttl| ttl.as_secs()).unwrap_or_default(),
            headers: record.headers,
            ..Request::default()
        },
        response: record.response.map(response).unwrap_or_default(),
        error: record.error.unwrap_or_default(),
        readable_request_keys: record.plain_request_keys,
        readable_response_keys: record.plain_response_keys,
        audited_headers: Some(headers),
    }
}

fn response(response: &CoreResponse) -> Response<'_> {
    Response {
        auth: response.auth.as_ref().map(login),
        lease_id: Some(response.lease_id.as_str()).filter(|id| !id.is_empty()),
        data: response.data.as_ref(),
        raw: response.raw.as_ref().map(|raw| RawBody {
            status: raw.status,
            content_type: &raw.content_type,
            body: &raw.body,
        }),
        warnings: &response.warnings,
        redirect: "",
        wrap_info: response.wrap_info.as_ref().map(|info| WrapInfo {
            ttl_seconds: info.ttl.as_secs(),
            token: &info.token,
            accessor: &info.accessor,
            creation_time: info.creation_time,
            creation_path: &info.creation_path,
            wrapped_accessor: &info.wrapped_accessor,
        }),
        headers: &response.headers,
    }
}

fn login(auth: &TokenAuth) -> Auth<'_> {
    Auth {
        client_token: &auth.client_token,
        accessor: &auth.accessor,
        policies: &auth.policies,
        token_policies: &auth.token_policies,
        identity_policies: &auth.identity_policies,
        metadata: auth.metadata.as_ref(),
        entity_id: &auth.entity_id,
        token_type: auth.token_type,
        token_ttl_seconds: auth.lease_duration.as_secs(),
        num_uses: u64::try_from(auth.num_uses).unwrap_or_default(),
        ..Auth::default()
    }
}
