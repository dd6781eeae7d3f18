//! Rule cases: small messages with what a rule must say of them. One case, one fact.
//!
//! ```toml
//! [[case]]
//! rule = "subject-all-capitals"
//! name = "an acronym alone is no shouting"
//! holds = "no"                       # "yes", "no" or "unknown"
//! message = """
//! Subject: FYI
//!
//! See below.
//! """
//! [case.envelope]                    # all optional: client_address, ehlo, reverse_path, forward_paths, tls, identity
//! reverse_path = "<>"
//! [case.evidence]                    # all optional: now, reverse_name, confirmed_name, spf, dkim, dkim_domain, dmarc, dmarc_policy, arc, malware, operator
//! spf = "fail"
//! ```

use crate::evidence::{
    Antivirus, ArcResult, DkimResult, DkimSignature, Dmarc, DmarcPolicy, DmarcResult, Evidence, SpfResult, derive,
};
use crate::{Domain, Engine, Envelope, ForwardPath, Host, Known, Limits, Message, ReversePath, Timestamp, Truth};

use super::read::{Located, TableReader, parse_file};
use super::{RuleError, RuleErrors, RuleSource, Scene};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rule it is about.
    pub rule: String,
    /// The situation in a few words.
    pub name: String,
    /// What the rule must say.
    pub expected: Truth,
    /// The file it stands in.
    pub file: String,
    /// The line of that file.
    pub line: usize,
    message: String,
    envelope: Vec<(Key, String)>,
    evidence: Vec<(Key, String)>,
}

/// Reads a case file.
///
/// # Errors
/// All errors found, with places.
pub fn parse(source: &RuleSource) -> Result<Vec<Case>, RuleErrors> {
    let mut cases = Vec::new();
    let mut errors = Vec::new();
    let whole = parse_file(source, "a case file", |mut file| {
        for table in file.tables("case", "a case")? {
            match case(table) {
                Ok(case) => cases.push(case),
                Err(error) => errors.push(error),
            }
        }
        file.finish()
    });
    errors.extend(whole.err());
    errors.sort();
    if errors.is_empty() { Ok(cases) } else { Err(RuleErrors(errors)) }
}

impl Case {
    /// Runs the case.
    ///
    /// # Errors
    /// When the rule says something else, or does not exist: what was expected and what came.
    pub fn run(&self, engine: &Engine) -> Result<(), String> {
        let rules = engine.rules();
        let Some(index) = rules.rules().iter().position(|rule| rule.id() == self.rule) else {
            return Err(format!("there is no rule {:?}", self.rule));
        };
        let message = Message::parse(self.message.as_bytes(), &Limits::default());
        let (mut envelope, mut evidence) = derive(&message);
        for (key, value) in self.envelope.iter().chain(&self.evidence) {
            (key.set)(&mut envelope, &mut evidence, value)?;
        }
        let seen = rules.observe(Scene { envelope: &envelope, message: &message, evidence: &evidence });
        if seen.truths[index] == self.expected {
            return Ok(());
        }
        let tests: Vec<String> =
            rules.tests_of(index, &seen).into_iter().map(|(test, truth)| format!("{}: {test}", word(truth))).collect();
        Err(format!("expected {:?}, found {:?}; {}", word(self.expected), word(seen.truths[index]), tests.join("; ")))
    }
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::False => "no",
        Truth::Unknown => "unknown",
        Truth::True => "yes",
    }
}

fn case(mut table: TableReader<'_, '_>) -> Result<Case, RuleError> {
    let source = table.source();
    let rule = table.required_text("rule")?;
    let place = source.error(rule.span.clone(), "");
    let name = table.required_text("name")?;
    let holds = table.required_text("holds")?;
    let expected = [Truth::False, Truth::Unknown, Truth::True].into_iter().find(|&truth| word(truth) == holds.value);
    let Some(expected) = expected else {
        return Err(source.error(holds.span, "holds is \"yes\", \"no\" or \"unknown\""));
    };
    let message = table.required_text("message")?;
    let envelope = settings(&mut table, "envelope", ENVELOPE)?;
    let evidence = settings(&mut table, "evidence", EVIDENCE)?;
    table.finish()?;
    Ok(Case {
        rule: rule.value.to_owned(),
        name: name.value.to_owned(),
        expected,
        file: place.file,
        line: place.line,
        message: message.value.to_owned(),
        envelope,
        evidence,
    })
}

