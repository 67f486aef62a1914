use crate::authority::new_name;
use crate::config::read_urls;
use crate::crl;
use crate::issue::generate;
use crate::role::check_key;
use crate::store::{Issuer, KEYS_CONFIG, KeysConfig, Store, Usage};
use certificates::{Algorithm, PrivateKey};
use logical::{Batch, Error, Fields, Map, Operation, Request, Response, StorageExt};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// `LIST issuers`.
pub(crate) async fn list(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let default = store.issuers_config().await?.default;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for id in store.rows.list("issuer/", after, limit).await? {
        let issuer = store.issuer(&id).await?;
        let entry = json!({
            "issuer_name": issuer.name,
            "is_default": id == default,
            "serial_number": issuer.certificate()?.serial_text(),
            "key_id": issuer.key_id,
        });
        info.insert(id.clone(), entry);
        keys.push(id);
    }
    with_info(keys, info)
}

fn with_info(keys: Vec<String>, info: Map) -> Result<Response, Error> {
    if keys.is_empty() {
        return Ok(Response::keys(keys));
    }
    Ok(Response::json(json!({ "keys": keys, "key_info": info })))
}

/// A reference that is not there is a 500 of the peer's here.
async fn find(store: Store<'_>, reference: &str) -> Result<Issuer, Error> {
    let id = store.resolve_issuer(reference).await.map_err(wrapped)?;
    store.issuer(&id).await
}

fn wrapped(error: Error) -> Error {
    match error {
        Error::Invalid(text) => Error::Status(500, format!("1 error occurred:\n\t* {text}\n\n")),
        other => other,
    }
}

