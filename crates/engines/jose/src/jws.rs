//! Tokens. One is only parsed; nothing in it may be believed before its signature is verified.

use crate::jwk::{Algorithm, JwkSet};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 32 * 1024;
/// Most audiences in a token.
const MAX_AUDIENCES: usize = 64;

/// Why a token is refused. No variant carries the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Nothing there.
    #[error("no identity token")]
    Absent,
    /// Longer than any real one.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not three parts of unpadded base64url.
    #[error("malformed token: {0}")]
    Malformed(&'static str),
    /// `none`, or one with a shared secret, or one that is not known.
    #[error("the token's algorithm {0:?} is not accepted")]
    Algorithm(String),
    /// Header parameters that must be understood.
    #[error("the token demands extensions (crit)")]
    Critical,
    /// The issuer's keys have none of this name that goes with the algorithm.
    #[error("the issuer has no key for this token")]
    UnknownKey,
    /// The signature is not the issuer's.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim that must be there, or has the wrong type.
    #[error("the token's claim {0:?} is missing or has the wrong type")]
    Claim(&'static str),
}

impl JwsError {
    /// One word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::TooLong => "too_long",
            Self::Malformed(_) => "malformed",
            Self::Algorithm(_) => "algorithm",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

/// A token that is parsed, and not believed.
pub struct Jws {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: String,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

impl std::fmt::Debug for Jws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Jws {
    /// Takes a compact token apart.
    ///
    /// # Errors
    /// When it is too long, malformed, or of an algorithm that is not accepted: all that can be known without keys.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        if text.is_empty() {
            return Err(JwsError::Absent);
        }
        if text.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLong);
        }
        let three = JwsError::Malformed("a token has three parts");
        let (signed, signature) = text.rsplit_once('.').ok_or(three.clone())?;
        let (header, payload) = signed.split_once('.').ok_or(three.clone())?;
        if payload.contains('.') {
            return Err(three);
        }
        let bytes = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed("a part is not unpadded base64url"))
        };
        let header: Header = serde_json::from_slice(&bytes(header)?)
            .map_err(|_| JwsError::Malformed("the header is not a JSON object with alg"))?;
        let algorithm =
            Algorithm::parse(&header.alg).ok_or_else(|| JwsError::Algorithm(header.alg.chars().take(32).collect()))?;
        if header.crit.is_some() {
            return Err(JwsError::Critical);
        }
        let claims: Map<String, Value> = serde_json::from_slice(&bytes(payload)?)
            .map_err(|_| JwsError::Malformed("the claims are not a JSON object of bounded depth"))?;
        let signature = bytes(signature)?;
        Ok(Self { algorithm, kid: header.kid, signed: signed.to_owned(), signature, claims })
    }

    /// What it is signed with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it claims, true or not.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether the set may have its key; where not, the issuer may have changed its keys.
    #[must_use]
    pub fn has_key_in(&self, keys: &JwkSet) -> bool {
        keys.candidates(self.algorithm, self.kid.as_deref()).next().is_some()
    }

    /// Checks the signature, and nothing else.
    ///
    /// # Errors
    /// Where no key is the token's, or its signature is not of that key.
    pub fn verify(&self, keys: &JwkSet) -> Result<(), JwsError> {
        let mut known = false;
        let mut valid = false;
        for key in keys.candidates(self.algorithm, self.kid.as_deref()) {
            known = true;
            valid |= key.verify(self.algorithm, self.signed.as_bytes(), &self.signature);
        }
        match (known, valid) {
            (_, true) => Ok(()),
            (true, false) => Err(JwsError::Signature),
            (false, false) => Err(JwsError::UnknownKey),
        }
    }

    /// `aud`, one or several.
    ///
    /// # Errors
    /// Where it is missing, of another type, or there are too many.
    pub fn audiences(&self) -> Result<Vec<&str>, JwsError> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) if all.len() <= MAX_AUDIENCES => {
                all.iter().map(Value::as_str).collect::<Option<_>>().ok_or(JwsError::Claim("aud"))
            }
            _ => Err(JwsError::Claim("aud")),
        }
    }

    /// A time in seconds since 1970, with or without a fraction.
    ///
    /// # Errors
    /// Where it is there and no such time.
    pub fn time(&self, claim: &'static str) -> Result<Option<Timestamp>, JwsError> {
        let Some(value) = self.claims.get(claim) else { return Ok(None) };
        let seconds = value.as_i64().or_else(|| value.as_f64().filter(|s| s.is_finite()).map(|s| s as i64));
        let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        at.map(Some).ok_or(JwsError::Claim(claim))
    }
}
