//! NuGet packages, as Syft 1.57 finds them (`syft/pkg/cataloger/dotnet`).

mod assembly;
mod deps;
mod packages_lock;
mod pairing;
mod runtime;

pub(super) use packages_lock::PackagesLock;
pub(super) use pairing::DotnetDeps;

use sbom::{Component, Language, PackageType};

/// More edges than the largest applications have.
const MAX_EDGES: usize = 1 << 20;

/// A NuGet package, without a record.
fn component(name: &str, version: &str) -> Component {
    let mut component = Component::new(PackageType::Dotnet, Language::Dotnet, name, version);
    component.purl = purl::PackageUrl::new("nuget", name).version(version).to_string();
    component
}
