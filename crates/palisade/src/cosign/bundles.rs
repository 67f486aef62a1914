//! `bundle create`, `bundle inspect`, `bundle upgrade`: files of bundles.

use super::read;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bundle::{Bundle, Content, HashAlgorithm, HashOutput, KeyMaterial, MediaType, Statement};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};
use signing::{Certificate, Identity};
use std::path::{Path, PathBuf};

/// `bundle`
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a bundle of what Cosign 2 wrote.
    Create(Create),
    /// Show what a bundle says. Nothing of it is verified.
    Inspect(Inspect),
    /// Bring a bundle to version 0.3.
    Upgrade(Upgrade),
}

#[derive(Debug, Args)]
struct Create {
    /// What was signed.
    #[arg(long, value_name = "FILE")]
    artifact: Option<PathBuf>,
    /// The envelope, of an attestation.
    #[arg(long, value_name = "FILE")]
    attestation: Option<PathBuf>,
    /// A bundle that Cosign 2 wrote.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The signer's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The signer's public key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Without a log entry.
    #[arg(long)]
    ignore_tlog: bool,
    /// The signature, base64.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The timestamp, as JSON or DER.
    #[arg(long, value_name = "FILE")]
    rfc3161_timestamp: Option<PathBuf>,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Inspect {
    /// The bundle.
    bundle: PathBuf,
    /// json or text.
    #[arg(short, long, default_value = "text", value_parser = ["json", "text"])]
    output: String,
}

#[derive(Debug, Args)]
struct Upgrade {
    /// The bundle.
    bundle: PathBuf,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Accepted: an entry without a proof stays as it is, the log is not asked.
    #[arg(long, value_name = "URL", hide = true)]
    rekor_url: Option<String>,
}

/// Runs it.
pub(crate) fn run(command: &Command) -> Outcome {
    match &command.action {
        Action::Create(args) => create(args),
        Action::Inspect(args) => inspect(args),
        Action::Upgrade(args) => upgrade(args),
    }
}

fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn create(args: &Create) -> Outcome {
    let mut bundle = match (&args.bundle, &args.signature, &args.attestation) {
        (Some(path), ..) => read::file(&bytes(path)?, args.attestation.is_some())?,
        (None, _, Some(path)) => read::detached(&bytes(path)?, true, None, None)?,
        (None, Some(path), None) => {
            let text = String::from_utf8(bytes(path)?).context("the signature is no text")?;
            let signature = STANDARD.decode(text.trim()).context("the signature is no base64")?;
            read::detached(&signature, false, None, None)?
        }
        (None, None, None) => {
            return Err(advised("nothing to make a bundle of", "give --bundle, --signature or --attestation"));
        }
    };
    if let Some(path) = &args.certificate {
        bundle.material.key = KeyMaterial::Chain(signing::pem::certificates(&read::certificate_pem(path)?)?);
    }
    if let Some(key) = &args.key {
        let http = sigstore::Http::new(&sigstore::HttpOptions::default());
        let reference = sigstore::keyref::KeyRef::parse(key)?;
        let key = reference.public(&http, &super::keys::variable, &super::keys::password)?;
        bundle.material.key = KeyMaterial::PublicKey { hint: key.hint() };
    }
    if let Some(path) = &args.rfc3161_timestamp {
        bundle.material.timestamps = vec![read::timestamp(path)?];
    }
    if let (Content::Message(message), Some(path)) = (&mut bundle.content, &args.artifact) {
        let digest = sigstore::rekor::digest_of(HashAlgorithm::Sha256, &bytes(path)?);
        message.message_digest = Some(HashOutput { algorithm: HashAlgorithm::Sha256, digest });
    }
    if args.ignore_tlog {
        bundle.material.tlog_entries.clear();
    }
    write(&to_v03(bundle), args.out.as_deref())
}

/// Version 0.3 where that has a place for all that the bundle holds; 0.1 where an entry has no inclusion proof.
fn to_v03(mut bundle: Bundle) -> Bundle {
    let has_proofs = bundle.material.tlog_entries.iter().all(|entry| entry.inclusion_proof.is_some());
    if has_proofs {
        if let KeyMaterial::Chain(chain) = &bundle.material.key
            && let Some(leaf) = chain.first()
        {
            bundle.material.key = KeyMaterial::Certificate(leaf.clone());
        }
        bundle.media_type = MediaType::V03;
    }
    bundle
}

fn upgrade(args: &Upgrade) -> Outcome {
    let found = bytes(&args.bundle)?;
    let bundle = to_v03(read::file(&found, false)?);
    if bundle.media_type != MediaType::V03 {
        super::keys::say(
            "WARNING: a log entry has no inclusion proof, which version 0.3 asks for; the bundle stays 0.1",
        );
    }
    write(&bundle, args.out.as_deref())
}

fn write(bundle: &Bundle, file: Option<&Path>) -> Outcome {
    let json = bundle.to_json();
    match file {
        Some(path) => output::to_file(path, |out| Ok(out.write_all(&json)?))?,
        None => output::to_stdout(|out| {
            out.write_all(&json)?;
            Ok(writeln!(out)?)
        })?,
    }
    Ok(OK)
}

fn inspect(args: &Inspect) -> Outcome {
    let bundle = read::file(&bytes(&args.bundle)?, false)?;
    let mut lines: Vec<(&str, Json)> = vec![("mediaType", json!(bundle.media_type.as_str()))];
    match &bundle.content {
        Content::Message(message) => {
            let digest = message
                .message_digest
                .as_ref()
                .map(|output| format!("{}:{}", output.algorithm.plain_name(), hex(&output.digest)));
            lines.push(("messageDigest", json!(digest)));
        }
        Content::Envelope(envelope) => {
            lines.push(("payloadType", json!(envelope.payload_type)));
            if let Ok(statement) = Statement::parse(&envelope.payload) {
                lines.push(("predicateType", json!(statement.predicate_type)));
                let digests = statement.subject.iter().flat_map(|subject| &subject.digest);
                let digests: Vec<String> = digests.map(|(algorithm, hex)| format!("{algorithm}:{hex}")).collect();
                lines.push(("subjects", json!(digests)));
            }
        }
    }
    match (&bundle.material.key, bundle.material.key.leaf()) {
        (_, Some(der)) => {
            let certificate = Certificate::from_der(der).context("the certificate")?;
            let identity = Identity::of(&certificate);
            lines.push(("identity", json!(identity.subjects)));
            lines.push(("issuer", json!(identity.issuer)));
            lines.push(("validFrom", json!(certificate.not_before().to_string())));
            lines.push(("validTo", json!(certificate.not_after().to_string())));
        }
        (KeyMaterial::PublicKey { hint }, None) => lines.push(("keyHint", json!(hint))),
        _ => {}
    }
    for entry in &bundle.material.tlog_entries {
        let mut log = json!({
            "logId": hex(&entry.log_id),
            "logIndex": entry.log_index,
            "kind": format!("{} {}", entry.kind_version.kind, entry.kind_version.version),
            "hasInclusionProof": entry.inclusion_proof.is_some(),
        });
        if let (true, Some(log)) = (entry.integrated_time != 0, log.as_object_mut()) {
            log.insert("integratedTime".to_owned(), json!(entry.integrated_time));
        }
        lines.push(("logEntry", log));
    }
    lines.push(("timestamps", json!(bundle.material.timestamps.len())));
    output::to_stdout(|out| {
        if args.output == "json" {
            let all: serde_json::Map<String, Json> =
                lines.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?);
        }
        for (name, value) in &lines {
            match value {
                Json::String(text) => writeln!(out, "{name:14} {text}")?,
                other => writeln!(out, "{name:14} {other}")?,
            }
        }
        Ok(())
    })?;
    Ok(OK)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
