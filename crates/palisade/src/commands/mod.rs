//! One file a command.

pub(crate) mod authority;
pub(crate) mod catalogers;
pub(crate) mod convert;
pub(crate) mod db;
pub(crate) mod install_names;
pub(crate) mod manual;
pub(crate) mod sbom;
pub(crate) mod scan;
pub(crate) mod ship;
