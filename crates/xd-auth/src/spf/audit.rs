//! What the record of a domain comes to, whoever sends: for those who publish it.
//!
//! The records are walked as a client would have them walked that no term matches: that is the longest way (a match ends it earlier),
//! so what is counted is the most that any client can meet. What macros stand for depends on the message; such terms are counted,
//! named, and not followed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::macros::{Letter, Macro, Piece};
use super::record::{Directive, Mechanism, Qualifier, Record};
use super::{DomainSpec, DualCidr, SyntaxError, quoted, quoted_bytes};
use crate::{Answer, Answers, Name, Progress, Question, Record as DnsRecord, RecordKind, Unknown, Wanted};

/// What the record of a domain comes to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Audit {
    /// Records on the way, in the order in which they are read; one that is included twice is there twice.
    pub records: Vec<Visited>,
    /// Terms that ask DNS on the way, of 10 allowed (RFC 7208 §4.6.4).
    pub lookups: u32,
    /// Terms for which DNS has nothing for a client of IPv4, of 2 allowed (RFC 7208 §4.6.4). Terms that depend on the client count.
    pub voids_ip4: u32,
    /// The same for a client of IPv6.
    pub voids_ip6: u32,
    /// Networks that terms name, whatever follows from a match: an address of each, and the length of its prefix. Clients that
    /// are in the same ones get the same result, unless it [depends on more](Self::depends_on_more).
    pub networks: Vec<(IpAddr, u8)>,
    /// Whether a result depends on more than the networks that the client is in: on its names, or by macros on what else it says.
    pub depends_on_more: bool,
    /// What there is to say, in the order in which it was found.
    pub findings: Vec<Finding>,
}

/// A record on the way.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Visited {
    /// Whose record.
    pub domain: Name,
    /// Through how many `include` terms it was reached.
    pub depth: u8,
    /// The record; octets that are not UTF-8 replaced.
    pub text: Box<str>,
    /// Octets of all texts of the domain together: they come in one answer.
    pub octets: usize,
}

/// Something to say of a record, and of which term of it, as far as it is one; at most 256 octets are quoted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Whose record.
    pub domain: Name,
    /// The term.
    pub term: Option<Box<str>>,
    /// What there is to say.
    pub kind: FindingKind,
}

/// What there is to say of a record or one of its terms.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindingKind {
    /// It leads to a name that has no record, or is none.
    DeadEnd,
    /// It is never reached: `all` stands before it.
    Ignored,
    /// It leads back to a record on the way to itself.
    Loop,
    /// What it names depends on the message.
    Macro,
    /// The domain has no record.
    NoRecord,
    /// The record ends without saying what holds for others: that is `neutral`.
    OpenEnd,
    /// It passes everyone.
    PassesAll,
    /// It asks for names of the client, which RFC 7208 §5.5 asks not to do.
    Ptr,
    /// The domain has so many records, which is an error.
    SeveralRecords(usize),
    /// It has a mistake.
    Syntax(SyntaxError),
    /// More than 10 hosts take mail of the domain, which is an error (RFC 7208 §4.6.4).
    TooManyHosts,
    /// More terms ask DNS than are counted: far more than are evaluated for any client.
    TooMuch,
    /// It could not be found out.
    Unknown(Question, Unknown),
    /// DNS has nothing for it, whatever the client.
    Void,
    /// It passes a part of all addresses that nobody has: more than 2^24 of IPv4 or 2^112 of IPv6.
    Wide,
}

/// Audits the record of a domain. Asks for all that one record names at once, of an honest domain some 30 questions. The
/// terms that are walked are bounded, and so are the rounds, to 201; of hostile records each may want a thousand questions, which whoever asks
/// should bound.
///
/// # Example: how many terms ask DNS?
/// ```
/// use xd_auth::spf::audit;
/// use xd_auth::{Absence, Answer, Answers, Name, Progress, Record, Wanted};
///
/// let domain = Name::parse("example.com")?;
/// let mut answers = Answers::default();
/// let audit = loop {
///     match audit(&domain, &answers) {
///         Progress::Done(audit) => break audit,
///         Progress::Wants(wanted) => for wanted in wanted {
///             let Wanted::Records(question) = wanted else { continue };
///             let text = match question.name.as_str() {
///                 "example.com" => "v=spf1 include:relay.example.net ip4:192.0.2.0/24 -all",
///                 _ => "v=spf1 a -all",
///             };
///             answers.put(question, Answer::Found(vec![Record::Txt(text.as_bytes().into())]));
///         },
///     }
/// };
/// assert_eq!(audit.lookups, 2);
/// # Ok::<(), xd_auth::NameError>(())
/// ```
#[must_use]
pub fn audit(domain: &Name, answers: &Answers) -> Progress<Audit> {
    let mut walk = Walk { answers, wants: BTreeSet::new(), path: Vec::new(), has_named_client: false, audit: Audit::default() };
    walk.visit(domain, 0, true, None);
    if walk.wants.is_empty() {
        Progress::Done(walk.audit)
    } else {
        Progress::Wants(walk.wants.into_iter().map(Wanted::Records).collect())
    }
}

