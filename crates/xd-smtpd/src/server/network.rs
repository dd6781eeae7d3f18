//! Networks: ranges of addresses, as settings name them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address.
///
/// An IPv4 address inside of IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
///
/// # Example: is a client one of ours?
/// ```
/// use xd_smtpd::server::Network;
///
/// let ours: Network = "192.0.2.0/24".parse().unwrap();
/// assert!(ours.contains("192.0.2.77".parse().unwrap()));
/// assert!(ours.contains("::ffff:192.0.2.77".parse().unwrap()));
/// assert!("192.0.2.1/24".parse::<Network>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum NetworkError {
    /// It does not begin with an address.
    #[error("a network begins with an IPv4 or IPv6 address")]
    Address,
    /// The number behind the slash is none, or larger than the address.
    #[error("behind the slash stands how many bits are fixed: at most 32 for IPv4, 128 for IPv6")]
    Bits,
    /// The address has bits that are not fixed: most likely a slip of the pen.
    #[error("bits behind the fixed ones must be zero")]
    Host,
}

impl Network {
    /// Whether an address lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                mask(network.to_bits().into(), address.to_bits().into(), 32 - self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => mask(network.to_bits(), address.to_bits(), 128 - self.bits),
            _ => false,
        }
    }
}

/// Whether two addresses are the same but for so many bits at their end.
fn mask(network: u128, address: u128, free: u8) -> bool {
    (network ^ address).checked_shr(free.into()).unwrap_or(0) == 0
}

/// Whether an address lies in one of the ranges.
#[must_use]
pub fn any_contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// What a client is counted by: its address, or the /64 that an IPv6 host may choose addresses from freely.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => widest,
            Some(bits) => bits.parse().ok().filter(|&bits| bits <= widest).ok_or(NetworkError::Bits)?,
        };
        let (value, free) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32 - bits),
            IpAddr::V6(address) => (address.to_bits(), 128 - bits),
        };
        let zeros = value == 0 || value.trailing_zeros() >= u32::from(free);
        if zeros { Ok(Self { address, bits }) } else { Err(NetworkError::Host) }
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
    fn edges_of_ranges() {
        for (network, inside, outside) in [
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn slips_are_told() {
        for (text, error) in [
            ("", NetworkError::Address),
            ("x/8", NetworkError::Address),
            ("10.0.0.0/33", NetworkError::Bits),
            ("10.0.0.0/", NetworkError::Bits),
            ("10.0.0.1/8", NetworkError::Host),
            ("2001:db8::1/64", NetworkError::Host),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}
