//! Red Hat's CSAF feeds: security advisories (one document an erratum) and VEX (one document a CVE).
//!
//! Products become packages of a release of Red Hat Enterprise Linux when they are rpm packages of one of its
//! repositories; those of layered products (OpenShift, Satellite, ...), containers and Maven artifacts are left out,
//! as in Grype's feed. Statuses become states:
//!
//! | status | remediation | here |
//! |---|---|---|
//! | `fixed` | `vendor_fix` | fixed in the product's version; the erratum is the remediation's |
//! | `known_affected` | `no_fix_planned` ("Will not fix", "Out of support scope") | won't fix |
//! | `known_affected` | `none_available` ("Affected", "Fix deferred"), none | not fixed |
//! | `known_not_affected` | | not affected |
//! | `under_investigation` | | left out |

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use crate::csaf::{self, Document, FORMAT, Products, Remediation, Vulnerability};
use crate::ecosystem::red_hat_release;
use crate::error::AdvisoryError;
use crate::record::{Affected, Cvss, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Reference, Severity};

/// An rpm package of a release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    ecosystem: Ecosystem,
    name: String,
    /// `name:stream`; empty: outside modules.
    module: String,
    source: bool,
}

/// A package in one status, before the products of its architectures are joined.
#[derive(Debug, Default)]
struct Entry {
    /// The minor release, where the product tells.
    minor: String,
    version: String,
    architectures: BTreeSet<String>,
    advisory: String,
    date: String,
}

/// Reads one document of either feed. Each of its vulnerabilities is one record, known by its CVE.
///
/// # Errors
/// When the bytes are not a CSAF document, or its product branches nest deeper than 64.
pub fn parse(json: &[u8]) -> Result<Vec<Record>, AdvisoryError> {
    let document = csaf::read(json)?;
    if document.document.tracking.id.is_empty() {
        return Err(AdvisoryError::Missing { format: FORMAT, field: "document.tracking.id" });
    }
    let products = document.product_tree.products()?;
    let mut packages = Packages { products, seen: HashMap::new() };
    Ok(document.vulnerabilities.iter().map(|flaw| record(&document, flaw, &mut packages)).collect())
}

fn record(document: &Document, flaw: &Vulnerability, packages: &mut Packages<'_>) -> Record {
    let head = &document.document;
    let id = if flaw.cve.is_empty() {
        flaw.ids.first().map_or(head.tracking.id.as_str(), |id| id.text.as_str())
    } else {
        flaw.cve.as_str()
    };
    let impact = flaw.threats.iter().find(|threat| threat.category == "impact").map(|threat| threat.details.as_str());
    let note = |category: &str| flaw.notes.iter().find(|note| note.category == category).map(|note| note.text.clone());
    let mut cvss: Vec<Cvss> = Vec::new();
    for score in &flaw.scores {
        for vector in [&score.cvss_v4, &score.cvss_v3, &score.cvss_v2] {
            let scored = Cvss::from_vector(&vector.vector, "", "").filter(|scored| !cvss.contains(scored));
            cvss.extend(scored);
        }
    }
    let mut record = Record {
        id: id.to_owned(),
        source: "redhat".to_owned(),
        summary: if flaw.title.is_empty() { head.title.clone() } else { flaw.title.clone() },
        details: note("description").or_else(|| note("summary")).unwrap_or_default(),
        severity: Severity::parse(impact.unwrap_or(&head.aggregate_severity.text)),
        cvss,
        cwes: Some(flaw.cwe.id.clone()).filter(|id| !id.is_empty()).into_iter().collect(),
        references: references(id, flaw),
        published: first_of(&flaw.release_date, &head.tracking.initial_release_date),
        modified: head.tracking.current_release_date.clone(),
        affected: affected(flaw, packages, &head.tracking.id),
        ..Record::default()
    };
    record.set_namespace("redhat");
    if record.affected.is_empty() {
        "redhat:distro:redhat".clone_into(&mut record.namespace);
    }
    record
}

fn first_of(first: &str, second: &str) -> String {
    if first.is_empty() { second.to_owned() } else { first.to_owned() }
}

fn references(id: &str, flaw: &Vulnerability) -> Vec<Reference> {
    let own = format!("https://access.redhat.com/security/cve/{id}");
    let others = flaw.references.iter().filter(|link| link.url != own).map(|link| Reference {
        url: link.url.clone(),
        tags: Some(link.category.clone()).filter(|tag| !tag.is_empty()).into_iter().collect(),
    });
    std::iter::once(Reference { url: own.clone(), tags: Vec::new() }).chain(others).collect()
}

