use super::rows::{
    Alias, Entity, Group, alias_key, alias_name_key, entity_groups_prefix, entity_key, entity_name_key, group_key,
    merged_key,
};
use crate::core::{Core, State};
use crate::mount::Mount;
use crate::namespace::Namespace;
use logical::{Batch, Error, StorageExt as _};
use serde_json::{Value, json};
use std::sync::Arc;

impl Core {
    /// An entity of the namespace with the version of its row. Another tenant's is none.
    pub(crate) async fn entity_at(&self, namespace: &Namespace, id: &str) -> Result<Option<(Entity, u64)>, Error> {
        let found = self.storage().get_json_at::<Entity>(&entity_key(id)).await?;
        Ok(found.filter(|(entity, _)| entity.namespace_id == namespace.id))
    }

    pub(crate) async fn entity_by_name(
        &self,
        namespace: &Namespace,
        name: &str,
    ) -> Result<Option<(Entity, u64)>, Error> {
        match self.storage().get_json::<String>(&entity_name_key(&namespace.id, name)).await? {
            Some(id) => self.entity_at(namespace, &id).await,
            None => Ok(None),
        }
    }

    /// Stores an entity in place of what was there, with its names; all or nothing.
    pub(crate) async fn put_entity(&self, old: Option<&(Entity, u64)>, new: &Entity) -> Result<(), Error> {
        let mut batch = Batch::new();
        put_entity(&mut batch, old, new)?;
        match self.storage().commit(batch).await {
            Err(Error::Conflict) => return Err(Error::invalid("the entity or its name has changed meanwhile")),
            other => other?,
        };
        self.persons.clear();
        Ok(())
    }

    /// Deletes an entity, its aliases, and its place in groups.
    pub(crate) async fn delete_entity(&self, entity: &Entity) -> Result<(), Error> {
        let prefix = entity_groups_prefix(&entity.id);
        for group_id in self.storage().list(&prefix, "", usize::MAX).await? {
            self.drop_member(&group_id, &entity.id).await?;
        }
        let mut batch = Batch::new();
        batch.delete(entity_key(&entity.id)).delete(entity_name_key(&entity.namespace_id, &entity.name));
        for alias in &entity.aliases {
            batch.delete(alias_key(&alias.id)).delete(alias_name_key(&alias.mount_accessor, &alias.name));
        }
        for merged in &entity.merged_entity_ids {
            batch.delete(merged_key(merged));
        }
        self.storage().commit(batch).await?;
        self.persons.clear();
        Ok(())
    }

    async fn drop_member(&self, group_id: &str, entity_id: &str) -> Result<(), Error> {
        let key = group_key(group_id);
        loop {
            let mut batch = Batch::new();
            batch.delete(format!("{}{group_id}", entity_groups_prefix(entity_id)));
            if let Some((mut group, version)) = self.storage().get_json_at::<Group>(&key).await? {
                group.member_entity_ids.retain(|member| member != entity_id);
                batch.put_json(key.as_str(), &group)?.require(key.as_str(), Some(version));
            }
            match self.storage().commit(batch).await {
                Err(Error::Conflict) => {}
                other => return other.map(|_| ()),
            }
        }
    }
}

/// Puts an entity into a batch with its names.
pub(crate) fn put_entity(batch: &mut Batch, old: Option<&(Entity, u64)>, new: &Entity) -> Result<(), Error> {
    let key = entity_key(&new.id);
    batch.require(key.as_str(), old.map(|(_, version)| *version));
    let name_key = entity_name_key(&new.namespace_id, &new.name);
    let old_name = old.map(|(old, _)| entity_name_key(&old.namespace_id, &old.name));
    if old_name.as_ref() != Some(&name_key) {
        batch.require(name_key.as_str(), None);
        if let Some(old_name) = old_name {
            batch.delete(old_name);
        }
    }
    let old_aliases = old.map(|(old, _)| old.aliases.as_slice()).unwrap_or_default();
    for alias in old_aliases {
        batch.delete(alias_key(&alias.id)).delete(alias_name_key(&alias.mount_accessor, &alias.name));
    }
    for alias in &new.aliases {
        batch.put_json(alias_key(&alias.id), &new.id)?;
        batch.put_json(alias_name_key(&alias.mount_accessor, &alias.name), &new.id)?;
    }
    batch.put_json(name_key, &new.id)?;
    batch.put_json(key, new)?;
    Ok(())
}

/// The auth method of an alias, which must be in the same namespace.
pub(crate) fn auth_mount<'a>(state: &'a State, namespace: &Namespace, accessor: &str) -> Result<&'a Arc<Mount>, Error> {
    let mount = state.router.by_accessor(accessor);
    let mount = mount.ok_or_else(|| Error::invalid(format!("invalid mount accessor {accessor:?}")))?;
    if mount.namespace.id != namespace.id {
        return Err(Error::DeniedBecause("matching mount is in a different namespace than request".to_owned()));
    }
    Ok(mount)
}

/// An alias as the API shows it.
pub(crate) fn describe_alias(state: &State, alias: &Alias, canonical_id: &str) -> Value {
    let mut shown = json!({
        "id": alias.id,
        "canonical_id": canonical_id,
        "mount_accessor": alias.mount_accessor,
        "metadata": alias.metadata,
        "custom_metadata": alias.custom_metadata.clone().unwrap_or_default(),
        "name": alias.name,
        "merged_from_canonical_ids": if alias.merged_from.is_empty() { Value::Null } else { json!(alias.merged_from) },
        "creation_time": alias.created.to_string(),
        "last_update_time": alias.updated.to_string(),
        "local": false,
    });
    if let (Some(shown), Some(mount)) = (shown.as_object_mut(), state.router.by_accessor(&alias.mount_accessor)) {
        shown.insert("mount_type".to_owned(), json!(mount.entry.kind));
        shown.insert("mount_path".to_owned(), json!(mount.entry.full_path()));
        shown.insert("local".to_owned(), json!(mount.entry.local));
    }
    shown
}

/// An entity as the API shows it.
pub(crate) async fn describe_entity(core: &Core, state: &State, entity: &Entity) -> Result<Value, Error> {
    let groups = core.groups_of(&entity.id).await?;
    let (direct, inherited): (Vec<&Group>, Vec<&Group>) =
        groups.iter().partition(|group| group.member_entity_ids.contains(&entity.id));
    let ids = |groups: &[&Group]| groups.iter().map(|group| group.id.clone()).collect::<Vec<String>>();
    let aliases: Vec<Value> = entity.aliases.iter().map(|alias| describe_alias(state, alias, &entity.id)).collect();
    let all = [ids(&direct), ids(&inherited)].concat();
    Ok(json!({
        "id": entity.id,
        "name": entity.name,
        "metadata": entity.metadata,
        "merged_entity_ids": if entity.merged_entity_ids.is_empty() { Value::Null } else { json!(entity.merged_entity_ids) },
        "policies": entity.policies,
        "disabled": entity.disabled,
        "namespace_id": entity.namespace_id,
        "creation_time": entity.created.to_string(),
        "last_update_time": entity.updated.to_string(),
        "aliases": aliases,
        "direct_group_ids": ids(&direct),
        "inherited_group_ids": ids(&inherited),
        "group_ids": all,
    }))
}
