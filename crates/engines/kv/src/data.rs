use logical::{Error, Map};

/// An object that [`logical::encode`] wrote. The message of a parser could quote the secret, so it is dropped.
pub(crate) fn decode(bytes: &[u8]) -> Result<Map, Error> {
    serde_json::from_slice(bytes).map_err(|_| Error::internal("a row's data is not what was written"))
}
