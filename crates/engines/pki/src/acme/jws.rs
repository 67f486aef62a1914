//! Signed requests (RFC 8555, 6.2): who sent them, and that this server was meant.

use super::account::Account;
use super::nonce::{self, decode};
use super::{Acme, Failure, malformed, unauthorized};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certificates::{Algorithm, Hash, KeyType, PublicKey};
use logical::{Map, Request};
use serde_json::{Value, json};

/// The longest request that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A key as JSON has it.
#[derive(Debug, Clone)]
pub(super) struct Jwk {
    pub(super) key: PublicKey,
    /// SHA-256 of its canonical form (RFC 7638).
    pub(super) thumbprint: String,
    pub(super) json: Value,
}

impl Jwk {
    pub(super) fn parse(json: &Value) -> Result<Self, Failure> {
        let bad = |why: &str| {
            Failure::Problem(
                "badPublicKey",
                400,
                format!("the JWS was signed by a public key the server does not support: {why}"),
            )
        };
        let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
        let bytes = |name: &str| {
            let bytes =
                URL_SAFE_NO_PAD.decode(text(name)).ok().filter(|bytes| !bytes.is_empty() && bytes.len() <= 1024);
            bytes.ok_or_else(|| bad(&format!("{name} is missing or malformed")))
        };
        let named = |arcs: &[u64], parameters: &[u8]| asn1::sequence(&[&asn1::oid(arcs), parameters]);
        let (spki, canonical) = match text("kty") {
            "RSA" => {
                let numbers = asn1::sequence(&[&asn1::integer(&bytes("n")?), &asn1::integer(&bytes("e")?)]);
                let algorithm = named(&[1, 2, 840, 113_549, 1, 1, 1], asn1::NULL);
                (
                    asn1::sequence(&[&algorithm, &asn1::bit_string(&numbers)]),
                    json!({"e": text("e"), "kty": "RSA", "n": text("n")}),
                )
            }
            "EC" => {
                let (curve, size): (&[u64], usize) = match text("crv") {
                    "P-256" => (&[1, 2, 840, 10045, 3, 1, 7], 32),
                    "P-384" => (&[1, 3, 132, 0, 34], 48),
                    "P-521" => (&[1, 3, 132, 0, 35], 66),
                    other => return Err(bad(&format!("the curve {other:?}"))),
                };
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != size || y.len() != size {
                    return Err(bad("a point of the wrong length"));
                }
                let point = asn1::bit_string(&[&[4][..], &x, &y].concat());
                let algorithm = named(&[1, 2, 840, 10045, 2, 1], &asn1::oid(curve));
                let canonical = json!({"crv": text("crv"), "kty": "EC", "x": text("x"), "y": text("y")});
                (asn1::sequence(&[&algorithm, &point]), canonical)
            }
            "OKP" if text("crv") == "Ed25519" => {
                let algorithm = named(&[1, 3, 101, 112], &[]);
                let canonical = json!({"crv": "Ed25519", "kty": "OKP", "x": text("x")});
                (asn1::sequence(&[&algorithm, &asn1::bit_string(&bytes("x")?)]), canonical)
            }
            other => return Err(bad(&format!("the kind {other:?}"))),
        };
        let key = PublicKey::from_spki(&spki).map_err(|error| bad(&error.to_string()))?;
        if key.kind() == KeyType::Rsa && !(2048..=8192).contains(&key.bits()) {
            return Err(bad("an RSA key of fewer than 2048 or more than 8192 bits"));
        }
        // Objects of JSON are in the order of their names here, which is the canonical one.
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.to_string().as_bytes()));
        Ok(Self { key, thumbprint, json: canonical })
    }

    fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let how = match algorithm {
            "RS256" => Algorithm::RsaPkcs1(Hash::Sha256),
            "RS384" => Algorithm::RsaPkcs1(Hash::Sha384),
            "RS512" => Algorithm::RsaPkcs1(Hash::Sha512),
            "PS256" => Algorithm::RsaPss(Hash::Sha256),
            "PS384" => Algorithm::RsaPss(Hash::Sha384),
            "PS512" => Algorithm::RsaPss(Hash::Sha512),
            "ES256" if self.key.bits() == 256 => Algorithm::Ecdsa(Hash::Sha256),
            "ES384" if self.key.bits() == 384 => Algorithm::Ecdsa(Hash::Sha384),
            "ES512" if self.key.bits() == 521 => Algorithm::Ecdsa(Hash::Sha512),
            "EdDSA" => Algorithm::Ed25519,
            other => {
                let text = format!("the JWS was signed with an algorithm the server does not support: {other:?}");
                return Err(Failure::Problem("badSignatureAlgorithm", 400, text));
            }
        };
        let der;
        let signature = if matches!(how, Algorithm::Ecdsa(_)) {
            let (first, second) = signature.split_at(signature.len() / 2);
            der = asn1::sequence(&[&asn1::integer(first), &asn1::integer(second)]);
            &der
        } else {
            signature
        };
        self.key
            .verify(how, message, signature)
            .map_err(|_| malformed("the request message was malformed: the signature does not fit"))
    }
}

