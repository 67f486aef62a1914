//! The files `desc` and `files`: paragraphs, each a `%KEY%` line and the lines of its value.

use crate::ParseError;
use crate::calendar::DateTime;
use crate::catalogers::os::declared;
use sbom::{Component, Digest, Language, PackageType, Upstream};
use serde::{Deserialize, Serialize};

/// A package's description.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) base: String,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) description: String,
    pub(super) architecture: String,
    pub(super) size: i64,
    pub(super) packager: String,
    pub(super) url: String,
    pub(super) validation: String,
    pub(super) reason: i64,
    pub(super) licenses: Vec<String>,
    pub(super) files: Vec<FileRecord>,
    pub(super) backup: Vec<FileRecord>,
    pub(super) provides: Vec<String>,
    pub(super) depends: Vec<String>,
}

/// A file of a package; what is not known is empty.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) uid: String,
    pub(super) gid: String,
    /// Seconds since 1970.
    pub(super) time: Option<i64>,
    pub(super) size: String,
    pub(super) link: String,
    pub(super) digests: Vec<Digest>,
}

/// How the peer prints a time that is not known.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

#[derive(Serialize)]
struct Record<'a> {
    basepackage: &'a str,
    package: &'a str,
    version: &'a str,
    description: &'a str,
    architecture: &'a str,
    size: i64,
    packager: &'a str,
    url: &'a str,
    validation: &'a str,
    reason: i64,
    files: Vec<OwnedFile<'a>>,
    backup: Vec<OwnedFile<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    provides: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    depends: &'a [String],
}

#[derive(Serialize)]
struct OwnedFile<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    gid: &'a str,
    time: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    link: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    digest: Vec<OwnedDigest<'a>>,
}

#[derive(Serialize)]
struct OwnedDigest<'a> {
    algorithm: &'a str,
    value: &'a str,
}

/// Reads a `desc` or `files` file.
///
/// # Errors
/// Where a number is none.
pub(super) fn parse(text: &str) -> Result<Description, ParseError> {
    let mut description = Description::default();
    for paragraph in text.split("\n\n") {
        let Some((key, value)) = paragraph.trim_start_matches('\n').split_once('\n') else {
            continue;
        };
        let value = value.trim();
        let lines = || value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let field = match key.replace('%', "").to_lowercase().as_str() {
            "base" => &mut description.base,
            "name" => &mut description.package,
            "version" => &mut description.version,
            "desc" => &mut description.description,
            "arch" => &mut description.architecture,
            "packager" => &mut description.packager,
            "url" => &mut description.url,
            "validation" => &mut description.validation,
            key => {
                match key {
                    "size" => description.size = number(value)?,
                    "reason" => description.reason = number(value)?,
                    "license" => description.licenses = lines(),
                    "provides" => description.provides = lines(),
                    "depends" => description.depends = lines(),
                    "files" => description.files = value.lines().map(owned).filter(is_listed).collect(),
                    "backup" => description.backup = value.lines().filter_map(backup).filter(is_listed).collect(),
                    _ => {}
                }
                continue;
            }
        };
        value.clone_into(field);
    }
    Ok(description)
}

fn number(value: &str) -> Result<i64, ParseError> {
    value.parse().map_err(|_| ParseError::malformed("a size or reason that is no number"))
}

fn owned(line: &str) -> FileRecord {
    FileRecord { path: format!("/{line}"), ..FileRecord::default() }
}

fn backup(line: &str) -> Option<FileRecord> {
    let (path, digest) = line.split_once('\t')?;
    let digests = vec![Digest { algorithm: "md5".into(), hex: digest.to_owned() }];
    Some(FileRecord { digests, ..owned(path) })
}

fn is_listed(file: &FileRecord) -> bool {
    file.path != "/set"
}

impl Description {
    /// The component, without purl and locations. Lists of the files beside `desc` win over its own.
    ///
    /// # Errors
    /// Never for these types; passed on from the JSON printer.
    pub(super) fn component(
        &self,
        files: Option<Vec<FileRecord>>,
        backup: Option<Vec<FileRecord>>,
    ) -> Result<Component, serde_json::Error> {
        let files = files.as_ref().unwrap_or(&self.files);
        let mut component = Component::new(PackageType::Alpm, Language::Unknown, &self.package, &self.version);
        component.set_metadata(
            "alpm-db-entry",
            &Record {
                basepackage: &self.base,
                package: &self.package,
                version: &self.version,
                description: &self.description,
                architecture: &self.architecture,
                size: self.size,
                packager: &self.packager,
                url: &self.url,
                validation: &self.validation,
                reason: self.reason,
                files: files.iter().map(owned_file).collect(),
                backup: backup.as_ref().unwrap_or(&self.backup).iter().map(owned_file).collect(),
                provides: &self.provides,
                depends: &self.depends,
            },
        )?;
        component.licenses = declared(&self.licenses);
        if !self.base.is_empty() && self.base != self.package {
            component.upstreams.push(Upstream { name: self.base.clone(), version: None });
        }
        component.owned_files = files.iter().map(|file| file.path.clone()).collect();
        Ok(component)
    }
}

fn owned_file(file: &FileRecord) -> OwnedFile<'_> {
    OwnedFile {
        path: &file.path,
        kind: &file.kind,
        uid: &file.uid,
        gid: &file.gid,
        time: file.time.map_or_else(|| NO_TIME.to_owned(), |time| DateTime::from_unix(time).rfc3339()),
        size: &file.size,
        link: &file.link,
        digest: file
            .digests
            .iter()
            .map(|digest| OwnedDigest { algorithm: &digest.algorithm, value: &digest.hex })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    #[test]
    fn description() {
        let found = parse(
            "%NAME%\nemacs\n\n%VERSION%\n29.3-3\n\n%BASE%\nemacs\n\n%DESC%\nThe editor\n\n%SIZE%\n123\n\n\
             %LICENSE%\nGPL3\nMIT\n\n%DEPENDS%\ngmp\nlibx=1\n\n%BACKUP%\netc/a\tdead\nbad\n\n%FILES%\nusr/\nusr/a\n",
        )
        .unwrap();
        assert_eq!((found.package.as_str(), found.version.as_str(), found.size), ("emacs", "29.3-3", 123));
        assert_eq!(found.licenses, ["GPL3", "MIT"]);
        assert_eq!(found.depends, ["gmp", "libx=1"]);
        let paths: Vec<&str> = found.files.iter().chain(&found.backup).map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["/usr/", "/usr/a", "/etc/a"]);
        assert_eq!(found.backup[0].digests[0].hex, "dead");
        let json = found.component(None, None).unwrap().metadata.unwrap().json;
        assert!(json.contains("\"backup\":[{\"path\":\"/etc/a\",\"time\":\"0001-01-01T00:00:00Z\",\"digest\":["));
        assert!(parse("%SIZE%\nmany\n").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(%(NAME|FILES|BACKUP|SIZE)%\n\\PC{0,20}\n\n){0,6}") {
            let _ = parse(&text);
        }
    }
}
