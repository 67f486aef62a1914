//! `role/<name>/<parameter>`: a parameter of a role by itself.

use super::role::{self, Missing, Role};
use crate::path::retry;
use logical::{Context, Error, Map, Operation, Request, Response, StorageExt};
use serde_json::{Value, json};

/// A parameter: its path, its fields, what is missing if none is given, and what it is when deleted.
struct Parameter {
    path: &'static str,
    fields: &'static [&'static str],
    default: fn() -> Option<Value>,
}

const NONE: fn() -> Option<Value> = || None;
const ZERO: fn() -> Option<Value> = || Some(json!(0));
const EMPTY: fn() -> Option<Value> = || Some(json!([]));
const YES: fn() -> Option<Value> = || Some(json!(true));

const PARAMETERS: &[Parameter] = &[
    Parameter { path: "policies", fields: &["token_policies", "policies"], default: EMPTY },
    Parameter { path: "bound-cidr-list", fields: &["bound_cidr_list", "secret_id_bound_cidrs"], default: EMPTY },
    Parameter { path: "secret-id-bound-cidrs", fields: &["secret_id_bound_cidrs"], default: EMPTY },
    Parameter { path: "token-bound-cidrs", fields: &["token_bound_cidrs"], default: EMPTY },
    Parameter { path: "bind-secret-id", fields: &["bind_secret_id"], default: YES },
    Parameter { path: "secret-id-num-uses", fields: &["secret_id_num_uses"], default: ZERO },
    Parameter { path: "secret-id-ttl", fields: &["secret_id_ttl"], default: ZERO },
    Parameter { path: "period", fields: &["token_period", "period"], default: ZERO },
    Parameter { path: "token-num-uses", fields: &["token_num_uses"], default: ZERO },
    Parameter { path: "token-ttl", fields: &["token_ttl"], default: ZERO },
    Parameter { path: "token-max-ttl", fields: &["token_max_ttl"], default: ZERO },
    Parameter { path: "role-id", fields: &["role_id"], default: NONE },
];

pub(super) async fn handle(context: Context<'_>, request: &Request, name: &str, path: &str) -> Result<Response, Error> {
    if path == "local-secret-ids" {
        return match request.operation {
            Operation::Read => read(context, name, &["local_secret_ids"]).await,
            _ => Err(Error::UnsupportedOperation),
        };
    }
    let parameter = PARAMETERS.iter().find(|parameter| parameter.path == path).ok_or(Error::UnsupportedPath)?;
    let data = match request.operation {
        Operation::Read => {
            let response = read(context, name, parameter.fields).await?;
            return Ok(match path {
                "bound-cidr-list" => response.warn(
                    "The \"bound_cidr_list\" field is deprecated and will be removed. Please use \
                     \"secret_id_bound_cidrs\" instead.",
                ),
                _ => response,
            });
        }
        Operation::Create | Operation::Update => given(request, parameter)?,
        Operation::Delete => {
            let default = (parameter.default)().ok_or(Error::UnsupportedOperation)?;
            if context.storage.get(&role::row(name)).await?.is_none() {
                return Ok(Response::empty());
            }
            parameter.fields.iter().take(1).map(|field| ((*field).to_owned(), default.clone())).collect()
        }
        _ => return Err(Error::UnsupportedOperation),
    };
    retry(|| Box::pin(role::write(context, name, &data, Missing::Refuse))).await
}

fn given(request: &Request, parameter: &Parameter) -> Result<Map, Error> {
    let fields = request.fields();
    let given = parameter.fields.iter().filter_map(|field| Some(((*field).to_owned(), fields.raw(field)?.clone())));
    let given: Map = given.collect();
    // The last name is the one that the peer misses.
    let name = if parameter.path == "policies" { parameter.fields.first() } else { parameter.fields.last() };
    let empty = parameter.path == "role-id" && fields.text("role_id")?.is_some_and(|id| id.is_empty());
    if given.is_empty() || empty {
        return Err(Error::invalid(format!("missing {}", name.copied().unwrap_or_default())));
    }
    Ok(given)
}

async fn read(context: Context<'_>, name: &str, fields: &[&str]) -> Result<Response, Error> {
    let role: Role = context.storage.get_json(&role::row(name)).await?.ok_or(Error::NotFound)?;
    let mut all = role.show();
    let blocks = all.get("secret_id_bound_cidrs").cloned();
    all.insert("bound_cidr_list".to_owned(), blocks.unwrap_or_default());
    all.insert("role_id".to_owned(), role.role_id.into());
    let wanted = all.into_iter().filter(|(name, _)| fields.contains(&name.as_str()));
    Ok(Response::json(Value::Object(wanted.collect())))
}
