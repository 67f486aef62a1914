//! The service account that a token is of.

use logical::Map;
use serde_json::Value;

/// A token that is of no service account, or of another than it says.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("could not parse UID from claims")]
    NoUid,
    #[error("service account namespace and name must be set")]
    NoName,
    #[error("the cluster knows the token as another service account's")]
    Other,
}

/// A service account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceAccount {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// Of the secret that an old token was in.
    pub(super) secret_name: String,
}

impl ServiceAccount {
    /// Of a token that is bound to a pod, or of the older kind that is in a secret.
    pub(super) fn read(claims: &Map) -> Result<Self, AccountError> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let account = match claims.get("kubernetes.io").and_then(Value::as_object) {
            Some(bound) => {
                let own = bound.get("serviceaccount");
                let part = |name: &str| text(own.and_then(|own| own.get(name)));
                Self {
                    namespace: text(bound.get("namespace")),
                    name: part("name"),
                    uid: part("uid"),
                    secret_name: String::new(),
                }
            }
            None => {
                let part = |name: &str| text(claims.get(&format!("kubernetes.io/serviceaccount/{name}")));
                Self {
                    namespace: part("namespace"),
                    name: part("service-account.name"),
                    uid: part("service-account.uid"),
                    secret_name: part("secret.name"),
                }
            }
        };
        if account.uid.is_empty() {
            return Err(AccountError::NoUid);
        }
        if !is_name(&account.namespace) || !is_name(&account.name) {
            return Err(AccountError::NoName);
        }
        Ok(account)
    }

    /// Checks that the cluster knows the token as this account's.
    pub(super) fn check_same(&self, reviewed: &Self) -> Result<(), AccountError> {
        let same = (&self.namespace, &self.name, &self.uid) == (&reviewed.namespace, &reviewed.name, &reviewed.uid);
        if same { Ok(()) } else { Err(AccountError::Other) }
    }

    /// Whether the token's subject is this account.
    pub(super) fn is_subject_of(&self, claims: &Map) -> bool {
        let subject = format!("system:serviceaccount:{}:{}", self.namespace, self.name);
        claims.get("sub").and_then(Value::as_str) == Some(subject.as_str())
    }
}

/// A name of Kubernetes: it may stand in a path.
fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    (1..=253).contains(&text.len()) && text.bytes().all(letter) && !text.starts_with('.')
}
