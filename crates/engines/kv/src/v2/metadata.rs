use super::config::{Config, max_versions};
use super::key::{Edit, KEYS, Key, Outcome, edit, load};
use crate::v1;
use jiff::Timestamp;
use logical::{Error, Fields, Map, Request, Response, Storage};
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_KEYS: usize = 64;
const MAX_KEY_LENGTH: usize = 128;
const MAX_VALUE_LENGTH: usize = 512;

pub(super) async fn read(storage: &dyn Storage, path: &str) -> Result<Response, Error> {
    let (row, _) = load(storage, path).await?.ok_or(Error::NotFound)?;
    Ok(Response::json(row.key.json()))
}

/// The names below a path, with what is known of each if it is asked for.
pub(super) async fn list(
    storage: &dyn Storage,
    request: &Request,
    path: &str,
    detailed: bool,
) -> Result<Response, Error> {
    let folder = if path.is_empty() { KEYS.to_owned() } else { v1::folder(&format!("{KEYS}{path}")) };
    let names = v1::list(storage, request, folder.clone(), request.operation).await?;
    if !detailed || names.is_empty() {
        return Ok(Response::keys(names));
    }
    let mut infos = Map::new();
    let below = folder.strip_prefix(KEYS).unwrap_or_default();
    for name in &names {
        // A name may be a key and a folder at once.
        let row = load(storage, &format!("{below}{}", name.trim_end_matches('/'))).await?;
        infos.insert(name.clone(), row.map_or_else(|| Map::new().into(), |(row, _)| row.key.json()));
    }
    let mut response = Response::keys(names);
    response.data.get_or_insert_default().insert("key_info".to_owned(), infos.into());
    Ok(response)
}

pub(super) async fn write(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    if path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    let settings = Settings::parse(request.fields(), false)?;
    if settings.is_empty() {
        return Ok(Response::empty());
    }
    if let Some(custom) = &settings.custom_metadata {
        validate(&strings(custom)?)?;
    }
    let config = Config::load(storage).await?;
    edit(storage, path, |edit| {
        settings.check_cas(&config, edit)?;
        let key = &mut edit.row.key;
        if !edit.exists {
            key.created = request.now;
        }
        settings.apply(key, request.now)?;
        if let Some(custom) = &settings.custom_metadata {
            key.custom_metadata = strings(custom)?;
        }
        Ok(Outcome::Write(()))
    })
    .await?;
    Ok(settings.warned(&config))
}

pub(super) async fn patch(storage: &dyn Storage, request: &Request, path: &str) -> Result<Response, Error> {
    let settings = Settings::parse(request.fields(), true)?;
    let cleared = matches!(request.data.get("custom_metadata"), Some(Value::Null));
    if settings.is_empty() && !cleared {
        return Ok(Response::empty());
    }
    if path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    let config = Config::load(storage).await?;
    edit(storage, path, |edit| {
        if !edit.exists {
            return Err(Error::NotFound);
        }
        settings.check_cas(&config, edit)?;
        let key = &mut edit.row.key;
        settings.apply(key, request.now)?;
        if cleared {
            key.custom_metadata.clear();
        }
        for (name, value) in settings.custom_metadata.iter().flatten() {
            match value {
                Value::Null => key.custom_metadata.remove(name),
                value => key.custom_metadata.insert(name.clone(), string(value)?),
            };
        }
        validate(&key.custom_metadata)?;
        Ok(Outcome::Write(()))
    })
    .await?;
    Ok(settings.warned(&config))
}

/// The key goes with all its versions.
pub(super) async fn delete(storage: &dyn Storage, path: &str) -> Result<Response, Error> {
    edit(storage, path, |edit| {
        if !edit.exists {
            return Ok(Outcome::Keep(()));
        }
        let numbers: Vec<u64> = edit.row.key.versions.keys().copied().collect();
        numbers.into_iter().for_each(|number| edit.remove_version(number));
        Ok(Outcome::Remove(()))
    })
    .await?;
    Ok(Response::empty())
}

/// Settings of a key, as far as the request has them.
struct Settings {
    max_versions: Option<u32>,
    cas_required: Option<bool>,
    metadata_cas_required: Option<bool>,
    delete_version_after_seconds: Option<u64>,
    custom_metadata: Option<Map>,
    metadata_cas: Option<i64>,
}

