//! Layers squashed to one tree, as a container runtime would mount them (OCI image-spec 1.1, layer.md).

use crate::LayerFacts;
use crate::facts::Extracted;
use foldhash::{HashMap, HashSet};
use sbom::{FileFact, FileKind};

/// Where an entry is: layer, then index into [`LayerFacts::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) layer: u32,
    pub(crate) entry: u32,
}

/// The visible files of layers 0 to n.
pub(crate) struct Tree<'a> {
    layers: &'a [LayerFacts],
    places: HashMap<&'a str, Place>,
    /// Visible places by path, for ranges.
    sorted: Vec<Place>,
}

impl<'a> Tree<'a> {
    /// Squashes all of `layers`; the last is the top.
    pub(crate) fn squash(layers: &'a [LayerFacts]) -> Self {
        let total = layers.iter().map(|layer| layer.entries.len()).sum();
        let mut places: HashMap<&'a str, Place> = HashMap::with_capacity_and_hasher(total, Default::default());
        let mut hidden = Hidden::default();
        for (layer_index, layer) in layers.iter().enumerate().rev() {
            let layer_index = u32::try_from(layer_index).unwrap_or(u32::MAX);
            let mut replaced = Vec::new();
            for (entry_index, entry) in layer.entries.iter().enumerate() {
                if hidden.hides(&entry.path) {
                    continue;
                }
                let entry_index = u32::try_from(entry_index).unwrap_or(u32::MAX);
                places.entry(&entry.path).or_insert(Place { layer: layer_index, entry: entry_index });
                if entry.kind != FileKind::Directory {
                    replaced.push(entry.path.as_str());
                }
            }
            hidden.add(layer, replaced, layers.get(..layer_index as usize).unwrap_or_default());
        }
        let mut sorted: Vec<(&str, Place)> = places.iter().map(|(path, place)| (*path, *place)).collect();
        sorted.sort_unstable();
        Self { layers, places, sorted: sorted.into_iter().map(|(_, place)| place).collect() }
    }

    pub(crate) fn entry(&self, place: Place) -> Option<&'a FileFact> {
        self.layers.get(place.layer as usize)?.entries.get(place.entry as usize)
    }

    pub(crate) fn shows(&self, place: Place) -> bool {
        self.entry(place).is_some_and(|entry| self.places.get(entry.path.as_str()) == Some(&place))
    }

    /// The place of the file that the absolute `path` leads to, symlinks and hard links followed.
    pub(crate) fn resolve(&self, path: &str) -> Option<Place> {
        self.resolve_links(path, &mut 0)
    }

    fn resolve_links(&self, path: &str, links: &mut usize) -> Option<Place> {
        if let Some(place) = self.places.get(path) {
            let entry = self.entry(*place)?;
            return match entry.kind {
                FileKind::Symlink => self.follow(path, &entry.link_target, "", links),
                FileKind::HardLink => self.hard_link(*place, &entry.link_target).or(Some(*place)),
                _ => Some(*place),
            };
        }
        // A folder on the way may be a link: find the longest part that is one.
        let mut end = 0;
        while let Some(next) = path.get(end + 1..).and_then(|rest| rest.find('/')) {
            end += next + 1;
            let (parent, rest) = path.split_at(end);
            let place = self.places.get(parent);
            if let Some(entry) = place.and_then(|place| self.entry(*place))
                && entry.kind == FileKind::Symlink
            {
                return self.follow(parent, &entry.link_target, rest, links);
            }
        }
        None
    }

    fn follow(&self, link: &str, target: &str, rest: &str, links: &mut usize) -> Option<Place> {
        /// As Linux: more than 40 links are a loop.
        const MAX_LINKS: usize = 40;
        *links += 1;
        if *links > MAX_LINKS {
            return None;
        }
        let base = if target.starts_with('/') { "" } else { link.rsplit_once('/').map_or("", |(folder, _)| folder) };
        self.resolve_links(&normalize(&format!("{base}/{target}{rest}")), links)
    }

    /// A hard link's target is in the same layer, also when another layer hides that name.
    fn hard_link(&self, link: Place, target: &str) -> Option<Place> {
        let entries = &self.layers.get(link.layer as usize)?.entries;
        let entry = entries.binary_search_by(|entry| entry.path.as_str().cmp(target)).ok()?;
        Some(Place { layer: link.layer, entry: u32::try_from(entry).ok()? })
    }

    /// Visible places below the absolute `folder`, by path.
    pub(crate) fn under(&self, folder: &str) -> &[Place] {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let path = |place: &Place| self.entry(*place).map_or("", |entry| entry.path.as_str());
        let from = self.sorted.partition_point(|place| path(place) < prefix.as_str());
        let rest = self.sorted.get(from..).unwrap_or_default();
        let count = rest.partition_point(|place| path(place).starts_with(&prefix));
        rest.get(..count).unwrap_or_default()
    }

    /// All visible places, by path.
    pub(crate) fn all(&self) -> &[Place] {
        &self.sorted
    }

    /// What the catalogers took from the entry at `place`.
    pub(crate) fn extracted(&self, place: Place) -> &'a [Extracted] {
        let extractions = self.layers.get(place.layer as usize).map_or(&[][..], |layer| &layer.extractions);
        let from = extractions.partition_point(|extracted| extracted.entry < place.entry);
        let rest = extractions.get(from..).unwrap_or_default();
        let count = rest.partition_point(|extracted| extracted.entry == place.entry);
        rest.get(..count).unwrap_or_default()
    }
}

