//! Keys of a Transit engine (Vault's and OpenBao's HTTP API, `/v1/transit`).

use super::{Variables, refused};
use crate::ServiceError;
use crate::http::{Http, with_json};
use crate::rekor::digest_of;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::HashAlgorithm;
use serde_json::{Value, json};
use signing::{KeyKind, PublicKey, SignError, Signer};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A key that a server keeps.
pub(super) struct Transit {
    http: Http,
    address: String,
    mount: String,
    key: String,
    version: u64,
    token: Zeroizing<String>,
    namespace: Option<String>,
    public: PublicKey,
}

impl Transit {
    /// Asks for the latest version's public key.
    pub(super) fn open(
        http: &Http,
        prefix: &'static str,
        key: &str,
        variable: Variables<'_>,
    ) -> Result<Self, ServiceError> {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| named(&format!("{prefix}_{name}")).or_else(|| named(&format!("VAULT_{name}")));
        let shown = format!("{key} of the Transit engine");
        let address = either("ADDR").ok_or_else(|| refused(&shown, format!("{prefix}_ADDR is not set")))?;
        let token = either("TOKEN").or_else(|| token_file(variable));
        let token = token.ok_or_else(|| refused(&shown, format!("{prefix}_TOKEN is not set")))?;
        let mount = named("TRANSIT_SECRET_ENGINE_PATH").unwrap_or_else(|| "transit".to_owned());
        let namespace = either("NAMESPACE");
        let token = Zeroizing::new(token);
        let url = http.url(&address, &format!("/v1/{mount}/keys/{key}"))?;
        let answer: Value = http
            .json(&|client| authorized(client.get(url.clone()), &token, namespace.as_deref()), "the Transit engine")?;
        let (version, public) = latest(&answer).ok_or_else(|| refused(&shown, "it has no public key"))?;
        Ok(Self { http: http.clone(), address, mount, key: key.to_owned(), version, token, namespace, public })
    }

    fn ask(&self, digest: &[u8], kind: KeyKind) -> Result<Vec<u8>, ServiceError> {
        let hash = match kind.hash() {
            HashAlgorithm::Sha256 => "sha2-256",
            HashAlgorithm::Sha384 => "sha2-384",
            HashAlgorithm::Sha512 => "sha2-512",
        };
        let request = json!({
            "input": STANDARD.encode(digest),
            "key_version": self.version,
            "prehashed": kind != KeyKind::Ed25519,
            "signature_algorithm": "pkcs1v15",
        });
        let url = self.http.url(&self.address, &format!("/v1/{}/sign/{}/{hash}", self.mount, self.key))?;
        let answer: Value = self.http.json(
            &|client| with_json(authorized(client.post(url.clone()), &self.token, self.namespace.as_deref()), &request),
            "the Transit engine",
        )?;
        let signature = answer.pointer("/data/signature").and_then(Value::as_str);
        let encoded = signature.and_then(|text| text.rsplit(':').next());
        encoded
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| ServiceError::answer("the Transit engine", "no signature"))
    }
}

fn authorized(
    request: reqwest::blocking::RequestBuilder,
    token: &str,
    namespace: Option<&str>,
) -> reqwest::blocking::RequestBuilder {
    let request = request.header("X-Vault-Token", token).header("X-Vault-Request", "true");
    match namespace {
        Some(namespace) => request.header("X-Vault-Namespace", namespace),
        None => request,
    }
}

/// `~/.vault-token`, where the command line keeps a login.
fn token_file(variable: Variables<'_>) -> Option<String> {
    let path = std::path::Path::new(&variable("HOME")?).join(".vault-token");
    let text = super::read(&path).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned()).filter(|token| !token.is_empty())
}

fn latest(answer: &Value) -> Option<(u64, PublicKey)> {
    let data = answer.get("data")?;
    let keys: BTreeMap<String, Value> = serde_json::from_value(data.get("keys")?.clone()).ok()?;
    let version = data.get("latest_version").and_then(Value::as_u64)?;
    let text = keys.get(&version.to_string())?.get("public_key")?.as_str()?;
    let public = match PublicKey::from_pem(text.as_bytes()) {
        Ok(public) => public,
        // An Ed25519 key is given as its 32 bytes.
        Err(_) => {
            let mut spki = ED25519_SPKI.to_vec();
            spki.extend(STANDARD.decode(text).ok()?);
            PublicKey::from_spki(&spki).ok()?
        }
    };
    Some((version, public))
}

/// The head of a SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl Signer for Transit {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let kind = self.public.kind();
        let input = if kind == KeyKind::Ed25519 { message.to_vec() } else { digest_of(kind.hash(), message) };
        self.ask(&input, kind).map_err(|source| SignError::Holder {
            holder: format!("the Transit engine at {}", self.address),
            source: Box::new(source),
        })
    }
}
