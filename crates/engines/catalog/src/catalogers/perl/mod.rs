//! Perl: the distributions of CPAN, as Syft 1.57 finds them (`syft/pkg/cataloger/perl`).

mod installed;
mod merge;
mod meta;
mod perllocal;
mod release;

pub(super) use installed::CpanInstalled;
pub(super) use release::CpanMeta;

use purl::PackageUrl;
use sbom::{Component, Language, PackageType};

/// A distribution, without licences and record.
fn package(name: &str, version: &str, author: &str) -> Component {
    let mut component = Component::new(PackageType::Cpan, Language::Perl, name, version);
    component.purl = package_url(name, version, author);
    component
}

fn package_url(name: &str, version: &str, author: &str) -> String {
    PackageUrl::new("cpan", name).version(version).qualifier("author", author).to_string()
}
