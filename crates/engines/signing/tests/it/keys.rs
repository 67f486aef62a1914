//! Signatures by keys: of every kind, with either log, and what each check refuses.

use crate::log::{Log, TIME, attestation, bundle_of, envelope, message, message_body, message_body_v2, sha256};
use crate::vectors::{cases, now};
use bundle::body::{DsseV2, IntotoSignature, IntotoV1, IntotoV2, LoggedSignature, Verifier};
use bundle::{Body, Bundle, Content, HashAlgorithm, MediaType, MessageSignature};
use jiff::Timestamp;
use signing::{
    Artifact, Certificate, KeyKind, LogError, Policy, PrivateKey, PublicKey, SignatureError, Signer as _, TimeSource,
    Trust, VerifiedSigner, VerifyError, verify,
};

const ARTIFACT: &[u8] = b"artifact";

fn policy(key: &PrivateKey) -> Policy {
    Policy::keys([key.public_key().clone()])
}

#[test]
fn each_kind_of_key_and_log() {
    for (kind, log_kind) in [
        (KeyKind::P256, KeyKind::P256),
        (KeyKind::P384, KeyKind::Ed25519),
        (KeyKind::P521, KeyKind::P384),
        (KeyKind::Rsa2048, KeyKind::P256),
        (KeyKind::Ed25519, KeyKind::Rsa2048),
    ] {
        let (key, log) = (PrivateKey::generate(kind).unwrap(), Log::new(log_kind));
        for bundle in [message(&key, ARTIFACT, &log), attestation(&key, ARTIFACT, &log)] {
            let bundle = Bundle::parse(&bundle.to_json()).unwrap();
            let artifact = Artifact::Bytes(ARTIFACT);
            let verified = verify(&bundle, &artifact, &log.trust(), &policy(&key), now()).unwrap();
            assert!(matches!(&verified.signer, VerifiedSigner::Key(found) if found == key.public_key()));
            assert_eq!(verified.times[0].time, Timestamp::from_second(TIME).unwrap());
            assert_eq!(verified.times[0].source, TimeSource::Log("https://log.example".into()));
            assert_eq!(verified.entries[0].log_index, 1);
            let is_statement = matches!(bundle.content, Content::Envelope(_));
            assert_eq!(verified.statement.is_some(), is_statement);

            let another = verify(&bundle, &Artifact::Bytes(b"another"), &log.trust(), &policy(&key), now());
            assert!(matches!(another, Err(VerifyError::Signature(_) | VerifyError::Subject)), "{another:?}");
            let stranger = PrivateKey::generate(kind).unwrap();
            let strange = verify(&bundle, &artifact, &log.trust(), &policy(&stranger), now());
            assert!(matches!(strange, Err(VerifyError::Signature(SignatureError::Invalid))), "{strange:?}");
            let elsewhere = verify(&bundle, &artifact, &Log::new(log_kind).trust(), &policy(&key), now());
            assert!(matches!(elsewhere, Err(VerifyError::NotLogged)), "{elsewhere:?}");
        }
    }
}

#[test]
fn rekor_v2_tells_no_time() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::Ed25519));
    let signature = key.sign(ARTIFACT).unwrap();
    let entry = log.log_v2(&message_body_v2(key.public_key(), ARTIFACT, &signature));
    let content = Content::Message(MessageSignature { message_digest: None, signature });
    let mut bundle = bundle_of(&key, content, vec![entry]);
    let check = |bundle: &Bundle| verify(bundle, &Artifact::Bytes(ARTIFACT), &log.trust(), &policy(&key), now());
    assert!(check(&bundle).unwrap().times.is_empty());
    bundle.material.tlog_entries[0].integrated_time = TIME;
    assert!(matches!(check(&bundle), Err(VerifyError::Log(LogError::UnsignedTime))));
    bundle.material.tlog_entries[0].integrated_time = 0;
    bundle.material.tlog_entries[0].log_index = 0;
    assert!(matches!(check(&bundle), Err(VerifyError::Log(LogError::Index))));
}

