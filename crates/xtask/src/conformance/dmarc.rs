//! DMARC: cases as a list of objects in JSON, of two kinds. Reports, which are nothing that is read here, are set apart.
//!
//! One kind has `inputs` (author, domains that passed, DNS as `zone`) and `expect` (a path into the result and an assertion), in the
//! words of a program for Node.js; the other has `txt` records and expected results of each mechanism.

use std::sync::Arc;

use serde_json::{Value, json};
use xd_auth::dmarc::{Alignment, DmarcResult, Mode, Outcome, PolicyRecord, Relation, Subject, author_domain, check};
use xd_auth::{Absence, Answer, Answers, DkimResult, Name, Progress, Question, Record, RecordKind, SpfResult, Wanted};

use super::resolved::job::{Job, Said, Verdict, World};
use super::{Case, Reading, VectorFile, same};

pub(super) fn read(file: &VectorFile) -> Reading {
    if let Some(Value::Array(cases)) = file.json() {
        let cases: Option<Vec<Case>> = cases.iter().enumerate().map(|(place, value)| case(place, value)).collect();
        return cases.filter(|cases| !cases.is_empty()).map_or(Reading::Unknown, Reading::Cases);
    }
    if is_report(file) { Reading::Cases(vec![Case::apart(file.name(), "reports are not read")]) } else { Reading::Unknown }
}

/// Reports of DMARC and TLS: XML, JSON of one object, both packed, and mail around them.
fn is_report(file: &VectorFile) -> bool {
    const PACKED: [&[u8]; 2] = [b"\x1f\x8b", b"PK"];
    let text = String::from_utf8_lossy(&file.bytes);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is_mail =
        || start.lines().take_while(|line| !line.trim().is_empty()).any(|line| line.to_ascii_lowercase().starts_with("from:"));
    start.starts_with('<')
        || file.json().is_some_and(|json| json.is_object())
        || PACKED.iter().any(|magic| file.bytes.starts_with(magic))
        || is_mail()
}

fn case(place: usize, value: &Value) -> Option<Case> {
    if value.get("inputs").is_some() { evaluation(value) } else { facts(place, value) }
}

/// The kind with assertions.
fn evaluation(value: &Value) -> Option<Case> {
    let name = value["name"].as_str()?;
    let inputs = value["inputs"].as_array()?;
    let mut results = Vec::new();
    for input in inputs {
        let zone = input["zone"].as_object()?;
        // SPF has one domain here: of several, the first that leads to a pass, or else the first.
        let mut runs: Vec<(Subject, Outcome)> = Vec::new();
        for subject in subjects(input)? {
            let outcome = concluded(&subject, |question| answer(zone, question));
            runs.push((subject, outcome));
        }
        let chosen = runs.iter().position(|(_, outcome)| outcome.result == DmarcResult::Pass).unwrap_or(0);
        let (subject, outcome) = runs.swap_remove(chosen);
        results.push((told(&subject, &outcome, input), outcome));
    }
    for expected in value["expect"].as_array()? {
        let path = expected["field"].as_str()?;
        let (which, path) = path.split_once('.').map_or((path, ""), |(which, path)| (which, path));
        let place = which.strip_prefix("result")?.parse::<usize>().map_or(0, |number| number.saturating_sub(1));
        let (told, outcome) = results.get(place)?;
        if let Err(why) = asserted(told, path, expected["assert"].as_array()?) {
            return Some(opinion(name, &inputs[place], outcome).unwrap_or_else(|| Case::new(name, Err(why))));
        }
    }
    Some(Case::new(name, Ok(())))
}

/// Who is checked: one for each domain of SPF.
fn subjects(input: &Value) -> Option<Vec<Subject>> {
    let list =
        |field: &str| -> Option<Vec<Name>> { input[field].as_array()?.iter().map(|item| name_in(&item["domain"])).collect() };
    let (spf, dkim) = (list("spfDomains")?, list("dkimDomains")?);
    let author = author_domain(1, [input["headerFrom"].as_str()?]);
    let dkim: Vec<_> = dkim.into_iter().map(|domain| (domain, DkimResult::Pass)).collect();
    let choices = if spf.is_empty() { vec![None] } else { spf.into_iter().map(Some).collect() };
    let subject = |choice: Option<Name>| Subject {
        author: author.clone(),
        spf: choice.map(|domain| (domain, SpfResult::Pass)),
        dkim: dkim.clone(),
    };
    Some(choices.into_iter().map(subject).collect())
}

