use crate::answer::Answer;
use crate::call::Call;
use crate::core::{Core, State};
use crate::response::{CoreResponse, WrapInfo};
use crate::route::Routed;
use crate::token::{Found, NewToken, Token};
use crate::ttl::add;
use jiff::Timestamp;
use logical::{Error, Raw, Response, StorageExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a wrapping token tells of the answer that it holds.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    creation_ttl: u64,
    creation_time: Timestamp,
    creation_path: String,
    #[serde(default)]
    wrapped_accessor: String,
    /// The answer as it is sent.
    body: Zeroizing<String>,
}

fn key(hash: &str) -> String {
    format!("{}response", crate::cubbyhole::prefix(hash))
}

impl Core {
    /// Puts an answer into the cubbyhole of a new token of one use, and answers that token.
    pub(crate) async fn wrap(
        &self,
        state: &Arc<State>,
        routed: &Routed,
        mut response: CoreResponse,
        ttl: Duration,
    ) -> Result<CoreResponse, Error> {
        let wrapped_accessor = response.auth.as_ref().map(|auth| auth.accessor.clone()).unwrap_or_default();
        response.is_flat = false;
        let body = Zeroizing::new(response.to_json().to_string());
        if response.raw.is_some() {
            return Err(Error::invalid("this answer can't be wrapped"));
        }
        let wrapped = Wrapped {
            creation_ttl: ttl.as_secs(),
            creation_time: routed.request.now,
            creation_path: routed.path.clone(),
            wrapped_accessor,
            body,
        };
        let mut done = CoreResponse::new(&routed.request.id, 200);
        done.mount_type = response.mount_type;
        done.warnings = response.warnings;
        done.wrap_info = Some(self.store_wrapped(state, &routed.namespace.id, wrapped, ttl, routed.request.now).await?);
        Ok(done)
    }

    async fn store_wrapped(
        &self,
        state: &State,
        namespace_id: &str,
        wrapped: Wrapped,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<WrapInfo, Error> {
        let token = Token {
            policies: vec![acl::RESPONSE_WRAPPING.to_owned()],
            path: wrapped.creation_path.clone(),
            display_name: "wrapping".to_owned(),
            num_uses: 1,
            created: now,
            ttl: ttl.as_secs(),
            explicit_max_ttl: ttl.as_secs(),
            namespace_id: namespace_id.to_owned(),
            expires: Some(add(now, ttl)),
            ..Token::default()
        };
        let made = self.make_token(state, NewToken { token, id: None, parent_version: None }).await?;
        self.storage().put_json(&key(&made.hash), &wrapped).await?;
        Ok(WrapInfo {
            token: made.text,
            accessor: made.token.accessor,
            ttl,
            creation_time: wrapped.creation_time,
            creation_path: wrapped.creation_path,
            wrapped_accessor: wrapped.wrapped_accessor,
        })
    }

    async fn wrapped(&self, hash: &str) -> Result<Wrapped, Error> {
        self.storage().get_json(&key(hash)).await?.ok_or_else(invalid)
    }
}

/// Whether a request opens the token that it comes with: one that is no more is told from one that may not.
pub(crate) fn opens_own(routed: &Routed) -> bool {
    matches!(routed.path.as_str(), "sys/wrapping/unwrap" | "sys/wrapping/rewrap")
        && !routed.request.data.contains_key("token")
}

/// The same text whether it was used, has ended, or never was.
pub(crate) fn invalid() -> Error {
    Error::invalid("wrapping token is not valid or does not exist")
}

/// `sys/wrapping/wrap`.
pub(crate) fn wrap(call: &Call<'_>) -> Result<Answer, Error> {
    if call.wrap_ttl.is_none() {
        return Err(Error::invalid("endpoint requires response wrapping to be used"));
    }
    Ok(Answer::data(call.request.data.clone()))
}

/// The wrapping token: of the body, or of the request itself.
async fn wrapping_token(call: &Call<'_>) -> Result<(Found, bool), Error> {
    let text = Zeroizing::new(call.request.fields().text("token")?.unwrap_or_default());
    let own = call.session.map(|session| &session.found);
    if let Some(own) = own
        && (text.is_empty() || *text == *own.text)
    {
        if !own.token.is_wrapping() {
            return Err(invalid());
        }
        let found =
            Found { text: own.text.clone(), hash: own.hash.clone(), token: own.token.clone(), version: own.version };
        return Ok((found, true));
    }
    let text = if text.is_empty() { Zeroizing::new(call.token.unwrap_or_default().to_owned()) } else { text };
    let found = call.core.find_token(call.state, &text, call.request.now).await?;
    let found = found.filter(|found| found.token.is_wrapping()).ok_or_else(invalid)?;
    Ok((found, false))
}

/// `sys/wrapping/unwrap`: once.
pub(crate) async fn unwrap(call: &Call<'_>) -> Result<Answer, Error> {
    let wrapped = open(call).await?;
    let raw = Raw { status: 200, content_type: "application/json".to_owned(), body: wrapped.body.as_bytes().to_vec() };
    Ok(Response { raw: Some(raw), ..Response::default() }.into())
}

/// `sys/wrapping/rewrap`: the same answer in a new token.
pub(crate) async fn rewrap(call: &Call<'_>) -> Result<Answer, Error> {
    let (token, _) = wrapping_token(call).await?;
    let wrapped = open(call).await?;
    let ttl = Duration::from_secs(wrapped.creation_ttl);
    let now = call.request.now;
    let wrapped = Wrapped { creation_time: now, ..wrapped };
    let info = call.core.store_wrapped(call.state, &token.token.namespace_id, wrapped, ttl, now).await?;
    Ok(Answer { wrap_info: Some(info), ..Answer::default() })
}

/// The answer in the wrapping token, whose only use this is.
async fn open(call: &Call<'_>) -> Result<Wrapped, Error> {
    let (mut found, is_own) = wrapping_token(call).await?;
    if !is_own {
        // Of several at once, one gets it.
        call.core.use_token(&mut found, call.request.now).await.map_err(|error| match error {
            Error::Denied => invalid(),
            error => error,
        })?;
    }
    let wrapped = call.core.wrapped(&found.hash).await?;
    if !is_own {
        call.core.revoke_token(call.state, &found.hash, call.request.now).await?;
    }
    Ok(wrapped)
}

/// `sys/wrapping/lookup`: does not use it.
pub(crate) async fn lookup(call: &Call<'_>) -> Result<Answer, Error> {
    let (found, _) = wrapping_token(call).await?;
    let wrapped = call.core.wrapped(&found.hash).await?;
    let mut data = Map::new();
    data.insert("creation_path".to_owned(), json!(wrapped.creation_path));
    data.insert("creation_time".to_owned(), json!(wrapped.creation_time.to_string()));
    data.insert("creation_ttl".to_owned(), json!(wrapped.creation_ttl));
    Ok(Answer::json(Value::Object(data)))
}
