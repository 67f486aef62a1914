//! Go programs: the build information that the linker leaves in them names every module.
//!
//! What is made of it follows Syft 1.57, `syft/pkg/cataloger/golang`.

mod build_info;
mod crypto;
mod main_version;

use super::executable::{self, Executable};
use super::go_module::{self, Module};
use crate::{Cataloger, Extraction, File, ParseError, Want};
use build_info::BuildInfo;
use sbom::{Component, Cpe, CpeSource, Language, License, PackageType};
use serde::Serialize;

/// Finds the modules that Go programs are built from.
pub(super) struct GoBinary;

/// `go-module-buildinfo-entry`, fields in the order of Syft's schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    go_build_settings: &'a [build_info::Setting],
    go_compiled_version: &'a str,
    architecture: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    h1_digest: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    main_module: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    go_crypto_settings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    go_experiments: &'a [String],
}

/// What all modules of one program have in common.
struct Program {
    info: BuildInfo,
    /// `go1.22.1`, without the experiments.
    go_version: String,
    experiments: Vec<String>,
    crypto: Vec<String>,
    architecture: String,
}

impl Cataloger for GoBinary {
    fn name(&self) -> &'static str {
        "go-module-binary-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "go", "golang", "gomod", "binary"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut go_version = None;
        for part in executable::parts(file.bytes) {
            let Some(executable) = Executable::parse(part) else { continue };
            let Some(info) = build_info::read(&executable)? else { continue };
            let program = Program::new(info, &executable);
            program.add_modules(out)?;
            go_version.get_or_insert(program.go_version);
        }
        match go_version {
            Some(go_version) if !out.components.is_empty() => add_standard_library(&go_version, out),
            _ => Ok(()),
        }
    }
}

impl Program {
    fn new(mut info: BuildInfo, executable: &Executable<'_>) -> Self {
        let (go_version, experiments) = split_experiments(&info.go_version);
        let crypto = crypto::settings(executable, &info);
        let architecture = info.setting("GOARCH").map_or_else(|| executable.machine.clone(), str::to_owned);
        main_version::find_main(&mut info);
        Self { info, go_version, experiments, crypto, architecture }
    }

    /// Adds the main module and those that it depends on.
    fn add_modules(&self, out: &mut Extraction) -> Result<(), ParseError> {
        let main = match &self.info.main {
            Some(main) => {
                let version = main_version::of(main, &self.info);
                let mut component = component(main, &version);
                component.set_metadata(METADATA, &self.entry(main, &self.info.settings))?;
                Some(out.add(component))
            }
            None => None,
        };
        for module in self.info.modules.iter().filter(|module| Some(*module) != self.info.main.as_ref()) {
            let mut component = component(module, &module.used().version);
            component.set_metadata(METADATA, &self.entry(module, &[]))?;
            let index = out.add(component);
            if let Some(main) = main {
                out.dependency(index, main);
            }
        }
        Ok(())
    }

    fn entry<'a>(&'a self, module: &'a Module, settings: &'a [build_info::Setting]) -> Entry<'a> {
        Entry {
            go_build_settings: settings,
            go_compiled_version: &self.go_version,
            architecture: &self.architecture,
            h1_digest: &module.used().sum,
            main_module: self.info.main.as_ref().map_or("", |main| &main.path),
            go_crypto_settings: &self.crypto,
            go_experiments: &self.experiments,
        }
    }
}

const METADATA: &str = "go-module-buildinfo-entry";

fn component(module: &Module, version: &str) -> Component {
    let version = if version == main_version::DEVEL { "" } else { version };
    let mut component = Component::new(PackageType::GoModule, Language::Go, module.final_path(), version);
    component.purl = go_module::purl(module.final_path(), version);
    component
}

/// The standard library; the first component, the main module where there is one, needs it.
fn add_standard_library(go_version: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let Some(cpe) = standard_library_cpe(go_version) else { return Ok(()) };
    let mut component = Component::new(PackageType::GoModule, Language::Go, "stdlib", go_version);
    component.purl = go_module::purl("stdlib", go_version.strip_prefix("go").unwrap_or(go_version));
    component.cpes.push(Cpe { name: cpe, source: CpeSource::Generated });
    component.licenses.push(License::declared("BSD-3-Clause"));
    let entry = Entry {
        go_build_settings: &[],
        go_compiled_version: go_version,
        architecture: "",
        h1_digest: "",
        main_module: "",
        go_crypto_settings: &[],
        go_experiments: &[],
    };
    component.set_metadata(METADATA, &entry)?;
    let index = out.add(component);
    out.dependency(index, sbom::ComponentIndex(0));
    Ok(())
}

/// `go1.22rc1+abc` gives version `1.22`, update `rc1`; `None` where there is no number (`devel`).
fn standard_library_cpe(go_version: &str) -> Option<String> {
    let version = go_version.strip_prefix("go").unwrap_or(go_version);
    let version = version.split('+').next().unwrap_or_default();
    let start = version.find(|c: char| c.is_ascii_digit())?;
    let version = version.get(start..)?;
    let mut end = 0;
    for group in 0..3 {
        let from = if group == 0 { end } else { end + 1 };
        if group > 0 && version.as_bytes().get(end) != Some(&b'.') {
            break;
        }
        let digits = version.get(from..)?.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        end = from + digits;
    }
    let (number, rest) = version.split_at_checked(end)?;
    let update = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|word| !word.is_empty());
    Some(format!("cpe:2.3:a:golang:go:{number}:{}:*:*:*:*:*:*", update.unwrap_or("-")))
}

/// `go1.20 X:arenas,boringcrypto` is a version and two experiments.
fn split_experiments(go_version: &str) -> (String, Vec<String>) {
    let (version, rest) = go_version.split_once(' ').unwrap_or((go_version, ""));
    let experiments = match rest.strip_prefix("X:") {
        Some(_) => {
            rest.split(' ').flat_map(|chunk| chunk.trim_start_matches("X:").split(',')).map(str::to_owned).collect()
        }
        None => Vec::new(),
    };
    (version.to_owned(), experiments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_library_names() {
        for (version, expected) in [
            ("go1.22.1", Some("1.22.1:-")),
            ("go1.22", Some("1.22:-")),
            ("go1.22rc1", Some("1.22:rc1")),
            ("go1.18.2+abc", Some("1.18.2:-")),
            ("go1.26.8-X:jsonv2", Some("1.26.8:-")),
            ("devel", None),
            ("", None),
        ] {
            let expected = expected.map(|expected| format!("cpe:2.3:a:golang:go:{expected}:*:*:*:*:*:*"));
            assert_eq!(standard_library_cpe(version), expected, "{version}");
        }
    }

    #[test]
    fn experiments() {
        let split = |version| split_experiments(version);
        assert_eq!(split("go1.20 X:arenas,a"), ("go1.20".to_owned(), vec!["arenas".to_owned(), "a".to_owned()]));
        assert_eq!(split("go1.20"), ("go1.20".to_owned(), vec![]));
        assert_eq!(split("go1.20 (fork)"), ("go1.20".to_owned(), vec![]));
    }
}
