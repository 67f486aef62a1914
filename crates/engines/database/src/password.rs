use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A password in a row. It is wiped when dropped, and has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) Zeroizing<String>);

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// A text in which each secret is struck out, also as URLs carry it.
pub(crate) fn strike_out(text: &str, secrets: &[&str]) -> String {
    secrets.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), |text, secret| {
        let escaped = Zeroizing::new(crate::settings::percent_encoded(secret));
        text.replace(*secret, "[password]").replace(escaped.as_str(), "[password]")
    })
}
