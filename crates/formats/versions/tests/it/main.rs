//! Properties of every scheme, and the cases of other scanners' test data.

mod order_files;
mod properties;
mod range_files;
