//! SPDX 3 JSON-LD to parts.

use super::raw::{Parts, RawAnnotation, RawChecksum, RawFile, RawLicense, RawPackage, RawRelationship};
use crate::decode::DecodeError;
use crate::json::Text;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// Deepest nesting of licence sets that is read.
const MAX_SET_DEPTH: usize = 8;
/// Most that all licence expressions together may take.
const MAX_EXPRESSION_BYTES: usize = 1 << 26;

/// The version in the address of the JSON-LD context, where that is SPDX's.
pub(crate) fn context_version(context: &Value) -> Option<&str> {
    let all = context.as_array().map_or(std::slice::from_ref(context), Vec::as_slice);
    let addresses = all.iter().filter_map(Value::as_str);
    let mut versions = addresses
        .filter_map(|address| address.strip_prefix("https://spdx.org/rdf/")?.strip_suffix("/spdx-context.jsonld"));
    versions.next()
}

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(rename = "@graph", borrow)]
    graph: Vec<Element<'a>>,
}

/// An element of any class: the members that are read of any of them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Element<'a> {
    #[serde(rename = "type", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    spdx_id: Text<'a>,
    #[serde(rename = "@id", borrow)]
    blank_id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    created: Text<'a>,
    created_using: Option<Vec<Value>>,
    #[serde(rename = "software_packageVersion", borrow)]
    package_version: Text<'a>,
    #[serde(rename = "software_packageUrl", borrow)]
    package_url: Text<'a>,
    #[serde(rename = "software_homePage", borrow)]
    home_page: Text<'a>,
    #[serde(rename = "software_sourceInfo", borrow)]
    source_info: Text<'a>,
    #[serde(rename = "software_primaryPurpose", borrow)]
    primary_purpose: Text<'a>,
    #[serde(rename = "software_additionalPurpose")]
    additional_purpose: Option<Vec<String>>,
    supplied_by: Option<Value>,
    originated_by: Option<Vec<Value>>,
    #[serde(borrow)]
    external_identifier: Option<Vec<Identifier<'a>>>,
    #[serde(borrow)]
    verified_using: Option<Vec<Hash<'a>>>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    relationship_type: Text<'a>,
    to: Option<Vec<Value>>,
    root_element: Option<Vec<Value>>,
    #[serde(borrow)]
    subject: Text<'a>,
    #[serde(borrow)]
    statement: Text<'a>,
    #[serde(rename = "simplelicensing_licenseExpression", borrow)]
    license_expression: Text<'a>,
    #[serde(rename = "simplelicensing_licenseText", borrow)]
    license_text: Text<'a>,
    #[serde(rename = "expandedlicensing_member")]
    license_members: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identifier<'a> {
    #[serde(borrow)]
    external_identifier_type: Text<'a>,
    #[serde(borrow)]
    identifier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Hash<'a> {
    #[serde(rename = "type", borrow)]
    class: Text<'a>,
    #[serde(borrow)]
    algorithm: Text<'a>,
    #[serde(borrow)]
    hash_value: Text<'a>,
}

impl Element<'_> {
    fn id(&self) -> &str {
        if self.spdx_id.0.is_empty() { &self.blank_id.0 } else { &self.spdx_id.0 }
    }
}

type Index<'e, 'a> = HashMap<&'e str, &'e Element<'a>>;

pub(super) fn parts(bytes: &[u8]) -> Result<Parts, DecodeError> {
    let root: Root<'_> =
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Json { format: "spdx-json", source })?;
    let index: Index<'_, '_> = root.graph.iter().map(|element| (element.id(), element)).collect();
    let mut parts = Parts::default();
    let mut packages: HashMap<&str, usize> = HashMap::new();
    for element in &root.graph {
        match element.class.0.as_ref() {
            "SpdxDocument" => document(element, &index, &mut parts),
            "CreationInfo" => creation(element, &index, &mut parts),
            "software_Package" => {
                packages.insert(element.id(), parts.packages.len());
                parts.packages.push(package(element, &index));
            }
            "software_File" => parts.files.push(file(element)),
            "simplelicensing_SimpleLicensingText" | "expandedlicensing_CustomLicense" => {
                parts.licenses.push(RawLicense {
                    id: custom_license(element.id()).to_owned(),
                    name: element.name.0.clone().into_owned(),
                    text: element.license_text.0.clone().into_owned(),
                });
            }
            "Annotation" => parts.annotations.push(RawAnnotation {
                subject: element.subject.0.clone().into_owned(),
                annotator: "Tool: ".to_owned(),
                text: element.statement.0.clone().into_owned(),
            }),
            _ => {}
        }
    }
    let mut licenses = Licenses { index: &index, budget_bytes: MAX_EXPRESSION_BYTES };
    for element in &root.graph {
        if element.class.0.ends_with("Relationship") {
            relationship(element, &mut licenses, &packages, &mut parts);
        }
    }
    Ok(parts)
}

