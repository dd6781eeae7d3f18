//! Networks: addresses, the lengths of their prefixes, and whether they hold a client (RFC 7208 §5.3, §5.6, §12).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::SyntaxError;

/// Lengths of prefixes in bits, for addresses of either kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DualCidr {
    /// At most 32.
    pub ip4: u8,
    /// At most 128.
    pub ip6: u8,
}

/// An address and the length of a prefix: all of it when none is given.
pub(super) fn network<T: FromStr>(text: &str, longest: u8) -> Result<(T, u8), SyntaxError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, cidr_length(length, longest)?),
        None => (text, longest),
    };
    Ok((address.parse().map_err(|_| SyntaxError::Network)?, length))
}

/// RFC 7208 §12: `"0" / %x31-39 0*2DIGIT`, and no longer than the address.
fn cidr_length(digits: &str, longest: u8) -> Result<u8, SyntaxError> {
    let is_number = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let length = if is_number { digits.parse().ok() } else { None };
    length.filter(|&length| length <= longest).ok_or(SyntaxError::CidrLength)
}

impl DualCidr {
    /// Splits lengths off the end, each all of the address when it is not there. A domain may hold slashes itself: those not before
    /// digits at the very end are left to it.
    pub(super) fn at_end_of(text: &str) -> Result<(&str, Self), SyntaxError> {
        let (text, ip6) = match before_digits(text).and_then(|(rest, digits)| rest.strip_suffix("//").map(|rest| (rest, digits)))
        {
            Some((rest, digits)) => (rest, cidr_length(digits, 128)?),
            None => (text, 128),
        };
        let (text, ip4) = match before_digits(text).and_then(|(rest, digits)| rest.strip_suffix('/').map(|rest| (rest, digits))) {
            Some((rest, digits)) => (rest, cidr_length(digits, 32)?),
            None => (text, 32),
        };
        Ok((text, Self { ip4, ip6 }))
    }

    pub(super) fn holds(self, client: IpAddr, address: IpAddr) -> bool {
        match (client, address) {
            (IpAddr::V4(client), IpAddr::V4(address)) => same_prefix4(client, address, self.ip4),
            (IpAddr::V6(client), IpAddr::V6(address)) => same_prefix6(client, address, self.ip6),
            _ => false,
        }
    }
}

/// The text before the digits at its end, and these; none when there are none.
fn before_digits(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    if digits == 0 { None } else { text.split_at_checked(text.len().saturating_sub(digits)) }
}

pub(super) fn same_prefix4(one: Ipv4Addr, other: Ipv4Addr, length: u8) -> bool {
    (one.to_bits() ^ other.to_bits()).checked_shr(32_u32.saturating_sub(length.into())).unwrap_or(0) == 0
}

fn same_prefix6(one: Ipv6Addr, other: Ipv6Addr, length: u8) -> bool {
    (one.to_bits() ^ other.to_bits()).checked_shr(128_u32.saturating_sub(length.into())).unwrap_or(0) == 0
}

/// RFC 7208 §5.6. A network of addresses that stand for those of IPv4 (RFC 4291 §2.5.5.2) holds clients of IPv4: nothing is said of
/// such networks, and whoever publishes one means these.
pub(super) fn in_network6(client: IpAddr, network: Ipv6Addr, length: u8) -> bool {
    match client {
        IpAddr::V6(client) => same_prefix6(client, network, length),
        IpAddr::V4(client) => match (network.to_ipv4_mapped(), length.checked_sub(96)) {
            (Some(network), Some(length)) => same_prefix4(client, network, length),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Directive, DomainSpec, Mechanism};
    use super::*;

    fn mechanism(term: &str) -> Result<Mechanism<'_>, SyntaxError> {
        let parsed = Directive::parse(term);
        parsed.map(|directive| directive.mechanism)
    }

    #[test]
    fn prefix_lengths_at_their_edges() {
        let plain = |term| {
            mechanism(term).map(|found| match found {
                Mechanism::A(None, cidr) | Mechanism::Mx(None, cidr) => (cidr.ip4, cidr.ip6),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(plain("a"), Ok((32, 128)));
        assert_eq!(plain("mx/0"), Ok((0, 128)));
        assert_eq!(plain("a/32//128"), Ok((32, 128)));
        assert_eq!(plain("A//64"), Ok((32, 64)));
        for bad in [
            "a/33",
            "a//129",
            "a/032",
            "a/",
            "a//",
            "a/24/64",
            "a/24//",
            "a/-1",
            "ip4:192.0.2.1/33",
            "ip6:::/129",
            "ip4:192.0.2.1/",
        ] {
            assert_eq!(mechanism(bad), Err(SyntaxError::CidrLength), "{bad}");
        }
        assert_eq!(mechanism("a:a.example/24/32"), Err(SyntaxError::DomainEnd));
        let spec = DomainSpec::parse("foo:bar/baz.example").unwrap();
        assert_eq!(mechanism("a:foo:bar/baz.example/8"), Ok(Mechanism::A(Some(spec), DualCidr { ip4: 8, ip6: 128 })));
    }
}
