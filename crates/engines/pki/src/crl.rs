use crate::config::{crl_config, duration};
use crate::creation::after;
use crate::revoke::RevokedRow;
use crate::serial;
use crate::store::{Store, Usage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certificates::{RevocationList, Revoked, pem};
use jiff::Timestamp;
use logical::{Batch, Error, Raw, Response, StorageExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How often a list is made anew when other nodes write it at the same time.
const ATTEMPTS: usize = 10;

/// The lists of one issuer as they are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CrlRow {
    /// The number of the last list of either kind.
    number: u64,
    /// The number of the complete list.
    base: u64,
    /// The complete list in base64.
    list: String,
    /// What is added to it since, in base64.
    delta: String,
    /// The serial numbers that are in the complete list.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    in_list: BTreeSet<String>,
    /// When the next complete list and the next delta are due, in seconds.
    next_update: i64,
    made: i64,
    delta_made: i64,
}

/// Makes the complete lists of all issuers that sign them. Warnings are for the answer.
pub(crate) async fn rebuild(store: Store<'_>, now: Timestamp) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for id in store.issuer_ids().await? {
        warnings.extend(build(store, &id, false, now).await?);
    }
    Ok(warnings)
}

/// Makes the deltas.
pub(crate) async fn rebuild_deltas(store: Store<'_>, now: Timestamp) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for id in store.issuer_ids().await? {
        warnings.extend(build(store, &id, true, now).await?);
    }
    Ok(warnings)
}

/// After a certificate of an issuer was revoked: nothing, where lists are made by themselves.
pub(crate) async fn revoked(store: Store<'_>, issuer: &str, now: Timestamp) -> Result<Vec<String>, Error> {
    if crl_config(store).await?.auto_rebuild || issuer.is_empty() {
        return Ok(Vec::new());
    }
    build(store, issuer, false, now).await
}

/// Makes what is due.
pub(crate) async fn periodic(store: Store<'_>, now: Timestamp) -> Result<(), Error> {
    let config = crl_config(store).await?;
    if !config.auto_rebuild {
        return Ok(());
    }
    for id in store.issuer_ids().await? {
        let row: CrlRow = store.rows.get_json(&format!("crl/{id}")).await?.unwrap_or_default();
        let grace = i64::try_from(duration(&config.auto_rebuild_grace_period).as_secs()).unwrap_or(i64::MAX);
        let interval = i64::try_from(duration(&config.delta_rebuild_interval).as_secs()).unwrap_or(i64::MAX);
        if now.as_second().saturating_add(grace) >= row.next_update {
            build(store, &id, false, now).await?;
        } else if config.enable_delta && now.as_second().saturating_sub(row.delta_made) >= interval {
            build(store, &id, true, now).await?;
        }
    }
    Ok(())
}

async fn build(store: Store<'_>, id: &str, delta: bool, now: Timestamp) -> Result<Vec<String>, Error> {
    let issuer = match store.signing(id, Usage::CrlSigning).await {
        Ok(issuer) => issuer,
        // Without key or permission an issuer has no list, which is no error.
        Err(Error::Invalid(_) | Error::Status(500, _)) => return Ok(Vec::new()),
        Err(other) => return Err(other),
    };
    let config = crl_config(store).await?;
    let key = format!("crl/{id}");
    for _ in 0..ATTEMPTS {
        let (old, version) = match store.rows.get_json_at::<CrlRow>(&key).await? {
            Some((row, version)) => (row, Some(version)),
            None => (CrlRow::default(), None),
        };
        let mut entries = Vec::new();
        let mut serials = BTreeSet::new();
        if !config.disable {
            for row in store.rows.list("revoked/", "", usize::MAX).await? {
                let Some(found) = store.rows.get_json::<RevokedRow>(&format!("revoked/{row}")).await? else { continue };
                if found.issuer_id != id || delta && old.in_list.contains(&row) {
                    continue;
                }
                let at = Timestamp::from_second(found.revocation_time).map_err(Error::internal)?;
                entries.push(Revoked { serial: serial::bytes(&row).unwrap_or_default(), at, reason: 0 });
                serials.insert(row);
            }
        }
        let number = old.number + 1;
        let lifetime = duration(&config.expiry);
        let next_update = after(now, lifetime);
        let list = RevocationList {
            number,
            base: delta.then_some(old.base),
            this_update: now,
            next_update,
            revoked: entries,
            freshest: if delta { Vec::new() } else { issuer.urls.delta_crl_distribution_points.clone() },
        };
        let (subject, key_id) = (issuer.certificate.subject(), issuer.certificate.key_id());
        let der = list.sign(subject, &key_id, &issuer.key, issuer.revocation_algorithm()).map_err(Error::internal)?;
        let mut row = CrlRow { number, delta_made: now.as_second(), ..old };
        if delta {
            row.delta = STANDARD.encode(der);
        } else {
            row.base = number;
            row.list = STANDARD.encode(der);
            row.delta.clear();
            row.in_list = if config.enable_delta { serials } else { BTreeSet::new() };
            row.next_update = next_update.as_second();
            row.made = now.as_second();
        }
        let mut batch = Batch::new();
        batch.require(key.as_str(), version).put_json(key.as_str(), &row)?;
        match store.rows.commit(batch).await {
            Err(Error::Conflict) => {}
            other => return other.map(|_| Vec::new()),
        }
    }
    Err(Error::internal("the revocation list was changed by others again and again"))
}

/// A list in DER; none where there is none.
pub(crate) async fn fetch(
    store: Store<'_>,
    issuer: &str,
    delta: bool,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Error> {
    let key = format!("crl/{issuer}");
    let mut row: CrlRow = store.rows.get_json(&key).await?.unwrap_or_default();
    // A list that ended while nothing was revoked is made anew when it is asked for.
    if !row.list.is_empty() && now.as_second() >= row.next_update {
        build(store, issuer, false, now).await?;
        row = store.rows.get_json(&key).await?.unwrap_or_default();
    }
    let text = if delta { row.delta } else { row.list };
    let decoded = STANDARD.decode(text).map_err(Error::internal)?;
    Ok(Some(decoded).filter(|der| !der.is_empty()))
}

/// `crl`, `crl/pem`, `crl/delta`, `issuer/:ref/crl` and the like.
pub(crate) async fn serve(
    store: Store<'_>,
    reference: &str,
    delta: bool,
    as_pem: bool,
    now: Timestamp,
) -> Result<Response, Error> {
    let der = match store.resolve_issuer(reference).await {
        Ok(id) => fetch(store, &id, delta, now).await?,
        Err(Error::Invalid(_)) => None,
        Err(other) => return Err(other),
    };
    let (content_type, body) = match (as_pem, der) {
        (true, Some(der)) => ("application/x-pem-file", pem::encode("X509 CRL", &der).trim_end().as_bytes().to_vec()),
        (true, None) => ("application/x-pem-file", Vec::new()),
        (false, der) => ("application/pkix-crl", der.unwrap_or_default()),
    };
    Ok(raw(content_type, body))
}

/// A body of a type; an empty one is a 204.
pub(crate) fn raw(content_type: &str, body: Vec<u8>) -> Response {
    let status = if body.is_empty() { 204 } else { 200 };
    Response { raw: Some(Raw { status, content_type: content_type.to_owned(), body }), ..Response::default() }
}
