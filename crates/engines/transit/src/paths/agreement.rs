use super::{Call, row};
use crate::aead;
use crate::failure::{Failure, failed};
use crate::kind::Kind;
use crate::policy::{Entry, Policy, Shape};
use crate::ring::Ring;
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, agree};
use logical::{Error, Response};
use zeroize::Zeroizing;

/// Makes a key of what another one and the public key of somebody else agree on.
pub(super) async fn derive_key(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let algorithm = call.fields().text("key_derivation_algorithm")?.unwrap_or_else(|| "ecdh".to_owned());
    if algorithm != "ecdh" {
        return Err(Error::invalid(format!("key derivation algorithm {algorithm} not supported")));
    }
    let peer = call.text("peer_public_key")?;
    if peer.is_empty() {
        return Err(Error::invalid("peer public key not provided"));
    }
    let kind_name = call.fields().text("derived_key_type")?.unwrap_or_else(|| "aes256-gcm96".to_owned());
    let kind = Kind::parse(&kind_name.to_lowercase());
    let (kind, size) = kind
        .and_then(|kind| Some((kind, kind.aead_key_size()?)))
        .ok_or_else(|| Error::invalid(format!("unknown key type {kind_name}")))?;
    let base = call.text("base_key_name")?;
    let ring = call.ring(&base).await?.ok_or_else(|| Error::invalid("specified base key not found"))?;
    if ring.policy.kind.curve().is_none() {
        let kind = ring.policy.kind.name();
        return Err(Error::invalid(format!("base key type {kind} does not support key agreement")));
    }
    let key = shared(&ring, call.integer("base_key_version")?, &peer, size);
    let key = key.map_err(|failure| failed(failure.text()))?;
    let mut policy = Policy::new(name, &Shape { imported: true, ..Shape::new(kind) })?;
    policy.add(Entry::import(kind, &key, call.now())?);
    if call.rings.create(call.storage, &row(name), &policy).await? {
        Ok(Response::empty())
    } else {
        Err(failed(format!("key {name:?} already exists")))
    }
}

fn shared(ring: &Ring, version: i64, peer: &str, size: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    let refuse = |why: &str| Err(Failure::user(format!("requested version of the base key is {why}")));
    let version = match u64::try_from(version) {
        Err(_) => return refuse("negative"),
        Ok(0) => policy.latest_version,
        Ok(version) if version > policy.latest_version => return refuse("higher than the latest key version"),
        Ok(version) if version < policy.min_available_version => {
            return refuse("less than the minimum available key version");
        }
        Ok(version) => version,
    };
    let curve = policy.kind.curve().ok_or_else(|| Failure::internal("unsupported base key type"))?;
    let wrong = || {
        let kind = policy.kind.name();
        Failure::user(format!("base private key type {kind} does not match peer public key curve"))
    };
    // Parsed as a key of that type: a point that is not on the curve is refused.
    let peer = Entry::import_public(policy.kind, peer, policy.entry(version)?.time).map_err(|_| wrong())?;
    let peer = peer.point(curve).ok_or_else(wrong)?;
    let own = policy.entry(version)?.ec_d.as_ref().and_then(|d| d.padded(curve.size));
    let own = own.ok_or_else(|| Failure::internal("the base key has no private part"))?;
    let own = PrivateKey::from_private_key(curve.agreement, &own).map_err(|_| wrong())?;
    let peer = UnparsedPublicKey::new(curve.agreement, &peer);
    agree(&own, peer, wrong(), |secret| aead::derive(secret, &[], size))
}
