//! Blocks of addresses.

use logical::{Connection, Error, Network};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A block of addresses, with the text that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cidr {
    text: String,
    network: Network,
}

/// A text that is no block of addresses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CidrError {
    #[error("error parsing address {0:?}: Unable to convert {0:?} to an IPv4 or IPv6 address")]
    Address(String),
    #[error("failed to validate CIDR blocks: invalid CIDR address: {0}")]
    Block(String),
}

impl From<CidrError> for Error {
    fn from(error: CidrError) -> Self {
        Error::invalid(error.to_string())
    }
}

impl Cidr {
    /// An address or a block. One address alone is shown without its `/32`.
    pub(crate) fn parse(text: &str) -> Result<Self, CidrError> {
        let text = text.trim();
        let mut read = Self::read(text).ok_or_else(|| CidrError::Address(text.to_owned()))?;
        if let Some((address, bits)) = text.split_once('/')
            && bits == if address.contains(':') { "128" } else { "32" }
        {
            address.clone_into(&mut read.text);
        }
        Ok(read)
    }

    /// A block with its length, shown as it was given.
    pub(crate) fn block(text: &str) -> Result<Self, CidrError> {
        let read = text.contains('/').then(|| Self::read(text)).flatten();
        read.ok_or_else(|| CidrError::Block(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }).parse(),
            Err(_) => text.parse(),
        };
        Some(Self { text: text.to_owned(), network: network.ok()? })
    }

    /// Whether each of `inner` is within one of `outer`. Nothing in one of them is no bound.
    pub(crate) fn within(inner: &[Self], outer: &[Self]) -> bool {
        outer.is_empty() || inner.iter().all(|inner| outer.iter().any(|outer| outer.network.covers(&inner.network)))
    }

    /// Whether a connection comes from one of these, where there are any. An unknown address comes from none.
    pub(crate) fn admit(blocks: &[Self], connection: &Connection) -> bool {
        blocks.is_empty()
            || connection.address.is_some_and(|from| blocks.iter().any(|block| block.network.contains(from)))
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        Self::read(&text).ok_or(CidrError::Address(text))
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.text
    }
}

/// Reads all of a list.
pub(crate) fn parse_all(
    texts: &[String],
    parse: impl Fn(&str) -> Result<Cidr, CidrError>,
) -> Result<Vec<Cidr>, CidrError> {
    texts.iter().map(|text| parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_their_addresses_and_no_other() {
        for (block, address, inside) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3/16", "10.1.255.255", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("fd00::/8", "fd12::1", true),
        ] {
            assert_eq!(
                Cidr::parse(block).unwrap().network.contains(address.parse().unwrap()),
                inside,
                "{block} {address}"
            );
        }
        for text in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "010.0.0.1/8", "::/129", "10.0.0.0/8/8"] {
            assert!(Cidr::parse(text).is_err() && Cidr::block(text).is_err(), "{text}");
        }
        assert!(Cidr::block("10.0.0.1").is_err());
        assert_eq!(Cidr::parse("10.0.0.1/32").unwrap().to_string(), "10.0.0.1");
        assert_eq!(Cidr::block("10.0.0.1/32").unwrap().to_string(), "10.0.0.1/32");
        assert!(!Cidr::admit(&[Cidr::parse("0.0.0.0/0").unwrap()], &Connection::default()));
    }

    #[test]
    fn a_block_is_within_another_only_as_a_whole() {
        let all = |texts: &[&str]| texts.iter().map(|text| Cidr::parse(text).unwrap()).collect::<Vec<_>>();
        assert!(Cidr::within(&all(&["10.1.0.0/16", "10.2.3.4"]), &all(&["10.0.0.0/8"])));
        assert!(!Cidr::within(&all(&["10.0.0.0/8"]), &all(&["10.1.0.0/16"])));
        assert!(!Cidr::within(&all(&["10.1.0.0/16", "11.0.0.0/16"]), &all(&["10.0.0.0/8"])));
        assert!(Cidr::within(&all(&["10.0.0.0/8"]), &[]));
    }
}
