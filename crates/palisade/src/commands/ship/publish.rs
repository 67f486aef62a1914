//! Signs what was catalogued and scanned, attaches it to the image, and verifies what the registry then has.

use super::workflow::Attestation;
use super::{Predicates, provenance};
use crate::cosign::args;
use crate::cosign::image::Target;
use crate::cosign::policy::{Acceptance, Candidate};
use crate::cosign::services::Session;
use crate::cosign::{read, sign};
use crate::outcome::advised;
use anyhow::Context;
use bundle::{Bundle, Content, Statement, Subject as Signed};
use jiff::Timestamp;
use oci::Document;
use serde_json::{Map, Value as Json, json};
use signing::{IdentityPolicy, SignerPolicy, TextMatch, VerifiedSigner};
use sigstore::attached;
use sigstore::sign::Subject;
use std::time::{Duration, Instant};

/// The annotation of a subject that tells what a statement was made of, so that a run that broke off goes on.
const INPUTS: &str = "dev.palisade.inputs";

/// A statement that is on the registry, verified.
pub(super) struct Published {
    pub(super) what: &'static str,
    /// Whether an earlier run had published it.
    pub(super) is_reused: bool,
    pub(super) log_index: Option<i64>,
}

/// What was published, by whom, and how long it took.
pub(super) struct Outcome {
    pub(super) signer: String,
    pub(super) published: Vec<Published>,
    /// Why what is on the registry was not verified.
    pub(super) unverified: Option<&'static str>,
    pub(super) signed_in: Duration,
    pub(super) verified_in: Duration,
}

/// A statement that is to be made.
struct Wanted {
    what: &'static str,
    predicate_type: String,
    predicate: Json,
    /// The digest of what it is made of.
    inputs: String,
}

/// Publishes. `image` is the image that was named, `digest` the manifest that was catalogued.
pub(super) fn publish(
    image: &str,
    digest: &str,
    predicates: &Predicates,
    attest: &[Attestation],
    signing: &args::Signing,
    started: &str,
) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let registry = args::Registry::default();
    let target = Target::find(image, &registry)?;
    let manifests = manifests(&target, digest)?;
    let session = Session::begin(signing)?;
    let acceptance = acceptance(&session)?;
    let mut published = Vec::new();
    let mut made: Vec<(String, Bundle)> = Vec::new();
    for manifest in &manifests {
        let existing = attached::bundles(target.signatures(), &manifest.digest)?;
        let is_catalogued = manifest.digest == digest;
        let attestations = if is_catalogued { wanted(image, predicates, attest, started)? } else { Vec::new() };
        for wanted in attestations.into_iter().chain([signature(&manifest.digest)]) {
            let earlier = acceptance.as_ref().and_then(|acceptance| {
                existing.iter().find_map(|attached| is_same(acceptance, &attached.json, &manifest.digest, &wanted))
            });
            let bundle = match &earlier {
                Some(bundle) => bundle.clone(),
                None => {
                    let statement = statement(&manifest.digest, &target.repository.name(), &wanted)?;
                    let bundle = session.sign(Subject::Statement(&statement.to_json()))?;
                    sign::publish(&target, manifest, &bundle, &wanted.predicate_type, true, None)?;
                    bundle
                }
            };
            let log_index = bundle.material.tlog_entries.first().map(|entry| entry.log_index);
            published.push(Published { what: wanted.what, is_reused: earlier.is_some(), log_index });
            made.push((manifest.digest.clone(), bundle));
        }
    }
    let signed_in = begun.elapsed();
    let begun = Instant::now();
    let unverified = match &acceptance {
        Some(acceptance) => {
            check(acceptance, &target, &made)?;
            None
        }
        None => Some("no trusted root is known; give --trusted-root"),
    };
    Ok(Outcome { signer: signer(&session)?, published, unverified, signed_in, verified_in: begun.elapsed() })
}

/// The manifest that was named, and the one that was catalogued where that is an index.
fn manifests(target: &Target, digest: &str) -> anyhow::Result<Vec<Document>> {
    if target.manifest.digest == digest {
        return Ok(vec![target.manifest.clone()]);
    }
    let catalogued = target.manifests(true)?.into_iter().find(|manifest| manifest.digest == digest);
    let catalogued = catalogued.ok_or_else(|| {
        advised(
            format!("{} no longer leads to what was catalogued, {digest}", target.repository.reference()),
            "the tag was moved meanwhile; run again, best with the image's digest",
        )
    })?;
    Ok(vec![catalogued, target.manifest.clone()])
}

