//! `deno.lock`: packages of JSR and npm, and modules by address.

use super::lock::Locked;
use super::npm;
use super::package::{component, component_from};
use crate::ParseError;
use crate::catalogers::dependency::Needs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Lock {
    jsr: BTreeMap<String, Package>,
    npm: BTreeMap<String, Package>,
    remote: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Package {
    integrity: String,
    dependencies: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Record<'a> {
    integrity: &'a str,
    /// `null` for none, as the peer writes it.
    dependencies: Option<&'a [String]>,
}

#[derive(Serialize)]
struct RemoteRecord<'a> {
    url: &'a str,
    integrity: &'a str,
}

/// The packages of a lock file. Edges are known between packages of JSR.
pub(super) fn parse(text: &str) -> Result<Vec<Locked>, ParseError> {
    let mut locked = Vec::new();
    for lock in serde_json::Deserializer::from_str(text).into_iter::<Lock>() {
        let lock = lock?;
        for (key, package) in &lock.jsr {
            let Some((name, version)) = key.rsplit_once('@').filter(|(name, _)| !name.is_empty()) else { continue };
            let record = Record { integrity: &package.integrity, dependencies: package.dependencies.as_deref() };
            let component = component_from(name, version, "https://jsr.io", "deno-lock-entry", &record)?;
            let requires = package.dependencies.iter().flatten().map(|specifier| required(specifier).to_owned());
            locked.push((component, Needs { provides: vec![name.to_owned()], requires: requires.collect() }));
        }
        for (key, package) in &lock.npm {
            let Some((name, version)) = npm_name_and_version(key) else { continue };
            let record = npm::Record { resolved: "", integrity: &package.integrity, dependencies: None };
            locked.push((component(name, version, npm::RECORD_KIND, &record)?, Needs::default()));
        }
        for (url, integrity) in &lock.remote {
            let (name, version) = module(url);
            if name.is_empty() {
                continue;
            }
            let record = RemoteRecord { url, integrity };
            let mut component = component_from(name, version, "", "deno-remote-lock-entry", &record)?;
            // The name is a path; all of it is the name.
            let purl = purl::PackageUrl::new("npm", name).version(version);
            component.purl = purl.qualifier("repository_url", server(url)).to_string();
            locked.push((component, Needs::default()));
        }
    }
    Ok(locked)
}

/// `NAME@VERSION`, behind which the peers follow that it was resolved with, each after an underscore.
fn npm_name_and_version(key: &str) -> Option<(&str, &str)> {
    let scope = usize::from(key.starts_with('@'));
    let at = key.get(scope..)?.find('@').filter(|at| *at > 0)? + scope;
    let version = key.get(at + 1..)?.split('_').next()?;
    Some((key.get(..at)?, version)).filter(|(_, version)| !version.is_empty())
}

/// The name that a specifier such as `jsr:@std/path@^1` or `npm:chalk@5` needs.
fn required(specifier: &str) -> &str {
    let name = specifier.strip_prefix("jsr:").or_else(|| specifier.strip_prefix("npm:")).unwrap_or(specifier);
    let version_at = name.get(1..).and_then(|rest| rest.find('@')).map_or(name.len(), |at| at + 1);
    name.get(..version_at).unwrap_or(name)
}

/// Name and version of a module: `https://deno.land/std@0.200.0/path/mod.ts` is `deno.land/std` at `0.200.0`.
fn module(url: &str) -> (&str, &str) {
    let path = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let first = |text| str::split(text, '/').next().unwrap_or_default();
    match path.split_once('@') {
        Some((name, rest)) => (name, first(rest)),
        None => (first(path), ""),
    }
}

/// Scheme and host.
fn server(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (key, expected) in [
            ("typedoc@0.28.19_typescript@6.0.3", Some(("typedoc", "0.28.19"))),
            ("@scope/name@1.2.3_@scope+peer@4.5.6", Some(("@scope/name", "1.2.3"))),
            ("a_b@1", Some(("a_b", "1"))),
            ("nothing", None),
            ("@scope/nothing", None),
            ("", None),
        ] {
            assert_eq!(npm_name_and_version(key), expected, "{key}");
        }
        for (specifier, expected) in [("jsr:@std/path@^1", "@std/path"), ("npm:chalk@5", "chalk"), ("a", "a"), ("", "")]
        {
            assert_eq!(required(specifier), expected, "{specifier}");
        }
        for (url, expected) in [
            ("https://deno.land/std@0.200.0/path/mod.ts", ("deno.land/std", "0.200.0")),
            ("http://a.b/c/d.ts", ("a.b", "")),
            ("https://esm.sh/x@1", ("esm.sh/x", "1")),
        ] {
            assert_eq!(module(url), expected, "{url}");
        }
        assert_eq!(server("https://u@deno.land/std@1/x"), "https://deno.land");
    }
}
