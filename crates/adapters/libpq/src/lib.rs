//! Connection strings of PostgreSQL and TLS to it, with the meanings that libpq gives them: what tokio-postgres leaves to others.
//!
//! [`parameters`] takes out of a connection string what the driver does not know, `sslrootcert` and its like. [`Connector`]
//! encrypts connections by a [`Tls`]. How the one becomes the other is for the caller to say: libpq and pgx differ there.

mod parameters;
mod tls;

pub use parameters::{decoded, parameters};
pub use tls::{Connector, Roots, Source, Stream, Tls, ToHost, Verify};
