//! Which distribution release a component belongs to, and under which keys the database has its advisories.

use jiff::civil::Date;
use std::collections::BTreeMap;

/// A release of a distribution, in Grype's words (`grype/distro`, 0.121.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Grype's type, for example `debian`, `redhat`, `amazonlinux`.
    pub distro: String,
    /// `12`, `22.04`, `3.18.4`; empty for rolling ones.
    pub version: String,
    /// `bookworm`; may be empty.
    pub codename: String,
    /// Support channels: `eus`, `esm`.
    pub channels: Vec<String>,
    /// `ID_LIKE`, in Grype's words where it has one.
    pub id_like: Vec<String>,
    /// `SUPPORT_END`, where it is a date.
    pub support_end: Option<Date>,
}

/// `os-release` identifiers and Grype's types.
const TYPES: &[(&str, &str)] = &[
    ("debian", "debian"),
    ("ubuntu", "ubuntu"),
    ("rhel", "redhat"),
    ("centos", "centos"),
    ("fedora", "fedora"),
    ("alpine", "alpine"),
    ("busybox", "busybox"),
    ("amzn", "amazonlinux"),
    ("ol", "oraclelinux"),
    ("arch", "archlinux"),
    ("opensuse-leap", "opensuseleap"),
    ("sles", "sles"),
    ("photon", "photon"),
    ("echo", "echo"),
    ("mariner", "mariner"),
    ("azurelinux", "azurelinux"),
    ("rocky", "rockylinux"),
    ("almalinux", "almalinux"),
    ("gentoo", "gentoo"),
    ("wolfi", "wolfi"),
    ("chainguard", "chainguard"),
    ("minimos", "minimos"),
    ("raspbian", "raspbian"),
    ("scientific", "scientific"),
    ("secureos", "secureos"),
    ("postmarketos", "postmarketos"),
    ("hummingbird", "hummingbird"),
];

/// Other spellings of identifiers.
const OTHER_SPELLINGS: &[(&str, &str)] =
    &[("Alpine Linux", "alpine"), ("windows", "windows"), ("scientific linux", "scientific")];

/// Distributions without releases.
const ROLLING: &[&str] = &["wolfi", "chainguard", "secureos", "archlinux", "minimos", "echo", "hummingbird"];

/// Releases of postmarketOS and the Alpine releases they are made from.
const POSTMARKETOS: &[(&str, &str)] = &[
    ("25.12", "3.23"),
    ("25.06", "3.22"),
    ("24.12", "3.21"),
    ("24.06", "3.20"),
    ("23.12", "3.19"),
    ("23.06", "3.18"),
    ("22.12", "3.17"),
    ("22.06", "3.16"),
    ("21.12", "3.15"),
    ("21.06", "3.14"),
    ("21.03", "3.13"),
    ("20.05", "3.12"),
    ("edge", "edge"),
];

fn type_of(id: &str) -> Option<&'static str> {
    TYPES.iter().chain(OTHER_SPELLINGS).find(|(known, _)| *known == id).map(|(_, distro)| *distro)
}

impl Release {
    /// From `os-release`: by ID, then ID_LIKE, then NAME. `None` where none of them is known.
    #[must_use]
    pub fn of(found: &sbom::Distro) -> Option<Self> {
        let likes = found.id_like.iter().find_map(|like| type_of(like));
        let distro = type_of(&found.id).or(likes).or_else(|| type_of(&found.name))?;
        let versions = [found.version_id.as_str(), found.version.as_str()];
        let version = versions.into_iter().find(|version| looks_like_a_version(version)).unwrap_or(&found.version_id);
        let mut release = Self::with_version(distro, version);
        release.codename.clone_from(&found.version_codename);
        release.id_like =
            found.id_like.iter().map(|like| type_of(like).map_or_else(|| like.clone(), str::to_owned)).collect();
        release.support_end = found.support_end.trim().parse().ok();
        let channel = match found.id.as_str() {
            "rhel" if release.major().is_some_and(|major| major >= 8) => Some("eus"),
            "ubuntu" => Some("esm"),
            _ => None,
        };
        release.channels.retain(|stated| Some(stated.as_str()) == channel);
        if let Some(channel) = channel.filter(|_| found.extended_support && release.channels.is_empty()) {
            release.channels.push(channel.to_owned());
        }
        Some(release)
    }

