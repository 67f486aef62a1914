//! The document as templates see it: the peer's Go structures (grype/presenter/models, 0.121.2), so that
//! `.Vulnerability.ID` and `.Artifact.PURL` are there, and what JSON leaves out is empty and not missing.

use super::document::Document;
use gotemplate::{Arguments, FieldType, Function, IntType, Shape, StructType, Type, Value};
use std::rc::Rc;

/// The document as the peer hands it to templates.
///
/// # Errors
/// Where the document cannot be turned into a JSON value.
pub fn template_value(document: &Document) -> Result<Value, serde_json::Error> {
    serde_json::to_value(document).map(|json| Shape::Struct(&DOCUMENT).value(Some(&json)))
}

/// The functions that the peer adds to Go's and sprig's.
pub const TEMPLATE_FUNCTIONS: &[Function] = &[
    Function::new("getLastIndex", &[Type::Any], last_index),
    Function::new("byMatchName", &[Type::Any], by_match_name),
];

fn last_index(given: &Arguments<'_>) -> Result<Value, String> {
    Ok(Value::int(match given.value(0) {
        Value::List(list) => list.items.len() as i64 - 1,
        _ => 0,
    }))
}

/// Matches by the name, version and type of their package; anything else as it is.
fn by_match_name(given: &Arguments<'_>) -> Result<Value, String> {
    let Value::List(list) = given.value(0) else { return Ok(given.value(0).clone()) };
    if list.item_type != "models.Match" {
        return Ok(given.value(0).clone());
    }
    let mut items = list.items.clone();
    items.sort_by_cached_key(|item| {
        [["Artifact", "Name"], ["Artifact", "Version"], ["Artifact", "Type"], ["Vulnerability", "ID"]]
            .map(|[of, name]| field(item, of).and_then(|part| field(&part, name)).map(text).unwrap_or_default())
    });
    Ok(Value::list_of(list.item_type, items))
}

fn field(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Struct(of) => of.field(name).cloned(),
        _ => None,
    }
}

fn text(value: Value) -> Rc<str> {
    match value {
        Value::Text(text) => text,
        _ => Rc::from(""),
    }
}

const TEXT: Shape = Shape::Text;
const TEXTS: Shape = Shape::List(&Shape::Text, "string");
const TEXT_MAP: Shape = Shape::Map(&Shape::Text, "string");
const INT64: Shape = Shape::Int(IntType::Int64);

const fn has(name: &'static str, json: &'static str, shape: Shape) -> FieldType {
    FieldType::new(name, json, shape)
}

const fn may(name: &'static str, json: &'static str, shape: Shape) -> FieldType {
    FieldType::omit_empty(name, json, shape)
}

static DOCUMENT: StructType = StructType::new(
    "models.Document",
    &[
        has("Matches", "matches", Shape::List(&Shape::Struct(&MATCH), "models.Match")),
        may("IgnoredMatches", "ignoredMatches", Shape::List(&Shape::Struct(&IGNORED_MATCH), "models.IgnoredMatch")),
        may("AlertsByPackage", "alertsByPackage", Shape::List(&Shape::Struct(&PACKAGE_ALERTS), "models.PackageAlerts")),
        has("Source", "source", Shape::Pointer(&Shape::Struct(&SOURCE), "models.source")),
        has("Distro", "distro", Shape::Struct(&DISTRIBUTION)),
        has("Descriptor", "descriptor", Shape::Struct(&DESCRIPTOR)),
    ],
);

static MATCH: StructType = StructType::new(
    "models.Match",
    &[
        has("Vulnerability", "vulnerability", Shape::Struct(&VULNERABILITY)),
        has(
            "RelatedVulnerabilities",
            "relatedVulnerabilities",
            Shape::List(&Shape::Struct(&METADATA), "models.VulnerabilityMetadata"),
        ),
        has("MatchDetails", "matchDetails", Shape::List(&Shape::Struct(&MATCH_DETAILS), "models.MatchDetails")),
        has("Artifact", "artifact", Shape::Struct(&PACKAGE)),
    ],
);

