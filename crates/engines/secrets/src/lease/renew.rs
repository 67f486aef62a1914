use super::{LeaseRow, Leased, expiry_key, lease_key};
use crate::call::MountSystem;
use crate::core::{Core, State};
use crate::mount::Target;
use crate::ttl::{Wanted, add, calculate};
use jiff::Timestamp;
use logical::{Batch, Error, Grant, StorageExt as _};
use std::time::Duration;

impl Core {
    /// Gives a secret more time: whether it can be renewed again, and its lifetime from now on.
    pub(crate) async fn renew_lease(
        &self,
        state: &State,
        namespace_id: &str,
        lease_id: &str,
        increment: Duration,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<(bool, Duration), Error> {
        let key = lease_key(namespace_id, lease_id);
        let found = self.storage().get_json_at::<LeaseRow>(&key).await?;
        let (row, version) = found.ok_or_else(|| Error::invalid("lease not found"))?;
        let Leased::Secret { accessor, path, token, lease } = &row.what else {
            return Err(Error::invalid("tokens cannot be renewed through this endpoint"));
        };
        if row.expires <= now || row.failures > 0 {
            return Err(Error::invalid("lease expired"));
        }
        if !lease.renewable {
            return Err(Error::invalid("lease is not renewable"));
        }
        let mount = state.router.by_accessor(accessor).filter(|mount| !mount.entry.is_tainted);
        let mount = mount.ok_or_else(|| Error::invalid("lease is not renewable"))?;
        let Target::Backend(backend) = &mount.target else { return Err(Error::invalid("lease is not renewable")) };
        let system = MountSystem { core: self, mount };
        let grant = Grant { issued: row.issued, expires: row.expires, increment, now, path };
        let renewed = backend.renew(system.context(), lease, grant).await?;
        let wanted = Wanted { increment, ttl: renewed.ttl, max_ttl: renewed.max_ttl, ..Wanted::default() };
        let ttl = calculate(wanted, (mount.default_ttl, mount.max_ttl), row.issued, now, warnings)?;
        let renewable = renewed.renewable;
        let changed = LeaseRow {
            expires: add(now, ttl),
            issued: row.issued,
            renewed: Some(now),
            failures: 0,
            error: None,
            what: Leased::Secret {
                accessor: accessor.clone(),
                path: path.clone(),
                token: token.clone(),
                lease: Box::new(renewed),
            },
        };
        let mut batch = Batch::new();
        batch.delete(expiry_key(row.expires, namespace_id, lease_id));
        batch.put_json(key.as_str(), &changed)?.require(key.as_str(), Some(version));
        batch.put(expiry_key(changed.expires, namespace_id, lease_id), Vec::new());
        match self.storage().commit(batch).await {
            Err(Error::Conflict) => Err(Error::invalid("lease has changed meanwhile, try again")),
            other => other.map(|_| (renewable, ttl)),
        }
    }
}
