//! `verify` and `verify-attestation`: who signed an image.

use super::args;
use super::image::{Target, annotations};
use super::keys::say;
use super::layouts::Layout;
use super::policy::{Acceptance, Candidate};
use super::read::{self, Claims, Found};
use super::services::Session;
use crate::outcome::{OK, Outcome, advised, coded};
use crate::output;
use anyhow::Context;
use bundle::Bundle;
use clap::Args;
use jiff::Timestamp;
use oci::OciError;
use oci::registry::RegistryError;
use serde_json::{Value as Json, json};
use signing::{Artifact, IdentityPolicy, SignerPolicy, TextMatch, Verified, VerifiedSigner};
use sigstore::attached::Kind;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Exit codes (Cosign's `cmd/cosign/errors`).
const NO_SIGNATURE: u8 = 10;
const NO_TAG: u8 = 11;
const NO_MATCH: u8 = 12;
const NO_CERTIFICATE: u8 = 13;

/// `verify`
#[derive(Debug, Args)]
pub(crate) struct Signature {
    /// Images; with --local-image folders that `save` made.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    verification: args::Verification,
    /// KEY=VALUE that must have been signed too. May be given several times.
    #[arg(short, long, value_name = "KEY=VALUE")]
    annotations: Vec<String>,
    /// json or text.
    #[arg(short, long, value_name = "FORMAT", default_value = "json", value_parser = ["json", "text"])]
    output: String,
    /// The images are folders that `save` made.
    #[arg(long)]
    local_image: bool,
    /// Accepted: attached SBOMs are verified as attestations.
    #[arg(long, hide = true)]
    attachment: Option<String>,
    /// The signature's file, base64, instead of those on the registry.
    #[arg(long, value_name = "FILE", hide = true)]
    signature: Option<PathBuf>,
    /// What it signs.
    #[arg(long, value_name = "FILE", hide = true)]
    payload: Option<PathBuf>,
    #[command(flatten)]
    registry: args::Registry,
}

/// `verify-attestation`
#[derive(Debug, Args)]
pub(crate) struct Attestation {
    /// Images; with --local-image folders that `save` made.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    verification: args::Verification,
    /// slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, vsa, custom,
    /// or an address.
    #[arg(long, value_name = "TYPE", default_value = "custom")]
    r#type: String,
    /// Policies on the statement: CEL (.cel) or Rego (.rego) files. May be given several times.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// json or text.
    #[arg(short, long, value_name = "FORMAT", default_value = "json", value_parser = ["json", "text"])]
    output: String,
    /// The images are folders that `save` made.
    #[arg(long)]
    local_image: bool,
    #[command(flatten)]
    registry: args::Registry,
}

/// Verifies a signature that was made just now, where the trust root is known: what is published will verify.
pub(crate) fn own(bundle: &Bundle, session: &Session, artifact: Artifact<'_>) -> anyhow::Result<()> {
    let Some(root) = &session.trusted_root else { return Ok(()) };
    let signer = match session.certificates() {
        [] => SignerPolicy::Keys(vec![session.public_key().clone()]),
        _ => SignerPolicy::Identities(vec![IdentityPolicy::new(TextMatch::regexp("")?, TextMatch::regexp("")?)]),
    };
    let candidate = Candidate { bundle: bundle.clone(), artifact };
    let verified = Acceptance::of(signer, root)?.verify(&candidate, Timestamp::now());
    verified.map(|_| ()).context("what was just signed does not verify with the trusted root; nothing was published")
}

/// An image's digest, and what is attached to it.
struct Attached {
    name: String,
    digest: String,
    found: Vec<Found>,
}

fn find(image: &str, is_local: bool, kind: Kind, registry: &args::Registry) -> anyhow::Result<Attached> {
    if is_local {
        let layout = Layout::open(Path::new(image))?;
        let found = read::found(layout.bundles()?, layout.legacy(kind)?);
        return Ok(Attached { name: image.to_owned(), digest: layout.image()?.digest.clone(), found });
    }
    let target = Target::find(image, registry).map_err(|error| match error.downcast_ref::<OciError>() {
        Some(OciError::Registry(RegistryError::NotFound { .. })) => {
            error.context(coded(NO_TAG, format!("image tag not found: {image}")))
        }
        _ => error,
    })?;
    let digest = target.manifest.digest.clone();
    let found = read::attached(target.signatures(), &digest, kind)?;
    Ok(Attached { name: target.repository.reference().to_string(), digest, found })
}

/// Verifies signatures.
pub(crate) fn signature(command: &Signature) -> Outcome {
    let images = readable(&command.images, command.local_image, command.verification.offline)?;
    let wanted = annotations(&command.annotations)?;
    let now = Timestamp::now();
    for image in images {
        let mut attached = find(image, command.local_image, Kind::Signature, &command.registry)?;
        if let Some(path) = &command.signature {
            attached.found =
                vec![read::given(path, command.payload.as_deref(), command.verification.certificate.as_deref())?];
        }
        if attached.found.is_empty() {
            return Err(coded(NO_SIGNATURE, format!("no signatures found for {}", attached.name)).into());
        }
        let acceptance = Acceptance::new(&command.verification)?;
        let accepted = verified(&acceptance, &attached, &command.verification, now)?;
        let mut shown = Vec::new();
        for (found, verified) in accepted {
            let claims = found.claims(&verified, &attached.digest, command.verification.check_claims)?;
            if wanted.iter().all(|(key, value)| claims.optional.get(key) == Some(value)) {
                shown.push(shown_signature(&attached, claims, &verified));
            }
        }
        if shown.is_empty() {
            return Err(coded(NO_MATCH, format!("no signature of {} has these annotations", attached.name)).into());
        }
        header(&attached.name, &acceptance, command.verification.check_claims, !wanted.is_empty());
        print_signatures(&shown, &command.output)?;
    }
    Ok(OK)
}

/// The images, where they can be read without a socket if none may be opened.
fn readable(images: &[String], is_local: bool, is_offline: bool) -> anyhow::Result<&[String]> {
    if is_offline && !is_local {
        return Err(advised(
            "--offline opens no socket, and the image is on a registry",
            "`save` the image to a folder where there is a network, then verify it with --local-image",
        ));
    }
    Ok(images)
}

/// Those that hold, with what was proven of each.
fn verified<'a>(
    acceptance: &Acceptance,
    attached: &'a Attached,
    args: &args::Verification,
    now: Timestamp,
) -> anyhow::Result<Vec<(&'a Found, Verified)>> {
    let artifact = if args.check_claims { read::artifact(&attached.digest)? } else { Artifact::Unchecked };
    let mut candidates = Vec::new();
    let mut sources = Vec::new();
    let mut odd = None;
    for found in &attached.found {
        match found.candidate(&artifact) {
            Ok(candidate) => {
                candidates.push(candidate);
                sources.push(found);
            }
            Err(error) => odd = Some(error),
        }
    }
    if candidates.is_empty() {
        let error = odd.unwrap_or_else(|| anyhow::anyhow!("nothing is signed"));
        return Err(error.context(coded(NO_MATCH, "no matching signatures")));
    }
    let lacks_certificate =
        !acceptance.is_by_key() && candidates.iter().all(|candidate| candidate.bundle.material.key.leaf().is_none());
    let code = if lacks_certificate { NO_CERTIFICATE } else { NO_MATCH };
    let what = if lacks_certificate { "no certificate found on signature" } else { "no matching signatures" };
    let accepted = acceptance.accepted(&candidates, now).map_err(|error| error.context(coded(code, what)))?;
    Ok(accepted.into_iter().filter_map(|(index, verified)| Some((*sources.get(index)?, verified))).collect())
}

