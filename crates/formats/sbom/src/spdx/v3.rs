//! SPDX 3.0.1 as JSON-LD. Made from the document of version 2, as the peer's is, but with each person and licence once and licences
//! as expressions.

use super::document::{Agent, ExtractedLicense, File, NO_ASSERTION, Package, SpdxDocument};
use super::ids;
use crate::json::JsonWriter;
use crate::license;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

const CREATION_INFO: &str = "_:CreationInfo-1";
const SUPPLIER_UNKNOWN: &str = "SPDXRef:Agent-1";
const DATA_LICENSE: &str = "SPDXRef:DataLicense";
/// What says that there is no SHA-1 in version 2 is simply left out.
const NO_SHA1: &str = "0000000000000000000000000000000000000000";

pub(super) fn write(document: &SpdxDocument<'_>, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut json = JsonWriter::new(out, pretty.then_some(" "));
    json.object(|json| {
        json.text_member("@context", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld");
        json.member("@graph").array(|json| Graph::new(document).write(json));
    });
    json.finish()
}

/// The elements that version 2 has only by name, with their identifiers.
struct Graph<'d> {
    document: &'d SpdxDocument<'d>,
    agents: BTreeMap<&'d Agent, String>,
    expressions: BTreeMap<&'d str, String>,
}

