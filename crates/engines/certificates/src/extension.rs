//! Extensions of certificates, and those that are made here.

use crate::{AltName, AltNameError};
use asn1::{
    BIT_STRING, BOOLEAN, DerError, IA5_STRING, OCTET_STRING, OID, Reader, SEQUENCE, TRUE, UTF8_STRING, integer, oid,
    oid_of_text, oid_text, sequence, tlv,
};

/// An extension of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Which, as text: `2.5.29.17`.
    pub id: String,
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// Its value in DER.
    pub value: Vec<u8>,
}

impl Extension {
    /// DER of the whole.
    ///
    /// # Errors
    /// Where its identifier is none.
    pub fn to_der(&self) -> Result<Vec<u8>, DerError> {
        let critical: &[u8] = if self.critical { TRUE } else { &[] };
        Ok(sequence(&[&oid_of_text(&self.id)?, critical, &tlv(OCTET_STRING, &self.value)]))
    }

    /// Reads a sequence of extensions, at most 64.
    pub(crate) fn read_all(mut reader: Reader<'_>) -> Result<Vec<Self>, DerError> {
        let mut found = Vec::new();
        while !reader.is_empty() {
            if found.len() == 64 {
                return Err(DerError::Value);
            }
            let mut fields = reader.enter(SEQUENCE)?;
            let id = oid_text(fields.element(OID)?.content)?;
            let critical = fields.peek() == Some(BOOLEAN) && fields.any()?.content == [0xff];
            let value = fields.element(OCTET_STRING)?.content.to_vec();
            fields.end()?;
            found.push(Self { id, critical, value });
        }
        Ok(found)
    }
}

/// A certificate policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Its identifier.
    pub id: String,
    /// Where its statement is.
    pub cps: String,
    /// A text for people.
    pub notice: String,
}

/// Subject key identifier.
pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
/// Key usage.
pub const KEY_USAGE: &str = "2.5.29.15";
/// Alternative names.
pub const ALTERNATIVE_NAMES: &str = "2.5.29.17";
/// Basic constraints.
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
/// Number of a revocation list.
pub const CRL_NUMBER: &str = "2.5.29.20";
/// Which list a delta is to.
pub const DELTA_CRL: &str = "2.5.29.27";
/// Authority key identifier.
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
/// Extended key usage.
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
/// Where issuers and OCSP are.
pub const AUTHORITY_INFORMATION: &str = "1.3.6.1.5.5.7.1.1";
/// Where revocation lists are.
pub const DISTRIBUTION_POINTS: &str = "2.5.29.31";
/// Where delta lists are.
pub const FRESHEST: &str = "2.5.29.46";

fn make(id: &str, critical: bool, value: Vec<u8>) -> Extension {
    Extension { id: id.to_owned(), critical, value }
}

/// Whether it may sign certificates, and how many may be below.
pub fn basic_constraints(authority: bool, path_length: Option<u32>) -> Extension {
    let length = path_length.map(|length| integer(&length.to_be_bytes())).unwrap_or_default();
    let authority: &[u8] = if authority { TRUE } else { &[] };
    make(BASIC_CONSTRAINTS, true, sequence(&[authority, &length]))
}

/// What the key is for; the first bit is `digitalSignature`, the ninth `decipherOnly`.
pub fn key_usage(bits: u16) -> Extension {
    let [low, high] = [(bits as u8).reverse_bits(), ((bits >> 8) as u8).reverse_bits()];
    let value = match (low, high) {
        (low, 0) => vec![low.trailing_zeros().min(7) as u8, low],
        (low, high) => vec![high.trailing_zeros() as u8, low, high],
    };
    make(KEY_USAGE, true, tlv(BIT_STRING, &value))
}

/// What else the key is for, as identifiers.
///
/// # Errors
/// Where one is none.
pub fn extended_key_usage(ids: &[String]) -> Result<Extension, DerError> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| oid_of_text(id)).collect::<Result<_, _>>()?;
    Ok(make(EXTENDED_KEY_USAGE, false, sequence(&[&ids.concat()])))
}

/// Of the subject's key.
pub fn subject_key_id(identifier: &[u8]) -> Extension {
    make(SUBJECT_KEY_ID, false, tlv(OCTET_STRING, identifier))
}

/// Of the issuer's key.
pub fn authority_key_id(identifier: &[u8]) -> Extension {
    make(AUTHORITY_KEY_ID, false, sequence(&[&tlv(0x80, identifier)]))
}

/// Names besides the subject; critical where the subject is empty.
///
/// # Errors
/// Where a name can't be written.
pub fn alternative_names(names: &[AltName], critical: bool) -> Result<Extension, AltNameError> {
    let names: Vec<Vec<u8>> = names.iter().map(AltName::to_der).collect::<Result<_, _>>()?;
    Ok(make(ALTERNATIVE_NAMES, critical, sequence(&[&names.concat()])))
}

/// Where the issuer's certificate is, and who answers whether it is revoked.
pub fn authority_information(ocsp: &[String], issuers: &[String]) -> Extension {
    let entry = |arc, url: &String| sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 48, arc]), &tlv(0x86, url.as_bytes())]);
    let entries = ocsp.iter().map(|url| entry(1, url)).chain(issuers.iter().map(|url| entry(2, url)));
    make(AUTHORITY_INFORMATION, false, sequence(&[&entries.collect::<Vec<_>>().concat()]))
}

/// Where revocation lists are: [`DISTRIBUTION_POINTS`] or [`FRESHEST`].
pub fn distribution_points(id: &str, urls: &[String]) -> Extension {
    let point = |url: &String| sequence(&[&tlv(0xa0, &tlv(0xa0, &tlv(0x86, url.as_bytes())))]);
    make(id, false, sequence(&[&urls.iter().map(point).collect::<Vec<_>>().concat()]))
}

/// Which names may be below an authority.
pub fn permitted_dns_domains(domains: &[String]) -> Extension {
    let trees = domains.iter().map(|domain| sequence(&[&tlv(0x82, domain.as_bytes())]));
    make("2.5.29.30", true, sequence(&[&tlv(0xa0, &trees.collect::<Vec<_>>().concat())]))
}

/// Policies by which it was issued.
///
/// # Errors
/// Where an identifier is none.
pub fn policies(policies: &[Policy]) -> Result<Extension, DerError> {
    let one = |policy: &Policy| {
        let mut qualifiers = Vec::new();
        if !policy.cps.is_empty() {
            let value = tlv(IA5_STRING, policy.cps.as_bytes());
            qualifiers.extend(sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 2, 1]), &value]));
        }
        if !policy.notice.is_empty() {
            let value = sequence(&[&tlv(UTF8_STRING, policy.notice.as_bytes())]);
            qualifiers.extend(sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 2, 2]), &value]));
        }
        let qualifiers = if qualifiers.is_empty() { qualifiers } else { sequence(&[&qualifiers]) };
        Ok(sequence(&[&oid_of_text(&policy.id)?, &qualifiers]))
    };
    let all: Vec<Vec<u8>> = policies.iter().map(one).collect::<Result<_, DerError>>()?;
    Ok(make("2.5.29.32", false, sequence(&[&all.concat()])))
}
