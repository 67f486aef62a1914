//! `pnpm-lock.yaml` of versions 5 to 9. A file may hold several documents: pnpm's own packages, then the project's;
//! all of them are installed.

use super::lock::Locked;
use super::package::component;
use crate::catalogers::dependency::Needs;
use crate::catalogers::yaml;
use crate::{Extraction, ParseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Versioned {
    #[serde(rename = "lockfileVersion", default)]
    version: String,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: Option<BTreeMap<String, Direct>>,
    #[serde(default)]
    packages: Option<BTreeMap<String, Package>>,
    #[serde(default)]
    snapshots: Option<BTreeMap<String, Snapshot>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Direct {
    Version(String),
    Resolved { version: String },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Package {
    resolution: Resolution,
    dependencies: Option<BTreeMap<String, String>>,
    dev: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Snapshot {
    dependencies: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Serialize, Clone, Default)]
#[serde(default)]
struct Resolution {
    integrity: String,
}

#[derive(Serialize, Default)]
struct Record {
    resolution: Resolution,
    /// `null` for none, as the peer writes it.
    dependencies: Option<BTreeMap<String, String>>,
}

/// By name, then version.
type Packages = BTreeMap<(String, String), (Record, bool)>;

/// The packages of a lock file; not those that are only needed for development. Documents that can't be read are
/// reported to `out`.
pub(super) fn parse(text: &str, out: &mut Extraction) -> Result<Vec<Locked>, ParseError> {
    let mut packages = Packages::new();
    let mut established = None;
    for (number, document) in yaml::documents(text).into_iter().enumerate() {
        let version = yaml::parse::<Versioned>(document).ok().and_then(|found| found.version.parse::<f64>().ok());
        let Some(version) = version.or(established) else {
            return Err(ParseError::malformed("no lockfileVersion"));
        };
        established = established.or(Some(version));
        match yaml::parse::<Lock>(document) {
            Ok(lock) if version >= 9.0 => add_v9(lock, &mut packages),
            Ok(lock) => add_before_v9(lock, version, &mut packages),
            Err(error) => out.unknowns.push((String::new(), format!("document {number}: {error}"))),
        }
    }
    let locked = packages.into_iter().filter(|(_, (_, is_dev))| !is_dev).map(|((name, version), (record, _))| {
        let requires = record.dependencies.iter().flatten().map(|(name, _)| name.clone()).collect();
        let component = component(&name, &version, "javascript-pnpm-lock-entry", &record)?;
        Ok((component, Needs { provides: vec![name], requires }))
    });
    locked.collect()
}

fn add_before_v9(lock: Lock, version: f64, packages: &mut Packages) {
    let is_v5 = version < 6.0;
    let plain = |version: &str| if is_v5 { without_v5_peers(version).to_owned() } else { version.to_owned() };
    for (name, direct) in lock.dependencies.unwrap_or_default() {
        let version = match direct {
            Direct::Version(version) => plain(&version),
            Direct::Resolved { version } => plain(without_peers(&version)),
            Direct::Other(_) => continue,
        };
        packages.insert((name, version), (Record::default(), false));
    }
    for (key, package) in lock.packages.unwrap_or_default() {
        let Some((name, version)) = name_and_version(&key, if is_v5 { '/' } else { '@' }) else { continue };
        let dependencies = package.dependencies.unwrap_or_default();
        let dependencies =
            dependencies.into_iter().map(|(name, version)| (name, plain(without_peers(&version)))).collect();
        let record = Record { resolution: package.resolution, dependencies: Some(dependencies) };
        packages.insert((name.to_owned(), plain(version)), (record, package.dev));
    }
}

fn add_v9(lock: Lock, packages: &mut Packages) {
    for (key, package) in lock.packages.unwrap_or_default() {
        if let Some((name, version)) = name_and_version(&key, '@') {
            let record = Record { resolution: package.resolution, dependencies: None };
            packages.insert((name.to_owned(), version.to_owned()), (record, package.dev));
        }
    }
    for (key, snapshot) in lock.snapshots.unwrap_or_default() {
        let Some((name, version)) = name_and_version(&key, '@') else { continue };
        if let Some((record, _)) = packages.get_mut(&(name.to_owned(), version.to_owned())) {
            let dependencies = snapshot.dependencies.unwrap_or_default().into_iter();
            record.dependencies =
                Some(dependencies.map(|(name, version)| (name, without_peers(&version).to_owned())).collect());
        }
    }
}

/// Taken apart: `/is-glob@4.0.3`, `/@babel/runtime/7.16.7`, `@babel/x@7.24.7(@babel/core@7.24.7)`.
fn name_and_version(key: &str, separator: char) -> Option<(&str, &str)> {
    let key = without_peers(key);
    key.strip_prefix('/').unwrap_or(key).rsplit_once(separator)
}

/// Without the peers in parentheses.
fn without_peers(text: &str) -> &str {
    text.split('(').next().unwrap_or(text)
}

/// Version 5 has the peers behind an underscore; links and repositories may have one as well.
fn without_v5_peers(version: &str) -> &str {
    match version.split_once('_') {
        Some((plain, _)) if version.starts_with(|c: char| c.is_ascii_digit()) => plain,
        _ => version,
    }
}
