use crate::core::{Core, State};
use crate::identity::Person;
use crate::mount::Mount;
use crate::namespace::Namespace;
use crate::token::Found;
use acl::{Access, Acl};
use logical::{Caller, Context, Entity, Error, Operation, Pending, Request, Storage as _, System};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A valid token with everything that it may do.
pub(crate) struct Session {
    pub(crate) found: Found,
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) acl: Arc<Acl>,
    pub(crate) caller: Caller,
}

/// One request at a part of the server.
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Core,
    pub(crate) state: &'a Arc<State>,
    /// Where the request is.
    pub(crate) namespace: &'a Arc<Namespace>,
    pub(crate) mount: &'a Arc<Mount>,
    /// With its path below the mount.
    pub(crate) request: &'a Request,
    pub(crate) session: Option<&'a Session>,
    /// The token as it came, also where it was not looked at.
    pub(crate) token: Option<&'a str>,
    pub(crate) wrap_ttl: Option<Duration>,
}

impl Session {
    /// Whether the token has `sudo` at a path.
    pub(crate) fn has_sudo(&self, namespace: &Namespace, path: &str, operation: Operation) -> bool {
        let data = logical::Map::new();
        let access = Access { operation, namespace: &namespace.path, path, data: &data, wrap_ttl: None };
        self.acl.allow(&access).is_ok_and(|allowed| allowed.root_privileges)
    }
}

/// Policies that an entity gives a token of this namespace.
pub(crate) fn identity_policies(person: Option<&Person>, namespace: &Namespace) -> Vec<String> {
    person.and_then(|person| person.policies.get(&namespace.id)).cloned().unwrap_or_default()
}

impl<'a> Call<'a> {
    /// The token of the request.
    pub(crate) fn session(&self) -> Result<&'a Session, Error> {
        self.session.ok_or(Error::Denied)
    }

    /// Whether the token has `sudo` at this path.
    pub(crate) fn has_sudo(&self) -> bool {
        let path = format!("{}{}", self.mount.entry.full_path(), self.request.path);
        self.session.is_some_and(|session| session.has_sudo(self.namespace, &path, self.request.operation))
    }
}

/// What the server does for the backend of a mount.
pub(crate) struct MountSystem<'a> {
    pub(crate) core: &'a Core,
    pub(crate) mount: &'a Mount,
}

impl<'a> MountSystem<'a> {
    /// What its backend works with.
    pub(crate) fn context(&'a self) -> Context<'a> {
        Context { storage: &self.mount.storage, system: self }
    }
}

impl System for MountSystem<'_> {
    fn lifetimes(&self) -> (Duration, Duration) {
        (self.mount.default_ttl, self.mount.max_ttl)
    }

    fn options(&self) -> BTreeMap<String, String> {
        self.mount.entry.options.clone()
    }

    fn entity<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Entity>> {
        Box::pin(async move {
            let person = self.core.person(id).await?;
            // An identity of another tenant is none here.
            let person = person.filter(|person| {
                person.entity.namespace_id == self.mount.namespace.id || self.mount.namespace.is_root()
            });
            Ok(person.map(|person| person.for_backend()))
        })
    }

    fn password<'a>(&'a self, policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async move { self.core.password(&self.mount.namespace, policy).await })
    }

    fn api_address(&self) -> Option<String> {
        self.core.settings().api_address.clone()
    }
}

impl Mount {
    /// Deletes all rows of the mount, in batches.
    pub(crate) async fn delete_rows(&self) -> Result<(), Error> {
        loop {
            let keys = self.storage.scan("", "", 500).await?;
            if keys.is_empty() {
                return Ok(());
            }
            let mut batch = logical::Batch::new();
            for key in keys {
                batch.delete(key);
            }
            self.storage.commit(batch).await?;
        }
    }
}
