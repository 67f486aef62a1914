use super::entity_paths::{list_answer, new_entity};
use super::entity_store::{auth_mount, describe_alias, put_entity};
use super::rows::{Alias, Entity, alias_key, alias_name_key};
use crate::answer::{Answer, found};
use crate::call::Call;
use logical::{Batch, Error, Operation, StorageExt as _};
use serde_json::{Value, json};

/// `entity-alias`, `entity-alias/id/<id>`.
pub(crate) async fn handle(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    match (rest, call.request.operation) {
        ([], Operation::Update) => {
            let id = call.request.fields().text("id")?.unwrap_or_default();
            write(call, &id).await
        }
        (["id"], Operation::List) => list(call).await,
        (["id", id], Operation::Update) => write(call, id).await,
        (["id", id], Operation::Read) => {
            let (entity, _) = found(by_id(call, id).await?)?;
            let alias = found(entity.aliases.iter().find(|alias| alias.id == *id))?;
            let Value::Object(mut data) = describe_alias(call.state, alias, &entity.id) else {
                return Ok(Answer::empty());
            };
            data.insert("namespace_id".to_owned(), entity.namespace_id.clone().into());
            Ok(Answer::data(data))
        }
        (["id", id], Operation::Delete) => {
            if let Some(old) = by_id(call, id).await? {
                let mut entity = old.0.clone();
                entity.aliases.retain(|alias| alias.id != *id);
                entity.updated = call.request.now;
                call.core.put_entity(Some(&old), &entity).await?;
            }
            Ok(Answer::empty())
        }
        ([] | ["id"] | ["id", _], _) => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

/// The entity of an alias.
async fn by_id(call: &Call<'_>, alias_id: &str) -> Result<Option<(Entity, u64)>, Error> {
    match call.core.storage().get_json::<String>(&alias_key(alias_id)).await? {
        Some(id) => call.core.entity_at(call.namespace, &id).await,
        None => Ok(None),
    }
}

async fn list(call: &Call<'_>) -> Result<Answer, Error> {
    let storage = call.core.storage();
    let mut rows = Vec::new();
    for key in storage.scan("identity/entity/", "", usize::MAX).await? {
        let Some(entity) = storage.get_json::<Entity>(&key).await? else { continue };
        if entity.namespace_id != call.namespace.id {
            continue;
        }
        for alias in &entity.aliases {
            let mut shown = describe_alias(call.state, alias, &entity.id);
            if let Some(shown) = shown.as_object_mut() {
                shown.retain(|name, _| {
                    matches!(
                        name.as_str(),
                        "name"
                            | "canonical_id"
                            | "mount_accessor"
                            | "mount_path"
                            | "mount_type"
                            | "custom_metadata"
                            | "local"
                    )
                });
            }
            rows.push((alias.id.clone(), shown));
        }
    }
    list_answer(call, rows)
}

async fn write(call: &Call<'_>, id: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let mut name = fields.text("name")?.unwrap_or_default();
    let mut accessor = fields.text("mount_accessor")?.unwrap_or_default();
    let custom = fields.map("custom_metadata")?;
    let mut canonical = fields.text("canonical_id")?.unwrap_or_default();
    if canonical.is_empty() {
        canonical = fields.text("entity_id")?.unwrap_or_default();
    }
    let old = if id.is_empty() {
        if accessor.is_empty() || name.is_empty() {
            return Err(Error::invalid("'id' or 'mount_accessor' and 'name' must be provided"));
        }
        auth_mount(call.state, call.namespace, &accessor)?;
        match call.core.storage().get_json::<String>(&alias_name_key(&accessor, &name)).await? {
            Some(entity_id) => call.core.entity_at(call.namespace, &entity_id).await?,
            None => None,
        }
    } else {
        Some(by_id(call, id).await?.ok_or_else(|| Error::invalid("invalid alias ID provided"))?)
    };
    let Some(old) = old else { return create(call, &canonical, name, accessor, custom).await };
    let is_this = |alias: &&Alias| {
        if id.is_empty() { alias.mount_accessor == accessor && alias.name == name } else { alias.id == id }
    };
    let mut alias =
        old.0.aliases.iter().find(is_this).cloned().ok_or_else(|| Error::invalid("invalid alias ID provided"))?;
    let before = alias.clone();
    if name.is_empty() {
        name = alias.name.clone();
    }
    if accessor.is_empty() {
        accessor = alias.mount_accessor.clone();
    }
    (alias.name, alias.mount_accessor) = (name, accessor);
    if custom.is_some() {
        alias.custom_metadata = custom;
    }
    let moves = !canonical.is_empty() && canonical != old.0.id;
    let is_same = alias.name == before.name
        && alias.mount_accessor == before.mount_accessor
        && alias.custom_metadata == before.custom_metadata;
    if is_same && !moves {
        return Ok(Answer::empty());
    }
    if (&alias.name, &alias.mount_accessor) != (&before.name, &before.mount_accessor) {
        auth_mount(call.state, call.namespace, &alias.mount_accessor)?;
        let taken = call.core.storage().get(&alias_name_key(&alias.mount_accessor, &alias.name)).await?;
        if taken.is_some() {
            return Err(Error::invalid("alias with combination of mount accessor and name already exists"));
        }
    }
    alias.updated = call.request.now;
    change(call, &old, alias, moves.then_some(canonical.as_str())).await
}

/// Puts the changed alias back into its entity, or into another one.
async fn change(call: &Call<'_>, old: &(Entity, u64), alias: Alias, new_owner: Option<&str>) -> Result<Answer, Error> {
    let mut entity = old.0.clone();
    entity.aliases.retain(|other| other.id != alias.id);
    entity.updated = call.request.now;
    let mut batch = Batch::new();
    let canonical_id = match new_owner {
        None => {
            check_free(&entity, &alias.mount_accessor)?;
            entity.aliases.push(alias.clone());
            put_entity(&mut batch, Some(old), &entity)?;
            entity.id.clone()
        }
        Some(id) => {
            let target = call.core.entity_at(call.namespace, id).await?;
            let target = target.ok_or_else(|| Error::invalid("invalid canonical ID"))?;
            check_free(&target.0, &alias.mount_accessor)?;
            let mut owner = target.0.clone();
            owner.aliases.push(alias.clone());
            owner.updated = call.request.now;
            put_entity(&mut batch, Some(old), &entity)?;
            put_entity(&mut batch, Some(&target), &owner)?;
            owner.id
        }
    };
    commit(call, batch).await?;
    Ok(Answer::json(json!({ "id": alias.id, "canonical_id": canonical_id })))
}

fn check_free(entity: &Entity, accessor: &str) -> Result<(), Error> {
    if entity.aliases.iter().any(|alias| alias.mount_accessor == accessor) {
        return Err(Error::invalid("Alias already exists for requested entity and mount accessor"));
    }
    Ok(())
}

async fn commit(call: &Call<'_>, batch: Batch) -> Result<(), Error> {
    match call.core.storage().commit(batch).await {
        Err(Error::Conflict) => return Err(Error::invalid("the entity or alias has changed meanwhile")),
        other => other?,
    };
    call.core.persons.clear();
    Ok(())
}

async fn create(
    call: &Call<'_>,
    canonical: &str,
    name: String,
    mount_accessor: String,
    custom_metadata: Option<std::collections::BTreeMap<String, String>>,
) -> Result<Answer, Error> {
    let old = match canonical {
        "" => None,
        id => {
            Some(call.core.entity_at(call.namespace, id).await?.ok_or_else(|| Error::invalid("invalid canonical ID"))?)
        }
    };
    let mut entity = match &old {
        Some((entity, _)) => entity.clone(),
        None => new_entity(call)?,
    };
    check_free(&entity, &mount_accessor)?;
    let now = call.request.now;
    let alias = Alias {
        id: uuid::Uuid::new_v4().to_string(),
        name,
        mount_accessor,
        custom_metadata,
        created: now,
        updated: now,
        ..Alias::default()
    };
    let mut batch = Batch::new();
    batch.require(alias_name_key(&alias.mount_accessor, &alias.name), None);
    let id = alias.id.clone();
    entity.aliases.push(alias);
    entity.updated = now;
    put_entity(&mut batch, old.as_ref(), &entity)?;
    commit(call, batch).await?;
    Ok(Answer::json(json!({ "id": id, "canonical_id": entity.id })))
}
