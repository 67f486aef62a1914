//! What certificates hold beside a name and a key.

use super::constraints::NameConstraints;
use crate::der::{self, BIT_STRING, BOOLEAN, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};

/// `id-kp-codeSigning`
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
/// `id-kp-timeStamping`
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
/// `anyExtendedKeyUsage`
pub(crate) const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The extension that holds the SCTs, `1.3.6.1.4.1.11129.2.4.2`.
pub(crate) const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
/// `1.3.6.1.4.1.57264.1`
const FULCIO: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01];
/// `id-ce`
const CE: &[u8] = &[0x55, 0x1d];

const UTF8_STRING: u8 = 0x0c;
const MAX_EXTENSIONS: usize = 128;
const MAX_NAMES: usize = 256;

/// A name in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// An email address.
    Email(String),
    /// A DNS name.
    Dns(String),
    /// A URI.
    Uri(String),
    /// Fulcio's user name, an otherName of type `1.3.6.1.4.1.57264.1.7`.
    UserName(String),
    /// Another kind of name, of this tag.
    Other(u8),
}

impl GeneralName {
    /// The name as text, that an identity is compared with.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            GeneralName::Email(text)
            | GeneralName::Dns(text)
            | GeneralName::Uri(text)
            | GeneralName::UserName(text) => Some(text),
            GeneralName::Other(_) => None,
        }
    }

    pub(super) fn read(element: der::Element<'_>) -> Result<GeneralName, DerError> {
        let text = || {
            let text = std::str::from_utf8(element.content).ok().filter(|text| text.is_ascii());
            text.map(str::to_owned).ok_or(DerError("a name that isn't ASCII"))
        };
        match element.tag {
            0x81 => Ok(GeneralName::Email(text()?)),
            0x82 => Ok(GeneralName::Dns(text()?)),
            0x86 => Ok(GeneralName::Uri(text()?)),
            0xa0 => {
                let mut other = Reader::new(element.content);
                let kind = other.expect(OID)?.content;
                let value = other.expect(0xa0)?.content;
                other.end()?;
                if kind.strip_prefix(FULCIO) != Some(&[7]) {
                    return Ok(GeneralName::Other(0xa0));
                }
                Ok(GeneralName::UserName(utf8(value)?))
            }
            tag => Ok(GeneralName::Other(tag)),
        }
    }
}

/// The extensions that matter here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u8>,
    pub(crate) key_usage: Option<u8>,
    pub(crate) usages: Vec<Vec<u8>>,
    pub(crate) usages_critical: bool,
    pub(crate) names: Vec<GeneralName>,
    pub(crate) constraints: Option<NameConstraints>,
    pub(crate) scts: Option<Vec<u8>>,
    /// The subject key identifier.
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) fulcio: Vec<(u8, String)>,
    /// A critical extension that isn't known: the certificate must not be used.
    pub(crate) unknown_critical: bool,
}

impl Extensions {
    /// May sign data, by its key usage.
    pub(crate) fn may_sign_data(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & 0x80 != 0)
    }

    /// May sign certificates, by its key usage.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & 0x04 != 0)
    }

    pub(crate) fn has_usage(&self, usage: &[u8]) -> bool {
        self.usages.iter().any(|found| found == usage)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Extensions, DerError> {
        let mut list = der::whole(bytes, SEQUENCE)?;
        let mut out = Extensions::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !list.is_empty() {
            let (oid, critical, value) = read_extension(list.inside(SEQUENCE)?)?;
            if seen.contains(&oid) {
                return Err(DerError("an extension is there twice"));
            }
            if seen.len() == MAX_EXTENSIONS {
                return Err(DerError("too many extensions"));
            }
            seen.push(oid);
            let known = out.take(oid, critical, value)?;
            out.unknown_critical |= critical && !known;
        }
        Ok(out)
    }

    /// Takes an extension; false if it isn't known.
    fn take(&mut self, oid: &[u8], critical: bool, value: &[u8]) -> Result<bool, DerError> {
        if let Some([number]) = oid.strip_prefix(CE) {
            return self.take_standard(*number, critical, value);
        }
        if let Some([number]) = oid.strip_prefix(FULCIO) {
            let text = if *number < 7 {
                std::str::from_utf8(value).map_err(|_| DerError("an extension that isn't UTF-8"))?.to_owned()
            } else {
                utf8(value)?
            };
            self.fulcio.push((*number, text));
            return Ok(true);
        }
        if oid == SCT_LIST {
            self.scts = Some(der::whole_content(value, OCTET_STRING)?.to_vec());
            return Ok(true);
        }
        Ok(false)
    }

    fn take_standard(&mut self, number: u8, critical: bool, value: &[u8]) -> Result<bool, DerError> {
        match number {
            14 => self.key_id = Some(der::whole_content(value, OCTET_STRING)?.to_vec()),
            // The issuer's key identifier is a hint; policies bind nobody here.
            35 | 32 => {}
            15 => {
                let bits = der::whole_content(value, BIT_STRING)?;
                self.key_usage = Some(bits.get(1).copied().unwrap_or(0));
            }
            17 => {
                let mut names = der::whole(value, SEQUENCE)?;
                while !names.is_empty() {
                    if self.names.len() == MAX_NAMES {
                        return Err(DerError("too many names"));
                    }
                    self.names.push(GeneralName::read(names.any()?)?);
                }
            }
            19 => {
                let mut basic = der::whole(value, SEQUENCE)?;
                if let Some(flag) = basic.optional(BOOLEAN)? {
                    self.is_ca = flag.content == [0xff];
                }
                if let Some(length) = basic.optional(INTEGER)? {
                    match length.content {
                        [length] if *length < 0x80 => self.path_length = Some(*length),
                        _ => return Err(DerError("an invalid path length")),
                    }
                }
                basic.end()?;
            }
            30 => self.constraints = Some(NameConstraints::read(value)?),
            37 => {
                let mut usages = der::whole(value, SEQUENCE)?;
                while !usages.is_empty() {
                    self.usages.push(usages.expect(OID)?.content.to_vec());
                }
                self.usages_critical = critical;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The content of one Extension: its OID, whether it is critical, its value.
pub(crate) fn read_extension(mut reader: Reader<'_>) -> Result<(&[u8], bool, &[u8]), DerError> {
    let oid = reader.expect(OID)?.content;
    let critical = match reader.optional(BOOLEAN)? {
        None => false,
        Some(flag) if flag.content == [0xff] => true,
        Some(_) => return Err(DerError("an invalid boolean")),
    };
    let value = reader.expect(OCTET_STRING)?.content;
    reader.end()?;
    Ok((oid, critical, value))
}

fn utf8(value: &[u8]) -> Result<String, DerError> {
    let content = der::whole_content(value, UTF8_STRING)?;
    let text = std::str::from_utf8(content).map_err(|_| DerError("text that isn't UTF-8"))?;
    Ok(text.to_owned())
}
