//! SPF: the record, what it costs, whom it passes, and whether it passes those that send.

use std::net::IpAddr;

use xd_auth::spf::{self, Audit, Finding, FindingKind, Mechanism, Options, Qualifier, Reason, Record, Sender, SpfResult};

use super::audit::{Known, Plan};
use super::pool::Pool;
use super::report::{Lines, Topic};

/// Terms that may ask DNS, and those that may find nothing (RFC 7208 §4.6.4).
const MAX_LOOKUPS: u32 = 10;
const MAX_VOIDS: u32 = 2;
/// RFC 7208 §3.4: octets of all texts together that fit into an answer of 512 octets with the name.
const MAX_OCTETS: usize = 450;
/// Pieces of a pool that are checked: a record that cuts it more often is none that people wrote for it.
const MAX_PIECES: usize = 1_024;

pub(super) fn audit(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) {
    let Some(audit) = known.of(spf::audit(plan.domain, known.answers)) else { return };
    for record in audit.records.iter().filter(|record| record.depth == 0) {
        lines.fine(Topic::Spf, format!("record of {}: {}", record.domain, record.text));
        if record.octets > MAX_OCTETS {
            lines.warn(
                Topic::Spf,
                format!(
                    "the texts of {} have {} octets; more than {MAX_OCTETS} may not fit into one packet",
                    record.domain, record.octets
                ),
                "move networks into a record of their own and include it; remove texts that no one needs",
            );
        }
    }
    for finding in &audit.findings {
        say(finding, lines);
    }
    if audit.records.is_empty() {
        return;
    }
    says_nothing(&audit, lines);
    costs(&audit, lines);
    for pool in plan.pools {
        passes(plan, pool, &audit, known, lines);
    }
}

fn say(finding: &Finding, lines: &mut Lines) {
    let domain = &finding.domain;
    let term = match &finding.term {
        Some(term) => format!("{term} in the record of {domain}"),
        None => format!("the record of {domain}"),
    };
    match &finding.kind {
        FindingKind::NoRecord => lines.wrong(
            Topic::Spf,
            format!("{domain} publishes no record"),
            "publish one that names all that send, such as \"v=spf1 ip4:192.0.2.0/28 -all\"; \"v=spf1 -all\" when nothing sends",
        ),
        FindingKind::SeveralRecords(count) => {
            lines.wrong(Topic::Spf, format!("{domain} publishes {count} records: the result is permerror"), "join them into one");
        }
        FindingKind::Syntax(error) => {
            lines.wrong(Topic::Spf, format!("{term}: {error}: the result is permerror"), "mend the term");
        }
        FindingKind::DeadEnd => lines.wrong(
            Topic::Spf,
            format!("{term} leads to a domain without a record: the result is permerror"),
            "remove the term, or publish the record",
        ),
        FindingKind::Loop => {
            lines.wrong(Topic::Spf, format!("{term} leads back to itself: the result is permerror"), "remove the term");
        }
        FindingKind::PassesAll => {
            lines.wrong(Topic::Spf, format!("{term} passes everyone"), "name what sends, and end with -all");
        }
        FindingKind::Wide => {
            lines.wrong(Topic::Spf, format!("{term} passes more addresses than anyone has"), "name what sends");
        }
        FindingKind::TooManyHosts => lines.wrong(
            Topic::Spf,
            format!("{term} leads to more than 10 hosts: the result is permerror"),
            "name the networks instead",
        ),
        FindingKind::TooMuch => {
            lines.wrong(Topic::Spf, format!("{term} leads to more terms than are counted"), "name the networks instead");
        }
        FindingKind::Void => lines.warn(Topic::Spf, format!("{term} finds nothing"), "remove the term"),
        FindingKind::Ignored => {
            lines.warn(Topic::Spf, format!("{term} stands behind all, where no one looks"), "move it before all, or remove it");
        }
        FindingKind::OpenEnd => {
            lines.warn(Topic::Spf, format!("{term} says nothing of others than it names"), "end it with ~all or -all");
        }
        FindingKind::Ptr => lines.warn(
            Topic::Spf,
            format!("{term} is slow, and some do not evaluate it (RFC 7208 §5.5)"),
            "name the networks instead",
        ),
        FindingKind::Macro => lines.fine(Topic::Spf, format!("{term} depends on the message and is not followed")),
        FindingKind::Unknown(question, why) => lines.unknown(Topic::Spf, question, *why),
        other => lines.unsaid(Topic::Spf, format!("{term}: {other:?}")),
    }
}

