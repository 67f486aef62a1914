use super::person::Person;
use super::rows::{
    Alias, Entity, Group, alias_key, alias_name_key, entity_groups_prefix, entity_key, entity_name_key,
    group_alias_name_key, group_key,
};
use crate::core::Core;
use crate::mount::Mount;
use jiff::Timestamp;
use logical::{Batch, Error, StorageExt as _};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who logs in, as the auth method says.
pub(crate) struct Who<'a> {
    pub(crate) mount: &'a Mount,
    pub(crate) alias: &'a logical::Alias,
    pub(crate) groups: &'a [logical::Alias],
    pub(crate) now: Timestamp,
}

impl Core {
    /// The entity of a login: found by its name at the mount, or made.
    pub(crate) async fn log_in(&self, who: &Who<'_>) -> Result<Option<Arc<Person>>, Error> {
        if who.alias.name.is_empty() {
            return Ok(None);
        }
        let entity = loop {
            match self.entity_of(who).await {
                // Two logins of a new name at once: the other one made it.
                Err(Error::Conflict) => {}
                other => break other?,
            }
        };
        self.join_groups(&entity.id, who).await?;
        self.person(&entity.id).await
    }

    async fn entity_of(&self, who: &Who<'_>) -> Result<Entity, Error> {
        let storage = self.storage();
        let accessor = &who.mount.entry.accessor;
        let name_key = alias_name_key(accessor, &who.alias.name);
        let metadata = Some(who.alias.metadata.clone()).filter(|metadata| !metadata.is_empty());
        if let Some(id) = storage.get_json::<String>(&name_key).await? {
            let key = entity_key(&id);
            let (mut entity, version) = storage
                .get_json_at::<Entity>(&key)
                .await?
                .ok_or_else(|| Error::internal("an alias without an entity"))?;
            let is_this = |alias: &&mut Alias| alias.mount_accessor == *accessor && alias.name == who.alias.name;
            let Some(alias) = entity.aliases.iter_mut().find(is_this) else { return Ok(entity) };
            if alias.metadata == metadata {
                return Ok(entity);
            }
            alias.metadata = metadata;
            alias.updated = who.now;
            let mut batch = Batch::new();
            batch.put_json(key.as_str(), &entity)?.require(key.as_str(), Some(version));
            storage.commit(batch).await?;
            self.persons.clear();
            return Ok(entity);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let alias = Alias {
            id: uuid::Uuid::new_v4().to_string(),
            name: who.alias.name.clone(),
            mount_accessor: accessor.clone(),
            metadata,
            created: who.now,
            updated: who.now,
            ..Alias::default()
        };
        let short = id.split('-').next().unwrap_or_default();
        let entity = Entity {
            name: format!("entity_{short}{}", crate::token::random_text(8)?.to_lowercase()),
            id,
            namespace_id: who.mount.namespace.id.clone(),
            aliases: vec![alias.clone()],
            created: who.now,
            updated: who.now,
            ..Entity::default()
        };
        let mut batch = Batch::new();
        batch.put_json(entity_key(&entity.id), &entity)?;
        batch.put_json(entity_name_key(&entity.namespace_id, &entity.name), &entity.id)?;
        batch.put_json(alias_key(&alias.id), &entity.id)?;
        batch.put_json(name_key.as_str(), &entity.id)?.require(name_key.as_str(), None);
        storage.commit(batch).await?;
        Ok(entity)
    }

    /// Puts the entity into the external groups that the auth method named, and takes it out of that mount's others.
    async fn join_groups(&self, entity_id: &str, who: &Who<'_>) -> Result<(), Error> {
        let storage = self.storage();
        let accessor = &who.mount.entry.accessor;
        let mut wanted = BTreeSet::new();
        for group in who.groups {
            wanted.extend(storage.get_json::<String>(&group_alias_name_key(accessor, &group.name)).await?);
        }
        let prefix = entity_groups_prefix(entity_id);
        let mut changes = Vec::new();
        let held: BTreeSet<String> = storage.list(&prefix, "", usize::MAX).await?.into_iter().collect();
        changes.extend(wanted.difference(&held).map(|id| (id.clone(), true)));
        for id in held.difference(&wanted) {
            let Some(group) = storage.get_json::<Group>(&group_key(id)).await? else { continue };
            let is_of_mount = group.alias.as_ref().is_some_and(|alias| alias.mount_accessor == *accessor);
            if group.is_external && is_of_mount {
                changes.push((id.clone(), false));
            }
        }
        for (id, joins) in changes {
            self.change_member(&id, entity_id, joins, who.now).await?;
        }
        Ok(())
    }

    async fn change_member(&self, group_id: &str, entity_id: &str, joins: bool, now: Timestamp) -> Result<(), Error> {
        let storage = self.storage();
        let key = group_key(group_id);
        loop {
            let Some((mut group, version)) = storage.get_json_at::<Group>(&key).await? else { return Ok(()) };
            group.member_entity_ids.retain(|member| member != entity_id);
            let row = format!("{}{group_id}", entity_groups_prefix(entity_id));
            let mut batch = Batch::new();
            if joins {
                group.member_entity_ids.push(entity_id.to_owned());
                batch.put(row, Vec::new());
            } else {
                batch.delete(row);
            }
            group.updated = now;
            group.modify_index += 1;
            batch.put_json(key.as_str(), &group)?.require(key.as_str(), Some(version));
            match storage.commit(batch).await {
                Err(Error::Conflict) => {}
                other => {
                    self.persons.clear();
                    return other.map(|_| ());
                }
            }
        }
    }
}
