//! A transparency log of one entry, to log with what is signed here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle::body::{DsseV1, HashedRekordV1, HashedRekordV2, LoggedSignature, PemSignature, Verifier};
use bundle::{
    Body, Bundle, Content, Envelope, EnvelopeSignature, HashAlgorithm, InclusionProof, KeyMaterial, KindVersion,
    Material, MediaType, MessageSignature, RootMediaType, Statement, Subject, TimeRange, TlogEntry, TransparencyLog,
    TrustedKey, TrustedRoot,
};
use signing::{KeyKind, PrivateKey, PublicKey, Signer as _, Trust};
use tlog::{Checkpoint, Hash};

pub(crate) const TIME: i64 = 1_750_000_000;

pub(crate) struct Log {
    key: PrivateKey,
}

impl Log {
    pub(crate) fn new(kind: KeyKind) -> Log {
        Log { key: PrivateKey::generate(kind).unwrap() }
    }

    pub(crate) fn root(&self) -> TrustedRoot {
        let key = self.key.public_key();
        let valid_for = TimeRange { start: "2025-01-01T00:00:00Z".parse().unwrap(), end: None };
        TrustedRoot {
            media_type: RootMediaType::V01,
            tlogs: vec![TransparencyLog {
                base_url: "https://log.example".into(),
                hash_algorithm: Some(HashAlgorithm::Sha256),
                public_key: TrustedKey {
                    raw_bytes: key.to_spki().to_vec(),
                    key_details: key.kind().details(),
                    valid_for: Some(valid_for),
                },
                log_id: key.id().to_vec(),
                checkpoint_key_id: vec![],
                operator: String::new(),
            }],
            certificate_authorities: vec![],
            ctlogs: vec![],
            timestamp_authorities: vec![],
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::new(&[self.root()]).unwrap()
    }

    /// Logs a body as Rekor v1 does: promised at [`TIME`], and proven.
    pub(crate) fn log_v1(&self, body: &Body) -> TlogEntry {
        let mut entry = self.entry(body, "log.example - 42");
        entry.integrated_time = TIME;
        let id: String = entry.log_id.iter().map(|byte| format!("{byte:02x}")).collect();
        let body = STANDARD.encode(&entry.canonicalized_body);
        let signed = format!(r#"{{"body":"{body}","integratedTime":{TIME},"logID":"{id}","logIndex":1}}"#);
        entry.signed_entry_timestamp = self.key.sign(signed.as_bytes()).unwrap();
        entry
    }

    /// Logs a body as Rekor v2 does: proven.
    pub(crate) fn log_v2(&self, body: &Body) -> TlogEntry {
        self.entry(body, "log.example")
    }

    /// The second entry of a tree of two.
    fn entry(&self, body: &Body, origin: &str) -> TlogEntry {
        let canonicalized_body = body.to_canonical();
        let other = tlog::leaf_hash(b"another");
        let root: Hash = tlog::node_hash(&other, &tlog::leaf_hash(&canonicalized_body));
        let checkpoint = Checkpoint { origin: origin.into(), size: 2, root, extensions: vec![] };
        let mut note = checkpoint.to_note().unwrap();
        let key_id = *self.key.public_key().id().first_chunk::<4>().unwrap();
        let signature = self.key.sign(note.text.as_bytes()).unwrap();
        note.push("log.example", key_id, signature).unwrap();
        let (kind, version) = body.kind_version();
        TlogEntry {
            log_index: 1,
            log_id: self.key.public_key().id().to_vec(),
            kind_version: KindVersion { kind: kind.into(), version: version.into() },
            integrated_time: 0,
            signed_entry_timestamp: vec![],
            inclusion_proof: Some(InclusionProof {
                log_index: 1,
                root_hash: root.as_bytes().to_vec(),
                tree_size: 2,
                hashes: vec![other.as_bytes().to_vec()],
                checkpoint: note.to_string(),
            }),
            canonicalized_body,
        }
    }
}

/// What a key signs of an artifact, logged in Rekor v1.
pub(crate) fn message(key: &PrivateKey, artifact: &[u8], log: &Log) -> Bundle {
    let signature = key.sign(artifact).unwrap();
    let entry = log.log_v1(&message_body(key.public_key(), artifact, &signature));
    bundle_of(key, Content::Message(MessageSignature { message_digest: None, signature }), vec![entry])
}

pub(crate) fn message_body(key: &PublicKey, artifact: &[u8], signature: &[u8]) -> Body {
    Body::HashedRekordV1(HashedRekordV1 {
        algorithm: HashAlgorithm::Sha256,
        digest: sha256(artifact),
        signature: signature.to_vec(),
        public_key: key.to_pem().into_bytes(),
    })
}

pub(crate) fn message_body_v2(key: &PublicKey, artifact: &[u8], signature: &[u8]) -> Body {
    Body::HashedRekordV2(HashedRekordV2 {
        algorithm: HashAlgorithm::Sha256,
        digest: sha256(artifact),
        signature: LoggedSignature {
            content: signature.to_vec(),
            key_details: key.kind().details(),
            verifier: Verifier::PublicKey(key.to_spki().to_vec()),
        },
    })
}

/// A statement about an artifact that a key signs, logged in Rekor v1.
pub(crate) fn attestation(key: &PrivateKey, artifact: &[u8], log: &Log) -> Bundle {
    let envelope = envelope(key, artifact);
    let entry = log.log_v1(&Body::DsseV1(DsseV1 {
        envelope_hash: sha256(&envelope.to_json()),
        payload_hash: sha256(&envelope.payload),
        signatures: vec![PemSignature {
            signature: envelope.signatures[0].sig.clone(),
            verifier: key.public_key().to_pem().into_bytes(),
        }],
    }));
    bundle_of(key, Content::Envelope(envelope), vec![entry])
}

pub(crate) fn envelope(key: &PrivateKey, artifact: &[u8]) -> Envelope {
    let subject = Subject::sha256("artifact", tlog::sha256(&[artifact]).to_hex());
    let statement = Statement::new(vec![subject], "https://example/predicate", serde_json::json!({ "passed": true }));
    let mut envelope = Envelope {
        payload: statement.to_json(),
        payload_type: bundle::IN_TOTO_PAYLOAD_TYPE.into(),
        signatures: vec![],
    };
    let sig = key.sign(&envelope.signed_bytes()).unwrap();
    envelope.signatures.push(EnvelopeSignature { keyid: String::new(), sig });
    envelope
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    tlog::sha256(&[bytes]).as_bytes().to_vec()
}

pub(crate) fn bundle_of(key: &PrivateKey, content: Content, tlog_entries: Vec<TlogEntry>) -> Bundle {
    let key = KeyMaterial::PublicKey { hint: key.public_key().hint() };
    Bundle { media_type: MediaType::V03, material: Material { key, tlog_entries, timestamps: vec![] }, content }
}
