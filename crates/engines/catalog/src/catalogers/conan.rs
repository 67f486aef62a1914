//! Conan: `conanfile.txt`, `conan.lock` and `conaninfo.txt`, as Syft 1.57 reads them (`syft/pkg/cataloger/cpp`).

use super::dependency::{Needs, edges};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Language, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Finds the packages that a project asks for or locks.
pub(super) struct Conan;

/// Finds the packages in Conan's cache.
pub(super) struct ConanInfo;

impl Cataloger for Conan {
    fn name(&self) -> &'static str {
        "conan-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "cpp", "conan"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/{conanfile.txt,conan.lock}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.name() == "conan.lock" {
            lock(file.bytes, out)?;
        } else {
            for reference in section(&file.text(), "[requires]") {
                add(reference, "c-conan-file-entry", &FileRecord { reference }, out)?;
            }
        }
        out.not_empty()
    }
}

impl Cataloger for ConanInfo {
    fn name(&self) -> &'static str {
        "conan-info-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Image
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "cpp", "conan"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/conaninfo.txt")]
    }

    /// `.../NAME/VERSION/USER/CHANNEL/package/ID/conaninfo.txt` names the package, the file what it needs.
    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let parts: Vec<&str> = file.path.rsplit('/').collect();
        let [_, package_id, "package", channel, user, version, name, ..] = parts.as_slice() else {
            return Err(ParseError::malformed("failed to get parent package info from conaninfo file path"));
        };
        let text = file.text();
        let mut needed = Vec::new();
        for reference in section(&text, "[full_requires]") {
            let package_id = split(reference).map_or("", |parts| parts.package_id);
            needed.extend(add(reference, "c-conan-info-entry", &InfoRecord { reference, package_id }, out)?);
        }
        let hash = section(&text, "[recipe_hash]").next().map_or_else(String::new, |hash| format!("#{hash}"));
        let reference = format!("{name}/{version}@{user}/{channel}{hash}");
        let record = InfoRecord { reference: &reference, package_id };
        if let Some(main) = add(&reference, "c-conan-info-entry", &record, out)? {
            needed.into_iter().for_each(|needed| out.dependency(needed, main));
        }
        Ok(())
    }
}

/// The `c-conan-file-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct FileRecord<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
}

/// The `c-conan-info-entry` record.
#[derive(Serialize)]
struct InfoRecord<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    package_id: &'a str,
}

/// The `c-conan-lock-entry` record.
#[derive(Serialize)]
struct LockRecord<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    package_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    prev: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    context: &'a str,
}

#[derive(Serialize)]
struct Choice<'a> {
    key: &'a str,
    value: &'a str,
}

/// The `c-conan-lock-v2-entry` record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lock2Record<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(rename = "packageID", skip_serializing_if = "str::is_empty")]
    package_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    recipe_revision: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    package_revision: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    timestamp: &'a str,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    graph_lock: Graph,
    #[serde(default)]
    requires: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Graph {
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Node {
    #[serde(rename = "ref")]
    reference: String,
    package_id: String,
    context: String,
    prev: String,
    requires: Vec<String>,
    options: String,
    path: String,
}

/// The lines of one section of an INI-like file.
fn section<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let mut inside = false;
    text.lines().map(str::trim).filter(move |line| {
        if line.contains(['[', ']']) {
            inside = line.contains(name);
            return false;
        }
        inside && !line.is_empty() && !line.starts_with('#')
    })
}

fn lock(bytes: &[u8], out: &mut Extraction) -> Result<(), ParseError> {
    let lock: Lock = serde_json::from_slice(bytes)?;
    let mut needs = Vec::new();
    for (index, node) in &lock.graph_lock.nodes {
        let options = node.options.split('\n').filter_map(|line| {
            let (key, value) = line.split_once('=').filter(|(_, value)| !value.contains('='))?;
            Some(Choice { key, value })
        });
        let record = LockRecord {
            reference: &node.reference,
            package_id: &node.package_id,
            prev: &node.prev,
            options: options.collect(),
            path: &node.path,
            context: &node.context,
        };
        if add(&node.reference, "c-conan-lock-entry", &record, out)?.is_some() {
            needs.push(Needs { provides: vec![index.clone()], requires: node.requires.clone() });
        }
    }
    for (needed, needing) in edges(&needs)? {
        let index = |at| ComponentIndex(u32::try_from(at).unwrap_or(u32::MAX));
        out.dependency(index(needed), index(needing));
    }
    for reference in &lock.requires {
        add(reference, "c-conan-lock-v2-entry", &lock2_record(reference), out)?;
    }
    Ok(())
}

