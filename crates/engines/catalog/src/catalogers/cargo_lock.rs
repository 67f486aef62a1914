//! `Cargo.lock`, versions 1 to 4, as Syft 1.57 reads it (`syft/pkg/cataloger/rust/parse_cargo_lock.go`).

use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use foldhash::{HashMap, HashSet};
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Language, PackageType};
use serde::{Deserialize, Serialize};

/// Finds the crates that a Rust workspace locks.
pub(super) struct CargoLock;

/// More edges than the largest workspaces have; ambiguous names multiply them.
const MAX_EDGES: usize = 1 << 20;

#[derive(Deserialize)]
struct LockFile {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

/// Also `rust-cargo-lock-entry`, fields in the order of Syft's schema.
#[derive(Deserialize, Serialize)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    /// Empty for crates of the workspace.
    #[serde(default)]
    source: String,
    #[serde(default)]
    checksum: String,
    /// `name`, `name version` or `name version (source)`: as much as tells it apart.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Package {
    /// The ways in which another package may name this one.
    fn names(&self) -> Vec<String> {
        let Self { name, version, source, .. } = self;
        let mut names = vec![name.clone(), format!("{name} {version}")];
        if !source.is_empty() {
            let source = if source.starts_with("git") { source.split('#').next().unwrap_or(source) } else { source };
            names.push(format!("{name} {version} ({source})"));
        }
        names
    }
}

impl Cataloger for CargoLock {
    fn name(&self) -> &'static str {
        "rust-cargo-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "rust", "cargo"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/Cargo.lock")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let lock: LockFile = toml::from_str(&file.text())
            .map_err(|error| ParseError::malformed(format!("not a Cargo.lock: {}", error.message())))?;
        if lock.packages.is_empty() {
            return Err(ParseError::malformed("unable to determine packages"));
        }
        let mut named: HashMap<String, Vec<ComponentIndex>> = HashMap::default();
        for package in &lock.packages {
            let index = out.add(component(package)?);
            for name in package.names() {
                named.entry(name).or_default().push(index);
            }
        }
        add_edges(&lock.packages, &named, out)
    }
}

fn component(package: &Package) -> Result<Component, ParseError> {
    let mut component = Component::new(PackageType::Rust, Language::Rust, &package.name, &package.version);
    // A purl would mean the crate of that name on the registry.
    if !package.source.is_empty() {
        component.purl = PackageUrl::new("cargo", &package.name).version(&package.version).to_string();
    }
    component.set_metadata("rust-cargo-lock-entry", package)?;
    Ok(component)
}

fn add_edges(
    packages: &[Package],
    named: &HashMap<String, Vec<ComponentIndex>>,
    out: &mut Extraction,
) -> Result<(), ParseError> {
    let mut known = HashSet::default();
    for (index, package) in (0..).map(ComponentIndex).zip(packages) {
        for needed in package.dependencies.iter().filter_map(|name| named.get(name)).flatten() {
            if known.len() >= MAX_EDGES {
                return Err(ParseError::Limit { what: "dependencies in a Cargo.lock", limit: MAX_EDGES as u64 });
            }
            if known.insert((*needed, index)) {
                out.dependency(*needed, index);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extract(text: &str) -> Result<Extraction, ParseError> {
        let mut out = Extraction::default();
        let file = File { path: "/Cargo.lock", mode: 0o644, bytes: text.as_bytes() };
        CargoLock.extract(&file, &mut out).map(|()| out)
    }

    #[test]
    fn ambiguous_names() {
        let out = extract(
            r#"
version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["a 1.0.0", "b", "c 1.0.0 (git+https://example.com/c)", "missing"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://example.com/index"
checksum = "00ff"
[[package]]
name = "a"
version = "2.0.0"
source = "registry+https://example.com/index"
[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://example.com/index"
dependencies = ["a"]
[[package]]
name = "c"
version = "1.0.0"
source = "git+https://example.com/c#abc"
"#,
        )
        .unwrap();
        let purls: Vec<&str> = out.components.iter().map(|component| component.purl.as_str()).collect();
        assert_eq!(purls, ["", "pkg:cargo/a@1.0.0", "pkg:cargo/a@2.0.0", "pkg:cargo/b@1.0.0", "pkg:cargo/c@1.0.0"]);
        let edges: Vec<(u32, u32)> = out.relationships.iter().map(|edge| (edge.from.0, edge.to.0)).collect();
        assert_eq!(edges, [(1, 0), (3, 0), (4, 0), (1, 3), (2, 3)]);
        let metadata = out.components.get(1).and_then(|component| component.metadata.clone()).unwrap();
        let expected = r#"{"name":"a","version":"1.0.0","source":"registry+https://example.com/index","checksum":"00ff","dependencies":[]}"#;
        assert_eq!(metadata.json, expected);
    }

    #[test]
    fn own_lock_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../Cargo.lock");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("ignored: no {path}");
            return;
        };
        let out = extract(&text).unwrap();
        assert_eq!(out.components.len(), text.matches("[[package]]").count());
        assert!(out.relationships.len() > out.components.len());
    }

    #[test]
    fn not_lock_files() {
        for text in ["", "package = 1", "[[package]", "[metadata]\na = 'b'"] {
            assert!(extract(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\[\\[package\\]\\]\n(name = \"[a-c]\"\n)?(dependencies = \\[\"[a-c]\"\\]\n)?){0,5}.{0,20}") {
            let _ = extract(&text);
        }
    }
}
