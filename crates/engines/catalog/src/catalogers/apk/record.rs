//! The `installed` file: paragraphs of `letter:value` lines (apk-installed(5)).

use crate::ParseError;
use crate::catalogers::os::{clean_path, declared};
use sbom::{Component, Language, PackageType, Upstream};
use serde::{Deserialize, Serialize};

/// One package. The order of the fields is that of Syft's record.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    package: String,
    origin_package: String,
    maintainer: String,
    version: String,
    architecture: String,
    url: String,
    description: String,
    size: i64,
    installed_size: i64,
    pull_dependencies: Vec<String>,
    provides: Vec<String>,
    pull_checksum: String,
    git_commit_of_apk_port: String,
    files: Vec<OwnedFile>,
    /// One expression, or else names.
    #[serde(skip)]
    licenses: Vec<String>,
    #[serde(skip)]
    pub(super) rest: Rest,
    #[serde(skip)]
    latest: Latest,
}

/// What assembly needs of a package besides its component.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    pub(super) architecture: String,
    pub(super) origin: String,
    pub(super) provides: Vec<String>,
    pub(super) depends: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnedFile {
    path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    owner_uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    owner_gid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    permissions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<OwnedDigest>,
}

#[derive(Debug, Serialize)]
struct OwnedDigest {
    algorithm: &'static str,
    value: String,
}

/// Indices of what the next lines are about.
#[derive(Debug, Default)]
struct Latest {
    folder: Option<usize>,
    file: Option<usize>,
}

/// Packages of one database. Alpine has 30,000.
const MAX_PACKAGES: usize = 200_000;

/// Reads every paragraph into `into`.
///
/// # Errors
/// Where lines are no fields; the others have been read.
pub(super) fn parse(text: &str, into: &mut Vec<Package>) -> Result<(), ParseError> {
    let mut bad_lines = 0;
    let mut current: Option<Package> = None;
    for line in text.lines() {
        if line.is_empty() {
            into.extend(current.take().map(Package::finished));
            if into.len() >= MAX_PACKAGES {
                return Err(ParseError::Limit { what: "packages", limit: MAX_PACKAGES as u64 });
            }
            continue;
        }
        match line.split_once(':').filter(|(name, _)| !name.is_empty()) {
            Some((_, "")) => {}
            Some((name, value)) => current.get_or_insert_default().set(name, value),
            None => bad_lines += 1,
        }
    }
    into.extend(current.map(Package::finished));
    if bad_lines > 0 {
        return Err(ParseError::malformed(format!("unable to parse field data from {bad_lines} lines")));
    }
    Ok(())
}

impl Package {
    fn set(&mut self, field: &str, value: &str) {
        let text = match field {
            "P" => &mut self.package,
            "o" => &mut self.origin_package,
            "m" => &mut self.maintainer,
            "V" => &mut self.version,
            "A" => &mut self.architecture,
            "U" => &mut self.url,
            "T" => &mut self.description,
            "C" => &mut self.pull_checksum,
            "c" => &mut self.git_commit_of_apk_port,
            "L" => {
                self.licenses = licenses(value);
                return;
            }
            "S" => {
                self.size = value.parse().unwrap_or(self.size);
                return;
            }
            "I" => {
                self.installed_size = value.parse().unwrap_or(self.installed_size);
                return;
            }
            "D" => {
                self.pull_dependencies = list(value);
                return;
            }
            "p" => {
                self.provides = list(value);
                return;
            }
            _ => return self.set_file(field, value),
        };
        value.clone_into(text);
    }

    /// `F` begins a folder and `M` says whose it is; `R` begins a file in it, of which `a` and `Z` tell more.
    fn set_file(&mut self, field: &str, value: &str) {
        match field {
            "F" => {
                self.latest.folder = Some(self.files.len());
                self.files.push(OwnedFile { path: clean_path(value), ..OwnedFile::default() });
            }
            "R" => {
                let folder = self.latest.folder.and_then(|folder| self.files.get(folder));
                let path = clean_path(&format!("{}/{value}", folder.map_or("", |folder| &folder.path)));
                self.latest.file = Some(self.files.len());
                self.files.push(OwnedFile { path, ..OwnedFile::default() });
            }
            "M" => set_owner(self.latest.folder.and_then(|folder| self.files.get_mut(folder)), value),
            "a" => set_owner(self.latest.file.and_then(|file| self.files.get_mut(file)), value),
            "Z" => {
                if let Some(file) = self.latest.file.and_then(|file| self.files.get_mut(file)) {
                    let algorithm = if value.starts_with("Q1") { "'Q1'+base64(sha1)" } else { "md5" };
                    file.digest = Some(OwnedDigest { algorithm, value: value.to_owned() });
                }
            }
            _ => {}
        }
    }

