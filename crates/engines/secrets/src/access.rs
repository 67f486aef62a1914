use crate::core::{Core, State};
use crate::identity::Person;
use crate::namespace::Namespace;
use acl::{Acl, Policy, Substitutions};
use jiff::Timestamp;
use logical::{Error, StorageExt as _};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A policy as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PolicyRow {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) modified: Option<Timestamp>,
}

/// The row of a policy.
pub(crate) fn policy_key(namespace_id: &str, name: &str) -> String {
    format!("policy/acl/{namespace_id}/{name}")
}

/// Policies of a token: namespace and name.
pub(crate) type PolicyNames = Vec<(Arc<Namespace>, String)>;

/// What was compiled, by the policies and, where they have templates, by the entity.
#[derive(Default)]
pub(crate) struct AclCache {
    rows: Mutex<HashMap<String, Arc<Acl>>>,
    /// Counts changes: what was read before one is not kept after it.
    generation: AtomicU64,
}

/// More sets of policies than this are forgotten at once.
const MAX_ACLS: usize = 4096;

impl AclCache {
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn find(&self, key: &str, now: Timestamp) -> Option<Arc<Acl>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(key).filter(|acl| acl.expires().is_none_or(|expires| expires > now)).cloned()
    }

    fn keep(&self, key: String, acl: &Arc<Acl>, generation: u64) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::SeqCst) != generation {
            return;
        }
        if rows.len() >= MAX_ACLS {
            rows.clear();
        }
        rows.insert(key, Arc::clone(acl));
    }
}

impl Core {
    /// What these policies allow together. Names of no policy count for nothing.
    pub(crate) async fn acl(
        &self,
        names: &PolicyNames,
        token_namespace: &Namespace,
        person: Option<&Person>,
        now: Timestamp,
    ) -> Result<Arc<Acl>, Error> {
        let mut key = format!("{}\n", token_namespace.id);
        for (namespace, name) in names {
            key.extend([namespace.id.as_str(), "/", name.as_str(), "\n"]);
        }
        // An entity's own templates: what changes it makes another generation of the person.
        key.extend(person.map(|person| format!("{}@{}", person.entity.id, person.generation)));
        if let Some(acl) = self.acls.find(&key, now) {
            return Ok(acl);
        }
        let generation = self.acls.generation.load(Ordering::SeqCst);
        let identity = person.map(Person::for_acl);
        let mut policies = Vec::with_capacity(names.len());
        for (namespace, name) in names {
            let Some(policy) = self.policy(namespace, name, now).await? else { continue };
            policies.push(if policy.is_templated() {
                policy.resolve(identity.as_ref(), Substitutions::default(), now).map_err(Error::internal)?
            } else {
                policy
            });
        }
        let acl = Acl::new(&policies, &token_namespace.for_acl(), now).map_err(Error::internal)?;
        let acl = Arc::new(acl);
        self.acls.keep(key, &acl, generation);
        Ok(acl)
    }

    /// A policy by its name.
    pub(crate) async fn policy(
        &self,
        namespace: &Namespace,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Policy>, Error> {
        let place = namespace.for_acl();
        if name == acl::ROOT {
            return Ok(Some(Policy::root(&place)));
        }
        let Some(text) = self.policy_text(namespace, name).await? else { return Ok(None) };
        // A stored policy was parsed before; one that fails now must not be skipped, as it may deny.
        Policy::parse(name, &place, &text, now).map(Some).map_err(Error::internal)
    }

    /// A policy's text.
    pub(crate) async fn policy_text(&self, namespace: &Namespace, name: &str) -> Result<Option<String>, Error> {
        if name == acl::RESPONSE_WRAPPING {
            return Ok(Some(acl::RESPONSE_WRAPPING_TEXT.to_owned()));
        }
        let stored = self.storage().get_json::<PolicyRow>(&policy_key(&namespace.id, name)).await?;
        let builtin = || (name == acl::DEFAULT).then(|| acl::DEFAULT_TEXT.trim_start().to_owned());
        Ok(stored.map(|row| row.text).or_else(builtin))
    }
}

/// The policies of a token and of its identity, sorted, each once.
pub(crate) fn policy_names(
    state: &State,
    token_namespace: &Arc<Namespace>,
    token_policies: &[String],
    person: Option<&Person>,
) -> PolicyNames {
    let mut names: PolicyNames =
        token_policies.iter().map(|name| (Arc::clone(token_namespace), name.clone())).collect();
    for (namespace_id, policies) in person.into_iter().flat_map(|person| &person.policies) {
        let Some(namespace) = state.router.namespace_by_id(namespace_id) else { continue };
        // Policies of groups count in and below the token's namespace, as with the peer.
        if !token_namespace.holds(namespace) {
            continue;
        }
        names.extend(policies.iter().map(|name| (Arc::clone(namespace), name.clone())));
    }
    names.sort_by(|left, right| (&left.0.id, &left.1).cmp(&(&right.0.id, &right.1)));
    names.dedup_by(|left, right| left.0.id == right.0.id && left.1 == right.1);
    if names.iter().any(|(namespace, name)| name == acl::ROOT && namespace.id == token_namespace.id) {
        // Root comes from a token alone: identities can't hold it, and it is never beside others.
        let is_root = token_policies.iter().any(|name| name == acl::ROOT);
        names.retain(|(_, name)| (name == acl::ROOT) == is_root);
    }
    names.retain(|(namespace, name)| name != acl::ROOT || namespace.id == token_namespace.id);
    names
}
