//! What is attached to an image: `tree`, `triangulate`, `download`, `attach`, `clean`, `copy`.

use super::args::Registry;
use super::attest;
use super::image::{Parts, Target, options};
use super::keys::say;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::legacy::SimpleSigning;
use clap::{Args, Subcommand, ValueEnum};
use oci::{Descriptor, Document, Reference, Repository};
use sigstore::attached::{self, Existing, Kind, LegacyLayer, annotation};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// `tree`
#[derive(Debug, Args)]
pub(crate) struct Tree {
    /// The image.
    image: String,
    #[command(flatten)]
    registry: Registry,
}

/// `triangulate`
#[derive(Debug, Args)]
pub(crate) struct Triangulate {
    /// The image.
    image: String,
    /// signature, attestation, sbom or digest.
    #[arg(long, value_name = "TYPE", default_value = "signature")]
    r#type: String,
    #[command(flatten)]
    registry: Registry,
}

/// `download`
#[derive(Debug, Args)]
pub(crate) struct Download {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Signatures, one a line.
    Signature(Of),
    /// Attestations, one a line.
    Attestation(Of),
    /// An SBOM that was attached without a signature.
    Sbom(Of),
}

#[derive(Debug, Args)]
struct Of {
    /// The image.
    image: String,
    /// Only attestations of this type.
    #[arg(long, value_name = "TYPE")]
    predicate_type: Option<String>,
    /// Of the image for a platform.
    #[arg(long, value_name = "OS/ARCH", hide = true)]
    platform: Option<String>,
    #[command(flatten)]
    registry: Registry,
}

/// `attach`
#[derive(Debug, Args)]
pub(crate) struct Attach {
    #[command(subcommand)]
    what: Attached,
}

#[derive(Debug, Subcommand)]
enum Attached {
    /// A signature that was made elsewhere.
    Signature(AttachSignature),
    /// An envelope or bundle that was made elsewhere.
    Attestation(AttachAttestation),
    /// An SBOM, without a signature (deprecated: attest it).
    Sbom(AttachSbom),
}

#[derive(Debug, Args)]
struct AttachSignature {
    /// The image.
    image: String,
    /// The signature's file, base64.
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    /// What was signed; by default what `sign` signs.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// The signer's certificate, PEM.
    #[arg(long, visible_alias = "cert", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Certificates above it, PEM.
    #[arg(long, visible_alias = "cert-chain", value_name = "FILE")]
    certificate_chain: Option<PathBuf>,
    /// The log entry, as JSON.
    #[arg(long, value_name = "FILE")]
    rekor_response: Option<PathBuf>,
    /// The timestamp, as JSON.
    #[arg(long, value_name = "FILE")]
    tsr: Option<PathBuf>,
    #[command(flatten)]
    registry: Registry,
}

#[derive(Debug, Args)]
struct AttachAttestation {
    /// The image.
    image: String,
    /// Files of envelopes or bundles.
    #[arg(long, value_name = "FILE", required = true)]
    attestation: Vec<PathBuf>,
    #[command(flatten)]
    registry: Registry,
}

#[derive(Debug, Args)]
struct AttachSbom {
    /// The image.
    image: String,
    /// The SBOM's file.
    #[arg(long, value_name = "FILE")]
    sbom: PathBuf,
    /// spdx, cyclonedx or syft.
    #[arg(long, value_name = "TYPE", default_value = "spdx")]
    r#type: String,
    /// json or text.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    input_format: String,
    #[command(flatten)]
    registry: Registry,
}

/// `clean`
#[derive(Debug, Args)]
pub(crate) struct Clean {
    /// The image.
    image: String,
    /// What goes.
    #[arg(long, value_enum, default_value = "all")]
    r#type: CleanType,
    /// Do not ask.
    #[arg(short, long, visible_alias = "yes", short_alias = 'y')]
    force: bool,
    #[command(flatten)]
    registry: Registry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CleanType {
    Signature,
    Attestation,
    Referrer,
    Sbom,
    All,
}

/// `copy`
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The image.
    source: String,
    /// Its new name.
    destination: String,
    /// Only what is attached: sig, att, sbom; may be given several times.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    only: Vec<String>,
    /// Deprecated for --only=sig.
    #[arg(long, hide = true)]
    sig_only: bool,
    /// Accepted: what is there and equal is left, a tag is set anew.
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    registry: Registry,
}

