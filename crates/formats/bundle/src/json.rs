//! The mapping of protobuf to JSON: bytes are base64, 64-bit integers are strings, null is absent.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const LENIENT_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes base64 as the protobuf mapping asks: either alphabet, padded or not; line breaks are skipped.
pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    let text =
        if text.contains(['\n', '\r']) { Cow::Owned(text.replace(['\n', '\r'], "")) } else { Cow::Borrowed(text) };
    if text.contains(['-', '_']) { LENIENT_URL_SAFE.decode(&*text) } else { LENIENT_STANDARD.decode(&*text) }
}

/// Encodes as padded standard base64.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Null or absent is the default.
pub(crate) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A message: an object, and not its fields in a row, that serde takes for one too.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Object(PhantomData))
}

/// What is read as an object.
#[derive(Default)]
pub(crate) struct Message<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Message<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Message)
    }
}

/// A message that may be null or absent.
pub(crate) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Message<T>>::deserialize(deserializer)?.map(|message| message.0))
}

/// A message that is its default where it is null or absent.
pub(crate) fn message<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(optional(deserializer)?.unwrap_or_default())
}

/// A list of messages.
pub(crate) fn messages<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Option::<Vec<Message<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(list.into_iter().map(|message| message.0).collect())
}

/// A field of bytes.
pub(crate) mod bytes {
    use super::{decode_base64, encode_base64};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_base64(bytes))
    }

    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Option::<Text<'de>>::deserialize(deserializer)? {
            None => Ok(Vec::new()),
            Some(text) => decode_base64(&text.0).map_err(serde::de::Error::custom),
        }
    }
}

/// A repeated field of bytes.
pub(crate) mod bytes_list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Item(#[serde(with = "super::bytes")] Vec<u8>);

    pub(crate) fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| super::encode_base64(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let items: Vec<Item> = super::null_is_default(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}

/// A field of 64 bits: printed as text, read as text or a number.
pub(crate) mod int64 {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<'a> {
        Number(i64),
        Text(#[serde(borrow)] Cow<'a, str>),
    }

    pub(crate) fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        match Option::<Either<'de>>::deserialize(deserializer)? {
            None => Ok(0),
            Some(Either::Number(value)) => Ok(value),
            Some(Either::Text(text)) => text.parse().map_err(serde::de::Error::custom),
        }
    }

    pub(crate) fn is_zero(value: &i64) -> bool {
        *value == 0
    }
}

/// A message with the one field `$field` that holds bytes.
macro_rules! bytes_message {
    ($message:ident, $field:literal, $alias:literal) => {
        #[doc = concat!("A message with the field `", $field, "` alone.")]
        #[derive(Default, Serialize, Deserialize)]
        pub(crate) struct $message {
            #[serde(rename = $field, alias = $alias, default, with = "bytes")]
            pub(crate) bytes: Vec<u8>,
        }
    };
    ($message:ident, $field:literal, $alias:literal, $module:ident) => {
        bytes_message!($message, $field, $alias);

        #[doc = concat!("A message with the field `", $field, "` alone, held as its bytes.")]
        pub(crate) mod $module {
            use super::$message;
            use serde::{Deserializer, Serialize, Serializer};

            pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
                $message { bytes: bytes.to_vec() }.serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
                Ok(super::message::<_, $message>(deserializer)?.bytes)
            }
        }
    };
}

bytes_message!(KeyId, "keyId", "key_id", key_id);
bytes_message!(RawBytes, "rawBytes", "raw_bytes");
bytes_message!(SignedEntryTimestamp, "signedEntryTimestamp", "signed_entry_timestamp", signed_entry_timestamp);
bytes_message!(SignedTimestamp, "signedTimestamp", "signed_timestamp");

/// An `X509CertificateChain`, held as its certificates' DER.
pub(crate) mod certificates {
    use super::RawBytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Default, Serialize, Deserialize)]
    struct Chain {
        #[serde(default, deserialize_with = "super::messages")]
        certificates: Vec<RawBytes>,
    }

    pub(crate) fn serialize<S: Serializer>(chain: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        let certificates = chain.iter().map(|der| RawBytes { bytes: der.clone() }).collect();
        Chain { certificates }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let chain: Chain = super::message(deserializer)?;
        Ok(chain.certificates.into_iter().map(|message| message.bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_spelling() {
        for text in ["+/+/AQ==", "+/+/AQ", "-_-_AQ==", "-_-_AQ", "+/+/\nAQ==\r\n"] {
            assert_eq!(decode_base64(text).unwrap(), [0xfb, 0xff, 0xbf, 1], "{text:?}");
        }
        for text in ["+_", "A", "AR==", "A=A=", "AQ== "] {
            assert!(decode_base64(text).is_err(), "{text:?}");
        }
    }
}
