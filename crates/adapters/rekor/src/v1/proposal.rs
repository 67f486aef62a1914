//! Proposed entries: read, verified, made into the body that is logged.

use std::error::Error;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::body::{DsseV1, HashedRekordV1, IntotoSignature, IntotoV2, PemSignature};
use bundle::{Body, Envelope, EnvelopeSignature, HashAlgorithm, IN_TOTO_PAYLOAD_TYPE};
use ledger::{Entry, EntryTooLong, Term};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use signing::SignatureError;
use tlog::sha256;

use super::rekord;
use crate::hex::{hex, unhex};
use crate::terms;
use crate::verifier::{Verifier, VerifierError};

const MAX_SIGNATURES: usize = 64;

/// An entry that may be logged.
pub(crate) struct Proposal {
    pub(crate) entry: Entry,
}

/// Why an entry is not logged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The peer's parser refuses it before anything is known of it.
    #[error("parsing proposedEntry body from \"\" failed, because {0}")]
    Body(serde_json::Error),
    #[error("parsing proposedEntry body from \"\" failed, because invalid kind value: {0:?}")]
    Kind(String),
    #[error("entry kind '{kind}' does not support inserting entries of version '{version}'")]
    Version { kind: String, version: String },
    #[error("{0}")]
    Spec(serde_json::Error),
    #[error("missing {0}")]
    Missing(&'static str),
    #[error("invalid value for hash")]
    Hash,
    #[error("{0}")]
    Verifier(#[from] VerifierError),
    #[error("verifying signature: {0}")]
    Signature(SignatureError),
    #[error("entry algorithms are not allowed")]
    Algorithm,
    #[error("{0}")]
    Envelope(bundle::ParseError),
    #[error("could not verify envelope: accepted signatures do not match threshold, Found: 0, Expected 1")]
    EnvelopeSignature,
    #[error("all signatures must have a key that verifies it")]
    Unverified,
    #[error("either proposedContent or envelopeHash, payloadHash, and signatures must be present but not both")]
    ServerFields,
    #[error("more than 64 signatures")]
    TooManySignatures,
    #[error("the PKI format {0:?} is not supported by this server")]
    Format(String),
    #[error("SHA mismatch: {computed} != {given}")]
    OtherHash { computed: String, given: String },
    #[error("{0}")]
    TooLong(EntryTooLong),
}

impl Refused {
    /// The peer's message where an entry is logged.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Body(_) | Self::Kind(_) => self.to_string(),
            _ => format!("error processing entry: {}", self.plain()),
        }
    }

    /// The same without what it was tried for.
    pub(crate) fn plain(&self) -> String {
        let mut message = self.to_string();
        if let Self::Verifier(error) = self
            && let Some(source) = error.source()
        {
            message.push_str(&format!(": {source}"));
        }
        message
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proposed<'a> {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
}

/// Bytes in base64.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Bytes).map_err(serde::de::Error::custom)
    }
}

impl Proposal {
    /// Reads and verifies a proposed entry.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refused> {
        let proposed: Proposed = serde_json::from_slice(body).map_err(Refused::Body)?;
        let spec = proposed.spec.map_or("null", RawValue::get);
        let (body, found_by) = match (proposed.kind.as_str(), proposed.api_version.as_str()) {
            ("hashedrekord", "0.0.1") => logged(hashed_rekord(spec)?),
            ("dsse", "0.0.1") => logged(dsse(spec)?),
            ("intoto", "0.0.2") => logged(intoto(spec)?),
            ("rekord", "0.0.1") => rekord::read(spec)?,
            ("hashedrekord" | "dsse" | "intoto" | "rekord", _) => {
                return Err(Refused::Version { kind: proposed.kind, version: proposed.api_version });
            }
            _ => return Err(Refused::Kind(proposed.kind)),
        };
        let entry = Entry::new(body, found_by).map_err(Refused::TooLong)?;
        Ok(Self { entry })
    }
}

fn logged((body, found_by): (Body, Vec<Term>)) -> (Vec<u8>, Vec<Term>) {
    (body.to_canonical(), found_by)
}

#[derive(Deserialize)]
struct HashedRekord {
    signature: Option<HashedRekordSignature>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekordSignature {
    #[serde(default)]
    content: Bytes,
    public_key: Option<Content>,
}

#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub(super) content: Bytes,
}

