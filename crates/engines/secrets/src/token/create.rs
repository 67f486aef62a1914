use super::asked::Asked;
use super::roles::{Role, find_role};
use super::store::parse_cidr;
use super::{Found, Token, TokenKind, random_text, sanitize_policies};
use crate::answer::Answer;
use crate::call::Call;
use crate::core::{Core, State};
use crate::namespace::{Namespace, ROOT_ID};
use crate::ttl::{Wanted, add, calculate};
use jiff::Timestamp;
use logical::{Batch, Error};
use std::time::Duration;
use zeroize::Zeroizing;

/// The path of root tokens that no request made.
pub(crate) const FIRST: &str = "auth/token/root";

/// A token to be stored.
pub(crate) struct NewToken {
    pub(crate) token: Token,
    /// Its text; none for a random one.
    pub(crate) id: Option<String>,
    /// The version at which the parent was read: it must not have been revoked since.
    pub(crate) parent_version: Option<u64>,
}

impl Core {
    /// Gives a token its text and accessor, and stores it.
    pub(crate) async fn make_token(&self, state: &State, new: NewToken) -> Result<Found, Error> {
        let NewToken { mut token, id, parent_version } = new;
        let namespace = state.router.namespace_by_id(&token.namespace_id).ok_or(Error::Denied)?;
        let suffix = namespace.suffix();
        if token.kind == TokenKind::Batch {
            let text = Zeroizing::new(format!("{}{suffix}", *state.keys.seal_batch(&token)?));
            return Ok(Found { hash: state.keys.hash(&text), text, token, version: None });
        }
        let text = match id {
            Some(id) => Zeroizing::new(id),
            None => Zeroizing::new(format!("hvs.{}{suffix}", *random_text(24)?)),
        };
        token.accessor = format!("{}{suffix}", *random_text(24)?);
        let hash = state.keys.hash(&text);
        let mut batch = Batch::new();
        if let Some(parent) = &token.parent {
            batch.require(super::store::token_key(parent), parent_version);
        }
        self.put_token(state, &mut batch, &hash, &token)?;
        let version = self.storage().commit(batch).await?;
        Ok(Found { text, hash, token, version: Some(version) })
    }

    pub(crate) async fn new_root_token(&self, text: Option<&str>, now: Timestamp) -> Result<Zeroizing<String>, Error> {
        let state = self.state()?;
        let token = Token {
            policies: vec![acl::ROOT.to_owned()],
            path: FIRST.to_owned(),
            display_name: "root".to_owned(),
            created: now,
            namespace_id: ROOT_ID.to_owned(),
            ..Token::default()
        };
        let new = NewToken { token, id: text.map(str::to_owned), parent_version: None };
        match self.make_token(&state, new).await {
            Ok(found) => Ok(found.text),
            Err(Error::Conflict) => Err(Error::invalid("cannot create a token with a duplicate ID")),
            Err(error) => Err(error),
        }
    }
}

/// `create`, `create-orphan` and `create/<role>`.
pub(crate) async fn create(call: &Call<'_>, role: Option<&str>, is_orphan_path: bool) -> Result<Answer, Error> {
    let session = call.session()?;
    let (parent, request) = (&session.found.token, call.request);
    if parent.kind == TokenKind::Batch {
        return Err(Error::invalid("batch tokens cannot create more tokens"));
    }
    if parent.num_uses != 0 {
        return Err(Error::invalid("restricted use token cannot generate child tokens"));
    }
    let role = match role {
        None => None,
        Some(name) => {
            let found = find_role(call.core, call.namespace, name).await?;
            Some(found.ok_or_else(|| Error::invalid(format!("unknown role {name}")))?)
        }
    };
    let role = role.as_ref();
    let asked = Asked::of(call)?;
    let is_sudo = call.has_sudo();
    if call.namespace.id != session.namespace.id {
        if !is_sudo {
            let text = "root or sudo privileges required to directly generate a token in a child namespace";
            return Err(Error::invalid(text));
        }
        if asked.policies.iter().any(|policy| policy.trim().eq_ignore_ascii_case(acl::ROOT)) {
            return Err(Error::invalid("root tokens may not be created from a parent namespace"));
        }
    }
    let kind = asked.kind(role)?;
    let mut token = Token {
        kind,
        path: format!("auth/token/{}", request.path),
        metadata: asked.metadata.clone(),
        display_name: asked.display_name(),
        num_uses: asked.num_uses,
        created: request.now,
        namespace_id: call.namespace.id.clone(),
        renewable: asked.renewable && kind == TokenKind::Service && role.is_none_or(|role| role.renewable),
        ..Token::default()
    };
    if let Some(role) = role {
        token.role.clone_from(&role.name);
        token.num_uses = match (role.token_num_uses, token.num_uses) {
            (0, uses) => uses,
            (limit, 0) => limit,
            (limit, uses) => limit.min(uses),
        };
        if !role.path_suffix.is_empty() {
            token.path = format!("{}/{}", token.path, role.path_suffix);
        }
    }
    if asked.id.is_some() {
        check_id(&asked, is_sudo, call.namespace)?;
    }
    token.policies = super::paths::policies(call, &asked, role, is_sudo)?;
    if token.is_root() {
        if !parent.is_root() {
            return Err(Error::invalid("root tokens may not be created without parent token being root"));
        }
        if kind == TokenKind::Batch {
            return Err(Error::invalid("batch tokens cannot be root tokens"));
        }
    }
    let is_orphan = match role {
        Some(role) => role.orphan,
        None if asked.no_parent && !is_sudo => {
            return Err(Error::invalid("root or sudo privileges required to create orphan token"));
        }
        None => asked.no_parent || is_orphan_path,
    };
    if let Some(role) = role {
        token.bound_cidrs.clone_from(&role.token_bound_cidrs);
    }
    let person = asked.entity(call, role).await?;
    if let Some(person) = &person {
        token.entity_id.clone_from(&person.entity.id);
    }
    if !is_orphan {
        token.parent = Some(session.found.hash.clone());
        if person.is_none() {
            token.entity_id.clone_from(&parent.entity_id);
        }
        if role.is_none() {
            token.bound_cidrs.clone_from(&parent.bound_cidrs);
        }
    }
    let mut answer = Answer::empty();
    lifetimes(call, &asked, role, is_sudo, &mut token, &mut answer.response.warnings)?;
    if asked.id.is_some() {
        answer = answer.warn("Supplying a custom ID for the token makes it as easy to guess as the ID is.");
    }
    for policy in &token.policies {
        if policy != acl::ROOT && call.core.policy_text(call.namespace, policy).await?.is_none() {
            answer = answer.warn(format!("Policy {policy:?} does not exist"));
        }
    }
    let has_parent = token.parent.is_some();
    let new =
        NewToken { token, id: asked.id.clone(), parent_version: if has_parent { session.found.version } else { None } };
    let made = match call.core.make_token(call.state, new).await {
        Err(Error::Conflict) if asked.id.is_some() => {
            return Err(Error::invalid("cannot create a token with a duplicate ID"));
        }
        // The parent was renewed or revoked meanwhile.
        Err(Error::Conflict) => return Err(Error::invalid("parent token lookup failed: it has changed, try again")),
        made => made?,
    };
    let person = match (&person, made.token.entity_id.as_str()) {
        (Some(person), _) => Some(std::sync::Arc::clone(person)),
        (None, "") => None,
        (None, id) => call.core.person(id).await?,
    };
    answer.token = Some(call.core.describe_token(&made, call.namespace, person.as_deref()));
    Ok(answer)
}

