use super::rows::{Entity, Group, entity_groups_prefix, entity_key, group_groups_prefix, group_key, merged_key};
use crate::core::Core;
use logical::{Error, StorageExt as _};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// An entity with everything that its groups give it.
pub(crate) struct Person {
    pub(crate) entity: Entity,
    pub(crate) groups: Vec<Group>,
    /// By the namespace's identifier.
    pub(crate) policies: BTreeMap<String, Vec<String>>,
    pub(crate) generation: u64,
}

/// Persons that were asked for.
#[derive(Default)]
pub(crate) struct PersonCache {
    rows: Mutex<HashMap<String, Arc<Person>>>,
    generation: AtomicU64,
}

const MAX_PERSONS: usize = 4096;

impl PersonCache {
    /// After each change of identities.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn find(&self, id: &str) -> Option<Arc<Person>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep(&self, id: &str, person: &Arc<Person>) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::SeqCst) != person.generation {
            return;
        }
        if rows.len() >= MAX_PERSONS {
            rows.clear();
        }
        rows.insert(id.to_owned(), Arc::clone(person));
    }
}

impl Person {
    /// As policies' templates see it.
    pub(crate) fn for_acl(&self) -> acl::Identity {
        let aliases = self.entity.aliases.iter().map(|alias| acl::Alias {
            id: alias.id.clone(),
            mount_accessor: alias.mount_accessor.clone(),
            name: alias.name.clone(),
            metadata: alias.metadata.clone().unwrap_or_default(),
            custom_metadata: alias.custom_metadata.clone().unwrap_or_default(),
        });
        let groups = self.groups.iter().map(|group| acl::Group {
            id: group.id.clone(),
            name: group.name.clone(),
            namespace_id: group.namespace_id.clone(),
            metadata: group.metadata.clone().unwrap_or_default(),
        });
        acl::Identity {
            id: self.entity.id.clone(),
            name: self.entity.name.clone(),
            metadata: self.entity.metadata.clone().unwrap_or_default(),
            aliases: aliases.collect(),
            groups: groups.collect(),
        }
    }

    /// As backends see it.
    pub(crate) fn for_backend(&self) -> logical::Entity {
        let aliases = self.entity.aliases.iter();
        let aliases = aliases.map(|alias| {
            (alias.mount_accessor.clone(), alias.name.clone(), alias.metadata.clone().unwrap_or_default())
        });
        let groups = self.groups.iter().map(|group| logical::Group {
            id: group.id.clone(),
            name: group.name.clone(),
            metadata: group.metadata.clone().unwrap_or_default(),
        });
        logical::Entity {
            id: self.entity.id.clone(),
            name: self.entity.name.clone(),
            metadata: self.entity.metadata.clone().unwrap_or_default(),
            aliases: aliases.collect(),
            groups: groups.collect(),
            disabled: self.entity.disabled,
        }
    }
}

impl Core {
    /// An entity with its groups; none where there is no such entity.
    pub(crate) async fn person(&self, id: &str) -> Result<Option<Arc<Person>>, Error> {
        if let Some(person) = self.persons.find(id) {
            return Ok(Some(person));
        }
        let generation = self.persons.generation.load(Ordering::SeqCst);
        let storage = self.storage();
        let mut entity = storage.get_json::<Entity>(&entity_key(id)).await?;
        if entity.is_none()
            && let Some(into) = storage.get_json::<String>(&merged_key(id)).await?
        {
            entity = storage.get_json(&entity_key(&into)).await?;
        }
        let Some(entity) = entity else { return Ok(None) };
        let groups = self.groups_of(&entity.id).await?;
        let mut policies: BTreeMap<String, Vec<String>> = BTreeMap::new();
        policies.entry(entity.namespace_id.clone()).or_default().extend(entity.policies.iter().cloned());
        for group in &groups {
            policies.entry(group.namespace_id.clone()).or_default().extend(group.policies.iter().cloned());
        }
        for policies in policies.values_mut() {
            // An identity never gives root (CVE-2024-9180, CVE-2025-5999), however it is written.
            policies.iter_mut().for_each(|policy| *policy = policy.trim().to_lowercase());
            policies.retain(|policy| !policy.is_empty() && policy != acl::ROOT);
            policies.sort();
            policies.dedup();
        }
        let person = Arc::new(Person { entity, groups, policies, generation });
        self.persons.keep(id, &person);
        Ok(Some(person))
    }

    /// All groups of an entity, also through others.
    pub(crate) async fn groups_of(&self, entity_id: &str) -> Result<Vec<Group>, Error> {
        let storage = self.storage();
        let mut seen = BTreeSet::new();
        let mut open = storage.list(&entity_groups_prefix(entity_id), "", usize::MAX).await?;
        let mut groups = Vec::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            if let Some(group) = storage.get_json::<Group>(&group_key(&id)).await? {
                groups.push(group);
                open.extend(storage.list(&group_groups_prefix(&id), "", usize::MAX).await?);
            }
        }
        groups.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(groups)
    }
}

impl Core {
    /// Deletes entities and groups of a namespace.
    pub(crate) async fn delete_identities_of(&self, namespace_id: &str) -> Result<(), Error> {
        let storage = self.storage();
        for key in storage.scan("identity/entity/", "", usize::MAX).await? {
            let entity = storage.get_json::<Entity>(&key).await?;
            if let Some(entity) = entity.filter(|entity| entity.namespace_id == namespace_id) {
                self.delete_entity(&entity).await?;
            }
        }
        for key in storage.scan("identity/group/", "", usize::MAX).await? {
            let group = storage.get_json::<Group>(&key).await?;
            if let Some(group) = group.filter(|group| group.namespace_id == namespace_id) {
                self.delete_group(&group).await?;
            }
        }
        Ok(())
    }
}
