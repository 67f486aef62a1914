//! `explain`: what a report says of one flaw, as text (grype/presenter/explain, 0.121.2). It reads the JSON document,
//! so that documents of the peer can be explained too.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Explains flaws of a JSON document by their identifiers, in their order; a flaw that the document does not have gives
/// nothing.
#[must_use]
pub fn explain(document: &Value, ids: &[String]) -> String {
    let mut out = String::new();
    let matches = list(document, "matches");
    for id in ids {
        let (mut primary, mut others): (Option<&Value>, Vec<&Value>) = (None, Vec::new());
        for entry in matches.iter().filter(|entry| text(vulnerability(entry), "id") == id) {
            add(entry, ids, &mut primary, &mut others);
        }
        for entry in matches {
            for _ in list(entry, "relatedVulnerabilities").iter().filter(|related| text(related, "id") == id) {
                add(entry, ids, &mut primary, &mut others);
            }
        }
        if let Some(primary) = primary {
            others.push(primary);
            write_one(&mut out, primary, &others);
        }
    }
    out
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn vulnerability(entry: &Value) -> &Value {
    entry.get("vulnerability").unwrap_or(&Value::Null)
}

/// Keeps a match, and decides whether it is the one that describes the flaw.
fn add<'v>(entry: &'v Value, ids: &[String], primary: &mut Option<&'v Value>, others: &mut Vec<&'v Value>) {
    let Some(current) = *primary else {
        *primary = Some(entry);
        return;
    };
    let found = vulnerability(entry);
    let asked_for = ids.iter().any(|id| id == text(found, "id"));
    let related =
        list(current, "relatedVulnerabilities").iter().any(|related| text(related, "id") == text(found, "id"));
    if (asked_for || ids.is_empty()) && (text(found, "namespace") == "nvd:cpe" || related) {
        others.push(current);
        *primary = Some(entry);
    } else {
        others.push(entry);
    }
}

fn write_one(out: &mut String, primary: &Value, all: &[&Value]) {
    let described = describing(primary, all);
    let related = related(described, all);
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{} from {} ({})", text(described, "id"), text(described, "namespace"), text(described, "severity")));
    line(text(described, "description").trim().to_owned());
    if !related.is_empty() {
        line("Related vulnerabilities:".to_owned());
        for other in &related {
            line(format!("    - {} {} ({})", text(other, "namespace"), text(other, "id"), text(other, "severity")));
        }
    }
    line("Matched packages:".to_owned());
    for package in packages(all) {
        line(format!("    - Package: {}, version: {}", package.name, package.version));
        if !package.purl.is_empty() {
            line(format!("      PURL: {}", package.purl));
        }
        line("      Match explanation(s):".to_owned());
        for explanation in [&package.direct, &package.by_cpe, &package.indirect] {
            if !explanation.is_empty() {
                line(format!("          - {explanation}"));
            }
        }
        line("      Locations:".to_owned());
        for location in &package.locations {
            line(format!("          - {location}"));
        }
    }
    line("URLs:".to_owned());
    for url in urls(described, primary, all) {
        line(format!("    - {url}"));
    }
}

/// The National Vulnerability Database's telling, where there is one.
fn describing<'v>(primary: &'v Value, all: &[&'v Value]) -> &'v Value {
    let id = text(vulnerability(primary), "id");
    let tellings = all
        .iter()
        .flat_map(|entry| list(entry, "relatedVulnerabilities").iter().chain(std::iter::once(vulnerability(entry))));
    let is_nvd = |telling: &&Value| text(telling, "id") == id && text(telling, "namespace") == "nvd:cpe";
    tellings.rev().find(is_nvd).unwrap_or_else(|| vulnerability(primary))
}

fn related<'v>(described: &Value, all: &[&'v Value]) -> Vec<&'v Value> {
    let key = |value: &Value| format!("{}:{}", text(value, "namespace"), text(value, "id"));
    let mut found: BTreeMap<String, &Value> = BTreeMap::new();
    for entry in all {
        for telling in std::iter::once(vulnerability(entry)).chain(list(entry, "relatedVulnerabilities")) {
            found.insert(key(telling), telling);
        }
    }
    found.remove(&key(described));
    found.into_values().collect()
}

/// A package and why it was matched.
#[derive(Default)]
struct Explained {
    name: String,
    version: String,
    purl: String,
    direct: String,
    indirect: String,
    by_cpe: String,
    /// (namespace, location), sorted.
    places: BTreeMap<String, String>,
    locations: Vec<String>,
    /// Direct matches are shown first.
    weight: u32,
}

