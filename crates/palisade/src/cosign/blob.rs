//! `sign-blob` and `attest-blob`: signatures of files.

use super::attest::{self, About};
use super::services::Session;
use super::{args, legacy};
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::legacy::Rfc3161Timestamp;
use bundle::{Bundle, Content};
use clap::{ArgAction, Args};
use signing::Artifact;
use sigstore::sign::Subject;
use std::path::{Path, PathBuf};

/// `sign-blob`
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    blobs: Vec<PathBuf>,
    #[command(flatten)]
    signing: args::Signing,
    /// Accepted: keys that are given say how they sign.
    #[arg(long, value_name = "ALGORITHM", hide = true)]
    signing_algorithm: Option<String>,
    #[command(flatten)]
    outputs: Outputs,
}

/// `attest-blob`
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// The file; not needed with --hash.
    #[arg(value_name = "FILE")]
    blob: Option<PathBuf>,
    #[command(flatten)]
    about: About,
    /// The file's SHA-256, in hexadecimal, instead of the file.
    #[arg(long, value_name = "HEX")]
    hash: Option<String>,
    #[command(flatten)]
    signing: args::Signing,
    /// Write the envelope to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_attestation: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Where parts of a signature go, as Cosign 2 wrote them.
#[derive(Debug, Args)]
struct Outputs {
    /// Whether they are in base64.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true", hide = true)]
    b64: bool,
    /// Deprecated for --output-signature.
    #[arg(long, value_name = "FILE", hide = true)]
    output: Option<PathBuf>,
    /// Write the signature to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_signature: Option<PathBuf>,
    /// Write the certificate, or the public key, to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    output_certificate: Option<PathBuf>,
    /// Write the timestamp to a file.
    #[arg(long, value_name = "FILE", hide = true)]
    rfc3161_timestamp: Option<PathBuf>,
}

/// Signs files.
pub(crate) fn sign(command: &Sign) -> Outcome {
    if command.blobs.len() > 1 && command.signing.bundle.is_some() {
        return Err(advised("one --bundle for several files", "sign them one at a time"));
    }
    let blobs = command.blobs.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let session = Session::begin(&command.signing)?;
    for blob in &blobs {
        let bundle = session.sign(Subject::Message(blob))?;
        super::verify::own(&bundle, &session, Artifact::Bytes(blob))?;
        let Content::Message(message) = &bundle.content else { continue };
        write(&bundle, &message.signature, &session, &command.signing, &command.outputs)?;
    }
    Ok(OK)
}

/// Attests a file.
pub(crate) fn attest(command: &Attest) -> Outcome {
    let digest = match (&command.hash, &command.blob) {
        (Some(hex), _) if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("sha256:{}", hex.to_ascii_lowercase())
        }
        (Some(_), _) => return Err(advised("--hash is no SHA-256", "give 64 hexadecimal digits")),
        (None, Some(path)) => sha256(&read(path)?),
        (None, None) => return Err(advised("no file", "give a file, or its digest with --hash")),
    };
    let name = command.blob.as_deref().and_then(Path::file_name);
    let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let statement = command.about.statement(&name, &digest)?;
    let session = Session::begin(&command.signing)?;
    let bundle = session.sign(Subject::Statement(&statement.to_json()))?;
    super::verify::own(&bundle, &session, super::read::artifact(&digest)?)?;
    let Content::Envelope(envelope) = &bundle.content else { return Ok(OK) };
    let envelope = envelope.to_json();
    if let Some(path) = &command.output_attestation {
        output::to_file(path, |out| Ok(out.write_all(&envelope)?))?;
    }
    write(&bundle, &envelope, &session, &command.signing, &command.outputs)?;
    Ok(OK)
}

/// Writes the parts that are asked for; the signature to standard output where no file is named.
fn write(
    bundle: &Bundle,
    signature: &[u8],
    session: &Session,
    signing: &args::Signing,
    outputs: &Outputs,
) -> anyhow::Result<()> {
    let to_file = |path: &Path, bytes: &[u8]| output::to_file(path, |out| Ok(out.write_all(bytes)?));
    let encoded = if outputs.b64 { STANDARD.encode(signature).into_bytes() } else { signature.to_vec() };
    if let Some(path) = &signing.bundle {
        let json = if signing.new_bundle_format { bundle.to_json() } else { legacy::file(bundle, session) };
        to_file(path, &json)?;
    }
    if let Some(path) = &outputs.rfc3161_timestamp {
        let stamp = bundle.material.timestamps.first().context("no timestamp authority was asked")?;
        to_file(path, &Rfc3161Timestamp { response: stamp.clone() }.to_json())?;
    }
    if let Some(path) = &outputs.output_certificate {
        let pem = legacy::leaf_or_key(session);
        let bytes = if outputs.b64 { STANDARD.encode(pem.as_bytes()) } else { pem };
        to_file(path, bytes.as_bytes())?;
    }
    match outputs.output_signature.as_ref().or(outputs.output.as_ref()) {
        Some(path) => to_file(path, &encoded),
        None if signing.bundle.is_some() && signing.new_bundle_format => Ok(()),
        None => output::to_stdout(|out| {
            out.write_all(&encoded)?;
            if outputs.b64 { Ok(writeln!(out)?) } else { Ok(()) }
        }),
    }
}

/// A file's bytes, or standard input's.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        return attest::read(path);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// `sha256:...` of a file.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    format!("sha256:{}", digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
