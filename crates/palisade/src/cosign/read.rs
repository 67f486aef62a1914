//! Signatures as they are found, in every form that Cosign has written, as candidates for verification.

use super::policy::Candidate;
use crate::outcome::advised;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::legacy::{LocalSignedPayload, Rfc3161Timestamp, SimpleSigning};
use bundle::{Bundle, Content, Envelope, HashAlgorithm, Statement};
use oci::Repository;
use serde_json::{Map, Value as Json};
use signing::legacy::LegacySignature;
use signing::{Artifact, Verified};
use sigstore::attached::{self, AttachedBundle, Kind, LegacyLayer, annotation};
use std::path::Path;

/// A signature or attestation as it was found.
pub(crate) enum Found {
    /// A bundle.
    Bundle(AttachedBundle),
    /// A layer of a legacy tag.
    Legacy(LegacyLayer),
}

/// What was signed about an image.
pub(crate) struct Claims {
    /// The kind of claim.
    pub(crate) kind: String,
    /// What the signer called the image, where that is signed.
    pub(crate) reference: Option<String>,
    /// Annotations.
    pub(crate) optional: Map<String, Json>,
    /// The log's promise that lies beside a signature of the older form.
    pub(crate) promise: Option<Json>,
}

/// All that is attached to a digest: bundles first, then what older versions wrote.
pub(crate) fn attached(repository: &Repository, digest: &str, kind: Kind) -> anyhow::Result<Vec<Found>> {
    let (bundles, legacy) = attached::all(repository, digest, kind)?;
    Ok(found(bundles, legacy))
}

/// Bundles and layers of legacy tags.
pub(crate) fn found(bundles: Vec<AttachedBundle>, legacy: Vec<LegacyLayer>) -> Vec<Found> {
    bundles.into_iter().map(Found::Bundle).chain(legacy.into_iter().map(Found::Legacy)).collect()
}

/// What has a digest, `sha256:...`.
pub(crate) fn artifact(digest: &str) -> anyhow::Result<Artifact<'static>> {
    let (algorithm, hex) = digest.split_once(':').context("the digest has no algorithm")?;
    let algorithm = HashAlgorithm::from_plain_name(algorithm)
        .ok_or_else(|| advised(format!("{algorithm:?} is no digest that is known"), "use sha256, sha384 or sha512"))?;
    let bytes = (0..hex.len() / 2).map(|index| u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok());
    let bytes = bytes.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() == algorithm.digest_bytes());
    let bytes = bytes.filter(|_| hex.len() == algorithm.digest_bytes() * 2);
    let bytes = bytes.ok_or_else(|| advised(format!("{digest:?} is no digest"), "write it as sha256:HEX"))?;
    Ok(Artifact::Digests(vec![(algorithm, bytes)]))
}

impl Found {
    /// As a bundle, and what that must be of.
    pub(crate) fn candidate<'a>(&'a self, artifact: &Artifact<'a>) -> anyhow::Result<Candidate<'a>> {
        match self {
            Self::Bundle(attached) => {
                Ok(Candidate { bundle: Bundle::parse(&attached.json)?, artifact: artifact.clone() })
            }
            Self::Legacy(layer) if layer.media_type == attached::DSSE => {
                let bundle = parts(layer)?.to_envelope_bundle(Envelope::parse(&layer.payload)?);
                Ok(Candidate { bundle, artifact: artifact.clone() })
            }
            Self::Legacy(layer) => {
                Ok(Candidate { bundle: parts(layer)?.to_message_bundle(), artifact: Artifact::Bytes(&layer.payload) })
            }
        }
    }

    /// What was signed about the image. The digest that is claimed must be the image's, unless `is_checked` is off.
    pub(crate) fn claims(&self, verified: &Verified, digest: &str, is_checked: bool) -> anyhow::Result<Claims> {
        if let Some(statement) = &verified.statement {
            // Verification has compared the digest already; annotations are those of the subject that has it.
            let (algorithm, hex) = digest.split_once(':').unwrap_or_default();
            let subject = statement
                .subject
                .iter()
                .find(|subject| subject.digest.get(algorithm).is_some_and(|found| found == hex));
            let annotations = subject.map(|subject| subject.annotations.clone()).unwrap_or_default();
            let kind = statement.predicate_type.clone();
            return Ok(Claims { kind, reference: None, optional: annotations, promise: None });
        }
        let Self::Legacy(layer) = self else {
            return Ok(Claims { kind: String::new(), reference: None, optional: Map::new(), promise: None });
        };
        let payload = SimpleSigning::parse(&layer.payload)?;
        if is_checked && payload.digest() != digest {
            return Err(crate::outcome::coded(
                12,
                "no matching signatures: the signed payload is about another digest",
            )
            .into());
        }
        Ok(Claims {
            kind: "cosign container image signature".to_owned(),
            reference: Some(payload.docker_reference().to_owned()),
            promise: layer.annotations.get(annotation::BUNDLE).and_then(|promise| serde_json::from_str(promise).ok()),
            optional: payload.optional.unwrap_or_default(),
        })
    }

