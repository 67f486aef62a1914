use crate::barcode;
use crate::key::{Algorithm, Import, Key, decode, generate};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::{Backend, Batch, Context, Error, Operation, Pending, Request, Response, Storage, StorageExt};
use serde_json::json;
use std::time::Duration;
use zeroize::Zeroizing;

const KEYS: &str = "key/";

/// How often a verification starts over after another came first.
const ATTEMPTS: usize = 100;

/// Bounds of what is asked for: bytes of a secret, pixels of a side, seconds.
const MAX_KEY_SIZE: i64 = 512;
const MAX_BARCODE: u32 = 4096;
const MAX_PERIOD: u64 = 1 << 31;

/// The TOTP engine at one mount.
#[derive(Debug, Default)]
pub struct Totp {}

impl Totp {
    /// A backend; all that it knows is in the storage.
    pub fn new() -> Self {
        Self {}
    }
}

impl Backend for Totp {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(async move {
            let storage = context.storage;
            let (operation, write) = (request.operation, request.operation.is_write());
            let path = request.path.trim_end_matches('/');
            match path.split_once('/').unwrap_or((path, "")) {
                ("keys", "") if operation == Operation::List => {
                    let (after, limit) = request.page()?;
                    Ok(Response::keys(storage.list(KEYS, after, limit).await?))
                }
                ("keys", "") => Err(Error::UnsupportedOperation),
                ("keys", name) if write => create(storage, request, named(name)?).await,
                ("keys", name) if operation == Operation::Read => read(storage, named(name)?).await,
                ("keys", name) if operation == Operation::Delete => {
                    storage.delete(&row(named(name)?)).await?;
                    Ok(Response::empty())
                }
                ("code", name) if operation == Operation::Read => code(storage, request, named(name)?).await,
                ("code", name) if write => verify(storage, request, named(name)?).await,
                ("keys" | "code", name) => named(name).and(Err(Error::UnsupportedOperation)),
                _ => Err(Error::UnsupportedPath),
            }
        })
    }
}

fn row(name: &str) -> String {
    format!("{KEYS}{name}")
}

/// A name as the peer's routes have it: letters, digits, `_`, and in between also `.`, `-` and `@`.
fn named(name: &str) -> Result<&str, Error> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let fits = name.starts_with(word)
        && name.ends_with(word)
        && name.chars().all(|letter| word(letter) || matches!(letter, '.' | '-' | '@'));
    if fits { Ok(name) } else { Err(Error::UnsupportedPath) }
}

async fn create(storage: &dyn Storage, request: &Request, name: &str) -> Result<Response, Error> {
    let fields = request.fields();
    let text = |name: &str| Ok::<_, Error>(fields.text(name)?.unwrap_or_default());
    let generated = fields.boolean("generate")?.unwrap_or(false);
    let exported = fields.boolean("exported")?.unwrap_or(true);
    let (given, address) = (Zeroizing::new(text("key")?), Zeroizing::new(text("url")?));
    if generated && !given.is_empty() {
        return Err(Error::invalid("a key should not be passed if generate is true"));
    }
    if generated && !address.is_empty() {
        return Err(Error::invalid("a url should not be passed if generate is true"));
    }
    let import = if address.is_empty() {
        Import { secret: given, account_name: text("account_name")?, ..Import::default() }
    } else {
        Import::parse(&address)?
    };
    let issuer = if import.issuer.is_empty() { text("issuer")? } else { import.issuer };
    let digits = import.digits.map_or_else(|| fields.integer("digits"), |digits| Ok(Some(digits)))?;
    let digits = match digits.unwrap_or(6) {
        6 => 6,
        8 => 8,
        _ => return Err(Error::invalid("the digits value can only be 6 or 8")),
    };
    let algorithm = import.algorithm.map_or_else(|| fields.text("algorithm"), |name| Ok(Some(name)))?;
    let algorithm = Algorithm::parse(algorithm.as_deref().unwrap_or("SHA1"))
        .ok_or_else(|| Error::invalid("the algorithm value is not valid"))?;
    let period = match import.period {
        Some(period) => u64::try_from(period).unwrap_or(0),
        None => fields.duration("period")?.map_or(30, |period| period.as_secs()),
    };
    if !(1..=MAX_PERIOD).contains(&period) {
        return Err(Error::invalid("the period value must be greater than zero"));
    }
    let skew = match fields.integer("skew")?.unwrap_or(1) {
        0 => 0,
        1 => 1,
        _ => return Err(Error::invalid("the skew value must be 0 or 1")),
    };
    let barcode_size = u32::try_from(fields.integer("qr_size")?.unwrap_or(200))
        .map_err(|_| Error::invalid("the qr_size value must be greater than or equal to zero"))?;
    if barcode_size > MAX_BARCODE {
        return Err(Error::invalid(format!("the qr_size value must be at most {MAX_BARCODE}")));
    }
    let key_size = fields.integer("key_size")?.unwrap_or(20);
    if key_size <= 0 {
        return Err(Error::invalid("the key_size value must be greater than zero"));
    }
    if key_size > MAX_KEY_SIZE {
        return Err(Error::invalid(format!("the key_size value must be at most {MAX_KEY_SIZE}")));
    }
    let mut key = Key {
        secret: import.secret.to_string(),
        issuer,
        account_name: import.account_name,
        period_seconds: period,
        algorithm,
        digits,
        skew,
        used: Vec::new(),
    };
    let response = if generated {
        if key.account_name.is_empty() {
            return Err(Error::invalid("the account_name value is required for generated keys"));
        }
        if key.issuer.is_empty() {
            return Err(Error::invalid("the issuer value is required for generated keys"));
        }
        key.secret = generate(usize::try_from(key_size).map_err(Error::internal)?)?.to_string();
        if exported { show(&key, barcode_size)? } else { Response::empty() }
    } else {
        if key.secret.is_empty() {
            return Err(Error::invalid("the key value is required"));
        }
        decode(&key.secret)?;
        Response::empty()
    };
    storage.put_json(&row(name), &key).await?;
    Ok(response)
}

