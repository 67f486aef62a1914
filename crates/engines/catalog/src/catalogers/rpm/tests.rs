//! Databases that rpm and Berkeley DB themselves write: three packages built by `rpmbuild` from
//! `tests/data/packages.spec`.

use super::RpmDatabase;
use crate::catalogers::testing::{catalogue, edges, purls, record};
use crate::rpmdb;
use sbom::Document;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// Runs a program in `folder` and gives whether it went well; the reason is printed where it did not.
fn run(folder: &Path, program: &str, arguments: &[&str], input: &[u8]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("ignored: there is no {program}");
        return false;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        eprintln!("ignored: {program} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// `rpmdb.sqlite` with the three packages, made in `folder`.
fn sqlite_database(folder: &Path) -> Option<Vec<u8>> {
    let top = format!("_topdir {}/build", folder.display());
    let spec = format!("{DATA}/packages.spec");
    let no_steps = "__os_install_post %{nil}";
    if !run(folder, "rpmbuild", &["-bb", "--quiet", "--define", &top, "--define", no_steps, &spec], b"") {
        return None;
    }
    let database = format!("{}/database", folder.display());
    let install =
        ["--define", "_db_backend sqlite", "--dbpath", &database, "-i", "--justdb", "--nodeps", "--noscripts"];
    let files = ["alpha", "beta", "gamma"].map(|name| format!("build/RPMS/noarch/{name}-2.0-3.noarch.rpm"));
    let arguments: Vec<&str> = install.into_iter().chain(files.iter().map(String::as_str)).collect();
    run(folder, "rpm", &arguments, b"").then(|| std::fs::read(format!("{database}/rpmdb.sqlite")).unwrap())
}

/// `Packages` with `headers`, made in `folder`.
fn berkeley_database(folder: &Path, headers: &[Vec<u8>]) -> Option<Vec<u8>> {
    if !run(folder, "cc", &["-o", "write_bdb", &format!("{DATA}/write_bdb.c"), "-ldb"], b"") {
        return None;
    }
    let lengths = headers.iter().map(|header| u32::try_from(header.len()).unwrap().to_ne_bytes());
    let records = lengths.zip(headers).flat_map(|(length, header)| [&length[..], header].concat());
    let records: Vec<u8> = records.collect();
    let program = folder.join("write_bdb");
    run(folder, program.to_str().unwrap(), &["Packages"], &records)
        .then(|| std::fs::read(folder.join("Packages")).unwrap())
}

fn check(path: &str, database: &[u8]) {
    let release = b"ID=fedora\nVERSION_ID=40\n";
    let files: [(&str, &[u8]); 5] = [
        ("/etc/os-release", release),
        ("/etc/alpha.conf", b"a\n"),
        ("/usr/bin/gamma", b"g\n"),
        ("/usr/share/beta/file-7", b"7\n"),
        (path, database),
    ];
    let document = catalogue(&RpmDatabase, &files);
    check_packages(&document);
    assert_eq!(document.unknowns, []);
}

fn check_packages(document: &Document) {
    let end = "@2.0-3?arch=noarch&distro=fedora-40&epoch=1&upstream=alpha-2.0-3.src.rpm";
    let expected = ["alpha", "beta", "gamma"].map(|name| format!("pkg:rpm/fedora/{name}{end}"));
    assert_eq!(purls(document), expected);
    let mut edges = edges(document);
    edges.sort_unstable();
    assert_eq!(edges, ["alpha -> gamma", "beta -> alpha", "gamma -> alpha"]);
    let alpha = record(document, "alpha");
    for part in [
        "{\"name\":\"alpha\",\"version\":\"2.0\",\"epoch\":1,\"architecture\":\"noarch\",\"release\":\"3\",",
        "\"sourceRpm\":\"alpha-2.0-3.src.rpm\",\"size\":2,\"vendor\":\"Example\",",
        "\"modularityLabel\":\"alpha:rhel8:820:abc\",\"provides\":[\"alpha\",\"config(alpha)\",\"virtual(alpha)\"],",
        "\"(delta if epsilon)\"",
        "\"files\":[{\"path\":\"/etc/alpha.conf\",\"mode\":33188,\"size\":2,\"digest\":{\"algorithm\":\"sha256\",\
         \"value\":\"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7\"},\"userName\":\"root\",\
         \"groupName\":\"root\",\"flags\":\"cn\"}]}",
    ] {
        assert!(alpha.contains(part), "{part} is not in {alpha}");
    }
    let owned = |name| &document.components.iter().find(|component| component.name == name).unwrap().owned_files;
    assert_eq!(owned("beta"), &["/usr/share/beta/file-7"]);
    assert_eq!(owned("gamma"), &["/usr/bin/gamma"]);
}

#[test]
fn databases_as_their_own_tools_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sqlite) = sqlite_database(folder.path()) else {
        return;
    };
    check("/usr/lib/sysimage/rpm/rpmdb.sqlite", &sqlite);

    let mut headers = Vec::new();
    rpmdb::headers(&sqlite, |header| {
        headers.push(header.to_vec());
        Ok(())
    })
    .unwrap();
    if let Some(berkeley) = berkeley_database(folder.path(), &headers) {
        check("/var/lib/rpm/Packages", &berkeley);
    }
}
