use super::{claims, document, issuer, key, prefix, public_keys};
use crate::answer::{Answer, found};
use crate::call::Call;
use crate::token::random_text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jose::{JwkSet, Jws};
use logical::{Error, Operation, StorageExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// For whom identity tokens are made, and what they say.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) key: String,
    pub(super) template: String,
    pub(super) ttl: u64,
    pub(super) client_id: String,
}

/// `oidc/role/<name>`.
pub(super) async fn handle(call: &Call<'_>, name: &str, operation: Operation) -> Result<Answer, Error> {
    let row = format!("{}{name}", prefix(call.namespace, "role"));
    let storage = call.core.storage();
    match operation {
        Operation::Read => {
            let role = found(storage.get_json::<Role>(&row).await?)?;
            Ok(Answer::json(json!({
                "client_id": role.client_id,
                "key": role.key,
                "template": role.template,
                "ttl": role.ttl,
            })))
        }
        Operation::Delete => {
            storage.delete(&row).await?;
            Ok(Answer::empty())
        }
        Operation::Update => write(call, &row).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn write(call: &Call<'_>, row: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let old = call.core.storage().get_json::<Role>(row).await?;
    let mut role = old.unwrap_or_else(|| Role {
        key: String::new(),
        template: String::new(),
        ttl: 24 * 3600,
        client_id: String::new(),
    });
    if let Some(key) = fields.text("key")? {
        role.key = key;
    }
    if role.key.is_empty() {
        return Err(Error::invalid("the key parameter is required"));
    }
    if let Some(template) = fields.text("template")? {
        let decoded = STANDARD.decode(&template).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        role.template = decoded.unwrap_or(template);
    }
    claims::check(&role.template, call.request.now)?;
    if let Some(ttl) = fields.duration("ttl")? {
        role.ttl = ttl.as_secs();
    }
    let key = key::find(call, &role.key).await?;
    let key = key.ok_or_else(|| Error::invalid(format!("cannot find key {:?}", role.key)))?;
    if role.ttl > key.verification_ttl {
        return Err(Error::invalid(
            "a role's token ttl cannot be longer than the verification_ttl of the key it references",
        ));
    }
    if let Some(client_id) = fields.text("client_id")?.filter(|id| !id.is_empty()) {
        role.client_id = client_id;
    }
    if role.client_id.is_empty() {
        role.client_id = random_text(26)?.to_string();
    }
    call.core.storage().put_json(row, &role).await?;
    Ok(Answer::empty())
}

/// `oidc/token/<role>`: who the caller is, signed.
pub(super) async fn token(call: &Call<'_>, name: &str) -> Result<Answer, Error> {
    let row = format!("{}{name}", prefix(call.namespace, "role"));
    let role = call.core.storage().get_json::<Role>(&row).await?;
    let role = role.ok_or_else(|| Error::invalid(format!("role {name:?} not found")))?;
    let key = key::find(call, &role.key).await?;
    let key = key.ok_or_else(|| Error::invalid(format!("key {:?} not found", role.key)))?;
    if !key.allows(&role.client_id) {
        return Err(Error::invalid(format!(
            "the key {:?} does not list the client ID of the role {name:?} as an allowed client ID",
            role.key
        )));
    }
    let entity_id = &call.session()?.found.token.entity_id;
    if entity_id.is_empty() {
        return Err(Error::invalid("no entity associated with the request's token"));
    }
    let person = call.core.person(entity_id).await?.ok_or(Error::Denied)?;
    let now = call.request.now;
    let ttl = role.ttl.min(key.verification_ttl);
    let mut all = claims::of(&role.template, &person.for_acl(), now);
    all.extend([
        ("iss".to_owned(), json!(issuer(call).await?)),
        ("namespace".to_owned(), json!(call.namespace.id)),
        ("sub".to_owned(), json!(person.entity.id)),
        ("aud".to_owned(), json!(role.client_id)),
        ("exp".to_owned(), json!(now.as_second().saturating_add_unsigned(ttl))),
        ("iat".to_owned(), json!(now.as_second())),
    ]);
    let token = key.sign(&serde_json::Value::Object(all))?;
    Ok(Answer::json(json!({ "token": token, "client_id": role.client_id, "ttl": role.ttl })))
}

/// `oidc/introspect`: whether a token is ours and holds now. A refusal tells why, as the peer's does.
pub(super) async fn introspect(call: &Call<'_>) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let token = fields.text("token")?.unwrap_or_default();
    let client_id = fields.text("client_id")?.unwrap_or_default();
    match verify(call, &token, &client_id).await {
        Ok(()) => Ok(document(&json!({ "active": true }))),
        Err(Error::Invalid(reason)) => Ok(document(&json!({ "active": false, "error": reason }))),
        Err(error) => Err(error),
    }
}

async fn verify(call: &Call<'_>, token: &str, client_id: &str) -> Result<(), Error> {
    let bad = |reason: &dyn std::fmt::Display| Error::invalid(format!("error verifying token: {reason}"));
    let jws = Jws::parse(token).map_err(|error| bad(&error))?;
    let keys = public_keys(call).await?.to_string();
    let keys = JwkSet::parse(keys.as_bytes()).map_err(|error| bad(&error))?;
    jws.verify(&keys).map_err(|_| Error::invalid("unable to validate the token signature"))?;
    let claim = |name: &str| jws.claims().get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    if claim("iss") != issuer(call).await? {
        return Err(bad(&"invalid issuer claim"));
    }
    let expires = jws.time("exp").map_err(|error| bad(&error))?;
    if expires.is_none_or(|expires| expires <= call.request.now) {
        return Err(bad(&"token is expired"));
    }
    if !client_id.is_empty() && !jws.audiences().map_err(|error| bad(&error))?.contains(&client_id) {
        return Err(bad(&"invalid audience claim"));
    }
    let person = call.core.person(claim("sub")).await?;
    let person = person.ok_or_else(|| Error::invalid("entity was not found"))?;
    if person.entity.disabled {
        return Err(Error::invalid("entity is disabled"));
    }
    Ok(())
}
