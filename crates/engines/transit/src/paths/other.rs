use super::Call;
use crate::failure::{decode, encode};
use crate::hash::Hash;
use crate::material;
use logical::{Error, Operation, Response, Storage, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

const CACHE: &str = "config/cache";
const KEYS: &str = "config/keys";

/// The least size of the cache that is accepted.
const LEAST_CACHE: i64 = 10;

/// The most random bytes that are given out at once.
const MAX_RANDOM: i64 = 128 * 1024;

#[derive(Default, Serialize, Deserialize)]
struct CacheConfig {
    size: i64,
}

#[derive(Default, Serialize, Deserialize)]
struct KeysConfig {
    disable_upsert: bool,
}

pub(super) fn random(call: &Call<'_>, rest: &[&str]) -> Result<Response, Error> {
    let sources = ["platform", "seal", "all"];
    let (source, path) = match rest {
        [source] if sources.contains(source) => (Some(*source), None),
        [bytes] => (None, Some(*bytes)),
        [source, bytes] => (Some(*source), Some(*bytes)),
        _ => (None, None),
    };
    let source = source.map_or_else(|| call.text("source"), |source| Ok(source.to_owned()))?;
    if !source.is_empty() && !sources.contains(&source.as_str()) {
        let text = format!("unsupported entropy source {source:?}; must be \"platform\" or \"seal\", or \"all\"");
        return Err(Error::invalid(text));
    }
    let bytes = match path.filter(|bytes| !bytes.is_empty()) {
        Some(bytes) => {
            bytes.parse().map_err(|error| Error::invalid(format!("error parsing url-set byte count: {error}")))?
        }
        None => call.fields().integer("bytes")?.unwrap_or(32),
    };
    if bytes < 1 {
        return Err(Error::invalid("'bytes' cannot be less than 1"));
    }
    if bytes > MAX_RANDOM {
        return Err(Error::invalid(format!("'bytes' should be less than {MAX_RANDOM}")));
    }
    let format = call.fields().text("format")?.unwrap_or_else(|| "base64".to_owned());
    let write = writer(&format)
        .ok_or_else(|| format!("unsupported encoding format {format:?}; must be \"hex\" or \"base64\""))
        .map_err(Error::invalid)?;
    let random = material::random(usize::try_from(bytes).unwrap_or_default())?;
    let response = Response::json(json!({ "random_bytes": write(&random.0) }));
    Ok(if source == "seal" {
        response.warn("no seal/entropy augmentation available, using platform entropy source")
    } else {
        response
    })
}

pub(super) fn hash(call: &Call<'_>, rest: &[&str]) -> Result<Response, Error> {
    let input = call.fields().text("input")?.ok_or_else(|| Error::invalid("input missing"))?;
    let mut name = rest.first().copied().unwrap_or_default().to_owned();
    if name.is_empty() {
        name = call.fields().text("algorithm")?.unwrap_or_else(|| "sha2-256".to_owned());
    }
    let input = decode(&input).map_err(|error| Error::invalid(format!("unable to decode input as base64: {error}")))?;
    let format = call.fields().text("format")?.unwrap_or_else(|| "hex".to_owned());
    let write = writer(&format)
        .ok_or_else(|| format!("unsupported encoding format {format}; must be \"hex\" or \"base64\""))
        .map_err(Error::invalid)?;
    let found = Hash::parse(&name).filter(|hash| !matches!(hash, Hash::None | Hash::Sha1));
    let hash = found.ok_or_else(|| Error::invalid(format!("unsupported algorithm {name}")))?;
    Ok(Response::json(json!({ "sum": write(&hash.digest(&input)) })))
}

fn writer(format: &str) -> Option<fn(&[u8]) -> String> {
    match format {
        "hex" => Some(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        "base64" => Some(encode),
        _ => None,
    }
}

/// Kept and told; the cache here is bounded by itself.
pub(super) async fn cache_config(call: &Call<'_>) -> Result<Response, Error> {
    if call.request.operation == Operation::Read {
        let config: CacheConfig = call.storage.get_json(CACHE).await?.unwrap_or_default();
        return Ok(Response::json(json!({ "size": config.size })));
    }
    let size = call.integer("size")?;
    if size != 0 && size < LEAST_CACHE {
        return Err(Error::invalid(format!("size must be 0 or a value greater or equal to {LEAST_CACHE}")));
    }
    call.storage.put_json(CACHE, &CacheConfig { size }).await?;
    Ok(Response::json(json!({ "size": size })))
}

pub(super) async fn config_keys(call: &Call<'_>) -> Result<Response, Error> {
    let disable_upsert = if call.request.operation == Operation::Read {
        upsert_is_disabled(call.storage).await?
    } else {
        let disable_upsert = call.flag("disable_upsert")?;
        call.storage.put_json(KEYS, &KeysConfig { disable_upsert }).await?;
        disable_upsert
    };
    Ok(Response::json(json!({ "disable_upsert": disable_upsert })))
}

/// Whether an encryption with a key that is not there fails rather than makes it.
pub(super) async fn upsert_is_disabled(storage: &dyn Storage) -> Result<bool, Error> {
    Ok(storage.get_json::<KeysConfig>(KEYS).await?.unwrap_or_default().disable_upsert)
}
