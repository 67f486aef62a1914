use crate::answer::Answer;
use crate::call::{Call, MountSystem, identity_policies};
use crate::core::{Core, State};
use crate::finish::Audited;
use crate::identity::{Person, Who};
use crate::mount::{Class, Mount, Target};
use crate::response::{CoreResponse, TokenAuth};
use crate::route::Routed;
use crate::token::{NewToken, Token, TokenKind, sanitize_policies};
use crate::ttl::{Wanted, calculate};
use logical::{Auth, Caller, Connection, Error, TokenType};
use std::sync::Arc;

impl Core {
    /// A request that needs no token: a login, a certificate, a discovery document.
    pub(crate) async fn answer_open(&self, state: &Arc<State>, routed: &mut Routed) -> Result<CoreResponse, Error> {
        let mount = routed.mount.clone().ok_or(Error::UnsupportedPath)?;
        if routed.namespace.is_locked {
            return Err(Error::Status(
                503,
                "API access to this namespace has been locked by an administrator".to_owned(),
            ));
        }
        let alias = match &mount.target {
            Target::Backend(backend) if mount.entry.class == Class::Auth => backend.login_alias(&routed.request),
            _ => None,
        };
        let now = routed.request.now;
        if let Some(name) = &alias
            && self.is_locked(&mount, name, now)
        {
            let error = Error::Denied;
            self.audit_request(routed, None, Some(&error.to_string())).await?;
            return Err(error);
        }
        self.audit_request(routed, None, None).await?;
        let call = Call {
            core: self,
            state,
            namespace: &routed.namespace,
            mount: &mount,
            request: &routed.request,
            session: None,
            token: routed.token.as_ref().map(|token| token.as_str()),
            wrap_ttl: routed.wrap_ttl,
        };
        let mut answer = self.dispatch(&call).await;
        if let Some(name) = &alias {
            match &answer {
                Ok(answer) if answer.response.auth.is_some() => self.count_login(&mount, name, false, now),
                Err(Error::Denied | Error::DeniedBecause(_) | Error::Invalid(_)) => {
                    self.count_login(&mount, name, true, now);
                }
                _ => {}
            }
        }
        let mut caller = None;
        if let Ok(done) = &mut answer
            && let Some(auth) = done.response.auth.take()
        {
            match self.complete_login(state, routed, &mount, auth, &mut done.response.warnings).await {
                Ok((token, whose)) => (done.token, caller) = (Some(token), Some(whose)),
                Err(error) => answer = Err(error),
            }
        }
        let who = Audited { caller: caller.as_ref(), ..Audited::default() };
        self.finish(state, routed, who, answer).await
    }

    /// Makes the token of a login.
    async fn complete_login(
        &self,
        state: &Arc<State>,
        routed: &Routed,
        mount: &Mount,
        auth: Auth,
        warnings: &mut Vec<String>,
    ) -> Result<(TokenAuth, Caller), Error> {
        if mount.entry.class != Class::Auth {
            return Err(Error::internal("a secrets engine answered with a login"));
        }
        let now = routed.request.now;
        let mut policies = sanitize_policies(auth.policies.iter().cloned(), !auth.no_default_policy);
        if auth.no_default_policy {
            policies.retain(|policy| policy != acl::DEFAULT);
        }
        if policies.iter().any(|policy| policy == acl::ROOT) {
            return Err(Error::invalid("auth methods cannot create root tokens"));
        }
        policies.retain(|policy| !acl::NON_ASSIGNABLE.contains(&policy.as_str()));
        let person = match &auth.alias {
            None => None,
            Some(alias) => self.log_in(&Who { mount, alias, groups: &auth.group_aliases, now }).await?,
        };
        if person.as_ref().is_some_and(|person| person.entity.disabled) {
            return Err(Error::Denied);
        }
        let kind = token_kind(mount, &auth)?;
        let wanted = Wanted {
            ttl: auth.ttl,
            period: auth.period,
            max_ttl: auth.max_ttl,
            explicit_max_ttl: auth.explicit_max_ttl,
            ..Wanted::default()
        };
        let ttl = calculate(wanted, (mount.default_ttl, mount.max_ttl), now, now, warnings)?;
        let token = Token {
            kind,
            policies,
            path: format!("auth/{}{}", mount.entry.path, routed.request.path),
            metadata: Some(auth.metadata.clone()),
            display_name: display_name(mount, &auth),
            num_uses: if kind == TokenKind::Batch { 0 } else { i64::try_from(auth.num_uses).unwrap_or(i64::MAX) },
            created: now,
            ttl: ttl.as_secs(),
            lease_ttl: ttl.as_secs(),
            explicit_max_ttl: auth.explicit_max_ttl.as_secs(),
            period: if kind == TokenKind::Batch { 0 } else { auth.period.as_secs() },
            namespace_id: mount.namespace.id.clone(),
            entity_id: person.as_ref().map(|person| person.entity.id.clone()).unwrap_or_default(),
            bound_cidrs: auth.bound_cidrs.clone(),
            expires: Some(crate::ttl::add(now, ttl)),
            renewable: auth.renewable && kind == TokenKind::Service,
            login: (kind == TokenKind::Service && auth.renewable)
                .then(|| (mount.entry.accessor.clone(), Box::new(auth))),
            ..Token::default()
        };
        let made = self.make_token(state, NewToken { token, id: None, parent_version: None }).await?;
        let granted = self.describe_token(&made, &mount.namespace, person.as_deref());
        let caller = Caller {
            accessor: granted.accessor.clone(),
            display_name: made.token.display_name.clone(),
            entity_id: made.token.entity_id.clone(),
            policies: granted.policies.clone(),
            metadata: made.token.metadata.clone().unwrap_or_default().into_iter().collect(),
        };
        Ok((granted, caller))
    }

