//! The name of an image in a registry (Docker's rules, distribution/reference v0.6).

use crate::OciError;
use std::fmt;
use std::str::FromStr;

/// The canonical name of Docker Hub, the registry of names without one.
pub const DOCKER_HUB: &str = "index.docker.io";
/// Longest reference that is looked at: a host, a repository of 255 bytes, a tag of 128 and a digest.
const MAX_REFERENCE: usize = 1024;
const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// `registry/repository[:tag][@digest]`, each part valid and made explicit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Host and, where given, port; Docker Hub is always [`DOCKER_HUB`].
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// With `library/` where Docker Hub implies it.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// `latest` where neither tag nor digest is given; none where only a digest is.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `sha256:...`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What a registry is asked for: the digest, or else the tag.
    #[must_use]
    pub fn identifier(&self) -> &str {
        self.digest().or(self.tag()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, OciError> {
        let failed = |cause| OciError::Reference { reference: text.chars().take(200).collect(), cause };
        if text.len() > MAX_REFERENCE {
            return Err(failed("it is too long"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (registry, path) = split_registry(name);
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if !is_authority(registry) {
            return Err(failed("its registry is not a host with an optional port"));
        }
        let implied = if registry == DOCKER_HUB && !path.contains('/') { "library/" } else { "" };
        let repository = format!("{implied}{path}");
        if !is_repository(&repository) {
            return Err(failed("a repository has lower case letters, digits and the separators . _ - / between them"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(failed("a tag has up to 128 letters, digits, . _ - and starts with none of . -"));
        }
        if !digest.is_none_or(is_digest) {
            return Err(failed("a digest is sha256: and 64 lower case hexadecimal digits, or sha512: and 128"));
        }
        let tag = tag.or(if digest.is_none() { Some("latest") } else { None });
        let (tag, digest) = (tag.map(str::to_owned), digest.map(str::to_owned));
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }
}

/// The first component is a registry where it looks like a host: a dot, a port, `localhost`, or upper case, which no
/// repository has.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("docker.io" | "index.docker.io", path)) => (DOCKER_HUB, path),
        Some((host, path))
            if host.contains(['.', ':'])
                || host == "localhost"
                || host.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (host, path)
        }
        _ => (DOCKER_HUB, name),
    }
}

/// A host name or address, and a port. Nothing that could end the host of a URL early passes.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address are not a port's.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.len() <= 253
                && host.split('.').all(|label| {
                    !label.is_empty()
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                })
        }
    };
    is_host && port.is_none_or(is_port)
}

fn is_repository(text: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_component = |part: &str| {
        part.bytes().next().is_some_and(is_alphanumeric)
            && part.bytes().last().is_some_and(is_alphanumeric)
            && part.bytes().all(|byte| is_alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-'))
            && !part.contains("..")
    };
    text.len() <= MAX_REPOSITORY && text.split('/').all(is_component)
}

fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let length = match text.split_once(':') {
        Some(("sha256", hex)) => (hex, 64),
        Some(("sha512", hex)) => (hex, 128),
        _ => return false,
    };
    length.0.len() == length.1 && length.0.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn check(text: &str, expected: Option<&str>) {
        let actual = text.parse::<Reference>().ok().map(|reference| reference.to_string());
        assert_eq!(actual.as_deref(), expected, "{text}");
    }

    #[test]
    fn docker_rules() {
        let with_digest = format!("index.docker.io/library/alpine@{DIGEST}");
        let with_both = format!("localhost:5000/a:1@{DIGEST}");
        for (text, expected) in [
            ("alpine", "index.docker.io/library/alpine:latest"),
            ("alpine:3.20", "index.docker.io/library/alpine:3.20"),
            ("docker.io/alpine", "index.docker.io/library/alpine:latest"),
            ("docker.io/library/alpine", "index.docker.io/library/alpine:latest"),
            ("index.docker.io/a/b", "index.docker.io/a/b:latest"),
            ("a/b:c", "index.docker.io/a/b:c"),
            ("quay.io/a/b/c__d-e.f:V_1.2-3", "quay.io/a/b/c__d-e.f:V_1.2-3"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("myhost:5000/a:b", "myhost:5000/a:b"),
            ("MyHost/a", "MyHost/a:latest"),
            ("127.0.0.1:80/a", "127.0.0.1:80/a:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("[::1]/a", "[::1]/a:latest"),
            (&format!("alpine@{DIGEST}"), &with_digest),
            (&with_both, &with_both),
        ] {
            check(text, Some(expected));
        }
    }

    #[test]
    fn refused() {
        let long = "a".repeat(256);
        let long_tag = format!("a:{}", "t".repeat(129));
        for text in [
            "",
            "/a",
            "a/",
            "a//b",
            "Alpine",
            "a b",
            "a:",
            "a:.b",
            "a@",
            "a@sha256:zz",
            "a@md5:00",
            "host.io:port/a",
            "host.io:99999/a",
            "user@host.io/a",
            "host.io?x/a",
            "a/../b",
            "-a.io/b",
            "[::1/a",
            &long,
            &long_tag,
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn stable_and_never_panics(text in "\\PC{0,80}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().ok(), Some(reference));
            }
        }

        #[test]
        fn printing_parses(text in "([a-z]{1,5}(\\.[a-z]{1,3})?(:[0-9]{1,4})?/)?[a-z0-9]{1,5}(/[a-z]{1,4})?(:[a-zA-Z0-9._-]{1,8})?") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().ok(), Some(reference));
            }
        }
    }
}
