//! `cargo xtask parity`: Syft as the oracle on real images.
//!
//! Each package must be found as often by both, by name, version, type and purl. What differs stands in
//! `xtask/parity.txt` with its reason; a line there that no longer occurs is an error too, so the list only shrinks.

use crate::images::{self, BENCH, Image, TESTED};
use crate::peers;
use crate::run::{output, palisade, root, say};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Packages by name, version, type and purl, with how often each is found.
type Packages = BTreeMap<String, usize>;

/// On the images of the tests and the benchmark.
pub(crate) fn check() -> Result<()> {
    on(&images::build(TESTED.iter().chain([&BENCH]))?)
}

/// On these images.
pub(crate) fn on(images: &[Image]) -> Result<()> {
    let program = palisade()?;
    let mut accepted = Accepted::read(&fs::read_to_string(root().join("xtask/parity.txt"))?)?;
    let mut wrong = Vec::new();
    for image in images {
        let peer = packages(&fs::read_to_string(peer_document(image)?)?)?;
        let mut own = Command::new(&program);
        own.args(["sbom", "-q", "--no-cache", "-o", "syft-json", &image.source()]);
        let own = packages(&output(&mut own)?)?;
        let new = accepted.take(image.name, &differences(&peer, &own));
        let count: usize = own.values().sum();
        say(&format!("{}: {count} packages, {} differences from Syft that are not listed", image.name, new.len()));
        wrong.extend(new);
    }
    if !wrong.is_empty() {
        bail!("differences from Syft (-: it alone finds it; +: Palisade alone):\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// Grows when Syft is asked in another way.
const ASKED: u32 = 2;

/// Syft's document of an image, which is kept beside it.
pub(crate) fn peer_document(image: &Image) -> Result<PathBuf> {
    let kept = image.folder.with_extension(format!("syft-{}-{ASKED}.json", peers::SYFT));
    if !kept.is_file() {
        let aside = kept.with_extension("new");
        let mut peer = Command::new(peers::syft()?);
        peer.args(["scan", "-q", "-o"]).arg(format!("json={}", aside.display())).arg(image.source());
        peer.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        // Otherwise it runs the machine's Go, and finds what its cache of modules happens to hold.
        peer.env("SYFT_GOLANG_USE_PACKAGES_LIB", "false");
        output(&mut peer)?;
        fs::rename(&aside, &kept)?;
    }
    Ok(kept)
}

fn packages(document: &str) -> Result<Packages> {
    let document: serde_json::Value = serde_json::from_str(document)?;
    let artifacts = document.get("artifacts").and_then(serde_json::Value::as_array).context("no artifacts")?;
    let mut packages = Packages::new();
    for artifact in artifacts {
        let text = |name| artifact.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
        let words = ["name", "version", "type", "purl"].map(|name| text(name).unwrap_or("(none)"));
        *packages.entry(words.join(" ")).or_default() += 1;
    }
    Ok(packages)
}

/// Lines of what one side has more often than the other.
fn differences(peer: &Packages, own: &Packages) -> Vec<String> {
    let more = |sign: char, of: &Packages, than: &Packages| -> Vec<String> {
        let more = of.iter().filter(|(package, count)| than.get(*package).copied().unwrap_or_default() < **count);
        more.map(|(package, _)| format!("{sign} {package}")).collect()
    };
    [more('-', peer, own), more('+', own, peer)].concat()
}

/// The differences that are listed: `IMAGE SIGN NAME VERSION TYPE PURL # reason`.
struct Accepted(BTreeSet<String>);

impl Accepted {
    fn read(list: &str) -> Result<Self> {
        let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines = lines.map(|line| match line.split_once(" # ") {
            Some((difference, reason)) if !reason.trim().is_empty() => Ok(difference.to_owned()),
            _ => bail!("a difference without a reason: {line}"),
        });
        Ok(Self(lines.collect::<Result<_>>()?))
    }

    /// Of the differences of one image, what is not listed; and what is listed and is no difference.
    fn take(&mut self, image: &str, differences: &[String]) -> Vec<String> {
        let found: BTreeSet<String> = differences.iter().map(|difference| format!("{image} {difference}")).collect();
        let prefix = format!("{image} ");
        let listed: BTreeSet<String> = self.0.extract_if(.., |line| line.starts_with(&prefix)).collect();
        let gone = listed.difference(&found).map(|line| format!("{line} # is listed, and is no difference any more"));
        found.difference(&listed).cloned().chain(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Packages {
        let mut packages = Packages::new();
        names.iter().for_each(|name| *packages.entry(format!("{name} 1 deb (none)")).or_default() += 1);
        packages
    }

    #[test]
    fn counts_what_is_missing_and_what_is_more() {
        assert!(differences(&list(&["a", "b"]), &list(&["b", "a"])).is_empty());
        assert_eq!(
            differences(&list(&["a", "b", "b"]), &list(&["b", "c"])),
            ["- a 1 deb (none)", "- b 1 deb (none)", "+ c 1 deb (none)"]
        );
    }

    #[test]
    fn the_list_may_only_shrink() {
        let mut accepted = Accepted::read("# head\nx - a 1 # for a reason\ny - b 2 # another\n").unwrap();
        assert_eq!(accepted.take("x", &["- a 1".to_owned(), "+ c 3".to_owned()]), ["x + c 3"]);
        assert_eq!(accepted.take("y", &[]), ["y - b 2 # is listed, and is no difference any more"]);
        assert!(Accepted::read("x - a 1\n").is_err());
    }
}
