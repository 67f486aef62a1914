use super::{LeaseRow, Leased, Revoke, expiry_key, lease_key, token_index_key};
use crate::call::Session;
use crate::core::Core;
use crate::mount::Mount;
use crate::route::Routed;
use crate::token::{TokenKind, random_text};
use crate::ttl::{Wanted, add, calculate};
use logical::{Batch, Error, Lease};
use std::time::Duration;

/// Stores a secret that ends: its identifier, whether it can be renewed, its lifetime. Where that fails the secret is
/// revoked, so that nothing is given out that never ends.
pub(crate) async fn register(
    core: &Core,
    routed: &Routed,
    mount: &Mount,
    session: &Session,
    lease: Lease,
    warnings: &mut Vec<String>,
) -> Result<(String, bool, Duration), Error> {
    let now = routed.request.now;
    let wanted = Wanted { ttl: lease.ttl, max_ttl: lease.max_ttl, ..Wanted::default() };
    let mut ttl = calculate(wanted, (mount.default_ttl, mount.max_ttl), now, now, warnings)?;
    let token = &session.found.token;
    // What a batch token asks for ends with it: nobody revokes it.
    if token.kind == TokenKind::Batch
        && let Some(expires) = token.expires
    {
        ttl = ttl.min(crate::ttl::until(expires, now));
    }
    let namespace = &routed.namespace;
    let lease_id = format!("{}/{}{}", routed.path.trim_end_matches('/'), *random_text(24)?, namespace.suffix());
    let renewable = lease.renewable;
    let row = LeaseRow {
        expires: add(now, ttl),
        issued: now,
        renewed: None,
        failures: 0,
        error: None,
        what: Leased::Secret {
            accessor: mount.entry.accessor.clone(),
            path: routed.request.path.clone(),
            token: session.found.hash.clone(),
            lease: Box::new(lease),
        },
    };
    let mut batch = Batch::new();
    batch.put_json(lease_key(&namespace.id, &lease_id), &row)?;
    batch.put(expiry_key(row.expires, &namespace.id, &lease_id), Vec::new());
    if token.kind == TokenKind::Service {
        batch.put(token_index_key(&session.found.hash, &namespace.id, &lease_id), Vec::new());
    }
    if let Err(error) = core.storage().commit(batch).await {
        if let Leased::Secret { lease, .. } = &row.what {
            let ended = core.revoke_secret(mount, lease).await;
            if let Err(error) = ended {
                tracing::error!(path = routed.path, %error, "a secret whose lease was not stored could not be revoked");
            }
        }
        return Err(error);
    }
    // The token may have been revoked meanwhile, by who did not see this lease: then it is not given out.
    if token.kind == TokenKind::Service && !core.is_token_there(&session.found.hash).await? {
        let state = core.state()?;
        if let Err(error) = core.revoke_lease(&state, &namespace.id, &lease_id, Revoke::Properly, now).await {
            core.retry_lease(&namespace.id, &lease_id, &error, now).await?;
        }
        return Err(Error::Denied);
    }
    Ok((lease_id, renewable, ttl))
}
