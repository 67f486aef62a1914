//! Name and version from an archive's file name (Syft 1.57, `java/archive_filename.go`).

use regex::Regex;
use sbom::PackageType;
use std::sync::LazyLock;

/// What a group of a name must look like to be the version: begins with a digit, `build1`, `r1` or `rc1`.
const VERSION: &str = r"(?:[0-9].*|build[0-9]+.*|rc?[0-9]+(?:^[[:alpha:]].*)?)";

/// What the file name tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) extension: &'a str,
}

impl<'a> FileName<'a> {
    /// Reads the last part of `path`.
    pub(super) fn parse(path: &'a str) -> Self {
        static DASHED: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let name = r"(?:[[:alpha:]][[:word:].]*(?:\.[[:alpha:]][[:word:].]*)*-?)+";
            Regex::new(&format!("(?Ui)^({name})(?:-({VERSION}))?$")).ok()
        });
        // Some put `_` or `.` before the version.
        static OTHERWISE: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(&format!("(?:[._-]({VERSION}))?$")).ok());
        let base = path.rsplit('/').next().unwrap_or(path);
        let (stem, extension) = base.rsplit_once('.').unwrap_or((base, ""));
        let group = |found: &regex::Captures<'a>, index: usize| found.get(index).map_or("", |group| group.as_str());
        let found = DASHED.as_ref().and_then(|pattern| pattern.captures(stem));
        let mut name = found.as_ref().map_or("", |found| group(found, 1));
        let mut version = found.as_ref().map_or("", |found| group(found, 2));
        if version.is_empty()
            && let Some(found) = OTHERWISE.as_ref().and_then(|pattern| pattern.captures(name))
        {
            version = group(&found, 1);
            if !version.is_empty() {
                name = name.get(..name.len().saturating_sub(version.len() + 1)).unwrap_or_default();
            }
        }
        Self { name, version, extension }
    }

    /// The kind of package that the extension stands for.
    pub(super) fn kind(&self) -> PackageType {
        match self.extension.to_ascii_lowercase().as_str() {
            "jar" | "war" | "ear" | "lpkg" | "par" | "sar" | "nar" | "kar" | "rar" | "zap" => PackageType::JavaArchive,
            "jpi" | "hpi" => PackageType::JenkinsPlugin,
            _ => PackageType::Unknown,
        }
    }

    /// The artifact: of `group.artifact` the last part, but Eclipse names its artifacts like that.
    pub(super) fn artifact(&self) -> &'a str {
        let starts_identifier = |part: &str| part.chars().next().is_some_and(|c| c.is_alphabetic() || "_$".contains(c));
        if !self.name.starts_with("org.eclipse.") && self.name.split('.').all(starts_identifier) {
            return self.name.rsplit('.').next().unwrap_or(self.name);
        }
        self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions() {
        // Expectations from running the peer.
        for (path, name, version) in [
            ("pkg-maven-4.3.2.blerg", "pkg-maven", "4.3.2"),
            ("/a/b/some-package-4.0.1.jar", "some-package", "4.0.1"),
            ("prefix.thing-4.jar", "prefix.thing", "4"),
            ("my-http2-server-5.jar", "my-http2-server", "5"),
            ("jetpack-build235-rc5.jar", "jetpack", "build235-rc5"),
            ("ironman-r4-2009.jar", "ironman-r4", "2009"),
            ("spring-boot-starter-webflux-3.0.2-20241210.jar", "spring-boot-starter-webflux", "3.0.2-20241210"),
            ("wagon-webdav-1.0.2-beta-2.2.3a-hudson.war", "wagon-webdav", "1.0.2-beta-2.2.3a-hudson"),
            ("spring-core_5.3.1.jar", "spring-core", "5.3.1"),
            ("hudson.plugins.git.1.2.jpi", "hudson.plugins.git", "1.2"),
            ("log4j.jar", "log4j", ""),
            ("2.jar", "", ""),
            ("noextension", "noextension", ""),
            ("gradle-build-cache-8.1.1.jar", "gradle-build-cache", "8.1.1"),
            ("kotlin-stdlib-jdk8-1.8.0.jar", "kotlin-stdlib-jdk8", "1.8.0"),
        ] {
            let found = FileName::parse(path);
            assert_eq!((found.name, found.version), (name, version), "{path}");
        }
    }

    #[test]
    fn artifacts() {
        for (path, expected) in [
            ("org.apache.commons.logging-1.2.jar", "logging"),
            ("org.eclipse.core.jobs-1.2.jar", "org.eclipse.core.jobs"),
            ("a-b-1.jar", "a-b"),
            ("a..b-1.jar", "a..b"),
        ] {
            assert_eq!(FileName::parse(path).artifact(), expected, "{path}");
        }
    }
}
