//! Lists in DNS (RFC 5782): of addresses (DNSBL, DNSWL) and of domains (URIBL, RHSBL).
//!
//! No I/O and no clock: a list says which questions it needs, takes the answers, and says what they mean. A list that
//! refuses us, or lists everything or nothing, must never count: so each is tested by the entries that RFC 5782 §5 reserves, and
//! by the codes it answers with. One that fails is suspended for a while, and an [`Alarm`] tells the operator.

mod standing;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::time::Instant;
use xd_auth::{Answer, Answers, Name, Question, Record, RecordKind, Unknown};
use xd_core::Known;

pub use standing::{Alarm, Standing};

/// What a list is of, and what it says by which code. A list is asked only when the operator names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListSettings {
    /// Under which name its entries stand.
    pub zone: Name,
    /// What stands in it.
    pub kind: ListKind,
    /// What its codes mean. A code that none of them covers means nothing but that the item is listed.
    pub codes: Vec<Code>,
    /// Codes that say that the list refuses us, as addresses and the number of leading bits that count. Default: 127.255.255.0/24, from
    /// which several large lists take them, and 127.0.0.1, which others use so. A list for which that is a code needs other settings.
    pub refusals: Vec<(Ipv4Addr, u8)>,
    /// An entry that must be there, and one that must not: the test. Default: those of RFC 5782 §5.
    pub test: (Item, Item),
}

/// What stands in a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5782 has no others")]
pub enum ListKind {
    /// Addresses of hosts.
    Addresses,
    /// Domains.
    Domains,
}

/// Something that may stand in a list.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5782 has no others")]
pub enum Item {
    /// An address.
    Address(IpAddr),
    /// A domain.
    Domain(Name),
}

/// What a code means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Code {
    /// Which codes.
    pub covers: Covers,
    /// What they mean, in the operator's words: `spam-source`, `dynamic`, `phishing`.
    pub meaning: String,
}

/// Which codes have a meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5782 §2.3 has these two ways")]
pub enum Covers {
    /// This one.
    Address(Ipv4Addr),
    /// Those with any of these bits in the last octet.
    Bits(u8),
}

/// A list and how it stands.
///
/// # Example: an item that is listed counts once the list has passed its test
/// ```
/// use tokio::time::Instant;
/// use xd_auth::{Absence, Answer, Answers, Name, Record};
/// use xd_core::{Known, Unknown};
/// use xd_lookup::lists::{Item, List, ListKind, ListSettings};
///
/// let zone = Name::parse("dnsbl.example").unwrap();
/// let mut list = List::new(ListSettings::new(zone, ListKind::Addresses));
/// let (now, item) = (Instant::now(), Item::Address("192.0.2.7".parse().unwrap()));
/// let mut answers = Answers::default();
/// for question in list.questions(&[item.clone()], now) {
///     let absent = question.name.as_str() == "1.0.0.127.dnsbl.example";
///     let listed = Answer::Found(vec![Record::A("127.0.0.2".parse().unwrap())]);
///     answers.put(question, if absent { Answer::Absent(Absence::Name) } else { listed });
/// }
/// assert_eq!(list.take_tests(&answers, now), None);
/// assert_eq!(list.entry(&item, &answers, now).0, Known::Found(vec!["127.0.0.2".parse().unwrap()]));
/// ```
#[derive(Clone, Debug)]
pub struct List {
    settings: ListSettings,
    standing: Standing,
}

impl ListSettings {
    /// A list with the codes and tests that RFC 5782 and custom suggest.
    #[must_use]
    pub fn new(zone: Name, kind: ListKind) -> Self {
        let test = match kind {
            ListKind::Addresses => (Item::Address(Ipv4Addr::new(127, 0, 0, 2).into()), Item::Address(Ipv4Addr::LOCALHOST.into())),
            ListKind::Domains => {
                // Both are names, so the root never stands in.
                let name = |text| Item::Domain(Name::parse(text).unwrap_or_else(|_| Name::root()));
                (name("test"), name("invalid"))
            }
        };
        let refusals = vec![(Ipv4Addr::new(127, 255, 255, 0), 24), (Ipv4Addr::LOCALHOST, 32)];
        Self { zone, kind, codes: Vec::new(), refusals, test }
    }

