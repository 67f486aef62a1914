//! Who must have signed, and what must prove it.

use crate::identity::Identity;
use crate::public_key::PublicKey;
use regex::{Regex, RegexBuilder};
use thiserror::Error;

const MAX_REGEXP_BYTES: usize = 1 << 20;

/// A text that is to be met.
#[derive(Debug, Clone)]
pub enum TextMatch {
    /// Exactly this.
    Exact(String),
    /// A part of it, by a regular expression, as Go's `MatchString` does.
    Regexp(Regex),
}

/// A regular expression that can't be used.
#[derive(Debug, Error)]
#[error("the regular expression {pattern:?} is invalid or too large")]
pub struct RegexpError {
    pattern: String,
    #[source]
    source: regex::Error,
}

impl TextMatch {
    /// Exactly this text.
    pub fn exact(text: impl Into<String>) -> TextMatch {
        TextMatch::Exact(text.into())
    }

    /// Texts of which a part matches.
    pub fn regexp(pattern: &str) -> Result<TextMatch, RegexpError> {
        let built = RegexBuilder::new(pattern).size_limit(MAX_REGEXP_BYTES).build();
        built.map(TextMatch::Regexp).map_err(|source| RegexpError { pattern: pattern.to_owned(), source })
    }

    pub(crate) fn meets(&self, text: &str) -> bool {
        match self {
            TextMatch::Exact(expected) => expected == text,
            TextMatch::Regexp(regexp) => regexp.is_match(text),
        }
    }
}

/// An identity that is accepted: a subject, vouched for by an issuer, with these claims.
#[derive(Debug, Clone)]
pub struct IdentityPolicy {
    /// A subject alternative name.
    pub subject: TextMatch,
    /// The OpenID issuer.
    pub issuer: TextMatch,
    /// Further extensions `1.3.6.1.4.1.57264.1.<number>` that must be exactly so.
    pub extensions: Vec<(u8, String)>,
}

impl IdentityPolicy {
    /// A subject and issuer, without further claims.
    pub fn new(subject: TextMatch, issuer: TextMatch) -> IdentityPolicy {
        IdentityPolicy { subject, issuer, extensions: Vec::new() }
    }

    /// Asks for an extension too: see [`Identity`] for the numbers of GitHub's claims.
    #[must_use]
    pub fn extension(mut self, number: u8, value: impl Into<String>) -> IdentityPolicy {
        self.extensions.push((number, value.into()));
        self
    }

    pub(crate) fn meets(&self, identity: &Identity) -> bool {
        identity.subjects.iter().any(|subject| self.subject.meets(subject))
            && identity.issuer.as_deref().is_some_and(|issuer| self.issuer.meets(issuer))
            && self.extensions.iter().all(|(number, value)| identity.extension(*number) == Some(value))
    }
}

/// Who must have signed.
#[derive(Debug, Clone)]
pub enum SignerPolicy {
    /// One of these keys.
    Keys(Vec<PublicKey>),
    /// One of these identities, by a certificate.
    Identities(Vec<IdentityPolicy>),
}

/// Who must have signed, and what must prove it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Who must have signed.
    pub signer: SignerPolicy,
    /// Accepts what no transparency log has.
    pub ignore_tlog: bool,
    /// Accepts certificates without a promise of a certificate log.
    pub ignore_sct: bool,
    /// Asks for an RFC 3161 timestamp.
    pub require_timestamp: bool,
}

impl Policy {
    /// One of these keys must have signed, and a log must have it.
    pub fn keys(keys: impl Into<Vec<PublicKey>>) -> Policy {
        Policy::of(SignerPolicy::Keys(keys.into()))
    }

    /// One of these identities must have signed, and a log must have it.
    pub fn identities(identities: impl Into<Vec<IdentityPolicy>>) -> Policy {
        Policy::of(SignerPolicy::Identities(identities.into()))
    }

    fn of(signer: SignerPolicy) -> Policy {
        Policy { signer, ignore_tlog: false, ignore_sct: false, require_timestamp: false }
    }
}
