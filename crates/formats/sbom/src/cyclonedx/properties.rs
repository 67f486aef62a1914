//! Metadata as properties: which members of which records Syft writes, and how (the `cyclonedx` tags in `syft/pkg`).

use super::bom::Property;
use crate::record::Record;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const PREFIX: &str = "syft:metadata";
/// Index after which lists are not read on; documents are not trusted.
const MAX_LIST_LENGTH: usize = 10_000;

/// How a member is written. The member's name is the property's.
#[derive(Clone, Copy)]
enum Shape {
    /// Left out when empty.
    Text,
    /// 0 where the record leaves it out.
    Number,
    /// Left out where the record has null.
    OptionalNumber,
    /// `false` where the record leaves it out.
    Flag,
    /// One property for each.
    Texts,
    /// `groupId` and `artifactId` of `pomProperties`, under the name that the peer gives them.
    Pom,
    /// Type and description of each parameter.
    Parameters,
    /// Records of the same kind.
    Parts,
}

use Shape::{Flag, Number, OptionalNumber, Parameters, Parts, Pom, Text, Texts};

fn members(kind: &str) -> &'static [(&'static str, Shape)] {
    match kind {
        "alpm-db-entry" => &[
            ("basepackage", Text),
            ("package", Text),
            ("version", Text),
            ("description", Text),
            ("architecture", Text),
            ("size", Number),
        ],
        "apk-db-entry" => &[
            ("originPackage", Text),
            ("size", Number),
            ("installedSize", Number),
            ("pullDependencies", Texts),
            ("provides", Texts),
            ("pullChecksum", Text),
            ("gitCommitOfApkPort", Text),
        ],
        "dpkg-db-entry" | "dpkg-archive-entry" => {
            &[("source", Text), ("sourceVersion", Text), ("installedSize", Number)]
        }
        "gguf-file-header" => GGUF,
        "go-module-buildinfo-entry" => &[
            ("goCompiledVersion", Text),
            ("architecture", Text),
            ("h1Digest", Text),
            ("mainModule", Text),
            ("goCryptoSettings", Texts),
            ("goExperiments", Texts),
        ],
        "go-module-entry" => &[("h1Digest", Text)],
        "go-source-entry" => {
            &[("h1Digest", Text), ("os", Text), ("architecture", Text), ("buildTags", Text), ("cgoEnabled", Flag)]
        }
        "java-archive" => &[("virtualPath", Text), ("pomProperties", Pom)],
        "linux-kernel-archive" => &[
            ("name", Text),
            ("architecture", Text),
            ("version", Text),
            ("extendedVersion", Text),
            ("buildTime", Text),
            ("author", Text),
            ("format", Text),
            ("rwRootFS", Flag),
            ("swapDevice", Number),
            ("rootDevice", Number),
            ("videoMode", Text),
        ],
        "linux-kernel-module" => &[
            ("name", Text),
            ("version", Text),
            ("sourceVersion", Text),
            ("path", Text),
            ("description", Text),
            ("author", Text),
            ("license", Text),
            ("kernelVersion", Text),
            ("versionMagic", Text),
            ("parameters", Parameters),
        ],
        "portage-db-entry" => &[("installedSize", Number)],
        "rpm-db-entry" | "rpm-archive" => &[
            ("epoch", OptionalNumber),
            ("release", Text),
            ("sourceRpm", Text),
            ("size", Number),
            ("modularityLabel", Text),
        ],
        "safetensors-model-info" => SAFETENSORS,
        _ => &[],
    }
}

const GGUF: &[(&str, Shape)] = &[
    ("ggufVersion", Number),
    ("fileSize", Number),
    ("architecture", Text),
    ("quantization", Text),
    ("parameters", Number),
    ("tensorCount", Number),
    ("metadataHash", Text),
    ("parts", Parts),
];

