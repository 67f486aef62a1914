use crate::key::curve_bits;
use crate::{KeyError, KeyType};
use asn1::{INTEGER, OID, Reader, SEQUENCE, oid, sequence};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A signature's algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// PKCS#1 v1.5.
    RsaPkcs1(Hash),
    /// PSS, with a salt as long as the hash.
    RsaPss(Hash),
    /// ECDSA.
    Ecdsa(Hash),
    /// Ed25519.
    Ed25519,
}

impl Algorithm {
    const ALL: [(Self, &'static str); 10] = [
        (Self::RsaPkcs1(Hash::Sha256), "SHA256WithRSA"),
        (Self::RsaPkcs1(Hash::Sha384), "SHA384WithRSA"),
        (Self::RsaPkcs1(Hash::Sha512), "SHA512WithRSA"),
        (Self::RsaPss(Hash::Sha256), "SHA256WithRSAPSS"),
        (Self::RsaPss(Hash::Sha384), "SHA384WithRSAPSS"),
        (Self::RsaPss(Hash::Sha512), "SHA512WithRSAPSS"),
        (Self::Ecdsa(Hash::Sha256), "ECDSAWithSHA256"),
        (Self::Ecdsa(Hash::Sha384), "ECDSAWithSHA384"),
        (Self::Ecdsa(Hash::Sha512), "ECDSAWithSHA512"),
        (Self::Ed25519, "Ed25519"),
    ];

    /// As the API calls it: `SHA256WithRSA`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(algorithm, _)| *algorithm == self).map_or("", |(_, name)| name)
    }

    /// Of its name, whatever the case.
    pub fn of_name(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(algorithm, _)| *algorithm)
    }

    /// X.509's `AlgorithmIdentifier`.
    pub fn identifier(self) -> Vec<u8> {
        let null: &[u8] = asn1::NULL;
        let rsa = |arc| sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, arc]), null]);
        let hash = |arc| sequence(&[&oid(&[2, 16, 840, 1, 101, 3, 4, 2, arc]), null]);
        let pss = |arc, salt: u8| {
            let hash = hash(arc);
            let mask = sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 8]), &hash]);
            let parts = [asn1::tlv(0xa0, &hash), asn1::tlv(0xa1, &mask), asn1::tlv(0xa2, &[INTEGER, 1, salt])];
            sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 10]), &sequence(&[&parts.concat()])])
        };
        match self {
            Self::RsaPkcs1(Hash::Sha256) => rsa(11),
            Self::RsaPkcs1(Hash::Sha384) => rsa(12),
            Self::RsaPkcs1(Hash::Sha512) => rsa(13),
            Self::RsaPss(Hash::Sha256) => pss(1, 32),
            Self::RsaPss(Hash::Sha384) => pss(2, 48),
            Self::RsaPss(Hash::Sha512) => pss(3, 64),
            Self::Ecdsa(Hash::Sha256) => sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 2])]),
            Self::Ecdsa(Hash::Sha384) => sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 3])]),
            Self::Ecdsa(Hash::Sha512) => sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 4])]),
            Self::Ed25519 => sequence(&[&oid(&[1, 3, 101, 112])]),
        }
    }

    /// Of its `AlgorithmIdentifier`.
    pub fn of_identifier(identifier: &[u8]) -> Option<Self> {
        Self::ALL.iter().map(|(algorithm, _)| *algorithm).find(|algorithm| algorithm.identifier() == identifier)
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyType,
    bits: u32,
    spki: Vec<u8>,
    raw: Vec<u8>,
    curve: Vec<u8>,
}

