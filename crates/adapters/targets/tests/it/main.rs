//! The database engine at real databases.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod faults;
mod mariadb;
mod mount;
mod postgres;
mod server;
