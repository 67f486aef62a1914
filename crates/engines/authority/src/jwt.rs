//! Identity tokens: JWS in compact form (RFC 7515, RFC 7519) with an OpenID Connect issuer's keys.
//!
//! A [`Token`] is only parsed; nothing in it is believed until [`Token::verify`] gave [`Claims`].

use crate::jwk::mint_algorithm;
use crate::keys::{KeyError, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jose::{JwkSet, Jws, JwsError};
use serde_json::{Map, Value};

/// How far another's clock may run ahead of ours.
const SKEW_SECONDS: i64 = 60;

/// Why a token is refused. No variant carries the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Malformed, or not signed by the issuer.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Another issuer's token.
    #[error("the token is of issuer {found:?}, expected {expected:?}")]
    Issuer {
        /// The issuer that was expected.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// A token for somebody else.
    #[error("the token is not for the audience {expected:?}")]
    Audience {
        /// The audience that was expected.
        expected: String,
    },
    /// Its time is over.
    #[error("the token expired at {0}")]
    Expired(Timestamp),
    /// Its time has not come.
    #[error("the token is valid only from {0}")]
    NotYet(Timestamp),
}

impl TokenError {
    /// One word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Jws(error) => error.reason(),
            Self::Issuer { .. } => "issuer",
            Self::Audience { .. } => "audience",
            Self::Expired(_) => "expired",
            Self::NotYet(_) => "not_yet_valid",
        }
    }
}

/// A token that is parsed, and not believed.
#[derive(Debug)]
pub struct Token {
    jws: Jws,
    issuer: String,
}

impl Token {
    /// Takes a compact token apart.
    ///
    /// # Errors
    /// When it is too long, malformed, or of an algorithm that is not accepted: all that can be known without keys.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let jws = Jws::parse(text)?;
        let issuer = jws.claims().get("iss").and_then(Value::as_str).filter(|iss| !iss.is_empty());
        let issuer = issuer.ok_or(JwsError::Claim("iss"))?.to_owned();
        Ok(Self { jws, issuer })
    }

    /// The issuer that it claims, to look for its keys.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether the set may have its key; where not, the issuer may have changed its keys.
    #[must_use]
    pub fn has_key_in(&self, keys: &JwkSet) -> bool {
        self.jws.has_key_in(keys)
    }

    /// Checks signature, issuer, audience and time.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn verify(&self, issuer: &str, audience: &str, keys: &JwkSet, now: Timestamp) -> Result<Claims, TokenError> {
        self.jws.verify(keys)?;
        if self.issuer != issuer {
            return Err(TokenError::Issuer { expected: issuer.to_owned(), found: self.issuer.clone() });
        }
        if audience.is_empty() || !self.jws.audiences()?.contains(&audience) {
            return Err(TokenError::Audience { expected: audience.to_owned() });
        }
        let expires = self.jws.time("exp")?.ok_or(JwsError::Claim("exp"))?;
        if expires <= now {
            return Err(TokenError::Expired(expires));
        }
        for claim in ["nbf", "iat"] {
            if let Some(from) = self.jws.time(claim)?
                && from.as_second() > now.as_second().saturating_add(SKEW_SECONDS)
            {
                return Err(TokenError::NotYet(from));
            }
        }
        let claims = self.jws.claims();
        let subject = claims.get("sub").and_then(Value::as_str).filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(JwsError::Claim("sub"))?.to_owned();
        Ok(Claims { issuer: self.issuer.clone(), subject, all: claims.clone() })
    }
}

/// The claims of a token that was verified.
#[derive(Debug, Clone)]
pub struct Claims {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    all: Map<String, Value>,
}

impl Claims {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }

    /// A claim that is text; empty counts as absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

