//! Makes a fresh Debian machine ready for the tests, by package name, or says exactly what is missing.

use crate::run::{has, kept, run, say};
use anyhow::{Result, bail};
use std::fs;
use std::process::Command;

/// A program that the tests run, and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("cc", "gcc"),
    ("debootstrap", "debootstrap"),
    ("docker-registry", "docker-registry"),
    ("git", "git"),
    ("go", "golang-go"),
    ("mvn", "maven"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("rpm", "rpm"),
    ("rpmbuild", "rpm"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
    ("zstd", "zstd"),
];

/// A peer, built from its Go module: name, package, version.
const PEERS: &[(&str, &str, &str)] = &[
    ("syft", "github.com/anchore/syft/cmd/syft", "v1.57.0"),
    ("grype", "github.com/anchore/grype/cmd/grype", "v0.121.2"),
];

/// Installs what is missing.
pub(crate) fn ready() -> Result<()> {
    debian()?;
    peers()
}

fn debian() -> Result<()> {
    let missing = || -> Vec<&str> {
        let mut packages: Vec<&str> =
            PROGRAMS.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect();
        packages.dedup();
        packages
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !has("apt-get") || !is_root() {
        bail!("the tests need these Debian packages: {list}\nas root: apt-get install --no-install-recommends {list}");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run(&mut command)
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat())?;
    match missing().as_slice() {
        [] => Ok(()),
        rest => bail!("still missing after installing: {}", rest.join(" ")),
    }
}

fn is_root() -> bool {
    crate::run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn peers() -> Result<()> {
    let folder = kept()?.join("peers");
    for (name, package, version) in PEERS {
        let place = folder.join(format!("{name}-{version}"));
        if place.join(name).is_file() {
            continue;
        }
        say(&format!("building {name} {version} once; it is kept in {}", place.display()));
        fs::create_dir_all(&place)?;
        let mut command = Command::new("go");
        command.env("GOBIN", &place).env("GOFLAGS", "-trimpath").env("CGO_ENABLED", "0");
        run(command.args(["install", &format!("{package}@{version}")]))?;
    }
    Ok(())
}
