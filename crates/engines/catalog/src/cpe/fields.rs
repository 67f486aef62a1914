//! Which rules guess the vendor, the product and the target software of a package.

use super::candidates::Candidates;
use super::record::Record;
use super::{apk, ecosystems, golang, java, known};
use sbom::{Component, Language, PackageType};

/// Vendors that are known to exist, and win over every other guess.
const CERTAIN_VENDORS: [&str; 1] = ["apache"];

/// The software that the package runs in or under; empty for any.
pub(super) fn target_software(component: &Component) -> String {
    match (component.kind, component.language) {
        (PackageType::WordpressPlugin, _) => "wordpress".to_owned(),
        (PackageType::Rust, _) => "rust".to_owned(),
        (_, Language::Perl) => "perl".to_owned(),
        (PackageType::Terraform, _) => {
            ecosystems::terraform_provider(&component.name).map(|(_, provider)| provider.to_owned()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Guesses for the product.
pub(super) fn products(component: &Component, record: &Record) -> Vec<String> {
    product_set(component, record).into_values()
}

/// Guesses for the vendor. A product's name is often its vendor's too, so the guesses for the product are among them.
pub(super) fn vendors(component: &Component, record: &Record) -> Vec<String> {
    let mut vendors = product_set(component, record);
    match component.language {
        Language::JavaScript if component.name == "node.js" => vendors.add("nodejs"),
        Language::Ruby => vendors.add("ruby-lang"),
        Language::Go => vendors = golang::vendor(&component.name).as_deref().map(Candidates::of).unwrap_or_default(),
        _ => {}
    }
    add_vendors_of_record(&mut vendors, component, record);
    if is_binary_with_number(component) {
        vendors.add_without_trailing_digits();
    }
    remove_wildcards(&mut vendors);
    vendors.add_delimiter_variations();
    if component.language == Language::Rust {
        // After the variations: `_project` is the only form in use.
        vendors.add(&format!("{}_project", component.name));
    }
    vendors.add_beginnings();
    if !vendors.is_empty() {
        vendors.add_all(known::added(component.kind, &component.name).vendors);
    }
    known::removed(component.kind, &component.name).vendors.iter().for_each(|vendor| vendors.remove(vendor));

    let vendors = vendors.into_values();
    match CERTAIN_VENDORS.iter().find(|certain| vendors.iter().any(|vendor| vendor == *certain)) {
        Some(certain) => vec![(*certain).to_owned()],
        None => vendors,
    }
}

fn add_vendors_of_record(vendors: &mut Candidates, component: &Component, record: &Record) {
    match record {
        Record::Dotnet(_) | Record::DotnetExecutable(_) => *vendors = ecosystems::dotnet_vendors(record),
        Record::WordpressPlugin(plugin) => *vendors = ecosystems::wordpress_vendors(&component.name, plugin),
        Record::TerraformProvider => *vendors = ecosystems::terraform_vendors(&component.name),
        Record::Rpm(rpm) => vendors.merge(ecosystems::rpm_vendors(rpm)),
        Record::Gem(gem) => vendors.merge(ecosystems::gem_vendors(gem)),
        Record::Python(python) => vendors.merge(ecosystems::python_vendors(python)),
        Record::Java(java) => vendors.merge(java::vendors(component, java)),
        Record::Apk(apk) => vendors.merge(apk::vendors(apk)),
        Record::Npm(npm) => vendors.merge(ecosystems::npm_vendors(npm)),
        Record::PortableExecutable(file) => vendors.merge(ecosystems::portable_executable_vendors(file)),
        Record::Other => {}
    }
}

fn product_set(component: &Component, record: &Record) -> Candidates {
    let name = component.name.as_str();
    let mut products = Candidates::of(name);
    let (kind, language) = (component.kind, component.language);
    if language == Language::Dotnet || kind == PackageType::Dotnet {
        products = ecosystems::dotnet_products(record);
    } else if language == Language::Python || kind == PackageType::Python {
        if !name.starts_with("python") {
            products.add(&format!("python-{name}"));
        }
    } else if let Record::Java(java) = record {
        products.merge(java::products(component, java));
    } else if language == Language::Java || kind == PackageType::JavaArchive {
        // Nothing but the name is known.
    } else if language == Language::Go || kind == PackageType::GoModule {
        products = golang::product(name).as_deref().map(Candidates::of).unwrap_or_default();
    } else if is_binary_with_number(component) {
        products.add_without_trailing_digits();
    }
    match record {
        Record::Apk(apk) => products.merge(apk::products(apk)),
        Record::PortableExecutable(file) => products.merge(ecosystems::portable_executable_products(file)),
        Record::WordpressPlugin(plugin) => products = ecosystems::wordpress_products(name, plugin),
        Record::TerraformProvider => products = ecosystems::terraform_products(name),
        _ => {}
    }
    remove_wildcards(&mut products);
    products.add_delimiter_variations();
    products.add_all(known::added(kind, name).products);
    known::removed(kind, name).products.iter().for_each(|product| products.remove(product));
    products
}

fn is_binary_with_number(component: &Component) -> bool {
    component.kind == PackageType::Binary && component.name.ends_with(char::is_numeric)
}

/// A guess that matches everything is none.
fn remove_wildcards(candidates: &mut Candidates) {
    candidates.remove("");
    candidates.remove("*");
}