    /// Whether it may be an attestation of a type; only its statement, once verified, says so for sure.
    pub(crate) fn is_of(&self, predicate_type: &str) -> bool {
        let payload = match self {
            Self::Bundle(attached) => match Bundle::parse(&attached.json) {
                Ok(Bundle { content: Content::Envelope(envelope), .. }) => envelope.payload,
                _ => return false,
            },
            Self::Legacy(layer) => match Envelope::parse(&layer.payload) {
                Ok(envelope) => envelope.payload,
                Err(_) => return false,
            },
        };
        Statement::parse(&payload).is_ok_and(|statement| statement.predicate_type == predicate_type)
    }

    /// The envelope, as JSON on one line.
    pub(crate) fn envelope(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Legacy(layer) => Ok(layer.payload.clone()),
            Self::Bundle(attached) => match Bundle::parse(&attached.json)?.content {
                Content::Envelope(envelope) => Ok(envelope.to_json()),
                Content::Message(_) => Err(anyhow::anyhow!("the bundle has no envelope")),
            },
        }
    }
}

/// What is beside a signature in a layer's annotations.
fn parts(layer: &LegacyLayer) -> anyhow::Result<LegacySignature> {
    Ok(LegacySignature::from_annotations(|name| layer.annotations.get(name).map(String::as_str))?)
}

/// A signature in files, instead of one on the registry.
pub(crate) fn given(signature: &Path, payload: Option<&Path>, certificate: Option<&Path>) -> anyhow::Result<Found> {
    let text = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let payload =
        payload.ok_or_else(|| advised("--signature without --payload", "say what it signs with --payload"))?;
    let mut annotations = std::collections::BTreeMap::new();
    annotations.insert(annotation::SIGNATURE.to_owned(), text(signature)?);
    if let Some(path) = certificate {
        annotations.insert(annotation::CERTIFICATE.to_owned(), text(path)?);
    }
    let payload = std::fs::read(payload).with_context(|| format!("cannot read {}", payload.display()))?;
    Ok(Found::Legacy(LegacyLayer { media_type: attached::SIMPLE_SIGNING.to_owned(), payload, annotations }))
}

/// A bundle's file, of this format or of Cosign 2's. `is_envelope`: the older file's signature is an envelope.
pub(crate) fn file(bytes: &[u8], is_envelope: bool) -> anyhow::Result<Bundle> {
    let parsed = Bundle::parse(bytes);
    if let Ok(bundle) = parsed {
        return Ok(bundle);
    }
    let Ok(mut old) = LocalSignedPayload::parse(bytes) else { return Ok(parsed?) };
    // Cosign 2 put the public key where the certificate belongs; which key is trusted is for the verifier to know.
    if old.certificate_pem().is_some_and(|pem| is_public_key(&pem)) {
        old = LocalSignedPayload::new(old.signature, None, old.rekor_bundle);
    }
    let parts = LegacySignature::from_local(&old)?;
    if is_envelope {
        return Ok(parts.to_envelope_bundle(Envelope::parse(&old.signature)?));
    }
    Ok(parts.to_message_bundle())
}

fn is_public_key(pem: &[u8]) -> bool {
    signing::pem::parse(pem).is_ok_and(|blocks| blocks.iter().all(|block| block.label == "PUBLIC KEY"))
}

/// A signature or envelope in files. The certificate may be PEM, or PEM in base64, as Cosign 2 wrote it.
pub(crate) fn detached(
    signature: &[u8],
    is_envelope: bool,
    certificate: Option<&Path>,
    timestamp: Option<Vec<u8>>,
) -> anyhow::Result<Bundle> {
    let pem = certificate.map(certificate_pem).transpose()?;
    let mut parts = LegacySignature::detached(signature.to_vec(), pem.as_deref())?;
    if let Some(response) = timestamp {
        parts = parts.with_timestamp(response);
    }
    if is_envelope {
        return Ok(parts.to_envelope_bundle(Envelope::parse(signature)?));
    }
    Ok(parts.to_message_bundle())
}

/// A certificate's PEM, also where the file has it in base64.
pub(crate) fn certificate_pem(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(STANDARD.decode(bytes.trim_ascii()).unwrap_or(bytes))
}

/// A timestamp's file: JSON as Cosign 2 wrote it, or the response in DER.
pub(crate) fn timestamp(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Rfc3161Timestamp::parse(&bytes).map_or(bytes, |stamp| stamp.response))
}
