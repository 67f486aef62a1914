//! The Go that the peers are written in: the machine's, or as the module `golang.org/toolchain` where that is older, as
//! Debian's is. Its checksum is verified as every module's.

use crate::run::{kept, output, run};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What Syft 1.57.0 and Grype 0.121.2 ask for.
const NEEDED: [u32; 3] = [1, 26, 8];

/// A `go` that is new enough.
pub(crate) fn command() -> Result<Command> {
    let mut command = Command::new("go");
    command.env("PATH", path()?);
    Ok(command)
}

/// The search path for programs, on which `go` is new enough.
pub(crate) fn path() -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = output(Command::new("go").arg("version"))?;
    if version(&own).is_some_and(|version| version >= NEEDED) {
        return Ok(path);
    }
    let folders = [fetched()?.join("bin")].into_iter().chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// Of `go version go1.26.8 linux/amd64`.
fn version(text: &str) -> Option<[u32; 3]> {
    let word = text.split_whitespace().nth(2)?.strip_prefix("go")?;
    let mut numbers = word.split('.').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or_default()])
}

fn fetched() -> Result<PathBuf> {
    let name = NEEDED.map(|number| number.to_string()).join(".");
    let folder = kept()?.join(format!("go-{name}"));
    if !folder.is_dir() {
        let architecture = output(Command::new("go").args(["env", "GOARCH"]))?;
        let module = format!("golang.org/toolchain@v0.0.1-go{name}.linux-{}", architecture.trim());
        let found: serde_json::Value =
            serde_json::from_str(&output(Command::new("go").args(["mod", "download", "-json", &module]))?)?;
        let found = found.get("Dir").and_then(serde_json::Value::as_str).context("the module has no folder")?;
        let aside = folder.with_extension("new");
        run(Command::new("rm").arg("-rf").arg(&aside))?;
        run(Command::new("cp").arg("-r").args([found.as_ref(), aside.as_os_str()]))?;
        // A module's files are read-only and cannot be run.
        run(Command::new("chmod").args(["-R", "u+w"]).arg(&aside))?;
        run(Command::new("chmod").args(["-R", "+x"]).arg(aside.join("bin")).arg(aside.join("pkg/tool")))?;
        fs::rename(&aside, &folder)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("go version go1.26.8 linux/amd64", Some([1, 26, 8])),
            ("go version go1.27 linux/amd64", Some([1, 27, 0])),
            ("go version go1.19.8 linux/arm64", Some([1, 19, 8])),
            ("go version devel +abc linux/amd64", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
