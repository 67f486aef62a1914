//! How registries are reached: the peers' `registry` section of the configuration (Syft 1.57.0, Grype 0.121.2).

use crate::Secret;
use crate::reference::DOCKER_HUB;
use std::path::PathBuf;
use std::time::Duration;

/// How registries are reached. The default is HTTPS with the system's certificates and Docker's credentials.
#[derive(Debug, Default)]
pub struct RegistryOptions {
    /// `insecure-skip-tls-verify`: certificates are not checked.
    pub insecure_skip_tls_verify: bool,
    /// `insecure-use-http`: plain HTTP is tried where HTTPS fails.
    pub insecure_use_http: bool,
    /// `ca-cert`: a PEM file, or a folder of `*.crt`, `*.cert` and `*.pem`, trusted besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// `auth`: these come before Docker's configuration.
    pub auth: Vec<RegistryCredentials>,
    /// Tried in order before the registry itself.
    pub mirrors: Vec<Mirror>,
    /// How long a silent registry is waited for.
    pub timeouts: Timeouts,
}

/// An entry of `auth`.
#[derive(Debug, Default)]
pub struct RegistryCredentials {
    /// The registry; empty: every registry, after those named.
    pub authority: String,
    /// For basic authentication, with the password.
    pub username: Secret,
    /// For basic authentication, with the user name.
    pub password: Secret,
    /// Sent as it is, instead of user name and password.
    pub token: Secret,
    /// A PEM file with the client's certificate.
    pub tls_cert: Option<PathBuf>,
    /// A PEM file with the client's key.
    pub tls_key: Option<PathBuf>,
}

/// A registry that answers for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The registry it answers for, as in [`Reference::registry`](crate::Reference::registry).
    pub registry: String,
    /// `host[:port][/prefix]`; the repository's name follows the prefix.
    pub location: String,
}

/// How long a silent registry is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the next byte.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30) }
    }
}

impl RegistryOptions {
    /// Puts the credentials of `{prefix}_REGISTRY_AUTH_{AUTHORITY,USERNAME,PASSWORD,TOKEN,TLS_CERT,TLS_KEY}` first, as
    /// the peers do. `variable` gives a variable's value; `prefix` is `SYFT` or `GRYPE`.
    pub fn add_environment(&mut self, prefix: &str, variable: impl Fn(&str) -> Option<String>) {
        let value = |name: &str| variable(&format!("{prefix}_REGISTRY_AUTH_{name}")).unwrap_or_default();
        let path = |name: &str| Some(value(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
        let credentials = RegistryCredentials {
            authority: value("AUTHORITY"),
            username: value("USERNAME").into(),
            password: value("PASSWORD").into(),
            token: value("TOKEN").into(),
            tls_cert: path("TLS_CERT"),
            tls_key: path("TLS_KEY"),
        };
        let has_login = credentials.has_login();
        if has_login || !credentials.token.is_empty() || credentials.client_certificate().is_some() {
            self.auth.insert(0, credentials);
        }
    }

    /// The entries of `auth` for `registry`: those that name it first.
    pub(crate) fn credentials(&self, registry: &str) -> impl Iterator<Item = &RegistryCredentials> {
        let named = self.auth.iter().filter(move |entry| is_same_registry(&entry.authority, registry));
        named.chain(self.auth.iter().filter(|entry| entry.authority.is_empty()))
    }
}

impl RegistryCredentials {
    pub(crate) fn has_login(&self) -> bool {
        !self.username.is_empty() && !self.password.is_empty()
    }

    pub(crate) fn client_certificate(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert.as_ref().zip(self.tls_key.as_ref())
    }
}

/// Whether two names mean the same registry; Docker Hub has several.
pub(crate) fn is_same_registry(left: &str, right: &str) -> bool {
    let hub = [DOCKER_HUB, "docker.io", "registry-1.docker.io"];
    left == right || (hub.contains(&left) && hub.contains(&right))
}
