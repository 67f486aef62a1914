//! The names of the formats, as users write them after `-o`.

use std::fmt;

/// A document format in one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Syft's own JSON.
    SyftJson,
    /// CycloneDX as JSON, from 1.2 on.
    CycloneDxJson(CycloneDxVersion),
    /// CycloneDX as XML.
    CycloneDxXml(CycloneDxVersion),
    /// SPDX as JSON (2.2, 2.3) or JSON-LD (3.0).
    SpdxJson(SpdxVersion),
    /// SPDX as tag-value (2.1 to 2.3).
    SpdxTagValue(SpdxVersion),
    /// GitHub's dependency snapshot; written only.
    GithubJson,
    /// One purl a line.
    Purls,
    /// One CPE a line; read only.
    Cpes,
    /// A table for people; written only.
    Table,
    /// A text for people; written only.
    Text,
}

macro_rules! versions {
    ($(#[$doc:meta])* $name:ident, $( $variant:ident = $text:literal ),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is the version that as_str gives")]
        pub enum $name {
            $( $variant, )+
        }

        impl $name {
            /// Every version, oldest first.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// For example `1.5`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }
    };
}

versions!(
    /// A version of CycloneDX.
    CycloneDxVersion,
    V1_0 = "1.0", V1_1 = "1.1", V1_2 = "1.2", V1_3 = "1.3", V1_4 = "1.4", V1_5 = "1.5", V1_6 = "1.6", V1_7 = "1.7",
);

versions!(
    /// A version of SPDX. 3.0 is written as 3.0.1.
    SpdxVersion,
    V2_1 = "2.1", V2_2 = "2.2", V2_3 = "2.3", V3_0 = "3.0",
);

impl CycloneDxVersion {
    /// Reads exactly a version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|version| version.as_str() == text)
    }
}

impl SpdxVersion {
    /// Reads exactly a version; 3.0 has patch releases, all read alike.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with("3.0.") {
            return Some(Self::V3_0);
        }
        Self::ALL.iter().copied().find(|version| version.as_str() == text)
    }
}

/// One name with its other names and the versions it is written in.
struct Family {
    name: &'static str,
    aliases: &'static [&'static str],
    /// What is written where no version is asked for comes first.
    formats: &'static [Format],
}

const FAMILIES: &[Family] = &[
    Family {
        name: "cyclonedx-json",
        aliases: &[],
        formats: &[
            Format::CycloneDxJson(CycloneDxVersion::V1_7),
            Format::CycloneDxJson(CycloneDxVersion::V1_6),
            Format::CycloneDxJson(CycloneDxVersion::V1_5),
            Format::CycloneDxJson(CycloneDxVersion::V1_4),
            Format::CycloneDxJson(CycloneDxVersion::V1_3),
            Format::CycloneDxJson(CycloneDxVersion::V1_2),
        ],
    },
    Family {
        name: "cyclonedx-xml",
        aliases: &["cyclonedx", "cyclone", "cdx"],
        formats: &[
            Format::CycloneDxXml(CycloneDxVersion::V1_7),
            Format::CycloneDxXml(CycloneDxVersion::V1_6),
            Format::CycloneDxXml(CycloneDxVersion::V1_5),
            Format::CycloneDxXml(CycloneDxVersion::V1_4),
            Format::CycloneDxXml(CycloneDxVersion::V1_3),
            Format::CycloneDxXml(CycloneDxVersion::V1_2),
            Format::CycloneDxXml(CycloneDxVersion::V1_1),
            Format::CycloneDxXml(CycloneDxVersion::V1_0),
        ],
    },
    Family { name: "github-json", aliases: &["github"], formats: &[Format::GithubJson] },
    Family { name: "purls", aliases: &["purl"], formats: &[Format::Purls] },
    Family {
        name: "spdx-json",
        aliases: &[],
        formats: &[
            Format::SpdxJson(SpdxVersion::V2_3),
            Format::SpdxJson(SpdxVersion::V3_0),
            Format::SpdxJson(SpdxVersion::V2_2),
        ],
    },
    Family {
        name: "spdx-tag-value",
        aliases: &["spdx", "spdx-tv"],
        formats: &[
            Format::SpdxTagValue(SpdxVersion::V2_3),
            Format::SpdxTagValue(SpdxVersion::V2_2),
            Format::SpdxTagValue(SpdxVersion::V2_1),
        ],
    },
    Family { name: "syft-json", aliases: &["json", "syft"], formats: &[Format::SyftJson] },
    Family { name: "syft-table", aliases: &["table"], formats: &[Format::Table] },
    Family { name: "syft-text", aliases: &["text"], formats: &[Format::Text] },
];

