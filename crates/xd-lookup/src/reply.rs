//! What one response of a server says about a question, read strictly.
//!
//! A response counts only for the name and type that were asked for. An alias (CNAME) is followed within the response, and no
//! further than a few steps. Where a response makes no sense, the answer is unknown, never absent.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name as WireName, RData, Record as WireRecord, RecordType};
use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind, Unknown};

/// What a response says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    /// It says that the name stands for another, and nothing about that one. How many steps led there is counted.
    Alias { target: WireName, ttl: u32, steps: usize },
    /// It answers, and the answer may be kept for so many seconds.
    Final(Answer<Record>, u32),
}

/// The question as hickory asks it. None when the name cannot be put on the wire.
pub(crate) fn query(question: &Question) -> Option<Query> {
    let mut name = if question.name.is_root() {
        WireName::root()
    } else {
        // Octet by octet: hickory reads no escapes here, and changes no underscores.
        WireName::from_labels(question.name.as_str().split('.').map(str::as_bytes)).ok()?
    };
    name.set_fqdn(true);
    Some(Query::query(name, record_type(question.kind)))
}

/// Reads a response to a query. `steps` aliases led to its name so far.
pub(crate) fn read(message: &Message, query: &Query, kind: RecordKind, mut steps: usize) -> Reply {
    match message.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {}
        ResponseCode::Refused => return unknown(Unknown::Refused),
        _ => return unknown(Unknown::ServerFailure),
    }
    if message.queries != [query.clone()] {
        return unknown(Unknown::Malformed);
    }
    let no_such_name = message.metadata.response_code == ResponseCode::NXDomain;
    let (mut name, mut ttl, came_from) = (query.name(), u32::MAX, steps);
    loop {
        let records: Vec<&WireRecord> = of(message, name, query.query_type()).collect();
        if !records.is_empty() {
            // A name with records exists.
            return if no_such_name { unknown(Unknown::Malformed) } else { found(&records, kind, ttl) };
        }
        let Some(alias) = of(message, name, RecordType::CNAME).next() else { break };
        let RData::CNAME(target) = &alias.data else { break };
        steps += 1;
        if steps > MAX_ALIASES {
            return unknown(Unknown::Malformed);
        }
        (name, ttl) = (&target.0, ttl.min(seconds(alias.ttl)));
    }
    // RFC 6604 §3: the code is that of the last name of the chain.
    let negative = negative_ttl(message.authorities.iter());
    match (no_such_name, negative, steps > came_from) {
        (true, _, true) => Reply::Final(Answer::Absent(Absence::Name), ttl.min(negative.unwrap_or(0))),
        (false, Some(negative), true) => Reply::Final(Answer::Absent(Absence::Records), ttl.min(negative)),
        (false, None, true) => Reply::Alias { target: name.clone(), ttl, steps },
        // An answer of other names, or other types of this one, to a question for this.
        (_, _, false) => unknown(Unknown::Malformed),
    }
}

/// Reads why there was no response with records.
pub(crate) fn missing(error: &NetError, query: &Query) -> Reply {
    let none = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none,
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => return unknown(Unknown::Refused),
        NetError::Timeout => return unknown(Unknown::Timeout),
        NetError::Proto(_) | NetError::Truncated => return unknown(Unknown::Malformed),
        _ => return unknown(Unknown::ServerFailure),
    };
    if *none.query != *query {
        return unknown(Unknown::Malformed);
    }
    // RFC 2308 §5: an absence without SOA is not to be kept.
    let ttl = none.negative_ttl.map_or(0, seconds);
    match none.response_code {
        ResponseCode::NXDomain => Reply::Final(Answer::Absent(Absence::Name), ttl),
        // RFC 2308 §2.2: name servers without SOA are a referral. Whoever gives one does not look for us.
        ResponseCode::NoError if none.soa.is_none() && none.ns.is_some() => unknown(Unknown::ServerFailure),
        ResponseCode::NoError => Reply::Final(Answer::Absent(Absence::Records), ttl),
        ResponseCode::Refused => unknown(Unknown::Refused),
        _ => unknown(Unknown::ServerFailure),
    }
}

pub(crate) fn unknown(why: Unknown) -> Reply {
    Reply::Final(Answer::Unknown(why), 0)
}

fn of<'m>(message: &'m Message, name: &'m WireName, kind: RecordType) -> impl Iterator<Item = &'m WireRecord> {
    let is_one =
        move |record: &&WireRecord| record.dns_class == DNSClass::IN && record.record_type() == kind && record.name == *name;
    message.answers.iter().filter(is_one)
}

