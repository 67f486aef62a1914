//! RFC 3161 timestamps: a CMS SignedData over a TSTInfo.

use crate::algorithm::{SignatureAlgorithm, read_hash};
use crate::der::{self, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET};
use crate::public_key::algorithm;
use crate::x509::{Authority, Certificate, ChainError, read_time};
use aws_lc_rs::digest;
use bundle::HashAlgorithm;
use jiff::Timestamp;
use thiserror::Error;

/// `1.2.840.113549.1.9`
const PKCS9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `id-ct-TSTInfo`
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const MAX_CERTIFICATES: usize = 16;
const MAX_ATTRIBUTES: usize = 32;

/// Why a timestamp isn't accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not the DER of a response with a token.
    #[error("the timestamp isn't a valid RFC 3161 response")]
    Der(#[from] DerError),
    /// The authority refused.
    #[error("the timestamp's status isn't granted")]
    Status,
    /// It is of something else.
    #[error("the timestamp isn't of this signature")]
    Imprint,
    /// No authority that is trusted made it.
    #[error("no timestamp authority that is trusted made the timestamp")]
    UnknownAuthority,
    /// The authority's certificate doesn't allow it.
    #[error("the timestamp authority's certificate can't be trusted")]
    Chain(#[source] ChainError),
    /// The signature is wrong.
    #[error("the timestamp's signature isn't valid")]
    Signature,
    /// The attributes don't fit what is signed.
    #[error("the timestamp's signed attributes are invalid: {0}")]
    Attributes(&'static str),
}

/// A response that was read, not yet verified.
#[derive(Debug)]
struct Token<'a> {
    info: &'a [u8],
    certificates: Vec<&'a [u8]>,
    signer: SignerId<'a>,
    digest: HashAlgorithm,
    /// The content of the signed attributes.
    attributes: &'a [u8],
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
}

#[derive(Debug)]
enum SignerId<'a> {
    IssuerSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyId(&'a [u8]),
}

impl SignerId<'_> {
    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            SignerId::IssuerSerial { issuer, serial } => certificate.issuer == *issuer && certificate.serial == *serial,
            SignerId::KeyId(id) => certificate.extensions.key_id.as_deref() == Some(*id),
        }
    }
}

/// Verifies that a response is a timestamp of `signature` by one of the authorities: the time, and by whom.
pub(crate) fn verify<'a>(
    response: &[u8],
    signature: &[u8],
    authorities: &'a [Authority],
) -> Result<(Timestamp, &'a Authority), TimestampError> {
    let token = read(response)?;
    let info = read_info(token.info)?;
    let certificate = check_attributes(&token)?;
    let embedded: Vec<Certificate> =
        token.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    if digest::digest(algorithm(info.hash), signature).as_ref() != info.imprint {
        return Err(TimestampError::Imprint);
    }
    let mut error = TimestampError::UnknownAuthority;
    for authority in authorities {
        for signer in authority.signers().chain(&embedded) {
            if !token.signer.is_of(signer) || !certificate.is_of(signer) {
                continue;
            }
            let issued = authority.verify(signer, &embedded).and_then(|issued| issued.verify_at(signer, info.time));
            match issued {
                Err(ChainError::UnknownIssuer) => continue,
                Err(source) => error = TimestampError::Chain(source),
                Ok(()) => {
                    let signed = der::element(SET, &[token.attributes]);
                    let verified = token.algorithm.verify(signer.key(), &signed, token.signature);
                    return verified.map(|()| (info.time, authority)).map_err(|_| TimestampError::Signature);
                }
            }
        }
    }
    Err(error)
}

fn read(response: &[u8]) -> Result<Token<'_>, TimestampError> {
    let mut response = der::whole(response, SEQUENCE)?;
    // PKIStatusInfo: granted, or granted with modifications.
    let status = response.inside(SEQUENCE)?.expect(INTEGER)?.content;
    if status != [0] && status != [1] {
        return Err(TimestampError::Status);
    }
    let mut content = response.inside(SEQUENCE)?;
    response.end()?;
    if content.expect(OID)?.content != SIGNED_DATA {
        return Err(DerError("not signed data").into());
    }
    let mut explicit = content.inside(0xa0)?;
    content.end()?;
    let mut data = explicit.inside(SEQUENCE)?;
    explicit.end()?;

    if data.expect(INTEGER)?.content != [3] {
        return Err(DerError("signed data of another version than 3").into());
    }
    let mut digests = data.inside(SET)?;
    let digest = read_hash(digests.inside(SEQUENCE)?)?;
    digests.end()?;
    let mut encapsulated = data.inside(SEQUENCE)?;
    if encapsulated.expect(OID)?.content != TST_INFO {
        return Err(DerError("the signed data isn't a timestamp").into());
    }
    let info = der::whole_content(encapsulated.expect(0xa0)?.content, OCTET_STRING)?;
    encapsulated.end()?;
    let mut certificates = Vec::new();
    if let Some(set) = data.optional(0xa0)? {
        let mut set = Reader::new(set.content);
        while !set.is_empty() {
            if certificates.len() == MAX_CERTIFICATES {
                return Err(DerError("too many certificates").into());
            }
            certificates.push(set.any()?.all);
        }
    }
    data.optional(0xa1)?;
    let mut signers = data.inside(SET)?;
    data.end()?;
    let mut signer = signers.inside(SEQUENCE)?;
    signers.end()?;

    let version = signer.expect(INTEGER)?.content;
    let id = match (version, signer.any()?) {
        ([1], element) if element.tag == SEQUENCE => {
            let mut id = Reader::new(element.content);
            let issuer = id.expect(SEQUENCE)?.all;
            let serial = id.expect(INTEGER)?.content;
            id.end()?;
            SignerId::IssuerSerial { issuer, serial }
        }
        ([3], element) if element.tag == 0x80 => SignerId::KeyId(element.content),
        _ => return Err(DerError("an invalid signer").into()),
    };
    if read_hash(signer.inside(SEQUENCE)?)? != digest {
        return Err(DerError("two different hashes").into());
    }
    let attributes = signer.expect(0xa0)?.content;
    let algorithm = SignatureAlgorithm::read(signer.inside(SEQUENCE)?, Some(digest))?;
    let signature = signer.expect(OCTET_STRING)?.content;
    signer.optional(0xa1)?;
    signer.end()?;
    Ok(Token { info, certificates, signer: id, digest, attributes, algorithm, signature })
}

