//! `sign`: signs an image on its registry.

use super::args;
use super::image::{Target, annotations};
use super::legacy;
use super::services::Session;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::legacy::SimpleSigning;
use bundle::{Bundle, Statement, Subject as Signed};
use clap::{ArgAction, Args};
use jiff::Timestamp;
use oci::Document;
use sigstore::attached;
use sigstore::sign::Subject;
use std::path::PathBuf;

/// What Cosign calls a plain signature of an image.
pub(crate) const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

/// `sign`
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Images, best by digest.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    signing: args::Signing,
    /// KEY=VALUE, signed too. May be given several times.
    #[arg(short, long, value_name = "KEY=VALUE")]
    annotations: Vec<String>,
    /// Sign every image of an index too.
    #[arg(short, long)]
    recursive: bool,
    /// Whether the signature goes to the registry.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    upload: bool,
    /// Write the signature of the legacy form to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_signature: Option<PathBuf>,
    /// Write the payload of the legacy form to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_payload: Option<PathBuf>,
    /// Write the certificate, or the public key, to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_certificate: Option<PathBuf>,
    /// Write bundle and legacy tag both, for tools that read only one.
    #[arg(long)]
    both_formats: bool,
    /// Accepted: the time is in the timestamp and the log.
    #[arg(long, hide = true)]
    record_creation_timestamp: bool,
    /// Whether what goes into the log is asked about.
    #[arg(short = 'f', long, hide = true)]
    force: bool,
    #[command(flatten)]
    registry: args::Registry,
}

/// Runs it.
pub(crate) fn run(command: &Command) -> Outcome {
    let annotations = annotations(&command.annotations)?;
    let targets = command.images.iter().map(|image| Target::find(image, &command.registry));
    let targets = targets.collect::<anyhow::Result<Vec<_>>>()?;
    let session = Session::begin(&command.signing)?;
    for target in &targets {
        for manifest in target.manifests(command.recursive)? {
            sign(command, &session, target, &manifest, &annotations)?;
        }
    }
    if let Some(path) = &command.output_certificate {
        let pem = legacy::leaf_or_key(&session);
        output::to_file(path, |out| Ok(out.write_all(pem.as_bytes())?))?;
    }
    Ok(OK)
}

fn sign(
    command: &Command,
    session: &Session,
    target: &Target,
    manifest: &Document,
    annotations: &serde_json::Map<String, serde_json::Value>,
) -> anyhow::Result<()> {
    if command.signing.new_bundle_format || command.both_formats {
        let statement = statement(manifest, annotations)?;
        let bundle = session.sign(Subject::Statement(&statement.to_json()))?;
        super::verify::own(&bundle, session, super::read::artifact(&manifest.digest)?)?;
        publish(target, manifest, &bundle, PREDICATE, command.upload, command.signing.bundle.as_deref())?;
    }
    if !command.signing.new_bundle_format || command.both_formats {
        let mut payload = SimpleSigning::new(target.repository.name(), &manifest.digest);
        payload.optional = Some(annotations.clone()).filter(|annotations| !annotations.is_empty());
        let payload = payload.to_json();
        let bundle = session.sign(Subject::Message(&payload))?;
        let layer = legacy::layer(&bundle, payload, session)?;
        if let Some(path) = &command.output_signature {
            let signature = layer.annotations.get(attached::annotation::SIGNATURE).cloned().unwrap_or_default();
            output::to_file(path, |out| Ok(out.write_all(signature.as_bytes())?))?;
        }
        if let Some(path) = &command.output_payload {
            output::to_file(path, |out| Ok(out.write_all(&layer.payload)?))?;
        }
        if command.upload {
            let kind = attached::Kind::Signature;
            attached::attach_legacy(target.signatures(), &manifest.digest, kind, &layer, attached::Existing::Keep)?;
        }
    }
    Ok(())
}

fn statement(
    manifest: &Document,
    annotations: &serde_json::Map<String, serde_json::Value>,
) -> anyhow::Result<Statement> {
    let (algorithm, hex) = manifest.digest.split_once(':').context("the digest has no algorithm")?;
    let digest = [(algorithm.to_owned(), hex.to_owned())].into_iter().collect();
    let subject = Signed { name: String::new(), digest, annotations: annotations.clone() };
    Ok(Statement::new(vec![subject], PREDICATE, serde_json::json!({})))
}

/// Writes a bundle to where the flags say: the registry, a file, or both.
pub(crate) fn publish(
    target: &Target,
    manifest: &Document,
    bundle: &Bundle,
    predicate_type: &str,
    is_uploaded: bool,
    file: Option<&std::path::Path>,
) -> anyhow::Result<()> {
    let json = bundle.to_json();
    if let Some(path) = file {
        output::to_file(path, |out| Ok(out.write_all(&json)?))?;
    }
    if is_uploaded {
        let subject = manifest.descriptor();
        attached::attach(target.signatures(), &subject, &json, predicate_type, Timestamp::now())
            .with_context(|| format!("the signature of {} does not get to its registry", manifest.digest))?;
    } else if file.is_none() {
        return Err(advised("nothing was to be written", "give --bundle FILE, or leave --upload=false away"));
    }
    Ok(())
}
