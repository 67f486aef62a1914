//! Names of ecosystems: OSV's, purl's and Grype's.

use crate::record::{Ecosystem, PackageName, Record};

/// Debian's releases that the tracker speaks of, by code name (as Grype's builder maps them).
const DEBIAN_RELEASES: &[(&str, &str)] = &[
    ("sid", "unstable"),
    ("duke", "15"),
    ("forky", "14"),
    ("trixie", "13"),
    ("bookworm", "12"),
    ("bullseye", "11"),
    ("buster", "10"),
    ("stretch", "9"),
    ("jessie", "8"),
    ("wheezy", "7"),
    ("squeeze", "6"),
    ("lenny", "5"),
    ("etch", "4"),
    ("sarge", "3.1"),
    ("woody", "3.0"),
];

/// The number of a Debian release by its code name; `None` for names that are no release (`experimental`).
#[must_use]
pub fn debian_release(code_name: &str) -> Option<&'static str> {
    DEBIAN_RELEASES.iter().find(|(name, _)| *name == code_name).map(|(_, number)| *number)
}

impl Ecosystem {
    /// Reads OSV's name of an ecosystem: `npm`, `Debian:12`, `Alpine:v3.18`, `Ubuntu:Pro:18.04:LTS`,
    /// `Red Hat:enterprise_linux:9::baseos`. Case does not matter. A name without a variant is kept in `Other`.
    #[must_use]
    pub fn from_osv(name: &str) -> Self {
        let (kind, rest) = name.split_once(':').unwrap_or((name, ""));
        let distro = |id: &str, release: &str| Self::Distro(id.to_owned(), release.to_owned());
        match kind.to_ascii_lowercase().as_str() {
            "npm" => Self::Npm,
            "pypi" | "pip" => Self::PyPi,
            "maven" => Self::Maven,
            "go" => Self::Go,
            "rubygems" | "gem" => Self::RubyGems,
            "crates.io" | "cargo" | "rust" => Self::Cargo,
            "packagist" | "composer" => Self::Packagist,
            "nuget" => Self::NuGet,
            "hex" | "erlang" => Self::Hex,
            "pub" => Self::Pub,
            "swifturl" | "swift" => Self::Swift,
            "cran" => Self::Cran,
            "conancenter" | "conan" => Self::Conan,
            "github actions" | "actions" => Self::GithubActions,
            "bitnami" => Self::Bitnami,
            "kubernetes" => Self::Kubernetes,
            "debian" if !rest.is_empty() => distro("debian", debian_release(rest).unwrap_or(rest)),
            "alpine" if !rest.is_empty() => distro("alpine", rest.strip_prefix('v').unwrap_or(rest)),
            "ubuntu" if !rest.is_empty() => ubuntu(rest),
            "almalinux" if !rest.is_empty() => distro("almalinux", rest),
            "rocky linux" if !rest.is_empty() => distro("rockylinux", rest),
            "red hat" if !rest.is_empty() => {
                red_hat_release(rest).map_or_else(|| Self::Other(name.to_owned()), |release| distro("redhat", &release))
            }
            "azure linux" if !rest.is_empty() => azure(rest),
            "mariner" if !rest.is_empty() => azure(rest),
            "wolfi" => distro("wolfi", "rolling"),
            "chainguard" => distro("chainguard", "rolling"),
            "minimos" => distro("minimos", "rolling"),
            "" => Self::Unknown,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// The namespace in which Grype reports findings of this ecosystem that come from `provider`
    /// (`MimicV5Namespace` in grype/db/v6/vulnerability.go, v0.121.2).
    #[must_use]
    pub fn namespace(&self, provider: &str) -> String {
        let language = match self {
            Self::Distro(id, release) => {
                let release = match id.as_str() {
                    "redhat" | "oraclelinux" => release.split('.').next().unwrap_or(release),
                    _ => release.split('+').next().unwrap_or(release),
                };
                return format!("{provider}:distro:{id}:{release}");
            }
            Self::Bitnami => return "bitnami".to_owned(),
            Self::Cpe | Self::Unknown => return format!("{provider}:cpe"),
            Self::Npm => "javascript",
            Self::PyPi => "python",
            Self::Maven => "java",
            Self::Go => "go",
            Self::RubyGems => "ruby",
            Self::Cargo => "rust",
            Self::Packagist => "php",
            Self::NuGet => "dotnet",
            Self::Hex => "hex",
            Self::Pub => "dart",
            Self::Swift => "swift",
            Self::Cran => "r-package",
            Self::Conan => "conan",
            Self::GithubActions => "github-action",
            Self::Kubernetes => "kubernetes",
            Self::Other(name) => name,
        };
        format!("{provider}:language:{language}")
    }
}

impl PackageName {
    /// A package by its publisher's name; PyPI names are normalized (PEP 503), the others kept in their case.
    #[must_use]
    pub fn new(ecosystem: Ecosystem, name: &str) -> Self {
        let name = if ecosystem == Ecosystem::PyPi { normalize_pypi(name) } else { name.to_owned() };
        Self { ecosystem, name, cpe: String::new() }
    }
}

impl Record {
    /// Sets the namespace from the first package hit.
    pub(crate) fn set_namespace(&mut self, provider: &str) {
        let unknown = Ecosystem::Unknown;
        let ecosystem = self.affected.first().map_or(&unknown, |affected| &affected.package.ecosystem);
        self.namespace = ecosystem.namespace(provider);
    }
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
fn normalize_pypi(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// `22.04:LTS`, `Pro:18.04:LTS`, `Pro:FIPS:18.04:LTS`, `25.10`.
fn ubuntu(rest: &str) -> Ecosystem {
    let release = rest.split(':').find(|part| part.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(rest);
    let channel = if rest.starts_with("Pro:") { "+esm" } else { "" };
    Ecosystem::Distro("ubuntu".to_owned(), format!("{release}{channel}"))
}

/// Microsoft's distribution, which changed its name with version 3.
fn azure(release: &str) -> Ecosystem {
    let id = if release.starts_with("1.") || release.starts_with("2.") { "mariner" } else { "azurelinux" };
    Ecosystem::Distro(id.to_owned(), release.to_owned())
}

/// The release that a Red Hat product names, from the part of its CPE after the vendor: `enterprise_linux:9::baseos`
/// is `9`, `rhel_eus:9.2::appstream` is `9.2+eus`. `None` for products that are no release of the distribution.
#[must_use]
pub fn red_hat_release(product: &str) -> Option<String> {
    let mut parts = product.split(':');
    let (name, version) = (parts.next()?, parts.next().unwrap_or_default());
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let channel = match name {
        "enterprise_linux" => return Some(version.split('.').next().unwrap_or(version).to_owned()),
        "rhel_eus" | "enterprise_linux_eus" => "eus",
        "rhel_eus_long_life" => "eus-long-life",
        "rhel_aus" => "aus",
        "rhel_tus" => "tus",
        "rhel_e4s" => "e4s",
        "rhel_els" => "els",
        _ => return None,
    };
    Some(format!("{version}+{channel}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(osv: &str, provider: &str, namespace: &str) {
        assert_eq!(Ecosystem::from_osv(osv).namespace(provider), namespace, "{osv}");
    }

    #[test]
    fn reads_osv_names_and_prints_grype_namespaces() {
        check("Debian:12", "debian", "debian:distro:debian:12");
        check("Debian:sid", "debian", "debian:distro:debian:unstable");
        check("Alpine:v3.18", "alpine", "alpine:distro:alpine:3.18");
        check("Alpine:edge", "alpine", "alpine:distro:alpine:edge");
        check("Ubuntu:22.04:LTS", "ubuntu", "ubuntu:distro:ubuntu:22.04");
        check("Ubuntu:25.10", "ubuntu", "ubuntu:distro:ubuntu:25.10");
        check("Ubuntu:Pro:18.04:LTS", "ubuntu", "ubuntu:distro:ubuntu:18.04");
        check("AlmaLinux:9", "alma", "alma:distro:almalinux:9");
        check("Rocky Linux:8", "rocky", "rocky:distro:rockylinux:8");
        check("Red Hat:enterprise_linux:7::client", "redhat", "redhat:distro:redhat:7");
        check("Red Hat:rhel_eus:9.2::baseos", "redhat", "redhat:distro:redhat:9");
        check("crates.io", "github", "github:language:rust");
        check("NuGet", "github", "github:language:dotnet");
        check("Bitnami", "bitnami", "bitnami");
        check("OSS-Fuzz", "osv", "osv:language:OSS-Fuzz");
        check("", "nvd", "nvd:cpe");
    }

    #[test]
    fn keeps_the_channel_in_the_release() {
        let release = |name| match Ecosystem::from_osv(name) {
            Ecosystem::Distro(_, release) => release,
            other => panic!("{other:?}"),
        };
        assert_eq!(release("Ubuntu:Pro:18.04:LTS"), "18.04+esm");
        assert_eq!(release("Red Hat:rhel_eus:9.2::baseos"), "9.2+eus");
        assert_eq!(release("Red Hat:enterprise_linux:10.1"), "10");
    }

    #[test]
    fn normalizes_pypi() {
        assert_eq!(PackageName::new(Ecosystem::PyPi, "Zope._.Interface-x").name, "zope-interface-x");
    }
}