#[derive(Debug)]
struct Info<'a> {
    hash: HashAlgorithm,
    imprint: &'a [u8],
    time: Timestamp,
}

fn read_info(bytes: &[u8]) -> Result<Info<'_>, DerError> {
    let mut info = der::whole(bytes, SEQUENCE)?;
    if info.expect(INTEGER)?.content != [1] {
        return Err(DerError("a timestamp of another version than 1"));
    }
    info.expect(OID)?;
    let mut imprint = info.inside(SEQUENCE)?;
    let hash = read_hash(imprint.inside(SEQUENCE)?)?;
    let digest = imprint.expect(OCTET_STRING)?.content;
    imprint.end()?;
    info.expect(INTEGER)?;
    let time = read_time(info.any()?)?;
    // Accuracy, ordering, nonce, name and extensions decide nothing here; all are signed.
    Ok(Info { hash, imprint: digest, time })
}

/// Which certificate the signer says is its own: RFC 5035, and RFC 2634 with SHA-1.
#[derive(Debug)]
enum CertificateHash<'a> {
    Sha1(&'a [u8]),
    Sha2(HashAlgorithm, &'a [u8]),
}

impl CertificateHash<'_> {
    fn is_of(&self, certificate: &Certificate) -> bool {
        let (algorithm, expected) = match self {
            CertificateHash::Sha1(expected) => (&digest::SHA1_FOR_LEGACY_USE_ONLY, expected),
            CertificateHash::Sha2(hash, expected) => (algorithm(*hash), expected),
        };
        digest::digest(algorithm, certificate.as_der()).as_ref() == *expected
    }
}

/// Checks the signed attributes: the content's type and digest, and the signer's certificate.
fn check_attributes<'a>(token: &Token<'a>) -> Result<CertificateHash<'a>, TimestampError> {
    let mut list = Reader::new(token.attributes);
    let (mut is_info, mut is_digest, mut certificate) = (false, false, None);
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let mut attribute = list.inside(SEQUENCE)?;
        let oid = attribute.expect(OID)?.content;
        let mut values = attribute.inside(SET)?;
        attribute.end()?;
        if seen.contains(&oid) || seen.len() == MAX_ATTRIBUTES {
            return Err(TimestampError::Attributes("one is there twice, or there are too many"));
        }
        seen.push(oid);
        match oid.strip_prefix(PKCS9) {
            Some([3]) => is_info = values.expect(OID)?.content == TST_INFO,
            Some([4]) => {
                let digest = digest::digest(algorithm(token.digest), token.info);
                is_digest = values.expect(OCTET_STRING)?.content == digest.as_ref();
            }
            Some([0x10, 2, 12]) => certificate = Some(certificate_hash(values, true)?),
            Some([0x10, 2, 47]) => certificate = Some(certificate_hash(values, false)?),
            _ => {}
        }
    }
    if !is_info {
        return Err(TimestampError::Attributes("the content's type is missing or wrong"));
    }
    if !is_digest {
        return Err(TimestampError::Attributes("the content's digest is missing or wrong"));
    }
    certificate.ok_or(TimestampError::Attributes("the signer's certificate isn't named"))
}

/// The first certificate of a SigningCertificate or SigningCertificateV2 is the signer's.
fn certificate_hash(mut values: Reader<'_>, is_sha1: bool) -> Result<CertificateHash<'_>, DerError> {
    let mut first = values.inside(SEQUENCE)?.inside(SEQUENCE)?.inside(SEQUENCE)?;
    if is_sha1 {
        return Ok(CertificateHash::Sha1(first.expect(OCTET_STRING)?.content));
    }
    let hash = match first.optional(SEQUENCE)? {
        Some(identifier) => read_hash(Reader::new(identifier.content))?,
        None => HashAlgorithm::Sha256,
    };
    Ok(CertificateHash::Sha2(hash, first.expect(OCTET_STRING)?.content))
}
