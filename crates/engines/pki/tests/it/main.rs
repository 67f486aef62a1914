//! The engine over a storage in memory; what it makes is judged by `openssl` where that is there.

#[cfg(test)]
mod acme;
#[cfg(test)]
mod issuing;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod revoking;
