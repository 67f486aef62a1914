//! `trace`: who signed and attested what about an image, and what logs have of it, in order of proven time.
//!
//! Reading order: this file gathers, [`event`] proves, [`show`] prints.

mod event;
mod show;

use super::args;
use super::image::Target;
use super::keys::say;
use super::{local, policy, read, services};
use crate::outcome::{FAILED, OK, Outcome, advised};
use anyhow::Context;
use bundle::{TlogEntry, TrustedRoot};
use clap::Args;
use event::{Event, Judge, Proof};
use jiff::Timestamp;
use signing::Trust;
use sigstore::attached::{self, Kind};
use sigstore::{Http, HttpOptions, rekor};
use std::path::PathBuf;

/// `trace`
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// An image on its registry; or a digest, sha256:HEX, about which only the log is asked.
    #[arg(value_name = "IMAGE|DIGEST")]
    image: String,
    /// Public key whose signatures are verified too: a file, an address, env://, k8s://, hashivault://, openbao://,
    /// pkcs11:. May be given several times.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Trusted root. May be given several times; by default the initialised one, or the local authority's.
    #[arg(long, value_name = "FILE")]
    trusted_root: Vec<PathBuf>,
    /// Transparency log that can be searched, as `authority serve` serves it; by default the local authority's.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Reach the log without TLS also on other hosts.
    #[arg(long)]
    allow_http: bool,
    /// text or json.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    output: String,
    #[command(flatten)]
    registry: args::Registry,
}

/// Shows all there is. What does not hold, though who made it is trusted, ends with code 1.
pub(crate) fn run(command: &Command) -> Outcome {
    let (roots, is_local) = roots(command)?;
    if roots.is_empty() {
        say(
            "No trusted root is known, so certificates are not verified: give --trusted-root FILE, or run `initialize`.",
        );
    }
    let judge = Judge::new(Trust::new(&roots)?, policy::public_keys(&command.key, false)?, Timestamp::now())?;
    let is_digest = command.image.starts_with("sha256:");
    let mut events = Vec::new();
    let (mut name, mut digest) = (None, command.image.clone());
    let mut known: Vec<TlogEntry> = Vec::new();
    if !is_digest {
        let target = Target::find(&command.image, &command.registry)?;
        digest.clone_from(&target.manifest.digest);
        let repository = target.signatures();
        let mut found = read::attached(repository, &digest, Kind::Signature)?;
        found.extend(read::found(Vec::new(), attached::legacy(repository, &digest, Kind::Attestation)?));
        let artifact = read::artifact(&digest)?;
        for found in &found {
            let candidate = found.candidate(&artifact);
            if let Ok(candidate) = &candidate {
                known.extend(candidate.bundle.material.tlog_entries.iter().cloned());
            }
            events.push(judge.attached(found, candidate, &digest));
        }
        name = Some(target.repository.reference().to_string());
    }
    let artifact = read::artifact(&digest)?;
    match logged(command, is_local, &digest)? {
        Some(search) => {
            let is_new = |entry: &&TlogEntry| !known.iter().any(|known| is_same(known, entry));
            events.extend(search.entries.iter().filter(is_new).map(|entry| judge.logged(entry, &artifact)));
            if search.has_more {
                say("The log has more entries about this than are shown.");
            }
        }
        None if is_digest => {
            return Err(advised("no log is known that can be searched", "give --log URL, or an image on its registry"));
        }
        None => {}
    }
    // What proves no time comes last, in the order in which it was found.
    events.sort_by_key(|event| (event.time().is_none(), event.time()));
    match command.output.as_str() {
        "json" => show::json(name.as_deref(), &digest, &events)?,
        _ => show::text(name.as_deref(), &digest, &events)?,
    }
    let is_wrong = events.iter().any(|event: &Event| matches!(event.proof, Proof::Fails(_)));
    Ok(if is_wrong { FAILED } else { OK })
}

fn is_same(one: &TlogEntry, other: &TlogEntry) -> bool {
    (&one.log_id, one.log_index, &one.canonicalized_body) == (&other.log_id, other.log_index, &other.canonicalized_body)
}

/// Whom to trust; and whether that is the local authority.
fn roots(command: &Command) -> anyhow::Result<(Vec<TrustedRoot>, bool)> {
    if command.trusted_root.is_empty() {
        let known = policy::known_root()?;
        let is_local = known.as_ref().is_some_and(|(_, identity)| identity.is_some());
        return Ok((known.into_iter().map(|(root, _)| root).collect(), is_local));
    }
    let roots = command.trusted_root.iter().map(|path| services::trusted_root(path));
    Ok((roots.collect::<anyhow::Result<_>>()?, false))
}

/// What the log has about a digest, where one is known that can be searched.
fn logged(command: &Command, is_local: bool, digest: &str) -> anyhow::Result<Option<rekor::Search>> {
    let http = Http::new(&HttpOptions { allow_http: command.allow_http, ..HttpOptions::default() });
    let search = |url: &str| rekor::search(&http, url, digest).with_context(|| format!("cannot search the log {url}"));
    if let Some(url) = &command.log {
        return search(url).map(Some);
    }
    if !is_local {
        return Ok(None);
    }
    let local = local::Authority::open()?;
    let logs = &local.signing_config().rekor_tlog_urls;
    let second = logs.iter().find(|service| service.major_api_version == 2);
    second.map(|service| search(&service.url)).transpose()
}
