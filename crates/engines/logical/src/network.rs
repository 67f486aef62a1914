use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid CIDR address: {0}")]
pub struct ParseNetworkError(pub String);

impl Network {
    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == self.address
    }

    /// Whether all of another block is in it.
    pub fn covers(&self, other: &Network) -> bool {
        other.bits >= self.bits && masked(other.address, self.bits) == self.address
    }
}

/// The first bits of an address, the others zero.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (address, bits) = text.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let bits: u8 = bits.parse().ok()?;
            let fits = bits <= if address.is_ipv4() { 32 } else { 128 };
            fits.then(|| Self { address: masked(address, bits), bits })
        };
        parse().ok_or_else(|| ParseNetworkError(text.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_addresses_of_their_bits_and_kind() {
        let check = |block: &str, address: &str, inside: bool| {
            let block: Network = block.parse().unwrap();
            assert_eq!(block.contains(address.parse().unwrap()), inside, "{block} {address}");
        };
        check("10.1.0.0/8", "10.200.3.4", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "2001:db8::1", true);
        check("2001:db8::/33", "2001:db8:8000::", false);
        check("1.2.3.4/32", "1.2.3.5", false);
        let covers = |a: &str, b: &str| a.parse::<Network>().unwrap().covers(&b.parse().unwrap());
        assert!(covers("10.0.0.0/8", "10.1.0.0/16") && covers("10.0.0.0/8", "10.0.0.0/8"));
        assert!(!covers("10.1.0.0/16", "10.0.0.0/8") && !covers("10.0.0.0/8", "11.0.0.0/16"));
        assert!(!covers("0.0.0.0/0", "::/0") && !covers("::/0", "1.0.0.0/8"));
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1", "10.0.0.0/8 "] {
            assert_eq!(bad.parse::<Network>(), Err(ParseNetworkError(bad.to_owned())));
        }
        assert_eq!("10.1.2.3/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    }
}
