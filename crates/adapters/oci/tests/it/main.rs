//! Real archives and a real registry, and servers that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod archives;
mod misbehaving;
mod referrers;
mod registry;
mod samples;
mod server;
