//! The sources of advisories, as data.

/// How a source's later states are had without taking everything again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incremental {
    /// A request that asks for the file only when it has changed (`If-None-Match`, `If-Modified-Since`).
    Conditional,
    /// The same, and beside each yearly file a `.meta` file with its SHA-256.
    ConditionalWithMeta,
}

/// A source.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Its name in the configuration and in records.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// SPDX expression, or a sentence where there is none.
    pub licence: &'static str,
    /// What the terms ask for; empty: nothing beyond the licence.
    pub terms: &'static str,
    /// Where it is published. Empty: it comes with another source's files, or from a folder only.
    pub addresses: &'static [&'static str],
    /// How it is updated.
    pub incremental: Incremental,
    /// Whether it is taken when the configuration does not speak of it.
    pub enabled: bool,
}

/// From this day on Wolfi's advisories are under terms that forbid commercial scanners.
pub const WOLFI_LAST_FREE_DAY: &str = "2025-05-07";

const OSV: &[&str] = &[
    "https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Maven/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Go/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/RubyGems/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/crates.io/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Packagist/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/NuGet/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Hex/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Pub/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/SwiftURL/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/CRAN/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/GitHub%20Actions/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Bitnami/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Ubuntu/all.zip",
];

const ALPINE: &[&str] = &[
    "https://secdb.alpinelinux.org/edge/main.json",
    "https://secdb.alpinelinux.org/edge/community.json",
    "https://secdb.alpinelinux.org/v3.23/main.json",
    "https://secdb.alpinelinux.org/v3.23/community.json",
    "https://secdb.alpinelinux.org/v3.22/main.json",
    "https://secdb.alpinelinux.org/v3.22/community.json",
    "https://secdb.alpinelinux.org/v3.21/main.json",
    "https://secdb.alpinelinux.org/v3.21/community.json",
    "https://secdb.alpinelinux.org/v3.20/main.json",
    "https://secdb.alpinelinux.org/v3.20/community.json",
    "https://secdb.alpinelinux.org/v3.19/main.json",
    "https://secdb.alpinelinux.org/v3.19/community.json",
    "https://secdb.alpinelinux.org/v3.18/main.json",
    "https://secdb.alpinelinux.org/v3.18/community.json",
    "https://secdb.alpinelinux.org/v3.17/main.json",
    "https://secdb.alpinelinux.org/v3.17/community.json",
    "https://secdb.alpinelinux.org/v3.16/main.json",
    "https://secdb.alpinelinux.org/v3.16/community.json",
];

const NVD: &[&str] = &["https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-{year}.json.gz"];

/// A source that is updated by conditional requests and taken unless the configuration says otherwise.
const fn open(
    name: &'static str,
    title: &'static str,
    licence: &'static str,
    terms: &'static str,
    addresses: &'static [&'static str],
) -> Source {
    Source { name, title, licence, terms, addresses, incremental: Incremental::Conditional, enabled: true }
}

