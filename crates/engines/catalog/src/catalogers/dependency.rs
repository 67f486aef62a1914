//! Edges between packages of one lock file or one site, from the names that they offer and need
//! (Syft 1.57, `cataloger/internal/dependency`).

use crate::ParseError;
use std::collections::{BTreeSet, HashMap};

/// Edges that one lock file may make. Names repeat without bound in a hostile one.
const MAX_EDGES: usize = 2_000_000;

/// What one package offers to others and needs from them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs {
    /// Names under which others may need it.
    pub(crate) provides: Vec<String>,
    /// Names that it needs.
    pub(crate) requires: Vec<String>,
}

/// Every pair (needed, needing) of indices into `packages`, each once, in order. A package does not need itself.
///
/// # Errors
/// Where there are too many.
pub(crate) fn edges(packages: &[Needs]) -> Result<Vec<(usize, usize)>, ParseError> {
    let mut providers: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (index, package) in packages.iter().enumerate() {
        for name in &package.provides {
            providers.entry(name).or_default().insert(index);
        }
    }
    let mut edges = Vec::new();
    for (needing, package) in packages.iter().enumerate() {
        let requires: BTreeSet<&str> = package.requires.iter().map(String::as_str).collect();
        let needed: BTreeSet<usize> =
            requires.into_iter().filter_map(|name| providers.get(name)).flatten().copied().collect();
        edges.extend(needed.into_iter().filter(|needed| *needed != needing).map(|needed| (needed, needing)));
        if edges.len() > MAX_EDGES {
            return Err(ParseError::Limit { what: "dependency edges", limit: MAX_EDGES as u64 });
        }
    }
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let needs = |provides: &[&str], requires: &[&str]| Needs {
            provides: provides.iter().map(ToString::to_string).collect(),
            requires: requires.iter().map(ToString::to_string).collect(),
        };
        let packages = [
            needs(&["a"], &["b", "b", "missing"]),
            needs(&["b", "b[x]"], &["a", "b"]),
            needs(&["b"], &[]),
            needs(&["c"], &["b[x]", "b"]),
        ];
        assert_eq!(edges(&packages).unwrap(), [(1, 0), (2, 0), (0, 1), (2, 1), (1, 3), (2, 3)]);
    }
}
