//! Images of packages, as `cargo xtask test` builds them, read from a registry.

use crate::Bench;
use crate::server::start;
use std::path::{Path, PathBuf};
use std::process::Command;

/// OCI layouts by name: `PALISADE_IMAGES`, as the chore that builds them lists them.
fn layouts() -> Vec<(String, PathBuf)> {
    let paths = std::env::var_os("PALISADE_IMAGES").unwrap_or_default();
    let layouts = std::env::split_paths(&paths).filter(|path| path.join("oci-layout").is_file());
    layouts.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect()
}

fn push(layout: &Path, reference: &str) {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]);
    skopeo.arg(format!("oci:{}", layout.display())).arg(format!("docker://{reference}"));
    let output = skopeo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn images_of_packages_are_shipped_from_a_registry() {
    let layouts = layouts();
    if layouts.is_empty() {
        eprintln!("ignored: no images; `cargo xtask test` builds them");
        return;
    }
    let bench = Bench::new();
    bench.build_database();
    let server = start(&bench.path("")).unwrap();
    for (name, layout) in &layouts {
        let reference = format!("{}/{name}:latest", server.address);
        push(layout, &reference);
        let summary = bench.text("palisade", &["ship", &reference], 0);
        let (system, kind, findings) = match name.as_str() {
            "alpine" => ("alpine 3.20.3", " apk", "0 in"),
            "debian" => ("debian", " deb", "0 in"),
            "languages" => ("debian 12", " java-archive", "1 in"),
            "rpm-bdb" => ("centos 7", "7 rpm", "0 in"),
            "rpm-ndb" => ("sles 15.5", "7 rpm", "0 in"),
            "rpm-sqlite" => ("almalinux 9.3", "7 rpm", "0 in"),
            _ => ("", "", ""),
        };
        let has = |label: &str, part: &str| {
            summary.lines().any(|line| line.trim_start().starts_with(label) && line.contains(part))
        };
        assert!(has("system", system) && has("SBOM", kind) && has("findings", findings), "{name}: {summary}");
        if name == "languages" {
            let way = bench.text("palisade", &["scan", &reference, "--why", "CVE-2021-44228"], 0);
            let jar = "/opt/java/shop.war -> WEB-INF/lib/application-1.0.0.jar -> BOOT-INF/lib/log4j-core-2.14.1.jar";
            assert!(way.contains(&format!("{jar} (layer 3 sha256:")), "{way}");
        }
    }
}
