use crate::answer::Answer;
use crate::call::Session;
use crate::core::{Core, State};
use crate::response::CoreResponse;
use crate::route::Routed;
use crate::settings::AuditRecord;
use crate::token::Found;
use logical::{Caller, Error, Operation, Response};
use std::sync::Arc;

/// Whose request it is, for audit and leases.
#[derive(Clone, Copy, Default)]
pub(crate) struct Audited<'a> {
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) found: Option<&'a Found>,
    pub(crate) session: Option<&'a Session>,
}

impl<'a> Audited<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        Self { caller: Some(&session.caller), found: Some(&session.found), session: Some(session) }
    }
}

impl Core {
    /// Registers the lease, wraps, records, and gives the final answer. What fails here is not answered.
    pub(crate) async fn finish(
        &self,
        state: &Arc<State>,
        routed: &Routed,
        who: Audited<'_>,
        answer: Result<Answer, Error>,
    ) -> Result<CoreResponse, Error> {
        let mut response = match answer {
            Ok(answer) => self.complete(state, routed, who, answer).await,
            Err(error) => Err(error),
        };
        let failure;
        let (shown, error) = match &response {
            Ok(response) => (response, None),
            Err(error) => {
                failure = CoreResponse::of_error(&routed.request.id, error);
                (&failure, Some(error.to_string()))
            }
        };
        let mut record = record(routed, who);
        record.response = Some(shown);
        record.error = error.as_deref();
        if self.settings().audit.response(&record).await.is_err() {
            return Err(Error::internal("the answer could not be recorded"));
        }
        if let Ok(response) = &mut response {
            let allowed = routed.mount.as_ref().map(|mount| &mount.entry.config.allowed_response_headers);
            let is_allowed = |name: &str| {
                !name.to_ascii_lowercase().starts_with("x-vault")
                    || allowed.is_some_and(|allowed| allowed.iter().any(|kept| kept.eq_ignore_ascii_case(name)))
            };
            response.headers.retain(|(name, _)| is_allowed(name));
        }
        response
    }

    async fn complete(
        &self,
        state: &Arc<State>,
        routed: &Routed,
        who: Audited<'_>,
        answer: Answer,
    ) -> Result<CoreResponse, Error> {
        let Answer { response, token, lease, wrap_ttl, wrap_info } = answer;
        let Response { data, lease: secret, auth: _, lease_duration, mut warnings, status, raw, headers } = response;
        let mut done = CoreResponse::new(&routed.request.id, 200);
        if let Some(mount) = &routed.mount {
            done.mount_type.clone_from(&mount.entry.kind);
        }
        done.lease_duration = lease_duration;
        if let (Some(secret), Some(mount), Some(session)) = (secret, &routed.mount, who.session) {
            let lease = crate::lease::register(self, routed, mount, session, secret, &mut warnings).await?;
            (done.lease_id, done.renewable, done.lease_duration) = lease;
        }
        if let Some((id, renewable, ttl)) = lease {
            (done.lease_id, done.renewable, done.lease_duration) = (id, renewable, ttl);
        }
        let is_list = matches!(routed.request.operation, Operation::List | Operation::Scan);
        let has_keys = data
            .as_ref()
            .and_then(|data| data.get("keys"))
            .is_some_and(|keys| !keys.as_array().is_some_and(Vec::is_empty));
        let is_empty = data.is_none() && token.is_none() && done.lease_id.is_empty() && wrap_info.is_none();
        done.status = match status {
            Some(status) => status,
            None if raw.is_some() => raw.as_ref().map_or(200, |raw| raw.status),
            None if is_list && !has_keys => 404,
            None if is_empty && warnings.is_empty() => 204,
            None => 200,
        };
        if done.status == 404 && is_list && !has_keys && warnings.is_empty() {
            done.data = None;
        } else {
            done.data = data;
        }
        done.warnings = warnings;
        done.auth = token;
        done.raw = raw;
        done.headers = headers;
        done.wrap_info = wrap_info;
        done.is_flat = is_flat(&routed.path);
        let ttl = [routed.wrap_ttl, wrap_ttl].into_iter().flatten().min();
        match ttl {
            Some(ttl) if done.wrap_info.is_none() && done.status < 300 && done.status != 204 => {
                self.wrap(state, routed, done, ttl).await
            }
            _ => Ok(done),
        }
    }

    /// Records a request before anything is done.
    pub(crate) async fn audit_request(
        &self,
        routed: &Routed,
        session: Option<&Session>,
        error: Option<&str>,
    ) -> Result<(), Error> {
        let mut record = record(routed, session.map(Audited::of).unwrap_or_default());
        record.error = error;
        let recorded = self.settings().audit.request(&record).await;
        recorded.map_err(|_| Error::internal("the request could not be recorded"))
    }
}

fn record<'a>(routed: &'a Routed, who: Audited<'a>) -> AuditRecord<'a> {
    let entry = routed.mount.as_ref().map(|mount| &mount.entry);
    AuditRecord {
        id: &routed.request.id,
        operation: routed.request.operation,
        path: &routed.path,
        namespace: (&routed.namespace.id, &routed.namespace.path),
        data: &routed.request.data,
        headers: &routed.headers,
        address: routed.request.connection.address,
        client_token: routed.token.as_ref().map(|token| token.as_str()),
        caller: who.caller,
        token: who.found.map(|found| (found.token.kind.name(), found.token.ttl)),
        wrap_ttl: routed.wrap_ttl,
        mount: entry.map(|entry| (entry.path.as_str(), entry.accessor.as_str(), entry.kind.as_str())),
        plain_request_keys: entry.map_or(&[], |entry| &entry.config.audit_non_hmac_request_keys),
        plain_response_keys: entry.map_or(&[], |entry| &entry.config.audit_non_hmac_response_keys),
        response: None,
        error: None,
    }
}

/// Whether the path is `front`, or below it.
pub(crate) fn is_at_or_below(path: &str, front: &str) -> bool {
    path.strip_prefix(front).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Paths whose data is repeated at the top (`injectDataIntoTopRoutes` of the peer's internal/http/handler.go).
fn is_flat(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("sys/") else { return false };
    let rest = rest.trim_end_matches('/');
    let below = ["audit", "audit-hash", "auth", "config/auditing/request-headers", "mounts", "policy"];
    below.iter().any(|front| is_at_or_below(rest, front))
        || matches!(
            rest,
            "config/cors"
                | "capabilities"
                | "capabilities-accessor"
                | "capabilities-self"
                | "ha-status"
                | "key-status"
                | "remount"
                | "rotate"
                | "rotate/keyring"
                | "wrapping/wrap"
        )
}
