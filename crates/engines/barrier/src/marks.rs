use foldhash::quality::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const WAYS: usize = 4;
const STRIPES: usize = 64;

/// What was last seen of each of the most recently written rows: 16 bytes for each of a fixed number. Reading takes no
/// lock; when it matters that it is exact, [`Marks::seen_exactly`] does.
pub(crate) struct Marks {
    hasher: RandomState,
    sets: Box<[Set]>,
    stripes: Box<[Mutex<()>]>,
}

/// The highest generation that was seen of a row, and whether the row was deleted after that. Later is greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen(u64);

#[derive(Default)]
struct Set {
    ways: [Mark; WAYS],
}

#[derive(Default)]
struct Mark {
    /// Of the row's key; zero for none.
    tag: AtomicU64,
    seen: AtomicU64,
}

impl Seen {
    /// A row of this generation.
    pub(crate) fn row(generation: u64) -> Self {
        Self(generation.saturating_mul(2))
    }

    /// The generation.
    pub(crate) fn generation(self) -> u64 {
        self.0 / 2
    }

    fn then_deleted(self) -> Self {
        Self(self.0 | 1)
    }
}

impl Marks {
    /// For so many rows.
    pub(crate) fn new(rows: usize) -> Self {
        let sets = (0..rows.div_ceil(WAYS).max(1)).map(|_| Set::default()).collect();
        let stripes = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::default(), sets, stripes }
    }

    /// What was seen of the row. While another row takes its place it can be that one's.
    pub(crate) fn seen(&self, key: &[u8]) -> Seen {
        let (tag, set, _) = self.place(key);
        set.and_then(|set| set.seen(tag)).unwrap_or_default()
    }

    /// The same, surely of this row.
    pub(crate) fn seen_exactly(&self, key: &[u8]) -> Seen {
        let (tag, set, stripe) = self.place(key);
        let _held = stripe.map(|stripe| stripe.lock().unwrap_or_else(PoisonError::into_inner));
        set.and_then(|set| set.seen(tag)).unwrap_or_default()
    }

    /// This generation of the row was seen.
    pub(crate) fn record(&self, key: &[u8], generation: u64) {
        let (tag, set, stripe) = self.place(key);
        let (Some(set), Some(stripe)) = (set, stripe) else { return };
        let _held = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Seen::row(generation).0;
        if let Some(mark) = set.ways.iter().find(|mark| mark.tag.load(Ordering::Acquire) == tag) {
            mark.seen.fetch_max(seen, Ordering::AcqRel);
            return;
        }
        // The one that was written longest ago makes way.
        let oldest = set.ways.iter().min_by_key(|mark| mark.seen.load(Ordering::Acquire));
        if let Some(mark) = oldest {
            mark.tag.store(0, Ordering::Release);
            mark.seen.store(seen, Ordering::Release);
            mark.tag.store(tag, Ordering::Release);
        }
    }

    /// The row was deleted: what was seen of it is not to come back.
    pub(crate) fn record_deletion(&self, key: &[u8]) {
        let (tag, set, stripe) = self.place(key);
        let (Some(set), Some(stripe)) = (set, stripe) else { return };
        let _held = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = set.ways.iter().find(|mark| mark.tag.load(Ordering::Acquire) == tag) {
            let seen = Seen(mark.seen.load(Ordering::Acquire));
            mark.seen.store(seen.then_deleted().0, Ordering::Release);
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        let _held: Vec<_> =
            self.stripes.iter().map(|stripe| stripe.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        for mark in self.sets.iter().flat_map(|set| &set.ways) {
            mark.tag.store(0, Ordering::Release);
            mark.seen.store(0, Ordering::Release);
        }
    }

    fn place(&self, key: &[u8]) -> (u64, Option<&Set>, Option<&Mutex<()>>) {
        let hash = self.hasher.hash_one(key);
        let index = hash as usize % self.sets.len();
        (hash.max(1), self.sets.get(index), self.stripes.get(index % STRIPES))
    }
}

impl Set {
    fn seen(&self, tag: u64) -> Option<Seen> {
        let mark = self.ways.iter().find(|mark| mark.tag.load(Ordering::Acquire) == tag)?;
        let seen = mark.seen.load(Ordering::Acquire);
        (mark.tag.load(Ordering::Acquire) == tag).then_some(Seen(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_is_kept_and_the_oldest_makes_way() {
        let marks = Marks::new(4);
        for (key, generation) in [("a", 5), ("b", 6), ("a", 3), ("c", 7), ("d", 8)] {
            marks.record(key.as_bytes(), generation);
        }
        assert_eq!([b"a", b"b", b"c", b"d", b"e"].map(|key| marks.seen(key).generation()), [5, 6, 7, 8, 0]);
        marks.record(b"e", 9);
        assert_eq!([b"a", b"b", b"e"].map(|key| marks.seen_exactly(key)), [0, 6, 9].map(Seen::row));
        for _ in 0..2 {
            marks.record_deletion(b"e");
            marks.record_deletion(b"a");
            marks.record(b"e", 9);
        }
        assert!(Seen::row(9) < marks.seen(b"e") && marks.seen(b"e") < Seen::row(10));
        assert_eq!(marks.seen(b"a"), Seen::default());
        marks.clear();
        assert_eq!(marks.seen(b"e"), Seen::default());
    }
}
