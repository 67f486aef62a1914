//! Certificates (RFC 5280): roots, intermediates, and the parts of leaves that never change.

use crate::der;
use crate::keys::{KeyError, SigningKey, key_identifier};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::{SignedDuration, Timestamp};

const KEY_USAGE: &[u8] = b"\x06\x03\x55\x1d\x0f";
const EXTENDED_KEY_USAGE: &[u8] = b"\x06\x03\x55\x1d\x25";
const BASIC_CONSTRAINTS: &[u8] = b"\x06\x03\x55\x1d\x13";
const SUBJECT_KEY_ID: &[u8] = b"\x06\x03\x55\x1d\x0e";
const AUTHORITY_KEY_ID: &[u8] = b"\x06\x03\x55\x1d\x23";
const CODE_SIGNING: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";
const TIME_STAMPING: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08";

/// What a certificate of the authority itself is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Signs intermediates.
    Root,
    /// Signs leaves for code signing.
    CodeSigning,
    /// Signs timestamps.
    TimeStamping,
}

/// A name of an organization and something of it.
pub(crate) fn name(organization: &str, common: &str) -> Vec<u8> {
    let part = |oid: &[u8], text: &str| {
        let attribute = der::sequence(&[oid, &der::tlv(der::UTF8_STRING, text.as_bytes())]);
        der::tlv(der::SET, &attribute)
    };
    der::sequence(&[&part(b"\x06\x03\x55\x04\x0a", organization), &part(b"\x06\x03\x55\x04\x03", common)])
}

/// An extension.
pub(crate) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::TRUE } else { &[] };
    der::sequence(&[oid, critical, &der::tlv(der::OCTET_STRING, value)])
}

pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    extension(KEY_USAGE, true, &der::bits(bits))
}

pub(crate) fn code_signing_usage() -> Vec<u8> {
    extension(EXTENDED_KEY_USAGE, false, &der::sequence(&[CODE_SIGNING]))
}

pub(crate) fn subject_key_id(identifier: &[u8]) -> Vec<u8> {
    extension(SUBJECT_KEY_ID, false, &der::tlv(der::OCTET_STRING, identifier))
}

pub(crate) fn authority_key_id(identifier: &[u8]) -> Vec<u8> {
    extension(AUTHORITY_KEY_ID, false, &der::sequence(&[&der::tlv(0x80, identifier)]))
}

/// The bits of digital signatures.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0b1000_0000;
/// The bits of certificate authorities: certificates and revocations.
const SIGNS_CERTIFICATES: u8 = 0b0000_0110;

/// The key itself within `SubjectPublicKeyInfo`, which key identifiers are hashes of.
pub(crate) fn identifier_of(spki: &[u8]) -> Vec<u8> {
    let bits = der::Reader::only(spki, der::SEQUENCE).and_then(|mut reader| {
        reader.any()?;
        reader.bit_string()
    });
    key_identifier(bits.unwrap_or(spki))
}

/// A serial number: 159 bits of randomness, positive and never zero.
pub(crate) fn serial() -> Result<Vec<u8>, KeyError> {
    let mut bytes = [0u8; 20];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Crypto)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(der::integer(&bytes))
}

/// What a certificate of the authority itself says.
pub(crate) struct Certified<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) subject: &'a [u8],
    pub(crate) spki: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) from: Timestamp,
    pub(crate) lifetime: SignedDuration,
}

/// Makes and signs a certificate of the authority itself.
pub(crate) fn certify(what: &Certified<'_>, signer: &SigningKey) -> Result<Vec<u8>, KeyError> {
    let until = what.from.saturating_add(what.lifetime).unwrap_or(Timestamp::MAX);
    let ca = |length: u8| {
        let constraints = der::sequence(&[der::TRUE, &der::integer(&[length])]);
        extension(BASIC_CONSTRAINTS, true, &constraints)
    };
    let mut extensions = match what.purpose {
        Purpose::Root => [key_usage(SIGNS_CERTIFICATES), ca(1)].concat(),
        Purpose::CodeSigning => [key_usage(SIGNS_CERTIFICATES), code_signing_usage(), ca(0)].concat(),
        Purpose::TimeStamping => {
            let usage = extension(EXTENDED_KEY_USAGE, true, &der::sequence(&[TIME_STAMPING]));
            [key_usage(DIGITAL_SIGNATURE), usage].concat()
        }
    };
    extensions.extend(subject_key_id(&identifier_of(what.spki)));
    if what.purpose != Purpose::Root {
        extensions.extend(authority_key_id(&identifier_of(signer.spki())));
    }
    let validity = der::sequence(&[&der::time(what.from), &der::time(until)]);
    let tbs = tbs(&[&serial()?, signer.algorithm(), what.issuer, &validity, what.subject, what.spki], &[&extensions]);
    signed(&tbs, signer)
}

/// `TBSCertificate` of its fields from the serial number on, and its extensions.
pub(crate) fn tbs(fields: &[&[u8]], extensions: &[&[u8]]) -> Vec<u8> {
    let extensions = der::tlv(0xa3, &der::sequence(extensions));
    let mut parts: Vec<&[u8]> = Vec::with_capacity(fields.len() + 2);
    parts.push(b"\xa0\x03\x02\x01\x02");
    parts.extend(fields);
    parts.push(&extensions);
    der::sequence(&parts)
}

/// `Certificate` of a signed `TBSCertificate`.
pub(crate) fn signed(tbs: &[u8], signer: &SigningKey) -> Result<Vec<u8>, KeyError> {
    Ok(der::sequence(&[tbs, signer.algorithm(), &der::bit_string(&signer.sign(tbs)?)]))
}
