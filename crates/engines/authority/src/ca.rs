//! The certificate authority: ten-minute certificates for code signing, each with an embedded SCT.
//!
//! A certificate is made in two steps, because its log comes between them: [`Ca::precertificate`], then, once the log
//! has the entry on disk, [`Ca::certificate`] with the log's SCT. Keys and names are prepared once.

use crate::ct::Entry;
use crate::der;
use crate::identity::{Principal, SubjectName};
use crate::keys::{KeyError, PublicKey, SigningKey, key_identifier, sha256};
use crate::x509::{self, Certified, DIGITAL_SIGNATURE, Purpose};
use jiff::{SignedDuration, Timestamp};

/// How long a certificate is valid.
pub const CERTIFICATE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long certificates of the authority itself are.
pub const AUTHORITY_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

const SUBJECT_ALTERNATIVE_NAME: &[u8] = b"\x06\x03\x55\x1d\x11";
const OTHER_NAME: &[u64] = &[1, 3, 6, 1, 4, 1, 57264, 1, 7];
/// The critical extension by which a precertificate is none that anybody may use (RFC 6962, 3.1), whole.
const POISON: &[u8] = b"\x30\x13\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03\x01\x01\xff\x04\x02\x05\x00";
const SCT_LIST: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02";

/// A self-signed root for certificates or timestamps.
pub(crate) fn root(key: &SigningKey, organization: &str, common: &str, now: Timestamp) -> Result<Vec<u8>, KeyError> {
    let name = x509::name(organization, common);
    let what = Certified {
        purpose: Purpose::Root,
        subject: &name,
        spki: key.spki(),
        issuer: &name,
        from: now,
        lifetime: AUTHORITY_LIFETIME,
    };
    x509::certify(&what, key)
}

/// A certificate of a key and its common name below a root and its common name.
pub(crate) fn below(
    purpose: Purpose,
    organization: &str,
    (root, root_common): (&SigningKey, &str),
    (key, common): (&SigningKey, &str),
    now: Timestamp,
) -> Result<Vec<u8>, KeyError> {
    let what = Certified {
        purpose,
        subject: &x509::name(organization, common),
        spki: key.spki(),
        issuer: &x509::name(organization, root_common),
        from: now,
        lifetime: AUTHORITY_LIFETIME,
    };
    x509::certify(&what, root)
}

/// What is in a certificate of the authority that others need.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
}

impl Parts {
    pub(crate) fn of(certificate: &[u8]) -> Result<Self, der::DerError> {
        let mut reader = der::Reader::only(certificate, der::SEQUENCE)?;
        let mut fields = reader.enter(der::SEQUENCE)?;
        fields.element(0xa0)?;
        let serial = fields.element(der::INTEGER)?.whole.to_vec();
        fields.element(der::SEQUENCE)?;
        let issuer = fields.element(der::SEQUENCE)?.whole.to_vec();
        fields.element(der::SEQUENCE)?;
        let subject = fields.element(der::SEQUENCE)?.whole.to_vec();
        let spki = fields.element(der::SEQUENCE)?.whole.to_vec();
        Ok(Self { issuer, serial, subject, spki })
    }
}

/// The public key in a certificate, as DER of `SubjectPublicKeyInfo`.
///
/// # Errors
/// When the certificate's DER is wrong.
pub fn public_key_of(certificate: &[u8]) -> Result<Vec<u8>, der::DerError> {
    Ok(Parts::of(certificate)?.spki)
}

/// A certificate authority that is ready to sign.
#[derive(Debug)]
pub struct Ca {
    key: SigningKey,
    chain: Vec<Vec<u8>>,
    issuer: Vec<u8>,
    issuer_key_hash: [u8; 32],
    /// Key usage and extended key usage of every leaf.
    usage: Vec<u8>,
    authority: Vec<u8>,
}

