mod agreement;
mod backup;
mod certificates;
mod crypt;
mod export;
mod import;
mod keys;
mod other;
mod signing;

use crate::failure::decode;
use crate::ring::{KEYS, Ring, Rings};
use jiff::Timestamp;
use logical::{Backend, Context, Error, Fields, Operation, Pending, Request, Response, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use zeroize::Zeroizing;

/// Seconds between two looks for keys that are due to rotate.
const ROTATION_INTERVAL: i64 = 3600;

/// The transit engine at one mount.
#[derive(Default)]
pub struct Transit {
    rings: Rings,
    /// When keys were last looked through for those that are due.
    looked: AtomicI64,
}

impl Transit {
    /// A backend; keys are read from the storage when they are used.
    pub fn new() -> Self {
        Self::default()
    }

    async fn route(&self, context: Context<'_>, request: &Request) -> Result<Response, Error> {
        let call = Call { storage: context.storage, request, rings: &self.rings };
        let parts: Vec<&str> = request.path.trim_end_matches('/').split('/').collect();
        let (read, write) = (request.operation == Operation::Read, request.operation.is_write());
        match parts.as_slice() {
            ["keys"] if request.operation == Operation::List => keys::list(&call).await,
            ["keys", rest @ ..] => keys_below(&call, rest).await,
            ["encrypt", name] if write => crypt::encrypt(&call, named(name)?).await,
            ["decrypt", name] if write => crypt::decrypt(&call, named(name)?).await,
            ["rewrap", name] if write => crypt::rewrap(&call, named(name)?).await,
            ["datakey", kind, name] if write => crypt::datakey(&call, kind, named(name)?).await,
            ["sign", name, hash @ ..] if write && hash.len() < 2 => signing::sign(&call, named(name)?, hash).await,
            ["verify", name, hash @ ..] if write && hash.len() < 2 => signing::verify(&call, named(name)?, hash).await,
            ["hmac", name, hash @ ..] if write && hash.len() < 2 => signing::hmac(&call, named(name)?, hash).await,
            ["export", kind, name, version @ ..] if read && version.len() < 2 => {
                export::export(&call, kind, named(name)?, version.first().copied()).await
            }
            ["byok-export", to, from, version @ ..] if read && version.len() < 2 => {
                export::byok(&call, named(to)?, named(from)?, version.first().copied()).await
            }
            ["backup", name] if read => backup::backup(&call, named(name)?).await,
            ["restore"] if write => backup::restore(&call, None).await,
            ["restore", name] if write => backup::restore(&call, Some(named(name)?)).await,
            ["derive-key", name] if write => agreement::derive_key(&call, named(name)?).await,
            ["wrapping_key"] if read => import::wrapping_key(&call).await,
            ["random", rest @ ..] if write && rest.len() < 3 => other::random(&call, rest),
            ["hash", rest @ ..] if write && rest.len() < 2 => other::hash(&call, rest),
            ["cache-config"] if read || write => other::cache_config(&call).await,
            ["config", "keys"] if read || write => other::config_keys(&call).await,
            [
                "encrypt" | "decrypt" | "rewrap" | "datakey" | "sign" | "verify" | "hmac" | "export" | "derive-key"
                | "byok-export" | "backup" | "restore" | "wrapping_key" | "random" | "hash" | "cache-config",
                ..,
            ]
            | ["config", "keys"] => Err(Error::UnsupportedOperation),
            _ => Err(Error::UnsupportedPath),
        }
    }
}

async fn keys_below(call: &Call<'_>, rest: &[&str]) -> Result<Response, Error> {
    let (operation, write) = (call.request.operation, call.request.operation.is_write());
    match rest {
        [name] if write => keys::create(call, named(name)?).await,
        [name] if operation == Operation::Read => keys::read(call, named(name)?).await,
        [name] if operation == Operation::Delete => keys::delete(call, named(name)?).await,
        [name, "soft-delete"] if operation == Operation::Delete => keys::soft_delete(call, named(name)?, true).await,
        [name, "soft-delete-restore"] if write => keys::soft_delete(call, named(name)?, false).await,
        [name, "config"] if write => keys::configure(call, named(name)?).await,
        [name, "rotate"] if write => keys::rotate(call, named(name)?).await,
        [name, "trim"] if write => keys::trim(call, named(name)?).await,
        [name, "csr"] if write => certificates::csr(call, named(name)?).await,
        [name, "set-certificate"] if write => certificates::set(call, named(name)?).await,
        [name, "import"] if write => import::import(call, named(name)?).await,
        [name, "import_version"] if write => import::import_version(call, named(name)?).await,
        [_]
        | [
            _,
            "soft-delete"
            | "soft-delete-restore"
            | "config"
            | "rotate"
            | "trim"
            | "csr"
            | "set-certificate"
            | "import"
            | "import_version",
        ] => Err(Error::UnsupportedOperation),
        _ => Err(Error::UnsupportedPath),
    }
}

/// A request on its way.
struct Call<'a> {
    storage: &'a dyn Storage,
    request: &'a Request,
    rings: &'a Rings,
}

impl<'a> Call<'a> {
    fn fields(&self) -> Fields<'a> {
        self.request.fields()
    }

    fn now(&self) -> Timestamp {
        self.request.now
    }

    async fn ring(&self, name: &str) -> Result<Option<Arc<Ring>>, Error> {
        self.rings.load(self.storage, &row(name)).await
    }

    /// A field's text, or empty.
    fn text(&self, name: &str) -> Result<String, Error> {
        Ok(self.fields().text(name)?.unwrap_or_default())
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        Ok(self.fields().boolean(name)?.unwrap_or_default())
    }

    fn integer(&self, name: &str) -> Result<i64, Error> {
        Ok(self.fields().integer(name)?.unwrap_or_default())
    }

    /// `context`, decoded.
    fn context(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        decode(&self.text("context")?).map_err(|_| Error::invalid("failed to base64-decode context"))
    }
}

fn row(name: &str) -> String {
    format!("{KEYS}{name}")
}

/// A name as the peer's routes have it: letters, digits, `_`, and in between also `.` and `-`.
fn named(name: &str) -> Result<&str, Error> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let fits = name.starts_with(word)
        && name.ends_with(word)
        && name.chars().all(|letter| word(letter) || matches!(letter, '.' | '-'));
    if fits { Ok(name) } else { Err(Error::UnsupportedPath) }
}

impl Backend for Transit {
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response> {
        Box::pin(self.route(context, request))
    }

    fn exists<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async move {
            let Some(name) = request.path.strip_prefix("encrypt/") else { return Ok(None) };
            Ok(Some(self.rings.load(context.storage, &row(name)).await?.is_some()))
        })
    }

    fn invalidate(&self, key: &str) {
        self.rings.forget(key);
    }

    fn periodic<'a>(&'a self, context: Context<'a>, now: Timestamp) -> Pending<'a, ()> {
        Box::pin(async move {
            let looked = self.looked.load(Ordering::Relaxed);
            if now.as_second() < looked.saturating_add(ROTATION_INTERVAL) {
                return Ok(());
            }
            self.looked.store(now.as_second(), Ordering::Relaxed);
            keys::rotate_due(&self.rings, context.storage, now).await
        })
    }
}
