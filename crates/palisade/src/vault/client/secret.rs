//! The answer to most requests, in the order in which the peers print it.

use super::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A secret: data, or a token, or the token of what was wrapped.
#[derive(Serialize, Deserialize, Clone)]
#[serde(default)]
#[derive(Default)]
pub(in crate::vault) struct Secret {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) request_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) lease_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) lease_duration: i64,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) renewable: bool,
    pub(in crate::vault) data: Option<Map<String, Value>>,
    pub(in crate::vault) warnings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::vault) auth: Option<Auth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::vault) wrap_info: Option<WrapInfo>,
}

/// A token, as a login gives it.
#[derive(Serialize, Deserialize, Clone, Default)]
#[serde(default)]
pub(in crate::vault) struct Auth {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) client_token: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) accessor: String,
    pub(in crate::vault) policies: Value,
    pub(in crate::vault) token_policies: Value,
    pub(in crate::vault) identity_policies: Value,
    pub(in crate::vault) metadata: Option<Map<String, Value>>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) orphan: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) entity_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) lease_duration: i64,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::vault) renewable: bool,
    pub(in crate::vault) mfa_requirement: Option<Value>,
}

/// The token of what was wrapped.
#[derive(Serialize, Deserialize, Clone, Default)]
#[serde(default)]
pub(in crate::vault) struct WrapInfo {
    pub(in crate::vault) token: String,
    pub(in crate::vault) accessor: String,
    pub(in crate::vault) ttl: i64,
    pub(in crate::vault) creation_time: String,
    pub(in crate::vault) creation_path: String,
    pub(in crate::vault) wrapped_accessor: String,
}

fn or_default<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

impl Secret {
    /// Reads a body. Empty is none, and so is one with errors only; one without any known key is all data.
    pub(in crate::vault) fn parse(body: &[u8]) -> Result<Option<Self>, ApiError> {
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        // What does not parse may hold a secret.
        let wrong = |_| ApiError::Answer("the server's answer is not the expected JSON".to_owned());
        let secret: Self = serde_json::from_slice(body).map_err(wrong)?;
        if !secret.is_empty() {
            return Ok(Some(secret));
        }
        let data: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
        if data.len() == 1 && data.contains_key("errors") {
            return Ok(None);
        }
        Ok(Some(Self { data: Some(data), ..secret }))
    }

    fn is_empty(&self) -> bool {
        self.request_id.is_empty()
            && self.lease_id.is_empty()
            && self.lease_duration == 0
            && !self.renewable
            && self.data.is_none()
            && self.warnings.is_none()
            && self.auth.is_none()
            && self.wrap_info.is_none()
    }

    pub(in crate::vault) fn has_warnings(&self) -> bool {
        self.warnings.as_ref().is_some_and(|warnings| !warnings.is_empty())
    }

    /// A field of its data.
    pub(in crate::vault) fn get(&self, name: &str) -> Option<&Value> {
        self.data.as_ref()?.get(name).filter(|value| !value.is_null())
    }

    /// The keys of a list, if it has any.
    pub(in crate::vault) fn keys(&self) -> Option<&Vec<Value>> {
        self.get("keys")?.as_array()
    }
}
