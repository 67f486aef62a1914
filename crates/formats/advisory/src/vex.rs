//! VEX documents that users give a scan: OpenVEX (0.0.1 to 0.2.0) and CSAF VEX. What a supplier says about a flaw in a
//! product: hit, not hit, fixed, or being looked into.

use serde::Deserialize;
use serde_json::Value;

use crate::csaf::{self, Vulnerability};
use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};

const OPENVEX: &str = "OpenVEX";

/// A document's statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The document's identifier.
    pub id: String,
    /// Which of the two formats it is in.
    pub format: Format,
    /// Who says so.
    pub author: String,
    /// RFC 3339; empty when not given.
    pub timestamp: String,
    /// What it says, in the document's order.
    pub statements: Vec<Statement>,
}

/// A format of VEX.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// OpenVEX.
    #[default]
    OpenVex,
    /// CSAF, any category that has product statuses.
    Csaf,
}

/// One statement: a flaw, the products, and a status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// The flaw's main identifier.
    pub vulnerability: String,
    /// Its other identifiers.
    pub aliases: Vec<String>,
    /// The products it is about; empty: every product (OpenVEX documents attached to one artifact).
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// OpenVEX's justification or CSAF's flag, such as `vulnerable_code_not_present`; empty when not given.
    pub justification: String,
    /// Why it is not hit, in words.
    pub impact: String,
    /// What to do, in words.
    pub action: String,
    /// RFC 3339: of the statement, or of the document; empty when neither says.
    pub timestamp: String,
}

/// A product, known by any of its identifiers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// Package URLs, CPEs, image references, digests; never empty.
    pub identifiers: Vec<String>,
    /// Parts of the product that the statement is about, each by its identifiers; empty: the product as a whole.
    pub subcomponents: Vec<Vec<String>>,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The product is not hit.
    NotAffected,
    /// The product is hit.
    Affected,
    /// These versions of the product carry the fix.
    Fixed,
    /// Not known yet.
    #[default]
    UnderInvestigation,
}