    /// From a user's words or a purl's qualifier: `debian:12`, `ubuntu-jammy`, `rhel@9.4+eus`, `opensuse-leap-15.5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let leap = "opensuse-leap";
        let is_leap = text.get(..leap.len()).is_some_and(|head| head.eq_ignore_ascii_case(leap));
        let from = if is_leap { leap.len() } else { 0 };
        let separator = text.get(from..)?.find(['-', ':', '@']).map(|at| at + from);
        let (name, version) = match separator {
            Some(at) => (text.get(..at)?.trim(), text.get(at + 1..)?.trim()),
            None => (text, ""),
        };
        if name.is_empty() {
            return None;
        }
        let distro = type_of(name).unwrap_or(name);
        let base = version.split('+').next().unwrap_or_default();
        let mut release = Self::with_version(distro, version);
        if !base.bytes().any(|byte| byte.is_ascii_digit()) {
            release.codename = std::mem::take(&mut release.version);
        }
        release.id_like = vec![distro.to_owned()];
        Some(release)
    }

    fn with_version(distro: &str, version: &str) -> Self {
        let (version, channels) = version.split_once('+').unwrap_or((version, ""));
        let channels = channels.split([',', '+']).map(|channel| channel.trim().to_ascii_lowercase());
        Self {
            distro: distro.to_owned(),
            version: version.trim_start_matches('v').to_owned(),
            channels: channels.filter(|channel| !channel.is_empty()).collect(),
            ..Self::default()
        }
    }

    /// Version, else code name, with the channels: what Grype shows.
    #[must_use]
    pub fn version_text(&self) -> String {
        let version = if self.version.is_empty() { &self.codename } else { &self.version };
        match self.channels.join(",") {
            channels if channels.is_empty() => version.clone(),
            channels => format!("{version}+{channels}"),
        }
    }

    /// Name and version, with the `os-release` name: `debian 12`, `rhel 9.4`.
    #[must_use]
    pub fn display(&self) -> String {
        let id = TYPES.iter().find(|(_, distro)| *distro == self.distro).map_or(self.distro.as_str(), |(id, _)| id);
        format!("{id} {}", self.version_text())
    }

    fn numbers(&self) -> (Option<u32>, Option<u32>) {
        let mut parts = self.version.split('.').map(|part| part.parse().ok());
        (parts.next().flatten(), parts.next().flatten())
    }

    pub(crate) fn major(&self) -> Option<u32> {
        self.numbers().0
    }

    pub(crate) fn minor(&self) -> Option<u32> {
        self.numbers().1
    }

    /// Whether the distribution's advisories also list what is not fixed, so that what it owns need not be looked up
    /// elsewhere (`comprehensiveDistros` in grype/pkg/package.go, 0.121.2).
    pub(crate) fn is_comprehensive(&self) -> bool {
        const COMPREHENSIVE: &[&str] = &["archlinux", "azurelinux", "debian", "mariner", "redhat", "sles", "ubuntu"];
        let known = |name: &String| COMPREHENSIVE.contains(&name.as_str());
        self.distro != "amazonlinux" && (known(&self.distro) || self.id_like.iter().any(known))
    }
}

