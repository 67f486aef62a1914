use crate::mount::{Mount, openssl, text};
use logical::Operation;
use serde_json::{Value, json};
use std::fs;
use tempfile::tempdir;

#[test]
fn a_chain_verifies_and_a_revoked_certificate_does_not() {
    for (kind, bits) in [("rsa", 2048), ("ec", 256), ("ec", 384), ("ec", 521), ("ed25519", 0)] {
        let root = Mount::new();
        let made = root.write(
            "root/generate/internal",
            json!({"common_name": "Root", "key_type": kind, "key_bits": bits, "ttl": "87600h"}),
        );
        let below = Mount::new();
        let csr = below.write(
            "intermediate/generate/internal",
            json!({"common_name": "Below", "key_type": kind, "key_bits": bits}),
        );
        let signed = root.write(
            "root/sign-intermediate",
            json!({"csr": text(&csr, "csr"), "common_name": "Below", "ttl": "43800h"}),
        );
        let bundle = format!("{}\n{}", text(&signed, "certificate"), text(&made, "certificate"));
        let imported = below.write("intermediate/set-signed", json!({"certificate": bundle}));
        assert_eq!(imported["imported_issuers"].as_array().unwrap().len(), 2);
        below.write(
            "roles/web",
            json!({"allowed_domains": "example.com", "allow_subdomains": true, "key_type": kind, "key_bits": bits}),
        );
        let leaf = below.write(
            "issue/web",
            json!({"common_name": "a.example.com", "alt_names": "b.example.com", "ip_sans": "10.0.0.1"}),
        );
        assert_eq!(leaf["ca_chain"].as_array().unwrap().len(), 2);
        below.write("revoke", json!({"serial_number": text(&leaf, "serial_number")}));
        let other = below.write("issue/web", json!({"common_name": "c.example.com"}));

        let folder = tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        put("root.pem", text(&made, "certificate").as_bytes());
        put("below.pem", text(&signed, "certificate").as_bytes());
        put("leaf.pem", text(&leaf, "certificate").as_bytes());
        put("other.pem", text(&other, "certificate").as_bytes());
        put("key.pem", text(&leaf, "private_key").as_bytes());
        put("lists.pem", &[below.raw("crl/pem"), b"\n".to_vec(), root.raw("crl/pem")].concat());
        let Some((fine, said)) = openssl(
            folder.path(),
            &["verify", "-CAfile", "root.pem", "-untrusted", "below.pem", "-x509_strict", "leaf.pem"],
        ) else {
            return;
        };
        assert!(fine, "{kind} {bits}: {said}");
        let checked =
            ["verify", "-CAfile", "root.pem", "-untrusted", "below.pem", "-CRLfile", "lists.pem", "-crl_check_all"];
        let (fine, said) = openssl(folder.path(), &[&checked[..], &["leaf.pem"]].concat()).unwrap();
        assert!(!fine && said.contains("revoked"), "{said}");
        let (fine, said) = openssl(folder.path(), &[&checked[..], &["other.pem"]].concat()).unwrap();
        assert!(fine, "{said}");
        let (fine, said) = openssl(folder.path(), &["pkey", "-in", "key.pem", "-check", "-noout"]).unwrap();
        assert!(fine, "{kind} {bits}: {said}");
        let (_, said) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-text"]).unwrap();
        for wanted in [
            "DNS:a.example.com, DNS:b.example.com, IP Address:10.0.0.1",
            "TLS Web Server Authentication",
            "Digital Signature",
            "Authority Key Identifier",
        ] {
            assert!(said.contains(wanted), "{wanted} in {said}");
        }
    }
}