struct Walk<'a> {
    answers: &'a Answers,
    wants: BTreeSet<Question>,
    /// The records that led here, which must not be met again.
    path: Vec<Name>,
    has_named_client: bool,
    audit: Audit,
}

/// Where a term stands.
#[derive(Clone, Copy)]
struct At<'w> {
    domain: &'w Name,
    term: &'w str,
    depth: u8,
    /// Whether a match passes the client in the end.
    passes: bool,
}

impl<'a> Walk<'a> {
    /// Reads the record of a domain, which a term of another may have led to.
    fn visit(&mut self, domain: &Name, depth: u8, passes: bool, from: Option<At<'_>>) {
        if let Some(from) = from.filter(|_| self.path.contains(domain)) {
            return self.find_at(from, FindingKind::Loop);
        }
        let Some(found) = self.records(Question::new(domain.clone(), RecordKind::Txt), domain, from) else { return };
        let texts = || found.iter().filter_map(|record| if let DnsRecord::Txt(text) = record { Some(&**text) } else { None });
        let mut meant = texts().filter(|text| Record::is_meant_by(text));
        let text = match (meant.next(), meant.count()) {
            (None, _) => {
                return match from {
                    Some(from) => self.find_at(from, FindingKind::DeadEnd),
                    None => self.find(domain, None, FindingKind::NoRecord),
                };
            }
            (Some(text), 0) => text,
            (Some(_), others) => return self.find(domain, None, FindingKind::SeveralRecords(others + 1)),
        };
        let octets = texts().map(<[u8]>::len).sum();
        self.audit.records.push(Visited { domain: domain.clone(), depth, text: String::from_utf8_lossy(text).into(), octets });
        match Record::parse(text) {
            Ok(record) => {
                self.path.push(domain.clone());
                self.terms(&record, domain, depth, passes);
                self.path.pop();
            }
            Err(fault) => self.find(domain, Some(quoted_bytes(fault.term)), FindingKind::Syntax(fault.error)),
        }
    }

    fn terms(&mut self, record: &Record<'a>, domain: &Name, depth: u8, passes: bool) {
        let mut directives = record.directives.iter();
        let mut ended = false;
        for directive in directives.by_ref() {
            let passes = passes && directive.qualifier == Qualifier::Pass;
            let at = At { domain, term: directive.text, depth, passes };
            self.term(directive, at);
            if directive.mechanism == Mechanism::All {
                ended = true;
                break;
            }
        }
        for directive in directives {
            self.find(domain, Some(quoted(directive.text)), FindingKind::Ignored);
        }
        let Some(redirect) = record.redirect else {
            if !ended && depth == 0 {
                self.find(domain, None, FindingKind::OpenEnd);
            }
            return;
        };
        let term = format!("redirect={}", redirect.as_str());
        let at = At { domain, term: &term, depth, passes };
        if ended {
            return self.find_at(at, FindingKind::Ignored);
        }
        if let Some(target) = self.target(Some(redirect), at) {
            self.visit(&target, depth, passes, Some(at));
        }
    }

