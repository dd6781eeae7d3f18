//! Addresses of clients: in which networks they lie, and by what they are counted.

use std::net::{IpAddr, Ipv6Addr};

use xd_config::Network;

/// Whether an address lies in one of the ranges.
pub(super) fn any_contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// What a client is counted by: its address, or the /64 that an IPv6 host may choose addresses from freely.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