impl Status {
    /// The word of the VEX minimum requirements.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::NotAffected, Self::Affected, Self::Fixed, Self::UnderInvestigation]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default, rename = "@context", deserialize_with = "text")]
    context: String,
    #[serde(default)]
    document: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct OpenVex {
    #[serde(default, rename = "@id", deserialize_with = "text")]
    id: String,
    #[serde(default, deserialize_with = "text")]
    author: String,
    #[serde(default, deserialize_with = "text")]
    timestamp: String,
    #[serde(default, deserialize_with = "nullable")]
    statements: Vec<OpenVexStatement>,
}

#[derive(Deserialize)]
struct OpenVexStatement {
    #[serde(default)]
    vulnerability: Value,
    #[serde(default, deserialize_with = "nullable")]
    products: Vec<Value>,
    /// Of the first version of the format, whose products are texts.
    #[serde(default, deserialize_with = "texts")]
    subcomponents: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    status: String,
    #[serde(default, deserialize_with = "text")]
    justification: String,
    #[serde(default, deserialize_with = "text")]
    impact_statement: String,
    #[serde(default, deserialize_with = "text")]
    action_statement: String,
    #[serde(default, deserialize_with = "text")]
    timestamp: String,
}

/// Reads a document of either format.
///
/// # Errors
/// When the bytes are neither, or a statement has no flaw or an unknown status.
pub fn parse(json: &[u8]) -> Result<Document, AdvisoryError> {
    let probe: Probe = read_json("VEX", json)?;
    match (probe.document.is_some(), probe.context.contains("openvex")) {
        (true, false) => parse_csaf(json),
        (_, true) => parse_openvex(json),
        (false, false) => Err(AdvisoryError::Missing { format: "VEX", field: "@context or document" }),
    }
}

fn parse_openvex(json: &[u8]) -> Result<Document, AdvisoryError> {
    let document: OpenVex = read_json(OPENVEX, json)?;
    let statements: Result<Vec<Statement>, AdvisoryError> =
        document.statements.into_iter().map(|statement| openvex_statement(statement, &document.timestamp)).collect();
    Ok(Document {
        id: document.id,
        format: Format::OpenVex,
        author: document.author,
        timestamp: document.timestamp,
        statements: statements?,
    })
}

fn openvex_statement(statement: OpenVexStatement, timestamp: &str) -> Result<Statement, AdvisoryError> {
    let field = |key: &str| statement.vulnerability.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = statement.vulnerability.as_str().unwrap_or_else(|| field("name"));
    let vulnerability = if name.is_empty() { field("@id") } else { name };
    if vulnerability.is_empty() {
        return Err(AdvisoryError::Missing { format: OPENVEX, field: "vulnerability" });
    }
    let status =
        Status::parse(&statement.status).ok_or_else(|| AdvisoryError::invalid(OPENVEX, "status", &statement.status))?;
    let aliases = statement.vulnerability.get("aliases").and_then(Value::as_array);
    let shared: Vec<Vec<String>> = statement.subcomponents.into_iter().map(|id| vec![id]).collect();
    Ok(Statement {
        vulnerability: vulnerability.to_owned(),
        aliases: aliases.into_iter().flatten().filter_map(|alias| alias.as_str().map(str::to_owned)).collect(),
        products: statement.products.iter().filter_map(|product| openvex_product(product, &shared)).collect(),
        status,
        justification: statement.justification,
        impact: statement.impact_statement,
        action: statement.action_statement,
        timestamp: if statement.timestamp.is_empty() { timestamp.to_owned() } else { statement.timestamp },
    })
}

/// A product as a text, or as a component with identifiers and hashes.
fn openvex_product(product: &Value, shared: &[Vec<String>]) -> Option<Product> {
    let identifiers = openvex_identifiers(product);
    let mut subcomponents: Vec<Vec<String>> = product
        .get("subcomponents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(openvex_identifiers)
        .filter(|ids| !ids.is_empty())
        .collect();
    subcomponents.extend(shared.iter().cloned());
    (!identifiers.is_empty()).then_some(Product { identifiers, subcomponents })
}

fn openvex_identifiers(component: &Value) -> Vec<String> {
    if let Some(id) = component.as_str() {
        return vec![id.to_owned()];
    }
    let values =
        |key: &str| component.get(key).and_then(Value::as_object).into_iter().flatten().map(|(_, value)| value);
    let own = component.get("@id").into_iter().chain(values("identifiers")).chain(values("hashes"));
    let mut ids: Vec<String> = Vec::new();
    for id in own.filter_map(Value::as_str) {
        if !id.is_empty() && !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

fn parse_csaf(json: &[u8]) -> Result<Document, AdvisoryError> {
    let document = csaf::read(json)?;
    let products = document.product_tree.products()?;
    let head = &document.document;
    let timestamp = &head.tracking.current_release_date;
    let mut statements = Vec::new();
    for flaw in &document.vulnerabilities {
        csaf_statements(flaw, &products, timestamp, &mut statements)?;
    }
    Ok(Document {
        id: head.tracking.id.clone(),
        format: Format::Csaf,
        author: head.publisher.name.clone(),
        timestamp: timestamp.clone(),
        statements,
    })
}

/// One statement for each product of a flaw: flags and threats speak of products one by one.
fn csaf_statements(
    flaw: &Vulnerability,
    products: &csaf::Products<'_>,
    timestamp: &str,
    statements: &mut Vec<Statement>,
) -> Result<(), AdvisoryError> {
    let mut ids = flaw.ids.iter().map(|id| id.text.clone());
    let vulnerability = if flaw.cve.is_empty() { ids.next().unwrap_or_default() } else { flaw.cve.clone() };
    if vulnerability.is_empty() {
        return Err(AdvisoryError::Missing { format: csaf::FORMAT, field: "vulnerabilities.cve" });
    }
    let aliases: Vec<String> = ids.collect();
    let status = &flaw.product_status;
    let groups = [
        (Status::NotAffected, vec![&status.known_not_affected]),
        (Status::Fixed, vec![&status.fixed, &status.first_fixed]),
        (Status::Affected, vec![&status.known_affected, &status.first_affected, &status.last_affected]),
        (Status::UnderInvestigation, vec![&status.under_investigation]),
    ];
    let facts = Facts::new(flaw);
    for (status, lists) in groups {
        for id in lists.into_iter().flatten() {
            let Some(product) = csaf_product(id, products) else { continue };
            let fact = facts.of(id);
            statements.push(Statement {
                vulnerability: vulnerability.clone(),
                aliases: aliases.clone(),
                products: vec![product],
                status,
                justification: fact.0.to_owned(),
                impact: fact.1.to_owned(),
                action: fact.2.to_owned(),
                timestamp: timestamp.to_owned(),
            });
        }
    }
    Ok(())
}

/// A product by its package URL or CPE; the part of a platform is a subcomponent where the platform has a package URL
/// (a container image), and else the product itself.
fn csaf_product(id: &str, products: &csaf::Products<'_>) -> Option<Product> {
    let found = products.resolve(id);
    let given = |list: &[&str]| list.iter().filter(|id| !id.is_empty()).map(ToString::to_string).collect::<Vec<_>>();
    let own = given(&[found.purl, found.cpe]);
    let platform = given(&[found.platform_purl]);
    match (platform.is_empty(), own.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Product { identifiers: own, subcomponents: Vec::new() }),
        (false, true) => Some(Product { identifiers: platform, subcomponents: Vec::new() }),
        (false, false) => Some(Product { identifiers: platform, subcomponents: vec![own] }),
    }
}

/// Flags, impacts and remedies by product.
struct Facts<'a>(std::collections::HashMap<&'a str, (&'a str, &'a str, &'a str)>);

impl<'a> Facts<'a> {
    fn new(flaw: &'a Vulnerability) -> Self {
        let mut facts = std::collections::HashMap::new();
        for flag in &flaw.flags {
            for id in &flag.product_ids {
                facts.entry(id.as_str()).or_insert(("", "", "")).0 = flag.label.as_str();
            }
        }
        for threat in flaw.threats.iter().filter(|threat| threat.category == "impact") {
            for id in &threat.product_ids {
                facts.entry(id.as_str()).or_insert(("", "", "")).1 = threat.details.as_str();
            }
        }
        for remedy in &flaw.remediations {
            for id in &remedy.product_ids {
                facts.entry(id.as_str()).or_insert(("", "", "")).2 = remedy.details.as_str();
            }
        }
        Self(facts)
    }

    fn of(&self, id: &str) -> (&'a str, &'a str, &'a str) {
        self.0.get(id).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_openvex() {
        let json = br#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"d","author":"a","timestamp":"2023-01-08T18:02:03Z",
            "statements":[{"vulnerability":{"name":"CVE-1","aliases":["GHSA-1"]},"products":[{"@id":"pkg:oci/x@sha256:1",
            "identifiers":{"purl":"pkg:oci/x"},"hashes":{"sha-256":"1"},"subcomponents":[{"@id":"pkg:deb/debian/a@1"}]}],
            "status":"not_affected","justification":"vulnerable_code_not_present"},
            {"vulnerability":"CVE-2","products":["pkg:oci/y"],"subcomponents":["pkg:apk/z"],"status":"fixed"}]}"#;
        let document = parse(json).unwrap();
        let [first, second] = document.statements.as_slice() else { panic!("{document:?}") };
        assert_eq!((first.vulnerability.as_str(), first.aliases.join(",")), ("CVE-1", "GHSA-1".to_owned()));
        assert_eq!(first.products[0].identifiers, ["pkg:oci/x@sha256:1", "pkg:oci/x", "1"]);
        assert_eq!(first.products[0].subcomponents, [["pkg:deb/debian/a@1"]]);
        assert_eq!((first.status, first.timestamp.as_str()), (Status::NotAffected, "2023-01-08T18:02:03Z"));
        assert_eq!((second.status, second.products[0].subcomponents.len()), (Status::Fixed, 1));
    }

    #[test]
    fn reads_csaf() {
        let json = br#"{"document":{"category":"csaf_vex","publisher":{"name":"p"},"tracking":{"id":"t"}},
            "product_tree":{"branches":[{"product":{"product_id":"P","product_identification_helper":{"purl":"pkg:oci/i"}}},
            {"product":{"product_id":"C","product_identification_helper":{"purl":"pkg:rpm/c"}}}],
            "relationships":[{"full_product_name":{"product_id":"P:C"},"product_reference":"C",
            "relates_to_product_reference":"P"}]},"vulnerabilities":[{"cve":"CVE-1","product_status":
            {"known_not_affected":["P:C","unknown"],"known_affected":["C"]},
            "flags":[{"label":"component_not_present","product_ids":["P:C"]}]}]}"#;
        let document = parse(json).unwrap();
        let [safe, hit] = document.statements.as_slice() else { panic!("{document:?}") };
        assert_eq!((safe.status, safe.justification.as_str()), (Status::NotAffected, "component_not_present"));
        assert_eq!(
            safe.products,
            [Product { identifiers: vec!["pkg:oci/i".into()], subcomponents: vec![vec!["pkg:rpm/c".into()]] }]
        );
        assert_eq!((hit.status, hit.products[0].identifiers.join(",")), (Status::Affected, "pkg:rpm/c".to_owned()));
    }

    #[test]
    fn refuses_what_is_no_vex() {
        let bad = r#"{"@context":"openvex","statements":[{"vulnerability":"X","status":"maybe"}]}"#;
        for json in ["{}", "[]", r#"{"document":{},"vulnerabilities":[{}]}"#, bad] {
            assert!(parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
