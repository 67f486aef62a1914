//! The paths of `sys`.

mod audit;
mod capabilities;
mod config;
mod internal;
mod leases;
mod mount_paths;
mod mount_table;
mod namespaces;
mod passwords;
mod policies;
mod quotas;
mod tools;
mod tune;

use crate::answer::Answer;
use crate::call::Call;
use crate::wrapping;
use logical::{Error, Operation, SpecialPaths};

/// Paths that need no token, or `sudo` (`NewSystemBackend` of the peer's internal/vault/logical_system.go).
pub(crate) fn special_paths() -> SpecialPaths {
    SpecialPaths {
        unauthenticated: vec![
            "wrapping/lookup",
            "internal/specs/openapi",
            "internal/ui/mounts",
            "internal/ui/mounts/*",
            "internal/ui/namespaces",
        ],
        root: vec![
            "auth/*",
            "remount",
            "audit",
            "audit/*",
            "raw",
            "raw/*",
            "rotate",
            "rotate/keyring",
            "rotate/root",
            "config/cors",
            "config/auditing/*",
            "config/ui/headers/*",
            "plugins/catalog/*",
            "revoke-prefix/*",
            "revoke-force/*",
            "leases/revoke-prefix/*",
            "leases/revoke-force/*",
            "leases/lookup/*",
            "leases",
            "internal/inspect/*",
            "seal",
            "step-down",
            "storage/raft/snapshot-force",
        ],
    }
}

pub(crate) async fn handle(call: &Call<'_>) -> Result<Answer, Error> {
    let operation = call.request.operation;
    let path = call.request.path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match (parts.as_slice(), operation) {
        (["mounts" | "auth" | "remount" | "internal", ..], _) => mount_or_internal(call, &parts).await,
        (["policy", ..] | ["policies", "acl", ..], _) => policies::handle(call, &parts).await,
        (["policies", "password", ..], _) => passwords::handle(call, &parts).await,
        (["capabilities" | "capabilities-self" | "capabilities-accessor"], Operation::Update) => {
            capabilities::handle(call, path).await
        }
        (["leases", ..] | ["renew" | "revoke" | "revoke-prefix" | "revoke-force", ..], _) => {
            leases::handle(call, path).await
        }
        (["wrapping", "wrap"], Operation::Update) => wrapping::wrap(call),
        (["wrapping", "unwrap"], Operation::Update) => wrapping::unwrap(call).await,
        (["wrapping", "rewrap"], Operation::Update) => wrapping::rewrap(call).await,
        (["wrapping", "lookup"], Operation::Update | Operation::Read) => wrapping::lookup(call).await,
        (["audit", ..] | ["audit-hash", ..], _) => audit::handle(call, path).await,
        (["config", "cors" | "ui" | "auditing", ..], _) => config::handle(call, &parts).await,
        (["tools", ..], _) => tools::handle(call, &parts),
        (["quotas", ..], _) => quotas::handle(call, &parts).await,
        (["namespaces", ..], _) => namespaces::handle(call, &parts).await,
        (["locked-users", ..], _) => config::locked_users(call, &parts),
        (["plugins", "catalog", ..], _) => config::plugins(call, &parts),
        _ => Ok(call.core.settings().operator.handle(call.request).await?.into()),
    }
}

async fn mount_or_internal(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    match parts {
        ["internal", ..] => internal::handle(call, parts).await,
        ["remount", ..] => mount_table::remount_paths(call, parts).await,
        _ => mount_paths::handle(call, parts).await,
    }
}
