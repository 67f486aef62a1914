use super::{Call, row};
use crate::der;
use crate::failure::{Failure, encode, failed};
use crate::kind::Kind;
use crate::material::HMAC_SIZES;
use crate::policy::{Entry, Policy, Shape};
use crate::ring::{KEYS, Ring, Rings};
use crate::signature;
use aws_lc_rs::signature::KeyPair;
use jiff::Timestamp;
use logical::{Error, Map, Response, Storage};
use serde_json::{Value, json};

/// The shortest time between two rotations, in seconds.
const LEAST_ROTATION: u64 = 3600;

/// Names that are asked for at once where all are looked through.
const PAGE: usize = 1000;

pub(super) async fn list(call: &Call<'_>) -> Result<Response, Error> {
    let (after, limit) = call.request.page()?;
    Ok(Response::keys(call.storage.list(KEYS, after, limit).await?))
}

pub(super) async fn create(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let fields = call.fields();
    let kind_name = fields.text("type")?.unwrap_or_else(|| "aes256-gcm96".to_owned());
    let auto_rotate_seconds = auto_rotation(call)?.unwrap_or_default();
    let (derived, convergent) = (call.flag("derived")?, call.flag("convergent_encryption")?);
    if convergent && !derived {
        return Err(Error::invalid("convergent encryption requires derivation to be enabled"));
    }
    let kind = Kind::parse(&kind_name).ok_or_else(|| Error::invalid(format!("unknown key type {kind_name}")))?;
    let key_size = call.integer("key_size")?;
    if key_size != 0 && kind != Kind::Hmac {
        return Err(Error::invalid(format!("key_size is not valid for algorithm {kind_name}")));
    }
    let size = usize::try_from(key_size).ok().filter(|size| *size == 0 || HMAC_SIZES.contains(size));
    let shape = Shape {
        derived,
        convergent,
        exportable: call.flag("exportable")?,
        allow_plaintext_backup: call.flag("allow_plaintext_backup")?,
        auto_rotate_seconds,
        key_size: size.ok_or_else(|| Error::invalid(format!("invalid key_size {key_size}")))?,
        ..Shape::new(kind)
    };
    let ring = find_or_make(call, name, &shape).await?;
    describe(&ring.policy, None)
}

/// A key, made if it is not there.
pub(super) async fn find_or_make(call: &Call<'_>, name: &str, shape: &Shape) -> Result<std::sync::Arc<Ring>, Error> {
    if let Some(ring) = call.ring(name).await? {
        return Ok(ring);
    }
    let mut policy = Policy::new(name, shape)?;
    policy.add(Entry::generate(shape.kind, shape.key_size, call.now())?);
    // Where another came first, its key is the one.
    call.rings.create(call.storage, &row(name), &policy).await?;
    call.ring(name).await?.ok_or_else(|| Error::internal("a key that was written is not there"))
}

pub(super) async fn read(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let context = call.context()?;
    let ring = call.ring(name).await?.ok_or(Error::NotFound)?;
    describe(&ring.policy, Some((&ring, context.as_slice())))
}

pub(super) async fn delete(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let refuse = |why: &str| Err(Error::invalid(format!("error deleting policy {name}: {why}")));
    let check = |policy: Option<&Policy>| match policy {
        None => refuse("could not delete key; not found"),
        Some(policy) if !policy.deletion_allowed => refuse("deletion is not allowed for this key"),
        Some(_) => Ok(()),
    };
    call.rings.delete(call.storage, &row(name), check).await?;
    Ok(Response::empty())
}

pub(super) async fn soft_delete(call: &Call<'_>, name: &str, deleted: bool) -> Result<Response, Error> {
    let Some(before) = call.ring(name).await? else { return Ok(Response::empty()) };
    let change = |policy: &mut Policy| Ok(std::mem::replace(&mut policy.soft_deleted, deleted) != deleted);
    let changed = call.rings.change(call.storage, &row(name), change).await?;
    let response = describe(&changed.ok_or(Error::NotFound)?, None)?;
    Ok(match (before.policy.soft_deleted == deleted, deleted) {
        (false, _) => response,
        (true, true) => response.warn("key was already marked as soft deleted"),
        (true, false) => response.warn("key was already restored"),
    })
}