impl PublicKey {
    /// Reads DER of `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Where it is none, or of an unknown kind.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let invalid = |_| KeyError::Invalid;
        let mut reader = Reader::only(spki, SEQUENCE).map_err(invalid)?;
        let mut algorithm = reader.enter(SEQUENCE).map_err(invalid)?;
        let kind = algorithm.element(OID).map_err(invalid)?.whole;
        let raw = reader.bit_string().map_err(invalid)?;
        reader.end().map_err(invalid)?;
        let mut curve = Vec::new();
        let (kind, bits) = if kind == oid(&[1, 2, 840, 113_549, 1, 1, 1]) {
            let mut numbers = Reader::only(raw, SEQUENCE).map_err(invalid)?;
            let modulus = numbers.element(INTEGER).map_err(invalid)?.content;
            let digits = modulus.strip_prefix(&[0]).unwrap_or(modulus);
            let unused = digits.first().map_or(0, |byte| byte.leading_zeros());
            let bits = u32::try_from(digits.len() * 8).map_err(|_| KeyError::Invalid)? - unused;
            if bits > 16384 {
                return Err(KeyError::Unsupported);
            }
            (KeyType::Rsa, bits)
        } else if kind == oid(&[1, 2, 840, 10045, 2, 1]) {
            curve = algorithm.element(OID).map_err(invalid)?.whole.to_vec();
            (KeyType::Ec, curve_bits(&curve).ok_or(KeyError::Unsupported)?)
        } else if kind == oid(&[1, 3, 101, 112]) && raw.len() == 32 {
            (KeyType::Ed25519, 256)
        } else {
            return Err(KeyError::Unsupported);
        };
        Ok(Self { kind, bits, spki: spki.to_vec(), raw: raw.to_vec(), curve })
    }

    /// The kind.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// The size: of RSA's modulus, of the curve.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// DER of `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key itself: PKCS#1, a point, or the 32 bytes of Ed25519.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The curve's object identifier, whole, of an EC key.
    pub fn curve(&self) -> Option<&[u8]> {
        (!self.curve.is_empty()).then_some(&self.curve)
    }

    /// The key identifier of RFC 5280, 4.2.1.2 (1).
    pub fn identifier(&self) -> Vec<u8> {
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.raw).as_ref().to_vec()
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// Where this key did not make it with this algorithm.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let how: &'static dyn VerificationAlgorithm = match (self.kind, self.bits, algorithm) {
            (KeyType::Rsa, _, Algorithm::RsaPkcs1(Hash::Sha256)) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (KeyType::Rsa, _, Algorithm::RsaPkcs1(Hash::Sha384)) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (KeyType::Rsa, _, Algorithm::RsaPkcs1(Hash::Sha512)) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (KeyType::Rsa, _, Algorithm::RsaPss(Hash::Sha256)) => &signature::RSA_PSS_2048_8192_SHA256,
            (KeyType::Rsa, _, Algorithm::RsaPss(Hash::Sha384)) => &signature::RSA_PSS_2048_8192_SHA384,
            (KeyType::Rsa, _, Algorithm::RsaPss(Hash::Sha512)) => &signature::RSA_PSS_2048_8192_SHA512,
            (KeyType::Ec, 256, Algorithm::Ecdsa(Hash::Sha256)) => &signature::ECDSA_P256_SHA256_ASN1,
            (KeyType::Ec, 256, Algorithm::Ecdsa(Hash::Sha384)) => &signature::ECDSA_P256_SHA384_ASN1,
            (KeyType::Ec, 384, Algorithm::Ecdsa(Hash::Sha256)) => &signature::ECDSA_P384_SHA256_ASN1,
            (KeyType::Ec, 384, Algorithm::Ecdsa(Hash::Sha384)) => &signature::ECDSA_P384_SHA384_ASN1,
            (KeyType::Ec, 521, Algorithm::Ecdsa(Hash::Sha256)) => &signature::ECDSA_P521_SHA256_ASN1,
            (KeyType::Ec, 521, Algorithm::Ecdsa(Hash::Sha384)) => &signature::ECDSA_P521_SHA384_ASN1,
            (KeyType::Ec, 521, Algorithm::Ecdsa(Hash::Sha512)) => &signature::ECDSA_P521_SHA512_ASN1,
            (KeyType::Ed25519, _, Algorithm::Ed25519) => &signature::ED25519,
            _ => return Err(KeyError::Unsupported),
        };
        UnparsedPublicKey::new(how, &self.raw).verify(message, signature).map_err(|_| KeyError::Signature)
    }
}
