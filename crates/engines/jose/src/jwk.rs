//! An issuer's keys, parsed once.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use signing::{Certificate, KeyKind, PublicKey};

/// The longest set of keys that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;
/// Most keys in a set; a longer set is cut.
const MAX_KEYS: usize = 64;
/// The shortest RSA modulus: 2048 bits.
const MIN_RSA_BYTES: usize = 256;

/// Algorithms of signatures that need no shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// PKCS#1 v1.5 with SHA-384.
    Rs384,
    /// PKCS#1 v1.5 with SHA-512.
    Rs512,
    /// PSS with SHA-256.
    Ps256,
    /// PSS with SHA-384.
    Ps384,
    /// PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// By its name in a header: `RS256`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            Self::EdDsa => &signature::ED25519,
        }
    }
}

const RSA: &[Algorithm] =
    &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

/// Why a document of an issuer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// Longer than any real one.
    #[error("the issuer's document is too long")]
    TooLong,
    /// Not the JSON that it should be.
    #[error("the issuer's document is not the JSON that it should be")]
    Malformed,
    /// It speaks of another issuer.
    #[error("the discovery document is of issuer {0:?}")]
    Issuer(String),
    /// No key that can be used.
    #[error("the issuer's key set has no key that can be used")]
    Empty,
}

/// The address of the keys in an issuer's discovery document.
///
/// # Errors
/// When the document is not of this issuer.
pub fn jwks_address(document: &[u8], issuer: &str) -> Result<String, DiscoveryError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    if document.len() > MAX_JWKS_BYTES {
        return Err(DiscoveryError::TooLong);
    }
    let found: Discovery = serde_json::from_slice(document).map_err(|_| DiscoveryError::Malformed)?;
    if found.issuer != issuer {
        return Err(DiscoveryError::Issuer(found.issuer.chars().take(200).collect()));
    }
    Ok(found.jwks_uri)
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// One key, ready for each algorithm that it may be used with.
#[derive(Debug)]
pub(crate) struct Key {
    kid: Option<String>,
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    fn of(jwk: &Jwk) -> Option<Self> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |field: &Option<String>| URL_SAFE_NO_PAD.decode(field.as_deref()?.trim_end_matches('=')).ok();
        let (algorithms, raw): (&[Algorithm], Vec<u8>) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let n = bytes(&jwk.n)?;
                let n = n.get(n.iter().position(|byte| *byte != 0)?..).filter(|n| n.len() >= MIN_RSA_BYTES)?;
                let key = RsaPublicKeyComponents { n, e: &bytes(&jwk.e)? };
                let der: PublicKeyX509Der<'_> = key.as_der().ok()?;
                (RSA, der.as_ref().to_vec())
            }
            ("EC", Some(curve)) => {
                let (algorithm, size): (&[Algorithm], _) = match curve {
                    "P-256" => (&[Algorithm::Es256], 32),
                    "P-384" => (&[Algorithm::Es384], 48),
                    "P-521" => (&[Algorithm::Es512], 66),
                    _ => return None,
                };
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                if x.len() != size || y.len() != size {
                    return None;
                }
                (algorithm, [&[4][..], &x, &y].concat())
            }
            ("OKP", Some("Ed25519")) => (&[Algorithm::EdDsa], bytes(&jwk.x)?),
            _ => return None,
        };
        let named = jwk.alg.as_deref();
        let wanted = algorithms.iter().filter(|one| named.is_none_or(|name| Algorithm::parse(name) == Some(**one)));
        Self::parsed(jwk.kid.clone(), wanted, &raw)
    }

    fn parsed<'a>(kid: Option<String>, algorithms: impl Iterator<Item = &'a Algorithm>, raw: &[u8]) -> Option<Self> {
        let parse = |one: &Algorithm| ParsedPublicKey::new(one.verification(), raw).ok().map(|key| (*one, key));
        let parsed: Vec<_> = algorithms.filter_map(parse).collect();
        (!parsed.is_empty()).then_some(Self { kid, parsed })
    }

    /// A key in PEM, or that of a certificate in PEM.
    fn of_pem(pem: &str) -> Option<Self> {
        let certificate = || {
            let ders = signing::pem::certificates(pem.as_bytes()).ok()?;
            Some(Certificate::from_der(ders.first()?).ok()?.key().clone())
        };
        let key = PublicKey::from_pem(pem.as_bytes()).ok().or_else(certificate)?;
        let algorithms: &[Algorithm] = match key.kind() {
            KeyKind::P256 => &[Algorithm::Es256],
            KeyKind::P384 => &[Algorithm::Es384],
            KeyKind::P521 => &[Algorithm::Es512],
            KeyKind::Ed25519 => &[Algorithm::EdDsa],
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => RSA,
        };
        Self::parsed(None, algorithms.iter(), key.raw())
    }

    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = self.parsed.iter().find(|(one, _)| *one == algorithm);
        key.is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