fn found(records: &[&WireRecord], kind: RecordKind, mut ttl: u32) -> Reply {
    let most = if kind == RecordKind::Txt { MAX_TEXTS } else { MAX_RECORDS };
    if records.len() > most {
        return unknown(Unknown::Malformed);
    }
    let (mut found, mut octets) = (Vec::with_capacity(records.len()), 0);
    for record in records {
        ttl = ttl.min(seconds(record.ttl));
        let Some(read) = record_of(&record.data) else { continue };
        if let Record::Txt(text) = &read {
            octets += text.len();
        }
        // The same record twice is one (RFC 2181 §5).
        if !found.contains(&read) {
            found.push(read);
        }
    }
    if found.is_empty() || octets > MAX_TEXT { unknown(Unknown::Malformed) } else { Reply::Final(Answer::Found(found), ttl) }
}

fn record_of(data: &RData) -> Option<Record> {
    Some(match data {
        RData::A(address) => Record::A(address.0),
        RData::AAAA(address) => Record::Aaaa(address.0),
        RData::MX(mx) => Record::Mx { preference: mx.preference, host: name_of(&mx.exchange)? },
        RData::PTR(name) => Record::Ptr(name_of(&name.0)?),
        RData::TLSA(tlsa) => Record::Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.as_slice().into(),
        },
        RData::TXT(text) => Record::Txt(text.txt_data.concat().into()),
        _ => return None,
    })
}

/// A name in our spelling. None when a label holds what ours cannot: a dot within a label would read as two labels.
fn name_of(name: &WireName) -> Option<Name> {
    let mut text = String::new();
    for label in name {
        if label.contains(&b'.') {
            return None;
        }
        text.push_str(std::str::from_utf8(label).ok()?);
        text.push('.');
    }
    Name::parse(&text).ok()
}

/// RFC 2308 §5: for how long an absence may be kept.
fn negative_ttl<'a>(mut authorities: impl Iterator<Item = &'a WireRecord>) -> Option<u32> {
    authorities.find_map(|record| match &record.data {
        RData::SOA(soa) => Some(seconds(record.ttl).min(seconds(soa.minimum))),
        _ => None,
    })
}

/// RFC 2181 §8: a time with the highest bit set is none.
fn seconds(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Ptr => RecordType::PTR,
        RecordKind::Tlsa => RecordType::TLSA,
        RecordKind::Txt => RecordType::TXT,
    }
}

