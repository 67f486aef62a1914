use crate::der::{
    self, BIT_STRING, CONTEXT, INTEGER, NULL, OCTET_STRING, OID, OID_EC, OID_ED25519, OID_RSA, OID_RSA_PSS, Reader,
    SEQUENCE, element, number,
};
use crate::failure::{Failure, decode, encode};
use crate::kind::{Curve, Kind};
use crate::number::{Bytes, Number};
use crate::policy::{Entry, RsaPrecomputed, RsaPrivate, RsaPublic};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// Bounds of an HMAC key in bytes.
pub(crate) const HMAC_SIZES: std::ops::RangeInclusive<usize> = 32..=512;

impl Entry {
    /// A new key.
    pub(crate) fn generate(kind: Kind, key_size: usize, now: Timestamp) -> Result<Self, Failure> {
        let failed = |_| Failure::internal("the key could not be generated");
        let mut entry = Self::empty(now, now.as_second());
        entry.hmac_key = Some(random(32)?);
        if let Some(size) = kind.aead_key_size() {
            entry.key = Some(random(size)?);
        } else if let Some(size) = kind.rsa() {
            let pair = RsaKeyPair::generate(size).map_err(failed)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            entry.import_private(kind, pkcs8.as_ref())?;
        } else if let Some(curve) = kind.curve() {
            let pair = EcdsaKeyPair::generate(curve.signing).map_err(failed)?;
            entry.set_ec_private(curve, &pair)?;
        } else if kind == Kind::Ed25519 {
            entry.set_ed25519(&random(32)?.0)?;
        } else {
            if !HMAC_SIZES.contains(&key_size) {
                let (least, most) = (HMAC_SIZES.start(), HMAC_SIZES.end());
                let text = format!("invalid key size for HMAC key, must be between {least} and {most} bytes");
                return Err(Failure::internal(text));
            }
            let key = random(key_size)?;
            entry.hmac_key = Some(key.clone());
            entry.key = Some(key);
        }
        Ok(entry)
    }

    /// An imported key: raw bytes of a symmetric one, PKCS #8 of another.
    pub(crate) fn import(kind: Kind, key: &[u8], now: Timestamp) -> Result<Self, Failure> {
        let mut entry = Self::empty(now, now.as_second());
        entry.hmac_key = Some(random(32)?);
        if kind.is_aead() || kind == Kind::Hmac {
            let fits = kind.aead_key_size().map_or_else(|| HMAC_SIZES.contains(&key.len()), |size| size == key.len());
            if !fits {
                let text = format!("invalid key size {} bytes for key type {}", key.len(), kind.name());
                return Err(Failure::internal(text));
            }
            entry.key = Some(Bytes::from(key));
            if kind == Kind::Hmac {
                entry.hmac_key = entry.key.clone();
            }
        } else {
            entry.import_private(kind, key)?;
        }
        Ok(entry)
    }

