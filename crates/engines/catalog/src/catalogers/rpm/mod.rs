//! RPM packages: the database of rpm in its three forms, the manifest of distroless images, and package files.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/redhat`).

mod archive;
mod database;
mod manifest;
mod package;

pub(crate) use archive::RpmArchive;
pub(crate) use database::RpmDatabase;

#[cfg(test)]
mod tests;
