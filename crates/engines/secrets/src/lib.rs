//! The secrets server after unsealing, without HTTP: everything between a client's request and a backend's answer
//! (OpenBao 2.7, internal/vault).
//!
//! A [`Core`] stands on the whole barrier as [`logical::Storage`]. [`Core::handle`] finds the namespace, the mount and the
//! token of a [`CoreRequest`], checks what its policies allow, records it, routes it, registers leases and tokens, wraps, and
//! records the [`CoreResponse`] before it is given out. What can't be checked or recorded is not done.
//!
//! Leases and tokens are rows; none is held in memory. [`Core::tick`] ends what is due. What needs the barrier or the
//! process is an [`Operator`]; audit devices are behind [`Audit`].
//!
//! Reading order: `settings`, `request`, `response`, `core`, `router`, `route`, `pipeline`, `finish`, `login`, `access`, `token`,
//! `lease`, `wrapping`, `identity`, `sys`.

mod access;
mod answer;
mod call;
mod config;
mod core;
mod cubbyhole;
mod figures;
mod finish;
mod identity;
mod lease;
mod lockout;
mod login;
mod mount;
mod namespace;
mod password;
mod pipeline;
mod prefix;
mod quota;
mod request;
mod response;
mod route;
mod router;
mod settings;
mod sys;
mod token;
mod ttl;
mod wrapping;

pub use config::Cors;
pub use core::Core;
pub use figures::{Destination, Figures, MountCount};
pub use request::CoreRequest;
pub use response::{CoreResponse, TokenAuth, WrapInfo};
pub use settings::{Audit, AuditDevice, AuditRecord, Factory, Operator, Settings};
