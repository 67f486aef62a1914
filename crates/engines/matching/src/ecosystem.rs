//! Ecosystems: their keys in the database, their namespaces, and which package types look where.

use advisory::Ecosystem;
use sbom::{Component, PackageType};

/// The key under which an ecosystem's packages are filed: `npm`, `debian:12`, `cpe`, ...
#[must_use]
pub fn key(ecosystem: &Ecosystem) -> String {
    match ecosystem {
        Ecosystem::Distro(id, release) => format!("{id}:{release}"),
        Ecosystem::Npm => "npm".to_owned(),
        Ecosystem::PyPi => "pypi".to_owned(),
        Ecosystem::Maven => "maven".to_owned(),
        Ecosystem::Go => "go".to_owned(),
        Ecosystem::RubyGems => "rubygems".to_owned(),
        Ecosystem::Cargo => "cargo".to_owned(),
        Ecosystem::Packagist => "packagist".to_owned(),
        Ecosystem::NuGet => "nuget".to_owned(),
        Ecosystem::Hex => "hex".to_owned(),
        Ecosystem::Pub => "pub".to_owned(),
        Ecosystem::Swift => "swift".to_owned(),
        Ecosystem::Cran => "cran".to_owned(),
        Ecosystem::Conan => "conan".to_owned(),
        Ecosystem::GithubActions => "github-actions".to_owned(),
        Ecosystem::Bitnami => "bitnami".to_owned(),
        Ecosystem::Kubernetes => "kubernetes".to_owned(),
        Ecosystem::Cpe => CPE.to_owned(),
        Ecosystem::Other(name) => format!("other/{}", name.to_ascii_lowercase()),
        _ => "unknown".to_owned(),
    }
}

/// Key of claims on CPEs, filed under `part:vendor:product`.
pub(crate) const CPE: &str = "cpe";

/// Grype's word for the language of an ecosystem, as its namespaces end in it.
fn language_of(key: &str) -> &str {
    match key {
        "npm" => "javascript",
        "pypi" => "python",
        "maven" => "java",
        "rubygems" => "ruby",
        "cargo" => "rust",
        "packagist" => "php",
        "nuget" => "dotnet",
        "pub" => "dart",
        "cran" => "r-package",
        "github-actions" => "github-action",
        other => other.strip_prefix("other/").unwrap_or(other),
    }
}

/// Grype's namespace of a claim: by the feed's own for the record's first package, else put together in the same way
/// (`grype/db/v6/vulnerability.go`, 0.121.2).
pub(crate) fn namespace(record_namespace: &str, source: &str, key: &str) -> String {
    let provider = record_namespace.split(':').next().filter(|part| !part.is_empty()).unwrap_or(source);
    if key == CPE {
        return format!("{provider}:cpe");
    }
    if key == "bitnami" {
        return "bitnami".to_owned();
    }
    match key.split_once(':') {
        Some((distro @ ("redhat" | "oraclelinux"), release)) => {
            format!("{provider}:distro:{distro}:{}", release.split(['.', '+']).next().unwrap_or(release))
        }
        Some((distro, release)) => {
            format!("{provider}:distro:{distro}:{}", release.split('+').next().unwrap_or(release))
        }
        None => format!("{provider}:language:{}", language_of(key)),
    }
}

/// Which language ecosystems hold advisories for a component of this type; none: only CPEs do.
pub(crate) fn keys_of(component: &Component) -> &'static [&'static str] {
    match component.kind {
        PackageType::Npm => &["npm"],
        PackageType::Python => &["pypi"],
        PackageType::JavaArchive | PackageType::JenkinsPlugin => &["maven"],
        PackageType::GoModule if component.name.starts_with("k8s.io/") => &["go", "kubernetes"],
        PackageType::GoModule => &["go"],
        PackageType::Gem => &["rubygems"],
        PackageType::Rust => &["cargo"],
        PackageType::PhpComposer => &["packagist"],
        PackageType::Dotnet => &["nuget"],
        PackageType::Hex | PackageType::ErlangOtp => &["hex"],
        PackageType::DartPub => &["pub"],
        PackageType::Swift => &["swift"],
        PackageType::R => &["cran"],
        PackageType::Conan => &["conan"],
        PackageType::GithubAction | PackageType::GithubActionWorkflow => &["github-actions"],
        PackageType::Bitnami => &["bitnami"],
        PackageType::Hackage => &["other/hackage"],
        PackageType::Opam => &["other/opam"],
        _ => &[],
    }
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`. Case does not matter, names are compared without it.
pub(crate) fn python_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_are_normalized() {
        for (name, want) in [
            ("PyYAML", "PyYAML"),
            ("oslo.concurrency", "oslo-concurrency"),
            ("", ""),
            ("test---1", "test-1"),
            ("AbCd.-__.--.-___.__.--1234____----....XyZZZ", "AbCd-1234-XyZZZ"),
        ] {
            assert_eq!(python_name(name), want);
        }
    }

    #[test]
    fn namespaces_are_the_peers() {
        for (record, source, key, want) in [
            ("debian:distro:debian:12", "debian", "debian:11", "debian:distro:debian:11"),
            ("github:language:java", "ghsa", "maven", "github:language:java"),
            ("github:language:java", "ghsa", "npm", "github:language:javascript"),
            ("nvd:cpe", "nvd", "cpe", "nvd:cpe"),
            ("", "glad", "pypi", "glad:language:python"),
            ("bitnami", "bitnami", "bitnami", "bitnami"),
        ] {
            assert_eq!(namespace(record, source, key), want);
        }
    }
}
