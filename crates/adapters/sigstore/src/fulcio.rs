//! A certificate for an identity (Fulcio's API, version 2).

use crate::http::{Http, with_json};
use crate::{ServiceError, token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use signing::{KeyKind, Signer};
use zeroize::Zeroizing;

const WHAT: &str = "the certificate authority";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    signed_certificate_embedded_sct: Option<Certificate>,
    signed_certificate_detached_sct: Option<Certificate>,
}

#[derive(Deserialize)]
struct Certificate {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// Asks the authority at `base` for a certificate of the signer's key, by an identity token. The chain in DER, leaf
/// first.
///
/// # Errors
/// Where the token has no subject, the key can't sign, or the authority refuses.
pub fn certificate(
    http: &Http,
    base: &str,
    id_token: &Zeroizing<String>,
    signer: &dyn Signer,
) -> Result<Vec<Vec<u8>>, ServiceError> {
    let subject = token::challenge(id_token)?;
    let proof = signer.sign(subject.as_bytes()).map_err(|error| ServiceError::answer("the key", error))?;
    let key = signer.public_key();
    let request = json!({
        "publicKeyRequest": {
            "publicKey": { "algorithm": algorithm(key.kind()), "content": key.to_pem() },
            "proofOfPossession": STANDARD.encode(proof),
        },
    });
    let url = http.url(base, "/api/v2/signingCert")?;
    let authorization = Zeroizing::new(format!("Bearer {}", id_token.as_str()));
    let answer: Answer = http.json(
        &|client| with_json(client.post(url.clone()).header("Authorization", authorization.as_str()), &request),
        WHAT,
    )?;
    let certificate = answer.signed_certificate_embedded_sct.or(answer.signed_certificate_detached_sct);
    let chain = certificate.ok_or_else(|| ServiceError::answer(WHAT, "no certificate"))?.chain.certificates;
    let chain = signing::pem::certificates(chain.concat().as_bytes());
    chain.map_err(|_| ServiceError::answer(WHAT, "a certificate that is no PEM"))
}

/// As the API names it.
fn algorithm(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "ECDSA",
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => "RSA_PSS",
        KeyKind::Ed25519 => "ED25519",
    }
}
