//! PTR: whether addresses that send, and hosts that take mail, have names that lead back to them.

use std::net::IpAddr;

use super::audit::{Known, Plan};
use super::hosts::Host;
use super::pool::Pool;
use super::report::{Lines, Topic};
use crate::check::names::{Names, names};

/// Addresses whose names are asked for: two questions each, at least.
const MAX_ADDRESSES: u128 = 256;
/// Addresses of a pool that are named when something is wrong with them.
const MAX_NAMED: usize = 10;

pub(super) fn audit(plan: &Plan<'_>, hosts: &[Host], known: &mut Known<'_>, lines: &mut Lines) {
    let mut left = MAX_ADDRESSES;
    for pool in plan.pools {
        match left.checked_sub(pool.size()) {
            Some(rest) => {
                left = rest;
                of_pool(pool, known, lines);
            }
            None => lines.warn(
                Topic::Ptr,
                format!(
                    "{}: with it there are more than {MAX_ADDRESSES} addresses; their names were not asked for",
                    pool.as_str()
                ),
                "give the addresses that send, or check the networks one by one",
            ),
        }
    }
    for host in hosts {
        for address in &host.addresses {
            if left == 0 {
                return;
            }
            left -= 1;
            of_host(host, *address, known, lines);
        }
    }
}

/// How it stands with the names of an address.
enum Standing {
    LeadsBack(String),
    NoName,
    Wrong(String),
    Unknown(String),
}

fn standing(address: IpAddr, known: &mut Known<'_>) -> Option<Standing> {
    let names = known.of(names(address, known.answers))?;
    Some(match (names.confirmed(), &names) {
        (Ok(Some(name)), _) => Standing::LeadsBack(name.to_string()),
        (Ok(None), Names::Found(names)) => {
            let names: Vec<&str> = names.iter().map(|named| named.name.as_str()).collect();
            Standing::Wrong(format!("{address}: its names do not lead back to it: {}", names.join(", ")))
        }
        (Ok(None), _) => Standing::NoName,
        (Err(why), _) => {
            Standing::Unknown(format!("{address}: whether it has a name that leads back is not known: {}", why.as_str()))
        }
    })
}

/// Addresses that send: many take no mail from one without a name that leads back.
fn of_pool(pool: &Pool, known: &mut Known<'_>, lines: &mut Lines) {
    let (mut good, mut last, mut wrong, mut unknown, mut waits) = (0_usize, String::new(), Vec::new(), Vec::new(), false);
    // Addresses without a name, those that follow each other together.
    let mut nameless: Option<(IpAddr, IpAddr)> = None;
    for address in pool.addresses() {
        let standing = standing(address, known);
        if let Some(Standing::NoName) = standing {
            nameless = Some((nameless.map_or(address, |(first, _)| first), address));
            continue;
        }
        wrong.extend(nameless.take().map(without_name));
        match standing {
            Some(Standing::LeadsBack(name)) => (good, last) = (good + 1, name),
            Some(Standing::Wrong(what)) => wrong.push(what),
            Some(Standing::Unknown(what)) => unknown.push(what),
            Some(Standing::NoName) => {}
            None => waits = true,
        }
    }
    wrong.extend(nameless.map(without_name));
    if waits {
        return;
    }
    match good {
        0 => {}
        1 => lines.fine(Topic::Ptr, format!("{}: {last} leads back", pool.as_str())),
        _ => lines.fine(Topic::Ptr, format!("{}: {good} addresses have names that lead back, such as {last}", pool.as_str())),
    }
    let others = |all: usize| {
        if all > MAX_NAMED { format!(", and {} others of {}", all - MAX_NAMED, pool.as_str()) } else { String::new() }
    };
    let count = wrong.len();
    for (place, what) in wrong.into_iter().take(MAX_NAMED).enumerate() {
        let others = if place + 1 == MAX_NAMED { others(count) } else { String::new() };
        lines.wrong(Topic::Ptr, format!("{what}{others}"), "publish a PTR record, and an address record of that name");
    }
    let count = unknown.len();
    for (place, what) in unknown.into_iter().take(MAX_NAMED).enumerate() {
        let others = if place + 1 == MAX_NAMED { others(count) } else { String::new() };
        lines.unsaid(Topic::Ptr, format!("{what}{others}"));
    }
}

