//! Claims to what a certificate says: subject alternative name and extensions.

mod ci;
mod forges;
mod names;

use crate::extensions::Extensions;
use crate::issuers::{Issuer, IssuerType, Issuers};
use crate::jwt::Claims;
pub(crate) use ci::check_template;

/// The longest name or value that goes into a certificate, in bytes.
const MAX_VALUE_BYTES: usize = 2048;

/// A subject alternative name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectName {
    /// An e-mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// A name within a domain: 1.3.6.1.4.1.57264.1.7.
    Other(String),
}

impl SubjectName {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) | Self::Other(text) => text,
        }
    }
}

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What a proof of possession must sign.
    pub challenge: String,
    /// The name in the certificate.
    pub name: SubjectName,
    /// What else the certificate says.
    pub extensions: Extensions,
}

/// Why claims make no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A claim that the issuer's type needs.
    #[error("missing {0} claim in ID token")]
    Missing(&'static str),
    /// The address was not verified by the issuer.
    #[error("email_verified claim was false")]
    Unverified,
    /// No e-mail address.
    #[error("email address is not valid")]
    Email,
    /// A subject that its issuer may not speak for.
    #[error("subject {subject:?}: {what}")]
    Subject {
        /// The subject.
        subject: String,
        /// What is wrong.
        what: &'static str,
    },
    /// No templates for the issuer's CI system.
    #[error("metadata not found for ci provider {0:?}")]
    Provider(String),
    /// A template that the claims don't fill.
    #[error("template of {name:?}: {what}")]
    Template {
        /// The extension.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// A value that no certificate can hold.
    #[error("the value of {0} is too long or has characters that no certificate may have")]
    Value(&'static str),
}

impl Principal {
    /// The principal of verified claims, by the type of their issuer.
    ///
    /// # Errors
    /// When the claims lack something, or name a subject that the issuer may not speak for.
    pub fn of(claims: &Claims, issuer: &Issuer, issuers: &Issuers) -> Result<Self, IdentityError> {
        let mut principal = match issuer.kind {
            IssuerType::Email => names::email(claims, issuer),
            IssuerType::Kubernetes => names::kubernetes(claims),
            IssuerType::Spiffe => names::spiffe(claims, issuer),
            IssuerType::Uri => names::uri(claims, issuer),
            IssuerType::Username => names::username(claims, issuer),
            IssuerType::Chainguard => names::chainguard(claims),
            IssuerType::GithubWorkflow => forges::github(claims),
            IssuerType::GitlabPipeline => forges::gitlab(claims),
            IssuerType::BuildkiteJob => forges::buildkite(claims),
            IssuerType::CodefreshWorkflow => forges::codefresh(claims),
            IssuerType::CiProvider => ci::principal(claims, issuer, issuers),
        }?;
        if !matches!(issuer.challenge_claim(), "sub" | "email") {
            principal.challenge =
                claims.text(issuer.challenge_claim()).ok_or(IdentityError::Missing("challenge"))?.to_owned();
        }
        principal.fits()?;
        Ok(principal)
    }

    fn fits(&self) -> Result<(), IdentityError> {
        let fits = |text: &str| text.len() <= MAX_VALUE_BYTES && !text.chars().any(char::is_control);
        let ia5 = matches!(self.name, SubjectName::Other(_)) || self.name.as_str().is_ascii();
        if !ia5 || self.name.as_str().is_empty() || !fits(self.name.as_str()) {
            return Err(IdentityError::Value("the subject alternative name"));
        }
        if (1..=24).filter_map(|arc| self.extensions.value(arc)).all(fits) {
            Ok(())
        } else {
            Err(IdentityError::Value("an extension"))
        }
    }
}

/// Text as a URI: what a URI may not have is percent-encoded.
fn as_uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_control() || byte == b' ' || !byte.is_ascii() || matches!(byte, b'"' | b'<' | b'>' | b'`') {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

#[cfg(test)]
mod tests;
