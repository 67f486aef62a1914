use crate::answer::{Answer, found};
use crate::call::Call;
use crate::core::Core;
use crate::namespace::Namespace;
use crate::token::random_text;
use logical::{Batch, Error, Operation, StorageExt as _};
use serde_json::{Map, Value, json};

/// `namespaces`, `namespaces/<path>`, `namespaces/api-lock/*`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    match (parts.get(1..).unwrap_or_default(), call.request.operation) {
        ([], operation @ (Operation::List | Operation::Scan)) => Ok(list(call, operation == Operation::Scan)),
        (["api-lock", "lock", path @ ..], Operation::Update) => lock(call, path).await,
        (["api-lock", "unlock", path @ ..], Operation::Update) => unlock(call, path).await,
        ([], _) => Err(Error::UnsupportedOperation),
        (path, operation) => one(call, &path_of(call, path)?, operation).await,
    }
}

fn path_of(call: &Call<'_>, path: &[&str]) -> Result<String, Error> {
    let reserved = ["root", "sys", "audit", "auth", "cubbyhole", "identity"];
    for segment in path {
        let is_odd = |letter: char| letter.is_control() || letter.is_whitespace() || matches!(letter, '.' | '+' | '*');
        if segment.is_empty() || segment.chars().any(is_odd) {
            return Err(Error::invalid(format!("{segment:?} is not a name of a namespace")));
        }
        if reserved.contains(segment) {
            return Err(Error::invalid(format!(
                "{:?} is a reserved path and cannot be used as a namespace name",
                format!("{segment}/")
            )));
        }
    }
    if path.len() > 1 {
        return Err(Error::invalid("namespace name cannot contain /"));
    }
    Ok(format!("{}{}/", call.namespace.path, path.join("/")))
}

fn describe(namespace: &Namespace, base: &str) -> Value {
    json!({
        "uuid": namespace.uuid,
        "path": namespace.path.strip_prefix(base).unwrap_or(&namespace.path),
        "id": namespace.id,
        "tainted": false,
        "locked": namespace.is_locked,
        "custom_metadata": namespace.custom_metadata,
    })
}

fn list(call: &Call<'_>, deep: bool) -> Answer {
    let base = &call.namespace.path;
    let below = call.state.router.namespaces().filter_map(|namespace| {
        let rest = namespace.path.strip_prefix(base).filter(|rest| !rest.is_empty())?;
        (deep || rest.matches('/').count() == 1).then_some((rest, namespace))
    });
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for (name, namespace) in below {
        keys.push(name.to_owned());
        info.insert(name.to_owned(), describe(namespace, base));
    }
    if keys.is_empty() { Answer::keys(keys) } else { Answer::json(json!({ "keys": keys, "key_info": info })) }
}

fn key(namespace: &Namespace) -> String {
    format!("core/namespace/{}", namespace.id)
}

