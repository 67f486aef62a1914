use super::rows::{
    Entity, Group, entity_groups_prefix, entity_key, group_alias_key, group_alias_name_key, group_groups_prefix,
    group_key, group_name_key,
};
use crate::core::Core;
use crate::namespace::Namespace;
use logical::{Batch, Error, StorageExt as _};
use std::collections::BTreeSet;

/// A group in a chain of more groups than this is refused.
const MAX_GROUPS: usize = 1000;

impl Core {
    pub(crate) async fn group_at(&self, namespace: &Namespace, id: &str) -> Result<Option<(Group, u64)>, Error> {
        let found = self.storage().get_json_at::<Group>(&group_key(id)).await?;
        Ok(found.filter(|(group, _)| group.namespace_id == namespace.id))
    }

    pub(crate) async fn group_by_name(&self, namespace: &Namespace, name: &str) -> Result<Option<(Group, u64)>, Error> {
        match self.storage().get_json::<String>(&group_name_key(&namespace.id, name)).await? {
            Some(id) => self.group_at(namespace, &id).await,
            None => Ok(None),
        }
    }

    /// Stores a group in place of what was there, with its name, alias and the rows of its members; all or nothing.
    pub(crate) async fn put_group(&self, old: Option<&(Group, u64)>, new: &Group) -> Result<(), Error> {
        let mut batch = Batch::new();
        let key = group_key(&new.id);
        batch.require(key.as_str(), old.map(|(_, version)| *version));
        let name_key = group_name_key(&new.namespace_id, &new.name);
        let old_name = old.map(|(old, _)| group_name_key(&old.namespace_id, &old.name));
        if old_name.as_ref() != Some(&name_key) {
            batch.require(name_key.as_str(), None);
            if let Some(old_name) = old_name {
                batch.delete(old_name);
            }
        }
        if let Some((old, _)) = old {
            delete_indexes(&mut batch, old);
        }
        for member in &new.member_entity_ids {
            batch.put(format!("{}{}", entity_groups_prefix(member), new.id), Vec::new());
        }
        for member in &new.member_group_ids {
            batch.put(format!("{}{}", group_groups_prefix(member), new.id), Vec::new());
        }
        if let Some(alias) = &new.alias {
            batch.put_json(group_alias_key(&alias.id), &new.id)?;
            batch.put_json(group_alias_name_key(&alias.mount_accessor, &alias.name), &new.id)?;
        }
        batch.put_json(name_key, &new.id)?;
        batch.put_json(key, new)?;
        match self.storage().commit(batch).await {
            Err(Error::Conflict) => return Err(Error::invalid("the group or its name has changed meanwhile")),
            other => other?,
        };
        self.persons.clear();
        Ok(())
    }

    pub(crate) async fn delete_group(&self, group: &Group) -> Result<(), Error> {
        for parent in self.storage().list(&group_groups_prefix(&group.id), "", usize::MAX).await? {
            if let Some(old) = self.storage().get_json_at::<Group>(&group_key(&parent)).await? {
                let mut changed = old.0.clone();
                changed.member_group_ids.retain(|member| *member != group.id);
                self.put_group(Some(&old), &changed).await?;
            }
        }
        let mut batch = Batch::new();
        batch.delete(group_key(&group.id)).delete(group_name_key(&group.namespace_id, &group.name));
        delete_indexes(&mut batch, group);
        self.storage().commit(batch).await?;
        self.persons.clear();
        Ok(())
    }

    /// Refuses members that there are not, and groups that would be in themselves.
    pub(crate) async fn check_members(&self, group: &Group) -> Result<(), Error> {
        for id in &group.member_entity_ids {
            if self.storage().get_json::<Entity>(&entity_key(id)).await?.is_none() {
                return Err(Error::invalid(format!("invalid entity ID {id:?}")));
            }
        }
        let mut open = group.member_group_ids.clone();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if id == group.id {
                return Err(Error::invalid(format!("cyclic relationship detected for member group ID {id:?}")));
            }
            if !seen.insert(id.clone()) {
                continue;
            }
            if seen.len() > MAX_GROUPS {
                return Err(Error::invalid("too many groups in each other"));
            }
            let member = self.storage().get_json::<Group>(&group_key(&id)).await?;
            let member = member
                .filter(|member| member.namespace_id == group.namespace_id || !group.member_group_ids.contains(&id));
            open.extend(member.ok_or_else(|| Error::invalid(format!("invalid group ID {id:?}")))?.member_group_ids);
        }
        Ok(())
    }
}

fn delete_indexes(batch: &mut Batch, group: &Group) {
    for member in &group.member_entity_ids {
        batch.delete(format!("{}{}", entity_groups_prefix(member), group.id));
    }
    for member in &group.member_group_ids {
        batch.delete(format!("{}{}", group_groups_prefix(member), group.id));
    }
    if let Some(alias) = &group.alias {
        batch.delete(group_alias_key(&alias.id)).delete(group_alias_name_key(&alias.mount_accessor, &alias.name));
    }
}
