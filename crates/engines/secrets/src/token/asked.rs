use super::TokenKind;
use super::roles::Role;
use crate::call::Call;
use logical::{Error, TokenType, parse_duration};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The body of a request for a token.
pub(crate) struct Asked {
    pub(crate) id: Option<String>,
    pub(crate) policies: Vec<String>,
    pub(crate) no_default_policy: bool,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) no_parent: bool,
    pub(crate) renewable: bool,
    pub(crate) ttl: Duration,
    pub(crate) explicit_max_ttl: Duration,
    pub(crate) period: Duration,
    pub(crate) num_uses: i64,
    kind: String,
    name: String,
    entity_alias: String,
}

impl Asked {
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, Error> {
        let fields = call.request.fields();
        let duration = |name: &str| -> Result<Duration, Error> {
            let text = fields.text(name)?.unwrap_or_default();
            parse_duration(&text).map_err(|error| Error::invalid(error.to_string()))
        };
        let num_uses = fields.integer("num_uses")?.unwrap_or(0);
        if num_uses < 0 {
            return Err(Error::invalid("number of uses cannot be negative"));
        }
        let lease = duration("lease")?;
        let ttl = duration("ttl")?;
        Ok(Self {
            id: fields.text("id")?.filter(|id| !id.is_empty()),
            policies: fields.list("policies")?.unwrap_or_default(),
            no_default_policy: fields.boolean("no_default_policy")?.unwrap_or(false),
            metadata: match fields.raw("meta").or_else(|| fields.raw("metadata")) {
                None => None,
                Some(_) => fields.map(if fields.has("meta") { "meta" } else { "metadata" })?,
            },
            no_parent: fields.boolean("no_parent")?.unwrap_or(false),
            renewable: fields.boolean("renewable")?.unwrap_or(true),
            ttl: if ttl.is_zero() { lease } else { ttl },
            explicit_max_ttl: duration("explicit_max_ttl")?,
            period: duration("period")?,
            num_uses,
            kind: fields.text("type")?.unwrap_or_default(),
            name: fields.text("display_name")?.unwrap_or_default(),
            entity_alias: fields.text("entity_alias")?.unwrap_or_default(),
        })
    }

    /// The entity of an alias at the token method, which a role must allow.
    pub(crate) async fn entity(
        &self,
        call: &Call<'_>,
        role: Option<&Role>,
    ) -> Result<Option<Arc<crate::identity::Person>>, Error> {
        if self.entity_alias.is_empty() {
            return Ok(None);
        }
        let Some(role) = role else {
            return Err(Error::invalid("'entity_alias' is only allowed in combination with token role"));
        };
        let name = self.entity_alias.to_lowercase();
        if !role.allowed_entity_aliases.iter().any(|pattern| glob(pattern, &name)) {
            return Err(Error::invalid("invalid 'entity_alias' value"));
        }
        let alias = logical::Alias { name: self.entity_alias.clone(), ..logical::Alias::default() };
        let who = crate::identity::Who { mount: call.mount, alias: &alias, groups: &[], now: call.request.now };
        let person = call.core.log_in(&who).await?;
        match person {
            Some(person) if person.entity.disabled => Err(Error::Denied),
            person => Ok(person),
        }
    }

    pub(crate) fn display_name(&self) -> String {
        if self.name.is_empty() {
            return "token".to_owned();
        }
        let clean = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
        let mut name: String = format!("token-{}", self.name).chars().map(clean).collect();
        if name.ends_with('-') {
            name.pop();
        }
        name
    }

    pub(crate) fn kind(&self, role: Option<&Role>) -> Result<TokenKind, Error> {
        let asked = match role.map(|role| role.token_type) {
            Some(TokenType::Service) => "service",
            Some(TokenType::Batch) => "batch",
            Some(TokenType::DefaultBatch) if self.kind.is_empty() => "batch",
            _ => self.kind.as_str(),
        };
        match asked {
            "" | "service" => Ok(TokenKind::Service),
            "batch" => {
                let set = [
                    ("explicit_max_ttl", !self.explicit_max_ttl.is_zero()),
                    ("num_uses", self.num_uses != 0),
                    ("period", !self.period.is_zero()),
                ];
                match set.iter().find(|(_, is_set)| *is_set) {
                    Some((name, _)) => Err(Error::invalid(format!("batch tokens cannot have {name:?} set"))),
                    None => Ok(TokenKind::Batch),
                }
            }
            _ => Err(Error::invalid("invalid 'token_type' value")),
        }
    }
}

/// Whether `*` in the pattern makes it the text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|front| text.strip_prefix(front)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}
