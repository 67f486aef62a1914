use super::entity_store::{describe_alias, describe_entity};
use super::rows::Entity;
use crate::answer::{Answer, found};
use crate::call::Call;
use crate::token::random_text;
use logical::{Error, Operation, StorageExt as _};
use serde_json::{Map, Value, json};

/// `entity`, `entity/id/<id>`, `entity/name/<name>`, `entity/batch-delete`.
pub(crate) async fn handle(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    let namespace = call.namespace;
    match (rest, call.request.operation) {
        ([], Operation::Update) => {
            let id = call.request.fields().text("id")?.unwrap_or_default();
            let name = call.request.fields().text("name")?.unwrap_or_default();
            write(call, &id, &name).await
        }
        (["id"], Operation::List) => list(call, false).await,
        (["name"], Operation::List) => list(call, true).await,
        (["batch-delete"], Operation::Update) => batch_delete(call).await,
        (["id", id], Operation::Update) => {
            let name = call.request.fields().text("name")?.unwrap_or_default();
            write(call, id, &name).await
        }
        (["id", id], operation) => {
            let entity = call.core.entity_at(namespace, id).await?;
            one(call, operation, entity.map(|(entity, _)| entity)).await
        }
        (["name", name @ ..], Operation::Update) if !name.is_empty() => write(call, "", &name.join("/")).await,
        (["name", name @ ..], operation) if !name.is_empty() => {
            let entity = call.core.entity_by_name(namespace, &name.join("/")).await?;
            one(call, operation, entity.map(|(entity, _)| entity)).await
        }
        ([] | ["id" | "name" | "batch-delete" | "merge"], _) => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

async fn one(call: &Call<'_>, operation: Operation, entity: Option<Entity>) -> Result<Answer, Error> {
    match operation {
        Operation::Read => Ok(Answer::json(describe_entity(call.core, call.state, &found(entity)?).await?)),
        Operation::Delete => {
            if let Some(entity) = entity {
                call.core.delete_entity(&entity).await?;
            }
            Ok(Answer::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn list(call: &Call<'_>, by_name: bool) -> Result<Answer, Error> {
    let (storage, namespace) = (call.core.storage(), call.namespace);
    let mut rows: Vec<(String, Value)> = Vec::new();
    for key in storage.scan("identity/entity/", "", usize::MAX).await? {
        let Some(entity) = storage.get_json::<Entity>(&key).await? else { continue };
        if entity.namespace_id != namespace.id {
            continue;
        }
        let aliases: Vec<Value> = entity
            .aliases
            .iter()
            .map(|alias| {
                let mut shown = Map::new();
                let Value::Object(whole) = describe_alias(call.state, alias, &entity.id) else { return Value::Null };
                for name in ["id", "mount_accessor", "mount_path", "mount_type", "name"] {
                    shown.insert(name.to_owned(), whole.get(name).cloned().unwrap_or_default());
                }
                Value::Object(shown)
            })
            .collect();
        if by_name {
            rows.push((entity.name, Value::Null));
        } else {
            let mut info = json!({ "name": entity.name });
            if let Some(info) = info.as_object_mut().filter(|_| !aliases.is_empty()) {
                info.insert("aliases".to_owned(), Value::Array(aliases));
            }
            rows.push((entity.id, info));
        }
    }
    list_answer(call, rows)
}

/// A page of a list with what is known of each.
pub(crate) fn list_answer(call: &Call<'_>, mut rows: Vec<(String, Value)>) -> Result<Answer, Error> {
    let (after, limit) = call.request.page()?;
    rows.sort_by(|left, right| left.0.cmp(&right.0));
    rows.retain(|(key, _)| key.as_str() > after);
    rows.truncate(limit);
    let keys: Vec<String> = rows.iter().map(|(key, _)| key.clone()).collect();
    let info: Map<String, Value> = rows.into_iter().filter(|(_, info)| !info.is_null()).collect();
    let mut answer = Answer::keys(keys);
    if let Some(data) = answer.response.data.as_mut().filter(|_| !info.is_empty()) {
        data.insert("key_info".to_owned(), Value::Object(info));
    }
    Ok(answer)
}

/// Policies of an identity: never root, which only a token holds.
pub(crate) fn policies_of(call: &Call<'_>) -> Result<Option<Vec<String>>, Error> {
    let Some(policies) = call.request.fields().list("policies")? else { return Ok(None) };
    let mut policies: Vec<String> = policies.into_iter().map(|policy| policy.trim().to_lowercase()).collect();
    if policies.iter().any(|policy| policy == acl::ROOT) {
        return Err(Error::invalid("policies cannot contain root"));
    }
    policies.sort();
    policies.dedup();
    Ok(Some(policies))
}

async fn write(call: &Call<'_>, id: &str, name: &str) -> Result<Answer, Error> {
    let (core, namespace, now) = (call.core, call.namespace, call.request.now);
    let mut old = None;
    if !id.is_empty() {
        let entity = core.entity_at(namespace, id).await?;
        old = Some(entity.ok_or_else(|| Error::invalid("entity not found from id"))?);
    }
    if !name.is_empty()
        && let Some(named) = core.entity_by_name(namespace, name).await?
    {
        match &old {
            Some((entity, _)) if entity.id != named.0.id => {
                return Err(Error::invalid("entity name is already in use"));
            }
            Some(_) => {}
            None => old = Some(named),
        }
    }
    let mut entity = match &old {
        Some((entity, _)) => entity.clone(),
        None => new_entity(call)?,
    };
    if !name.is_empty() {
        name.clone_into(&mut entity.name);
    }
    if let Some(policies) = policies_of(call)? {
        entity.policies = policies;
    }
    let fields = call.request.fields();
    if let Some(disabled) = fields.boolean("disabled")? {
        entity.disabled = disabled;
    }
    if let Some(metadata) = fields.map("metadata")? {
        entity.metadata = Some(metadata);
    }
    entity.updated = now;
    core.put_entity(old.as_ref(), &entity).await?;
    if old.is_some() {
        return Ok(Answer::empty());
    }
    Ok(Answer::json(json!({ "id": entity.id, "name": entity.name, "aliases": null })))
}

/// An entity with a name of its own.
pub(crate) fn new_entity(call: &Call<'_>) -> Result<Entity, Error> {
    Ok(Entity {
        id: uuid::Uuid::new_v4().to_string(),
        name: format!("entity_{}", random_text(8)?.to_lowercase()),
        namespace_id: call.namespace.id.clone(),
        created: call.request.now,
        updated: call.request.now,
        ..Entity::default()
    })
}

async fn batch_delete(call: &Call<'_>) -> Result<Answer, Error> {
    let ids = call.request.fields().list("entity_ids")?.filter(|ids| !ids.is_empty());
    for id in ids.ok_or_else(|| Error::invalid("missing entity ids to delete"))? {
        if let Some((entity, _)) = call.core.entity_at(call.namespace, &id).await? {
            call.core.delete_entity(&entity).await?;
        }
    }
    Ok(Answer::empty())
}
