use super::{Call, import};
use crate::der;
use crate::failure::{Failure, encode, failed};
use crate::kind::Kind;
use crate::policy::{Entry, Policy, SOFT_DELETED};
use logical::{Error, Map, Response};
use serde_json::json;

/// Which part of a key is exported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Encryption,
    Signing,
    Hmac,
    Public,
    Certificates,
}

/// How it is written; the default depends on the type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Default,
    Raw,
    Der,
    Pem,
}

pub(super) async fn export(call: &Call<'_>, part: &str, name: &str, version: Option<&str>) -> Result<Response, Error> {
    let part_name = part;
    let part = match part {
        "encryption-key" => Part::Encryption,
        "signing-key" => Part::Signing,
        "hmac-key" => Part::Hmac,
        "public-key" => Part::Public,
        "certificate-chain" => Part::Certificates,
        other => return Err(Error::invalid(format!("invalid export type: {other}"))),
    };
    let format = match call.text("format")?.as_str() {
        "" => Format::Default,
        "raw" => Format::Raw,
        "der" => Format::Der,
        "pem" => Format::Pem,
        other => return Err(Error::invalid(format!("invalid format: {other}"))),
    };
    let ring = call.ring(name).await?.ok_or(Error::NotFound)?;
    let policy = &ring.policy;
    if !policy.exportable && !matches!(part, Part::Public | Part::Certificates) {
        return Err(Error::invalid("private key material is not exportable"));
    }
    if policy.soft_deleted {
        return Err(failed(SOFT_DELETED));
    }
    match part {
        Part::Encryption if !policy.kind.encrypts() => {
            return Err(Error::invalid("encryption not supported for the key"));
        }
        Part::Signing if !policy.kind.signs() => return Err(Error::invalid("signing not supported for the key")),
        Part::Certificates if !policy.kind.signs() => {
            return Err(Error::invalid("certificate chain not supported for keys that do not support signing"));
        }
        _ => {}
    }
    versions(policy, version, |entry| {
        if !policy.kind.signs() && part == Part::Public {
            let text = format!("unknown key type {} for export type {part_name}", policy.kind.name());
            return Err(Failure::internal(text));
        }
        write(policy.kind, entry, part, format)
    })
}

/// Exports a key wrapped with another one that is RSA, as an import takes it.
pub(super) async fn byok(call: &Call<'_>, to: &str, from: &str, version: Option<&str>) -> Result<Response, Error> {
    let missing = |what: &str| failed(format!("no such {what}"));
    let to = call.ring(to).await?.ok_or_else(|| missing("destination key to export to"))?;
    if to.policy.soft_deleted {
        return Err(failed(format!("for destination key: {SOFT_DELETED}")));
    }
    let from = call.ring(from).await?.ok_or_else(|| missing("source key for export"))?;
    let policy = &from.policy;
    if !policy.exportable {
        return Err(Error::invalid("key is not exportable"));
    }
    if policy.soft_deleted {
        return Err(failed(format!("for source key: {SOFT_DELETED}")));
    }
    let hash = call.fields().text("hash")?.unwrap_or_else(|| "SHA256".to_owned());
    versions(policy, version, |entry| {
        let pkcs8;
        let key = match &entry.key {
            Some(key) if policy.kind != Kind::Ed25519 => &key.0,
            _ => {
                pkcs8 = entry.pkcs8(policy.kind).ok_or_else(|| Failure::internal("the key has no private part"))?;
                &pkcs8
            }
        };
        import::wrap(&to, key, &hash)
    })
}

fn versions(
    policy: &Policy,
    version: Option<&str>,
    write: impl Fn(&Entry) -> Result<String, Failure>,
) -> Result<Response, Error> {
    let write = |entry: &Entry| write(entry).map_err(|failure| failed(failure.text()));
    let mut keys = Map::new();
    match version.filter(|version| !version.is_empty()) {
        None => {
            for (version, entry) in policy.active() {
                keys.insert(version.to_string(), write(entry)?.into());
            }
        }
        Some(version) => {
            let version = match version.strip_prefix('v').unwrap_or(version) {
                "latest" => policy.latest_version,
                number => number.parse().map_err(|_| Error::invalid("invalid key version"))?,
            };
            if version < policy.min_decryption_version {
                return Err(Error::invalid("version for export is below minimum decryption version"));
            }
            let entry = policy.keys.get(&version);
            let entry = entry.ok_or_else(|| Error::invalid("version does not exist or cannot be found"))?;
            keys.insert(version.to_string(), write(entry)?.into());
        }
    }
    Ok(Response::json(json!({ "name": policy.name, "type": policy.kind.name(), "keys": keys })))
}

fn write(kind: Kind, entry: &Entry, part: Part, format: Format) -> Result<String, Failure> {
    let symmetric = matches!(part, Part::Hmac) || (part == Part::Encryption && kind.is_aead());
    if symmetric {
        if matches!(format, Format::Der | Format::Pem) {
            return Err(Failure::internal("unknown format for HMAC key; supported values are `` or `raw`"));
        }
        let key = if part == Part::Hmac && kind != Kind::Hmac { &entry.hmac_key } else { &entry.key };
        return Ok(key.as_ref().map(|key| encode(&key.0)).unwrap_or_default());
    }
    if part == Part::Certificates {
        let chain = entry.certificate_chain.as_ref();
        let chain = chain
            .ok_or_else(|| Failure::internal("selected key version does not have a certificate chain imported"))?;
        let blocks: Vec<String> =
            chain.iter().map(|der| der::pem("CERTIFICATE", &der.0).trim_end().to_owned()).collect();
        return Ok(blocks.join("\n"));
    }
    if kind == Kind::Ed25519 && matches!(format, Format::Default | Format::Raw) {
        let key = entry.key.as_ref().map(|key| encode(&key.0)).unwrap_or_default();
        return Ok(if part == Part::Public { entry.public_key.clone() } else { key });
    }
    if format == Format::Raw {
        let name = if kind.rsa().is_some() { "rsa" } else { "ec" };
        let text = format!("unknown key format for {name} key; supported values are ``, `der`, or `pem`");
        return Err(Failure::internal(text));
    }
    let (label, bytes) = match part {
        Part::Public => ("PUBLIC KEY", entry.spki(kind)),
        _ if entry.is_public() => return Ok(String::new()),
        _ if format != Format::Default => ("PRIVATE KEY", entry.pkcs8(kind)),
        _ => match kind.curve() {
            Some(curve) => ("EC PRIVATE KEY", entry.ec_private(curve, true)),
            None => ("RSA PRIVATE KEY", entry.rsa_pkcs1()),
        },
    };
    let bytes = bytes.ok_or_else(|| Failure::internal("the key version has no such key"))?;
    if format == Format::Der {
        return Ok(encode(&bytes));
    }
    let pem = der::pem(label, &bytes);
    // The peer leaves the last line break to RSA keys only.
    Ok(if kind.rsa().is_some() { pem.to_string() } else { pem.trim_end().to_owned() })
}
