//! CPE names guessed from what a package says about itself.
//!
//! The rules are those of Syft 1.57 (`syft/pkg/cataloger/internal/cpegenerate`): guess vendors and products, combine all
//! of them, leave out what is known to be wrong, the most specific first. Syft first asks a dictionary made from the NVD;
//! that is not part of this.
//!
//! Reading order: [`generate`] combines; `fields` decides which rules a package falls under; `ecosystems`, `java`, `apk`
//! and `golang` hold the rules; `candidates` is the set that they fill; `known` the exceptions; `record` what is read of a
//! package's metadata.

mod apk;
mod candidates;
mod ecosystems;
mod fields;
mod golang;
mod java;
mod known;
mod record;

use purl::cpe::Attribute;
use record::Record;
use sbom::{Component, Cpe, CpeSource, PackageType};

/// Longest name, version, vendor or product that is used, in bytes.
const MAX_FIELD_BYTES: usize = 512;

/// Most vendors, and most products, that are combined.
const MAX_CANDIDATES: usize = 64;

/// The CPE names that a package may be known by, the longest first. Nothing for what is no product.
///
/// Reads the name, version, type, language and metadata of `component`. At most 4096 names.
#[must_use]
pub fn generate(component: &Component) -> Vec<Cpe> {
    let no_product = matches!(component.kind, PackageType::KnowledgeBase | PackageType::Model);
    if no_product || component.name.len() > MAX_FIELD_BYTES || component.version.len() > MAX_FIELD_BYTES {
        return Vec::new();
    }
    let record = Record::of(component);
    let (Some(version), Some(target)) =
        (Field::new(component.version.clone()), Field::new(fields::target_software(component)))
    else {
        return Vec::new();
    };
    let products = bounded(fields::products(component, &record));
    let vendors = bounded(fields::vendors(component, &record));
    let mut names = Vec::with_capacity(products.len() * vendors.len());
    for product in &products {
        for vendor in &vendors {
            if !is_known_mistake(component, &record, &vendor.text, &product.text) {
                names.push(Ranked::new([vendor, product, &version], &target));
            }
        }
    }
    names.sort_by(|a, b| b.length.cmp(&a.length).then_with(|| a.sort_text.cmp(&b.sort_text)));
    names.into_iter().map(|ranked| Cpe { name: ranked.name, source: CpeSource::Generated }).collect()
}

/// An attribute that can be part of a CPE.
#[derive(Debug)]
struct Field {
    /// As guessed.
    text: String,
    /// As it is printed.
    printed: String,
}

impl Field {
    /// `None` where the text cannot be written in a CPE, or has a backslash: nothing is called so.
    ///
    /// `*` and `?` are taken as wildcards, which is what the peer makes of versions like `1.*`.
    fn new(text: String) -> Option<Self> {
        let printed = match text.as_str() {
            "" => "*".to_owned(),
            text if text.contains('\\') || text.bytes().all(|b| b == b'?') => return None,
            text => Attribute::from_formatted(text).ok()?.to_string(),
        };
        Some(Self { text, printed })
    }
}

/// A name with what it is sorted by.
struct Ranked {
    /// Sum of the lengths of the attributes.
    length: usize,
    sort_text: String,
    name: String,
}

impl Ranked {
    fn new(fields: [&Field; 3], target: &Field) -> Self {
        let compose = |part: fn(&Field) -> &str| {
            let [vendor, product, version] = fields.map(part);
            format!("cpe:2.3:a:{vendor}:{product}:{version}:*:*:*:*:{}:*:*", part(target))
        };
        Self {
            length: fields.iter().map(|field| field.text.len()).sum(),
            sort_text: compose(|field| if field.text.is_empty() { "*" } else { &field.text }),
            name: compose(|field| &field.printed),
        }
    }
}

/// Candidates in bounded number and length; the shortest stay.
fn bounded(mut candidates: Vec<String>) -> Vec<Field> {
    candidates.retain(|candidate| candidate.len() <= MAX_FIELD_BYTES);
    if candidates.len() > MAX_CANDIDATES {
        candidates.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        candidates.truncate(MAX_CANDIDATES);
    }
    candidates.into_iter().filter_map(Field::new).collect()
}

/// Pairs that would bring the findings of another product.
fn is_known_mistake(component: &Component, record: &Record, vendor: &str, product: &str) -> bool {
    let name_has = |word: &str| component.name.to_lowercase().contains(word);
    match product {
        "jenkins" if component.kind == PackageType::JenkinsPlugin => true,
        "jenkins" => !name_has("jenkins") && matches!(vendor, "jenkins" | "cloudbees"),
        "jira" => name_has("client") && matches!(vendor, "jira" | "atlassian"),
        "tomcat" if vendor == "apache" => record.is_tomcat_embedded_el(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
