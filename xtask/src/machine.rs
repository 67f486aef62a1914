//! Makes a fresh Debian machine ready for the tests, by package name, or says exactly what is missing.

use crate::run::{has, run};
use anyhow::{Result, bail};
use std::process::Command;

/// A program that the tests run, and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("busybox", "busybox-static"),
    ("c++", "g++"),
    ("cc", "gcc"),
    ("containerd", "containerd"),
    ("curl", "curl"),
    ("debootstrap", "debootstrap"),
    ("docker-registry", "docker-registry"),
    ("git", "git"),
    ("go", "golang-go"),
    ("mariadb-install-db", "mariadb-server"),
    ("mvn", "maven"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("pkcs11-tool", "opensc"),
    ("podman", "podman"),
    // A program of the whole Perl: /usr/bin/perl is in every Debian, its modules are not.
    ("prove", "perl"),
    // Of the client; the server stands in a folder of its version.
    ("psql", "postgresql"),
    ("rpmbuild", "rpm"),
    ("skopeo", "skopeo"),
    ("softhsm2-util", "softhsm2"),
    ("strace", "strace"),
    ("umoci", "umoci"),
    ("wrk", "wrk"),
];

/// Installs what is missing.
pub(crate) fn ready() -> Result<()> {
    let missing = || -> Vec<&str> {
        let mut packages: Vec<&str> =
            PROGRAMS.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect();
        packages.dedup();
        if !has_python() {
            packages.push("python3-venv");
        }
        // Debian has its servers outside the path, by version.
        if !std::path::Path::new("/usr/lib/postgresql").is_dir() {
            packages.push("postgresql");
        }
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

/// Debian has `venv` apart from Python.
fn has_python() -> bool {
    crate::run::output(Command::new("python3").args(["-m", "ensurepip", "--version"])).is_ok()
}

/// Is this run by root?
pub(crate) fn is_root() -> bool {
    crate::run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
