//! OVAL definitions of Azure Linux and CBL-Mariner: one definition a flaw in a package, with an rpm test that tells the
//! versions hit.

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{AdvisoryError, Rejection, Sink, read_text};
use crate::record::{Affected, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference, Severity};

const FORMAT: &str = "OVAL";

/// Elements and texts of one document; the largest real one has about 700,000.
const MAX_NODES: u32 = 20_000_000;

/// What a test compares.
#[derive(Clone, Copy)]
struct Test<'a> {
    package: &'a str,
    operation: &'a str,
    version: &'a str,
}

/// Reads one document. Each definition is one record, known by its CVE. A definition that is not applicable says that
/// the package is not affected.
///
/// # Errors
/// When the bytes are not XML, hold a DTD, have more than 20 million nodes, or no version tells which release they are
/// of; definitions that cannot be read go to `sink` as rejections.
pub fn parse(xml: &[u8], sink: Sink<'_>) -> Result<(), AdvisoryError> {
    let text = read_text(FORMAT, xml)?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|source| AdvisoryError::Xml { format: FORMAT, source })?;
    let index = index(document.root_element());
    let release = index
        .values()
        .find_map(|test| release(test.version))
        .ok_or(AdvisoryError::Missing { format: FORMAT, field: "version of a known release" })?;
    for definition in document.descendants().filter(|node| node.has_tag_name_local("definition")) {
        let id = definition.attribute("id").unwrap_or_default();
        sink(
            record(definition, &index, &release)
                .map_err(|cause| Rejection { place: format!("definition {id}"), cause }),
        );
    }
    Ok(())
}

/// Elements by their local name: publishers' prefixes differ.
trait Local<'a> {
    fn has_tag_name_local(&self, name: &str) -> bool;
    fn child(&self, name: &str) -> Option<Node<'a, 'a>>;
    fn text_of(&self, name: &str) -> &'a str;
}

impl<'a> Local<'a> for Node<'a, 'a> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn child(&self, name: &str) -> Option<Node<'a, 'a>> {
        self.children().find(|node| node.has_tag_name_local(name))
    }

    fn text_of(&self, name: &str) -> &'a str {
        self.child(name).and_then(|node| node.text()).map_or("", str::trim)
    }
}

/// Tests by identifier, with what their object and state hold.
fn index<'a>(root: Node<'a, 'a>) -> HashMap<&'a str, Test<'a>> {
    let (mut objects, mut states, mut tests) = (HashMap::new(), HashMap::new(), Vec::new());
    for node in root.descendants().filter(Node::is_element) {
        let Some(id) = node.attribute("id") else { continue };
        match node.tag_name().name() {
            "rpminfo_object" => {
                objects.insert(id, node.text_of("name"));
            }
            "rpminfo_state" => {
                if let Some(evr) = node.child("evr") {
                    let operation = evr.attribute("operation").unwrap_or("equals");
                    states.insert(id, (operation, evr.text().map_or("", str::trim)));
                }
            }
            "rpminfo_test" => tests.push((id, node)),
            _ => {}
        }
    }
    let reference = |node: Node<'a, 'a>, child: &str, attribute: &str| node.child(child)?.attribute(attribute);
    tests
        .into_iter()
        .filter_map(|(id, node)| {
            let package = objects.get(reference(node, "object", "object_ref")?)?;
            let (operation, version) = states.get(reference(node, "state", "state_ref")?)?;
            Some((id, Test { package, operation, version }))
        })
        .collect()
}

/// The release whose mark ends an rpm version: `azl3` of Azure Linux 3, `cm1` of CBL-Mariner 1.
fn release(version: &str) -> Option<Ecosystem> {
    let mark = version.rsplit('.').next()?;
    let (id, number) = mark
        .strip_prefix("azl")
        .map(|number| ("azurelinux", number))
        .or_else(|| mark.strip_prefix("cm").map(|number| ("mariner", number)))?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| Ecosystem::Distro(id.to_owned(), format!("{number}.0")))
}

