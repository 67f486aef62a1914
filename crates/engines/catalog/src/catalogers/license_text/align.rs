//! Compares a licence with the place in a text where it seems to stand.

use super::known::{Anchor, License};

/// Words of the licence that the text must have, in percent.
const LICENSE_PERCENT: usize = 90;
/// Words of the region that the licence must have, in percent.
const TEXT_PERCENT: usize = 85;
/// Words that differ, one for one, before the ends of a region count as found.
const MAX_DIFFERENT: usize = 12;

/// A licence in a text: words `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    pub(super) name: &'static str,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The words that agree, less those that do not.
    pub(super) score: i64,
}

/// How many words agree, in all and of those that must.
#[derive(Default)]
struct Agreed {
    all: usize,
    required: usize,
}

/// The licence around `run`, if nearly all of it is there and little else.
pub(super) fn region(text: &[u32], license: &License, run: &[Anchor]) -> Option<Region> {
    let (first, last) = (*run.first()?, *run.last()?);
    let words = license.words.as_slice();
    let same = |at: usize, place: usize| text.get(at).is_some_and(|word| words.get(place) == Some(word));
    let mut agreed = Agreed::default();
    let mut agree = |place: usize| {
        agreed.all += 1;
        agreed.required += usize::from(place < license.required);
    };
    let back = extent((1..=first.0.min(first.1)).map(|step| same(first.0 - step, first.1 - step)));
    let forth = (text.len() - last.0).min(words.len() - last.1);
    let forth = extent((0..forth).map(|step| same(last.0 + step, last.1 + step)));
    let (start, end) = (first.0 - back, last.0 + forth);
    (1..=back).filter(|step| same(first.0 - step, first.1 - step)).for_each(|step| agree(first.1 - step));
    for pair in run.windows(2) {
        if let [from, to] = pair {
            between(*from, *to, &same, &mut agree);
        }
    }
    (0..forth).filter(|step| same(last.0 + step, last.1 + step)).for_each(|step| agree(last.1 + step));
    let is_whole = agreed.required * 100 >= license.required * LICENSE_PERCENT;
    let is_pure = agreed.all * 100 >= (end - start) * TEXT_PERCENT;
    let missing = license.required - agreed.required;
    let extra = (end - start).saturating_sub(agreed.all);
    let score = agreed.all as i64 - missing as i64 - extra as i64;
    (is_whole && is_pure).then_some(Region { name: license.name, start, end, score })
}

/// Words up to the last that agrees before too many in a row do not.
fn extent(words: impl Iterator<Item = bool>) -> usize {
    let mut extent = 0;
    for (step, agrees) in words.enumerate() {
        if agrees {
            extent = step + 1;
        } else if step - extent >= MAX_DIFFERENT {
            break;
        }
    }
    extent
}

/// The words from `from` up to `to` that agree. Where one side has more words, the ends are compared.
fn between(from: Anchor, to: Anchor, same: &impl Fn(usize, usize) -> bool, agree: &mut impl FnMut(usize)) {
    let (text_gap, license_gap) = (to.0 - from.0, to.1 - from.1);
    let shorter = text_gap.min(license_gap);
    if text_gap == license_gap {
        (0..shorter).filter(|step| same(from.0 + step, from.1 + step)).for_each(|step| agree(from.1 + step));
        return;
    }
    let front = (0..shorter).take_while(|step| same(from.0 + step, from.1 + step)).count();
    let back = (1..=shorter - front).take_while(|step| same(to.0 - step, to.1 - step)).count();
    (from.1..from.1 + front).chain(to.1 - back..to.1).for_each(agree);
}
