//! `syft login` and `cosign login`: credentials for a registry, kept where Docker keeps them.

use crate::outcome::{OK, Outcome, advised};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// `syft login` and `cosign login`
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The registry.
    server: String,
    /// Username
    #[arg(short, long, default_value = "")]
    username: String,
    /// Password
    #[arg(short, long, default_value = "", hide_default_value = true)]
    password: String,
    /// Take the password from stdin
    #[arg(long)]
    password_stdin: bool,
}

/// What a password or a configuration may have.
const MAX_BYTES: u64 = 1 << 20;

/// Runs it.
pub(super) fn run(args: &Args) -> Outcome {
    let mut password = args.password.clone();
    if args.password_stdin {
        password.clear();
        std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut password).context("cannot read the password")?;
        password.truncate(password.trim_end_matches(['\r', '\n']).len());
    }
    if args.username.is_empty() || password.is_empty() {
        return Err(advised("username and password required", "give -u NAME and --password-stdin"));
    }
    let path = config_path()?;
    let mut config = read(&path)?;
    add(&mut config, &args.server, &args.username, &password)?;
    replace(&path, &config)?;
    tracing::warn!("the password is stored unencrypted in {}", path.display());
    tracing::info!("logged in via {}", path.display());
    Ok(OK)
}

fn config_path() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker"));
    let folder = named.or_else(home);
    let folder = folder.ok_or_else(|| advised("no home folder", "set HOME or DOCKER_CONFIG"))?;
    Ok(folder.join("config.json"))
}

fn read(path: &Path) -> anyhow::Result<Map<String, Json>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        file => file.with_context(|| format!("cannot read {}", path.display()))?,
    };
    serde_json::from_reader(file.take(MAX_BYTES)).with_context(|| format!("{} is not JSON", path.display()))
}

/// Adds the credentials; everything else in the configuration stays.
fn add(config: &mut Map<String, Json>, server: &str, username: &str, password: &str) -> anyhow::Result<()> {
    let hub = ["docker.io", "index.docker.io", "registry-1.docker.io"];
    let server = if hub.contains(&server) { "https://index.docker.io/v1/" } else { server };
    let has_helper = config.get("credsStore").is_some_and(|store| store.as_str() != Some(""))
        || config.get("credHelpers").and_then(|helpers| helpers.get(server)).is_some();
    if has_helper {
        return Err(advised(
            format!("a credential helper keeps the credentials of {server}"),
            format!("run `docker login {server}`: the helper's entry is found here too"),
        ));
    }
    let auths = config.entry("auths").or_insert_with(|| json!({}));
    let Json::Object(auths) = auths else {
        return Err(advised("`auths` in Docker's configuration is no object", "correct the file"));
    };
    let auth = STANDARD.encode(format!("{username}:{password}"));
    auths.insert(server.to_owned(), json!({ "auth": auth }));
    Ok(())
}

/// Writes the configuration whole or not at all, for its owner's eyes only.
fn replace(path: &Path, config: &Map<String, Json>) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(failed)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| -> anyhow::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        serde::Serialize::serialize(config, &mut serde_json::Serializer::with_formatter(&mut file, formatter))?;
        file.flush()?;
        file.sync_all()?;
        Ok(fs::rename(&temporary, path)?)
    })();
    if written.is_err() {
        // A half-written copy has the password too.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_added_and_the_rest_stays() {
        let mut config = Map::new();
        config.insert("psFormat".to_owned(), json!("x"));
        add(&mut config, "r.example", "a", "b").unwrap();
        add(&mut config, "docker.io", "c", "d").unwrap();
        let want = json!({"psFormat": "x", "auths": {
            "r.example": {"auth": "YTpi"}, "https://index.docker.io/v1/": {"auth": "Yzpk"}}});
        assert_eq!(Json::Object(config.clone()), want);
        config.insert("credsStore".to_owned(), json!("desktop"));
        assert!(add(&mut config, "r.example", "a", "b").is_err());
    }
}
