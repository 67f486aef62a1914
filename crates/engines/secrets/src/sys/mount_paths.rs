use super::tune;
use crate::answer::Answer;
use crate::call::Call;
use crate::core::new_entry;
use crate::mount::{Class, Mount, Target};
use logical::{Error, Map, Operation};
use serde_json::Value;
use std::sync::Arc;

/// `mounts`, `mounts/<path>`, `mounts/<path>/tune`, and the same of `auth`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    let class = if parts.first() == Some(&"auth") { Class::Auth } else { Class::Secret };
    let rest = parts.get(1..).unwrap_or_default();
    let operation = call.request.operation;
    match (rest, operation) {
        ([], Operation::Read) => Ok(Answer::data(list(call, class))),
        ([], _) => Err(Error::UnsupportedOperation),
        ([path @ .., "tune"], Operation::Read) if !path.is_empty() => tune::read(tuned(call, class, path)?.as_ref()),
        ([path @ .., "tune"], Operation::Update) if !path.is_empty() => {
            tune::change(call, tuned(call, class, path)?.as_ref()).await
        }
        (path, Operation::Read) => {
            let mount = at(call, class, path)?;
            let Value::Object(data) = mount.entry.describe() else { return Ok(Answer::empty()) };
            Ok(Answer::data(data))
        }
        (path, Operation::Update) => enable(call, class, path).await,
        (path, Operation::Delete) => disable(call, class, path).await,
        _ => Err(Error::UnsupportedOperation),
    }
}

/// All mounts of a class in the namespace, by path.
pub(crate) fn list(call: &Call<'_>, class: Class) -> Map {
    let mounts = call.state.router.of(call.namespace).filter(|mount| mount.entry.class == class);
    mounts.map(|mount| (mount.entry.path.clone(), describe(mount))).collect()
}

fn describe(mount: &Mount) -> Value {
    let mut shown = mount.entry.describe();
    // What is not tuned shows the server's default only at `tune`.
    if matches!(mount.target, Target::Missing)
        && let Some(shown) = shown.as_object_mut()
    {
        shown.insert("deprecation_status".to_owned(), Value::from("unknown"));
    }
    shown
}

fn at(call: &Call<'_>, class: Class, path: &[&str]) -> Result<Arc<Mount>, Error> {
    let full = format!("{}{}/", class.prefix(), path.join("/"));
    let missing = match class {
        Class::Secret => "No secret engine mount at ",
        Class::Auth => "No auth engine at ",
    };
    let mount = call.state.router.at(call.namespace, &full);
    mount.cloned().ok_or_else(|| Error::invalid(format!("{missing}{}/", path.join("/"))))
}

/// The mount that is tuned.
fn tuned(call: &Call<'_>, class: Class, path: &[&str]) -> Result<Arc<Mount>, Error> {
    let full = format!("{}{}/", class.prefix(), path.join("/"));
    at(call, class, path).map_err(|_| Error::invalid(format!("cannot fetch sysview for path {full:?}")))
}

async fn enable(call: &Call<'_>, class: Class, path: &[&str]) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let path = format!("{}/", path.join("/").trim_matches('/'));
    let mut kind = fields.text("type")?.unwrap_or_default();
    if kind.is_empty() {
        return Err(Error::invalid("backend type must be specified as a string"));
    }
    if kind == "plugin" {
        kind = fields.text("plugin_name")?.unwrap_or_default();
    }
    let mut options = fields.map("options")?.unwrap_or_default();
    match kind.as_str() {
        "kv-v1" => {
            options.insert("version".to_owned(), "1".to_owned());
            "kv".clone_into(&mut kind);
        }
        "kv-v2" => {
            options.insert("version".to_owned(), "2".to_owned());
            "kv".clone_into(&mut kind);
        }
        _ => {}
    }
    let mut entry = new_entry(class, &path, &kind, call.namespace)?;
    entry.description = fields.text("description")?.unwrap_or_default();
    entry.local = fields.boolean("local")?.unwrap_or(false);
    entry.seal_wrap = fields.boolean("seal_wrap")?.unwrap_or(false);
    entry.external_entropy_access = fields.boolean("external_entropy_access")?.unwrap_or(false);
    entry.options = options;
    let none = Map::new();
    let config = match fields.raw("config") {
        None => &none,
        Some(Value::Object(config)) => config,
        Some(_) => return Err(Error::invalid("unable to convert given mount config information")),
    };
    tune::apply(&mut entry, config, call)?;
    call.core.mount_backend(call.state, call.namespace, entry, config).await?;
    Ok(Answer::empty())
}

async fn disable(call: &Call<'_>, class: Class, path: &[&str]) -> Result<Answer, Error> {
    let path = format!("{}/", path.join("/").trim_matches('/'));
    if super::mount_table::is_protected(class, &path) {
        return Err(Error::invalid(match class {
            Class::Secret => format!("cannot unmount {path:?}"),
            Class::Auth => "token credential backend cannot be disabled".to_owned(),
        }));
    }
    // One that is not there is no error, as clients tidy up.
    if let Some(mount) = call.state.router.at(call.namespace, &format!("{}{path}", class.prefix())) {
        call.core.unmount(mount, call.request.now).await?;
    }
    Ok(Answer::empty())
}
