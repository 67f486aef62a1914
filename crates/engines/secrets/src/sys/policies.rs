use crate::access::{PolicyRow, policy_key};
use crate::answer::{Answer, found};
use crate::call::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logical::{Error, Operation, StorageExt as _};
use serde_json::json;

/// `policy`, `policy/<name>`, `policies/acl`, `policies/acl/<name>`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let is_old = parts.first() == Some(&"policy");
    let name = parts.get(if is_old { 1 } else { 2 }..).unwrap_or_default().join("/").to_lowercase();
    match (name.as_str(), call.request.operation) {
        ("", Operation::Read | Operation::List) if is_old => {
            let names = names(call).await?;
            Ok(Answer::json(json!({ "keys": names, "policies": names })))
        }
        ("", Operation::List) => Ok(Answer::keys(names(call).await?)),
        ("", _) => Err(Error::UnsupportedOperation),
        (name, Operation::Read) => read(call, name, is_old).await,
        (name, Operation::Update) => write(call, name).await,
        (name, Operation::Delete) => delete(call, name).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn names(call: &Call<'_>) -> Result<Vec<String>, Error> {
    let prefix = policy_key(&call.namespace.id, "");
    let rows = call.core.storage().scan(&prefix, "", usize::MAX).await?;
    let mut names: Vec<String> = rows.iter().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect();
    if !names.iter().any(|name| name == acl::DEFAULT) {
        names.push(acl::DEFAULT.to_owned());
    }
    if call.namespace.is_root() {
        names.push(acl::ROOT.to_owned());
    }
    names.sort();
    let (after, limit) = call.request.page()?;
    names.retain(|name| name.as_str() > after);
    names.truncate(limit);
    Ok(names)
}

async fn read(call: &Call<'_>, name: &str, is_old: bool) -> Result<Answer, Error> {
    let text =
        if name == acl::ROOT { Some(String::new()) } else { call.core.policy_text(call.namespace, name).await? };
    let text = found(text)?;
    let field = if is_old { "rules" } else { "policy" };
    Ok(Answer::json(json!({ "name": name, field: text })))
}

async fn write(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let mut text = fields.text("policy")?.unwrap_or_default();
    if text.is_empty() {
        text = fields.text("rules")?.unwrap_or_default();
    }
    if text.is_empty() {
        return Err(Error::invalid("'policy' parameter not supplied or empty"));
    }
    if let Some(decoded) = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        text = decoded;
    }
    if acl::IMMUTABLE.contains(&name) {
        return Err(Error::invalid(format!("cannot update {name:?} policy")));
    }
    let now = call.request.now;
    let parsed = acl::Policy::parse(name, &call.namespace.for_acl(), &text, now);
    parsed.map_err(|error| Error::invalid(error.to_string()))?;
    call.core
        .storage()
        .put_json(&policy_key(&call.namespace.id, name), &PolicyRow { text, modified: Some(now) })
        .await?;
    call.core.acls.clear();
    Ok(Answer::empty())
}

async fn delete(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    if name == acl::DEFAULT {
        return Err(Error::invalid("cannot delete default policy"));
    }
    if acl::IMMUTABLE.contains(&name) {
        return Err(Error::invalid(format!("cannot delete {name:?} policy")));
    }
    call.core.storage().delete(&policy_key(&call.namespace.id, name)).await?;
    call.core.acls.clear();
    Ok(Answer::empty())
}
