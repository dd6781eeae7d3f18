//! The way of mail to the domain: MTA-STS, reports about TLS, and DANE. Only DNS is asked; no policy is fetched, no certificate seen.

use xd_auth::transport::{Published, StsRecord, TlsReportRecord};
use xd_auth::{Answer, Name, Question, Record, RecordKind};

use super::audit::{Known, Plan};
use super::hosts::Host;
use super::report::{Lines, Topic};

pub(super) fn audit(plan: &Plan<'_>, hosts: &[Host], known: &mut Known<'_>, lines: &mut Lines) {
    let sts = sts(plan, known, lines);
    let dane = hosts.iter().filter(|host| dane(&host.name, known, lines)).count();
    if dane > 0 && dane < hosts.len() {
        lines.warn(
            Topic::Dane,
            format!("{dane} of {} hosts have TLSA records: mail to the others is not secured by them", hosts.len()),
            "publish TLSA records of all hosts",
        );
    }
    reports(plan, sts || dane > 0, known, lines);
}

fn sts(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) -> bool {
    let Ok(question) = StsRecord::question(plan.domain) else { return false };
    let Some(answer) = known.records(&question) else { return false };
    let published = StsRecord::published(answer);
    match &published {
        Published::Nothing => lines.fine(Topic::MtaSts, "not published (it may be left out)"),
        Published::One(record) => {
            lines.fine(Topic::MtaSts, format!("id {}; the policy itself was not fetched", record.id()));
        }
        other => broken(other, Topic::MtaSts, &question, "publish: v=STSv1; id=20260101T000000", lines),
    }
    matches!(published, Published::One(_))
}

/// `secured` says that there is something to report about.
fn reports(plan: &Plan<'_>, secured: bool, known: &mut Known<'_>, lines: &mut Lines) {
    let Ok(question) = TlsReportRecord::question(plan.domain) else { return };
    let Some(answer) = known.records(&question) else { return };
    let fix = "publish: v=TLSRPTv1; rua=mailto:ADDRESS";
    match TlsReportRecord::published(answer) {
        Published::Nothing if secured => lines.warn(
            Topic::TlsReports,
            "not published: where TLS fails, senders tell nobody",
            format!("at {}, {fix}", question.name),
        ),
        Published::Nothing => lines.fine(Topic::TlsReports, "not published (it may be left out)"),
        Published::One(record) => {
            let destinations: Vec<&str> = record.destinations().iter().map(|uri| uri.as_str()).collect();
            lines.fine(Topic::TlsReports, format!("reports go to {}", destinations.join(", ")));
        }
        other => broken(&other, Topic::TlsReports, &question, fix, lines),
    }
}

fn broken<T>(published: &Published<T>, topic: Topic, question: &Question, fix: &str, lines: &mut Lines) {
    match published {
        Published::Invalid => lines.wrong(topic, format!("the record at {} cannot be understood", question.name), fix),
        Published::Several(count) => {
            lines.wrong(topic, format!("{} has {count} records, which count as none", question.name), "leave one");
        }
        Published::Unknown(why) => lines.unknown(topic, question, *why),
        Published::Nothing | Published::One(_) => {}
    }
}

/// RFC 7672 §3: TLSA records of the port for mail. Whether there are any that secure it.
fn dane(host: &Name, known: &mut Known<'_>, lines: &mut Lines) -> bool {
    let Ok(name) = Name::parse(&format!("_25._tcp.{host}")) else { return false };
    let question = Question::new(name, RecordKind::Tlsa);
    let records = match known.records(&question) {
        None => return false,
        Some(Answer::Absent(_)) => {
            lines.fine(Topic::Dane, format!("{host}: no TLSA records (they may be left out)"));
            return false;
        }
        // A server that does not know the type says so; that is no absence either.
        Some(Answer::Unknown(why)) => {
            lines.unknown(Topic::Dane, &question, *why);
            return false;
        }
        Some(Answer::Found(records)) => records,
    };
    let fits = |record: &&Record| matches!(record, Record::Tlsa { usage: 2 | 3, selector: 0 | 1, matching, data } if has_length(*matching, data));
    let usable = records.iter().filter(fits).count();
    match usable {
        0 => lines.wrong(
            Topic::Dane,
            format!("{host}: none of {} TLSA records can be used for mail (RFC 7672 §3.1)", records.len()),
            "publish records of usage 3 (or 2) with a whole hash, such as 3 1 1",
        ),
        _ => lines.fine(
            Topic::Dane,
            format!("{host}: {usable} of {} TLSA records can be used; that DNSSEC signs them, and that the certificate matches, was not checked", records.len()),
        ),
    }
    usable > 0
}

/// RFC 6698 §2.1.3: all of it, SHA-256, or SHA-512.
fn has_length(matching: u8, data: &[u8]) -> bool {
    match matching {
        0 => !data.is_empty(),
        1 => data.len() == 32,
        2 => data.len() == 64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::{faults, lines};
    use super::super::report::Level::{self, Fine, Unknown, Warn, Wrong};

    const HOST: &str = "example.com MX 10 mail.example.com\nmail.example.com A 192.0.2.7";

    #[test]
    fn records_about_transport() {
        for (topic, zone, expected) in [
            ("MTA-STS", "", &[][..]),
            ("MTA-STS", "_mta-sts.example.com TXT v=STSv1; id=1", &[]),
            ("MTA-STS", "_mta-sts.example.com TXT v=STSv1", &[Wrong]),
            ("MTA-STS", "_mta-sts.example.com TXT v=STSv1; id=1\n_mta-sts.example.com TXT v=STSv1; id=2", &[Wrong]),
            ("MTA-STS", "_mta-sts.example.com ?", &[Unknown]),
            ("TLS-RPT", "", &[]),
            ("TLS-RPT", "_mta-sts.example.com TXT v=STSv1; id=1", &[Warn]),
            ("TLS-RPT", "_smtp._tls.example.com TXT v=TLSRPTv1; rua=mailto:t@example.com", &[]),
            ("TLS-RPT", "_smtp._tls.example.com TXT v=TLSRPTv1; rua=t@example.com", &[Wrong]),
            ("TLS-RPT", "_smtp._tls.example.com ?", &[Unknown]),
        ] {
            let found: Vec<Level> = faults(topic, zone, &[], &[]).into_iter().map(|(level, _)| level).collect();
            assert_eq!(found, expected, "{zone}");
        }
    }

    #[test]
    fn certificates_of_hosts() {
        for (zone, expected) in [
            (HOST.to_owned(), &[Fine][..]),
            (format!("{HOST}\n_25._tcp.mail.example.com TLSA 3 1 1 32"), &[Fine]),
            (format!("{HOST}\n_25._tcp.mail.example.com TLSA 3 1 1 31"), &[Wrong]),
            (format!("{HOST}\n_25._tcp.mail.example.com TLSA 1 1 1 32"), &[Wrong]),
            (format!("{HOST}\n_25._tcp.mail.example.com ?"), &[Unknown]),
            (format!("{HOST}\nexample.com MX 20 b.example.com\n_25._tcp.b.example.com TLSA 3 1 2 64"), &[Fine, Fine, Warn]),
            (String::new(), &[]),
        ] {
            let found: Vec<Level> = lines("DANE", &zone, &[], &[]).into_iter().map(|line| line.level).collect();
            assert_eq!(found, expected, "{zone}");
        }
    }
}
