//! The schemes and their names.

use std::fmt;

/// How the versions of an ecosystem are written and ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Bitnami components: numbers alone, the packager's revision has no weight.
    Bitnami,
    /// CRAN.
    Cran,
    /// Debian, Ubuntu and what descends from them.
    Deb,
    /// RubyGems.
    Gem,
    /// Only the text is known.
    Generic,
    /// Go modules and toolchains.
    Go,
    /// Hackage.
    Hackage,
    /// Java runtimes.
    Jvm,
    /// Windows updates: equal or not.
    Kb,
    /// Maven.
    Maven,
    /// NuGet.
    NuGet,
    /// Packagist (Composer).
    Packagist,
    /// Arch Linux.
    Pacman,
    /// Python.
    Pep440,
    /// Gentoo.
    Portage,
    /// Pub (Dart).
    Pub,
    /// Red Hat, SUSE, Amazon and all else that uses rpm.
    Rpm,
    /// npm, Cargo, Hex, Swift, Conan, GitHub Actions and others.
    Semver,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 19] = [
        Self::Apk,
        Self::Bitnami,
        Self::Cran,
        Self::Deb,
        Self::Gem,
        Self::Generic,
        Self::Go,
        Self::Hackage,
        Self::Jvm,
        Self::Kb,
        Self::Maven,
        Self::NuGet,
        Self::Packagist,
        Self::Pacman,
        Self::Pep440,
        Self::Portage,
        Self::Pub,
        Self::Rpm,
        Self::Semver,
    ];

    /// The scheme of a name as Grype (`version/format.go`), purl types or OSV ecosystems have it, any case; an OSV
    /// ecosystem's release (`Debian:12`) may follow. [`Scheme::Generic`] for all that is not known.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let name = name.split(':').next().unwrap_or(name).to_ascii_lowercase();
        match name.as_str() {
            "apk" | "alpine" | "alpaquita" | "chainguard" | "minimos" | "wolfi" => Self::Apk,
            "bitnami" => Self::Bitnami,
            "cran" | "r-package" => Self::Cran,
            "deb" | "dpkg" | "debian" | "ubuntu" | "echo" => Self::Deb,
            "gem" | "rubygems" => Self::Gem,
            "go" | "golang" | "go-module" => Self::Go,
            "hackage" | "haskell" => Self::Hackage,
            "jvm" | "jre" | "jdk" | "openjdk" | "jep223" => Self::Jvm,
            "kb" | "msrc-kb" => Self::Kb,
            "maven" | "java-archive" | "jenkins-plugin" => Self::Maven,
            "nuget" | "dotnet" => Self::NuGet,
            "packagist" | "composer" | "php-composer" => Self::Packagist,
            "pacman" | "alpm" | "arch" => Self::Pacman,
            "pypi" | "python" | "pep440" => Self::Pep440,
            "portage" | "ebuild" | "gentoo" => Self::Portage,
            "pub" | "dart-pub" => Self::Pub,
            "rpm" | "red hat" | "redhat" | "almalinux" | "rocky linux" | "mageia" | "openeuler" | "opensuse"
            | "suse" | "azure linux" | "photon os" => Self::Rpm,
            "semantic"
            | "semver"
            | "npm"
            | "cargo"
            | "crates.io"
            | "hex"
            | "swift"
            | "swifturl"
            | "conan"
            | "conancenter"
            | "cocoapods"
            | "github actions"
            | "github"
            | "julia"
            | "bioconductor"
            | "ghc"
            | "docker hardened images"
            | "rust-crate" => Self::Semver,
            _ => Self::Generic,
        }
    }

    /// The name that Grype prints after a constraint, `< 1.0 (semantic)`. Several schemes share Grype's `semantic`.
    #[must_use]
    pub fn grype_name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Bitnami => "bitnami",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Generic => "unknown",
            Self::Go => "go",
            Self::Jvm => "jvm",
            Self::Kb => "kb",
            Self::Maven => "maven",
            Self::Pacman => "pacman",
            Self::Pep440 => "python",
            Self::Portage => "portage",
            Self::Rpm => "rpm",
            Self::Cran | Self::Hackage | Self::NuGet | Self::Packagist | Self::Pub | Self::Semver => "semantic",
        }
    }
}

impl fmt::Display for Scheme {
    /// The usual name of the ecosystem or scheme, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cran => "CRAN",
            Self::Hackage => "Hackage",
            Self::NuGet => "NuGet",
            Self::Packagist => "Packagist",
            Self::Pub => "Pub",
            Self::Pep440 => "PEP 440",
            Self::Generic => "generic",
            other => other.grype_name(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Scheme;

    #[test]
    fn names() {
        for (name, scheme) in [
            ("Debian:12", Scheme::Deb),
            ("Rocky Linux:9", Scheme::Rpm),
            ("crates.io", Scheme::Semver),
            ("PyPI", Scheme::Pep440),
            ("dpkg", Scheme::Deb),
            ("go-module", Scheme::Go),
            ("what", Scheme::Generic),
        ] {
            assert_eq!(Scheme::of_name(name), scheme, "{name}");
        }
        for scheme in Scheme::ALL {
            let name = scheme.grype_name();
            assert!(name == "semantic" || Scheme::of_name(name) == scheme, "{name}");
        }
    }
}
