use crate::answer::Answer;
use crate::call::{Call, MountSystem};
use crate::core::{Core, State};
use crate::lease::Revoke;
use crate::mount::{Class, Mount, MountEntry, SINGLETONS, Target, mount_key};
use crate::namespace::Namespace;
use jiff::Timestamp;
use logical::{Batch, Error, Map, Operation, StorageExt as _};
use serde_json::json;
use std::sync::Arc;

/// Paths that stay as they are.
const PROTECTED: [&str; 5] = ["audit/", "auth/", "sys/", "cubbyhole/", "identity/"];

/// Whether nothing may be mounted, moved or removed there.
pub(crate) fn is_protected(class: Class, path: &str) -> bool {
    match class {
        Class::Secret => PROTECTED.iter().any(|protected| path.starts_with(protected)),
        Class::Auth => path == "token/",
    }
}

impl Core {
    /// Mounts a backend.
    pub(crate) async fn mount_backend(
        &self,
        state: &State,
        namespace: &Namespace,
        entry: MountEntry,
        config: &Map,
    ) -> Result<(), Error> {
        let what = if entry.class == Class::Auth { "enable an auth method at" } else { "mount" };
        if is_protected(entry.class, &entry.path) {
            return Err(Error::invalid(format!("cannot {what} {:?}", entry.path)));
        }
        if SINGLETONS.contains(&entry.kind.as_str()) {
            return Err(Error::Status(403, format!("mount type of {:?} is not mountable", entry.kind)));
        }
        check_path(&entry.path)?;
        let path = entry.full_path();
        if let Some(taken) = state.router.conflict(namespace, &path) {
            return Err(Error::invalid(format!("path is already in use at {}", taken.entry.full_path())));
        }
        if state.router.is_namespaces(namespace, &path) {
            return Err(Error::invalid(format!("path {path:?} is a namespace's")));
        }
        if self.new_backend(entry.class, &entry.kind, &entry.options).is_none() {
            return Err(Error::invalid(format!("plugin not found in the catalog: {}", entry.kind)));
        }
        let key = entry.key();
        let mut batch = Batch::new();
        batch.put_json(key.as_str(), &entry)?.require(key.as_str(), None);
        match self.storage().commit(batch).await {
            Err(Error::Conflict) => return Err(Error::invalid(format!("path is already in use at {path}"))),
            other => other?,
        };
        let state = self.reload().await?;
        let mount = state.router.at(namespace, &path).ok_or_else(|| Error::internal("a new mount is not there"))?;
        let Target::Backend(backend) = &mount.target else { return Ok(()) };
        let system = MountSystem { core: self, mount };
        if let Err(error) = backend.initialize(system.context(), config).await {
            self.storage().delete(&key).await?;
            self.reload().await?;
            mount.delete_rows().await?;
            return Err(error);
        }
        Ok(())
    }

    /// Removes a mount: ends its leases, then deletes what it has.
    pub(crate) async fn unmount(&self, mount: &Mount, now: Timestamp) -> Result<(), Error> {
        let mut entry = mount.entry.clone();
        entry.is_tainted = true;
        self.storage().put_json(&entry.key(), &entry).await?;
        let state = self.reload().await?;
        self.revoke_all(&state, &mount.namespace.id, &entry.full_path(), now).await?;
        if let Target::Backend(backend) = &mount.target {
            let system = MountSystem { core: self, mount };
            if let Err(error) = backend.cleanup(system.context()).await {
                tracing::warn!(mount = entry.full_path(), %error, "a mount could not give back what it has");
            }
        }
        mount.delete_rows().await?;
        self.storage().delete(&entry.key()).await?;
        self.reload().await?;
        Ok(())
    }

    /// Ends all leases below a path before anything else is done.
    async fn revoke_all(&self, state: &State, namespace_id: &str, path: &str, now: Timestamp) -> Result<(), Error> {
        self.revoke_prefix(state, namespace_id, path, Revoke::Properly, now).await?;
        let key = format!("lease/revoke/{namespace_id}/{path}");
        while self.storage().get(&key).await?.is_some() {
            self.continue_prefix(state, &key, 500, now).await?;
        }
        Ok(())
    }