/// Shows what is attached.
pub(crate) fn tree(command: &Tree) -> Outcome {
    let target = Target::find(&command.image, &command.registry)?;
    let (repository, digest) = (target.signatures(), &target.manifest.digest);
    let mut groups = Vec::new();
    for (kind, title) in [
        (Kind::Signature, "🔐 Signatures for an image tag"),
        (Kind::Attestation, "💾 Attestations for an image tag"),
        (Kind::Sbom, "📦 SBOMs for an image tag"),
    ] {
        if let Some(manifest) = repository.find_manifest(&kind.tag(digest))? {
            let layers = Parts::of(&manifest.bytes)?.layers.into_iter().map(|layer| layer.digest).collect();
            groups.push((format!("{title}: {}:{}", repository.name(), kind.tag(digest)), layers));
        }
    }
    for entry in repository.referrers(digest, None)? {
        let Some(manifest) = repository.find_manifest(&entry.digest)? else { continue };
        let named = attached::predicate_type(&entry).or(entry.artifact_type.as_deref()).unwrap_or("unknown");
        let layers = Parts::of(&manifest.bytes)?.layers.into_iter().map(|layer| layer.digest).collect();
        groups.push((format!("🔗 {named} artifacts via OCI referrer: {}@{}", repository.name(), entry.digest), layers));
    }
    output::to_stdout(|out| {
        let name = target.repository.reference();
        writeln!(out, "📦 Supply Chain Security Related artifacts for an image: {name}")?;
        if groups.is_empty() {
            writeln!(out, "No Supply Chain Security Related Artifacts found for image {name},")?;
            writeln!(out, " start creating one with simply running$ cosign sign <img>")?;
        }
        for (title, layers) in &groups {
            let layers: &Vec<String> = layers;
            writeln!(out, "└── {title}")?;
            for (index, digest) in layers.iter().enumerate() {
                let branch = if index + 1 == layers.len() { "   └──" } else { "   ├──" };
                writeln!(out, "{branch} 🍒 {digest}")?;
            }
        }
        Ok(())
    })?;
    Ok(OK)
}

/// Tells where signatures of the legacy form lie.
pub(crate) fn triangulate(command: &Triangulate) -> Outcome {
    let target = Target::find(&command.image, &command.registry)?;
    let name = target.signatures().name();
    let digest = &target.manifest.digest;
    let place = match command.r#type.as_str() {
        "signature" => format!("{name}:{}", Kind::Signature.tag(digest)),
        "attestation" => format!("{name}:{}", Kind::Attestation.tag(digest)),
        "sbom" => format!("{name}:{}", Kind::Sbom.tag(digest)),
        "digest" => format!("{}@{digest}", target.repository.name()),
        other => {
            return Err(advised(
                format!("unknown attachment type {other}"),
                "use signature, attestation, sbom or digest",
            ));
        }
    };
    output::to_stdout(|out| Ok(writeln!(out, "{place}")?))?;
    Ok(OK)
}

/// Downloads what is attached.
pub(crate) fn download(command: &Download) -> Outcome {
    let (of, lines) = match &command.what {
        What::Signature(of) => {
            let target = Target::find(&of.image, &of.registry)?;
            let layers = attached::legacy(target.signatures(), &target.manifest.digest, Kind::Signature)?;
            let mut lines: Vec<Vec<u8>> = layers.iter().map(signed_payload).collect::<anyhow::Result<_>>()?;
            lines.extend(bundles(&target, Some(super::sign::PREDICATE))?);
            (of, lines)
        }
        What::Attestation(of) => {
            let target = Target::find(&of.image, &of.registry)?;
            let wanted = of.predicate_type.as_deref().map(super::predicate::uri).transpose()?;
            let mut lines = bundles(&target, wanted.as_deref())?;
            for layer in attached::legacy(target.signatures(), &target.manifest.digest, Kind::Attestation)? {
                let kind = layer.annotations.get(annotation::PREDICATE_TYPE);
                if wanted.is_none() || wanted.as_ref() == kind {
                    lines.push(layer.payload);
                }
            }
            (of, lines)
        }
        What::Sbom(of) => {
            let target = Target::find(&of.image, &of.registry)?;
            let layers = attached::legacy(target.signatures(), &target.manifest.digest, Kind::Sbom)?;
            (of, layers.into_iter().map(|layer| layer.payload).collect())
        }
    };
    if lines.is_empty() {
        return Err(advised(format!("nothing of that kind is attached to {}", of.image), "`tree` shows what is"));
    }
    output::lines(&lines)?;
    Ok(OK)
}