    /// What codes mean, each once, in the order of the settings.
    pub fn meanings(&self, codes: &[Ipv4Addr]) -> Vec<&str> {
        let is_covered = |covers: Covers| match covers {
            Covers::Address(address) => codes.contains(&address),
            Covers::Bits(bits) => codes.iter().any(|code| code.octets()[3] & bits != 0),
        };
        let mut meanings: Vec<&str> = Vec::new();
        for code in &self.codes {
            if is_covered(code.covers) && !meanings.contains(&code.meaning.as_str()) {
                meanings.push(&code.meaning);
            }
        }
        meanings
    }

    /// The question whether an item stands in the list (RFC 5782 §2.1, §2.4, §3). None when the list is not of such items, when the item is
    /// of no public network, or when its name is too long.
    #[must_use]
    pub fn question(&self, item: &Item) -> Option<Question> {
        match (self.kind, item) {
            (ListKind::Addresses, Item::Address(address)) if is_public(*address) => self.raw_question(item),
            (ListKind::Domains, Item::Domain(name)) if !name.is_root() => self.raw_question(item),
            _ => None,
        }
    }

    fn raw_question(&self, item: &Item) -> Option<Question> {
        let item = match item {
            Item::Address(address) => {
                let reverse = Question::reverse(*address).name;
                let text = reverse.as_str();
                text.strip_suffix(".in-addr.arpa").or_else(|| text.strip_suffix(".ip6.arpa")).unwrap_or(text).to_owned()
            }
            Item::Domain(name) => name.as_str().to_owned(),
        };
        let name = Name::parse(&format!("{item}.{}", self.zone)).ok()?;
        Some(Question::new(name, RecordKind::A))
    }

    fn is_refusal(&self, code: Ipv4Addr) -> bool {
        self.refusals.iter().any(|(network, bits)| {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub((*bits).into())).unwrap_or(0);
            (u32::from(code) ^ u32::from(*network)) & mask == 0
        })
    }

    /// The codes of an answer; unknown, and what is wrong with the list, where it makes no sense.
    fn codes_of(&self, answer: &Answer<Record>) -> (Known<Vec<Ipv4Addr>>, Option<Alarm>) {
        let records = match answer {
            Answer::Found(records) => records,
            Answer::Absent(_) => return (Known::Absent, None),
            // A server that refuses this zone does so for every name of it; whose doing that is, is not known.
            Answer::Unknown(why) => return (Known::Unknown(*why), None),
        };
        let codes: Vec<Ipv4Addr> =
            records.iter().filter_map(|record| if let Record::A(code) = record { Some(*code) } else { None }).collect();
        if let Some(code) = codes.iter().find(|code| self.is_refusal(**code)) {
            return (Known::Unknown(Unknown::Refused), Some(Alarm::Refused(*code)));
        }
        // RFC 5782 §2.1: entries are in 127.0.0.0/8. Others come from a domain that was sold, or a resolver that lies.
        if let Some(code) = codes.iter().find(|code| !code.is_loopback()) {
            return (Known::Unknown(Unknown::Malformed), Some(Alarm::Strange(*code)));
        }
        if codes.is_empty() { (Known::Unknown(Unknown::Malformed), None) } else { (Known::Found(codes), None) }
    }
}

impl List {
    /// A list that was never tested.
    #[must_use]
    pub fn new(settings: ListSettings) -> Self {
        Self { settings, standing: Standing::default() }
    }

