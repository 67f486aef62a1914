//! External references of a component (Syft `format/internal/cyclonedxutil/helpers/external_references.go`).

use super::bom::{Hash, Reference};
use crate::Component;
use crate::record::Record;
use purl::PackageUrl;
use serde::Deserialize;
use std::borrow::Cow;

/// The purl of the source package; known from 1.6 on.
pub(super) const SOURCE_DISTRIBUTION: &str = "source-distribution";

#[derive(Deserialize)]
struct ArchiveDigest {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DirectUrl {
    url: String,
    commit_id: String,
}

pub(super) fn of_component<'d>(component: &Component, record: &Record<'d>) -> Vec<Reference<'d>> {
    let mut found = Vec::new();
    let mut site = |kind, url: Cow<'d, str>| {
        if has_host(&url) {
            found.push(Reference::new(kind, url));
        }
    };
    match record.kind {
        "apk-db-entry" => site("distribution", record.text("url")),
        "javascript-npm-package" => {
            site("distribution", record.text("url"));
            site("website", record.text("homepage"));
        }
        "ruby-gemspec" => site("website", record.text("homepage")),
        "rust-cargo-lock-entry" => {
            let source = record.text("source");
            if !source.is_empty() {
                found.push(Reference::new("distribution", source));
            }
        }
        "java-archive" => {
            let digests: Vec<ArchiveDigest> = record.get("digest").unwrap_or_default();
            found.extend(digests.into_iter().filter_map(|digest| {
                let algorithm = hash_algorithm(&digest.algorithm)?.into();
                let hashes = vec![Hash { algorithm, hex: digest.value.into() }];
                Some(Reference { hashes, ..Reference::new("build-meta", "") })
            }));
        }
        "python-package" => {
            let origin: DirectUrl = record.get("directUrlOrigin").unwrap_or_default();
            if !origin.url.is_empty() {
                let comment = match origin.commit_id.as_str() {
                    "" => Cow::Borrowed(""),
                    commit => format!("commit: {commit}").into(),
                };
                found.push(Reference { comment, ..Reference::new("vcs", origin.url) });
            }
        }
        _ => {}
    }
    found.extend(source_package(component, record).map(|purl| Reference::new(SOURCE_DISTRIBUTION, purl)));
    found
}

/// The name of a digest algorithm in CycloneDX.
pub(super) fn hash_algorithm(algorithm: &str) -> Option<&'static str> {
    Some(match algorithm.to_ascii_lowercase().replace('-', "").as_str() {
        "md5" => "MD5",
        "sha1" => "SHA-1",
        "sha256" => "SHA-256",
        "sha384" => "SHA-384",
        "sha512" => "SHA-512",
        "blake2b256" => "BLAKE2b-256",
        "blake2b384" => "BLAKE2b-384",
        "blake2b512" => "BLAKE2b-512",
        "blake3" => "BLAKE3",
        _ => return None,
    })
}

/// References must be IRIs that lead somewhere.
fn has_host(url: &str) -> bool {
    let host = || {
        let (scheme, rest) = url.split_once("://")?;
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = !url.contains(|c: char| c.is_control() || matches!(c, ' ' | '<' | '>' | '"' | '\\' | '^' | '`'));
        Some(scheme_ok && !host.is_empty() && plain)
    };
    host().unwrap_or_default()
}

/// The purl of the distribution's source package, where it is not the package itself by name and version. Only deb and
/// rpm publish source packages with an identity of their own.
fn source_package(component: &Component, record: &Record<'_>) -> Option<String> {
    let purl: PackageUrl = component.purl.parse().ok()?;
    let (kind, name, version, arch, own_name, own_version) = match record.kind {
        "dpkg-db-entry" | "dpkg-archive-entry" => {
            let stated = record.text("sourceVersion");
            let version = if stated.is_empty() { record.text("version") } else { stated };
            let own = (record.text("package"), record.text("version"));
            ("deb", record.text("source").into_owned(), version.into_owned(), "source", own.0, own.1)
        }
        "rpm-db-entry" | "rpm-archive" => {
            let file = record.text("sourceRpm");
            let (stem, arch) = match file.strip_suffix(".src.rpm") {
                Some(stem) => (stem, "src"),
                None => (file.strip_suffix(".nosrc.rpm")?, "nosrc"),
            };
            let (rest, release) = stem.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            let own_version = format!("{}-{}", record.text("version"), record.text("release"));
            let version = format!("{version}-{release}");
            ("rpm", name.to_owned(), version, arch, record.text("name"), own_version.into())
        }
        _ => return None,
    };
    let same = name == own_name && version == own_version;
    if purl.kind() != kind || name.is_empty() || version.is_empty() || same {
        return None;
    }
    let kept = purl
        .qualifiers()
        .iter()
        .filter(|(key, _)| key == "distro" || (kind == "rpm" && matches!(key.as_str(), "epoch" | "rpmmod")));
    let source = PackageUrl::new(kind, name).namespace(purl.namespace()).version(version);
    let source = kept.fold(source, |source, (key, value)| source.qualifier(key, value)).qualifier("arch", arch);
    Some(source.build().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    fn check(purl: &str, kind: &'static str, json: &str, expected: &[(&str, &str)]) {
        let metadata = Some(Metadata { kind: kind.into(), json: json.to_owned() });
        let component = Component { purl: purl.to_owned(), metadata, ..Component::default() };
        let found = of_component(&component, &Record::of(&component));
        let shown: Vec<_> = found.iter().map(|r| (r.kind.as_ref(), r.url.as_ref())).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn source_packages() {
        let purl = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc";
        let json = r#"{"package":"libc6","source":"glibc","version":"2.36-9","sourceVersion":""}"#;
        let expected = "pkg:deb/debian/glibc@2.36-9?arch=source&distro=debian-12";
        check(purl, "dpkg-db-entry", json, &[(SOURCE_DISTRIBUTION, expected)]);
        check(purl, "dpkg-db-entry", r#"{"package":"libc6","source":"","version":"2.36-9"}"#, &[]);
        check(purl, "rpm-db-entry", r#"{"name":"a","sourceRpm":"b-1-2.src.rpm"}"#, &[]);

        let purl = "pkg:rpm/rhel/openssl-libs@3.0.7-1.el9?arch=x86_64&distro=rhel-9&epoch=1";
        let json =
            r#"{"name":"openssl-libs","version":"3.0.7","release":"1.el9","sourceRpm":"openssl-3.0.7-1.el9.src.rpm"}"#;
        let expected = "pkg:rpm/rhel/openssl@3.0.7-1.el9?arch=src&distro=rhel-9&epoch=1";
        check(purl, "rpm-db-entry", json, &[(SOURCE_DISTRIBUTION, expected)]);
    }

    #[test]
    fn only_addresses_with_a_host() {
        let json = r#"{"url":"git://h.example/a.git","homepage":"not an address"}"#;
        check("", "javascript-npm-package", json, &[("distribution", "git://h.example/a.git")]);
        check("", "apk-db-entry", r#"{"url":"https:///path"}"#, &[]);
        check("", "apk-db-entry", r#"{"url":"https://h.example/a b"}"#, &[]);
    }
}
