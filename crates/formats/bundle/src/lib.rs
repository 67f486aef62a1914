//! Sigstore's documents: read into valid types, and printed. No cryptography, no clock.
//!
//! ```
//! use bundle::{Bundle, Content, Envelope, EnvelopeSignature, KeyMaterial, Material, MediaType};
//!
//! let payload = br#"{"_type":"https://in-toto.io/Statement/v1"}"#.to_vec();
//! let signature = EnvelopeSignature { sig: vec![1, 2, 3], keyid: String::new() };
//! let envelope = Envelope { payload, payload_type: bundle::IN_TOTO_PAYLOAD_TYPE.into(), signatures: vec![signature] };
//! let made = Bundle {
//!     media_type: MediaType::V03,
//!     material: Material { key: KeyMaterial::PublicKey { hint: "k".into() }, tlog_entries: vec![], timestamps: vec![] },
//!     content: Content::Envelope(envelope),
//! };
//! assert_eq!(Bundle::parse(&made.to_json())?, made);
//! # Ok::<(), bundle::ParseError>(())
//! ```
//!
//! Reading order: `bundle` is the bundle itself and [`TlogEntry`]; `envelope` and `statement` are DSSE and in-toto;
//! `trusted_root` and `signing_config` tell clients whom to trust and where to sign; [`body`] has the bodies of log
//! entries, printed by [`canonical`]. [`legacy`] is what
//! Cosign wrote before bundles. `algorithm` names hashes and keys, `json` is the mapping of protobuf to JSON.
//! Shapes are those of sigstore/protobuf-specs 0.5.

mod algorithm;
pub mod body;
mod bundle;
pub mod canonical;
mod envelope;
mod error;
mod json;
pub mod legacy;
mod signing_config;
mod statement;
mod tlog_entry;
mod trusted_root;

pub use algorithm::{HashAlgorithm, KeyDetails};
pub use body::Body;
pub use bundle::{Bundle, Content, HashOutput, KeyMaterial, MAX_BUNDLE_BYTES, Material, MediaType, MessageSignature};
pub use envelope::{Envelope, EnvelopeSignature, IN_TOTO_PAYLOAD_TYPE, pae};
pub use error::ParseError;
pub use signing_config::{ClientTrustConfig, Selector, Service, ServiceConfiguration, SigningConfig};
pub use statement::{STATEMENT_V01, STATEMENT_V1, Statement, Subject};
pub use tlog_entry::{InclusionProof, KindVersion, TlogEntry};
pub use trusted_root::{
    CertificateAuthority, DistinguishedName, MAX_CONFIG_BYTES, RootMediaType, TimeRange, TransparencyLog, TrustedKey,
    TrustedRoot,
};
