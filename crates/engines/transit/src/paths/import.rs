use super::{Call, row};
use crate::der;
use crate::failure::{Failure, decode, encode, failed};
use crate::kind::Kind;
use crate::material::random;
use crate::policy::{Entry, Policy, Shape};
use crate::ring::{Prepared, Ring};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
};
use logical::{Error, Response};
use serde_json::json;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The row of the key with which imported keys are wrapped.
const WRAPPING_KEY: &str = "wrapping-key";

pub(super) async fn wrapping_key(call: &Call<'_>) -> Result<Response, Error> {
    let ring = own_key(call).await?;
    let entry = ring.policy.entry(ring.policy.latest_version)?;
    let spki = entry.spki(ring.policy.kind).ok_or_else(|| Error::internal("the wrapping key has no key"))?;
    Ok(Response::json(json!({ "public_key": der::pem("PUBLIC KEY", &spki).as_str() })))
}

pub(super) async fn import(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    if call.request.data.contains_key("convergent_encryption") {
        return Err(failed("import cannot be used on keys with convergent encryption enabled"));
    }
    let auto_rotate_seconds = call.fields().duration("auto_rotate_period")?.unwrap_or_default().as_secs();
    let allow_imported_key_rotation = call.flag("allow_rotation")?;
    if auto_rotate_seconds > 0 && !allow_imported_key_rotation {
        return Err(failed("allow_rotation must be set to true if auto-rotation is enabled"));
    }
    let kind_name = call.fields().text("type")?.unwrap_or_else(|| "aes256-gcm96".to_owned()).to_lowercase();
    let kind = Kind::parse(&kind_name).ok_or_else(|| Error::invalid(format!("unknown key type: {kind_name}")))?;
    let exists = || {
        failed(
            "the import path cannot be used with an existing key; use import-version to rotate an existing imported key",
        )
    };
    if call.ring(name).await?.is_some() {
        return Err(exists());
    }
    let shape = Shape {
        derived: call.flag("derived")?,
        exportable: call.flag("exportable")?,
        allow_plaintext_backup: call.flag("allow_plaintext_backup")?,
        auto_rotate_seconds,
        imported: true,
        allow_imported_key_rotation,
        ..Shape::new(kind)
    };
    let mut policy = Policy::new(name, &shape)?;
    add(call, &Given::parse(call, kind).await?, &mut policy, "error importing key: ")?;
    if call.rings.create(call.storage, &row(name), &policy).await? { Ok(Response::empty()) } else { Err(exists()) }
}

pub(super) async fn import_version(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let missing = || failed(format!("no key found with name {name}; to import a new key, use the import/ endpoint"));
    let ring = call.ring(name).await?.ok_or_else(missing)?;
    check_import(&ring.policy)?;
    let given = Given::parse(call, ring.policy.kind).await?;
    let version = call.fields().integer("version")?;
    let change = |policy: &mut Policy| {
        check_import(policy)?;
        match version {
            None => add(call, &given, policy, "")?,
            Some(version) => complete(&given, policy, u64::try_from(version).unwrap_or(0))?,
        }
        Ok(true)
    };
    call.rings.change(call.storage, &row(name), change).await?.ok_or_else(missing)?;
    Ok(Response::empty())
}

/// Whether a key takes imported versions.
fn check_import(policy: &Policy) -> Result<(), Error> {
    if !policy.imported {
        return Err(failed("the import_version endpoint can only be used with an imported key"));
    }
    if policy.convergent_encryption {
        return Err(failed("import_version cannot be used on keys with convergent encryption enabled"));
    }
    Ok(policy.check_usable()?)
}

/// What the request imports.
enum Given {
    Private(Zeroizing<Vec<u8>>),
    Public(String),
}

impl Given {
    async fn parse(call: &Call<'_>, kind: Kind) -> Result<Self, Error> {
        if call.fields().has("ciphertext") {
            let hash = call.fields().text("hash_function")?.unwrap_or_else(|| "SHA256".to_owned());
            let algorithm = oaep(&hash).map_err(Error::from)?;
            let ciphertext = decode(&call.text("ciphertext")?).map_err(failed)?;
            let ring = own_key(call).await?;
            return Ok(Self::Private(unwrap(&ring, &ciphertext, algorithm).map_err(|error| failed(error.text()))?));
        }
        if !kind.imports_public() {
            return Err(failed("provided type does not support public_key import"));
        }
        Ok(Self::Public(call.text("public_key")?))
    }
}

