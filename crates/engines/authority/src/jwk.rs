//! Keys of our own as JWK (RFC 7517).

use crate::der::{self, Reader};
use crate::keys::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signing::KeyKind;

/// The public half of a key of our own as a JWK with its name; nothing for kinds that [`mint`](crate::mint) has not.
#[must_use]
pub fn jwk(key: &SigningKey, kid: &str) -> Option<serde_json::Value> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let algorithm = mint_algorithm(key)?;
    if key.kind() == KeyKind::Ed25519 {
        let x = encode(key.raw());
        return Some(serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": algorithm, "kid": kid, "x": x,
        }));
    }
    let mut parts = Reader::only(key.raw(), der::SEQUENCE).ok()?;
    let mut number = || {
        let content = parts.element(der::INTEGER).ok()?.content;
        Some(encode(content.strip_prefix(&[0]).unwrap_or(content)))
    };
    let (n, e) = (number()?, number()?);
    Some(serde_json::json!({"kty": "RSA", "use": "sig", "alg": algorithm, "kid": kid, "n": n, "e": e}))
}

/// The algorithm that a key of our own signs tokens with.
pub(crate) fn mint_algorithm(key: &SigningKey) -> Option<&'static str> {
    match key.kind() {
        KeyKind::Ed25519 => Some("EdDSA"),
        KeyKind::Rsa2048 => Some("RS256"),
        _ => None,
    }
}
