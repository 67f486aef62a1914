use aws_lc_rs::rand;
use logical::Secret;
use zeroize::Zeroizing;

/// Bytes that a share is longer than the secret: its place on the curve, at the end.
pub const SHARE_OVERHEAD: usize = 1;

/// Why a secret was not split or not put together. The texts are the peer's.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShamirError {
    /// Fewer shares than are needed.
    #[error("parts cannot be less than threshold")]
    PartsBelowThreshold,
    /// There are 255 places.
    #[error("parts cannot exceed 255")]
    TooManyParts,
    /// One share is the secret itself.
    #[error("threshold must be at least 2")]
    ThresholdTooSmall,
    /// Nothing to split.
    #[error("cannot split an empty secret")]
    EmptySecret,
    /// Fewer than two shares.
    #[error("less than two parts cannot be used to reconstruct the secret")]
    TooFewParts,
    /// A share without a byte of the secret.
    #[error("parts must be at least two bytes")]
    PartTooShort,
    /// Shares of different secrets.
    #[error("all parts must be the same length")]
    LengthsDiffer,
    /// The same share twice.
    #[error("duplicate part detected")]
    DuplicatePart,
    /// A share at the place of the secret itself, which no split gives out.
    #[error("a part has the place 0")]
    PlaceZero,
    /// The random source failed.
    #[error("no random bytes")]
    Random,
}

/// Splits a secret into `parts` shares of which any `threshold` give it back (Shamir, over GF(2^8) with the polynomial
/// of AES). A share is a byte for each byte of the secret, then its place, 1 to 255: the format of `vault/shamir`.
///
/// # Errors
/// Where the numbers make no sense.
pub fn split(secret: &[u8], parts: usize, threshold: usize) -> Result<Vec<Secret>, ShamirError> {
    if parts < threshold {
        return Err(ShamirError::PartsBelowThreshold);
    }
    if parts > 255 {
        return Err(ShamirError::TooManyParts);
    }
    if threshold < 2 {
        return Err(ShamirError::ThresholdTooSmall);
    }
    if secret.is_empty() {
        return Err(ShamirError::EmptySecret);
    }
    let places = shuffled_places()?;
    let mut shares: Vec<Secret> = Vec::with_capacity(parts);
    shares.extend((0..parts).map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + SHARE_OVERHEAD))));
    let mut coefficients = Zeroizing::new(vec![0; threshold - 1]);
    for byte in secret {
        rand::fill(&mut coefficients).map_err(|_| ShamirError::Random)?;
        for (share, place) in shares.iter_mut().zip(&places) {
            // Horner's rule, from the highest power; the secret is the constant.
            let sum = coefficients.iter().fold(0, |sum, coefficient| multiply(sum, *place) ^ coefficient);
            share.push(multiply(sum, *place) ^ byte);
        }
    }
    for (share, place) in shares.iter_mut().zip(places) {
        share.push(place);
    }
    Ok(shares)
}

/// Puts a secret together from shares. With wrong or too few shares it is another secret: whoever uses it must be able
/// to tell.
///
/// # Errors
/// For shares that cannot belong together.
pub fn combine(shares: &[Secret]) -> Result<Secret, ShamirError> {
    let [first, rest @ ..] = shares else { return Err(ShamirError::TooFewParts) };
    if rest.is_empty() {
        return Err(ShamirError::TooFewParts);
    }
    if first.len() < 2 {
        return Err(ShamirError::PartTooShort);
    }
    if rest.iter().any(|share| share.len() != first.len()) {
        return Err(ShamirError::LengthsDiffer);
    }
    let places: Vec<u8> = shares.iter().filter_map(|share| share.last().copied()).collect();
    if places.contains(&0) {
        return Err(ShamirError::PlaceZero);
    }
    if places.iter().enumerate().any(|(index, place)| places.iter().take(index).any(|earlier| earlier == place)) {
        return Err(ShamirError::DuplicatePart);
    }
    // Lagrange's polynomials at 0: the same weights for each byte.
    let weights: Zeroizing<Vec<u8>> = Zeroizing::new(places.iter().map(|place| weight(*place, &places)).collect());
    let mut secret = Zeroizing::new(vec![0; first.len() - SHARE_OVERHEAD]);
    for (share, weight) in shares.iter().zip(weights.iter()) {
        for (byte, sum) in share.iter().zip(secret.iter_mut()) {
            *sum ^= multiply(*byte, *weight);
        }
    }
    Ok(secret)
}

fn weight(place: u8, places: &[u8]) -> u8 {
    let others = places.iter().filter(|other| **other != place);
    others.fold(1, |product, other| multiply(product, multiply(*other, inverse(*other ^ place))))
}