/// A record that ends in `?all` is as good as none for whoever it does not name.
fn says_nothing(audit: &Audit, lines: &mut Lines) {
    for visited in audit.records.iter().filter(|visited| visited.depth == 0) {
        let Ok(record) = Record::parse(visited.text.as_bytes()) else { continue };
        let neutral = |qualifier| qualifier == Qualifier::Neutral;
        if record.directives.iter().any(|term| term.mechanism == Mechanism::All && neutral(term.qualifier)) {
            lines.warn(
                Topic::Spf,
                format!("?all in the record of {} says nothing of others than it names", visited.domain),
                "end it with ~all or -all",
            );
        }
    }
}

fn costs(audit: &Audit, lines: &mut Lines) {
    let lookups = audit.lookups;
    let is_part = audit.findings.iter().any(|finding| matches!(finding.kind, FindingKind::Unknown(..)));
    let least = if is_part { "at least " } else { "" };
    let what = format!("a client that no term matches costs {least}{lookups} lookups, of {MAX_LOOKUPS} allowed");
    match lookups {
        0..MAX_LOOKUPS => lines.fine(Topic::Spf, what),
        MAX_LOOKUPS => {
            lines.warn(Topic::Spf, format!("{what}: one more anywhere breaks it"), "name networks instead of including");
        }
        _ => lines.wrong(
            Topic::Spf,
            format!("{what}: beyond them the result is permerror"),
            "remove includes that no one needs, and name networks instead",
        ),
    }
    let (ip4, ip6) = (audit.voids_ip4, audit.voids_ip6);
    let what =
        format!("terms that find nothing: {least}{ip4} for a client of IPv4, {least}{ip6} of IPv6, of {MAX_VOIDS} allowed");
    let fix = "remove the terms that find nothing for clients of that kind";
    match ip4.max(ip6) {
        0..=MAX_VOIDS => lines.fine(Topic::Spf, what),
        // Terms that depend on the client may find something for some.
        _ if audit.depends_on_more => lines.warn(Topic::Spf, what, fix),
        _ => lines.wrong(Topic::Spf, format!("{what}: beyond them the result is permerror"), fix),
    }
}

