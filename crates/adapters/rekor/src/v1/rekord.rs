//! `rekord` 0.0.1: a signature over content that is sent with it and not kept. Of its formats, `x509`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::Term;
use serde::Deserialize;
use serde_json::json;
use tlog::sha256;

use super::proposal::{Bytes, Content, HashValue, Refused};
use crate::hex::hex;
use crate::terms;
use crate::verifier::Verifier;

#[derive(Deserialize)]
struct Rekord {
    signature: Option<Signature>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    #[serde(default)]
    format: String,
    #[serde(default)]
    content: Bytes,
    public_key: Option<Content>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    content: Bytes,
    hash: Option<HashValue>,
}

/// The body to log, and what it is found by.
pub(super) fn read(spec: &str) -> Result<(Vec<u8>, Vec<Term>), Refused> {
    let spec: Rekord = serde_json::from_str(spec).map_err(Refused::Spec)?;
    let signature = spec.signature.ok_or(Refused::Missing("signature"))?;
    if signature.format != "x509" {
        return Err(Refused::Format(signature.format));
    }
    let public_key = signature.public_key.ok_or(Refused::Missing("public key"))?;
    let data = spec.data.ok_or(Refused::Missing("data"))?;
    let computed = sha256(&[&data.content.0]).to_hex();
    if let Some(given) = data.hash {
        let given = hex(&given.read()?.1);
        if given != computed {
            return Err(Refused::OtherHash { computed, given });
        }
    }
    let verifier = Verifier::from_pem(&public_key.content.0)?;
    verifier.key.verify(&data.content.0, &signature.content.0).map_err(Refused::Signature)?;
    let mut found_by = vec![terms::artifact("sha256", &computed)];
    terms::verifier(&verifier, &mut found_by);
    let body = json!({"apiVersion": "0.0.1", "kind": "rekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": computed}},
        "signature": {
            "content": STANDARD.encode(&signature.content.0),
            "format": "x509",
            "publicKey": {"content": STANDARD.encode(verifier.to_pem())},
        },
    }});
    // No number is in it.
    Ok((bundle::canonical::to_vec(&body).unwrap_or_default(), found_by))
}
