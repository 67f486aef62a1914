//! Vendors and products of the ecosystems with a rule or two.

use super::candidates::{Candidates, Derive};
use super::record::{Dotnet, Gem, Npm, PortableExecutable, Python, Record, Rpm, WordpressPlugin};
use regex::Regex;
use std::sync::LazyLock;

/// Addresses of projects whose vendor has another name than the host.
const VENDORS_BY_URL: [(&str, &str); 9] = [
    ("https://www.gnu.org/", "gnu"),
    ("https://developer.gnome.org/", "gnome"),
    ("https://www.ruby-lang.org/", "ruby-lang"),
    ("https://llvm.org/", "llvm"),
    ("https://www.isc.org/", "isc"),
    ("https://musl.libc.org/", "musl-libc"),
    ("https://www.mozilla.org/", "mozilla"),
    ("https://www.x.org/", "x.org"),
    ("https://w1.fi/", "w1.fi"),
];

/// The product of every Terraform provider; the provider itself is the target software.
const TERRAFORM_PRODUCT: &str = "terraform_provider";

/// The vendor that an address of a project tells: a known one, or the owner on GitHub or GitLab.
pub(super) fn vendors_of_url(url: &str) -> Candidates {
    let known = VENDORS_BY_URL.iter().find(|(prefix, _)| url.starts_with(prefix)).map(|(_, vendor)| *vendor);
    let mut vendors = Candidates::default();
    if let Some(vendor) = known.or_else(|| owner_of_repository(url)) {
        vendors.add_with(vendor, Derive::Nothing);
    }
    vendors
}

fn owner_of_repository(url: &str) -> Option<&str> {
    let strip = |url, prefixes: [&str; 3]| prefixes.into_iter().find_map(|prefix| str::strip_prefix(url, prefix));
    let rest = strip(url, ["https://", "http://", "git://"])?;
    let rest = rest.strip_prefix("github.com/").or_else(|| rest.strip_prefix("gitlab.com/"))?;
    let (owner, path) = rest.split_once('/')?;
    let is_word = owner.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (is_word && !path.contains('\n')).then_some(owner)
}

/// A person's or organisation's name as a vendor is spelled.
pub(super) fn person_name(name: &str) -> String {
    let name = name.to_lowercase().trim().replace(['-', ' ', '.'], "_");
    name.strip_prefix("the_").map(str::to_owned).unwrap_or(name)
}

fn without_mail_host(address: &str) -> &str {
    address.split('@').next().unwrap_or(address)
}

pub(super) fn npm_vendors(npm: &Npm) -> Candidates {
    let mut vendors = vendors_of_url(&npm.url);
    vendors.merge(vendors_of_url(&npm.homepage));
    vendors
}

pub(super) fn gem_vendors(gem: &Gem) -> Candidates {
    let mut vendors = vendors_of_url(&gem.homepage);
    for author in &gem.authors {
        vendors.add_with(&person_name(without_mail_host(author)), Derive::Delimiters);
    }
    vendors
}

pub(super) fn python_vendors(python: &Python) -> Candidates {
    let mut vendors = Candidates::default();
    let mut add = |name: String, derive: Derive| {
        vendors.add_with(&name, derive);
        if !name.ends_with("project") {
            vendors.add_with(&format!("{name}project"), Derive::Nothing);
            vendors.add_with(&format!("{name}_project"), Derive::Nothing);
        }
    };
    if !python.author.is_empty() {
        add(person_name(&python.author), Derive::Nothing);
    }
    if !python.author_email.is_empty() {
        add(person_name(without_mail_host(&python.author_email)), Derive::Delimiters);
    }
    vendors
}

pub(super) fn rpm_vendors(rpm: &Rpm) -> Candidates {
    let mut vendors = Candidates::default();
    let vendor = without_trailing_url(&rpm.vendor);
    if !vendor.is_empty() {
        let name = vendor.split(',').next().unwrap_or(vendor);
        vendors.add_with(&name.to_lowercase().trim().replace(' ', ""), Derive::Delimiters);
    }
    vendors
}

/// `SUSE LLC <https://www.suse.com/>` without its address.
fn without_trailing_url(vendor: &str) -> &str {
    let name = vendor.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')).and_then(|(name, url)| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next()?;
        (!host.is_empty() && !host.contains(' ')).then(|| name.trim())
    });
    name.unwrap_or(vendor)
}

/// How .NET names are spelled in CPEs.
fn dotnet_name(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.trim();
    name.strip_suffix(".dll").unwrap_or(name).replace(['-', ' ', '.'], "_")
}

