//! Licences by their texts.
//!
//! A text counts where nearly all words of a known licence follow one another in it, apart from names, numbering and
//! small changes. The names are those that the peer's recogniser (github.com/google/licensecheck 0.3.1) gives; what it
//! answers for a thousand real files is what this was measured against.
//!
//! Reading order: `words` takes a text apart, `known` holds the licences and finds the places that
//! look like one, `align` compares word by word.

mod align;
mod known;
mod words;

use align::Region;
use known::Known;
use std::collections::BTreeMap;
use words::Words;

/// Words that must belong to recognised licences, in percent of all words of a text.
const COVERAGE_PERCENT: usize = 75;
/// A copyright line up to this many words before a licence belongs to it.
const COPYRIGHT_WORDS: usize = 50;
/// Longer texts are no licences; bytes.
const MAX_TEXT: usize = 1 << 20;

/// The names of the licences that make up at least three quarters of `text`, in their order, each once. Empty when
/// less of it is known.
pub(crate) fn identify(text: &[u8]) -> Vec<&'static str> {
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let words = Words::split(&String::from_utf8_lossy(text));
    let regions = regions(&words);
    let covered: usize = regions.iter().map(|region| region.end - region.start).sum();
    if covered == 0 || covered * 100 < COVERAGE_PERCENT * words.hashes.len() {
        return Vec::new();
    }
    let mut names: Vec<&'static str> = Vec::new();
    for region in regions {
        // Directions for use behind a licence are not one more licence.
        let is_direction = ["-or-later", "-only"]
            .iter()
            .any(|end| region.name.strip_suffix(end).is_some_and(|licence| names.contains(&licence)));
        if !is_direction && !names.contains(&region.name) {
            names.push(region.name);
        }
    }
    names
}

/// Where which licence stands, in the order of the text, not overlapping, each with the copyright lines before it.
fn regions(words: &Words) -> Vec<Region> {
    let mut found: Vec<Region> = Known::all()
        .runs(&words.hashes)
        .iter()
        .filter_map(|(license, run)| align::region(&words.hashes, license, run))
        .collect();
    // The best first; of equal ones the one that says more.
    found.sort_by_key(|region| std::cmp::Reverse((region.score, region.end - region.start)));
    let mut regions: BTreeMap<usize, Region> = BTreeMap::new();
    for region in found {
        let before = regions.range(..region.end).next_back();
        if before.is_none_or(|(_, before)| before.end <= region.start) {
            regions.insert(region.start, region);
        }
    }
    let mut regions: Vec<Region> = regions.into_values().collect();
    let mut last_end = 0;
    for region in &mut regions {
        let from = region.start.saturating_sub(COPYRIGHT_WORDS).max(last_end);
        let line = (from..region.start).find(|at| words.is_copyright(*at));
        region.start = line.unwrap_or(region.start);
        last_end = region.end;
    }
    regions
}

#[cfg(test)]
mod tests;
