//! Who made and who supplies a package, from its metadata
//! (Syft `format/internal/spdxutil/helpers/originator_supplier.go`).

use crate::record::{KeyValue, Record, find};
use crate::{Component, CpeSource, Document};
use purl::PackageUrl;
use serde::Deserialize;

/// A person or an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) kind: PartyKind,
    /// May be empty where `email` is not.
    pub(crate) name: String,
    /// May be empty.
    pub(crate) email: String,
}

/// What a party is; SPDX asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartyKind {
    Person,
    Organization,
}

impl PartyKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Organization => "Organization",
        }
    }
}

impl Party {
    /// A name to show: the address where there is nothing else.
    pub(crate) fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// Reads `name <address> (home page)`, every part optional. Unlike the peer, any address with an `@` is taken. `None` for
    /// what has brackets in other places, or is empty.
    fn parse(kind: PartyKind, text: &str) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (rest, page) = enclosed(&text, '(', ')');
        let (name, mut email) = enclosed(rest, '<', '>');
        let mut name = name;
        if !is_address(email) {
            email = "";
        }
        if email.is_empty() && is_address(page) {
            email = page;
        } else if email.is_empty() && is_address(name) {
            (name, email) = ("", name);
        }
        let odd = |part: &str| part.contains(['<', '>', '(', ')']);
        if odd(name) || odd(email) || (name.is_empty() && email.is_empty()) {
            return None;
        }
        Some(Self { kind, name: name.to_owned(), email: email.to_owned() })
    }
}

/// Splits off what stands in brackets at the end; both parts trimmed.
fn enclosed(text: &str, open: char, close: char) -> (&str, &str) {
    let text = text.trim();
    let split = text.strip_suffix(close).and_then(|text| text.rsplit_once(open));
    split.map_or((text, ""), |(before, inner)| (before.trim(), inner.trim()))
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !text.contains(' '))
}

/// From whom the package originally came.
pub(crate) fn originator(record: &Record<'_>) -> Option<Party> {
    use PartyKind::{Organization, Person};
    let (kind, text) = match record.kind {
        "apk-db-entry" | "dpkg-db-entry" | "dpkg-archive-entry" => (Person, record.text("maintainer").into_owned()),
        "bitnami-sbom-entry" => (Organization, "Bitnami".to_owned()),
        "dotnet-portable-executable-entry" => (Organization, record.text("companyName").into_owned()),
        "pe-binary" => (Organization, company(record)),
        "github-actions-use-statement" => (Organization, action_owner(&record.text("value"))),
        "java-archive" => (Organization, vendor(record)),
        "java-jvm-installation" => (Organization, implementor(record)),
        "linux-kernel-module" | "javascript-npm-package" => (Person, record.text("author").into_owned()),
        "php-composer-lock-entry" | "php-composer-installed-entry" => (Person, first_author(record)),
        "r-description" => {
            let maintainer = record.text("maintainer");
            (Person, if maintainer.is_empty() { record.text("author") } else { maintainer }.into_owned())
        }
        "python-package" | "swiplpack-package" => (Person, joined(&record.text("author"), &record.text("authorEmail"))),
        "ruby-gemspec" => (Person, first(record.get("authors"))),
        "rpm-db-entry" | "rpm-archive" => (Organization, record.text("vendor").into_owned()),
        "wordpress-plugin-entry" => (Organization, record.text("author").into_owned()),
        "vcpkg-manifest" => (Person, first(record.get("maintainers"))),
        _ => return None,
    };
    Party::parse(kind, &text)
}

/// Who distributes it: the packager where one is named, otherwise the originator.
pub(crate) fn supplier(record: &Record<'_>) -> Option<Party> {
    let packager = match record.kind {
        "alpm-db-entry" => record.text("packager").into_owned(),
        "swiplpack-package" => joined(&record.text("packager"), &record.text("packagerEmail")),
        _ => String::new(),
    };
    Party::parse(PartyKind::Person, &packager).or_else(|| originator(record))
}

/// Who supplies a component: by its metadata, else the supplier given for the whole source, else the
/// distribution that built it, the owner of its namespace, or the vendor that its CPE names. Unlike the peer, who stops
/// after the second.
pub(crate) fn supplier_of(component: &Component, record: &Record<'_>, document: &Document) -> Option<Party> {
    let organization = |name: &str| Party::parse(PartyKind::Organization, name);
    supplier(record)
        .or_else(|| organization(&document.source.supplier))
        .or_else(|| organization(&distributor(component, document)?))
        .or_else(|| organization(&vendor_of_cpe(component)?))
}

