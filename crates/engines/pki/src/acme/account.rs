use super::jws::{Jwk, Signed};
use super::nonce::new_id;
use super::{Acme, Failure, document, eab, header, malformed, unauthorized};
use crate::store::Store;
use logical::{Batch, Error, Map, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MAX_CONTACTS: usize = 10;

/// A client's account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) contact: Vec<String>,
    pub(super) terms_agreed: bool,
    pub(super) jwk: Value,
    /// The identifier of the binding that it was made with.
    pub(super) eab: Option<String>,
    /// In seconds.
    pub(super) created: i64,
}

impl Account {
    pub(super) async fn load(store: Store<'_>, id: &str) -> Result<Self, Failure> {
        let missing = || {
            let text = "the request specified an account that does not exist".to_owned();
            Failure::Problem("accountDoesNotExist", 400, text)
        };
        if !is_id(id) {
            return Err(missing());
        }
        store.rows.get_json(&format!("acme/account/{id}")).await?.ok_or_else(missing)
    }

    pub(super) fn jwk(&self) -> Result<Jwk, Failure> {
        Jwk::parse(&self.jwk)
    }

    fn show(&self, acme: &Acme<'_>, status: u16) -> Response {
        let mut body = json!({ "status": self.status, "contact": self.contact, "orders": acme.url("orders") });
        if let (true, Value::Object(map)) = (self.terms_agreed, &mut body) {
            map.insert("termsOfServiceAgreed".to_owned(), Value::Bool(true));
        }
        let mut response = document(status, &body);
        header(&mut response, "Location", acme.url(&format!("account/{}", self.id)));
        response
    }
}

/// Whether a text can be the name of something here.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The thumbprint of an account that was ended or has no orders, and when it was made.
pub(crate) async fn unused_account(store: Store<'_>, id: &str) -> Result<Option<(String, i64)>, Error> {
    let Some(account) = store.rows.get_json::<Account>(&format!("acme/account/{id}")).await? else { return Ok(None) };
    let orders = store.rows.list(&format!("acme/order/{id}/"), "", 1).await?;
    let unused = account.status != "valid" || orders.is_empty();
    let thumbprint = account.jwk().ok().map(|jwk| jwk.thumbprint).unwrap_or_default();
    Ok(unused.then_some((thumbprint, account.created)))
}

fn contacts(payload: &Map) -> Result<Option<Vec<String>>, Failure> {
    let Some(given) = payload.get("contact") else { return Ok(None) };
    let items: Option<Vec<String>> =
        given.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    let items = items.filter(|items| items.len() <= MAX_CONTACTS && items.iter().all(|item| item.len() <= 1000));
    let items = items.ok_or_else(|| malformed("the request message was malformed: contact is no list of texts"))?;
    if let Some(other) = items.iter().find(|item| !item.starts_with("mailto:")) {
        let text = format!("a contact URL for an account used an unsupported protocol scheme: {other}");
        return Err(Failure::Problem("unsupportedContact", 400, text));
    }
    Ok(Some(items))
}

/// `new-account`.
pub(super) async fn create(acme: &Acme<'_>) -> Result<Response, Failure> {
    let Signed { jwk, account, payload } = acme.signed().await?;
    if account.is_some() {
        return Err(malformed("the request message was malformed: expected a key, not a key identifier"));
    }
    let payload = payload.ok_or_else(|| malformed("the request message was malformed: missing payload"))?;
    let index = format!("acme/thumbprint/{}", jwk.thumbprint);
    if let Some(id) = acme.store.rows.get_json::<String>(&index).await? {
        return Ok(Account::load(acme.store, &id).await?.show(acme, 200));
    }
    let flag = |name: &str| payload.get(name).and_then(Value::as_bool).unwrap_or(false);
    if flag("onlyReturnExisting") {
        let text = "the request specified an account that does not exist".to_owned();
        return Err(Failure::Problem("accountDoesNotExist", 400, text));
    }
    let mut batch = Batch::new();
    let eab = match payload.get("externalAccountBinding") {
        Some(binding) => Some(eab::take(acme, binding, &jwk, &mut batch).await?),
        None if acme.config.eab_policy != "not-required" => {
            let text = "the request must include a value for the 'externalAccountBinding' field".to_owned();
            return Err(Failure::Problem("externalAccountRequired", 401, text));
        }
        None => None,
    };
    let account = Account {
        id: new_id(),
        status: "valid".to_owned(),
        contact: contacts(&payload)?.unwrap_or_default(),
        terms_agreed: flag("termsOfServiceAgreed"),
        jwk: jwk.json.clone(),
        eab,
        created: acme.request.now.as_second(),
    };
    batch.require(index.as_str(), None).put_json(index.as_str(), &account.id)?;
    batch.put_json(format!("acme/account/{}", account.id), &account)?;
    match acme.store.rows.commit(batch).await {
        Ok(_) => Ok(account.show(acme, 201)),
        Err(Error::Conflict) => {
            Err(malformed("the request message was malformed: the key or its binding was used at the same time"))
        }
        Err(other) => Err(other.into()),
    }
}

/// `account/:id`: reads, changes contacts, or ends it.
pub(super) async fn handle(acme: &Acme<'_>, id: &str) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let mut account = signed.account()?.clone();
    if account.id != id {
        return Err(unauthorized("the client lacks sufficient authorization: the account is another's"));
    }
    let Some(payload) = signed.payload else { return Ok(account.show(acme, 200)) };
    if let Some(contact) = contacts(&payload)? {
        account.contact = contact;
    }
    match payload.get("status").and_then(Value::as_str) {
        None => {}
        Some("deactivated") => "deactivated".clone_into(&mut account.status),
        Some("valid") => {}
        Some(other) => {
            return Err(malformed(format!("the request message was malformed: the status can't become {other}")));
        }
    }
    acme.store.rows.put_json(&format!("acme/account/{id}"), &account).await?;
    Ok(account.show(acme, 200))
}