/// Whether SPF passes all of a pool: each piece that lies in the same networks is checked by its first address.
fn passes(plan: &Plan<'_>, pool: &Pool, audit: &Audit, known: &mut Known<'_>, lines: &mut Lines) {
    let Some(pieces) = pool.pieces(&audit.networks, MAX_PIECES) else {
        return lines.unsaid(Topic::Spf, format!("{}: the record cuts it into more than {MAX_PIECES} pieces", pool.as_str()));
    };
    let postmaster = format!("postmaster@{}", plan.domain);
    let mut found: Vec<(IpAddr, IpAddr, SpfResult, Reason)> = Vec::new();
    let mut waits = false;
    for (first, last) in pieces {
        let sender = Sender { client: first, ehlo: plan.domain.as_str(), reverse_path: Some(&postmaster), receiver: "", now: 0 };
        let checked = known.of(spf::check(&sender, &Options { explain: false, ..Options::default() }, known.answers));
        let Some(outcome) = checked else {
            waits = true;
            continue;
        };
        match found.last_mut() {
            // Reasons of passes need not be told apart.
            Some((_, end, result, reason))
                if *result == outcome.result && (*result == SpfResult::Pass || *reason == outcome.reason) =>
            {
                *end = last;
            }
            _ => found.push((first, last, outcome.result, outcome.reason)),
        }
    }
    if waits {
        return;
    }
    for (first, last, result, reason) in found {
        let which = if first == last { first.to_string() } else { format!("{first} to {last}") };
        let of = if which == pool.as_str() { String::new() } else { format!(" (of {})", pool.as_str()) };
        match result {
            SpfResult::Pass if audit.depends_on_more && first != last => lines.warn(
                Topic::Spf,
                format!("{which}{of}: {first} passes; for the others it depends on more than the address"),
                "give the addresses that send, one by one",
            ),
            SpfResult::Pass => lines.fine(Topic::Spf, format!("{which}{of}: pass")),
            SpfResult::TempError => lines.unsaid(Topic::Spf, format!("{which}{of}: temperror, {reason}")),
            SpfResult::PermError => lines.wrong(Topic::Spf, format!("{which}{of}: permerror, {reason}"), "mend the record"),
            _ => {
                let mechanism = if first.is_ipv4() { "ip4" } else { "ip6" };
                let named = if first == last { which.clone() } else { pool.as_str().to_owned() };
                lines.wrong(
                    Topic::Spf,
                    format!("{which}{of}: {result}, {reason}"),
                    format!("add {mechanism}:{named} to the record before all, unless it shall not send"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::faults;
    use super::super::report::Level::{Unknown, Warn, Wrong};
    use super::*;

    fn spf(zone: &str, pools: &[&str]) -> Vec<(super::super::report::Level, String)> {
        faults(Topic::Spf.as_str(), zone, pools, &[])
    }

    #[test]
    fn a_pool_is_passed_as_a_whole() {
        let zone = "example.com TXT v=spf1 ip4:192.0.2.0/25 include:relay.example ~all
            relay.example TXT v=spf1 a:out.relay.example -all
            out.relay.example A 192.0.2.130";
        assert_eq!(spf(zone, &["192.0.2.0/26", "192.0.2.130"]), []);
        let missing = spf(zone, &["192.0.2.128/30"]);
        let softfail =
            |which: &str| (Wrong, format!("{which} (of 192.0.2.128/30): softfail, ~all in the record of example.com matches"));
        assert_eq!(missing, [softfail("192.0.2.128 to 192.0.2.129"), softfail("192.0.2.131")]);
        let [(Wrong, what)] = &spf(zone, &["2001:db8::25"])[..] else { panic!() };
        assert!(what.starts_with("2001:db8::25: softfail"), "{what}");
    }

    #[test]
    fn costs_at_their_edges() {
        let zone = |count: usize, more: &str| {
            let terms: String = (0..count).map(|number| format!("a:h{number}.example ")).collect();
            let hosts: String =
                (0..count).map(|number| format!("h{number}.example A 192.0.2.1\nh{number}.example AAAA 2001:db8::1\n")).collect();
            format!("example.com TXT v=spf1 {terms}{more}-all\n{hosts}")
        };
        assert_eq!(spf(&zone(9, ""), &[]), []);
        assert!(matches!(&spf(&zone(10, ""), &[])[..], [(Warn, _)]));
        assert!(matches!(&spf(&zone(11, ""), &["192.0.2.1"])[..], [(Wrong, _)]));
        assert!(matches!(&spf(&zone(11, ""), &["192.0.2.2"])[..], [(Wrong, _), (Wrong, what)] if what.contains("permerror")));
        let gone = |count: usize| (0..count).map(|number| format!("a:gone{number}.example ")).collect::<String>();
        // A warning for each, and an error when there are too many.
        let levels = |count| spf(&zone(1, &gone(count)), &[]).iter().map(|(level, _)| *level).collect::<Vec<_>>();
        assert_eq!(levels(2), [Warn, Warn]);
        assert_eq!(levels(3), [Warn, Warn, Warn, Wrong]);
    }

    #[test]
    fn what_is_not_known_is_not_absent() {
        for (zone, pools) in [
            ("example.com ?", &["192.0.2.1"][..]),
            ("example.com TXT v=spf1 include:i.example -all\ni.example ?", &[]),
            ("example.com TXT v=spf1 a:i.example -all\ni.example ?", &["192.0.2.1"]),
        ] {
            let faults = spf(zone, pools);
            assert!(!faults.is_empty() && faults.iter().all(|(level, _)| *level == Unknown), "{zone}: {faults:?}");
        }
    }

    #[test]
    fn weak_records() {
        for (record, expected) in [
            ("v=spf1 +all", Wrong),
            ("v=spf1 ip4:192.0.2.0/24 ?all", Warn),
            ("v=spf1 ip4:192.0.2.0/24", Warn),
            ("v=spf1 ptr -all", Warn),
            ("v=spf1 ip4:192.0.2.0/24 -all ip4:198.51.100.0/24", Warn),
        ] {
            let faults = spf(&format!("example.com TXT {record}"), &[]);
            assert!(faults.iter().any(|(level, _)| *level == expected), "{record}: {faults:?}");
        }
        let long = format!("example.com TXT v=spf1 {}-all", "ip4:192.0.2.0/24 ".repeat(26));
        assert!(matches!(&spf(&long, &[])[..], [(Warn, what)] if what.contains("octets")));
        let one = "example.com TXT v=spf1 -all\nexample.com TXT v=spf1 ~all";
        assert!(matches!(&spf(one, &[])[..], [(Wrong, what)] if what.contains("2 records")));
        assert!(matches!(&spf("", &[])[..], [(Wrong, what)] if what.contains("no record")));
    }
}