fn affected(flaw: &Vulnerability, packages: &mut Packages<'_>, document: &str) -> Vec<Affected> {
    let status = &flaw.product_status;
    let remedies = Remedies::new(&flaw.remediations);
    let fixed = packages.group(&status.fixed, &remedies, document, false);
    let open = packages.group(&status.known_affected, &remedies, document, true);
    let safe = packages.group(&status.known_not_affected, &remedies, document, true);
    let mut list = Vec::new();
    for (package, entries) in &open {
        // A package that is still hit goes before a partial fix, as in Grype's feed.
        if has_binary(package, &open) {
            continue;
        }
        let wont = entries.iter().all(|(_, wont_fix)| *wont_fix);
        let state = if wont { FixState::WontFix } else { FixState::NotFixed };
        list.push(entry(package, state, vec![Range::default()], entries.first().map(|(entry, _)| entry)));
    }
    for (package, entries) in &fixed {
        if open.contains_key(package) || has_binary(package, &fixed) {
            continue;
        }
        list.extend(fixes(package, entries));
    }
    for (package, entries) in &safe {
        if !open.contains_key(package) && !fixed.contains_key(package) && !has_binary(package, &safe) {
            list.push(entry(package, FixState::NotAffected, Vec::new(), entries.first().map(|(entry, _)| entry)));
        }
    }
    list
}

type Grouped = BTreeMap<Package, Vec<(Entry, bool)>>;

/// Whether a source package needs no entry because binary packages of the same status and release stand for it: Red
/// Hat lists every binary package that it built, and the source package beside them would hit others too.
fn has_binary(package: &Package, group: &Grouped) -> bool {
    package.source && group.contains_key(&Package { source: false, ..package.clone() })
}

/// The entries of a fixed package: one for the release with the highest fix, and one for each minor release whose own
/// fix differs.
fn fixes(package: &Package, entries: &[(Entry, bool)]) -> Vec<Affected> {
    let newest = |a: &&Entry, b: &&Entry| versions_cmp(&a.version, &b.version);
    let Some(base) = entries.iter().map(|(entry, _)| entry).max_by(newest) else { return Vec::new() };
    let fix = |entry: &Entry| vec![Range { end: RangeEnd::Fixed(entry.version.clone()), ..Range::default() }];
    let mut list = vec![entry(package, FixState::Fixed, fix(base), Some(base))];
    let minors: BTreeSet<&str> =
        entries.iter().map(|(entry, _)| entry.minor.as_str()).filter(|m| !m.is_empty()).collect();
    for minor in minors {
        let own = entries.iter().map(|(entry, _)| entry).filter(|entry| entry.minor == minor).max_by(newest);
        let Some(own) = own.filter(|own| own.version != base.version) else { continue };
        let Ecosystem::Distro(id, _) = &package.ecosystem else { continue };
        let ecosystem = Ecosystem::Distro(id.clone(), minor.to_owned());
        list.push(entry(&Package { ecosystem, ..package.clone() }, FixState::Fixed, fix(own), Some(own)));
    }
    list
}

/// Orders versions of one package well enough to find its highest fix.
fn versions_cmp(a: &str, b: &str) -> std::cmp::Ordering {
    versions::compare(versions::Scheme::Rpm, a, b)
}

fn entry(package: &Package, state: FixState, ranges: Vec<Range>, from: Option<&Entry>) -> Affected {
    let architectures = if package.source {
        vec!["src".to_owned()]
    } else {
        from.map(|entry| entry.architectures.iter().cloned().collect()).unwrap_or_default()
    };
    Affected {
        package: PackageName::new(package.ecosystem.clone(), &package.name),
        ranges,
        state,
        fix_date: from.map(|entry| entry.date.clone()).unwrap_or_default(),
        advisory: from.map(|entry| entry.advisory.clone()).unwrap_or_default(),
        module: Some(package.module.clone()),
        architectures,
        ..Affected::default()
    }
}

/// Remediations by product.
struct Remedies<'a> {
    fixes: HashMap<&'a str, &'a Remediation>,
    never: BTreeSet<&'a str>,
}

impl<'a> Remedies<'a> {
    fn new(remediations: &'a [Remediation]) -> Self {
        let mut remedies = Self { fixes: HashMap::new(), never: BTreeSet::new() };
        for remediation in remediations {
            let ids = remediation.product_ids.iter().map(String::as_str);
            match remediation.category.as_str() {
                "vendor_fix" => remedies.fixes.extend(ids.map(|id| (id, remediation))),
                "no_fix_planned" => remedies.never.extend(ids),
                _ => {}
            }
        }
        remedies
    }
}

/// The packages of a document's products.
struct Packages<'a> {
    products: Products<'a>,
    /// Package URLs read before: thousands of products share them.
    seen: HashMap<&'a str, Option<Rpm>>,
}

/// What an rpm's package URL tells.
#[derive(Debug, Clone)]
struct Rpm {
    name: String,
    /// With the epoch before it, 0 too, as in Grype's feed; empty when the product names none.
    version: String,
    architecture: String,
    module: String,
}