impl<'d> Graph<'d> {
    fn new(document: &'d SpdxDocument<'d>) -> Self {
        let agents: BTreeSet<&Agent> =
            document.packages.iter().flat_map(|package| [&package.supplier, &package.originator]).flatten().collect();
        let licenses: BTreeSet<&str> = document
            .packages
            .iter()
            .flat_map(|package| [package.license_declared.as_str(), package.license_concluded.as_str()])
            .filter(|expression| *expression != NO_ASSERTION)
            .collect();
        // The maker of the document is the first organization.
        let named = |(at, agent): (usize, &'d Agent)| (agent, format!("SPDXRef:{}-{}", agent.kind, at + 2));
        let numbered = |(at, text): (usize, &'d str)| (text, format!("SPDXRef:LicenseExpression-{}", at + 1));
        Self {
            document,
            agents: agents.into_iter().enumerate().map(named).collect(),
            expressions: licenses.into_iter().enumerate().map(numbered).collect(),
        }
    }

    fn write(&self, json: &mut JsonWriter<'_>) {
        let document = self.document;
        let mut members: Vec<String> = Vec::new();
        self.creation(json);
        for (agent, id) in &self.agents {
            element(json, agent.kind, id, |json| {
                json.text_member("name", if agent.name.is_empty() { &agent.email } else { &agent.name });
                if !agent.email.is_empty() {
                    external_identifiers(json, [("email", agent.email.as_str())]);
                }
            });
        }
        for package in &document.packages {
            members.push(id_of(&package.id));
            element(json, "software_Package", &id_of(&package.id), |json| self.package(json, package));
        }
        for each in &document.files {
            members.push(id_of(&each.id));
            element(json, "software_File", &id_of(&each.id), |json| file(json, each));
        }
        self.licenses(json, &mut members);
        self.relationships(json, &mut members);
        annotations(json, document, &mut members);
        let root = document.packages.last().map_or_else(String::new, |package| id_of(&package.id));
        element(json, "software_Sbom", "SPDXRef:SBOM-1", |json| {
            json.texts("element", &members);
            json.texts("rootElement", [root]);
            json.texts("software_sbomType", ["analyzed"]);
        });
        let namespace = format!("{}#", document.namespace);
        element(json, "SpdxDocument", &namespace, |json| {
            json.text_member("name", &document.name);
            json.text_member("dataLicense", DATA_LICENSE);
            json.objects("namespaceMap", [()], |json, ()| {
                json.text_member("type", "NamespaceMap");
                json.text_member("prefix", "SPDXRef");
                json.text_member("namespace", &namespace);
            });
            json.texts("profileConformance", ["core", "software", "simpleLicensing"]);
            json.texts("rootElement", ["SPDXRef:SBOM-1"]);
        });
    }

    fn creation(&self, json: &mut JsonWriter<'_>) {
        json.element().object(|json| {
            json.text_member("type", "CreationInfo");
            json.text_member("@id", CREATION_INFO);
            json.text_member("specVersion", "3.0.1");
            json.text_member("created", &self.document.created);
            json.texts("createdBy", ["SPDXRef:Organization-1"]);
            json.texts("createdUsing", ["SPDXRef:Tool-1"]);
            json.text_member("comment", &format!("LicenseListVersion: {}", super::json::license_list_version()));
        });
        element(json, "Organization", "SPDXRef:Organization-1", |json| {
            json.text_member("name", self.document.organization);
        });
        element(json, "Tool", "SPDXRef:Tool-1", |json| json.text_member("name", &self.document.tool));
        // Says in so many words that nothing is known, as NTIA's minimum elements ask.
        element(json, "Agent", SUPPLIER_UNKNOWN, |json| json.text_member("name", NO_ASSERTION));
    }

    fn package(&self, json: &mut JsonWriter<'_>, package: &Package<'_>) {
        json.text_member("name", &package.name);
        json.text_member("software_packageVersion", &package.version);
        json.optional_text("software_packageUrl", &package.purl);
        if !matches!(package.download_location.as_ref(), NO_ASSERTION | "NONE") {
            json.text_member("software_downloadLocation", &package.download_location);
        }
        json.optional_text("software_homePage", &package.homepage);
        json.optional_text("software_sourceInfo", &package.source_info);
        json.optional_text("software_primaryPurpose", &package.purpose.to_ascii_lowercase());
        json.text_member("software_copyrightText", NO_ASSERTION);
        json.optional_text("description", &package.description);
        let id = |agent: &Option<Agent>| agent.as_ref().and_then(|agent| self.agents.get(agent));
        json.text_member("suppliedBy", id(&package.supplier).map_or(SUPPLIER_UNKNOWN, String::as_str));
        if let Some(originator) = id(&package.originator) {
            json.texts("originatedBy", [originator]);
        }
        if !package.cpes.is_empty() {
            external_identifiers(json, package.cpes.iter().map(|cpe| ("cpe23", *cpe)));
        }
        let code =
            package.verification_code.iter().map(|code| ("PackageVerificationCode", "sha1".into(), code.as_str()));
        let checksums = package.checksums.iter().map(|c| ("Hash", c.algorithm.to_ascii_lowercase(), c.value.as_ref()));
        verified_using(json, code.chain(checksums).collect());
    }

    fn licenses(&self, json: &mut JsonWriter<'_>, members: &mut Vec<String>) {
        let texts: BTreeMap<&str, &ExtractedLicense<'_>> =
            self.document.licenses.iter().map(|license| (license.id.as_str(), license)).collect();
        for text in texts.values() {
            members.push(license_id(text));
            element(json, "simplelicensing_SimpleLicensingText", &license_id(text), |json| {
                json.text_member("name", &text.name);
                json.text_member("simplelicensing_licenseText", &text.text);
            });
        }
        let data_license = ("CC0-1.0", DATA_LICENSE);
        let all = self.expressions.iter().map(|(text, id)| (*text, id.as_str())).chain([data_license]);
        for (expression, id) in all {
            members.push(id.to_owned());
            element(json, "simplelicensing_LicenseExpression", id, |json| {
                json.text_member("simplelicensing_licenseExpression", expression);
                json.text_member("simplelicensing_licenseListVersion", license::LIST_VERSION);
                let own: Vec<_> = references(expression).filter_map(|word| texts.get(word)).collect();
                if !own.is_empty() {
                    json.objects("simplelicensing_customIdToUri", own, |json, license| {
                        json.text_member("type", "DictionaryEntry");
                        json.text_member("key", &license.id);
                        json.text_member("value", &license_id(license));
                    });
                }
            });
        }
    }

    fn relationships(&self, json: &mut JsonWriter<'_>, members: &mut Vec<String>) {
        type Key<'a> = (&'a str, &'static str, &'static str);
        let mut grouped: BTreeMap<Key<'_>, Vec<String>> = BTreeMap::new();
        for edge in self.document.relationships.iter().filter(|edge| edge.from != ids::DOCUMENT) {
            let (from, kind, to) = match edge.kind {
                "CONTAINS" => (&edge.from, "contains", &edge.to),
                "DEPENDENCY_OF" => (&edge.to, "dependsOn", &edge.from),
                "DESCRIBES" => (&edge.from, "describes", &edge.to),
                _ => (&edge.from, "other", &edge.to),
            };
            grouped.entry((from, kind, edge.comment)).or_default().push(id_of(to));
        }
        for package in &self.document.packages {
            let stated = [
                ("hasDeclaredLicense", package.license_declared.as_str()),
                ("hasConcludedLicense", package.license_concluded.as_str()),
            ];
            for (kind, expression) in stated {
                if let Some(id) = self.expressions.get(expression) {
                    grouped.entry((&package.id, kind, "")).or_default().push(id.clone());
                }
            }
        }
        for (at, ((from, kind, comment), to)) in grouped.into_iter().enumerate() {
            let id = format!("SPDXRef:Relationship-{}", at + 1);
            element(json, "Relationship", &id, |json| {
                json.optional_text("comment", comment);
                json.text_member("from", &id_of(from));
                json.text_member("relationshipType", kind);
                json.texts("to", &to);
            });
            members.push(id);
        }
    }
}

fn element(json: &mut JsonWriter<'_>, kind: &str, id: &str, fill: impl FnOnce(&mut JsonWriter<'_>)) {
    json.element().object(|json| {
        json.text_member("type", kind);
        json.text_member("spdxId", id);
        json.text_member("creationInfo", CREATION_INFO);
        fill(json);
    });
}

