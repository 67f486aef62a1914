//! What a component's purl, CPEs and metadata say that the document does not say in so many words.

use crate::record::Record;
use crate::{Component, Cpe, CpeSource, Language, PackageType, Upstream, ecosystem};
use purl::PackageUrl;
use serde::Deserialize;

/// Fills in kind, language, name, version, CPEs, source packages and owned files where they are missing
/// (Syft `format/internal/backfill.go`, Grype `pkg/package.go`).
pub(crate) fn complete(component: &mut Component) {
    let purl: Option<PackageUrl> = component.purl.parse().ok();
    if let Some(purl) = &purl {
        from_purl(component, purl);
    }
    if component.kind == PackageType::Unknown
        && let Some(cpe) = component.cpes.first().and_then(|cpe| cpe.name.parse::<purl::cpe::Cpe>().ok())
        && let Some(software) = cpe.target_sw.text()
    {
        component.kind = ecosystem::kind_of_target_software(&software);
    }
    if component.upstreams.is_empty() {
        component.upstreams = upstreams(component, purl.as_ref());
    }
    if component.owned_files.is_empty() {
        component.owned_files = owned_files(&Record::of(component));
    }
}

fn from_purl(component: &mut Component, purl: &PackageUrl) {
    if component.kind == PackageType::Unknown {
        component.kind = ecosystem::kind_of_purl(purl);
    }
    if component.language == Language::Unknown {
        component.language = ecosystem::language_of_purl(purl.kind());
    }
    if component.name.is_empty() {
        component.name = ecosystem::name_of_purl(purl);
    }
    if component.version.is_empty() {
        purl.version().clone_into(&mut component.version);
    }
    if component.kind == PackageType::Rpm
        && let Some(epoch) = purl.qualifier_value("epoch")
        && !has_epoch(&component.version)
    {
        component.version = format!("{epoch}:{}", component.version);
    }
    for name in purl.qualifier_value("cpes").unwrap_or_default().split(',') {
        let cpe = Cpe { name: name.to_owned(), source: CpeSource::Declared };
        if name.parse::<purl::cpe::Cpe>().is_ok() && !component.cpes.contains(&cpe) {
            component.cpes.push(cpe);
        }
    }
}

fn has_epoch(version: &str) -> bool {
    version.split_once(':').is_some_and(|(epoch, _)| !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()))
}

fn upstreams(component: &Component, purl: Option<&PackageUrl>) -> Vec<Upstream> {
    let record = Record::of(component);
    let named = |name: &str, version: &str| {
        let version = Some(version.to_owned()).filter(|version| !version.is_empty());
        if name.is_empty() { vec![] } else { vec![Upstream { name: name.to_owned(), version }] }
    };
    match record.kind {
        "dpkg-db-entry" | "dpkg-archive-entry" => return named(&record.text("source"), &record.text("sourceVersion")),
        "apk-db-entry" => return named(&record.text("originPackage"), ""),
        "rpm-db-entry" | "rpm-archive" => return source_rpm(&component.name, &record.text("sourceRpm")),
        _ => {}
    }
    let Some(purl) = purl else { return Vec::new() };
    let stated = purl.qualifier_value("upstream").unwrap_or_default();
    if component.kind == PackageType::Rpm {
        return source_rpm(&component.name, stated);
    }
    match stated.split_once('@') {
        Some((_, version)) if version.contains('@') => Vec::new(),
        Some((name, _)) if name == purl.name() => Vec::new(),
        Some((name, version)) => named(name, version),
        None if stated == purl.name() => Vec::new(),
        None => named(stated, ""),
    }
}

/// `name-version-release.arch.rpm`; nothing where the source package has the package's own name.
fn source_rpm(package: &str, file: &str) -> Vec<Upstream> {
    let parts = || {
        let stem = file.strip_suffix(".rpm")?;
        let (stem, _arch) = stem.rsplit_once('.')?;
        let (stem, release) = stem.rsplit_once('-')?;
        let (name, version) = stem.rsplit_once('-')?;
        Some((name, format!("{version}-{release}")))
    };
    match parts() {
        Some((name, version)) if name != package => vec![Upstream { name: name.to_owned(), version: Some(version) }],
        _ => Vec::new(),
    }
}

fn owned_files(record: &Record<'_>) -> Vec<String> {
    #[derive(Deserialize)]
    struct Owned {
        #[serde(default)]
        path: String,
    }
    match record.kind {
        "alpm-db-entry" | "apk-db-entry" | "dpkg-db-entry" | "dpkg-archive-entry" | "portage-db-entry"
        | "rpm-archive" | "rpm-db-entry" => {
            let files: Vec<Owned> = record.get("files").unwrap_or_default();
            files.into_iter().map(|file| file.path).filter(|path| path.starts_with('/')).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    fn check(mut component: Component, expected: &[(&str, Option<&str>)]) {
        complete(&mut component);
        let found: Vec<_> = component.upstreams.iter().map(|up| (up.name.as_str(), up.version.as_deref())).collect();
        assert_eq!(found, expected, "{component:?}");
    }

    fn with(purl: &str, metadata: Option<(&'static str, &str)>) -> Component {
        let metadata = metadata.map(|(kind, json)| Metadata { kind: kind.into(), json: json.to_owned() });
        Component { purl: purl.to_owned(), metadata, ..Component::default() }
    }

    #[test]
    fn source_packages_come_from_metadata_then_purl() {
        check(with("pkg:deb/debian/libc6@2.36?upstream=glibc", None), &[("glibc", None)]);
        check(with("pkg:deb/debian/perl-base@5.36?upstream=perl%405.36-1", None), &[("perl", Some("5.36-1"))]);
        check(with("pkg:deb/debian/bash@5.2?upstream=bash%405.1", None), &[]);
        let dpkg = Some(("dpkg-db-entry", r#"{"source":"glibc","sourceVersion":"2.36-9"}"#));
        check(with("pkg:deb/debian/libc6@2.36?upstream=other", dpkg), &[("glibc", Some("2.36-9"))]);
        check(
            with("pkg:rpm/rhel/openssl-libs@3.0.7-1?upstream=openssl-3.0.7-1.el9.src.rpm", None),
            &[("openssl", Some("3.0.7-1.el9"))],
        );
        check(with("pkg:rpm/rhel/bash@5.1?upstream=bash-5.1-1.src.rpm", None), &[]);
    }

    #[test]
    fn a_bare_purl_is_a_whole_component() {
        let mut component = with("pkg:npm/%40angular/core@1.2.3", None);
        complete(&mut component);
        assert_eq!((component.name.as_str(), component.version.as_str()), ("@angular/core", "1.2.3"));
        assert_eq!((component.kind, component.language), (PackageType::Npm, Language::JavaScript));

        let mut component = with("pkg:rpm/rhel/dbus@1.12.20-8.el9?arch=x86_64&epoch=1", None);
        complete(&mut component);
        assert_eq!((component.name.as_str(), component.version.as_str()), ("dbus", "1:1.12.20-8.el9"));
    }
}
