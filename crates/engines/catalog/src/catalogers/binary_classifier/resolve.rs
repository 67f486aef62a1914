//! Second stage: what was seen in the files, put together.

use super::evidence::{Classifier, Evidence, Package};
use super::look::Seen;
use super::search::{self, Hit};
use super::table;
use crate::{Found, View, glob};
use foldhash::HashMap;
use sbom::{FileFact, FileKind, Location};
use std::cell::OnceCell;

/// A package that a classifier found.
pub(super) struct Match {
    pub(super) package: &'static Package,
    pub(super) hit: Hit,
    /// The first is the file that the classifier was asked about.
    pub(super) locations: Vec<Location>,
    /// Classifier and evidence.
    pub(super) evidence: Vec<(&'static str, Location)>,
}

/// A visible file that was looked at, and the path by which it was reached.
#[derive(Clone)]
struct Place<'a> {
    file: &'a Looked<'a>,
    access_path: String,
}

struct Looked<'a> {
    found: Found<'a>,
    seen: Seen,
}

impl Place<'_> {
    fn location(&self, primary: bool) -> Location {
        Location { access_path: self.access_path.clone(), primary, ..self.file.found.location() }
    }
}

/// The files that were looked at.
pub(super) struct Resolver<'a> {
    view: &'a View<'a>,
    files: Vec<Looked<'a>>,
    /// Symbolic links by their own name, in the order of their paths.
    links: OnceCell<HashMap<&'a str, Vec<&'a FileFact>>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        let files = view.extractions().into_iter().filter_map(|found| {
            let seen = postcard::from_bytes(&found.body.kept).ok()?;
            Some(Looked { found, seen })
        });
        Self { view, files: files.collect(), links: OnceCell::new() }
    }

    /// Everything that the classifiers find, in their order, then by path.
    pub(super) fn matches(&'a self) -> Vec<Match> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let places = table::all()
            .flat_map(|classifier| self.places(classifier.files).into_iter().map(move |place| (classifier, place)));
        places
            .filter_map(|(classifier, place)| self.holds(classifier, &classifier.evidence, &place))
            .flatten()
            .collect()
    }

    /// The files at paths like `pattern`: by their own path first, then through links.
    fn places(&'a self, pattern: &str) -> Vec<Place<'a>> {
        let at = |path: &str| glob::matches(pattern, path.trim_start_matches('/'));
        let direct = self.files.iter().filter(|file| at(&file.found.file.path));
        let mut places: Vec<Place<'a>> =
            direct.map(|file| Place { file, access_path: file.found.file.path.clone() }).collect();
        let names = glob::expand(pattern);
        let names = names.iter().filter_map(|pattern| pattern.rsplit('/').next());
        let links = names.filter_map(|name| self.links().get(name)).flatten().filter(|link| at(&link.path));
        for link in links {
            let Some(file) = self.target(link) else { continue };
            if !places.iter().any(|place| std::ptr::eq(place.file, file)) {
                places.push(Place { file, access_path: link.path.clone() });
            }
        }
        places
    }

    /// The file that a link leads to, if it was looked at.
    fn target(&'a self, link: &FileFact) -> Option<&'a Looked<'a>> {
        let (target, layer) = self.view.file(&self.files.last()?.found, &link.path)?;
        self.files.iter().find(|file| file.found.file.path == target.path && file.found.layer == layer)
    }

    /// All links; seen from the uppermost layer that has a file which counts.
    fn links(&self) -> &HashMap<&'a str, Vec<&'a FileFact>> {
        self.links.get_or_init(|| {
            let mut links: HashMap<&'a str, Vec<&'a FileFact>> = HashMap::default();
            let Some(top) = self.files.iter().max_by_key(|file| file.found.layer) else { return links };
            for (file, _) in self.view.under(&top.found, "/") {
                if file.kind == FileKind::Symlink {
                    links.entry(file.path.rsplit('/').next().unwrap_or_default()).or_default().push(file);
                }
            }
            links
        })
    }

    /// `None` where the evidence does not hold; empty where it does and gives no version.
    fn holds(&'a self, classifier: &'static Classifier, evidence: &Evidence, place: &Place<'a>) -> Option<Vec<Match>> {
        match evidence {
            Evidence::Text(pattern) | Evidence::Near(_, pattern) | Evidence::ByName { text: pattern, .. } => {
                Some(self.matched(classifier, place, place.file.seen.hit(pattern)?.clone()))
            }
            Evidence::Texts(patterns) => {
                let mut all = Hit::default();
                for pattern in *patterns {
                    let hit = place.file.seen.hit(pattern)?;
                    all = if hit.version.is_some() { hit.clone() } else { all };
                }
                Some(self.matched(classifier, place, all))
            }
            Evidence::Path(pattern) => Self::is_at(place, pattern).then(Vec::new),
            Evidence::NotPath(pattern) => (!Self::is_at(place, pattern)).then(Vec::new),
            Evidence::Any(parts) => parts.iter().find_map(|part| self.holds(classifier, part, place)),
            Evidence::All(parts) => {
                let mut last = Vec::new();
                for part in *parts {
                    let found = self.holds(classifier, part, place)?;
                    last = if found.is_empty() { last } else { found };
                }
                Some(last)
            }
            Evidence::FirstOf(branches) => branches
                .iter()
                .find_map(|branch| self.holds(branch, &branch.evidence, place).filter(|found| !found.is_empty())),
            Evidence::Library { names, evidence, .. } => self.library(classifier, names, evidence, place),
            Evidence::Beside { file, evidence } => self.beside(classifier, file, evidence, place),
        }
    }

    fn matched(&self, classifier: &'static Classifier, place: &Place<'_>, hit: Hit) -> Vec<Match> {
        if hit.version.is_none() {
            return Vec::new();
        }
        let evidence = vec![(classifier.class, place.location(true))];
        vec![Match { package: &classifier.package, hit, locations: vec![place.location(true)], evidence }]
    }

    fn is_at(place: &Place<'_>, pattern: &str) -> bool {
        glob::matches(pattern, place.file.found.file.path.trim_start_matches('/'))
    }

    fn library(
        &'a self,
        classifier: &'static Classifier,
        names: &'static str,
        evidence: &Evidence,
        place: &Place<'a>,
    ) -> Option<Vec<Match>> {
        let mut all = None;
        let libraries = place.file.seen.libraries.iter().filter(|library| search::name_matches(names, library));
        for library in libraries.flat_map(|library| self.places(&format!("**/{library}"))) {
            let Some(mut found) = self.holds(classifier, evidence, &library) else { continue };
            for found in &mut found {
                found.support(place);
                found.evidence.insert(0, (classifier.class, place.location(true)));
            }
            all.get_or_insert_with(Vec::new).append(&mut found);
        }
        all
    }

    fn beside(
        &'a self,
        classifier: &'static Classifier,
        file: &str,
        evidence: &Evidence,
        place: &Place<'a>,
    ) -> Option<Vec<Match>> {
        let folder = place.file.found.file.path.rsplit_once('/')?.0;
        let pattern = crate::tree::normalize(&format!("{folder}/{file}"));
        self.places(pattern.trim_start_matches('/')).iter().find_map(|neighbour| {
            let mut found = self.holds(classifier, evidence, neighbour)?;
            found.iter_mut().for_each(|found| found.support(place));
            Some(found)
        })
    }
}

impl Match {
    /// Makes `place` the primary evidence, and what there was before supporting.
    fn support(&mut self, place: &Place<'_>) {
        let evidence = self.evidence.iter_mut().map(|(_, location)| location);
        for location in self.locations.iter_mut().chain(evidence) {
            location.primary = false;
        }
        let primary = place.location(true);
        self.locations.retain(|location| location.path != primary.path);
        self.locations.insert(0, primary);
    }
}
