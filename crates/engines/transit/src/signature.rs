use crate::der::{Reader, SEQUENCE, element, number};
use crate::failure::{BASE64, Failure};
use crate::hash::Hash;
use crate::kind::Curve;
use crate::number::Number;
use crate::ring::{Prepared, Ring};
use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaParameters, RsaPssSaltLength, RsaSignatureEncoding, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// How a signature is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marshaling {
    Asn1,
    Jws,
}

/// Length of the salt of RSA-PSS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Salt {
    /// The longest one to sign, any that is known to verify.
    Auto,
    /// That of the digest.
    Hash,
    Exactly(usize),
}

/// What a request says of a signature.
pub(crate) struct Options<'a> {
    pub(crate) version: i64,
    pub(crate) hash: Hash,
    pub(crate) marshaling: Marshaling,
    pub(crate) salt: Salt,
    pub(crate) algorithm: &'a str,
}

/// A signature with its prefix.
pub(crate) struct Signed {
    pub(crate) text: String,
    pub(crate) version: u64,
    /// Of a derived key.
    pub(crate) public_key: Option<Vec<u8>>,
}

static PSS_MAX_256: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_MAX_384: RsaSignatureEncoding = RSA_PSS_SHA384.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_MAX_512: RsaSignatureEncoding = RSA_PSS_SHA512.with_pss_salt_length(RsaPssSaltLength::Max);
static VERIFY_MAX_256: RsaParameters = RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
static VERIFY_MAX_384: RsaParameters = RSA_PSS_2048_8192_SHA384.with_pss_salt_length(RsaPssSaltLength::Max);
static VERIFY_MAX_512: RsaParameters = RSA_PSS_2048_8192_SHA512.with_pss_salt_length(RsaPssSaltLength::Max);

/// Signs the input, which is a digest for keys that sign digests.
pub(crate) fn sign(ring: &Ring, input: &[u8], context: &[u8], options: &Options<'_>) -> Result<Signed, Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    let version = policy.version_for(options.version, "signing")?;
    let (signature, public_key) = sign_with(ring, version, input, context, options)?;
    let encoded = match options.marshaling {
        Marshaling::Asn1 => BASE64.encode(&signature),
        Marshaling::Jws => URL_SAFE_NO_PAD.encode(&signature),
    };
    Ok(Signed { text: policy.prefix(version) + &encoded, version, public_key })
}

/// A signature by one version, and the public key if it is a derived one.
pub(crate) fn sign_with(
    ring: &Ring,
    version: u64,
    input: &[u8],
    context: &[u8],
    options: &Options<'_>,
) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
    let policy = &ring.policy;
    let failed = || Failure::internal("the signature could not be made");
    let missing = || Failure::user("requested version for signing does not contain a private part");
    let mut public_key = None;
    let signature = match ring.version(version)? {
        Prepared::Ec { pair, .. } => {
            let curve = policy.kind.curve().ok_or_else(missing)?;
            let digest = fit(curve, input)?;
            let signature = pair.as_ref().ok_or_else(missing)?.sign_digest(&digest).map_err(|_| failed())?;
            match options.marshaling {
                Marshaling::Asn1 => signature.as_ref().to_vec(),
                Marshaling::Jws => to_fixed(curve, signature.as_ref()).ok_or_else(failed)?,
            }
        }
        Prepared::Ed25519 { pair, .. } => pair.as_ref().ok_or_else(missing)?.sign(input).as_ref().to_vec(),
        Prepared::Raw => {
            let pair = derived(ring, version, context)
                .map_err(|failure| Failure::internal(format!("error deriving key: {}", failure.text())))?;
            public_key = Some(pair.public_key().as_ref().to_vec());
            pair.sign(input).as_ref().to_vec()
        }
        Prepared::Rsa { pair, .. } => {
            let pair = pair.as_ref().ok_or_else(missing)?;
            let encoding = rsa_encoding(options, pair.public_modulus_len())?;
            let algorithm = options.hash.algorithm().ok_or_else(|| Failure::internal("unsupported hash algorithm"))?;
            let digest = Digest::import_less_safe(input, algorithm)
                .map_err(|_| Failure::internal("crypto/rsa: input must be hashed with given hash"))?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign_digest(encoding, &digest, &mut signature).map_err(|_| failed())?;
            signature
        }
        Prepared::Aead(_) => return Err(missing()),
    };
    Ok((signature, public_key))
}