fn looks_like_a_version(text: &str) -> bool {
    text.split('.').next().is_some_and(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The releases that the database knows, by distribution.
#[derive(Debug, Default)]
pub(crate) struct KnownReleases<'a> {
    by_distro: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Where a release's advisories are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Keys whose claims are facts about the release, most specific distribution first.
    pub(crate) base: Vec<String>,
    /// Keys of support channels, with fixes on top.
    pub(crate) channels: Vec<String>,
    /// What to tell the user where the release itself is not known.
    pub(crate) note: Option<String>,
}

impl<'a> KnownReleases<'a> {
    pub(crate) fn new(ecosystems: &[&'a str]) -> Self {
        let mut by_distro: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (distro, release) in ecosystems.iter().filter_map(|key| key.split_once(':')) {
            by_distro.entry(distro).or_default().push(release);
        }
        Self { by_distro }
    }

    /// The keys to ask for a release.
    pub(crate) fn keys(&self, release: &Release) -> Keys {
        let mut keys = Keys::default();
        let postmarketos = (release.distro == "postmarketos").then(|| postmarketos_base(release)).flatten();
        let release = postmarketos.as_ref().unwrap_or(release);
        for distro in families(&release.distro) {
            let Some(known) = self.by_distro.get(distro) else { continue };
            match pick(known, distro, release) {
                Picked::Same(found) => {
                    let with = |channel: &String| format!("{found}+{channel}");
                    let known = |key: &String| known.contains(&key.as_str());
                    let channels = release.channels.iter().map(with).filter(known);
                    keys.channels.extend(channels.map(|found| format!("{distro}:{found}")));
                    keys.base.push(format!("{distro}:{found}"));
                    // What Red Hat says of a minor release goes before what it says of the major one; both hold.
                    let major = found.split('.').next().unwrap_or(found);
                    if distro == "redhat" && major != found && known(&major.to_owned()) {
                        keys.base.push(format!("{distro}:{major}"));
                    }
                }
                Picked::Near(found) => {
                    keys.base.push(format!("{distro}:{found}"));
                    keys.note =
                        Some(format!("no advisories for {}; those of {distro} {found} were used", release.display()));
                }
                Picked::None => {}
            }
        }
        if keys.base.is_empty() {
            keys.note = Some(format!("no advisories for {}", release.display()));
        }
        keys
    }
}

/// The distribution itself, then those whose advisories hold for it too (`KnownOperatingSystemSpecifierOverrides` in
/// grype/db/v6/data.go, 0.121.2).
fn families(distro: &str) -> Vec<&str> {
    match distro {
        "centos" | "rockylinux" | "almalinux" | "scientific" => vec![distro, "redhat"],
        "raspbian" => vec!["raspbian", "debian"],
        other => vec![other],
    }
}

fn postmarketos_base(release: &Release) -> Option<Release> {
    let named = if release.version.is_empty() { &release.codename } else { &release.version };
    let (_, alpine) = POSTMARKETOS.iter().find(|(theirs, _)| theirs == named)?;
    Some(Release { distro: "alpine".to_owned(), version: (*alpine).to_owned(), ..Release::default() })
}

enum Picked<'a> {
    /// The release itself.
    Same(&'a str),
    /// Another of the same major version.
    Near(&'a str),
    None,
}

fn pick<'a>(known: &[&'a str], distro: &str, release: &Release) -> Picked<'a> {
    let find = |wanted: &str| known.iter().copied().find(|have| have.eq_ignore_ascii_case(wanted));
    if ROLLING.contains(&distro) {
        return find("rolling").map_or(Picked::None, Picked::Same);
    }
    if distro == "alpine" && (release.version.contains("_alpha") || release.codename == "edge") {
        return find("edge").map_or(Picked::None, Picked::Same);
    }
    let mut parts: Vec<&str> = release.version.split('.').filter(|part| !part.is_empty()).collect();
    while !parts.is_empty() {
        if let Some(found) = find(&parts.join(".")) {
            return Picked::Same(found);
        }
        // `3.0` where the feed says `3`, and the other way round.
        if let [major] = parts.as_slice()
            && let Some(found) = find(&format!("{major}.0"))
        {
            return Picked::Same(found);
        }
        parts.pop();
    }
    let named = [release.codename.as_str(), number_of_codename(distro, &release.codename)];
    let named = named.into_iter().filter(|name| !name.is_empty()).find_map(find);
    let unstable = ["unstable", "sid"].into_iter().find_map(find);
    let unstable = unstable.filter(|_| distro == "debian" && matches!(release.codename.as_str(), "sid" | "forky"));
    if let Some(found) = named.or(unstable) {
        return Picked::Same(found);
    }
    nearest(known, release).map_or(Picked::None, Picked::Near)
}