/// The places 1 to 255 in random order, so that a share does not tell when it was given out.
fn shuffled_places() -> Result<Vec<u8>, ShamirError> {
    let mut keyed = Vec::with_capacity(255);
    for place in 1..=255_u8 {
        let mut key = [0; 8];
        rand::fill(&mut key).map_err(|_| ShamirError::Random)?;
        keyed.push((key, place));
    }
    keyed.sort_unstable();
    Ok(keyed.into_iter().map(|(_, place)| place).collect())
}

/// In GF(2^8), without a branch or a table that depends on the numbers.
fn multiply(left: u8, right: u8) -> u8 {
    (0..8).rev().fold(0_u8, |product, bit| {
        let reduced = (product << 1) ^ ((product >> 7).wrapping_neg() & 0x1b);
        reduced ^ ((right >> bit & 1).wrapping_neg() & left)
    })
}

/// The 254th power: every number but 0 has 255 for an order.
fn inverse(number: u8) -> u8 {
    // 254 = 2 + 4 + 8 + 16 + 32 + 64 + 128.
    let mut power = number;
    let mut product = 1;
    for _ in 0..7 {
        power = multiply(power, power);
        product = multiply(product, power);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Secret {
        let pairs = hex.as_bytes().chunks(2);
        Zeroizing::new(pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect())
    }

    const SECRET: &[u8] = b"palisade holds here, 32 bytes ok";

    /// Made by `shamir.Split` of github.com/hashicorp/vault 1.16.3: five, of which any three.
    const PEERS: [&str; 5] = [
        "768618a2c74e38e584d74adaeabc50108e185db5e79d3133a272ab072b5d310374",
        "568218c1e85d4fd29af0e0c78e3e266fc92950a49c184ffb47f676269c71fd723b",
        "760eeb278b0db42983347bf89d9283821444a66e5f2f13319dd4ec84d9abecbb70",
        "ebf159c15247c1ea0aa54cd88ee0c5b52d9ca2f54b34249177623a0930daac783e",
        "ed162d0ae6689d6aae1a696e002fb5cdc6f69a6c8c9a2782b769e56b68a7f2104a",
    ];

    #[test]
    fn shares_of_the_peer_give_the_secret_in_any_choice_and_order() {
        for chosen in [[0, 1, 2], [4, 3, 2], [1, 4, 0]] {
            let shares = chosen.map(|index| bytes(PEERS[index]));
            assert_eq!(&**combine(&shares).unwrap(), SECRET);
        }
        let all = PEERS.map(bytes);
        assert_eq!(&**combine(&all).unwrap(), SECRET);
        assert_ne!(&**combine(&all[..2]).unwrap(), SECRET);
    }

    #[test]
    fn what_is_split_is_put_together_and_what_does_not_belong_together_is_refused() {
        for (parts, threshold) in [(2, 2), (5, 3), (255, 255), (255, 2)] {
            let shares = split(SECRET, parts, threshold).unwrap();
            assert_eq!(&**combine(&shares[parts - threshold..]).unwrap(), SECRET);
            if threshold > 2 {
                assert_ne!(&**combine(&shares[..threshold - 1]).unwrap(), SECRET);
            }
        }
        let shares = split(SECRET, 3, 2).unwrap();
        let mut bent = shares[0].clone();
        bent[3] ^= 1;
        assert_ne!(&**combine(&[bent, shares[1].clone()]).unwrap(), SECRET);
        let cases = [
            (vec![], ShamirError::TooFewParts),
            (vec![shares[0].clone()], ShamirError::TooFewParts),
            (vec![shares[0].clone(), shares[0].clone()], ShamirError::DuplicatePart),
            (vec![shares[0].clone(), bytes("0102")], ShamirError::LengthsDiffer),
            (vec![bytes("01"), bytes("02")], ShamirError::PartTooShort),
            (vec![bytes("0100"), bytes("0102")], ShamirError::PlaceZero),
        ];
        for (shares, error) in cases {
            assert_eq!(combine(&shares).err(), Some(error));
        }
        let numbers = [
            (1, 2, ShamirError::PartsBelowThreshold),
            (256, 2, ShamirError::TooManyParts),
            (3, 1, ShamirError::ThresholdTooSmall),
        ];
        for (parts, threshold, error) in numbers {
            assert_eq!(split(SECRET, parts, threshold).err(), Some(error));
        }
        assert_eq!(split(b"", 3, 2).err(), Some(ShamirError::EmptySecret));
    }

    #[test]
    fn every_number_has_its_inverse() {
        assert_eq!(multiply(0x53, 0xca), 1);
        assert!((1..=255).all(|number| multiply(number, inverse(number)) == 1));
        assert_eq!(inverse(0), 0);
    }
}
