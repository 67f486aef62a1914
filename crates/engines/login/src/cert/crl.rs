//! `crls/<name>`: revocation lists, given or fetched. As at the peer a list counts for every certificate of a serial number in
//! it, and the server's operator vouches for it: its signature is not checked.

use super::client::decimal;
use crate::fetch::{Fetch, Outgoing, ask};
use asn1::{DerError, INTEGER, Reader, SEQUENCE, read_time};
use jiff::Timestamp;
use logical::{Context, Error, Map, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

const MAX_CRL_BYTES: usize = 8 << 20;
const MAX_SERIALS: usize = 200_000;

/// A revocation list.
#[derive(Serialize, Deserialize)]
pub(super) struct Crl {
    /// In decimal.
    pub(super) serials: Vec<String>,
    /// Where it is fetched from, if it is.
    pub(super) url: Option<String>,
    pub(super) valid_until: Option<Timestamp>,
}

pub(super) fn row(name: &str) -> String {
    format!("crl/{name}")
}

pub(super) async fn read(context: Context<'_>, name: &str) -> Result<Response, Error> {
    let crl: Crl = context.storage.get_json(&row(name)).await?.ok_or_else(|| missing(name))?;
    let mut data = Map::new();
    if !crl.serials.is_empty() {
        let serials: Map = crl.serials.into_iter().map(|serial| (serial, json!({}))).collect();
        data.insert("serials".to_owned(), serials.into());
    }
    if let Some(url) = crl.url {
        data.insert("cdp".to_owned(), json!({"url": url, "valid_until": crl.valid_until}));
    }
    Ok(Response::json(data.into()))
}

pub(super) async fn write(
    context: Context<'_>,
    fetch: &dyn Fetch,
    request: &Request,
    name: &str,
) -> Result<Response, Error> {
    let fields = request.fields();
    let crl = match (fields.text("crl")?, fields.text("url")?) {
        (Some(text), _) => {
            Crl::parse(text.as_bytes()).map_err(|error| Error::invalid(format!("failed to parse CRL: {error}")))?
        }
        (None, Some(url)) if url.is_empty() => return Err(Error::invalid("empty CRL url")),
        (None, Some(url)) => fetched(fetch, url).await.map_err(Error::invalid)?,
        (None, None) => return Err(Error::invalid("one of 'crl' or 'url' must be provided")),
    };
    context.storage.put_json(&row(name), &crl).await?;
    Ok(Response::empty())
}

pub(super) async fn delete(context: Context<'_>, name: &str) -> Result<Response, Error> {
    if context.storage.get(&row(name)).await?.is_none() {
        return Err(missing(name));
    }
    context.storage.delete(&row(name)).await?;
    Ok(Response::empty())
}

/// Fetches lists again whose time is over; whether there were any.
pub(super) async fn refresh(context: Context<'_>, fetch: &dyn Fetch, now: Timestamp) -> Result<bool, Error> {
    let mut changed = false;
    for name in context.storage.list("crl/", "", usize::MAX).await? {
        let Some(crl) = context.storage.get_json::<Crl>(&row(&name)).await? else { continue };
        let due = crl.valid_until.is_none_or(|until| until <= now);
        if let Some(url) = crl.url.filter(|_| due) {
            // Where it can't be fetched the old list counts on.
            if let Ok(crl) = fetched(fetch, url).await {
                context.storage.put_json(&row(&name), &crl).await?;
                changed = true;
            }
        }
    }
    Ok(changed)
}

async fn fetched(fetch: &dyn Fetch, url: String) -> Result<Crl, String> {
    let request = Outgoing { url: url.clone(), max_bytes: MAX_CRL_BYTES, ..Outgoing::default() };
    let bytes = ask(fetch, request).await.map_err(|error| error.to_string())?;
    let crl = Crl::parse(&bytes).map_err(|error| format!("failed to parse CRL: {error}"))?;
    Ok(Crl { url: Some(url), ..crl })
}

fn missing(name: &str) -> Error {
    Error::invalid(format!("no such CRL {name}"))
}

impl Crl {
    /// Reads PEM or DER (RFC 5280, section 5.1).
    fn parse(bytes: &[u8]) -> Result<Self, DerError> {
        let blocks = signing::pem::parse(bytes).unwrap_or_default();
        let block = blocks.iter().find(|block| block.label == "X509 CRL");
        let der = block.map_or(bytes, |block| block.content.as_slice());
        let mut outer = Reader::only(der, SEQUENCE)?;
        let mut list = outer.enter(SEQUENCE)?;
        if list.peek() == Some(INTEGER) {
            list.any()?;
        }
        list.element(SEQUENCE)?;
        list.element(SEQUENCE)?;
        read_time(&list.any()?)?;
        let mut valid_until = None;
        if list.peek().is_some_and(|tag| tag == asn1::UTC_TIME || tag == asn1::GENERALIZED_TIME) {
            valid_until = Some(read_time(&list.any()?)?);
        }
        let mut serials = Vec::new();
        if list.peek() == Some(SEQUENCE) {
            let mut entries = list.enter(SEQUENCE)?;
            while !entries.is_empty() {
                if serials.len() == MAX_SERIALS {
                    return Err(DerError::Value);
                }
                let serial = entries.enter(SEQUENCE)?.element(INTEGER)?.content;
                serials.push(decimal(serial));
            }
        }
        Ok(Self { serials, url: None, valid_until })
    }
}