static IGNORED_MATCH: StructType = StructType::new(
    "models.IgnoredMatch",
    &[
        FieldType::embedded("Match", &MATCH),
        has("AppliedIgnoreRules", "appliedIgnoreRules", Shape::List(&Shape::Struct(&IGNORE_RULE), "models.IgnoreRule")),
    ],
);

static VULNERABILITY: StructType = StructType::new(
    "models.Vulnerability",
    &[
        FieldType::embedded("VulnerabilityMetadata", &METADATA),
        has("Fix", "fix", Shape::Struct(&FIX)),
        has("Advisories", "advisories", Shape::List(&Shape::Struct(&ADVISORY), "models.Advisory")),
        has("Risk", "risk", Shape::Float),
    ],
);

static METADATA: StructType = StructType::new(
    "models.VulnerabilityMetadata",
    &[
        has("ID", "id", TEXT),
        has("DataSource", "dataSource", TEXT),
        may("Namespace", "namespace", TEXT),
        may("Severity", "severity", TEXT),
        has("URLs", "urls", TEXTS),
        may("Description", "description", TEXT),
        has("Cvss", "cvss", Shape::List(&Shape::Struct(&CVSS), "models.Cvss")),
        may("KnownExploited", "knownExploited", Shape::List(&Shape::Struct(&EXPLOITED), "models.KnownExploited")),
        may("EPSS", "epss", Shape::List(&Shape::Struct(&EPSS), "models.EPSS")),
        may("CWEs", "cwes", Shape::List(&Shape::Struct(&CWE), "models.CWE")),
    ],
);

static CVSS: StructType = StructType::new(
    "models.Cvss",
    &[
        may("Source", "source", TEXT),
        may("Type", "type", TEXT),
        has("Version", "version", TEXT),
        has("Vector", "vector", TEXT),
        has("Metrics", "metrics", Shape::Struct(&METRICS)),
        has("VendorMetadata", "vendorMetadata", Shape::Any),
    ],
);

static METRICS: StructType = StructType::new(
    "models.CvssMetrics",
    &[
        has("BaseScore", "baseScore", Shape::Float),
        may("ExploitabilityScore", "exploitabilityScore", Shape::Pointer(&Shape::Float, "float64")),
        may("ImpactScore", "impactScore", Shape::Pointer(&Shape::Float, "float64")),
    ],
);

static EXPLOITED: StructType = StructType::new(
    "models.KnownExploited",
    &[
        has("CVE", "cve", TEXT),
        may("VendorProject", "vendorProject", TEXT),
        may("Product", "product", TEXT),
        may("DateAdded", "dateAdded", TEXT),
        may("RequiredAction", "requiredAction", TEXT),
        may("DueDate", "dueDate", TEXT),
        has("KnownRansomwareCampaignUse", "knownRansomwareCampaignUse", TEXT),
        may("Notes", "notes", TEXT),
        may("URLs", "urls", TEXTS),
        may("CWEs", "cwes", TEXTS),
    ],
);

static EPSS: StructType = StructType::new(
    "models.EPSS",
    &[
        has("CVE", "cve", TEXT),
        has("EPSS", "epss", Shape::Float),
        has("Percentile", "percentile", Shape::Float),
        has("Date", "date", TEXT),
    ],
);

static CWE: StructType = StructType::new(
    "models.CWE",
    &[has("Cve", "cve", TEXT), may("CWE", "cwe", TEXT), may("Source", "source", TEXT), may("Type", "type", TEXT)],
);

static FIX: StructType = StructType::new(
    "models.Fix",
    &[
        has("Versions", "versions", TEXTS),
        has("State", "state", TEXT),
        may("Available", "available", Shape::List(&Shape::Struct(&FIX_AVAILABLE), "models.FixAvailable")),
    ],
);

