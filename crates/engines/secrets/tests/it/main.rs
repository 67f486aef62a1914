//! The server in memory, with small backends.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod server;
#[cfg(test)]
mod system;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod wrapping;
