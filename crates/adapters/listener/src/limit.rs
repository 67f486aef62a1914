//! What one client, and all together, may use.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Clients whose rate is remembered.
const MAX_CLIENTS: usize = 65_536;

/// Limits of a listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Time for the head of a request, and for a TLS handshake.
    pub head_time: Duration,
    /// Time for a whole request, with its answer's head.
    pub request_time: Duration,
    /// Requests a second of one client, on average; none is no limit.
    pub client_rate: Option<u32>,
    /// Requests of one client at once, on top of the rate.
    pub client_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            body_bytes: 8 * 1024 * 1024,
            head_time: Duration::from_secs(10),
            request_time: Duration::from_secs(60),
            client_rate: Some(1000),
            client_burst: 4000,
        }
    }
}

/// Token buckets by client.
#[derive(Debug)]
pub(crate) struct Rates {
    rate: Option<f64>,
    burst: f64,
    clients: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: limits.client_rate.map(f64::from),
            burst: f64::from(limits.client_burst.max(1)),
            clients: Mutex::default(),
        }
    }

    /// Whether a client may ask once more.
    pub(crate) fn admit(&self, client: IpAddr, now: Instant) -> bool {
        let Some(rate) = self.rate else { return true };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS {
            // Whoever has a full bucket again needs no memory; if nobody has, all begin anew.
            let full = |(tokens, last): &mut (f64, Instant)| {
                *tokens + now.saturating_duration_since(*last).as_secs_f64() * rate < self.burst
            };
            clients.retain(|_, bucket| full(bucket));
            if clients.len() >= MAX_CLIENTS {
                clients.clear();
            }
        }
        let (tokens, last) = clients.entry(network(client)).or_insert((self.burst, now));
        *tokens = (*tokens + now.saturating_duration_since(*last).as_secs_f64() * rate).min(self.burst);
        *last = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}

/// Who counts as one client: an address of version 4, or a network of 64 bits of version 6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_asks_too_often_waits() {
        let rates = Rates::new(&Limits { client_rate: Some(10), client_burst: 2, ..Limits::default() });
        let start = Instant::now();
        let (one, other): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let neighbour = "2001:db8::2".parse().unwrap();
        assert!(rates.admit(one, start) && rates.admit(neighbour, start));
        assert!(!rates.admit(one, start) && rates.admit(other, start));
        assert!(rates.admit(one, start + Duration::from_millis(101)));
        assert!(!rates.admit(one, start + Duration::from_millis(102)));
    }
}
