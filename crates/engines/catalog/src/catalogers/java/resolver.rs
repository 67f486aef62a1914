//! Maven's inheritance and property replacement over the poms at hand (Syft 1.57, `java/internal/maven/resolver.go`).
//! Nothing is fetched: what only a repository knows stays unresolved.

use super::pom::{Dependency, PomLicense, Project};
use super::record::Coordinates;
use crate::tree::normalize;
use std::cell::Cell;
use std::collections::HashMap;

/// Replacements and comparisons that one question may cost. Property values can double at each step.
const MAX_STEPS: u32 = 500_000;
/// What all questions together may cost.
const MAX_STEPS_IN_ALL: u64 = 200_000_000;
const MAX_EXPANDED: usize = 1 << 16;
const MAX_PARENTS: usize = 64;

/// Poms that know each other.
#[derive(Default)]
pub(super) struct Resolver {
    poms: Vec<(String, Project)>,
    by_path: HashMap<String, usize>,
    known: HashMap<Coordinates, usize>,
    spent: Cell<u64>,
}

/// One question under way.
struct Question<'a> {
    poms: &'a Resolver,
    steps: u32,
    resolving: Vec<String>,
}

/// Why a value has no answer: the peer answers with the empty string then.
struct Unresolved;

/// A pom in whose light a property is read. Its parent counts unless the parent is what is being looked for.
#[derive(Clone, Copy)]
struct Context {
    pom: usize,
    with_parent: bool,
}

impl Resolver {
    /// A resolver that knows a single pom, number 0.
    pub(super) fn alone(project: Project) -> Self {
        Self { poms: vec![(String::new(), project)], ..Self::default() }
    }

    /// Adds the pom at the absolute `path`. Earlier poms win over later ones of the same coordinates.
    pub(super) fn add(&mut self, path: &str, project: Project) -> usize {
        let index = self.poms.len();
        self.poms.push((path.to_owned(), project));
        self.by_path.insert(path.to_owned(), index);
        index
    }

    /// Makes the pom findable by its coordinates, as far as they can be told now.
    pub(super) fn register(&mut self, pom: usize) {
        let id = self.id(pom);
        if id.is_complete() {
            self.known.entry(id).or_insert(pom);
        }
    }

    /// The number of a pom by its coordinates.
    pub(super) fn find(&self, id: &Coordinates) -> Option<usize> {
        self.known.get(id).copied()
    }

    /// The pom as written.
    pub(super) fn project(&self, pom: usize) -> Option<&Project> {
        self.poms.get(pom).map(|(_, project)| project)
    }

    /// Who the pom is, group and version inherited.
    pub(super) fn id(&self, pom: usize) -> Coordinates {
        self.ask().id(&[Context::of(pom)])
    }

    /// `value` in the light of `pom`; empty when part of it cannot be resolved.
    pub(super) fn value(&self, pom: usize, value: Option<&String>) -> String {
        self.ask().value(&[Context::of(pom)], value)
    }

    /// Who the parent is; `None` when there is none or its artifact or version is not known.
    pub(super) fn parent_id(&self, pom: usize) -> Option<Coordinates> {
        let written = self.project(pom)?.parent.as_ref()?;
        if let Ok(Some(parent)) = self.ask().parent(pom) {
            return Some(self.id(parent));
        }
        let mut group_id = self.value(pom, written.group_id.as_ref());
        if group_id.is_empty() {
            group_id = self.value(pom, self.project(pom)?.group_id.as_ref());
        }
        let artifact_id = self.value(pom, written.artifact_id.as_ref());
        let version = self.value(pom, written.version.as_ref());
        (!artifact_id.is_empty() && !version.is_empty()).then_some(Coordinates { group_id, artifact_id, version })
    }

    /// The `parent` element with its properties replaced; `None` when nothing is left of it.
    pub(super) fn parent_as_written(&self, pom: usize) -> Option<Coordinates> {
        let parent = self.project(pom)?.parent.as_ref()?;
        let id = Coordinates {
            group_id: self.value(pom, parent.group_id.as_ref()),
            artifact_id: self.value(pom, parent.artifact_id.as_ref()),
            version: self.value(pom, parent.version.as_ref()),
        };
        (id != Coordinates::default()).then_some(id)
    }

    /// What the dependency means, its version looked up where it has none.
    pub(super) fn dependency_id(&self, pom: usize, dependency: &Dependency) -> Coordinates {
        let group_id = self.value(pom, dependency.group_id.as_ref());
        let artifact_id = self.value(pom, dependency.artifact_id.as_ref());
        let mut version = self.value(pom, dependency.version.as_ref());
        if version.is_empty() {
            let mut question = self.ask();
            version = question.inherited_version(pom, &group_id, &artifact_id, &mut Vec::new()).unwrap_or_default();
        }
        Coordinates { group_id, artifact_id, version }
    }

