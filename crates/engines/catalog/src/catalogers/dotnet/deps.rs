//! `*.deps.json`, what a published application says it was built from.

use super::pairing::{Claim, Document};
use super::{MAX_EDGES, component, runtime};
use crate::{Extraction, File, ParseError};
use foldhash::{HashMap, HashSet};
use sbom::ComponentIndex;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How the name of such a file ends.
pub(super) const SUFFIX: &str = ".deps.json";

/// Tools that merge assemblies: with one of them, a package without an assembly may still be there.
const BUNDLERS: [&str; 13] = [
    "ILRepack.Lib.MSBuild.Task",
    "ILRepack.Lib",
    "ILRepack.Lib.MSBuild",
    "ILRepack.Lib.NET",
    "ILRepack.NETStandard",
    "ILRepack.FullAuto",
    "ILMerge",
    "JetBrains.Build.ILRepack",
    "PostSharp.Community.Packer",
    "Brokenevent.ILStrip",
    "Brokenevent.ILStrip.CLI",
    "Costura.Fody",
    "Fody",
];

#[derive(Deserialize)]
struct DepsFile {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default)]
    runtime: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    resources: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    compile: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    native: BTreeMap<String, IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Library {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    sha512: String,
    #[serde(default)]
    hash_path: String,
}

/// The `dotnet-deps-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    name: &'a str,
    version: &'a str,
    path: &'a str,
    sha512: &'a str,
    hash_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    r#type: &'a str,
}

/// What all targets say of one `name/version`.
#[derive(Default)]
struct Package {
    /// As `name/version`.
    needs: BTreeSet<String>,
    /// The files that it says are its own: where they are beside the `deps.json`, and as it names them.
    paths: BTreeMap<String, String>,
}

/// Takes the packages of a `deps.json`. Gives what [`pairing`](super::pairing) needs of it.
pub(super) fn extract(file: &File<'_>, out: &mut Extraction) -> Result<Document, ParseError> {
    let deps: DepsFile = serde_json::from_slice(file.bytes)?;
    let packages = packages(&deps);
    let claiming = claiming(&packages);
    let bundled = packages.keys().any(|key| BUNDLERS.contains(&split(key).0));
    let project = file.name().strip_suffix(SUFFIX).unwrap_or_default();
    let library = |key: &str| deps.libraries.get(key);
    let root = packages
        .keys()
        .find(|key| split(key).0 == project && library(key).is_some_and(|library| library.r#type == "project"));
    let mut indexes = HashMap::default();
    for key in root.into_iter().chain(packages.keys().filter(|key| Some(*key) != root)) {
        let left_out = library(key).is_some_and(|library| match library.r#type.as_str() {
            "project" => true,
            "referenceassembly" => library.sha512.is_empty() && library.path.is_empty(),
            _ => false,
        });
        if Some(key) == root || !left_out && (bundled || claiming.contains(key)) {
            indexes.insert(*key, add(key, library(key), out)?);
        }
    }
    let has_root = root.is_some();
    add_edges(&packages, &indexes, out)?;
    let mut claims: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for (key, package) in &packages {
        for (path, target) in &package.paths {
            let component = indexes.get(key).map(|index| index.0);
            claims.entry(path.clone()).or_default().push(Claim { component, target: target.clone() });
        }
    }
    Ok(Document { has_root, claims })
}

fn packages(deps: &DepsFile) -> BTreeMap<&str, Package> {
    let mut packages: BTreeMap<&str, Package> = BTreeMap::new();
    for (key, target) in deps.targets.values().flatten() {
        let package = packages.entry(key).or_default();
        package.needs.extend(target.dependencies.iter().map(|(name, version)| format!("{name}/{version}")));
        for path in [&target.runtime, &target.resources, &target.compile].into_iter().flat_map(BTreeMap::keys) {
            package.paths.entry(published(path).to_owned()).or_insert_with(|| path.clone());
        }
        for path in target.native.keys() {
            package.paths.entry(path.clone()).or_insert_with(|| path.clone());
        }
    }
    packages
}

/// Where publishing puts `lib/net6.0/A.dll` or `runtimes/linux-arm/lib/netcoreapp2.2/A.dll`.
fn published(path: &str) -> &str {
    let in_library = || {
        let library = match path.strip_prefix("runtimes/") {
            Some(rest) => rest.split_once('/')?.1,
            None => path,
        };
        let (framework, rest) = library.strip_prefix("lib/net")?.split_once('/')?;
        (!framework.is_empty() && !rest.is_empty()).then_some(rest)
    };
    in_library().unwrap_or(path)
}

/// The packages that have an assembly, or need, at any depth, one that has.
fn claiming<'a>(packages: &'a BTreeMap<&str, Package>) -> HashSet<&'a str> {
    let mut needed_by: HashMap<&str, Vec<&str>> = HashMap::default();
    for (key, package) in packages {
        for needed in &package.needs {
            needed_by.entry(needed).or_default().push(key);
        }
    }
    let mut open: Vec<&str> =
        packages.iter().filter(|(_, package)| !package.paths.is_empty()).map(|(key, _)| *key).collect();
    let mut claiming = HashSet::default();
    while let Some(key) = open.pop() {
        if claiming.insert(key) {
            open.extend(needed_by.get(key).into_iter().flatten());
        }
    }
    claiming
}

