//! Addresses and networks.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// An address, or a network in CIDR notation.
///
/// IPv4 addresses that come dressed as IPv6 (`::ffff:10.0.0.1`) are the IPv4 addresses that they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Net {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is neither address nor network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an address nor a network")]
pub struct NotNet;

impl Net {
    /// The network of the given prefix length around `address`; `None` if the prefix is too long for it.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let full = bits(address);
        if prefix > full {
            return None;
        }
        let (address, prefix) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if prefix >= 96 => (v4, prefix - 96),
            _ => (address, prefix),
        };
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4((v4.to_bits() & mask).into())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6((v6.to_bits() & mask).into())
            }
        };
        Some(Self { address, prefix })
    }

    /// The first address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits: 0 to 32, or to 128.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The address, if it is a single one.
    #[must_use]
    pub fn single(self) -> Option<IpAddr> {
        (self.prefix == bits(self.address)).then_some(self.address)
    }

    /// True if `address` lies in it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let (first, last) = self.bounds();
        (first..=last).contains(&key(address))
    }

    /// [`key`]s of its first and last address.
    #[must_use]
    pub fn bounds(self) -> ([u8; 16], [u8; 16]) {
        let first = u128::from_be_bytes(key(self.address));
        let host = u128::MAX.checked_shr(u32::from(self.prefix) + 128 - u32::from(bits(self.address))).unwrap_or(0);
        (first.to_be_bytes(), (first | host).to_be_bytes())
    }
}

/// An address as 16 bytes that sort like addresses, IPv4 as `::ffff:0:0/96`.
#[must_use]
pub fn key(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// Whether a word is an IPv6 or hardware address rather than `field:value`.
pub(crate) fn is_colon_address(word: &str) -> bool {
    let groups = || word.split(':');
    word.parse::<Ipv6Addr>().is_ok()
        || (groups().count() == 6 && groups().all(|g| g.len() == 2 && g.bytes().all(|b| b.is_ascii_hexdigit())))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Net {
    type Err = NotNet;

    fn from_str(text: &str) -> Result<Self, NotNet> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().map_err(|_| NotNet)?;
        let prefix = match prefix {
            None => bits(address),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| NotNet)?,
            Some(_) => return Err(NotNet),
        };
        Self::new(address, prefix).ok_or(NotNet)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(address) => write!(f, "{address}"),
            None => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_lies_in_them() {
        for (net, address, inside) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.1.2.3/8", "10.255.255.255", true),
            ("10.1.2.3/8", "11.0.0.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
        ] {
            let (net, address): (Net, IpAddr) = (net.parse().unwrap(), address.parse().unwrap());
            assert_eq!(net.contains(address), inside, "{net} {address}");
            assert_eq!(net.to_string().parse(), Ok(net));
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/+8", "10.0.0.1/256", "::1/129", "ten/8", "10.0.0.0/8/8"]
        {
            assert_eq!(text.parse::<Net>(), Err(NotNet), "{text}");
        }
    }
}
