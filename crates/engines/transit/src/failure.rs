use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use logical::Error;
use zeroize::Zeroizing;

/// Why an operation with a key failed: in a batch that is told for each item, and decides the status of all.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request can't be served as it is: 400.
    User(String),
    /// It could be, and was not: 500.
    Internal(String),
}

impl Failure {
    pub(crate) fn user(text: impl Into<String>) -> Self {
        Self::User(text.into())
    }

    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::Internal(text.into())
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::User(text) | Self::Internal(text) => text,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::User(text) => Self::invalid(text),
            Failure::Internal(text) => failed(text),
        }
    }
}

/// The peer answers most refusals that it did not foresee with 500 and its reason.
pub(crate) fn failed(text: impl AsRef<str>) -> Error {
    Error::Status(500, format!("1 error occurred:\n\t* {}\n\n", text.as_ref()))
}

/// Go's `base64.StdEncoding`, which doesn't mind bits that are left over, nor line breaks.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Decodes base64; the error is Go's text.
pub(crate) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let joined: Zeroizing<String>;
    let text = if text.bytes().any(|byte| matches!(byte, b'\r' | b'\n')) {
        joined = Zeroizing::new(text.replace(['\r', '\n'], ""));
        joined.as_str()
    } else {
        text
    };
    BASE64.decode(text).map(Zeroizing::new).map_err(|error| {
        let place = match error {
            base64::DecodeError::InvalidByte(place, _) | base64::DecodeError::InvalidLastSymbol(place, _) => place,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len(),
        };
        format!("illegal base64 data at input byte {place}")
    })
}

/// Encodes as base64 with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
