use super::nonce::decode;
use super::order::{IssuedTo, issued_row};
use super::{Acme, Failure, malformed, raw, unauthorized};
use crate::revoke::{revoke, revoked_row};
use crate::serial;
use certificates::Certificate;
use logical::{Response, StorageExt};
use serde_json::Value;

/// `revoke-cert`: by the account that it was issued to, or by whoever has its key (RFC 8555, 7.6).
pub(super) async fn handle(acme: &Acme<'_>) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let payload = signed.payload.as_ref();
    let text = payload.and_then(|payload| payload.get("certificate")).and_then(Value::as_str);
    let text = text.ok_or_else(|| malformed("the request message was malformed: missing certificate"))?;
    let given = Certificate::from_der(&decode(text, "certificate")?)
        .map_err(|error| malformed(format!("the request message was malformed: {error}")))?;
    let reason = payload.and_then(|payload| payload.get("reason")).and_then(Value::as_i64).unwrap_or(0);
    if !(0..=10).contains(&reason) || reason == 7 {
        let text = format!("the revocation reason provided is not allowed by the server: {reason}");
        return Err(Failure::Problem("badRevocationReason", 400, text));
    }
    let row = serial::row(given.serial());
    let stored = acme.store.rows.get(&format!("cert/{row}")).await?;
    if stored.is_none_or(|stored| *stored.value != given.der()) {
        return Err(malformed("the request message was malformed: unable to load certificate"));
    }
    match &signed.account {
        Some(account) => {
            let owner: Option<IssuedTo> = acme.store.rows.get_json(&issued_row(&row)).await?;
            if owner.is_none_or(|owner| owner.account != account.id) {
                return Err(unauthorized(
                    "the client lacks sufficient authorization: the certificate is another account's",
                ));
            }
        }
        None if signed.jwk.key.spki() == given.spki() => {}
        None => {
            return Err(unauthorized("the client lacks sufficient authorization: the key is not the certificate's"));
        }
    }
    if revoked_row(acme.store, &row).await?.is_some() {
        let text = "the request specified a certificate to be revoked that has already been revoked".to_owned();
        return Err(Failure::Problem("alreadyRevoked", 400, text));
    }
    revoke(acme.store, &given, acme.request.now).await?;
    Ok(raw(200, "", Vec::new()))
}