impl Format {
    /// Reads what follows `-o`: a name or an alias, and after `@` a version, the beginning of one (`cyclonedx-json@1`)
    /// or a pattern (`spdx-json@2.*`), of which the newest that matches is taken. Case, `-` and `_` do not count. `None` for
    /// what cannot be written; `template` is not a document format.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.split_once('@').unwrap_or((text, ""));
        let name = plain(name);
        let family = FAMILIES
            .iter()
            .find(|family| plain(family.name) == name || family.aliases.iter().any(|alias| plain(alias) == name))?;
        if version.is_empty() {
            return family.formats.first().copied();
        }
        let matching = family.formats.iter().copied().filter(|format| match format.version() {
            "" => true,
            own => version_matches(own, version),
        });
        matching.max_by_key(|format| format.version())
    }

    /// The name, for example `cyclonedx-json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SyftJson => "syft-json",
            Self::CycloneDxJson(_) => "cyclonedx-json",
            Self::CycloneDxXml(_) => "cyclonedx-xml",
            Self::SpdxJson(_) => "spdx-json",
            Self::SpdxTagValue(_) => "spdx-tag-value",
            Self::GithubJson => "github-json",
            Self::Purls => "purls",
            Self::Cpes => "cpes",
            Self::Table => "syft-table",
            Self::Text => "syft-text",
        }
    }

    /// The version, for example `1.5`; empty for formats that have none.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::SyftJson => crate::syft_json::SCHEMA_VERSION,
            Self::CycloneDxJson(version) | Self::CycloneDxXml(version) => version.as_str(),
            Self::SpdxJson(version) | Self::SpdxTagValue(version) => version.as_str(),
            Self::GithubJson | Self::Purls | Self::Cpes | Self::Table | Self::Text => "",
        }
    }

    /// Every name that can be written with its aliases and its versions, oldest first, in the order of the names.
    pub fn families() -> impl Iterator<Item = (&'static str, &'static [&'static str], Vec<&'static str>)> {
        FAMILIES.iter().map(|family| {
            let mut versions: Vec<_> =
                family.formats.iter().map(|format| format.version()).filter(|version| !version.is_empty()).collect();
            versions.sort_unstable();
            (family.name, family.aliases, versions)
        })
    }
}

/// `name@version`, or the name alone.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            "" => f.write_str(self.name()),
            version => write!(f, "{}@{version}", self.name()),
        }
    }
}

fn plain(name: &str) -> String {
    name.replace(['-', '_'], "").to_lowercase()
}

/// `pattern` stands for `version` or for what it begins with up to a dot; `*` is anything.
fn version_matches(version: &str, pattern: &str) -> bool {
    let mut rest = version;
    let mut parts = pattern.split('*').peekable();
    if let Some(first) = parts.next() {
        match rest.strip_prefix(first) {
            Some(after) => rest = after,
            None => return false,
        }
        if parts.peek().is_none() {
            return rest.is_empty() || rest.starts_with('.');
        }
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.match_indices(part).any(|(at, _)| {
                let after = rest.get(at + part.len()..).unwrap_or_default();
                part.is_empty() || after.is_empty() || after.starts_with('.')
            });
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Format::parse(text).map(|format| format.to_string()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn names_and_aliases() {
        check("json", Some("syft-json@16.1.13"));
        check("syft", Some("syft-json@16.1.13"));
        check("Syft_JSON", Some("syft-json@16.1.13"));
        check("cyclonedx", Some("cyclonedx-xml@1.7"));
        check("cdx@1.4", Some("cyclonedx-xml@1.4"));
        check("cyclonedx-json", Some("cyclonedx-json@1.7"));
        check("spdx", Some("spdx-tag-value@2.3"));
        check("spdx-tv@2.1", Some("spdx-tag-value@2.1"));
        check("spdx-json", Some("spdx-json@2.3"));
        check("table", Some("syft-table"));
        check("text", Some("syft-text"));
        check("github", Some("github-json"));
        check("purl", Some("purls"));
        check("cpes", None);
        check("template", None);
        check("", None);
    }

    #[test]
    fn versions() {
        check("cyclonedx-json@1.5", Some("cyclonedx-json@1.5"));
        check("cyclonedx-json@1", Some("cyclonedx-json@1.7"));
        check("cyclonedx-json@1.*", Some("cyclonedx-json@1.7"));
        check("cyclonedx-json@*.3", Some("cyclonedx-json@1.3"));
        check("cyclonedx-json@1.1", None);
        check("cyclonedx-xml@1.0", Some("cyclonedx-xml@1.0"));
        check("spdx-json@2", Some("spdx-json@2.3"));
        check("spdx-json@3", Some("spdx-json@3.0"));
        check("spdx-json@2.1", None);
        check("json@16", Some("syft-json@16.1.13"));
        check("json@15", None);
        check("table@9", Some("syft-table"));
        check("cyclonedx-json@1.", None);
    }
}
