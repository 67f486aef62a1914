use crate::crl::{self, raw};
use crate::revoke::revoked_row;
use crate::serial;
use crate::store::Store;
use certificates::{Certificate, KeyType, pem};
use logical::{Error, Map, Request, Response};
use serde_json::json;

fn pem_text(certificate: &Certificate) -> String {
    certificate.pem().trim_end().to_owned()
}

/// `ca`, `ca/pem`, `cert/ca/raw` and the like.
pub(crate) async fn authority(store: Store<'_>, as_pem: bool) -> Result<Response, Error> {
    let chain = default_chain(store).await?;
    let body = match (chain.first(), as_pem) {
        (Some(certificate), true) => pem_text(certificate).into_bytes(),
        (Some(certificate), false) => certificate.der().to_vec(),
        (None, _) => Vec::new(),
    };
    Ok(raw(if as_pem { "application/pem-certificate-chain" } else { "application/pkix-cert" }, body))
}

/// `ca_chain`: all in PEM.
pub(crate) async fn chain(store: Store<'_>) -> Result<Response, Error> {
    let chain: Vec<String> = default_chain(store).await?.iter().map(pem_text).collect();
    Ok(raw("application/pkix-cert", chain.join("\n").into_bytes()))
}

async fn default_chain(store: Store<'_>) -> Result<Vec<Certificate>, Error> {
    match store.resolve_issuer("default").await {
        Ok(id) => store.chain(&store.issuer(&id).await?).await,
        Err(Error::Invalid(_)) => Ok(Vec::new()),
        Err(other) => Err(other),
    }
}

/// `cert/:serial`, where the serial number may be `ca`, `ca_chain`, `crl` or `delta-crl`.
pub(crate) async fn certificate(store: Store<'_>, request: &Request, name: &str) -> Result<Response, Error> {
    let mut data = Map::new();
    let (mut revocation_time, mut rfc3339) = (0, String::new());
    match name {
        "ca" | "ca_chain" => {
            let id = store.resolve_issuer("default").await?;
            let chain: Vec<String> = store.chain(&store.issuer(&id).await?).await?.iter().map(pem_text).collect();
            if name == "ca" {
                data.insert("certificate".to_owned(), json!(chain.first()));
            } else {
                data.insert("certificate".to_owned(), json!(chain.join("\n")));
                data.insert("ca_chain".to_owned(), json!(chain.join("\n")));
            }
        }
        "crl" | "delta-crl" => {
            let id = store.resolve_issuer("default").await?;
            let der = crl::fetch(store, &id, name == "delta-crl", request.now).await?.ok_or(Error::NotFound)?;
            data.insert("certificate".to_owned(), json!(pem::encode("X509 CRL", &der).trim_end()));
        }
        _ => {
            let row = serial::normalize(name).ok_or(Error::UnsupportedPath)?;
            let found = stored(store, &row).await?;
            data.insert("certificate".to_owned(), json!(pem_text(&found)));
            if let Some(revoked) = revoked_row(store, &row).await? {
                revocation_time = revoked.revocation_time;
                rfc3339 = revoked.revocation_time_rfc3339;
                if !revoked.issuer_id.is_empty() {
                    data.insert("issuer_id".to_owned(), json!(revoked.issuer_id));
                }
            }
        }
    }
    data.insert("revocation_time".to_owned(), json!(revocation_time));
    data.insert("revocation_time_rfc3339".to_owned(), json!(rfc3339));
    Ok(Response { data: Some(data), ..Response::default() })
}

/// `cert/:serial/raw` and `cert/:serial/raw/pem`.
pub(crate) async fn certificate_raw(
    store: Store<'_>,
    request: &Request,
    name: &str,
    as_pem: bool,
) -> Result<Response, Error> {
    match name {
        "ca" => authority(store, as_pem).await,
        "crl" | "delta-crl" => crl::serve(store, "default", name == "delta-crl", as_pem, request.now).await,
        _ => {
            let row = serial::normalize(name).ok_or(Error::UnsupportedPath)?;
            let (content_type, body) = match stored(store, &row).await {
                Ok(found) if as_pem => ("application/pem-certificate-chain", pem_text(&found).into_bytes()),
                Ok(found) => ("application/pkix-cert", found.der().to_vec()),
                Err(Error::NotFound) => ("application/pkix-cert", Vec::new()),
                Err(other) => return Err(other),
            };
            Ok(raw(content_type, body))
        }
    }
}

async fn stored(store: Store<'_>, row: &str) -> Result<Certificate, Error> {
    let entry = store.rows.get(&format!("cert/{row}")).await?.ok_or(Error::NotFound)?;
    Certificate::from_der(&entry.value).map_err(Error::internal)
}

/// `certs` and `certs/revoked`.
pub(crate) async fn list(store: Store<'_>, request: &Request, prefix: &str) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let rows = store.rows.list(prefix, &after.replace(':', "-"), limit).await?;
    Ok(Response::keys(rows.iter().map(|row| serial::display(row)).collect()))
}

/// `certs/detailed`.
pub(crate) async fn detailed(store: Store<'_>, request: &Request) -> Result<Response, Error> {
    let (after, limit) = request.page()?;
    let mut info = Map::new();
    let mut keys = Vec::new();
    for row in store.rows.list("cert/", &after.replace(':', "-"), limit).await? {
        let found = stored(store, &row).await?;
        let names = found.alternative_names().unwrap_or_default();
        let host = |name| if let certificates::AltName::Dns(name) = name { Some(name) } else { None };
        let hosts: Vec<String> = names.into_iter().filter_map(host).take(5).collect();
        let key = found.public_key().ok();
        let issuer = certificates::Subject::from_der(found.issuer()).unwrap_or_default();
        let entry = json!({
            "common_name": found.subject_name().unwrap_or_default().common_name,
            "issuer": issuer.text(),
            "key_type": key.as_ref().map_or("unknown", |key| key.kind().name()),
            "key_bits": key.as_ref().map_or(0, |key| if key.kind() == KeyType::Ed25519 { 256 } else { key.bits() }),
            "not_after": found.not_after().to_string(),
            "not_before": found.not_before().to_string(),
            "dns_names": hosts,
        });
        info.insert(serial::display(&row), entry);
        keys.push(serial::display(&row));
    }
    if keys.is_empty() {
        return Ok(Response::keys(keys));
    }
    Ok(Response::json(json!({ "keys": keys, "key_info": info })))
}
