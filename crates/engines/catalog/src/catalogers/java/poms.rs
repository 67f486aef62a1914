//! `java-pom-cataloger`: the projects and dependencies that `pom.xml` files declare.

use super::package::pom_licenses;
use super::pom::{Dependency, Project};
use super::record::{Coordinates, JavaRecord, PomProject, PomProperties};
use super::resolver::Resolver;
use crate::catalogers::license_files;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, UsedFor, View, Want};
use sbom::{Component, ComponentIndex, Language, PackageType};
use std::collections::HashMap;

/// Finds what Maven projects declare.
pub(crate) struct JavaPom;

impl Cataloger for JavaPom {
    fn name(&self) -> &'static str {
        "java-pom-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "java", "maven"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/pom.xml")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let project = Project::parse(file.bytes)?;
        out.kept = postcard::to_stdvec(&project).map_err(|error| ParseError::malformed(error.to_string()))?;
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        let mut resolver = Resolver::default();
        let mut poms: Vec<(Found<'_>, usize)> = Vec::new();
        for found in view.extractions() {
            match postcard::from_bytes(&found.body.kept) {
                Ok(project) => {
                    let pom = resolver.add(&found.file.path, project);
                    poms.push((found, pom));
                }
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
        poms.iter().for_each(|(_, pom)| resolver.register(*pom));
        let licenses = license_files::Beside::new(view);
        let mut known: HashMap<Coordinates, ComponentIndex> = HashMap::new();
        let mut projects = Vec::new();
        for (found, pom) in &poms {
            if let Some(mut component) = project_component(&resolver, *pom, found, out) {
                if component.licenses.is_empty() {
                    component.licenses = licenses.of(found);
                }
                let index = out.add(component);
                known.insert(resolver.id(*pom), index);
                projects.push((*found, *pom, index));
            }
        }
        for (found, pom, index) in projects {
            add_dependencies(&resolver, pom, (&found, index), &mut known, out);
        }
        if let Some((found, _)) = poms.last().filter(|_| resolver.is_exhausted()) {
            out.unknown(found, "the poms are too entangled; versions may be missing");
        }
    }
}

fn add_dependencies(
    resolver: &Resolver,
    pom: usize,
    (found, project): (&Found<'_>, ComponentIndex),
    known: &mut HashMap<Coordinates, ComponentIndex>,
    out: &mut Assembly,
) {
    let dependencies = resolver.project(pom).map_or(&[][..], |project| &project.dependencies);
    for dependency in dependencies {
        let id = resolver.dependency_id(pom, dependency);
        let index = match known.get(&id) {
            Some(index) => *index,
            None => {
                let Some(component) = dependency_component(resolver, pom, dependency, &id, found, out) else {
                    continue;
                };
                let index = out.add(component);
                known.insert(id, index);
                index
            }
        };
        out.dependency(index, project);
    }
}

fn project_component(resolver: &Resolver, pom: usize, found: &Found<'_>, out: &mut Assembly) -> Option<Component> {
    let id = resolver.id(pom);
    let written = resolver.project(pom)?;
    let record = JavaRecord {
        pom_project: Some(PomProject {
            path: String::new(),
            parent: resolver.parent_id(pom),
            group_id: id.group_id,
            artifact_id: id.artifact_id.clone(),
            version: id.version.clone(),
            name: resolver.value(pom, written.name.as_ref()),
            description: resolver.value(pom, written.description.as_ref()),
            url: resolver.value(pom, written.url.as_ref()),
        }),
        ..JavaRecord::default()
    };
    let mut component = Component::new(PackageType::JavaArchive, Language::Java, id.artifact_id, id.version);
    component.licenses = pom_licenses(resolver.licenses(pom));
    complete(component, &record, found, out)
}

fn dependency_component(
    resolver: &Resolver,
    pom: usize,
    dependency: &Dependency,
    id: &Coordinates,
    found: &Found<'_>,
    out: &mut Assembly,
) -> Option<Component> {
    // A dependency that is itself among the poms gets what that says; name and address come from the declaring pom,
    // as with the peer.
    let own = resolver.find(id).filter(|_| id.is_complete());
    let written = resolver.project(pom)?;
    let record = JavaRecord {
        pom_properties: Some(PomProperties {
            group_id: id.group_id.clone(),
            artifact_id: id.artifact_id.clone(),
            scope: resolver.value(pom, dependency.scope.as_ref()),
            ..PomProperties::default()
        }),
        pom_project: own.map(|own| PomProject {
            path: String::new(),
            parent: resolver.parent_as_written(own),
            group_id: id.group_id.clone(),
            artifact_id: id.artifact_id.clone(),
            version: id.version.clone(),
            name: resolver.value(pom, written.name.as_ref()),
            description: resolver.value(pom, written.description.as_ref()),
            url: resolver.value(pom, written.url.as_ref()),
        }),
        ..JavaRecord::default()
    };
    let mut component =
        Component::new(PackageType::JavaArchive, Language::Java, id.artifact_id.clone(), id.version.clone());
    component.licenses = own.map(|own| pom_licenses(resolver.licenses(own))).unwrap_or_default();
    complete(component, &record, found, out)
}

fn complete(mut component: Component, record: &JavaRecord, found: &Found<'_>, out: &mut Assembly) -> Option<Component> {
    component.locations.push(found.location());
    match record.finish(&mut component) {
        Ok(()) => Some(component),
        Err(error) => {
            out.unknown(found, error.to_string());
            None
        }
    }
}
