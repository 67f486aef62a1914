//! The whole corpus, and fetching from a server of this machine.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail and speak as tests do")]

mod corpus;
mod fetch;
mod server;