static FIX_AVAILABLE: StructType = StructType::new(
    "models.FixAvailable",
    &[has("Version", "version", TEXT), has("Date", "date", TEXT), may("Kind", "kind", TEXT)],
);

static ADVISORY: StructType = StructType::new("models.Advisory", &[has("ID", "id", TEXT), has("Link", "link", TEXT)]);

static MATCH_DETAILS: StructType = StructType::new(
    "models.MatchDetails",
    &[
        has("Type", "type", TEXT),
        has("Matcher", "matcher", TEXT),
        has(
            "SearchedBy",
            "searchedBy",
            Shape::OneOf(&[&DISTRO_PARAMETERS, &ECOSYSTEM_PARAMETERS, &CPE_PARAMETERS, &VEX_PARAMETERS]),
        ),
        has("Found", "found", Shape::OneOf(&[&CPE_RESULT, &RESULT])),
        may("Fix", "fix", Shape::Pointer(&Shape::Struct(&FIX_DETAILS), "models.FixDetails")),
    ],
);

static FIX_DETAILS: StructType =
    StructType::new("models.FixDetails", &[has("SuggestedVersion", "suggestedVersion", TEXT)]);

static DISTRO_PARAMETERS: StructType = StructType::new(
    "match.DistroParameters",
    &[
        has("Distro", "distro", Shape::Struct(&DISTRO_IDENTIFICATION)),
        has("Package", "package", Shape::Struct(&PACKAGE_PARAMETER)),
        has("Namespace", "namespace", TEXT),
    ],
);

static ECOSYSTEM_PARAMETERS: StructType = StructType::new(
    "match.EcosystemParameters",
    &[
        has("Language", "language", TEXT),
        has("Namespace", "namespace", TEXT),
        has("Package", "package", Shape::Struct(&PACKAGE_PARAMETER)),
    ],
);

static CPE_PARAMETERS: StructType = StructType::new(
    "match.CPEParameters",
    &[
        has("Namespace", "namespace", TEXT),
        has("CPEs", "cpes", TEXTS),
        has("Package", "package", Shape::Struct(&PACKAGE_PARAMETER)),
    ],
);

static VEX_PARAMETERS: StructType = StructType::new(
    "openvex.SearchedBy",
    &[has("Vulnerability", "Vulnerability", TEXT), has("Product", "Product", TEXT)],
);

static DISTRO_IDENTIFICATION: StructType =
    StructType::new("match.DistroIdentification", &[has("Type", "type", TEXT), has("Version", "version", TEXT)]);

static PACKAGE_PARAMETER: StructType =
    StructType::new("match.PackageParameter", &[has("Name", "name", TEXT), has("Version", "version", TEXT)]);

static CPE_RESULT: StructType = StructType::new(
    "match.CPEResult",
    &[
        has("VulnerabilityID", "vulnerabilityID", TEXT),
        has("VersionConstraint", "versionConstraint", TEXT),
        has("CPEs", "cpes", TEXTS),
    ],
);

static RESULT: StructType = StructType::new(
    "match.EcosystemResult",
    &[
        has("VulnerabilityID", "vulnerabilityID", TEXT),
        has("VersionConstraint", "versionConstraint", TEXT),
        may("MatchedSymbols", "matchedSymbols", TEXTS),
    ],
);

static PACKAGE: StructType = StructType::new(
    "models.Package",
    &[
        has("ID", "id", TEXT),
        has("Name", "name", TEXT),
        has("Version", "version", TEXT),
        has("Type", "type", TEXT),
        has("Locations", "locations", Shape::List(&Shape::Struct(&LOCATION), "file.Location")),
        has("Language", "language", TEXT),
        has("Licenses", "licenses", TEXTS),
        has("CPEs", "cpes", TEXTS),
        has("PURL", "purl", TEXT),
        has("Upstreams", "upstreams", Shape::List(&Shape::Struct(&UPSTREAM), "models.UpstreamPackage")),
        may("MetadataType", "metadataType", TEXT),
        may("Metadata", "metadata", Shape::OneOf(RECORDS)),
        may("Annotations", "annotations", Shape::Map(&TEXTS, "[]string")),
    ],
);