pub(super) async fn rotate(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let change = |policy: &mut Policy| {
        policy.rotate(call.now()).map_err(|failure| failed(failure.text()))?;
        Ok(true)
    };
    let changed = call.rings.change(call.storage, &row(name), change).await?;
    describe(&changed.ok_or_else(|| Error::invalid("key not found"))?, None)
}

/// Rotates the keys that are due.
pub(super) async fn rotate_due(rings: &Rings, storage: &dyn Storage, now: Timestamp) -> Result<(), Error> {
    let mut after = String::new();
    let mut result = Ok(());
    loop {
        let names = storage.list(KEYS, &after, PAGE).await?;
        for name in &names {
            let change = |policy: &mut Policy| {
                let due = policy.is_due(now);
                if due {
                    policy.rotate(now)?;
                }
                Ok(due)
            };
            // One that fails keeps none of the others from it.
            if let Err(error) = rings.change(storage, &row(name), change).await {
                result = Err(error);
            }
        }
        match names.last() {
            Some(last) if names.len() == PAGE => after.clone_from(last),
            _ => return result,
        }
    }
}

pub(super) async fn configure(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let fields = call.fields();
    let minimum = |name: &str, what: &str| -> Result<Option<u64>, Error> {
        let wanted = fields.integer(name)?.map(u64::try_from).transpose();
        wanted.map_err(|_| Error::invalid(format!("min {what} version cannot be negative")))
    };
    let decryption = minimum("min_decryption_version", "decryption")?;
    let encryption = minimum("min_encryption_version", "encryption")?;
    let deletion_allowed = fields.boolean("deletion_allowed")?;
    let (exportable, backup) = (call.flag("exportable")?, call.flag("allow_plaintext_backup")?);
    let rotation = auto_rotation(call)?;
    let change = |policy: &mut Policy| {
        let latest = policy.latest_version;
        for (version, what) in [(decryption, "decryption"), (encryption, "encryption")] {
            if let Some(version) = version.filter(|version| *version > latest) {
                let text = format!("cannot set min {what} version of {version}, latest key version is {latest}");
                return Err(Error::invalid(text));
            }
        }
        policy.min_decryption_version = decryption.map_or(policy.min_decryption_version, |version| version.max(1));
        policy.min_encryption_version = encryption.unwrap_or(policy.min_encryption_version);
        let (least, from) = (policy.min_encryption_version, policy.min_decryption_version);
        if least > 0 && least < from {
            return Err(Error::invalid(format!(
                "cannot set min encryption/decryption values; min encryption version of {least} must be greater than or \
                 equal to min decryption version of {from}"
            )));
        }
        if policy.min_available_version > least {
            return Err(Error::invalid("min encryption version should not be less than min available version"));
        }
        if policy.min_available_version > from {
            return Err(Error::invalid("min decryption version should not be less then min available version"));
        }
        policy.deletion_allowed = deletion_allowed.unwrap_or(policy.deletion_allowed);
        policy.exportable |= exportable;
        policy.allow_plaintext_backup |= backup;
        if let Some(seconds) = rotation {
            policy.set_auto_rotate_seconds(seconds);
        }
        Ok(true)
    };
    let changed = call.rings.change(call.storage, &row(name), change).await?;
    let missing = || Error::invalid(format!("no existing key named {name} could be found"));
    let response = describe(&changed.ok_or_else(missing)?, None)?;
    Ok(if decryption == Some(0) {
        response.warn(
            "since Vault 0.3 (prior to the OpenBao fork), transit key numbering starts at 1; forcing minimum to 1",
        )
    } else {
        response
    })
}

/// Old versions go for good.
pub(super) async fn trim(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let wanted = call.fields().integer("min_available_version")?;
    let change = |policy: &mut Policy| {
        let refuse = |why: &str| Err(Error::invalid(format!("minimum available version {why}")));
        let wanted = wanted.ok_or_else(|| Error::invalid("missing min_available_version"))?;
        let Ok(wanted) = u64::try_from(wanted) else { return refuse("cannot be decremented") };
        if wanted < policy.min_available_version {
            return refuse("cannot be decremented");
        }
        if policy.min_encryption_version == 0 {
            return refuse("cannot be set when minimum encryption version is not set");
        }
        if wanted > policy.min_encryption_version {
            return refuse("cannot be greater than minmum encryption version");
        }
        if wanted > policy.min_decryption_version {
            return refuse("cannot be greater than minimum decryption version");
        }
        if wanted == 0 {
            return refuse("should be positive");
        }
        policy.min_available_version = wanted;
        policy.archive_min_version = wanted;
        policy.keys = policy.keys.split_off(&wanted);
        Ok(true)
    };
    let changed = call.rings.change(call.storage, &row(name), change).await?;
    describe(&changed.ok_or_else(|| Error::invalid("invalid key name"))?, None)
}

