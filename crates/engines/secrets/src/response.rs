use jiff::Timestamp;
use logical::{Error, Map, Raw};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// The final answer.
pub struct CoreResponse {
    /// `request_id`.
    pub request_id: String,
    /// The HTTP status.
    pub status: u16,
    /// Messages of an error; with a status of 400 and above, `{"errors": [...]}` is sent unless there is `data`.
    pub errors: Vec<String>,
    /// `lease_id`, or empty.
    pub lease_id: String,
    /// `renewable`.
    pub renewable: bool,
    /// `lease_duration`.
    pub lease_duration: Duration,
    /// `data`.
    pub data: Option<Map>,
    /// `wrap_info`.
    pub wrap_info: Option<WrapInfo>,
    /// `warnings`.
    pub warnings: Vec<String>,
    /// `auth`.
    pub auth: Option<TokenAuth>,
    /// The kind of the mount that answered, for audit. Not sent, as the peer does not.
    pub mount_type: String,
    /// A body that is sent as it is instead.
    pub raw: Option<Raw>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Whether `data` is repeated at the top, as old paths under `sys/` have it.
    pub(crate) is_flat: bool,
}

/// A wrapped answer.
#[derive(Clone)]
pub struct WrapInfo {
    /// The wrapping token.
    pub token: Zeroizing<String>,
    /// Its accessor.
    pub accessor: String,
    /// How long it lives.
    pub ttl: Duration,
    /// When it was made.
    pub creation_time: Timestamp,
    /// The path of the request whose answer it is.
    pub creation_path: String,
    /// The accessor of the token in the answer, or empty.
    pub wrapped_accessor: String,
}

/// A new or renewed token.
#[derive(Clone, Default)]
pub struct TokenAuth {
    /// The token.
    pub client_token: Zeroizing<String>,
    /// Its accessor.
    pub accessor: String,
    /// All policies.
    pub policies: Vec<String>,
    /// Those of the token itself.
    pub token_policies: Vec<String>,
    /// Those of the entity and its groups.
    pub identity_policies: Vec<String>,
    /// Metadata.
    pub metadata: Option<BTreeMap<String, String>>,
    /// How long it lives.
    pub lease_duration: Duration,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The entity, or empty.
    pub entity_id: String,
    /// `service` or `batch`.
    pub token_type: &'static str,
    /// Whether it has no parent.
    pub orphan: bool,
    /// How often it may be used.
    pub num_uses: i64,
}

impl CoreResponse {
    pub(crate) fn new(request_id: &str, status: u16) -> Self {
        Self {
            request_id: request_id.to_owned(),
            status,
            errors: Vec::new(),
            lease_id: String::new(),
            renewable: false,
            lease_duration: Duration::ZERO,
            data: None,
            wrap_info: None,
            warnings: Vec::new(),
            auth: None,
            mount_type: String::new(),
            raw: None,
            headers: Vec::new(),
            is_flat: false,
        }
    }

    /// The answer to a request that failed. Causes of internal errors stay in the log.
    pub fn of_error(request_id: &str, error: &Error) -> Self {
        let mut response = Self::new(request_id, error.status());
        match error {
            Error::NotFound => {}
            Error::Denied | Error::UnsupportedPath | Error::UnsupportedOperation => {
                response.errors.push(format!("1 error occurred:\n\t* {error}\n\n"));
            }
            other => response.errors.push(other.to_string()),
        }
        response
    }

    /// Whether anything but status and headers is sent.
    pub fn has_body(&self) -> bool {
        self.status != 204
    }

