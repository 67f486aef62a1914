//! Ends of life of distributions, as the endoflife.date API (version 1) tells them.

use serde::Deserialize;

use crate::error::{AdvisoryError, read_json};
use crate::lenient::{nullable, text};

const FORMAT: &str = "endoflife.date";

/// Names of endoflife.date that differ from Grype's (transformers/eol, v0.121.2).
const NAMES: &[(&str, &str)] = &[
    ("alpine-linux", "alpine"),
    ("rhel", "redhat"),
    ("amazon-linux", "amazonlinux"),
    ("oracle-linux", "oraclelinux"),
    ("rocky-linux", "rockylinux"),
    ("centos-stream", "centos"),
];

/// When the support of one release ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndOfLife {
    /// Grype's name of the distribution, or the product's own name where it is none.
    pub distribution: String,
    /// The release: `12`, `22.04`.
    pub release: String,
    /// `YYYY-MM-DD` from which there are no fixes at all; empty when not known.
    pub end: String,
    /// `YYYY-MM-DD` from which there is no active support; empty when not known.
    pub end_of_active_support: String,
}

#[derive(Deserialize)]
struct Document {
    result: Answer,
}

/// One product, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Products(Vec<Product>),
    Product(Product),
}

#[derive(Deserialize)]
struct Product {
    name: String,
    releases: Vec<Release>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Release {
    #[serde(deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    eol_from: String,
    #[serde(default, deserialize_with = "nullable")]
    eoas_from: String,
}

/// Reads the answer for one product, or for all (`products/full`). Releases without a date are left out.
///
/// # Errors
/// When the bytes are not such an answer.
pub fn parse(json: &[u8]) -> Result<Vec<EndOfLife>, AdvisoryError> {
    let document: Document = read_json(FORMAT, json)?;
    let products = match document.result {
        Answer::Products(list) => list,
        Answer::Product(product) => vec![product],
    };
    let mut list = Vec::new();
    for product in products {
        let name = NAMES.iter().find(|(theirs, _)| *theirs == product.name).map_or(product.name.as_str(), |(_, n)| n);
        for release in product.releases {
            if !release.eol_from.is_empty() || !release.eoas_from.is_empty() {
                list.push(EndOfLife {
                    distribution: name.to_owned(),
                    release: release.name,
                    end: release.eol_from,
                    end_of_active_support: release.eoas_from,
                });
            }
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_product_and_all() {
        let product = r#"{"name":"alpine-linux","releases":[{"name":"3.18","eolFrom":"2025-05-09","eoasFrom":null},
            {"name":"3.99","eolFrom":null}]}"#;
        let expected = EndOfLife {
            distribution: "alpine".into(),
            release: "3.18".into(),
            end: "2025-05-09".into(),
            end_of_active_support: String::new(),
        };
        for json in [format!(r#"{{"result":{product}}}"#), format!(r#"{{"result":[{product}]}}"#)] {
            assert_eq!(parse(json.as_bytes()).unwrap(), std::slice::from_ref(&expected), "{json}");
        }
        assert!(parse(b"{}").is_err());
    }
}
