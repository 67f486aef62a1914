use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Sequence;

/// Commits that are remembered; a watcher further behind is answered at once.
const REMEMBERED_COMMITS: usize = 1024;

/// Tells watchers of commits. A store has one for each space, and a watcher that falls behind what it remembers reads
/// once more than needed.
#[derive(Debug, Default)]
pub struct Changes {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    latest: Sequence,
    /// Everything after this is in `commits`.
    remembered_since: Sequence,
    commits: VecDeque<(Sequence, Touched)>,
    wakers: BTreeMap<u64, Waker>,
    next_waker: u64,
}

/// What a commit changed.
#[derive(Debug)]
enum Touched {
    Keys(Vec<Vec<u8>>),
    /// Keys that all begin with this; which is not known.
    Under(Vec<u8>),
}

impl Touched {
    fn may_be_under(&self, prefix: &[u8]) -> bool {
        match self {
            Self::Keys(keys) => keys.iter().any(|key| key.starts_with(prefix)),
            Self::Under(common) => common.starts_with(prefix) || prefix.starts_with(common),
        }
    }
}

impl Changes {
    /// Begins after this commit.
    pub fn since(sequence: Sequence) -> Self {
        let state = State { latest: sequence, remembered_since: sequence, ..State::default() };
        Self { state: Mutex::new(state) }
    }

    /// A commit that changed these keys can be seen now.
    pub fn publish(&self, sequence: Sequence, keys: Vec<Vec<u8>>) {
        self.remember(sequence, Touched::Keys(keys));
    }

    /// Commits up to this one, which changed keys that begin with `common` and no others, can be seen now.
    pub fn publish_under(&self, sequence: Sequence, common: Vec<u8>) {
        self.remember(sequence, Touched::Under(common));
    }

    fn remember(&self, sequence: Sequence, touched: Touched) {
        let wakers = {
            let mut state = self.lock();
            state.latest = state.latest.max(sequence);
            state.commits.push_back((sequence, touched));
            if state.commits.len() > REMEMBERED_COMMITS
                && let Some((forgotten, _)) = state.commits.pop_front()
            {
                state.remembered_since = forgotten;
            }
            std::mem::take(&mut state.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    /// Resolves when a commit after `since` has changed a key under `prefix`.
    pub fn changed<'a>(&'a self, prefix: &'a [u8], since: Sequence) -> impl Future<Output = Sequence> + Send + 'a {
        Changed { changes: self, prefix, since, waker: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is one call that cannot panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Changed<'a> {
    changes: &'a Changes,
    prefix: &'a [u8],
    since: Sequence,
    waker: Option<u64>,
}

impl Future for Changed<'_> {
    type Output = Sequence;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Sequence> {
        let mut state = self.changes.lock();
        let mut later = state.commits.iter().filter(|(sequence, _)| *sequence > self.since);
        let touched = later.any(|(_, touched)| touched.may_be_under(self.prefix));
        if touched || self.since < state.remembered_since {
            return Poll::Ready(state.latest);
        }
        let number = self.waker.unwrap_or(state.next_waker);
        state.next_waker = state.next_waker.max(number + 1);
        state.wakers.insert(number, context.waker().clone());
        drop(state);
        self.waker = Some(number);
        Poll::Pending
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.waker {
            self.changes.lock().wakers.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_watcher_is_told_of_its_prefix_only_and_of_what_may_have_been_forgotten() {
        let changes = Changes::since(5);
        let mut context = Context::from_waker(Waker::noop());
        let mut watcher = Box::pin(changes.changed(b"a/", 5));
        assert_eq!(watcher.as_mut().poll(&mut context), Poll::Pending);
        changes.publish(6, vec![b"b/1".to_vec()]);
        assert_eq!(watcher.as_mut().poll(&mut context), Poll::Pending);
        changes.publish(7, vec![b"b/1".to_vec(), b"a/1".to_vec()]);
        assert_eq!(watcher.as_mut().poll(&mut context), Poll::Ready(7));
        assert_eq!(Box::pin(changes.changed(b"c/", 4)).as_mut().poll(&mut context), Poll::Ready(7));
        assert_eq!(Box::pin(changes.changed(b"a/", 7)).as_mut().poll(&mut context), Poll::Pending);
        drop(watcher);
        assert!(changes.lock().wakers.is_empty());
        changes.publish_under(8, b"a/x".to_vec());
        assert_eq!(Box::pin(changes.changed(b"a/", 7)).as_mut().poll(&mut context), Poll::Ready(8));
        assert_eq!(Box::pin(changes.changed(b"a/x/y", 7)).as_mut().poll(&mut context), Poll::Ready(8));
        assert_eq!(Box::pin(changes.changed(b"a/y", 7)).as_mut().poll(&mut context), Poll::Pending);
        for sequence in 9..2000 {
            changes.publish(sequence, Vec::new());
        }
        assert_eq!(Box::pin(changes.changed(b"c/", 10)).as_mut().poll(&mut context), Poll::Ready(1999));
        assert!(changes.lock().commits.len() <= REMEMBERED_COMMITS);
    }
}
