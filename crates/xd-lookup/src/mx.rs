//! From MX records to hosts in order (RFC 5321 §5.1, RFC 7505).

use xd_core::{Domain, Unknown};

use crate::{Absence, Answer};

/// Who takes mail for a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum MailHosts {
    /// Hosts in the order in which they are to be tried, at least one.
    Hosts(Vec<MailHost>),
    /// Nobody, and that is certain.
    None(NoMail),
    /// Nobody could say.
    Unknown(Unknown),
}

/// One host that takes mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailHost {
    /// Its preference: lower is tried first.
    pub preference: u16,
    /// Its name.
    pub name: Domain,
    /// Whether no MX record named it: the domain itself stands in.
    pub implicit: bool,
}

/// Why nobody takes mail for a domain.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum NoMail {
    /// There is no such domain.
    NoDomain,
    /// It says so: a null MX (RFC 7505).
    Null,
    /// Its MX records name no host that could be one.
    Unusable,
}

/// What MX records say. `turn` rotates hosts of one preference, to spread load (RFC 5321 §5.1).
pub(crate) fn mail_hosts(domain: &Domain, answer: Answer<(u16, String)>, turn: u64) -> MailHosts {
    let records = match answer {
        // RFC 5321 §5.1: without MX records, the domain itself is treated as a host with preference 0.
        Answer::Absent(Absence::Records) => {
            return MailHosts::Hosts(vec![MailHost { preference: 0, name: domain.clone(), implicit: true }]);
        }
        Answer::Absent(Absence::Name) => return MailHosts::None(NoMail::NoDomain),
        Answer::Unknown(why) => return MailHosts::Unknown(why),
        Answer::Found(records) => records,
    };
    // RFC 7505 §3: a null MX stands alone. Beside others it is a record that names no host.
    if let [(_, host)] = records.as_slice()
        && host.is_empty()
    {
        return MailHosts::None(NoMail::Null);
    }
    let host =
        |(preference, name): (u16, String)| Domain::parse(&name).ok().map(|name| MailHost { preference, name, implicit: false });
    let mut hosts: Vec<MailHost> = records.into_iter().filter_map(host).collect();
    hosts.sort_by(|a, b| (a.preference, &a.name).cmp(&(b.preference, &b.name)));
    hosts.dedup_by(|later, first| later.name == first.name);
    for group in hosts.chunk_by_mut(|a, b| a.preference == b.preference) {
        // A remainder below the length of a group fits any usize.
        let turn = turn % group.len().max(1) as u64;
        group.rotate_left(turn as usize);
    }
    if hosts.is_empty() { MailHosts::None(NoMail::Unusable) } else { MailHosts::Hosts(hosts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(records: &[(u16, &str)], turn: u64) -> Vec<String> {
        let records = records.iter().map(|(preference, name)| (*preference, (*name).to_owned())).collect();
        match mail_hosts(&Domain::parse("example.com").unwrap(), Answer::Found(records), turn) {
            MailHosts::Hosts(hosts) => hosts.iter().map(|host| host.name.to_string()).collect(),
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn preference_orders_and_turns_rotate_equals() {
        let records = [(20, "c.example"), (10, "b.example"), (10, "a.example")];
        assert_eq!(names(&records, 0), ["a.example", "b.example", "c.example"]);
        assert_eq!(names(&records, 1), ["b.example", "a.example", "c.example"]);
        assert_eq!(names(&records, u64::MAX), ["b.example", "a.example", "c.example"]);
    }

    #[test]
    fn null_and_unusable_records() {
        assert_eq!(names(&[(0, "")], 0), ["None(Null)"]);
        assert_eq!(names(&[(0, ""), (5, "a.example")], 0), ["a.example"]);
        assert_eq!(names(&[(0, "not a host")], 0), ["None(Unusable)"]);
        assert_eq!(names(&[(0, ""), (0, "")], 0), ["None(Unusable)"]);
    }

    #[test]
    fn absences_are_not_alike() {
        let domain = Domain::parse("example.com").unwrap();
        assert_eq!(mail_hosts(&domain, Answer::Absent(Absence::Name), 0), MailHosts::None(NoMail::NoDomain));
        assert_eq!(mail_hosts(&domain, Answer::Unknown(Unknown::Timeout), 0), MailHosts::Unknown(Unknown::Timeout));
        let MailHosts::Hosts(hosts) = mail_hosts(&domain, Answer::Absent(Absence::Records), 0) else { panic!() };
        assert!(hosts[0].implicit && hosts[0].name == domain);
    }
}