/// `name/version[@username[/channel]][#revision][:package[#revision]][%timestamp]`.
fn lock2_record(reference: &str) -> Lock2Record<'_> {
    let cut = |text, mark| str::split_once(text, mark).unwrap_or((text, ""));
    let (rest, timestamp) = cut(reference, '%');
    let (rest, package) = cut(rest, ':');
    let (package_id, package_revision) = cut(package, '#');
    let (rest, recipe_revision) = cut(rest, '#');
    let (username, channel) = cut(cut(rest, '@').1, '/');
    Lock2Record { reference, package_id, username, channel, recipe_revision, package_revision, timestamp }
}

struct Reference<'a> {
    name: &'a str,
    version: &'a str,
    user: &'a str,
    channel: &'a str,
    package_id: &'a str,
}

/// The parts of `name/version@user/channel#revision:package%timestamp`; `None` without a name or version.
fn split(reference: &str) -> Option<Reference<'_>> {
    let text = reference.split('%').next()?;
    let (text, package_id) = text.split_once(':').unwrap_or((text, ""));
    let (place, owner) = text.split('#').next()?.split_once('@').unwrap_or((text.split('#').next()?, ""));
    let mut parts = place.split('/');
    let (name, version) = (parts.next()?, parts.next()?);
    let (user, channel) = owner.split_once('/').filter(|(_, channel)| !channel.contains('/')).unwrap_or_default();
    let is_whole = !name.is_empty() && !version.is_empty();
    is_whole.then_some(Reference { name, version, user, channel, package_id })
}

/// Adds the package of a reference, where it is one.
fn add<T: Serialize>(
    reference: &str,
    kind: &'static str,
    record: &T,
    out: &mut Extraction,
) -> Result<Option<ComponentIndex>, ParseError> {
    let Some(Reference { name, version, user, channel, .. }) = split(reference) else { return Ok(None) };
    let mut component = Component::new(PackageType::Conan, Language::Cpp, name, version);
    let purl = PackageUrl::new("conan", name).namespace(user).version(version);
    component.purl = purl.qualifier("channel", channel).to_string();
    component.set_metadata(kind, record)?;
    Ok(Some(out.add(component)))
}

#[cfg(test)]
mod tests {
    use super::{Conan, ConanInfo};
    use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

    #[test]
    fn projects() {
        let first = br#"{"graph_lock":{"nodes":{
            "0":{"options":"","requires":["1"],"path":"conanfile.py"},
            "1":{"ref":"mfast/1.2.2@mine/dev#c6f6","options":"a=b\nc=d=e","package_id":"9d1f","context":"host","requires":["2"]},
            "2":{"ref":"boost/1.75.0#a9c3"}}},"version":"0.4"}"#;
        let second = br#"{"version":"0.5","requires":["sound32/1.0#83d4:abc#def%167539","local"]}"#;
        let files: [(&str, &[u8]); 4] = [
            ("/a/conan.lock", first),
            ("/b/conan.lock", second),
            ("/conanfile.txt", b"[requires]\n# none\nzlib/1.3.1\n\ncatch2/2.13@me/stable\n[options]\nx/1\n"),
            ("/x/conanfile.txt", b"[generators]\n"),
        ];
        let document = catalogue(&Conan, &files);
        let expected = [
            "pkg:conan/boost@1.75.0",
            "pkg:conan/me/catch2@2.13?channel=stable",
            "pkg:conan/mine/mfast@1.2.2?channel=dev",
            "pkg:conan/sound32@1.0",
            "pkg:conan/zlib@1.3.1",
        ];
        assert_eq!(purls(&document), expected);
        assert_eq!(edges(&document), ["boost -> mfast"]);
        let mfast = r#"{"ref":"mfast/1.2.2@mine/dev#c6f6","package_id":"9d1f","options":[{"key":"a","value":"b"}],"context":"host"}"#;
        assert_eq!(record(&document, "mfast"), mfast);
        let sound = r#"{"ref":"sound32/1.0#83d4:abc#def%167539","packageID":"abc","recipeRevision":"83d4","packageRevision":"def","timestamp":"167539"}"#;
        assert_eq!(record(&document, "sound32"), sound);
        assert_eq!(unknowns(&document), [("/x/conanfile.txt", "unable to determine packages")]);
    }

    #[test]
    fn the_cache() {
        let info = b"[settings]\n  os=Linux\n[full_requires]\n    zlib/1.3.1:b20c\n[recipe_hash]\n    7481\n";
        let path = "/root/.conan/data/mfast/1.2.2/me/dev/package/9d1f/conaninfo.txt";
        let document = catalogue(&ConanInfo, &[(path, info), ("/conaninfo.txt", info)]);
        assert_eq!(purls(&document), ["pkg:conan/me/mfast@1.2.2?channel=dev", "pkg:conan/zlib@1.3.1"]);
        assert_eq!(edges(&document), ["zlib -> mfast"]);
        assert_eq!(record(&document, "mfast"), r#"{"ref":"mfast/1.2.2@me/dev#7481","package_id":"9d1f"}"#);
        assert_eq!(unknowns(&document).len(), 1);
    }
}
