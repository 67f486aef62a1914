//! The engine over a storage in memory; what it makes is judged by `openssl` where that is there.

mod issuing;
mod mount;
mod revoking;