fn header(name: &str, acceptance: &Acceptance, has_claims: bool, has_annotations: bool) {
    say(&format!("\nVerification for {name} --"));
    say("The following checks were performed on each of these signatures:");
    if has_annotations {
        say("  - The specified annotations were verified.");
    }
    if has_claims {
        say("  - The cosign claims were validated");
    }
    if acceptance.is_logged() {
        say("  - Existence of the claims in the transparency log was verified offline");
    }
    if acceptance.is_by_key() {
        say("  - The signatures were verified against the specified public key");
    } else {
        say("  - The code-signing certificate was verified using trusted certificate authority certificates");
    }
}

/// Cosign's `SimpleContainerImage`, with the names that it gives to a certificate's claims.
fn shown_signature(attached: &Attached, claims: Claims, verified: &Verified) -> Json {
    const CLAIMS: [(u8, &str); 5] = [
        (2, "githubWorkflowTrigger"),
        (3, "githubWorkflowSha"),
        (4, "githubWorkflowName"),
        (5, "githubWorkflowRepository"),
        (6, "githubWorkflowRef"),
    ];
    let mut optional = claims.optional;
    if let Some(promise) = claims.promise {
        optional.insert("Bundle".to_owned(), promise);
    }
    if let VerifiedSigner::Certificate(certificate) = &verified.signer {
        let identity = &certificate.identity;
        optional.insert("Subject".to_owned(), json!(identity.subjects.first()));
        if let Some(issuer) = &identity.issuer {
            optional.insert("Issuer".to_owned(), json!(issuer));
            optional.insert("1.3.6.1.4.1.57264.1.1".to_owned(), json!(issuer));
        }
        for (number, name) in CLAIMS {
            if let Some(value) = identity.extension(number) {
                optional.insert(name.to_owned(), json!(value));
                optional.insert(format!("1.3.6.1.4.1.57264.1.{number}"), json!(value));
            }
        }
    }
    json!({
        "critical": {
            "identity": { "docker-reference": claims.reference.as_deref().unwrap_or(&attached.name) },
            "image": { "docker-manifest-digest": attached.digest },
            "type": claims.kind,
        },
        "optional": optional,
    })
}

