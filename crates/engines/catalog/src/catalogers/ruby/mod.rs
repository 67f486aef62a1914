//! Ruby gems, as Syft 1.57 finds them (`syft/pkg/cataloger/ruby`): what Bundler locked, and gem specifications.

mod gemfile_lock;
mod gemspec;

pub(super) use gemfile_lock::GemfileLock;
pub(super) use gemspec::{GemSpec, InstalledGemSpec};

use sbom::{Component, Language, PackageType};

/// A gem, without a record.
fn component(name: &str, version: &str) -> Component {
    let mut component = Component::new(PackageType::Gem, Language::Ruby, name, version);
    component.purl = purl::PackageUrl::new("gem", name).version(version).to_string();
    component
}
