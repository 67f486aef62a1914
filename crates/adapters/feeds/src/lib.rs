//! The publishers' advisory feeds, from HTTPS or a folder, and the database file.

pub mod database_file;

pub use database_file::DatabaseFile;