#[test]
fn without_a_log_only_where_the_policy_says_so() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let mut bundle = message(&key, ARTIFACT, &log);
    bundle.material.tlog_entries.clear();
    let artifact = Artifact::Bytes(ARTIFACT);
    let refused = verify(&bundle, &artifact, &log.trust(), &policy(&key), now());
    assert!(matches!(refused, Err(VerifyError::NotLogged)), "{refused:?}");
    let refused = verify(&bundle, &artifact, &Trust::none(), &policy(&key), now());
    assert!(matches!(refused, Err(VerifyError::NotLogged)), "{refused:?}");
    let lenient = Policy { ignore_tlog: true, ..policy(&key) };
    verify(&bundle, &artifact, &Trust::none(), &lenient, now()).unwrap();
    let stamped = Policy { require_timestamp: true, ..lenient };
    let refused = verify(&bundle, &artifact, &Trust::none(), &stamped, now());
    assert!(matches!(refused, Err(VerifyError::NoTimestamp)), "{refused:?}");
}

#[test]
fn several_roots_stand_alone() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let bundle = message(&key, ARTIFACT, &log);
    let trust = Trust::new(&[Log::new(KeyKind::P256).root(), log.root()]).unwrap();
    verify(&bundle, &Artifact::Bytes(ARTIFACT), &trust, &policy(&key), now()).unwrap();
}

#[test]
fn times_ahead_and_keys_out_of_time_are_refused() {
    let (key, log) = (PrivateKey::generate(KeyKind::P256).unwrap(), Log::new(KeyKind::P256));
    let bundle = message(&key, ARTIFACT, &log);
    let before = Timestamp::from_second(TIME - 3600).unwrap();
    let refused = verify(&bundle, &Artifact::Bytes(ARTIFACT), &log.trust(), &policy(&key), before);
    assert!(matches!(refused, Err(VerifyError::FutureTime(_))), "{refused:?}");
    let mut root = log.root();
    root.tlogs[0].public_key.valid_for.as_mut().unwrap().end = Some(before);
    let trust = Trust::new(&[root]).unwrap();
    let refused = verify(&bundle, &Artifact::Bytes(ARTIFACT), &trust, &policy(&key), now());
    assert!(matches!(refused, Err(VerifyError::Log(LogError::KeyNotTrustedAt(_)))), "{refused:?}");
}

#[test]
fn a_digest_is_enough_where_the_key_signs_one() {
    let log = Log::new(KeyKind::P256);
    let digest = Artifact::sha256(*tlog::sha256(&[ARTIFACT]).as_bytes());
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    verify(&message(&key, ARTIFACT, &log), &digest, &log.trust(), &policy(&key), now()).unwrap();
    let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
    let refused = verify(&message(&key, ARTIFACT, &log), &digest, &log.trust(), &policy(&key), now());
    assert!(matches!(refused, Err(VerifyError::Signature(SignatureError::NeedsMessage))), "{refused:?}");
    verify(&attestation(&key, ARTIFACT, &log), &digest, &log.trust(), &policy(&key), now()).unwrap();
}