/// `SPDXRef-a` of version 2 is `SPDXRef:a` here, where `SPDXRef` stands for the document's namespace.
fn id_of(id: &str) -> String {
    format!("SPDXRef:{}", id.trim_start_matches("SPDXRef-"))
}

fn license_id(license: &ExtractedLicense<'_>) -> String {
    format!("SPDXRef:{}", license.id)
}

fn references(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':')));
    words.filter(|word| word.starts_with(license::REFERENCE_PREFIX))
}

fn file(json: &mut JsonWriter<'_>, file: &File<'_>) {
    json.text_member("name", file.name);
    json.text_member("software_fileKind", "file");
    json.text_member("software_copyrightText", NO_ASSERTION);
    let purposes: Vec<&str> = file
        .types
        .iter()
        .filter_map(|kind| match *kind {
            "APPLICATION" => Some("application"),
            "ARCHIVE" => Some("archive"),
            "BINARY" => Some("executable"),
            "OTHER" => Some("other"),
            _ => None,
        })
        .collect();
    if let Some((first, rest)) = purposes.split_first() {
        json.text_member("software_primaryPurpose", first);
        if !rest.is_empty() {
            json.texts("software_additionalPurpose", rest);
        }
    }
    json.optional_text("comment", &file.comment);
    let known = file.checksums.iter().filter(|checksum| checksum.value != NO_SHA1);
    verified_using(json, known.map(|c| ("Hash", c.algorithm.to_ascii_lowercase(), c.value.as_ref())).collect());
}

fn annotations(json: &mut JsonWriter<'_>, document: &SpdxDocument<'_>, members: &mut Vec<String>) {
    let all = document.files.iter().flat_map(|file| file.annotations.iter().map(move |text| (file, text)));
    for (at, (file, text)) in all.enumerate() {
        let id = format!("SPDXRef:Annotation-{}", at + 1);
        element(json, "Annotation", &id, |json| {
            json.text_member("annotationType", "other");
            json.text_member("statement", text);
            json.text_member("subject", &id_of(&file.id));
        });
        members.push(id);
    }
}

fn external_identifiers<'a>(json: &mut JsonWriter<'_>, all: impl IntoIterator<Item = (&'static str, &'a str)>) {
    json.objects("externalIdentifier", all, |json, (kind, identifier)| {
        json.text_member("type", "ExternalIdentifier");
        json.text_member("externalIdentifierType", kind);
        json.text_member("identifier", identifier);
    });
}

fn verified_using(json: &mut JsonWriter<'_>, hashes: Vec<(&str, String, &str)>) {
    if !hashes.is_empty() {
        json.objects("verifiedUsing", hashes, |json, (kind, algorithm, value)| {
            json.text_member("type", kind);
            json.text_member("algorithm", &algorithm);
            json.text_member("hashValue", value);
        });
    }
}