    /// An imported public key in PEM.
    pub(crate) fn import_public(kind: Kind, text: &str, now: Timestamp) -> Result<Self, Failure> {
        let mut entry = Self::empty(now, now.as_second());
        entry.hmac_key = Some(random(32)?);
        let blocks = der::blocks(text).unwrap_or_default();
        let (_, spki) =
            blocks.first().ok_or_else(|| Failure::internal("error parsing public key: not in PEM format"))?;
        let wrong = || Failure::internal(format!("invalid key type: expected {}", kind.name()));
        let mut info = Reader(spki).enter(SEQUENCE).ok_or_else(wrong)?;
        let mut algorithm = info.enter(SEQUENCE).ok_or_else(wrong)?;
        let oid = algorithm.take(OID).ok_or_else(wrong)?;
        let key = info.bits().ok_or_else(wrong)?;
        if let Some(curve) = kind.curve() {
            if oid != OID_EC || algorithm.take(OID) != Some(curve.oid) {
                return Err(wrong());
            }
            ParsedPublicKey::new(curve.verification, key).map_err(|_| wrong())?;
            entry.set_point(curve, key)?;
        } else if kind == Kind::Ed25519 && oid == OID_ED25519 && key.len() == 32 {
            entry.public_key = encode(key);
        } else if let (Some(_), true) = (kind.rsa(), oid == OID_RSA) {
            let mut parts = Reader(key).enter(SEQUENCE).ok_or_else(wrong)?;
            let n = Number::new(parts.number().ok_or_else(wrong)?);
            let e = exponent(parts.number()).ok_or_else(wrong)?;
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).map_err(|_| wrong())?;
            check_modulus(kind, &n)?;
            entry.rsa_public_key = Some(RsaPublic { n, e });
        } else {
            return Err(wrong());
        }
        Ok(entry)
    }

    /// Sets the private key of PKCS #8; a public key that is there already must be its own.
    pub(crate) fn import_private(&mut self, kind: Kind, pkcs8: &[u8]) -> Result<(), Failure> {
        let broken = || Failure::internal("error parsing asymmetric key: it is no PKCS #8 of a key of that type");
        let mut info = Reader(pkcs8).enter(SEQUENCE).ok_or_else(broken)?;
        info.take(INTEGER).ok_or_else(broken)?;
        let oid = info.enter(SEQUENCE).and_then(|mut algorithm| algorithm.take(OID)).ok_or_else(broken)?;
        let inner = info.take(OCTET_STRING).ok_or_else(broken)?;
        let known = (self.public_key.clone(), self.rsa_public_key.clone());
        if let Some(curve) = kind.curve() {
            let pair = EcdsaKeyPair::from_pkcs8(curve.signing, pkcs8).map_err(|_| broken())?;
            self.set_ec_private(curve, &pair)?;
        } else if kind == Kind::Ed25519 && oid == OID_ED25519 {
            self.set_ed25519(Reader(inner).take(OCTET_STRING).ok_or_else(broken)?)?;
        } else if kind.rsa().is_some() && (oid == OID_RSA || oid == OID_RSA_PSS) {
            self.set_rsa(kind, inner).ok_or_else(broken)??;
        } else {
            return Err(Failure::internal(format!("invalid key type: expected {}", kind.name())));
        }
        let same =
            (known.0.is_empty() || known.0 == self.public_key) && (known.1.is_none() || known.1 == self.rsa_public_key);
        if same { Ok(()) } else { Err(Failure::internal("cannot import key, key pair does not match")) }
    }

    fn set_rsa(&mut self, kind: Kind, pkcs1: &[u8]) -> Option<Result<(), Failure>> {
        let mut parts = Reader(pkcs1).enter(SEQUENCE)?;
        parts.take(INTEGER)?;
        let n = Number::new(parts.number()?);
        let e = exponent(parts.number())?;
        let d = Number::new(parts.number()?);
        let primes = vec![Number::new(parts.number()?), Number::new(parts.number()?)];
        let dp = Number::new(parts.number()?);
        let dq = Number::new(parts.number()?);
        let qinv = Number::new(parts.number()?);
        if let Err(failure) = check_modulus(kind, &n) {
            return Some(Err(failure));
        }
        self.rsa_public_key = Some(RsaPublic { n: n.clone(), e });
        let precomputed = RsaPrecomputed { dp, dq, qinv, crt_values: Some(Vec::new()) };
        self.rsa_key = Some(RsaPrivate { n, e, d, primes, precomputed });
        // Whatever is inconsistent in it is refused.
        Some(self.rsa_pair().map(|_| ()))
    }

    fn set_ec_private(&mut self, curve: &Curve, pair: &EcdsaKeyPair) -> Result<(), Failure> {
        let d: EcPrivateKeyBin<'_> =
            pair.private_key().as_be_bytes().map_err(|_| Failure::internal("the key has no private part"))?;
        self.ec_d = Some(Number::new(d.as_ref()));
        self.set_point(curve, pair.public_key().as_ref())
    }

    fn set_point(&mut self, curve: &Curve, point: &[u8]) -> Result<(), Failure> {
        let wrong = || Failure::internal("the public key is not an uncompressed point");
        let coordinates = point.strip_prefix(&[4]).filter(|point| point.len() == 2 * curve.size).ok_or_else(wrong)?;
        let (x, y) = coordinates.split_at(curve.size);
        self.ec_x = Some(Number::new(x));
        self.ec_y = Some(Number::new(y));
        self.public_key = der::pem("PUBLIC KEY", &ec_spki(curve, point)).to_string();
        Ok(())
    }

    fn set_ed25519(&mut self, seed: &[u8]) -> Result<(), Failure> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Failure::internal("error parsing asymmetric key: the seed of ed25519 has 32 bytes"))?;
        let public = pair.public_key().as_ref();
        let mut key = Zeroizing::new(Vec::with_capacity(64));
        key.extend_from_slice(seed);
        key.extend_from_slice(public);
        self.key = Some(Bytes(key));
        self.public_key = encode(public);
        Ok(())
    }

    /// The RSA key pair, if there is one.
    pub(crate) fn rsa_pair(&self) -> Result<Option<RsaKeyPair>, Failure> {
        let Some(pkcs1) = self.rsa_pkcs1() else { return Ok(None) };
        RsaKeyPair::from_der(&pkcs1).map(Some).map_err(|_| Failure::internal("the RSA key is inconsistent"))
    }

    /// The RSA private key in PKCS #1.
    pub(crate) fn rsa_pkcs1(&self) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.rsa_key.as_ref()?;
        let [p, q] = key.primes.as_slice() else { return None };
        let crt = &key.precomputed;
        let exponent = Number::new(&key.e.to_be_bytes());
        let numbers = [&key.n, &exponent, &key.d, p, q, &crt.dp, &crt.dq, &crt.qinv];
        let parts: Vec<Zeroizing<Vec<u8>>> =
            std::iter::once(number(&[])).chain(numbers.iter().map(|part| number(part.bytes()))).collect();
        Some(element(SEQUENCE, &parts.iter().map(|part| part.as_slice()).collect::<Vec<_>>()))
    }

    /// The RSA public key in PKCS #1.
    pub(crate) fn rsa_public(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (n, e) = match (&self.rsa_key, &self.rsa_public_key) {
            (Some(key), _) => (&key.n, key.e),
            (None, Some(key)) => (&key.n, key.e),
            (None, None) => return None,
        };
        let exponent = Number::new(&e.to_be_bytes());
        Some(element(SEQUENCE, &[&number(n.bytes()), &number(exponent.bytes())]))
    }

    /// The uncompressed point of a curve.
    pub(crate) fn point(&self, curve: &Curve) -> Option<Vec<u8>> {
        let (x, y) = (self.ec_x.as_ref()?.padded(curve.size)?, self.ec_y.as_ref()?.padded(curve.size)?);
        Some([&[4], x.as_slice(), y.as_slice()].concat())
    }

    /// The key pair of a curve, if there is one.
    pub(crate) fn ec_pair(&self, curve: &Curve) -> Result<Option<EcdsaKeyPair>, Failure> {
        let wrong = || Failure::internal("the key of the curve is inconsistent");
        let Some(d) = &self.ec_d else { return Ok(None) };
        let d = d.padded(curve.size).ok_or_else(wrong)?;
        let point = self.point(curve).ok_or_else(wrong)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &d, &point);
        pair.map(Some).map_err(|_| wrong())
    }

    /// RFC 5915, with or without the curve.
    pub(crate) fn ec_private(&self, curve: &Curve, with_curve: bool) -> Option<Zeroizing<Vec<u8>>> {
        let d = element(OCTET_STRING, &[&self.ec_d.as_ref()?.padded(curve.size)?]);
        let oid = if with_curve { element(CONTEXT, &[&element(OID, &[curve.oid])]) } else { Zeroizing::default() };
        let public = element(CONTEXT + 1, &[&element(BIT_STRING, &[&[0], &self.point(curve)?])]);
        Some(element(SEQUENCE, &[&number(&[1]), &d, &oid, &public]))
    }

    /// The private key in PKCS #8, as Go writes it.
    pub(crate) fn pkcs8(&self, kind: Kind) -> Option<Zeroizing<Vec<u8>>> {
        let (algorithm, key) = if let Some(curve) = kind.curve() {
            (ec_algorithm(curve), self.ec_private(curve, false)?)
        } else if kind == Kind::Ed25519 {
            let seed = self.key.as_ref()?.0.get(..32)?;
            (element(SEQUENCE, &[&element(OID, &[OID_ED25519])]), element(OCTET_STRING, &[seed]))
        } else {
            (rsa_algorithm(), self.rsa_pkcs1()?)
        };
        Some(element(SEQUENCE, &[&number(&[]), &algorithm, &element(OCTET_STRING, &[&key])]))
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(crate) fn spki(&self, kind: Kind) -> Option<Zeroizing<Vec<u8>>> {
        if let Some(curve) = kind.curve() {
            return Some(ec_spki(curve, &self.point(curve)?));
        }
        if kind == Kind::Ed25519 {
            let algorithm = element(SEQUENCE, &[&element(OID, &[OID_ED25519])]);
            let public = decode(&self.public_key).ok()?;
            return Some(element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], &public])]));
        }
        Some(element(SEQUENCE, &[&rsa_algorithm(), &element(BIT_STRING, &[&[0], &self.rsa_public()?])]))
    }
}

