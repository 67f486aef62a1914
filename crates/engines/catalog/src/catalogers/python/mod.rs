//! Python: what is installed in site-packages, and what requirement and lock files declare.
//!
//! Reading order: `installed` is the cataloger of what is there, from `metadata` and `record`, related by `site`;
//! `declared` is the cataloger of source trees, with a file for each format. `package` is what they share.

mod declared;
mod installed;
mod metadata;
mod package;
mod pdm;
mod pipfile;
mod poetry;
mod record;
mod requirements;
mod setup;
mod site;
mod uv;

pub(crate) use declared::PythonPackage;
pub(crate) use installed::PythonInstalled;
