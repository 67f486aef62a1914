//! Advisories and components in few words.

use advisory::{Affected, Ecosystem, FixState, PackageName, Range, RangeEnd, Record, Severity};
use matching::database::{Builder, Database};
use matching::finding::{Findings, Match};
use matching::options::Options;
use sbom::{
    Component, ComponentIndex, Distro, Document, Language, Location, PackageType, Relationship, RelationshipKind,
    Upstream,
};

pub(crate) fn build(records: &[Record]) -> Vec<u8> {
    let mut builder = Builder::new("2026-01-02T03:04:05Z");
    for record in records {
        builder.add(record).unwrap();
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    bytes
}

pub(crate) fn options() -> Options {
    Options::new("2026-01-02".parse().unwrap())
}

pub(crate) fn find(records: &[Record], document: &Document) -> Findings {
    find_with(records, document, &options())
}

pub(crate) fn find_with(records: &[Record], document: &Document, options: &Options) -> Findings {
    let bytes = build(records);
    let database = Database::open(&bytes).unwrap();
    database.verify().unwrap();
    matching::find(&database, document, options).unwrap()
}

/// Matches as `ID on component`.
pub(crate) fn lines(document: &Document, matches: &[Match]) -> Vec<String> {
    let name = |index: ComponentIndex| document.components[index.0 as usize].name.clone();
    matches.iter().map(|found| format!("{} on {}", found.vulnerability.id, name(found.component))).collect()
}

pub(crate) fn record(id: &str, namespace: &str, affected: Vec<Affected>) -> Record {
    Record {
        id: id.to_owned(),
        namespace: namespace.to_owned(),
        source: namespace.split(':').next().unwrap().to_owned(),
        severity: Severity::High,
        summary: format!("summary of {id}"),
        affected,
        ..Record::default()
    }
}

pub(crate) fn with_aliases(mut record: Record, aliases: &[&str]) -> Record {
    record.aliases = aliases.iter().map(|id| (*id).to_owned()).collect();
    record
}

pub(crate) fn with_related(mut record: Record, related: &[&str]) -> Record {
    record.related = related.iter().map(|id| (*id).to_owned()).collect();
    record
}

/// `introduced..fixed`; either may be empty.
pub(crate) fn affected(ecosystem: Ecosystem, name: &str, range: &str) -> Affected {
    let (introduced, fixed) = range.split_once("..").unwrap();
    let end = if fixed.is_empty() { RangeEnd::Open } else { RangeEnd::Fixed(fixed.to_owned()) };
    Affected {
        package: PackageName { ecosystem, name: name.to_owned(), cpe: String::new() },
        ranges: vec![Range { introduced: introduced.to_owned(), introduced_excluded: false, end }],
        state: if fixed.is_empty() { FixState::Unknown } else { FixState::Fixed },
        ..Affected::default()
    }
}

pub(crate) fn in_state(mut affected: Affected, state: FixState) -> Affected {
    affected.state = state;
    affected.ranges.clear();
    affected
}

pub(crate) fn distro(id: &str, release: &str) -> Ecosystem {
    Ecosystem::Distro(id.to_owned(), release.to_owned())
}

/// A claim on a CPE: `vendor:product`.
pub(crate) fn by_cpe(name: &str, range: &str) -> Affected {
    let mut affected = affected(Ecosystem::Cpe, &format!("a:{name}"), range);
    affected.package.cpe = format!("cpe:2.3:a:{name}:*:*:*:*:*:*:*:*");
    affected
}

pub(crate) fn component(kind: PackageType, name: &str, version: &str) -> Component {
    let language = match kind {
        PackageType::Npm => Language::JavaScript,
        PackageType::Python => Language::Python,
        PackageType::JavaArchive => Language::Java,
        PackageType::GoModule => Language::Go,
        _ => Language::Unknown,
    };
    let mut component = Component::new(kind, language, name, version);
    component.locations = vec![at("/some/file")];
    component
}

pub(crate) fn at(path: &str) -> Location {
    Location { path: path.to_owned(), access_path: path.to_owned(), primary: true, ..Location::default() }
}

pub(crate) fn from_source(mut component: Component, name: &str, version: Option<&str>) -> Component {
    component.upstreams.push(Upstream { name: name.to_owned(), version: version.map(str::to_owned) });
    component
}

pub(crate) fn with_cpe(mut component: Component, vendor_product: &str) -> Component {
    let name = format!("cpe:2.3:a:{vendor_product}:{}:*:*:*:*:*:*:*", component.version);
    component.cpes.push(sbom::Cpe { name, source: sbom::CpeSource::Generated });
    component
}

pub(crate) fn document(distro: &str, components: Vec<Component>) -> Document {
    let (id, version) = distro.split_once(':').unwrap_or((distro, ""));
    let distro =
        (!id.is_empty()).then(|| Distro { id: id.to_owned(), version_id: version.to_owned(), ..Distro::default() });
    Document { distro, components, ..Document::default() }
}

pub(crate) fn owns(document: &mut Document, owner: u32, owned: u32) {
    document.relationships.push(Relationship {
        kind: RelationshipKind::OwnershipByFileOverlap,
        from: ComponentIndex(owner),
        to: ComponentIndex(owned),
    });
}
