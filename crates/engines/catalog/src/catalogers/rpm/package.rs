//! One rpm package: from a header, to Syft's record and component.

use crate::catalogers::os::{clean_path, declared, distro_qualifier};
use crate::rpmdb::Signature;
use crate::rpmdb::header::{Header, tag};
use purl::PackageUrl;
use sbom::{Component, Distro, Language, PackageType, Upstream};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `metadataType` of an installed package.
pub(super) const INSTALLED: &str = "rpm-db-entry";
/// `metadataType` of a package file.
pub(super) const ARCHIVE: &str = "rpm-archive";

/// What is kept of a header.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Package<'a> {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) epoch: Option<i32>,
    pub(super) architecture: String,
    pub(super) source_rpm: String,
    pub(super) signatures: Vec<Signature>,
    pub(super) size: i64,
    pub(super) vendor: String,
    pub(super) license: String,
    /// None for what is not from a header.
    pub(super) modularity_label: Option<String>,
    pub(super) provides: Vec<String>,
    pub(super) requires: Vec<String>,
    pub(super) digest_algorithm: Option<i32>,
    /// None for what is not from a header.
    #[serde(borrow)]
    pub(super) files: Option<Vec<FileRecord<'a>>>,
}

/// A file that a package says it owns. The field order is that of Syft's record.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    pub(super) mode: u16,
    pub(super) size: i32,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) user: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) group: Cow<'a, str>,
    pub(super) flags: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    epoch: Option<i32>,
    architecture: &'a str,
    release: &'a str,
    source_rpm: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [Signature],
    size: i64,
    vendor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    modularity_label: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    provides: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    requires: &'a [String],
    files: Option<Vec<OwnedFile<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnedFile<'a> {
    path: &'a str,
    mode: u16,
    size: i32,
    digest: OwnedDigest<'a>,
    user_name: &'a str,
    group_name: &'a str,
    flags: String,
}

#[derive(Serialize)]
struct OwnedDigest<'a> {
    algorithm: &'static str,
    value: &'a str,
}

impl<'a> Package<'a> {
    /// Takes what is kept from the `header` of an installed package.
    pub(super) fn new(header: &Header<'a>) -> Self {
        let stated = |tag| {
            let text = header.text(tag);
            if text == "(none)" { String::new() } else { text.into_owned() }
        };
        let list = |tag| header.texts(tag).into_iter().map(Cow::into_owned).collect();
        let signatures = [tag::PGP, tag::RSA_HEADER].map(|tag| Signature::parse(header.binary(tag)));
        Self {
            name: header.text(tag::NAME).into_owned(),
            version: header.text(tag::VERSION).into_owned(),
            release: header.text(tag::RELEASE).into_owned(),
            epoch: header.numbers(tag::EPOCH).next(),
            architecture: header.text(tag::ARCH).into_owned(),
            source_rpm: stated(tag::SOURCE_RPM),
            signatures: signatures.into_iter().flatten().collect(),
            size: header.numbers(tag::SIZE).next().map_or(0, i64::from),
            vendor: stated(tag::VENDOR),
            license: stated(tag::LICENSE),
            modularity_label: Some(header.text(tag::MODULARITY_LABEL).into_owned()),
            provides: list(tag::PROVIDES),
            requires: list(tag::REQUIRES),
            digest_algorithm: header.numbers(tag::FILE_DIGEST_ALGORITHM).next(),
            files: Some(files(header)),
        }
    }

