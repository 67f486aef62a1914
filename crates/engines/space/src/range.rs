/// No range answers with more rows, whatever its limit.
pub const MAX_RANGE_ROWS: usize = 65_536;

/// The rows to read: from `start` to before `end`, from either side, at most `limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub start: Vec<u8>,
    /// The key to end before; `None` for the end of the space.
    pub end: Option<Vec<u8>>,
    /// From the last key to the first.
    pub backwards: bool,
    /// Rows at most.
    pub limit: usize,
}

impl Range {
    /// From `start` to before `end`.
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: start.into(), end: Some(end.into()), backwards: false, limit: MAX_RANGE_ROWS }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        Self { end: after_prefix(&start), start, backwards: false, limit: MAX_RANGE_ROWS }
    }

    /// The same rows from the last to the first.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = rows.min(MAX_RANGE_ROWS);
        self
    }

    /// Whether the range can hold a key at all.
    pub fn is_empty(&self) -> bool {
        self.limit == 0 || self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The first key after all those that begin with `prefix`; `None` when there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_its_keys_end() {
        for (prefix, end) in [(&b"ab"[..], Some(&b"ac"[..])), (b"a\xff", Some(b"b")), (b"\xff\xff", None), (b"", None)]
        {
            assert_eq!(Range::prefix(prefix).end.as_deref(), end);
        }
    }
}
