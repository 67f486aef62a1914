//! Advisory records, and the feeds in which their publishers give them.
//!
//! [`Record`] is the one shape in which the rest of the house knows an advisory. Each other module reads one
//! publisher's format into it; they do no I/O.

pub mod record;

pub use record::{Affected, Cvss, Ecosystem, FixState, Kev, PackageName, Range, RangeEnd, Record, Reference, Severity, Ssvc};