    /// `epoch:version-release`, without the epoch where none is stated.
    pub(super) fn full_version(&self) -> String {
        let epoch = self.epoch.map_or_else(String::new, |epoch| format!("{epoch}:"));
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// The component, without location.
    ///
    /// # Errors
    /// Never for these types; passed on from the JSON printer.
    pub(super) fn component(
        &self,
        metadata_kind: &'static str,
        distro: Option<&Distro>,
    ) -> Result<Component, serde_json::Error> {
        let mut component = Component::new(PackageType::Rpm, Language::Unknown, &self.name, self.full_version());
        component.set_metadata(metadata_kind, &self.record(metadata_kind == ARCHIVE))?;
        component.licenses = declared(&[&self.license]);
        component.purl = self.purl(distro);
        component.upstreams = source_package(&self.source_rpm).filter(|up| up.name != self.name).into_iter().collect();
        let paths = self.files.iter().flatten().map(|file| file.path.as_ref().to_owned());
        component.owned_files = paths.collect();
        Ok(component)
    }

    fn record(&self, is_archive: bool) -> Record<'_> {
        let algorithm = match self.digest_algorithm {
            None if is_archive => "",
            number => digest_algorithm(number.unwrap_or_default()),
        };
        let algorithm_of = |digest: &str| if is_archive && digest.is_empty() { "" } else { algorithm };
        Record {
            name: &self.name,
            version: &self.version,
            epoch: self.epoch,
            architecture: &self.architecture,
            release: &self.release,
            source_rpm: &self.source_rpm,
            signatures: &self.signatures,
            size: self.size,
            vendor: &self.vendor,
            modularity_label: self.modularity_label.as_deref(),
            provides: &self.provides,
            requires: &self.requires,
            files: self
                .files
                .as_ref()
                .map(|files| files.iter().map(|file| owned_file(file, algorithm_of(&file.digest))).collect()),
        }
    }

    fn purl(&self, distro: Option<&Distro>) -> String {
        let namespace = match distro.map_or("", |distro| distro.id.as_str()) {
            "rhel" | "hummingbird" => "redhat",
            id if id.starts_with("opensuse") => "opensuse",
            id => id,
        };
        PackageUrl::new("rpm", &self.name)
            .namespace(namespace)
            .version(format!("{}-{}", self.version, self.release))
            .qualifier("arch", &self.architecture)
            .qualifier("distro", distro.map_or_else(String::new, distro_qualifier))
            .qualifier("epoch", self.epoch.map_or_else(String::new, |epoch| epoch.to_string()))
            .qualifier("upstream", &self.source_rpm)
            .to_string()
    }
}

fn owned_file<'r>(file: &'r FileRecord<'_>, algorithm: &'static str) -> OwnedFile<'r> {
    OwnedFile {
        path: &file.path,
        mode: file.mode,
        size: file.size,
        digest: OwnedDigest { algorithm, value: &file.digest },
        user_name: &file.user,
        group_name: &file.group,
        flags: flags(file.flags),
    }
}

/// The file list; empty where its parts don't fit each other, as the peer.
fn files<'a>(header: &Header<'a>) -> Vec<FileRecord<'a>> {
    let folders = header.texts(tag::FOLDER_NAMES);
    let names = header.texts(tag::BASE_NAMES);
    let folder_of: Vec<i32> = header.numbers(tag::FOLDER_INDICES).collect();
    if folder_of.len() != names.len() {
        return Vec::new();
    }
    let paths = names.iter().zip(folder_of).map(|(name, folder)| {
        let folder = folders.get(usize::try_from(folder).ok()?)?;
        Some(clean_path(&format!("{folder}/{name}")))
    });
    let Some(mut paths) = paths.collect::<Option<Vec<String>>>() else {
        return Vec::new();
    };
    if paths.is_empty() {
        // Packages from before rpm 4.
        paths = header.texts(tag::OLD_FILE_NAMES).into_iter().map(Cow::into_owned).collect();
    }
    let mut digests = header.texts(tag::FILE_DIGESTS).into_iter();
    let mut users = header.texts(tag::FILE_USERS).into_iter();
    let mut groups = header.texts(tag::FILE_GROUPS).into_iter();
    let mut modes = header.small_numbers(tag::FILE_MODES);
    let mut sizes = header.numbers(tag::FILE_SIZES);
    let mut flags = header.numbers(tag::FILE_FLAGS);
    let records = paths.into_iter().map(|path| FileRecord {
        path: Cow::Owned(path),
        mode: modes.next().unwrap_or_default(),
        size: sizes.next().unwrap_or_default(),
        digest: digests.next().unwrap_or_default(),
        user: users.next().unwrap_or_default(),
        group: groups.next().unwrap_or_default(),
        flags: flags.next().unwrap_or_default(),
    });
    records.collect()
}