    fn term(&mut self, directive: &Directive<'a>, at: At<'_>) {
        match directive.mechanism {
            Mechanism::All if at.passes => self.find_at(at, FindingKind::PassesAll),
            Mechanism::All => {}
            Mechanism::Ip4(network, length) => self.network(network.into(), length, at),
            Mechanism::Ip6(network, length) => self.network(network.into(), length, at),
            Mechanism::A(spec, cidr) => {
                let Some(name) = self.target(spec, at) else { return };
                self.hosts(&[name], cidr, at);
            }
            Mechanism::Mx(spec, cidr) => {
                let Some(name) = self.target(spec, at) else { return };
                let Some(found) = self.records(Question::new(name, RecordKind::Mx), at.domain, Some(at)) else { return };
                let mut hosts: Vec<(u16, &Name)> = found
                    .iter()
                    .filter_map(|record| match record {
                        DnsRecord::Mx { preference, host } if !host.is_root() => Some((*preference, host)),
                        _ => None,
                    })
                    .collect();
                hosts.sort_by_key(|(preference, _)| *preference);
                if hosts.len() > MAX_HOSTS {
                    self.find_at(at, FindingKind::TooManyHosts);
                }
                let hosts: Vec<Name> = hosts.into_iter().take(MAX_HOSTS).map(|(_, host)| host.clone()).collect();
                // RFC 7505: a host that says that none takes mail is an answer all the same.
                if found.is_empty() || !hosts.is_empty() {
                    self.hosts(&hosts, cidr, at);
                }
            }
            Mechanism::Exists(spec) => match self.target(Some(spec), at) {
                Some(name) => {
                    let Some(found) = self.records(Question::new(name, RecordKind::A), at.domain, Some(at)) else { return };
                    match (found.is_empty(), at.passes) {
                        (true, _) => self.void(true, true, at),
                        (false, true) => self.find_at(at, FindingKind::PassesAll),
                        (false, false) => {}
                    }
                }
                // Lists by the macro `i` have nothing for most clients.
                None => self.count_voids(true, true),
            },
            Mechanism::Ptr(spec) => {
                self.target(spec, at);
                self.audit.depends_on_more = true;
                self.count_voids(true, true);
                self.find_at(at, FindingKind::Ptr);
            }
            Mechanism::Include(spec) => {
                if let Some(target) = self.target(Some(spec), at) {
                    self.visit(&target, at.depth.saturating_add(1), at.passes, Some(at));
                }
            }
        }
    }

    /// Addresses of names, of both kinds. The term is void for a kind of which none has one.
    fn hosts(&mut self, names: &[Name], cidr: DualCidr, at: At<'_>) {
        let mut void = [true; 2];
        for name in names {
            for (kind, void) in [RecordKind::A, RecordKind::Aaaa].into_iter().zip(&mut void) {
                let Some(found) = self.records(Question::new(name.clone(), kind), at.domain, Some(at)) else {
                    *void = false;
                    continue;
                };
                for record in found {
                    *void = false;
                    match record {
                        DnsRecord::A(address) => self.network((*address).into(), cidr.ip4, at),
                        DnsRecord::Aaaa(address) => self.network((*address).into(), cidr.ip6, at),
                        _ => {}
                    }
                }
            }
        }
        let [ip4, ip6] = void;
        self.void(ip4, ip6, at);
    }

    fn network(&mut self, address: IpAddr, length: u8, at: At<'_>) {
        let wide = if address.is_ipv4() { WIDE_IP4 } else { WIDE_IP6 };
        match length {
            0 if at.passes => self.find_at(at, FindingKind::PassesAll),
            _ if length < wide && at.passes => self.find_at(at, FindingKind::Wide),
            _ => {}
        }
        if self.audit.networks.len() < MAX_NETWORKS {
            self.audit.networks.push((address, length));
        } else {
            self.audit.depends_on_more = true;
        }
    }

    fn void(&mut self, ip4: bool, ip6: bool, at: At<'_>) {
        self.count_voids(ip4, ip6);
        if ip4 && ip6 {
            self.find_at(at, FindingKind::Void);
        }
    }

    fn count_voids(&mut self, ip4: bool, ip6: bool) {
        self.audit.voids_ip4 = self.audit.voids_ip4.saturating_add(u32::from(ip4));
        self.audit.voids_ip6 = self.audit.voids_ip6.saturating_add(u32::from(ip6));
    }