fn check_id(asked: &Asked, is_sudo: bool, namespace: &Namespace) -> Result<(), Error> {
    if !is_sudo {
        return Err(Error::invalid("root or sudo privileges required to specify token id"));
    }
    if !namespace.is_root() {
        return Err(Error::invalid("token IDs can only be manually specified in the root namespace"));
    }
    let id = asked.id.as_deref().unwrap_or_default();
    if ["s.", "hvs.", "b.", "hvb.", "hvr."].iter().any(|prefix| id.starts_with(prefix)) {
        return Err(Error::invalid("custom token ID cannot have the prefix of generated tokens"));
    }
    if id.contains('.') {
        return Err(Error::invalid("custom token ID cannot have a '.' in the value"));
    }
    if id.len() > 512 || id.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(Error::invalid("custom token ID has characters that can't be in a header, or is too long"));
    }
    Ok(())
}

/// Settles lifetime, period and bounds of the token.
fn lifetimes(
    call: &Call<'_>,
    asked: &Asked,
    role: Option<&Role>,
    is_sudo: bool,
    token: &mut Token,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let now = call.request.now;
    let mut explicit_max_ttl = asked.explicit_max_ttl;
    let mut period = asked.period;
    if !period.is_zero() && !is_sudo && role.is_none_or(|role| role.token_period == 0) {
        return Err(Error::invalid("root or sudo privileges required to create periodic token"));
    }
    if let Some(role) = role {
        let (role_period, bound) =
            (Duration::from_secs(role.token_period), Duration::from_secs(role.token_explicit_max_ttl));
        if !role_period.is_zero() {
            period = role_period;
        }
        if !bound.is_zero() {
            if explicit_max_ttl > bound {
                warnings.push(format!(
                    "Explicit max TTL specified both during creation call and in role; using the lesser value of {} seconds",
                    bound.as_secs()
                ));
            }
            explicit_max_ttl = if explicit_max_ttl.is_zero() { bound } else { explicit_max_ttl.min(bound) };
        }
    }
    if token.kind == TokenKind::Batch {
        (explicit_max_ttl, period) = (Duration::ZERO, Duration::ZERO);
    }
    let mut ttl = asked.ttl;
    if !period.is_zero() || !ttl.is_zero() || !token.is_root() {
        let wanted = Wanted { ttl, period, explicit_max_ttl, ..Wanted::default() };
        ttl = calculate(wanted, (call.mount.default_ttl, call.mount.max_ttl), now, now, warnings)?;
    }
    if ttl.is_zero() {
        ttl = explicit_max_ttl;
    }
    if ttl.is_zero() {
        if call.session()?.found.token.expires.is_some() {
            return Err(Error::invalid("expiring root tokens cannot create non-expiring root tokens"));
        }
        token.renewable = false;
        token.bound_cidrs.clear();
    }
    token.ttl = ttl.as_secs();
    token.lease_ttl = token.ttl;
    token.period = period.as_secs();
    token.explicit_max_ttl = explicit_max_ttl.as_secs();
    token.expires = (!ttl.is_zero()).then(|| add(now, ttl));
    Ok(())
}

/// Blocks as they are given, or why one is none.
pub(crate) fn check_cidrs(cidrs: Vec<String>) -> Result<Vec<String>, Error> {
    match cidrs.iter().find(|cidr| parse_cidr(cidr).is_none()) {
        Some(cidr) => Err(Error::invalid(format!("error parsing bound CIDR {cidr:?}"))),
        None => Ok(cidrs),
    }
}

/// Policies as a token may hold them.
pub(crate) fn clean(policies: &[String], add_default: bool) -> Vec<String> {
    sanitize_policies(policies.iter().cloned(), add_default)
}