/// Verifies a signature with its prefix over the input, which is a digest for keys that sign digests. `Ok(Err(..))` is a
/// signature that was understood and isn't the key's.
pub(crate) fn verify(
    ring: &Ring,
    input: &[u8],
    context: &[u8],
    signature: &str,
    options: &Options<'_>,
) -> Result<Result<(), Mismatch>, Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    let (version, payload) = policy.split(signature, "signature")?;
    let signature = match options.marshaling {
        Marshaling::Asn1 => BASE64.decode(payload),
        Marshaling::Jws => URL_SAFE_NO_PAD.decode(payload),
    };
    let signature = signature.map_err(|_| Failure::user("invalid base64 signature value"))?;
    let matches = match ring.version(version)? {
        Prepared::Ec { point, .. } => {
            let curve = policy.kind.curve().ok_or_else(|| Failure::internal("unsupported key type"))?;
            let digest = fit(curve, input)?;
            let der = match options.marshaling {
                Marshaling::Asn1 => {
                    check_asn1(&signature)?;
                    signature
                }
                Marshaling::Jws => from_fixed(&signature),
            };
            UnparsedPublicKey::new(curve.verification, point).verify_digest(&digest, &der)
        }
        Prepared::Ed25519 { public, .. } => UnparsedPublicKey::new(&ED25519, &**public).verify(input, &signature),
        Prepared::Raw => {
            let pair = derived(ring, version, context)
                .map_err(|failure| Failure::internal(format!("error deriving key: {}", failure.text())))?;
            UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(input, &signature)
        }
        Prepared::Rsa { .. } => {
            let key = policy.entry(version)?.rsa_public().ok_or_else(|| Failure::internal("the key has no key"))?;
            return verify_rsa(&key, input, &signature, options);
        }
        Prepared::Aead(_) => return Err(Failure::user("the key does not verify")),
    };
    Ok(matches.map_err(|_| Mismatch))
}

/// The signature is not the key's over that input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

/// The key pair of Ed25519 for a context.
pub(crate) fn derived(ring: &Ring, version: u64, context: &[u8]) -> Result<Ed25519KeyPair, Failure> {
    let entry = ring.policy.entry(version)?;
    let seed = ring.policy.derive(entry, context, 32)?;
    Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Failure::internal("the derived key can't be used"))
}

/// ECDSA takes the leftmost bits of a digest as a number: so a longer one is cut, a shorter one filled with zeros in front.
fn fit(curve: &Curve, digest: &[u8]) -> Result<Digest, Failure> {
    let size = curve.digest.output_len();
    let cut = digest.get(..size).unwrap_or(digest);
    let mut fitted = vec![0; size - cut.len()];
    fitted.extend_from_slice(cut);
    Digest::import_less_safe(&fitted, curve.digest).map_err(|_| Failure::internal("the digest can't be used"))
}

fn check_asn1(signature: &[u8]) -> Result<(), Failure> {
    let invalid = || Failure::user("supplied signature is invalid");
    let mut outer = Reader(signature);
    let mut parts = outer.enter(SEQUENCE).ok_or_else(invalid)?;
    outer.end().ok_or_else(|| Failure::user("supplied signature contains extra data"))?;
    parts.number().and_then(|_| parts.number()).and_then(|_| parts.end()).ok_or_else(invalid)
}

fn to_fixed(curve: &Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Reader(signature).enter(SEQUENCE)?;
    let r = Number::new(parts.number()?).padded(curve.size)?;
    let s = Number::new(parts.number()?).padded(curve.size)?;
    Some([r.as_slice(), s.as_slice()].concat())
}

fn from_fixed(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let part = |half: &[u8]| -> Zeroizing<Vec<u8>> { number(Number::new(half).bytes()) };
    element(SEQUENCE, &[&part(r), &part(s)]).to_vec()
}

