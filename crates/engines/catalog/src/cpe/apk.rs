//! Vendors and products of Alpine packages: from the name that the software has upstream.

use super::candidates::Candidates;
use super::ecosystems::vendors_of_url;
use super::known;
use super::record::Apk;
use regex::Regex;
use sbom::PackageType;
use std::sync::LazyLock;

/// Beginnings of names that tell the ecosystem.
const PREFIXES: [(&str, PackageType); 2] = [("py-", PackageType::Python), ("ruby-", PackageType::Gem)];

pub(super) fn vendors(apk: &Apk) -> Candidates {
    let mut vendors = Candidates::default();
    if let Some((kind, name)) = upstream(&apk.package) {
        add_vendor(&mut vendors, kind, &name);
        if kind == PackageType::Python && !name.ends_with("project") {
            add_vendor(&mut vendors, kind, &format!("{name}project"));
            add_vendor(&mut vendors, kind, &format!("{name}_project"));
        }
    }
    vendors.merge(vendors_of_url(&apk.url));
    vendors
}

fn add_vendor(vendors: &mut Candidates, kind: PackageType, name: &str) {
    vendors.add(name);
    vendors.add_all(known::added(kind, name).vendors);
    known::removed(kind, name).vendors.iter().for_each(|vendor| vendors.remove(vendor));
}

pub(super) fn products(apk: &Apk) -> Candidates {
    let mut products = Candidates::default();
    if let Some((kind, name)) = upstream(&apk.package) {
        products.add(&name);
        products.add_all(known::added(kind, &name).products);
        known::removed(kind, &name).products.iter().for_each(|product| products.remove(product));
    }
    products
}

/// The ecosystem and the name there. A version in the name is taken out: `postgresql15-client` is `postgresql-client`,
/// `py3.11-pip` is `py-pip` and so `pip` of Python.
fn upstream(package: &str) -> Option<(PackageType, String)> {
    static VERSIONED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^([a-zA-Z][0-9A-Za-z_-]*?)(-?[0-9][0-9.]*?)($|-([a-zA-Z][0-9A-Za-z_-]*?)?)$").ok()
    });
    let captures = VERSIONED.as_ref().and_then(|versioned| versioned.captures(package));
    let name = captures.map_or_else(
        || package.to_owned(),
        |captures| {
            let group = |at: usize| captures.get(at).map_or("", |part| part.as_str());
            match (group(1), group(4)) {
                (stream, "") => stream.to_owned(),
                (stream, part) => format!("{stream}-{part}"),
            }
        },
    );
    let language = PREFIXES.iter().find_map(|(prefix, kind)| Some((*kind, name.strip_prefix(prefix)?.to_owned())));
    language
        .filter(|(_, name)| !name.is_empty())
        .or(Some((PackageType::Apk, name)))
        .filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(package: &str, kind: PackageType, name: &str) {
        assert_eq!(upstream(package), Some((kind, name.to_owned())), "{package}");
    }

    #[test]
    fn upstream_names() {
        check("bash", PackageType::Apk, "bash");
        check("postgresql15-client", PackageType::Apk, "postgresql-client");
        check("py3.11-pip", PackageType::Python, "pip");
        check("py3-pip", PackageType::Python, "pip");
        check("ruby3.2-rexml", PackageType::Gem, "rexml");
        check("ruby-3.2", PackageType::Apk, "ruby");
        check("openjdk-11-jre", PackageType::Apk, "openjdk-jre");
        check("py-", PackageType::Apk, "py-");
        assert_eq!(upstream(""), None);
    }
}