/// What the layers above hide.
#[derive(Default)]
struct Hidden<'a> {
    /// The path and all below it.
    removed: HashSet<&'a str>,
    /// All below the path.
    opaque: HashSet<&'a str>,
}

impl<'a> Hidden<'a> {
    fn add(&mut self, layer: &'a LayerFacts, files: Vec<&'a str>, below: &[LayerFacts]) {
        self.removed.extend(layer.whiteouts.iter().map(String::as_str));
        self.opaque.extend(layer.opaque.iter().map(String::as_str));
        // A file where a layer below has a folder hides what is in the folder.
        self.opaque.extend(files.into_iter().filter(|path| below.iter().any(|layer| is_folder(layer, path))));
    }

    fn hides(&self, path: &str) -> bool {
        if self.removed.is_empty() && self.opaque.is_empty() {
            return false;
        }
        if self.removed.contains(path) || (self.opaque.contains("/") && path != "/") {
            return true;
        }
        let mut end = path.len();
        while let Some(slash) = path.get(..end).and_then(|path| path.rfind('/')) {
            let Some(parent) = path.get(..slash).filter(|parent| !parent.is_empty()) else { return false };
            if self.removed.contains(parent) || self.opaque.contains(parent) {
                return true;
            }
            end = slash;
        }
        false
    }
}

fn is_folder(layer: &LayerFacts, path: &str) -> bool {
    let at = layer.entries.partition_point(|entry| entry.path.as_str() < path);
    let Some(entry) = layer.entries.get(at) else { return false };
    if entry.path == path {
        return entry.kind == FileKind::Directory;
    }
    // Folders without an entry of their own.
    let below = |entry: &FileFact| entry.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    below(entry)
}

/// Resolves `.` and `..` in an absolute path; `..` at the root stays there.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(entries: &[(&str, FileKind, &str)], whiteouts: &[&str], opaque: &[&str]) -> LayerFacts {
        let entries = entries.iter().map(|(path, kind, target)| FileFact {
            path: (*path).to_owned(),
            kind: *kind,
            link_target: (*target).to_owned(),
            ..FileFact::default()
        });
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        LayerFacts {
            entries: entries.collect(),
            whiteouts: owned(whiteouts),
            opaque: owned(opaque),
            ..LayerFacts::default()
        }
        .sorted()
    }

    fn check(layers: &[LayerFacts], expected: &[(&str, Option<(u32, &str)>)]) {
        let tree = Tree::squash(layers);
        for (path, expected) in expected {
            let found = tree.resolve(path).map(|place| (place.layer, tree.entry(place).unwrap().path.as_str()));
            assert_eq!(found, *expected, "{path}");
        }
    }

    #[test]
    fn whiteouts_opaque_folders_and_replacements() {
        use FileKind::{Directory, Regular};
        let base = layer(
            &[
                ("/a", Directory, ""),
                ("/a/x", Regular, ""),
                ("/b", Directory, ""),
                ("/b/y", Regular, ""),
                ("/c", Directory, ""),
                ("/c/z", Regular, ""),
                ("/ab", Regular, ""),
            ],
            &[],
            &[],
        );
        let top = layer(&[("/b/new", Regular, ""), ("/c", Regular, "")], &["/a"], &["/b"]);
        check(
            &[base, top],
            &[
                ("/a/x", None),
                ("/a", None),
                ("/ab", Some((0, "/ab"))),
                ("/b/y", None),
                ("/b/new", Some((1, "/b/new"))),
                ("/c/z", None),
                ("/c", Some((1, "/c"))),
            ],
        );
    }

    #[test]
    fn links() {
        use FileKind::{Directory, HardLink, Regular, Symlink};
        let base = layer(
            &[
                ("/lib", Symlink, "usr/lib"),
                ("/usr/lib", Directory, ""),
                ("/usr/lib/a", Regular, ""),
                ("/usr/lib/b", Symlink, "../lib/a"),
                ("/hard", HardLink, "/usr/lib/a"),
                ("/loop", Symlink, "loop"),
                ("/out", Symlink, "../../usr/lib/a"),
            ],
            &[],
            &[],
        );
        check(
            &[base],
            &[
                ("/lib/a", Some((0, "/usr/lib/a"))),
                ("/lib/b", Some((0, "/usr/lib/a"))),
                ("/hard", Some((0, "/usr/lib/a"))),
                ("/loop", None),
                ("/loop/x", None),
                ("/out", Some((0, "/usr/lib/a"))),
            ],
        );
    }
}