fn record<'a>(
    definition: Node<'a, 'a>,
    index: &HashMap<&str, Test<'a>>,
    release: &Ecosystem,
) -> Result<Record, AdvisoryError> {
    let missing = |field| AdvisoryError::Missing { format: FORMAT, field };
    let metadata = definition.child("metadata").ok_or(missing("metadata"))?;
    let reference = metadata.child("reference").ok_or(missing("metadata.reference"))?;
    let id = reference.attribute("ref_id").filter(|id| !id.is_empty()).ok_or(missing("metadata.reference.ref_id"))?;
    let tests: Vec<Test<'a>> = definition
        .descendants()
        .filter(|node| node.has_tag_name_local("criterion"))
        .filter_map(|node| index.get(node.attribute("test_ref")?).copied())
        .collect();
    let package = tests.first().ok_or(missing("criteria with a test of an rpm"))?.package;
    let date = metadata.text_of("advisory_date");
    let mut affected = Affected { package: PackageName::new(release.clone(), package), ..Affected::default() };
    if metadata.text_of("patchable") == "Not Applicable" {
        affected.state = FixState::NotAffected;
    } else {
        let range = range(&tests);
        affected.state = match &range.end {
            RangeEnd::Fixed(_) => FixState::Fixed,
            _ => FixState::NotFixed,
        };
        if affected.state == FixState::Fixed {
            date.get(..10).unwrap_or_default().clone_into(&mut affected.fix_date);
        }
        affected.ranges = vec![range];
    }
    Ok(Record {
        id: id.to_owned(),
        namespace: release.namespace("mariner"),
        source: "azurelinux".to_owned(),
        summary: metadata.text_of("title").to_owned(),
        details: metadata.text_of("description").to_owned(),
        severity: Severity::parse(metadata.text_of("severity")),
        references: vec![Reference {
            url: reference.attribute("ref_url").unwrap_or_default().to_owned(),
            tags: Vec::new(),
        }],
        published: date.to_owned(),
        modified: date.to_owned(),
        affected: vec![affected],
        ..Record::default()
    })
}

/// The range that all tests of a definition agree on.
fn range(tests: &[Test<'_>]) -> Range {
    let mut range = Range::default();
    for test in tests {
        let version = test.version.to_owned();
        match test.operation {
            "less than" => range.end = RangeEnd::Fixed(version),
            "less than or equal" => range.end = RangeEnd::LastAffected(version),
            "greater than" => {
                range.introduced = version;
                range.introduced_excluded = true;
            }
            "greater than or equal" => range.introduced = version,
            _ => {}
        }
    }
    range
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(patchable: &str, operation: &str, evr: &str) -> String {
        format!(
            r#"<oval_definitions xmlns="o" xmlns:l="l"><definitions><definition id="d1"><metadata><title>t</title>
            <reference ref_id="CVE-1" ref_url="u"/><patchable>{patchable}</patchable>
            <advisory_date>2024-07-23T22:05:39Z</advisory_date><severity>High</severity></metadata>
            <criteria><criterion test_ref="t1"/></criteria></definition><definition id="d2"/></definitions>
            <tests><l:rpminfo_test id="t1"><l:object object_ref="o1"/><l:state state_ref="s1"/></l:rpminfo_test></tests>
            <objects><l:rpminfo_object id="o1"><l:name>nginx</l:name></l:rpminfo_object></objects>
            <states><l:rpminfo_state id="s1"><l:evr operation="{operation}">{evr}</l:evr></l:rpminfo_state></states>
            </oval_definitions>"#
        )
    }

    fn check(patchable: &str, operation: &str, evr: &str, namespace: &str, state: FixState, range: Option<Range>) {
        let mut found = Vec::new();
        parse(document(patchable, operation, evr).as_bytes(), &mut |item| found.push(item)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].as_ref().unwrap_err().place, "definition d2");
        let record = found[0].as_ref().unwrap();
        let affected = &record.affected[0];
        assert_eq!((record.namespace.as_str(), affected.package.name.as_str()), (namespace, "nginx"));
        assert_eq!((affected.state, affected.ranges.first()), (state, range.as_ref()));
    }

    #[test]
    fn reads_definitions() {
        let end = |end| Some(Range { end, ..Range::default() });
        check(
            "true",
            "less than",
            "0:1.2-3.azl3",
            "mariner:distro:azurelinux:3.0",
            FixState::Fixed,
            end(RangeEnd::Fixed("0:1.2-3.azl3".to_owned())),
        );
        check(
            "false",
            "less than or equal",
            "0:1.2-3.cm1",
            "mariner:distro:mariner:1.0",
            FixState::NotFixed,
            end(RangeEnd::LastAffected("0:1.2-3.cm1".to_owned())),
        );
        check("Not Applicable", "less than", "0:1-3.cm2", "mariner:distro:mariner:2.0", FixState::NotAffected, None);
    }

    #[test]
    fn refuses_what_is_no_oval() {
        for xml in ["", "<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a/>"] {
            assert!(parse(xml.as_bytes(), &mut |_| {}).is_err(), "{xml}");
        }
    }
}
