use crate::failure::{decode, encode};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

/// More than the digits of the largest key's modulus.
const MAX_DIGITS: usize = 2600;

/// A natural number of any size; in JSON a plain number of any length, as Go writes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Number(Zeroizing<Vec<u8>>);

impl Number {
    /// Of big-endian bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(Zeroizing::new(bytes.get(zeros..).unwrap_or_default().to_vec()))
    }

    /// Big-endian, without leading zeros.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Big-endian in `length` bytes; none where they are too few.
    pub(crate) fn padded(&self, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let zeros = length.checked_sub(self.0.len())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.resize(zeros, 0);
        bytes.extend_from_slice(&self.0);
        Some(bytes)
    }

    fn parse(digits: &str) -> Option<Self> {
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let mut limbs: Zeroizing<Vec<u32>> = Zeroizing::new(Vec::with_capacity(digits.len() / 9 + 2));
        let first = digits.len() % 9;
        let (head, tail) = digits.split_at(first);
        let chunks = tail.as_bytes().chunks(9).filter_map(|chunk| std::str::from_utf8(chunk).ok());
        for chunk in std::iter::once(head).filter(|head| !head.is_empty()).chain(chunks) {
            let mut carry: u64 = chunk.parse().ok()?;
            for limb in limbs.iter_mut() {
                let product = u64::from(*limb) * 1_000_000_000 + carry;
                *limb = product as u32;
                carry = product >> 32;
            }
            if carry > 0 {
                limbs.push(carry as u32);
            }
        }
        let bytes: Zeroizing<Vec<u8>> =
            Zeroizing::new(limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect());
        Some(Self::new(&bytes))
    }

    fn print(&self) -> Zeroizing<String> {
        let limbs = self.0.rchunks(4).map(|chunk| chunk.iter().fold(0u32, |limb, byte| limb << 8 | u32::from(*byte)));
        let mut limbs: Zeroizing<Vec<u32>> = Zeroizing::new(limbs.collect());
        let mut chunks: Zeroizing<Vec<u32>> = Zeroizing::new(Vec::with_capacity(limbs.len() * 2));
        while limbs.iter().any(|limb| *limb != 0) {
            let mut rest = 0u64;
            for limb in limbs.iter_mut().rev() {
                let value = rest << 32 | u64::from(*limb);
                *limb = (value / 1_000_000_000) as u32;
                rest = value % 1_000_000_000;
            }
            chunks.push(rest as u32);
        }
        let mut text = Zeroizing::new(String::with_capacity(chunks.len() * 9 + 1));
        match chunks.split_last() {
            None => text.push('0'),
            Some((first, others)) => {
                text.push_str(&first.to_string());
                others.iter().rev().for_each(|chunk| text.push_str(&format!("{chunk:09}")));
            }
        }
        text
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.print().as_str().to_owned()).map_err(S::Error::custom)?;
        let result = raw.serialize(serializer);
        Box::<str>::from(raw).zeroize();
        result
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Borrowed: no copy is left behind.
        let raw = <&RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).ok_or_else(|| D::Error::custom("not a natural number, or one that is too large"))
    }
}

/// Secret bytes; in JSON base64.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Bytes(pub(crate) Zeroizing<Vec<u8>>);

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Zeroizing::new(encode(&self.0)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        decode(&text).map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_read_and_printed() {
        for (digits, bytes) in [
            ("0", vec![]),
            ("255", vec![255]),
            ("4294967296", vec![1, 0, 0, 0, 0]),
            ("1000000000000000000", vec![0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0, 0]),
            ("340282366920938463463374607431768211455", vec![255; 16]),
        ] {
            let number: Number = serde_json::from_str(digits).unwrap();
            assert_eq!(number.bytes(), bytes, "{digits}");
            assert_eq!(serde_json::to_string(&number).unwrap(), digits);
        }
        for text in ["-1", "1.5", "\"1\"", "1e9", &"9".repeat(2601)] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
    }
}