/// An envelope can be logged in six ways; each must be of its payload, its signature and its key.
#[test]
fn each_kind_of_entry_of_an_envelope() {
    let (key, stranger) = (PrivateKey::generate(KeyKind::P256).unwrap(), PrivateKey::generate(KeyKind::P256).unwrap());
    let log = Log::new(KeyKind::P256);
    let envelope = envelope(&key, ARTIFACT);
    let bodies = |payload: &[u8], signed: &[u8], json: &[u8], sig: &[u8], signer: &PrivateKey| {
        let (spki, pem) = (signer.public_key().to_spki().to_vec(), signer.public_key().to_pem().into_bytes());
        let details = signer.public_key().kind().details();
        let signature =
            LoggedSignature { content: sig.to_vec(), key_details: details, verifier: Verifier::PublicKey(spki) };
        let of_intoto = IntotoSignature { keyid: String::new(), signature: sig.to_vec(), public_key: pem.clone() };
        [
            message_body_v2(signer.public_key(), signed, sig),
            Body::DsseV2(DsseV2 {
                algorithm: HashAlgorithm::Sha256,
                payload_hash: sha256(payload),
                signatures: vec![signature],
            }),
            Body::IntotoV1(IntotoV1 { envelope_hash: sha256(json), payload_hash: None, public_key: pem }),
            Body::IntotoV2(IntotoV2 {
                payload_type: bundle::IN_TOTO_PAYLOAD_TYPE.into(),
                payload: None,
                signatures: vec![of_intoto],
                envelope_hash: sha256(json),
                payload_hash: sha256(payload),
            }),
        ]
    };
    let check = |body: &Body| {
        assert_eq!(Body::parse(&body.to_canonical()).unwrap(), *body);
        let is_v2 = matches!(body, Body::HashedRekordV2(_) | Body::DsseV2(_));
        let entry = if is_v2 { log.log_v2(body) } else { log.log_v1(body) };
        let bundle = bundle_of(&key, Content::Envelope(envelope.clone()), vec![entry]);
        verify(&bundle, &Artifact::Bytes(ARTIFACT), &log.trust(), &policy(&key), now())
    };
    let (payload, signed, json) = (&envelope.payload, &envelope.signed_bytes(), &envelope.to_json());
    let sig = &envelope.signatures[0].sig;
    for body in bodies(payload, signed, json, sig, &key) {
        check(&body).unwrap();
    }
    let refused = |body: &Body| {
        let outcome = check(body);
        assert!(matches!(outcome, Err(VerifyError::Log(LogError::Mismatch(_)))), "{body:?}: {outcome:?}");
    };
    bodies(b"another", b"another", b"another", sig, &key).iter().for_each(refused);
    bodies(payload, signed, json, sig, &stranger).iter().for_each(refused);
    let again = key.sign(signed).unwrap();
    // The oldest kind names no signature, only the whole envelope.
    bodies(payload, signed, json, &again, &key)
        .iter()
        .filter(|body| !matches!(body, Body::IntotoV1(_)))
        .for_each(refused);
    refused(&message_body(key.public_key(), payload, sig));
}

/// Cosign 2 could keep a certificate beside a signature by a key; the key must be the certificate's.
#[test]
fn a_certificate_beside_a_key() {
    let Some(case) = cases().into_iter().find(|case| case.name == "happy-path-v0.1") else {
        return println!("skipped: no vectors of sigstore-conformance");
    };
    let mut bundle = Bundle::parse(&case.bundle).unwrap();
    let certificate = Certificate::from_der(bundle.material.key.leaf().unwrap()).unwrap();
    let trust = case.trust().unwrap();
    let artifact = Artifact::Bytes(&case.artifact);
    let by = |key: &PublicKey| Policy::keys([key.clone()]);
    let verified = verify(&bundle, &artifact, &trust, &by(certificate.key()), now()).unwrap();
    assert!(matches!(&verified.signer, VerifiedSigner::Key(key) if key == certificate.key()));
    let stranger = PrivateKey::generate(KeyKind::P256).unwrap();
    let refused = verify(&bundle, &artifact, &trust, &by(stranger.public_key()), now());
    assert!(matches!(refused, Err(VerifyError::CertificateNotKey)), "{refused:?}");
    // Bundles of later versions say which of the two it is.
    bundle.media_type = MediaType::V02;
    let refused = verify(&bundle, &artifact, &trust, &by(certificate.key()), now());
    assert!(matches!(refused, Err(VerifyError::CertificateNotKey)), "{refused:?}");
}