#[test]
fn a_request_is_signed_within_its_role_and_verbatim_as_it_is() {
    let mount = Mount::new();
    mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec"}));
    mount.write(
        "roles/web",
        json!({"allowed_domains": "example.com", "allow_subdomains": true, "key_type": "ec", "max_ttl": "1h"}),
    );
    let csr = |data: Value| text(&mount.write("intermediate/generate/internal", data), "csr").to_owned();
    let good = csr(json!({"common_name": "a.example.com", "key_type": "ec", "alt_names": "b.example.com"}));
    let signed = mount.write("sign/web", json!({"csr": good, "ttl": "10h"}));
    assert!(signed.get("private_key").is_none());
    assert_eq!(signed["expiration"].as_i64().unwrap(), mount.now.as_second() + 3600);
    for (bad, why) in [
        (
            csr(json!({"common_name": "a.example.net", "key_type": "ec"})),
            "common name a.example.net not allowed by this role",
        ),
        (
            csr(json!({"common_name": "a.example.com", "key_type": "ec", "alt_names": "x.net"})),
            "subject alternate name x.net not allowed",
        ),
        (csr(json!({"common_name": "a.example.com", "key_type": "rsa"})), "role requires keys of type ec"),
        (good.replace("MII", "MIJ"), "could not be parsed"),
        ("x".to_owned(), "csr contains no data"),
    ] {
        let said = mount.refuse("sign/web", json!({"csr": bad}));
        assert!(said.contains(why), "{said}");
    }
    let outside =
        csr(json!({"common_name": "anything", "organization": "Acme", "key_type": "ec", "uri_sans": "spiffe://a/b"}));
    let signed = mount.write("sign-verbatim", json!({"csr": outside}));
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("leaf.pem"), text(&signed, "certificate")).unwrap();
    if let Some((_, said)) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-text"]) {
        assert!(said.contains("spiffe://a/b") && said.contains("O=Acme") || said.contains("O = Acme"), "{said}");
    }
}

