//! The whole corpus, and fetching from a server of this machine.

mod corpus;
