//! Keys of a Transit engine (Vault's and OpenBao's HTTP API, `/v1/transit`).

use super::{Variables, refused};
use crate::ServiceError;
use crate::http::{Http, HttpOptions, with_json};
use crate::rekor::digest_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::HashAlgorithm;
use serde_json::{Value, json};
use signing::{KeyKind, PublicKey, SignError, Signer};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A Transit engine, and a name in it.
struct Engine {
    http: Http,
    address: String,
    mount: String,
    key: String,
    token: Zeroizing<String>,
    namespace: Option<String>,
}

/// A key that a server keeps.
pub(super) struct Transit {
    engine: Engine,
    version: u64,
    public: PublicKey,
}

impl Engine {
    /// By the variables of the server's own command line: those of `prefix`, else `VAULT_...`.
    fn of(http: &Http, prefix: &'static str, key: &str, variable: Variables<'_>) -> Result<Self, ServiceError> {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| named(&format!("{prefix}_{name}")).or_else(|| named(&format!("VAULT_{name}")));
        let shown = format!("{key} of the Transit engine");
        let address = either("ADDR").ok_or_else(|| refused(&shown, format!("{prefix}_ADDR is not set")))?;
        let token = either("TOKEN").or_else(|| token_file(variable));
        let token = token.ok_or_else(|| refused(&shown, format!("{prefix}_TOKEN is not set")))?;
        let mount = named("TRANSIT_SECRET_ENGINE_PATH").unwrap_or_else(|| "transit".to_owned());
        let http = match either("CACERT") {
            Some(path) => Http::new(&HttpOptions { ca_cert: Some(path.into()), ..HttpOptions::default() }),
            None => http.clone(),
        };
        let (token, namespace) = (Zeroizing::new(token), either("NAMESPACE"));
        Ok(Self { http, address, mount, key: key.to_owned(), token, namespace })
    }

    fn shown(&self) -> String {
        format!("{} of the Transit engine", self.key)
    }

    /// Asks at a path below the engine; posts where there is something to say.
    fn ask(&self, path: &str, request: Option<&Value>) -> Result<Vec<u8>, ServiceError> {
        let url = self.http.url(&self.address, &format!("/v1/{}/{path}", self.mount))?;
        self.http.send(&|client| match request {
            Some(value) => with_json(self.authorized(client.post(url.clone())), value),
            None => self.authorized(client.get(url.clone())),
        })
    }

    fn json(&self, path: &str, request: Option<&Value>) -> Result<Value, ServiceError> {
        let bytes = self.ask(path, request)?;
        serde_json::from_slice(&bytes).map_err(|_| ServiceError::answer("the Transit engine", "not the expected JSON"))
    }

    fn authorized(&self, request: reqwest::blocking::RequestBuilder) -> reqwest::blocking::RequestBuilder {
        let request = request.header("X-Vault-Token", self.token.as_str()).header("X-Vault-Request", "true");
        match &self.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace),
            None => request,
        }
    }
}

/// Makes a key, unless there is one of this name, and gives its public key.
pub(super) fn create(
    http: &Http,
    prefix: &'static str,
    key: &str,
    variable: Variables<'_>,
    kind: KeyKind,
) -> Result<PublicKey, ServiceError> {
    let kind = match kind {
        KeyKind::P256 => "ecdsa-p256",
        KeyKind::P384 => "ecdsa-p384",
        KeyKind::P521 => "ecdsa-p521",
        KeyKind::Ed25519 => "ed25519",
        KeyKind::Rsa2048 => "rsa-2048",
        KeyKind::Rsa3072 => "rsa-3072",
        KeyKind::Rsa4096 => "rsa-4096",
    };
    // The engine takes the request for a key that it has as done, of whatever kind that is.
    Engine::of(http, prefix, key, variable)?.ask(&format!("keys/{key}"), Some(&json!({"type": kind})))?;
    Ok(Transit::open(http, prefix, key, variable, None)?.public)
}

impl Transit {
    /// Asks for the public key of the latest version, or for the version of a public key.
    pub(super) fn open(
        http: &Http,
        prefix: &'static str,
        key: &str,
        variable: Variables<'_>,
        wanted: Option<&PublicKey>,
    ) -> Result<Self, ServiceError> {
        let engine = Engine::of(http, prefix, key, variable)?;
        let answer = engine.json(&format!("keys/{key}"), None)?;
        let versions = versions(&answer).ok_or_else(|| refused(&engine.shown(), "it has no public key"))?;
        let found = match wanted {
            None => versions.into_iter().next_back(),
            Some(wanted) => versions.into_iter().find(|(_, public)| public.to_spki() == wanted.to_spki()),
        };
        let (version, public) =
            found.ok_or_else(|| refused(&engine.shown(), "it has no version with the public key from before"))?;
        Ok(Self { engine, version, public })
    }

    fn signature(&self, digest: &[u8], kind: KeyKind) -> Result<Vec<u8>, ServiceError> {
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
        let answer = self.engine.json(&format!("sign/{}/{hash}", self.engine.key), Some(&request))?;
        let signature = answer.pointer("/data/signature").and_then(Value::as_str);
        let encoded = signature.and_then(|text| text.rsplit(':').next());
        encoded
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| ServiceError::answer("the Transit engine", "no signature"))
    }
}

/// `~/.vault-token`, where the command line keeps a login.
fn token_file(variable: Variables<'_>) -> Option<String> {
    let path = std::path::Path::new(&variable("HOME")?).join(".vault-token");
    let text = super::read(&path).ok()?;
    Some(String::from_utf8_lossy(&text).trim().to_owned()).filter(|token| !token.is_empty())
}

/// The versions that have a public key, the latest last.
fn versions(answer: &Value) -> Option<BTreeMap<u64, PublicKey>> {
    let listed: BTreeMap<String, Value> = serde_json::from_value(answer.get("data")?.get("keys")?.clone()).ok()?;
    let version = |(number, value): (String, Value)| {
        let public = public_key(value.get("public_key")?.as_str()?)?;
        Some((number.parse().ok()?, public))
    };
    Some(listed.into_iter().filter_map(version).collect())
}

fn public_key(text: &str) -> Option<PublicKey> {
    // An Ed25519 key is given as its 32 bytes.
    PublicKey::from_pem(text.as_bytes()).ok().or_else(|| {
        let mut spki = ED25519_SPKI.to_vec();
        spki.extend(STANDARD.decode(text).ok()?);
        PublicKey::from_spki(&spki).ok()
    })
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
        self.signature(&input, kind).map_err(|source| SignError::Holder {
            holder: format!("the Transit engine at {}", self.engine.address),
            source: Box::new(source),
        })
    }
}