/// The checks of a file, each with its world.
pub(super) fn jobs(file: &VectorFile) -> Vec<Job> {
    let Some(Value::Array(cases)) = file.json() else { return Vec::new() };
    cases.iter().enumerate().flat_map(|(place, value)| jobs_of(place, value).unwrap_or_default()).collect()
}

fn jobs_of(place: usize, value: &Value) -> Option<Vec<Job>> {
    let Some(inputs) = value["inputs"].as_array() else {
        let subject = facts_subject(value)?;
        return Some(vec![job(format!("{}", place + 1), Texts(value["txt"].as_object()?.clone()), subject)]);
    };
    let mut jobs = Vec::new();
    for input in inputs {
        for subject in subjects(input)? {
            jobs.push(job(value["name"].as_str()?.to_owned(), input["zone"].as_object()?.clone(), subject));
        }
    }
    Some(jobs)
}

fn job(name: String, world: impl World + 'static, subject: Subject) -> Job {
    let told = move |answers: &Answers| match check(&subject, answers) {
        Progress::Wants(wanted) => Progress::Wants(wanted),
        Progress::Done(outcome) => {
            let policy = outcome.policy.map_or("unknown", |policy| policy.as_str());
            Progress::Done(Verdict {
                results: vec![outcome.result.as_str(), policy],
                text: format!("{outcome:?}"),
                unsure: false,
            })
        }
    };
    Job { name, world: Arc::new(world), check: Box::new(told) }
}

impl World for serde_json::Map<String, Value> {
    fn look(&self, question: &Question) -> Said {
        Said::Answer(answer(self, question))
    }
}

/// Texts by name.
struct Texts(serde_json::Map<String, Value>);

impl World for Texts {
    fn look(&self, question: &Question) -> Said {
        Said::Answer(text(&self.0, question))
    }
}

fn text(zone: &serde_json::Map<String, Value>, question: &Question) -> Answer<Record> {
    match zone.get(question.name.as_str()).and_then(Value::as_str) {
        Some(text) if question.kind == RecordKind::Txt => Answer::Found(vec![Record::Txt(text.as_bytes().into())]),
        _ => Answer::Absent(Absence::Name),
    }
}

/// Several records at the author domain: some end the search there, as RFC 7489 §6.6.3 did.
fn opinion(name: &str, input: &Value, outcome: &Outcome) -> Option<Case> {
    let (author, found) = (outcome.author.as_ref()?, outcome.found.as_ref()?);
    let own = input["zone"][format!("_dmarc.{author}")]["TXT"].as_array()?;
    let is_split = own.len() > 1 && found.at != *author;
    is_split.then(|| {
        let why = "RFC 9989 §4.10 steps 2 and 6 discard several records of one name and walk on, and §4.10.1 takes up the record of the \
                   organization when the author domain has no valid one; only RFC 7489 §6.6.3 ended the search";
        Case::opinion(name, why)
    })
}

