use super::entity_paths::{list_answer, policies_of};
use super::entity_store::describe_alias;
use super::rows::{Group, group_groups_prefix};
use crate::answer::{Answer, found};
use crate::call::Call;
use crate::token::random_text;
use logical::{Error, Operation, StorageExt as _};
use serde_json::{Value, json};

/// `group`, `group/id/<id>`, `group/name/<name>`.
pub(crate) async fn handle(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    let (core, namespace) = (call.core, call.namespace);
    match (rest, call.request.operation) {
        ([], Operation::Update) => {
            let fields = call.request.fields();
            let id = fields.text("id")?.unwrap_or_default();
            let old = match id.as_str() {
                "" => match fields.text("name")?.filter(|name| !name.is_empty()) {
                    Some(name) => core.group_by_name(namespace, &name).await?,
                    None => None,
                },
                id => Some(core.group_at(namespace, id).await?.ok_or_else(|| Error::invalid("invalid group ID"))?),
            };
            write(call, old, None).await
        }
        (["id"], Operation::List) => list(call, false).await,
        (["name"], Operation::List) => list(call, true).await,
        (["id", id], Operation::Update) => {
            let old = core.group_at(namespace, id).await?.ok_or_else(|| Error::invalid("invalid group ID"))?;
            write(call, Some(old), None).await
        }
        (["id", id], operation) => {
            let group = core.group_at(namespace, id).await?;
            one(call, operation, group.map(|(group, _)| group)).await
        }
        (["name", name @ ..], operation) if !name.is_empty() => {
            let name = name.join("/");
            let old = core.group_by_name(namespace, &name).await?;
            if operation == Operation::Update {
                return write(call, old, Some(&name)).await;
            }
            one(call, operation, old.map(|(group, _)| group)).await
        }
        ([] | ["id" | "name"], _) => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

async fn one(call: &Call<'_>, operation: Operation, group: Option<Group>) -> Result<Answer, Error> {
    match operation {
        Operation::Read => Ok(Answer::json(describe(call, &found(group)?).await?)),
        Operation::Delete => {
            if let Some(group) = group {
                call.core.delete_group(&group).await?;
            }
            Ok(Answer::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// A group as the API shows it.
pub(crate) async fn describe(call: &Call<'_>, group: &Group) -> Result<Value, Error> {
    let parents = call.core.storage().list(&group_groups_prefix(&group.id), "", usize::MAX).await?;
    let or_null = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
    let alias = group.alias.as_ref().map(|alias| describe_alias(call.state, alias, &group.id));
    Ok(json!({
        "id": group.id,
        "name": group.name,
        "policies": or_null(&group.policies),
        "member_entity_ids": or_null(&group.member_entity_ids),
        "member_group_ids": or_null(&group.member_group_ids),
        "parent_group_ids": or_null(&parents),
        "metadata": group.metadata,
        "creation_time": group.created.to_string(),
        "last_update_time": group.updated.to_string(),
        "modify_index": group.modify_index,
        "type": kind(group),
        "namespace_id": group.namespace_id,
        "alias": alias.unwrap_or_else(|| json!({})),
    }))
}

fn kind(group: &Group) -> &'static str {
    if group.is_external { "external" } else { "internal" }
}

async fn list(call: &Call<'_>, by_name: bool) -> Result<Answer, Error> {
    let storage = call.core.storage();
    let mut rows = Vec::new();
    for key in storage.scan("identity/group/", "", usize::MAX).await? {
        let Some(group) = storage.get_json::<Group>(&key).await? else { continue };
        if group.namespace_id != call.namespace.id {
            continue;
        }
        if by_name {
            rows.push((group.name, Value::Null));
        } else {
            let info = json!({
                "name": group.name,
                "num_member_entities": group.member_entity_ids.len(),
                "num_parent_groups": storage.list(&group_groups_prefix(&group.id), "", usize::MAX).await?.len(),
            });
            rows.push((group.id, info));
        }
    }
    list_answer(call, rows)
}

/// A group with a name of its own.
pub(crate) fn new_group(call: &Call<'_>) -> Result<Group, Error> {
    Ok(Group {
        id: uuid::Uuid::new_v4().to_string(),
        name: format!("group_{}", random_text(8)?.to_lowercase()),
        namespace_id: call.namespace.id.clone(),
        created: call.request.now,
        updated: call.request.now,
        ..Group::default()
    })
}

async fn write(call: &Call<'_>, old: Option<(Group, u64)>, path_name: Option<&str>) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let mut group = match &old {
        Some((group, _)) => group.clone(),
        None => new_group(call)?,
    };
    if let Some(policies) = policies_of(call)? {
        group.policies = policies;
    }
    if let Some(wanted) = fields.text("type")?.filter(|wanted| !wanted.is_empty()) {
        if old.is_some() && wanted != kind(&group) {
            return Err(Error::invalid("group type cannot be changed"));
        }
        group.is_external = match wanted.as_str() {
            "internal" => false,
            "external" => true,
            _ => return Err(Error::invalid(format!("invalid group type {wanted:?}"))),
        };
    }
    let name = match path_name {
        Some(name) => Some(name.to_owned()),
        None => fields.text("name")?.filter(|name| !name.is_empty()),
    };
    if let Some(name) = name {
        let named = call.core.group_by_name(call.namespace, &name).await?;
        if named.is_some_and(|(named, _)| named.id != group.id) {
            return Err(Error::invalid("group name is already in use"));
        }
        group.name = name;
    }
    if let Some(metadata) = fields.map("metadata")? {
        group.metadata = Some(metadata);
    }
    for (name, list, what) in [
        (
            "member_entity_ids",
            &mut group.member_entity_ids,
            "member entities can't be set manually for external groups",
        ),
        ("member_group_ids", &mut group.member_group_ids, "member groups can't be set for external groups"),
    ] {
        if let Some(mut members) = fields.list(name)? {
            if group.is_external {
                return Err(Error::invalid(what));
            }
            members.sort();
            members.dedup();
            *list = members;
        }
    }
    call.core.check_members(&group).await?;
    group.updated = call.request.now;
    group.modify_index += 1;
    call.core.put_group(old.as_ref(), &group).await?;
    if old.is_some() {
        return Ok(Answer::empty());
    }
    Ok(Answer::json(json!({ "id": group.id, "name": group.name })))
}
