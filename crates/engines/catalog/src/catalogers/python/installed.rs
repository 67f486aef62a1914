//! `python-installed-package-cataloger`: wheels and eggs in site-packages.

use super::metadata::Fields;
use super::package::normalize;
use super::record::{self, FileRecord};
use super::site::{self, VirtualEnvironment};
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use sbom::{Component, Language, License, PackageType};
use serde::{Deserialize, Serialize};

/// Finds installed Python packages.
pub(crate) struct PythonInstalled;

/// What one file told.
#[derive(Debug, Serialize, Deserialize)]
enum Kept {
    Metadata(Box<Fields>),
    Files(Vec<FileRecord>),
    TopLevel(Vec<String>),
    DirectUrl(DirectUrl),
    Environment(VirtualEnvironment),
}

/// `direct_url.json` (PEP 610).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct DirectUrl {
    url: String,
    vcs_info: VcsInfo,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct VcsInfo {
    commit_id: String,
    vcs: String,
}

/// The `python-package` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    author: &'a str,
    author_email: &'a str,
    platform: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<RecordFile<'a>>,
    site_packages_root_path: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    top_level_packages: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    direct_url_origin: Option<RecordOrigin<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    requires_python: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    requires_dist: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    provides_extra: &'a [String],
}

#[derive(Serialize)]
struct RecordFile<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<RecordDigest<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'a str,
}

#[derive(Serialize)]
struct RecordDigest<'a> {
    algorithm: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordOrigin<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    commit_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    vcs: &'a str,
}

impl Cataloger for PythonInstalled {
    fn name(&self) -> &'static str {
        "python-installed-package-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "python"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/*.egg-info"),
            Want::Glob("**/*{dist-info,DIST-INFO}/METADATA"),
            Want::Glob("**/*{egg-info,EGG-INFO}/PKG-INFO"),
            Want::Glob("**/*{dist-info,DIST-INFO,egg-info,EGG-INFO}/{RECORD,installed-files.txt}"),
            Want::Glob("**/*{dist-info,DIST-INFO,egg-info,EGG-INFO}/{top_level.txt,direct_url.json}"),
            Want::Glob("**/*{dist-info,DIST-INFO}/{LICENSE,LICENCE,License,license,COPYING,NOTICE,AUTHORS,UNLICENSE}*"),
            Want::Glob("**/pyvenv.cfg"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
        let kept = match name {
            "RECORD" => Kept::Files(record::parse(&text)),
            "installed-files.txt" => Kept::Files(record::parse_installed_files(&text, folder, parent(folder))),
            "top_level.txt" => Kept::TopLevel(text.lines().map(str::to_owned).collect()),
            "direct_url.json" => Kept::DirectUrl(serde_json::from_str(&text)?),
            "pyvenv.cfg" => Kept::Environment(VirtualEnvironment::parse(&text)),
            _ if is_metadata(name) => Kept::Metadata(Box::new(Fields::parse(&text)?)),
            _ => return license_files::keep(file, out),
        };
        keep(&kept, out)
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut installed = Vec::new();
        let mut environments = Vec::new();
        for found in view.extractions() {
            let name = found.file.path.rsplit('/').next().unwrap_or_default();
            match postcard::from_bytes(&found.body.kept) {
                // Python itself is not one of its packages.
                Ok(Kept::Metadata(fields)) if is_metadata(name) && !matches!(&*fields.name, "" | "Python") => {
                    match component(view, &found, &fields) {
                        Ok(component) => {
                            let name = component.name.clone();
                            let index = out.add(component);
                            installed.push(site::Installed::new(index, &found.file.path, &name, &fields));
                        }
                        Err(error) => out.unknown(&found, error.to_string()),
                    }
                }
                Ok(Kept::Environment(environment)) if name == "pyvenv.cfg" => {
                    environments.push((parent(&found.file.path).to_owned(), environment));
                }
                _ => {}
            }
        }
        site::relate(&installed, &environments, out);
    }
}

fn keep<T: Serialize>(value: &T, out: &mut Extraction) -> Result<(), ParseError> {
    out.kept = postcard::to_stdvec(value).map_err(|error| ParseError::malformed(error.to_string()))?;
    Ok(())
}

