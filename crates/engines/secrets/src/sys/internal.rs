use crate::answer::Answer;
use crate::call::{Call, Session};
use crate::mount::{Class, Mount};
use crate::namespace::Namespace;
use logical::{Error, Map, Operation};
use serde_json::{Value, json};
use std::sync::Arc;

/// `internal/ui/mounts`, `internal/ui/namespaces`, `internal/ui/resultant-acl`, `internal/specs/openapi`.
pub(crate) async fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    match (parts, call.request.operation) {
        (["internal", "ui", "mounts"], Operation::Read) => mounts(call).await,
        (["internal", "ui", "mounts", ..], Operation::Read) => {
            let path = parts.get(3..).unwrap_or_default().join("/");
            mount(call, &path).await
        }
        (["internal", "ui", "namespaces"], Operation::Read) => namespaces(call).await,
        (["internal", "ui", "resultant-acl"], Operation::Read) => Ok(Answer::data(call.session()?.acl.resultant())),
        (["internal", "specs", "openapi"], Operation::Read | Operation::Update) => Ok(openapi(call)),
        _ => Err(Error::UnsupportedPath),
    }
}

/// The session of a path that needs no token but tells more to who has one.
async fn session(call: &Call<'_>) -> Result<Option<Session>, Error> {
    let Some(text) = call.token else { return Ok(None) };
    let now = call.request.now;
    let found = call.core.find_token(call.state, text, now).await?.ok_or(Error::Denied)?;
    if !found.token.permits_address(call.request.connection.address) {
        return Err(Error::Denied);
    }
    let namespace = call.state.router.namespace_by_id(&found.token.namespace_id).ok_or(Error::Denied)?;
    Ok(Some(call.core.session_of(call.state, found, namespace, now).await?))
}

async fn mounts(call: &Call<'_>) -> Result<Answer, Error> {
    let session = session(call).await?;
    let (mut secret, mut auth) = (Map::new(), Map::new());
    for mount in call.state.router.of(call.namespace) {
        let entry = &mount.entry;
        let is_open = entry.config.listing_visibility == "unauth";
        let reaches = |session: &Session| session.acl.reaches(&call.namespace.path, &entry.full_path());
        if !is_open && !session.as_ref().is_some_and(reaches) {
            continue;
        }
        let shown = match session {
            Some(_) => entry.describe(),
            None => json!({ "type": entry.kind, "description": entry.description, "options": entry.options }),
        };
        let map = if entry.class == Class::Auth { &mut auth } else { &mut secret };
        map.insert(entry.path.clone(), shown);
    }
    Ok(Answer::json(json!({ "secret": secret, "auth": auth })))
}

async fn mount(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let session = session(call).await?.ok_or_else(|| Error::DeniedBecause("permission denied".to_owned()))?;
    let route = |path: &str| -> Option<(Arc<Namespace>, Arc<Mount>)> {
        let (namespace, rest) = call.state.router.resolve(&call.namespace.path, path)?;
        let (mount, _) = call.state.router.route(&namespace, rest)?;
        Some((Arc::clone(&namespace), Arc::clone(mount)))
    };
    // Whoever may not see it learns not whether it is there.
    let denied = || {
        Error::DeniedBecause(format!(
            "preflight capability check returned 403, please ensure client's policies grant access to path {:?}",
            format!("{}/", path.trim_end_matches('/'))
        ))
    };
    let (namespace, mount) = route(path).ok_or_else(denied)?;
    let full = mount.entry.full_path();
    let whole = format!("{}/", path.trim_end_matches('/'));
    let is_open = session.acl.reaches(&namespace.path, &full)
        || session.acl.reaches(&namespace.path, whole.strip_prefix(&namespace.path).unwrap_or(&whole));
    if !is_open {
        return Err(denied());
    }
    let Value::Object(mut data) = mount.entry.describe() else { return Ok(Answer::empty()) };
    data.insert("path".to_owned(), full.into());
    Ok(Answer::data(data))
}

async fn namespaces(call: &Call<'_>) -> Result<Answer, Error> {
    let session = session(call).await?.ok_or(Error::Denied)?;
    let below = call.state.router.namespaces().filter(|namespace| {
        namespace.id != call.namespace.id && call.namespace.holds(namespace) && session.acl.reaches(&namespace.path, "")
    });
    let keys: Vec<&str> = below.filter_map(|namespace| namespace.path.strip_prefix(&call.namespace.path)).collect();
    Ok(Answer::json(json!({ "keys": keys })))
}

/// A document that is valid and says where things are mounted.
fn openapi(call: &Call<'_>) -> Answer {
    let mut paths = Map::new();
    for mount in call.state.router.of(call.namespace) {
        let path = format!("/{}{{path}}", mount.entry.full_path());
        let parameter = json!([{ "name": "path", "in": "path", "required": true, "schema": { "type": "string" } }]);
        let answer = json!({ "responses": { "200": { "description": "OK" } } });
        let row = json!({
            "description": mount.entry.description,
            "parameters": parameter,
            "get": answer, "post": answer, "delete": answer,
        });
        paths.insert(path, row);
    }
    let document = json!({
        "openapi": "3.0.2",
        "info": {
            "title": "Palisade API",
            "description": "HTTP API of the secrets server.",
            "version": call.core.settings().version,
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "paths": paths,
        "components": { "schemas": {} },
    });
    let raw = logical::Raw {
        status: 200,
        content_type: "application/json".to_owned(),
        body: document.to_string().into_bytes(),
    };
    logical::Response { raw: Some(raw), ..logical::Response::default() }.into()
}