#[derive(Deserialize)]
struct Data {
    hash: Option<HashValue>,
}

#[derive(Deserialize)]
pub(super) struct HashValue {
    algorithm: String,
    value: String,
}

impl HashValue {
    pub(super) fn read(&self) -> Result<(HashAlgorithm, Vec<u8>), Refused> {
        let algorithm = HashAlgorithm::from_plain_name(&self.algorithm).ok_or(Refused::Hash)?;
        let digest = unhex(&self.value).filter(|digest| digest.len() == algorithm.digest_bytes());
        Ok((algorithm, digest.ok_or(Refused::Hash)?))
    }
}

fn hashed_rekord(spec: &str) -> Result<(Body, Vec<Term>), Refused> {
    let spec: HashedRekord = serde_json::from_str(spec).map_err(Refused::Spec)?;
    let signature = spec.signature.ok_or(Refused::Missing("signature"))?;
    if signature.content.0.is_empty() {
        return Err(Refused::Missing("signature content"));
    }
    let public_key = signature.public_key.ok_or(Refused::Missing("public key"))?;
    let verifier = Verifier::from_pem(&public_key.content.0)?;
    let data = spec.data.ok_or(Refused::Missing("data"))?;
    let (algorithm, digest) = data.hash.ok_or(Refused::Missing("hash"))?.read()?;
    let signature = signature.content.0;
    verifier.key.verify_digest(algorithm, &digest, &signature).map_err(|reason| match reason {
        // Only Ed25519ph signs a digest.
        SignatureError::NeedsMessage => Refused::Algorithm,
        reason => Refused::Signature(reason),
    })?;
    let mut found_by = vec![terms::artifact(algorithm.plain_name(), &hex(&digest))];
    terms::verifier(&verifier, &mut found_by);
    let body = HashedRekordV1 { algorithm, digest, signature, public_key: verifier.to_pem() };
    Ok((Body::HashedRekordV1(body), found_by))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    proposed_content: Option<ProposedContent>,
    envelope_hash: Option<serde::de::IgnoredAny>,
    payload_hash: Option<serde::de::IgnoredAny>,
    signatures: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Deserialize)]
struct ProposedContent {
    envelope: Option<String>,
    #[serde(default)]
    verifiers: Vec<Bytes>,
}

fn dsse(spec: &str) -> Result<(Body, Vec<Term>), Refused> {
    let spec: Dsse = serde_json::from_str(spec).map_err(Refused::Spec)?;
    if spec.envelope_hash.is_some() || spec.payload_hash.is_some() || spec.signatures.is_some() {
        return Err(Refused::ServerFields);
    }
    let content = spec.proposed_content.ok_or(Refused::Missing("proposed content"))?;
    let text = content.envelope.filter(|text| !text.is_empty()).ok_or(Refused::Missing("proposed DSSE envelope"))?;
    if content.verifiers.is_empty() {
        return Err(Refused::Missing("proposed verifiers"));
    }
    let envelope = Envelope::parse(text.as_bytes()).map_err(Refused::Envelope)?;
    let verifiers = content.verifiers.iter().map(|verifier| verifier.0.as_slice());
    let signers = signers(&envelope, verifiers)?;
    let (envelope_hash, payload_hash) = (sha256(&[text.as_bytes()]), sha256(&[&envelope.payload]));
    let mut found_by = vec![terms::artifact("sha256", &envelope_hash.to_hex())];
    found_by.extend(envelope_terms(&envelope, &signers));
    let mut signatures: Vec<PemSignature> = envelope
        .signatures
        .iter()
        .zip(&signers)
        .map(|(one, signer)| PemSignature { signature: one.sig.clone(), verifier: signer.to_pem() })
        .collect();
    signatures.sort_by_cached_key(|one| STANDARD.encode(&one.signature));
    signatures.dedup_by(|a, b| a.signature == b.signature);
    let body = DsseV1 { envelope_hash: envelope_hash.0.to_vec(), payload_hash: payload_hash.0.to_vec(), signatures };
    Ok((Body::DsseV1(body), found_by))
}

