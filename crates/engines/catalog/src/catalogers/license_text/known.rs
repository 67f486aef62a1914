//! The known licences, and where in a text one of them may stand.

use super::words::Words;
use std::sync::LazyLock;

/// See the head of the file.
static TEXTS: &str = include_str!("texts.txt");

/// Words that make a shingle.
const SHINGLE: usize = 4;
/// One shingle in so many is kept: the same ones in the licences and in the text.
const SAMPLE: u32 = 4;
/// A licence may stand where at least this share of its shingles is, in percent. A changed word costs four shingles.
const SHARE_PERCENT: usize = 30;
/// Words that a text may have more than the licence between two places that agree.
const MAX_EXTRA: usize = 45;
/// Words that a text may lack between two places that agree.
const MAX_MISSING: usize = 100;
/// Places of one licence in a text that are followed at once: more are seldom near one another.
const MAX_OPEN: usize = 6;
/// Hits in a text. One that repeats a phrase has more; what comes behind is not looked at.
const MAX_HITS: usize = 2_000_000;

/// A place where text and licence agree, as (place in the text, place in the licence).
pub(super) type Anchor = (usize, usize);

/// One licence.
pub(super) struct License {
    pub(super) name: &'static str,
    pub(super) words: Vec<u32>,
    /// Words behind the first `required` may be missing.
    pub(super) required: usize,
    shingles: usize,
}

/// All licences and their shingles.
pub(super) struct Known {
    licenses: Vec<License>,
    /// Shingle, licence, position; sorted.
    shingles: Vec<(u32, u16, u32)>,
    /// Where in `shingles` those begin whose upper half is the index.
    starts: Vec<u32>,
}

impl Known {
    /// The licences, read at first use.
    pub(super) fn all() -> &'static Self {
        static ALL: LazyLock<Known> = LazyLock::new(Known::read);
        &ALL
    }

    fn read() -> Self {
        let mut known = Self { licenses: Vec::new(), shingles: Vec::new(), starts: Vec::new() };
        for entry in TEXTS.split("\n= ").skip(1) {
            let Some((name, text)) = entry.split_once('\n') else { continue };
            let (required, optional) = text.split_once("\n+\n").unwrap_or((text, ""));
            let mut words = Words::split(required).hashes;
            let required = words.len();
            words.extend(Words::split(optional).hashes);
            let index = u16::try_from(known.licenses.len()).unwrap_or(u16::MAX);
            let mut shingles = 0;
            for (place, shingle) in sampled(&words) {
                known.shingles.push((shingle, index, u32::try_from(place).unwrap_or(u32::MAX)));
                shingles += usize::from(place < required);
            }
            known.licenses.push(License { name, words, required, shingles });
        }
        known.shingles.sort_unstable();
        let mut rest = known.shingles.iter().peekable();
        let mut start = 0;
        for upper in 0..=u32::from(u16::MAX) {
            known.starts.push(start);
            while rest.next_if(|known| known.0 >> 16 == upper).is_some() {
                start += 1;
            }
        }
        known
    }

    /// Where enough shingles of a licence follow one another in `text`.
    pub(super) fn runs(&self, text: &[u32]) -> Vec<(&License, Vec<Anchor>)> {
        let hits = self.hits(text);
        let mut found = Vec::new();
        for (index, license) in self.candidates(&hits) {
            let mut open: Vec<Vec<Anchor>> = Vec::new();
            for hit in &hits {
                for (_, _, place) in hit.known.iter().filter(|known| known.1 == index) {
                    found.extend(follow(&mut open, (hit.at, *place as usize)).map(|run| (license, run)));
                }
            }
            found.extend(open.into_iter().map(|run| (license, run)));
        }
        found.retain(|(license, run)| {
            license.is_enough(run.iter().filter(|anchor| anchor.1 < license.required).count())
        });
        found
    }

    /// The shingles of the text that some licence has.
    fn hits(&self, text: &[u32]) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let mut total = 0;
        for (at, shingle) in sampled(text) {
            let start = self.starts.get(shingle as usize >> 16).map_or(0, |start| *start as usize);
            let rest = self.shingles.get(start..).unwrap_or_default();
            let smaller = rest.iter().take_while(|known| known.0 < shingle).count();
            let rest = rest.get(smaller..).unwrap_or_default();
            let count = rest.iter().take_while(|known| known.0 == shingle).count();
            total += count;
            if total > MAX_HITS {
                break;
            }
            if let Some(known) = rest.get(..count).filter(|known| !known.is_empty()) {
                hits.push(Hit { at, known });
            }
        }
        hits
    }

    /// The licences that have enough hits, if all of them stood together.
    fn candidates(&self, hits: &[Hit<'_>]) -> Vec<(u16, &License)> {
        let mut counts = vec![0_usize; self.licenses.len()];
        for (_, license, _) in hits.iter().flat_map(|hit| hit.known) {
            if let Some(count) = counts.get_mut(usize::from(*license)) {
                *count += 1;
            }
        }
        let counted = (0_u16..).zip(&self.licenses).zip(counts);
        counted.filter(|((_, license), count)| license.is_enough(*count)).map(|(candidate, _)| candidate).collect()
    }
}

impl License {
    /// Are so many shingles worth a closer look?
    fn is_enough(&self, shingles: usize) -> bool {
        shingles * 100 >= self.shingles * SHARE_PERCENT
    }
}

/// A shingle of the text and where licences have it.
struct Hit<'a> {
    at: usize,
    known: &'a [(u32, u16, u32)],
}

/// Puts the anchor behind the run that it fits best, or begins a run with it. Answers with a run that ended for that.
fn follow(runs: &mut Vec<Vec<Anchor>>, anchor: Anchor) -> Option<Vec<Anchor>> {
    let fit = |run: &Vec<Anchor>| {
        let last = run.last()?;
        let (text_gap, license_gap) = (anchor.0.checked_sub(last.0)?, anchor.1.checked_sub(last.1)?);
        let is_near = text_gap <= license_gap + MAX_EXTRA && license_gap <= text_gap + MAX_MISSING;
        let fits = text_gap > 0 && license_gap > 0 && is_near;
        fits.then(|| text_gap.abs_diff(license_gap))
    };
    let best = runs.iter_mut().filter_map(|run| Some((fit(run)?, run))).min_by_key(|(difference, _)| *difference);
    if let Some((_, run)) = best {
        run.push(anchor);
        return None;
    }
    runs.push(vec![anchor]);
    // The one that grew least recently makes room.
    let oldest = runs.iter().enumerate().min_by_key(|(_, run)| run.last().map(|last| last.0)).map(|(index, _)| index);
    oldest.filter(|_| runs.len() > MAX_OPEN).map(|oldest| runs.swap_remove(oldest))
}

/// The shingles that count, with their positions.
fn sampled(words: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    let shingles = words
        .windows(SHINGLE)
        .map(|words| words.iter().fold(0_u32, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b1)));
    shingles.enumerate().filter(|(_, shingle)| shingle % SAMPLE == 0)
}
