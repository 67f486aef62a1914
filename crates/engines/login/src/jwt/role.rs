//! Roles, and the login that a role makes of claims.

use super::claims;
use super::validate::Leeways;
use crate::path::{retry, role_row};
use crate::token::TokenParams;
use gotemplate::{Functions, Limits, Template};
use logical::{
    Alias, Auth, Batch, Context, Error, Fields, Map, Operation, Request, Response, StorageExt, format_duration,
    parse_duration,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const LEGACY: &[&str] = &["policies", "ttl", "max_ttl", "period", "bound_cidrs", "num_uses"];
/// Most groups of a login.
const MAX_GROUPS: usize = 1000;

/// Field names as in the peer's API. A list that was never given is none.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) token: TokenParams,
    pub(super) role_type: String,
    pub(super) expiration_leeway: i64,
    pub(super) not_before_leeway: i64,
    pub(super) clock_skew_leeway: i64,
    pub(super) bound_audiences: Option<Vec<String>>,
    pub(super) bound_subject: String,
    pub(super) bound_claims_type: String,
    pub(super) bound_claims: Option<Map>,
    pub(super) claim_mappings: Option<BTreeMap<String, String>>,
    pub(super) oauth2_metadata: Option<Vec<String>>,
    pub(super) user_claim: String,
    pub(super) user_claim_json_pointer: bool,
    pub(super) groups_claim: String,
    pub(super) oidc_scopes: Option<Vec<String>>,
    pub(super) allowed_redirect_uris: Option<Vec<String>>,
    pub(super) callback_mode: String,
    pub(super) poll_interval: u64,
    pub(super) verbose_oidc_logging: bool,
    pub(super) max_age: u64,
    pub(super) token_policies_template_claims: bool,
    pub(super) oidc_disable_confirmation: bool,
}

pub(super) use crate::path::role_row as row;

