//! JSON to the parts of a CycloneDX document. Versions differ only in the shape of a few members.

use super::bom::{Bom, Choice, Dependency, Hash, Metadata, Part, Property, Reference, Swid, Tool};
use crate::decode::DecodeError;
use crate::json::Text;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Root<'a> {
    #[serde(borrow)]
    metadata: Option<RawMetadata<'a>>,
    #[serde(borrow)]
    components: Option<Vec<RawPart<'a>>>,
    #[serde(borrow)]
    dependencies: Option<Vec<RawDependency<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    tools: Option<Tools<'a>>,
    #[serde(borrow)]
    component: Option<RawPart<'a>>,
    #[serde(borrow)]
    supplier: Option<Named<'a>>,
    #[serde(borrow)]
    properties: Option<Vec<RawProperty<'a>>>,
}

/// A list before 1.5, components and services since.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tools<'a> {
    List(#[serde(borrow)] Vec<RawTool<'a>>),
    Parts {
        #[serde(borrow, default)]
        components: Vec<RawTool<'a>>,
    },
    Other(IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTool<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawPart<'a> {
    #[serde(rename = "bom-ref", borrow)]
    bom_ref: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    supplier: Option<Named<'a>>,
    #[serde(borrow)]
    author: Text<'a>,
    #[serde(borrow)]
    authors: Option<Vec<Named<'a>>>,
    #[serde(borrow)]
    publisher: Text<'a>,
    #[serde(borrow)]
    group: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    hashes: Option<Vec<RawHash<'a>>>,
    #[serde(borrow)]
    licenses: Option<Vec<RawChoice<'a>>>,
    #[serde(borrow)]
    cpe: Text<'a>,
    #[serde(borrow)]
    purl: Text<'a>,
    #[serde(borrow)]
    swid: Option<RawSwid<'a>>,
    #[serde(borrow)]
    external_references: Option<Vec<RawReference<'a>>>,
    #[serde(borrow)]
    properties: Option<Vec<RawProperty<'a>>>,
    #[serde(borrow)]
    components: Option<Vec<RawPart<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawHash<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawChoice<'a> {
    #[serde(borrow)]
    license: Option<RawLicense<'a>>,
    #[serde(borrow)]
    expression: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawLicense<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSwid<'a> {
    #[serde(borrow)]
    tag_id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawReference<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    comment: Text<'a>,
    #[serde(borrow)]
    hashes: Option<Vec<RawHash<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawProperty<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawDependency<'a> {
    #[serde(rename = "ref", borrow)]
    of: Text<'a>,
    depends_on: Option<Vec<String>>,
}

pub(super) fn bom(bytes: &[u8]) -> Result<Bom<'_>, DecodeError> {
    let root: Root<'_> =
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Json { format: "cyclonedx-json", source })?;
    let metadata = root.metadata.unwrap_or_default();
    let tool = match metadata.tools {
        Some(Tools::List(tools) | Tools::Parts { components: tools }) => tools.into_iter().next(),
        Some(Tools::Other(_)) | None => None,
    };
    let tool = tool.unwrap_or_default();
    Ok(Bom {
        metadata: Metadata {
            timestamp: metadata.timestamp.0,
            tool: Tool { name: tool.name.0, version: tool.version.0, ..Tool::default() },
            component: metadata.component.map(part),
            supplier: name(metadata.supplier),
            properties: properties(metadata.properties),
            ..Metadata::default()
        },
        components: root.components.into_iter().flatten().map(part).collect(),
        dependencies: root
            .dependencies
            .into_iter()
            .flatten()
            .map(|raw| Dependency { of: raw.of.0, on: raw.depends_on.into_iter().flatten().map(Cow::Owned).collect() })
            .collect(),
        ..Bom::default()
    })
}

fn name(named: Option<Named<'_>>) -> Cow<'_, str> {
    named.map(|named| named.name.0).unwrap_or_default()
}

fn part(raw: RawPart<'_>) -> Part<'_> {
    let author = match raw.author.0.as_ref() {
        "" => name(raw.authors.into_iter().flatten().next()),
        _ => raw.author.0,
    };
    Part {
        bom_ref: raw.bom_ref.0,
        kind: raw.kind.0,
        supplier: name(raw.supplier),
        author,
        publisher: raw.publisher.0,
        group: raw.group.0,
        name: raw.name.0,
        version: raw.version.0,
        description: raw.description.0,
        hashes: hashes(raw.hashes),
        licenses: raw.licenses.into_iter().flatten().filter_map(choice).collect(),
        cpe: raw.cpe.0,
        purl: raw.purl.0,
        swid: raw.swid.map(|swid| Swid { tag_id: swid.tag_id.0, name: swid.name.0, version: swid.version.0 }),
        references: raw
            .external_references
            .into_iter()
            .flatten()
            .map(|raw| Reference {
                url: raw.url.0,
                kind: raw.kind.0,
                comment: raw.comment.0,
                hashes: hashes(raw.hashes),
            })
            .collect(),
        properties: properties(raw.properties),
        components: raw.components.into_iter().flatten().map(part).collect(),
    }
}

fn choice(raw: RawChoice<'_>) -> Option<Choice<'_>> {
    match raw.license {
        Some(license) if !license.id.0.is_empty() => Some(Choice::Id { id: license.id.0, url: license.url.0 }),
        Some(license) if !license.name.0.is_empty() || !license.url.0.is_empty() => {
            Some(Choice::Name { name: license.name.0, url: license.url.0 })
        }
        _ if !raw.expression.0.is_empty() => Some(Choice::Expression(raw.expression.0)),
        _ => None,
    }
}

fn hashes(raw: Option<Vec<RawHash<'_>>>) -> Vec<Hash<'_>> {
    raw.into_iter().flatten().map(|raw| Hash { algorithm: raw.alg.0, hex: raw.content.0 }).collect()
}

fn properties(raw: Option<Vec<RawProperty<'_>>>) -> Vec<Property<'_>> {
    raw.into_iter().flatten().map(|raw| Property { name: raw.name.0, value: raw.value.0 }).collect()
}
