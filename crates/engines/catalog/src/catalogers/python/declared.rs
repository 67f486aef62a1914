//! `python-package-cataloger`: requirement and lock files.

use super::{pdm, pipfile, poetry, requirements, setup, uv};
use crate::catalogers::dependency::{self, Needs};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use sbom::{Component, ComponentIndex};

/// Finds what Python projects declare.
pub(crate) struct PythonPackage;

impl Cataloger for PythonPackage {
    fn name(&self) -> &'static str {
        "python-package-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "python"]
    }

    fn wants(&self) -> &'static [Want] {
        &[
            Want::Glob("**/*requirements*.txt"),
            Want::Glob("**/{poetry.lock,Pipfile.lock,setup.py,uv.lock,pdm.lock}"),
            Want::Glob("**/*.py.lock"),
        ]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        match file.name() {
            "poetry.lock" => poetry::parse(&text, out)?,
            "Pipfile.lock" => return pipfile::parse(&text, out),
            "setup.py" => return setup::parse(&text, out),
            "pdm.lock" => pdm::parse(&text, out)?,
            name if name.ends_with(".lock") => uv::parse(&text, out)?,
            _ => requirements::parse(&text, out)?,
        }
        if out.components.is_empty() {
            return Err(ParseError::malformed("unable to determine packages"));
        }
        Ok(())
    }
}

/// Adds the packages and the edges between them.
pub(super) fn add_all(packages: Vec<(Component, Needs)>, out: &mut Extraction) -> Result<(), ParseError> {
    let (components, needs): (Vec<Component>, Vec<Needs>) = packages.into_iter().unzip();
    let indices: Vec<ComponentIndex> = components.into_iter().map(|component| out.add(component)).collect();
    for (needed, needing) in dependency::edges(&needs)? {
        if let (Some(needed), Some(needing)) = (indices.get(needed), indices.get(needing)) {
            out.dependency(*needed, *needing);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
