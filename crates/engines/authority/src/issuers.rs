//! Which issuers are believed, in Fulcio's configuration format (1.8.8): YAML or JSON.

use crate::extensions;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest configuration that is read, in bytes.
const MAX_CONFIG_BYTES: usize = 4 * 1024 * 1024;

/// What an issuer's tokens stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum IssuerType {
    /// A person, by a verified e-mail address.
    #[serde(rename = "email")]
    Email,
    /// A Kubernetes service account.
    #[serde(rename = "kubernetes")]
    Kubernetes,
    /// A SPIFFE ID.
    #[serde(rename = "spiffe")]
    Spiffe,
    /// A URI below a domain.
    #[serde(rename = "uri")]
    Uri,
    /// A name within a domain.
    #[serde(rename = "username")]
    Username,
    /// A workflow of GitHub.
    #[serde(rename = "github-workflow")]
    GithubWorkflow,
    /// A pipeline of GitLab.
    #[serde(rename = "gitlab-pipeline")]
    GitlabPipeline,
    /// A job of Buildkite.
    #[serde(rename = "buildkite-job")]
    BuildkiteJob,
    /// A pipeline of Codefresh.
    #[serde(rename = "codefresh-workflow")]
    CodefreshWorkflow,
    /// An identity of Chainguard.
    #[serde(rename = "chainguard-identity")]
    Chainguard,
    /// Any CI system, by templates.
    #[serde(rename = "ci-provider")]
    CiProvider,
}

impl IssuerType {
    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Kubernetes => "kubernetes",
            Self::Spiffe => "spiffe",
            Self::Uri => "uri",
            Self::Username => "username",
            Self::GithubWorkflow => "github-workflow",
            Self::GitlabPipeline => "gitlab-pipeline",
            Self::BuildkiteJob => "buildkite-job",
            Self::CodefreshWorkflow => "codefresh-workflow",
            Self::Chainguard => "chainguard-identity",
            Self::CiProvider => "ci-provider",
        }
    }
}

/// One issuer.
#[derive(Debug, Clone, Deserialize)]
pub struct Issuer {
    /// Its address, as tokens have it.
    #[serde(default, rename = "issuer-url", alias = "IssuerURL")]
    pub url: String,
    /// The audience that tokens must have.
    #[serde(default, rename = "client-id", alias = "ClientID")]
    pub client_id: String,
    /// What its tokens stand for.
    #[serde(rename = "type", alias = "Type")]
    pub kind: IssuerType,
    /// Which templates make certificates of its tokens.
    #[serde(default, rename = "ci-provider", alias = "CIProvider")]
    pub ci_provider: String,
    /// Path of the claim that has the real issuer, for federated logins.
    #[serde(default, rename = "issuer-claim", alias = "IssuerClaim")]
    pub issuer_claim: String,
    /// Domain of URIs and names.
    #[serde(default, rename = "subject-domain", alias = "SubjectDomain")]
    pub subject_domain: String,
    /// Trust domain of SPIFFE IDs.
    #[serde(default, rename = "spiffe-trust-domain", alias = "SPIFFETrustDomain")]
    pub spiffe_trust_domain: String,
    /// The claim that a proof of possession signs.
    #[serde(default, rename = "challenge-claim", alias = "ChallengeClaim")]
    challenge_claim: String,
    /// Certificate authority of the issuer's own TLS, PEM.
    #[serde(default, rename = "ca-cert", alias = "CACert")]
    pub ca_cert: String,
    /// Addresses count as verified without a claim that says so.
    #[serde(default, rename = "skip-email-verification", alias = "SkipEmailVerification")]
    pub skip_email_verification: bool,
}

impl Issuer {
    /// An issuer of a type whose tokens are for `sigstore`.
    #[must_use]
    pub fn new(url: &str, kind: IssuerType) -> Self {
        Self {
            url: url.to_owned(),
            client_id: "sigstore".to_owned(),
            kind,
            ci_provider: String::new(),
            issuer_claim: String::new(),
            subject_domain: String::new(),
            spiffe_trust_domain: String::new(),
            challenge_claim: String::new(),
            ca_cert: String::new(),
            skip_email_verification: false,
        }
    }

    /// The claim that a proof of possession signs.
    #[must_use]
    pub fn challenge_claim(&self) -> &str {
        match (self.challenge_claim.as_str(), self.kind) {
            ("", IssuerType::Email) => "email",
            ("", _) => "sub",
            (claim, _) => claim,
        }
    }
}