    /// A token as it is given to its owner.
    pub(crate) fn describe_token(
        &self,
        made: &crate::token::Found,
        namespace: &crate::namespace::Namespace,
        person: Option<&Person>,
    ) -> TokenAuth {
        let token = &made.token;
        let person = person.filter(|_| !token.no_identity_policies && !token.is_root());
        let identity = identity_policies(person, namespace);
        TokenAuth {
            client_token: made.text.clone(),
            accessor: token.accessor.clone(),
            policies: sanitize_policies(token.policies.iter().chain(&identity).cloned(), false),
            token_policies: token.policies.clone(),
            identity_policies: identity,
            metadata: token.metadata.clone(),
            lease_duration: std::time::Duration::from_secs(token.ttl),
            renewable: token.renewable,
            entity_id: token.entity_id.clone(),
            token_type: token.kind.name(),
            orphan: token.parent.is_none(),
            num_uses: token.num_uses.max(0),
        }
    }

    /// Renews what the auth method of a login says of it.
    pub(crate) async fn renew_login(
        &self,
        state: &State,
        token: &Token,
        grant: logical::Grant<'_>,
        connection: &Connection,
    ) -> Result<Option<(Auth, (std::time::Duration, std::time::Duration))>, Error> {
        let Some((accessor, auth)) = &token.login else { return Ok(None) };
        let mount = state.router.by_accessor(accessor).filter(|mount| !mount.entry.is_tainted);
        let mount = mount.ok_or_else(|| Error::invalid("the auth method of this token is no more"))?;
        let Target::Backend(backend) = &mount.target else { return Err(Error::UnsupportedPath) };
        let system = MountSystem { core: self, mount };
        let renewed = backend.renew_login_from(system.context(), auth, grant, connection).await?;
        Ok(Some((renewed, (mount.default_ttl, mount.max_ttl))))
    }
}

/// The kind of token that a mount gives for a login.
fn token_kind(mount: &Mount, auth: &Auth) -> Result<TokenKind, Error> {
    let kind = match (mount.entry.config.token_type, auth.token_type) {
        (TokenType::Service, _) => TokenKind::Service,
        (TokenType::Batch, _) => TokenKind::Batch,
        (TokenType::DefaultBatch, TokenType::Default | TokenType::DefaultBatch | TokenType::Batch) => TokenKind::Batch,
        (_, TokenType::Batch | TokenType::DefaultBatch) => TokenKind::Batch,
        _ => TokenKind::Service,
    };
    if kind == TokenKind::Batch && auth.num_uses != 0 && mount.entry.config.token_type != TokenType::Batch {
        return Err(Error::invalid("batch tokens cannot have \"num_uses\" set"));
    }
    Ok(kind)
}

/// `userpass-jane`: the mount's path and the name there.
fn display_name(mount: &Mount, auth: &Auth) -> String {
    let front = mount.entry.path.trim_end_matches('/').replace('/', "-");
    if auth.display_name.is_empty() { front } else { format!("{front}-{}", auth.display_name) }
}

impl From<TokenAuth> for Answer {
    fn from(token: TokenAuth) -> Self {
        Self { token: Some(token), ..Self::default() }
    }
}