    /// What is to be asked: the tests that are due, and the items. Of domains no more than [`MOST_DOMAINS`] are asked for.
    /// Nothing while the list is suspended.
    pub fn questions(&mut self, items: &[Item], now: Instant) -> Vec<Question> {
        if self.standing.is_suspended(now) {
            return Vec::new();
        }
        let mut questions = Vec::new();
        if self.standing.begin_test(now) {
            let (there, not_there) = &self.settings.test;
            questions.extend([there, not_there].into_iter().filter_map(|item| self.settings.raw_question(item)));
        }
        let most = if self.settings.kind == ListKind::Domains { MOST_DOMAINS } else { items.len() };
        questions.extend(items.iter().filter_map(|item| self.settings.question(item)).take(most));
        questions
    }

    /// Takes the answers to the tests, if they are among these. An alarm when the list fails.
    #[must_use]
    pub fn take_tests(&mut self, answers: &Answers, now: Instant) -> Option<Alarm> {
        let (there, not_there) = &self.settings.test;
        let answer = |item| self.settings.raw_question(item).and_then(|question| answers.records(&question));
        let (there, not_there) = (answer(there)?, answer(not_there)?);
        let alarm = match (self.settings.codes_of(there), self.settings.codes_of(not_there)) {
            ((_, Some(alarm)), _) | (_, (_, Some(alarm))) => Some(alarm),
            (_, (Known::Found(_), _)) => Some(Alarm::ListsEverything),
            ((Known::Absent, _), _) => Some(Alarm::ListsNothing),
            // Nothing is wrong, and nothing shown: it is tried again.
            ((Known::Unknown(_), _), _) | (_, (Known::Unknown(_), _)) => return None,
            ((Known::Found(_), _), (Known::Absent, _)) => None,
        };
        match alarm {
            Some(_) => self.standing.suspend(now),
            None => self.standing.pass(now),
        }
        alarm
    }

    /// Whether an item is listed, and by which codes. Unknown when the list is suspended or has not passed its test lately. An alarm
    /// when the answer shows that the list refuses us or is none any more: it is suspended from then on.
    #[must_use]
    pub fn entry(&mut self, item: &Item, answers: &Answers, now: Instant) -> (Known<Vec<Ipv4Addr>>, Option<Alarm>) {
        let not_asked = (Known::Unknown(Unknown::NotAsked), None);
        let Some(answer) = self.settings.question(item).and_then(|question| answers.records(&question)) else {
            return not_asked;
        };
        if self.standing.is_suspended(now) {
            return not_asked;
        }
        let (found, alarm) = self.settings.codes_of(answer);
        if alarm.is_some() {
            self.standing.suspend(now);
            return (found, alarm);
        }
        // Neither that an item is listed nor that it is not means anything of a list that may be dead.
        let counts = self.standing.is_trusted(now) || found.is_unknown();
        if counts { (found, None) } else { not_asked }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ListSettings {
        &self.settings
    }

    /// How the list stands.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

/// Whether an address may stand in a list at all. What is private here is somebody else's elsewhere.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let special = [Ipv4Addr::is_private, Ipv4Addr::is_loopback, Ipv4Addr::is_link_local, Ipv4Addr::is_multicast];
            // 100.64.0.0/10: RFC 6598.
            let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
            !(special.iter().any(|is| is(&address)) || shared || matches!(address.octets()[0], 0 | 240..))
        }
        IpAddr::V6(address) => {
            let special = [Ipv6Addr::is_loopback, Ipv6Addr::is_unspecified, Ipv6Addr::is_multicast, Ipv6Addr::is_unique_local];
            !(special.iter().any(|is| is(&address)) || address.is_unicast_link_local())
        }
    }
}

/// Domains of a message that a list is asked about, the first of them. Ordinary mail links to fewer; mail with hundreds would
/// spend the message's questions, and the list's patience.
pub const MOST_DOMAINS: usize = 20;

#[cfg(test)]
mod tests;
