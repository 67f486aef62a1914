//! `verify-blob` and `verify-blob-attestation`: who signed a file.

use super::keys::say;
use super::policy::{Acceptance, Candidate};
use super::{args, blob, read};
use crate::outcome::{OK, Outcome, advised};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::{Bundle, KeyMaterial};
use clap::Args;
use jiff::Timestamp;
use signing::Artifact;
use std::path::PathBuf;

/// `verify-blob`
#[derive(Debug, Args)]
pub(crate) struct Blob {
    /// The file; - is standard input.
    #[arg(value_name = "FILE")]
    blob: PathBuf,
    #[command(flatten)]
    parts: Parts,
    #[command(flatten)]
    verification: args::Verification,
}

/// `verify-blob-attestation`
#[derive(Debug, Args)]
pub(crate) struct BlobAttestation {
    /// The file; not needed with --digest.
    #[arg(value_name = "FILE")]
    blob: Option<PathBuf>,
    /// slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, vsa, custom,
    /// or an address.
    #[arg(long, value_name = "TYPE", default_value = "custom")]
    r#type: String,
    /// The file's digest, in hexadecimal, instead of the file.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Of which algorithm it is.
    #[arg(long = "digestAlg", value_name = "ALGORITHM", default_value = "sha256")]
    digest_algorithm: String,
    /// Policies on the statement: CEL (.cel) or Rego (.rego) files. May be given several times.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    #[command(flatten)]
    parts: Parts,
    #[command(flatten)]
    verification: args::Verification,
}

/// Where the signature is.
#[derive(Debug, Args)]
struct Parts {
    /// The bundle's file.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The signature, or its file.
    #[arg(long, value_name = "FILE", hide = true)]
    signature: Option<String>,
    /// The timestamp's file.
    #[arg(long, value_name = "FILE", hide = true)]
    rfc3161_timestamp: Option<PathBuf>,
}

impl Parts {
    fn bundle(&self, args: &args::Verification, is_envelope: bool) -> anyhow::Result<Bundle> {
        if let Some(path) = &self.bundle {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut bundle = read::file(&bytes, is_envelope).with_context(|| path.display().to_string())?;
            if let (KeyMaterial::PublicKey { .. }, Some(path)) = (&bundle.material.key, &args.certificate) {
                let pem = read::certificate_pem(path)?;
                bundle.material.key = KeyMaterial::Chain(signing::pem::certificates(&pem)?);
            }
            return Ok(bundle);
        }
        let Some(signature) = &self.signature else {
            return Err(advised("no signature", "give --bundle FILE, or --signature"));
        };
        // It is the signature itself, or a file with it.
        let text = match std::fs::read_to_string(signature) {
            Ok(text) => text,
            Err(_) => signature.clone(),
        };
        let bytes = STANDARD.decode(text.trim()).context("the signature is neither a file nor base64")?;
        let timestamp = self.rfc3161_timestamp.as_deref().map(read::timestamp).transpose()?;
        read::detached(&bytes, is_envelope, args.certificate.as_deref(), timestamp)
    }
}

/// Verifies the signature of a file.
pub(crate) fn blob(command: &Blob) -> Outcome {
    let bundle = command.parts.bundle(&command.verification, false)?;
    let bytes = blob::read(&command.blob)?;
    check(&command.verification, bundle, Artifact::Bytes(&bytes))?;
    Ok(OK)
}

/// Verifies an attestation of a file.
pub(crate) fn attestation(command: &BlobAttestation) -> Outcome {
    let wanted = super::predicate::uri(&command.r#type)?;
    let policies =
        command.policy.iter().map(|path| super::rules::Rules::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let bundle = command.parts.bundle(&command.verification, true)?;
    let bytes = command.blob.as_deref().map(blob::read).transpose()?;
    let artifact = match (&command.digest, &bytes) {
        _ if !command.verification.check_claims => Artifact::Unchecked,
        (Some(hex), _) => read::artifact(&format!("{}:{}", command.digest_algorithm, hex.to_ascii_lowercase()))?,
        (None, Some(bytes)) => Artifact::Bytes(bytes),
        (None, None) => return Err(advised("no file", "give a file, or its digest with --digest")),
    };
    let verified = check(&command.verification, bundle, artifact)?;
    let statement = verified.statement.context("the bundle has no statement")?;
    if statement.predicate_type != wanted {
        return Err(advised(
            format!("the attestation is of type {}, not {wanted}", statement.predicate_type),
            "say which type is wanted with --type",
        ));
    }
    policies.iter().try_for_each(|policy| policy.check(&statement))?;
    Ok(OK)
}

fn check(args: &args::Verification, bundle: Bundle, artifact: Artifact<'_>) -> anyhow::Result<signing::Verified> {
    let acceptance = Acceptance::new(args)?;
    let candidates = [Candidate { bundle, artifact }];
    let accepted = acceptance.accepted(&candidates, Timestamp::now());
    let (_, verified) = accepted?.pop().context("nothing is signed")?;
    say("Verified OK");
    Ok(verified)
}