/// How certificates of a CI system are made of its claims.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct CiMetadata {
    /// Values of claims that a token may lack.
    #[serde(default, rename = "default-template-values", alias = "DefaultTemplateValues")]
    pub(crate) defaults: BTreeMap<String, String>,
    /// Extension to template: Go's text/template, or the name of a claim.
    #[serde(default, rename = "extension-templates", alias = "ExtensionTemplates")]
    pub(crate) extensions: BTreeMap<String, String>,
    /// The template of the subject alternative name.
    #[serde(default, rename = "subject-alternative-name-template", alias = "SubjectAlternativeNameTemplate")]
    pub(crate) san: String,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Longer than any real one.
    #[error("the configuration of issuers is longer than {MAX_CONFIG_BYTES} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the configuration of issuers is not UTF-8")]
    NotText,
    /// Neither YAML nor JSON of its shape.
    #[error("the configuration of issuers can't be read: {0}")]
    Syntax(String),
    /// An issuer with settings that contradict each other.
    #[error("issuer {issuer:?}: {what}")]
    Issuer {
        /// Its address.
        issuer: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A template that can't be read, or for an extension that is none.
    #[error("CI provider {provider:?}: template {name:?}: {what}")]
    Template {
        /// The provider.
        provider: String,
        /// The extension.
        name: String,
        /// What is wrong.
        what: String,
    },
}

#[derive(Deserialize, Default)]
struct File {
    #[serde(default, rename = "oidc-issuers", alias = "OIDCIssuers")]
    issuers: BTreeMap<String, Issuer>,
    #[serde(default, rename = "meta-issuers", alias = "MetaIssuers")]
    meta: BTreeMap<String, Issuer>,
    #[serde(default, rename = "ci-issuer-metadata", alias = "CIIssuerMetadata")]
    ci: BTreeMap<String, CiMetadata>,
}

/// All issuers that are believed.
#[derive(Debug, Clone, Default)]
pub struct Issuers {
    issuers: BTreeMap<String, Issuer>,
    meta: BTreeMap<String, Issuer>,
    ci: BTreeMap<String, CiMetadata>,
}

impl Issuers {
    /// Reads Fulcio's configuration.
    ///
    /// # Errors
    /// When it can't be read, or an issuer's settings contradict each other.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?;
        let file: File = serde_saphyr::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        let mut all = Self { ci: file.ci, ..Self::default() };
        for (provider, metadata) in &all.ci {
            check_templates(provider, metadata)?;
        }
        for (key, mut issuer) in file.issuers {
            if issuer.url.is_empty() {
                issuer.url = key;
            }
            all.add(issuer)?;
        }
        for (pattern, issuer) in file.meta {
            if issuer.kind == IssuerType::Spiffe {
                return Err(ConfigError::Issuer { issuer: pattern, what: "SPIFFE meta issuers not supported" });
            }
            all.meta.insert(pattern, issuer);
        }
        Ok(all)
    }

    /// Adds an issuer.
    ///
    /// # Errors
    /// When its settings contradict each other.
    pub fn add(&mut self, issuer: Issuer) -> Result<(), ConfigError> {
        if let Some(what) = contradiction(&issuer) {
            return Err(ConfigError::Issuer { issuer: issuer.url, what });
        }
        self.issuers.insert(issuer.url.clone(), issuer);
        Ok(())
    }

    /// The issuer of this address: one by name, or a meta issuer whose pattern it fits.
    #[must_use]
    pub fn find(&self, url: &str) -> Option<Issuer> {
        let named = self.issuers.get(url).cloned();
        named.or_else(|| {
            let (_, issuer) = self.meta.iter().find(|(pattern, _)| fits(pattern, url))?;
            Some(Issuer { url: url.to_owned(), ..issuer.clone() })
        })
    }

    /// Templates of a CI system.
    pub(crate) fn ci(&self, provider: &str) -> Option<&CiMetadata> {
        self.ci.get(provider)
    }

    /// Issuers by name.
    pub fn named(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.values()
    }

    /// Patterns of meta issuers, each with its settings.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &Issuer)> {
        self.meta.iter().map(|(pattern, issuer)| (pattern.as_str(), issuer))
    }
}

/// Whether an address fits a pattern, in which `*` stands for letters, digits, `-` and `_`, at least one.
fn fits(pattern: &str, url: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('*') else { return pattern == url };
    let Some(after) = url.strip_prefix(literal) else { return false };
    let run = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
    // What follows a star may itself be of these characters, so every length is tried, the longest first.
    (1..=run.min(256)).rev().any(|size| after.get(size..).is_some_and(|after| fits(rest, after)))
}

