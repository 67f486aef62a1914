use super::account::is_id;
use super::authorization::{self, Authorization, Identifier};
use super::nonce::{decode, new_id, token};
use super::{Acme, Failure, document, header, malformed, raw, unauthorized};
use crate::issue;
use crate::names::is_hostname;
use crate::role::Role;
use crate::serial;
use crate::store::Store;
use certificates::{AltName, CertificateRequest};
use logical::{Batch, Error, Map, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How long a client has for an order.
const ORDER_SECONDS: i64 = 24 * 3600;
/// How long a certificate may be valid.
const MAX_CERTIFICATE_SECONDS: u64 = 90 * 24 * 3600;
const MAX_IDENTIFIERS: usize = 100;

/// A certificate that a client wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    /// `pending`, `valid` or `invalid`; in between it follows from the authorizations.
    status: String,
    identifiers: Vec<Identifier>,
    authorizations: Vec<String>,
    /// In seconds.
    expires: i64,
    /// The serial number as rows have it.
    certificate: Option<String>,
}

/// Which account a certificate was issued to.
#[derive(Serialize, Deserialize)]
pub(super) struct IssuedTo {
    pub(super) account: String,
}

fn row(account: &str, id: &str) -> String {
    format!("acme/order/{account}/{id}")
}

pub(super) fn issued_row(serial: &str) -> String {
    format!("acme/cert/{serial}")
}

async fn load(acme: &Acme<'_>, account: &str, id: &str) -> Result<(Order, u64), Failure> {
    let missing = || unauthorized("the client lacks sufficient authorization: no such order");
    if !is_id(id) {
        return Err(missing());
    }
    acme.store.rows.get_json_at(&row(account, id)).await?.ok_or_else(missing)
}

impl Order {
    async fn status(&self, acme: &Acme<'_>, account: &str) -> Result<&str, Failure> {
        if self.status != "pending" {
            return Ok(&self.status);
        }
        let now = acme.request.now.as_second();
        if now >= self.expires {
            return Ok("invalid");
        }
        let mut status = "ready";
        for id in &self.authorizations {
            match authorization::load(acme, account, id).await?.0.status_at(now) {
                "valid" => {}
                "pending" => status = "pending",
                _ => return Ok("invalid"),
            }
        }
        Ok(status)
    }

    async fn show(&self, acme: &Acme<'_>, account: &str, status: u16) -> Result<Response, Failure> {
        let authorizations = self.authorizations.iter().map(|id| acme.url(&format!("authorization/{id}")));
        let mut body = json!({
            "status": self.status(acme, account).await?,
            "expires": jiff::Timestamp::from_second(self.expires).map(|at| at.to_string()).unwrap_or_default(),
            "identifiers": self.identifiers,
            "authorizations": authorizations.collect::<Vec<_>>(),
            "finalize": acme.url(&format!("order/{}/finalize", self.id)),
        });
        if let (Some(_), Value::Object(map)) = (&self.certificate, &mut body) {
            map.insert("certificate".to_owned(), json!(acme.url(&format!("order/{}/cert", self.id))));
        }
        let mut response = document(status, &body);
        header(&mut response, "Location", acme.url(&format!("order/{}", self.id)));
        Ok(response)
    }
}

/// The names and addresses that are asked for, each once.
fn identifiers(payload: &Map) -> Result<Vec<Identifier>, Failure> {
    let given = payload.get("identifiers").cloned().unwrap_or_default();
    let given: Vec<Identifier> = serde_json::from_value(given)
        .map_err(|_| malformed("the request message was malformed: identifiers is no list of identifiers"))?;
    if given.is_empty() || given.len() > MAX_IDENTIFIERS {
        return Err(malformed(format!(
            "the request message was malformed: there must be 1 to {MAX_IDENTIFIERS} identifiers"
        )));
    }
    let mut found: Vec<Identifier> = Vec::new();
    for mut identifier in given {
        let rejected = |why: &str| {
            let text =
                format!("the server will not issue certificates for the identifier: {:?}: {why}", identifier.value);
            Failure::Problem("rejectedIdentifier", 400, text)
        };
        match identifier.kind.as_str() {
            "dns" => {
                let name = identifier.value.to_lowercase();
                let plain = name.strip_prefix("*.").unwrap_or(&name);
                if !is_hostname(&name) || plain.contains('*') || name.ends_with('.') || name.len() > 253 {
                    return Err(rejected("no host name"));
                }
                if plain.parse::<IpAddr>().is_ok() {
                    return Err(rejected("an address is of type ip"));
                }
                identifier.value = name;
            }
            "ip" => {
                let address: IpAddr = identifier.value.parse().map_err(|_| rejected("no address"))?;
                identifier.value = address.to_string();
            }
            other => {
                let text = format!("an identifier is of an unsupported type: {other}");
                return Err(Failure::Problem("unsupportedIdentifier", 400, text));
            }
        }
        if !found.contains(&identifier) {
            found.push(identifier);
        }
    }
    Ok(found)
}

