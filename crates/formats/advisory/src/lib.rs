//! Advisory records, and the feeds in which their publishers give them.
//!
//! [`Record`] is the one shape in which the rest of the house knows an advisory. Each other module reads one
//! publisher's format into it; they do no I/O.
//!
//! ```
//! let json = br#"{"id": "GHSA-jfh8-c2jp-5v3q", "affected": [{
//!     "package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
//!     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}"#;
//! let record = advisory::osv::parse(json)?;
//! assert_eq!(record.namespace, "github:language:java");
//! # Ok::<(), advisory::AdvisoryError>(())
//! ```

pub mod record;

mod ecosystem;
mod error;
mod lenient;
mod range;

mod cpe;
mod csaf;
pub mod cvss;

pub mod cve5;
pub mod debian;
pub mod eol;
pub mod epss;
pub mod friendsofphp;
pub mod gitlab;
pub mod kev;
pub mod kubernetes;
pub mod nvd;
pub mod osv;
pub mod oval;
pub mod redhat;
pub mod rubysec;
pub mod secdb;
pub mod vex;
pub mod wolfi;

pub use ecosystem::{debian_release, red_hat_release};
pub use error::{AdvisoryError, MAX_DOCUMENT_BYTES, Rejection, Sink};
pub use record::{
    Affected, Cvss, Ecosystem, FixState, Kev, PackageName, Range, RangeEnd, Record, Reference, Severity, Ssvc,
};
