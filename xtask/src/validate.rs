//! The product's documents before two independent validators of each format.

use crate::peers;
use crate::run::{output, palisade, root, run};
use anyhow::Result;
use std::fs;
use std::process::Command;

/// Grows when the packages below change.
const RECIPE: u32 = 1;
/// From PyPI.
const VALIDATORS: &[&str] = &[
    "check-jsonschema",
    "cyclonedx-python-lib[validation]",
    "ntia-conformance-checker",
    "spdx-python-model",
    "spdx-tools",
    "xmlschema",
];
const FORMATS: &[&str] = &["cyclonedx-json", "cyclonedx-xml", "spdx-json", "spdx-tag-value"];

/// Writes an SBOM of the checkout in every format and has it validated.
pub(crate) fn check() -> Result<()> {
    let python = peers::python(&format!("validators-{RECIPE}"), VALIDATORS)?;
    let program = palisade()?;
    let folder = std::env::temp_dir().join(format!("palisade-validate-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = FORMATS.iter().try_for_each(|format| {
        let document = folder.join(format);
        let mut sbom = Command::new(&program);
        output(sbom.args(["sbom", "-q", "dir:.", "-o"]).arg(format!("{format}={}", document.display())))?;
        let script = root().join("crates/formats/sbom/tests/validate.py");
        run(Command::new(&python).arg(script).arg(format).arg(&document))
    });
    fs::remove_dir_all(&folder)?;
    result
}