/// The authorizations of an order and when it ends.
pub(crate) async fn order_end(store: Store<'_>, key: &str) -> Result<Option<(Vec<String>, i64)>, Error> {
    let order: Option<Order> = store.rows.get_json(key).await?;
    Ok(order.map(|order| (order.authorizations, order.expires)))
}

/// `new-order`.
pub(super) async fn create(acme: &Acme<'_>, role: Option<&Role>) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let account = signed.account()?;
    let payload = signed.payload.as_ref();
    let payload = payload.ok_or_else(|| malformed("the request message was malformed: missing payload"))?;
    if payload.contains_key("notBefore") || payload.contains_key("notAfter") {
        return Err(malformed("the request message was malformed: NotBefore and NotAfter are not supported"));
    }
    let identifiers = identifiers(payload)?;
    if let Some(role) = role {
        for identifier in &identifiers {
            let fine = match identifier.kind.as_str() {
                "ip" => role.allow_ip_sans,
                _ => role.allows_name(&identifier.value, "").is_ok(),
            };
            if !fine {
                let text = format!(
                    "the server will not issue certificates for the identifier: role will not issue certificate for name {}",
                    identifier.value
                );
                return Err(Failure::Problem("rejectedIdentifier", 400, text));
            }
        }
    }
    let expires = acme.request.now.as_second() + ORDER_SECONDS;
    let mut batch = Batch::new();
    let mut authorizations = Vec::new();
    for identifier in &identifiers {
        let made = Authorization::new(new_id(), identifier, token()?, expires);
        batch.put_json(authorization::row(&account.id, &made.id), &made)?;
        authorizations.push(made.id);
    }
    let order =
        Order { id: new_id(), status: "pending".to_owned(), identifiers, authorizations, expires, certificate: None };
    batch.put_json(row(&account.id, &order.id), &order)?;
    acme.store.rows.commit(batch).await?;
    order.show(acme, &account.id, 201).await
}

/// `orders`.
pub(super) async fn list(acme: &Acme<'_>) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let ids = acme.store.rows.list(&format!("acme/order/{}/", signed.account()?.id), "", 1000).await?;
    let urls: Vec<String> = ids.iter().map(|id| acme.url(&format!("order/{id}"))).collect();
    Ok(document(200, &json!({ "orders": urls })))
}

/// `order/:id`.
pub(super) async fn show(acme: &Acme<'_>, id: &str) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let account = signed.account()?;
    load(acme, &account.id, id).await?.0.show(acme, &account.id, 200).await
}

/// `order/:id/cert`: the certificate and those above it.
pub(super) async fn certificate(acme: &Acme<'_>, id: &str) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let (order, _) = load(acme, &signed.account()?.id, id).await?;
    let not_ready = || {
        let text = "the request attempted to finalize an order that is not ready to be finalized".to_owned();
        Failure::Problem("orderNotReady", 403, text)
    };
    let serial = order.certificate.ok_or_else(not_ready)?;
    let entry = acme.store.rows.get(&format!("cert/{serial}")).await?.ok_or_else(not_ready)?;
    let certificate = certificates::Certificate::from_der(&entry.value).map_err(Error::internal)?;
    let mut pem = certificate.pem();
    if let Some(issuer) = crate::revoke::issuer_of(acme.store, &certificate).await? {
        for above in acme.store.chain(&issuer).await? {
            pem.push_str(&above.pem());
        }
    }
    Ok(raw(200, "application/pem-certificate-chain", pem.into_bytes()))
}