fn without_name((first, last): (IpAddr, IpAddr)) -> String {
    if first == last { format!("{first} has no name") } else { format!("{first} to {last} have no names") }
}

/// Hosts that only take mail need no names; where they send too, they do.
fn of_host(host: &Host, address: IpAddr, known: &mut Known<'_>, lines: &mut Lines) {
    match standing(address, known) {
        None => {}
        Some(Standing::LeadsBack(name)) => {
            lines.fine(Topic::Ptr, format!("{address} of {}: {name} leads back", host.name));
        }
        Some(Standing::NoName) => may_send(without_name((address, address)), host, lines),
        Some(Standing::Wrong(what)) => may_send(what, host, lines),
        Some(Standing::Unknown(what)) => lines.unsaid(Topic::Ptr, what),
    }
}

fn may_send(what: String, host: &Host, lines: &mut Lines) {
    lines.warn(
        Topic::Ptr,
        format!("{what}; it is an address of {}", host.name),
        "if it sends mail too, publish a PTR record, and an address record of that name",
    );
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::{faults, lines};
    use super::super::report::Level::{self, Unknown, Warn, Wrong};

    #[test]
    fn names_must_lead_back() {
        for (zone, expected) in [
            ("7.2.0.192.in-addr.arpa PTR a.example.com\na.example.com A 192.0.2.7", &[][..]),
            ("7.2.0.192.in-addr.arpa PTR a.example.com\na.example.com A 192.0.2.8", &[Wrong]),
            ("7.2.0.192.in-addr.arpa PTR a.example.com\na.example.com ?", &[Unknown]),
            (
                "7.2.0.192.in-addr.arpa PTR b.example.com\n7.2.0.192.in-addr.arpa PTR a.example.com\na.example.com A 192.0.2.7",
                &[],
            ),
            ("7.2.0.192.in-addr.arpa ?", &[Unknown]),
            ("", &[Wrong]),
        ] {
            let found: Vec<Level> = faults("PTR", zone, &["192.0.2.7"], &[]).into_iter().map(|(level, _)| level).collect();
            assert_eq!(found, expected, "{zone}");
        }
    }

    #[test]
    fn large_pools_are_summed_up() {
        let found = faults("PTR", "", &["192.0.2.0/24"], &[]);
        assert_eq!(found, [(Wrong, "192.0.2.0 to 192.0.2.255 have no names".to_owned())]);
        let zone = "1.2.0.192.in-addr.arpa PTR a.example.com\na.example.com A 192.0.2.1";
        let found: Vec<String> = faults("PTR", zone, &["192.0.2.0/30"], &[]).into_iter().map(|(_, what)| what).collect();
        assert_eq!(found, ["192.0.2.0 has no name", "192.0.2.2 to 192.0.2.3 have no names"]);
        let zone: String = (0..16).map(|last| format!("{last}.2.0.192.in-addr.arpa PTR a.example.com\n")).collect();
        let found = faults("PTR", &zone, &["192.0.2.0/28"], &[]);
        assert!(found.len() == 10 && found[9].1.ends_with(", and 6 others of 192.0.2.0/28"), "{found:?}");
        let found = faults("PTR", "", &["192.0.2.0/24", "192.0.2.7"], &[]);
        assert!(matches!(found.last(), Some((Warn, what)) if what.contains("more than 256")));
        assert!(matches!(&faults("PTR", "", &["2001:db8::/32"], &[])[..], [(Warn, _)]));
    }

    #[test]
    fn hosts_of_mail_are_looked_at() {
        let zone = "example.com MX 10 mail.example.com\nmail.example.com A 192.0.2.7";
        assert!(matches!(&faults("PTR", zone, &[], &[])[..], [(Warn, _)]));
        let zone = format!("{zone}\n7.2.0.192.in-addr.arpa PTR mail.example.com");
        assert_eq!((faults("PTR", &zone, &[], &[]), lines("PTR", &zone, &[], &[]).len()), (vec![], 1));
    }
}
