use crate::access::policy_names;
use crate::answer::Answer;
use crate::call::{Call, MountSystem, Session, identity_policies};
use crate::core::{Core, State};
use crate::finish::Audited;
use crate::mount::{Mount, Target, matches_any};
use crate::namespace::Namespace;
use crate::request::CoreRequest;
use crate::response::CoreResponse;
use crate::route::{Routed, no_route, route};
use crate::token::{Found, LAST_USE};
use acl::{Access, KeyFilter};
use logical::{Caller, Error, Operation};
use std::sync::Arc;

impl Core {
    /// Answers a request: finds its namespace, mount and token, checks what it may, records it, and routes it.
    pub async fn handle(&self, request: CoreRequest) -> CoreResponse {
        let id = request.id.clone();
        match self.answer(request).await {
            Ok(response) => response,
            Err(error) => {
                if let Error::Internal(cause) = &error {
                    tracing::error!(request = id, %cause, "a request failed");
                }
                CoreResponse::of_error(&id, &error)
            }
        }
    }

    async fn answer(&self, request: CoreRequest) -> Result<CoreResponse, Error> {
        let state = self.state()?;
        let mut routed = route(&state, request)?;
        let whole = format!("{}{}", routed.namespace.path, routed.path);
        self.count_request(&whole, routed.request.connection.address, routed.request.now)?;
        let is_open = routed
            .mount
            .as_ref()
            .is_some_and(|mount| matches_any(&mount.special.unauthenticated, &routed.request.path));
        if is_open {
            self.answer_open(&state, &mut routed).await
        } else {
            self.answer_checked(&state, &mut routed).await
        }
    }

    /// A request that needs a token.
    async fn answer_checked(&self, state: &Arc<State>, routed: &mut Routed) -> Result<CoreResponse, Error> {
        // Whoever is not known reads nothing but this; a wrapping token that was used, the same as one that never was.
        let opens_own = crate::wrapping::opens_own(routed);
        let unknown = || match opens_own {
            true => crate::wrapping::invalid(),
            false => Error::DeniedBecause("permission denied".to_owned()),
        };
        let Some(text) = routed.token.clone() else { return Err(unknown()) };
        let now = routed.request.now;
        let found = self.find_token(state, &text, now).await?;
        let checked = match found {
            None => Err(unknown()),
            Some(found) => self.session(state, found, routed).await,
        };
        let mut session = match checked {
            Ok(session) => session,
            Err(error) => return self.refuse(routed, None, error).await,
        };
        if routed.request.operation.is_write() {
            routed.request.operation = self.write_operation(routed, &session).await?;
        }
        let allowed = check(&session, routed);
        // A use is counted also where it is refused.
        self.use_token(&mut session.found, now).await?;
        let is_last_use = session.found.token.num_uses == LAST_USE;
        let result = match allowed {
            Err(error) => self.refuse(routed, Some(&session), error).await,
            Ok(filter) => {
                if let Some(limit) = filter.limit {
                    routed.request.data.insert("limit".to_owned(), limit.to_string().into());
                }
                self.answer_allowed(state, routed, &session, filter.keys.as_deref()).await
            }
        };
        if is_last_use {
            self.revoke_token(state, &session.found.hash, now).await?;
            if result.as_ref().is_ok_and(|response| !response.lease_id.is_empty()) {
                return Err(Error::invalid(
                    "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.",
                ));
            }
        }
        result
    }

    async fn answer_allowed(
        &self,
        state: &Arc<State>,
        routed: &Routed,
        session: &Session,
        keys_filter: Option<&str>,
    ) -> Result<CoreResponse, Error> {
        self.audit_request(routed, Some(session), None).await?;
        let answer = match &routed.mount {
            None => Err(no_route(&routed.path)),
            Some(mount) => {
                let call = Call {
                    core: self,
                    state,
                    namespace: &routed.namespace,
                    mount,
                    request: &routed.request,
                    session: Some(session),
                    token: routed.token.as_ref().map(|token| token.as_str()),
                    wrap_ttl: routed.wrap_ttl,
                };
                self.dispatch(&call).await
            }
        };
        let answer = match (answer, keys_filter) {
            (Ok(answer), Some(filter)) => filter_keys(answer, filter, session, routed),
            (answer, _) => answer,
        };
        self.finish(state, routed, Audited::of(session), answer).await
    }

    /// To the part that answers.
    pub(crate) async fn dispatch(&self, call: &Call<'_>) -> Result<Answer, Error> {
        match &call.mount.target {
            Target::System => crate::sys::handle(call).await,
            Target::Cubbyhole => crate::cubbyhole::handle(call).await,
            Target::Identity => crate::identity::handle(call).await,
            Target::Token => crate::token::handle(call).await,
            Target::Missing => Err(no_route(&call.request.path)),
            Target::Backend(_) if call.mount.entry.is_tainted => Err(no_route(&call.request.path)),
            Target::Backend(backend) => {
                let system = MountSystem { core: self, mount: call.mount };
                let response = backend.handle(system.context(), call.request).await?;
                if response.auth.is_some() && call.session.is_some() {
                    return Err(Error::internal("a backend answered a request with a login"));
                }
                Ok(response.into())
            }
        }
    }

