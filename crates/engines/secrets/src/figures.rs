//! What a server has, counted, for its metrics.

use crate::core::Core;
use crate::mount::{Class, matches_any};
use logical::{Error, Operation};

/// Keys that are read at once.
const PAGE: usize = 10_000;

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Leases, those of tokens with them.
    pub leases: u64,
    /// Leases that were set aside after too many failures.
    pub irrevocable_leases: u64,
    /// Service tokens.
    pub tokens: u64,
}

/// Mounts of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountCount {
    /// `logical` or `auth`.
    pub class: &'static str,
    /// Whether they are local.
    pub is_local: bool,
    /// How many.
    pub entries: u64,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The mount's path with its namespace's: `team/secret/`.
    pub mount: String,
    /// Whether it is a login, or another request without a token.
    pub is_open: bool,
}

impl Core {
    /// Counts. Only keys are read; it costs as much as there are rows, in pages.
    ///
    /// # Errors
    /// Where storage fails, or the server is sealed.
    pub async fn figures(&self) -> Result<Figures, Error> {
        self.state()?;
        Ok(Figures {
            leases: self.count("lease/id/").await?,
            irrevocable_leases: self.count("lease/irrevocable/").await?,
            tokens: self.count("token/id/").await?,
        })
    }

    async fn count(&self, prefix: &str) -> Result<u64, Error> {
        let mut total = 0;
        let mut after = String::new();
        loop {
            let keys = self.storage().scan(prefix, &after, PAGE).await?;
            total += keys.len() as u64;
            match keys.last() {
                Some(last) if keys.len() == PAGE => last.clone_into(&mut after),
                _ => return Ok(total),
            }
        }
    }

    /// Mounts by class, in all namespaces.
    ///
    /// # Errors
    /// Where the server is sealed.
    pub fn mount_counts(&self) -> Result<[MountCount; 4], Error> {
        let state = self.state()?;
        let of = |class: Class, is_local: bool| {
            let mounts = state.router.mounts();
            let entries = mounts.filter(|mount| mount.entry.class == class && mount.entry.local == is_local).count();
            let class = if class == Class::Auth { "auth" } else { "logical" };
            MountCount { class, is_local, entries: entries as u64 }
        };
        Ok([of(Class::Auth, false), of(Class::Auth, true), of(Class::Secret, false), of(Class::Secret, true)])
    }

    /// Where a request of this namespace (by its header) and path goes; nothing while sealed, or where nobody answers.
    pub fn destination(&self, namespace: &str, path: &str, operation: Operation) -> Option<Destination> {
        let state = self.state().ok()?;
        let (namespace, path) = state.router.resolve(namespace, path)?;
        let (mount, rest) = state.router.route(&namespace, path)?;
        let is_open = matches_any(&mount.special.unauthenticated, rest) && operation != Operation::List;
        Some(Destination { mount: format!("{}{}", mount.namespace.path, mount.entry.full_path()), is_open })
    }
}