fn add(key: &str, library: Option<&Library>, out: &mut Extraction) -> Result<ComponentIndex, ParseError> {
    let (name, version) = split(key);
    let mut package = component(name, version);
    package.cpes = runtime::cpes(name, version);
    let unknown = Library::default();
    let Library { r#type, path, sha512, hash_path } = library.unwrap_or(&unknown);
    package.set_metadata("dotnet-deps-entry", &Record { name, version, path, sha512, hash_path, r#type })?;
    Ok(out.add(package))
}

/// Links each component to what it needs; where that was left out, to the nearest components behind it.
fn add_edges(
    packages: &BTreeMap<&str, Package>,
    indexes: &HashMap<&str, ComponentIndex>,
    out: &mut Extraction,
) -> Result<(), ParseError> {
    let mut steps = 0;
    for (key, package) in packages {
        let Some(needing) = indexes.get(key) else { continue };
        let mut open: Vec<&str> = package.needs.iter().map(String::as_str).collect();
        let mut seen = HashSet::default();
        while let Some(needed) = open.pop() {
            steps += 1;
            if steps > MAX_EDGES {
                return Err(ParseError::Limit { what: "dependencies in a deps.json", limit: MAX_EDGES as u64 });
            }
            if !seen.insert(needed) {
                continue;
            }
            match (indexes.get(needed), packages.get(needed)) {
                (Some(index), _) => out.dependency(*index, *needing),
                (None, Some(left_out)) => open.extend(left_out.needs.iter().map(String::as_str)),
                (None, None) => {}
            }
        }
    }
    Ok(())
}

fn split(key: &str) -> (&str, &str) {
    let (name, rest) = key.split_once('/').unwrap_or((key, ""));
    (name, rest.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::catalogers::dotnet::DotnetDeps;
    use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

    const DEPS: &str = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"targets":{".NETCoreApp,Version=v8.0":{
"app/1.0.0":{"dependencies":{"A":"1.0.0","B":"2.0.0","Lib":"1.0.0","Meta":"1.0.0"},"runtime":{"app.dll":{}}},
"A/1.0.0":{"runtime":{"lib/net8.0/A.dll":{"assemblyVersion":"1.0.0.0","fileVersion":"1.0.0.0"}}},
"B/2.0.0":{"dependencies":{"A":"1.0.0"}},
"Lib/1.0.0":{"dependencies":{"C":"1.0.0"},"runtime":{"Lib.dll":{}}},
"C/1.0.0":{"resources":{"lib/net8.0/cs/C.resources.dll":{"locale":"cs"}}},
"Meta/1.0.0":{},
"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"runtime":{"System.dll":{}}}}},
"libraries":{"app/1.0.0":{"type":"project","serviceable":false,"sha512":""},
"A/1.0.0":{"type":"package","serviceable":true,"sha512":"sha512-aa","path":"a/1.0.0","hashPath":"a.1.0.0.nupkg.sha512"},
"Lib/1.0.0":{"type":"project","serviceable":false,"sha512":""}}}"#;

    #[test]
    fn published() {
        let document = catalogue(&DotnetDeps, &[("/app/app.deps.json", DEPS.as_bytes())]);
        let expected = [
            "pkg:nuget/A@1.0.0",
            "pkg:nuget/B@2.0.0",
            "pkg:nuget/C@1.0.0",
            "pkg:nuget/app@1.0.0",
            "pkg:nuget/runtimepack.Microsoft.NETCore.App.Runtime.linux-x64@8.0.1",
        ];
        assert_eq!(purls(&document), expected);
        let runtime = "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64 -> app";
        assert_eq!(edges(&document), ["A -> B", "A -> app", "B -> app", "C -> app", runtime]);
        let expected = r#"{"name":"A","version":"1.0.0","path":"a/1.0.0","sha512":"sha512-aa","hashPath":"a.1.0.0.nupkg.sha512","type":"package"}"#;
        assert_eq!(record(&document, "A"), expected);
    }

    #[test]
    fn cycles_and_other_files() {
        let cycle = r#"{"targets":{"t":{"x/1":{"dependencies":{"y":"1"}},"y/1":{"dependencies":{"x":"1"},"native":{"y.so":{}}}}}}"#;
        let document = catalogue(&DotnetDeps, &[("/c.deps.json", cycle.as_bytes())]);
        assert_eq!(edges(&document), ["x -> y", "y -> x"]);
        assert_eq!(unknowns(&catalogue(&DotnetDeps, &[("/c.deps.json", b"[")])).len(), 1);
    }
}