pub(super) fn dotnet_products(record: &Record) -> Candidates {
    let mut products = Candidates::default();
    let mut add = |name: &str| {
        if !name.is_empty() {
            products.add_with(&dotnet_name(name), Derive::Nothing);
            if !name.ends_with("_.net") {
                products.add_with(&format!("{}_.net", dotnet_name(name)), Derive::Nothing);
            }
        }
    };
    match record {
        Record::Dotnet(Dotnet { name, executables }) => {
            add(name);
            executables.values().for_each(|executable| add(&executable.product_name));
        }
        Record::DotnetExecutable(executable) => add(&executable.product_name),
        _ => {}
    }
    products
}

pub(super) fn dotnet_vendors(record: &Record) -> Candidates {
    let mut vendors = Candidates::default();
    let mut add = |name: &str| {
        if !name.is_empty() {
            vendors.add_with(&dotnet_name(name), Derive::Nothing);
        }
    };
    match record {
        Record::Dotnet(Dotnet { name, executables }) => {
            add(name);
            executables.values().for_each(|executable| add(&executable.company_name));
        }
        Record::DotnetExecutable(executable) => add(&executable.company_name),
        _ => {}
    }
    vendors
}

/// The last value of a version resource, in lower case; empty when there is none.
fn resource(file: &PortableExecutable, key: &str) -> String {
    let value = file.version_resources.iter().rev().find(|pair| pair.key.eq_ignore_ascii_case(key));
    value.map(|pair| pair.value.to_lowercase()).unwrap_or_default()
}

pub(super) fn portable_executable_vendors(file: &PortableExecutable) -> Candidates {
    let (product, description) = (resource(file, "ProductName"), resource(file, "FileDescription"));
    let company = resource(file, "CompanyName");
    let mut vendors = Candidates::default();
    if product.contains("ghostscript") || description.contains("ghostscript") || company.contains("artifex") {
        vendors.add("artifex");
    }
    if product == "git" || description == "git setup" || company == "the git development community" {
        vendors.add_all(&["git_for_windows_project", "gitforwindows"]);
    }
    vendors
}

pub(super) fn portable_executable_products(file: &PortableExecutable) -> Candidates {
    let (product, description) = (resource(file, "ProductName"), resource(file, "FileDescription"));
    let mut products = Candidates::default();
    if product.contains("ghostscript") || description.contains("ghostscript") {
        products.add("ghostscript");
    }
    if product == "git" || description == "git setup" {
        products.add_all(&["git_for_windows", "git"]);
    }
    products
}

fn wordpress_name(name: &str) -> String {
    name.to_lowercase().trim().replace(' ', "_")
}

pub(super) fn wordpress_products(name: &str, plugin: &WordpressPlugin) -> Candidates {
    let mut products = Candidates::of(&wordpress_name(name));
    products.add(&wordpress_name(&plugin.plugin_install_directory));
    products
}

pub(super) fn wordpress_vendors(name: &str, plugin: &WordpressPlugin) -> Candidates {
    static HOST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^https?://(www.)?(.+)\.[0-9A-Za-z_]/?").ok());
    let mut vendors = Candidates::default();
    if !plugin.author.is_empty() {
        vendors.add(&plugin.author.to_lowercase());
    }
    let host = HOST.as_ref().and_then(|host| host.captures(&plugin.author_uri)).and_then(|captures| captures.get(2));
    if let Some(host) = host {
        vendors.add(&host.as_str().to_lowercase());
    }
    if vendors.is_empty() {
        vendors.add(&format!("{}_project", wordpress_name(name)));
    }
    vendors
}

/// Namespace and type of a provider: the last two parts of `registry.terraform.io/NAMESPACE/TYPE`.
pub(super) fn terraform_provider(name: &str) -> Option<(&str, &str)> {
    let (rest, provider) = name.rsplit_once('/')?;
    let (_, namespace) = rest.rsplit_once('/')?;
    Some((namespace, provider))
}

pub(super) fn terraform_vendors(name: &str) -> Candidates {
    terraform_provider(name).map(|(namespace, _)| Candidates::of(namespace)).unwrap_or_default()
}

pub(super) fn terraform_products(name: &str) -> Candidates {
    let mut products = Candidates::default();
    if terraform_provider(name).is_some_and(|(_, provider)| !provider.is_empty()) {
        products.add_with(TERRAFORM_PRODUCT, Derive::Nothing);
    }
    products
}
