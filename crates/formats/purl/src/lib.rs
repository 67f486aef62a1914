//! Package URLs and CPE names, and nothing else: no I/O, no clock.
//!
//! ```
//! use purl::PackageUrl;
//!
//! let made = PackageUrl::new("deb", "bash").namespace("debian").version("1:5.2").qualifier("arch", "amd64");
//! assert_eq!(made.to_string(), "pkg:deb/debian/bash@1%3A5.2?arch=amd64");
//!
//! let read: PackageUrl = "pkg:deb/debian/bash@1:5.2?arch=amd64".parse()?;
//! assert_eq!(read.namespace(), "debian");
//! assert_eq!(read.version(), "1:5.2");
//! # Ok::<(), purl::ParseError>(())
//! ```
//!
//! Reading order: `package_url` is the value, its builder and its printing; `parse` reads text; `rules` holds what each
//! package type asks for; `percent` is the escaping below them. [`cpe`] is a world of its own.

pub mod cpe;
mod package_url;
mod parse;
mod percent;
mod rules;

pub use package_url::{Builder, PackageUrl};
pub use parse::{MAX_LENGTH_BYTES, ParseError};
