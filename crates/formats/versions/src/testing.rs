//! The checks that the modules' tables run.

use std::cmp::Ordering;

use crate::{MissingEpoch, Scheme, compare, parse_check, relate};

/// Each version is less than all after it.
pub(crate) fn check_chain(scheme: Scheme, versions: &[&str]) {
    for (at, a) in versions.iter().enumerate() {
        for (other, b) in versions.iter().enumerate() {
            assert_eq!(compare(scheme, a, b), at.cmp(&other), "{scheme}: {a} against {b}");
        }
    }
}

/// All are equal.
pub(crate) fn check_equal(scheme: Scheme, versions: &[&str]) {
    for a in versions {
        for b in versions {
            assert_eq!(compare(scheme, a, b), Ordering::Equal, "{scheme}: {a} against {b}");
        }
    }
}

/// (installed, bound, relation)
pub(crate) fn check_relation(scheme: Scheme, missing: MissingEpoch, cases: &[(&str, &str, Ordering)]) {
    for (installed, bound, expected) in cases {
        assert_eq!(relate(scheme, installed, bound, missing), *expected, "{scheme}: {installed} against {bound}");
    }
}

pub(crate) fn check_form(scheme: Scheme, good: &[&str], bad: &[&str]) {
    for version in good {
        assert_eq!(parse_check(scheme, version), Ok(()), "{version}");
    }
    for version in bad {
        assert!(parse_check(scheme, version).is_err(), "{scheme}: {version} must not fit");
    }
}
