//! CycloneDX as JSON.

use super::bom::{Bom, Choice, Hash, Metadata, Part, Property};
use crate::format::CycloneDxVersion;
use crate::json::JsonWriter;
use std::io::{self, Write};

pub(super) fn write(bom: &Bom<'_>, version: CycloneDxVersion, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut json = JsonWriter::new(out, pretty.then_some("  "));
    let number = version.as_str();
    json.object(|json| {
        json.text_member("$schema", &format!("http://cyclonedx.org/schema/bom-{number}.schema.json"));
        json.text_member("bomFormat", "CycloneDX");
        json.text_member("specVersion", number);
        json.optional_text("serialNumber", &bom.serial_number);
        json.member("version").number(1);
        json.member("metadata").object(|json| metadata(json, &bom.metadata, version));
        json.objects("components", &bom.components, part);
        json.objects("dependencies", &bom.dependencies, |json, dependency| {
            json.text_member("ref", &dependency.of);
            json.texts("dependsOn", &dependency.on);
        });
    });
    json.finish()
}

fn metadata(json: &mut JsonWriter<'_>, metadata: &Metadata<'_>, version: CycloneDxVersion) {
    json.optional_text("timestamp", &metadata.timestamp);
    let tool = &metadata.tool;
    if version < CycloneDxVersion::V1_5 {
        json.objects("tools", [tool], |json, tool| {
            json.text_member("vendor", &tool.vendor);
            json.text_member("name", &tool.name);
            json.text_member("version", &tool.version);
        });
    } else {
        json.member("tools").object(|json| {
            json.objects("components", [tool], |json, tool| {
                json.text_member("type", "application");
                json.text_member("author", &tool.vendor);
                json.text_member("name", &tool.name);
                json.text_member("version", &tool.version);
            });
        });
    }
    if !metadata.author.is_empty() {
        json.objects("authors", [&metadata.author], |json, name| json.text_member("name", name));
    }
    if let Some(component) = &metadata.component {
        json.member("component").object(|json| part(json, component));
    }
    supplier(json, &metadata.supplier);
    properties(json, &metadata.properties);
}

fn part(json: &mut JsonWriter<'_>, part: &Part<'_>) {
    json.optional_text("bom-ref", &part.bom_ref);
    json.text_member("type", &part.kind);
    supplier(json, &part.supplier);
    json.optional_text("author", &part.author);
    json.optional_text("publisher", &part.publisher);
    json.optional_text("group", &part.group);
    json.text_member("name", &part.name);
    json.optional_text("version", &part.version);
    json.optional_text("description", &part.description);
    hashes(json, &part.hashes);
    if !part.licenses.is_empty() {
        json.objects("licenses", &part.licenses, license);
    }
    json.optional_text("cpe", &part.cpe);
    json.optional_text("purl", &part.purl);
    if let Some(swid) = &part.swid {
        json.member("swid").object(|json| {
            json.text_member("tagId", &swid.tag_id);
            json.text_member("name", &swid.name);
            json.optional_text("version", &swid.version);
        });
    }
    if !part.references.is_empty() {
        json.objects("externalReferences", &part.references, |json, reference| {
            json.text_member("url", &reference.url);
            json.optional_text("comment", &reference.comment);
            hashes(json, &reference.hashes);
            json.text_member("type", &reference.kind);
        });
    }
    properties(json, &part.properties);
    if !part.components.is_empty() {
        json.objects("components", &part.components, self::part);
    }
}

fn supplier(json: &mut JsonWriter<'_>, name: &str) {
    if !name.is_empty() {
        json.member("supplier").object(|json| json.text_member("name", name));
    }
}

fn hashes(json: &mut JsonWriter<'_>, hashes: &[Hash<'_>]) {
    if !hashes.is_empty() {
        json.objects("hashes", hashes, |json, hash| {
            json.text_member("alg", &hash.algorithm);
            json.text_member("content", &hash.hex);
        });
    }
}

fn license(json: &mut JsonWriter<'_>, choice: &Choice<'_>) {
    let (key, value, url) = match choice {
        Choice::Expression(expression) => return json.text_member("expression", expression),
        Choice::Id { id, url } => ("id", id, url),
        Choice::Name { name, url } => ("name", name, url),
    };
    json.member("license").object(|json| {
        json.text_member(key, value);
        json.optional_text("url", url);
    });
}

fn properties(json: &mut JsonWriter<'_>, properties: &[Property<'_>]) {
    if !properties.is_empty() {
        json.objects("properties", properties, |json, property| {
            json.text_member("name", &property.name);
            json.text_member("value", &property.value);
        });
    }
}
