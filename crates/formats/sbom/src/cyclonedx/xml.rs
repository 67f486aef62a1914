//! CycloneDX as XML.

use super::bom::{Bom, Choice, Hash, Metadata, Part, Property};
use crate::format::CycloneDxVersion as Version;
use crate::xml::XmlWriter;
use std::io::{self, Write};

pub(super) fn write(bom: &Bom<'_>, version: Version, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = XmlWriter::new(out, pretty);
    let namespace = format!("http://cyclonedx.org/schema/bom/{}", version.as_str());
    let attributes = [("xmlns", namespace.as_str()), ("serialNumber", &bom.serial_number), ("version", "1")];
    xml.element("bom", &attributes, |xml| {
        if version >= Version::V1_2 {
            xml.element("metadata", &[], |xml| metadata(xml, &bom.metadata, version));
        }
        xml.element("components", &[], |xml| bom.components.iter().for_each(|each| part(xml, each, version)));
        xml.list("dependencies", &bom.dependencies, |xml, dependency| {
            xml.element("dependency", &[("ref", &dependency.of)], |xml| {
                dependency.on.iter().for_each(|on| xml.element("dependency", &[("ref", on)], |_| ()));
            });
        });
    });
    xml.finish()
}

fn metadata(xml: &mut XmlWriter<'_>, metadata: &Metadata<'_>, version: Version) {
    xml.optional("timestamp", &metadata.timestamp);
    let tool = &metadata.tool;
    xml.element("tools", &[], |xml| {
        if version < Version::V1_5 {
            xml.element("tool", &[], |xml| {
                xml.optional("vendor", &tool.vendor);
                xml.optional("name", &tool.name);
                xml.optional("version", &tool.version);
            });
            return;
        }
        xml.element("components", &[], |xml| {
            xml.element("component", &[("type", "application")], |xml| {
                xml.optional("author", &tool.vendor);
                xml.element("name", &[], |xml| xml.text(&tool.name));
                xml.optional("version", &tool.version);
            });
        });
    });
    if !metadata.author.is_empty() {
        xml.element("authors", &[], |xml| {
            xml.element("author", &[], |xml| xml.optional("name", &metadata.author));
        });
    }
    if let Some(component) = &metadata.component {
        part(xml, component, version);
    }
    supplier(xml, &metadata.supplier);
    properties(xml, &metadata.properties);
}

fn part(xml: &mut XmlWriter<'_>, part: &Part<'_>, version: Version) {
    xml.element("component", &[("bom-ref", &part.bom_ref), ("type", &part.kind)], |xml| {
        supplier(xml, &part.supplier);
        xml.optional("author", &part.author);
        xml.optional("publisher", &part.publisher);
        xml.optional("group", &part.group);
        xml.element("name", &[], |xml| xml.text(&part.name));
        xml.optional("version", &part.version);
        xml.optional("description", &part.description);
        hashes(xml, &part.hashes);
        xml.list("licenses", &part.licenses, license);
        xml.optional("cpe", &part.cpe);
        xml.optional("purl", &part.purl);
        if let Some(swid) = &part.swid {
            let attributes = [("tagId", swid.tag_id.as_ref()), ("name", &swid.name), ("version", &swid.version)];
            xml.element("swid", &attributes, |_| ());
        }
        if version < Version::V1_1 {
            xml.optional("modified", "false");
        }
        xml.list("externalReferences", &part.references, |xml, reference| {
            xml.element("reference", &[("type", &reference.kind)], |xml| {
                xml.element("url", &[], |xml| xml.text(&reference.url));
                xml.optional("comment", &reference.comment);
                hashes(xml, &reference.hashes);
            });
        });
        properties(xml, &part.properties);
        xml.list("components", &part.components, |xml, inner| self::part(xml, inner, version));
    });
}

fn supplier(xml: &mut XmlWriter<'_>, name: &str) {
    if !name.is_empty() {
        xml.element("supplier", &[], |xml| xml.optional("name", name));
    }
}

fn hashes(xml: &mut XmlWriter<'_>, hashes: &[Hash<'_>]) {
    xml.list("hashes", hashes, |xml, hash| {
        xml.element("hash", &[("alg", &hash.algorithm)], |xml| xml.text(&hash.hex));
    });
}

fn license(xml: &mut XmlWriter<'_>, choice: &Choice<'_>) {
    let (key, value, url) = match choice {
        Choice::Expression(expression) => return xml.optional("expression", expression),
        Choice::Id { id, url } => ("id", id, url),
        Choice::Name { name, url } => ("name", name, url),
    };
    xml.element("license", &[], |xml| {
        xml.optional(key, value);
        xml.optional("url", url);
    });
}

fn properties(xml: &mut XmlWriter<'_>, properties: &[Property<'_>]) {
    xml.list("properties", properties, |xml, property| {
        xml.element("property", &[("name", &property.name)], |xml| xml.text(&property.value));
    });
}
