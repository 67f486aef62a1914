use crate::store::{Issuer, Store};
use crate::{config, crl, serial};
use certificates::{Certificate, PrivateKey, pem};
use jiff::Timestamp;
use logical::{Batch, Error, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

/// A certificate that was revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RevokedRow {
    /// In seconds.
    pub(crate) revocation_time: i64,
    pub(crate) revocation_time_rfc3339: String,
    /// The issuer; empty where it is none of the mount.
    pub(crate) issuer_id: String,
    /// When the certificate ends, in seconds.
    pub(crate) expires: i64,
}

pub(crate) async fn revoked_row(store: Store<'_>, row: &str) -> Result<Option<RevokedRow>, Error> {
    store.rows.get_json(&format!("revoked/{row}")).await
}

/// The issuer of the mount that signed a certificate.
pub(crate) async fn issuer_of(store: Store<'_>, certificate: &Certificate) -> Result<Option<Issuer>, Error> {
    for issuer in store.issuers().await? {
        let above = issuer.certificate()?;
        let signed = above.public_key().is_ok_and(|key| certificate.verify(&key).is_ok());
        if above.subject() == certificate.issuer() && signed {
            return Ok(Some(issuer));
        }
    }
    Ok(None)
}

/// `revoke` and `revoke-with-key`.
pub(crate) async fn handle(store: Store<'_>, request: &Request, with_key: bool) -> Result<Response, Error> {
    if !request.operation.is_write() {
        return Err(Error::UnsupportedOperation);
    }
    let fields = request.fields();
    let number = fields.text("serial_number")?.unwrap_or_default();
    let text = fields.text("certificate")?.unwrap_or_default();
    let certificate = match (number.is_empty(), text.is_empty()) {
        (true, true) => return Err(Error::invalid("The serial number or certificate to revoke must be provided.")),
        (false, false) => {
            return Err(Error::invalid("Must provide either the certificate or the serial to revoke; not both."));
        }
        (false, true) => {
            let row = serial::normalize(&number)
                .ok_or_else(|| Error::invalid(format!("certificate with serial {number} not found.")))?;
            let entry = store.rows.get(&format!("cert/{row}")).await?;
            let entry = entry.ok_or_else(|| Error::invalid(format!("certificate with serial {number} not found.")))?;
            Certificate::from_der(&entry.value).map_err(Error::internal)?
        }
        (true, false) => {
            let ders = pem::certificates(text.as_bytes());
            let ders = ders.map_err(|_| Error::invalid("certificate contained no PEM data"))?;
            let certificate = ders.first().map(|der| Certificate::from_der(der));
            let certificate =
                certificate.and_then(Result::ok).ok_or_else(|| Error::invalid("certificate could not be parsed"))?;
            if issuer_of(store, &certificate).await?.is_none() {
                return Err(Error::invalid("certificate was not issued by this mount"));
            }
            certificate
        }
    };
    if with_key {
        let key = fields.text("private_key")?.unwrap_or_default();
        let key = PrivateKey::from_pem(&Zeroizing::new(key))
            .map_err(|_| Error::invalid("failed to decode provided private key"))?;
        if key.public().spki() != certificate.spki() {
            return Err(Error::invalid("could not verify key: provided private key and public key don't match"));
        }
    }
    revoke(store, &certificate, request.now).await
}

/// Revokes a certificate of the mount.
pub(crate) async fn revoke(store: Store<'_>, certificate: &Certificate, now: Timestamp) -> Result<Response, Error> {
    let row = serial::row(certificate.serial());
    for issuer in store.issuers().await? {
        if issuer.certificate()?.der() == certificate.der() {
            return Err(Error::invalid(format!("adding issuer (id: {}) to its own CRL is not allowed", issuer.id)));
        }
    }
    if certificate.not_after() < now && !config::crl_config(store).await?.allow_expired_cert_revocation {
        let text =
            format!("certificate with serial {} already expired; refusing to add to CRL", certificate.serial_text());
        return Ok(Response::empty().warn(text));
    }
    let issuer = issuer_of(store, certificate).await?.map(|issuer| issuer.id).unwrap_or_default();
    let key = format!("revoked/{row}");
    let made = RevokedRow {
        revocation_time: now.as_second(),
        revocation_time_rfc3339: now.to_string(),
        issuer_id: issuer.clone(),
        expires: certificate.not_after().as_second(),
    };
    let mut batch = Batch::new();
    batch.require(key.as_str(), None).put_json(key.as_str(), &made)?;
    batch.put(format!("cert/{row}"), certificate.der().to_vec());
    let (found, warnings) = match store.rows.commit(batch).await {
        Ok(_) => (made, crl::revoked(store, &issuer, now).await?),
        // It was revoked before: the answer is as it was then.
        Err(Error::Conflict) => (revoked_row(store, &row).await?.unwrap_or(made), Vec::new()),
        Err(other) => return Err(other),
    };
    let data = json!({
        "revocation_time": found.revocation_time,
        "revocation_time_rfc3339": found.revocation_time_rfc3339,
        "state": "revoked",
    });
    Ok(Response { warnings, ..Response::json(data) })
}

/// `crl/rotate` and `crl/rotate-delta`.
pub(crate) async fn rotate(store: Store<'_>, request: &Request, delta: bool) -> Result<Response, Error> {
    if request.operation != Operation::Read && !request.operation.is_write() {
        return Err(Error::UnsupportedOperation);
    }
    let warnings = if !delta {
        crl::rebuild(store, request.now).await?
    } else if config::crl_config(store).await?.enable_delta {
        crl::rebuild_deltas(store, request.now).await?
    } else {
        return Err(Error::invalid("cannot rebuild delta CRL when delta CRLs are disabled"));
    };
    Ok(Response { warnings, ..Response::json(json!({ "success": true })) })
}