    /// Moves a mount. Its leases end, as their identifiers begin with the path.
    async fn remount(&self, mount: &Mount, to: (&Arc<Namespace>, &str), now: Timestamp) -> Result<(), Error> {
        let old = &mount.entry;
        let state = self.state()?;
        self.revoke_all(&state, &mount.namespace.id, &old.full_path(), now).await?;
        let mut entry = old.clone();
        to.1.clone_into(&mut entry.path);
        entry.namespace_id.clone_from(&to.0.id);
        let key = entry.key();
        let mut batch = Batch::new();
        batch.put_json(key.as_str(), &entry)?.require(key.as_str(), None);
        batch.delete(mount_key(&old.namespace_id, &old.full_path()));
        match self.storage().commit(batch).await {
            Err(Error::Conflict) => return Err(Error::invalid(format!("path in use at {:?}", entry.full_path()))),
            other => other?,
        };
        self.reload().await?;
        Ok(())
    }
}

/// Refuses paths that can't be asked for later.
fn check_path(path: &str) -> Result<(), Error> {
    let is_bad = |segment: &str| matches!(segment, "." | "..") || segment.is_empty();
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    if trimmed.is_empty()
        || trimmed.split('/').any(is_bad)
        || path.chars().any(|letter| letter.is_control() || letter == ' ')
    {
        return Err(Error::invalid(format!("{path:?} is not a path that something can be mounted at")));
    }
    Ok(())
}

/// `remount` and `remount/status/<id>`.
pub(crate) async fn remount_paths(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    match (parts, call.request.operation) {
        (["remount", "status", id], Operation::Read) => {
            let data = call.core.storage().get_json::<Map>(&format!("sys/migration/{id}")).await?;
            data.map(Answer::data).ok_or_else(|| Error::invalid("migration not found"))
        }
        (["remount"], Operation::Update) => remount(call).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn remount(call: &Call<'_>) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let (from, to) = (fields.text("from")?.unwrap_or_default(), fields.text("to")?.unwrap_or_default());
    if from.is_empty() || to.is_empty() {
        return Err(Error::invalid("both 'from' and 'to' path must be specified as a string"));
    }
    let locate = |text: &str| -> Option<(Arc<Namespace>, Class, String)> {
        let whole = format!("{}/", text.trim_matches('/'));
        let (namespace, rest) = call.state.router.resolve(&call.namespace.path, &whole)?;
        Some(match rest.strip_prefix("auth/") {
            Some(rest) => (namespace, Class::Auth, rest.to_owned()),
            None => (namespace, Class::Secret, rest.to_owned()),
        })
    };
    let lost = || Error::invalid(format!("no matching mount at {:?}", format!("{}/", from.trim_matches('/'))));
    let (old_namespace, class, old) = locate(&from).ok_or_else(lost)?;
    let (namespace, new_class, new) = locate(&to).ok_or_else(lost)?;
    if class != new_class {
        return Err(Error::invalid("cannot remount between secrets engines and auth methods"));
    }
    if is_protected(class, &old) || is_protected(class, &new) {
        return Err(Error::invalid(format!("cannot remount {from:?}")));
    }
    check_path(&new)?;
    let mount = call.state.router.at(&old_namespace, &format!("{}{old}", class.prefix())).ok_or_else(lost)?;
    let target = format!("{}{new}", class.prefix());
    if call.state.router.conflict(&namespace, &target).is_some_and(|taken| taken.entry.uuid != mount.entry.uuid) {
        return Err(Error::invalid(format!("path in use at {target:?}")));
    }
    if call.state.router.is_namespaces(&namespace, &target) {
        return Err(Error::invalid(format!("path {target:?} is a namespace's")));
    }
    let id = uuid::Uuid::new_v4().to_string();
    call.core.remount(mount, (&namespace, &new), call.request.now).await?;
    let info = json!({
        "migration_id": id,
        "migration_info": { "source_mount": from, "target_mount": to, "status": "success" },
    });
    call.core.storage().put_json(&format!("sys/migration/{id}"), &info).await?;
    Ok(Answer::json(json!({ "migration_id": id })))
}
