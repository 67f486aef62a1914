use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use logical::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The algorithms of identity tokens.
pub(super) const ALGORITHMS: [&str; 7] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"];

/// A private key with its public half as a JWK.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SigningKey {
    algorithm: String,
    pkcs8: Zeroizing<Vec<u8>>,
    pub(super) id: String,
    pub(super) public: Value,
}

fn ecdsa(algorithm: &str) -> Option<(&'static EcdsaSigningAlgorithm, &'static str)> {
    match algorithm {
        "ES256" => Some((&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")),
        "ES384" => Some((&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")),
        "ES512" => Some((&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521")),
        _ => None,
    }
}

fn rsa(algorithm: &str) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        "RS256" => Some(&RSA_PKCS1_SHA256),
        "RS384" => Some(&RSA_PKCS1_SHA384),
        "RS512" => Some(&RSA_PKCS1_SHA512),
        _ => None,
    }
}

fn failed<E>(_: E) -> Error {
    Error::internal("a signing key could not be made or used")
}

impl SigningKey {
    pub(super) fn generate(algorithm: &str) -> Result<Self, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let base = |public: Value| {
            let mut public = public;
            if let Some(map) = public.as_object_mut() {
                map.extend([
                    ("use".to_owned(), json!("sig")),
                    ("alg".to_owned(), json!(algorithm)),
                    ("kid".to_owned(), json!(id)),
                ]);
            }
            public
        };
        let (pkcs8, public) = if let Some((kind, curve)) = ecdsa(algorithm) {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).map_err(failed)?;
            let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).map_err(failed)?;
            let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
            let (x, y) = point.split_at(point.len() / 2);
            (pkcs8.as_ref().to_vec(), json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) }))
        } else if rsa(algorithm).is_some() {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?;
            let (n, e) = rsa_numbers(pair.public_key().as_ref()).ok_or_else(|| failed(()))?;
            (pkcs8.as_ref().to_vec(), json!({ "kty": "RSA", "n": encode(n), "e": encode(e) }))
        } else {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(failed)?;
            let public = encode(pair.public_key().as_ref());
            (pkcs8.as_ref().to_vec(), json!({ "kty": "OKP", "crv": "Ed25519", "x": public }))
        };
        let public = base(public);
        Ok(Self { algorithm: algorithm.to_owned(), pkcs8: Zeroizing::new(pkcs8), id, public })
    }

    /// The claims as a JWS in compact form.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({ "alg": self.algorithm, "kid": self.id });
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let random = SystemRandom::new();
        let signature = if let Some((kind, _)) = ecdsa(&self.algorithm) {
            let pair = EcdsaKeyPair::from_pkcs8(kind, &self.pkcs8).map_err(failed)?;
            pair.sign(&random, text.as_bytes()).map_err(failed)?.as_ref().to_vec()
        } else if let Some(encoding) = rsa(&self.algorithm) {
            let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).map_err(failed)?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, text.as_bytes(), &mut signature).map_err(failed)?;
            signature
        } else {
            let pair = Ed25519KeyPair::from_pkcs8(&self.pkcs8).map_err(failed)?;
            pair.sign(text.as_bytes()).as_ref().to_vec()
        };
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Modulus and exponent of an RSAPublicKey in DER (RFC 8017, A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = element(der, 0x30)?;
    let (n, rest) = element(body, 0x02)?;
    let (e, _) = element(rest, 0x02)?;
    let trim = |bytes: &'_ [u8]| bytes.iter().take_while(|byte| **byte == 0).count();
    Some((n.get(trim(n)..)?, e.get(trim(e)..)?))
}

/// The content of an element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
