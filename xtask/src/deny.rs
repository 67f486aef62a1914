//! `cargo xtask deny`: the dependencies against `deny.toml`, by what cargo itself tells of them. The file is written for
//! cargo-deny; building that is no part of the tests.

use crate::run::{output, root, say};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None: in the workspace.
    source: Option<String>,
}

/// Lists every dependency that is from elsewhere than a registry, under a licence that is not allowed, or there twice.
pub(crate) fn check() -> Result<()> {
    let path = root().join("deny.toml");
    let rules = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rules: Rules = toml::from_str(&rules)?;
    let mut metadata = Command::new("cargo");
    let metadata = output(metadata.args(["metadata", "--format-version=1", "--all-features", "--locked"]))?;
    let Metadata { packages } = serde_json::from_str(&metadata)?;
    let wrong = faults(&rules, &packages);
    if !wrong.is_empty() {
        bail!("{} faults against deny.toml:\n{}", wrong.len(), wrong.join("\n"));
    }
    say(&format!("{} packages within deny.toml", packages.len()));
    Ok(())
}

fn faults(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        let Some(source) = &package.source else { continue };
        let Package { name, version, .. } = package;
        if !source.starts_with("registry+") {
            wrong.push(format!("{name} {version} comes from {source}"));
        }
        match &package.license {
            Some(license) if is_allowed(license, &rules.licenses.allow) => {}
            license => wrong.push(format!("{name} {version} is under {}", license.as_deref().unwrap_or("no licence"))),
        }
        versions.entry(name).or_default().push(package);
    }
    let is_skipped = |package: &&&Package| {
        rules.bans.skip.iter().any(|skip| *skip == format!("{}@{}", package.name, package.version))
    };
    for (name, all) in versions {
        let counted = all.iter().filter(|package| !is_skipped(package)).count();
        if counted > 1 {
            wrong.push(format!("{name} is there in {counted} versions"));
        }
    }
    wrong
}

/// Is an SPDX expression (`OR` or `/`, `AND`, parentheses) met by licences that are allowed?
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    any(&mut words, allowed) && words.is_empty()
}

fn any(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = all(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, allowed);
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            met && closed
        }
        [license, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{license} WITH {exception}"))
        }
        [license, rest @ ..] => {
            *words = rest;
            allowed.iter().any(|name| name == license)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("MIT/GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR GPL-3.0-only) AND ISC", true),
            ("ISC AND (GPL-3.0-only OR AGPL-3.0-only)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("(MIT", false),
            ("MIT MIT", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn sources_and_versions() {
        let rules =
            Rules { licenses: Licenses { allow: vec!["MIT".into()] }, bans: Bans { skip: vec!["a@1.0.0".into()] } };
        let package = |name: &str, version: &str, source: Option<&str>| Package {
            name: name.into(),
            version: version.into(),
            license: Some("MIT".into()),
            source: source.map(str::to_owned),
        };
        let (registry, git) = (Some("registry+x"), Some("git+x"));
        assert!(faults(&rules, &[package("a", "1.0.0", registry), package("a", "2.0.0", registry)]).is_empty());
        assert!(faults(&rules, &[package("own", "1.0.0", None)]).is_empty());
        assert_eq!(faults(&rules, &[package("b", "1.0.0", registry), package("b", "2.0.0", registry)]).len(), 1);
        assert_eq!(faults(&rules, &[package("c", "1.0.0", git)]), ["c 1.0.0 comes from git+x"]);
    }
}
