//! Images of a real registry: Debian's `docker-registry`, filled by `skopeo`.

use crate::Bench;
use crate::server::{Server, start};
use std::process::{Command, Stdio};

/// A docker archive of one layer that holds the folder `app`, made by the machine's own tools, pushed as `repository:latest`.
pub(crate) fn push(bench: &Bench, server: &Server, repository: &str) -> bool {
    let script = format!(
        r#"set -e; mkdir image; tar -cf image/layer.tar app; cd image
        diff=$(sha256sum layer.tar | cut -d' ' -f1)
        echo '{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:'$diff'"]}}}}' > config.json
        echo '[{{"Config":"config.json","RepoTags":["app:1"],"Layers":["layer.tar"]}}]' > manifest.json
        tar -cf ../image.tar manifest.json config.json layer.tar; cd ..; rm -r image
        skopeo copy --quiet --insecure-policy --dest-tls-verify=false docker-archive:image.tar docker://{}/{repository}:latest"#,
        server.address
    );
    if Command::new("skopeo").arg("--version").stdout(Stdio::null()).status().is_err() {
        return false;
    }
    let output = Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn an_image_of_a_registry_is_shipped_and_the_peers_commands_run_as_they_are() {
    let bench = Bench::new();
    let Some(server) = start(&bench.path("")) else {
        eprintln!("ignored: no docker-registry on this machine");
        return;
    };
    if !push(&bench, &server, "library/my-container-image") {
        eprintln!("ignored: no skopeo on this machine");
        return;
    }
    bench.build_database();
    let image = format!("{}/library/my-container-image", server.address);
    let summary = bench.text("palisade", &["ship", &image], 0);
    assert!(summary.contains("CVE-2021-44228") || summary.contains("GHSA-jfh8-c2jp-5v3q"), "{summary}");

    // The lines of a pipeline: the image has no registry in its name, and the mirror answers for the default one.
    let line = "syft my-container-image:latest -o cyclonedx-json > sbom.json && grype sbom.json";
    let pipeline = |mirrors: &str| {
        let path = format!("{}:/usr/bin:/bin", bench.path("bin").display());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(bench.path("")).env_clear().env("PATH", path);
        shell.env("HOME", bench.path("home")).env("XDG_CACHE_HOME", bench.path("cache"));
        shell.env("PALISADE_REGISTRY_MIRRORS", mirrors).output().unwrap()
    };
    let found = pipeline(&format!("docker.io={}", server.address));
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert!(String::from_utf8_lossy(&found.stdout).contains("GHSA-jfh8-c2jp-5v3q"));
    let wrong = pipeline("docker.io");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("PALISADE_REGISTRY_MIRRORS"));

    let missing = bench.run("palisade", &["sbom", &format!("registry:{}/nothing:1", server.address)]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("404"));
}
