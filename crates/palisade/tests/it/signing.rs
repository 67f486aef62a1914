//! Signing and verifying on real registries, with the local authority, as `cosign` and as `palisade ship`.

use crate::Bench;
use crate::registry::push;
use crate::server::{Server, start};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

/// A registry with one image, and its name; `None` where the machine lacks a part.
pub(crate) fn image(bench: &Bench) -> Option<(Server, String)> {
    let server = start(&bench.path(""))?;
    if !push(bench, &server, "team/app") {
        return None;
    }
    let name = format!("{}/team/app:latest", server.address);
    Some((server, name))
}

pub(crate) fn cosign(bench: &Bench, arguments: &[&str], code: i32) -> String {
    let output = bench.command("cosign", arguments).env("COSIGN_PASSWORD", "canary-password").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "cosign {arguments:?}: {error}");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!error.contains("canary-password") && !out.contains("canary-password"));
    out + &error
}

#[test]
fn the_peers_lines_sign_and_verify_with_a_local_authority_as_they_are() {
    let bench = Bench::new();
    let script = r#"set -e
        ip link set lo up
        printf '127.0.0.1 localhost index.docker.io registry-1.docker.io\n' > hosts; mount --bind hosts /etc/hosts
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=test \
          -addext subjectAltName=DNS:index.docker.io,DNS:registry-1.docker.io -addext basicConstraints=critical,CA:FALSE 2>/dev/null
        printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "%s"}}\nhttp: {addr: "127.0.0.1:443", tls: {certificate: "%s", key: "%s"}}\n' \
          "$PWD/storage" "$PWD/tls.pem" "$PWD/tls.key" > registry.yml
        docker-registry serve registry.yml >/dev/null 2>&1 & registry=$!
        trap 'kill $registry' EXIT
        mkdir image; tar -cf image/layer.tar app; cd image; diff=$(sha256sum layer.tar | cut -d' ' -f1)
        echo '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:'$diff'"]}}' > config.json
        echo '[{"Config":"config.json","RepoTags":["app:1"],"Layers":["layer.tar"]}]' > manifest.json
        tar -cf ../image.tar manifest.json config.json layer.tar; cd ..
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
          skopeo copy --quiet --insecure-policy --dest-tls-verify=false docker-archive:image.tar \
            docker://index.docker.io/library/my-container-image:latest 2>push.log && break; sleep 0.3
        done
        cat push.log >&2
        export PATH=$PWD/bin:$PATH SSL_CERT_FILE=$PWD/tls.pem HOME=$PWD/home
        cosign sign my-container-image:latest
        cosign verify my-container-image:latest
        cosign verify --certificate-identity someone@example.com --certificate-oidc-issuer https://example.com \
          my-container-image:latest && exit 9 || test $? = 12
    "#;
    let is_root = Command::new("unshare").args(["-n", "-m", "true"]).stderr(Stdio::null()).status();
    if !is_root.is_ok_and(|status| status.success()) || Command::new("docker-registry").arg("--help").output().is_err()
    {
        eprintln!("ignored: a network namespace and a registry are needed");
        return;
    }
    let mut shell = Command::new("unshare");
    shell.args(["-n", "-m", "bash", "-c", script]).current_dir(bench.path("")).env_clear();
    let output = shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}");
    assert!(out.contains(r#""docker-reference":"index.docker.io/library/my-container-image:latest""#), "{out}");
    assert!(error.contains("The code-signing certificate was verified"), "{error}");
}

#[test]
fn keys_of_every_kind_sign_every_form_and_codes_tell_what_is_wrong() {
    let bench = Bench::new();
    let Some((_server, image)) = image(&bench) else {
        eprintln!("ignored: no docker-registry or skopeo on this machine");
        return;
    };
    let image = image.as_str();
    for kind in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"] {
        cosign(&bench, &["generate-key-pair", "--output-key-prefix", kind, "--algorithm", kind], 0);
    }
    // Keys are their owner's alone, and never replaced.
    cosign(&bench, &["generate-key-pair", "--output-key-prefix", "rsa-2048"], 1);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(bench.path("rsa-2048.key")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    cosign(&bench, &["verify", "--key", "ed25519.pub", image], 10);
    cosign(&bench, &["verify", "--key", "ed25519.pub", &image.replace("latest", "other")], 11);
    for (kind, form) in [("ecdsa-p256", "true"), ("rsa-2048", "true"), ("ecdsa-p256", "false"), ("ecdsa-p384", "true")]
    {
        let (private, public) = (format!("{kind}.key"), format!("{kind}.pub"));
        let form = format!("--new-bundle-format={form}");
        cosign(&bench, &["sign", "--key", &private, &form, "-a", "env=prod", image], 0);
        cosign(&bench, &["verify", "--key", &public, "-a", "env=prod", image], 0);
        cosign(&bench, &["verify", "--key", &public, "-a", "env=test", image], 12);
    }
    cosign(&bench, &["verify", "--key", "ed25519.pub", image], 12);
    cosign(&bench, &["sign", "--key", "ed25519.key", "--tlog-upload=false", image], 0);
    cosign(&bench, &["verify", "--key", "ed25519.pub", image], 12);
    cosign(&bench, &["verify", "--key", "ed25519.pub", "--insecure-ignore-tlog", image], 0);
    cosign(&bench, &["verify", "--certificate-identity", "a", "--certificate-oidc-issuer", "b", image], 13);
    // Each of several keys counts once.
    let both = ["--key", "ecdsa-p256.pub", "--key", "rsa-2048.pub"];
    cosign(&bench, &[&["verify"], &both[..], &[image]].concat(), 0);
    let same = ["--key", "ecdsa-p256.pub", "--key", "ecdsa-p256.pub", "--threshold", "2"];
    assert_ne!(bench.run("cosign", &[&["verify"], &same[..], &[image]].concat()).status.code(), Some(0));
    let three = ["--key", "ecdsa-p256.pub", "--key", "rsa-2048.pub", "--key", "ed25519.pub"];
    assert_ne!(bench.run("cosign", &[&["verify"], &three[..], &[image]].concat()).status.code(), Some(0));
    cosign(&bench, &[&["verify", "--threshold", "2"], &three[..], &[image]].concat(), 0);
    let tree = cosign(&bench, &["tree", image], 0);
    assert!(tree.contains("🔐 Signatures for an image tag") && tree.contains("artifacts via OCI referrer"), "{tree}");
}

#[test]
fn an_image_is_carried_over_an_air_gap_and_verified_without_a_socket() {
    let bench = Bench::new();
    let Some((server, image)) = image(&bench) else {
        eprintln!("ignored: no docker-registry or skopeo on this machine");
        return;
    };
    cosign(&bench, &["generate-key-pair"], 0);
    cosign(&bench, &["sign", &image], 0);
    cosign(&bench, &["sign", "--key", "cosign.key", "--new-bundle-format=false", &image], 0);
    fs::write(bench.path("predicate.json"), r#"{"level": 3}"#).unwrap();
    let kind = "https://example.com/level/v1";
    cosign(&bench, &["attest", "--predicate", "predicate.json", "--type", kind, &image], 0);
    cosign(&bench, &["save", "--dir", "saved", &image], 0);
    cosign(&bench, &["verify", "--local-image", "--offline", "saved"], 0);
    cosign(&bench, &["verify", "--local-image", "--offline", "--key", "cosign.pub", "saved"], 0);
    fs::write(bench.path("good.cel"), "predicate.level >= 3").unwrap();
    fs::write(bench.path("bad.cel"), "predicate.level > 3").unwrap();
    let attestation = ["verify-attestation", "--type", kind, "--local-image", "--offline", "saved"];
    cosign(&bench, &[&attestation[..], &["--policy", "good.cel"]].concat(), 0);
    cosign(&bench, &[&attestation[..], &["--policy", "bad.cel"]].concat(), 12);
    // An image on a registry can't be verified without a socket, so it is not tried.
    assert!(cosign(&bench, &["verify", "--offline", &image], 1).contains("--local-image"));

    let traced = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", "trace.log"])
        .arg(bench.path("bin/cosign"))
        .args(["verify", "--local-image", "--offline", "saved"])
        .current_dir(bench.path(""))
        .env("HOME", bench.path("home"))
        .output();
    match traced {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let trace = fs::read_to_string(bench.path("trace.log")).unwrap();
            assert!(!trace.contains("socket(") && !trace.contains("connect("), "{trace}");
        }
        Err(_) => eprintln!("ignored in part: no strace on this machine"),
    }

    // Whatever is bent in the folder is found.
    let other = format!("{}/other/app:2", server.address);
    cosign(&bench, &["load", "--dir", "saved", &other], 0);
    cosign(&bench, &["verify", &other], 0);
    cosign(&bench, &["verify", "--key", "cosign.pub", &other], 0);
    let copied = format!("{}/third/app:3", server.address);
    cosign(&bench, &["copy", &image, &copied], 0);
    cosign(&bench, &["verify", &copied], 0);
    for blob in fs::read_dir(bench.path("saved/blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if bytes.starts_with(b"{\"mediaType\":\"application/vnd.dev.sigstore.bundle") {
            *bytes.last_mut().unwrap() = b' ';
            fs::write(&path, bytes).unwrap();
        }
    }
    assert_ne!(bench.run("cosign", &["verify", "--local-image", "--offline", "saved"]).status.code(), Some(0));
}

#[test]
fn files_are_signed_and_attested() {
    let bench = Bench::new();
    fs::write(bench.path("file"), "content").unwrap();
    fs::write(bench.path("other"), "another").unwrap();
    fs::write(bench.path("predicate.json"), r#"{"a": 1}"#).unwrap();
    cosign(&bench, &["generate-key-pair"], 0);
    for form in ["true", "false"] {
        let form = format!("--new-bundle-format={form}");
        cosign(&bench, &["sign-blob", "--key", "cosign.key", "--bundle", "file.bundle", &form, "file"], 0);
        let verify = ["verify-blob", "--key", "cosign.pub", "--bundle", "file.bundle"];
        cosign(&bench, &[&verify[..], &["file"]].concat(), 0);
        cosign(&bench, &[&verify[..], &["other"]].concat(), 1);
    }
    cosign(&bench, &["sign-blob", "--bundle", "identity.bundle", "file"], 0);
    cosign(&bench, &["verify-blob", "--bundle", "identity.bundle", "file"], 0);
    cosign(&bench, &["verify-blob", "--bundle", "identity.bundle", "other"], 1);
    let shown: Value =
        serde_json::from_str(&cosign(&bench, &["bundle", "inspect", "-o", "json", "identity.bundle"], 0)).unwrap();
    assert_eq!(shown["issuer"], "https://palisade.local/issuer");
    let attest = ["attest-blob", "--predicate", "predicate.json", "--type", "https://example.com/a/v1"];
    cosign(&bench, &[&attest[..], &["--bundle", "attested.bundle", "file"]].concat(), 0);
    let verify = ["verify-blob-attestation", "--bundle", "attested.bundle", "--type"];
    cosign(&bench, &[&verify[..], &["https://example.com/a/v1", "file"]].concat(), 0);
    cosign(&bench, &[&verify[..], &["https://example.com/b/v1", "file"]].concat(), 1);
    cosign(&bench, &[&verify[..], &["https://example.com/a/v1", "other"]].concat(), 1);
}

#[test]
fn ship_publishes_what_verifies_goes_on_where_it_was_and_nothing_when_the_gate_fails() {
    let bench = Bench::new();
    let Some((_server, image)) = image(&bench) else {
        eprintln!("ignored: no docker-registry or skopeo on this machine");
        return;
    };
    bench.build_database();
    let run = |arguments: &[&str], code: i32| {
        let text = bench.text("palisade", &[&["ship", &image, "-o", "json"], arguments].concat(), code);
        serde_json::from_str::<Value>(&text).unwrap()["publication"].clone()
    };
    assert_eq!(run(&["--fail-on", "high"], 2)["published"], false);
    assert_eq!(run(&["--dry-run"], 0)["published"], false);
    fs::write(bench.path("palisade.yaml"), "ship: {fail-on: critical}").unwrap();
    assert_eq!(run(&[], 2)["published"], false);
    fs::remove_file(bench.path("palisade.yaml")).unwrap();
    cosign(&bench, &["verify", &image], 10);

    let first = run(&[], 0);
    assert_eq!((&first["published"], &first["verified"]), (&Value::Bool(true), &Value::Bool(true)), "{first}");
    let statements = first["statements"].as_array().unwrap();
    let what: Vec<&str> = statements.iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["SBOM", "scan", "provenance", "signature"]);
    assert!(statements.iter().all(|one| one["reused"] == false && one["logIndex"].is_number()));
    let again = run(&[], 0);
    assert!(again["statements"].as_array().unwrap().iter().all(|one| one["reused"] == true), "{again}");
    for kind in ["cyclonedx", "vuln", "slsaprovenance1"] {
        cosign(&bench, &["verify-attestation", "--type", kind, &image], 0);
    }
    cosign(&bench, &["verify-attestation", "--type", "openvex", &image], 10);
}
