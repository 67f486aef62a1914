//! The publishers' advisory feeds, from HTTPS or a folder.
//!
//! ```no_run
//! # fn main() -> Result<(), feeds::FeedError> {
//! let config = feeds::Config::default();
//! let mut records = 0;
//! let report = feeds::read_folder("advisories".as_ref(), &config, &mut |item| {
//!     if let feeds::FeedItem::Record(record) = item {
//!         records += record.affected.len();
//!     }
//! })?;
//! for (name, source) in &report.sources {
//!     println!("{name}: {} records, {}", source.records, source.licence);
//! }
//! # Ok(())
//! # }
//! ```

mod config;
mod error;
mod fetch;
mod folder;
mod format;
mod open;
mod parse;
mod report;
mod source;
mod update;

pub use config::{Config, Limits, SourceConfig};
pub use error::FeedError;
pub use folder::{read_folder, sha256};
pub use format::FeedItem;
pub use report::{FileReport, Report, SourceReport};
pub use source::{Incremental, SOURCES, Source, WOLFI_LAST_FREE_DAY};
pub use update::{Fetched, Outcome, Watch, check, download, is_newer, update};
