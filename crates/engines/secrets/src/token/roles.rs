use super::create::check_cidrs;
use crate::answer::{Answer, found};
use crate::call::Call;
use crate::core::Core;
use crate::mount::{token_type, token_type_name};
use crate::namespace::Namespace;
use logical::{Error, Operation, StorageExt as _, TokenType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What tokens made by a role are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) allowed_policies: Vec<String>,
    pub(crate) allowed_policies_glob: Vec<String>,
    pub(crate) disallowed_policies: Vec<String>,
    pub(crate) disallowed_policies_glob: Vec<String>,
    pub(crate) allowed_entity_aliases: Vec<String>,
    pub(crate) orphan: bool,
    pub(crate) renewable: bool,
    pub(crate) path_suffix: String,
    pub(crate) token_period: u64,
    pub(crate) token_explicit_max_ttl: u64,
    pub(crate) token_num_uses: i64,
    pub(crate) token_bound_cidrs: Vec<String>,
    pub(crate) token_no_default_policy: bool,
    pub(crate) token_type: TokenType,
    /// Whether the old names were used, which are then shown too.
    pub(crate) has_old_names: (bool, bool, bool),
}

impl Role {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            allowed_policies: Vec::new(),
            allowed_policies_glob: Vec::new(),
            disallowed_policies: Vec::new(),
            disallowed_policies_glob: Vec::new(),
            allowed_entity_aliases: Vec::new(),
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            token_period: 0,
            token_explicit_max_ttl: 0,
            token_num_uses: 0,
            token_bound_cidrs: Vec::new(),
            token_no_default_policy: false,
            token_type: TokenType::DefaultService,
            has_old_names: (false, false, false),
        }
    }

    /// Whether it says which policies its tokens may have.
    pub(crate) fn limits_policies(&self) -> bool {
        [&self.allowed_policies, &self.allowed_policies_glob, &self.disallowed_policies, &self.disallowed_policies_glob]
            .iter()
            .any(|list| !list.is_empty())
    }
}

fn prefix(namespace: &Namespace) -> String {
    format!("token/role/{}/", namespace.id)
}

pub(crate) async fn find_role(core: &Core, namespace: &Namespace, name: &str) -> Result<Option<Role>, Error> {
    core.storage().get_json(&format!("{}{}", prefix(namespace), name.to_lowercase())).await
}

pub(crate) async fn list(call: &Call<'_>) -> Result<Answer, Error> {
    let (after, limit) = call.request.page()?;
    Ok(Answer::keys(call.core.storage().list(&prefix(call.namespace), after, limit).await?))
}