/// Who made each signature of the envelope. Every signature must hold, and every verifier must be of use.
fn signers<'a>(envelope: &Envelope, verifiers: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Rc<Verifier>>, Refused> {
    let message = envelope.signed_bytes();
    let mut signers: Vec<Option<Rc<Verifier>>> = vec![None; envelope.signatures.len()];
    for (number, pem) in verifiers.enumerate() {
        if number >= MAX_SIGNATURES {
            return Err(Refused::TooManySignatures);
        }
        if signers.iter().all(Option::is_some) {
            break;
        }
        let verifier = Rc::new(Verifier::from_pem(pem)?);
        let mut accepted = false;
        for (signature, signer) in envelope.signatures.iter().zip(&mut signers) {
            if signer.is_none() && verifier.key.verify(&message, &signature.sig).is_ok() {
                (*signer, accepted) = (Some(Rc::clone(&verifier)), true);
            }
        }
        if !accepted {
            return Err(Refused::EnvelopeSignature);
        }
    }
    signers.into_iter().collect::<Option<_>>().ok_or(Refused::Unverified)
}

fn envelope_terms(envelope: &Envelope, signers: &[Rc<Verifier>]) -> Vec<Term> {
    let mut found_by = vec![terms::artifact("sha256", &sha256(&[&envelope.payload]).to_hex())];
    signers.iter().for_each(|signer| terms::verifier(signer, &mut found_by));
    if envelope.payload_type == IN_TOTO_PAYLOAD_TYPE {
        terms::statement(&envelope.payload, &mut found_by);
    }
    found_by
}

#[derive(Deserialize)]
struct Intoto {
    content: Option<IntotoContent>,
}

#[derive(Deserialize)]
struct IntotoContent {
    envelope: Option<IntotoEnvelope>,
    hash: Option<HashValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoEnvelope {
    #[serde(default)]
    payload: Twice,
    payload_type: Option<String>,
    #[serde(default)]
    signatures: Vec<IntotoEnvelopeSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntotoEnvelopeSignature {
    #[serde(default)]
    keyid: String,
    sig: Twice,
    public_key: Bytes,
}

/// Base64 of base64, as this kind has it.
#[derive(Default)]
struct Twice(Vec<u8>);

impl<'de> Deserialize<'de> for Twice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(text) = Bytes::deserialize(deserializer)?;
        STANDARD.decode(&text).map(Twice).map_err(serde::de::Error::custom)
    }
}

fn intoto(spec: &str) -> Result<(Body, Vec<Term>), Refused> {
    let spec: Intoto = serde_json::from_str(spec).map_err(Refused::Spec)?;
    let content = spec.content.ok_or(Refused::Missing("content"))?;
    let sent = content.envelope.ok_or(Refused::Missing("envelope"))?;
    let hash = content.hash.ok_or(Refused::Missing("envelope digest"))?;
    let (HashAlgorithm::Sha256, envelope_hash) = hash.read()? else { return Err(Refused::Hash) };
    if sent.payload.0.is_empty() {
        return Err(Refused::Missing("payload digest"));
    }
    if sent.signatures.is_empty() {
        return Err(Refused::Missing("signatures"));
    }
    if sent.signatures.len() > MAX_SIGNATURES {
        return Err(Refused::TooManySignatures);
    }
    let signature =
        |one: &IntotoEnvelopeSignature| EnvelopeSignature { keyid: one.keyid.clone(), sig: one.sig.0.clone() };
    let envelope = Envelope {
        payload_type: sent.payload_type.ok_or(Refused::Missing("payload type"))?,
        payload: sent.payload.0,
        signatures: sent.signatures.iter().map(signature).collect(),
    };
    let signers = signers(&envelope, sent.signatures.iter().map(|one| one.public_key.0.as_slice()))?;
    let found_by = envelope_terms(&envelope, &signers);
    let signatures = sent.signatures.into_iter().map(|one| IntotoSignature {
        keyid: one.keyid,
        signature: one.sig.0,
        public_key: one.public_key.0,
    });
    let body = IntotoV2 {
        signatures: signatures.collect(),
        payload_hash: sha256(&[&envelope.payload]).0.to_vec(),
        payload_type: envelope.payload_type,
        payload: None,
        envelope_hash,
    };
    Ok((Body::IntotoV2(body), found_by))
}
