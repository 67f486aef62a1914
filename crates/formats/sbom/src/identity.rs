//! Identifiers that depend on content alone, so that two runs over one source agree.

/// A 64-bit hash that never changes between versions, machines or runs. Not for adversaries: whoever needs uniqueness
/// must check for it.
pub(crate) struct StableHash(u64);

impl StableHash {
    /// Begins a hash; different domains give unrelated values.
    pub(crate) fn new(domain: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).text(domain)
    }

    /// Takes a text in. Its length counts, so that `ab`, `c` and `a`, `bc` differ.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Takes bytes in.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self = self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.number(u64::from_le_bytes(last)).number(bytes.len() as u64)
    }

    /// Takes a number in.
    pub(crate) fn number(self, number: u64) -> Self {
        let mixed = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed ^ (mixed >> 29))
    }

    pub(crate) fn finish(self) -> u64 {
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        format!("{:016x}", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&str], expected: &str) {
        let hash = parts.iter().fold(StableHash::new("test"), |hash, part| hash.text(part));
        assert_eq!(hash.hex(), expected, "{parts:?}");
    }

    /// These values are in documents that people keep: they may never change.
    #[test]
    fn values_are_fixed() {
        check(&[], "cdd045bdd2bbd20b");
        check(&["bash"], "c2435dafb87dd266");
        check(&["bash", "5.2.15-2+b8"], "aa93f9ce6a531ab0");
    }

    #[test]
    fn borders_between_texts_count() {
        let hash = |parts: &[&str]| parts.iter().fold(StableHash::new(""), |hash, part| hash.text(part)).finish();
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["", "a"]), hash(&["a", ""]));
        assert_ne!(hash(&["a\0"]), hash(&["a"]));
    }
}
