//! Signatures: bundles, keys, certificates, timestamps, and whom to trust.

use bundle::legacy::{LocalSignedPayload, RekorBundle, SimpleSigning};
use bundle::{
    Body, Bundle, ClientTrustConfig, Content, KeyMaterial, Material, MediaType, MessageSignature, SigningConfig,
    Statement, TrustedRoot,
};
use jiff::Timestamp;
use signing::legacy::LegacySignature;
use signing::{
    Artifact, Certificate, IdentityPolicy, Policy, PrivateKey, PublicKey, TextMatch, Trust, key_file, pem, verify,
};
use std::sync::OnceLock;

/// A trusted root that is real, and the key of a bundle in the corpus.
const ROOT: &[u8] = include_bytes!("../corpus/trusted-root/staging");
const KEY: &[u8] = include_bytes!("../corpus/key/public");

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| {
        let root = TrustedRoot::parse(ROOT).ok();
        root.and_then(|root| Trust::new(&[root]).ok()).unwrap_or_default()
    })
}

/// What is printed is read as the same, and nobody's signature of nothing is accepted.
pub(crate) fn bundle(bytes: &[u8]) {
    if let Ok(local) = LocalSignedPayload::parse(bytes) {
        let _ = LegacySignature::from_local(&local).map(|legacy| refuse(&legacy.to_message_bundle()));
    }
    let _ = (RekorBundle::parse(bytes).map(|entry| entry.to_entry()), SimpleSigning::parse(bytes));
    let Ok(read) = Bundle::parse(bytes) else { return };
    assert!(Bundle::parse(&read.to_json()).is_ok_and(|again| again == read));
    for entry in &read.material.tlog_entries {
        if let Ok(body) = Body::parse(&entry.canonicalized_body) {
            assert!(Body::parse(&body.to_canonical()).is_ok_and(|again| again == body));
        }
    }
    if let Content::Envelope(envelope) = &read.content {
        let _ = Statement::parse(&envelope.payload);
    }
    refuse(&read);
}

/// No artifact of this name was ever signed.
fn refuse(bundle: &Bundle) {
    let identities = Policy::identities([IdentityPolicy::new(TextMatch::exact("nobody"), TextMatch::exact("nowhere"))]);
    let keys = PublicKey::from_pem(KEY).map(|key| Policy::keys([key]));
    for policy in [Some(identities), keys.ok()].into_iter().flatten() {
        for artifact in [Artifact::Bytes(b"an artifact that nobody signed"), Artifact::Unchecked] {
            let is_statement = matches!((&artifact, &bundle.content), (Artifact::Unchecked, Content::Envelope(_)));
            let outcome = verify(bundle, &artifact, trust(), &policy, Timestamp::UNIX_EPOCH);
            assert!(outcome.is_err() || is_statement, "{outcome:?}");
        }
    }
}

/// Trusted roots, signing configurations and both together: what is printed is read as the same.
pub(crate) fn trusted_root(bytes: &[u8]) {
    if let Ok(read) = TrustedRoot::parse(bytes) {
        assert!(TrustedRoot::parse(&read.to_json()).is_ok_and(|again| again == read));
        let _ = Trust::new(&[read]);
    }
    if let Ok(read) = SigningConfig::parse(bytes) {
        assert!(SigningConfig::parse(&read.to_json()).is_ok_and(|again| again == read));
    }
    if let Ok(read) = ClientTrustConfig::parse(bytes) {
        assert!(ClientTrustConfig::parse(&read.to_json()).is_ok_and(|again| again == read));
    }
}

/// A certificate, and a bundle that has it.
pub(crate) fn certificate(bytes: &[u8]) {
    let Ok(read) = Certificate::from_der(bytes) else { return };
    assert_eq!(read.as_der(), bytes);
    refuse(&of(KeyMaterial::Certificate(bytes.to_vec())));
    refuse(&of(KeyMaterial::Chain(vec![bytes.to_vec(), bytes.to_vec()])));
}

/// An RFC 3161 response, of a signature that has no timestamp.
pub(crate) fn timestamp(bytes: &[u8]) {
    assert!(signing::verify_timestamp(bytes, b"signature", trust()).is_err());
}

fn of(key: KeyMaterial) -> Bundle {
    let content = Content::Message(MessageSignature { message_digest: None, signature: vec![1] });
    Bundle { media_type: MediaType::V02, material: Material { key, tlog_entries: vec![], timestamps: vec![] }, content }
}

/// Keys in PEM and DER; what is printed is read as the same. Key files aren't decrypted, that takes long by intent.
pub(crate) fn key(bytes: &[u8]) {
    for read in [PublicKey::from_pem(bytes), PublicKey::from_spki(bytes)].into_iter().flatten() {
        assert!(PublicKey::from_pem(read.to_pem().as_bytes()).is_ok_and(|again| again == read));
    }
    let _ = (key_file::is_encrypted(bytes), pem::certificates(bytes));
    for read in [PrivateKey::from_pem(bytes), PrivateKey::from_pkcs8(bytes)].into_iter().flatten() {
        assert!(read.to_pkcs8().is_ok_and(|pkcs8| PrivateKey::from_pkcs8(&pkcs8).is_ok()));
    }
}