fn bundles(target: &Target, predicate_type: Option<&str>) -> anyhow::Result<Vec<Vec<u8>>> {
    let all = attached::bundles(target.signatures(), &target.manifest.digest)?;
    let is_wanted = |entry: &Descriptor| {
        let found = attached::predicate_type(entry);
        predicate_type.is_none_or(|wanted| found == Some(wanted))
    };
    Ok(all.into_iter().filter(|bundle| is_wanted(&bundle.manifest)).map(|bundle| bundle.json).collect())
}

/// Cosign's `SignedPayload`.
fn signed_payload(layer: &LegacyLayer) -> anyhow::Result<Vec<u8>> {
    use base64::Engine;
    let text = |name: &str| layer.annotations.get(name).cloned();
    let json = |name: &str| text(name).and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    let payload = serde_json::json!({
        "Base64Signature": text(annotation::SIGNATURE).unwrap_or_default(),
        "Payload": base64::engine::general_purpose::STANDARD.encode(&layer.payload),
        "Cert": text(annotation::CERTIFICATE),
        "Chain": text(annotation::CHAIN),
        "Bundle": json(annotation::BUNDLE),
        "RFC3161Timestamp": json(annotation::TIMESTAMP),
    });
    Ok(serde_json::to_vec(&payload)?)
}

/// Attaches what was made elsewhere. Nothing is verified: who verifies the image will.
pub(crate) fn attach(command: &Attach) -> Outcome {
    match &command.what {
        Attached::Signature(args) => attach_signature(args),
        Attached::Attestation(args) => attach_attestation(args),
        Attached::Sbom(args) => attach_sbom(args),
    }
}

fn attach_signature(args: &AttachSignature) -> Outcome {
    let target = Target::find(&args.image, &args.registry)?;
    let digest = &target.manifest.digest;
    let payload = match &args.payload {
        Some(path) => attest::read(path)?,
        None => SimpleSigning::new(target.repository.name(), digest).to_json(),
    };
    let mut annotations = BTreeMap::new();
    for (name, path) in [
        (annotation::SIGNATURE, Some(&args.signature)),
        (annotation::CERTIFICATE, args.certificate.as_ref()),
        (annotation::CHAIN, args.certificate_chain.as_ref()),
        (annotation::BUNDLE, args.rekor_response.as_ref()),
        (annotation::TIMESTAMP, args.tsr.as_ref()),
    ] {
        if let Some(path) = path {
            let text =
                String::from_utf8(attest::read(path)?).with_context(|| format!("{} is no text", path.display()))?;
            annotations.insert(name.to_owned(), text.trim_end().to_owned());
        }
    }
    let layer = LegacyLayer { media_type: attached::SIMPLE_SIGNING.to_owned(), payload, annotations };
    attached::attach_legacy(target.signatures(), digest, Kind::Signature, &layer, Existing::Keep)?;
    Ok(OK)
}

fn attach_attestation(args: &AttachAttestation) -> Outcome {
    let target = Target::find(&args.image, &args.registry)?;
    for path in &args.attestation {
        let bytes = attest::read(path)?;
        if let Ok(bundle) = bundle::Bundle::parse(&bytes) {
            let kind = match &bundle.content {
                bundle::Content::Envelope(envelope) => bundle::Statement::parse(&envelope.payload)?.predicate_type,
                bundle::Content::Message(_) => super::sign::PREDICATE.to_owned(),
            };
            super::sign::publish(&target, &target.manifest, &bundle, &kind, true, None)?;
            continue;
        }
        // Cosign takes one envelope a line.
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let envelope = bundle::Envelope::parse(line).with_context(|| path.display().to_string())?;
            let kind = bundle::Statement::parse(&envelope.payload)?.predicate_type;
            let annotations = BTreeMap::from([
                (annotation::SIGNATURE.to_owned(), String::new()),
                (annotation::PREDICATE_TYPE.to_owned(), kind),
            ]);
            let layer = LegacyLayer { media_type: attached::DSSE.to_owned(), payload: line.to_vec(), annotations };
            let digest = &target.manifest.digest;
            attached::attach_legacy(target.signatures(), digest, Kind::Attestation, &layer, Existing::Keep)?;
        }
    }
    Ok(OK)
}

