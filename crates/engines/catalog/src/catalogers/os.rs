//! What the catalogers of operating system packages share.

use crate::{Assembly, Found};
use foldhash::{HashMap, HashSet};
use sbom::{ComponentIndex, Distro, License};

/// The `distro` qualifier of a purl, for example `debian-12`; empty where nothing is known.
pub(crate) fn distro_qualifier(distro: &Distro) -> String {
    let version = if distro.version_id.is_empty() { &distro.build_id } else { &distro.version_id };
    let parts = [distro.id.as_str(), version];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A file system path below `/` with `.`, `..` and doubled slashes taken out, as Go's `path.Join("/", path)`.
pub(crate) fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The licences that a package database states for a package, sorted, each once.
pub(crate) fn declared<T: AsRef<str>>(values: &[T]) -> Vec<License> {
    let mut values: Vec<&str> = values.iter().map(|value| value.as_ref().trim()).collect();
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(License::declared).collect()
}

/// Edges of one package manager. A full desktop has some 20,000; a hostile database could ask for billions.
const MAX_EDGES: usize = 1_000_000;

/// Who gives what and who asks for what, by the names of a package manager: packages, virtual packages, sonames,
/// commands or files.
#[derive(Default)]
pub(crate) struct Links<'a> {
    provided: HashMap<&'a str, Vec<ComponentIndex>>,
    required: Vec<(ComponentIndex, &'a str)>,
}

impl<'a> Links<'a> {
    /// `component` gives `name`.
    pub(crate) fn provide(&mut self, component: ComponentIndex, name: &'a str) {
        let providers = self.provided.entry(name).or_default();
        if !name.is_empty() && providers.last() != Some(&component) {
            providers.push(component);
        }
    }

    /// `component` asks for `name`.
    pub(crate) fn require(&mut self, component: ComponentIndex, name: &'a str) {
        if !name.is_empty() {
            self.required.push((component, name));
        }
    }

    /// Records an edge from each provider of a name to each component that asks for it. A component that asks for
    /// what it gives itself gets no edge to itself. `source` is the file to name when there are too many.
    pub(crate) fn resolve(self, source: &Found<'_>, out: &mut Assembly) {
        if !self.edges(out) {
            out.unknown(source, format!("more than {MAX_EDGES} dependencies"));
        }
    }

    /// False where there are too many.
    fn edges(self, out: &mut Assembly) -> bool {
        let mut seen: HashSet<(ComponentIndex, ComponentIndex)> = HashSet::default();
        for (dependant, name) in self.required {
            for provider in self.provided.get(name).into_iter().flatten() {
                if seen.len() >= MAX_EDGES {
                    return false;
                }
                if *provider != dependant && seen.insert((*provider, dependant)) {
                    out.dependency(*provider, dependant);
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Links, clean_path, distro_qualifier};
    use crate::Assembly;
    use sbom::{ComponentIndex, Distro};

    #[test]
    fn qualifiers() {
        for (id, version_id, build_id, expected) in [
            ("debian", "12", "", "debian-12"),
            ("arch", "", "rolling", "arch-rolling"),
            ("wolfi", "", "", "wolfi"),
            ("", "1", "", "1"),
        ] {
            let distro =
                Distro { id: id.into(), version_id: version_id.into(), build_id: build_id.into(), ..Distro::default() };
            assert_eq!(distro_qualifier(&distro), expected);
        }
    }

    #[test]
    fn paths() {
        for (path, expected) in [("", "/"), ("usr//bin/", "/usr/bin"), ("/a/./b/../../../c", "/c")] {
            assert_eq!(clean_path(path), expected);
        }
    }

    #[test]
    fn edges() {
        let mut links = Links::default();
        links.provide(ComponentIndex(0), "libc");
        links.provide(ComponentIndex(1), "libc");
        links.provide(ComponentIndex(2), "sh");
        links.require(ComponentIndex(2), "libc");
        links.require(ComponentIndex(2), "libc");
        links.require(ComponentIndex(2), "sh");
        links.require(ComponentIndex(0), "absent");
        let mut out = Assembly::default();
        assert!(links.edges(&mut out));
        let edges: Vec<(u32, u32)> = out.relationships.iter().map(|edge| (edge.from.0, edge.to.0)).collect();
        assert_eq!(edges, [(0, 2), (1, 2)]);
    }
}
