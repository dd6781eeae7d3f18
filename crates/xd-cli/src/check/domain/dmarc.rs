//! DMARC: the record that applies, what it asks for, and whether reports may go where it says.

use xd_auth::dmarc::{
    self, Destination, DmarcResult, FaultKind, Finding, Found, Policy, PolicyRecord, Report, ReportUri, Step, Subject,
    destination,
};

use super::audit::{Known, Plan};
use super::report::{Lines, Topic};

pub(super) fn audit(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) {
    // As of a message that nothing speaks for: so the record is found as every verifier finds it.
    let subject = Subject { author: Ok(plan.domain.clone()), spf: None, dkim: Vec::new() };
    let Some(outcome) = known.of(dmarc::check(&subject, known.answers)) else { return };
    for step in &outcome.steps {
        let Step::Looked(looked) = step else { continue };
        match &looked.finding {
            Finding::Several(count) => lines.wrong(
                Topic::Dmarc,
                format!("_dmarc.{} has {count} policy records, which count as none", looked.at),
                "leave one",
            ),
            Finding::Unknown(why) => {
                lines.unsaid(Topic::Dmarc, format!("the TXT records of _dmarc.{} are not known: {}", looked.at, why.as_str()));
            }
            _ => {}
        }
    }
    let Some(found) = &outcome.found else {
        if outcome.result != DmarcResult::TempError {
            lines.warn(
                Topic::Dmarc,
                format!("no policy record is published at _dmarc.{} or above", plan.domain),
                format!("publish at _dmarc.{}: v=DMARC1; p=none; rua=mailto:ADDRESS; and read the reports", plan.domain),
            );
        }
        return;
    };
    let place = if found.at == *plan.domain { String::new() } else { format!(", where the record of {} applies", found.at) };
    let record = &found.record;
    faults(found, lines);
    if !record.applies {
        let what = format!("the record at _dmarc.{} states no usable policy and counts as none", found.at);
        return lines.wrong(Topic::Dmarc, what, "begin it with v=DMARC1; p=none, quarantine or reject");
    }
    match outcome.published {
        Some(policy) => itself(policy, record.testing, &place, lines),
        None => lines.unsaid(Topic::Dmarc, "which policy applies is not known"),
    }
    below(record, lines);
    if record.aggregate.is_empty() {
        lines.warn(Topic::Dmarc, "nobody gets aggregate reports: what fails is not seen", "add rua=mailto:ADDRESS to the record");
    }
    for (uris, report, tag) in [(&record.aggregate, Report::Aggregate, "rua"), (&record.failure, Report::Failure, "ruf")] {
        for uri in uris {
            goes(found, uri, report, tag, known, lines);
        }
    }
}

fn itself(policy: Policy, testing: bool, place: &str, lines: &mut Lines) {
    let word = policy.as_str();
    if policy == Policy::None {
        lines.warn(
            Topic::Dmarc,
            format!("the policy is none{place}: mail that fails is delivered like other mail"),
            "when reports show that all honest mail passes, go on to p=quarantine, then p=reject",
        );
    } else if testing {
        lines.warn(
            Topic::Dmarc,
            format!("the policy is {word}{place}, on trial (t=y): {} is applied", policy.milder().as_str()),
            "remove t=y when reports show that all honest mail passes",
        );
    } else {
        lines.fine(Topic::Dmarc, format!("the policy is {word}{place}"));
    }
}

fn below(record: &PolicyRecord, lines: &mut Lines) {
    for (tag, policy, of) in [("sp", record.subdomains, "subdomains"), ("np", record.nonexistent, "subdomains that do not exist")]
    {
        let Some(policy) = policy else { continue };
        let what = format!("the policy for {of} is {}", policy.as_str());
        if policy < record.policy {
            let fix = format!("remove {tag}= unless {of} need it: others may use them");
            lines.warn(Topic::Dmarc, format!("{what}, milder than that of the domain"), fix);
        } else {
            lines.fine(Topic::Dmarc, what);
        }
    }
}

