//! `META-INF/MANIFEST.MF` (JAR file specification, "JAR Manifest") and `pom.properties`.

use super::record::PomProperties;
use crate::ParseError;
use serde::Serialize;
use serde::ser::SerializeSeq;

/// The parsed manifest.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Manifest {
    #[serde(skip_serializing_if = "Section::is_empty")]
    pub(super) main: Section,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sections: Vec<Section>,
}

/// Attributes in the order of the file; a name may occur twice, the first one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Section(Vec<(String, String)>);

impl Section {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value, empty when there is none.
    pub(super) fn value(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }
}

impl Serialize for Section {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Attribute<'a> {
            key: &'a str,
            value: &'a str,
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            list.serialize_element(&Attribute { key, value })?;
        }
        list.end()
    }
}

impl Manifest {
    /// Reads a manifest as the peer does: lenient about what the specification forbids, a line that makes no sense is
    /// left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        let mut in_section = false;
        for line in text.lines() {
            if line.is_empty() {
                in_section = false;
            } else if line.starts_with(' ') {
                let last = sections.last_mut().filter(|_| in_section).and_then(|section| section.0.last_mut());
                if let Some((_, value)) = last {
                    value.push_str(line.trim());
                }
            } else if let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.trim().is_empty()) {
                if !in_section {
                    sections.push(Section::default());
                    in_section = true;
                }
                if let Some(section) = sections.last_mut() {
                    section.0.push((key.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        let mut sections = sections.into_iter();
        Self { main: sections.next().unwrap_or_default(), sections: sections.collect() }
    }

    /// The value in the main section, else in the first section that has one; empty when none has.
    pub(super) fn anywhere(&self, key: &str) -> &str {
        let mut sections = std::iter::once(&self.main).chain(&self.sections);
        sections.find_map(|section| section.get(key).filter(|value| !value.is_empty())).unwrap_or_default()
    }
}

/// Reads `pom.properties`. Names of the known fields are read in any case.
///
/// # Errors
/// Where a line is neither blank, nor a comment, nor a pair.
pub(super) fn pom_properties(path: &str, text: &str) -> Result<PomProperties, ParseError> {
    let mut found = PomProperties::default();
    for line in text.lines() {
        if line.trim().is_empty() || line.trim_start_matches(' ').starts_with('#') {
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| ParseError::malformed("a line of pom.properties is not a pair"))?;
        let (key, value) = (key.trim(), value.trim().to_owned());
        match key.to_ascii_lowercase().as_str() {
            "path" => {}
            "name" => found.name = value,
            "groupid" => found.group_id = value,
            "artifactid" => found.artifact_id = value,
            "version" => found.version = value,
            "scope" => found.scope = value,
            _ => drop(found.extra.insert(key.to_owned(), value)),
        }
    }
    path.clone_into(&mut found.path);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests() {
        let check = |text: &str, expected: &str| {
            assert_eq!(serde_json::to_string(&Manifest::parse(text)).unwrap(), expected, "{text:?}");
        };
        check("", "{}");
        check(
            "Manifest-Version: 1.0\r\nLong: a\r\n bc\r\n\r\nName: x\r\nK: v:w\r\n",
            r#"{"main":[{"key":"Manifest-Version","value":"1.0"},{"key":"Long","value":"abc"}],"sections":[[{"key":"Name","value":"x"},{"key":"K","value":"v:w"}]]}"#,
        );
        check(
            " lost\nno pair\n: none\nA:1\n\n\n\nB:2\n\n lost\n",
            r#"{"main":[{"key":"A","value":"1"}],"sections":[[{"key":"B","value":"2"}]]}"#,
        );
    }

    #[test]
    fn anywhere_skips_empty_values() {
        let manifest = Manifest::parse("V:\n\nName: a\nV: 2\n");
        assert_eq!(manifest.anywhere("V"), "2");
        assert_eq!(manifest.anywhere("W"), "");
    }

    #[test]
    fn properties() {
        let found =
            pom_properties("p", "#Generated\n\nversion=1.2\ngroupid: org.a\nartifactId = b\nm2e=x=y\n").unwrap();
        assert_eq!(
            (found.version.as_str(), found.group_id.as_str(), found.artifact_id.as_str()),
            ("1.2", "org.a", "b")
        );
        assert_eq!(found.extra.get("m2e").map(String::as_str), Some("x=y"));
        assert!(pom_properties("p", "nonsense\n").is_err());
    }
}
