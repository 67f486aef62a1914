//! Certificates for tests, made as asked for, right or wrong.

use super::extensions::{CODE_SIGNING, SCT_LIST};
use crate::der::{self, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, SET};
use crate::private_key::{PrivateKey, Signer as _};
use crate::public_key::KeyKind;

const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A certificate to be signed.
pub(crate) struct Draft {
    pub(crate) subject: &'static str,
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) key: PrivateKey,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Draft {
    pub(crate) fn new(subject: &'static str) -> Draft {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        Draft { subject, not_before: "250101000000Z", not_after: "350101000000Z", key, extensions: vec![] }
    }

    /// An authority, with the length of its path.
    pub(crate) fn authority(subject: &'static str, path_length: Option<u8>) -> Draft {
        let flag = der::element(BOOLEAN, &[&[0xff]]);
        let length = path_length.map(|length| der::element(INTEGER, &[&[length]])).unwrap_or_default();
        let basic = der::element(SEQUENCE, &[&flag, &length]);
        Draft::new(subject).extension(&[0x55, 0x1d, 19], true, &basic).usage_bits(0x06)
    }

    /// A signer as Fulcio makes one, for an address.
    pub(crate) fn leaf(email: &str) -> Draft {
        Draft::new("leaf").usage_bits(0x80).usages(&[CODE_SIGNING], false).email(email)
    }

    pub(crate) fn extension(mut self, oid: &[u8], critical: bool, value: &[u8]) -> Draft {
        let flag = if critical { der::element(BOOLEAN, &[&[0xff]]) } else { Vec::new() };
        let parts = [der::element(OID, &[oid]), flag, der::element(OCTET_STRING, &[value])];
        self.extensions.push(der::element(SEQUENCE, &parts.each_ref().map(Vec::as_slice)));
        self
    }

    pub(crate) fn usage_bits(self, bits: u8) -> Draft {
        let unused = u8::try_from(bits.trailing_zeros()).unwrap();
        self.extension(&[0x55, 0x1d, 15], true, &der::element(BIT_STRING, &[&[unused, bits]]))
    }

    pub(crate) fn usages(self, usages: &[&[u8]], critical: bool) -> Draft {
        let usages: Vec<Vec<u8>> = usages.iter().map(|usage| der::element(OID, &[usage])).collect();
        let list = der::element(SEQUENCE, &usages.iter().map(Vec::as_slice).collect::<Vec<_>>());
        self.extension(&[0x55, 0x1d, 37], critical, &list)
    }

    pub(crate) fn email(self, email: &str) -> Draft {
        let name = der::element(0x81, &[email.as_bytes()]);
        self.extension(&[0x55, 0x1d, 17], true, &der::element(SEQUENCE, &[&name]))
    }

    /// Permits only the addresses of a host.
    pub(crate) fn permit_emails_of(self, host: &str) -> Draft {
        let subtree = der::element(SEQUENCE, &[&der::element(0x81, &[host.as_bytes()])]);
        let permitted = der::element(0xa0, &[&subtree]);
        self.extension(&[0x55, 0x1d, 30], true, &der::element(SEQUENCE, &[&permitted]))
    }

    pub(crate) fn scts(self, list: &[u8]) -> Draft {
        self.extension(SCT_LIST, false, &der::element(OCTET_STRING, &[list]))
    }

    pub(crate) fn valid(mut self, not_before: &'static str, not_after: &'static str) -> Draft {
        (self.not_before, self.not_after) = (not_before, not_after);
        self
    }

    pub(crate) fn self_signed(&self) -> Vec<u8> {
        self.signed_by(self)
    }

    pub(crate) fn signed_by(&self, issuer: &Draft) -> Vec<u8> {
        let tbs = self.tbs(issuer);
        let bits = der::element(BIT_STRING, &[&[0], &issuer.key.sign(&tbs).unwrap()]);
        der::element(SEQUENCE, &[&tbs, &algorithm(), &bits])
    }

    pub(crate) fn tbs(&self, issuer: &Draft) -> Vec<u8> {
        let version = der::element(0xa0, &[&der::element(INTEGER, &[&[2]])]);
        let time = |text: &str| der::element(0x17, &[text.as_bytes()]);
        let validity = der::element(SEQUENCE, &[&time(self.not_before), &time(self.not_after)]);
        let list = der::element(SEQUENCE, &self.extensions.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let parts = [
            version,
            der::element(INTEGER, &[&[7]]),
            algorithm(),
            name(issuer.subject),
            validity,
            name(self.subject),
            self.key.public_key().to_spki().to_vec(),
            der::element(0xa3, &[&list]),
        ];
        der::element(SEQUENCE, &parts.each_ref().map(Vec::as_slice))
    }
}

fn algorithm() -> Vec<u8> {
    der::element(SEQUENCE, &[&der::element(OID, &[ECDSA_SHA256])])
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = [der::element(OID, &[&[0x55, 0x04, 0x03]]), der::element(0x0c, &[common_name.as_bytes()])];
    let attribute = der::element(SEQUENCE, &attribute.each_ref().map(Vec::as_slice));
    der::element(SEQUENCE, &[&der::element(SET, &[&attribute])])
}
