//! `dotnet-deps-binary-cataloger`: what `*.deps.json` files and assemblies say together.
//!
//! An assembly that a `deps.json` names is evidence of the package that brought it; any other is a package of its own,
//! except those of a shared runtime, which are one package (Syft 1.57, `deps_binary_cataloger.go`).

use super::assembly::{self, Strings};
use super::{MAX_EDGES, deps, runtime};
use crate::catalogers::pe_resources;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use foldhash::HashMap;
use sbom::{Component, ComponentIndex, Language, Location, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Finds the packages of .NET applications.
pub(crate) struct DotnetDeps;

/// What is kept of a file besides its components.
#[derive(Serialize, Deserialize)]
enum Kept {
    Document(Document),
    Assembly(Strings),
}

/// What assemblies need to know of a `deps.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    /// The first component is the application.
    pub(super) has_root: bool,
    /// By the path beside the file.
    pub(super) claims: BTreeMap<String, Vec<Claim>>,
}

/// A package says that a file is its own.
#[derive(Serialize, Deserialize)]
pub(super) struct Claim {
    /// Index into the components of the file; `None` for packages that were left out.
    pub(super) component: Option<u32>,
    /// The file as the package names it.
    pub(super) target: String,
}

impl Cataloger for DotnetDeps {
    fn name(&self) -> &'static str {
        "dotnet-deps-binary-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "dotnet", "c#"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.deps.json"), Want::Glob("**/*.{dll,exe,bpl,DLL,EXE,BPL}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let kept = if file.name().ends_with(deps::SUFFIX) {
            Kept::Document(deps::extract(file, out)?)
        } else {
            // What is no PE file is told by the cataloger of those that are not for .NET.
            let Some(info) = pe_resources::read(file.bytes).filter(|info| info.is_dotnet) else { return Ok(()) };
            if let Some(gap) = info.gap {
                out.unknowns.push((String::new(), gap.to_owned()));
            }
            Kept::Assembly(info.version)
        };
        out.kept = postcard::to_stdvec(&kept).map_err(|error| ParseError::malformed(error.to_string()))?;
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut pairing = Pairing::default();
        let mut assemblies = Vec::new();
        for found in view.extractions() {
            match postcard::from_bytes(&found.body.kept) {
                Ok(Kept::Document(document)) => {
                    pairing.add(&found, document, out.components().len());
                    out.add_extracted(&found);
                }
                Ok(Kept::Assembly(strings)) => assemblies.push((found, strings)),
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
        let mut alone = Vec::new();
        for (found, strings) in &assemblies {
            if !pairing.attach(found, strings) {
                alone.push((found, strings));
            }
        }
        pairing.write(out);
        add_runtimes_and_packages(&alone, out);
        link_runtimes(&pairing.roots, out);
    }
}

#[derive(Default)]
struct Pairing<'s> {
    /// By the folder of the file; with the index of its first component.
    documents: HashMap<String, Vec<(usize, Document)>>,
    roots: Vec<usize>,
    /// By component.
    attached: BTreeMap<usize, Attached<'s>>,
}

#[derive(Default)]
struct Attached<'s> {
    locations: Vec<Location>,
    executables: BTreeMap<String, assembly::Record<'s>>,
}

impl<'s> Pairing<'s> {
    fn add(&mut self, found: &Found<'_>, document: Document, base: usize) {
        if document.has_root {
            self.roots.push(base);
        }
        let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.documents.entry(folder.to_owned()).or_default().push((base, document));
    }

    /// Does any `deps.json` above the assembly name it?
    fn attach(&mut self, found: &Found<'_>, strings: &'s Strings) -> bool {
        let path = found.file.path.as_str();
        let mut is_claimed = false;
        for (at, _) in path.match_indices('/') {
            let (folder, file) = (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default());
            for (base, document) in self.documents.get(folder).into_iter().flatten() {
                for claim in document.claims.get(file).into_iter().flatten() {
                    is_claimed = true;
                    let Some(component) = claim.component.and_then(|index| usize::try_from(index).ok()) else {
                        continue;
                    };
                    let attached = self.attached.entry(base + component).or_default();
                    attached.locations.push(found.supporting());
                    attached.executables.insert(claim.target.clone(), assembly::Record::new(strings));
                }
            }
        }
        is_claimed
    }

    /// Puts the assemblies into the components and their records, whose last field they are.
    fn write(&mut self, out: &mut Assembly) {
        for (index, attached) in std::mem::take(&mut self.attached) {
            let Some(component) = out.components.get_mut(index) else { continue };
            component.locations.extend(attached.locations);
            let executables = serde_json::to_string(&attached.executables);
            if let (Some(metadata), Ok(executables)) = (&mut component.metadata, executables)
                && metadata.json.pop() == Some('}')
            {
                metadata.json.push_str(&format!(",\"executables\":{executables}}}"));
            }
        }
    }
}

fn add_runtimes_and_packages(alone: &[(&Found<'_>, &Strings)], out: &mut Assembly) {
    let is_runtime = |component: &&Component| runtime::is_runtime(&component.name);
    let known: BTreeSet<String> =
        out.components().iter().filter(is_runtime).map(|component| component.version.clone()).collect();
    let mut runtimes: BTreeMap<&str, Vec<Location>> = BTreeMap::new();
    for (found, strings) in alone {
        if let Some(version) = runtime_version(&found.file.path) {
            let location = Location { primary: false, unannotated: true, ..found.location() };
            runtimes.entry(version).or_default().push(location);
            continue;
        }
        let name = found.file.path.rsplit('/').next().unwrap_or_default();
        match assembly::package(strings, name) {
            Ok(component) => {
                out.add(Component { locations: vec![found.location()], ..component });
            }
            Err(error) => out.unknown(found, error.to_string()),
        }
    }
    for (version, locations) in runtimes.into_iter().filter(|(version, _)| !known.contains(*version)) {
        const NAME: &str = "Microsoft.NETCore.App";
        let component = Component::new(PackageType::Dotnet, Language::Unknown, NAME, version);
        out.add(Component { cpes: runtime::cpes(NAME, version), locations, ..component });
    }
}

/// `8.0.1` of `.../Microsoft.NETCore.App/8.0.1/System.dll`.
fn runtime_version(path: &str) -> Option<&str> {
    let (_, rest) = path.rsplit_once("/Microsoft.NETCore.App/")?;
    let (version, file) = rest.split_once('/')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = version.split('.').count() == 3 && version.split('.').all(is_number);
    (is_version && !file.contains('/') && file.ends_with(".dll")).then_some(version)
}

/// Every runtime is needed by every application.
fn link_runtimes(roots: &[usize], out: &mut Assembly) {
    let runtimes: Vec<usize> = (0..)
        .zip(out.components())
        .filter(|(_, component)| runtime::is_runtime(&component.name))
        .map(|(index, _)| index)
        .collect();
    let pairs = roots.iter().flat_map(|root| runtimes.iter().map(move |runtime| (*runtime, *root)));
    for (runtime, root) in pairs.filter(|(runtime, root)| runtime != root).take(MAX_EDGES) {
        let index = |at| ComponentIndex(u32::try_from(at).unwrap_or(u32::MAX));
        out.dependency(index(runtime), index(root));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtime_versions() {
        for (path, expected) in [
            ("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/System.dll", Some("8.0.1")),
            ("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/x/System.dll", None),
            ("/usr/share/dotnet/shared/Microsoft.AspNetCore.App/8.0.1/System.dll", None),
            ("/Microsoft.NETCore.App/8.0.0-rc/System.dll", None),
        ] {
            assert_eq!(runtime_version(path), expected, "{path}");
        }
    }
}
