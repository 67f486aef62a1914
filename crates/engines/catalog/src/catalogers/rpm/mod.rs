//! RPM packages: the database of rpm in its three forms, the manifest of distroless images, and package files.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/redhat`).

mod database;
mod manifest;
mod package;

pub(crate) use database::RpmDatabase;

#[cfg(test)]
mod tests;
