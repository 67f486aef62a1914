use tlog::Hash;

/// Leaves in one part of the filter; with 16 bits each and six probes about one in a thousand is taken for known.
const LEAVES: usize = 1 << 20;
const BITS: usize = LEAVES * 16;
const PROBES: usize = 6;

/// Tells that a leaf is new without reading: a Bloom filter over leaf hashes, in parts so that it can grow. It takes two
/// bytes a leaf.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    parts: Vec<Box<[u64]>>,
    in_last: usize,
}

impl Filter {
    pub(crate) fn insert(&mut self, leaf: &Hash) {
        if self.parts.is_empty() || self.in_last == LEAVES {
            self.parts.push(vec![0; BITS / 64].into());
            self.in_last = 0;
        }
        self.in_last += 1;
        if let Some(part) = self.parts.last_mut() {
            for bit in bits(leaf) {
                if let Some(word) = part.get_mut(bit / 64) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
    }

    /// False only if the leaf was never inserted.
    pub(crate) fn may_contain(&self, leaf: &Hash) -> bool {
        let has = |part: &[u64], bit: usize| part.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        self.parts.iter().any(|part| bits(leaf).all(|bit| has(part, bit)))
    }
}

/// The hash is as good as random, so its own bytes are the probes.
fn bits(leaf: &Hash) -> impl Iterator<Item = usize> + '_ {
    let words = leaf.as_bytes().chunks_exact(4).take(PROBES);
    words.map(|word| word.iter().fold(0, |bits, byte| (bits << 8) | usize::from(*byte)) % BITS)
}

#[cfg(test)]
mod tests {
    use tlog::leaf_hash;

    use super::*;

    #[test]
    fn what_was_inserted_is_known_and_little_else() {
        let mut filter = Filter::default();
        assert!(!filter.may_contain(&leaf_hash(b"")));
        (0..20_000_u32).for_each(|number| filter.insert(&leaf_hash(&number.to_be_bytes())));
        assert!((0..20_000_u32).all(|number| filter.may_contain(&leaf_hash(&number.to_be_bytes()))));
        let wrong = (20_000..40_000_u32).filter(|number| filter.may_contain(&leaf_hash(&number.to_be_bytes())));
        assert!(wrong.count() < 40);
    }
}
