//! The engine over a storage in memory; its certificates are judged by `ssh-keygen` where that is there.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod passwords;
