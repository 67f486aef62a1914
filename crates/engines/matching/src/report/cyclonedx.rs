//! CycloneDX with a section of vulnerabilities (grype/presenter/cyclonedx, 0.121.2). The components are the SBOM's own
//! encoding; the section is put at its end, where both forms have it.

use super::Report;
use super::document::{MatchEntry, Metadata, Package};
use purl::PackageUrl;
use sbom::{CycloneDxVersion, EncodeError, EncodeOptions, Format};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};
use uuid::Uuid;

/// Why the report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CycloneDxError {
    /// The components cannot be written.
    #[error("the components cannot be written as CycloneDX")]
    Components(#[from] EncodeError),
    /// The encoding of the components does not end as CycloneDX does.
    #[error("the CycloneDX document has no end to put vulnerabilities before")]
    Shape,
    /// The writer failed.
    #[error("the report cannot be written")]
    Write(#[from] io::Error),
}

const VERSION: CycloneDxVersion = CycloneDxVersion::V1_7;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    id: String,
    source: Source,
    references: [Reference; 1],
    ratings: Vec<Rating>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cwes: Vec<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advisories: Vec<Advisory>,
    affects: [Affects; 1],
}

#[derive(Serialize, Clone)]
struct Source {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

#[derive(Serialize)]
struct Reference {
    id: String,
    source: Source,
}

#[derive(Serialize, Default)]
struct Rating {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    severity: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    method: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    vector: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    justification: &'static str,
}

#[derive(Serialize)]
struct Advisory {
    url: String,
}

#[derive(Serialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<AffectedVersion>,
}

#[derive(Serialize)]
struct AffectedVersion {
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    range: String,
    status: &'static str,
}

/// Writes the components and their flaws as CycloneDX JSON.
///
/// # Errors
/// Where the components cannot be encoded or `out` fails.
pub fn write_cyclonedx_json(
    report: &Report<'_>,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> Result<(), CycloneDxError> {
    let encoded = components(report, Format::CycloneDxJson(VERSION), options)?;
    let end = encoded.trim_end().strip_suffix('}').ok_or(CycloneDxError::Shape)?.trim_end();
    let list: Vec<Vulnerability> = report.document.matches.iter().map(vulnerability).collect();
    out.write_all(end.as_bytes())?;
    if options.pretty {
        let section = serde_json::to_string_pretty(&list).map_err(io::Error::from)?;
        writeln!(out, ",\n  \"vulnerabilities\": {}\n}}", section.replace('\n', "\n  "))?;
    } else {
        let section = serde_json::to_string(&list).map_err(io::Error::from)?;
        writeln!(out, ",\"vulnerabilities\":{section}}}")?;
    }
    Ok(())
}

/// Writes the components and their flaws as CycloneDX XML.
///
/// # Errors
/// Where the components cannot be encoded or `out` fails.
pub fn write_cyclonedx_xml(
    report: &Report<'_>,
    options: EncodeOptions,
    out: &mut dyn Write,
) -> Result<(), CycloneDxError> {
    let encoded = components(report, Format::CycloneDxXml(VERSION), options)?;
    let end = encoded.trim_end().strip_suffix("</bom>").ok_or(CycloneDxError::Shape)?.trim_end();
    let mut xml = Xml { text: String::new(), depth: 1 };
    xml.open("vulnerabilities", &[]);
    report.document.matches.iter().map(vulnerability).for_each(|entry| xml.vulnerability(&entry));
    xml.close("vulnerabilities");
    writeln!(out, "{end}\n{}</bom>", xml.text)?;
    Ok(())
}

fn components(report: &Report<'_>, format: Format, options: EncodeOptions) -> Result<String, CycloneDxError> {
    let mut document = report.input.document.clone();
    document.descriptor.name = report.input.tool.name.to_owned();
    document.descriptor.version = report.input.tool.version.to_owned();
    let mut bytes = Vec::new();
    sbom::encode(&document, format, options, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| CycloneDxError::Shape)
}

fn vulnerability(entry: &MatchEntry) -> Vulnerability {
    let metadata = &entry.vulnerability.metadata;
    let source = Source { name: metadata.namespace.replace(':', "-"), url: metadata.data_source.clone() };
    let cwe = |cwe: &super::document::CweEntry| cwe.cwe.strip_prefix("CWE-").and_then(|number| number.parse().ok());
    let mut cwes: Vec<u32> = metadata.cwes.iter().filter_map(cwe).collect();
    cwes.sort_unstable();
    cwes.dedup();
    // The same finding has the same reference in every run.
    let name = format!("{}\n{}\n{}", metadata.namespace, metadata.id, entry.artifact.id);
    Vulnerability {
        bom_ref: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).urn().to_string(),
        id: metadata.id.clone(),
        references: [Reference { id: metadata.id.clone(), source: source.clone() }],
        source,
        ratings: ratings(metadata),
        cwes,
        description: metadata.description.clone(),
        advisories: metadata.urls.iter().map(|url| Advisory { url: url.clone() }).collect(),
        affects: [Affects { reference: component_reference(&entry.artifact), versions: versions(entry) }],
    }
}

