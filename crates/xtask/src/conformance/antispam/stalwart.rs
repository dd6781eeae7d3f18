//! Cases of Stalwart's: parameters, an empty line, a message; `<!-- NEXT TEST -->` between cases. A file is one stage of its
//! analysis, and `expect` names all tags of that stage.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use xd_core::evidence::{Dmarc, DmarcPolicy, DmarcResult, SpfResult};
use xd_core::{Domain, Envelope, Evidence, ForwardPath, Host, Known, Limits, Message, ReversePath, Timestamp};

use super::super::{Case, Outcome, Reading};
use super::{Seen, equivalents, symbol_case};

const NEXT: &str = "<!-- NEXT TEST -->";
/// What a classifier learns from a text: no equivalent, since there is none here.
const FEATURES: &str = "<!-- EXPECT -->";

struct Test<'t> {
    parameters: Vec<(&'t str, &'t str)>,
    message: &'t str,
}

pub(super) fn read(text: &str, stage: &str) -> Reading {
    if text.contains(FEATURES) {
        return Reading::Cases(vec![Case::apart(stage, "features that another program's classifier learns from")]);
    }
    let tests: Vec<Test<'_>> = text.split(NEXT).map(str::trim_start).filter(|text| !text.is_empty()).map(test).collect();
    let tags: BTreeSet<&str> = tests.iter().flat_map(expected).collect();
    if tags.is_empty() {
        return Reading::Unknown;
    }
    Reading::Cases(tests.iter().enumerate().flat_map(|(number, test)| cases(number + 1, test, &tags)).collect())
}

fn test(text: &str) -> Test<'_> {
    let mut parameters = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        parameters.push(line.split_once(' ').unwrap_or((line, "")));
    }
    Test { parameters, message: rest }
}

fn expected<'t>(test: &Test<'t>) -> Vec<&'t str> {
    test.parameters.iter().filter(|(name, _)| *name == "expect").flat_map(|(_, tags)| tags.split_whitespace()).collect()
}

fn cases(number: usize, test: &Test<'_>, tags: &BTreeSet<&str>) -> Vec<Case> {
    let wanted = expected(test);
    let message = Message::parse(test.message.as_bytes(), &Limits::default());
    let seen = Seen::of(&message, |envelope, evidence| change(&test.parameters, envelope, evidence));
    let name = number.to_string();
    let asked = tags.iter().filter(|tag| wanted.contains(tag) || equivalents("stalwart", tag).is_some());
    asked
        .map(|tag| {
            let case = symbol_case("stalwart", &name, tag, wanted.contains(tag), &seen);
            match case.outcome {
                // A rule that says the same in that case, and holds in others too, is another's measure of the same thing.
                Outcome::Missed(why) if !wanted.contains(tag) => Case::opinion(case.name, why),
                _ => case,
            }
        })
        .collect()
}

fn change(parameters: &[(&str, &str)], envelope: &mut Envelope, evidence: &mut Evidence) {
    // Its dates are far ahead of, or far behind, the day on which it runs.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    evidence.now = i64::try_from(seconds).map_or_else(|_| Known::default(), |now| Known::Found(Timestamp::from_unix(now)));
    for (name, value) in parameters {
        let value = value.trim();
        match *name {
            "remote_ip" => envelope.client_address = value.parse().map_or_else(|_| Known::default(), Known::Found),
            "helo_domain" => envelope.ehlo = Host::parse(value).map_or_else(Known::default, Known::Found),
            "envelope_from" => envelope.reverse_path = Known::Found(ReversePath::parse(value)),
            "envelope_to" => envelope.forward_paths.extend(value.split_whitespace().map(ForwardPath::parse)),
            "authenticated_as" => envelope.authenticated_identity = Known::Found(value.to_owned()),
            "tls.version" => envelope.tls = Known::Found(value.to_owned()),
            "spf.result" => evidence.spf = SpfResult::parse(value).map_or_else(Known::default, Known::Found),
            "dmarc.result" => {
                let policy = DmarcPolicy::None;
                evidence.dmarc =
                    DmarcResult::parse(value).map_or_else(Known::default, |result| Known::Found(Dmarc { result, policy }));
            }
            "iprev.ptr" => {
                evidence.reverse_names = Domain::parse(value).map_or_else(|_| Known::default(), |name| Known::Found(vec![name]));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_told_apart_and_all_tags_of_a_stage_asked() {
        let text = "expect SUBJ_ALL_CAPS LONG_WORD\n\nSubject: BUY THIS NOW PLEASE TODAY\n\nx\n<!-- NEXT TEST -->\nexpect \n\nSubject: hello\n\nx\n";
        let Reading::Cases(cases) = read(text, "subject") else { panic!("cases") };
        let outcomes: Vec<&Outcome> = cases.iter().map(|case| &case.outcome).collect();
        assert!(matches!(outcomes[..], [Outcome::Apart(_), Outcome::Passed, Outcome::Passed]), "{cases:?}");
    }
}
