//! The functions of sprig 3.3 that give the same answer everywhere, and those that read the clock.
//!
//! Not there: keys, certificates, passwords and random values, which have no place in a report.

mod cases;
mod casts;
mod dates;
mod dicts;
mod encodings;
mod lists;
mod numbers;
mod paths;
mod regexes;
mod semver;
mod strings;
mod urls;
mod values;
mod wrap;

use crate::function::Function;
use crate::value::Value;

pub(crate) use dates::{CLOCK as DATES, time_method};

/// The tables of hermetic functions.
pub(crate) const TABLES: &[&[Function]] = &[
    strings::ALL,
    cases::ALL,
    wrap::ALL,
    encodings::ALL,
    numbers::ALL,
    values::ALL,
    lists::ALL,
    dicts::ALL,
    dates::ALL,
    paths::ALL,
    regexes::ALL,
    semver::ALL,
    urls::ALL,
];

/// What a function gives.
type Made = Result<Value, String>;

/// What Go says where a nil is used as if it were something.
const NIL_USED: &str = "runtime error: invalid memory address or nil pointer dereference";