    fn finished(mut self) -> Self {
        self.rest.architecture.clone_from(&self.architecture);
        self.rest.origin.clone_from(&self.origin_package);
        self.rest.provides.clone_from(&self.provides);
        self.rest.depends.clone_from(&self.pull_dependencies);
        self
    }

    /// The component, without purl and location.
    ///
    /// # Errors
    /// Never for this type; passed on from the JSON printer.
    pub(super) fn component(&self) -> Result<Component, ParseError> {
        let mut component = Component::new(PackageType::Apk, Language::Unknown, &self.package, &self.version);
        component.set_metadata("apk-db-entry", self)?;
        if !self.origin_package.is_empty() {
            component.upstreams.push(Upstream { name: self.origin_package.clone(), version: None });
        }
        component.licenses = declared(&self.licenses);
        component.owned_files = self.files.iter().map(|file| file.path.clone()).collect();
        Ok(component)
    }
}

/// `uid:gid:mode`, perhaps with more behind.
fn set_owner(file: Option<&mut OwnedFile>, value: &str) {
    let mut parts = value.split(':');
    if let (Some(file), Some(uid), Some(gid), Some(mode)) = (file, parts.next(), parts.next(), parts.next()) {
        uid.clone_into(&mut file.owner_uid);
        gid.clone_into(&mut file.owner_gid);
        mode.clone_into(&mut file.permissions);
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(' ').map(str::to_owned).collect()
}

/// A valid SPDX expression stays whole; anything else is names with blanks between.
fn licenses(value: &str) -> Vec<String> {
    if !sbom::license::normalize(value).is_empty() {
        return vec![value.to_owned()];
    }
    value.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{Package, parse};
    use proptest::prelude::*;

    fn check(text: &str, names: &[&str], fails: bool) -> Vec<Package> {
        let mut packages = Vec::new();
        let result = parse(text, &mut packages);
        assert_eq!(packages.iter().map(|package| package.package.as_str()).collect::<Vec<_>>(), names, "{text}");
        assert_eq!(result.is_err(), fails, "{text}");
        packages
    }

    #[test]
    fn paragraphs() {
        check("", &[], false);
        check("\n\nP:a\nV:1\n\n\nP:b", &["a", "b"], false);
        check("P:a\nbad\n:empty\n\nP:b", &["a", "b"], true);
        check("P:\nV:\n\n", &[], false);
    }

    #[test]
    fn record() {
        let packages = check(
            "C:Q1x=\nP:musl-utils\nV:1.2.5-r0\nA:x86_64\nS:36697\nI:135168\nT:utilities\nU:https://musl.libc.org/\n\
             L:MIT AND BSD-2-Clause\no:musl\nm:A <a@b>\nt:17\nc:0123\nD:scanelf so:libc.musl-x86_64.so.1\n\
             p:cmd:getconf=1.2.5-r0\nF:sbin\nM:0:0:755\nR:ldconfig\na:0:0:755\nZ:Q1Kja2+=\nF:usr/bin\nR:getent\n",
            &["musl-utils"],
            false,
        );
        let component = packages[0].component().unwrap();
        assert_eq!(component.owned_files, ["/sbin", "/sbin/ldconfig", "/usr/bin", "/usr/bin/getent"]);
        assert_eq!(component.upstreams[0].name, "musl");
        assert_eq!(packages[0].licenses, ["MIT AND BSD-2-Clause"]);
        assert_eq!(
            component.metadata.unwrap().json,
            "{\"package\":\"musl-utils\",\"originPackage\":\"musl\",\"maintainer\":\"A <a@b>\",\
             \"version\":\"1.2.5-r0\",\"architecture\":\"x86_64\",\"url\":\"https://musl.libc.org/\",\
             \"description\":\"utilities\",\"size\":36697,\"installedSize\":135168,\
             \"pullDependencies\":[\"scanelf\",\"so:libc.musl-x86_64.so.1\"],\"provides\":[\"cmd:getconf=1.2.5-r0\"],\
             \"pullChecksum\":\"Q1x=\",\"gitCommitOfApkPort\":\"0123\",\"files\":[\
             {\"path\":\"/sbin\",\"ownerUid\":\"0\",\"ownerGid\":\"0\",\"permissions\":\"755\"},\
             {\"path\":\"/sbin/ldconfig\",\"ownerUid\":\"0\",\"ownerGid\":\"0\",\"permissions\":\"755\",\
             \"digest\":{\"algorithm\":\"'Q1'+base64(sha1)\",\"value\":\"Q1Kja2+=\"}},\
             {\"path\":\"/usr/bin\"},{\"path\":\"/usr/bin/getent\"}]}"
        );
    }

    #[test]
    fn several_licenses() {
        let packages = check("P:a\nL:Own  MIT\n", &["a"], false);
        assert_eq!(packages[0].licenses, ["Own", "MIT"]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "([PVDpFMRaZLSI]:?\\PC{0,20}\n){0,12}") {
            let _ = parse(&text, &mut Vec::new());
        }
    }
}
