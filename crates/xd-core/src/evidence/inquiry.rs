//! Lookups in rounds: what is worth asking, most decisive first, and what the answers mean.
//!
//! No I/O: a caller polls for lookups, asks whatever it likes (a resolver, a recording, a test table), and hands the
//! answers in. Answers may raise new lookups; when none remain, or time is up, the evidence is taken as it stands.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::{Evidence, Listing};
use crate::rules::{OpenQuestion, Scene};
use crate::{Domain, Engine, Envelope, Host, Known, Message, Score, Unknown};

/// Reverse names of one address that are confirmed; RFC 7208 §4.6.4 takes as many.
const MAX_REVERSE_NAMES: usize = 10;

/// One thing to look up in the DNS.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Lookup {
    /// The addresses (A and AAAA) of a domain.
    Addresses(Domain),
    /// The addresses (A) under which an item stands in a DNS list.
    Listing(Listing),
    /// The names (PTR) of an address.
    ReverseNames(IpAddr),
}

/// What a lookup gave.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a lookup has an answer, has none, or fails")]
pub enum Answer {
    /// Addresses; at least one.
    Addresses(Vec<IpAddr>),
    /// The question failed, and nothing is known.
    Failed(Unknown),
    /// Names; at least one.
    Names(Vec<Domain>),
    /// There is no such name, or no record of this type (NXDOMAIN, NODATA).
    None,
}

/// The lookups for one message.
///
/// # Example: a round with a table for a resolver
/// ```
/// use xd_core::evidence::{Answer, Inquiry, Lookup};
/// use xd_core::{Engine, Envelope, Evidence, Known, Limits, Message, RuleSource};
///
/// let rule = "family = 'host'\n[[rule]]\nid = 'no-reverse-name'\nscore = '1.00'\nwhy = 'the host has no name'\n\
///     when = { in = 'evidence.reverse_name', present = false }";
/// let engine = Engine::compile(vec![RuleSource::new("host.toml", rule)])?;
/// let envelope = Envelope { client_address: Known::Found("192.0.2.7".parse().unwrap()), ..Envelope::default() };
/// let message = Message::parse(b"", &Limits::default());
/// let mut inquiry = Inquiry::new(&engine, &envelope, &message, Evidence::default());
/// let wanted = inquiry.poll_lookups();
/// assert_eq!(wanted, [Lookup::ReverseNames("192.0.2.7".parse().unwrap())]);
/// inquiry.handle_answer(&wanted[0], Answer::None);
/// assert!(inquiry.poll_lookups().is_empty());
/// assert_eq!(inquiry.into_evidence().reverse_names, Known::Absent);
/// # Ok::<(), xd_core::RuleErrors>(())
/// ```
#[derive(Debug)]
pub struct Inquiry<'a> {
    engine: &'a Engine,
    envelope: &'a Envelope,
    message: &'a Message<'a>,
    evidence: Evidence,
    asked: BTreeSet<Lookup>,
    answered: BTreeSet<Lookup>,
}

impl<'a> Inquiry<'a> {
    /// An inquiry that starts from the evidence there is.
    #[must_use]
    pub fn new(engine: &'a Engine, envelope: &'a Envelope, message: &'a Message<'a>, evidence: Evidence) -> Self {
        Self { engine, envelope, message, evidence, asked: BTreeSet::new(), answered: BTreeSet::new() }
    }

    /// The lookups that rules still open want and no one has been told of yet, those with most points at stake first.
    /// Empty while answers are awaited or when nothing more can be learned.
    pub fn poll_lookups(&mut self) -> Vec<Lookup> {
        let scene = Scene { envelope: self.envelope, message: self.message, evidence: &self.evidence };
        let rules = self.engine.rules();
        let seen = rules.observe(scene);
        let mut wanted: Vec<(Score, Lookup)> = Vec::new();
        for (question, stake) in rules.open_questions(&seen, &self.evidence) {
            for lookup in self.lookups_for(question) {
                match wanted.iter_mut().find(|(_, known)| *known == lookup) {
                    Some((total, _)) => *total += stake,
                    None => wanted.push((stake, lookup)),
                }
            }
        }
        wanted.retain(|(_, lookup)| !self.asked.contains(lookup));
        wanted.sort_by(|(a_stake, a), (b_stake, b)| b_stake.cmp(a_stake).then_with(|| a.cmp(b)));
        self.asked.extend(wanted.iter().map(|(_, lookup)| lookup.clone()));
        wanted.into_iter().map(|(_, lookup)| lookup).collect()
    }