    /// The licences of the pom, else of the nearest parent that has some.
    pub(super) fn licenses(&self, pom: usize) -> &[PomLicense] {
        let mut seen = Vec::new();
        let mut current = Some(pom);
        while let Some(pom) = current.filter(|pom| !seen.contains(pom) && seen.len() < MAX_PARENTS) {
            seen.push(pom);
            let written = self.project(pom).map_or(&[][..], |project| &project.licenses);
            if written.iter().any(|license| self.says_something(pom, license)) {
                return written;
            }
            current = self.ask().parent(pom).ok().flatten();
        }
        &[]
    }

    /// The limit on the work in all was reached; answers since then may lack values.
    pub(super) fn is_exhausted(&self) -> bool {
        self.spent.get() > MAX_STEPS_IN_ALL
    }

    fn says_something(&self, pom: usize, license: &PomLicense) -> bool {
        !self.value(pom, Some(&license.name)).is_empty() || !self.value(pom, Some(&license.url)).is_empty()
    }

    fn ask(&self) -> Question<'_> {
        Question { poms: self, steps: 0, resolving: Vec::new() }
    }
}

impl Context {
    fn of(pom: usize) -> Self {
        Self { pom, with_parent: true }
    }
}

impl<'a> Question<'a> {
    fn project(&self, pom: usize) -> Option<&'a Project> {
        self.poms.project(pom)
    }

    fn step(&mut self) -> Result<(), Unresolved> {
        self.steps += 1;
        self.poms.spent.set(self.poms.spent.get() + 1);
        if self.steps > MAX_STEPS || self.poms.is_exhausted() { Err(Unresolved) } else { Ok(()) }
    }

    fn value(&mut self, context: &[Context], value: Option<&String>) -> String {
        value.and_then(|value| self.expression(context, value).ok()).unwrap_or_default()
    }

    /// Replaces each `${...}`.
    fn expression(&mut self, context: &[Context], text: &str) -> Result<String, Unresolved> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((key, tail)) = after.split_once('}').filter(|(key, _)| !key.is_empty()) else { break };
            out.push_str(before);
            out.push_str(&self.property(context, key.trim())?);
            if out.len() > MAX_EXPANDED {
                return Err(Unresolved);
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn property(&mut self, context: &[Context], key: &str) -> Result<String, Unresolved> {
        self.step()?;
        if self.resolving.iter().any(|known| known == key) || self.resolving.len() > MAX_PARENTS {
            return Err(Unresolved);
        }
        self.resolving.push(key.to_owned());
        let result = self.property_unguarded(context, key);
        self.resolving.pop();
        result
    }

    fn property_unguarded(&mut self, context: &[Context], key: &str) -> Result<String, Unresolved> {
        if let Some(path) = key.strip_prefix("project.") {
            let value = self.project_value(context, path)?;
            if !value.is_empty() {
                return Ok(value);
            }
        }
        let mut seen = Vec::new();
        for start in context {
            let mut current = Some(*start);
            while let Some(here) = current.filter(|here| !seen.contains(&here.pom) && seen.len() < MAX_PARENTS) {
                let found = self.project(here.pom).and_then(|project| project.properties.get(key));
                if let Some(value) = found {
                    return self.expression(context, value);
                }
                seen.push(here.pom);
                current = if here.with_parent { self.parent(here.pom)?.map(Context::of) } else { None };
            }
        }
        Err(Unresolved)
    }

    /// `${project.PATH}`; empty when the project has no such value. Only the last context counts, as in the peer.
    fn project_value(&mut self, context: &[Context], path: &str) -> Result<String, Unresolved> {
        let last = context.last().ok_or(Unresolved)?;
        let project = self.project(last.pom).ok_or(Unresolved)?;
        let parent = project.parent.as_ref().filter(|_| last.with_parent);
        let value = match path {
            "groupId" => project.group_id.as_ref().ok_or(Unresolved)?,
            "artifactId" => project.artifact_id.as_ref().ok_or(Unresolved)?,
            "version" => {
                let inherited = parent.and_then(|parent| parent.version.as_ref());
                project.version.as_ref().or(inherited).ok_or(Unresolved)?
            }
            "name" => project.name.as_ref().ok_or(Unresolved)?,
            "description" => project.description.as_ref().ok_or(Unresolved)?,
            "url" => project.url.as_ref().ok_or(Unresolved)?,
            "parent.groupId" => parent.and_then(|parent| parent.group_id.as_ref()).ok_or(Unresolved)?,
            "parent.artifactId" => parent.and_then(|parent| parent.artifact_id.as_ref()).ok_or(Unresolved)?,
            "parent.version" => parent.and_then(|parent| parent.version.as_ref()).ok_or(Unresolved)?,
            other => match project.leaves.get(other) {
                Some(value) => value,
                None => return Ok(String::new()),
            },
        };
        self.expression(context, value)
    }

    /// The parent among the poms at hand. `Err` when there is one that is not at hand.
    fn parent(&mut self, pom: usize) -> Result<Option<usize>, Unresolved> {
        self.step()?;
        let Some(written) = self.project(pom).and_then(|project| project.parent.as_ref()) else { return Ok(None) };
        let context = [Context { pom, with_parent: false }];
        let id = Coordinates {
            group_id: self.value(&context, written.group_id.as_ref()),
            artifact_id: self.value(&context, written.artifact_id.as_ref()),
            version: self.value(&context, written.version.as_ref()),
        };
        if let Some(found) = self.poms.find(&id) {
            return Ok(Some(found));
        }
        self.parent_by_path(pom, &id).map(Some).ok_or(Unresolved)
    }

    fn parent_by_path(&mut self, pom: usize, id: &Coordinates) -> Option<usize> {
        let (path, project) = self.poms.poms.get(pom)?;
        let relative = project.parent.as_ref()?.relative_path.as_ref()?;
        let relative = self.value(&[Context { pom, with_parent: false }], Some(relative));
        if relative.is_empty() {
            return None;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut target = normalize(&format!("{folder}/{relative}"));
        if !target.ends_with(".xml") {
            target = normalize(&format!("{target}/pom.xml"));
        }
        let found = *self.poms.by_path.get(&target)?;
        let artifact = self.value(&[Context::of(found)], self.project(found)?.artifact_id.as_ref());
        (found != pom && artifact == id.artifact_id).then_some(found)
    }

    fn id(&mut self, context: &[Context]) -> Coordinates {
        let Some(project) = context.last().and_then(|last| self.project(last.pom)) else {
            return Coordinates::default();
        };
        let mut id = Coordinates {
            group_id: self.value(context, project.group_id.as_ref()),
            artifact_id: self.value(context, project.artifact_id.as_ref()),
            version: self.value(context, project.version.as_ref()),
        };
        let absent = |value: &Option<String>| value.as_deref().unwrap_or_default().is_empty();
        if let Some(parent) = &project.parent {
            if id.group_id.is_empty() && absent(&project.group_id) {
                id.group_id = self.value(context, parent.group_id.as_ref());
            }
            if id.version.is_empty() && absent(&project.version) {
                id.version = self.value(context, parent.version.as_ref());
            }
        }
        id
    }

    /// The version that management, an imported bill of materials, a parent, or another declaration gives.
    fn inherited_version(
        &mut self,
        pom: usize,
        group: &str,
        artifact: &str,
        context: &mut Vec<Context>,
    ) -> Option<String> {
        self.step().ok()?;
        if context.len() >= MAX_PARENTS || context.iter().any(|seen| seen.pom == pom) {
            return None;
        }
        context.push(Context::of(pom));
        let found = self.version_in(pom, group, artifact, context);
        context.pop();
        found.filter(|version| !version.is_empty())
    }

    fn version_in(&mut self, pom: usize, group: &str, artifact: &str, context: &mut Vec<Context>) -> Option<String> {
        let project = self.project(pom)?;
        for managed in &project.managed {
            if self.names(context, managed, group, artifact) {
                let version = self.value(context, managed.version.as_ref());
                if !version.is_empty() {
                    return Some(version);
                }
            }
            if managed.kind.as_deref() == Some("pom") && managed.scope.as_deref() == Some("import") {
                let id = Coordinates {
                    group_id: self.value(context, managed.group_id.as_ref()),
                    artifact_id: self.value(context, managed.artifact_id.as_ref()),
                    version: self.value(context, managed.version.as_ref()),
                };
                let imported = self.poms.find(&id);
                if let Some(version) = imported.and_then(|pom| self.inherited_version(pom, group, artifact, context)) {
                    return Some(version);
                }
            }
        }
        let parent = self.parent(pom).ok()?;
        if let Some(version) = parent.and_then(|parent| self.inherited_version(parent, group, artifact, context)) {
            return Some(version);
        }
        project.dependencies.iter().find_map(|declared| {
            let names = declared.version.is_some() && self.names(context, declared, group, artifact);
            names.then(|| self.value(context, declared.version.as_ref())).filter(|version| !version.is_empty())
        })
    }

    /// Is the declaration about the artifact? Most are told apart without replacing anything.
    fn names(&mut self, context: &[Context], declared: &Dependency, group: &str, artifact: &str) -> bool {
        if self.step().is_err() {
            return false;
        }
        let mut is = |written: &Option<String>, wanted: &str| match written {
            Some(written) if !written.contains("${") => written == wanted,
            written => self.value(context, written.as_ref()) == wanted,
        };
        is(&declared.artifact_id, artifact) && is(&declared.group_id, group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(poms: &[(&str, &str)]) -> Resolver {
        let mut resolver = Resolver::default();
        let numbers: Vec<usize> = poms
            .iter()
            .map(|(path, inner)| {
                resolver.add(path, Project::parse(format!("<project>{inner}</project>").as_bytes()).unwrap())
            })
            .collect();
        numbers.into_iter().for_each(|pom| resolver.register(pom));
        resolver
    }

    const PARENT: &str = "<groupId>g</groupId><artifactId>p</artifactId><version>1</version>";
    const CHILD: &str = "<parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>";

    #[test]
    fn values() {
        let check = |inner: &str, value: &str, expected: &str| {
            let resolver = resolver(&[("/pom.xml", inner)]);
            assert_eq!(resolver.value(0, Some(&value.to_owned())), expected, "{inner} {value}");
        };
        check("", "plain", "plain");
        check("<version>1</version>", "v${project.version}", "v1");
        check(CHILD, "${project.version}", "1");
        check(CHILD, "${project.parent.groupId}", "g");
        check("<properties><a>${b}x</a><b>2</b></properties>", "${ a }", "2x");
        check("<properties><a>${a}</a></properties>", "${a}", "");
        check("<properties><a>${b}</a><b>${a}</b></properties>", "${a}", "");
        check("", "x${missing}", "");
        check("<scm><url>s</url></scm>", "${project.scm.url}", "s");
        check("", "${", "${");
        check("", "${}", "${}");
    }

    #[test]
    fn inheritance() {
        let parent = format!(
            "{PARENT}<properties><v>7</v></properties><licenses><license><name>MIT</name></license></licenses><dependencyManagement><dependencies><dependency><groupId>d</groupId><artifactId>e</artifactId><version>${{v}}</version></dependency></dependencies></dependencyManagement>"
        );
        let child = format!("{CHILD}<artifactId>c</artifactId>");
        let resolver = resolver(&[("/pom.xml", &parent), ("/c/pom.xml", &child)]);
        let id = resolver.id(1);
        assert_eq!((&*id.group_id, &*id.artifact_id, &*id.version), ("g", "c", "1"));
        assert_eq!(resolver.value(1, Some(&"${v}".to_owned())), "7");
        assert_eq!(resolver.licenses(1).len(), 1);
        let dependency =
            Dependency { group_id: Some("d".to_owned()), artifact_id: Some("e".to_owned()), ..Dependency::default() };
        assert_eq!(resolver.dependency_id(1, &dependency).version, "7");
    }

    #[test]
    fn parents_by_path() {
        let child = "<parent><groupId>g</groupId><artifactId>p</artifactId><version>${r}</version><relativePath>../..</relativePath></parent><artifactId>c</artifactId><version>2</version>";
        let parent = format!("{PARENT}<properties><v>7</v></properties>");
        let resolver = resolver(&[("/a/b/pom.xml", child), ("/pom.xml", &parent)]);
        assert_eq!(resolver.value(0, Some(&"${v}".to_owned())), "7");
    }

    #[test]
    fn doubling_properties_end() {
        let properties: String = (0..60).map(|n| format!("<p{n}>${{p{}}}${{p{}}}</p{n}>", n + 1, n + 1)).collect();
        let resolver = resolver(&[("/pom.xml", &format!("<properties>{properties}<p60>x</p60></properties>"))]);
        assert_eq!(resolver.value(0, Some(&"${p0}".to_owned())), "");
    }

    #[test]
    fn poms_that_are_each_others_parents_end() {
        let one = "<parent><groupId>g</groupId><artifactId>b</artifactId><version>1</version></parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version>";
        let two = "<parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version></parent><groupId>g</groupId><artifactId>b</artifactId><version>1</version>";
        let resolver = resolver(&[("/a/pom.xml", one), ("/b/pom.xml", two)]);
        assert_eq!(resolver.value(0, Some(&"${x}".to_owned())), "");
        assert!(resolver.licenses(0).is_empty());
        assert_eq!(resolver.dependency_id(0, &Dependency::default()).version, "");
    }
}
