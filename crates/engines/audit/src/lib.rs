//! The audit log (OpenBao 2.7, internal/audit): who asked for what, and what was answered.
//!
//! An [`Entry`] is a request or a response. A [`Formatter`] writes it as a line of JSON with the peer's fields, in which
//! strings are HMACs with the [`Salt`] of the device. A [`Chain`] adds a number and a hash over the line before, and
//! [`verify`] finds what was removed, changed or put elsewhere. A [`Broker`] has the [`Device`]s: it is content when one
//! of them has written, and does not wait for one that is blocked while another works.
//!
//! ```
//! use audit::{Chain, Entry, Expected, Formatter, Options, Request, Salt, verify};
//!
//! let formatter = Formatter::new(Salt::new(b"of the device"), Options::default());
//! let request = Request { path: "secret/data/a", operation: "read", ..Request::default() };
//! let line = formatter.line(&Entry::request(jiff::Timestamp::UNIX_EPOCH, request));
//! let (chained, _next) = Chain::default().seal(&line);
//! assert_eq!(verify(chained.as_slice(), Expected::default())?.lines, 1);
//! # Ok::<(), audit::Broken>(())
//! ```
//!
//! Reading order: `entry`, `salt`, `format`, `mask`, `options`, `chain`, `verify`, `broker`.

mod broker;
mod chain;
mod entry;
mod format;
mod mask;
mod options;
mod salt;
mod verify;

pub use broker::{Broker, Completion, Device, DeviceError, DeviceState, Health, LogError, Timer};
pub use chain::{Chain, Hash, ParseHashError};
pub use entry::{Auth, Entry, GrantingPolicy, Kind, Namespace, PolicyResults, RawBody, Request, Response, WrapInfo};
pub use format::Formatter;
pub use options::{Options, OptionsError};
pub use salt::Salt;
pub use verify::{Broken, Expected, Reason, Summary, verify};
