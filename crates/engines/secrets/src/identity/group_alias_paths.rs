use super::entity_paths::list_answer;
use super::entity_store::{auth_mount, describe_alias};
use super::group_paths::new_group;
use super::rows::{Alias, Group, group_alias_key, group_alias_name_key};
use crate::answer::{Answer, found};
use crate::call::Call;
use logical::{Error, Operation, StorageExt as _};
use serde_json::json;

/// `group-alias`, `group-alias/id/<id>`.
pub(crate) async fn handle(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    match (rest, call.request.operation) {
        ([], Operation::Update) => {
            let id = call.request.fields().text("id")?.unwrap_or_default();
            write(call, &id).await
        }
        (["id"], Operation::List) => list(call).await,
        (["id", id], Operation::Update) => write(call, id).await,
        (["id", id], Operation::Read) => {
            let (group, _) = found(by_id(call, id).await?)?;
            let alias = found(group.alias.as_ref())?;
            let mut shown = describe_alias(call.state, alias, &group.id);
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("namespace_id".to_owned(), group.namespace_id.clone().into());
            }
            Ok(Answer::json(shown))
        }
        (["id", id], Operation::Delete) => {
            if let Some(old) = by_id(call, id).await? {
                let mut group = old.0.clone();
                group.alias = None;
                call.core.put_group(Some(&old), &group).await?;
            }
            Ok(Answer::empty())
        }
        ([] | ["id"] | ["id", _], _) => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

async fn by_id(call: &Call<'_>, alias_id: &str) -> Result<Option<(Group, u64)>, Error> {
    match call.core.storage().get_json::<String>(&group_alias_key(alias_id)).await? {
        Some(id) => call.core.group_at(call.namespace, &id).await,
        None => Ok(None),
    }
}

async fn list(call: &Call<'_>) -> Result<Answer, Error> {
    let storage = call.core.storage();
    let mut rows = Vec::new();
    for key in storage.scan("identity/group/", "", usize::MAX).await? {
        let group = storage.get_json::<Group>(&key).await?;
        let Some(group) = group.filter(|group| group.namespace_id == call.namespace.id) else { continue };
        let Some(alias) = &group.alias else { continue };
        let mut shown = describe_alias(call.state, alias, &group.id);
        if let Some(shown) = shown.as_object_mut() {
            let kept = ["name", "canonical_id", "mount_accessor", "mount_path", "mount_type"];
            shown.retain(|name, _| kept.contains(&name.as_str()));
        }
        rows.push((alias.id.clone(), shown));
    }
    list_answer(call, rows)
}

async fn write(call: &Call<'_>, id: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let storage = call.core.storage();
    let (mut name, mut accessor) =
        (fields.text("name")?.unwrap_or_default(), fields.text("mount_accessor")?.unwrap_or_default());
    let canonical = fields.text("canonical_id")?.unwrap_or_default();
    let mut old = match id {
        "" => None,
        id => Some(by_id(call, id).await?.ok_or_else(|| Error::invalid("invalid group alias ID"))?),
    };
    if let Some(alias) = old.as_ref().and_then(|(group, _)| group.alias.as_ref()) {
        name = if name.is_empty() { alias.name.clone() } else { name };
        accessor = if accessor.is_empty() { alias.mount_accessor.clone() } else { accessor };
    }
    if name.is_empty() {
        return Err(Error::invalid("missing alias name"));
    }
    if accessor.is_empty() {
        return Err(Error::invalid("missing mount_accessor"));
    }
    auth_mount(call.state, call.namespace, &accessor)?;
    if let Some(owner) = storage.get_json::<String>(&group_alias_name_key(&accessor, &name)).await? {
        let of_name = call.core.group_at(call.namespace, &owner).await?;
        match (&old, of_name) {
            (Some((group, _)), Some((named, _))) if named.id != group.id => {
                return Err(Error::invalid("combination of mount and group alias name is already in use"));
            }
            (None, Some(named)) => old = Some(named),
            _ => {}
        }
    }
    let target = match canonical.as_str() {
        "" => old.clone(),
        id => Some(
            call.core
                .group_at(call.namespace, id)
                .await?
                .ok_or_else(|| Error::invalid("invalid group ID given in 'canonical_id'"))?,
        ),
    };
    let mut group = match &target {
        Some((group, _)) => group.clone(),
        None => Group { is_external: true, ..new_group(call)? },
    };
    if !group.is_external {
        return Err(Error::invalid("alias can't be set on an internal group"));
    }
    let now = call.request.now;
    let mut alias = old
        .as_ref()
        .and_then(|(group, _)| group.alias.clone())
        .or_else(|| group.alias.clone())
        .unwrap_or_else(|| Alias { id: uuid::Uuid::new_v4().to_string(), created: now, ..Alias::default() });
    (alias.name, alias.mount_accessor, alias.updated) = (name, accessor, now);
    // The alias leaves the group that it was at.
    if let Some(before) = old.as_ref().filter(|(before, _)| before.id != group.id) {
        let mut without = before.0.clone();
        without.alias = None;
        call.core.put_group(Some(before), &without).await?;
    }
    let alias_id = alias.id.clone();
    let is_change = old.as_ref().is_some_and(|(before, _)| before.alias.is_some());
    group.alias = Some(alias);
    group.updated = now;
    group.modify_index += 1;
    call.core.put_group(target.as_ref(), &group).await?;
    if is_change {
        return Ok(Answer::empty());
    }
    Ok(Answer::json(json!({ "id": alias_id, "canonical_id": group.id })))
}
