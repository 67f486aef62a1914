use crate::store::{ISSUERS_CONFIG, Store};
use certificates::{Certificate, PrivateKey, pem};
use logical::{Error, Map, Request, Response, StorageExt};
use serde_json::{Value, json};

/// `config/ca`, `issuers/import/bundle`, `issuers/import/cert` and `intermediate/set-signed`.
pub(crate) async fn issuers(store: Store<'_>, request: &Request, keys_allowed: bool) -> Result<Response, Error> {
    let fields = request.fields();
    let bundle = fields.text("pem_bundle")?.unwrap_or_default();
    let certificate = fields.text("certificate")?.unwrap_or_default();
    let (text, keys_allowed) = match (bundle.is_empty(), certificate.is_empty()) {
        (true, true) => return Err(Error::invalid("'pem_bundle' and 'certificate' parameters were empty")),
        (false, false) => return Err(Error::invalid("'pem_bundle' and 'certificate' parameters were both provided")),
        (false, true) => (bundle, keys_allowed),
        (true, false) => (certificate, false),
    };
    if text.len() < 75 {
        return Err(Error::invalid(
            "provided data for import was too short; perhaps a path was passed to the API rather than the contents of a PEM file",
        ));
    }
    let blocks = pem::parse(text.as_bytes())
        .map_err(|error| Error::invalid(format!("error when parsing block 1: invalid PEM data: {error}")))?;
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    for block in &blocks {
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => certificates.push(&block.content),
            "CRL" | "X509 CRL" | "EC PARAMS" | "EC PARAMETERS" => {}
            _ => keys.push(&block.content),
        }
    }
    if !keys.is_empty() && !keys_allowed {
        return Err(Error::invalid(
            "private keys found in the PEM bundle but not allowed by the path; use /issuers/import/bundle",
        ));
    }
    let (mut new_keys, mut old_keys, mut new_issuers, mut old_issuers) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, der) in keys.into_iter().enumerate() {
        let key =
            PrivateKey::from_der(der).map_err(|error| Error::invalid(format!("Error parsing key {index}: {error}")))?;
        let (row, new) = store.import_key(&key, "").await?;
        if new { new_keys.push(row.id) } else { old_keys.push(row.id) }
    }
    let mut mapping = Map::new();
    let mut with_keys = Vec::new();
    for (index, der) in certificates.into_iter().enumerate() {
        let failed = |error: &dyn std::fmt::Display| Error::invalid(format!("Error parsing issuer {index}: {error}"));
        let parsed = Certificate::from_der(der).map_err(|error| failed(&error))?;
        let (row, new) = store.import_issuer(&parsed, "").await.map_err(|error| match error {
            Error::Invalid(text) => failed(&text),
            other => other,
        })?;
        if new && !row.key_id.is_empty() {
            with_keys.push(row.id.clone());
        }
        mapping.insert(row.id.clone(), Value::String(row.key_id));
        if new { new_issuers.push(row.id) } else { old_issuers.push(row.id) }
    }
    let mut warnings = Vec::new();
    let mut config = store.issuers_config().await?;
    if config.default_follows_latest_issuer && !new_issuers.is_empty() {
        match with_keys.as_slice() {
            [one] => {
                config.default.clone_from(one);
                store.rows.put_json(ISSUERS_CONFIG, &config).await?;
            }
            [_, _, ..] => warnings.push("Default issuer left unchanged: could not select new issuer automatically as multiple imported issuers had key material in Vault.".to_owned()),
            [] => {}
        }
    }
    if mapping.get(&config.default).and_then(Value::as_str) == Some("") {
        warnings.push("The default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will be unavailable with the requested default issuer until a key is imported or the default issuer is changed.".to_owned());
    }
    warnings.extend(crate::crl::rebuild(store, request.now).await?);
    let list = |ids: Vec<String>| if ids.is_empty() { Value::Null } else { json!(ids) };
    let data = json!({
        "mapping": mapping,
        "imported_keys": list(new_keys),
        "imported_issuers": list(new_issuers),
        "existing_keys": list(old_keys),
        "existing_issuers": list(old_issuers),
    });
    Ok(Response { warnings, ..Response::json(data) })
}