fn ratings(metadata: &Metadata) -> Vec<Rating> {
    let severity = match metadata.severity.as_str() {
        "Negligible" => "none",
        "Low" => "low",
        "Medium" => "medium",
        "High" => "high",
        "Critical" => "critical",
        _ => "unknown",
    };
    let mut ratings: Vec<Rating> = metadata
        .cvss
        .iter()
        .map(|score| Rating {
            score: Some(score.metrics.base_score),
            severity,
            method: match score.version.as_str() {
                "2.0" => "CVSSv2",
                "3.0" => "CVSSv3",
                "3.1" => "CVSSv31",
                "4.0" => "CVSSv4",
                _ => "other",
            },
            vector: score.vector.clone(),
            ..Rating::default()
        })
        .collect();
    if ratings.is_empty() {
        ratings.push(Rating { severity, ..Rating::default() });
    }
    let source = |name: &str, url: &str| Some(Source { name: name.to_owned(), url: url.to_owned() });
    if let Some(epss) = metadata.epss.first() {
        ratings.push(Rating {
            source: source("FIRST", "https://www.first.org/epss/"),
            score: Some(epss.epss),
            method: "other",
            ..Rating::default()
        });
    }
    if !metadata.known_exploited.is_empty() {
        ratings.push(Rating {
            source: source("CISA KEV Catalog", "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"),
            score: Some(1.0),
            method: "other",
            justification: "Listed in CISA KEV",
            ..Rating::default()
        });
    }
    ratings
}

/// The installed version is hit; from each fix on it is not, as a range in `vers` syntax.
fn versions(entry: &MatchEntry) -> Vec<AffectedVersion> {
    let mut all = Vec::new();
    if !entry.artifact.version.is_empty() {
        let version = entry.artifact.version.clone();
        all.push(AffectedVersion { version, range: String::new(), status: "affected" });
    }
    let purl = entry.artifact.purl.parse::<PackageUrl>().ok();
    let scheme = purl.as_ref().map_or("generic", |purl| purl.kind());
    if entry.vulnerability.fix.state == "fixed" {
        let fixes = entry.vulnerability.fix.versions.iter().filter(|version| !version.is_empty());
        all.extend(fixes.map(|fix| AffectedVersion {
            version: String::new(),
            range: format!("vers:{scheme}/>={fix}"),
            status: "unaffected",
        }));
    }
    all
}

/// As the SBOM's encoding names components: by purl with the identifier, else by the identifier.
fn component_reference(artifact: &Package) -> String {
    match artifact.purl.parse::<PackageUrl>() {
        Ok(purl) => purl.to_builder().qualifier("package-id", artifact.id.as_str()).build().to_string(),
        Err(_) => artifact.id.clone(),
    }
}

/// Writes elements, indented by two blanks.
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            let _ = write!(self.text, " {key}=\"{}\"", escaped(value));
        }
        self.text.push_str(">\n");
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    fn leaf(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.indent();
            let _ = writeln!(self.text, "<{name}>{}</{name}>", escaped(text));
        }
    }

    fn source(&mut self, source: &Source) {
        self.open("source", &[]);
        self.leaf("name", &source.name);
        self.leaf("url", &source.url);
        self.close("source");
    }

    fn vulnerability(&mut self, entry: &Vulnerability) {
        self.open("vulnerability", &[("bom-ref", &entry.bom_ref)]);
        self.leaf("id", &entry.id);
        self.source(&entry.source);
        self.open("references", &[]);
        for reference in &entry.references {
            self.open("reference", &[]);
            self.leaf("id", &reference.id);
            self.source(&reference.source);
            self.close("reference");
        }
        self.close("references");
        self.open("ratings", &[]);
        entry.ratings.iter().for_each(|rating| self.rating(rating));
        self.close("ratings");
        if !entry.cwes.is_empty() {
            self.open("cwes", &[]);
            entry.cwes.iter().for_each(|cwe| self.leaf("cwe", &cwe.to_string()));
            self.close("cwes");
        }
        self.leaf("description", &entry.description);
        if !entry.advisories.is_empty() {
            self.open("advisories", &[]);
            for advisory in &entry.advisories {
                self.open("advisory", &[]);
                self.leaf("url", &advisory.url);
                self.close("advisory");
            }
            self.close("advisories");
        }
        self.affects(&entry.affects);
        self.close("vulnerability");
    }

    fn rating(&mut self, rating: &Rating) {
        self.open("rating", &[]);
        if let Some(source) = &rating.source {
            self.source(source);
        }
        if let Some(score) = rating.score {
            self.leaf("score", &score.to_string());
        }
        self.leaf("severity", rating.severity);
        self.leaf("method", rating.method);
        self.leaf("vector", &rating.vector);
        self.leaf("justification", rating.justification);
        self.close("rating");
    }

    fn affects(&mut self, affects: &[Affects]) {
        self.open("affects", &[]);
        for target in affects {
            self.open("target", &[]);
            self.leaf("ref", &target.reference);
            if !target.versions.is_empty() {
                self.open("versions", &[]);
                for version in &target.versions {
                    self.open("version", &[]);
                    self.leaf("version", &version.version);
                    self.leaf("range", &version.range);
                    self.leaf("status", version.status);
                    self.close("version");
                }
                self.close("versions");
            }
            self.close("target");
        }
        self.close("affects");
    }
}

/// Text for XML; characters that XML does not know are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            '\r' => out.push_str("&#xD;"),
            c if c.is_control() && (c as u32) < 0x20 => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
