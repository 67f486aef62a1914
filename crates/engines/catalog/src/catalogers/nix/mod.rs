//! Nix: what lies in its store, as Syft 1.57 finds it where there is no database (`syft/pkg/cataloger/nix`).

mod derivation;
mod store_path;

use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use derivation::{Derivation, Known};
use foldhash::HashMap;
use purl::PackageUrl;
use sbom::{Component, ComponentIndex, Language, Location, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;
use store_path::StorePath;

/// Finds the packages of the store.
pub(super) struct NixStore;

const STORE: &str = "/nix/store";

/// The `nix-store-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    output: &'a str,
    output_hash: &'a str,
    derivation: derivation::Record<'a>,
}

impl Cataloger for NixStore {
    fn name(&self) -> &'static str {
        "nix-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "nix"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("nix/store/*.drv")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let derivation = Derivation::parse(&file.text())?;
        out.kept = postcard::to_stdvec(&derivation).map_err(|error| ParseError::malformed(error.to_string()))?;
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut known = Known::default();
        for found in view.extractions() {
            match postcard::from_bytes(&found.body.kept) {
                Ok(derivation) => known.add(&found, derivation),
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
        let mut indices: HashMap<String, ComponentIndex> = HashMap::default();
        for (path, layer) in store(view) {
            let Some(parts) = StorePath::parse(&path) else { continue };
            let derivation = known.of_output(&path);
            let location =
                Location { path: path.clone(), access_path: path.clone(), layer, primary: true, ..Location::default() };
            // A record of texts can always be printed.
            if let Ok(component) = component(&path, &parts, derivation) {
                let mut locations = vec![location];
                locations.extend(derivation.map(|(_, location)| location.clone()));
                indices.insert(path, out.add(Component { locations, ..component }));
            }
        }
        for (path, index) in &indices {
            for needed in known.needs(path) {
                if let Some(needed) = indices.get(needed).filter(|needed| *needed != index) {
                    out.dependency(*needed, *index);
                }
            }
        }
    }
}

/// What lies in the store itself, with the layer of the first file of it.
fn store(view: &View<'_>) -> BTreeMap<String, Option<u32>> {
    let mut paths = BTreeMap::new();
    for (file, layer) in view.whole_folder(STORE) {
        let inside = file.path.get(STORE.len() + 1..).unwrap_or_default();
        let name = inside.split('/').next().unwrap_or_default();
        paths.entry(format!("{STORE}/{name}")).or_insert(layer);
    }
    paths
}

fn component(
    path: &str,
    parts: &StorePath<'_>,
    derivation: Option<(&Derivation, &Location)>,
) -> Result<Component, serde_json::Error> {
    let mut component = Component::new(PackageType::Nix, Language::Unknown, parts.name, parts.version);
    let file = derivation.map_or("", |(_, location)| location.path.as_str());
    let purl = PackageUrl::new("nix", parts.name).version(parts.version).qualifier("output", parts.output);
    let purl =
        purl.qualifier("outputhash", parts.hash).qualifier("drvpath", file.rsplit('/').next().unwrap_or_default());
    component.purl = purl.to_string();
    let derivation = derivation.map(|(derivation, _)| derivation.record(file)).unwrap_or_default();
    component
        .set_metadata("nix-store-entry", &Record { path, output: parts.output, output_hash: parts.hash, derivation })?;
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::NixStore;
    use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

    #[test]
    fn stores() {
        let hash = "h0cnbmfcn93xm5dg2x27ixhag1cwndga";
        let (glibc, bash) = (format!("/nix/store/{hash}-glibc-2.34-210-bin"), format!("/nix/store/{hash}-bash-5.2"));
        let derivation = |output: &str, inputs: &str| {
            format!(
                r#"Derive([("out","{output}","","")],[{inputs}],["/nix/store/x-src.sh"],"x86_64-linux","/bin/sh",["-e"],[("a","b\"c")])"#
            )
        };
        let files = [
            (format!("{glibc}/bin/ldd"), String::new()),
            (format!("{bash}/bin/bash"), String::new()),
            ("/nix/store/5av3-glibc-2.34-210.drv".to_owned(), derivation(&glibc, "")),
            (
                "/nix/store/6av3-bash-5.2.drv".to_owned(),
                derivation(&bash, r#"("/nix/store/5av3-glibc-2.34-210.drv",["out"])"#),
            ),
            ("/nix/store/bad.drv".to_owned(), "Derive(".to_owned()),
            (format!("/nix/store/{hash}-source/x"), String::new()),
        ];
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
        let document = catalogue(&NixStore, &files);
        let expected = [
            format!("pkg:nix/bash@5.2?drvpath=6av3-bash-5.2.drv&outputhash={hash}"),
            format!("pkg:nix/glibc@2.34-210?drvpath=5av3-glibc-2.34-210.drv&output=bin&outputhash={hash}"),
        ];
        assert_eq!(purls(&document), expected);
        assert_eq!(edges(&document), ["glibc -> bash"]);
        let expected = format!(
            r#"{{"path":"{bash}","outputHash":"{hash}","derivation":{{"path":"/nix/store/6av3-bash-5.2.drv","system":"x86_64-linux","inputDerivations":[{{"path":"/nix/store/5av3-glibc-2.34-210.drv","outputs":["out"]}}],"inputSources":["/nix/store/x-src.sh"]}}}}"#
        );
        assert_eq!(record(&document, "bash"), expected);
        assert_eq!(unknowns(&document).len(), 1);
    }
}