    /// The name that a term asks for, which counts as a lookup. None when it depends on the message or is no name.
    fn target(&mut self, spec: Option<DomainSpec<'_>>, at: At<'_>) -> Option<Name> {
        if self.audit.lookups >= MAX_LOOKUPS {
            self.find(at.domain, None, FindingKind::TooMuch);
            return None;
        }
        self.audit.lookups = self.audit.lookups.saturating_add(1);
        let Some(spec) = spec else { return Some(at.domain.clone()) };
        if spec.as_str().contains('%') {
            let names_client = |piece| matches!(piece, Ok(Piece::Macro(Macro { letter: Letter::Ptr, .. })));
            // RFC 7208 §4.6.4: asking for the names of the client counts too.
            if !self.has_named_client && spec.pieces().any(names_client) {
                self.has_named_client = true;
                self.audit.lookups = self.audit.lookups.saturating_add(1);
            }
            self.audit.depends_on_more = true;
            self.find_at(at, FindingKind::Macro);
            return None;
        }
        let name = Name::parse(spec.as_str()).ok();
        if name.is_none() {
            self.find_at(at, FindingKind::DeadEnd);
        }
        name
    }

    /// The records that answer a question; none when that is not known, or not yet.
    fn records(&mut self, question: Question, domain: &Name, from: Option<At<'_>>) -> Option<&'a [DnsRecord]> {
        match self.answers.records(&question) {
            None => {
                self.wants.insert(question);
                None
            }
            Some(Answer::Found(records)) => Some(records),
            Some(Answer::Absent(_)) => Some(&[]),
            Some(Answer::Unknown(why)) => {
                let term = from.map(|from| quoted(from.term));
                self.find(domain, term, FindingKind::Unknown(question, *why));
                None
            }
        }
    }

    fn find_at(&mut self, at: At<'_>, kind: FindingKind) {
        self.find(at.domain, Some(quoted(at.term)), kind);
    }

    fn find(&mut self, domain: &Name, term: Option<Box<str>>, kind: FindingKind) {
        let finding = Finding { domain: domain.clone(), term, kind };
        // A record that is read twice has the same to say twice.
        if self.audit.findings.len() < MAX_FINDINGS && !self.audit.findings.contains(&finding) {
            self.audit.findings.push(finding);
        }
    }
}

/// Terms that ask DNS and are walked, which bounds records and questions too. Ten are allowed: enough to say by how much they are too many.
const MAX_LOOKUPS: u32 = 100;
/// Networks that are kept: more than all large senders together name.
const MAX_NETWORKS: usize = 10_000;
/// Findings that are kept: a page of them, which says enough.
const MAX_FINDINGS: usize = 100;
/// Hosts of one `mx` (RFC 7208 §4.6.4).
const MAX_HOSTS: usize = 10;
/// Shorter prefixes than the largest networks that anyone was given.
const WIDE_IP4: u8 = 8;
const WIDE_IP6: u8 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Absence;

    fn run(zone: &[(&str, &str)]) -> Audit {
        let domain = Name::parse("example.com").unwrap();
        let mut answers = Answers::default();
        for _ in 0..1000 {
            match audit(&domain, &answers) {
                Progress::Done(audit) => return audit,
                Progress::Wants(wanted) => {
                    for wanted in wanted {
                        let Wanted::Records(question) = wanted else { panic!() };
                        let records: Vec<DnsRecord> = zone
                            .iter()
                            .filter(|(name, _)| *name == question.name.as_str())
                            .filter_map(|(_, data)| record(question.kind, data))
                            .collect();
                        let unknown = zone.contains(&(question.name.as_str(), "?"));
                        answers.put(
                            question,
                            match () {
                                () if unknown => Answer::Unknown(Unknown::Timeout),
                                () if records.is_empty() => Answer::Absent(Absence::Name),
                                () => Answer::Found(records),
                            },
                        );
                    }
                }
            }
        }
        panic!("no end")
    }

    fn record(kind: RecordKind, data: &str) -> Option<DnsRecord> {
        match (kind, data.parse::<IpAddr>(), data.strip_prefix("MX ")) {
            (RecordKind::A, Ok(IpAddr::V4(address)), _) => Some(DnsRecord::A(address)),
            (RecordKind::Aaaa, Ok(IpAddr::V6(address)), _) => Some(DnsRecord::Aaaa(address)),
            (RecordKind::Mx, _, Some(host)) => Some(DnsRecord::Mx { preference: 10, host: Name::parse(host).unwrap() }),
            (RecordKind::Txt, Err(_), None) => Some(DnsRecord::Txt(data.as_bytes().into())),
            _ => None,
        }
    }

    fn kinds(zone: &[(&str, &str)]) -> Vec<(Option<String>, FindingKind)> {
        run(zone).findings.into_iter().map(|finding| (finding.term.map(String::from), finding.kind)).collect()
    }

