//! MX: the hosts that take mail of the domain, and their addresses.

use std::net::IpAddr;

use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind};

use super::audit::{Known, Plan};
use super::report::{Lines, Topic};

/// A host that takes mail.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: Name,
    pub(super) addresses: Vec<IpAddr>,
}

/// Hosts that are looked at: more than anyone runs under a name of its own.
const MAX_HOSTS: usize = 20;

/// Says which hosts take mail, and gives those with what is known of their addresses.
pub(super) fn audit(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) -> Vec<Host> {
    let question = Question::new(plan.domain.clone(), RecordKind::Mx);
    let records = match known.records(&question) {
        None => return Vec::new(),
        Some(Answer::Unknown(why)) => {
            lines.unknown(Topic::Mx, &question, *why);
            return Vec::new();
        }
        Some(Answer::Absent(Absence::Name)) => {
            lines.wrong(Topic::Mx, format!("there is no domain {}", plan.domain), "register it, or mend its delegation");
            return Vec::new();
        }
        Some(Answer::Absent(Absence::Records)) => {
            return implicit(plan, known, lines).into_iter().collect();
        }
        Some(Answer::Found(records)) => records,
    };
    let mut found: Vec<(u16, &Name)> = records
        .iter()
        .filter_map(|record| if let Record::Mx { preference, host } = record { Some((*preference, host)) } else { None })
        .collect();
    found.sort();
    if found.iter().any(|(_, host)| host.is_root()) {
        match found.len() {
            1 if plan.pools.is_empty() => lines.fine(Topic::Mx, "the domain takes no mail (null MX)"),
            // RFC 7505 §4.2: others need not take mail from a domain that reports of failure cannot be sent to.
            1 => lines.warn(Topic::Mx, "the domain takes no mail (null MX), though it sends some", "publish an MX record"),
            // RFC 7505 §3.
            _ => lines.wrong(Topic::Mx, "a null MX stands beside other MX records", "remove it, or all others"),
        }
    }
    let mut hosts = Vec::new();
    for (preference, host) in found.into_iter().filter(|(_, host)| !host.is_root()).take(MAX_HOSTS) {
        if host.as_str().parse::<IpAddr>().is_ok() {
            lines.wrong(Topic::Mx, format!("{host} is an address, and must be a name"), "give the address a name");
            continue;
        }
        let Some((addresses, unknown)) = addresses(host, known, lines) else { continue };
        if !addresses.is_empty() {
            let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            lines.fine(Topic::Mx, format!("{preference} {host}: {}", list.join(", ")));
        } else if !unknown {
            lines.wrong(Topic::Mx, format!("{preference} {host} has no address"), "give it one, or remove the record");
        }
        hosts.push(Host { name: host.clone(), addresses });
    }
    hosts
}

/// RFC 5321 §5.1: without MX, the domain itself is the host.
fn implicit(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) -> Option<Host> {
    let (addresses, unknown) = addresses(plan.domain, known, lines)?;
    if addresses.is_empty() {
        if !unknown {
            let what = format!("{} takes no mail, so that reports of what was not delivered are lost", plan.domain);
            match plan.pools {
                [] => lines.warn(Topic::Mx, what, "publish an MX record; if it shall take none, say so: MX 0 ."),
                _ => lines.wrong(Topic::Mx, what, "publish an MX record: many take no mail of such a domain"),
            }
        }
        return None;
    }
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let what = format!("no MX record: mail goes to the addresses of the domain itself, {}", list.join(", "));
    lines.warn(Topic::Mx, what, "publish an MX record; if it shall take no mail, say so: MX 0 .");
    Some(Host { name: plan.domain.clone(), addresses })
}

/// The addresses of a host, and whether some are not known; none while the answers are not there.
fn addresses(host: &Name, known: &mut Known<'_>, lines: &mut Lines) -> Option<(Vec<IpAddr>, bool)> {
    let (mut found, mut unknown, mut waits) = (Vec::new(), false, false);
    for kind in [RecordKind::Aaaa, RecordKind::A] {
        let question = Question::new(host.clone(), kind);
        match known.records(&question) {
            None => waits = true,
            Some(Answer::Absent(_)) => {}
            Some(Answer::Unknown(why)) => {
                unknown = true;
                lines.unknown(Topic::Mx, &question, *why);
            }
            Some(Answer::Found(records)) => found.extend(records.iter().filter_map(|record| match record {
                Record::A(address) => Some(IpAddr::from(*address)),
                Record::Aaaa(address) => Some(IpAddr::from(*address)),
                _ => None,
            })),
        }
    }
    (!waits).then_some((found, unknown))
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::faults;
    use super::super::report::Level::{self, Unknown, Warn, Wrong};

    #[test]
    fn hosts_that_take_mail() {
        for (zone, pools, expected) in [
            ("example.com MX 10 mail.example.com\nmail.example.com A 192.0.2.1", &[][..], &[][..]),
            ("example.com MX 0 .", &[], &[]),
            ("example.com MX 0 .", &["192.0.2.1"], &[Warn]),
            ("example.com MX 0 .\nexample.com MX 10 mail.example.com\nmail.example.com A 192.0.2.1", &[], &[Wrong]),
            ("example.com MX 10 gone.example.com", &[], &[Wrong]),
            ("example.com MX 10 192.0.2.1", &[], &[Wrong]),
            ("example.com MX 10 mail.example.com\nmail.example.com ?", &[], &[Unknown, Unknown]),
            ("example.com A 192.0.2.1", &[], &[Warn]),
            ("example.com TXT v=spf1 -all", &[], &[Warn]),
            ("example.com TXT v=spf1 -all", &["192.0.2.1"], &[Wrong]),
            ("example.com ?", &[], &[Unknown]),
            ("", &[], &[Wrong]),
        ] {
            let found: Vec<Level> = faults("MX", zone, pools, &[]).into_iter().map(|(level, _)| level).collect();
            assert_eq!(found, expected, "{zone}");
        }
    }
}
