use super::entity_store::put_entity;
use super::rows::{Entity, entity_groups_prefix, entity_key, entity_name_key, merged_key};
use crate::answer::Answer;
use crate::call::Call;
use logical::{Batch, Error};

/// `entity/merge`: what the others have becomes one entity's.
pub(crate) async fn handle(call: &Call<'_>) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let to = fields.text("to_entity_id")?.unwrap_or_default();
    if to.is_empty() {
        return Err(Error::invalid("missing entity id to merge to"));
    }
    let from = fields.list("from_entity_ids")?.unwrap_or_default();
    if from.is_empty() {
        return Err(Error::invalid("missing entity ids to merge from"));
    }
    let force = fields.boolean("force")?.unwrap_or(false);
    let keep = fields.list("conflicting_alias_ids_to_keep")?.unwrap_or_default();
    if from.len() > 1 && !keep.is_empty() {
        return Err(Error::invalid(
            "aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time",
        ));
    }
    let target = call.core.entity_at(call.namespace, &to).await?;
    let target = target.ok_or_else(|| Error::invalid("entity id to merge to is invalid"))?;
    let mut merged = target.0.clone();
    merged.updated = call.request.now;
    let mut batch = Batch::new();
    let mut groups = Vec::new();
    for id in &from {
        if *id == to {
            return Err(Error::invalid("to_entity_id should not be present in from_entity_ids"));
        }
        let source = call.core.entity_at(call.namespace, id).await?;
        let (source, version) = source.ok_or_else(|| Error::invalid("entity id to merge from is invalid"))?;
        batch.require(entity_key(id), Some(version)).delete(entity_key(id));
        batch.delete(entity_name_key(&source.namespace_id, &source.name));
        batch.put_json(merged_key(id), &to)?;
        for alias in &source.aliases {
            batch.delete(super::rows::alias_key(&alias.id));
            batch.delete(super::rows::alias_name_key(&alias.mount_accessor, &alias.name));
        }
        groups.extend(
            call.core
                .storage()
                .list(&entity_groups_prefix(id), "", usize::MAX)
                .await?
                .into_iter()
                .map(|group| (group, source.clone())),
        );
        join(&mut merged, source, force, &keep)?;
    }
    put_entity(&mut batch, Some(&target), &merged)?;
    match call.core.storage().commit(batch).await {
        Err(Error::Conflict) => return Err(Error::invalid("an entity has changed meanwhile")),
        other => other?,
    };
    // Groups of those that are no more: the one entity takes their place in them.
    for (group_id, source) in groups {
        if let Some(old) = call.core.group_at(call.namespace, &group_id).await? {
            let mut group = old.0.clone();
            group.member_entity_ids.retain(|member| *member != source.id && *member != to);
            group.member_entity_ids.push(to.clone());
            call.core.put_group(Some(&old), &group).await?;
        }
    }
    call.core.persons.clear();
    Ok(Answer::empty())
}

/// Takes over aliases, policies and metadata. Two aliases of one mount are refused unless it is told which one stays.
fn join(merged: &mut Entity, source: Entity, force: bool, keep: &[String]) -> Result<(), Error> {
    for mut alias in source.aliases {
        let clash = merged.aliases.iter().position(|own| own.mount_accessor == alias.mount_accessor);
        if let Some(at) = clash {
            let own_id = merged.aliases.get(at).map(|own| own.id.clone()).unwrap_or_default();
            if keep.contains(&own_id) {
                continue;
            }
            if !keep.contains(&alias.id) && !force {
                return Err(Error::invalid(format!(
                    "toEntity and at least one fromEntity have aliases with the same mount accessor, repeat the merge \
                     request specifying exactly one fromEntity, clashes: {:?} and {:?}",
                    own_id, alias.id
                )));
            }
            merged.aliases.remove(at);
        }
        alias.merged_from.push(source.id.clone());
        merged.aliases.push(alias);
    }
    merged.policies.extend(source.policies);
    merged.policies.sort();
    merged.policies.dedup();
    if let Some(metadata) = source.metadata {
        let own = merged.metadata.get_or_insert_default();
        for (name, value) in metadata {
            own.entry(name).or_insert(value);
        }
    }
    merged.merged_entity_ids.push(source.id);
    merged.merged_entity_ids.extend(source.merged_entity_ids);
    Ok(())
}
