use asn1::{DerError, OID, Reader, SEQUENCE, UTF8_STRING, oid_of_text, oid_text, tlv, wrap};
use std::fmt;
use std::net::IpAddr;

/// A subject's alternative name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AltName {
    /// Of the DNS.
    Dns(String),
    /// An e-mail address.
    Email(String),
    /// An address.
    Ip(IpAddr),
    /// A URI.
    Uri(String),
    /// Another with its kind and a text.
    Other(String, String),
}

/// A name that can't be in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AltNameError(pub String);

impl fmt::Display for AltNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {:?} can't be in a certificate", self.0)
    }
}

impl std::error::Error for AltNameError {}

impl AltName {
    pub(crate) fn to_der(&self) -> Result<Vec<u8>, AltNameError> {
        let ascii = |tag, text: &String| {
            if text.is_ascii() { Ok(tlv(tag, text.as_bytes())) } else { Err(AltNameError(text.clone())) }
        };
        match self {
            Self::Email(text) => ascii(0x81, text),
            Self::Dns(text) => ascii(0x82, text),
            Self::Uri(text) => ascii(0x86, text),
            Self::Ip(IpAddr::V4(address)) => Ok(tlv(0x87, &address.octets())),
            Self::Ip(IpAddr::V6(address)) => Ok(tlv(0x87, &address.octets())),
            Self::Other(id, text) => {
                let id = oid_of_text(id).map_err(|_| AltNameError(id.clone()))?;
                Ok(wrap(0xa0, &[&id, &tlv(0xa0, &tlv(UTF8_STRING, text.as_bytes()))]))
            }
        }
    }

    /// Reads the value of the extension; kinds that are not here are left out.
    ///
    /// # Errors
    /// Where it is not what it should be.
    pub fn read(value: &[u8]) -> Result<Vec<Self>, DerError> {
        let mut reader = Reader::only(value, SEQUENCE)?;
        let mut names = Vec::new();
        while !reader.is_empty() {
            let name = reader.any()?;
            let text = || String::from_utf8(name.content.to_vec()).map_err(|_| DerError::Value);
            match name.tag {
                0x81 => names.push(Self::Email(text()?)),
                0x82 => names.push(Self::Dns(text()?)),
                0x86 => names.push(Self::Uri(text()?)),
                0x87 => {
                    let address = <[u8; 4]>::try_from(name.content).map(IpAddr::from);
                    let address = address.or_else(|_| <[u8; 16]>::try_from(name.content).map(IpAddr::from));
                    names.push(Self::Ip(address.map_err(|_| DerError::Value)?));
                }
                0xa0 => {
                    let mut fields = Reader::new(name.content);
                    let id = oid_text(fields.element(OID)?.content)?;
                    let value = fields.enter(0xa0)?.any()?;
                    if value.tag == UTF8_STRING {
                        let text = String::from_utf8(value.content.to_vec()).map_err(|_| DerError::Value)?;
                        names.push(Self::Other(id, text));
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }
}