fn packages(all: &[&Value]) -> Vec<Explained> {
    let mut by_id: BTreeMap<String, Explained> = BTreeMap::new();
    for entry in all {
        let artifact = entry.get("artifact").unwrap_or(&Value::Null);
        let (mut direct, mut indirect, mut by_cpe, mut weight) = (String::new(), String::new(), String::new(), 0);
        for detail in list(entry, "matchDetails") {
            let explanation = explanation(entry, artifact, detail);
            if explanation.is_empty() {
                continue;
            }
            let found = vulnerability(entry);
            let full = format!("{}:{} {explanation}", text(found, "namespace"), text(found, "id"));
            match text(detail, "type") {
                "cpe-match" => (by_cpe, weight) = (full, 1),
                "exact-indirect-match" => (indirect, weight) = (full, 0),
                "exact-direct-match" => (direct, weight) = (full, 2),
                _ => {}
            }
        }
        let package = by_id.entry(text(artifact, "id").to_owned()).or_insert_with(|| Explained {
            name: text(artifact, "name").to_owned(),
            version: text(artifact, "version").to_owned(),
            purl: text(artifact, "purl").to_owned(),
            direct,
            ..Explained::default()
        });
        for (slot, text) in [(&mut package.by_cpe, by_cpe), (&mut package.indirect, indirect)] {
            if slot.is_empty() {
                *slot = text;
            }
        }
        package.weight += weight;
        let virtual_path = artifact.get("metadata").map_or("", |metadata| text(metadata, "virtualPath"));
        for location in list(artifact, "locations") {
            let path = if virtual_path.is_empty() { text(location, "path") } else { virtual_path };
            package.places.insert(path.to_owned(), text(vulnerability(entry), "namespace").to_owned());
        }
    }
    let mut packages: Vec<Explained> = by_id.into_values().collect();
    for package in &mut packages {
        let mut places: Vec<_> = std::mem::take(&mut package.places).into_iter().map(|(path, ns)| (ns, path)).collect();
        places.sort();
        package.locations = places.into_iter().map(|(_, path)| path).collect();
    }
    packages.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    packages
}

fn explanation(entry: &Value, artifact: &Value, detail: &Value) -> String {
    let kind = text(artifact, "type");
    match text(detail, "type") {
        "cpe-match" => {
            let first = list(entry, "matchDetails").first().and_then(|detail| detail.get("searchedBy"));
            let cpe = first.and_then(|searched| list(searched, "cpes").first()).and_then(Value::as_str);
            cpe.map(|cpe| format!("CPE match on `{cpe}`.")).unwrap_or_default()
        }
        "exact-indirect-match" => {
            let package = detail.get("searchedBy").and_then(|searched| searched.get("package"));
            let package = package.unwrap_or(&Value::Null);
            let upstream = match kind {
                "deb" => "origin",
                "rpm" => "source RPM",
                _ => "upstream",
            };
            let (name, version) = (text(package, "name"), text(package, "version"));
            let mut out = String::from("Indirect match; this CVE is reported against ");
            let _ = write!(out, "{name} (version {version}), the {upstream} of this {kind} package.");
            out
        }
        "exact-direct-match" => format!(
            "Direct match (package name, version, and ecosystem) against {} (version {}).",
            text(artifact, "name"),
            text(artifact, "version")
        ),
        _ => String::new(),
    }
}

/// The describing page, then that of the National Vulnerability Database, then GitHub's, then the others as they come.
fn urls<'v>(described: &'v Value, primary: &'v Value, all: &[&'v Value]) -> Vec<&'v str> {
    let others = all.iter().filter(|entry| !std::ptr::eq(**entry, primary)).copied();
    let mut pages = Vec::new();
    for entry in std::iter::once(primary).chain(others) {
        pages.push(text(vulnerability(entry), "dataSource"));
        pages.extend(list(entry, "relatedVulnerabilities").iter().map(|related| text(related, "dataSource")));
    }
    let last_with = |prefix: &str| pages.iter().rev().find(|page| page.starts_with(prefix)).copied();
    let first = [
        Some(text(described, "dataSource")),
        last_with("https://nvd.nist.gov/vuln/detail"),
        last_with("https://github.com/advisories"),
    ];
    let mut shown: Vec<&str> = Vec::new();
    for page in first.into_iter().flatten().chain(pages.iter().copied()) {
        if !shown.contains(&page) {
            shown.push(page);
        }
    }
    shown
}
