use aws_lc_rs::{hmac, rand};
use data_encoding::{BASE32, BASE32_NOPAD};
use logical::Error;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize, Zeroizing};

/// The longest secret in base32 that is taken.
const MAX_SECRET: usize = 4096;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &QUERY
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// The hash function of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    #[serde(rename = "SHA1")]
    Sha1,
    #[serde(rename = "SHA256")]
    Sha256,
    #[serde(rename = "SHA512")]
    Sha512,
}

impl Algorithm {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "SHA1" => Some(Self::Sha1),
            "SHA256" => Some(Self::Sha256),
            "SHA512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// A key, as its row has it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    /// In base32.
    pub(crate) secret: String,
    pub(crate) issuer: String,
    pub(crate) account_name: String,
    pub(crate) period_seconds: u64,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: u32,
    /// How many periods before and after now are accepted.
    pub(crate) skew: u64,
    /// Periods whose code was accepted, as long as they could be again.
    #[serde(default)]
    pub(crate) used: Vec<u64>,
}

impl Drop for Key {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Key {
    /// The code of a period.
    pub(crate) fn code(&self, period: u64) -> Result<Zeroizing<String>, Error> {
        let secret = decode(&self.secret)?;
        let algorithm = match self.algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), &period.to_be_bytes());
        let tag = tag.as_ref();
        // RFC 4226, section 5.3.
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
        let window = tag.get(offset..offset + 4).unwrap_or_default();
        let number = window.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        let digits = self.digits as usize;
        Ok(Zeroizing::new(format!("{:0digits$}", number % 10u32.pow(self.digits))))
    }

    /// The address that an authenticator app reads.
    pub(crate) fn url(&self) -> Zeroizing<String> {
        let query = |text: &str| utf8_percent_encode(text, QUERY).to_string();
        let path = |text: &str| utf8_percent_encode(text, PATH).to_string();
        Zeroizing::new(format!(
            "otpauth://totp/{}:{}?algorithm={}&digits={}&issuer={}&period={}&secret={}",
            path(&self.issuer),
            path(&self.account_name),
            self.algorithm.name(),
            self.digits,
            query(&self.issuer),
            self.period_seconds,
            query(&self.secret),
        ))
    }
}

/// A new secret of so many bytes, in base32.
pub(crate) fn generate(size: usize) -> Result<Zeroizing<String>, Error> {
    let mut secret = Zeroizing::new(vec![0; size]);
    rand::fill(&mut secret).map_err(|_| Error::internal("no randomness"))?;
    Ok(Zeroizing::new(BASE32_NOPAD.encode(&secret)))
}

/// Bytes of a secret in base32, with or without padding, in any case.
pub(crate) fn decode(secret: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    if secret.len() > MAX_SECRET {
        return Err(Error::invalid("invalid key value: it is too long"));
    }
    let mut padded = Zeroizing::new(secret.to_uppercase());
    while !padded.len().is_multiple_of(8) {
        padded.push('=');
    }
    BASE32.decode(padded.as_bytes()).map(Zeroizing::new).map_err(|error| {
        let letter = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
        let place = padded.bytes().position(|byte| !letter(byte)).unwrap_or(error.position);
        Error::invalid(format!("invalid key value: illegal base32 data at input byte {place}"))
    })
}

/// What an address of an authenticator app says; empty where it says nothing.
#[derive(Default)]
pub(crate) struct Import {
    pub(crate) secret: Zeroizing<String>,
    pub(crate) issuer: String,
    pub(crate) account_name: String,
    pub(crate) period: Option<i64>,
    pub(crate) digits: Option<i64>,
    pub(crate) algorithm: Option<String>,
}

impl Import {
    pub(crate) fn parse(address: &str) -> Result<Self, Error> {
        let url = Url::parse(address).map_err(|_| Error::invalid("an error occurred while parsing url string"))?;
        let path = percent_decode_str(url.path()).decode_utf8_lossy();
        let label = path.strip_prefix('/').unwrap_or(&path);
        let (issuer, account_name) = label.split_once(':').unwrap_or(("", label));
        let mut import = Self { issuer: issuer.to_owned(), account_name: account_name.to_owned(), ..Self::default() };
        let number = |name: &str, value: &str| {
            let wrong = |_| Error::invalid(format!("an error occurred while parsing {name} value in url"));
            value.parse::<i64>().map(Some).map_err(wrong)
        };
        for (name, value) in url.query_pairs().filter(|(_, value)| !value.is_empty()) {
            match name.as_ref() {
                "issuer" => import.issuer = value.into_owned(),
                "secret" => import.secret = Zeroizing::new(value.into_owned()),
                "period" => import.period = number("period", &value)?,
                "digits" => import.digits = number("digits", &value)?,
                "algorithm" => import.algorithm = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(import)
    }
}
