//! HCL 1 (hashicorp/hcl 1.0.1-vault-7, as OpenBao 2.7 uses it) and its JSON form: policies and configuration files.
//!
//! ```
//! let file = hcl1::parse(r#"
//!     ui = true
//!     listener "tcp" { address = "127.0.0.1:8200" }
//! "#)?;
//! assert_eq!(file.body().boolean("ui")?, Some(true));
//! let listeners = file.body().blocks("listener")?;
//! assert_eq!(listeners[0].labels, ["tcp"]);
//! assert_eq!(listeners[0].body.text("address")?.as_deref(), Some("127.0.0.1:8200"));
//! # Ok::<(), hcl1::Error>(())
//! ```
//!
//! A [`Document`] is the ordered syntax tree with positions: an item has one key or several (`path "x" { }`), and may come
//! again. [`Body`] reads fields out of it with the peer's rules: names in any case, lists that come twice are joined,
//! numbers are texts where a text is wanted. Text that starts with `{` is JSON. `${}` stays as it is written.
//!
//! JSON must be JSON: the peer passes over what follows the document, and loses booleans in lists. Bytes, depth and items
//! are bounded by [`Limits`]. Reading order: `syntax`, `scan`, `parse`, `json`, `body`.

mod body;
mod json;
mod parse;
mod scan;
mod syntax;

pub use body::{Block, Body, parse_integer};
pub use parse::{Limits, parse, parse_within};
pub use syntax::{Document, Error, Item, Key, Kind, Position, Value};
