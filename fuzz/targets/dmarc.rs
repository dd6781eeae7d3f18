//! Any bytes as texts of DNS: records of DMARC, MTA-STS and TLS-RPT, and who a field says has checked. Then a zone made of them: the
//! check ends within its bounds, and what is not known never gives another definite result.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_auth::authentication_results::{Entry, Field, authserv_id, is_ours};
use xd_auth::dmarc::{DmarcResult, Outcome, PolicyRecord, ReportUri, Subject, author_domain, check, destination};
use xd_auth::transport::{StsRecord, TlsReportRecord};
use xd_auth::{Absence, Answer, Answers, DkimResult, Progress, Question, Record, SpfResult, Unknown, Wanted};

const OURS: &str = "mx.example.org";
/// Questions of a check: 8 for the author, one for his existence, 8 for each of 9 domains.
const MAX_QUESTIONS: usize = 81;

fuzz_target!(|bytes: &[u8]| {
    let _ = (StsRecord::parse(bytes), TlsReportRecord::parse(bytes), authserv_id(bytes), is_ours(bytes, OURS));
    let named = [b"mx.(", bytes, b")example.org; "].concat();
    let _ = is_ours(&named, OURS);
    let text = String::from_utf8_lossy(bytes);
    if let Some(record) = PolicyRecord::parse(bytes) {
        for uri in record.aggregate.iter().chain(&record.failure) {
            assert_eq!(ReportUri::parse(uri.as_str()).as_ref(), Some(uri), "what is kept is read again as it is");
        }
    }
    // The first line is the author's domain, the second that of a signature; the others are texts, one for each name.
    let mut lines = text.lines();
    let author = author_domain(1, [format!("a@{}", lines.next().unwrap_or_default()).as_str()]);
    let signer = author_domain(1, [format!("a@{}", lines.next().unwrap_or_default()).as_str()]);
    let texts: Vec<&str> = lines.collect();
    let subject = Subject {
        author,
        spf: signer.clone().ok().map(|domain| (domain, SpfResult::TempError)),
        dkim: signer.ok().into_iter().map(|domain| (domain, DkimResult::Pass)).collect(),
    };
    let full = run(&subject, &texts, false);
    let partial = run(&subject, &texts, true);
    if partial.result != DmarcResult::TempError {
        assert_eq!((partial.result, partial.policy), (full.result, full.policy));
    }
    let mut field = Field::new(OURS);
    field.push(Entry::dmarc(&full).with_reason(&text));
    assert!(is_ours(field.payload().as_bytes(), OURS));
    assert!(field.to_field().split("\r\n").all(|line| line.len() < 998 && !line.contains(['\r', '\n'])));
    if let Some(found) = &full.found {
        for uri in &found.record.aggregate {
            let _ = destination(&found.at, uri, xd_auth::dmarc::Report::Aggregate, &Answers::default());
        }
    }
});

fn run(subject: &Subject, texts: &[&str], forgetful: bool) -> Outcome {
    let mut answers = Answers::default();
    let mut count = 0;
    loop {
        match check(subject, &answers) {
            Progress::Done(outcome) => return outcome,
            Progress::Wants(wanted) => {
                for wanted in wanted {
                    let Wanted::Records(question) = wanted else { panic!("only records are asked for") };
                    count += 1;
                    assert!(count <= MAX_QUESTIONS);
                    assert!(answers.records(&question).is_none());
                    let answer = answer(&question, texts, forgetful);
                    answers.put(question, answer);
                }
            }
        }
    }
}

/// The same answer for the same name, whenever it is asked for.
fn answer(question: &Question, texts: &[&str], forgetful: bool) -> Answer<Record> {
    let sum = question.name.as_str().bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    if forgetful && sum % 3 == 0 {
        return Answer::Unknown(Unknown::Timeout);
    }
    match texts.get(sum % (texts.len() + 1)) {
        Some(text) => Answer::Found(text.split('\t').map(|text| Record::Txt(text.as_bytes().into())).collect()),
        None => Answer::Absent(Absence::Name),
    }
}
