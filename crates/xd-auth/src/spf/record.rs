//! Records as they are published (RFC 7208 §4.5, §4.6, §5, §6, §12): read whole, or not at all.
//!
//! A record with an error anywhere is an error even when an earlier term would match (§4.6): so it is read to its end before any of
//! it is evaluated. All of it borrows from the text.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::cidr::network;
use super::{DomainSpec, DualCidr, Fault, SyntaxError};
use crate::spf::macros::{Pieces, Place};

/// A record: what is tried in turn, and what else holds.
///
/// # Example: what does a record say?
/// ```
/// use xd_auth::spf::{Mechanism, Qualifier, Record};
///
/// let record = Record::parse(b"v=spf1 ip4:192.0.2.0/24 mx -all").unwrap();
/// assert_eq!(record.directives.len(), 3);
/// assert_eq!(record.directives[2].qualifier, Qualifier::Fail);
/// assert_eq!(record.directives[2].mechanism, Mechanism::All);
/// assert!(Record::parse(b"v=spf1 ip4:192.0.2.0/33 mx -all").is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record<'a> {
    /// Mechanisms and what follows when they match, in their order.
    pub directives: Vec<Directive<'a>>,
    /// Whose record holds when none matches.
    pub redirect: Option<DomainSpec<'a>>,
    /// Where the explanation of a `fail` stands.
    pub explanation: Option<DomainSpec<'a>>,
}

/// A mechanism, and what follows when it matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Directive<'a> {
    /// What follows.
    pub qualifier: Qualifier,
    /// What is tried.
    pub mechanism: Mechanism<'a>,
    /// The term as it stands in the record.
    pub text: &'a str,
}

/// What follows when a mechanism matches (RFC 7208 §4.6.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Qualifier {
    /// `-`
    Fail,
    /// `?`
    Neutral,
    /// `+`, or nothing.
    Pass,
    /// `~`
    SoftFail,
}

