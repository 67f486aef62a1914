//! Which Maven group an archive belongs to.

use super::manifest::Manifest;
use super::record::{PomProject, PomProperties};
use crate::maven::{PRIMARY_FIELDS, SECONDARY_FIELDS, before, clean_group, looks_like_group, well_known};

/// The group by the first source that knows: pom.properties, pom.xml and its parent, the table of well-known
/// artifacts, the manifest. Empty when none does.
pub(super) fn group_of(
    name: &str,
    version: &str,
    properties: Option<&PomProperties>,
    project: Option<&PomProject>,
    manifest: Option<&Manifest>,
) -> String {
    let from_pair = |group: &str, artifact: &str| {
        // Some publishers write the group where the artifact belongs.
        [group, if artifact.contains('.') { artifact } else { "" }]
            .into_iter()
            .find(|value| !value.is_empty())
            .map(|value| before(value, ';').trim().to_owned())
            .unwrap_or_default()
    };
    let parent = project.and_then(|project| project.parent.as_ref());
    [
        properties.map(|found| from_pair(&found.group_id, &found.artifact_id)),
        project.map(|found| from_pair(&found.group_id, &found.artifact_id)),
        parent.map(|found| from_pair(&found.group_id, &found.artifact_id)),
    ]
    .into_iter()
    .flatten()
    .find(|group| !group.is_empty())
    .or_else(|| well_known(name, version).map(str::to_owned))
    .or_else(|| manifest.and_then(from_manifest))
    .unwrap_or_default()
}

fn from_manifest(manifest: &Manifest) -> Option<String> {
    fields_with_groups(manifest, &PRIMARY_FIELDS).or_else(|| fields_with_groups(manifest, &SECONDARY_FIELDS))
}

/// The alphabetically first group in any of `fields`, as the peer picks it.
fn fields_with_groups(manifest: &Manifest, fields: &[&str]) -> Option<String> {
    let values = fields.iter().flat_map(|field| {
        manifest.main.get(field).into_iter().chain(manifest.sections.iter().filter_map(|section| section.get(field)))
    });
    values.filter(|value| looks_like_group(value)).map(clean_group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let check = |name: &str, version: &str, manifest: &str, expected: &str| {
            let manifest = Manifest::parse(manifest);
            assert_eq!(group_of(name, version, None, None, Some(&manifest)), expected, "{name} {version}");
        };
        check("spring-core", "6.1", "", "org.springframework");
        check("groovy", "3.0.9", "", "org.codehaus.groovy");
        check("groovy", "4.0.33", "", "org.apache.groovy");
        check("x", "1", "Bundle-SymbolicName: org.bar;uses:=\"org.foo\"\n", "org.bar");
        check("x", "1", "Implementation-Vendor: The Org\nMain-Class: org.a.Main\n", "org.a.Main");
        check("x", "1", "Group-Id: org.z\nExtension-Name: org.b\n", "org.b");
        check("x", "1", "A: b\n\nName: n\nGroup-Id: com.section\n", "com.section");
        check("lz4", "1", "Bundle-SymbolicName: org.lz4.java\n", "org.lz4");
        check("x", "1", "", "");
    }

    #[test]
    fn the_best_source_wins() {
        let properties = |group: &str, artifact: &str| PomProperties {
            group_id: group.to_owned(),
            artifact_id: artifact.to_owned(),
            ..PomProperties::default()
        };
        let check = |found: &PomProperties, expected: &str| {
            assert_eq!(group_of("spring-core", "", Some(found), None, None), expected);
        };
        check(&properties(" org.a ", "b"), "org.a");
        check(&properties("", "org.a.b"), "org.a.b");
        check(&properties("", "b"), "org.springframework");
    }
}