/// Adds what is given as the newest version, or completes the newest one if it waits for its private key.
fn add(call: &Call<'_>, given: &Given, policy: &mut Policy, prefix: &str) -> Result<(), Error> {
    let told = |failure: Failure| failed(format!("{prefix}{}", failure.text()));
    let latest = policy.latest_version;
    let waits = policy.keys.get(&latest).is_some_and(Entry::is_public);
    if waits && matches!(given, Given::Private(_)) && complete(given, policy, latest).is_ok() {
        return Ok(());
    }
    let kind = policy.kind;
    let entry = match given {
        Given::Private(key) => {
            if kind == Kind::Hmac {
                policy.key_size = key.len();
            }
            Entry::import(kind, key, call.now()).map_err(told)?
        }
        Given::Public(_) if policy.derived => {
            return Err(failed(
                "unable to import only public key for derived Ed25519 key: imported key should not be an Ed25519 key pair \
                 but is instead an HKDF key",
            ));
        }
        Given::Public(text) => Entry::import_public(kind, text, call.now()).map_err(told)?,
    };
    policy.add(entry);
    Ok(())
}

/// Adds the private key to a version of which only the public key is known.
fn complete(given: &Given, policy: &mut Policy, version: u64) -> Result<(), Error> {
    let kind = policy.kind;
    policy.entry(version).map_err(|failure| failed(failure.text()))?;
    let entry = policy.keys.get_mut(&version).ok_or_else(|| failed("no such key version"))?;
    if !kind.imports_public() {
        return Err(failed("provided type does not support importing key versions"));
    }
    if !entry.is_public() {
        return Err(failed("private key imported, key version cannot be updated"));
    }
    let Given::Private(key) = given else {
        return Err(failed("cannot add a public key to a key version that already has a public key set"));
    };
    // Only a whole change stays.
    let mut whole = entry.clone();
    whole.import_private(kind, key).map_err(|failure| failed(failure.text()))?;
    *entry = whole;
    Ok(())
}

async fn own_key(call: &Call<'_>) -> Result<Arc<Ring>, Error> {
    if let Some(ring) = call.rings.load(call.storage, WRAPPING_KEY).await? {
        return Ok(ring);
    }
    let mut policy = Policy::new(WRAPPING_KEY, &Shape::new(Kind::Rsa4096))?;
    policy.add(Entry::generate(Kind::Rsa4096, 0, call.now())?);
    call.rings.create(call.storage, WRAPPING_KEY, &policy).await?;
    let ring = call.rings.load(call.storage, WRAPPING_KEY).await?;
    ring.ok_or_else(|| Error::internal("the wrapping key is not there"))
}

fn oaep(hash: &str) -> Result<&'static OaepAlgorithm, Failure> {
    Ok(match hash.to_uppercase().as_str() {
        "SHA1" => &OAEP_SHA1_MGF1SHA1,
        "SHA256" => &OAEP_SHA256_MGF1SHA256,
        "SHA384" => &OAEP_SHA384_MGF1SHA384,
        "SHA512" => &OAEP_SHA512_MGF1SHA512,
        _ => return Err(Failure::user(format!("unknown hash function: {hash}"))),
    })
}

/// A key out of what [`wrap`] made: an AES key under RSA-OAEP, and the key under that with padding (RFC 5649).
fn unwrap(ring: &Ring, wrapped: &[u8], algorithm: &'static OaepAlgorithm) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let Prepared::Rsa { decrypting: Some(decrypting), .. } = ring.version(ring.policy.latest_version)? else {
        return Err(Failure::internal("the wrapping key is not RSA"));
    };
    let size = decrypting.key_size_bytes();
    let (head, tail) = wrapped
        .split_at_checked(size)
        .filter(|(_, tail)| !tail.is_empty())
        .ok_or_else(|| Failure::internal("provided ciphertext is too short"))?;
    let mut ephemeral = Zeroizing::new(vec![0; decrypting.min_output_size()]);
    let ephemeral = decrypting
        .decrypt(algorithm, head, &mut ephemeral, None)
        .map_err(|_| Failure::internal("crypto/rsa: decryption error"))?;
    let kek =
        AesKek::new(&AES_256, ephemeral).map_err(|_| Failure::internal("expected ephemeral AES key to be 256-bit"))?;
    let mut key = Zeroizing::new(vec![0; tail.len()]);
    let size = kek
        .unwrap_with_padding(tail, &mut key)
        .map(|key| key.len())
        .map_err(|_| Failure::internal("the imported key could not be unwrapped"))?;
    key.truncate(size);
    Ok(key)
}

/// Wraps a key for an import.
pub(super) fn wrap(ring: &Ring, key: &[u8], hash: &str) -> Result<String, Failure> {
    let failed = |_| Failure::internal("failed to wrap target key for import");
    let Prepared::Rsa { encrypting, .. } = ring.version(ring.policy.latest_version)? else {
        return Err(Failure::internal("unsupported key type in use; must be a rsa key"));
    };
    let ephemeral = random(32)?.0;
    let mut head = vec![0; encrypting.ciphertext_size()];
    let head = encrypting.encrypt(oaep(hash)?, &ephemeral, &mut head, None).map_err(failed)?;
    let kek = AesKek::new(&AES_256, &ephemeral).map_err(failed)?;
    let mut tail = vec![0; key.len() + 16];
    let tail = kek.wrap_with_padding(key, &mut tail).map_err(failed)?;
    Ok(encode(&[&*head, &*tail].concat()))
}
