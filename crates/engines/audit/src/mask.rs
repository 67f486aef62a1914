use crate::entry::RawBody;
use crate::salt::Salt;
use jiff::Timestamp;
use logical::Map;
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value as Json;

/// Data whose strings are hashed while it is written. Without a salt they are written as they are.
#[derive(Clone, Copy)]
pub(crate) struct Masked<'a> {
    pub(crate) data: Option<&'a Map>,
    pub(crate) raw: Option<RawBody<'a>>,
    pub(crate) salt: Option<&'a Salt>,
    pub(crate) readable_keys: &'a [String],
    /// Whether `keys` and `key_info` are written as numbers.
    pub(crate) elide: bool,
}

impl Masked<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_none_or(Map::is_empty) && self.raw.is_none()
    }
}

impl Serialize for Masked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.data.into_iter().flatten() {
            let count = match (key.as_str(), value) {
                ("keys", Json::Array(keys)) if self.elide => Some(keys.len()),
                ("key_info", Json::Object(infos)) if self.elide => Some(infos.len()),
                _ => None,
            };
            match count {
                Some(count) => map.serialize_entry(key, &count)?,
                None => map.serialize_entry(key, &self.value(key, value))?,
            }
        }
        if let Some(raw) = self.raw {
            map.serialize_entry("http_content_type", &self.value("http_content_type", &Json::from(raw.content_type)))?;
            let is_readable = self.readable_keys.iter().any(|readable| readable == "http_raw_body");
            match self.salt.filter(|_| !is_readable) {
                Some(salt) => map.serialize_entry("http_raw_body", &salt.hash(raw.body))?,
                None => map.serialize_entry("http_raw_body", &String::from_utf8_lossy(raw.body))?,
            }
            map.serialize_entry("http_status_code", &raw.status)?;
        }
        map.end()
    }
}

impl<'a> Masked<'a> {
    fn value<'b>(&self, key: &str, value: &'b Json) -> MaskedValue<'b>
    where
        'a: 'b,
    {
        let is_readable = self.readable_keys.iter().any(|readable| readable == key);
        MaskedValue { value, salt: self.salt, readable_keys: self.readable_keys, is_readable }
    }
}

/// A value under a key. Lists have the key of what they are under.
struct MaskedValue<'a> {
    value: &'a Json,
    salt: Option<&'a Salt>,
    readable_keys: &'a [String],
    is_readable: bool,
}

impl Serialize for MaskedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.salt) {
            (Json::String(text), Some(salt)) if !self.is_readable && !is_time(text) => {
                serializer.serialize_str(&salt.hash(text))
            }
            (Json::Array(values), Some(_)) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&MaskedValue { value, ..*self })?;
                }
                list.end()
            }
            (Json::Object(map), Some(_)) => {
                Masked { data: Some(map), raw: None, salt: self.salt, readable_keys: self.readable_keys, elide: false }
                    .serialize(serializer)
            }
            (value, _) => value.serialize(serializer),
        }
    }
}

/// A time as in RFC 3339 and nothing else stays readable, as with the peer.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is = |at: usize, wanted: u8| bytes.get(at) == Some(&wanted);
    let is_shaped = (20..=35).contains(&bytes.len()) && is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':');
    is_shaped
        && bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b':' | b'.' | b'T' | b'Z'))
        && text.parse::<Timestamp>().is_ok()
}
