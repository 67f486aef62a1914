//! Version ordering of every package ecosystem.
