//! Keys that a real Transit engine or a real PKCS#11 module holds: of a signer, and of an authority.
#![expect(clippy::print_stderr, reason = "a test that is left out says so")]

use crate::Bench;
use crate::authority::{get, serve_with, token};
use crate::openbao::OpenBao;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "271828";

/// Runs with these variables; no secret is told. Gives what is said.
fn run(bench: &Bench, variables: &[(&str, &str)], program: &str, arguments: &[&str], code: i32) -> String {
    let output = bench.command(program, arguments).envs(variables.iter().copied()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{program} {arguments:?}: {said}");
    assert!(!said.contains(PIN) && !said.contains("canary"), "{said}");
    said
}

/// A token of softhsm2.
struct Module {
    config: PathBuf,
}

impl Module {
    fn new(bench: &Bench) -> Option<Self> {
        let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
        if !Path::new(MODULE).exists() || !has("softhsm2-util") || !has("pkcs11-tool") {
            eprintln!("ignored: no softhsm2 and pkcs11-tool on this machine");
            return None;
        }
        fs::create_dir(bench.path("tokens")).unwrap();
        let module = Self { config: bench.path("softhsm2.conf") };
        fs::write(&module.config, format!("directories.tokendir = {}\n", bench.path("tokens").display())).unwrap();
        module.tool("softhsm2-util", &["--init-token", "--free", "--label", "test", "--pin", PIN, "--so-pin", "5678"]);
        Some(module)
    }

    fn tool(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program).args(arguments).env("SOFTHSM2_CONF", &self.config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes a key, and gives its reference without the PIN.
    fn key(&self, label: &str, id: &str, kind: &str) -> String {
        let login = ["--module", MODULE, "--token-label", "test", "--login", "--pin", PIN];
        let pair = ["--keypairgen", "--key-type", kind, "--label", label, "--id", id];
        self.tool("pkcs11-tool", &[&login[..], &pair[..]].concat());
        format!("pkcs11:token=test;object={label}?module-path={MODULE}")
    }
}

#[test]
fn keys_of_a_hardware_module_sign() {
    let bench = Bench::new();
    let Some(module) = Module::new(&bench) else { return };
    fs::write(bench.path("file"), "content").unwrap();
    let config = module.config.display().to_string();
    let variables = [("SOFTHSM2_CONF", config.as_str())];
    for (index, kind) in ["EC:prime256v1", "EC:secp384r1", "rsa:2048"].iter().enumerate() {
        let reference = module.key(&format!("key{index}"), &format!("0{index}"), kind);
        let uri = format!("{reference}&pin-value={PIN}");
        let cosign = |arguments: &[&str], code| run(&bench, &variables, "cosign", arguments, code);
        cosign(&["public-key", "--key", &uri, "--outfile", "module.pub"], 0);
        cosign(&["sign-blob", "--key", &uri, "--bundle", "file.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", "module.pub", "--bundle", "file.bundle", "file"], 0);
        cosign(&["sign-blob", "--key", &uri.replace(PIN, "9999"), "--bundle", "no.bundle", "file"], 1);
    }
}

#[test]
fn keys_of_a_transit_engine_sign() {
    let bench = Bench::new();
    let Some(server) = OpenBao::start(&bench) else { return };
    server.run(&["secrets", "enable", "transit"]);
    fs::write(bench.path("file"), "content").unwrap();
    let bao = [("BAO_ADDR", server.address.as_str()), ("BAO_TOKEN", server.token)];
    let vault = [("VAULT_ADDR", server.address.as_str()), ("VAULT_TOKEN", server.token)];
    for (kind, scheme, variables) in [
        ("ecdsa-p256", "openbao", bao),
        ("ecdsa-p384", "hashivault", vault),
        ("ecdsa-p521", "openbao", bao),
        ("ed25519", "hashivault", vault),
        ("rsa-2048", "openbao", bao),
        // OpenBao's own variables are not needed where there are the older ones.
        ("rsa-4096", "openbao", vault),
    ] {
        // Rekor takes no digest that an Ed25519 key signed.
        let unlogged = |arguments: &[&str]| match (kind, arguments.first()) {
            ("ed25519", Some(&"sign-blob")) => &["--tlog-upload=false"][..],
            ("ed25519", Some(&"verify-blob")) => &["--insecure-ignore-tlog"][..],
            _ => &[],
        };
        let cosign = |arguments: &[&str], code| {
            let arguments = [arguments.get(..1).unwrap(), unlogged(arguments), arguments.get(1..).unwrap()].concat();
            run(&bench, &variables, "cosign", &arguments, code)
        };
        let key = format!("{scheme}://{kind}");
        let public = format!("{kind}.pub");
        let make = ["generate-key-pair", "--kms", &key, "--algorithm", kind, "--output-key-prefix", kind];
        cosign(&make, 0);
        assert!(!bench.path(&format!("{kind}.key")).exists());
        cosign(&["public-key", "--key", &key, "--outfile", "again.pub"], 0);
        assert_eq!(fs::read(bench.path("again.pub")).unwrap(), fs::read(bench.path(&public)).unwrap(), "{kind}");
        cosign(&["sign-blob", "--key", &key, "--bundle", "one.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", &public, "--bundle", "one.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", &key, "--bundle", "one.bundle", "file"], 0);
        // The next version signs; what the one before signed is verified by its public key alone.
        server.run(&["write", "-f", &format!("transit/keys/{kind}/rotate")]);
        cosign(&["sign-blob", "--key", &key, "--bundle", "two.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", &key, "--bundle", "two.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", &public, "--bundle", "one.bundle", "file"], 0);
        cosign(&["verify-blob", "--key", &public, "--bundle", "two.bundle", "file"], 1);
        let address = server.address.as_str();
        let wrong = [("BAO_ADDR", address), ("BAO_TOKEN", "canary-of-another-token")];
        run(&bench, &wrong, "cosign", &["sign-blob", "--key", "openbao://ed25519", "--bundle", "no", "file"], 1);
    }
    run(&bench, &bao, "cosign", &["sign-blob", "--key", "openbao://absent", "--bundle", "no", "file"], 1);
    run(&bench, &bao, "cosign", &["generate-key-pair", "--kms", "pkcs11:token=t;object=o"], 1);
}

/// Makes an authority with these keys, serves it, and signs; then takes the next key of its CA, and signs again.
fn whole_authority(bench: &Bench, variables: &[(&str, &str)], keys: &[String], next: &dyn Fn() -> String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let palisade = |arguments: &[&str], code| run(bench, variables, "palisade", arguments, code);
    let keys = keys.iter().flat_map(|key| ["--key", key.as_str()]);
    palisade(&["authority", "init", "own"].into_iter().chain(keys).collect::<Vec<_>>(), 0);
    let served = serve_with(bench, "own", &address, variables);
    fs::write(bench.path("file"), "content").unwrap();
    let sign = |bundle: &str| {
        fs::write(bench.path("config.json"), get(&address, "/signing_config.json")).unwrap();
        fs::write(bench.path("root.json"), get(&address, "/trusted_root.json")).unwrap();
        fs::write(bench.path("token"), token(&address, "ann")).unwrap();
        let arguments = ["sign-blob", "--identity-token", "token", "--signing-config", "config.json", "--trusted-root"];
        run(bench, &[], "cosign", &[&arguments[..], &["root.json", "--bundle", bundle, "--yes", "file"]].concat(), 0);
    };
    let verify = |bundle: &str| {
        let issuer = format!("http://{address}/oidc");
        let arguments = ["verify-blob", "--bundle", bundle, "--trusted-root", "root.json", "--certificate-identity"];
        let rest = ["ann@example.com", "--certificate-oidc-issuer", &issuer, "file"];
        run(bench, &[], "cosign", &[&arguments[..], &rest[..]].concat(), 0);
    };
    sign("one.bundle");
    verify("one.bundle");

    let before = get(&address, "/trusted_root.json");
    assert!(palisade(&["authority", "rotate", "own", "ca"], 1).contains("held elsewhere"));
    let next = next();
    palisade(&["authority", "rotate", "own", "ca", "--key", &next], 0);
    let begun = std::time::Instant::now();
    while get(&address, "/trusted_root.json") == before {
        assert!(begun.elapsed().as_secs() < 20, "the new key is not taken");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    sign("two.bundle");
    verify("one.bundle");
    verify("two.bundle");
    drop(served);
    assert!(palisade(&["authority", "verify", "own"], 0).contains("Log ct: all 2 entries"));
    for secret in ["keys/ca-1.pem", "keys/ca-2.pem"] {
        assert!(!bench.path("own").join(secret).exists(), "{secret}");
    }
    let texts = [bench.path("own/authority.json"), bench.path("served.log")].map(|path| fs::read(path).unwrap());
    let texts = String::from_utf8_lossy(&texts.concat()).into_owned();
    assert!(!texts.contains(PIN) && !texts.contains("canary"), "{texts}");
}

#[test]
fn an_authority_signs_with_keys_of_a_transit_engine() {
    let bench = Bench::new();
    let Some(server) = OpenBao::start(&bench) else { return };
    server.run(&["secrets", "enable", "transit"]);
    let mut keys = Vec::new();
    for (part, kind) in [
        ("ca", "ecdsa-p384"),
        ("ct", "ecdsa-p256"),
        ("log-v1", "ecdsa-p256"),
        ("log", "ed25519"),
        ("tsa", "ecdsa-p256"),
        ("tuf-root", "ecdsa-p256"),
        ("tuf", "ed25519"),
    ] {
        server.run(&["write", "-f", &format!("transit/keys/{part}"), &format!("type={kind}")]);
        keys.push(format!("{part}=openbao://{part}"));
    }
    let variables = [("BAO_ADDR", server.address.as_str()), ("BAO_TOKEN", server.token)];
    whole_authority(&bench, &variables, &keys, &|| {
        server.run(&["write", "-f", "transit/keys/ca/rotate"]);
        "openbao://ca".to_owned()
    });
    let init = |key: &str| run(&bench, &variables, "palisade", &["authority", "init", "no", "--key", key], 1);
    // Only P-256 signs SCTs that clients know; and a file is no place to hold a key elsewhere.
    assert!(init("ct=openbao://ca").contains("kind"));
    assert!(init("ca=cosign.key").contains("openbao://NAME"));
    assert!(init("ca=openbao://absent").contains("absent"));
    assert!(!bench.path("no").exists());
    // A key that is gone from its holder, or another one in its place, is never passed over.
    server.run(&["write", "transit/keys/ca/config", "deletion_allowed=true"]);
    server.run(&["delete", "transit/keys/ca"]);
    let other = server.run(&["write", "-f", "transit/keys/ca", "type=ecdsa-p384"]);
    let said = run(&bench, &variables, "palisade", &["authority", "verify", "own"], 1);
    assert!(said.contains("no version with the public key"), "{said} {other}");
}

#[test]
fn an_authority_signs_with_keys_of_a_hardware_module() {
    let bench = Bench::new();
    let Some(module) = Module::new(&bench) else { return };
    let mut keys = Vec::new();
    for (index, (part, kind)) in
        [("ca-root", "EC:secp384r1"), ("ca", "rsa:2048"), ("ct", "EC:prime256v1"), ("tsa", "EC:prime256v1")]
            .into_iter()
            .enumerate()
    {
        keys.push(format!("{part}={}", module.key(part, &format!("0{index}"), kind)));
    }
    let config = module.config.display().to_string();
    let variables = [("SOFTHSM2_CONF", config.as_str()), ("COSIGN_PKCS11_PIN", PIN)];
    whole_authority(&bench, &variables, &keys, &|| module.key("next", "09", "EC:prime256v1"));
    let with_pin = format!("{}&pin-value={PIN}", keys.first().unwrap());
    let said = run(&bench, &variables, "palisade", &["authority", "init", "no", "--key", &with_pin], 1);
    assert!(said.contains("PIN"), "{said}");
}
