//! `conformance`: the client that sigstore-conformance calls, as its protocol names commands and flags.

use super::policy::{Acceptance, Candidate};
use super::services::Session;
use super::{args, blob, read};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use bundle::{Bundle, Statement};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use signing::Artifact;
use sigstore::sign::Subject;
use std::path::{Path, PathBuf};

/// `conformance`
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Sign a file, or a statement with --in-toto.
    SignBundle(Box<Sign>),
    /// Verify a bundle of a file, or of what has a digest.
    VerifyBundle(Box<Verify>),
}

#[derive(Debug, Args)]
struct Sign {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file is an in-toto statement, and goes into an envelope.
    #[arg(long)]
    in_toto: bool,
    #[command(flatten)]
    signing: args::Signing,
}

#[derive(Debug, Args)]
struct Verify {
    /// A file, or sha256:HEX.
    #[arg(value_name = "FILE|DIGEST")]
    artifact: String,
    /// The bundle's file.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[command(flatten)]
    verification: args::Verification,
}

/// Runs what the suite asks for.
pub(crate) fn run(command: &Command) -> Outcome {
    match &command.action {
        Action::SignBundle(command) => sign(command),
        Action::VerifyBundle(command) => verify(command),
    }
}

/// The suite agrees to what is published.
fn sign(command: &Sign) -> Outcome {
    let signing = args::Signing { yes: true, ..command.signing.clone() };
    let path = signing.bundle.as_deref().ok_or_else(|| advised("no --bundle", "say where the bundle goes"))?;
    let bytes = blob::read(&command.file)?;
    let (subject, artifact) = if command.in_toto {
        (Subject::Statement(&bytes), read::artifact(&first_digest(&bytes, &command.file)?)?)
    } else {
        (Subject::Message(&bytes), Artifact::Bytes(&bytes))
    };
    let session = Session::begin(&signing)?;
    let bundle = session.sign(subject)?;
    super::verify::own(&bundle, &session, artifact)?;
    output::to_file(path, |out| Ok(out.write_all(&bundle.to_json())?))?;
    Ok(OK)
}

/// The digest of one of a statement's subjects.
fn first_digest(statement: &[u8], path: &Path) -> anyhow::Result<String> {
    let statement = Statement::parse(statement).with_context(|| path.display().to_string())?;
    let mut digests = statement.subject.iter().flat_map(|subject| &subject.digest);
    let first = digests.next().map(|(algorithm, hex)| format!("{algorithm}:{hex}"));
    first.with_context(|| format!("{}: the statement is about nothing that has a digest", path.display()))
}

fn verify(command: &Verify) -> Outcome {
    let json = std::fs::read(&command.bundle).with_context(|| format!("cannot read {}", command.bundle.display()))?;
    let bundle = Bundle::parse(&json).with_context(|| command.bundle.display().to_string())?;
    let acceptance = Acceptance::new(&command.verification)?;
    // As the suite has it, what has a digest's form is one, unless a file is named so.
    let is_digest = command.artifact.starts_with("sha256:") && !Path::new(&command.artifact).exists();
    let bytes = if is_digest { Vec::new() } else { blob::read(Path::new(&command.artifact))? };
    let artifact = if is_digest { read::artifact(&command.artifact)? } else { Artifact::Bytes(&bytes) };
    acceptance.accepted(&[Candidate { bundle, artifact }], Timestamp::now())?;
    Ok(OK)
}
