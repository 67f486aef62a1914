//! An HTTP listener for the servers of this house: limits on everything that a client can make it spend.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use listener::{Listener, Options};
//!
//! let listener = Listener::bind(Options::new("127.0.0.1:0".parse()?)).await?;
//! println!("{}", listener.address());
//! listener.serve(axum::Router::new(), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Listener`] accepts connections, with [`Tls`] or without; each request passes the limits of [`Limits`] and is counted
//! in [`Metrics`]. Plain HTTP is refused outside loopback unless asked for.

mod accept;
mod limit;
mod metrics;
mod tls;

pub use accept::{BindError, Listener, Options};
pub use limit::Limits;
pub use metrics::Metrics;
pub use tls::{ClientCertificates, Tls, TlsError};
