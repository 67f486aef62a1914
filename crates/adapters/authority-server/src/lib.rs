//! A whole Sigstore in one process: Fulcio, Rekor 1 and 2, a log of certificates, timestamps, TUF, from one folder.
//!
//! ```no_run
//! use authority_server::Local;
//!
//! let local = Local::open("/home/ann/.local/share/palisade/authority".as_ref())?;
//! let token = local.mint("ann@host.example")?;
//! assert!(local.trusted_root().tlogs.len() >= 2 && local.url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), authority_server::LocalError>(())
//! ```
//!
//! Reading order: [`Folder`] is an authority on disk, `held` reaches keys that are not; `runtime` is one with its keys loaded; [`Server`] serves it and
//! follows changes of the folder; [`Local`] does so within another program. Routes are in `fulcio`, `trust` and `issuer`;
//! `jwks` fetches the keys of other issuers, `certificates` logs certificates, `repository` publishes TUF's documents, and
//! `shelf` is where they are kept and what several nodes share. [`check`] and [`backup`] are for
//! an authority that is not being served.

mod backup;
mod certificates;
mod check;
mod folder;
mod fulcio;
mod held;
mod issuer;
mod jwks;
mod local;
mod repository;
mod runtime;
mod serve;
mod shelf;
mod trust;

pub use backup::{BackupError, backup};
pub use certificates::LogCertificateError;
pub use check::{CheckError, Checked, check, sizes};
pub use folder::{Folder, FolderError, LOCAL_URL, Plan};
pub use held::{HeldError, HeldKey};
pub use jwks::KeysError;
pub use local::{Local, LocalError};
pub use runtime::StartError;
pub use serve::{ServeError, ServeOptions, Server};
pub use shelf::SharedError;