fn show(key: &Key, barcode_size: u32) -> Result<Response, Error> {
    let url = key.url();
    if barcode_size == 0 {
        return Ok(Response::json(json!({ "url": url.as_str() })));
    }
    let barcode = STANDARD.encode(barcode::png(&url, barcode_size)?);
    Ok(Response::json(json!({ "url": url.as_str(), "barcode": barcode })))
}

async fn read(storage: &dyn Storage, name: &str) -> Result<Response, Error> {
    let key: Key = storage.get_json(&row(name)).await?.ok_or(Error::NotFound)?;
    Ok(Response::json(json!({
        "issuer": key.issuer,
        "account_name": key.account_name,
        "period": key.period_seconds,
        "algorithm": key.algorithm.name(),
        "digits": key.digits,
    })))
}

async fn code(storage: &dyn Storage, request: &Request, name: &str) -> Result<Response, Error> {
    let key: Option<Key> = storage.get_json(&row(name)).await?;
    let key = key.ok_or_else(|| Error::invalid(format!("unknown key: {name}")))?;
    let now = request.now.as_second();
    let period = u64::try_from(now).unwrap_or(0) / key.period_seconds;
    Ok(Response::json(json!({
        "code": key.code(period)?.as_str(),
        "generated": now,
        "expire_time": (period + 1) * key.period_seconds,
        "period": logical::format_duration(Duration::from_secs(key.period_seconds)),
    })))
}

async fn verify(storage: &dyn Storage, request: &Request, name: &str) -> Result<Response, Error> {
    let given = Zeroizing::new(request.fields().text("code")?.unwrap_or_default());
    let row = row(name);
    for _ in 0..ATTEMPTS {
        let found: Option<(Key, u64)> = storage.get_json_at(&row).await?;
        let (mut key, version) = found.ok_or_else(|| Error::invalid(format!("unknown key: {name}")))?;
        if given.is_empty() {
            return Err(Error::invalid("the code value is required"));
        }
        if given.len() != key.digits as usize || given.trim() != given.as_str() {
            return Err(Error::invalid("invalid number of digits for the code"));
        }
        let now = u64::try_from(request.now.as_second()).unwrap_or(0) / key.period_seconds;
        let Some(period) = matching(&key, now, &given)? else {
            return Ok(Response::json(json!({ "valid": false })));
        };
        if key.used.contains(&period) {
            return Err(Error::invalid("code already used; wait until the next time period"));
        }
        // A clock that went back must not bring back what it has seen.
        let skew = key.skew;
        key.used.retain(|used| used + 2 * (skew + 1) >= now);
        key.used.push(period);
        let mut batch = Batch::new();
        batch.require(row.clone(), Some(version)).put_json(row.clone(), &key)?;
        match storage.commit(batch).await {
            Err(Error::Conflict) => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(Response::json(json!({ "valid": true }))),
        }
    }
    Err(Error::Conflict)
}

/// The period whose code it is, among those that are accepted now; all are looked at, whatever matches.
fn matching(key: &Key, now: u64, given: &str) -> Result<Option<u64>, Error> {
    let mut found = None;
    for period in now.saturating_sub(key.skew)..=now.saturating_add(key.skew) {
        if verify_slices_are_equal(key.code(period)?.as_bytes(), given.as_bytes()).is_ok() {
            // Of two periods with the same code one that was not used is meant.
            found = found.filter(|before| !key.used.contains(before)).or(Some(period));
        }
    }
    Ok(found)
}
