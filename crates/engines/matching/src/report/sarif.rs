//! SARIF 2.1.0 (grype/presenter/sarif, 0.121.2).

use super::document::{LocationEntry, MatchEntry, Package};
use super::{Report, Scanned};
use aws_lc_rs::digest::{Context, SHA256};
use sbom::{Source, SourceKind};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log {
    version: &'static str,
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: ToolEntry,
    results: Vec<ResultEntry>,
}

#[derive(Serialize)]
struct ToolEntry {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    information_uri: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    name: String,
    short_description: Text,
    full_description: Text,
    #[serde(skip_serializing_if = "String::is_empty")]
    help_uri: String,
    help: Help,
    properties: Properties,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Properties {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    purls: Vec<String>,
    #[serde(rename = "security-severity")]
    security_severity: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultEntry {
    rule_id: String,
    level: &'static str,
    message: Text,
    locations: [LocationOut; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationOut {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
}

/// Writes the report as SARIF.
///
/// # Errors
/// Where `out` fails.
pub fn write_sarif(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let tool = report.input.tool;
    let place = Place { source: &report.input.document.source, scanned: report.input.scanned };
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for entry in &report.document.matches {
        if seen.insert(rule_id(entry)) {
            rules.push(rule(entry, &place, tool.uri));
        }
    }
    // Validators ask for a semantic version.
    let version = if tool.version.is_empty() { "0.0.0-dev" } else { tool.version };
    let log = Log {
        version: "2.1.0",
        schema: SCHEMA,
        runs: [Run {
            tool: ToolEntry {
                driver: Driver {
                    name: tool.name.to_owned(),
                    version: version.to_owned(),
                    information_uri: tool.uri.to_owned(),
                    rules,
                },
            },
            results: report.document.matches.iter().map(|entry| result(entry, &place)).collect(),
        }],
    };
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, &log)?;
    out.flush()
}

fn rule_id(entry: &MatchEntry) -> String {
    format!("{}-{}", entry.vulnerability.metadata.id, entry.artifact.name)
}

fn rule(entry: &MatchEntry, place: &Place<'_>, tool_uri: &str) -> Rule {
    let metadata = &entry.vulnerability.metadata;
    let page = [Some(&metadata.data_source), metadata.urls.first()].into_iter().flatten().find(|url| !url.is_empty());
    let severity = severity_word(entry);
    Rule {
        id: rule_id(entry),
        name: rule_name(entry),
        short_description: Text {
            text: format!("{} {severity} vulnerability for {} package", metadata.id, entry.artifact.name),
        },
        full_description: Text { text: description(entry) },
        help_uri: page.map_or(tool_uri, String::as_str).to_owned(),
        help: help(entry, place, page.map(String::as_str)),
        properties: Properties {
            purls: Some(entry.artifact.purl.clone()).filter(|purl| !purl.is_empty()).into_iter().collect(),
            security_severity: security_severity(entry),
        },
    }
}

/// `DpkgMatcherExactDirectMatch`.
fn rule_name(entry: &MatchEntry) -> String {
    let Some(detail) = entry.match_details.first() else { return entry.vulnerability.metadata.id.clone() };
    let words = detail.matcher.split('-').chain(detail.kind.split('-'));
    words
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars)
        })
        .collect()
}

fn help(entry: &MatchEntry, place: &Place<'_>, page: Option<&str>) -> Help {
    let metadata = &entry.vulnerability.metadata;
    let (id, artifact) = (&metadata.id, &entry.artifact);
    let link = page.map_or_else(|| id.clone(), |page| format!("[{id}]({page})"));
    let (severity, fix) = (severity_word(entry), fix_versions(entry));
    let (name, version, kind) = (&artifact.name, &artifact.version, artifact.kind);
    let (location, namespace) = (place.of_package(artifact), &metadata.namespace);
    Help {
        text: format!(
            "Vulnerability {id}\nSeverity: {severity}\nPackage: {name}\nVersion: {version}\nFix Version: {fix}\nType: {kind}\nLocation: {location}\nData Namespace: {namespace}\nLink: {link}"
        ),
        markdown: format!(
            "**Vulnerability {id}**\n| Severity | Package | Version | Fix Version | Type | Location | Data Namespace | Link |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n| {severity}  | {name}  | {version}  | {fix}  | {kind}  | {location}  | {namespace}  | {link}  |\n"
        ),
    }
}

fn description(entry: &MatchEntry) -> String {
    let own = &entry.vulnerability.metadata.description;
    let others = entry.related_vulnerabilities.iter().map(|related| &related.description);
    if let Some(text) = std::iter::once(own).chain(others).find(|text| !text.is_empty()) {
        return text.clone();
    }
    let version = &entry.artifact.version;
    match fix_versions(entry) {
        fix if fix.is_empty() => format!("Version {version} is affected with no fixes reported yet."),
        fix => format!("Version {version} is affected with an available fix in versions {fix}"),
    }
}

fn fix_versions(entry: &MatchEntry) -> String {
    let fix = &entry.vulnerability.fix;
    if fix.state == "fixed" { fix.versions.join(",") } else { String::new() }
}

fn severity_word(entry: &MatchEntry) -> &'static str {
    match entry.vulnerability.metadata.severity.to_ascii_lowercase().as_str() {
        "critical" => "critical",
        "high" => "high",
        "medium" => "medium",
        _ => "low",
    }
}