pub(super) async fn handle(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => {
            let role: Role = context.storage.get_json(&role_row(name)).await?.ok_or(Error::NotFound)?;
            Ok(Response::json(role.show().into()))
        }
        Operation::Create | Operation::Update => retry(|| Box::pin(write(context, request, name))).await,
        Operation::Delete => {
            context.storage.delete(&role_row(name)).await?;
            Ok(Response::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn write(context: Context<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let found: Option<(Role, u64)> = context.storage.get_json_at(&role_row(name)).await?;
    let version = found.as_ref().map(|(_, version)| *version);
    let mut role = found.map_or_else(Role::new, |(role, _)| role);
    role.read(request.fields())?;
    let (_, max) = context.system.lifetimes();
    if role.token.period > max.as_secs() {
        return Err(Error::invalid(format!(
            "'period' of '{:?}' is greater than the backend's maximum lease TTL of '{:?}'",
            format_duration(Duration::from_secs(role.token.period)),
            format_duration(max)
        )));
    }
    let mut response = Response::empty();
    if role.token.max_ttl > max.as_secs() {
        response = response.warn(
            "token max ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value \
             will be truncated",
        );
    }
    if role.verbose_oidc_logging {
        response = response.warn("verbose_oidc_logging has no effect: claims and tokens are never logged");
    }
    let mut batch = Batch::new();
    batch.require(role_row(name), version).put_json(role_row(name), &role)?;
    context.storage.commit(batch).await?;
    Ok(response)
}

impl Role {
    fn new() -> Self {
        Self {
            token: TokenParams::default(),
            role_type: String::new(),
            expiration_leeway: 0,
            not_before_leeway: 0,
            clock_skew_leeway: 0,
            bound_audiences: None,
            bound_subject: String::new(),
            bound_claims_type: String::new(),
            bound_claims: None,
            claim_mappings: None,
            oauth2_metadata: None,
            user_claim: String::new(),
            user_claim_json_pointer: false,
            groups_claim: String::new(),
            oidc_scopes: None,
            allowed_redirect_uris: None,
            callback_mode: String::new(),
            poll_interval: 0,
            verbose_oidc_logging: false,
            max_age: 0,
            token_policies_template_claims: false,
            oidc_disable_confirmation: false,
        }
    }

    pub(super) fn is_oidc(&self) -> bool {
        self.role_type == "oidc"
    }

    /// Whether the provider sends the browser to the server itself, and the client polls.
    pub(super) fn is_direct(&self) -> bool {
        self.callback_mode == "direct"
    }

    fn read(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        self.token.read(fields, LEGACY)?;
        for (name, value) in [
            ("expiration_leeway", &mut self.expiration_leeway),
            ("not_before_leeway", &mut self.not_before_leeway),
            ("clock_skew_leeway", &mut self.clock_skew_leeway),
        ] {
            if let Some(seconds) = signed_seconds(fields, name)? {
                *value = seconds;
            }
        }
        for (name, value) in [
            ("bound_subject", &mut self.bound_subject),
            ("user_claim", &mut self.user_claim),
            ("groups_claim", &mut self.groups_claim),
        ] {
            if let Some(text) = fields.text(name)? {
                *value = text;
            }
        }
        for (name, value) in [
            ("bound_audiences", &mut self.bound_audiences),
            ("oauth2_metadata", &mut self.oauth2_metadata),
            ("oidc_scopes", &mut self.oidc_scopes),
            ("allowed_redirect_uris", &mut self.allowed_redirect_uris),
        ] {
            if let Some(list) = fields.list(name)? {
                *value = Some(list);
            }
        }
        for (name, value) in [
            ("user_claim_json_pointer", &mut self.user_claim_json_pointer),
            ("verbose_oidc_logging", &mut self.verbose_oidc_logging),
            ("token_policies_template_claims", &mut self.token_policies_template_claims),
        ] {
            if let Some(given) = fields.boolean(name)? {
                *value = given;
            }
        }
        if let Some(age) = fields.duration("max_age")? {
            self.max_age = age.as_secs();
        }
        if let Some(interval) = fields.integer("poll_interval")? {
            self.poll_interval = u64::try_from(interval).unwrap_or_default();
        }
        // These have defaults, to which they go back in each write.
        let or = |name: &str, default: &str| {
            fields.text(name).map(|text| text.filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned()))
        };
        self.role_type = or("role_type", "oidc")?;
        self.bound_claims_type = or("bound_claims_type", "string")?;
        self.callback_mode = or("callback_mode", "client")?;
        self.oidc_disable_confirmation = fields.boolean("oidc_disable_confirmation")?.unwrap_or_default();
        self.read_claims(fields)?;
        self.check()
    }

    fn read_claims(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        match fields.raw("bound_claims") {
            None => {}
            Some(Value::Object(claims)) => self.bound_claims = Some(claims.clone()),
            Some(Value::String(text)) => {
                let refused = |_| Error::invalid("Field validation failed: bound_claims is no JSON object");
                self.bound_claims = Some(serde_json::from_str(text).map_err(refused)?);
            }
            Some(_) => return Err(Error::invalid("Field validation failed: bound_claims is no JSON object")),
        }
        if let Some(mappings) = fields.map("claim_mappings")? {
            let mut targets = BTreeSet::new();
            for target in mappings.values() {
                if target == "role" {
                    return Err(Error::invalid(format!(
                        "metadata key {target:?} is reserved and may not be a mapping destination"
                    )));
                }
                if !targets.insert(target) {
                    return Err(Error::invalid(format!("multiple keys are mapped to metadata key {target:?}")));
                }
            }
            self.claim_mappings = Some(mappings);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::invalid(text));
        let among = |text: &String, all: &[&str]| all.contains(&text.as_str());
        if !among(&self.role_type, &["jwt", "oidc"]) {
            return refuse(format!("invalid 'role_type': {}", self.role_type));
        }
        if !among(&self.bound_claims_type, &["string", "glob"]) {
            return refuse(format!("invalid 'bound_claims_type': {}", self.bound_claims_type));
        }
        if !among(&self.callback_mode, &["client", "direct"]) {
            return refuse(format!("invalid 'callback_mode': {}", self.callback_mode));
        }
        if self.bound_claims_type == "glob" {
            for value in self.bound_claims.iter().flat_map(Map::values) {
                let Some(list) = claims::list(value) else {
                    return refuse(format!("claim is not a string or list: {value}"));
                };
                if let Some(value) = list.iter().find(|value| !value.is_string()) {
                    return refuse(format!("claim is not a string: {value}"));
                }
            }
        }
        let known = ["id_token", "refresh_token", "access_token"];
        if let Some(name) = self.oauth2_metadata.iter().flatten().find(|name| !among(name, &known)) {
            return refuse(format!("Unrecognized oauth2 metadata name {name}"));
        }
        if self.user_claim.is_empty() {
            return refuse("a user claim must be defined on the role".to_owned());
        }
        if self.is_oidc() && self.allowed_redirect_uris.as_deref().is_none_or(<[String]>::is_empty) {
            return refuse("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.".to_owned());
        }
        let bound = !self.bound_subject.is_empty()
            || !self.token.bound_cidrs.is_empty()
            || self.bound_audiences.as_ref().is_some_and(|list| !list.is_empty())
            || self.bound_claims.as_ref().is_some_and(|claims| !claims.is_empty());
        if !self.is_oidc() && !bound {
            return refuse("must have at least one bound constraint when creating/updating a role".to_owned());
        }
        if self.token_policies_template_claims {
            self.templates()?;
        }
        Ok(())
    }

    pub(super) fn leeways(&self) -> Leeways {
        Leeways {
            expiration: self.expiration_leeway,
            not_before: self.not_before_leeway,
            clock_skew: self.clock_skew_leeway,
        }
    }

    /// The login of a token that was verified.
    pub(super) fn auth(&self, request: &Request, name: &str, all: &Map) -> Result<Auth, Error> {
        let user = match self.user_claim_json_pointer {
            true => claims::claim(all, &self.user_claim),
            false => all.get(&self.user_claim).filter(|value| !value.is_null()),
        };
        let user = user.ok_or_else(|| Error::invalid(format!("claim {:?} not found in token", self.user_claim)))?;
        let unreadable = || Error::invalid(format!("claim {:?} could not be converted to string", self.user_claim));
        let user = user.as_str().ok_or_else(unreadable)?;
        let mut metadata = match &self.claim_mappings {
            Some(mappings) => claims::metadata(mappings, all)?,
            None => BTreeMap::new(),
        };
        metadata.insert("role".to_owned(), name.to_owned());
        let group_aliases = self.groups(all)?;
        if let Some(bound) = &self.bound_claims {
            claims::check_bound(bound, self.bound_claims_type == "glob", all)?;
        }
        let mut auth = self.token.auth(request)?;
        if self.token_policies_template_claims {
            auth.policies = self.policies(all)?;
        }
        auth.display_name = user.to_owned();
        auth.internal.insert("role".to_owned(), name.into());
        auth.metadata = metadata.clone();
        auth.alias = Some(Alias { name: user.to_owned(), metadata });
        auth.group_aliases = group_aliases;
        Ok(auth)
    }

    fn groups(&self, all: &Map) -> Result<Vec<Alias>, Error> {
        if self.groups_claim.is_empty() {
            return Ok(Vec::new());
        }
        let name = &self.groups_claim;
        let failed = |text: &str| Error::invalid(format!("{name:?} claim {text}"));
        let groups = claims::claim(all, name).ok_or_else(|| failed("not found in token"))?;
        let groups = claims::list(groups).ok_or_else(|| failed("could not be converted to string list"))?;
        if groups.len() > MAX_GROUPS {
            return Err(failed("has too many groups"));
        }
        let texts = groups.iter().map(|group| group.as_str().ok_or_else(|| failed("has a group that is no string")));
        let texts: Vec<&str> = texts.collect::<Result<_, _>>()?;
        let alias = |name: &&str| Alias { name: (*name).to_owned(), ..Alias::default() };
        Ok(texts.iter().filter(|name| !name.is_empty()).map(alias).collect())
    }

    fn templates(&self) -> Result<Vec<Template>, Error> {
        let functions = Functions::go().with_sprig();
        let parse = |(index, policy): (usize, &String)| {
            let failed = |error| Error::invalid(format!("failed to parse template policy [{index}]: {error}"));
            Template::parse("policy", policy, &functions).map_err(failed)
        };
        self.token.policies.iter().enumerate().map(parse).collect()
    }

    /// The policies as templates of the claims. A claim that is missing is an error, and an empty name no policy.
    fn policies(&self, all: &Map) -> Result<Vec<String>, Error> {
        let data = gotemplate::Value::from_json(&Value::Object(all.clone()));
        let mut policies = Vec::new();
        for (index, template) in self.templates()?.iter().enumerate() {
            let failed = |text: String| Error::invalid(format!("failed to template policy [{index}]: {text}"));
            let mut out = Vec::new();
            template.execute(&data, Limits::default(), &mut out).map_err(|error| failed(error.to_string()))?;
            let policy = String::from_utf8(out).map_err(|_| failed("not UTF-8".to_owned()))?;
            if policy.contains("<no value>") {
                return Err(failed("a claim is missing".to_owned()));
            }
            if !policy.is_empty() && !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        Ok(policies)
    }

    fn show(&self) -> Map {
        let mut data = Map::new();
        if self.poll_interval > 0 {
            data.insert("poll_interval".to_owned(), self.poll_interval.into());
        }
        let all = json!({
            "role_type": self.role_type,
            "expiration_leeway": self.expiration_leeway,
            "not_before_leeway": self.not_before_leeway,
            "clock_skew_leeway": self.clock_skew_leeway,
            "bound_audiences": self.bound_audiences,
            "bound_subject": self.bound_subject,
            "bound_claims_type": self.bound_claims_type,
            "bound_claims": self.bound_claims,
            "claim_mappings": self.claim_mappings,
            "oauth2_metadata": self.oauth2_metadata,
            "user_claim": self.user_claim,
            "user_claim_json_pointer": self.user_claim_json_pointer,
            "groups_claim": self.groups_claim,
            "allowed_redirect_uris": self.allowed_redirect_uris,
            "callback_mode": self.callback_mode,
            "oidc_scopes": self.oidc_scopes,
            "verbose_oidc_logging": self.verbose_oidc_logging,
            "max_age": self.max_age,
            "token_policies_template_claims": self.token_policies_template_claims,
            "oidc_disable_confirmation": self.oidc_disable_confirmation,
        });
        if let Value::Object(all) = all {
            data.extend(all);
        }
        self.token.show(&mut data);
        data
    }
}

/// Seconds that may be less than zero.
fn signed_seconds(fields: Fields<'_>, name: &str) -> Result<Option<i64>, Error> {
    match fields.raw(name) {
        Some(Value::Number(_)) => fields.integer(name),
        Some(Value::String(text)) if text.starts_with('-') => {
            let refused = |error| Error::invalid(format!("Field validation failed: {name:?}: {error}"));
            let seconds = parse_duration(text.trim_start_matches('-')).map_err(refused)?.as_secs();
            Ok(Some(i64::try_from(seconds).map_or(i64::MIN, |seconds| -seconds)))
        }
        _ => Ok(fields.duration(name)?.map(|given| i64::try_from(given.as_secs()).unwrap_or(i64::MAX))),
    }
}
