use crate::config::{crl_config, duration};
use crate::creation::after;
use crate::revoke::revoked_row;
use crate::serial;
use crate::store::{SigningIssuer, Store, Usage};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use certificates::{CertificateId, CertificateStatus, OcspRequest, OcspSingle, ocsp_failure, ocsp_response};
use jiff::Timestamp;
use logical::{Error, Operation, Raw, Request, Response};

const CONTENT_TYPE: &str = "application/ocsp-response";

fn raw(status: u16, body: Vec<u8>) -> Response {
    let raw = Raw { status, content_type: CONTENT_TYPE.to_owned(), body };
    Response { raw: Some(raw), ..Response::default() }
}

fn malformed() -> Response {
    raw(400, ocsp_failure(1))
}

fn unauthorized() -> Response {
    raw(401, ocsp_failure(6))
}

/// `ocsp`, with the request as body, and `ocsp/:request` with the request in base64 (RFC 6960, A.1).
pub(crate) async fn handle(store: Store<'_>, request: &Request, encoded: &[&str]) -> Result<Response, Error> {
    let config = crl_config(store).await?;
    if config.ocsp_disable {
        return Ok(unauthorized());
    }
    let der = match (request.operation, encoded) {
        (Operation::Read, [_, ..]) => {
            let text = percent_decoded(&encoded.join("/"));
            STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).ok()
        }
        (Operation::Create | Operation::Update, []) => request.body.as_ref().map(|(_, body)| body.to_vec()),
        _ => return Err(Error::UnsupportedOperation),
    };
    let parsed = der.and_then(|der| OcspRequest::from_der(&der).ok());
    let Some(parsed) = parsed.filter(|parsed| !parsed.certificates.is_empty()) else { return Ok(malformed()) };

    let mut signer: Option<SigningIssuer> = None;
    let mut answers = Vec::new();
    for id in &parsed.certificates {
        let (status, issuer) = status(store, id).await?;
        // One answer has one signature: all that is asked must be of one issuer.
        match (&signer, issuer) {
            (Some(signer), Some(issuer)) if signer.issuer.id != issuer.issuer.id => return Ok(unauthorized()),
            (None, issuer) => signer = issuer,
            _ => {}
        }
        answers.push(OcspSingle { id: id.clone(), status });
    }
    let signer = match signer {
        Some(signer) => signer,
        // Nobody here issued it; that too is signed.
        None => match store.signing("default", Usage::OcspSigning).await {
            Ok(signer) => signer,
            Err(Error::Invalid(_) | Error::Status(..)) => return Ok(unauthorized()),
            Err(other) => return Err(other),
        },
    };
    let next = next_update(&config.ocsp_expiry, request.now);
    let how = (&signer.key, signer.revocation_algorithm());
    let body = ocsp_response(&parsed, &answers, &signer.certificate, how, (request.now, next));
    Ok(raw(200, body.map_err(Error::internal)?))
}

async fn status(store: Store<'_>, id: &CertificateId) -> Result<(CertificateStatus, Option<SigningIssuer>), Error> {
    let mut found = None;
    for issuer in store.issuers().await? {
        if id.is_of(&issuer.certificate()?) && !issuer.key_id.is_empty() && issuer.may(Usage::OcspSigning).is_ok() {
            found = Some(issuer.id);
            break;
        }
    }
    let Some(issuer) = found else { return Ok((CertificateStatus::Unknown, None)) };
    let signer = store.signing(&issuer, Usage::OcspSigning).await?;
    let status = match revoked_row(store, &serial::row(id.serial())).await? {
        Some(row) if row.issuer_id == issuer => {
            let at = Timestamp::from_second(row.revocation_time).map_err(Error::internal)?;
            CertificateStatus::Revoked(at, 0)
        }
        _ => CertificateStatus::Good,
    };
    Ok((status, Some(signer)))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, digits) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Until when an answer holds; none where that is not said.
fn next_update(expiry: &str, now: Timestamp) -> Option<Timestamp> {
    Some(duration(expiry)).filter(|length| !length.is_zero()).map(|length| after(now, length))
}