#[test]
fn what_a_role_forbids_is_refused_with_the_peers_words() {
    let mount = Mount::new();
    mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec"}));
    mount.write(
        "roles/web",
        json!({
            "allowed_domains": ["example.com"], "allow_subdomains": true, "key_type": "ec",
            "allow_ip_sans": true, "allowed_ip_sans_cidr": "10.0.0.0/8", "allowed_uri_sans": "spiffe://a/*",
            "allowed_other_sans": "1.2.3;UTF8:ok*", "not_after_bound": "forbid",
        }),
    );
    for (data, why) in [
        (json!({}), "the common_name field is required"),
        (json!({"common_name": "example.net"}), "common name example.net not allowed by this role"),
        (
            json!({"common_name": "a.example.com", "alt_names": "evil.net"}),
            "subject alternate name evil.net not allowed by this role",
        ),
        (
            json!({"common_name": "a.example.com", "alt_names": "a@evil.net"}),
            "email address a@evil.net not allowed by this role",
        ),
        (
            json!({"common_name": "a.example.com", "ip_sans": "11.0.0.1"}),
            "the IP address \"11.0.0.1\" is not allowed in this role",
        ),
        (json!({"common_name": "a.example.com", "ip_sans": "x"}), "the value \"x\" is not a valid IP address"),
        (json!({"common_name": "a.example.com", "uri_sans": "spiffe://b/c"}), "not valid for this role"),
        (
            json!({"common_name": "a.example.com", "other_sans": "1.2.4;UTF8:ok"}),
            "other SAN OID 1.2.4 not allowed by this role",
        ),
        (
            json!({"common_name": "a.example.com", "other_sans": "1.2.3;UTF8:no"}),
            "other SAN no not allowed for OID 1.2.3 by this role",
        ),
        (
            json!({"common_name": "a.example.com", "not_after": "2030-01-01T00:00:00Z"}),
            "not_after_bound is set to forbid",
        ),
        (json!({"common_name": "a.example.com", "ttl": "100000h"}), "beyond the expiration of the CA certificate"),
        (json!({"common_name": "a.example.com", "format": "x"}), "must be \"pem\", \"der\", or \"pem_bundle\""),
        (json!({"common_name": "a.example.com", "serial_number": "7"}), "serial_number 7 not allowed by this role"),
        (json!({"common_name": "a.example.com", "user_ids": "u"}), "user_id u is not allowed by this role"),
    ] {
        let said = mount.refuse("issue/web", data.clone());
        assert!(said.contains(why), "{data}: {said}");
    }
    mount.write("issue/web", json!({"common_name": "a.example.com", "ip_sans": "10.1.1.1", "uri_sans": "spiffe://a/b", "other_sans": "1.2.3;utf-8:okay", "format": "pem_bundle", "private_key_format": "pkcs8"}));
    assert_eq!(mount.refuse("issue/none", json!({"common_name": "a"})), "unknown role: none");
    for (data, why) in [
        (json!({"key_type": "dsa"}), "unknown key type dsa"),
        (json!({"key_bits": 1024}), "RSA keys < 2048 bits are unsafe"),
        (json!({"ttl": "2h", "max_ttl": "1h"}), "\"ttl\" value must be less than \"max_ttl\" value"),
        (json!({"allowed_ip_sans_cidr": "x"}), "error parsing allowed_ip_sans_cidr"),
        (json!({"not_after_bound": "x"}), "Unknown value for field `not_after_bound`"),
        (json!({"cn_validations": "x"}), "cn_validations value incorrect"),
        (json!({"ext_key_usage_oids": "x"}), "could not be parsed as a valid oid"),
    ] {
        let said = mount.refuse("roles/bad", data);
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(mount.list("roles")["keys"], json!(["web"]));
}

#[test]
fn issuers_and_keys_are_named_imported_and_deleted() {
    let first = Mount::new();
    let made = first.write(
        "root/generate/exported",
        json!({"common_name": "Root", "key_type": "ec", "issuer_name": "first", "key_name": "k"}),
    );
    assert_eq!(
        first.refuse("root/generate/internal", json!({"common_name": "R", "issuer_name": "first"})),
        "issuer name already in use"
    );
    assert_eq!(first.read("issuer/first")["usage"], "crl-signing,issuing-certificates,ocsp-signing,read-only");
    let second = Mount::new();
    let bundle = format!("{}\n{}", text(&made, "private_key"), text(&made, "certificate"));
    let imported = second.write("config/ca", json!({"pem_bundle": bundle}));
    assert_eq!(imported["imported_issuers"].as_array().unwrap().len(), 1);
    assert!(imported["mapping"].as_object().unwrap().values().all(|key| !key.as_str().unwrap().is_empty()));
    let again = second.write("issuers/import/bundle", json!({"pem_bundle": bundle}));
    assert_eq!((&again["imported_issuers"], again["existing_issuers"].as_array().unwrap().len()), (&Value::Null, 1));
    assert!(second.refuse("issuers/import/cert", json!({"pem_bundle": bundle})).contains("private keys found"));
    assert!(!second.raw("ca/pem").is_empty() && second.raw("crl").len() > 100);
    second.write("issuer/default", json!({"issuer_name": "x", "leaf_not_after_behavior": "truncate"}));
    second.write("roles/r", json!({"allow_any_name": true, "key_type": "ec"}));
    let leaf = second.write("issue/r", json!({"common_name": "a.b", "ttl": "100000h"}));
    assert_eq!(leaf["expiration"], made["expiration"]);
    second.write("issuer/x", json!({"usage": "read-only"}));
    assert!(second.refuse("issue/r", json!({"common_name": "a.b"})).contains("unable to use issuer"));
    second.ask(Operation::Delete, "issuer/default", Value::Null).unwrap();
    assert!(second.refuse("issue/r", json!({"common_name": "a.b"})).contains("no default issuer currently configured"));
    assert!(second.raw("ca").is_empty());
}

#[test]
fn a_certificate_may_have_no_end() {
    let mount = Mount::new();
    let never = "9999-12-31T23:59:59Z";
    let root =
        mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec", "not_after": never}));
    mount.write("roles/device", json!({"allow_any_name": true, "key_type": "ec", "not_after": never}));
    let leaf = mount.write("issue/device", json!({"common_name": "d.example.com"}));
    assert_eq!(leaf["expiration"], root["expiration"]);
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("leaf.pem"), text(&leaf, "certificate")).unwrap();
    if let Some((_, said)) = openssl(folder.path(), &["x509", "-in", "leaf.pem", "-noout", "-enddate"]) {
        assert!(said.contains("Dec 31 23:59:59 9999 GMT"), "{said}");
    }
}
