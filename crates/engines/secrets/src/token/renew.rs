use super::paths::{token_of_accessor, token_of_body};
use super::store::token_key;
use super::{Found, Token, TokenKind};
use crate::answer::Answer;
use crate::call::Call;
use crate::core::{Core, State};
use crate::ttl::{Wanted, add, calculate};
use logical::{Batch, Error, Grant, Request};
use std::time::Duration;
use zeroize::Zeroizing;

/// `renew-self`, `renew`, `renew-accessor`.
pub(crate) async fn handle(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let increment = call.request.fields().duration("increment")?.unwrap_or_default();
    let session = call.session()?;
    let (text, hash) = match path {
        "renew-self" => (session.found.text.clone(), session.found.hash.clone()),
        "renew" => {
            let found = token_of_body(call).await?.ok_or_else(|| Error::invalid("token not found"))?;
            (found.text, found.hash)
        }
        _ => {
            let (hash, _) = token_of_accessor(call).await?.ok_or_else(|| Error::invalid("invalid accessor"))?;
            (Zeroizing::new(String::new()), hash)
        }
    };
    if session.found.hash == hash && session.found.token.kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot be renewed"));
    }
    let (token, warnings) = call.core.renew_token(call.state, &hash, increment, call.request).await?;
    let namespace = call.state.router.namespace_by_id(&token.namespace_id).ok_or(Error::Denied)?;
    let person = match token.entity_id.as_str() {
        "" => None,
        id => call.core.person(id).await?,
    };
    let left = token.expires.map_or(Duration::ZERO, |expires| crate::ttl::until(expires, call.request.now));
    let found = Found { text, hash, token, version: None };
    let mut granted = call.core.describe_token(&found, namespace, person.as_deref());
    granted.lease_duration = left;
    let mut answer = Answer::from(granted);
    answer.response.warnings = warnings;
    Ok(answer)
}

impl Core {
    /// Gives a token more time, as far as it may have. Answers the token as it is then.
    pub(crate) async fn renew_token(
        &self,
        state: &State,
        hash: &str,
        increment: Duration,
        request: &Request,
    ) -> Result<(Token, Vec<String>), Error> {
        let now = request.now;
        loop {
            let mut warnings = Vec::new();
            let (mut token, version) =
                self.find_hash(hash, now).await?.ok_or_else(|| Error::invalid("token not found"))?;
            let expires = token.expires.filter(|_| token.renewable);
            let expires = expires.ok_or_else(|| Error::invalid("lease is not renewable"))?;
            let namespace = state.router.namespace_by_id(&token.namespace_id).ok_or(Error::Denied)?;
            let own = state.router.at(namespace, "auth/token/").ok_or(Error::Denied)?;
            let mut mount = (own.default_ttl, own.max_ttl);
            let mut wanted = Wanted {
                increment,
                ttl: Duration::from_secs(token.lease_ttl),
                period: Duration::from_secs(token.period),
                explicit_max_ttl: Duration::from_secs(token.explicit_max_ttl),
                ..Wanted::default()
            };
            let path = token.path.clone();
            let grant = Grant { issued: token.created, expires, increment, now, path: &path };
            if let Some((auth, of_mount)) = self.renew_login(state, &token, grant, &request.connection).await? {
                mount = of_mount;
                wanted.ttl = auth.ttl;
                wanted.max_ttl = auth.max_ttl;
                wanted.period = auth.period;
                if let Some((_, kept)) = &mut token.login {
                    **kept = auth;
                }
            }
            let ttl = calculate(wanted, mount, token.created, now, &mut warnings)?;
            let lease_id = token.lease_id(hash);
            let mut batch = Batch::new();
            batch.delete(crate::lease::expiry_key(expires, &token.namespace_id, &lease_id));
            let expires = add(now, ttl);
            token.expires = Some(expires);
            token.renewed = Some(now);
            token.lease_ttl = ttl.as_secs();
            let key = token_key(hash);
            batch.put_json(key.as_str(), &token)?.require(key.as_str(), Some(version));
            crate::lease::put_token_lease(&mut batch, &lease_id, &token.namespace_id, hash, expires)?;
            match self.storage().commit(batch).await {
                Ok(_) => return Ok((token, warnings)),
                Err(Error::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
