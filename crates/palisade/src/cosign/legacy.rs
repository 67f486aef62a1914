//! What Cosign 2 wrote: a payload with its signature, certificate, log entry and timestamp in annotations.

use super::services::Session;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::legacy::{LocalSignedPayload, RekorBundle, Rfc3161Timestamp};
use bundle::{Bundle, Content};
use sigstore::attached::{DSSE, LegacyLayer, SIMPLE_SIGNING, annotation};
use std::collections::BTreeMap;

/// The layer of a legacy tag for what a bundle holds.
pub(crate) fn layer(bundle: &Bundle, payload: Vec<u8>, session: &Session) -> anyhow::Result<LegacyLayer> {
    let mut annotations = BTreeMap::new();
    let mut put = |name: &str, value: String| annotations.insert(name.to_owned(), value);
    let (media_type, signature) = match &bundle.content {
        Content::Message(message) => (SIMPLE_SIGNING, STANDARD.encode(&message.signature)),
        // The envelope has it.
        Content::Envelope(_) => (DSSE, String::new()),
    };
    put(annotation::SIGNATURE, signature);
    if let [leaf, chain @ ..] = session.certificates() {
        put(annotation::CERTIFICATE, signing::pem::encode("CERTIFICATE", leaf).to_string());
        let chain: String = chain.iter().map(|der| signing::pem::encode("CERTIFICATE", der).to_string()).collect();
        put(annotation::CHAIN, chain);
    }
    if let Some(entry) = bundle.material.tlog_entries.first() {
        put(annotation::BUNDLE, text(RekorBundle::of(entry).to_json())?);
    }
    if let Some(stamp) = bundle.material.timestamps.first() {
        put(annotation::TIMESTAMP, text(Rfc3161Timestamp { response: stamp.clone() }.to_json())?);
    }
    Ok(LegacyLayer { media_type: media_type.to_owned(), payload, annotations })
}

fn text(json: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(json).context("JSON that is no text")
}

/// The file for what a bundle holds.
pub(crate) fn file(bundle: &Bundle, session: &Session) -> Vec<u8> {
    let signature = match &bundle.content {
        Content::Message(message) => message.signature.clone(),
        Content::Envelope(envelope) => envelope.to_json(),
    };
    let pem = session.certificates().first().map(|leaf| signing::pem::encode("CERTIFICATE", leaf));
    let entry = bundle.material.tlog_entries.first().map(RekorBundle::of);
    LocalSignedPayload::new(signature, pem.as_ref().map(|pem| pem.as_bytes()), entry).to_json()
}

/// The signer's certificate or key, PEM.
pub(crate) fn leaf_or_key(session: &Session) -> String {
    match session.certificates() {
        [leaf, ..] => signing::pem::encode("CERTIFICATE", leaf).to_string(),
        [] => session.public_key().to_pem(),
    }
}