/// `issuer/:ref`.
pub(crate) async fn handle(store: Store<'_>, request: &Request, reference: &str) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => read(store, &find(store, reference).await?).await,
        Operation::Delete => {
            let id = match store.resolve_issuer(reference).await {
                Ok(id) => id,
                Err(Error::Invalid(_)) => return Ok(Response::empty()),
                Err(other) => return Err(other),
            };
            let was_default = store.delete_issuer(&id).await?;
            let response = Response::empty();
            Ok(if was_default {
                response.warn(format!("Deleted issuer {id} (via issuer_ref {reference}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured."))
            } else {
                response
            })
        }
        Operation::Create | Operation::Update | Operation::Patch => {
            let mut issuer = find(store, reference).await?;
            update(store, &mut issuer, request).await?;
            store.rows.put_json(&format!("issuer/{}", issuer.id), &issuer).await?;
            let warnings = crl::rebuild(store, request.now).await?;
            Ok(Response { warnings, ..read(store, &issuer).await? })
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// With PATCH what is not named stays, otherwise it becomes what it was first.
async fn update(store: Store<'_>, issuer: &mut Issuer, request: &Request) -> Result<(), Error> {
    let fields = request.fields();
    let patch = request.operation == Operation::Patch;
    let name = fields.text("issuer_name")?;
    if name.as_deref().is_some_and(|name| name != issuer.name) || name.is_none() && !patch {
        issuer.name = new_name(store, fields, "issuer_name").await?;
    }
    if fields.has("manual_chain") || !patch {
        let mut chain = Vec::new();
        for reference in fields.list("manual_chain")?.unwrap_or_default() {
            let id = if reference == "self" { issuer.id.clone() } else { store.resolve_issuer(&reference).await? };
            if chain.contains(&id) {
                return Err(Error::invalid(format!("error parsing manual_chain: duplicate issuer {reference}")));
            }
            chain.push(id);
        }
        if !chain.is_empty() && chain.first() != Some(&issuer.id) {
            return Err(Error::invalid("Unable to create chain: manual_chain must begin with the issuer itself"));
        }
        issuer.manual_chain = chain;
    }
    if fields.has("leaf_not_after_behavior") || !patch {
        let behavior = fields.text("leaf_not_after_behavior")?.unwrap_or_else(|| "err".to_owned());
        if !matches!(behavior.as_str(), "err" | "truncate" | "permit") {
            return Err(Error::invalid(
                "Unknown value for field `leaf_not_after_behavior`. Possible values are `err`, `truncate`, and `permit`.",
            ));
        }
        issuer.leaf_not_after_behavior = behavior;
    }
    if fields.has("usage") || !patch {
        let all = || Usage::ALL.iter().map(|usage| usage.name().to_owned()).collect();
        let mut usage = fields.list("usage")?.unwrap_or_else(all);
        if let Some(bad) = usage.iter().find(|name| !Usage::ALL.iter().any(|usage| usage.name() == name.as_str())) {
            let usage = usage.join(" ");
            return Err(Error::invalid(format!(
                "Unable to parse specified usages: [{usage}] - valid values are read-only, issuing-certificates, crl-signing, and ocsp-signing: unknown name for usage: {bad}"
            )));
        }
        usage.sort();
        issuer.usage = usage;
    }
    if let Some(name) = fields.text("revocation_signature_algorithm")?.filter(|name| !name.is_empty()) {
        let algorithm = Algorithm::of_name(&name)
            .ok_or_else(|| Error::invalid(format!("Unknown signature algorithm value: {name}")))?;
        algorithm.name().clone_into(&mut issuer.revocation_signature_algorithm);
    }
    let named = ["issuing_certificates", "crl_distribution_points", "delta_crl_distribution_points", "ocsp_servers"];
    if named.iter().any(|name| fields.has(name)) || fields.has("enable_aia_url_templating") {
        let mut urls = issuer.urls.clone().filter(|_| patch).unwrap_or_default();
        read_urls(&mut urls, fields, "enable_aia_url_templating")?;
        issuer.urls = Some(urls);
    } else if !patch {
        issuer.urls = None;
    }
    Ok(())
}

async fn read(store: Store<'_>, issuer: &Issuer) -> Result<Response, Error> {
    let chain: Vec<String> = store.chain(issuer).await?.iter().map(certificates::Certificate::pem).collect();
    let urls = issuer.urls.clone().unwrap_or_default();
    let mut usage = issuer.usage.clone();
    usage.sort();
    let mut data = json!({
        "issuer_id": issuer.id,
        "issuer_name": issuer.name,
        "key_id": issuer.key_id,
        "certificate": issuer.certificate,
        "manual_chain": if issuer.manual_chain.is_empty() { Value::Null } else { json!(issuer.manual_chain) },
        "ca_chain": chain,
        "leaf_not_after_behavior": issuer.leaf_not_after_behavior,
        "usage": usage.join(","),
        "revocation_signature_algorithm": issuer.revocation_signature_algorithm,
        "revoked": issuer.revoked.is_some(),
        "issuing_certificates": urls.issuing_certificates,
        "crl_distribution_points": urls.crl_distribution_points,
        "delta_crl_distribution_points": urls.delta_crl_distribution_points,
        "ocsp_servers": urls.ocsp_servers,
    });
    if let Value::Object(map) = &mut data {
        if issuer.urls.is_some() {
            map.insert("enable_aia_url_templating".to_owned(), json!(urls.enable_templating));
        }
        if let Some(at) = issuer.revoked {
            map.insert("revocation_time".to_owned(), json!(at));
            let text = jiff::Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default();
            map.insert("revocation_time_rfc3339".to_owned(), json!(text));
        }
    }
    Ok(Response::json(data))
}

/// `issuer/:ref/json`, `/pem` and `/der`, which need no token.
pub(crate) async fn public(store: Store<'_>, reference: &str, form: &str) -> Result<Response, Error> {
    let issuer = find(store, reference).await?;
    let certificate = issuer.certificate()?;
    match form {
        "pem" => Ok(crl::raw("application/pem-certificate-chain", issuer.certificate.clone().into_bytes())),
        "der" => Ok(crl::raw("application/pkix-cert", certificate.der().to_vec())),
        _ => {
            let chain: Vec<String> = store.chain(&issuer).await?.iter().map(certificates::Certificate::pem).collect();
            Ok(Response::json(json!({
                "certificate": issuer.certificate,
                "ca_chain": chain,
                "issuer_id": issuer.id,
                "issuer_name": issuer.name,
            })))
        }
    }
}

/// `issuer/:ref/revoke`.
pub(crate) async fn revoke(store: Store<'_>, request: &Request, reference: &str) -> Result<Response, Error> {
    let mut issuer = find(store, reference).await?;
    if issuer.revoked.is_none() {
        issuer.revoked = Some(request.now.as_second());
        issuer.usage.retain(|usage| usage != Usage::Issuing.name());
        store.rows.put_json(&format!("issuer/{}", issuer.id), &issuer).await?;
        let certificate = issuer.certificate()?;
        let above = crate::revoke::issuer_of(store, &certificate).await?.filter(|above| above.id != issuer.id);
        if let Some(above) = above {
            let row = crate::revoke::RevokedRow {
                revocation_time: request.now.as_second(),
                revocation_time_rfc3339: request.now.to_string(),
                issuer_id: above.id,
                expires: certificate.not_after().as_second(),
            };
            let mut batch = Batch::new();
            let serial = crate::serial::row(certificate.serial());
            batch.put_json(format!("revoked/{serial}"), &row)?;
            batch.put(format!("cert/{serial}"), certificate.der().to_vec());
            store.rows.commit(batch).await?;
        }
    }
    let warnings = crl::rebuild(store, request.now).await?;
    Ok(Response { warnings, ..read(store, &issuer).await? })
}

/// `LIST keys`.
pub(crate) async fn list_keys(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let default = store.keys_config().await?.default;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for id in store.rows.list("key/", after, limit).await? {
        let key = store.key(&id).await?;
        info.insert(id.clone(), json!({ "key_name": key.name, "is_default": id == default }));
        keys.push(id);
    }
    with_info(keys, info)
}

/// `key/:ref`.
pub(crate) async fn handle_key(store: Store<'_>, request: &Request, reference: &str) -> Result<Response, Error> {
    let id = store.resolve_key(reference).await;
    let fields = request.fields();
    match request.operation {
        Operation::Read => {
            let key = store.key(&id?).await?;
            let identifier = key.private()?.public().identifier();
            Ok(Response::json(json!({
                "key_id": key.id,
                "key_name": key.name,
                "key_type": key.key_type,
                "subject_key_id": crate::serial::display(&crate::serial::row(&identifier)),
            })))
        }
        Operation::Delete => {
            let Ok(id) = id else { return Ok(Response::empty()) };
            let mut batch = Batch::new();
            batch.delete(format!("key/{id}"));
            for mut issuer in store.issuers().await? {
                if issuer.key_id == id {
                    issuer.key_id.clear();
                    batch.put_json(format!("issuer/{}", issuer.id), &issuer)?;
                }
            }
            let was_default = store.keys_config().await?.default == id;
            if was_default {
                batch.put_json(KEYS_CONFIG, &KeysConfig::default())?;
            }
            store.rows.commit(batch).await?;
            let text = format!(
                "Deleted key {id} (via key_ref {reference}); this was configured as the default key. Operations without an explicit key will not work until a new default is configured."
            );
            Ok(if was_default { Response::empty().warn(text) } else { Response::empty() })
        }
        Operation::Create | Operation::Update => {
            let mut key = store.key(&id?).await?;
            if fields.text("key_name")?.is_some_and(|name| name != key.name) {
                key.name = new_name(store, fields, "key_name").await?;
                store.rows.put_json(&format!("key/{}", key.id), &key).await?;
            }
            Ok(Response::json(json!({ "key_id": key.id, "key_name": key.name, "key_type": key.key_type })))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

/// `keys/generate/internal` and `keys/generate/exported`.
pub(crate) async fn generate_key(store: Store<'_>, fields: Fields<'_>, exported: bool) -> Result<Response, Error> {
    let name = new_name(store, fields, "key_name").await?;
    let kind = fields.text("key_type")?.unwrap_or_else(|| "rsa".to_owned());
    let bits = fields.integer("key_bits")?.and_then(|bits| u32::try_from(bits).ok()).unwrap_or(0);
    let (bits, _) = check_key(&kind, bits, 0)?;
    let key = generate(&kind, bits)?;
    let (row, _) = store.import_key(&key, &name).await?;
    let mut data = json!({ "key_id": row.id, "key_name": row.name, "key_type": row.key_type });
    if let (true, Value::Object(map)) = (exported, &mut data) {
        map.insert("private_key".to_owned(), Value::String(row.private_key.to_string()));
    }
    Ok(Response::json(data))
}

/// `keys/import`.
pub(crate) async fn import_key(store: Store<'_>, fields: Fields<'_>) -> Result<Response, Error> {
    let text = Zeroizing::new(fields.text("pem_bundle")?.unwrap_or_default());
    if text.len() < 75 {
        return Err(Error::invalid(
            "provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file",
        ));
    }
    let name = new_name(store, fields, "key_name").await?;
    let key = PrivateKey::from_pem(&text).map_err(|error| Error::invalid(format!("unable to parse key: {error}")))?;
    let (row, new) = store.import_key(&key, &name).await?;
    let response = Response::json(json!({ "key_id": row.id, "key_name": row.name, "key_type": row.key_type }));
    Ok(if new { response } else { response.warn("Key already imported, use key/ endpoint to update name.") })
}
