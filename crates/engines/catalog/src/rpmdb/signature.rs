//! Who signed a package: the head of an OpenPGP signature packet (RFC 4880, section 5.2).

use super::Order;
use crate::calendar::DateTime;
use serde::{Deserialize, Serialize};

/// A signature's own words about itself. Nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    /// For example `RSA`.
    pub(crate) algo: String,
    /// For example `SHA256`.
    pub(crate) hash: String,
    /// As `Mon May 16 12:32:55 2022`, UTC.
    pub(crate) created: String,
    /// The key's identifier, 16 hexadecimal digits.
    pub(crate) issuer: String,
}

const ORDER: Order = Order::Big;

/// Kinds of subpackets.
const CREATION_TIME: u8 = 2;
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

impl Signature {
    /// Reads a packet. None where it is none, or its algorithms are others than the peer knows (RSA with SHA-1 or
    /// SHA-256).
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let (version, body) = body(packet)?.split_first()?;
        let (key_algorithm, hash_algorithm, created, issuer) = match *version {
            3 => (*body.get(14)?, *body.get(15)?, i64::from(ORDER.u32(body, 2)?), *body.get(6..)?.first_chunk()?),
            4 => version_4(body)?,
            _ => return None,
        };
        let hash = match hash_algorithm {
            2 => "SHA1",
            8 => "SHA256",
            _ => return None,
        };
        (key_algorithm == 1).then(|| Self {
            algo: "RSA".to_owned(),
            hash: hash.to_owned(),
            created: DateTime::from_unix(created).asctime(),
            issuer: issuer.iter().map(|byte: &u8| format!("{byte:02x}")).collect(),
        })
    }
}

/// Takes off the packet's head: a tag of the old or the new form and the length.
fn body(packet: &[u8]) -> Option<&[u8]> {
    let (tag, rest) = packet.split_first().filter(|(tag, _)| **tag & 0x80 != 0)?;
    let skipped = if tag & 0x40 == 0 {
        [1, 2, 4, 0].get(usize::from(tag & 3)).copied()?
    } else {
        match rest.first()? {
            192..=223 => 2,
            255 => 5,
            _ => 1,
        }
    };
    rest.get(skipped..)
}

/// Public key and hash algorithm, time, key identifier.
fn version_4(body: &[u8]) -> Option<(u8, u8, i64, [u8; 8])> {
    let (mut created, mut issuer) = (0, [0; 8]);
    let mut rest = body.get(3..)?;
    for _ in ["hashed", "unhashed"] {
        let length = usize::from(ORDER.u16(rest, 0)?);
        let (area, after) = rest.get(2..)?.split_at_checked(length)?;
        subpackets(area, &mut created, &mut issuer);
        rest = after;
    }
    Some((*body.get(1)?, *body.get(2)?, created, issuer))
}

/// Reads what matters from one area; an explicit key identifier wins over a fingerprint beside it.
fn subpackets(mut area: &[u8], created: &mut i64, issuer: &mut [u8; 8]) {
    let mut is_explicit = false;
    while let Some((kind, body)) = subpacket(&mut area) {
        match kind {
            CREATION_TIME => *created = ORDER.u32(body, 0).map_or(*created, i64::from),
            ISSUER => {
                if let Some(id) = body.first_chunk() {
                    *issuer = *id;
                    is_explicit = true;
                }
            }
            ISSUER_FINGERPRINT if !is_explicit && body.len() > 8 => {
                *issuer = body.last_chunk().copied().unwrap_or_default();
            }
            _ => {}
        }
    }
}

fn subpacket<'a>(area: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (first, rest) = area.split_first()?;
    let (length, rest) = match *first {
        short @ 0..192 => (usize::from(short), rest),
        255 => (usize::try_from(ORDER.u32(rest, 0)?).ok()?, rest.get(4..)?),
        long => ((usize::from(long) - 192) << 8 | usize::from(*rest.first()?), rest.get(1..)?),
    };
    let length = if (192..255).contains(first) { length + 192 } else { length };
    let (subpacket, rest) = rest.split_at_checked(length)?;
    *area = rest;
    subpacket.split_first().map(|(kind, body)| (kind & 0x7f, body))
}

#[cfg(test)]
mod tests {
    use super::Signature;
    use proptest::prelude::*;

    fn check(packet: &[u8], expected: Option<[&str; 4]>) {
        let found = Signature::parse(packet);
        let found = found.as_ref().map(|s| [&s.algo, &s.hash, &s.created, &s.issuer].map(String::as_str));
        assert_eq!(found, expected, "{packet:02x?}");
    }

    #[test]
    fn packets() {
        let version_3 = [3, 5, 0, 0x62, 0x82, 0x44, 0x77, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 0xaa];
        let old_form = [&[0x89, 0, 18][..], &version_3].concat();
        check(&old_form, Some(["RSA", "SHA1", "Mon May 16 12:32:55 2022", "0102030405060708"]));
        let mut version_4 = vec![0xc2, 40, 4, 0, 1, 8, 0, 6, 5, 2, 0x62, 0x82, 0x44, 0x77, 0, 10, 9, 16];
        version_4.extend([9, 8, 7, 6, 5, 4, 3, 2, 0, 0]);
        check(&version_4, Some(["RSA", "SHA256", "Mon May 16 12:32:55 2022", "0908070605040302"]));
        version_4[5] = 10;
        check(&version_4, None);
        check(&[], None);
        check(&[0x12, 0, 0], None);
    }

    proptest! {
        #[test]
        fn never_panics(mut packet in proptest::collection::vec(any::<u8>(), 0..80), version in 3_u8..5) {
            Signature::parse(&packet);
            packet.splice(0..0, [0xc2, 1, version]);
            Signature::parse(&packet);
        }
    }
}