/// The outcome in the words of that program.
fn told(subject: &Subject, outcome: &Outcome, input: &Value) -> Value {
    let none = outcome.result == DmarcResult::None;
    let found = outcome.found.as_ref().filter(|_| !none);
    let organizational = outcome.organizational.as_ref().or_else(|| found.map(|found| &found.at)).map(Name::as_str);
    // The domain that is aligned: itself, or that of the organization.
    let aligned = |alignment: &Alignment, domain: &Name| match alignment {
        Alignment::Strict => Some(domain.to_string()),
        Alignment::Relaxed => organizational.map(str::to_owned),
        _ => None,
    };
    let spf = outcome.spf.as_ref().zip(subject.spf.as_ref()).and_then(|(alignment, (domain, _))| aligned(alignment, domain));
    let dkim = outcome.dkim.iter().zip(&subject.dkim).find_map(|(alignment, (domain, _))| aligned(alignment, domain));
    let is_strict = |mode: fn(&PolicyRecord) -> Mode| found.is_some_and(|found| mode(&found.record) == Mode::Strict);
    let uris = found.map_or_else(Vec::new, |found| found.record.aggregate.iter().map(|uri| uri.as_str().to_owned()).collect());
    let mut value = json!({
        "status": {
            "result": outcome.result.as_str(),
            "header": {"from": outcome.author.as_ref().map(Name::as_str), "d": found.map(|found| found.at.as_str())},
        },
        "domain": organizational,
        "policy": outcome.policy.map(|policy| policy.as_str()),
        "p": found.map(|found| found.record.policy.as_str()),
        "sp": found.map(|found| found.record.policy_for(Relation::Below).as_str()),
        "rr": found.map(|_| uris.join(",")),
        "alignment": {
            "spf": {"result": spf, "strict": is_strict(|record| record.spf)},
            // What a signature leaves out is said of it by whoever verifies it, aligned or not.
            "dkim": {
                "result": dkim,
                "strict": is_strict(|record| record.dkim),
                "underSized": input["dkimDomains"].as_array().and_then(|list| list.first()).map(|first| first["underSized"].clone()),
            },
        },
    });
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}

fn asserted(told: &Value, path: &str, assertion: &[Value]) -> Result<(), String> {
    let found = path.split('.').filter(|part| !part.is_empty()).fold(told, |value, part| &value[part]);
    let (mut negated, mut rest) = (false, assertion);
    while let [first, tail @ ..] = rest {
        rest = tail;
        let argument = rest.first().and_then(Value::as_array).and_then(|arguments| arguments.first());
        let holds = match first.as_str() {
            Some("not") => {
                negated = !negated;
                continue;
            }
            Some("equal" | "eq" | "deep") => argument.map(|argument| argument == found),
            Some("property") => argument.and_then(Value::as_str).map(|name| found.get(name).is_some()),
            Some("contain" | "include") => {
                argument.and_then(Value::as_str).map(|part| found.as_str().is_some_and(|text| text.contains(part)))
            }
            Some("ok" | "exist") => Some(!(found.is_null() || *found == json!(false) || *found == json!(""))),
            Some("true") => Some(*found == json!(true)),
            Some("false") => Some(*found == json!(false)),
            Some("undefined" | "null") => Some(found.is_null()),
            _ => None,
        };
        let Some(holds) = holds else { return Err(format!("the assertion {first} is not known")) };
        return if holds == negated {
            Err(format!("{path} is {found} where {} is expected", Value::from(assertion)))
        } else {
            Ok(())
        };
    }
    Err(format!("nothing is asserted of {path}"))
}

/// The kind with results of each mechanism.
fn facts(place: usize, value: &Value) -> Option<Case> {
    let from = value["header_from"].as_str()?;
    let zone = value["txt"].as_object()?;
    let outcome = concluded(&facts_subject(value)?, |question| text(zone, question));
    let told = |alignment: Option<&Alignment>| match alignment {
        Some(Alignment::Strict | Alignment::Relaxed) => "pass",
        Some(Alignment::Unaligned) => "fail",
        Some(Alignment::Unknown(_)) => "temperror",
        _ => "none",
    };
    let found = json!({
        "dkim": told(outcome.dkim.first()),
        "spf": told(outcome.spf.as_ref()),
        "policy": outcome.policy.map(|policy| policy.as_str()),
        "result": outcome.result.as_str(),
    });
    let expected = value["expect"].as_object()?;
    let result =
        expected.iter().try_for_each(|(key, expected)| same(&found[key], expected).map_err(|why| format!("{key}: {why}")));
    Some(Case::new(format!("{} {from}", place + 1), result))
}

