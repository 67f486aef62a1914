use crate::answer::Answer;
use crate::call::Call;
use crate::token::Found;
use logical::{Error, Map};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// `capabilities`, `capabilities-self`, `capabilities-accessor`.
pub(crate) async fn handle(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let mut paths = fields.list("paths")?.unwrap_or_default();
    if paths.is_empty() {
        paths = fields.list("path")?.unwrap_or_default();
    }
    if paths.is_empty() {
        return Err(Error::invalid("paths must be supplied"));
    }
    let now = call.request.now;
    let acl = if path == "capabilities-self" {
        let text = fields.text("token")?.unwrap_or_default();
        let own = call.session()?;
        if text.is_empty() || text == *own.found.text { own.acl.clone() } else { acl_of(call, &text).await? }
    } else if path == "capabilities" {
        let text = Zeroizing::new(fields.text("token")?.unwrap_or_default());
        if text.is_empty() {
            return Err(Error::invalid("missing token"));
        }
        acl_of(call, &text).await?
    } else {
        let accessor = fields.text("accessor")?.unwrap_or_default();
        let row = call.core.find_accessor(call.state, &accessor).await?;
        let row = row.ok_or_else(|| Error::invalid("invalid accessor"))?;
        let (token, version) =
            call.core.find_hash(&row.hash, now).await?.ok_or_else(|| Error::invalid("invalid token"))?;
        let found = Found { text: Zeroizing::new(String::new()), hash: row.hash, token, version: Some(version) };
        of_found(call, found).await?
    };
    let mut data = Map::new();
    let sorted = |path: &str| {
        let mut names = acl.capabilities(&call.namespace.path, path.trim_start_matches('/'));
        names.sort_unstable();
        names
    };
    if let [path] = paths.as_slice() {
        data.insert("capabilities".to_owned(), json!(sorted(path)));
    }
    for path in &paths {
        data.insert(path.clone(), json!(sorted(path)));
    }
    Ok(Answer::json(Value::Object(data)))
}

async fn acl_of(call: &Call<'_>, text: &str) -> Result<std::sync::Arc<acl::Acl>, Error> {
    let found = call.core.find_token(call.state, text, call.request.now).await?;
    of_found(call, found.ok_or_else(|| Error::invalid("invalid token"))?).await
}

async fn of_found(call: &Call<'_>, found: Found) -> Result<std::sync::Arc<acl::Acl>, Error> {
    let namespace = call.state.router.namespace_by_id(&found.token.namespace_id).ok_or(Error::Denied)?;
    Ok(call.core.session_of(call.state, found, namespace, call.request.now).await?.acl)
}
