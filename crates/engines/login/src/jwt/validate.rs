//! What a token must say to be believed, beside being signed.

use jiff::Timestamp;
use jose::{Algorithm, Jws, JwsError};

/// How long a token without an end, or without a beginning, is taken to be good.
const DEFAULT_LEEWAY: i64 = 150;
/// How far clocks may differ.
const DEFAULT_SKEW: i64 = 60;

/// Whether a token must say when it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// At least one of `iat`, `nbf` and `exp`.
    Required,
    /// A token for ever is taken too.
    Optional,
}

/// In seconds; zero is the default, less than zero none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Leeways {
    pub(crate) expiration: i64,
    pub(crate) not_before: i64,
    pub(crate) clock_skew: i64,
}

/// What is expected. An empty text or list is anything.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) audiences: &'a [String],
    pub(crate) algorithms: &'a [Algorithm],
    pub(crate) times: Times,
    pub(crate) leeways: Leeways,
}

/// Why a token is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ClaimError {
    #[error("token signed with unexpected algorithm")]
    Algorithm,
    #[error(transparent)]
    Malformed(#[from] JwsError),
    #[error("no issued at (iat), not before (nbf), or expiration time (exp) claims in token")]
    NoTimes,
    #[error("invalid not before (nbf) claim: token not yet valid")]
    NotYet,
    #[error("invalid expiration time (exp) claim: token is expired")]
    Expired,
    #[error("invalid issued at (iat) claim: token issued in the future")]
    Future,
    #[error("invalid issuer (iss) claim")]
    Issuer,
    #[error("invalid subject (sub) claim")]
    Subject,
    #[error("invalid audience (aud) claim: audience claim does not match any expected audience")]
    Audience,
}

impl Expected<'_> {
    /// Checks algorithm, issuer, subject, audience and times of a token whose signature was verified.
    pub(crate) fn check(&self, jws: &Jws, now: Timestamp) -> Result<(), ClaimError> {
        if !self.algorithms.contains(&jws.algorithm()) {
            return Err(ClaimError::Algorithm);
        }
        let text = |claim| jws.claims().get(claim).and_then(serde_json::Value::as_str);
        if !self.issuer.is_empty() && text("iss") != Some(self.issuer) {
            return Err(ClaimError::Issuer);
        }
        if !self.subject.is_empty() && text("sub") != Some(self.subject) {
            return Err(ClaimError::Subject);
        }
        if !self.audiences.is_empty() {
            let found = jws.audiences().map_err(|_| ClaimError::Audience)?;
            if !found.iter().any(|one| self.audiences.iter().any(|wanted| wanted == one)) {
                return Err(ClaimError::Audience);
            }
        }
        self.check_times(jws, now.as_second())
    }

    fn check_times(&self, jws: &Jws, now: i64) -> Result<(), ClaimError> {
        let time = |claim| jws.time(claim).map(|time| time.map(Timestamp::as_second));
        let (issued, not_before, expires) = (time("iat")?, time("nbf")?, time("exp")?);
        let or = |given: i64, default: i64| if given == 0 { default } else { given.max(0) };
        let latest = issued.max(not_before);
        let (begins, ends) = match (latest, expires) {
            (None, None) if self.times == Times::Required => return Err(ClaimError::NoTimes),
            (None, None) => return Ok(()),
            (_, Some(ends)) => {
                let leeway = or(self.leeways.not_before, DEFAULT_LEEWAY);
                (not_before.or(issued).unwrap_or_else(|| ends.saturating_sub(leeway)), ends)
            }
            (Some(latest), None) => {
                let leeway = or(self.leeways.expiration, DEFAULT_LEEWAY);
                (not_before.unwrap_or(latest), latest.saturating_add(leeway))
            }
        };
        let skew = or(self.leeways.clock_skew, DEFAULT_SKEW);
        if now.saturating_add(skew) < begins {
            return Err(ClaimError::NotYet);
        }
        if now.saturating_sub(skew) > ends {
            return Err(ClaimError::Expired);
        }
        if issued.is_some_and(|issued| now.saturating_add(skew) < issued) {
            return Err(ClaimError::Future);
        }
        Ok(())
    }
}
