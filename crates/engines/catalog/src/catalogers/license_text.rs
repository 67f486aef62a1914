//! Licences by their texts.

/// The SPDX identifiers of the licences whose texts make up at least three quarters of `text`.
pub(crate) fn identify(_text: &[u8]) -> Vec<&'static str> {
    Vec::new()
}
