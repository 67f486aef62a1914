//! The variables, the configuration file and the file that keeps the token.

use super::failure::Failure;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a token file or a configuration may have.
const MAX_BYTES: u64 = 1 << 20;

/// `BAO_name`, or else `VAULT_name`. An empty one counts as absent.
pub(super) fn variable(name: &str) -> Option<String> {
    ["BAO_", "VAULT_"].iter().find_map(|prefix| std::env::var(format!("{prefix}{name}")).ok()).filter(|v| !v.is_empty())
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// `path` with a leading `~` replaced.
pub(super) fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The file that keeps the token between commands.
#[derive(Debug)]
pub(super) struct TokenFile(PathBuf);

impl TokenFile {
    /// `VAULT_TOKEN_PATH` or `~/.vault-token`; refused where a configuration names a helper of its own.
    pub(super) fn find() -> Result<Self, Failure> {
        refuse_helpers()?;
        let named = variable("TOKEN_PATH").map(|path| expanded(&path));
        let path = named.or_else(|| home().map(|home| home.join(".vault-token")));
        path.map(Self).ok_or_else(|| Failure::new(2, "failed to get token helper: no home folder; set HOME"))
    }

    /// The token, empty where there is none.
    pub(super) fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let failed =
            |error| Failure::new(2, format!("failed to get token from token helper: {}: {error}", self.0.display()));
        let mut text = Zeroizing::new(String::with_capacity(1 << 12));
        match fs::File::open(&self.0) {
            Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?,
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(failed(error)),
        };
        Ok(Zeroizing::new(text.trim().to_owned()))
    }

    /// Replaces the file whole, for its owner's eyes only.
    pub(super) fn store(&self, token: &str) -> std::io::Result<()> {
        let temporary = self.0.with_extension(format!("{}.tmp", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(token.as_bytes()))
            .and_then(|()| fs::rename(&temporary, &self.0));
        if written.is_err() {
            // A half-written copy has the token too.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Forgets the token, if there is one.
    pub(super) fn erase(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Programs as token helpers are not run.
fn refuse_helpers() -> Result<(), Failure> {
    let named = variable("CONFIG_PATH").map(|path| expanded(&path));
    let Some(path) = named.or_else(|| home().map(|home| home.join(".vault"))) else { return Ok(()) };
    let mut text = String::new();
    match fs::File::open(&path) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text).map_or((), |_| ()),
        Err(_) => return Ok(()),
    }
    if names_helper(&text) { Err(helper_refused(&path)) } else { Ok(()) }
}

fn helper_refused(path: &Path) -> Failure {
    Failure::new(2, format!("token_helper in {} is not supported", path.display()))
        .hint("remove that line; the token is kept in ~/.vault-token, or in the file that VAULT_TOKEN_PATH names")
}

fn names_helper(text: &str) -> bool {
    let keys = text.lines().filter_map(|line| line.split_once(['=', ':'])).map(|(key, _)| key);
    keys.map(|key| key.trim().trim_matches(['"', '{', ' '])).any(|key| key == "token_helper")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile(folder.path().join("token"));
        assert_eq!(file.read().unwrap().as_str(), "");
        file.store("s.one").unwrap();
        file.store("s.two").unwrap();
        assert_eq!(file.read().unwrap().as_str(), "s.two");
        assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
        file.erase();
        assert_eq!(file.read().unwrap().as_str(), "");
    }

    #[test]
    fn helpers_are_recognised() {
        assert!(names_helper("token_helper = \"/bin/x\"\n") && names_helper("{\"token_helper\": \"/bin/x\"}"));
        assert!(!names_helper("# token_helper\nother = 1\n"));
    }
}
