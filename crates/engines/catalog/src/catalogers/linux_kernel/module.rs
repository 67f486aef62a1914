//! Kernel modules: the section `.modinfo` of an ELF file, perhaps compressed.

use super::purl;
use crate::catalogers::inflate::inflate;
use crate::catalogers::os::declared;
use crate::{File, ParseError};
use object::{Object, ObjectSection};
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    license: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kernel_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_magic: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Default, Serialize)]
struct Parameter {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
}

/// The peer's bound; real modules have tens of megabytes.
const MAX_BYTES: u64 = 256 << 20;

/// The module and the version of the kernel that it is for; none where it does not tell that.
///
/// # Errors
/// Where the file can't be decompressed, is not ELF, or its facts have not the form.
pub(super) fn parse(file: &File<'_>) -> Result<Option<(Component, String)>, ParseError> {
    let bytes = inflate(file.bytes, MAX_BYTES)?;
    let elf = object::File::parse(bytes.as_ref()).map_err(|error| ParseError::malformed(error.to_string()))?;
    let section = elf.section_by_name(".modinfo").ok_or_else(|| ParseError::malformed("no section .modinfo"))?;
    let facts = section.data().map_err(|error| ParseError::malformed(error.to_string()))?;
    let mut record = Record { path: file.path.to_owned(), ..Record::default() };
    for fact in facts.split(|byte| *byte == 0).filter(|fact| !fact.is_empty()) {
        let fact = String::from_utf8_lossy(fact);
        let (key, value) = fact.split_once('=').unwrap_or((&fact, ""));
        record.set(key, value)?;
    }
    if record.kernel_version.is_empty() {
        return Ok(None);
    }
    let mut component =
        Component::new(PackageType::LinuxKernelModule, Language::Unknown, &record.name, &record.version);
    component.purl = purl(&record.name, &record.version);
    component.licenses = declared(&[&record.license]);
    component.set_metadata("linux-kernel-module", &record)?;
    Ok(Some((component, record.kernel_version)))
}

impl Record {
    fn set(&mut self, key: &str, value: &str) -> Result<(), ParseError> {
        let field = match key {
            "version" => &mut self.version,
            "license" => &mut self.license,
            "author" => &mut self.author,
            "name" => &mut self.name,
            "srcversion" => &mut self.source_version,
            "description" => &mut self.description,
            "vermagic" => {
                value.split_whitespace().next().unwrap_or_default().clone_into(&mut self.kernel_version);
                &mut self.version_magic
            }
            "parm" | "parmtype" => return self.set_parameter(key, value),
            _ => return Ok(()),
        };
        value.clone_into(field);
        Ok(())
    }

    /// The first fact about a parameter counts, be it its type or its description, as with the peer.
    fn set_parameter(&mut self, key: &str, value: &str) -> Result<(), ParseError> {
        let (name, text) =
            value.split_once(':').ok_or_else(|| ParseError::malformed(format!("a {key} entry without a colon")))?;
        self.parameters.entry(name.to_owned()).or_insert_with(|| match key {
            "parm" => Parameter { description: text.to_owned(), ..Parameter::default() },
            _ => Parameter { kind: text.to_owned(), ..Parameter::default() },
        });
        Ok(())
    }
}
