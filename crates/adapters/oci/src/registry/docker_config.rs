//! Credentials of Docker's and Podman's configuration (`config.json`, `auth.json`, docker-credential-helpers).

use super::options::is_same_registry;
use crate::Secret;
use crate::reference::DOCKER_HUB;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Largest file, and largest answer of a helper.
const MAX_BYTES: u64 = 1 << 20;
/// Helpers of clouds ask their service.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);

/// What to authenticate with.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// For basic authentication, and to ask for tokens.
    Login { username: Secret, password: Secret },
    /// Exchanged for tokens.
    IdentityToken(Secret),
    /// Sent as it is.
    Bearer(Secret),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFile {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// The credentials for `repository` of `registry`, from the first of the files that has some. `variable` gives the
/// environment's variables. A broken file or helper is logged and passed over.
pub(crate) fn find(registry: &str, repository: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Credentials> {
    files(variable).into_iter().find_map(|path| {
        let mut text = Zeroizing::new(Vec::new());
        File::open(&path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
        match serde_json::from_slice::<ConfigFile>(&text) {
            Ok(file) => file.credentials(registry, repository),
            Err(error) => {
                // The position alone: the message could quote a credential.
                tracing::warn!(path = %path.display(), line = error.line(), "malformed credentials file, ignored");
                None
            }
        }
    })
}

fn files(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let docker = variable("DOCKER_CONFIG").map(PathBuf::from);
    let docker = docker.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")));
    let podman = variable("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("containers/auth.json"));
    let named = variable("REGISTRY_AUTH_FILE").map(PathBuf::from);
    [docker.map(|folder| folder.join("config.json")), named.or(podman)].into_iter().flatten().collect()
}

impl ConfigFile {
    fn credentials(mut self, registry: &str, repository: &str) -> Option<Credentials> {
        let named = self.cred_helpers.iter().find(|(key, _)| is_same_registry(authority(key), registry));
        let helper = named.map_or(self.creds_store.as_str(), |(_, helper)| helper.as_str());
        let from_helper = if helper.is_empty() { None } else { ask(helper, registry) };
        from_helper.or_else(|| {
            // Podman's keys may name a part of a registry: the longest one that fits counts.
            let fits = |key: &&String| {
                let (host, path) = split_key(key);
                let rest = repository.strip_prefix(path);
                is_same_registry(host, registry)
                    && rest.is_some_and(|rest| path.is_empty() || matches!(rest.bytes().next(), None | Some(b'/')))
            };
            let key = self.auths.keys().filter(fits).max_by_key(|key| split_key(key).1.len())?.clone();
            self.auths.remove(&key)?.credentials()
        })
    }
}

/// Host and, for Podman, the repository's prefix. The paths of Docker's old keys are its API's versions.
fn split_key(key: &str) -> (&str, &str) {
    let plain = key.trim_start_matches("https://").trim_start_matches("http://");
    let (host, path) = plain.split_once('/').unwrap_or((plain, ""));
    let path = path.trim_end_matches('/');
    (host, if matches!(path, "v1" | "v2") { "" } else { path })
}

fn authority(key: &str) -> &str {
    split_key(key).0
}

impl Entry {
    fn credentials(self) -> Option<Credentials> {
        if !self.registrytoken.is_empty() {
            return Some(Credentials::Bearer(self.registrytoken.into()));
        }
        if !self.identitytoken.is_empty() {
            return Some(Credentials::IdentityToken(self.identitytoken.into()));
        }
        if self.auth.is_empty() {
            let has_login = !self.username.is_empty() && !self.password.is_empty();
            let (username, password) = (self.username.into(), self.password.into());
            return has_login.then_some(Credentials::Login { username, password });
        }
        let encoded = Secret::from(self.auth);
        let decoded = Zeroizing::new(STANDARD.decode(encoded.expose().trim()).ok()?);
        let (username, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        let password = password.trim_end_matches('\0').to_owned();
        Some(Credentials::Login { username: username.to_owned().into(), password: password.into() })
    }
}

/// Asks `docker-credential-{helper}` for a registry's credentials.
fn ask(helper: &str, registry: &str) -> Option<Credentials> {
    if !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        tracing::warn!(helper, "not the name of a credential helper, ignored");
        return None;
    }
    let server = if registry == DOCKER_HUB { "https://index.docker.io/v1/" } else { registry };
    match run(helper, server, HELPER_TIMEOUT) {
        Ok(answer) => {
            let answer: HelperAnswer = serde_json::from_slice(&answer).ok()?;
            let (username, secret) = (answer.username, Secret::from(answer.secret));
            match (username.as_str(), secret.is_empty()) {
                (_, true) | ("", _) => None,
                ("<token>", _) => Some(Credentials::IdentityToken(secret)),
                _ => Some(Credentials::Login { username: username.into(), password: secret }),
            }
        }
        Err(cause) => {
            tracing::warn!(helper, server, cause, "the credential helper gave nothing");
            None
        }
    }
}

fn run(helper: &str, server: &str, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| "it can't be started; is it on the PATH?")?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not read its input answers all the same.
        let _ = input.write_all(server.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut answer = Zeroizing::new(Vec::new());
            let result = output.take(MAX_BYTES).read_to_end(&mut answer).map(|_| answer);
            let _ = sender.send(result);
        });
    }
    let answer = receiver.recv_timeout(timeout);
    // After its answer it has nothing left to do.
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait();
    match (answer, status) {
        (Ok(Ok(answer)), Ok(status)) if status.success() => Ok(answer),
        (Err(_), _) => Err("it did not answer in time"),
        _ => Err("it has no credentials for this registry, or failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, registry: &str, repository: &str, expected: Option<(&str, &str)>) {
        let file: ConfigFile = serde_json::from_str(json).unwrap();
        let actual = file.credentials(registry, repository).map(|credentials| match credentials {
            Credentials::Login { username, password } => (username.expose().to_owned(), password.expose().to_owned()),
            Credentials::IdentityToken(token) => ("identity".to_owned(), token.expose().to_owned()),
            Credentials::Bearer(token) => ("bearer".to_owned(), token.expose().to_owned()),
        });
        let expected = expected.map(|(left, right)| (left.to_owned(), right.to_owned()));
        assert_eq!(actual, expected, "{json}");
    }

    #[test]
    fn entries() {
        let hub = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOnE="}}}"#;
        check(hub, DOCKER_HUB, "library/a", Some(("u", "p:q")));
        check(hub, "other.io", "a", None);
        check(r#"{"auths":{"a.io":{"identitytoken":"t"}}}"#, "a.io", "x", Some(("identity", "t")));
        check(r#"{"auths":{"a.io":{"registrytoken":"t"}}}"#, "a.io", "x", Some(("bearer", "t")));
        check(r#"{"auths":{"a.io":{"username":"u","password":"p"}}}"#, "a.io", "x", Some(("u", "p")));
        check(r#"{"auths":{"a.io":{"auth":"%%"}}}"#, "a.io", "x", None);
        let nested = r#"{"auths":{"a.io":{"auth":"YTph"},"a.io/team":{"auth":"Yjpi"}}}"#;
        check(nested, "a.io", "team/x", Some(("b", "b")));
        check(nested, "a.io", "teams/x", Some(("a", "a")));
        check(r#"{"credsStore":"../evil","auths":{"a.io":{"auth":"YTph"}}}"#, "a.io", "x", Some(("a", "a")));
    }

    #[test]
    fn nothing_prints() {
        let credentials =
            Credentials::Login { username: "canary-u".to_owned().into(), password: "canary-p".to_owned().into() };
        assert!(!format!("{credentials:?}").contains("canary"));
    }
}
