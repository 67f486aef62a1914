use super::{LeaseRow, Leased, Revoke, expiry_key, lease_key};
use crate::call::MountSystem;
use crate::core::{Core, State};
use crate::mount::Target;
use crate::token::Token;
use crate::ttl::add;
use jiff::Timestamp;
use logical::{Batch, Error, StorageExt as _};
use std::time::Duration;

/// After so many failures a lease is set aside.
const MAX_FAILURES: u32 = 6;

/// What is done in one call of [`Core::tick`], so that other requests are not held up.
const PER_TICK: usize = 500;

impl Core {
    /// Ends what is due, goes on with prefixes that are to be revoked, and retries what failed. To be called about once a
    /// second. Several nodes may do so at once: each step can be done twice. Answers whether there is more to do at once.
    ///
    /// # Errors
    /// Where storage fails; a lease that can't be ended is no error here.
    pub async fn tick(&self, now: Timestamp) -> Result<bool, Error> {
        let state = self.state()?;
        let due = self.expire(&state, now).await?;
        let marks = self.storage().scan("lease/revoke/", "", 8).await?;
        for mark in &marks {
            self.continue_prefix(&state, mark, PER_TICK, now).await?;
        }
        Ok(due >= PER_TICK || !marks.is_empty())
    }

    /// Asks all backends to do what they do now and then. To be called about once a minute, on one node.
    ///
    /// # Errors
    /// While sealed. A backend that fails is logged.
    pub async fn periodic(&self, now: Timestamp) -> Result<(), Error> {
        let state = self.state()?;
        for mount in state.router.mounts() {
            let Target::Backend(backend) = &mount.target else { continue };
            let system = MountSystem { core: self, mount };
            if let Err(error) = backend.periodic(system.context(), now).await {
                tracing::warn!(mount = mount.entry.full_path(), %error, "a mount's periodic work failed");
            }
        }
        self.rotate_oidc_keys(&state, now).await
    }

    async fn expire(&self, state: &State, now: Timestamp) -> Result<usize, Error> {
        let prefix = "lease/expiry/";
        let keys = self.storage().scan(prefix, "", PER_TICK).await?;
        let mut done = 0;
        for key in &keys {
            let Some((second, rest)) = key.strip_prefix(prefix).and_then(|rest| rest.split_once('/')) else { continue };
            if second.parse::<i64>().unwrap_or(0) > now.as_second() {
                break;
            }
            done += 1;
            let Some((namespace_id, lease_id)) = rest.split_once('/') else { continue };
            self.expire_one(state, key, namespace_id, lease_id, now).await?;
        }
        Ok(done)
    }

    async fn expire_one(
        &self,
        state: &State,
        key: &str,
        namespace_id: &str,
        lease_id: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let row = self.storage().get_json::<LeaseRow>(&lease_key(namespace_id, lease_id)).await?;
        let is_due = match &row {
            None => false,
            Some(LeaseRow { what: Leased::Token(hash), .. }) => {
                let token = self.storage().get_json::<Token>(&crate::token::token_key(hash)).await?;
                token.is_none_or(|token| token.has_ended(now))
            }
            Some(row) => row.expires <= now,
        };
        if is_due && let Err(error) = self.revoke_lease(state, namespace_id, lease_id, Revoke::Properly, now).await {
            self.retry_lease(namespace_id, lease_id, &error, now).await?;
        }
        // It was renewed, revoked, or has another time now.
        self.storage().delete(key).await?;
        Ok(())
    }

    /// A lease that could not be ended: later again, or set aside after too many times.
    pub(crate) async fn retry_lease(
        &self,
        namespace_id: &str,
        lease_id: &str,
        error: &Error,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = lease_key(namespace_id, lease_id);
        let Some(mut row) = self.storage().get_json::<LeaseRow>(&key).await? else { return Ok(()) };
        let mut batch = Batch::new();
        batch.delete(expiry_key(row.expires, namespace_id, lease_id));
        row.failures += 1;
        // The cause of an internal error may name what the client must not know; who lists leases is an operator.
        row.error = Some(match error {
            Error::Internal(cause) => cause.to_string(),
            error => error.to_string(),
        });
        if row.failures >= MAX_FAILURES {
            tracing::error!(lease = lease_id, "a lease could not be revoked and was set aside");
            batch.put(format!("lease/irrevocable/{namespace_id}/{lease_id}"), Vec::new());
            row.expires = now;
        } else {
            // 10 s, 20 s, 40 s and so on, spread by the lease's own name.
            let spread =
                lease_id.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) % 5;
            let wait = Duration::from_secs((10 << row.failures.saturating_sub(1)) + spread);
            row.expires = add(now, wait);
            batch.put(expiry_key(row.expires, namespace_id, lease_id), Vec::new());
        }
        batch.put_json(key, &row)?;
        self.storage().commit(batch).await?;
        Ok(())
    }
}