impl Settings {
    /// In a patch null resets a setting.
    fn parse(fields: Fields<'_>, patch: bool) -> Result<Self, Error> {
        let null = |name: &str| patch && fields.is_null(name);
        let integer = |name: &str| Ok::<_, Error>(fields.integer(name)?.or(null(name).then_some(0)));
        let boolean = |name: &str| Ok::<_, Error>(fields.boolean(name)?.or(null(name).then_some(false)));
        let after = fields.duration("delete_version_after")?.map(|after| after.as_secs());
        Ok(Self {
            max_versions: integer("max_versions")?.map(max_versions).transpose()?,
            cas_required: boolean("cas_required")?,
            metadata_cas_required: boolean("metadata_cas_required")?,
            delete_version_after_seconds: after.or(null("delete_version_after").then_some(0)),
            custom_metadata: match fields.raw("custom_metadata") {
                None => None,
                Some(Value::Object(custom)) => Some(custom.clone()),
                Some(_) => {
                    return Err(Error::invalid(
                        "Field validation failed: error converting input for field \"custom_metadata\": expected a map",
                    ));
                }
            },
            metadata_cas: integer("metadata_cas")?,
        })
    }

    fn is_empty(&self) -> bool {
        self.max_versions.is_none()
            && self.cas_required.is_none()
            && self.metadata_cas_required.is_none()
            && self.delete_version_after_seconds.is_none()
            && self.custom_metadata.is_none()
    }

    fn check_cas(&self, config: &Config, edit: &Edit<'_>) -> Result<(), Error> {
        let key = &edit.row.key;
        match self.metadata_cas {
            None if key.metadata_cas_required || config.metadata_cas_required => {
                Err(Error::invalid("metadata check-and-set parameter required for this call"))
            }
            None => Ok(()),
            Some(number) if u64::try_from(number) == Ok(key.metadata_version) => Ok(()),
            Some(_) if !edit.exists => Err(Error::invalid("metadata_cas must be 0 when creating new metadata")),
            Some(_) => Err(Error::invalid("metadata check-and-set parameter does not match the current version")),
        }
    }

    fn apply(&self, key: &mut Key, now: Timestamp) -> Result<(), Error> {
        key.metadata_version += 1;
        key.updated = now;
        key.max_versions = self.max_versions.unwrap_or(key.max_versions);
        key.cas_required = self.cas_required.unwrap_or(key.cas_required);
        key.metadata_cas_required = self.metadata_cas_required.unwrap_or(key.metadata_cas_required);
        key.delete_version_after_seconds =
            self.delete_version_after_seconds.unwrap_or(key.delete_version_after_seconds);
        Ok(())
    }

    fn warned(&self, config: &Config) -> Response {
        let ignored = |name: &str| {
            format!("\"{name}\" set to false, but is mandated by backend config. This value will be ignored.")
        };
        let mut response = Response::empty();
        if config.cas_required && self.cas_required == Some(false) {
            response = response.warn(ignored("cas_required"));
        }
        if config.metadata_cas_required && self.metadata_cas_required == Some(false) {
            response = response.warn(ignored("metadata_cas_required"));
        }
        response
    }
}

fn strings(map: &Map) -> Result<BTreeMap<String, String>, Error> {
    map.iter().map(|(name, value)| Ok((name.clone(), string(value)?))).collect()
}

fn string(value: &Value) -> Result<String, Error> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(if *value { "1" } else { "0" }.to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) | Value::Object(_) => {
            Err(Error::invalid("custom_metadata validation failed: a value is neither text nor number"))
        }
    }
}

fn validate(custom: &BTreeMap<String, String>) -> Result<(), Error> {
    const PREFIX: &str = "custom_metadata validation failed";
    let mut errors = Vec::new();
    if custom.len() > MAX_KEYS {
        let count = custom.len();
        errors.push(format!("{PREFIX}: payload must contain at most {MAX_KEYS} keys, provided {count}"));
    } else {
        for (key, value) in custom {
            let length = key.len();
            if !(1..=MAX_KEY_LENGTH).contains(&length) {
                errors.push(format!(
                    "{PREFIX}: length of key {key:?} is {length} but must be 0 < len(key) <= {MAX_KEY_LENGTH}"
                ));
            }
            let length = value.len();
            if !(1..=MAX_VALUE_LENGTH).contains(&length) {
                errors.push(format!(
                    "{PREFIX}: length of value for key {key:?} is {length} but must be 0 < len(value) <= {MAX_VALUE_LENGTH}"
                ));
            }
            if !is_printable(key) {
                errors.push(format!("{PREFIX}: key {key:?} ({key}) contains unprintable characters"));
            }
            if !is_printable(value) {
                errors.push(format!("{PREFIX}: value for key {key:?} contains unprintable characters"));
            }
        }
    }
    let count = match errors.len() {
        0 => return Ok(()),
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    };
    Err(Error::invalid(format!("{count} occurred:\n\t* {}\n\n", errors.join("\n\t* "))))
}

/// Whether all of it can be seen: the plain space, and what Rust does not escape in a debug text.
fn is_printable(text: &str) -> bool {
    let seen = |letter: char| match letter {
        ' ' | '"' | '\'' | '\\' => true,
        letter => !letter.is_whitespace() && format!("a{letter}").escape_debug().count() == 2,
    };
    text.chars().all(seen)
}
