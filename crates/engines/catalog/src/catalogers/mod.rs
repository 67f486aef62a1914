//! One file for each cataloger; this list is all that knows them.

mod apk;
mod cargo_auditable;
mod cargo_lock;
mod dpkg;
mod executable;
mod go_binary;
mod go_mod;
mod go_module;
mod os;
mod rpm;

use crate::Cataloger;

/// Every cataloger, in the order in which their components win over equal ones.
pub static ALL: &[&dyn Cataloger] = &[
    &dpkg::DpkgDatabase,
    &apk::ApkDatabase,
    &rpm::RpmDatabase,
    &go_binary::GoBinary,
    &go_mod::GoMod,
    &cargo_auditable::CargoAuditable,
    &cargo_lock::CargoLock,
];