/// A certificate before its log has seen it.
#[derive(Debug)]
pub struct Precertificate {
    /// What the log signs.
    pub entry: Entry,
    serial: Vec<u8>,
    validity: Vec<u8>,
    name: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<u8>,
}

impl Ca {
    /// An authority of its key and its chain: the certificate of this key first, the root last.
    ///
    /// # Errors
    /// When the first certificate is not of this key.
    pub fn new(key: SigningKey, chain: Vec<Vec<u8>>) -> Result<Self, KeyError> {
        let parts = Parts::of(chain.first().ok_or(KeyError::Absent)?)?;
        if parts.spki != key.spki() {
            return Err(KeyError::Weak("the authority's certificate is of another key"));
        }
        let identifier = x509::identifier_of(&parts.spki);
        Ok(Self {
            issuer: parts.subject,
            issuer_key_hash: sha256(&parts.spki),
            usage: [x509::key_usage(DIGITAL_SIGNATURE), x509::code_signing_usage()].concat(),
            authority: x509::authority_key_id(&identifier),
            key,
            chain,
        })
    }

    /// Its certificates, DER, the root last.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Everything of a certificate but its SCT and signature.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn precertificate(
        &self,
        principal: &Principal,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Precertificate, KeyError> {
        let until = now.saturating_add(CERTIFICATE_LIFETIME).unwrap_or(Timestamp::MAX);
        let validity = der::sequence(&[&der::time(now), &der::time(until)]);
        let identifier = x509::subject_key_id(&key_identifier(key.bits()));
        let extensions =
            [&self.usage[..], &identifier, &self.authority, &alternative(&principal.name), &principal.extensions.der()]
                .concat();
        let serial = x509::serial()?;
        let mut made = Precertificate {
            entry: Entry { issuer_key_hash: self.issuer_key_hash, tbs: Vec::new() },
            serial,
            validity,
            // Sigstore's certificates have no subject.
            name: der::sequence(&[]),
            spki: key.spki().to_vec(),
            extensions,
        };
        made.entry.tbs = self.tbs(&made, &[]);
        Ok(made)
    }

    fn tbs(&self, made: &Precertificate, last: &[u8]) -> Vec<u8> {
        let fields: [&[u8]; 6] =
            [&made.serial, self.key.algorithm(), &self.issuer, &made.validity, &made.name, &made.spki];
        x509::tbs(&fields, &[&made.extensions, last])
    }

    /// The precertificate as the log keeps it: signed, and poisoned.
    ///
    /// # Errors
    /// When the key can't sign.
    pub fn poisoned(&self, made: &Precertificate) -> Result<Vec<u8>, KeyError> {
        x509::signed(&self.tbs(made, POISON), &self.key)
    }

    /// The certificate, DER, with the log's SCT.
    ///
    /// # Errors
    /// When the key can't sign.
    pub fn certificate(&self, made: &Precertificate, sct: &[u8]) -> Result<Vec<u8>, KeyError> {
        let size = |bytes: &[u8]| (bytes.len() as u16).to_be_bytes();
        let one = [&size(sct)[..], sct].concat();
        let list = [&size(&one)[..], &one].concat();
        let extension = x509::extension(SCT_LIST, false, &der::tlv(der::OCTET_STRING, &list));
        x509::signed(&self.tbs(made, &extension), &self.key)
    }
}

/// The subject alternative name, critical because the subject is empty.
fn alternative(name: &SubjectName) -> Vec<u8> {
    let name = match name {
        SubjectName::Email(text) => der::tlv(0x81, text.as_bytes()),
        SubjectName::Uri(text) => der::tlv(0x86, text.as_bytes()),
        SubjectName::Other(text) => {
            let value = der::tlv(0xa0, &der::tlv(der::UTF8_STRING, text.as_bytes()));
            der::wrap(0xa0, &[&der::oid(OTHER_NAME), &value])
        }
    };
    x509::extension(SUBJECT_ALTERNATIVE_NAME, true, &der::sequence(&[&name]))
}
