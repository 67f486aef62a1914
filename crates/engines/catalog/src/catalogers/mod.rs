//! One file for each cataloger; this list is all that knows them.

mod apk;
mod dpkg;
mod os;

use crate::Cataloger;

/// Every cataloger, in the order in which their components win over equal ones.
pub static ALL: &[&dyn Cataloger] = &[
    &dpkg::DpkgDatabase,
    &apk::ApkDatabase,
];