const SAFETENSORS: &[(&str, Shape)] = &[
    ("format", Text),
    ("architecture", Text),
    ("quantization", Text),
    ("parameters", Number),
    ("tensorCount", Number),
    ("totalSize", Text),
    ("shardCount", Number),
    ("metadataHash", Text),
    ("parts", Parts),
];

/// The properties of a record, in the order of their names.
pub(super) fn of_metadata(record: &Record<'_>) -> Vec<Property<'static>> {
    let mut found = Vec::new();
    for (member, shape) in members(record.kind) {
        let value = record.get::<Value>(member).unwrap_or(Value::Null);
        write(record.kind, format!("{PREFIX}:{member}"), *shape, &value, &mut found);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn write(kind: &str, name: String, shape: Shape, value: &Value, found: &mut Vec<Property<'static>>) {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    match shape {
        Text => found.extend(text(value).map(|value| Property::new(name, value))),
        OptionalNumber if value.is_null() => {}
        Number | OptionalNumber => {
            let value = if value.is_number() { value.to_string() } else { "0".to_owned() };
            found.push(Property::new(name, value));
        }
        Flag => found.push(Property::new(name, value.as_bool().unwrap_or_default().to_string())),
        Texts => {
            let texts = value.as_array().into_iter().flatten().enumerate();
            found.extend(texts.filter_map(|(at, value)| Some(Property::new(format!("{name}:{at}"), text(value)?))));
        }
        Pom => {
            for (member, as_written) in [("groupId", "groupID"), ("artifactId", "artifactID")] {
                let value = value.get(member).and_then(text);
                found.extend(value.map(|value| Property::new(format!("{PREFIX}:-:{as_written}"), value)));
            }
        }
        Parameters => {
            for (parameter, about) in value.as_object().into_iter().flatten() {
                for member in ["type", "description"] {
                    let value = about.get(member).and_then(text);
                    found.extend(value.map(|value| Property::new(format!("{name}:{parameter}:{member}"), value)));
                }
            }
        }
        Parts => {
            for (at, part) in value.as_array().into_iter().flatten().enumerate() {
                for (member, shape) in members(kind) {
                    let value = part.get(member).unwrap_or(&Value::Null);
                    write(kind, format!("{name}:{at}:{member}"), *shape, value, found);
                }
            }
        }
    }
}

/// The members of a record that properties tell of; the reverse of [`of_metadata`]. Parts of parts are left out.
pub(super) fn to_metadata(kind: &str, properties: &BTreeMap<&str, &str>) -> Map<String, Value> {
    read(kind, PREFIX, properties, true)
}

fn read(kind: &str, prefix: &str, properties: &BTreeMap<&str, &str>, with_parts: bool) -> Map<String, Value> {
    let mut record = Map::new();
    for (member, shape) in members(kind) {
        let name = format!("{prefix}:{member}");
        let stated = || properties.get(name.as_str()).copied();
        let value = match shape {
            Text => stated().map(Value::from),
            Number | OptionalNumber => stated().and_then(|text| text.parse::<i64>().ok()).map(Value::from),
            Flag => stated().and_then(|text| text.parse::<bool>().ok()).map(Value::from),
            Texts => {
                let texts = (0..MAX_LIST_LENGTH).map_while(|at| properties.get(format!("{name}:{at}").as_str()));
                Some(texts.copied().map(Value::from).collect::<Vec<_>>())
                    .filter(|list| !list.is_empty())
                    .map(Value::from)
            }
            Pom => read_pom(properties),
            Parameters => read_parameters(&name, properties),
            Parts if with_parts => {
                let part = |at| Some(read(kind, &format!("{name}:{at}"), properties, false)).filter(|p| !p.is_empty());
                let parts: Vec<Value> = (0..MAX_LIST_LENGTH).map_while(part).map(Value::from).collect();
                Some(parts).filter(|list| !list.is_empty()).map(Value::from)
            }
            Parts => None,
        };
        if let Some(value) = value {
            record.insert((*member).to_owned(), value);
        }
    }
    record
}

fn read_pom(properties: &BTreeMap<&str, &str>) -> Option<Value> {
    let mut pom = Map::new();
    for (member, as_written) in [("groupId", "groupID"), ("artifactId", "artifactID")] {
        if let Some(value) = properties.get(format!("{PREFIX}:-:{as_written}").as_str()) {
            pom.insert(member.to_owned(), Value::from(*value));
        }
    }
    Some(pom).filter(|pom| !pom.is_empty()).map(Value::from)
}

fn read_parameters(name: &str, properties: &BTreeMap<&str, &str>) -> Option<Value> {
    let start = format!("{name}:");
    let mut parameters = Map::new();
    for (key, value) in properties.range(start.as_str()..).take_while(|(key, _)| key.starts_with(&start)) {
        let Some((parameter, member)) = key.get(start.len()..).and_then(|rest| rest.rsplit_once(':')) else { continue };
        let about = parameters.entry(parameter).or_insert_with(|| Value::Object(Map::new()));
        if let Some(about) = about.as_object_mut().filter(|_| matches!(member, "type" | "description")) {
            about.insert(member.to_owned(), Value::from(*value));
        }
    }
    Some(parameters).filter(|parameters| !parameters.is_empty()).map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Component, Metadata};

    fn check(kind: &'static str, json: &str, expected: &[(&str, &str)]) {
        let component =
            Component { metadata: Some(Metadata { kind: kind.into(), json: json.to_owned() }), ..Component::default() };
        let properties = of_metadata(&Record::of(&component));
        let shown: Vec<_> = properties.iter().map(|p| (p.name.as_ref(), p.value.as_ref())).collect();
        assert_eq!(shown, expected, "{kind}");
        let map = shown.iter().copied().collect();
        let back = Value::from(to_metadata(kind, &map)).to_string();
        let component =
            Component { metadata: Some(Metadata { kind: kind.into(), json: back }), ..Component::default() };
        let again = of_metadata(&Record::of(&component));
        assert_eq!(again.iter().map(|p| (p.name.as_ref(), p.value.as_ref())).collect::<Vec<_>>(), expected, "{kind}");
    }

    #[test]
    fn shapes() {
        check(
            "dpkg-db-entry",
            r#"{"package":"a","source":"","installedSize":7}"#,
            &[("syft:metadata:installedSize", "7")],
        );
        check(
            "rpm-db-entry",
            r#"{"epoch":null,"release":"1","size":0}"#,
            &[("syft:metadata:release", "1"), ("syft:metadata:size", "0")],
        );
        check("rpm-db-entry", r#"{"epoch":0}"#, &[("syft:metadata:epoch", "0"), ("syft:metadata:size", "0")]);
        check(
            "apk-db-entry",
            r#"{"provides":["a","b"],"size":1,"installedSize":2}"#,
            &[
                ("syft:metadata:installedSize", "2"),
                ("syft:metadata:provides:0", "a"),
                ("syft:metadata:provides:1", "b"),
                ("syft:metadata:size", "1"),
            ],
        );
        check(
            "java-archive",
            r#"{"virtualPath":"/a.jar","pomProperties":{"groupId":"g","artifactId":"a"}}"#,
            &[
                ("syft:metadata:-:artifactID", "a"),
                ("syft:metadata:-:groupID", "g"),
                ("syft:metadata:virtualPath", "/a.jar"),
            ],
        );
        check("go-source-entry", "{}", &[("syft:metadata:cgoEnabled", "false")]);
        check(
            "linux-kernel-module",
            r#"{"name":"m","parameters":{"p:q":{"type":"int"}}}"#,
            &[("syft:metadata:name", "m"), ("syft:metadata:parameters:p:q:type", "int")],
        );
        check("unheard-of", r#"{"name":"m"}"#, &[]);
    }
}