    /// The JSON body as bytes. [`raw`](Self::raw) comes before it.
    ///
    /// # Errors
    /// Never for what the server makes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        if self.is_flat || self.status >= 400 {
            return serde_json::to_vec(&self.to_json());
        }
        let mut bytes = Vec::with_capacity(1024);
        let body = Body {
            request_id: &self.request_id,
            lease_id: &self.lease_id,
            renewable: self.renewable,
            lease_duration: self.lease_duration.as_secs(),
            data: self.data.as_ref(),
            wrap_info: self.wrap_info.as_ref().map(WrapInfo::to_json),
            warnings: Some(self.warnings.as_slice()).filter(|warnings| !warnings.is_empty()),
            auth: self.auth.as_ref().map(TokenAuth::to_json),
        };
        serde_json::to_writer(&mut bytes, &body)?;
        Ok(bytes)
    }

    /// The JSON body. [`raw`](Self::raw) comes before it.
    pub fn to_json(&self) -> Value {
        if self.status >= 400 && self.data.is_none() && self.warnings.is_empty() {
            return json!({ "errors": self.errors });
        }
        let mut body = Map::from_iter([
            ("request_id".to_owned(), Value::from(self.request_id.as_str())),
            ("lease_id".to_owned(), Value::from(self.lease_id.as_str())),
            ("renewable".to_owned(), Value::from(self.renewable)),
            ("lease_duration".to_owned(), Value::from(self.lease_duration.as_secs())),
            ("data".to_owned(), self.data.clone().map_or(Value::Null, Value::Object)),
            ("wrap_info".to_owned(), self.wrap_info.as_ref().map_or(Value::Null, WrapInfo::to_json)),
            (
                "warnings".to_owned(),
                if self.warnings.is_empty() { Value::Null } else { Value::from(self.warnings.clone()) },
            ),
            ("auth".to_owned(), self.auth.as_ref().map_or(Value::Null, TokenAuth::to_json)),
        ]);
        if self.is_flat {
            for (key, value) in self.data.iter().flatten() {
                body.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Object(body)
    }
}

/// The usual body, written without a copy of the data.
#[derive(Serialize)]
struct Body<'a> {
    request_id: &'a str,
    lease_id: &'a str,
    renewable: bool,
    lease_duration: u64,
    data: Option<&'a Map>,
    wrap_info: Option<Value>,
    warnings: Option<&'a [String]>,
    auth: Option<Value>,
}

impl WrapInfo {
    fn to_json(&self) -> Value {
        let mut info = json!({
            "token": self.token.as_str(),
            "accessor": self.accessor,
            "ttl": self.ttl.as_secs(),
            "creation_time": self.creation_time.to_string(),
            "creation_path": self.creation_path,
        });
        if let Some(info) = info.as_object_mut().filter(|_| !self.wrapped_accessor.is_empty()) {
            info.insert("wrapped_accessor".to_owned(), Value::from(self.wrapped_accessor.as_str()));
        }
        info
    }
}

impl TokenAuth {
    fn to_json(&self) -> Value {
        let mut auth = json!({
            "client_token": self.client_token.as_str(),
            "accessor": self.accessor,
            "policies": self.policies,
            "token_policies": self.token_policies,
            "metadata": self.metadata,
            "lease_duration": self.lease_duration.as_secs(),
            "renewable": self.renewable,
            "entity_id": self.entity_id,
            "token_type": self.token_type,
            "orphan": self.orphan,
            "mfa_requirement": null,
            "num_uses": self.num_uses,
        });
        if let Some(auth) = auth.as_object_mut().filter(|_| !self.identity_policies.is_empty()) {
            auth.insert("identity_policies".to_owned(), json!(self.identity_policies));
        }
        auth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_json() {
        let data = json!({ "data": { "user": "app", "list": [1, null, "\u{1}\""] } });
        let mut response = CoreResponse::new("id", 200);
        response.mount_type = "kv".to_owned();
        response.lease_duration = Duration::from_secs(7);
        response.auth = Some(TokenAuth { accessor: "a".to_owned(), ..TokenAuth::default() });
        response.warnings.push("careful".to_owned());
        response.data = data.as_object().cloned();
        for (status, is_flat) in [(200, false), (200, true), (404, false)] {
            (response.status, response.is_flat) = (status, is_flat);
            let bytes = response.to_bytes().unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), response.to_json());
        }
    }
}