/// Of the same major version: the newest before, else the oldest after.
fn nearest<'a>(known: &[&'a str], release: &Release) -> Option<&'a str> {
    let (major, minor) = release.numbers();
    let (major, minor) = (major?, minor?);
    let numbered = known.iter().filter_map(|have| {
        let (theirs, rest) = have.split_once('.')?;
        let same = theirs.parse() == Ok(major);
        Some((rest.parse::<u32>().ok()?, *have)).filter(|_| same)
    });
    let (before, after): (Vec<_>, Vec<_>) = numbered.partition(|(theirs, _)| *theirs <= minor);
    before.into_iter().max().or_else(|| after.into_iter().min()).map(|(_, have)| have)
}

fn number_of_codename(distro: &str, codename: &str) -> &'static str {
    match (distro, codename) {
        ("debian", "buster") => "10",
        ("debian", "bullseye") => "11",
        ("debian", "bookworm") => "12",
        ("debian", "trixie") => "13",
        ("debian", "forky") => "14",
        ("ubuntu", "trusty") => "14.04",
        ("ubuntu", "xenial") => "16.04",
        ("ubuntu", "bionic") => "18.04",
        ("ubuntu", "focal") => "20.04",
        ("ubuntu", "jammy") => "22.04",
        ("ubuntu", "noble") => "24.04",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &[
        "alpine:3.18",
        "alpine:3.20",
        "alpine:edge",
        "debian:12",
        "debian:unstable",
        "ubuntu:22.04",
        "ubuntu:16.04",
        "ubuntu:16.04+esm",
        "redhat:8",
        "redhat:8.9",
        "redhat:9",
        "almalinux:9",
        "wolfi:rolling",
        "azurelinux:3.0",
        "mariner:2.0",
        "npm",
    ];

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let keys = KnownReleases::new(KNOWN).keys(&Release::parse(text).unwrap());
        let found: Vec<_> = keys.base.iter().chain(&keys.channels).map(String::as_str).collect();
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn releases_find_their_advisories() {
        check("alpine:3.18.4", &["alpine:3.18"]);
        check("alpine-3.20_alpha20231219", &["alpine:edge"]);
        check("alpine:3.24.0", &["alpine:3.20"]);
        check("alpine:3.10", &["alpine:3.18"]);
        check("postmarketos:23.06", &["alpine:3.18"]);
        check("debian@12.5", &["debian:12"]);
        check("debian:bookworm", &["debian:12"]);
        check("debian:sid", &["debian:unstable"]);
        check("debian:7", &[]);
        check("raspbian:12", &["debian:12"]);
        check("ubuntu-jammy", &["ubuntu:22.04"]);
        check("ubuntu:16.04+esm", &["ubuntu:16.04", "ubuntu:16.04+esm"]);
        check("rhel:9.4", &["redhat:9"]);
        check("rhel:8.9", &["redhat:8.9", "redhat:8"]);
        check("rhel:8.10", &["redhat:8"]);
        check("rocky:9.4", &["redhat:9"]);
        check("almalinux:9.4", &["almalinux:9", "redhat:9"]);
        check("wolfi:20230201", &["wolfi:rolling"]);
        check("azurelinux:3.0.20240727", &["azurelinux:3.0"]);
        check("mariner:2.0", &["mariner:2.0"]);
    }

    #[test]
    fn os_release_is_understood() {
        let found = |id: &str, version_id: &str, like: &[&str]| {
            let id_like = like.iter().map(|like| (*like).to_owned()).collect();
            let distro = sbom::Distro {
                id: id.to_owned(),
                version_id: version_id.to_owned(),
                id_like,
                ..sbom::Distro::default()
            };
            Release::of(&distro).map(|release| release.display())
        };
        for (id, version, like, want) in [
            ("debian", "12", &[][..], Some("debian 12")),
            ("linuxmint", "21", &["ubuntu", "debian"], Some("ubuntu 21")),
            ("rhel", "9.4", &["fedora"], Some("rhel 9.4")),
            ("amzn", "2023", &["fedora"], Some("amzn 2023")),
            ("unheard-of", "1", &[], None),
        ] {
            assert_eq!(found(id, version, like).as_deref(), want);
        }
        let extended = sbom::Distro {
            id: "ubuntu".to_owned(),
            version_id: "16.04".to_owned(),
            extended_support: true,
            ..sbom::Distro::default()
        };
        assert_eq!(Release::of(&extended).unwrap().version_text(), "16.04+esm");
    }
}
