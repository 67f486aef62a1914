//! GitHub's dependency snapshot (Syft `format/github`).

use crate::json::JsonWriter;
use crate::view::View;
use crate::{Component, RelationshipKind, Source, SourceKind};
use purl::PackageUrl;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Packages of one place.
struct Manifest<'d> {
    layer: &'d str,
    /// By package URL without qualifiers.
    resolved: BTreeMap<String, Node<'d>>,
}

struct Node<'d> {
    purl: &'d str,
    dependencies: Vec<String>,
}

/// Writes the snapshot; always indented, as the peer does.
pub(crate) fn encode(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut json = JsonWriter::new(out, Some("  "));
    let document = view.document;
    let descriptor = &document.descriptor;
    json.object(|json| {
        json.member("version").number(0);
        json.member("job").object(|_| ());
        json.member("detector").object(|json| {
            json.optional_text("name", &descriptor.name);
            json.text_member("url", "https://github.com/anchore/syft");
            let version = match descriptor.version.as_str() {
                "" | "[not provided]" => "0.0.0-dev",
                version => version,
            };
            json.text_member("version", version);
        });
        if let Some(distro) = &document.distro {
            let purl = PackageUrl::new("generic", &distro.id).version(&distro.version_id);
            let purl = purl.qualifier("like", distro.id_like.join(",")).build().to_string();
            json.member("metadata").object(|json| json.text_member("syft:distro", &purl));
        }
        let manifests = manifests(view);
        if !manifests.is_empty() {
            json.member("manifests").object(|json| {
                for (path, manifest) in &manifests {
                    json.member(path).object(|json| write_manifest(json, path, manifest));
                }
            });
        }
        json.optional_text("scanned", &descriptor.created);
    });
    json.finish()
}

fn write_manifest(json: &mut JsonWriter<'_>, path: &str, manifest: &Manifest<'_>) {
    json.text_member("name", path);
    json.member("file").object(|json| json.optional_text("source_location", path));
    if !manifest.layer.is_empty() {
        json.member("metadata").object(|json| json.text_member("syft:filesystem", manifest.layer));
    }
    if manifest.resolved.is_empty() {
        return;
    }
    json.member("resolved").object(|json| {
        for (name, node) in &manifest.resolved {
            json.member(name).object(|json| {
                json.text_member("package_url", node.purl);
                json.text_member("relationship", "direct");
                json.text_member("scope", "runtime");
                if !node.dependencies.is_empty() {
                    json.texts("dependencies", &node.dependencies);
                }
            });
        }
    });
}

fn manifests<'d>(view: &View<'d>) -> BTreeMap<String, Manifest<'d>> {
    let document = view.document;
    let names: Vec<Option<String>> = document.components.iter().map(plain_purl).collect();
    let mut related: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for edge in &document.relationships {
        let is_package_relation = matches!(
            edge.kind,
            RelationshipKind::DependencyOf | RelationshipKind::Contains | RelationshipKind::OwnershipByFileOverlap
        );
        let name = names.get(edge.to.0 as usize).cloned().flatten();
        if let (true, Some(list), Some(name)) = (is_package_relation, related.get_mut(edge.from.0 as usize), name) {
            list.push(name);
        }
    }
    let mut manifests: BTreeMap<String, Manifest<'d>> = BTreeMap::new();
    for ((component, name), dependencies) in document.components.iter().zip(names).zip(related) {
        let first = component.locations.first();
        let manifest = manifests.entry(place(&document.source, component)).or_insert_with(|| Manifest {
            layer: first.map_or("", |location| view.layer_digest(location.layer)),
            resolved: BTreeMap::new(),
        });
        if let Some(name) = name {
            manifest.resolved.insert(name, Node { purl: &component.purl, dependencies });
        }
    }
    manifests
}

fn plain_purl(component: &Component) -> Option<String> {
    let purl: PackageUrl = component.purl.parse().ok()?;
    let plain = PackageUrl::new(purl.kind(), purl.name()).namespace(purl.namespace()).version(purl.version());
    Some(plain.subpath(purl.subpath()).build().to_string())
}

/// Where the package was found, from the source on.
fn place(source: &Source, component: &Component) -> String {
    let Some(location) = component.locations.first() else { return relative(&source.name).to_owned() };
    let path = location.access_path.trim_start_matches('/');
    match source.kind {
        SourceKind::Image => format!("{}:/{path}", source.user_input.replace(":/", "//")),
        SourceKind::Directory if relative(&source.user_input).is_empty() => path.to_owned(),
        SourceKind::Directory => format!("{}/{path}", relative(&source.user_input)),
        SourceKind::File if is_archive(&source.user_input) => format!("{}:/{path}", relative(&source.user_input)),
        SourceKind::File => relative(&source.user_input).to_owned(),
        SourceKind::Document => relative(&source.name).to_owned(),
    }
}

fn relative(path: &str) -> &str {
    match path.trim_start_matches("./") {
        "." => "",
        path => path,
    }
}

/// True for names that end as archives and compressed files do.
fn is_archive(path: &str) -> bool {
    const ENDINGS: &[&str] = &[
        ".7z", ".br", ".bz2", ".gz", ".jar", ".lz4", ".lz", ".mz", ".rar", ".s2", ".sz", ".tar", ".tbz2", ".tgz",
        ".txz", ".xz", ".zip", ".zz", ".zst",
    ];
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}