/// The best score that a vendor gives, else that the National Vulnerability Database gives, else one for the word.
fn security_severity(entry: &MatchEntry) -> String {
    let all = || std::iter::once(&entry.vulnerability.metadata).chain(&entry.related_vulnerabilities);
    let best = |wanted: &dyn Fn(&str) -> bool| {
        let scored = all().filter(|metadata| wanted(&metadata.namespace)).flat_map(|metadata| &metadata.cvss);
        scored.map(|score| score.metrics.base_score).fold(0.0, f64::max)
    };
    for score in [best(&|namespace| namespace != "nvd:cpe"), best(&|_| true)] {
        if score > 0.0 {
            return format!("{score:.1}");
        }
    }
    match entry.vulnerability.metadata.severity.to_ascii_lowercase().as_str() {
        "critical" => "9.0",
        "high" => "7.0",
        "medium" => "4.0",
        "low" => "1.0",
        _ => "0.0",
    }
    .to_owned()
}

fn result(entry: &MatchEntry, place: &Place<'_>) -> ResultEntry {
    let artifact = &entry.artifact;
    let level = match severity_word(entry) {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "note",
    };
    let message = format!(
        "A {} vulnerability in {} package: {}, version {} was found {}",
        severity_word(entry),
        artifact.kind,
        artifact.name,
        artifact.version,
        place.phrase(artifact)
    );
    ResultEntry {
        rule_id: rule_id(entry),
        level,
        message: Text { text: message },
        locations: [place.location(artifact)],
        partial_fingerprints: BTreeMap::from([("primaryLocationLineHash", place.fingerprint(artifact))]),
    }
}

/// Where things are, in terms of what was scanned.
struct Place<'a> {
    source: &'a Source,
    scanned: Scanned<'a>,
}

impl Place<'_> {
    fn kind(&self) -> Option<SourceKind> {
        (self.scanned == Scanned::Source).then_some(self.source.kind)
    }

    /// The scanned folder or file, without a leading `./`; empty for others.
    fn input(&self) -> &str {
        if !matches!(self.kind(), Some(SourceKind::Directory | SourceKind::File)) {
            return "";
        }
        let given = if self.source.user_input.is_empty() { &self.source.name } else { &self.source.user_input };
        match given.strip_prefix("./").unwrap_or(given) {
            "." => "",
            path => path,
        }
    }

    fn of_location(&self, location: &LocationEntry) -> String {
        let path = if location.access_path.is_empty() { &location.path } else { &location.access_path };
        let path = path.strip_prefix("./").unwrap_or(path);
        match self.input() {
            input if self.kind() == Some(SourceKind::Directory) && !path.starts_with('/') && !input.is_empty() => {
                format!("{input}/{path}")
            }
            _ => path.to_owned(),
        }
    }

    fn of_package(&self, artifact: &Package) -> String {
        artifact.locations.first().map_or_else(|| self.input().to_owned(), |location| self.of_location(location))
    }

    fn phrase(&self, artifact: &Package) -> String {
        let path = self.of_package(artifact);
        match (self.scanned, self.source.kind) {
            (Scanned::SbomFile(file), _) => format!("from SBOM file {file}"),
            (Scanned::Purl(purl), _) => format!("from purl literal {purl:?}"),
            (Scanned::Cpe(_), _) => String::new(),
            (Scanned::Source, SourceKind::Image) => format!("in image {} at: {path}", self.source.user_input),
            (Scanned::Source, SourceKind::File | SourceKind::Directory) => format!("at: {path}"),
            (Scanned::Source, SourceKind::Document) => String::new(),
        }
    }

    fn location(&self, artifact: &Package) -> LocationOut {
        let path = self.of_package(artifact);
        let mut logical_locations = Vec::new();
        let mut uri = path;
        match self.kind() {
            Some(SourceKind::Image) => {
                uri = format!("{}/{uri}", self.short_image_name());
                logical_locations.extend(artifact.locations.iter().map(|location| {
                    let inner = self.of_location(location);
                    let inner = inner.trim_start_matches('/');
                    let image = &self.source.user_input;
                    LogicalLocation {
                        name: location.path.clone(),
                        fully_qualified_name: format!("{image}@{}:/{inner}", location.layer_id),
                    }
                }));
            }
            Some(SourceKind::File) => {
                logical_locations.extend(artifact.locations.iter().map(|location| LogicalLocation {
                    name: location.path.clone(),
                    fully_qualified_name: format!("{}:/{}", self.input(), self.of_location(location)),
                }));
            }
            _ => {}
        }
        LocationOut {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri },
                // There are no lines to tell of.
                region: Region { start_line: 1, start_column: 1, end_line: 1, end_column: 1 },
            },
            logical_locations,
        }
    }

    /// The last part of the image's name, of characters that are good in a path.
    fn short_image_name(&self) -> String {
        let last = self.source.name.rsplit('/').next().unwrap_or_default();
        last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect()
    }

    fn fingerprint(&self, artifact: &Package) -> String {
        let mut context = Context::new(&SHA256);
        if self.kind() == Some(SourceKind::Image) {
            for text in [&self.source.name, &self.source.architecture, &self.source.os] {
                context.update(text.as_bytes());
            }
        }
        let path = self.of_package(artifact);
        for text in [artifact.kind, &artifact.name, &artifact.version, &path] {
            context.update(text.as_bytes());
        }
        let hex = context.finish().as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        format!("{hex}:1")
    }
}