/// Aliases that are followed for one question, as many as common resolvers follow; more, or a loop, make no sense.
pub(crate) const MAX_ALIASES: usize = 10;
/// Records of an answer other than texts. More addresses or hosts help nobody; part of them would be a wrong answer, so all of
/// it is unknown.
const MAX_RECORDS: usize = 100;
/// Texts of an answer. Large companies prove to many others under one name that it is theirs.
const MAX_TEXTS: usize = 500;
/// Octets of the texts of an answer; a response has no more (RFC 1035 §4.2.2).
const MAX_TEXT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::proto::op::OpCode;
    use hickory_resolver::proto::rr::rdata;
    use proptest::prelude::*;

    use super::*;

    fn wire(name: &str) -> WireName {
        WireName::from_ascii(name).unwrap()
    }

    fn address(name: &str, last: u8) -> WireRecord {
        WireRecord::from_rdata(wire(name), 60, RData::A(rdata::A(Ipv4Addr::new(192, 0, 2, last))))
    }

    fn alias(name: &str, target: &str) -> WireRecord {
        WireRecord::from_rdata(wire(name), 30, RData::CNAME(rdata::CNAME(wire(target))))
    }

    fn reply(code: ResponseCode, answers: Vec<WireRecord>) -> Reply {
        let asked = query(&Question::new(Name::parse("a.example").unwrap(), RecordKind::A)).unwrap();
        let mut message = Message::response(7, OpCode::Query);
        message.metadata.response_code = code;
        message.add_query(asked.clone());
        message.add_answers(answers);
        read(&message, &asked, RecordKind::A, 0)
    }

    #[test]
    fn records_of_the_name_and_its_alias_count() {
        let one = Answer::Found(vec![Record::A(Ipv4Addr::new(192, 0, 2, 1))]);
        let plain = vec![address("other.example.", 9), address("A.Example.", 1), address("a.example.", 1)];
        assert_eq!(reply(ResponseCode::NoError, plain), Reply::Final(one.clone(), 60));
        // In any order, and with the least time to live of the chain.
        let chain = vec![address("c.example.", 1), alias("b.example.", "c.example."), alias("a.example.", "b.example.")];
        assert_eq!(reply(ResponseCode::NoError, chain), Reply::Final(one, 30));
        let open = Reply::Alias { target: wire("b.example."), ttl: 30, steps: 1 };
        assert_eq!(reply(ResponseCode::NoError, vec![alias("a.example.", "b.example.")]), open);
    }

    #[test]
    fn nonsense_is_unknown_and_never_absent() {
        let malformed = unknown(Unknown::Malformed);
        let cases = [
            vec![address("other.example.", 1)],
            vec![alias("other.example.", "a.example.")],
            vec![alias("a.example.", "b.example."), alias("b.example.", "a.example.")],
            (0..101).map(|last| address("a.example.", last)).collect(),
        ];
        for answers in cases {
            assert_eq!(reply(ResponseCode::NoError, answers), malformed);
        }
        assert_eq!(reply(ResponseCode::NXDomain, vec![address("a.example.", 1)]), malformed);
        assert_eq!(reply(ResponseCode::ServFail, vec![address("a.example.", 1)]), unknown(Unknown::ServerFailure));
        assert_eq!(reply(ResponseCode::Unknown(3841), vec![address("a.example.", 1)]), unknown(Unknown::ServerFailure));
    }

    #[test]
    fn an_alias_of_nothing_is_absent() {
        let gone = reply(ResponseCode::NXDomain, vec![alias("a.example.", "b.example.")]);
        assert_eq!(gone, Reply::Final(Answer::Absent(Absence::Name), 0));
    }

    #[test]
    fn as_many_aliases_and_records_as_allowed() {
        let chain = |steps: usize| {
            let name = |step: usize| if step == 0 { "a.example.".to_owned() } else { format!("n{step}.example.") };
            let mut records: Vec<_> = (0..steps).map(|step| alias(&name(step), &name(step + 1))).collect();
            records.push(address(&name(steps), 1));
            reply(ResponseCode::NoError, records)
        };
        assert!(matches!(chain(MAX_ALIASES), Reply::Final(Answer::Found(_), 30)));
        assert_eq!(chain(MAX_ALIASES + 1), unknown(Unknown::Malformed));
        let hundred = (0..100).map(|last| address("a.example.", last)).collect();
        assert!(matches!(reply(ResponseCode::NoError, hundred), Reply::Final(Answer::Found(_), 60)));
    }

    #[test]
    fn odd_names_keep_their_labels() {
        assert_eq!(name_of(&wire("_DMARC.Example.")), Some(Name::parse("_dmarc.example").unwrap()));
        assert_eq!(name_of(&WireName::root()), Some(Name::root()));
        let dotted = WireName::from_labels([b"a.b".as_slice(), b"example"]).unwrap();
        assert_eq!(name_of(&dotted), None);
        let odd = Question::new(Name::parse("a+b=c.%_spf.example").unwrap(), RecordKind::Txt);
        assert_eq!(name_of(query(&odd).unwrap().name()), Some(odd.name));
    }

    proptest! {
        /// Whatever stands in a response in whatever order: found is found under the name or an alias of it, and nothing is absent
        /// unless the code or an SOA says so.
        #[test]
        fn any_response(
            links in prop::collection::vec((0..6usize, 0..6usize, any::<bool>()), 0..12),
            no_such_name: bool,
            has_soa: bool,
        ) {
            let name = |number: usize| if number == 0 { "a.example.".to_owned() } else { format!("n{number}.example.") };
            let answers: Vec<_> = links
                .iter()
                .map(|&(from, to, is_alias)| if is_alias { alias(&name(from), &name(to)) } else { address(&name(from), from as u8) })
                .collect();
            let asked = query(&Question::new(Name::parse("a.example").unwrap(), RecordKind::A)).unwrap();
            let mut message = Message::response(7, OpCode::Query);
            message.metadata.response_code = if no_such_name { ResponseCode::NXDomain } else { ResponseCode::NoError };
            message.add_query(asked.clone());
            message.add_answers(answers);
            if has_soa {
                let soa = rdata::SOA::new(wire("example."), wire("example."), 1, 1, 1, 1, 1);
                message.add_authority(WireRecord::from_rdata(wire("example."), 60, RData::SOA(soa)));
            }
            match read(&message, &asked, RecordKind::A, 0) {
                Reply::Final(Answer::Found(records), _) => {
                    // All of one owner, which the chain leads to: its number is the last octet.
                    let Record::A(first) = &records[0] else { panic!() };
                    prop_assert!(!no_such_name && records.len() == 1);
                    let (mut at, mut steps) = (0, 0);
                    while at != usize::from(first.octets()[3]) && steps <= MAX_ALIASES {
                        at = links.iter().find(|(from, _, is_alias)| *from == at && *is_alias).unwrap().1;
                        steps += 1;
                    }
                    prop_assert!(steps <= MAX_ALIASES);
                }
                Reply::Final(Answer::Absent(Absence::Name), ttl) => prop_assert!(no_such_name && ttl <= 30),
                Reply::Final(Answer::Absent(Absence::Records), ttl) => prop_assert!(has_soa && !no_such_name && ttl <= 30),
                Reply::Alias { steps, .. } => prop_assert!(!no_such_name && (1..=MAX_ALIASES).contains(&steps)),
                Reply::Final(Answer::Unknown(_), ttl) => prop_assert_eq!(ttl, 0),
            }
        }
    }
}
