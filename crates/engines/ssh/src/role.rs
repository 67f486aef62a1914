use crate::otp;
use logical::{Context, Error, Fields, Map, Network, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What may be given out under a name. Fields are those of the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "key_type", rename_all = "lowercase")]
pub(crate) enum Role {
    /// One-time passwords.
    Otp(OtpRole),
    /// Certificates.
    Ca(Box<CaRole>),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct OtpRole {
    pub(crate) default_user: String,
    pub(crate) cidr_list: String,
    pub(crate) exclude_cidr_list: String,
    pub(crate) port: u16,
    pub(crate) allowed_users: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CaRole {
    pub(crate) algorithm_signer: String,
    pub(crate) allow_bare_domains: bool,
    pub(crate) allow_commas_in_identity_templates: bool,
    pub(crate) allow_wildcards_in_identity_templates: bool,
    pub(crate) allow_empty_principals: bool,
    pub(crate) allow_host_certificates: bool,
    pub(crate) allow_subdomains: bool,
    pub(crate) allow_user_certificates: bool,
    pub(crate) allow_user_key_ids: bool,
    pub(crate) allowed_critical_options: String,
    pub(crate) allowed_domains: String,
    pub(crate) allowed_domains_template: bool,
    pub(crate) allowed_extensions: String,
    pub(crate) allowed_user_key_lengths: BTreeMap<String, Vec<u32>>,
    pub(crate) allowed_users: String,
    pub(crate) allowed_users_template: bool,
    pub(crate) default_critical_options: BTreeMap<String, String>,
    pub(crate) default_extensions: BTreeMap<String, String>,
    pub(crate) default_extensions_template: bool,
    pub(crate) default_user: String,
    pub(crate) default_user_template: bool,
    pub(crate) issuer_ref: String,
    pub(crate) key_id_format: String,
    pub(crate) max_ttl: u64,
    pub(crate) not_before_duration: u64,
    pub(crate) ttl: u64,
}

impl CaRole {
    fn read(fields: Fields<'_>) -> Result<Self, Error> {
        let mut role = Self { not_before_duration: 30, ..Self::default() };
        let flags = [
            ("allow_bare_domains", &mut role.allow_bare_domains),
            ("allow_commas_in_identity_templates", &mut role.allow_commas_in_identity_templates),
            ("allow_wildcards_in_identity_templates", &mut role.allow_wildcards_in_identity_templates),
            ("allow_empty_principals", &mut role.allow_empty_principals),
            ("allow_host_certificates", &mut role.allow_host_certificates),
            ("allow_subdomains", &mut role.allow_subdomains),
            ("allow_user_certificates", &mut role.allow_user_certificates),
            ("allow_user_key_ids", &mut role.allow_user_key_ids),
            ("allowed_domains_template", &mut role.allowed_domains_template),
            ("allowed_users_template", &mut role.allowed_users_template),
            ("default_extensions_template", &mut role.default_extensions_template),
            ("default_user_template", &mut role.default_user_template),
        ];
        for (name, value) in flags {
            *value = fields.boolean(name)?.unwrap_or(false);
        }
        let texts = [
            ("algorithm_signer", &mut role.algorithm_signer),
            ("allowed_critical_options", &mut role.allowed_critical_options),
            ("allowed_domains", &mut role.allowed_domains),
            ("allowed_extensions", &mut role.allowed_extensions),
            ("allowed_users", &mut role.allowed_users),
            ("default_user", &mut role.default_user),
            ("issuer_ref", &mut role.issuer_ref),
            ("key_id_format", &mut role.key_id_format),
        ];
        for (name, value) in texts {
            *value = fields.text(name)?.unwrap_or_default();
        }
        let lengths = [
            ("ttl", &mut role.ttl),
            ("max_ttl", &mut role.max_ttl),
            ("not_before_duration", &mut role.not_before_duration),
        ];
        for (name, value) in lengths {
            *value = fields.duration(name)?.map_or(*value, |length| length.as_secs());
        }
        role.default_critical_options = fields.map("default_critical_options")?.unwrap_or_default();
        role.default_extensions = fields.map("default_extensions")?.unwrap_or_default();
        role.allowed_user_key_lengths = key_lengths(fields)?;
        if role.algorithm_signer.is_empty() {
            "default".clone_into(&mut role.algorithm_signer);
        }
        if !matches!(role.algorithm_signer.as_str(), "default" | "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512") {
            return Err(Error::Status(500, format!("unknown algorithm signer {:?}", role.algorithm_signer)));
        }
        if role.issuer_ref.is_empty() {
            "default".clone_into(&mut role.issuer_ref);
        }
        if !role.allow_user_certificates && !role.allow_host_certificates {
            return Err(Error::invalid(
                "Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'",
            ));
        }
        if role.ttl != 0 && role.max_ttl != 0 && role.ttl > role.max_ttl {
            return Err(Error::invalid("\"ttl\" value must be less than \"max_ttl\" when both are specified"));
        }
        Ok(role)
    }

    /// How long a certificate is valid.
    pub(crate) fn lifetime(&self, context: Context<'_>, fields: Fields<'_>) -> Result<Duration, Error> {
        let asked = fields.duration("ttl")?.filter(|length| !length.is_zero());
        let (default, max) = context.system.lifetimes();
        let or = |seconds: u64, otherwise| if seconds > 0 { Duration::from_secs(seconds) } else { otherwise };
        let max = or(self.max_ttl, max);
        match asked {
            Some(asked) if asked > max => {
                Err(Error::invalid(format!("ttl is larger than maximum allowed {}", max.as_secs())))
            }
            Some(asked) => Ok(asked),
            None => Ok(or(self.ttl, default).min(max)),
        }
    }
}

/// `{"rsa": [2048, 4096], "ec": 256}`.
fn key_lengths(fields: Fields<'_>) -> Result<BTreeMap<String, Vec<u32>>, Error> {
    let Some(Value::Object(map)) = fields.raw("allowed_user_key_lengths") else { return Ok(BTreeMap::new()) };
    let number = |value: &Value| {
        let read = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        read.and_then(|number| u32::try_from(number).ok())
    };
    let mut found = BTreeMap::new();
    for (kind, value) in map {
        let numbers = match value {
            Value::Array(items) => items.iter().map(number).collect::<Option<Vec<u32>>>(),
            Value::String(text) => text.split(',').map(|part| part.trim().parse().ok()).collect(),
            other => number(other).map(|number| vec![number]),
        };
        let failed =
            || Error::invalid(format!("error processing allowed_user_key_lengths: a length of {kind} is no number"));
        found.insert(kind.clone(), numbers.ok_or_else(failed)?);
    }
    Ok(found)
}

fn read_otp(fields: Fields<'_>) -> Result<OtpRole, Error> {
    let text = |name: &str| Ok::<_, Error>(fields.text(name)?.unwrap_or_default());
    let role = OtpRole {
        default_user: text("default_user")?,
        cidr_list: text("cidr_list")?,
        exclude_cidr_list: text("exclude_cidr_list")?,
        port: match fields.integer("port")?.unwrap_or(0) {
            0 => 22,
            port => u16::try_from(port).map_err(|_| Error::invalid(format!("invalid port {port}")))?,
        },
        allowed_users: text("allowed_users")?,
    };
    if role.default_user.is_empty() {
        return Err(Error::invalid("missing default user"));
    }
    for (name, list) in [("cidr_list", &role.cidr_list), ("exclude_cidr_list", &role.exclude_cidr_list)] {
        if !list.is_empty() && !list.split(',').all(|cidr| cidr.trim().parse::<Network>().is_ok()) {
            return Err(Error::invalid(format!("failed to validate {name}")));
        }
    }
    Ok(role)
}

pub(crate) async fn role(context: Context<'_>, name: &str) -> Result<Option<Role>, Error> {
    context.storage.get_json(&format!("role/{name}")).await
}

/// `roles` and `roles/:role`.
pub(crate) async fn handle(context: Context<'_>, request: &Request, name: Option<&str>) -> Result<Response, Error> {
    let Some(name) = name else { return list(context, request).await };
    let key = format!("role/{name}");
    match request.operation {
        Operation::Read => {
            let role = role(context, name).await?.ok_or(Error::NotFound)?;
            Ok(Response::json(json!(role)))
        }
        Operation::Delete => {
            otp::forget(context, name).await?;
            context.storage.delete(&key).await?;
            Ok(Response::empty())
        }
        Operation::Create | Operation::Update => {
            let fields = request.fields();
            let kind = fields.text("key_type")?.unwrap_or_default().to_lowercase();
            let role = match kind.as_str() {
                "" => return Err(Error::invalid("missing key type")),
                "otp" => Role::Otp(read_otp(fields)?),
                "ca" => Role::Ca(Box::new(CaRole::read(fields)?)),
                "dynamic" => return Err(Error::invalid("dynamic key type roles are no longer supported")),
                _ => return Err(Error::invalid("invalid key type")),
            };
            context.storage.put_json(&key, &role).await?;
            Ok(Response::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn list(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    if request.operation != Operation::List {
        return Err(Error::UnsupportedOperation);
    }
    let (after, limit) = request.page()?;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for name in context.storage.list("role/", after, limit).await? {
        let entry = match role(context, &name).await? {
            Some(Role::Otp(_)) => json!({ "key_type": "otp" }),
            Some(Role::Ca(role)) => json!({ "key_type": "ca", "issuer_ref": role.issuer_ref }),
            None => continue,
        };
        info.insert(name.clone(), entry);
        keys.push(name);
    }
    if keys.is_empty() {
        Ok(Response::keys(keys))
    } else {
        Ok(Response::json(json!({ "keys": keys, "key_info": info })))
    }
}