fn faults(found: &Found, lines: &mut Lines) {
    for fault in &found.record.faults {
        let tag = format!("{}= in the record at _dmarc.{}", fault.tag, found.at);
        match fault.kind {
            FaultKind::Historic => {
                lines.warn(Topic::Dmarc, format!("{tag} means nothing any more (RFC 9989)"), "remove it");
            }
            FaultKind::Missing => lines.wrong(Topic::Dmarc, format!("{tag} is missing"), "add p=none, quarantine or reject"),
            FaultKind::Repeated => {
                lines.warn(Topic::Dmarc, format!("{tag} stands there twice; the first counts"), "remove one");
            }
            FaultKind::Unknown => lines.warn(Topic::Dmarc, format!("{tag} is unknown, or has no value"), "remove it"),
            _ => lines.wrong(Topic::Dmarc, format!("{tag} has no valid value"), "mend it, or remove it"),
        }
    }
}

fn goes(found: &Found, uri: &ReportUri, report: Report, tag: &str, known: &mut Known<'_>, lines: &mut Lines) {
    let Some(destination) = known.of(destination(&found.at, uri, report, known.answers)) else { return };
    let what = format!("{tag}: {}", uri.as_str());
    if !uri.is_mail() {
        return lines.warn(Topic::Dmarc, format!("{what} is no address of mail, and few serve others"), "use mailto:ADDRESS");
    }
    match destination {
        Destination::Internal => lines.fine(Topic::Dmarc, what),
        Destination::Agreed(instead) if instead.is_empty() => {
            lines.fine(Topic::Dmarc, format!("{what}, which is of another organization and agrees"));
        }
        Destination::Agreed(instead) => {
            let instead: Vec<&str> = instead.iter().map(ReportUri::as_str).collect();
            lines
                .fine(Topic::Dmarc, format!("{what}; it is of another organization, which takes them at {}", instead.join(", ")));
        }
        Destination::Refused => {
            let host = uri.host().map_or_else(|| "its domain".to_owned(), |host| host.to_string());
            lines.wrong(
                Topic::Dmarc,
                format!("{what} is of another organization, which does not agree: no reports are sent there"),
                format!("at {}._report._dmarc.{host}, have published: v=DMARC1", found.at),
            );
        }
        Destination::Unknown(why) => {
            lines.unsaid(Topic::Dmarc, format!("{what}: whether reports may go there is not known: {}", why.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::faults;
    use super::super::report::Level::{self, Unknown, Warn, Wrong};

    fn dmarc(zone: &str) -> Vec<(Level, String)> {
        faults("DMARC", zone, &[], &[])
    }

    #[test]
    fn what_a_record_may_lack() {
        for (record, level, word) in [
            ("p=none; rua=mailto:d@example.com", Warn, "none"),
            ("p=reject", Warn, "aggregate"),
            ("p=reject; t=y; rua=mailto:d@example.com", Warn, "on trial"),
            ("p=reject; sp=none; rua=mailto:d@example.com", Warn, "subdomains"),
            ("p=reject; pct=50; rua=mailto:d@example.com", Warn, "pct="),
            ("p=reject; adkim=x; rua=mailto:d@example.com", Wrong, "adkim="),
            ("p=reject; rua=https://example.com/d", Warn, "mail"),
            ("p=reject; rua=mailto:d@example.net", Wrong, "does not agree"),
        ] {
            let found = dmarc(&format!("_dmarc.example.com TXT v=DMARC1; {record}"));
            assert!(matches!(&found[..], [(found, what)] if *found == level && what.contains(word)), "{record}: {found:?}");
        }
        let unusable = dmarc("_dmarc.example.com TXT v=DMARC1; p=perhaps");
        assert!(unusable.iter().all(|(level, _)| *level == Wrong) && unusable.len() == 2, "{unusable:?}");
        assert_eq!(dmarc("_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:d@example.com"), []);
        let agreed = "_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:d@example.net
            example.com._report._dmarc.example.net TXT v=DMARC1";
        assert_eq!(dmarc(agreed), []);
    }

    #[test]
    fn several_none_and_unknown_are_told_apart() {
        let twice = dmarc("_dmarc.example.com TXT v=DMARC1; p=none\n_dmarc.example.com TXT v=DMARC1; p=reject");
        assert!(matches!(&twice[..], [(Wrong, what), (Warn, _)] if what.contains("2 policy records")), "{twice:?}");
        assert!(matches!(&dmarc("")[..], [(Warn, what)] if what.contains("no policy record")));
        let unknown = dmarc("_dmarc.example.com ?");
        assert!(matches!(&unknown[..], [(Unknown, what)] if what.contains("timeout")), "{unknown:?}");
        let agreement = "_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:d@example.net
            example.com._report._dmarc.example.net ?";
        assert!(matches!(&dmarc(agreement)[..], [(Unknown, _)]));
    }
}