/// The three parts of a JWS in JSON.
pub(super) struct Envelope {
    pub(super) protected: String,
    pub(super) payload: String,
    pub(super) signature: String,
    pub(super) header: Map,
}

impl Envelope {
    pub(super) fn parse(value: &Map) -> Result<Self, Failure> {
        let part = |name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
                .ok_or_else(|| malformed(format!("the request message was malformed: missing {name}")))
        };
        let (protected, payload, signature) = (part("protected")?, part("payload")?, part("signature")?);
        let header = serde_json::from_slice(&decode(&protected, "protected")?);
        let header: Map =
            header.map_err(|_| malformed("the request message was malformed: the protected header is no object"))?;
        if header.contains_key("crit") {
            return Err(malformed("the request message was malformed: critical headers are not supported"));
        }
        Ok(Self { protected, payload, signature, header })
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn message(&self) -> Vec<u8> {
        format!("{}.{}", self.protected, self.payload).into_bytes()
    }
}

/// A request whose signature is right.
pub(super) struct Signed {
    pub(super) jwk: Jwk,
    /// Whose, where the key was named by its account.
    pub(super) account: Option<Account>,
    /// None where the client only wants to read.
    pub(super) payload: Option<Map>,
}

impl Signed {
    /// The account of a request that must have one.
    pub(super) fn account(&self) -> Result<&Account, Failure> {
        self.account
            .as_ref()
            .ok_or_else(|| malformed("the request message was malformed: expected a key identifier, not a key"))
    }
}

/// The object that was sent, whether or not the server took it for JSON.
fn object(request: &Request) -> Result<Map, Failure> {
    match &request.body {
        Some((_, body)) if body.len() <= MAX_BYTES => {
            serde_json::from_slice(body).map_err(|_| malformed("the request message was malformed: no JSON"))
        }
        Some(_) => Err(malformed("the request message was malformed: too long")),
        None => Ok(request.data.clone()),
    }
}

impl Acme<'_> {
    /// Checks who sent the request, that it was meant for this address, and that it was not sent before.
    pub(super) async fn signed(&self) -> Result<Signed, Failure> {
        let envelope = Envelope::parse(&object(self.request)?)?;
        let wanted = format!("{}{}", self.mount, self.request.path.trim_end_matches('/'));
        if envelope.text("url") != wanted {
            return Err(unauthorized(format!(
                "the client lacks sufficient authorization: the URL in the protected header is not {wanted}"
            )));
        }
        let (jwk, account) = match (envelope.header.get("jwk"), envelope.text("kid")) {
            (Some(jwk), "") => (Jwk::parse(jwk)?, None),
            (None, kid) if !kid.is_empty() => {
                let prefix = self.url("account/");
                let id = kid.strip_prefix(prefix.as_str()).ok_or_else(|| {
                    malformed("the request message was malformed: the account is of another directory")
                })?;
                let account = Account::load(self.store, id).await?;
                (account.jwk()?, Some(account))
            }
            _ => return Err(malformed("the request message was malformed: exactly one of jwk and kid is needed")),
        };
        let signature = decode(&envelope.signature, "signature")?;
        jwk.verify(envelope.text("alg"), &envelope.message(), &signature)?;
        nonce::take(self.store, envelope.text("nonce"), self.request.now).await?;
        if let Some(account) = &account {
            self.may_use(account)?;
        }
        let payload = if envelope.payload.is_empty() {
            None
        } else {
            let parsed = serde_json::from_slice(&decode(&envelope.payload, "payload")?);
            Some(parsed.map_err(|_| malformed("the request message was malformed: the payload is no object"))?)
        };
        Ok(Signed { jwk, account, payload })
    }

    fn may_use(&self, account: &Account) -> Result<(), Failure> {
        if account.status != "valid" {
            return Err(unauthorized(format!(
                "the client lacks sufficient authorization: account in status: {}",
                account.status
            )));
        }
        if self.config.eab_policy == "always-required" && account.eab.is_none() {
            return Err(unauthorized(
                "the client lacks sufficient authorization: account has no external account binding",
            ));
        }
        Ok(())
    }
}
