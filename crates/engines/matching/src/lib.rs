//! Components and advisories to findings, in the words of Grype 0.121.2.
//!
//! ```
//! use matching::database::{Builder, Database};
//! use matching::options::Options;
//!
//! let mut file = Vec::new();
//! Builder::new("2026-01-02T03:04:05Z").finish(&mut file)?;
//! let database = Database::open(&file)?;
//! let options = Options::new(jiff::civil::date(2026, 1, 2));
//! let findings = matching::find(&database, &sbom::Document::default(), &options)?;
//! assert!(findings.matches.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order: [`database`] is the file of advisories; [`find`] the way from a document to [`finding::Findings`],
//! by the settings of [`options`]; `matchers` says which claims are asked for, by the kind of package, and `fold` what
//! counts once; [`ignore`] and [`vex`] set findings aside, never in silence; [`report`] is what users see, [`why`] the
//! way to a finding; [`search`] looks into the file itself. [`distro`], [`ecosystem`] and [`order`] hold the names of releases and ecosystems and their
//! orders.

pub mod database;
pub mod distro;
pub mod ecosystem;
pub mod finding;
pub mod ignore;
pub mod options;
pub mod order;
pub mod report;
pub mod search;
pub mod vex;
pub mod why;

mod cpe;
mod facts;
mod find;
mod fold;
mod glob;
mod matchers;
mod subject;

pub use find::{MatchError, find};
