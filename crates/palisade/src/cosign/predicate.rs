//! Kinds of attestations by the names that Cosign gives them, and what their predicates look like.

use crate::outcome::advised;
use anyhow::Context;
use bundle::{STATEMENT_V01, Statement, Subject};
use serde_json::{Value as Json, json};

/// Names and predicate types.
const TYPES: [(&str, &str); 12] = [
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("openvex", "https://openvex.dev/ns"),
    ("vsa", "https://slsa.dev/verification_summary/v1"),
    ("sign", super::sign::PREDICATE),
];

/// The predicate type that a name or an address stands for.
pub(crate) fn uri(name: &str) -> anyhow::Result<String> {
    if let Some((_, uri)) = TYPES.iter().find(|(known, _)| *known == name) {
        return Ok((*uri).to_owned());
    }
    if name.contains("://") {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    Err(advised(format!("invalid predicate type: {name}"), format!("use an address, or one of {}", names.join(", "))))
}

/// What attestations are, by what their predicate types begin with.
const WORDS: [(&str, &str); 11] = [
    (super::sign::PREDICATE, "signature"),
    ("https://cyclonedx.org/", "SBOM (CycloneDX)"),
    ("https://spdx.dev/", "SBOM (SPDX)"),
    ("https://cosign.sigstore.dev/attestation/vuln/", "scan"),
    ("https://in-toto.io/attestation/vulns", "scan"),
    ("https://slsa.dev/provenance/", "provenance (SLSA)"),
    ("https://slsa.dev/verification_summary/", "verification summary (SLSA)"),
    ("https://openvex.dev/", "VEX (OpenVEX)"),
    ("https://in-toto.io/Link/", "link (in-toto)"),
    ("https://cosign.sigstore.dev/attestation/", "attestation (custom)"),
    ("cosign.sigstore.dev/attestation/", "attestation (custom)"),
];

/// A predicate type in words.
pub(crate) fn words(predicate_type: &str) -> String {
    let known = WORDS.iter().find(|(begin, _)| predicate_type.starts_with(begin));
    known.map_or_else(|| format!("attestation ({predicate_type})"), |(_, words)| (*words).to_owned())
}

/// The statement of version 0.1 that Cosign makes of a predicate's file about a digest.
pub(crate) fn statement(name: &str, predicate: &[u8], subject: &str, digest: &str) -> anyhow::Result<Statement> {
    let predicate_type = uri(name)?;
    let text = || String::from_utf8(predicate.to_vec()).context("the predicate is no text");
    let document = || -> anyhow::Result<Json> {
        serde_json::from_slice(predicate).with_context(|| format!("the predicate of type {name} is no JSON"))
    };
    let predicate = match name {
        // The file is data of any kind; JSON stays readable.
        "custom" => json!({ "Data": text()?, "Timestamp": now() }),
        "spdx" => Json::String(text()?),
        "slsaprovenance" | "slsaprovenance02" => required(document()?, name, &["builder", "buildType"])?,
        "slsaprovenance1" => required(document()?, name, &["buildDefinition", "runDetails"])?,
        "link" => required(document()?, name, &["name"])?,
        "vuln" => required(document()?, name, &["invocation", "scanner", "metadata"])?,
        "vsa" => required(document()?, name, &["verifier", "resourceUri", "verificationResult"])?,
        _ => document()?,
    };
    let (algorithm, hex) = digest.split_once(':').context("the digest has no algorithm")?;
    let subject = Subject {
        name: subject.to_owned(),
        digest: [(algorithm.to_owned(), hex.to_owned())].into_iter().collect(),
        annotations: serde_json::Map::new(),
    };
    Ok(Statement { statement_type: STATEMENT_V01.to_owned(), subject: vec![subject], predicate_type, predicate })
}

fn required(document: Json, name: &str, fields: &[&str]) -> anyhow::Result<Json> {
    match fields.iter().find(|field| document.get(**field).is_none()) {
        None => Ok(document),
        Some(field) => Err(advised(
            format!("the predicate is no {name}: it has no {field:?}"),
            "give the predicate alone, without a statement around it (--statement takes a whole one)",
        )),
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_are_what_their_names_say() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let of = |name: &str, text: &str| statement(name, text.as_bytes(), "r/i", &digest);
        assert_eq!(of("spdx", "SPDXVersion: 2.3").unwrap().predicate, json!("SPDXVersion: 2.3"));
        assert_eq!(of("spdxjson", r#"{"a":1}"#).unwrap().predicate, json!({ "a": 1 }));
        assert_eq!(of("custom", "any").unwrap().predicate["Data"], "any");
        assert_eq!(of("https://example.com/x", "{}").unwrap().predicate_type, "https://example.com/x");
        for (name, text) in
            [("slsaprovenance1", "{}"), ("cyclonedx", "no"), ("nothing", "{}"), ("vuln", r#"{"scanner":{}}"#)]
        {
            assert!(of(name, text).is_err(), "{name}");
        }
    }
}
