//! How much memory whole files may take at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// A bound on the bytes of files held at once. One file larger than the bound is let in alone, so that nothing is
/// left out: the peak is the bound or the largest wanted file, whichever is more.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Budget {
    /// A bound of `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until `bytes` are free, and takes them until the answer is dropped.
    pub(crate) fn reserve(&self, bytes: u64) -> Reserved<'_> {
        let bytes = bytes.min(self.limit);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used + bytes > self.limit {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Reserved { budget: self, bytes }
    }
}

/// A part of a [`Budget`].
pub(crate) struct Reserved<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        *self.budget.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}
