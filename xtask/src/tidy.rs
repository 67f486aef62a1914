//! The rules of the house that no compiler checks.

use crate::run::{output, root, say};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Layers of the house from the bottom; a crate depends only on its own layer and those below.
const LAYERS: &[&str] = &["crates/formats/", "crates/engines/", "crates/adapters/", "crates/palisade"];
/// Where a reader gets lost.
const MAX_LINES: usize = 600;

/// Checks them all and lists everything that is wrong.
pub(crate) fn check() -> Result<()> {
    let mut wrong = Vec::new();
    wrong.extend(upward_edges(&crates()?));
    for path in tracked()? {
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            wrong.extend(file(&path, &text));
        }
    }
    if !wrong.is_empty() {
        bail!("the house is not tidy:\n{}", wrong.join("\n"));
    }
    say("tidy");
    Ok(())
}

/// Folder of each crate of the workspace with the folders of the crates that it depends on.
type Crates = BTreeMap<String, Vec<String>>;

fn crates() -> Result<Crates> {
    let metadata = output(Command::new("cargo").args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let root = root();
    let relative = |path: &str| {
        let path = Path::new(path);
        path.strip_prefix(&root).unwrap_or(path).display().to_string()
    };
    let packages =
        metadata.get("packages").and_then(serde_json::Value::as_array).context("cargo metadata has no packages")?;
    let mut crates = Crates::new();
    for package in packages {
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let folder = relative(manifest.trim_end_matches("/Cargo.toml"));
        let needs = package["dependencies"].as_array().into_iter().flatten();
        let needs = needs.filter(|need| need["kind"] != "dev").filter_map(|need| need["path"].as_str()).map(relative);
        crates.insert(folder, needs.collect());
    }
    Ok(crates)
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| folder.starts_with(layer))
}

fn upward_edges(crates: &Crates) -> Vec<String> {
    let edges = crates.iter().flat_map(|(from, needs)| needs.iter().map(move |to| (from, to)));
    edges
        .filter(|(from, to)| layer(from).is_some_and(|from| layer(to).is_none_or(|to| to > from)))
        .map(|(from, to)| format!("{from} must not depend on {to}: dependencies point down"))
        .collect()
}

fn tracked() -> Result<Vec<String>> {
    Ok(output(Command::new("git").args(["ls-files"]))?.lines().map(str::to_owned).collect())
}

fn file(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    let is_code = Path::new(path).extension().is_some_and(|extension| extension == "rs");
    if is_code && lines > MAX_LINES && !text.contains("tidy: long because") {
        wrong.push(format!("{path}: {lines} lines, more than {MAX_LINES}; split by what changes together"));
    }
    // Spelled so that this file does not contain what it looks for.
    let unfinished = ["TO", "DO"].concat();
    for (number, line) in text.lines().enumerate().filter(|_| is_code) {
        if line.contains(&unfinished) && !line.contains('#') {
            wrong.push(format!("{path}:{}: unfinished work without an issue", number + 1));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upward_edge_is_refused() {
        let edge = |from: &str, to: &str| Crates::from([(from.to_owned(), vec![to.to_owned()])]);
        assert!(upward_edges(&edge("crates/engines/catalog", "crates/formats/sbom")).is_empty());
        assert!(upward_edges(&edge("crates/adapters/feeds", "crates/adapters/oci")).is_empty());
        for (from, to) in [
            ("crates/formats/sbom", "crates/engines/catalog"),
            ("crates/engines/catalog", "crates/adapters/oci"),
            ("crates/adapters/oci", "crates/palisade"),
            ("crates/formats/sbom", "xtask"),
        ] {
            assert_eq!(upward_edges(&edge(from, to)).len(), 1, "{from} {to}");
        }
    }

    #[test]
    fn the_house_is_tidy() {
        check().unwrap();
    }
}