    /// Takes the answer to a lookup. An answer of another kind than the lookup asked for counts as malformed; one that was
    /// never asked for, or comes a second time, changes nothing.
    pub fn handle_answer(&mut self, lookup: &Lookup, answer: Answer) {
        if !self.asked.contains(lookup) || !self.answered.insert(lookup.clone()) {
            return;
        }
        match lookup {
            Lookup::ReverseNames(_) => {
                self.evidence.reverse_names = match answer {
                    Answer::Names(names) => Known::Found(names.into_iter().take(MAX_REVERSE_NAMES).collect()),
                    Answer::None => Known::Absent,
                    Answer::Failed(why) => Known::Unknown(why),
                    Answer::Addresses(_) => Known::Unknown(Unknown::Malformed),
                };
                if self.evidence.reverse_names == Known::Absent {
                    self.evidence.confirmed_name = Known::Absent;
                }
            }
            Lookup::Addresses(name) => self.handle_confirmation(name, answer),
            Lookup::Listing(listing) => {
                let found = match answer {
                    Answer::Addresses(addresses) => {
                        let codes: Vec<Ipv4Addr> = addresses.into_iter().filter_map(ipv4).collect();
                        // RFC 5782 §2.1: entries are in 127.0.0.0/8; anything else is a resolver that lies.
                        if codes.iter().all(Ipv4Addr::is_loopback) && !codes.is_empty() {
                            Known::Found(codes)
                        } else {
                            Known::Unknown(Unknown::Malformed)
                        }
                    }
                    Answer::None => Known::Absent,
                    Answer::Failed(why) => Known::Unknown(why),
                    Answer::Names(_) => Known::Unknown(Unknown::Malformed),
                };
                self.evidence.listings.insert(listing.clone(), found);
            }
        }
    }

    /// The evidence as it stands; what was not answered stays unknown.
    #[must_use]
    pub fn into_evidence(self) -> Evidence {
        self.evidence
    }

    fn lookups_for(&self, question: OpenQuestion) -> Vec<Lookup> {
        match question {
            OpenQuestion::Listing(listing) => vec![Lookup::Listing(listing)],
            OpenQuestion::Target(name) => match (name.as_str(), &self.evidence.reverse_names) {
                ("evidence.confirmed_name", Known::Found(names)) => names.iter().cloned().map(Lookup::Addresses).collect(),
                ("evidence.reverse_name" | "evidence.confirmed_name", Known::Unknown(_)) => {
                    self.envelope.client_address.found().map(|address| Lookup::ReverseNames(*address)).into_iter().collect()
                }
                // Other evidence comes from its own checks, not from a single lookup.
                _ => Vec::new(),
            },
        }
    }

    /// One name of the client was looked up: it is confirmed when it leads back to the client's address.
    fn handle_confirmation(&mut self, name: &Domain, answer: Answer) {
        let (Some(client), Some(names)) = (self.envelope.client_address.found(), self.evidence.reverse_names.found()) else {
            return;
        };
        match answer {
            Answer::Addresses(addresses) if addresses.contains(client) => {
                // The first in the order of the records, whichever answer came first.
                let place = |domain: &Domain| names.iter().position(|known| known == domain);
                let better = self.evidence.confirmed_name.found().is_none_or(|known| place(name) < place(known));
                if better {
                    self.evidence.confirmed_name = Known::Found(name.clone());
                }
            }
            Answer::Failed(why) if self.evidence.confirmed_name.found().is_none() => {
                self.evidence.confirmed_name = Known::Unknown(why);
            }
            Answer::Names(_) if self.evidence.confirmed_name.found().is_none() => {
                self.evidence.confirmed_name = Known::Unknown(Unknown::Malformed);
            }
            Answer::Addresses(_) | Answer::Failed(_) | Answer::Names(_) | Answer::None => {}
        }
        let all_answered = names.iter().all(|name| self.answered.contains(&Lookup::Addresses(name.clone())));
        // Only when every name was answered and none failed is it known that none is confirmed.
        if all_answered && self.evidence.confirmed_name == Known::Unknown(Unknown::NotAsked) {
            self.evidence.confirmed_name = Known::Absent;
        }
    }
}

fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