/// Every source, in the order of their names. Records of OSV's files carry the name of their own publisher.
pub const SOURCES: &[Source] = &[
    open("almalinux", "AlmaLinux errata", "MIT", "", &[]),
    open("alpine", "Alpine security database", "Facts; no licence file", "", ALPINE),
    open(
        "azurelinux",
        "Azure Linux and CBL-Mariner OVAL",
        "MIT",
        "",
        &[
            "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/azurelinux-3.0-oval.xml",
            "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/cbl-mariner-2.0-oval.xml",
        ],
    ),
    open("bitnami", "Bitnami vulnerability database", "Apache-2.0", "", &[]),
    Source {
        enabled: false,
        ..open(
            "chainguard",
            "Chainguard security database",
            "Chainguard's own licence",
            "Forbids use in commercial scanners",
            &["https://packages.cgr.dev/chainguard/security.json"],
        )
    },
    open("cran", "R Consortium advisory database", "Apache-2.0", "", &[]),
    open(
        "cve",
        "CVE records with CISA's Vulnrichment",
        "CVE terms of use; CC0-1.0 for Vulnrichment",
        "",
        &["https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip"],
    ),
    open(
        "debian",
        "Debian security tracker, DSA and DLA lists",
        "Facts; published without restriction, no licence file",
        "",
        &[
            "https://security-tracker.debian.org/tracker/data/json",
            "https://salsa.debian.org/security-tracker-team/security-tracker/raw/master/data/DSA/list",
            "https://salsa.debian.org/security-tracker-team/security-tracker/raw/master/data/DLA/list",
        ],
    ),
    open("endoflife", "Ends of life of distributions", "MIT", "", &["https://endoflife.date/api/v1/products/full"]),
    open(
        "epss",
        "Exploit prediction scores",
        "Free with attribution",
        "Attribution: FIRST, https://www.first.org/epss",
        &["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"],
    ),
    open(
        "friendsofphp",
        "FriendsOfPHP security advisories",
        "Unlicense",
        "",
        &["https://github.com/FriendsOfPHP/security-advisories/archive/refs/heads/master.zip"],
    ),
    open("ghsa", "GitHub advisory database", "CC-BY-4.0", "Attribution: GitHub", &[]),
    open("gitlab", "GitLab advisory database, open source edition", "MIT", "", &[]),
    open(
        "govulndb",
        "Go vulnerability database",
        "CC-BY-4.0",
        "Attribution: The Go Authors",
        &["https://vuln.go.dev/vulndb.zip"],
    ),
    open(
        "kev",
        "CISA's known exploited vulnerabilities",
        "CC0-1.0",
        "",
        &["https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"],
    ),
    open(
        "kubernetes",
        "Official Kubernetes CVE feed",
        "CC-BY-4.0",
        "Attribution: The Kubernetes Authors",
        &["https://kubernetes.io/docs/reference/issues-security/official-cve-feed/index.json"],
    ),
    Source {
        incremental: Incremental::ConditionalWithMeta,
        ..open(
            "nvd",
            "National Vulnerability Database",
            "Public domain",
            "This product uses data from the NVD API but is not endorsed or certified by the NVD.",
            NVD,
        )
    },
    open("osv", "OSV.dev: language and distribution ecosystems", "CC-BY-4.0 and each publisher's own", "", OSV),
    open("pypa", "PyPA advisory database", "CC-BY-4.0", "Attribution: PyPA", &[]),
    open(
        "redhat",
        "Red Hat CSAF advisories and VEX",
        "CC-BY-4.0",
        "Attribution: Red Hat",
        &["https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"],
    ),
    open("rocky", "Rocky Linux errata", "BSD-3-Clause", "", &[]),
    open(
        "rubysec",
        "ruby-advisory-db",
        "Public domain",
        "",
        &["https://github.com/rubysec/ruby-advisory-db/archive/refs/heads/master.zip"],
    ),
    open("rustsec", "RustSec advisory database", "CC0-1.0", "", &[]),
    open("ubuntu", "Ubuntu security notices", "CC-BY-SA-4.0", "Attribution: Canonical", &[]),
    Source {
        enabled: false,
        ..open(
            "wolfi",
            "Wolfi advisories",
            "Apache-2.0 until 2025-05-07; CC-BY-NC-ND-4.0 and Chainguard's own licence since",
            "What is newer than 2025-05-07 forbids use in commercial scanners",
            &["https://packages.wolfi.dev/os/security.json"],
        )
    },
];

impl Source {
    /// The source by its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_addresses_are_https() {
        assert!(SOURCES.is_sorted_by(|a, b| a.name < b.name));
        for address in SOURCES.iter().flat_map(|source| source.addresses) {
            assert!(address.starts_with("https://"), "{address}");
        }
        assert!(!Source::by_name("chainguard").unwrap().enabled);
    }
}