fn auto_rotation(call: &Call<'_>) -> Result<Option<u64>, Error> {
    let seconds = call.fields().duration("auto_rotate_period")?.map(|period| period.as_secs());
    if seconds.is_some_and(|seconds| (1..LEAST_ROTATION).contains(&seconds)) {
        return Err(Error::invalid("auto rotate period must be 0 to disable or at least an hour"));
    }
    Ok(seconds)
}

/// What the API tells of a key; with a context the public keys for it.
fn describe(policy: &Policy, derive: Option<(&Ring, &[u8])>) -> Result<Response, Error> {
    let kind = policy.kind;
    let mut data = json!({
        "name": policy.name,
        "type": kind.name(),
        "derived": policy.derived,
        "deletion_allowed": policy.deletion_allowed,
        "min_available_version": policy.min_available_version,
        "min_decryption_version": policy.min_decryption_version,
        "min_encryption_version": policy.min_encryption_version,
        "latest_version": policy.latest_version,
        "exportable": policy.exportable,
        "allow_plaintext_backup": policy.allow_plaintext_backup,
        "supports_encryption": kind.encrypts(),
        "supports_decryption": kind.encrypts(),
        "supports_signing": kind.signs(),
        "supports_derivation": kind.derives(),
        "auto_rotate_period": policy.auto_rotate_seconds(),
        "imported_key": policy.imported,
        "soft_deleted": policy.soft_deleted,
    });
    let Value::Object(map) = &mut data else { return Err(Error::internal("an object is no object")) };
    let mut add = |name: &str, value: Value| map.insert(name.to_owned(), value);
    if policy.key_size != 0 {
        add("key_size", policy.key_size.into());
    }
    if policy.imported {
        add("imported_key_allow_rotation", policy.allow_imported_key_rotation.into());
    }
    for (name, mark) in [("backup_info", &policy.backup_info), ("restore_info", &policy.restore_info)] {
        if let Some(mark) = mark {
            add(name, json!({ "time": mark.time.to_string(), "version": mark.version }));
        }
    }
    if policy.derived {
        add("kdf", "hkdf_sha256".into());
        add("convergent_encryption", policy.convergent_encryption.into());
        if policy.convergent_encryption {
            add("convergent_encryption_version", policy.convergent_version.into());
        }
    }
    if kind.is_aead() {
        let times = policy.active().map(|(version, entry)| (version.to_string(), entry.creation_time.into()));
        add("keys", Value::Object(times.collect()));
    } else if kind.signs() {
        let keys = policy.active().map(|(version, entry)| {
            Ok((version.to_string(), public_part(policy, version, entry, derive).map_err(Error::from)?))
        });
        add("keys", Value::Object(keys.collect::<Result<Map, Error>>()?));
    }
    Ok(Response::json(data))
}

fn public_part(policy: &Policy, version: u64, entry: &Entry, derive: Option<(&Ring, &[u8])>) -> Result<Value, Failure> {
    let kind = policy.kind;
    let public = match (kind, derive) {
        (Kind::Ed25519, Some((ring, context))) if policy.derived && !context.is_empty() => {
            encode(signature::derived(ring, version, context)?.public_key().as_ref())
        }
        (Kind::Ed25519, _) if policy.derived => String::new(),
        _ if kind.rsa().is_some() => {
            let spki = entry.spki(kind).ok_or_else(|| Failure::internal("the key version has no key"))?;
            der::pem("PUBLIC KEY", &spki).to_string()
        }
        _ => entry.public_key.clone(),
    };
    let chain = entry.certificate_chain.iter().flatten();
    let chain: Vec<String> = chain.map(|der| der::pem("CERTIFICATE", &der.0).trim_end().to_owned()).collect();
    Ok(json!({
        "name": kind.curve().map_or_else(|| kind.name(), |curve| curve.name),
        "public_key": public,
        "certificate_chain": chain.join("\n"),
        "creation_time": entry.time.to_string(),
    }))
}