fn print_signatures(shown: &[Json], format: &str) -> anyhow::Result<()> {
    output::to_stdout(|out| {
        if format == "text" {
            for signature in shown {
                let text = |name: &str| signature.pointer(&format!("/optional/{name}")).and_then(Json::as_str);
                if let Some(subject) = text("Subject") {
                    writeln!(std::io::stderr(), "Certificate subject: {subject}")?;
                }
                if let Some(issuer) = text("Issuer") {
                    writeln!(std::io::stderr(), "Certificate issuer URL: {issuer}")?;
                }
                writeln!(out, "{signature}")?;
            }
            return Ok(());
        }
        Ok(writeln!(out, "\n{}", Json::Array(shown.to_vec()))?)
    })
}

/// Verifies attestations.
pub(crate) fn attestation(command: &Attestation) -> Outcome {
    let images = readable(&command.images, command.local_image, command.verification.offline)?;
    let wanted = super::predicate::uri(&command.r#type)?;
    let policies =
        command.policy.iter().map(|path| super::rules::Rules::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let now = Timestamp::now();
    for image in images {
        let mut attached = find(image, command.local_image, Kind::Attestation, &command.registry)?;
        attached.found.retain(|found| found.is_of(&wanted));
        if attached.found.is_empty() {
            return Err(
                coded(NO_SIGNATURE, format!("no attestations of type {wanted} found for {}", attached.name)).into()
            );
        }
        let acceptance = Acceptance::new(&command.verification)?;
        let accepted = verified(&acceptance, &attached, &command.verification, now)?;
        let mut lines = Vec::new();
        let mut failed = None;
        for (found, verified) in accepted {
            // The type on the registry is anybody's word; the statement's is signed.
            let Some(statement) = verified.statement.filter(|statement| statement.predicate_type == wanted) else {
                continue;
            };
            match policies.iter().try_for_each(|policy| policy.check(&statement)) {
                Ok(()) => lines.push(found.envelope()?),
                Err(error) => failed = Some(error),
            }
        }
        if lines.is_empty() {
            let error = failed.unwrap_or_else(|| anyhow::anyhow!("none of them is of type {wanted}"));
            return Err(error.context(coded(NO_MATCH, "no matching attestations")));
        }
        header(&attached.name, &acceptance, command.verification.check_claims, false);
        output::lines(&lines)?;
    }
    Ok(OK)
}