/// Whether the salt is the longest one; none where it is neither that nor as long as the digest.
fn salt_is_max(options: &Options<'_>, modulus_size: usize) -> Result<bool, Failure> {
    let digest = options.hash.algorithm().map_or(0, |algorithm| algorithm.output_len());
    let max = modulus_size.saturating_sub(2 + digest);
    match options.salt {
        Salt::Auto => Ok(true),
        Salt::Hash => Ok(false),
        Salt::Exactly(size) if size == digest => Ok(false),
        Salt::Exactly(size) if size == max => Ok(true),
        Salt::Exactly(size) if size > max => Err(Failure::user(format!("requested salt length {size} is invalid"))),
        Salt::Exactly(size) => Err(Failure::user(format!(
            "requested salt length {size} is not supported: the length of the digest ({digest}) and the longest ({max}) are"
        ))),
    }
}

fn unsupported(hash: Hash) -> Failure {
    Failure::internal(format!("RSA is not supported with {hash:?}"))
}

fn rsa_encoding(options: &Options<'_>, modulus_size: usize) -> Result<&'static RsaSignatureEncoding, Failure> {
    match options.algorithm {
        "pss" | "" => Ok(match (options.hash, salt_is_max(options, modulus_size)?) {
            (Hash::Sha256, false) => &RSA_PSS_SHA256,
            (Hash::Sha384, false) => &RSA_PSS_SHA384,
            (Hash::Sha512, false) => &RSA_PSS_SHA512,
            (Hash::Sha256, true) => &PSS_MAX_256,
            (Hash::Sha384, true) => &PSS_MAX_384,
            (Hash::Sha512, true) => &PSS_MAX_512,
            (hash, _) => return Err(unsupported(hash)),
        }),
        "pkcs1v15" => Ok(match options.hash {
            Hash::Sha256 => &RSA_PKCS1_SHA256,
            Hash::Sha384 => &RSA_PKCS1_SHA384,
            Hash::Sha512 => &RSA_PKCS1_SHA512,
            hash => return Err(unsupported(hash)),
        }),
        other => Err(Failure::internal(format!("unsupported rsa signature algorithm {other}"))),
    }
}

fn verify_rsa(
    key: &[u8],
    input: &[u8],
    signature: &[u8],
    options: &Options<'_>,
) -> Result<Result<(), Mismatch>, Failure> {
    let (max, plain): (&'static RsaParameters, &'static RsaParameters) = match (options.algorithm, options.hash) {
        ("pss" | "", Hash::Sha256) => (&VERIFY_MAX_256, &RSA_PSS_2048_8192_SHA256),
        ("pss" | "", Hash::Sha384) => (&VERIFY_MAX_384, &RSA_PSS_2048_8192_SHA384),
        ("pss" | "", Hash::Sha512) => (&VERIFY_MAX_512, &RSA_PSS_2048_8192_SHA512),
        ("pkcs1v15", Hash::Sha1) => {
            (&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY)
        }
        ("pkcs1v15", Hash::Sha256) => (&RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_2048_8192_SHA256),
        ("pkcs1v15", Hash::Sha384) => (&RSA_PKCS1_2048_8192_SHA384, &RSA_PKCS1_2048_8192_SHA384),
        ("pkcs1v15", Hash::Sha512) => (&RSA_PKCS1_2048_8192_SHA512, &RSA_PKCS1_2048_8192_SHA512),
        ("pss" | "" | "pkcs1v15", hash) => return Err(unsupported(hash)),
        (other, _) => return Err(Failure::internal(format!("unsupported rsa signature algorithm {other}"))),
    };
    let algorithm = options.hash.algorithm().ok_or_else(|| unsupported(options.hash))?;
    let Ok(digest) = Digest::import_less_safe(input, algorithm) else { return Ok(Err(Mismatch)) };
    let check =
        |parameters: &'static RsaParameters| UnparsedPublicKey::new(parameters, key).verify_digest(&digest, signature);
    let result = match options.salt {
        Salt::Auto => check(max).or_else(|_| check(plain)),
        _ if options.algorithm != "pkcs1v15" && salt_is_max(options, signature.len())? => check(max),
        _ => check(plain),
    };
    Ok(result.map_err(|_| Mismatch))
}
