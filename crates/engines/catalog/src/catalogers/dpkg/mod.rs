//! Debian packages: the databases of dpkg and opkg, and package files.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/debian`).

mod archive;
mod copyright;
mod database;
mod files;
mod record;
mod status;

pub(crate) use archive::DebArchive;
pub(crate) use database::DpkgDatabase;
