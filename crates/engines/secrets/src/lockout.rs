use crate::core::Core;
use crate::mount::{Lockout, Mount};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Names that failed to log in, by mount. In memory of each node, as with the peer.
#[derive(Default)]
pub(crate) struct Failures {
    rows: Mutex<HashMap<(String, String), Row>>,
}

struct Row {
    count: u64,
    last: Timestamp,
}

/// More names than this are not counted; those that have ended are dropped first.
const MAX_NAMES: usize = 100_000;

impl Failures {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of a mount that are locked now.
    pub(crate) fn locked(&self, mount: &Mount, now: Timestamp) -> Vec<String> {
        let Some(rule) = rule(mount) else { return Vec::new() };
        let rows = self.lock();
        let names = rows.iter().filter(|((accessor, _), _)| *accessor == mount.entry.accessor);
        let names = names.filter(|(_, row)| is_locked(row, &rule, now)).map(|((_, name), _)| name.clone());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Forgets the failures of a name.
    pub(crate) fn unlock(&self, accessor: &str, name: &str) {
        self.lock().remove(&(accessor.to_owned(), name.to_owned()));
    }
}

/// The mount's rule; none where it has none.
fn rule(mount: &Mount) -> Option<Lockout> {
    let has_default = matches!(mount.entry.kind.as_str(), "userpass" | "approle" | "ldap");
    let rule = mount.entry.config.lockout.clone().or_else(|| has_default.then(Lockout::default));
    rule.filter(|rule| !rule.is_disabled && rule.threshold > 0)
}

fn is_locked(row: &Row, rule: &Lockout, now: Timestamp) -> bool {
    row.count >= rule.threshold && crate::ttl::add(row.last, Duration::from_secs(rule.duration)) > now
}

impl Core {
    /// Whether logins of this name are refused now.
    pub(crate) fn is_locked(&self, mount: &Mount, name: &str, now: Timestamp) -> bool {
        let Some(rule) = rule(mount) else { return false };
        let key = (mount.entry.accessor.clone(), name.to_owned());
        self.failures.lock().get(&key).is_some_and(|row| is_locked(row, &rule, now))
    }

    /// Counts a login of this name that failed, or forgets those after one that did not.
    pub(crate) fn count_login(&self, mount: &Mount, name: &str, has_failed: bool, now: Timestamp) {
        let Some(rule) = rule(mount) else { return };
        let key = (mount.entry.accessor.clone(), name.to_owned());
        let mut rows = self.failures.lock();
        if !has_failed {
            rows.remove(&key);
            return;
        }
        let is_over = |row: &Row| {
            let window = if row.count >= rule.threshold { rule.duration } else { rule.counter_reset };
            crate::ttl::add(row.last, Duration::from_secs(window)) <= now
        };
        if rows.len() >= MAX_NAMES {
            rows.retain(|_, row| !is_over(row));
            if rows.len() >= MAX_NAMES {
                return;
            }
        }
        let row = rows.entry(key).or_insert(Row { count: 0, last: now });
        if is_over(row) {
            row.count = 0;
        }
        row.count += 1;
        row.last = now;
    }
}
