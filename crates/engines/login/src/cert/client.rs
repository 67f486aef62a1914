//! A client's certificate, as far as roles ask about it.

use crate::random::hex;
use asn1::{IA5_STRING, OCTET_STRING, PRINTABLE_STRING, Reader, SEQUENCE, UTF8_STRING};
use certificates::{AltName, Certificate, ParseError, Subject, extension};
use std::collections::BTreeMap;

/// The longest serial number that is shown.
const MAX_SERIAL_BYTES: usize = 64;

/// A certificate of a client, with its names.
pub(super) struct Client {
    pub(super) certificate: Certificate,
    pub(super) subject: Subject,
    pub(super) names: Vec<AltName>,
}

impl Client {
    pub(super) fn read(der: &[u8]) -> Result<Self, ParseError> {
        let certificate = Certificate::from_der(der)?;
        let (subject, names) = (certificate.subject_name()?, certificate.alternative_names()?);
        Ok(Self { certificate, subject, names })
    }

    /// An extension's value as text; empty where it is there and no text.
    pub(super) fn extension(&self, id: &str) -> Option<String> {
        let text = |value: &[u8]| {
            let mut reader = Reader::new(value);
            let element = reader.any().ok().filter(|_| reader.is_empty())?;
            let known = [UTF8_STRING, PRINTABLE_STRING, IA5_STRING].contains(&element.tag);
            known.then(|| String::from_utf8(element.content.to_vec()).ok()).flatten()
        };
        self.certificate.extension(id).map(|value| text(value).unwrap_or_default())
    }

    /// Metadata of a login, with extensions that a role wants there too.
    pub(super) fn metadata(&self, name: &str, extensions: &[String]) -> BTreeMap<String, String> {
        let value = |id| self.certificate.extension(id);
        let subject_key = value(extension::SUBJECT_KEY_ID)
            .and_then(|value| Some(Reader::new(value).element(OCTET_STRING).ok()?.content));
        let authority_key = value(extension::AUTHORITY_KEY_ID)
            .and_then(|value| Some(Reader::only(value, SEQUENCE).ok()?.element(0x80).ok()?.content));
        let mut metadata = BTreeMap::from([
            ("cert_name".to_owned(), name.to_owned()),
            ("common_name".to_owned(), self.subject.common_name.clone()),
            ("serial_number".to_owned(), decimal(self.certificate.serial())),
            ("subject_key_id".to_owned(), colons(subject_key.unwrap_or_default())),
            ("authority_key_id".to_owned(), colons(authority_key.unwrap_or_default())),
        ]);
        for id in extensions {
            if let Some(text) = self.extension(id) {
                metadata.insert(id.replace('.', "-"), text);
            }
        }
        metadata
    }
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| hex(&[*byte])).collect::<Vec<_>>().join(":")
}

/// A number of many bytes in decimal.
pub(super) fn decimal(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = vec![0];
    for byte in bytes.iter().take(MAX_SERIAL_BYTES) {
        let mut carry = u16::from(*byte);
        for digit in &mut digits {
            let value = u16::from(*digit) * 256 + carry;
            *digit = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}