static UPSTREAM: StructType =
    StructType::new("models.UpstreamPackage", &[has("Name", "name", TEXT), may("Version", "version", TEXT)]);

static LOCATION: StructType = StructType::new(
    "file.Location",
    &[FieldType::embedded("LocationData", &LOCATION_DATA), FieldType::embedded("LocationMetadata", &LOCATION_METADATA)],
);

static LOCATION_DATA: StructType = StructType::new(
    "file.LocationData",
    &[FieldType::embedded("Coordinates", &COORDINATES), has("AccessPath", "accessPath", TEXT)],
);

static LOCATION_METADATA: StructType =
    StructType::new("file.LocationMetadata", &[may("Annotations", "annotations", TEXT_MAP)]);

static COORDINATES: StructType = StructType::new(
    "file.Coordinates",
    &[has("RealPath", "path", TEXT), may("FileSystemID", "layerID", TEXT), may("FullPath", "fullPath", TEXT)],
);

/// The structures of a package's own record.
const RECORDS: &[&StructType] = &[&RPM, &APK, &GO_BINARY, &GO_SOURCE, &JAVA, &JVM, &GO_MODULE];

static RPM: StructType = StructType::new(
    "pkg.RpmMetadata",
    &[
        has("Epoch", "epoch", Shape::Pointer(&Shape::Int(IntType::Int), "int")),
        has("ModularityLabel", "modularityLabel", Shape::Pointer(&TEXT, "string")),
        has("Arch", "architecture", TEXT),
    ],
);

static APK: StructType = StructType::new(
    "pkg.ApkMetadata",
    &[has("Files", "files", Shape::List(&Shape::Struct(&APK_FILE), "pkg.ApkFileRecord")), has("Arch", "Arch", TEXT)],
);

static APK_FILE: StructType = StructType::new("pkg.ApkFileRecord", &[has("Path", "path", TEXT)]);

static GO_BINARY: StructType = StructType::new(
    "pkg.GolangBinMetadata",
    &[
        may("BuildSettings", "goBuildSettings", Shape::List(&Shape::Struct(&KEY_VALUE), "pkg.KeyValue")),
        has("GoCompiledVersion", "goCompiledVersion", TEXT),
        has("Architecture", "architecture", TEXT),
        may("H1Digest", "h1Digest", TEXT),
        may("MainModule", "mainModule", TEXT),
        may("GoCryptoSettings", "goCryptoSettings", TEXTS),
    ],
);

static KEY_VALUE: StructType = StructType::new("pkg.KeyValue", &[has("Key", "key", TEXT), has("Value", "value", TEXT)]);

static GO_MODULE: StructType = StructType::new("pkg.GolangModMetadata", &[may("H1Digest", "h1Digest", TEXT)]);

static GO_SOURCE: StructType = StructType::new(
    "pkg.GolangSourceMetadata",
    &[
        may("H1Digest", "h1Digest", TEXT),
        may("OperatingSystem", "os", TEXT),
        may("Architecture", "architecture", TEXT),
        may("BuildTags", "buildTags", TEXT),
        has("CgoEnabled", "cgoEnabled", Shape::Bool),
    ],
);

static JAVA: StructType = StructType::new(
    "pkg.JavaMetadata",
    &[
        has("VirtualPath", "virtualPath", TEXT),
        has("PomArtifactID", "pomArtifactID", TEXT),
        has("PomGroupID", "pomGroupID", TEXT),
        has("ManifestName", "manifestName", TEXT),
        has("ArchiveDigests", "archiveDigests", Shape::List(&Shape::Struct(&DIGEST), "pkg.Digest")),
    ],
);