/// Random bytes.
pub(crate) fn random(size: usize) -> Result<Bytes, Failure> {
    let mut bytes = Zeroizing::new(vec![0; size]);
    rand::fill(&mut bytes).map_err(|_| Failure::internal("no randomness"))?;
    Ok(Bytes(bytes))
}

fn rsa_algorithm() -> Zeroizing<Vec<u8>> {
    element(SEQUENCE, &[&element(OID, &[OID_RSA]), &element(NULL, &[])])
}

fn ec_algorithm(curve: &Curve) -> Zeroizing<Vec<u8>> {
    element(SEQUENCE, &[&element(OID, &[OID_EC]), &element(OID, &[curve.oid])])
}

fn ec_spki(curve: &Curve, point: &[u8]) -> Zeroizing<Vec<u8>> {
    element(SEQUENCE, &[&ec_algorithm(curve), &element(BIT_STRING, &[&[0], point])])
}

fn exponent(bytes: Option<&[u8]>) -> Option<u64> {
    let bytes = bytes.filter(|bytes| bytes.len() <= 5)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn check_modulus(kind: Kind, n: &Number) -> Result<(), Failure> {
    let expected = kind.rsa().map_or(0, |size| size.len());
    let got = n.bytes().len();
    if got == expected {
        Ok(())
    } else {
        Err(Failure::internal(format!("invalid key size: expected {expected} bytes, got {got} bytes")))
    }
}
