//! The record of a package in the shape of Syft's schema 16, and what follows from it.

use super::files::FileRecord;
use super::status::Entry;
use crate::catalogers::os::distro_qualifier;
use purl::PackageUrl;
use sbom::{Component, Distro, Language, License, PackageType, Upstream};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    package: &'a str,
    source: &'a str,
    version: &'a str,
    source_version: &'a str,
    architecture: &'a str,
    maintainer: &'a str,
    installed_size: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    provides: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    depends: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pre_depends: &'a [String],
    files: Option<Vec<OwnedFile<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnedFile<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<OwnedDigest<'a>>,
    is_config_file: bool,
}

#[derive(Serialize)]
struct OwnedDigest<'a> {
    algorithm: &'static str,
    value: &'a str,
}

/// The component for `entry` and its `files`, where they are known, without licences and locations.
///
/// # Errors
/// Never for these types; passed on from the JSON printer.
pub(super) fn component(
    entry: &Entry,
    files: Option<Vec<FileRecord>>,
    metadata_kind: &'static str,
    distro: Option<&Distro>,
) -> Result<Component, serde_json::Error> {
    let mut component = Component::new(PackageType::Deb, Language::Unknown, &entry.package, &entry.version);
    component.set_metadata(
        metadata_kind,
        &Record {
            package: &entry.package,
            source: &entry.source,
            version: &entry.version,
            source_version: &entry.source_version,
            architecture: &entry.architecture,
            maintainer: &entry.maintainer,
            installed_size: entry.installed_size,
            provides: &entry.provides,
            depends: &entry.depends,
            pre_depends: &entry.pre_depends,
            files: files.as_ref().map(|files| files.iter().map(owned_file).collect()),
        },
    )?;
    component.purl = purl(entry, distro);
    if !entry.source.is_empty() {
        let version = Some(&entry.source_version).filter(|version| !version.is_empty()).cloned();
        component.upstreams.push(Upstream { name: entry.source.clone(), version });
    }
    component.owned_files = files.into_iter().flatten().map(|file| file.path).filter(|path| !path.is_empty()).collect();
    Ok(component)
}

fn owned_file(file: &FileRecord) -> OwnedFile<'_> {
    let digest = Some(file.digest.as_str()).filter(|digest| !digest.is_empty());
    OwnedFile {
        path: &file.path,
        digest: digest.map(|value| OwnedDigest { algorithm: "md5", value }),
        is_config_file: file.is_config,
    }
}

/// Only Debian and what is like it has purls of type `deb`.
fn purl(entry: &Entry, distro: Option<&Distro>) -> String {
    let is_like_debian = |distro: &&Distro| distro.id == "debian" || distro.id_like.iter().any(|id| id == "debian");
    let Some(distro) = distro.filter(is_like_debian) else {
        return String::new();
    };
    let upstream = match (entry.source.as_str(), entry.source_version.as_str()) {
        (source, "") => source.to_owned(),
        ("", _) => String::new(),
        (source, version) => format!("{source}@{version}"),
    };
    PackageUrl::new("deb", &entry.package)
        .namespace(&distro.id)
        .version(&entry.version)
        .qualifier("arch", &entry.architecture)
        .qualifier("distro", distro_qualifier(distro))
        .qualifier("upstream", upstream)
        .to_string()
}

/// Licences of an opkg `License` field: one expression with `&` and `|`, or else names.
pub(super) fn declared_licenses(field: &str) -> Vec<License> {
    /// The peer's bound.
    const MAX_LENGTH: usize = 4096;
    if field.len() > MAX_LENGTH {
        return Vec::new();
    }
    let spelled = field.replace('&', " AND ").replace('|', " OR ");
    let words: Vec<&str> = spelled.split_whitespace().collect();
    let expression = words.join(" ").replace("( ", "(").replace(" )", ")");
    if expression.is_empty() {
        return Vec::new();
    }
    if !sbom::license::normalize(&expression).is_empty() {
        return vec![License::declared(expression)];
    }
    let mut names: Vec<&str> = expression.split([' ', '(', ')']).collect();
    names.retain(|name| !matches!(*name, "" | "AND" | "OR"));
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(License::declared).collect()
}

#[cfg(test)]
mod tests {
    use super::{component, declared_licenses};
    use crate::catalogers::dpkg::files::FileRecord;
    use crate::catalogers::dpkg::status::Entry;
    use sbom::Distro;

    #[test]
    fn shape() {
        let entry = Entry {
            package: "libc6".into(),
            source: "glibc".into(),
            version: "2.36-9+deb12u14".into(),
            source_version: "2.36-9".into(),
            architecture: "amd64".into(),
            installed_size: 13001,
            depends: vec!["libgcc-s1".into()],
            ..Entry::default()
        };
        let files = Some(vec![
            FileRecord { path: "/etc/a".into(), digest: String::new(), is_config: true },
            FileRecord { path: "/lib/b".into(), digest: "00ff".into(), is_config: false },
        ]);
        let distro = Distro { id: "debian".into(), version_id: "12".into(), ..Distro::default() };
        let made = component(&entry, files.clone(), "dpkg-db-entry", Some(&distro)).unwrap();
        assert_eq!(
            made.purl,
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12&upstream=glibc%402.36-9"
        );
        assert_eq!(made.owned_files, ["/etc/a", "/lib/b"]);
        assert_eq!(
            made.metadata.unwrap().json,
            "{\"package\":\"libc6\",\"source\":\"glibc\",\"version\":\"2.36-9+deb12u14\",\"sourceVersion\":\"2.36-9\",\
             \"architecture\":\"amd64\",\"maintainer\":\"\",\"installedSize\":13001,\"depends\":[\"libgcc-s1\"],\
             \"files\":[{\"path\":\"/etc/a\",\"isConfigFile\":true},\
             {\"path\":\"/lib/b\",\"digest\":{\"algorithm\":\"md5\",\"value\":\"00ff\"},\"isConfigFile\":false}]}"
        );
        let other = Distro { id: "openwrt".into(), ..Distro::default() };
        assert_eq!(component(&entry, files, "dpkg-db-entry", Some(&other)).unwrap().purl, "");
    }

    #[test]
    fn licenses() {
        for (field, expected) in [
            ("", &[][..]),
            ("GPL-2.0-only", &["GPL-2.0-only"]),
            ("GPL-2.0-only & ( MIT | Zlib )", &["GPL-2.0-only AND (MIT OR Zlib)"]),
            ("Own & (Other | Own)", &["Other", "Own"]),
        ] {
            let found: Vec<String> = declared_licenses(field).into_iter().map(|license| license.value).collect();
            assert_eq!(found, expected, "{field}");
        }
    }
}