/// What is tried (RFC 7208 §5). Where a domain may be left out, that of the record is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "an unknown mechanism is an error")]
pub enum Mechanism<'a> {
    /// Always matches.
    All,
    /// The client is in a network of an address of the domain.
    A(Option<DomainSpec<'a>>, DualCidr),
    /// The name has an IPv4 address, whichever.
    Exists(DomainSpec<'a>),
    /// The record of that domain passes the client.
    Include(DomainSpec<'a>),
    /// The client is in a network of IPv4: an address of it, and the length of its prefix in bits.
    Ip4(Ipv4Addr, u8),
    /// The client is in a network of IPv6.
    Ip6(Ipv6Addr, u8),
    /// The client is in a network of a host that takes the domain's mail.
    Mx(Option<DomainSpec<'a>>, DualCidr),
    /// The client has a name in the domain that leads back to it.
    Ptr(Option<DomainSpec<'a>>),
}

impl<'a> Record<'a> {
    /// Whether a text is meant as such a record: `v=spf1`, then a space or nothing (RFC 7208 §4.5).
    #[must_use]
    pub fn is_meant_by(text: &[u8]) -> bool {
        let Some((version, rest)) = text.split_at_checked(VERSION.len()) else { return false };
        // RFC 5234 §2.3: literal text of a grammar is compared without regard to case.
        version.eq_ignore_ascii_case(VERSION) && matches!(rest.first(), None | Some(b' '))
    }

    /// Reads a record; one that is [not meant as such](Self::is_meant_by) is read as if it were.
    ///
    /// # Errors
    /// The first term in which something is wrong.
    pub fn parse(text: &'a [u8]) -> Result<Self, Fault<'a>> {
        let terms = text.get(VERSION.len()..).unwrap_or_default();
        let mut record = Self { directives: Vec::new(), redirect: None, explanation: None };
        // Spaces alone separate terms; two in a row, or at the end, separate nothing more (RFC 7208 §4.6.1).
        for term in terms.split(|&byte| byte == b' ').filter(|term| !term.is_empty()) {
            let text = std::str::from_utf8(term).map_err(|_| SyntaxError::Character);
            text.and_then(|text| record.add(text)).map_err(|error| Fault { term, error })?;
        }
        Ok(record)
    }

    fn add(&mut self, term: &'a str) -> Result<(), SyntaxError> {
        // RFC 7208 §4.6.1: a modifier has "=" after its name, before any ":" or "/".
        match term.find(['=', ':', '/']).map(|at| (term.split_at(at), term.as_bytes().get(at))) {
            Some(((name, value), Some(b'='))) => self.add_modifier(name, value.get(1..).unwrap_or_default()),
            _ => {
                self.directives.push(Directive::parse(term)?);
                Ok(())
            }
        }
    }

    fn add_modifier(&mut self, name: &str, value: &'a str) -> Result<(), SyntaxError> {
        let slot = match name {
            _ if name.eq_ignore_ascii_case("redirect") => &mut self.redirect,
            _ if name.eq_ignore_ascii_case("exp") => &mut self.explanation,
            _ => {
                let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.bytes().all(may_stand) {
                    return Err(SyntaxError::ModifierName);
                }
                // RFC 7208 §6: unknown modifiers mean nothing, but their syntax must be right.
                return Pieces::of(value, Place::Record).try_for_each(|piece| piece.map(drop));
            }
        };
        // RFC 7208 §6: both at most once. Looked at before the value, so that the error does not depend on it.
        if slot.is_some() {
            return Err(SyntaxError::Repeated);
        }
        *slot = Some(DomainSpec::parse(value)?);
        Ok(())
    }
}

/// What every record begins with.
const VERSION: &[u8] = b"v=spf1";

impl<'a> Directive<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let (qualifier, term) = match text.as_bytes().first() {
            Some(b'+') => (Qualifier::Pass, text.get(1..).unwrap_or_default()),
            Some(b'-') => (Qualifier::Fail, text.get(1..).unwrap_or_default()),
            Some(b'?') => (Qualifier::Neutral, text.get(1..).unwrap_or_default()),
            Some(b'~') => (Qualifier::SoftFail, text.get(1..).unwrap_or_default()),
            _ => (Qualifier::Pass, text),
        };
        Ok(Self { qualifier, mechanism: Mechanism::parse(term)?, text })
    }
}

impl<'a> Mechanism<'a> {
    fn parse(term: &'a str) -> Result<Self, SyntaxError> {
        let (name, rest) = term.split_at(term.find([':', '/']).unwrap_or(term.len()));
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let argument = rest.strip_prefix(':');
        if is("all") {
            return if rest.is_empty() { Ok(Self::All) } else { Err(SyntaxError::Argument) };
        }
        if is("include") {
            return Ok(Self::Include(DomainSpec::parse(argument.ok_or(SyntaxError::Argument)?)?));
        }
        if is("exists") {
            return Ok(Self::Exists(DomainSpec::parse(argument.ok_or(SyntaxError::Argument)?)?));
        }
        if is("ip4") {
            let (address, length) = network(argument.ok_or(SyntaxError::Argument)?, 32)?;
            return Ok(Self::Ip4(address, length));
        }
        if is("ip6") {
            let (address, length) = network(argument.ok_or(SyntaxError::Argument)?, 128)?;
            return Ok(Self::Ip6(address, length));
        }
        if is("ptr") {
            return match argument {
                None if !rest.is_empty() => Err(SyntaxError::Argument),
                argument => Ok(Self::Ptr(argument.map(DomainSpec::parse).transpose()?)),
            };
        }
        if is("a") || is("mx") {
            let (rest, cidr) = DualCidr::at_end_of(rest)?;
            let domain = match rest.strip_prefix(':') {
                None if !rest.is_empty() => return Err(SyntaxError::CidrLength),
                argument => argument.map(DomainSpec::parse).transpose()?,
            };
            return Ok(if is("a") { Self::A(domain, cidr) } else { Self::Mx(domain, cidr) });
        }
        Err(SyntaxError::UnknownMechanism)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mechanism(term: &str) -> Result<Mechanism<'_>, SyntaxError> {
        Directive::parse(term).map(|directive| directive.mechanism)
    }

    #[test]
    fn version_stands_alone() {
        for (text, expected) in [
            (&b"v=spf1"[..], true),
            (b"v=spf1 ", true),
            (b"V=SPF1 -all", true),
            (b"v=spf10", false),
            (b"v=spf1-all", false),
            (b" v=spf1", false),
            (b"v=spf", false),
            (b"", false),
        ] {
            assert_eq!(Record::is_meant_by(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_terms() {
        for (term, error) in [
            ("all:x.example", SyntaxError::Argument),
            ("all.", SyntaxError::UnknownMechanism),
            ("include", SyntaxError::Argument),
            ("include:", SyntaxError::DomainEnd),
            ("include/24", SyntaxError::Argument),
            ("ptr/0", SyntaxError::Argument),
            ("ptr:", SyntaxError::DomainEnd),
            ("ip4", SyntaxError::Argument),
            ("ip4:192.0.2", SyntaxError::Network),
            ("ip4:192.0.2.01", SyntaxError::Network),
            ("ip4:192.0.2.1:25", SyntaxError::Network),
            ("ip6:fe80::1%eth0", SyntaxError::Network),
            ("moo", SyntaxError::UnknownMechanism),
            ("--all", SyntaxError::UnknownMechanism),
            ("-", SyntaxError::UnknownMechanism),
        ] {
            assert_eq!(mechanism(term), Err(error), "{term}");
        }
    }

    #[test]
    fn modifiers_are_known_by_the_sign_after_their_name() {
        let fault = |text: &'static str| Record::parse(text.as_bytes()).map_err(|fault| fault.error);
        assert!(fault("v=spf1 moo.cow-far_out=man:dog/cat -all").is_ok());
        assert_eq!(fault("v=spf1 moo.cow/far_out=man -all"), Err(SyntaxError::UnknownMechanism));
        assert_eq!(fault("v=spf1 1up=foo"), Err(SyntaxError::ModifierName));
        assert_eq!(fault("v=spf1 =all"), Err(SyntaxError::ModifierName));
        assert_eq!(fault("v=spf1 x=%a"), Err(SyntaxError::Percent));
        assert_eq!(fault("v=spf1 redirect:a.example"), Err(SyntaxError::UnknownMechanism));
        assert_eq!(fault("v=spf1 exp=a.example EXP=b.example"), Err(SyntaxError::Repeated));
        assert_eq!(fault("v=spf1 redirect="), Err(SyntaxError::DomainEnd));
    }

    #[test]
    fn only_visible_characters_and_spaces() {
        for text in [&b"v=spf1 a:\x80.example"[..], b"v=spf1 \xef\xbb\xbfall", b"v=spf1 x=\t", b"v=spf1 a:x.example\0"] {
            assert!(Record::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Record::parse(b"v=spf1   a   -all  ").map(|record| record.directives.len()), Ok(2));
    }
}