/// Makes a token of our own issuer: RS256 with RSA, the one algorithm that Cosign takes on its command line, or EdDSA
/// with Ed25519.
///
/// # Errors
/// When the key is of another kind or can't sign.
pub fn mint(key: &SigningKey, kid: &str, claims: &Value) -> Result<String, KeyError> {
    let algorithm = mint_algorithm(key).ok_or(KeyError::Weak("tokens are not signed with it"))?;
    let header = serde_json::json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::jwk;
    use jose::MAX_TOKEN_BYTES;
    use serde_json::json;
    use signing::KeyKind;

    const ISSUER: &str = "https://issuer.example";
    const NOW: i64 = 1_800_000_000;

    fn claims() -> Value {
        json!({"iss": ISSUER, "sub": "somebody", "aud": "sigstore", "exp": NOW + 60, "iat": NOW, "nbf": NOW})
    }

    #[test]
    fn a_claim_that_does_not_hold_is_named() {
        let key = SigningKey::generate(KeyKind::Rsa2048).unwrap();
        let set = JwkSet::parse(json!({"keys": [jwk(&key, "k").unwrap()]}).to_string().as_bytes()).unwrap();
        let check = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut changed = claims();
            change(changed.as_object_mut().unwrap());
            let token = Token::parse(&mint(&key, "k", &changed).unwrap())?;
            token.verify(ISSUER, "sigstore", &set, Timestamp::from_second(NOW).unwrap()).map(drop)
        };
        let put = |name: &'static str, value: Value| {
            check(&move |claims| drop(claims.insert(name.to_owned(), value.clone()))).map_err(|error| error.reason())
        };
        assert_eq!(check(&|_| {}), Ok(()));
        assert_eq!(put("aud", json!(["other", "sigstore"])), Ok(()));
        assert_eq!(put("nbf", json!(NOW + 60)), Ok(()));
        assert_eq!(put("exp", json!(NOW as f64 + 0.5)), Err("expired"));
        for (name, value, reason) in [
            ("iss", json!("https://issuer.example/"), "issuer"),
            ("iss", json!(7), "claim"),
            ("aud", json!("other"), "audience"),
            ("aud", json!(["sigstore", 1]), "claim"),
            ("aud", json!([]), "audience"),
            ("exp", json!(NOW), "expired"),
            ("exp", json!("never"), "claim"),
            ("exp", json!(1e300), "claim"),
            ("nbf", json!(NOW + 61), "not_yet_valid"),
            ("iat", json!(NOW + 61), "not_yet_valid"),
            ("sub", json!(""), "claim"),
        ] {
            assert_eq!(put(name, value.clone()), Err(reason), "{name} {value}");
        }
        for name in ["iss", "sub", "aud", "exp"] {
            assert!(check(&|claims| drop(claims.remove(name))).is_err(), "{name}");
        }
    }

    #[test]
    fn a_forged_or_malformed_token_is_refused() {
        let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
        let other = SigningKey::generate(KeyKind::Ed25519).unwrap();
        let set = JwkSet::parse(json!({"keys": [jwk(&key, "k").unwrap()]}).to_string().as_bytes()).unwrap();
        let now = Timestamp::from_second(NOW).unwrap();
        let reason = |text: &str| {
            let verified = Token::parse(text).and_then(|token| token.verify(ISSUER, "sigstore", &set, now));
            verified.map(drop).map_err(|error| error.reason())
        };
        let good = mint(&key, "k", &claims()).unwrap();
        assert_eq!(reason(&good), Ok(()));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (_, payload) = signed.split_once('.').unwrap();
        let with = |header: Value| format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
        // The public key as a shared secret: the algorithm itself is refused, so no key is ever tried.
        let deep = format!("{}{}", "{\"a\":".repeat(200), "1");
        for (text, why) in [
            (String::new(), "absent"),
            ("a".repeat(MAX_TOKEN_BYTES + 1), "too_long"),
            ("a.b".to_owned(), "malformed"),
            ("a.b.c.d".to_owned(), "malformed"),
            (format!("{good}="), "malformed"),
            (with(json!({"alg": "none"})), "algorithm"),
            (with(json!({"alg": "None", "kid": "k"})), "algorithm"),
            (with(json!({"alg": "HS256", "kid": "k"})), "algorithm"),
            (with(json!({"alg": "EdDSA", "kid": "k", "crit": ["exp"]})), "critical"),
            (with(json!({"alg": "EdDSA", "kid": "other"})), "unknown_key"),
            (with(json!({"alg": "ES256", "kid": "k"})), "unknown_key"),
            (with(json!({"alg": "EdDSA"})), "signature"),
            (with(json!({"kid": "k"})), "malformed"),
            (format!("{signed}."), "signature"),
            (format!("{}.{}.{signature}", good.split_once('.').unwrap().0, URL_SAFE_NO_PAD.encode(deep)), "malformed"),
            (mint(&other, "k", &claims()).unwrap(), "signature"),
        ] {
            assert_eq!(reason(&text), Err(why), "{text:.80}");
        }
        let error = Token::parse(&with(json!({"alg": "HS256"}))).unwrap_err().to_string();
        assert!(!error.contains(payload) && !error.contains(signature));
    }
}
