//! Past vulnerabilities of signature verifiers, each as its attack.

use crate::log::{Log, message, message_body};
use crate::vectors::{Case, cases, now};
use bundle::legacy::{LocalSignedPayload, RekorBundle, SimpleSigning};
use bundle::{Bundle, Content};
use signing::legacy::{LegacyError, LegacySignature, verify_image};
use signing::{
    Artifact, KeyKind, LogError, Policy, PrivateKey, QuorumError, Signer as _, VerifyError, pem, verify, verify_quorum,
};

fn good(name: &str) -> Option<Case> {
    cases().into_iter().find(|case| case.name == name)
}

/// A keyless bundle of version 0.1 as `sign-blob --bundle` wrote it.
fn local(bundle: &Bundle, certificate: &[u8]) -> LocalSignedPayload {
    let Content::Message(message) = &bundle.content else { panic!("not over a message") };
    let entry = RekorBundle::of(&bundle.material.tlog_entries[0]);
    LocalSignedPayload::new(message.signature.clone(), Some(certificate), Some(entry))
}

fn certificate_pem(bundle: &Bundle) -> String {
    pem::encode("CERTIFICATE", bundle.material.key.leaf().unwrap()).to_string()
}

/// Cosign before 2.6.5 and 3.1.3 took a public key in the place of a legacy bundle's certificate, and asked for no
/// identity then: whoever made the bundle chose the key.
#[test]
fn ghsa_fx35_mq7g_6g98_a_key_is_no_certificate() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let forged = message(&key, b"malware", &log);
    let public = key.public_key().to_pem();
    for not_a_certificate in [public.as_bytes(), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let file = LocalSignedPayload::parse(&local(&forged, not_a_certificate).to_json()).unwrap();
        match LegacySignature::from_local(&file) {
            Err(error) => assert!(matches!(error, LegacyError::NotCertificate(_)), "{error:?}"),
            Ok(signature) => {
                let Some(case) = good("happy-path-v0.1") else { continue };
                let outcome = verify(
                    &signature.to_message_bundle(),
                    &Artifact::Bytes(b"malware"),
                    &log.trust(),
                    case.policy.as_ref().unwrap(),
                    now(),
                );
                assert!(matches!(outcome, Err(VerifyError::Certificate(_))), "{outcome:?}");
            }
        }
    }
    // Nor does leaving the certificate out help.
    let Some(case) = good("happy-path-v0.1") else { return println!("skipped: no vectors of sigstore-conformance") };
    let outcome = verify(&forged, &Artifact::Bytes(b"malware"), &log.trust(), case.policy.as_ref().unwrap(), now());
    assert!(matches!(outcome, Err(VerifyError::KeyNotCertificate)), "{outcome:?}");
}

/// Cosign before 2.6.2 and 3.0.4 took any valid entry of the log, also one of another signature (CVE-2026-22703).
#[test]
fn ghsa_whqx_f9j3_ch6m_an_entry_of_another_signature() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let policy = Policy::keys([key.public_key().clone()]);
    let check = |bundle: &Bundle| verify(bundle, &Artifact::Bytes(b"artifact"), &log.trust(), &policy, now());
    let honest = message(&key, b"artifact", &log);
    check(&honest).unwrap();

    let stranger = PrivateKey::generate(KeyKind::P256).unwrap();
    let Content::Message(signature) = &honest.content else { panic!() };
    let signature = signature.signature.clone();
    let again = key.sign(b"artifact").unwrap();
    for (entry, what) in [
        (message_body(key.public_key(), b"another", &signature), "artifact"),
        (message_body(key.public_key(), b"artifact", &again), "signature"),
        (message_body(stranger.public_key(), b"artifact", &signature), "key"),
    ] {
        let mut forged = honest.clone();
        forged.material.tlog_entries = vec![log.log_v1(&entry)];
        let outcome = check(&forged);
        assert!(matches!(&outcome, Err(VerifyError::Log(LogError::Mismatch(found))) if *found == what), "{outcome:?}");
    }
}

