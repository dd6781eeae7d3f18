//! Addresses that send: one, or a network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses from a first to a last, of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pool {
    is_ip4: bool,
    first: u128,
    last: u128,
    text: String,
}

impl FromStr for Pool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected an address or a network, as 192.0.2.7 or 192.0.2.0/28";
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| EXPECTED.to_owned())?;
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => bits,
            Some(length) => length.parse().ok().filter(|&length| length <= bits).ok_or_else(|| EXPECTED.to_owned())?,
        };
        let (first, last) = ends(address, length);
        if number(address) != first {
            return Err(format!("the network begins at {}/{length}", address_of(address.is_ipv4(), first)));
        }
        Ok(Self { is_ip4: address.is_ipv4(), first, last, text: text.to_owned() })
    }
}

impl Pool {
    /// As it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// How many addresses it has; at most 2^128 − 1 is said.
    pub(super) fn size(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// The addresses in turn.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        (self.first..=self.last).map(|number| address_of(self.is_ip4, number))
    }

    /// Cuts the pool where networks begin and end, into pieces that each lie in a network as a whole or not at all. None when there are
    /// more than `most`.
    pub(super) fn pieces(&self, networks: &[(IpAddr, u8)], most: usize) -> Option<Vec<(IpAddr, IpAddr)>> {
        let mut starts = vec![self.first];
        for (address, length) in networks {
            // A network of IPv4 may be written as one of IPv6 (RFC 4291 §2.5.5.2); a larger one of IPv6 holds no clients of IPv4.
            let (address, length) = match (address.to_canonical(), length.checked_sub(96)) {
                (canonical, Some(length)) if canonical != *address => (canonical, length),
                _ => (*address, *length),
            };
            if address.is_ipv4() != self.is_ip4 {
                continue;
            }
            let (first, last) = ends(address, length.into());
            starts.extend([Some(first), last.checked_add(1)].into_iter().flatten());
        }
        starts.retain(|start| (self.first..=self.last).contains(start));
        starts.sort_unstable();
        starts.dedup();
        if starts.len() > most {
            return None;
        }
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([self.last]);
        let address = |number| address_of(self.is_ip4, number);
        Some(starts.iter().zip(ends).map(|(start, end)| (address(*start), address(end))).collect())
    }
}

/// The first and the last address of a network.
fn ends(address: IpAddr, length: u32) -> (u128, u128) {
    let bits = if address.is_ipv4() { 32_u32 } else { 128 };
    let all = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
    let below = all.checked_shr(length).unwrap_or(0);
    (number(address) & !below, number(address) | below)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn address_of(is_ip4: bool, number: u128) -> IpAddr {
    if is_ip4 {
        // Numbers of IPv4 are made of 32 bits.
        Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into()
    } else {
        Ipv6Addr::from_bits(number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(text: &str) -> Pool {
        text.parse().unwrap()
    }

    #[test]
    fn networks_and_addresses() {
        assert_eq!(pool("192.0.2.7").addresses().map(|address| address.to_string()).collect::<Vec<_>>(), ["192.0.2.7"]);
        assert_eq!((pool("192.0.2.0/28").size(), pool("::/0").size(), pool("0.0.0.0/0").size()), (16, u128::MAX, 1 << 32));
        assert_eq!(pool("2001:db8::/126").addresses().last().unwrap().to_string(), "2001:db8::3");
        for wrong in ["", "example.com", "192.0.2.0/33", "192.0.2.0/", "192.0.2.1/24", "::/129"] {
            assert!(wrong.parse::<Pool>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pieces_lie_in_networks_as_a_whole() {
        let pieces = |pool: &Pool, networks: &[&str]| {
            let networks: Vec<(IpAddr, u8)> = networks
                .iter()
                .map(|text| {
                    text.split_once('/').map(|(address, length)| (address.parse().unwrap(), length.parse().unwrap())).unwrap()
                })
                .collect();
            let pieces = pool.pieces(&networks, 4)?;
            Some(pieces.iter().map(|(first, last)| format!("{first}-{last}")).collect::<Vec<_>>().join(" "))
        };
        let net = pool("192.0.2.0/24");
        assert_eq!(pieces(&net, &[]).as_deref(), Some("192.0.2.0-192.0.2.255"));
        assert_eq!(pieces(&net, &["192.0.0.0/8", "2001:db8::/32"]).as_deref(), Some("192.0.2.0-192.0.2.255"));
        assert_eq!(pieces(&net, &["192.0.2.0/25"]).as_deref(), Some("192.0.2.0-192.0.2.127 192.0.2.128-192.0.2.255"));
        let three = "192.0.2.0-192.0.2.6 192.0.2.7-192.0.2.7 192.0.2.8-192.0.2.255";
        assert_eq!(pieces(&net, &["192.0.2.7/32"]).as_deref(), Some(three));
        assert_eq!(pieces(&net, &["::ffff:192.0.2.7/128", "::ffff:0:0/90"]).as_deref(), Some(three));
        assert_eq!(pieces(&net, &["192.0.2.7/32", "192.0.2.77/32"]), None);
        assert_eq!(pieces(&pool("::/0"), &["ffff::/16"]).map(|text| text.split(' ').count()), Some(2));
    }
}
