use super::{LeaseRow, Leased, expiry_key, lease_key, token_index_key};
use crate::call::MountSystem;
use crate::core::{Core, State};
use crate::mount::{Mount, Target};
use jiff::Timestamp;
use logical::{Batch, Error, Lease, StorageExt as _};
use serde::{Deserialize, Serialize};

/// How a lease is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoke {
    /// It stays where the backend fails.
    Properly,
    /// It is forgotten also where the backend fails.
    Anyhow,
}

impl Core {
    /// Asks the backend to end a secret.
    pub(crate) async fn revoke_secret(&self, mount: &Mount, lease: &Lease) -> Result<(), Error> {
        let Target::Backend(backend) = &mount.target else {
            return Err(Error::internal("the secrets engine of a lease is not known"));
        };
        let system = MountSystem { core: self, mount };
        backend.revoke(system.context(), lease).await
    }

    /// Ends a lease, of a secret or of a token. One that is not there has ended.
    pub(crate) async fn revoke_lease(
        &self,
        state: &State,
        namespace_id: &str,
        lease_id: &str,
        how: Revoke,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = lease_key(namespace_id, lease_id);
        let Some(row) = self.storage().get_json::<LeaseRow>(&key).await? else { return Ok(()) };
        match &row.what {
            Leased::Token(hash) => {
                self.revoke_token(state, hash, now).await?;
                // Rows of a token that is no more.
                self.forget_lease(&row, namespace_id, lease_id).await
            }
            Leased::Secret { accessor, lease, .. } => {
                let ended = match state.router.by_accessor(accessor) {
                    Some(mount) => self.revoke_secret(mount, lease).await,
                    None => Err(Error::internal("the secrets engine of a lease is no more")),
                };
                match ended {
                    Err(error) if how == Revoke::Properly => Err(error),
                    _ => self.forget_lease(&row, namespace_id, lease_id).await,
                }
            }
        }
    }

    pub(crate) async fn forget_lease(&self, row: &LeaseRow, namespace_id: &str, lease_id: &str) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.delete(lease_key(namespace_id, lease_id));
        batch.delete(expiry_key(row.expires, namespace_id, lease_id));
        batch.delete(format!("lease/irrevocable/{namespace_id}/{lease_id}"));
        if let Leased::Secret { token, .. } = &row.what {
            batch.delete(token_index_key(token, namespace_id, lease_id));
        }
        self.storage().commit(batch).await?;
        Ok(())
    }

    /// Ends the secrets that a token asked for. Those that can't be ended now are due at once, and tried again.
    pub(crate) async fn revoke_leases_of(&self, state: &State, hash: &str, now: Timestamp) -> Result<(), Error> {
        let prefix = format!("lease/token/{hash}/");
        let mut after = String::new();
        loop {
            let keys = self.storage().scan(&prefix, &after, 200).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            last.clone_into(&mut after);
            for key in &keys {
                let Some((namespace_id, lease_id)) = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/'))
                else {
                    continue;
                };
                // A token's leases are secrets; boxed because a lease may be a token's.
                let ended = Box::pin(self.revoke_lease(state, namespace_id, lease_id, Revoke::Properly, now)).await;
                if let Err(error) = ended {
                    self.retry_lease(namespace_id, lease_id, &error, now).await?;
                }
                self.storage().delete(key).await?;
            }
        }
    }

    /// Ends everything below a prefix: some now, the rest in the background.
    pub(crate) async fn revoke_prefix(
        &self,
        state: &State,
        namespace_id: &str,
        prefix: &str,
        how: Revoke,
        now: Timestamp,
    ) -> Result<(), Error> {
        let prefix = if prefix.is_empty() || prefix.ends_with('/') {
            prefix.to_owned()
        } else {
            if self.storage().get(&lease_key(namespace_id, prefix)).await?.is_some() {
                return self.revoke_lease(state, namespace_id, prefix, how, now).await;
            }
            format!("{prefix}/")
        };
        let key = format!("lease/revoke/{namespace_id}/{prefix}");
        self.storage().put_json(&key, &Mark { is_forced: how == Revoke::Anyhow, after: String::new() }).await?;
        self.continue_prefix(state, &key, 100, now).await
    }

    /// Ends up to so many leases below a marked prefix; the mark goes with the last.
    pub(crate) async fn continue_prefix(
        &self,
        state: &State,
        key: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<(), Error> {
        let storage = self.storage();
        let parts = key.strip_prefix("lease/revoke/").and_then(|rest| rest.split_once('/'));
        let (Some((namespace_id, prefix)), Some(mut mark)) = (parts, storage.get_json::<Mark>(key).await?) else {
            return Ok(());
        };
        let how = if mark.is_forced { Revoke::Anyhow } else { Revoke::Properly };
        let base = format!("lease/id/{namespace_id}/");
        let keys = storage.scan(&format!("{base}{prefix}"), &mark.after, limit).await?;
        for lease_id in keys.iter().filter_map(|key| key.strip_prefix(&base)) {
            if let Err(error) = self.revoke_lease(state, namespace_id, lease_id, how, now).await {
                // Due under its own retries from now on; it must not hold up the rest.
                self.retry_lease(namespace_id, lease_id, &error, now).await?;
            }
        }
        match keys.last() {
            Some(last) if keys.len() >= limit => {
                last.clone_into(&mut mark.after);
                storage.put_json(key, &mark).await?;
            }
            _ => {
                storage.delete(key).await?;
            }
        }
        Ok(())
    }
}

/// How far the revocation of a prefix has come.
#[derive(Serialize, Deserialize)]
struct Mark {
    is_forced: bool,
    /// The last row that was looked at.
    after: String,
}