fn contradiction(issuer: &Issuer) -> Option<&'static str> {
    if !issuer.issuer_claim.is_empty() && issuer.kind != IssuerType::Email {
        return Some("only email issuers can use issuer claim mapping");
    }
    match issuer.kind {
        IssuerType::Spiffe if issuer.spiffe_trust_domain.is_empty() => {
            Some("spiffe issuer must have SPIFFETrustDomain set")
        }
        IssuerType::Spiffe if !is_trust_domain(&issuer.spiffe_trust_domain) => Some("spiffe trust domain is invalid"),
        IssuerType::Uri if issuer.subject_domain.is_empty() => Some("uri issuer must have SubjectDomain set"),
        IssuerType::Uri => {
            let Some((scheme, domain)) = split(&issuer.subject_domain) else {
                return Some("SubjectDomain for uri must contain scheme");
            };
            let Some((issuer_scheme, host)) = split(&issuer.url) else {
                return Some("issuer for uri must contain scheme");
            };
            if scheme != issuer_scheme {
                return Some("subject and issuer URI schemes do not match");
            }
            foreign(domain, host)
        }
        IssuerType::Username if issuer.subject_domain.is_empty() => Some("username issuer must have SubjectDomain set"),
        IssuerType::Username if issuer.subject_domain.contains("://") => {
            Some("SubjectDomain for username should not contain scheme")
        }
        IssuerType::Username => match split(&issuer.url) {
            Some((_, host)) => foreign(&issuer.subject_domain, host),
            None => Some("issuer for username must contain scheme"),
        },
        _ => None,
    }
}

/// Scheme and host of an address.
pub(crate) fn split(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| !scheme.is_empty())?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let named = host.starts_with('[').then(|| host.find(']')).flatten();
    let host = match named {
        Some(end) => host.get(..=end)?,
        None => host.split(':').next().unwrap_or_default(),
    };
    Some((scheme, host))
}

fn foreign(domain: &str, host: &str) -> Option<&'static str> {
    let ends = |name: &str| {
        let mut labels = name.rsplit('.');
        Some((labels.next()?.to_owned(), labels.next()?.to_owned()))
    };
    if domain == host {
        return None;
    }
    match (ends(domain), ends(host)) {
        (Some(one), Some(other)) if one == other => None,
        (None, _) | (_, None) => Some("URI hostname too short"),
        _ => Some("hostname top-level and second-level domains do not match"),
    }
}

pub(crate) fn is_trust_domain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty() && name.len() <= 255 && name.bytes().all(fits)
}

fn check_templates(provider: &str, metadata: &CiMetadata) -> Result<(), ConfigError> {
    let wrong =
        |name: &str, what: String| ConfigError::Template { provider: provider.to_owned(), name: name.to_owned(), what };
    for (name, template) in &metadata.extensions {
        let set_from_token = matches!(name.as_str(), "issuer" | "Issuer" | "subject" | "Subject");
        if extensions::arc(name).is_none() && !set_from_token {
            return Err(wrong(name, "no such extension".to_owned()));
        }
        crate::identity::check_template(template).map_err(|what| wrong(name, what))?;
    }
    crate::identity::check_template(&metadata.san).map_err(|what| wrong("subject-alternative-name-template", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_only_whole_addresses() {
        let eks = "https://oidc.eks.*.amazonaws.com/id/*";
        assert!(fits(eks, "https://oidc.eks.us-west-2.amazonaws.com/id/B02C93"));
        assert!(fits("https://a.*b/", "https://a.xbb/"));
        for url in [
            "https://oidc.eks.us-west-2.amazonaws.com/id/",
            "https://oidc.eks.a.b.amazonaws.com/id/B",
            "https://oidc.eks.a.amazonaws.com/id/B/c",
            "http://localhost?https://oidc.eks.a.amazonaws.com/id/B",
            "https://oidc.eks.a.amazonaws.com/id/B#x",
        ] {
            assert!(!fits(eks, url), "{url}");
        }
    }

    #[test]
    fn reads_both_spellings_and_refuses_contradictions() {
        let yaml = "oidc-issuers:\n  https://a.example:\n    client-id: sigstore\n    type: email\n";
        let issuers = Issuers::parse(yaml.as_bytes()).unwrap();
        assert_eq!(issuers.find("https://a.example").unwrap().challenge_claim(), "email");
        let json = r#"{"OIDCIssuers":{"https://b.example":{"IssuerURL":"https://b.example","ClientID":"sigstore","Type":"uri","SubjectDomain":"https://b.example"}}}"#;
        assert_eq!(Issuers::parse(json.as_bytes()).unwrap().find("https://b.example").unwrap().kind, IssuerType::Uri);
        for (settings, why) in [
            ("type: spiffe", "SPIFFETrustDomain"),
            ("type: spiffe, spiffe-trust-domain: A/b", "invalid"),
            ("type: uri", "SubjectDomain set"),
            ("type: uri, subject-domain: other.example", "scheme"),
            ("type: uri, subject-domain: 'http://a.example'", "schemes"),
            ("type: uri, subject-domain: 'https://a.other'", "do not match"),
            ("type: username, subject-domain: 'https://a.example'", "should not contain"),
            ("type: kubernetes, issuer-claim: $.x", "only email"),
            ("type: nonsense", "read"),
        ] {
            let yaml = format!("oidc-issuers: {{'https://a.example': {{client-id: sigstore, {settings}}}}}");
            let error = Issuers::parse(yaml.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{settings}: {error}");
        }
    }
}
