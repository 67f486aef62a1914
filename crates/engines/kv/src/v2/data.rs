use super::config::Config;
use super::key::{Edit, Key, Outcome, edit, load, load_version};
use crate::data::decode;
use jiff::Timestamp;
use logical::{Error, Map, Request, Response, Secret, Storage, encode};
use serde_json::Value;

/// How often a read of an old version starts over because its row went between two reads.
const ATTEMPTS: usize = 5;

pub(super) async fn read(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let found = find(storage, request, path).await?;
    Ok(found.answer("data", |data| data))
}

/// The structure without the values.
pub(super) async fn subkeys(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let depth = request.fields().integer("depth")?.and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0);
    let depth = if depth == 0 { usize::MAX } else { depth };
    let found = find(storage, request, path).await?;
    Ok(found.answer("subkeys", |data| without_values(data, depth)))
}

pub(super) async fn write(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    if path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    let data = encode(body(request)?)?;
    let cas = Cas::parse(request)?;
    let config = Config::load(storage).await?;
    let answer = edit(storage, path, |edit| {
        cas.check(&config, &edit.row.key)?;
        edit.add_version(data.clone(), &config, request.now).map(Outcome::Write)
    });
    Ok(Response { data: Some(answer.await?), ..Response::default() })
}

pub(super) async fn patch(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let changes = body(request)?;
    let cas = Cas::parse(request)?;
    let config = Config::load(storage).await?;
    edit(storage, path, |edit| patched(edit, &cas, &config, changes, request.now)).await
}

fn patched(
    edit: &mut Edit<'_>,
    cas: &Cas,
    config: &Config,
    changes: &Map,
    now: Timestamp,
) -> Result<Outcome<Response>, Error> {
    if !edit.exists {
        return Err(Error::NotFound);
    }
    let key = &edit.row.key;
    cas.check(config, key)?;
    let number = key.current_version;
    let version = key.versions.get(&number).ok_or(Error::NotFound)?;
    let Some(data) = edit.row.data.as_ref().filter(|_| version.is_live(now)) else {
        let data = Some(key.version_json(number, version));
        return Ok(Outcome::Keep(Response { data, status: Some(404), ..Response::default() }));
    };
    let mut merged = decode(data)?;
    merge(&mut merged, changes);
    let data = Some(edit.add_version(encode(&merged)?, config, now)?);
    Ok(Outcome::Write(Response { data, ..Response::default() }))
}

/// `options.cas`.
struct Cas(Option<i64>);

impl Cas {
    /// With the conversions that the peer's decoder makes.
    fn parse(request: &Request) -> Result<Self, Error> {
        let options = match request.fields().raw("options") {
            None => return Ok(Self(None)),
            Some(Value::Object(options)) => options,
            Some(_) => return Err(no_map("options")),
        };
        let Some(value) = options.get("cas") else { return Ok(Self(None)) };
        let number = match value {
            Value::Null => Some(0),
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.is_empty() => Some(0),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.map(|number| Self(Some(number))).ok_or_else(|| Error::invalid("error parsing check-and-set parameter"))
    }

    fn check(&self, config: &Config, key: &Key) -> Result<(), Error> {
        match self.0 {
            Some(number) if u64::try_from(number) == Ok(key.current_version) => Ok(()),
            Some(_) => Err(Error::invalid("check-and-set parameter did not match the current version")),
            None if config.cas_required || key.cas_required => {
                Err(Error::invalid("check-and-set parameter required for this call"))
            }
            None => Ok(()),
        }
    }
}

fn body(request: &Request) -> Result<&Map, Error> {
    match request.fields().raw("data") {
        None => Err(Error::invalid("no data provided")),
        Some(Value::Object(data)) => Ok(data),
        Some(_) => Err(no_map("data")),
    }
}

/// The value could be a secret, so it is not told.
fn no_map(name: &str) -> Error {
    Error::invalid(format!("Field validation failed: error converting input for field {name:?}: expected a map"))
}

/// A version that was asked for; its data if it is neither deleted nor destroyed.
struct Found {
    metadata: Map,
    data: Option<Map>,
}

impl Found {
    fn answer(self, name: &str, show: impl FnOnce(Map) -> Map) -> Response {
        let status = if self.data.is_some() { None } else { Some(404) };
        let data = self.data.map_or(Value::Null, |data| Value::Object(show(data)));
        let map = Map::from_iter([(name.to_owned(), data), ("metadata".to_owned(), self.metadata.into())]);
        Response { data: Some(map), status, ..Response::default() }
    }
}

async fn find(storage: &dyn Storage, request: &Request, path: &str) -> Result<Found, Error> {
    let wanted = request.fields().integer("version")?.and_then(|number| u64::try_from(number).ok());
    for _ in 0..ATTEMPTS {
        let Some((row, _)) = load(storage, path).await? else { return Err(Error::NotFound) };
        let number = wanted.filter(|number| *number > 0).unwrap_or(row.key.current_version);
        let version = row.key.versions.get(&number).ok_or(Error::NotFound)?;
        let metadata = row.key.version_json(number, version);
        if !version.is_live(request.now) {
            return Ok(Found { metadata, data: None });
        }
        let data: Option<Secret> =
            if number == row.key.current_version { row.data } else { load_version(storage, path, number).await? };
        if let Some(data) = data {
            return Ok(Found { metadata, data: Some(decode(&data)?) });
        }
    }
    Err(Error::internal("could not find version data"))
}

/// A merge patch of RFC 7396.
pub(super) fn merge(target: &mut Map, changes: &Map) {
    for (name, change) in changes {
        match change {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(changes) => {
                let inner = target.entry(name.clone()).or_insert(Value::Null);
                if !inner.is_object() {
                    *inner = Map::new().into();
                }
                if let Value::Object(inner) = inner {
                    merge(inner, changes);
                }
            }
            other => {
                target.insert(name.clone(), other.clone());
            }
        }
    }
}

/// Leaves, and what is deeper than `depth`, become null.
fn without_values(data: Map, depth: usize) -> Map {
    let strip = |(name, value)| match value {
        Value::Object(inner) if depth > 1 && !inner.is_empty() => (name, without_values(inner, depth - 1).into()),
        _ => (name, Value::Null),
    };
    data.into_iter().map(strip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_follows_the_examples_of_rfc_7396() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": "foo"}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        ] {
            let (Value::Object(mut target), Value::Object(patch)) = (target, patch) else { panic!() };
            merge(&mut target, &patch);
            assert_eq!(Value::Object(target), result);
        }
    }
}
