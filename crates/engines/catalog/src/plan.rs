//! Which catalogers run, and which of them want a given path, found without trying every pattern.

use crate::catalogers::executable::ExecutableFacts;
use crate::catalogers::license_files::LicenseFiles;
use crate::distro_files::DistroFiles;
use crate::{Cataloger, Want, glob};
use foldhash::HashMap;

/// The catalogers of one run, with their wants compiled.
pub struct Plan {
    catalogers: Vec<&'static dyn Cataloger>,
    executables: Vec<usize>,
    by_name: HashMap<String, Vec<Pattern>>,
    by_extension: HashMap<String, Vec<Pattern>>,
    by_first: HashMap<u8, Vec<Pattern>>,
    anywhere: Vec<Pattern>,
}

struct Pattern {
    cataloger: usize,
    /// Path parts, first to last; the last is the file's name.
    parts: Vec<String>,
}

impl Plan {
    /// Compiles the wants of `catalogers`, and of what is kept for all of them: the files that tell the
    /// distribution and the licences, and the facts of executables.
    #[must_use]
    pub fn new(mut catalogers: Vec<&'static dyn Cataloger>) -> Self {
        let helpers: [&dyn Cataloger; 3] = [&DistroFiles, &LicenseFiles, &ExecutableFacts];
        catalogers.extend(helpers);
        let mut plan = Self {
            catalogers: Vec::new(),
            executables: Vec::new(),
            by_name: HashMap::default(),
            by_extension: HashMap::default(),
            by_first: HashMap::default(),
            anywhere: Vec::new(),
        };
        for (index, cataloger) in catalogers.iter().enumerate() {
            for want in cataloger.wants() {
                match want {
                    Want::Executable => plan.executables.push(index),
                    Want::Glob(pattern) => glob::expand(pattern).iter().for_each(|pattern| plan.add(index, pattern)),
                }
            }
        }
        plan.catalogers = catalogers;
        plan
    }

    fn add(&mut self, cataloger: usize, pattern: &str) {
        let parts: Vec<String> = pattern.trim_start_matches('/').split('/').map(str::to_owned).collect();
        let name = parts.last().cloned().unwrap_or_default();
        let pattern = Pattern { cataloger, parts };
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_owned());
        if !name.contains(WILD) {
            self.by_name.entry(name).or_default().push(pattern);
        } else if let Some(extension) = extension.filter(|extension| !extension.contains(WILD)) {
            self.by_extension.entry(extension).or_default().push(pattern);
        } else if let Some(first) = name.bytes().next().filter(|byte| !WILD.contains(&char::from(*byte))) {
            self.by_first.entry(first).or_default().push(pattern);
        } else {
            self.anywhere.push(pattern);
        }
    }

    /// The catalogers of this run.
    #[must_use]
    pub fn catalogers(&self) -> &[&'static dyn Cataloger] {
        &self.catalogers
    }

    /// The catalogers that want the file at `path` (absolute) for its name, into `into`.
    pub(crate) fn wanted_by_name(&self, path: &str, into: &mut Vec<usize>) {
        into.clear();
        let path = path.trim_start_matches('/');
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let candidates = self.by_name.get(name).into_iter();
        let candidates = candidates.chain(extension.and_then(|extension| self.by_extension.get(extension)));
        let candidates = candidates.chain(name.bytes().next().and_then(|first| self.by_first.get(&first)));
        for pattern in candidates.flatten().chain(&self.anywhere) {
            if !into.contains(&pattern.cataloger) && pattern.accepts(folder, name) {
                into.push(pattern.cataloger);
            }
        }
        into.sort_unstable();
    }

    /// The catalogers that want every executable.
    pub(crate) fn executables(&self) -> &[usize] {
        &self.executables
    }
}

const WILD: [char; 4] = ['*', '?', '[', '{'];

impl Pattern {
    fn accepts(&self, folder: &str, name: &str) -> bool {
        let Some((last, folders)) = self.parts.split_last() else { return false };
        if !glob::name(last, name) {
            return false;
        }
        match folders {
            [any] if any == "**" => true,
            _ => {
                let pattern: Vec<&str> = folders.iter().map(String::as_str).collect();
                let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
                glob::folders(&pattern, &parts)
            }
        }
    }
}
