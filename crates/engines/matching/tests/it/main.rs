//! The engine through its public interface: a database made of a few advisories, documents of a few components.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests stop at what they do not expect and say what was skipped"
)]

mod corpus;
mod database;
mod distributions;
mod languages;
mod reports;
mod rules;
mod world;
