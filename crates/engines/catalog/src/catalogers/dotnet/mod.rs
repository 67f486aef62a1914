//! NuGet packages, as Syft 1.57 finds them (`syft/pkg/cataloger/dotnet`).

mod deps;
mod packages_lock;
mod runtime;

pub(super) use deps::DotnetDeps;
pub(super) use packages_lock::PackagesLock;

use sbom::{Component, Language, PackageType};

/// More edges than the largest applications have.
const MAX_EDGES: usize = 1 << 20;

/// A NuGet package, without a record.
fn component(name: &str, version: &str) -> Component {
    let mut component = Component::new(PackageType::Dotnet, Language::Dotnet, name, version);
    component.purl = purl::PackageUrl::new("nuget", name).version(version).to_string();
    component
}
