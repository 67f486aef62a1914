//! Rust programs built with `cargo auditable`: a section holds the list of their crates.
//!
//! Format: `PARSING.md` of rust-secure-code/cargo-auditable. What is made of it follows Syft 1.57,
//! `syft/pkg/cataloger/rust/parse_audit_binary.go`.

use super::executable::{self, Executable};
use crate::{Cataloger, Extraction, File, ParseError, Want};
use flate2::read::ZlibDecoder;
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Language, PackageType};
use serde::{Deserialize, Serialize};
use std::io::Read;

/// Finds the crates that Rust programs are built from.
pub(super) struct CargoAuditable;

/// The section's name; then those that `rust-audit` 0.1 used in ELF, PE and Mach-O.
const SECTIONS: [&str; 4] = [".dep-v0", ".rust-deps-v0", "rdep-v0", "rust-deps-v0"];
/// The list of a program with 10,000 crates stays below this.
const MAX_LIST_BYTES: u64 = 16 << 20;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: String,
    /// `runtime` when absent.
    #[serde(default)]
    kind: Option<String>,
    /// Indices into the list.
    #[serde(default)]
    dependencies: Vec<usize>,
}

/// `rust-cargo-audit-entry`, fields in the order of Syft's schema.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    source: &'a str,
}

impl Cataloger for CargoAuditable {
    fn name(&self) -> &'static str {
        "cargo-auditable-binary-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "rust", "binary"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        for part in executable::parts(file.bytes) {
            let Some(executable) = Executable::parse(part) else { continue };
            let Some(section) = SECTIONS.iter().find_map(|name| executable.section(name)) else { continue };
            add_packages(&read_list(section.bytes)?, out)?;
        }
        Ok(())
    }
}

fn read_list(compressed: &[u8]) -> Result<List, ParseError> {
    let mut json = Vec::new();
    ZlibDecoder::new(compressed).take(MAX_LIST_BYTES + 1).read_to_end(&mut json)?;
    if json.len() as u64 > MAX_LIST_BYTES {
        return Err(ParseError::Limit { what: "bytes in a list of crates", limit: MAX_LIST_BYTES });
    }
    Ok(serde_json::from_slice(&json)?)
}

/// Adds the crates that are in the program; those that only built it are left out, with their edges.
fn add_packages(list: &List, out: &mut Extraction) -> Result<(), ParseError> {
    let mut places: Vec<Option<ComponentIndex>> = Vec::with_capacity(list.packages.len());
    for package in &list.packages {
        let is_inside = package.kind.as_deref().is_none_or(|kind| kind == "runtime");
        if package.name.is_empty() || !is_inside {
            places.push(None);
            continue;
        }
        let Package { name, version, source, .. } = package;
        let mut component = Component::new(PackageType::Rust, Language::Rust, name, version);
        component.purl = PackageUrl::new("cargo", name).version(version).to_string();
        component.set_metadata("rust-cargo-audit-entry", &Entry { name, version, source })?;
        places.push(Some(out.add(component)));
    }
    for (package, place) in list.packages.iter().zip(&places) {
        let Some(place) = *place else { continue };
        for needed in package.dependencies.iter().filter_map(|index| places.get(*index).copied().flatten()) {
            out.dependency(needed, place);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn list(json: &str) -> Result<Extraction, ParseError> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json.as_bytes()).unwrap();
        let mut out = Extraction::default();
        // Linkers pad sections.
        let section = [encoder.finish().unwrap(), vec![0; 7]].concat();
        add_packages(&read_list(&section)?, &mut out)?;
        Ok(out)
    }

    #[test]
    fn crates_and_edges() {
        let out = list(
            r#"{"packages":[
                {"name":"adler","version":"1.0.2","source":"crates.io"},
                {"name":"cc","version":"1.1.0","source":"crates.io","kind":"build"},
                {"name":"app","version":"0.1.0","source":"local","dependencies":[0,1,99],"root":true}]}"#,
        )
        .unwrap();
        let purls: Vec<&str> = out.components.iter().map(|component| component.purl.as_str()).collect();
        assert_eq!(purls, ["pkg:cargo/adler@1.0.2", "pkg:cargo/app@0.1.0"]);
        let edges: Vec<(u32, u32)> = out.relationships.iter().map(|edge| (edge.from.0, edge.to.0)).collect();
        assert_eq!(edges, [(0, 1)]);
        let metadata = out.components.first().and_then(|component| component.metadata.clone()).unwrap();
        assert_eq!(metadata.json, r#"{"name":"adler","version":"1.0.2","source":"crates.io"}"#);
    }

    #[test]
    fn hostile_lists() {
        assert!(list("{}").unwrap().is_empty());
        assert!(matches!(list("[1]"), Err(ParseError::Json(_))));
        assert!(matches!(read_list(b"not zlib"), Err(ParseError::Io(_))));
        let bomb = format!("{{\"packages\":[]{}", " ".repeat(17 << 20));
        assert!(matches!(list(&bomb), Err(ParseError::Limit { .. })));
    }
}