/// What the document describes is the root of its roots.
fn document(element: &Element<'_>, index: &Index<'_, '_>, parts: &mut Parts) {
    parts.name = element.name.0.clone().into_owned();
    parts.namespace = element.id().trim_end_matches('#').to_owned();
    for root in element.root_element.iter().flatten().filter_map(Value::as_str) {
        match index.get(root) {
            Some(bom) if bom.class.0.ends_with("Sbom") || bom.class.0.ends_with("Bom") => {
                let inner = bom.root_element.iter().flatten().filter_map(Value::as_str);
                parts.described.extend(inner.map(str::to_owned));
            }
            _ => parts.described.push(root.to_owned()),
        }
    }
}

fn creation(element: &Element<'_>, index: &Index<'_, '_>, parts: &mut Parts) {
    parts.created = element.created.0.clone().into_owned();
    let tools = element.created_using.iter().flatten().filter_map(Value::as_str).filter_map(|id| index.get(id));
    parts.creators.extend(tools.map(|tool| format!("Tool: {}", tool.name.0)));
}

fn package(element: &Element<'_>, index: &Index<'_, '_>) -> RawPackage {
    let identifiers = || element.external_identifier.iter().flatten();
    let mut references: Vec<(String, String)> = identifiers()
        .filter(|identifier| matches!(identifier.external_identifier_type.0.as_ref(), "cpe23" | "cpe22"))
        .map(|identifier| ("cpe23Type".to_owned(), identifier.identifier.0.clone().into_owned()))
        .collect();
    let purl = match element.package_url.0.as_ref() {
        "" => identifiers()
            .find(|identifier| matches!(identifier.external_identifier_type.0.as_ref(), "packageUrl" | "purl"))
            .map_or("", |identifier| identifier.identifier.0.as_ref()),
        purl => purl,
    };
    if !purl.is_empty() {
        references.push(("purl".to_owned(), purl.to_owned()));
    }
    let agent = |id: Option<&Value>| id.and_then(Value::as_str).map_or_else(String::new, |id| agent(id, index));
    RawPackage {
        id: element.id().to_owned(),
        name: element.name.0.clone().into_owned(),
        version: element.package_version.0.clone().into_owned(),
        supplier: agent(element.supplied_by.as_ref()),
        originator: agent(element.originated_by.as_ref().and_then(|all| all.first())),
        homepage: element.home_page.0.clone().into_owned(),
        source_info: element.source_info.0.clone().into_owned(),
        description: element.description.0.clone().into_owned(),
        purpose: element.primary_purpose.0.to_ascii_uppercase(),
        checksums: checksums(element),
        references,
        ..RawPackage::default()
    }
}

/// As version 2 writes it.
fn agent(id: &str, index: &Index<'_, '_>) -> String {
    let Some(element) = index.get(id).filter(|element| element.name.0 != "NOASSERTION") else { return String::new() };
    let email = element
        .external_identifier
        .iter()
        .flatten()
        .find(|identifier| identifier.external_identifier_type.0 == "email")
        .map_or("", |identifier| identifier.identifier.0.as_ref());
    let (class, name) = (&element.class.0, &element.name.0);
    if email.is_empty() || email == name { format!("{class}: {name}") } else { format!("{class}: {name} ({email})") }
}

fn checksums(element: &Element<'_>) -> Vec<RawChecksum> {
    let hashes = element.verified_using.iter().flatten().filter(|hash| hash.class.0 == "Hash");
    hashes
        .map(|hash| RawChecksum {
            algorithm: hash.algorithm.0.clone().into_owned(),
            value: hash.hash_value.0.clone().into_owned(),
        })
        .collect()
}