/// `roles/<name>`.
pub(crate) async fn handle(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let key = format!("{}{}", prefix(call.namespace), name.to_lowercase());
    let storage = call.core.storage();
    match call.request.operation {
        Operation::Read => Ok(Answer::json(describe(&found(storage.get_json(&key).await?)?))),
        Operation::Delete => {
            storage.delete(&key).await?;
            Ok(Answer::empty())
        }
        Operation::Update => {
            let mut role = storage.get_json(&key).await?.unwrap_or_else(|| Role::new(name));
            let warnings = change(&mut role, call)?;
            storage.put_json(&key, &role).await?;
            Ok(warnings.into_iter().fold(Answer::empty(), Answer::warn))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

fn describe(role: &Role) -> Value {
    let mut data = json!({
        "name": role.name,
        "allowed_policies": role.allowed_policies,
        "allowed_policies_glob": role.allowed_policies_glob,
        "disallowed_policies": role.disallowed_policies,
        "disallowed_policies_glob": role.disallowed_policies_glob,
        "allowed_entity_aliases": if role.allowed_entity_aliases.is_empty() { Value::Null } else { json!(role.allowed_entity_aliases) },
        "orphan": role.orphan,
        "renewable": role.renewable,
        "path_suffix": role.path_suffix,
        "token_period": role.token_period,
        "token_explicit_max_ttl": role.token_explicit_max_ttl,
        "token_no_default_policy": role.token_no_default_policy,
        "token_type": token_type_name(role.token_type),
        "explicit_max_ttl": 0,
        "period": 0,
    });
    if let Some(data) = data.as_object_mut() {
        let (period, max_ttl, cidrs) = role.has_old_names;
        if period {
            data.insert("period".to_owned(), role.token_period.into());
        }
        if max_ttl {
            data.insert("explicit_max_ttl".to_owned(), role.token_explicit_max_ttl.into());
        }
        if role.token_num_uses != 0 {
            data.insert("token_num_uses".to_owned(), role.token_num_uses.into());
        }
        if !role.token_bound_cidrs.is_empty() {
            data.insert("token_bound_cidrs".to_owned(), json!(role.token_bound_cidrs));
            if cidrs {
                data.insert("bound_cidrs".to_owned(), json!(role.token_bound_cidrs));
            }
        }
    }
    data
}

fn change(role: &mut Role, call: &Call<'_>) -> Result<Vec<String>, Error> {
    let fields = call.request.fields();
    let mut warnings = Vec::new();
    let lower = |list: Vec<String>| list.into_iter().map(|item| item.to_lowercase()).collect::<Vec<String>>();
    for (name, list) in [
        ("allowed_policies", &mut role.allowed_policies),
        ("allowed_policies_glob", &mut role.allowed_policies_glob),
        ("disallowed_policies", &mut role.disallowed_policies),
        ("disallowed_policies_glob", &mut role.disallowed_policies_glob),
    ] {
        if let Some(policies) = fields.list(name)? {
            *list = super::sanitize_policies(policies, false);
        }
    }
    if let Some(aliases) = fields.list("allowed_entity_aliases")? {
        role.allowed_entity_aliases = lower(aliases);
    }
    if let Some(orphan) = fields.boolean("orphan")? {
        role.orphan = orphan;
    }
    if let Some(renewable) = fields.boolean("renewable")? {
        role.renewable = renewable;
    }
    if let Some(suffix) = fields.text("path_suffix")? {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if !suffix.chars().all(allowed) || suffix.contains("..") {
            return Err(Error::invalid("given role path suffix contains invalid characters"));
        }
        role.path_suffix = suffix;
    }
    if let Some(period) = fields.duration("token_period")? {
        (role.token_period, role.has_old_names.0) = (period.as_secs(), false);
    } else if let Some(period) = fields.duration("period")? {
        (role.token_period, role.has_old_names.0) = (period.as_secs(), true);
    }
    if let Some(bound) = fields.duration("token_explicit_max_ttl")? {
        (role.token_explicit_max_ttl, role.has_old_names.1) = (bound.as_secs(), false);
    } else if let Some(bound) = fields.duration("explicit_max_ttl")? {
        (role.token_explicit_max_ttl, role.has_old_names.1) = (bound.as_secs(), true);
    }
    if let Some(cidrs) = fields.list("token_bound_cidrs")? {
        (role.token_bound_cidrs, role.has_old_names.2) = (check_cidrs(cidrs)?, false);
    } else if let Some(cidrs) = fields.list("bound_cidrs")? {
        (role.token_bound_cidrs, role.has_old_names.2) = (check_cidrs(cidrs)?, true);
    }
    if let Some(uses) = fields.integer("token_num_uses")? {
        if uses < 0 {
            return Err(Error::invalid("'token_num_uses' cannot be negative"));
        }
        role.token_num_uses = uses;
    }
    if let Some(no_default) = fields.boolean("token_no_default_policy")? {
        role.token_no_default_policy = no_default;
    }
    if let Some(kind) = fields.text("token_type")? {
        let kind = token_type(&kind).ok_or_else(|| Error::invalid(format!("invalid 'token_type' value {kind:?}")))?;
        role.token_type = if kind == TokenType::Default { TokenType::DefaultService } else { kind };
    }
    if role.token_type == TokenType::Batch {
        let bad = [
            ("explicit_max_ttl", role.token_explicit_max_ttl != 0),
            ("period", role.token_period != 0),
            ("num_uses", role.token_num_uses != 0),
        ];
        if let Some((name, _)) = bad.iter().find(|(_, is_set)| *is_set) {
            return Err(Error::invalid(format!("'token_type' cannot be 'batch' when role is set with {name}")));
        }
        if role.renewable && fields.boolean("renewable")? == Some(true) {
            return Err(Error::invalid("'token_type' cannot be 'batch' when role is set to generate renewable tokens"));
        }
        if !role.orphan && fields.boolean("orphan")? == Some(false) {
            warnings.push("batch tokens end with their parents".to_owned());
        }
    }
    let max_ttl = call.mount.max_ttl.as_secs();
    if role.token_explicit_max_ttl > max_ttl {
        warnings.push(format!(
            "Given explicit max TTL of {} is greater than system/mount allowed value of {max_ttl} seconds; until this is fixed attempting to create tokens against this role will result in an error",
            role.token_explicit_max_ttl
        ));
    }
    Ok(warnings)
}
