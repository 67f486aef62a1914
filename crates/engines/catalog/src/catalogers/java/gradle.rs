//! `java-gradle-lockfile-cataloger`: `gradle.lockfile`, one `group:artifact:version=configurations` a line.

use super::record::{JavaRecord, PomProject};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use sbom::{Component, Language, PackageType};

/// Finds what a Gradle build locks.
pub(crate) struct GradleLockfile;

impl Cataloger for GradleLockfile {
    fn name(&self) -> &'static str {
        "java-gradle-lockfile-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "java", "gradle"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/gradle.lockfile*")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        for line in file.text().lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let coordinates = line.split('=').next().unwrap_or_default();
            let parts: Vec<&str> = coordinates.split(':').collect();
            if let [group, name, version] = parts.as_slice() {
                out.add(locked(group, name, version)?);
            }
        }
        Ok(())
    }
}

fn locked(group: &str, name: &str, version: &str) -> Result<Component, ParseError> {
    let mut component = Component::new(PackageType::JavaArchive, Language::Java, name, version);
    let project = PomProject {
        group_id: group.to_owned(),
        artifact_id: name.to_owned(),
        version: version.to_owned(),
        name: name.to_owned(),
        ..PomProject::default()
    };
    JavaRecord { pom_project: Some(project), ..JavaRecord::default() }.finish(&mut component)?;
    // A lock names what a build uses; it is never the plugin itself, whatever its group.
    component.kind = PackageType::JavaArchive;
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = b"# Gradle: a:b:c=d\norg.apache.commons:commons-text:1.8=testRuntime,x\nempty=annotationProcessor\n a:b:c:d=x\n";
        let mut out = Extraction::default();
        GradleLockfile.extract(&File { path: "/gradle.lockfile", mode: 0o644, bytes: text }, &mut out).unwrap();
        let purls: Vec<&str> = out.components.iter().map(|component| component.purl.as_str()).collect();
        assert_eq!(purls, ["pkg:maven/org.apache.commons/commons-text@1.8"]);
        assert_eq!(
            out.components[0].metadata.as_ref().unwrap().json,
            r#"{"virtualPath":"","pomProject":{"path":"","groupId":"org.apache.commons","artifactId":"commons-text","version":"1.8","name":"commons-text"}}"#
        );
    }
}