fn is_metadata(name: &str) -> bool {
    name == "METADATA" || name == "PKG-INFO" || name.ends_with(".egg-info")
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn beside(view: &View<'_>, found: &Found<'_>, name: &str) -> Option<(Kept, sbom::Location)> {
    let other = view.beside(found, &format!("{}/{name}", parent(&found.file.path)))?;
    Some((postcard::from_bytes(&other.body.kept).ok()?, other.supporting()))
}

fn component(view: &View<'_>, found: &Found<'_>, fields: &Fields) -> Result<Component, ParseError> {
    let path = &found.file.path;
    // A .egg-info file lies in site-packages; METADATA and PKG-INFO lie in a folder there.
    let site = if path.ends_with(".egg-info") { parent(path) } else { parent(parent(path)) };
    let site = if site.is_empty() { "/" } else { site };
    let mut locations = vec![found.location()];
    let mut files = Vec::new();
    for list in ["RECORD", "installed-files.txt"] {
        if let Some((Kept::Files(records), location)) = beside(view, found, list).filter(|_| files.is_empty()) {
            locations.truncate(1);
            locations.push(location);
            files = records;
        }
    }
    let mut top_level = Vec::new();
    if let Some((Kept::TopLevel(names), location)) = beside(view, found, "top_level.txt") {
        locations.push(location);
        top_level = names;
    }
    let mut direct_url = None;
    if let Some((Kept::DirectUrl(url), location)) = beside(view, found, "direct_url.json") {
        locations.push(location);
        direct_url = Some(url);
    }
    let name = normalize(&fields.name);
    let mut component = Component::new(PackageType::Python, Language::Python, name, &*fields.version);
    component.purl = purl(&component.name, &component.version, direct_url.as_ref());
    component.locations = locations;
    component.licenses = licenses(view, found, fields, &files, site);
    // RECORD's paths are relative to site-packages; the peer takes them from the root, so that only packages right
    // there own files.
    if site == "/" {
        component.owned_files = files.iter().map(|file| record::join("/", &file.path)).collect();
    }
    let record = record(fields, &files, site, &top_level, direct_url.as_ref());
    component.set_metadata("python-package", &record)?;
    Ok(component)
}

fn purl(name: &str, version: &str, direct_url: Option<&DirectUrl>) -> String {
    let purl = purl::PackageUrl::new("pypi", name).version(version);
    match direct_url.filter(|origin| !origin.vcs_info.vcs.is_empty()) {
        Some(DirectUrl { url, vcs_info }) => {
            let value = format!("{}+{url}@{}", vcs_info.vcs, vcs_info.commit_id);
            purl.qualifier("vcs_url", value).to_string()
        }
        None => purl.to_string(),
    }
}

/// The declared licence, else what the licence files say.
fn licenses(view: &View<'_>, found: &Found<'_>, fields: &Fields, files: &[FileRecord], site: &str) -> Vec<License> {
    let declared: Vec<License> = [&fields.license_expression, &fields.license]
        .into_iter()
        .filter_map(|value| license_files::declared(value).into_iter().min_by(|a, b| a.value.cmp(&b.value)))
        .map(|license| License { location: Some(found.unannotated()), ..license })
        .collect();
    if !fields.license_expression.is_empty() || !fields.license.is_empty() {
        return declared;
    }
    let folder = parent(&found.file.path);
    if !fields.license_file.is_empty()
        && let Some(file) = view.beside(found, &record::join(folder, &fields.license_file))
    {
        return license_files::kept(&file);
    }
    let folder_name = folder.rsplit('/').next().unwrap_or_default();
    let is_candidate = |path: &&str| {
        path.starts_with(folder_name)
            && path.matches('/').count() <= 1
            && license_files::is_license_file(path.rsplit('/').next().unwrap_or_default())
    };
    let candidates = files.iter().map(|file| file.path.as_str()).filter(is_candidate);
    let texts = candidates.filter_map(|path| view.beside(found, &record::join(site, path)));
    texts.flat_map(|file| license_files::kept(&file)).collect()
}

fn record<'a>(
    fields: &'a Fields,
    files: &'a [FileRecord],
    site: &'a str,
    top_level: &'a [String],
    direct_url: Option<&'a DirectUrl>,
) -> Record<'a> {
    let file = |file: &'a FileRecord| RecordFile {
        path: &file.path,
        digest: file.digest.as_ref().map(|(algorithm, value)| RecordDigest { algorithm, value }),
        size: &file.size,
    };
    Record {
        name: &fields.name,
        version: &fields.version,
        author: &fields.author,
        author_email: &fields.author_email,
        platform: &fields.platform,
        files: files.iter().map(file).collect(),
        site_packages_root_path: site,
        top_level_packages: top_level,
        direct_url_origin: direct_url.map(|origin| RecordOrigin {
            url: &origin.url,
            commit_id: &origin.vcs_info.commit_id,
            vcs: &origin.vcs_info.vcs,
        }),
        requires_python: &fields.requires_python,
        requires_dist: &fields.requires_dist,
        provides_extra: &fields.provides_extra,
    }
}

#[cfg(test)]
mod tests;
