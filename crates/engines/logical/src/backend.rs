use crate::{Auth, Connection, Error, Lease, Map, Request, Response, Storage};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// An answer that is awaited.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What a backend works with during one call.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The rows of this mount.
    pub storage: &'a dyn Storage,
    /// What the server does for it.
    pub system: &'a dyn System,
}

/// What the server does for a backend.
pub trait System: Send + Sync {
    /// The mount's default and greatest lifetime of leases and tokens.
    fn lifetimes(&self) -> (Duration, Duration);

    /// Options of the mount: `version` of KV.
    fn options(&self) -> BTreeMap<String, String>;

    /// An entity of identity.
    fn entity<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Entity>>;

    /// A password made by a password policy; an empty name is the default policy.
    fn password<'a>(&'a self, policy: &'a str) -> Pending<'a, Zeroizing<String>>;

    /// `cluster/id` and the address under which clients reach the server, where it is known.
    fn api_address(&self) -> Option<String>;
}

/// An entity, as templates and engines see it.
#[derive(Debug, Clone, Default)]
pub struct Entity {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Accessor of an auth mount, the name there, and metadata.
    pub aliases: Vec<(String, String, BTreeMap<String, String>)>,
    /// Groups that it is in, also through others.
    pub groups: Vec<Group>,
    /// Whether it was switched off.
    pub disabled: bool,
}

/// A group of entities.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

/// Paths that are treated in a special way; `*` at the end is any rest, `+` any one segment.
#[derive(Debug, Clone, Default)]
pub struct SpecialPaths {
    /// Need no token.
    pub unauthenticated: Vec<&'static str>,
    /// Need `sudo`.
    pub root: Vec<&'static str>,
}

/// A lease or a login that the server holds, when it is to be renewed or revoked.
pub struct Grant<'a> {
    /// When it was given out.
    pub issued: Timestamp,
    /// When it ends as things stand.
    pub expires: Timestamp,
    /// How much longer the client wants it; zero: as long as usual.
    pub increment: Duration,
    /// Now.
    pub now: Timestamp,
    /// The path of the request that gave it out, below the mount.
    pub path: &'a str,
}

/// A secrets engine or an auth method, at one mount.
pub trait Backend: Send + Sync {
    /// Answers a request. [`Error::UnsupportedPath`] for a path that it does not have.
    fn handle<'a>(&'a self, context: Context<'a>, request: &'a Request) -> Pending<'a, Response>;

    /// Paths that need no token, or `sudo`.
    fn special_paths(&self) -> SpecialPaths {
        SpecialPaths::default()
    }

    /// Whether a write is an update (true) or creates (false); for none it is an update.
    fn exists<'a>(&'a self, _context: Context<'a>, _request: &'a Request) -> Pending<'a, Option<bool>> {
        Box::pin(async { Ok(None) })
    }

    /// Renews a secret: the lease to keep from now on, with its new lifetime.
    fn renew<'a>(&'a self, _context: Context<'a>, _lease: &'a Lease, _grant: Grant<'a>) -> Pending<'a, Lease> {
        Box::pin(async { Err(Error::invalid("lease is not renewable")) })
    }

    /// Ends a secret. It may be asked again after it has ended, and then succeeds.
    fn revoke<'a>(&'a self, _context: Context<'a>, _lease: &'a Lease) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Renews a login: the login to keep from now on.
    fn renew_login<'a>(&'a self, _context: Context<'a>, auth: &'a Auth, _grant: Grant<'a>) -> Pending<'a, Auth> {
        Box::pin(async move { Ok(auth.clone()) })
    }

    /// As [`Self::renew_login`], for methods that ask who renews it: the server calls this one.
    fn renew_login_from<'a>(
        &'a self,
        context: Context<'a>,
        auth: &'a Auth,
        grant: Grant<'a>,
        _connection: &'a Connection,
    ) -> Pending<'a, Auth> {
        self.renew_login(context, auth, grant)
    }

    /// The name that a login with this body would have at identity, before it is checked: for lockout and quotas.
    fn login_alias(&self, _request: &Request) -> Option<String> {
        None
    }

    /// Called about once a minute, on one node: rotation, tidying.
    fn periodic<'a>(&'a self, _context: Context<'a>, _now: Timestamp) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// A row under this key was changed by another node: what was made of it must be forgotten.
    fn invalidate(&self, _key: &str) {}

    /// Called when it is first mounted.
    fn initialize<'a>(&'a self, _context: Context<'a>, _config: &'a Map) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Called before its rows are deleted: a target may have something to give back.
    fn cleanup<'a>(&'a self, _context: Context<'a>) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
