//! OpenSSH's files of private keys without a passphrase (`PROTOCOL.key`).

use crate::wire::{Writer, take};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use certificates::{KeyType, PrivateKey, pem};
use zeroize::Zeroizing;

const LABEL: &str = "OPENSSH PRIVATE KEY";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// PKCS#8 of Ed25519 up to the key itself (RFC 8410, 7).
const ED25519_PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Reads a private key in any of the forms in PEM.
pub(crate) fn parse(text: &str) -> Option<PrivateKey> {
    let blocks = pem::parse(text.as_bytes()).ok()?;
    match blocks.iter().find(|block| block.label == LABEL) {
        Some(block) => openssh(&block.content),
        None => PrivateKey::from_pem(text).ok(),
    }
}

fn openssh(content: &[u8]) -> Option<PrivateKey> {
    let mut rest = content.strip_prefix(MAGIC)?;
    let (cipher, kdf) = (take(&mut rest)?, take(&mut rest)?);
    take(&mut rest)?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    if (cipher, kdf, count) != (b"none", b"none", &[0, 0, 0, 1]) {
        return None;
    }
    take(&mut rest)?;
    let mut inner = take(&mut rest)?.get(8..)?;
    match take(&mut inner)? {
        b"ssh-ed25519" => {
            take(&mut inner)?;
            let seed = take(&mut inner)?.get(..32)?;
            PrivateKey::from_der(&Zeroizing::new([ED25519_PREFIX, seed].concat())).ok()
        }
        b"ssh-rsa" => rsa(&mut inner),
        kind if kind.starts_with(b"ecdsa-sha2-") => {
            // SEC 1 has the number in as many bytes as the curve.
            let (curve, size): (&[u64], usize) = match take(&mut inner)? {
                b"nistp256" => (&[1, 2, 840, 10045, 3, 1, 7], 32),
                b"nistp384" => (&[1, 3, 132, 0, 34], 48),
                b"nistp521" => (&[1, 3, 132, 0, 35], 66),
                _ => return None,
            };
            let point = take(&mut inner)?;
            let secret = take(&mut inner)?;
            let digits = secret.get(secret.iter().take_while(|byte| **byte == 0).count()..)?;
            let mut padded = Zeroizing::new(vec![0; size.checked_sub(digits.len())?]);
            padded.extend_from_slice(digits);
            let parts = [
                asn1::integer(&[1]),
                asn1::tlv(asn1::OCTET_STRING, &padded),
                asn1::tlv(0xa0, &asn1::oid(curve)),
                asn1::tlv(0xa1, &asn1::bit_string(point)),
            ];
            PrivateKey::from_der(&Zeroizing::new(asn1::sequence(&[&parts.concat()]))).ok()
        }
        _ => None,
    }
}

/// PKCS#1 wants the exponents of both primes, which OpenSSH leaves out.
fn rsa(inner: &mut &[u8]) -> Option<PrivateKey> {
    let (modulus, public, private) = (take(inner)?, take(inner)?, take(inner)?);
    let (coefficient, first, second) = (take(inner)?, take(inner)?, take(inner)?);
    let numbers = [modulus, public, private, coefficient, first, second];
    if numbers.iter().any(|number| number.len() > 1025) {
        return None;
    }
    let (one, two) = (remainder(private, &less_one(first)?)?, remainder(private, &less_one(second)?)?);
    let parts: Vec<Vec<u8>> = [&[0][..], modulus, public, private, first, second, &one, &two, coefficient]
        .iter()
        .map(|number| asn1::integer(number))
        .collect();
    PrivateKey::from_der(&Zeroizing::new(asn1::sequence(&[&Zeroizing::new(parts.concat())]))).ok()
}

/// An odd number less one.
fn less_one(number: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(number.to_vec());
    let last = out.last_mut().filter(|byte| **byte & 1 == 1)?;
    *last &= 0xfe;
    Some(out)
}

/// What is left of a division, bit by bit: this is done once, when a key is imported.
fn remainder(value: &[u8], divisor: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let size = divisor.len() + 1;
    let mut wide = Zeroizing::new(vec![0; 1]);
    wide.extend_from_slice(divisor);
    if wide.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut left = Zeroizing::new(vec![0u8; size]);
    for byte in value {
        for bit in (0..8).rev() {
            let mut carry = byte >> bit & 1;
            for digit in left.iter_mut().rev() {
                (*digit, carry) = (*digit << 1 | carry, *digit >> 7);
            }
            if *left >= *wide {
                let mut borrow = false;
                for (digit, other) in left.iter_mut().rev().zip(wide.iter().rev()) {
                    let (first, under) = digit.overflowing_sub(*other);
                    let (second, under_again) = first.overflowing_sub(u8::from(borrow));
                    *digit = second;
                    borrow = under || under_again;
                }
            }
        }
    }
    Some(left)
}

/// A new key's file: OpenSSH's own form for Ed25519, the older forms for the others.
pub(crate) fn to_file(key: &PrivateKey) -> Result<Zeroizing<String>, &'static str> {
    let failed = |_| "the key could not be written";
    if key.public().kind() != KeyType::Ed25519 {
        return key.to_pem().map_err(failed);
    }
    let seed = key.seed().ok_or("the key could not be written")?;
    let public = crate::wire::PublicKey::of(key.public())?;
    let mut check = [0; 4];
    SystemRandom::new().fill(&mut check).map_err(|_| "no randomness")?;
    let mut inner = Writer(Vec::with_capacity(256));
    inner.u32(u32::from_be_bytes(check)).u32(u32::from_be_bytes(check));
    inner.string(b"ssh-ed25519").string(key.public().raw());
    inner.string(&Zeroizing::new([&seed[..], key.public().raw()].concat())).string(b"");
    let mut pad = 1;
    while !inner.0.len().is_multiple_of(8) {
        inner.0.push(pad);
        pad += 1;
    }
    let inner = Zeroizing::new(inner.0);
    let mut out = Writer(Vec::with_capacity(512));
    out.0.extend_from_slice(MAGIC);
    out.string(b"none").string(b"none").string(b"").u32(1).string(&public.blob).string(&inner);
    Ok(pem::encode(LABEL, &Zeroizing::new(out.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_cut_or_bent_are_refused_without_harm() {
        let key = PrivateKey::generate(KeyType::Ed25519, 0).unwrap();
        let file = to_file(&key).unwrap();
        assert_eq!(parse(&file).unwrap().public(), key.public());
        let content = pem::parse(file.as_bytes()).unwrap().remove(0).content;
        for length in 0..content.len() - 16 {
            assert!(openssh(&content[..length]).is_none(), "{length}");
        }
        let ec = |point: &[u8], secret: &[u8]| {
            let mut inner = Writer(vec![0; 8]);
            inner.string(b"ecdsa-sha2-nistp256").string(b"nistp256").string(point).string(secret);
            let mut out = Writer(MAGIC.to_vec());
            out.string(b"none").string(b"none").string(b"").u32(1).string(b"").string(&inner.0);
            openssh(&out.0)
        };
        for (point, secret) in [(&[][..], &[][..]), (&[4; 65], &[1; 33]), (&[4; 65], &[0; 32]), (&[4], &[1; 32])] {
            assert!(ec(point, secret).is_none());
        }
        assert_eq!(remainder(&[1, 0, 3], &[16]).unwrap().last(), Some(&3));
        assert!(remainder(&[1], &[0]).is_none());
    }
}
