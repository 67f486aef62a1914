//! The stores against the model.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod cluster;
mod crash;
mod model;
mod postgres;
mod tls;