    /// The rest of what is known of a valid token.
    async fn session(&self, state: &State, found: Found, routed: &mut Routed) -> Result<Session, Error> {
        let namespace = state.router.namespace_by_id(&found.token.namespace_id).ok_or(Error::Denied)?;
        if namespace.is_locked || routed.namespace.is_locked && !namespace.is_root() {
            return Err(Error::Status(
                503,
                "API access to this namespace has been locked by an administrator".to_owned(),
            ));
        }
        let session = self.session_of(state, found, namespace, routed.request.now).await?;
        if !session.found.token.permits_address(routed.request.connection.address) {
            return Err(Error::Denied);
        }
        // A wrapping token opens its answer wherever it is brought.
        if session.found.token.is_wrapping() && routed.path.starts_with("sys/wrapping/") {
            routed.namespace = Arc::clone(namespace);
            routed.request.namespace.clone_from(&namespace.path);
            let (mount, _) = state.router.route(namespace, &routed.path).ok_or(Error::Denied)?;
            routed.mount = Some(Arc::clone(mount));
        }
        routed.request.caller = Some(session.caller.clone());
        Ok(session)
    }

    /// A token's session without what depends on the request.
    pub(crate) async fn session_of(
        &self,
        state: &State,
        found: Found,
        namespace: &Arc<Namespace>,
        now: jiff::Timestamp,
    ) -> Result<Session, Error> {
        let token = &found.token;
        let person = if token.entity_id.is_empty() { None } else { self.person(&token.entity_id).await? };
        if !token.entity_id.is_empty() && person.as_ref().is_none_or(|person| person.entity.disabled) {
            return Err(Error::Denied);
        }
        let granting = person.as_deref().filter(|_| !token.no_identity_policies && !token.is_root());
        let names = policy_names(state, namespace, &token.policies, granting);
        let acl = self.acl(&names, namespace, person.as_deref(), now).await?;
        let identity = identity_policies(granting, namespace);
        let policies = crate::token::sanitize_policies(token.policies.iter().cloned().chain(identity), false);
        let caller = Caller {
            accessor: token.accessor.clone(),
            display_name: token.display_name.clone(),
            entity_id: token.entity_id.clone(),
            policies,
            metadata: token.metadata.clone().unwrap_or_default().into_iter().collect(),
        };
        Ok(Session { namespace: Arc::clone(namespace), acl, caller, found })
    }

    /// Whether a write creates or updates, as the backend says.
    async fn write_operation(&self, routed: &Routed, session: &Session) -> Result<Operation, Error> {
        let Some(mount) = &routed.mount else { return Ok(Operation::Update) };
        let exists = match &mount.target {
            Target::Backend(backend) if !mount.entry.is_tainted => {
                let system = MountSystem { core: self, mount };
                backend.exists(system.context(), &routed.request).await?
            }
            Target::Cubbyhole => Some(self.is_in_cubbyhole(&session.found.hash, &routed.request.path).await?),
            _ => None,
        };
        Ok(if exists == Some(false) { Operation::Create } else { Operation::Update })
    }

    /// Records a request that is refused.
    async fn refuse(&self, routed: &Routed, session: Option<&Session>, error: Error) -> Result<CoreResponse, Error> {
        self.audit_request(routed, session, Some(&error.to_string())).await?;
        Err(error)
    }
}

/// What a list may show.
struct Limits {
    limit: Option<i64>,
    keys: Option<String>,
}

/// Whether the token may do it.
fn check(session: &Session, routed: &Routed) -> Result<Limits, Error> {
    let access = Access {
        operation: routed.request.operation,
        namespace: &routed.namespace.path,
        path: &routed.path,
        data: &routed.request.data,
        wrap_ttl: routed.wrap_ttl,
    };
    let allowed = session.acl.allow(&access).map_err(|_| Error::Denied)?;
    let needs_root = routed.mount.as_ref().is_some_and(|mount| needs_sudo(mount, &routed.request.path));
    if needs_root && !allowed.root_privileges {
        return Err(Error::Denied);
    }
    // Approval by others and second factors are asked for by a policy that this server can't fulfil: it stays shut.
    if allowed.control_group().is_some() || !allowed.mfa_methods().is_empty() {
        return Err(Error::Denied);
    }
    Ok(Limits { limit: allowed.limit, keys: allowed.keys_filter.map(str::to_owned) })
}

fn needs_sudo(mount: &Mount, path: &str) -> bool {
    // A list of `leases/` is one of `leases`.
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    matches_any(&mount.special.root, path) || matches_any(&mount.special.root, trimmed)
}

/// Keeps the keys that may be read or listed.
fn filter_keys(mut answer: Answer, filter: &str, session: &Session, routed: &Routed) -> Result<Answer, Error> {
    let Some(data) = &mut answer.response.data else { return Ok(answer) };
    if data.is_empty() {
        return Ok(answer);
    }
    let filter = KeyFilter::new(filter).map_err(Error::internal)?;
    if data.keys().any(|name| name != "keys" && name != "key_info") {
        return Err(Error::internal("a filtered list has more than keys"));
    }
    let mut kept = Vec::new();
    let keys =
        data.get("keys").and_then(serde_json::Value::as_array).ok_or_else(|| Error::internal("a list without keys"))?;
    for key in keys.iter().filter_map(serde_json::Value::as_str) {
        let path = filter.path(&routed.path, key).map_err(Error::internal)?;
        let operation = if key.ends_with('/') { Operation::List } else { Operation::Read };
        let none = logical::Map::new();
        let access = Access { operation, namespace: &routed.namespace.path, path: &path, data: &none, wrap_ttl: None };
        if session.acl.allow(&access).is_ok() {
            kept.push(key.to_owned());
        }
    }
    if let Some(info) = data.get_mut("key_info").and_then(serde_json::Value::as_object_mut) {
        info.retain(|key, _| kept.contains(key));
    }
    data.insert("keys".to_owned(), kept.into());
    Ok(answer)
}