    #[test]
    fn lookups_of_all_branches_are_counted() {
        let audit = run(&[
            ("example.com", "v=spf1 a mx:m.example include:one.example include:one.example -all"),
            ("example.com", "192.0.2.1"),
            ("m.example", "MX mail.example"),
            ("mail.example", "2001:db8::1"),
            ("one.example", "v=spf1 include:two.example redirect=three.example"),
            ("two.example", "v=spf1 ip4:192.0.2.0/24 -all"),
            ("three.example", "v=spf1 exists:gone.example ~all"),
        ]);
        // Two in the first record and each include with three below it.
        assert_eq!((audit.lookups, audit.voids_ip4, audit.voids_ip6), (10, 3, 3));
        assert_eq!(audit.records.len(), 7);
        assert_eq!(audit.findings.len(), 1);
        assert!(audit.networks.contains(&("192.0.2.1".parse().unwrap(), 32)));
        assert!(audit.networks.contains(&("2001:db8::1".parse().unwrap(), 128)));
    }

    #[test]
    fn what_there_is_to_say() {
        let term = |text: &str| Some(text.to_owned());
        let timeout = |name, kind| FindingKind::Unknown(Question::new(Name::parse(name).unwrap(), kind), Unknown::Timeout);
        for (zone, expected) in [
            (&[][..], (None, FindingKind::NoRecord)),
            (&[("example.com", "?")], (None, timeout("example.com", RecordKind::Txt))),
            (&[("example.com", "v=spf1 -all"), ("example.com", "v=spf1 ~all")], (None, FindingKind::SeveralRecords(2))),
            (
                &[("example.com", "v=spf1 ip4:192.0.2.0/33 -all")],
                (term("ip4:192.0.2.0/33"), FindingKind::Syntax(SyntaxError::CidrLength)),
            ),
            (&[("example.com", "v=spf1 ip4:192.0.2.0/24")], (None, FindingKind::OpenEnd)),
            (&[("example.com", "v=spf1 all")], (term("all"), FindingKind::PassesAll)),
            (
                &[("example.com", "v=spf1 include:i.example -all"), ("i.example", "v=spf1 +all")],
                (term("+all"), FindingKind::PassesAll),
            ),
            (&[("example.com", "v=spf1 ip4:0.0.0.0/1 -all")], (term("ip4:0.0.0.0/1"), FindingKind::Wide)),
            (&[("example.com", "v=spf1 -all ip4:192.0.2.1")], (term("ip4:192.0.2.1"), FindingKind::Ignored)),
            (&[("example.com", "v=spf1 -all redirect=x.example")], (term("redirect=x.example"), FindingKind::Ignored)),
            (&[("example.com", "v=spf1 include:gone.example -all")], (term("include:gone.example"), FindingKind::DeadEnd)),
            (
                &[("example.com", "v=spf1 include:i.example -all"), ("i.example", "?")],
                (term("include:i.example"), timeout("i.example", RecordKind::Txt)),
            ),
            (&[("example.com", "v=spf1 include:example.com -all")], (term("include:example.com"), FindingKind::Loop)),
            (&[("example.com", "v=spf1 a:gone.example -all")], (term("a:gone.example"), FindingKind::Void)),
            (&[("example.com", "v=spf1 exists:%{i}.l.example -all")], (term("exists:%{i}.l.example"), FindingKind::Macro)),
        ] {
            assert_eq!(kinds(zone), [expected], "{zone:?}");
        }
        assert_eq!(kinds(&[("example.com", "v=spf1 -include:i.example -all"), ("i.example", "v=spf1 +all")]), []);
        assert_eq!(kinds(&[("example.com", "v=spf1 ip4:192.0.0.0/8 ip6:2001::/16 ?all")]), []);
    }

    #[test]
    fn a_web_of_records_comes_to_an_end() {
        let names: Vec<String> = (0..30).map(|number| format!("r{number}.example")).collect();
        let text = format!("v=spf1 {} -all", names.iter().map(|name| format!("include:{name}")).collect::<Vec<_>>().join(" "));
        let mut zone = vec![("example.com", text.as_str())];
        zone.extend(names.iter().map(|name| (name.as_str(), text.as_str())));
        let audit = run(&zone);
        assert!(audit.lookups == MAX_LOOKUPS && audit.findings.len() <= MAX_FINDINGS);
        assert!(audit.records.len() > 10 && audit.findings.iter().any(|finding| finding.kind == FindingKind::TooMuch));
    }
}
