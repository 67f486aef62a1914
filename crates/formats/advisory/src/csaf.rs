//! CSAF 2.0 documents: what both their readers need (Red Hat's feeds in [`crate::redhat`], users' VEX in
//! [`crate::vex`]).

use std::collections::HashMap;

use serde::Deserialize;

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text, texts};

pub(crate) const FORMAT: &str = "CSAF";

/// How deep product branches may nest; real documents go to 5.
const MAX_BRANCH_DEPTH: usize = 64;

#[derive(Deserialize)]
pub(crate) struct Document {
    pub(crate) document: Head,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) product_tree: ProductTree,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(crate) struct Head {
    #[serde(default, deserialize_with = "text")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) aggregate_severity: Word,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) publisher: Publisher,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tracking: Tracking,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Word {
    #[serde(deserialize_with = "text")]
    pub(crate) text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Publisher {
    #[serde(deserialize_with = "text")]
    pub(crate) name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tracking {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) current_release_date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) initial_release_date: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    #[serde(deserialize_with = "text")]
    pub(crate) category: String,
    #[serde(deserialize_with = "text")]
    pub(crate) url: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductTree {
    #[serde(deserialize_with = "nullable")]
    branches: Vec<Branch>,
    #[serde(deserialize_with = "nullable")]
    full_product_names: Vec<Product>,
    #[serde(deserialize_with = "nullable")]
    relationships: Vec<Relationship>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Branch {
    #[serde(deserialize_with = "nullable")]
    branches: Vec<Branch>,
    #[serde(deserialize_with = "nullable")]
    product: Option<Product>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Product {
    #[serde(deserialize_with = "text")]
    product_id: String,
    #[serde(deserialize_with = "nullable")]
    product_identification_helper: Helper,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Helper {
    #[serde(deserialize_with = "text")]
    cpe: String,
    #[serde(deserialize_with = "text")]
    purl: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relationship {
    #[serde(deserialize_with = "nullable")]
    full_product_name: Product,
    #[serde(deserialize_with = "text")]
    product_reference: String,
    #[serde(deserialize_with = "text")]
    relates_to_product_reference: String,
}

#[derive(Deserialize)]
pub(crate) struct Vulnerability {
    #[serde(default, deserialize_with = "text")]
    pub(crate) cve: String,
    #[serde(default, deserialize_with = "text")]
    pub(crate) title: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) cwe: Cwe,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) ids: Vec<Word>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) release_date: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) notes: Vec<Note>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) product_status: ProductStatus,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) references: Vec<Reference>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) remediations: Vec<Remediation>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) scores: Vec<Score>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) threats: Vec<Threat>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) flags: Vec<Flag>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cwe {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Note {
    #[serde(deserialize_with = "text")]
    pub(crate) category: String,
    #[serde(deserialize_with = "text")]
    pub(crate) text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductStatus {
    #[serde(deserialize_with = "texts")]
    pub(crate) fixed: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) first_fixed: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) known_affected: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) first_affected: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) last_affected: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) known_not_affected: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) under_investigation: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Remediation {
    #[serde(deserialize_with = "text")]
    pub(crate) category: String,
    #[serde(deserialize_with = "text")]
    pub(crate) details: String,
    #[serde(deserialize_with = "text")]
    pub(crate) date: String,
    #[serde(deserialize_with = "text")]
    pub(crate) url: String,
    #[serde(deserialize_with = "texts")]
    pub(crate) product_ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Score {
    #[serde(deserialize_with = "nullable")]
    pub(crate) cvss_v2: CvssVector,
    #[serde(deserialize_with = "nullable")]
    pub(crate) cvss_v3: CvssVector,
    #[serde(deserialize_with = "nullable")]
    pub(crate) cvss_v4: CvssVector,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CvssVector {
    #[serde(rename = "vectorString", deserialize_with = "text")]
    pub(crate) vector: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Threat {
    #[serde(deserialize_with = "text")]
    pub(crate) category: String,
    #[serde(deserialize_with = "text")]
    pub(crate) details: String,
    #[serde(deserialize_with = "texts")]
    pub(crate) product_ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Flag {
    #[serde(deserialize_with = "text")]
    pub(crate) label: String,
    #[serde(deserialize_with = "texts")]
    pub(crate) product_ids: Vec<String>,
}

/// Reads a document of any category.
pub(crate) fn read(json: &[u8]) -> Result<Document, AdvisoryError> {
    read_json(FORMAT, json)
}

/// Products by identifier.
pub(crate) struct Products<'a> {
    purls: HashMap<&'a str, &'a str>,
    cpes: HashMap<&'a str, &'a str>,
    /// Product of a platform: identifier to (product, platform).
    parts: HashMap<&'a str, (&'a str, &'a str)>,
}

/// A product with all that the tree tells of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Resolved<'a> {
    /// The identifier of its part when it is a part of a platform; may be empty.
    pub(crate) part: &'a str,
    /// Its package URL, or its part's when it is a part of a platform; may be empty.
    pub(crate) purl: &'a str,
    /// Its own CPE; may be empty.
    pub(crate) cpe: &'a str,
    /// The platform's identifier; empty when it is no part of one.
    pub(crate) platform: &'a str,
    /// The platform's package URL; may be empty.
    pub(crate) platform_purl: &'a str,
    /// The platform's CPE; may be empty.
    pub(crate) platform_cpe: &'a str,
}

impl ProductTree {
    /// Indexes the tree by product identifier.
    pub(crate) fn products(&self) -> Result<Products<'_>, AdvisoryError> {
        let mut products = Products { purls: HashMap::new(), cpes: HashMap::new(), parts: HashMap::new() };
        let mut stack: Vec<(&Branch, usize)> = self.branches.iter().map(|branch| (branch, 1)).collect();
        while let Some((branch, depth)) = stack.pop() {
            if depth > MAX_BRANCH_DEPTH {
                return Err(AdvisoryError::TooMany {
                    format: FORMAT,
                    what: "nested product branches",
                    limit: MAX_BRANCH_DEPTH,
                });
            }
            if let Some(product) = &branch.product {
                products.add(product);
            }
            stack.extend(branch.branches.iter().map(|branch| (branch, depth + 1)));
        }
        for product in &self.full_product_names {
            products.add(product);
        }
        for relationship in &self.relationships {
            products.add(&relationship.full_product_name);
            products.parts.insert(
                &relationship.full_product_name.product_id,
                (&relationship.product_reference, &relationship.relates_to_product_reference),
            );
        }
        Ok(products)
    }
}

impl<'a> Products<'a> {
    fn add(&mut self, product: &'a Product) {
        let helper = &product.product_identification_helper;
        if !helper.purl.is_empty() {
            self.purls.insert(&product.product_id, &helper.purl);
        }
        if !helper.cpe.is_empty() {
            self.cpes.insert(&product.product_id, &helper.cpe);
        }
    }

    /// What the tree tells of a product.
    pub(crate) fn resolve(&self, id: &str) -> Resolved<'a> {
        let purl = |id: &str| self.purls.get(id).copied().unwrap_or_default();
        let cpe = |id: &str| self.cpes.get(id).copied().unwrap_or_default();
        let Some((part, platform)) = self.parts.get(id).copied() else {
            return Resolved { purl: purl(id), cpe: cpe(id), ..Resolved::default() };
        };
        let own = purl(id);
        Resolved {
            part,
            purl: if own.is_empty() { purl(part) } else { own },
            cpe: cpe(id),
            platform,
            platform_purl: purl(platform),
            platform_cpe: cpe(platform),
        }
    }
}
