//! The publishers' advisory feeds, from HTTPS or a folder, and the database file.