async fn one(call: &Call<'_>, path: &str, operation: Operation) -> Result<Answer, Error> {
    let existing = call.state.router.namespace(path);
    match operation {
        Operation::Read => Ok(Answer::json(describe(found(existing)?, &call.namespace.path))),
        Operation::Update => {
            let metadata = call.request.fields().map("custom_metadata")?;
            let namespace = match existing {
                Some(namespace) => {
                    let mut namespace = Namespace::clone(namespace);
                    namespace.custom_metadata = metadata.unwrap_or(namespace.custom_metadata);
                    call.core.storage().put_json(&key(&namespace), &namespace).await?;
                    namespace
                }
                None => create(call, path, metadata.unwrap_or_default()).await?,
            };
            call.core.reload().await?;
            Ok(Answer::json(describe(&namespace, &call.namespace.path)))
        }
        Operation::Patch => {
            let mut namespace = Namespace::clone(found(existing)?);
            let Some(Value::Object(patch)) = call.request.fields().raw("custom_metadata") else {
                return Err(Error::invalid("missing custom_metadata"));
            };
            for (name, value) in patch {
                match value {
                    Value::Null => {
                        namespace.custom_metadata.remove(name);
                    }
                    Value::String(text) => {
                        namespace.custom_metadata.insert(name.clone(), text.clone());
                    }
                    _ => return Err(Error::invalid("custom_metadata values must be strings")),
                }
            }
            call.core.storage().put_json(&key(&namespace), &namespace).await?;
            call.core.reload().await?;
            Ok(Answer::json(describe(&namespace, &call.namespace.path)))
        }
        Operation::Delete => {
            let Some(namespace) = existing else {
                return Ok(Answer::empty().warn("requested namespace does not exist"));
            };
            delete(call, namespace).await?;
            Ok(Answer::json(json!({ "status": "in-progress" })))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

async fn create(
    call: &Call<'_>,
    path: &str,
    custom_metadata: std::collections::BTreeMap<String, String>,
) -> Result<Namespace, Error> {
    let parent = path.trim_end_matches('/').rsplit_once('/').map_or(String::new(), |(front, _)| format!("{front}/"));
    let parent = call.state.router.namespace(&parent);
    let parent = parent.ok_or_else(|| Error::invalid("parent namespace does not exist"))?;
    let name = path.strip_prefix(&parent.path).unwrap_or(path);
    if call.state.router.conflict(parent, name).is_some() {
        return Err(Error::invalid(format!("existing mount conflicts with namespace path {path:?}")));
    }
    let namespace = Namespace {
        id: random_text(6)?.to_string(),
        path: path.to_owned(),
        uuid: uuid::Uuid::new_v4().to_string(),
        custom_metadata,
        is_locked: false,
    };
    let mut batch = Batch::new();
    let key = key(&namespace);
    batch.put_json(key.as_str(), &namespace)?.require(key.as_str(), None);
    for entry in call.core.builtin_mounts(&namespace)? {
        batch.put_json(entry.key(), &entry)?;
    }
    call.core.storage().commit(batch).await?;
    Ok(namespace)
}

/// Removes a namespace with everything in it.
async fn delete(call: &Call<'_>, namespace: &Namespace) -> Result<(), Error> {
    let has_children = call.state.router.namespaces().any(|other| other.id != namespace.id && namespace.holds(other));
    if has_children {
        return Err(Error::invalid("cannot delete namespace containing child namespaces"));
    }
    let core = call.core;
    for mount in call.state.router.of(namespace) {
        if matches!(mount.target, crate::mount::Target::Backend(_) | crate::mount::Target::Missing) {
            core.unmount(mount, call.request.now).await?;
        }
    }
    core.revoke_tokens_of(call.state, &namespace.id, call.request.now).await?;
    for prefix in [
        format!("core/mount/{}/", namespace.id),
        format!("policy/acl/{}/", namespace.id),
        format!("token/role/{}/", namespace.id),
    ] {
        core.delete_below(&prefix).await?;
    }
    core.delete_identities_of(&namespace.id).await?;
    core.storage().delete(&key(namespace)).await?;
    core.acls.clear();
    core.persons.clear();
    core.reload().await?;
    Ok(())
}

impl Core {
    /// Deletes all rows under a prefix.
    pub(crate) async fn delete_below(&self, prefix: &str) -> Result<(), Error> {
        loop {
            let rows = self.storage().scan(prefix, "", 500).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for row in rows {
                batch.delete(row);
            }
            self.storage().commit(batch).await?;
        }
    }
}

/// The namespace that is to be locked or unlocked: this one, or one below.
fn target<'a>(call: &'a Call<'_>, path: &[&str]) -> Result<&'a Namespace, Error> {
    if path.is_empty() {
        return Ok(call.namespace);
    }
    let path = path_of(call, path)?;
    let namespace = call.state.router.namespace(&path);
    namespace.map(AsRef::as_ref).ok_or_else(|| Error::invalid(format!("requested namespace {path:?} does not exist")))
}

async fn lock(call: &Call<'_>, path: &[&str]) -> Result<Answer, Error> {
    let mut namespace = target(call, path)?.clone();
    if namespace.is_root() {
        return Err(Error::invalid("root namespace cannot be locked/unlocked"));
    }
    if namespace.is_locked {
        return Err(Error::invalid("cannot lock namespace: it is locked"));
    }
    namespace.is_locked = true;
    let unlock_key = random_text(24)?;
    let mut batch = Batch::new();
    batch.put_json(key(&namespace), &namespace)?;
    batch.put_json(format!("core/unlock-key/{}", namespace.id), &call.state.keys.hash(&unlock_key))?;
    call.core.storage().commit(batch).await?;
    call.core.reload().await?;
    Ok(Answer::json(json!({ "unlock_key": unlock_key.as_str() })))
}

async fn unlock(call: &Call<'_>, path: &[&str]) -> Result<Answer, Error> {
    let mut namespace = target(call, path)?.clone();
    let row = format!("core/unlock-key/{}", namespace.id);
    let stored = call.core.storage().get_json::<String>(&row).await?;
    let given = call.request.fields().text("unlock_key")?.unwrap_or_default();
    let is_root = call.session()?.found.token.is_root();
    // The hash is keyed: comparing it tells nothing of the key.
    if !is_root && stored.is_none_or(|stored| stored != call.state.keys.hash(&given)) {
        return Err(Error::invalid("incorrect unlock key"));
    }
    namespace.is_locked = false;
    let mut batch = Batch::new();
    batch.put_json(key(&namespace), &namespace)?;
    batch.delete(row);
    call.core.storage().commit(batch).await?;
    call.core.reload().await?;
    Ok(Answer::empty())
}