/// A key of a case's envelope or evidence, and what it sets.
#[derive(Clone, Copy)]
struct Key {
    name: &'static str,
    set: fn(&mut Envelope, &mut Evidence, &str) -> Result<(), String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

fn settings(table: &mut TableReader<'_, '_>, key: &'static str, known: &'static [Key]) -> Result<Vec<(Key, String)>, RuleError> {
    if !table.has(key) {
        return Ok(Vec::new());
    }
    let mut inner = table.required_table(key, key)?;
    let mut settings = Vec::new();
    for key in known {
        if let Some(Located { value, span }) = inner.text(key.name)? {
            // Tried once on nothing, so that a mistake is told with its place.
            if let Err(message) = (key.set)(&mut Envelope::default(), &mut Evidence::default(), value) {
                return Err(inner.source().error(span, message));
            }
            settings.push((*key, value.to_owned()));
        }
    }
    inner.finish()?;
    Ok(settings)
}

fn parsed<T>(value: Option<T>, text: &str, expected: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("{text:?} is not {expected}"))
}

fn host(text: &str) -> Result<Host, String> {
    if let Ok(address) = text.parse() {
        return Ok(Host::Address(address));
    }
    parsed(Domain::parse(text).ok(), text, "a domain or address").map(Host::Domain)
}

/// `absent`, or a value that `read` understands.
fn known<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Known<T>, String> {
    if text == "absent" { Ok(Known::Absent) } else { read(text).map(Known::Found) }
}

macro_rules! keys {
    ($table:ident: $($name:ident = $set:expr;)*) => {
        const $table: &[Key] = &[$(Key { name: stringify!($name), set: $set }),*];
    };
}

keys! { ENVELOPE:
    client_address = |envelope, _, text| { envelope.client_address = known(text, |text| parsed(text.parse().ok(), text, "an address"))?; Ok(()) };
    ehlo = |envelope, _, text| { envelope.ehlo = known(text, host)?; Ok(()) };
    reverse_path = |envelope, _, text| { envelope.reverse_path = Known::Found(ReversePath::parse(text)); Ok(()) };
    forward_paths = |envelope, _, text| { envelope.forward_paths = text.split(',').map(ForwardPath::parse).collect(); Ok(()) };
    tls = |envelope, _, text| { envelope.tls = known(text, |text| Ok(text.to_owned()))?; Ok(()) };
    identity = |envelope, _, text| { envelope.authenticated_identity = known(text, |text| Ok(text.to_owned()))?; Ok(()) };
}

keys! { EVIDENCE:
    now = |_, evidence, text| { evidence.now = Known::Found(parsed(Timestamp::parse_rfc3339(text), text, "a time like 2026-11-22T01:00:00Z")?); Ok(()) };
    reverse_name = |_, evidence, text| {
        evidence.reverse_names = known(text, |text| parsed(Domain::parse(text).ok(), text, "a domain").map(|name| vec![name]))?;
        Ok(())
    };
    confirmed_name = |_, evidence, text| { evidence.confirmed_name = known(text, |text| parsed(Domain::parse(text).ok(), text, "a domain"))?; Ok(()) };
    spf = |_, evidence, text| { evidence.spf = known(text, |text| parsed(SpfResult::parse(text), text, "a result of SPF"))?; Ok(()) };
    dkim = |_, evidence, text| {
        evidence.dkim = known(text, |text| {
            let (domain, result) = text.split_once('=').ok_or("dkim is written domain=result")?;
            let domain = parsed(Domain::parse(domain).ok(), domain, "a domain")?;
            Ok(vec![DkimSignature { result: parsed(DkimResult::parse(result), result, "a result of DKIM")?, domain }])
        })?;
        Ok(())
    };
    dmarc = |_, evidence, text| {
        evidence.dmarc = known(text, |text| {
            let (result, policy) = text.split_once('/').ok_or("dmarc is written result/policy")?;
            let policy = parsed(DmarcPolicy::parse(policy), policy, "a DMARC policy")?;
            Ok(Dmarc { result: parsed(DmarcResult::parse(result), result, "a result of DMARC")?, policy })
        })?;
        Ok(())
    };
    arc = |_, evidence, text| { evidence.arc = known(text, |text| parsed(ArcResult::parse(text), text, "a result of ARC"))?; Ok(()) };
    malware = |_, evidence, text| { evidence.antivirus = known(text, |text| Ok(Antivirus::Infected(text.to_owned())))?; Ok(()) };
    operator = |_, evidence, text| {
        let (name, domain) = text.split_once('=').ok_or("operator is written name=domain")?;
        evidence.operator.names.push(name.to_owned());
        evidence.operator.domains.push(parsed(Domain::parse(domain).ok(), domain, "a domain")?);
        Ok(())
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_in_the_order_of_lines() {
        let errors = parse(&RuleSource::new("a.toml", "family = 'a'\n[[case]]\nrule = 'b'\n")).unwrap_err();
        assert_eq!(errors.errors().iter().map(|error| error.line).collect::<Vec<_>>(), [1, 2]);
    }
}
