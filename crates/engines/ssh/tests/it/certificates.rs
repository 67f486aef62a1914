use crate::mount::Mount;
use logical::Operation;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::tempdir;

fn keygen(folder: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("ssh-keygen").args(arguments).current_dir(folder).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

#[test]
fn openssh_reads_certificates_of_each_kind_of_key_by_each_kind_of_authority() {
    let folder = tempdir().unwrap();
    let signers = [
        ("rsa", 2048, "rsa-sha2-256"),
        ("ed25519", 0, "ssh-ed25519"),
        ("ec", 256, "ecdsa-sha2-nistp256"),
        ("ec", 521, "ecdsa-sha2-nistp521"),
    ];
    for (kind, bits, algorithm) in signers {
        let mount = Mount::new();
        mount.write("config/ca", json!({"generate_signing_key": true, "key_type": kind, "key_bits": bits}));
        mount.write("roles/r", json!({
            "key_type": "ca", "allow_user_certificates": true, "allow_host_certificates": true, "allowed_users": "ann,bob",
            "allowed_domains": "example.com", "allow_subdomains": true, "default_extensions": {"permit-pty": ""},
            "allowed_extensions": "permit-pty,login@github.com", "allowed_critical_options": "force-command", "ttl": "30m",
        }));
        for (name, arguments) in [
            ("rsa", ["-t", "rsa", "-b", "2048"]),
            ("ec", ["-t", "ecdsa", "-b", "384"]),
            ("ed25519", ["-t", "ed25519", "-b", "256"]),
        ] {
            let file = format!("{kind}{bits}-{name}");
            let Some((made, said)) = keygen(folder.path(), &[&["-q", "-N", "", "-f", &file][..], &arguments].concat())
            else {
                return;
            };
            assert!(made, "{said}");
            let key = fs::read_to_string(folder.path().join(format!("{file}.pub"))).unwrap();
            let signed = mount.write(
                "sign/r",
                json!({
                    "public_key": key, "valid_principals": "ann,bob", "extensions": {"login@github.com": "jane"},
                    "critical_options": {"force-command": "/bin/true"},
                }),
            );
            fs::write(folder.path().join("cert.pub"), signed["signed_key"].as_str().unwrap()).unwrap();
            let (fine, said) = keygen(folder.path(), &["-L", "-f", "cert.pub"]).unwrap();
            let serial = u64::from_str_radix(signed["serial_number"].as_str().unwrap(), 16).unwrap();
            for wanted in [
                "user certificate",
                algorithm,
                "ann",
                "bob",
                "force-command /bin/true",
                "login@github.com UNKNOWN",
                "vault-token-",
                &format!("Serial: {serial}"),
            ] {
                assert!(fine && said.contains(wanted), "{wanted} in {said}");
            }
        }
        let issued = mount
            .write("issue/r", json!({"key_type": "ed25519", "cert_type": "host", "valid_principals": "a.example.com"}));
        let file = folder.path().join(format!("issued-{kind}{bits}"));
        fs::write(&file, issued["private_key"].as_str().unwrap()).unwrap();
        Command::new("chmod").arg("600").arg(&file).status().unwrap();
        let name = file.to_str().unwrap();
        let (fine, said) = keygen(folder.path(), &["-y", "-f", name]).unwrap();
        assert!(fine && said.starts_with("ssh-ed25519 "), "{said}");
        fs::write(folder.path().join("cert.pub"), issued["signed_key"].as_str().unwrap()).unwrap();
        let (_, said) = keygen(folder.path(), &["-L", "-f", "cert.pub"]).unwrap();
        assert!(
            said.contains("host certificate") && said.contains("a.example.com") && said.contains("permit-pty"),
            "{said}"
        );
    }
}

#[test]
fn what_a_role_does_not_allow_is_refused() {
    let mount = Mount::new();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPOhiWD/Epgr/Jf5eKH+vmyVkmtdlVqIdL/tLdlIl9yD x";
    assert!(
        mount.ask(Operation::Read, "config/ca", Value::Null).err().unwrap().to_string().contains("no default issuer")
    );
    mount.write("config/ca", json!({"key_type": "ed25519"}));
    mount.write("roles/r", json!({"key_type": "ca", "allow_user_certificates": true, "default_user": "ann", "allowed_users": "bob", "max_ttl": "1h"}));
    mount.write("roles/t", json!({"key_type": "ca", "allow_user_certificates": true, "allowed_users": "{{identity.entity.name}}", "allowed_users_template": true, "allowed_user_key_lengths": {"ed25519": 0}}));
    mount.write("roles/rsa", json!({"key_type": "ca", "allow_user_certificates": true, "allowed_users": "*", "allowed_user_key_lengths": {"rsa": [2048]}}));
    mount.write("roles/otp", json!({"key_type": "otp", "default_user": "u"}));
    for (path, data, why) in [
        ("sign/none", json!({"public_key": key}), "Unknown role: none"),
        ("sign/r", json!({}), "missing public_key"),
        ("sign/r", json!({"public_key": "x"}), "failed to parse public_key as SSH key"),
        ("sign/r", json!({"public_key": key.replace("AAAAIPO", "AAAAIQP")}), "failed to parse public_key as SSH key"),
        (
            "sign/r",
            json!({"public_key": key, "valid_principals": "root"}),
            "root is not a valid value for valid_principals",
        ),
        ("sign/r", json!({"public_key": key, "cert_type": "host"}), "cert_type 'host' is not allowed by role"),
        ("sign/r", json!({"public_key": key, "cert_type": "x"}), "cert_type must be either 'user' or 'host'"),
        ("sign/r", json!({"public_key": key, "key_id": "x"}), "setting key_id is not allowed by role"),
        ("sign/r", json!({"public_key": key, "ttl": "2h"}), "ttl is larger than maximum allowed 3600"),
        ("sign/r", json!({"public_key": key, "extensions": {"permit-pty": ""}}), "are not on allowed list"),
        // A comma in an entity's name must not make two names of it.
        ("sign/t", json!({"public_key": key, "valid_principals": "root"}), "could not be rendered"),
        ("sign/t", json!({"public_key": key}), "refusing to issue unsafe"),
        ("sign/rsa", json!({"public_key": key, "valid_principals": "x"}), "key of type ed25519 is not allowed"),
        ("issue/rsa", json!({"key_bits": 3072, "valid_principals": "x"}), "provided key_bits value not in list"),
        ("issue/otp", json!({}), "role key type 'otp' not allowed to issue key pairs"),
        ("roles/x", json!({"key_type": "ca"}), "must be set to 'true'"),
        ("roles/x", json!({"key_type": "dynamic"}), "no longer supported"),
        ("roles/x", json!({}), "missing key type"),
        ("config/ca", json!({"generate_signing_key": false}), "missing public_key"),
        ("config/ca", json!({"public_key": key, "private_key": "x"}), "Unable to parse private_key"),
    ] {
        let said = mount.refuse(path, data);
        assert!(said.contains(why), "{path}: {said}");
    }
    mount.write("sign/r", json!({"public_key": key, "valid_principals": "", "ttl": ""}));
}

#[test]
fn keys_of_openssh_files_sign() {
    let folder = tempdir().unwrap();
    for arguments in [
        ["-t", "rsa", "-b", "3072"],
        ["-t", "ecdsa", "-b", "256"],
        ["-t", "ecdsa", "-b", "521"],
        ["-t", "ed25519", "-b", "256"],
    ] {
        let file = arguments[1..].concat();
        let Some((made, said)) = keygen(folder.path(), &[&["-q", "-N", "", "-f", &file][..], &arguments].concat())
        else {
            return;
        };
        assert!(made, "{said}");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let (private, public) = (read(&file), read(&format!("{file}.pub")));
        let mount = Mount::new();
        let kept = mount.write("config/ca", json!({"private_key": private, "public_key": public}));
        let words: Vec<&str> = public.split(' ').collect();
        assert_eq!(kept["public_key"], format!("{} {}\n", words[0], words[1]));
        mount.write("roles/r", json!({"key_type": "ca", "allow_user_certificates": true, "allowed_users": "*"}));
        let signed = mount.write("sign/r", json!({"public_key": public, "valid_principals": "x"}));
        fs::write(folder.path().join("cert.pub"), signed["signed_key"].as_str().unwrap()).unwrap();
        let (fine, said) = keygen(folder.path(), &["-L", "-f", "cert.pub"]).unwrap();
        assert!(fine, "{said}");
        let raw = mount.ask(Operation::Read, "public_key", Value::Null).unwrap().raw.unwrap();
        assert_eq!(raw.body, kept["public_key"].as_str().unwrap().as_bytes());
    }
}