impl Listing {
    /// The name to look up, octets or nibbles turned round, then the zone (RFC 5782 §2.1 and §2.4): `7.2.0.192.zen.example.net`. None when it is longer than a name may be.
    #[must_use]
    pub fn query(&self) -> Option<Domain> {
        let item = match &self.item {
            Host::Domain(domain) => domain.to_string(),
            Host::Address(IpAddr::V4(address)) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}")
            }
            Host::Address(IpAddr::V6(address)) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
                nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
            }
        };
        Domain::parse(&format!("{item}.{}", self.zone)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, RuleSource};

    const RULES: &str = r#"
        family = "host"
        [[rule]]
        id = "unconfirmed"
        score = "1.00"
        why = "no reverse name leads back"
        when = { in = "evidence.confirmed_name", present = false }
        [[rule]]
        id = "listed"
        score = "3.00"
        why = "the client is listed"
        when = { in = "envelope.client_address", listed_in = "zen.example.net", answers = ["127.0.0.2"] }
    "#;

    fn name(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn with_inquiry<T>(run: impl FnOnce(Inquiry<'_>, IpAddr) -> T) -> T {
        let engine = Engine::compile(vec![RuleSource::new("host.toml", RULES)]).unwrap();
        let client: IpAddr = "192.0.2.7".parse().unwrap();
        let envelope = Envelope { client_address: Known::Found(client), ..Envelope::default() };
        let message = Message::parse(b"", &Limits::default());
        run(Inquiry::new(&engine, &envelope, &message, Evidence::default()), client)
    }

    #[test]
    fn the_most_decisive_lookup_comes_first_and_rounds_follow() {
        with_inquiry(|mut inquiry, client| {
            let first = inquiry.poll_lookups();
            assert!(matches!(&first[..], [Lookup::Listing(_), Lookup::ReverseNames(_)]), "{first:?}");
            assert!(inquiry.poll_lookups().is_empty(), "nothing is asked twice");
            inquiry.handle_answer(&first[1], Answer::Names(vec![name("a.example.net"), name("b.example.net")]));
            let second = inquiry.poll_lookups();
            assert_eq!(second, [Lookup::Addresses(name("a.example.net")), Lookup::Addresses(name("b.example.net"))]);
            inquiry.handle_answer(&second[1], Answer::Addresses(vec![client]));
            inquiry.handle_answer(&second[0], Answer::None);
            inquiry.handle_answer(&first[0], Answer::Addresses(vec!["127.0.0.2".parse().unwrap()]));
            let evidence = inquiry.into_evidence();
            assert_eq!(evidence.confirmed_name, Known::Found(name("b.example.net")));
        });
    }

    #[test]
    fn a_failed_confirmation_is_not_an_absent_one() {
        with_inquiry(|mut inquiry, _| {
            let first = inquiry.poll_lookups();
            inquiry.handle_answer(&first[1], Answer::Names(vec![name("a.example.net"), name("b.example.net")]));
            let second = inquiry.poll_lookups();
            inquiry.handle_answer(&second[0], Answer::Failed(Unknown::Timeout));
            inquiry.handle_answer(&second[1], Answer::None);
            assert_eq!(inquiry.into_evidence().confirmed_name, Known::Unknown(Unknown::Timeout));
        });
    }

    #[test]
    fn no_reverse_name_confirms_nothing() {
        with_inquiry(|mut inquiry, _| {
            let first = inquiry.poll_lookups();
            inquiry.handle_answer(&first[1], Answer::None);
            let evidence = inquiry.into_evidence();
            assert_eq!((evidence.reverse_names, evidence.confirmed_name), (Known::Absent, Known::Absent));
        });
    }

    #[test]
    fn a_list_that_answers_outside_loopback_lies() {
        with_inquiry(|mut inquiry, _| {
            let first = inquiry.poll_lookups();
            inquiry.handle_answer(&first[0], Answer::Addresses(vec!["203.0.113.1".parse().unwrap()]));
            let evidence = inquiry.into_evidence();
            assert!(evidence.listings.values().all(|found| *found == Known::Unknown(Unknown::Malformed)));
        });
    }

    #[test]
    fn queries_turn_addresses_round() {
        let zone = name("zen.example.net");
        let query = |item: Host| Listing { zone: zone.clone(), item }.query().unwrap().to_string();
        assert_eq!(query(Host::Address("192.0.2.7".parse().unwrap())), "7.2.0.192.zen.example.net");
        assert!(query(Host::Address("2001:db8::1".parse().unwrap())).starts_with("1.0.0.0."));
        assert_eq!(query(Host::Domain(name("evil.example"))), "evil.example.zen.example.net");
    }
}