/// The keys of an issuer.
#[derive(Debug)]
pub struct JwkSet {
    keys: Vec<Key>,
}

impl JwkSet {
    /// Reads a key set. Keys of other kinds, weak keys and keys for encryption are passed over.
    ///
    /// # Errors
    /// When it is no key set, or none of its keys can be used.
    pub fn parse(document: &[u8]) -> Result<Self, DiscoveryError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        if document.len() > MAX_JWKS_BYTES {
            return Err(DiscoveryError::TooLong);
        }
        let set: Set = serde_json::from_slice(document).map_err(|_| DiscoveryError::Malformed)?;
        let jwks = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<Key> = jwks.filter_map(|jwk| Key::of(&jwk)).collect();
        if keys.is_empty() {
            return Err(DiscoveryError::Empty);
        }
        Ok(Self { keys })
    }

    /// Keys in PEM, each a public key or a certificate. They have no names, so each may be any token's.
    ///
    /// # Errors
    /// Where one of them can't be used.
    pub fn from_pems<'a>(pems: impl Iterator<Item = &'a str>) -> Result<Self, DiscoveryError> {
        let keys: Option<Vec<Key>> = pems.take(MAX_KEYS).map(Key::of_pem).collect();
        keys.map(|keys| Self { keys }).ok_or(DiscoveryError::Malformed)
    }

    /// Keys for an algorithm by name; a token without a name may be of any.
    pub(crate) fn candidates(&self, algorithm: Algorithm, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        let fits = move |key: &&Key| {
            let named = kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
            named && key.parsed.iter().any(|(one, _)| *one == algorithm)
        };
        self.keys.iter().filter(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PSS_SHA256, RsaKeyPair};
    use serde_json::json;

    #[test]
    fn keys_of_all_kinds_verify_their_algorithms_and_no_other() {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // Of an RSAPublicKey in DER, after the headers of the sequence and of the number.
        let n = encode(&rsa.public_key().as_ref()[8..265]);
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = ec.public_key().as_ref();
        let set = json!({"keys": [
            {"kty": "RSA", "kid": "r", "n": n, "e": "AQAB", "use": "sig"},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])},
            {"kty": "RSA", "kid": "enc", "n": n, "e": "AQAB", "use": "enc"},
            {"kty": "RSA", "kid": "small", "n": encode(&[0xff; 64]), "e": "AQAB"},
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
            "nonsense",
        ]});
        let set = JwkSet::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(set.keys.len(), 2);
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PSS_SHA256, &random, b"m", &mut signature).unwrap();
        let verifies = |algorithm, kid, signature: &[u8]| {
            set.candidates(algorithm, Some(kid)).any(|key| key.verify(algorithm, b"m", signature))
        };
        assert!(verifies(Algorithm::Ps256, "r", &signature));
        assert!(!verifies(Algorithm::Rs256, "r", &signature));
        assert!(!verifies(Algorithm::Ps256, "enc", &signature));
        let signature = ec.sign(&random, b"m").unwrap();
        assert!(verifies(Algorithm::Es256, "e", signature.as_ref()));
        assert!(!verifies(Algorithm::Es384, "e", signature.as_ref()));
    }

    #[test]
    fn documents_of_others_are_refused() {
        let discovery = json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/keys"}).to_string();
        assert_eq!(jwks_address(discovery.as_bytes(), "https://a.example").unwrap(), "https://a.example/keys");
        assert!(matches!(jwks_address(discovery.as_bytes(), "https://b.example"), Err(DiscoveryError::Issuer(_))));
        assert_eq!(JwkSet::parse(b"{\"keys\": []}").unwrap_err(), DiscoveryError::Empty);
        assert_eq!(JwkSet::parse(&vec![b' '; MAX_JWKS_BYTES + 1]).unwrap_err(), DiscoveryError::TooLong);
        assert_eq!(JwkSet::parse(b"[]").unwrap_err(), DiscoveryError::Malformed);
    }
}
