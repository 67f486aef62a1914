//! `attest`: a signed statement about an image, on its registry.

use super::image::Target;
use super::services::Session;
use super::{args, legacy, predicate, sign};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::{Content, Statement};
use clap::Args;
use sigstore::attached;
use sigstore::sign::Subject;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest predicate that is read: an SBOM of a large image.
const MAX_PREDICATE: u64 = 64 << 20;

/// What a statement says.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// The predicate's file; - is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "statement")]
    predicate: Option<PathBuf>,
    /// A whole statement's file, instead.
    #[arg(long, value_name = "FILE", conflicts_with = "predicate")]
    statement: Option<PathBuf>,
    /// slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, vsa, custom,
    /// or an address.
    #[arg(long, value_name = "TYPE", default_value = "custom")]
    r#type: String,
}

/// `attest`
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The image, best by digest.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    #[command(flatten)]
    about: About,
    #[command(flatten)]
    signing: args::Signing,
    /// Write the envelope to standard output instead of the registry.
    #[arg(long)]
    no_upload: bool,
    /// Attest every image of an index too.
    #[arg(short, long, hide = true)]
    recursive: bool,
    /// Replace attestations of the same type that are there (legacy tags).
    #[arg(long, hide = true)]
    replace: bool,
    /// Accepted: the time is in the timestamp and the log.
    #[arg(long, hide = true)]
    record_creation_timestamp: bool,
    #[command(flatten)]
    registry: args::Registry,
}

impl About {
    /// The statement about a digest.
    pub(crate) fn statement(&self, subject: &str, digest: &str) -> anyhow::Result<Statement> {
        match (&self.statement, &self.predicate) {
            (Some(path), _) => {
                let statement = Statement::parse(&read(path)?).with_context(|| path.display().to_string())?;
                let (algorithm, hex) = digest.split_once(':').context("the digest has no algorithm")?;
                if !statement.has_subject(algorithm, hex) {
                    return Err(advised(
                        format!("the statement is not about {digest}"),
                        "its subject must have the digest of what is attested",
                    ));
                }
                Ok(statement)
            }
            (None, Some(path)) => predicate::statement(&self.r#type, &read(path)?, subject, digest),
            (None, None) => Err(advised("nothing to attest", "give --predicate or --statement")),
        }
    }
}

/// A file, or standard input.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let failed = || format!("cannot read {}", path.display());
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_PREDICATE + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let file = std::fs::File::open(path).with_context(failed)?;
        file.take(MAX_PREDICATE + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > MAX_PREDICATE {
        return Err(advised(format!("{} is too large", path.display()), "a predicate has at most 64 MB"));
    }
    Ok(bytes)
}

/// Runs it.
pub(crate) fn run(command: &Command) -> Outcome {
    // What is wrong with a file is told before anything is signed.
    let mut statements = Vec::new();
    for image in &command.images {
        let target = Target::find(image, &command.registry)?;
        for manifest in target.manifests(command.recursive)? {
            let statement = command.about.statement(&target.repository.name(), &manifest.digest)?;
            statements.push((image, manifest, statement));
        }
    }
    let session = Session::begin(&command.signing)?;
    for (image, manifest, statement) in statements {
        let target = Target::find(image, &command.registry)?;
        let bundle = session.sign(Subject::Statement(&statement.to_json()))?;
        super::verify::own(&bundle, &session, super::read::artifact(&manifest.digest)?)?;
        let Content::Envelope(envelope) = &bundle.content else { continue };
        if command.no_upload {
            output::to_stdout(|out| Ok(writeln!(out, "{}", String::from_utf8_lossy(&envelope.to_json()))?))?;
        }
        let file = command.signing.bundle.as_deref();
        if command.signing.new_bundle_format {
            let is_uploaded = !command.no_upload;
            if is_uploaded || file.is_some() {
                sign::publish(&target, &manifest, &bundle, &statement.predicate_type, is_uploaded, file)?;
            }
        } else if !command.no_upload {
            let mut layer = legacy::layer(&bundle, envelope.to_json(), &session)?;
            layer.annotations.insert(attached::annotation::PREDICATE_TYPE.to_owned(), statement.predicate_type.clone());
            let existing =
                if command.replace { attached::Existing::ReplacePredicate } else { attached::Existing::Keep };
            let kind = attached::Kind::Attestation;
            attached::attach_legacy(target.signatures(), &manifest.digest, kind, &layer, existing)?;
        }
    }
    Ok(OK)
}
