//! The engine through its public interface: a database made of a few advisories, documents of a few components.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests stop at what they do not expect")]

mod database;
mod distributions;
mod languages;
mod rules;
mod world;