fn wanted(image: &str, predicates: &Predicates, attest: &[Attestation], started: &str) -> anyhow::Result<Vec<Wanted>> {
    let mut all = Vec::new();
    for attestation in attest {
        let (what, name, predicate, inputs) = match (attestation, &predicates.scan) {
            (Attestation::Sbom, _) => ("SBOM", "cyclonedx", predicates.sbom.clone(), predicates.sbom_inputs.clone()),
            (Attestation::Scan, Some((predicate, inputs))) => ("scan", "vuln", predicate.clone(), inputs.clone()),
            // Without a database there is no result to attest.
            (Attestation::Scan, None) => continue,
            (Attestation::Provenance, _) => {
                let finished = crate::catalogue::now()?;
                let variable = |name: &str| std::env::var(name).ok();
                let predicate = provenance::predicate(image, started, &finished, &variable);
                let inputs = predicate.pointer("/buildDefinition").cloned().unwrap_or_default();
                ("provenance", "slsaprovenance1", predicate, inputs.to_string())
            }
        };
        all.push(Wanted {
            what,
            predicate_type: crate::cosign::predicate::uri(name)?,
            predicate,
            inputs: crate::cosign::blob::sha256(inputs.as_bytes()),
        });
    }
    Ok(all)
}

fn signature(digest: &str) -> Wanted {
    Wanted {
        what: "signature",
        predicate_type: sign::PREDICATE.to_owned(),
        predicate: json!({}),
        inputs: crate::cosign::blob::sha256(digest.as_bytes()),
    }
}

fn statement(digest: &str, name: &str, wanted: &Wanted) -> anyhow::Result<Statement> {
    let (algorithm, hex) = digest.split_once(':').context("the digest has no algorithm")?;
    let subject = Signed {
        name: name.to_owned(),
        digest: [(algorithm.to_owned(), hex.to_owned())].into_iter().collect(),
        annotations: Map::from_iter([(INPUTS.to_owned(), json!(wanted.inputs))]),
    };
    Ok(Statement::new(vec![subject], wanted.predicate_type.clone(), wanted.predicate.clone()))
}

/// Who signs now, as who must have signed what is found on the registry.
fn acceptance(session: &Session) -> anyhow::Result<Option<Acceptance>> {
    let Some(root) = &session.trusted_root else { return Ok(None) };
    let policy = match session.certificates().first() {
        None => SignerPolicy::Keys(vec![session.public_key().clone()]),
        Some(leaf) => {
            let identity = signing::Identity::of(&signing::Certificate::from_der(leaf)?);
            let subject = identity.subjects.first().context("the certificate names nobody")?;
            let issuer = identity.issuer.context("the certificate names no issuer")?;
            SignerPolicy::Identities(vec![IdentityPolicy::new(
                TextMatch::exact(subject.clone()),
                TextMatch::exact(issuer),
            )])
        }
    };
    Acceptance::of(policy, root).map(Some)
}

fn signer(session: &Session) -> anyhow::Result<String> {
    match session.certificates().first() {
        None => Ok(format!("key {}", session.public_key().hint())),
        Some(leaf) => {
            let identity = signing::Identity::of(&signing::Certificate::from_der(leaf)?);
            Ok(identity.subjects.first().cloned().unwrap_or_default())
        }
    }
}

/// The bundle, where it verifies and says what is wanted.
fn is_same(acceptance: &Acceptance, json: &[u8], digest: &str, wanted: &Wanted) -> Option<Bundle> {
    let bundle = Bundle::parse(json).ok()?;
    let candidate = Candidate { bundle, artifact: read::artifact(digest).ok()? };
    let verified = acceptance.verify(&candidate, Timestamp::now()).ok()?;
    let statement = verified.statement?;
    let has_inputs = statement
        .subject
        .iter()
        .any(|subject| subject.annotations.get(INPUTS).and_then(Json::as_str) == Some(&wanted.inputs));
    (statement.predicate_type == wanted.predicate_type && has_inputs).then_some(candidate.bundle)
}

/// Each statement must be on the registry, and verify from there.
fn check(acceptance: &Acceptance, target: &Target, made: &[(String, Bundle)]) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let mut digests: Vec<&String> = made.iter().map(|(digest, _)| digest).collect();
    digests.dedup();
    for digest in digests {
        let there = attached::bundles(target.signatures(), digest)?;
        for (_, bundle) in made.iter().filter(|(of, _)| of == digest) {
            let found =
                there.iter().filter_map(|attached| Bundle::parse(&attached.json).ok()).find(|found| found == bundle);
            let bundle = found.with_context(|| format!("the registry lost {} of {digest}", kind(bundle)))?;
            let what = kind(&bundle);
            let candidate = Candidate { bundle, artifact: read::artifact(digest)? };
            let verified =
                acceptance.verify(&candidate, now).with_context(|| format!("{what} of {digest}, as published"))?;
            if let VerifiedSigner::Certificate(certificate) = verified.signer {
                tracing::debug!(subjects = ?certificate.identity.subjects, what, "verified");
            }
        }
    }
    Ok(())
}

fn kind(bundle: &Bundle) -> String {
    match &bundle.content {
        Content::Envelope(envelope) => {
            Statement::parse(&envelope.payload).map(|statement| statement.predicate_type).unwrap_or_default()
        }
        Content::Message(_) => "a signature".to_owned(),
    }
}
