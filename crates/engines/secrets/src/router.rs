use crate::mount::Mount;
use crate::namespace::Namespace;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which mount answers which path, and which namespaces there are.
#[derive(Default)]
pub(crate) struct Router {
    /// By the path of the namespace and the mount's in it.
    mounts: BTreeMap<String, Arc<Mount>>,
    /// By path.
    namespaces: BTreeMap<String, Arc<Namespace>>,
}

impl Router {
    pub(crate) fn new(namespaces: impl IntoIterator<Item = Arc<Namespace>>) -> Self {
        let namespaces = namespaces.into_iter().map(|namespace| (namespace.path.clone(), namespace)).collect();
        Self { mounts: BTreeMap::new(), namespaces }
    }

    pub(crate) fn add(&mut self, mount: Mount) {
        let path = format!("{}{}", mount.namespace.path, mount.entry.full_path());
        self.mounts.insert(path, Arc::new(mount));
    }

    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.namespaces.values()
    }

    pub(crate) fn namespace(&self, path: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.get(path)
    }

    pub(crate) fn namespace_by_id(&self, id: &str) -> Option<&Arc<Namespace>> {
        self.namespaces.values().find(|namespace| namespace.id == id)
    }

    /// The namespace of a request by its header and path, and the rest of the path.
    pub(crate) fn resolve<'a>(&self, header: &str, path: &'a str) -> Option<(Arc<Namespace>, &'a str)> {
        let header = header.trim_matches('/');
        let base = if header.is_empty() { String::new() } else { format!("{header}/") };
        let mut best = (self.namespace(&base)?, path);
        if self.namespaces.len() > 1 {
            let ends = path.match_indices('/').map(|(at, _)| at + 1);
            for end in ends {
                let (front, rest) = path.split_at_checked(end)?;
                match self.namespace(&format!("{base}{front}")) {
                    Some(namespace) => best = (namespace, rest),
                    None => break,
                }
            }
        }
        Some((Arc::clone(best.0), best.1))
    }

    /// The mount of a path in a namespace, and the rest of the path below it.
    pub(crate) fn route<'a>(&self, namespace: &Namespace, path: &'a str) -> Option<(&Arc<Mount>, &'a str)> {
        let full;
        let whole = if namespace.is_root() {
            path
        } else {
            full = format!("{}{path}", namespace.path);
            &full
        };
        for (at, _) in whole.rmatch_indices('/') {
            let front = whole.get(..=at)?;
            if front.len() <= namespace.path.len() {
                return self.whole(whole, path);
            }
            if let Some(mount) = self.mounts.get(front) {
                return Some((mount, path.get(front.len() - namespace.path.len()..)?));
            }
        }
        self.whole(whole, path)
    }

    /// A path that is a mount's without the slash.
    fn whole<'a>(&self, whole: &str, path: &'a str) -> Option<(&Arc<Mount>, &'a str)> {
        Some((self.mounts.get(&format!("{whole}/"))?, path.get(path.len()..)?))
    }

    /// The mount at exactly this path of a namespace.
    pub(crate) fn at(&self, namespace: &Namespace, full_path: &str) -> Option<&Arc<Mount>> {
        self.mounts.get(&format!("{}{full_path}", namespace.path))
    }

    pub(crate) fn by_accessor(&self, accessor: &str) -> Option<&Arc<Mount>> {
        self.mounts.values().find(|mount| mount.entry.accessor == accessor)
    }

    pub(crate) fn mounts(&self) -> impl Iterator<Item = &Arc<Mount>> {
        self.mounts.values()
    }

    /// The mounts of one namespace.
    pub(crate) fn of<'a>(&'a self, namespace: &'a Namespace) -> impl Iterator<Item = &'a Arc<Mount>> {
        self.mounts.values().filter(move |mount| mount.namespace.id == namespace.id)
    }

    /// Whether requests to this path would be a namespace's below.
    pub(crate) fn is_namespaces(&self, namespace: &Namespace, path: &str) -> bool {
        let whole = format!("{}{path}", namespace.path);
        whole
            .match_indices('/')
            .filter_map(|(at, _)| whole.get(..=at))
            .any(|front| front.len() > namespace.path.len() && self.namespaces.contains_key(front))
    }

    /// A mount with which one at this path would overlap.
    pub(crate) fn conflict(&self, namespace: &Namespace, full_path: &str) -> Option<&Arc<Mount>> {
        let whole = format!("{}{full_path}", namespace.path);
        let below = self.mounts.range(whole.clone()..).next().filter(|(path, _)| path.starts_with(&whole));
        let above = || whole.match_indices('/').find_map(|(at, _)| self.mounts.get_key_value(whole.get(..=at)?));
        below.or_else(above).map(|(_, mount)| mount)
    }
}
