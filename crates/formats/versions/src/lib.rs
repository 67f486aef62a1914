//! Version ordering of every package ecosystem, and the ranges that advisories are written in.
//!
//! ```
//! use std::cmp::Ordering;
//! use versions::{Scheme, compare, constraint::Constraint};
//!
//! assert_eq!(compare(Scheme::Deb, "1.0~rc1-1", "1.0-1"), Ordering::Less);
//! assert_eq!(compare(Scheme::Semver, "1.10.0", "1.9.0"), Ordering::Greater);
//!
//! let constraint = Constraint::parse(Scheme::Maven, ">= 2.0, < 2.15.0 || = 2.16-rc1")?;
//! assert!(constraint.satisfied("2.14.1"));
//! # Ok::<(), versions::range::RangeError>(())
//! ```
//!
//! Three questions, three functions:
//!
//! - [`compare`] puts any two texts in order. It is a total order for every scheme: reflexive, antisymmetric, transitive,
//!   never a panic, whatever the text. Sort and search by it. What does not fit the scheme has a place all the same;
//!   each module says which.
//! - [`relate`] says how an installed version stands to a bound of an advisory; by it matches are decided. Where it
//!   differs from [`compare`] it is no order (a missing epoch equals every epoch): never sort by it.
//! - [`parse_check`] says whether a text fits the scheme.
//!
//! Numbers have no limit of length. Nothing here allocates except errors and parsed ranges; all is linear in the length
//! of the texts. Spaces around a version do not count.

pub mod constraint;
pub mod range;

mod scheme;

mod apk;
mod deb;
mod dotted;
mod evr;
mod gem;
mod generic;
mod golang;
mod jvm;
mod maven;
mod packagist;
mod pacman;
mod pep440;
mod portage;
mod rpm;
mod scan;
mod semver;
#[cfg(test)]
mod testing;

use std::cmp::Ordering;

pub use scheme::Scheme;

/// A text that does not fit the scheme of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} is not a {scheme} version: {reason}")]
pub struct VersionError {
    /// The scheme that it was read by.
    pub scheme: Scheme,
    /// The version, cut after 100 characters.
    pub version: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What to take for the epoch of a version that has none, where the other side has one.
///
/// Grype's `missing-epoch-strategy`. It matters for [`Scheme::Rpm`], [`Scheme::Pacman`] and [`Scheme::Deb`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MissingEpoch {
    /// 0, as the package managers do.
    Zero,
    /// The other side's. For Deb only an installed version gets the bound's epoch, as in Grype.
    Auto,
}

impl MissingEpoch {
    /// Grype's default: [`Auto`](Self::Auto) for rpm and pacman, [`Zero`](Self::Zero) for all else.
    #[must_use]
    pub fn default_for(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Rpm | Scheme::Pacman => Self::Auto,
            _ => Self::Zero,
        }
    }
}

/// Puts two versions in order: a total order for any two texts.
#[must_use]
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes().trim_ascii(), b.as_bytes().trim_ascii());
    match scheme {
        Scheme::Apk => apk::compare(a, b),
        Scheme::Bitnami => semver::compare_bitnami(a, b),
        Scheme::Cran => dotted::compare(a, b, b".-"),
        Scheme::Deb => deb::compare(a, b),
        Scheme::Gem => gem::compare(a, b),
        Scheme::Generic => generic::compare(a, b),
        Scheme::Go => golang::compare(a, b),
        Scheme::Hackage => dotted::compare(a, b, b"."),
        Scheme::Jvm => jvm::compare(a, b),
        Scheme::Kb => a.cmp(b),
        Scheme::Maven => maven::compare(a, b),
        Scheme::NuGet => semver::compare_nuget(a, b),
        Scheme::Packagist => packagist::compare(a, b),
        Scheme::Pacman => pacman::compare(a, b),
        Scheme::Pep440 => pep440::compare(a, b),
        Scheme::Portage => portage::compare(a, b),
        Scheme::Pub => semver::compare_pub(a, b),
        Scheme::Rpm => rpm::compare(a, b),
        Scheme::Semver => semver::compare(a, b),
    }
}

/// How an installed version stands to a bound of an advisory, as the package manager or Grype 0.121 decides it.
///
/// Differs from [`compare`] in: epochs (see [`MissingEpoch`]); PEP 440 local parts, which have no weight unless the
/// bound has one; Maven, whose own relation it is (not transitive where zeros come before a word) and where `.jreNN` and
/// `.jdkNN` have no weight; zeros at the end of rpm and Packagist versions, which have none; [`Scheme::Generic`], which
/// is compared as semantic versions where both look so, else part by part; [`Scheme::Kb`], which is equal or greater.
#[must_use]
pub fn relate(scheme: Scheme, installed: &str, bound: &str, missing_epoch: MissingEpoch) -> Ordering {
    let (a, b) = (installed.as_bytes().trim_ascii(), bound.as_bytes().trim_ascii());
    match scheme {
        Scheme::Deb => deb::relate(a, b, missing_epoch),
        Scheme::Generic => generic::relate(a, b),
        Scheme::Kb if a != b => Ordering::Greater,
        Scheme::Maven => maven::relate(a, b),
        Scheme::Packagist => packagist::relate(a, b),
        Scheme::Pacman => pacman::relate(a, b, missing_epoch),
        Scheme::Pep440 => pep440::relate(a, b),
        Scheme::Rpm => rpm::relate(a, b, missing_epoch),
        _ => compare(scheme, installed, bound),
    }
}

/// Says whether a text fits its scheme.
///
/// # Errors
/// Says what does not fit. [`compare`] and [`relate`] work all the same, but an answer about such a version is a guess.
pub fn parse_check(scheme: Scheme, version: &str) -> Result<(), VersionError> {
    let text = version.as_bytes().trim_ascii();
    let checked = match scheme {
        // Ruby takes an empty version for 0.
        Scheme::Gem => gem::check(text),
        _ if text.is_empty() => Err("it is empty"),
        Scheme::Apk => apk::check(text),
        Scheme::Bitnami | Scheme::NuGet | Scheme::Pub | Scheme::Semver => semver::check(text),
        Scheme::Cran => dotted::check(text, b".-"),
        Scheme::Deb => deb::check(text),
        Scheme::Generic | Scheme::Kb | Scheme::Maven | Scheme::Packagist => Ok(()),
        Scheme::Go => golang::check(text),
        Scheme::Hackage => dotted::check(text, b"."),
        Scheme::Jvm => jvm::check(text),
        Scheme::Pacman | Scheme::Rpm => evr::check(text),
        Scheme::Pep440 => pep440::check(text),
        Scheme::Portage => portage::check(text),
    };
    checked.map_err(|reason| VersionError { scheme, version: version.chars().take(100).collect(), reason })
}
