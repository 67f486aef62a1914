use crate::response::{TokenAuth, WrapInfo};
use logical::{Error, Map, Response};
use serde_json::Value;
use std::time::Duration;

/// What a part of the server answers: a backend's response, or more than a backend may say.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// A token that was made or renewed.
    pub(crate) token: Option<TokenAuth>,
    /// A lease that was renewed: identifier, whether it can be again, lifetime.
    pub(crate) lease: Option<(String, bool, Duration)>,
    /// Wrap it for this long, though the client did not ask by header.
    pub(crate) wrap_ttl: Option<Duration>,
    /// It is wrapped already.
    pub(crate) wrap_info: Option<WrapInfo>,
}

impl Answer {
    /// 204.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// 200 with `data`.
    pub(crate) fn json(data: Value) -> Self {
        Response::json(data).into()
    }

    /// 200 with `data`.
    pub(crate) fn data(data: Map) -> Self {
        Response { data: Some(data), ..Response::default() }.into()
    }

    /// A list.
    pub(crate) fn keys(keys: Vec<String>) -> Self {
        Response::keys(keys).into()
    }

    pub(crate) fn warn(mut self, text: impl Into<String>) -> Self {
        self.response.warnings.push(text.into());
        self
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { response, ..Self::default() }
    }
}

/// 404 without a reason where there is nothing.
pub(crate) fn found<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NotFound)
}
