//! A request to log an entry: read strictly, verified, made into the body that is logged.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bundle::body::{DsseV2, HashedRekordV2, LoggedSignature, Verifier as LoggedVerifier};
use bundle::{Body, HashAlgorithm, IN_TOTO_PAYLOAD_TYPE, KeyDetails, pae};
use ledger::{Entry, EntryTooLong};
use serde::{Deserialize, Deserializer};
use signing::SignatureError;
use tlog::sha256;

use crate::hex::hex;
use crate::terms;
use crate::verifier::{Verifier, VerifierError};

const MAX_SIGNATURES: usize = 64;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN_BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const URL_BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Bytes in either alphabet of base64, as JSON of protobuf has them.
#[derive(Debug, Default)]
pub(crate) struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let url = text.contains(['-', '_']);
        let decoded = if url { URL_BASE64.decode(text.as_bytes()) } else { PLAIN_BASE64.decode(text.as_bytes()) };
        decoded.map(Bytes).map_err(serde::de::Error::custom)
    }
}

/// Either kind of entry that version 2 knows. The second was dropped by the peer after 2.0 and older clients send it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(rename = "hashedRekordRequestV002", alias = "hashed_rekord_request_v002")]
    hashed_rekord: Option<HashedRekordRequest>,
    #[serde(rename = "dsseRequestV002", alias = "dsse_request_v002")]
    dsse: Option<DsseRequest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordRequest {
    #[serde(default)]
    digest: Bytes,
    signature: Option<RequestSignature>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestSignature {
    #[serde(default)]
    content: Bytes,
    verifier: Option<RequestVerifier>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestVerifier {
    #[serde(alias = "public_key")]
    public_key: Option<RawBytes>,
    #[serde(alias = "x509_certificate")]
    x509_certificate: Option<RawBytes>,
    #[serde(alias = "key_details")]
    key_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBytes {
    #[serde(alias = "raw_bytes", default)]
    raw_bytes: Bytes,
}

/// An enumeration's name or number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Details {
    Name(String),
    Number(u32),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseRequest {
    envelope: Option<RequestEnvelope>,
    #[serde(default)]
    verifiers: Vec<RequestVerifier>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestEnvelope {
    #[serde(default)]
    payload: Bytes,
    #[serde(alias = "payload_type", default)]
    payload_type: String,
    #[serde(default)]
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    #[serde(default)]
    sig: Bytes,
    #[serde(default, rename = "keyid")]
    _keyid: String,
}

/// Why a request is none.
#[derive(Debug, thiserror::Error)]
#[error("proto: {0}")]
pub(crate) struct ParseError(serde_json::Error);

/// Why an entry is not logged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("missing {0}")]
    Missing(&'static str),
    #[error("the verifier cannot be used")]
    Verifier(#[source] VerifierError),
    #[error("a key of {kind} cannot sign as {details}")]
    KeyDetails { kind: String, details: String },
    #[error("a digest of {0} bytes is not one of the key's hash")]
    DigestLength(usize),
    #[error("verifying signature")]
    Signature(#[source] SignatureError),
    #[error("signature {0} of the envelope is by none of the verifiers")]
    Unverified(usize),
    #[error("more than 64 signatures")]
    TooManySignatures,
    #[error(transparent)]
    TooLong(EntryTooLong),
}

/// An entry that may be logged.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) kind: &'static str,
    pub(crate) entry: Entry,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ParseError> {
        serde_json::from_slice(body).map_err(ParseError)
    }

    /// Verifies what was sent; what is refused comes with the peer's message for it.
    pub(crate) fn verify(self) -> Result<Proposal, (&'static str, Refused)> {
        match (self.hashed_rekord, self.dsse) {
            (Some(request), None) => hashed_rekord(request).map_err(|reason| ("invalid hashedrekord request", reason)),
            (None, Some(request)) => dsse(request).map_err(|reason| ("invalid dsse request", reason)),
            _ => Err(("invalid type, must be hashedrekord", Refused::Missing("the kind of entry"))),
        }
    }
}

fn hashed_rekord(request: HashedRekordRequest) -> Result<Proposal, Refused> {
    let signature = request.signature.filter(|signature| !signature.content.0.is_empty());
    let signature = signature.ok_or(Refused::Missing("signature"))?;
    let (verifier, key_details, logged) = signature.verifier.ok_or(Refused::Missing("verifier"))?.read()?;
    let digest = request.digest.0;
    if digest.is_empty() {
        return Err(Refused::Missing("digest"));
    }
    let algorithm = verifier.key.kind().hash();
    if digest.len() != algorithm.digest_bytes() {
        return Err(Refused::DigestLength(digest.len()));
    }
    let content = signature.content.0;
    verifier.key.verify_digest(algorithm, &digest, &content).map_err(Refused::Signature)?;
    let mut found_by = vec![terms::artifact(algorithm.plain_name(), &hex(&digest))];
    terms::verifier(&verifier, &mut found_by);
    let signature = LoggedSignature { content, key_details, verifier: logged };
    let body = Body::HashedRekordV2(HashedRekordV2 { algorithm, digest, signature });
    let entry = Entry::new(body.to_canonical(), found_by).map_err(Refused::TooLong)?;
    Ok(Proposal { kind: "hashedrekord", entry })
}

fn dsse(request: DsseRequest) -> Result<Proposal, Refused> {
    let envelope = request.envelope.ok_or(Refused::Missing("envelope"))?;
    if envelope.signatures.is_empty() {
        return Err(Refused::Missing("signatures"));
    }
    if envelope.signatures.len().max(request.verifiers.len()) > MAX_SIGNATURES {
        return Err(Refused::TooManySignatures);
    }
    let mut verifiers = Vec::new();
    for verifier in request.verifiers {
        verifiers.push(verifier.read()?);
    }
    let message = pae(&envelope.payload_type, &envelope.payload.0);
    let payload_hash = sha256(&[&envelope.payload.0]);
    let mut found_by = vec![terms::artifact("sha256", &payload_hash.to_hex())];
    let mut signatures = Vec::new();
    for (number, EnvelopeSignature { sig, .. }) in envelope.signatures.into_iter().enumerate() {
        let signed_by = verifiers.iter().find(|(verifier, ..)| verifier.key.verify(&message, &sig.0).is_ok());
        let (verifier, key_details, logged) = signed_by.ok_or(Refused::Unverified(number + 1))?;
        terms::verifier(verifier, &mut found_by);
        let (key_details, verifier) = (key_details.clone(), logged.clone());
        signatures.push(LoggedSignature { content: sig.0, key_details, verifier });
    }
    if envelope.payload_type == IN_TOTO_PAYLOAD_TYPE {
        terms::statement(&envelope.payload.0, &mut found_by);
    }
    let algorithm = HashAlgorithm::Sha256;
    let body = Body::DsseV2(DsseV2 { algorithm, payload_hash: payload_hash.0.to_vec(), signatures });
    let entry = Entry::new(body.to_canonical(), found_by).map_err(Refused::TooLong)?;
    Ok(Proposal { kind: "dsse", entry })
}

impl RequestVerifier {
    fn read(self) -> Result<(Verifier, KeyDetails, LoggedVerifier), Refused> {
        let bytes = |raw: RawBytes| raw.raw_bytes.0;
        let (verifier, logged) = match (self.public_key.map(bytes), self.x509_certificate.map(bytes)) {
            (Some(key), None) => (Verifier::from_spki(&key), LoggedVerifier::PublicKey(key)),
            (None, Some(certificate)) => {
                (Verifier::from_certificate(&certificate), LoggedVerifier::Certificate(certificate))
            }
            _ => return Err(Refused::Missing("signature public key or X.509 certificate")),
        };
        let verifier = verifier.map_err(Refused::Verifier)?;
        let details = self.key_details.ok_or(Refused::Missing("key details"))?.read();
        // The key decides; what is claimed of it is logged, so it must be true.
        if details != verifier.key.kind().details() {
            let kind = format!("{:?}", verifier.key.kind());
            return Err(Refused::KeyDetails { kind, details: details.as_str().to_owned() });
        }
        Ok((verifier, details, logged))
    }
}

impl Details {
    fn read(&self) -> KeyDetails {
        match self {
            Self::Name(name) => KeyDetails::from(name.as_str()),
            Self::Number(5) => KeyDetails::PkixEcdsaP256Sha256,
            Self::Number(7) => KeyDetails::PkixEd25519,
            Self::Number(8) => KeyDetails::PkixEd25519Ph,
            Self::Number(9) => KeyDetails::PkixRsaPkcs1V15Size2048Sha256,
            Self::Number(10) => KeyDetails::PkixRsaPkcs1V15Size3072Sha256,
            Self::Number(11) => KeyDetails::PkixRsaPkcs1V15Size4096Sha256,
            Self::Number(12) => KeyDetails::PkixEcdsaP384Sha384,
            Self::Number(13) => KeyDetails::PkixEcdsaP521Sha512,
            Self::Number(other) => KeyDetails::Other(other.to_string()),
        }
    }
}