/// The names and addresses that a request asks for, its common name included.
fn requested(csr: &CertificateRequest) -> Result<BTreeSet<(String, String)>, Failure> {
    let bad = |why: String| Failure::Problem("badCSR", 400, format!("the CSR is unacceptable: {why}"));
    let mut found = BTreeSet::new();
    for name in csr.alternative_names().map_err(|error| bad(error.to_string()))? {
        match name {
            AltName::Dns(name) => found.insert(("dns".to_owned(), name.to_lowercase())),
            AltName::Ip(address) => found.insert(("ip".to_owned(), address.to_string())),
            other => return Err(bad(format!("it asks for {other:?}"))),
        };
    }
    let common = csr.subject_name().map_err(|error| bad(error.to_string()))?.common_name;
    match common.parse::<IpAddr>() {
        _ if common.is_empty() => {}
        Ok(address) => {
            found.insert(("ip".to_owned(), address.to_string()));
        }
        Err(_) => {
            found.insert(("dns".to_owned(), common.to_lowercase()));
        }
    }
    Ok(found)
}

/// `order/:id/finalize`.
pub(super) async fn finalize(acme: &Acme<'_>, id: &str, role: Option<Role>) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let account = signed.account()?;
    let (mut order, version) = load(acme, &account.id, id).await?;
    let status = order.status(acme, &account.id).await?;
    if status != "ready" {
        let text = format!(
            "the request attempted to finalize an order that is not ready to be finalized: its status is {status}"
        );
        return Err(Failure::Problem("orderNotReady", 403, text));
    }
    let bad = |why: String| Failure::Problem("badCSR", 400, format!("the CSR is unacceptable: {why}"));
    let csr = signed.payload.as_ref().and_then(|payload| payload.get("csr")).and_then(Value::as_str);
    let csr = decode(csr.ok_or_else(|| malformed("the request message was malformed: missing csr"))?, "csr")?;
    let csr = issue::parse_request(&csr).map_err(|error| bad(error.to_string()))?;
    let wanted: BTreeSet<_> = order.identifiers.iter().map(|one| (one.kind.clone(), one.value.clone())).collect();
    if requested(&csr)? != wanted {
        return Err(bad("its names are not those of the order".to_owned()));
    }
    if csr.public_key().is_ok_and(|key| key == signed.jwk.key) {
        return Err(bad("certificate public key must not match account key".to_owned()));
    }
    let issuer = acme.issuer(role.as_ref()).await?;
    let role = acme.role_for(role);
    issue::check_request_key(&csr, &role).map_err(|error| bad(error.to_string()))?;
    let mut signer = issue::signing_issuer(acme.store, &issuer).await?;
    "truncate".clone_into(&mut signer.issuer.leaf_not_after_behavior);
    let (certificate, _) = issue::make(acme.context, acme.request, &role, &signer, Some(&csr), None, false)?;
    let serial = serial::row(certificate.serial());
    "valid".clone_into(&mut order.status);
    order.certificate = Some(serial.clone());
    let key = row(&account.id, id);
    let mut batch = Batch::new();
    batch.require(key.as_str(), Some(version)).put_json(key.as_str(), &order)?;
    batch.put(format!("cert/{serial}"), certificate.der().to_vec());
    batch.put_json(issued_row(&serial), &IssuedTo { account: account.id.clone() })?;
    match acme.store.rows.commit(batch).await {
        Ok(_) => {}
        // It was finalized at the same time: that certificate counts.
        Err(Error::Conflict) => (order, _) = load(acme, &account.id, id).await?,
        Err(other) => return Err(other.into()),
    }
    order.show(acme, &account.id, 200).await
}

impl Acme<'_> {
    /// The role that a certificate is made by: names were shown to be the client's, so a directory without a role allows any.
    fn role_for(&self, role: Option<Role>) -> Role {
        let bare = role.is_none();
        let mut role = role.unwrap_or_else(|| Role {
            allow_any_name: true,
            key_type: "any".to_owned(),
            cn_validations: vec!["disabled".to_owned()],
            ..Role::default()
        });
        role.require_cn = false;
        role.use_csr_common_name = true;
        role.use_csr_sans = true;
        role.not_before.clear();
        role.not_after.clear();
        if bare || !self.config.allow_role_ext_key_usage {
            role.server_flag = true;
            role.client_flag = false;
            role.code_signing_flag = false;
            role.email_protection_flag = false;
            role.ext_key_usage.clear();
            role.ext_key_usage_oids.clear();
        }
        let longest = if role.ttl > 0 { role.ttl } else { MAX_CERTIFICATE_SECONDS };
        role.ttl = longest.min(MAX_CERTIFICATE_SECONDS);
        if role.max_ttl == 0 {
            role.max_ttl = MAX_CERTIFICATE_SECONDS;
        }
        role
    }
}