fn attach_sbom(args: &AttachSbom) -> Outcome {
    let media_type = match (args.r#type.as_str(), args.input_format.as_str()) {
        ("spdx", "text") => "text/spdx",
        ("spdx", _) => "text/spdx+json",
        ("cyclonedx", "xml") => "application/vnd.cyclonedx+xml",
        ("cyclonedx", _) => "application/vnd.cyclonedx+json",
        ("syft", _) => "application/vnd.syft+json",
        (other, _) => return Err(advised(format!("no SBOM is of type {other:?}"), "use spdx, cyclonedx or syft")),
    };
    say("WARNING: an attached SBOM is not signed; `attest --type` signs it.");
    let target = Target::find(&args.image, &args.registry)?;
    let payload = attest::read(&args.sbom)?;
    let layer = LegacyLayer { media_type: media_type.to_owned(), payload, annotations: BTreeMap::new() };
    attached::attach_legacy(target.signatures(), &target.manifest.digest, Kind::Sbom, &layer, Existing::Keep)?;
    Ok(OK)
}

/// Removes what is attached.
pub(crate) fn clean(command: &Clean) -> Outcome {
    if !command.force {
        say("WARNING: this removes what is attached to the image, for everybody. Continue? [y/N]");
        let mut answer = String::new();
        if std::io::stdin().is_terminal() {
            std::io::stdin().read_line(&mut answer)?;
        }
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(advised("not agreed", "give --force"));
        }
    }
    let target = Target::find(&command.image, &command.registry)?;
    let (repository, digest) = (target.signatures(), &target.manifest.digest);
    let is_wanted = |kind| command.r#type == CleanType::All || command.r#type == kind;
    for (wanted, kind) in [
        (CleanType::Signature, Kind::Signature),
        (CleanType::Attestation, Kind::Attestation),
        (CleanType::Sbom, Kind::Sbom),
    ] {
        if is_wanted(wanted)
            && let Some(manifest) = repository.find_manifest(&kind.tag(digest))?
        {
            repository.delete_manifest(&manifest.digest)?;
        }
    }
    if is_wanted(CleanType::Referrer) {
        let is_ours = |entry: &Descriptor| {
            entry
                .artifact_type
                .as_deref()
                .is_some_and(|kind| kind.contains("sigstore.bundle") || kind.contains("cosign"))
        };
        for entry in repository.referrers(digest, None)?.into_iter().filter(is_ours) {
            repository.detach(digest, &entry.digest)?;
        }
    }
    Ok(OK)
}

/// Copies an image with what is attached.
pub(crate) fn copy(command: &Copy) -> Outcome {
    let options = options(&command.registry);
    let source = Target::find(&command.source, &command.registry)?;
    let destination: Reference = command.destination.parse()?;
    let to = Repository::connect(&destination, &options)?;
    let mut only = command.only.clone();
    if command.sig_only {
        only.push("sig".to_owned());
    }
    let is_wanted = |kind: &str| only.is_empty() || only.iter().any(|wanted| wanted == kind);
    let manifests = source.manifests(true)?;
    for manifest in &manifests {
        if only.is_empty() {
            copy_manifest(&source.repository, &to, manifest, None)?;
        }
        for kind in [Kind::Signature, Kind::Attestation, Kind::Sbom] {
            let tag = kind.tag(&manifest.digest);
            if is_wanted(kind.suffix())
                && let Some(attached) = source.signatures().find_manifest(&tag)?
            {
                copy_manifest(source.signatures(), &to, &attached, Some(&tag))?;
            }
        }
        for entry in source.signatures().referrers(&manifest.digest, None)? {
            if is_wanted("sig") || is_wanted("att") {
                let referrer = source.signatures().manifest(&entry.digest)?;
                copy_blobs(source.signatures(), &to, &referrer)?;
                to.attach_manifest(&manifest.digest, &referrer, &entry)?;
            }
        }
    }
    if let (true, Some(tag)) = (only.is_empty(), destination.tag()) {
        to.put_manifest(Some(tag), &source.manifest.media_type, &source.manifest.bytes)?;
    }
    Ok(OK)
}

fn copy_manifest(from: &Repository, to: &Repository, manifest: &Document, tag: Option<&str>) -> anyhow::Result<()> {
    copy_blobs(from, to, manifest)?;
    to.put_manifest(tag, &manifest.media_type, &manifest.bytes)?;
    Ok(())
}

fn copy_blobs(from: &Repository, to: &Repository, manifest: &Document) -> anyhow::Result<()> {
    for blob in Parts::of(&manifest.bytes)?.blobs() {
        to.copy_blob(from, &blob)?;
    }
    Ok(())
}