impl<'a> Packages<'a> {
    /// Groups products by package; with each, whether it will never be fixed. Where the status is of all versions,
    /// `by_name`, older documents give a package's name and no package URL.
    fn group(&mut self, ids: &[String], remedies: &Remedies<'_>, document: &str, by_name: bool) -> Grouped {
        let mut grouped: Grouped = BTreeMap::new();
        for id in ids {
            let product = self.products.resolve(id);
            let Some(release) = product_release(product.platform_cpe) else { continue };
            let named = by_name && product.purl.is_empty();
            let named = named.then(|| read_name(product.part)).flatten();
            let Some(rpm) = named.as_ref().or_else(|| self.rpm(product.purl)) else { continue };
            let package = Package {
                ecosystem: release,
                name: rpm.name.clone(),
                module: rpm.module.clone(),
                source: rpm.architecture == "src",
            };
            let fix = remedies.fixes.get(id.as_str());
            let minor = minor_release(product.platform, &package.ecosystem);
            let version = rpm.version.clone();
            let architecture = rpm.architecture.clone();
            let entries = grouped.entry(package).or_default();
            let known = entries.iter_mut().find(|(entry, _)| entry.version == version && entry.minor == minor);
            let (entry, _) = match known {
                Some(known) => known,
                None => {
                    let entry = Entry {
                        minor,
                        version,
                        architectures: BTreeSet::new(),
                        advisory: fix.map_or_else(String::new, |fix| erratum(fix, document)),
                        date: fix.and_then(|fix| fix.date.get(..10)).unwrap_or_default().to_owned(),
                    };
                    entries.push((entry, remedies.never.contains(id.as_str())));
                    let Some(last) = entries.last_mut() else { continue };
                    last
                }
            };
            if !architecture.is_empty() && architecture != "src" {
                entry.architectures.insert(architecture);
            }
        }
        // Named for every architecture there is, or for `noarch`, an entry says nothing about architectures.
        for (entry, _) in grouped.values_mut().flatten() {
            if entry.architectures.len() > 1 || entry.architectures.contains("noarch") {
                entry.architectures.clear();
            }
        }
        grouped
    }

    /// `None` for a product that is no rpm package.
    fn rpm(&mut self, purl: &'a str) -> Option<&Rpm> {
        self.seen.entry(purl).or_insert_with(|| read_purl(purl)).as_ref()
    }
}

fn read_purl(text: &str) -> Option<Rpm> {
    let purl = purl::PackageUrl::from_str(text).ok().filter(|purl| purl.kind() == "rpm")?;
    let qualifier = |key: &str| purl.qualifier_value(key).unwrap_or_default();
    let version = purl.version();
    let epoch = Some(qualifier("epoch")).filter(|epoch| !epoch.is_empty()).unwrap_or("0");
    let mut stream = qualifier("rpmmod").splitn(3, ':');
    let module = match (stream.next(), stream.next()) {
        (Some(name), Some(stream)) if !name.is_empty() => format!("{name}:{stream}"),
        _ => String::new(),
    };
    Some(Rpm {
        name: purl.name().to_owned(),
        version: if version.is_empty() { String::new() } else { format!("{epoch}:{version}") },
        architecture: qualifier("arch").to_owned(),
        module,
    })
}

/// Of `name` or `module:stream/name`; `None` where the name is one of a container.
fn read_name(text: &str) -> Option<Rpm> {
    let (module, name) = text.split_once('/').unwrap_or(("", text));
    let is_module = module.is_empty() || module.split(':').count() == 2 && !module.ends_with(":flatpak");
    (is_module && !name.is_empty() && !name.contains(['/', ':'])).then(|| Rpm {
        name: name.to_owned(),
        version: String::new(),
        architecture: String::new(),
        module: module.to_owned(),
    })
}

/// The release that a platform's CPE names; `None` for products that are no release of the distribution.
fn product_release(cpe: &str) -> Option<Ecosystem> {
    let product = cpe.strip_prefix("cpe:/o:redhat:").or_else(|| cpe.strip_prefix("cpe:/a:redhat:"))?;
    if product.starts_with("hummingbird:") {
        return Some(Ecosystem::Distro("hummingbird".to_owned(), "rolling".to_owned()));
    }
    Some(Ecosystem::Distro("redhat".to_owned(), red_hat_release(product)?))
}

/// `8.9` of `BaseOS-8.9.0.Z.MAIN`; empty when the platform does not tell, or its release has a minor version already.
fn minor_release(platform: &str, release: &Ecosystem) -> String {
    let Ecosystem::Distro(_, major) = release else { return String::new() };
    let version = platform.split_once('-').map_or("", |(_, version)| version);
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(first), Some(minor))
            if first == major && minor.bytes().all(|b| b.is_ascii_digit()) && !minor.is_empty() =>
        {
            format!("{first}.{minor}")
        }
        _ => String::new(),
    }
}

/// `RHSA-2022:0001` from the remediation's address, or the document's own identifier.
fn erratum(fix: &Remediation, document: &str) -> String {
    let last = fix.url.rsplit('/').next().unwrap_or_default();
    if last.starts_with("RH") {
        last.to_owned()
    } else if document.starts_with("RH") {
        document.to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests;