/// Names of OpenPGP's hash algorithms as rpm numbers them.
fn digest_algorithm(number: i32) -> &'static str {
    match number {
        1 => "md5",
        2 => "sha1",
        3 => "ripemd160",
        5 => "md2",
        6 => "tiger192",
        7 => "haval-5-160",
        8 => "sha256",
        9 => "sha384",
        10 => "sha512",
        11 => "sha224",
        _ => "unknown-digest-algorithm",
    }
}

/// One letter for each flag, in the order in which `rpm -V` prints them.
fn flags(bits: i32) -> String {
    const LETTERS: [(u32, char); 9] =
        [(1, 'd'), (0, 'c'), (5, 's'), (3, 'm'), (4, 'n'), (6, 'g'), (7, 'l'), (8, 'r'), (12, 'a')];
    LETTERS.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, letter)| *letter).collect()
}

/// Name and version of `bash-5.1.8-6.el9.src.rpm`.
fn source_package(file_name: &str) -> Option<Upstream> {
    let (stem, architecture) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let is_architecture = architecture.len() > 1 && architecture.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_architecture && !name.is_empty())
        .then(|| Upstream { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
}

#[cfg(test)]
mod tests {
    use super::{INSTALLED, Package, flags, source_package};
    use sbom::Distro;

    fn check(package: &Package<'_>, distro: &str, version: &str, purl: &str) {
        let distro = Distro { id: distro.into(), version_id: "9".into(), ..Distro::default() };
        let component = package.component(INSTALLED, Some(&distro)).unwrap();
        assert_eq!(component.version, version);
        assert_eq!(component.purl, purl);
    }

    #[test]
    fn identity() {
        let mut package = Package {
            name: "bash".into(),
            version: "5.1.8".into(),
            release: "6.el9".into(),
            architecture: "x86_64".into(),
            source_rpm: "bash-5.1.8-6.el9.src.rpm".into(),
            ..Package::default()
        };
        let end = "bash@5.1.8-6.el9?arch=x86_64&distro=";
        let upstream = "&upstream=bash-5.1.8-6.el9.src.rpm";
        check(&package, "rhel", "5.1.8-6.el9", &format!("pkg:rpm/redhat/{end}rhel-9{upstream}"));
        check(&package, "opensuse-leap", "5.1.8-6.el9", &format!("pkg:rpm/opensuse/{end}opensuse-leap-9{upstream}"));
        package.epoch = Some(2);
        check(&package, "rocky", "2:5.1.8-6.el9", &format!("pkg:rpm/rocky/{end}rocky-9&epoch=2{upstream}"));
        assert!(package.component(INSTALLED, None).unwrap().upstreams.is_empty());
        package.name = "bash-doc".into();
        assert_eq!(package.component(INSTALLED, None).unwrap().upstreams[0].name, "bash");
    }

    #[test]
    fn file_flags() {
        for (bits, letters) in [(0, ""), (1, "c"), (1 | 1 << 4, "cn"), (2 | 1 << 12, "da"), (-1, "dcsmnglra")] {
            assert_eq!(flags(bits), letters);
        }
    }

    #[test]
    fn source_packages() {
        for (file_name, expected) in [
            ("gcc-c++-11.4-1.el9.src.rpm", Some(("gcc-c++", "11.4-1.el9"))),
            ("", None),
            ("(none)", None),
            ("bash-5.src.rpm", None),
        ] {
            let found = source_package(file_name).map(|up| (up.name, up.version.unwrap()));
            assert_eq!(found, expected.map(|(name, version)| (name.into(), version.into())), "{file_name}");
        }
    }
}
