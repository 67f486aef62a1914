use crate::{Algorithm, Certificate, KeyError, ParseError, PrivateKey};
use asn1::{
    ENUMERATED, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, bit_string, generalized_time, oid, sequence, tlv,
};
use aws_lc_rs::digest;
use jiff::Timestamp;

/// The longest request that is read, in bytes.
const MAX_REQUEST_BYTES: usize = 4096;

/// Which certificate is asked about (RFC 6960, 4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateId {
    /// The whole, to be given back.
    whole: Vec<u8>,
    hash: Vec<u8>,
    issuer_name_hash: Vec<u8>,
    issuer_key_hash: Vec<u8>,
    serial: Vec<u8>,
}

impl CertificateId {
    /// The serial number's bytes, without a leading zero.
    pub fn serial(&self) -> &[u8] {
        self.serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(&self.serial)
    }

    /// Whether it names certificates of this issuer. The hash may be SHA-1, SHA-256, SHA-384 or SHA-512.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        let known: [(&[u64], &'static digest::Algorithm); 4] = [
            (&[1, 3, 14, 3, 2, 26], &digest::SHA1_FOR_LEGACY_USE_ONLY),
            (&[2, 16, 840, 1, 101, 3, 4, 2, 1], &digest::SHA256),
            (&[2, 16, 840, 1, 101, 3, 4, 2, 2], &digest::SHA384),
            (&[2, 16, 840, 1, 101, 3, 4, 2, 3], &digest::SHA512),
        ];
        let Some((_, algorithm)) = known.into_iter().find(|(arcs, _)| oid(arcs) == self.hash) else { return false };
        let Ok(key) = issuer.public_key() else { return false };
        digest::digest(algorithm, issuer.subject()).as_ref() == self.issuer_name_hash
            && digest::digest(algorithm, key.raw()).as_ref() == self.issuer_key_hash
    }
}

/// A request to an OCSP responder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest {
    /// What it asks about: one certificate or more.
    pub certificates: Vec<CertificateId>,
    /// The extension with its nonce, whole, to be given back.
    nonce: Vec<u8>,
}

impl OcspRequest {
    /// Reads DER.
    ///
    /// # Errors
    /// Where it is no request, or one that asks about more than 16 certificates.
    pub fn from_der(der: &[u8]) -> Result<Self, ParseError> {
        if der.len() > MAX_REQUEST_BYTES {
            return Err(ParseError::TooLong);
        }
        let mut fields = Reader::only(der, SEQUENCE)?.enter(SEQUENCE)?;
        while fields.peek().is_some_and(|tag| tag == 0xa0 || tag == 0xa1) {
            fields.any()?;
        }
        let mut list = fields.enter(SEQUENCE)?;
        let mut certificates = Vec::new();
        while !list.is_empty() {
            if certificates.len() == 16 {
                return Err(ParseError::TooLong);
            }
            let id = list.enter(SEQUENCE)?.element(SEQUENCE)?;
            let mut parts = Reader::new(id.content);
            certificates.push(CertificateId {
                whole: id.whole.to_vec(),
                hash: parts.enter(SEQUENCE)?.element(OID)?.whole.to_vec(),
                issuer_name_hash: parts.element(OCTET_STRING)?.content.to_vec(),
                issuer_key_hash: parts.element(OCTET_STRING)?.content.to_vec(),
                serial: parts.element(INTEGER)?.content.to_vec(),
            });
        }
        let mut nonce = Vec::new();
        if fields.peek() == Some(0xa2) {
            let mut extensions = fields.enter(0xa2)?.enter(SEQUENCE)?;
            while !extensions.is_empty() {
                let extension = extensions.element(SEQUENCE)?;
                if Reader::new(extension.content).element(OID)?.whole == oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 2]) {
                    nonce = extension.whole.to_vec();
                }
            }
        }
        Ok(Self { certificates, nonce })
    }
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Not revoked.
    Good,
    /// Revoked since then, for a reason (RFC 5280, 5.3.1).
    Revoked(Timestamp, u8),
    /// Nobody here issued it.
    Unknown,
}

/// What is said of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspSingle {
    /// Which.
    pub id: CertificateId,
    /// How it stands.
    pub status: CertificateStatus,
}

/// An answer, signed by the issuer itself.
///
/// # Errors
/// Where the key can't sign.
pub fn ocsp_response(
    request: &OcspRequest,
    answers: &[OcspSingle],
    issuer: &Certificate,
    (key, algorithm): (&PrivateKey, Algorithm),
    (now, next): (Timestamp, Option<Timestamp>),
) -> Result<Vec<u8>, KeyError> {
    let produced = generalized_time(now);
    let next = next.map(|next| tlv(0xa0, &generalized_time(next))).unwrap_or_default();
    let mut singles = Vec::new();
    for answer in answers {
        let status = match answer.status {
            CertificateStatus::Good => tlv(0x80, &[]),
            CertificateStatus::Unknown => tlv(0x82, &[]),
            CertificateStatus::Revoked(at, reason) => {
                let reason = tlv(0xa0, &[ENUMERATED, 1, reason]);
                tlv(0xa1, &[generalized_time(at), reason].concat())
            }
        };
        singles.extend(sequence(&[&answer.id.whole, &status, &produced, &next]));
    }
    let nonce = if request.nonce.is_empty() { Vec::new() } else { tlv(0xa1, &sequence(&[&request.nonce])) };
    let responder = tlv(0xa2, &tlv(OCTET_STRING, &key.public().identifier()));
    let data = sequence(&[&responder, &produced, &sequence(&[&singles]), &nonce]);
    let signature = bit_string(&key.sign(algorithm, &data)?);
    let certificates = tlv(0xa0, &sequence(&[issuer.der()]));
    let basic = sequence(&[&data, &algorithm.identifier(), &signature, &certificates]);
    let bytes = sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 1]), &tlv(OCTET_STRING, &basic)]);
    Ok(sequence(&[&[ENUMERATED, 1, 0], &tlv(0xa0, &bytes)]))
}

/// An answer that says only why there is none: 1 malformed, 2 internal error, 6 unauthorized (RFC 6960, 4.2.1).
pub fn ocsp_failure(status: u8) -> Vec<u8> {
    sequence(&[&[ENUMERATED, 1, status]])
}
