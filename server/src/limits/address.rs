//! Whose an address is, as far as limits can tell.

use std::net::{IpAddr, Ipv4Addr};

/// Where a request comes from: an address of IPv4, or a /64 of IPv6, since a host has all of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4(Ipv4Addr),
    V6(u64),
}

impl Network {
    /// Of this peer.
    pub(crate) fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// A /48 of IPv6: what a site has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block(u64);

impl Block {
    pub(super) fn around(network: Network) -> Option<Self> {
        match network {
            Network::V4(_) => None,
            Network::V6(prefix) => Some(Self(prefix >> 16)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn a_host_has_one_address_of_ipv4_or_a_64_of_ipv6_and_a_site_a_48() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let block = |text| Block::around(of(text));
        assert_eq!(block("2001:db8:1:2::1"), block("2001:db8:1:3::1"));
        assert_ne!(block("2001:db8:1:2::1"), block("2001:db8:2:2::1"));
        assert_eq!(block("192.0.2.1"), None);
    }
}
