use super::account::is_id;
use super::{Acme, Failure, document, malformed, unauthorized};
use logical::{Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A name or address that a certificate is to be of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identifier {
    /// `dns` or `ip`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) value: String,
}

/// One way to show that a name is one's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Challenge {
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) validated: Option<String>,
    pub(super) error: Option<Value>,
}

/// What shows that a name is an account's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Authorization {
    pub(super) id: String,
    /// Without `*.`.
    pub(super) identifier: Identifier,
    pub(super) wildcard: bool,
    pub(super) status: String,
    /// In seconds.
    pub(super) expires: i64,
    pub(super) token: String,
    pub(super) challenges: Vec<Challenge>,
}

/// The row of an account's authorization.
pub(super) fn row(account: &str, id: &str) -> String {
    format!("acme/authorization/{account}/{id}")
}

impl Authorization {
    /// A new one, with the challenges that can show it.
    pub(super) fn new(id: String, identifier: &Identifier, token: String, expires: i64) -> Self {
        let wildcard = identifier.value.strip_prefix("*.");
        let kinds: &[&str] = match (identifier.kind.as_str(), wildcard) {
            ("ip", _) => &["http-01", "tls-alpn-01"],
            (_, Some(_)) => &["dns-01"],
            (_, None) => &["http-01", "tls-alpn-01", "dns-01"],
        };
        let challenge = |kind: &&str| Challenge {
            kind: (*kind).to_owned(),
            status: "pending".to_owned(),
            validated: None,
            error: None,
        };
        let value = wildcard.unwrap_or(&identifier.value).to_owned();
        Self {
            id,
            identifier: Identifier { kind: identifier.kind.clone(), value },
            wildcard: wildcard.is_some(),
            status: "pending".to_owned(),
            expires,
            token,
            challenges: kinds.iter().map(challenge).collect(),
        }
    }

    pub(super) fn show_challenge(&self, acme: &Acme<'_>, challenge: &Challenge) -> Value {
        let mut value = json!({
            "type": challenge.kind,
            "url": acme.url(&format!("challenge/{}/{}", self.id, challenge.kind)),
            "status": challenge.status,
            "token": self.token,
        });
        if let Value::Object(map) = &mut value {
            if let Some(at) = &challenge.validated {
                map.insert("validated".to_owned(), json!(at));
            }
            if let Some(error) = &challenge.error {
                map.insert("error".to_owned(), error.clone());
            }
        }
        value
    }

    /// How it stands now: what was not shown in time is expired.
    pub(super) fn status_at(&self, now: i64) -> &str {
        if now >= self.expires && matches!(self.status.as_str(), "pending" | "valid") {
            "expired"
        } else {
            &self.status
        }
    }

    fn show(&self, acme: &Acme<'_>) -> Response {
        let challenges: Vec<Value> = self.challenges.iter().map(|one| self.show_challenge(acme, one)).collect();
        let expires = jiff::Timestamp::from_second(self.expires).map(|at| at.to_string()).unwrap_or_default();
        let mut body = json!({
            "identifier": self.identifier,
            "status": self.status_at(acme.request.now.as_second()),
            "expires": expires,
            "challenges": challenges,
        });
        if let (true, Value::Object(map)) = (self.wildcard, &mut body) {
            map.insert("wildcard".to_owned(), Value::Bool(true));
        }
        document(200, &body)
    }
}

/// An account's authorization with its row's version.
pub(super) async fn load(acme: &Acme<'_>, account: &str, id: &str) -> Result<(Authorization, u64), Failure> {
    let missing = || unauthorized("the client lacks sufficient authorization: no such authorization");
    if !is_id(id) {
        return Err(missing());
    }
    acme.store.rows.get_json_at(&row(account, id)).await?.ok_or_else(missing)
}

/// `authorization/:id`: reads, or gives it up.
pub(super) async fn handle(acme: &Acme<'_>, id: &str) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let account = signed.account()?;
    let (mut authorization, _) = load(acme, &account.id, id).await?;
    match signed.payload.as_ref().and_then(|payload| payload.get("status")).map(Value::as_str) {
        None => {}
        Some(Some("deactivated")) => {
            "deactivated".clone_into(&mut authorization.status);
            acme.store.rows.put_json(&row(&account.id, id), &authorization).await?;
        }
        Some(_) => {
            return Err(malformed("the request message was malformed: an authorization can only be deactivated"));
        }
    }
    Ok(authorization.show(acme))
}