fn facts_subject(value: &Value) -> Option<Subject> {
    let from = value["header_from"].as_str()?;
    let spf = name_in(&value["spf_domain"]).map(|domain| {
        let result = match value["spf_result"].as_str() {
            Some("pass") => SpfResult::Pass,
            Some("temperror") => SpfResult::TempError,
            _ => SpfResult::Fail,
        };
        (domain, result)
    });
    let dkim = name_in(&value["dkim_domain"]).map(|domain| {
        let result = match value["dkim_result"].as_str() {
            Some("pass") => DkimResult::Pass,
            Some("temperror") => DkimResult::TempError,
            _ => DkimResult::Fail,
        };
        (domain, result)
    });
    Some(Subject { author: author_domain(1, [from]), spf, dkim: dkim.into_iter().collect() })
}

fn name_in(value: &Value) -> Option<Name> {
    Name::parse_unicode(value.as_str()?).ok()
}

/// The outcome with whatever answers it wants.
fn concluded(subject: &Subject, answer: impl Fn(&Question) -> Answer<Record>) -> Outcome {
    let mut answers = Answers::default();
    loop {
        match check(subject, &answers) {
            Progress::Done(outcome) => return outcome,
            Progress::Wants(wanted) => {
                for wanted in wanted {
                    // DMARC asks for nothing else.
                    if let Wanted::Records(question) = wanted {
                        let answer = answer(&question);
                        answers.put(question, answer);
                    }
                }
            }
        }
    }
}

/// A name of the zone without such records has none; a name that is not there does not exist.
fn answer(zone: &serde_json::Map<String, Value>, question: &Question) -> Answer<Record> {
    let kind = match question.kind {
        RecordKind::A => "A",
        RecordKind::Txt => "TXT",
        // Of no other type is anything told.
        _ => "",
    };
    match zone.get(question.name.as_str()) {
        None => Answer::Absent(Absence::Name),
        Some(records) => {
            let records: Vec<Record> =
                records[kind].as_array().into_iter().flatten().filter_map(|value| record(kind, value)).collect();
            if records.is_empty() { Answer::Absent(Absence::Records) } else { Answer::Found(records) }
        }
    }
}

fn record(kind: &str, value: &Value) -> Option<Record> {
    if kind == "A" {
        return Some(Record::A(value.as_str()?.parse().ok()?));
    }
    let text: String = match value {
        Value::Array(strings) => strings.iter().filter_map(Value::as_str).collect(),
        other => other.as_str()?.to_owned(),
    };
    Some(Record::Txt(text.into_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome as Ended;
    use super::*;

    fn ended(policy: &str, records: &Value) -> Ended {
        let value = json!({
            "name": "a case",
            "inputs": [{
                "headerFrom": "a@a.example.com", "spfDomains": [], "dkimDomains": [],
                "zone": {"_dmarc.a.example.com": {"TXT": records}, "_dmarc.example.com": {"TXT": [["v=DMARC1; p=", "reject"]]}},
            }],
            "expect": [{"field": "result.policy", "assert": ["equal", [policy]]}, {"field": "result", "assert": ["not", "property", ["pct"]]}],
        });
        case(0, &value).unwrap().outcome
    }

    #[test]
    fn assertions() {
        assert_eq!(ended("reject", &json!([])), Ended::Passed);
        assert!(matches!(ended("none", &json!([])), Ended::Missed(_)));
        let several = json!([["v=DMARC1; p=none"], ["v=DMARC1; p=none"]]);
        assert!(matches!(ended("none", &several), Ended::Opinion(_)));
        let told = json!({"a": {"b": true}, "c": "text"});
        for (path, assertion, holds) in [
            ("a.b", json!(["true"]), true),
            ("a.b", json!(["not", "ok"]), false),
            ("a.x", json!(["undefined"]), true),
            ("c", json!(["contain", ["ex"]]), true),
            ("c", json!(["sings", ["ex"]]), false),
            ("", json!(["property", ["a"]]), true),
        ] {
            assert_eq!(asserted(&told, path, assertion.as_array().unwrap()).is_ok(), holds, "{path} {assertion}");
        }
    }
}
