//! A stream of files to the components they hold.
//!
//! The work has two stages, so that a layer's facts can be cached and shared by every image built on it:
//!
//! 1. **Extract**, once for each layer: every file passes by once ([`LayerScanner`]); a file that a
//!    [`Cataloger`] wants is given to it and becomes an [`Extraction`], small and independent of other files.
//! 2. **Assemble**, once for each image: the layers are squashed to a [`View`], and each cataloger turns what
//!    is still visible into components.
//!
//! Adding a cataloger is one file in `catalogers/` and one line in [`catalogers::ALL`].

pub mod assemble;
mod calendar;
pub mod cataloger;
pub mod catalogers;
pub mod cpe;
pub mod distro;
mod distro_files;
pub mod facts;
pub mod glob;
mod hash;
pub mod layer;
mod maven;
pub mod plan;
mod rpmdb;
mod tree;

pub use assemble::{AssembleOptions, FileSelection, Scope, assemble};
pub use cataloger::{Assembly, Cataloger, Extraction, File, Found, ParseError, UsedFor, View, Want};
pub use facts::LayerFacts;
pub use hash::FileDigests;
pub use layer::{Budget, LayerOptions, LayerScanner, Links, scan_tar};
pub use plan::Plan;