/// Cosign before 1.12 verified blobs with bundles whose signature, entry or certificate were of something else.
#[test]
fn cve_2022_36056_a_blob_with_parts_of_another_bundle() {
    let (Some(one), Some(other)) = (good("happy-path-v0.1"), good("happy-path-v0.3")) else {
        return println!("skipped: no vectors of sigstore-conformance");
    };
    let [mine, theirs] = [&one, &other].map(|case| Bundle::parse(&case.bundle).unwrap());
    let check = |file: &LocalSignedPayload| -> Result<(), LegacyError> {
        let signature = LegacySignature::from_local(&LocalSignedPayload::parse(&file.to_json())?)?;
        let artifact = Artifact::Bytes(&one.artifact);
        verify(&signature.to_message_bundle(), &artifact, &one.trust().unwrap(), one.policy.as_ref().unwrap(), now())?;
        Ok(())
    };
    let (my_pem, their_pem) = (certificate_pem(&mine), certificate_pem(&theirs));
    let honest = local(&mine, my_pem.as_bytes());
    check(&honest).unwrap();
    let swapped = local(&theirs, my_pem.as_bytes());
    assert!(check(&swapped).is_err(), "another signature and entry");
    let mut mixed = honest.clone();
    mixed.rekor_bundle = swapped.rekor_bundle.clone();
    assert!(check(&mixed).is_err(), "another entry");
    assert!(check(&local(&mine, their_pem.as_bytes())).is_err(), "another certificate");
    mixed.rekor_bundle = None;
    assert!(check(&mixed).is_err(), "no entry");
}

/// One key must not fill a quorum by signing often, by being listed often, or by bending its signatures.
#[test]
fn connaisseur_2150_duplicates_fill_no_quorum() {
    let log = Log::new(KeyKind::P256);
    let keys: Vec<PrivateKey> = (0..3).map(|_| PrivateKey::generate(KeyKind::P256).unwrap()).collect();
    let public: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
    let policy = Policy::keys([]);
    let quorum = |bundles: &[Bundle], keys: &[signing::PublicKey], needed: usize| {
        verify_quorum(bundles, &Artifact::Bytes(b"artifact"), &log.trust(), keys, needed, &policy, now())
    };
    let of = |key: usize| message(&keys[key], b"artifact", &log);
    assert_eq!(quorum(&[of(0), of(2)], &public, 2).unwrap().len(), 2);

    let often = [of(0), of(0), of(0)];
    assert!(matches!(quorum(&often, &public, 2), Err(QuorumError::TooFew { found: 1, needed: 2, .. })));
    let listed = [public[0].clone(), public[0].clone(), public[0].clone()];
    assert!(matches!(quorum(&often, &listed, 2), Err(QuorumError::Threshold { needed: 2, distinct: 1 })));
    assert!(matches!(quorum(&often, &public, 0), Err(QuorumError::Threshold { .. })));
    let foreign = message(&PrivateKey::generate(KeyKind::P256).unwrap(), b"artifact", &log);
    assert!(matches!(quorum(&[of(0), foreign], &public, 2), Err(QuorumError::TooFew { found: 1, .. })));
}

/// The payload of an image's signature is read after its signature is verified, and must be of the image.
#[test]
fn a_signature_of_another_image() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let policy = Policy::keys([key.public_key().clone()]);
    let digest = format!("sha256:{}", "ab".repeat(32));
    let payload = SimpleSigning::new("registry.example/image", &digest).to_json();
    let signed = message(&key, &payload, &log);
    let Content::Message(signature) = &signed.content else { panic!() };
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &signature.signature);
    let entry = String::from_utf8(RekorBundle::of(&signed.material.tlog_entries[0]).to_json()).unwrap();
    let read = LegacySignature::from_annotations(|name| match name {
        signing::legacy::SIGNATURE_ANNOTATION => Some(encoded.as_str()),
        signing::legacy::BUNDLE_ANNOTATION => Some(entry.as_str()),
        _ => None,
    });
    let read = read.unwrap();
    let check = |payload: &[u8], digest: &str| verify_image(&read, payload, digest, &log.trust(), &policy, now());
    assert_eq!(check(&payload, &digest).unwrap().1.docker_reference(), "registry.example/image");
    let other = format!("sha256:{}", "cd".repeat(32));
    assert!(matches!(check(&payload, &other), Err(LegacyError::Image { .. })));
    let forged = SimpleSigning::new("registry.example/image", &other).to_json();
    assert!(matches!(check(&forged, &other), Err(LegacyError::Verify(VerifyError::Signature(_)))));
}