static DIGEST: StructType =
    StructType::new("pkg.Digest", &[has("Algorithm", "algorithm", TEXT), has("Value", "value", TEXT)]);

static JVM: StructType =
    StructType::new("pkg.JavaVMInstallationMetadata", &[has("Release", "release", Shape::Struct(&JVM_RELEASE))]);

static JVM_RELEASE: StructType = StructType::new(
    "pkg.JavaVMReleaseMetadata",
    &[
        may("JavaRuntimeVersion", "javaRuntimeVersion", TEXT),
        may("JavaVersion", "javaVersion", TEXT),
        may("FullVersion", "fullVersion", TEXT),
        may("SemanticVersion", "semanticVersion", TEXT),
    ],
);

static IGNORE_RULE: StructType = StructType::new(
    "models.IgnoreRule",
    &[
        may("Vulnerability", "vulnerability", TEXT),
        may("Reason", "reason", TEXT),
        has("Namespace", "namespace", TEXT),
        may("FixState", "fix-state", TEXT),
        may("Package", "package", Shape::Pointer(&Shape::Struct(&IGNORE_RULE_PACKAGE), "models.IgnoreRulePackage")),
        may("VexStatus", "vex-status", TEXT),
        may("VexJustification", "vex-justification", TEXT),
        may("MatchType", "match-type", TEXT),
        may("Expires", "expires", TEXT),
    ],
);

static IGNORE_RULE_PACKAGE: StructType = StructType::new(
    "models.IgnoreRulePackage",
    &[
        may("Name", "name", TEXT),
        may("Version", "version", TEXT),
        has("Language", "language", TEXT),
        may("Type", "type", TEXT),
        may("Location", "location", TEXT),
        may("UpstreamName", "upstream-name", TEXT),
    ],
);

static PACKAGE_ALERTS: StructType = StructType::new(
    "models.PackageAlerts",
    &[
        has("Package", "package", Shape::Struct(&PACKAGE)),
        has("Alerts", "alerts", Shape::List(&Shape::Struct(&ALERT), "models.Alert")),
    ],
);

static ALERT: StructType = StructType::new(
    "models.Alert",
    &[
        has("Type", "type", TEXT),
        has("Message", "message", TEXT),
        may("Metadata", "metadata", Shape::OneOf(&[&ALERT_METADATA])),
    ],
);

static ALERT_METADATA: StructType =
    StructType::new("models.DistroAlertMetadata", &[has("Name", "name", TEXT), has("Version", "version", TEXT)]);

static SOURCE: StructType =
    StructType::new("models.source", &[has("Type", "type", TEXT), has("Target", "target", Shape::OneOf(&[&IMAGE]))]);

static IMAGE: StructType = StructType::new(
    "source.ImageMetadata",
    &[
        has("UserInput", "userInput", TEXT),
        has("ID", "imageID", TEXT),
        has("ManifestDigest", "manifestDigest", TEXT),
        has("MediaType", "mediaType", TEXT),
        has("Tags", "tags", TEXTS),
        has("Size", "imageSize", INT64),
        has("Layers", "layers", Shape::List(&Shape::Struct(&LAYER), "source.LayerMetadata")),
        has("RawManifest", "manifest", TEXT),
        has("RawConfig", "config", TEXT),
        has("RepoDigests", "repoDigests", TEXTS),
        has("Architecture", "architecture", TEXT),
        may("Variant", "architectureVariant", TEXT),
        has("OS", "os", TEXT),
        may("Labels", "labels", TEXT_MAP),
        may("Annotations", "annotations", TEXT_MAP),
    ],
);

static LAYER: StructType = StructType::new(
    "source.LayerMetadata",
    &[has("MediaType", "mediaType", TEXT), has("Digest", "digest", TEXT), has("Size", "size", INT64)],
);