/// Whoever owns the namespace of the purl: a distribution, an npm scope, a Maven group, the host path of a Go module.
fn distributor(component: &Component, document: &Document) -> Option<String> {
    let purl: PackageUrl = component.purl.parse().ok()?;
    let namespace = purl.namespace();
    match purl.kind() {
        "alpm" | "apk" | "deb" | "rpm" => {
            let distro = document.distro.as_ref().filter(|distro| distro.id == namespace && !distro.name.is_empty());
            Some(distro.map_or(namespace, |distro| &distro.name).to_owned())
        }
        "composer" => Some(namespace.to_owned()),
        // A domain: anything else is a guess from a file's name, or the language's own.
        "golang" | "maven" | "swift" => Some(namespace).filter(|name| name.contains('.')).map(str::to_owned),
        "npm" => Some(namespace.trim_start_matches('@').to_owned()),
        _ => None,
    }
}

/// Only CPEs that somebody vouches for; generated ones are guesses.
fn vendor_of_cpe(component: &Component) -> Option<String> {
    let stated = component.cpes.iter().find(|cpe| cpe.source != CpeSource::Generated)?;
    let cpe: purl::cpe::Cpe = stated.name.parse().ok()?;
    cpe.vendor.text().map(|vendor| vendor.into_owned())
}

fn joined(name: &str, email: &str) -> String {
    match email.trim() {
        "" => name.to_owned(),
        email => format!("{name} ({email})"),
    }
}

fn first(list: Option<Vec<String>>) -> String {
    list.unwrap_or_default().into_iter().next().unwrap_or_default()
}

fn company(record: &Record<'_>) -> String {
    let resources: Vec<KeyValue> = record.get("VersionResources").unwrap_or_default();
    find(&resources, "CompanyName").unwrap_or_default().to_owned()
}

fn action_owner(statement: &str) -> String {
    match statement.split('/').next().unwrap_or_default() {
        "actions" => "GitHub".to_owned(),
        owner => owner.to_owned(),
    }
}

fn vendor(record: &Record<'_>) -> String {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(default)]
        main: Option<Vec<KeyValue>>,
    }
    let main = record.get::<Manifest>("manifest").and_then(|manifest| manifest.main).unwrap_or_default();
    let named = |key| find(&main, key).filter(|value| !value.is_empty());
    named("Specification-Vendor").or_else(|| named("Implementation-Vendor")).unwrap_or_default().to_owned()
}

fn implementor(record: &Record<'_>) -> String {
    #[derive(Deserialize)]
    struct Release {
        #[serde(default)]
        implementor: String,
    }
    record.get::<Release>("release").map(|release| release.implementor).unwrap_or_default()
}

fn first_author(record: &Record<'_>) -> String {
    #[derive(Deserialize)]
    struct Author {
        #[serde(default)]
        name: String,
        #[serde(default)]
        email: String,
    }
    let authors: Vec<Author> = record.get("authors").unwrap_or_default();
    authors.first().map(|author| joined(&author.name, &author.email)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        let party = Party::parse(PartyKind::Person, text);
        assert_eq!(party.as_ref().map(|party| (party.name.as_str(), party.email.as_str())), expected, "{text:?}");
    }

    #[test]
    fn people() {
        check("", None);
        check("A. Person", Some(("A. Person", "")));
        check("A. Person <a@b.example>", Some(("A. Person", "a@b.example")));
        check("Team <team@lists.b.example>", Some(("Team", "team@lists.b.example")));
        check("A <a@b.example> (https://b.example)", Some(("A", "a@b.example")));
        check("A (a@b.example)", Some(("A", "a@b.example")));
        check("a@b.example", Some(("", "a@b.example")));
        check("A (https://b.example)", Some(("A", "")));
        check("A\n  B", Some(("A B", "")));
        check("A (x) B (y)", None);
    }

    fn check_of(kind: &'static str, json: &str, expected: Option<(PartyKind, &str)>) {
        let metadata = Some(Metadata { kind: kind.into(), json: json.to_owned() });
        let component = Component { metadata, ..Component::default() };
        let party = supplier(&Record::of(&component));
        assert_eq!(party.as_ref().map(|party| (party.kind, party.shown())), expected);
    }

    #[test]
    fn metadata() {
        use PartyKind::{Organization, Person};
        check_of("rpm-db-entry", r#"{"vendor":"Rocky"}"#, Some((Organization, "Rocky")));
        check_of("alpm-db-entry", r#"{"packager":"P <p@b.example>"}"#, Some((Person, "P")));
        let java = r#"{"manifest":{"main":[{"key":"Implementation-Vendor","value":"Org"}]}}"#;
        check_of("java-archive", java, Some((Organization, "Org")));
        check_of("java-archive", "{}", None);
        check_of("python-package", r#"{"author":"A","authorEmail":"a@b.example"}"#, Some((Person, "A")));
        check_of("binary-signature", r#"{"author":"A"}"#, None);
        check_of("dpkg-db-entry", "not json", None);
    }
}
