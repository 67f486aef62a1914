//! `cargo xtask parity`: Syft as the oracle on a real image.

use crate::bench;
use crate::run::{cargo, run, say, target};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::process::Command;

/// Name, version, type and purl of a package.
type Package = [String; 4];

/// Both programs on one image must find the same packages, each as often.
pub(crate) fn check() -> Result<()> {
    let image = format!("oci-dir:{}", bench::built_image()?.join("bench").display());
    let syft = bench::syft()?;
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "palisade"])?)?;
    let built = target()?;
    let mut peer = Command::new(syft);
    peer.args(["scan", "-q", "-o", "json", &image]).env("SYFT_CHECK_FOR_APP_UPDATE", "false");
    let mut own = Command::new(built.join("release/palisade"));
    own.args(["sbom", "-q", "--no-cache", "-o", "syft-json", &image]);
    let (peer, own) = (packages(&mut peer)?, packages(&mut own)?);
    let wrong = differences(&peer, &own);
    if !wrong.is_empty() {
        bail!("{} differences from Syft:\n{}", wrong.len(), wrong.join("\n"));
    }
    say(&format!("{} packages, as Syft finds them", own.values().sum::<usize>()));
    Ok(())
}

fn packages(command: &mut Command) -> Result<BTreeMap<Package, usize>> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr));
    }
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let artifacts = document.get("artifacts").and_then(serde_json::Value::as_array).context("no artifacts")?;
    let mut packages = BTreeMap::new();
    for artifact in artifacts {
        let text = |name| artifact.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        *packages.entry(["name", "version", "type", "purl"].map(text)).or_default() += 1;
    }
    Ok(packages)
}

/// Lines of what one side has more often than the other.
fn differences(peer: &BTreeMap<Package, usize>, own: &BTreeMap<Package, usize>) -> Vec<String> {
    let more = |sign: char, of: &BTreeMap<Package, usize>, than: &BTreeMap<Package, usize>| -> Vec<String> {
        let more = of.iter().filter(|(package, count)| than.get(*package).copied().unwrap_or_default() < **count);
        more.map(|(package, _)| format!("{sign} {}", package.join(" "))).collect()
    };
    [more('-', peer, own), more('+', own, peer)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_missing_and_what_is_more() {
        let list = |names: &[&str]| {
            let mut packages = BTreeMap::new();
            for name in names {
                *packages.entry([(*name).to_owned(), "1".to_owned(), "deb".to_owned(), String::new()]).or_default() +=
                    1;
            }
            packages
        };
        assert!(differences(&list(&["a", "b"]), &list(&["b", "a"])).is_empty());
        assert_eq!(
            differences(&list(&["a", "b", "b"]), &list(&["b", "c"])),
            ["- a 1 deb ", "- b 1 deb ", "+ c 1 deb "]
        );
    }
}
