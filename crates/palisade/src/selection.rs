//! Which catalogers run (Syft 1.57, `internal/task/selection.go`): a base set by tag, then `+name`, `-tag`, `tag`.

use crate::outcome::advised;
use catalog::{Cataloger, UsedFor};

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Replaces the base set: tags or names.
    pub(crate) base: Vec<String>,
    /// `+name` adds, `-tag` removes, `tag` keeps only those.
    pub(crate) changes: Vec<String>,
}

/// The catalogers for a source; `is_image` chooses the default base set.
///
/// # Errors
/// Where a word names no cataloger and no tag.
pub(crate) fn select(selection: &Selection, is_image: bool) -> anyhow::Result<Vec<&'static dyn Cataloger>> {
    let all = catalog::catalogers::ALL;
    let words = |list: &[String]| -> Vec<String> {
        list.iter().flat_map(|item| item.split(',')).map(|word| word.trim().to_owned()).collect()
    };
    let mut base = words(&selection.base);
    base.retain(|word| !word.is_empty());
    if base.is_empty() {
        base.push(if is_image { "image" } else { "directory" }.to_owned());
    }
    let changes = words(&selection.changes);
    for word in base.iter().chain(&changes) {
        let plain = word.trim_start_matches(['+', '-']);
        if !plain.is_empty() && plain != "all" && !all.iter().any(|cataloger| is(*cataloger, plain)) {
            return Err(advised(
                format!("no cataloger and no tag is named {plain:?}"),
                "`palisade catalogers` lists them with their tags",
            ));
        }
    }
    let filters: Vec<&String> = changes.iter().filter(|word| !word.starts_with(['+', '-'])).collect();
    let signed = |sign: char| changes.iter().filter_map(move |word| word.strip_prefix(sign)).collect::<Vec<_>>();
    let (added, removed) = (signed('+'), signed('-'));
    let chosen = all.iter().copied().filter(|cataloger| {
        let in_base = base.iter().any(|word| word == "all" || is(*cataloger, word));
        let kept = filters.iter().all(|word| word.is_empty()) || filters.iter().any(|word| is(*cataloger, word));
        let gone = removed.iter().any(|word| is(*cataloger, word));
        let extra = added.iter().any(|word| is(*cataloger, word));
        (in_base && kept && !gone) || extra
    });
    Ok(chosen.collect())
}

/// Is `word` the cataloger's name or one of its tags?
pub(crate) fn is(cataloger: &dyn Cataloger, word: &str) -> bool {
    cataloger.name() == word || tags(cataloger).any(|tag| tag == word)
}

/// All tags of a cataloger.
pub(crate) fn tags(cataloger: &dyn Cataloger) -> impl Iterator<Item = &'static str> {
    let kinds: &[&str] = match cataloger.used_for() {
        UsedFor::Image => &["image"],
        UsedFor::Directory => &["directory"],
        UsedFor::Both => &["directory", "image"],
        UsedFor::Asked => &[],
    };
    kinds.iter().copied().chain(cataloger.tags().iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &[&str], changes: &[&str], is_image: bool, has: &[&str], lacks: &[&str]) {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let chosen = select(&Selection { base: owned(base), changes: owned(changes) }, is_image).unwrap();
        let names: Vec<&str> = chosen.iter().map(|cataloger| cataloger.name()).collect();
        for name in has {
            assert!(names.contains(name), "{name} is missing in {names:?}");
        }
        for name in lacks {
            assert!(!names.contains(name), "{name} is there");
        }
    }

    #[test]
    fn base_sets_and_changes() {
        check(&[], &[], true, &["dpkg-db-cataloger"], &["python-package-cataloger"]);
        check(&[], &[], false, &["dpkg-db-cataloger", "python-package-cataloger"], &["javascript-package-cataloger"]);
        check(&[], &["-dpkg-db-cataloger"], true, &["python-installed-package-cataloger"], &["dpkg-db-cataloger"]);
        check(&[], &["python"], true, &["python-installed-package-cataloger"], &["dpkg-db-cataloger"]);
        check(&[], &["+python-package-cataloger"], true, &["dpkg-db-cataloger", "python-package-cataloger"], &[]);
        check(&["directory"], &[], true, &["python-package-cataloger"], &["javascript-package-cataloger"]);
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        let selection = Selection { changes: vec!["-nonsense".to_owned()], ..Selection::default() };
        assert!(select(&selection, true).is_err());
    }
}
