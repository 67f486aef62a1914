//! What an entry can be found by.

use ledger::{Term, TermKind};
use serde::Deserialize;
use tlog::sha256;

use crate::verifier::Verifier;

/// More terms of a statement than this are not indexed.
const MAX_STATEMENT_TERMS: usize = 256;

/// The hash of something signed, as `sha256:<hex>`.
pub(crate) fn artifact(algorithm: &str, hex: &str) -> Term {
    Term::new(TermKind::Artifact, &format!("{algorithm}:{hex}").to_ascii_lowercase())
}

/// A key or certificate in DER.
pub(crate) fn key(der: &[u8]) -> Term {
    key_fingerprint(&sha256(&[der]).to_hex())
}

/// A key or certificate by SHA-256 of its DER, as hexadecimal.
pub(crate) fn key_fingerprint(hex: &str) -> Term {
    Term::new(TermKind::Key, &hex.to_ascii_lowercase())
}

/// An address or URI of a certificate.
pub(crate) fn identity(name: &str) -> Term {
    Term::new(TermKind::Identity, &name.to_lowercase())
}

/// The predicate type of a statement.
pub(crate) fn predicate(predicate_type: &str) -> Term {
    Term::new(TermKind::Predicate, predicate_type)
}

/// The certificate, its key, and its names; or the key.
pub(crate) fn verifier(verifier: &Verifier, terms: &mut Vec<Term>) {
    terms.push(key(verifier.key.to_spki()));
    terms.extend(verifier.certificates.first().map(|certificate| key(certificate)));
    terms.extend(verifier.identities.iter().map(|name| identity(name)));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default)]
    predicate_type: String,
    #[serde(default)]
    subject: Vec<Digests>,
    predicate: Option<Predicate>,
}

#[derive(Deserialize)]
struct Predicate {
    #[serde(default)]
    materials: Vec<Digests>,
}

#[derive(Deserialize)]
struct Digests {
    #[serde(default)]
    digest: std::collections::BTreeMap<String, String>,
}

/// The subjects, materials and predicate type of an in-toto statement; nothing of what is none.
pub(crate) fn statement(payload: &[u8], terms: &mut Vec<Term>) {
    let Ok(statement) = serde_json::from_slice::<Statement>(payload) else { return };
    if !statement.predicate_type.is_empty() {
        terms.push(predicate(&statement.predicate_type));
    }
    let materials = statement.predicate.map(|predicate| predicate.materials).unwrap_or_default();
    let digests = statement.subject.iter().chain(&materials).flat_map(|item| &item.digest);
    terms.extend(digests.take(MAX_STATEMENT_TERMS).map(|(algorithm, hex)| artifact(algorithm, hex)));
}
