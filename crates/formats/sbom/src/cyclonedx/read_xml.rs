//! XML to the parts of a CycloneDX document.

use super::bom::{Bom, Choice, Dependency, Hash, Metadata, Part, Property, Reference, Swid, Tool};
use crate::decode::{DecodeError, MAX_DEPTH};
use quick_xml::Reader;
use quick_xml::events::Event;
use roxmltree::{Document, Node, ParsingOptions};
use std::borrow::Cow;

/// Most elements, attributes and texts that are read.
const MAX_NODES: u32 = 100_000_000;

/// The version in the namespace of the first element, where that is CycloneDX's.
pub(crate) fn namespace_version(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(bytes);
    loop {
        let element = match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof | Event::DocType(_) => return None,
            _ => continue,
        };
        let namespaces = element.attributes().flatten().filter(|attribute| attribute.key.as_ref().starts_with("xmlns"));
        let values = namespaces.map(|attribute| attribute.value.into_owned());
        let mut own = values.filter(|value| value.contains("cyclonedx.org/schema/bom"));
        return own.find_map(|value| value.rsplit('/').next().map(str::to_owned));
    }
}

/// Reads the parts and hands them to `then`; they do not outlive the tree.
pub(super) fn with_bom<T>(
    bytes: &[u8],
    then: impl FnOnce(Bom<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let text = std::str::from_utf8(bytes)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(text, options)
        .map_err(|source| DecodeError::Xml { format: "cyclonedx-xml", source })?;
    let root = tree.root_element();
    let metadata = child(root, "metadata").map(metadata).transpose()?.unwrap_or_default();
    let mut components = Vec::new();
    for node in grandchildren(root, "components", "component") {
        components.push(part(node, 0)?);
    }
    let dependencies = grandchildren(root, "dependencies", "dependency")
        .map(|node| Dependency {
            of: attribute(node, "ref"),
            on: children(node, "dependency").map(|on| attribute(on, "ref")).collect(),
        })
        .collect();
    then(Bom { metadata, components, dependencies, ..Bom::default() })
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

fn grandchildren<'a, 'i>(
    node: Node<'a, 'i>,
    list: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    child(node, list).into_iter().flat_map(move |list| children(list, name))
}

fn text<'a>(node: Node<'a, '_>, name: &'static str) -> Cow<'a, str> {
    child(node, name).map_or(Cow::Borrowed(""), content)
}

/// The text of an element; it may come in several pieces.
fn content<'a>(node: Node<'a, '_>) -> Cow<'a, str> {
    let mut pieces = node.children().filter(Node::is_text).filter_map(|piece| piece.text());
    match (pieces.next(), pieces.next()) {
        (Some(first), Some(second)) => (first.to_owned() + second + &pieces.collect::<String>()).into(),
        (first, _) => first.unwrap_or_default().into(),
    }
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Cow<'a, str> {
    node.attribute(name).unwrap_or_default().into()
}

fn metadata<'a>(node: Node<'a, '_>) -> Result<Metadata<'a>, DecodeError> {
    let tools = child(node, "tools");
    let tool = tools.and_then(|tools| {
        grandchildren(tools, "components", "component").next().or_else(|| children(tools, "tool").next())
    });
    Ok(Metadata {
        timestamp: text(node, "timestamp"),
        tool: tool.map_or_else(Tool::default, |tool| Tool {
            name: text(tool, "name"),
            version: text(tool, "version"),
            ..Tool::default()
        }),
        component: child(node, "component").map(|node| part(node, 0)).transpose()?,
        supplier: child(node, "supplier").map_or(Cow::Borrowed(""), |supplier| text(supplier, "name")),
        properties: properties(node),
        ..Metadata::default()
    })
}

fn part<'a>(node: Node<'a, '_>, depth: usize) -> Result<Part<'a>, DecodeError> {
    if depth >= MAX_DEPTH {
        return Err(DecodeError::TooMany { what: "levels of nested components", limit: MAX_DEPTH });
    }
    let mut components = Vec::new();
    for inner in grandchildren(node, "components", "component") {
        components.push(part(inner, depth + 1)?);
    }
    let author = match text(node, "author") {
        author if author.is_empty() => {
            grandchildren(node, "authors", "author").next().map_or(author, |author| text(author, "name"))
        }
        author => author,
    };
    Ok(Part {
        bom_ref: attribute(node, "bom-ref"),
        kind: attribute(node, "type"),
        supplier: child(node, "supplier").map_or(Cow::Borrowed(""), |supplier| text(supplier, "name")),
        author,
        publisher: text(node, "publisher"),
        group: text(node, "group"),
        name: text(node, "name"),
        version: text(node, "version"),
        description: text(node, "description"),
        hashes: hashes(node),
        licenses: child(node, "licenses").into_iter().flat_map(|node| node.children()).filter_map(choice).collect(),
        cpe: text(node, "cpe"),
        purl: text(node, "purl"),
        swid: child(node, "swid").map(|swid| Swid {
            tag_id: attribute(swid, "tagId"),
            name: attribute(swid, "name"),
            version: attribute(swid, "version"),
        }),
        references: grandchildren(node, "externalReferences", "reference")
            .map(|node| Reference {
                url: text(node, "url"),
                kind: attribute(node, "type"),
                comment: text(node, "comment"),
                hashes: hashes(node),
            })
            .collect(),
        properties: properties(node),
        components,
    })
}

fn choice<'a>(node: Node<'a, '_>) -> Option<Choice<'a>> {
    match node.tag_name().name() {
        "expression" => Some(Choice::Expression(content(node))),
        "expression-detailed" => Some(Choice::Expression(attribute(node, "expression"))),
        "license" => {
            let (id, name, url) = (text(node, "id"), text(node, "name"), text(node, "url"));
            match (id.is_empty(), name.is_empty() && url.is_empty()) {
                (false, _) => Some(Choice::Id { id, url }),
                (true, false) => Some(Choice::Name { name, url }),
                (true, true) => None,
            }
        }
        _ => None,
    }
}

fn hashes<'a>(node: Node<'a, '_>) -> Vec<Hash<'a>> {
    let hash = |node| Hash { algorithm: attribute(node, "alg"), hex: content(node) };
    grandchildren(node, "hashes", "hash").map(hash).collect()
}

fn properties<'a>(node: Node<'a, '_>) -> Vec<Property<'a>> {
    let property = |node| Property { name: attribute(node, "name"), value: content(node) };
    grandchildren(node, "properties", "property").map(property).collect()
}