fn file(element: &Element<'_>) -> RawFile {
    let purposes = std::iter::once(element.primary_purpose.0.as_ref())
        .chain(element.additional_purpose.iter().flatten().map(String::as_str));
    RawFile {
        id: element.id().to_owned(),
        name: element.name.0.clone().into_owned(),
        comment: element.comment.0.clone().into_owned(),
        types: purposes.filter(|purpose| !purpose.is_empty()).map(str::to_ascii_uppercase).collect(),
        checksums: checksums(element),
    }
}

fn relationship(
    element: &Element<'_>,
    licenses: &mut Licenses<'_, '_>,
    packages: &HashMap<&str, usize>,
    parts: &mut Parts,
) {
    for to in element.to.iter().flatten().filter_map(Value::as_str) {
        let (from, to) = (element.from.0.as_ref(), to);
        let (from, kind, to) = match element.relationship_type.0.as_ref() {
            "contains" => (from, "CONTAINS", to),
            "dependsOn" => (to, "DEPENDENCY_OF", from),
            "describes" => (from, "DESCRIBES", to),
            "other" => (from, "OTHER", to),
            kind @ ("hasDeclaredLicense" | "hasConcludedLicense") => {
                let package = packages.get(from).and_then(|index| parts.packages.get_mut(*index));
                if let (Some(package), Some(expression)) = (package, licenses.expression(to, 0)) {
                    let declared = kind == "hasDeclaredLicense";
                    let field = if declared { &mut package.license_declared } else { &mut package.license_concluded };
                    if !field.is_empty() {
                        field.push_str(" AND ");
                    }
                    field.push_str(&expression);
                }
                continue;
            }
            _ => continue,
        };
        parts.relationships.push(RawRelationship {
            from: from.to_owned(),
            kind: kind.to_owned(),
            to: to.to_owned(),
            comment: element.comment.0.clone().into_owned(),
        });
    }
}

/// Writes licences out as expressions. Elements may be shared and sets may hold themselves, so all expressions
/// together are limited.
struct Licenses<'i, 'a> {
    index: &'i Index<'i, 'a>,
    budget_bytes: usize,
}

impl Licenses<'_, '_> {
    fn expression(&mut self, id: &str, depth: usize) -> Option<String> {
        let listed =
            || id.strip_prefix("https://spdx.org/licenses/").map(|name| name.trim_end_matches(".html").to_owned());
        let Some(element) = self.index.get(id).filter(|_| depth < MAX_SET_DEPTH) else { return listed() };
        let expression = match element.class.0.as_ref() {
            "simplelicensing_LicenseExpression" => element.license_expression.0.clone().into_owned(),
            "expandedlicensing_ConjunctiveLicenseSet" => self.set(element, " AND ", depth)?,
            "expandedlicensing_DisjunctiveLicenseSet" => self.set(element, " OR ", depth)?,
            "expandedlicensing_ListedLicense" => listed().unwrap_or_else(|| element.name.0.clone().into_owned()),
            "simplelicensing_SimpleLicensingText" | "expandedlicensing_CustomLicense" => {
                custom_license(element.id()).to_owned()
            }
            _ => return None,
        };
        self.budget_bytes = self.budget_bytes.checked_sub(expression.len() + 1)?;
        Some(expression)
    }

    fn set(&mut self, element: &Element<'_>, operator: &str, depth: usize) -> Option<String> {
        let mut all = String::new();
        for member in element.license_members.iter().flatten().filter_map(Value::as_str) {
            let Some(member) = self.expression(member, depth + 1) else { continue };
            if !all.is_empty() {
                all.push_str(operator);
            }
            all.push_str(&member);
        }
        let bracketed = depth > 0 || operator == " OR ";
        (!all.is_empty()).then(|| if bracketed { format!("({all})") } else { all })
    }
}

/// `LicenseRef-a`, whatever comes before it.
fn custom_license(id: &str) -> &str {
    id.find("LicenseRef-").and_then(|at| id.get(at..)).unwrap_or(id)
}