static DISTRIBUTION: StructType = StructType::new(
    "models.distribution",
    &[
        has("Name", "name", TEXT),
        has("Version", "version", TEXT),
        has("IDLike", "idLike", TEXTS),
        may("Channels", "channels", TEXTS),
    ],
);

static DESCRIPTOR: StructType = StructType::new(
    "models.descriptor",
    &[
        has("Name", "name", TEXT),
        has("Version", "version", TEXT),
        may("Configuration", "configuration", Shape::Any),
        may("DB", "db", Shape::Any),
        may("Timestamp", "timestamp", TEXT),
    ],
);

#[cfg(test)]
mod tests {
    use super::*;
    use gotemplate::{Functions, Limits, Template};
    use serde_json::json;

    #[test]
    fn templates_see_the_peers_structures() {
        let document = json!({
            "matches": [{
                "vulnerability": {"id": "CVE-1", "dataSource": "x", "urls": [], "epss": [{"cve": "CVE-1", "epss": 1}],
                    "cwes": [{"cve": "CVE-1", "cwe": "CWE-1"}], "cvss": [],
                    "fix": {"versions": ["1"], "state": "fixed"}, "advisories": [], "risk": 2},
                "matchDetails": [{"searchedBy": {"cpes": ["c"], "namespace": "n", "package": {"name": "p", "version": "1"}},
                    "found": {"vulnerabilityID": "CVE-1", "versionConstraint": "<1"}}],
                "artifact": {"name": "b", "purl": "pkg:npm/a", "locations": [{"path": "/a", "accessPath": "/l"}],
                    "metadata": {"files": [{"path": "/f"}], "Arch": "x86"}},
            }, {"vulnerability": {"id": "CVE-2"}, "artifact": {"name": "a"}}],
            "source": {"type": "image", "target": "t"},
            "descriptor": {"configuration": {"only-fixed": true}},
        });
        let check = |text: &str, want: &str| {
            let functions = Functions::go().with_sprig().with(TEMPLATE_FUNCTIONS);
            let template = Template::parse("t", text, &functions).unwrap();
            let mut out = Vec::new();
            let value = Shape::Struct(&DOCUMENT).value(Some(&document));
            let end = template.execute(&value, Limits::default(), &mut out);
            let got = String::from_utf8(out).unwrap() + &end.err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(got, want, "{text}");
        };
        check("{{range .Matches}}{{.Vulnerability.ID}} {{.Vulnerability.Namespace}};{{end}}", "CVE-1 ;CVE-2 ;");
        check(
            "{{with index .Matches 0}}{{.Artifact.PURL}} {{.Vulnerability.CWEs}} {{.Vulnerability.Risk}}{{end}}",
            "pkg:npm/a [{CVE-1 CWE-1  }] 2",
        );
        check(
            "{{with index .Matches 0}}{{range .Artifact.Locations}}{{.RealPath}} {{.AccessPath}}{{end}}{{end}}",
            "/a /l",
        );
        check(
            "{{with index .Matches 0}}{{(index .MatchDetails 0).SearchedBy.CPEs}} {{.Artifact.Metadata.Files}}{{end}}",
            "[c] [{/f}]",
        );
        check("{{with index .Matches 0}}{{toJson .Vulnerability.Fix}}{{end}}", r#"{"versions":["1"],"state":"fixed"}"#);
        check("{{range byMatchName .Matches}}{{.Artifact.Name}}{{end}}{{getLastIndex .Matches}}", "ab1");
        check("{{.Source.Target}} {{index .Descriptor.Configuration \"only-fixed\"}}", "t true");
        check(
            "{{.Nothing}}",
            "template: t:1:2: executing \"t\" at <.Nothing>: can't evaluate field Nothing in type models.Document",
        );
        check(
            "{{(index (index .Matches 0).MatchDetails 0).Fix.SuggestedVersion}}",
            "template: t:1:41: executing \"t\" at <0>: nil pointer evaluating *models.FixDetails.SuggestedVersion",
        );
    }
}
