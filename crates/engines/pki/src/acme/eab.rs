//! External account binding: keys that an operator gives out, each good for one account (RFC 8555, 7.3.4).

use super::jws::{Envelope, Jwk};
use super::nonce::{decode, new_id};
use super::{Acme, Failure, unauthorized};
use crate::store::Store;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use logical::{Batch, Error, Map, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// What keys begin with in base64, so that none begins with a hyphen.
const PREFIX: &str = "vault-eab-0-";

#[derive(Serialize, Deserialize)]
struct Eab {
    key: Zeroizing<Vec<u8>>,
    /// `acme/directory`.
    directory: String,
    created: String,
}

fn row(id: &str) -> String {
    format!("acme/eab/{id}")
}

/// `new-eab` of any directory, which needs a token.
pub(super) async fn create(store: Store<'_>, request: &Request, directory: &str) -> Result<Response, Error> {
    if !request.operation.is_write() {
        return Err(Error::UnsupportedOperation);
    }
    let mut key = Zeroizing::new(URL_SAFE_NO_PAD.decode(PREFIX).map_err(Error::internal)?);
    let mut random = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut random[..]).map_err(Error::internal)?;
    key.extend_from_slice(&random[..]);
    let id = new_id();
    let eab = Eab { key, directory: format!("{directory}directory"), created: request.now.to_string() };
    store.rows.put_json(&row(&id), &eab).await?;
    Ok(Response::json(json!({
        "id": id,
        "key_type": "hs",
        "key": URL_SAFE_NO_PAD.encode(&eab.key),
        "acme_directory": eab.directory,
        "created_on": eab.created,
    })))
}

/// `LIST eab`.
pub(crate) async fn list(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for id in store.rows.list("acme/eab/", after, limit).await? {
        let Some(eab) = store.rows.get_json::<Eab>(&row(&id)).await? else { continue };
        let entry = json!({ "key_type": "hs", "acme_directory": eab.directory, "created_on": eab.created });
        info.insert(id.clone(), entry);
        keys.push(id);
    }
    if keys.is_empty() {
        return Ok(Response::keys(keys));
    }
    Ok(Response::json(json!({ "keys": keys, "key_info": info })))
}

/// `DELETE eab/:id`.
pub(crate) async fn delete(store: Store<'_>, request: &Request, id: &str) -> Result<Response, Error> {
    if request.operation != Operation::Delete {
        return Err(Error::UnsupportedOperation);
    }
    let found = store.rows.get(&row(id)).await?.is_some();
    store.rows.delete(&row(id)).await?;
    let text = format!("No key id found with id: {id}");
    Ok(if found { Response::empty() } else { Response::empty().warn(text) })
}

/// Checks a binding of a new account's key, and has the key of the binding deleted with what the batch does.
pub(super) async fn take(acme: &Acme<'_>, binding: &Value, jwk: &Jwk, batch: &mut Batch) -> Result<String, Failure> {
    let bad =
        |why: &str| unauthorized(format!("the client lacks sufficient authorization: external account binding: {why}"));
    let envelope = Envelope::parse(binding.as_object().ok_or_else(|| bad("no object"))?)?;
    let algorithm = match envelope.text("alg") {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return Err(bad("an algorithm that is not supported")),
    };
    if envelope.text("url") != acme.url("new-account") {
        return Err(bad("another URL"));
    }
    let id = envelope.text("kid").to_owned();
    if !super::account::is_id(&id) {
        return Err(bad("no such key identifier"));
    }
    let found = acme.store.rows.get_json_at::<Eab>(&row(&id)).await?;
    let (eab, version) = found.ok_or_else(|| bad("no such key identifier"))?;
    let signature = decode(&envelope.signature, "signature")?;
    hmac::verify(&hmac::Key::new(algorithm, &eab.key), &envelope.message(), &signature)
        .map_err(|_| bad("the signature does not fit"))?;
    if eab.directory != format!("{}directory", acme.directory) {
        return Err(bad("the key is of another directory"));
    }
    let payload = serde_json::from_slice::<Value>(&decode(&envelope.payload, "payload")?);
    let bound = Jwk::parse(&payload.map_err(|_| bad("the payload is no key"))?)?;
    if bound.thumbprint != jwk.thumbprint {
        return Err(bad("another key"));
    }
    batch.require(row(&id), Some(version)).delete(row(&id));
    Ok(id)
}
