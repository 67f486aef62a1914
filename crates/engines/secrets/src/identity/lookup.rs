use super::entity_store::describe_entity;
use super::group_paths;
use super::rows::{alias_key, alias_name_key, group_alias_key, group_alias_name_key};
use crate::answer::Answer;
use crate::call::Call;
use logical::{Error, StorageExt as _};

/// `lookup/entity` and `lookup/group`, by exactly one of four ways. Nothing found is a 204.
pub(crate) async fn handle(call: &Call<'_>, what: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let text = |name: &str| -> Result<Option<String>, Error> { Ok(fields.text(name)?.filter(|text| !text.is_empty())) };
    let (id, name, alias_id) = (text("id")?, text("name")?, text("alias_id")?);
    let (alias_name, accessor) = (text("alias_name")?, text("alias_mount_accessor")?);
    let by_alias = alias_name.is_some() || accessor.is_some();
    let ways = [id.is_some(), name.is_some(), alias_id.is_some(), by_alias];
    match ways.iter().filter(|way| **way).count() {
        0 => return Err(Error::invalid("query parameter not supplied")),
        1 => {}
        _ => return Err(Error::invalid("query parameter conflict; please supply distinct set of query parameters")),
    }
    let is_entity = what == "entity";
    let mut found = id;
    if let Some(alias_id) = alias_id {
        let key = if is_entity { alias_key(&alias_id) } else { group_alias_key(&alias_id) };
        found = call.core.storage().get_json(&key).await?;
    } else if by_alias {
        let (Some(name), Some(accessor)) = (alias_name, accessor) else {
            return Err(Error::invalid("both 'alias_name' and 'alias_mount_accessor' needs to be set"));
        };
        let key = if is_entity { alias_name_key(&accessor, &name) } else { group_alias_name_key(&accessor, &name) };
        found = call.core.storage().get_json(&key).await?;
    }
    if is_entity {
        let entity = match (found, name) {
            (Some(id), _) => call.core.entity_at(call.namespace, &id).await?,
            (None, Some(name)) => call.core.entity_by_name(call.namespace, &name).await?,
            _ => None,
        };
        return match entity {
            Some((entity, _)) => Ok(Answer::json(describe_entity(call.core, call.state, &entity).await?)),
            None => Ok(Answer::empty()),
        };
    }
    let group = match (found, name) {
        (Some(id), _) => call.core.group_at(call.namespace, &id).await?,
        (None, Some(name)) => call.core.group_by_name(call.namespace, &name).await?,
        _ => None,
    };
    match group {
        Some((group, _)) => Ok(Answer::json(group_paths::describe(call, &group).await?)),
        None => Ok(Answer::empty()),
    }
}
