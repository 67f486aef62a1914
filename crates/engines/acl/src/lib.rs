//! Policies: what a token may do (OpenBao 2.7, internal/vault/policy).
//!
//! ```
//! use acl::{Access, Acl, Namespace, Policy};
//! use logical::{Map, Operation};
//!
//! let root = Namespace::root();
//! let now = jiff::Timestamp::UNIX_EPOCH;
//! let policy = Policy::parse("app", &root, r#"path "secret/data/app/*" { capabilities = ["read"] }"#, now)?;
//! let acl = Acl::new([&policy], &root, now)?;
//! let data = Map::new();
//! let read = Access { operation: Operation::Read, namespace: "", path: "secret/data/app/db", data: &data, wrap_ttl: None };
//! assert!(acl.allow(&read).is_ok());
//! assert!(acl.allow(&Access { operation: Operation::Delete, ..read }).is_err());
//! assert_eq!(acl.capabilities("", "secret/data/app/db"), ["read"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Policy`] is parsed once. One that has templates is resolved for an [`Identity`] before it goes into an [`Acl`], which
//! answers for all policies of a token. Rules for one pattern are joined, and deny wins; of several patterns that match a
//! path only the one of highest priority counts. Asking allocates nothing for rules without parameters in the root namespace.
//!
//! Reading order: `capability`, `policy`, `parse`, `quote`, `template`, `permissions`, `table`, `compiled`, `resultant`, `builtin`,
//! `filter`.

mod builtin;
mod capability;
mod compiled;
mod control_group;
mod filter;
mod parse;
mod permissions;
mod policy;
mod quote;
mod resultant;
mod table;
mod template;

pub use builtin::{DEFAULT, DEFAULT_TEXT, IMMUTABLE, NON_ASSIGNABLE, RESPONSE_WRAPPING, RESPONSE_WRAPPING_TEXT, ROOT};
pub use capability::{Capabilities, Capability};
pub use compiled::{Access, Acl, Allowed, CompileError, Denied};
pub use control_group::{ControlGroup, Factor};
pub use filter::{FilterError, KeyFilter};
pub use parse::ParseError;
pub use permissions::{Grant, Permissions, Source};
pub use policy::{Namespace, Policy, Rule};
pub use template::{Alias, Group, Identity, Substitutions};
