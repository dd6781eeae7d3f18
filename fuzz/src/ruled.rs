//! What holds of every rule file: it compiles to an engine that judges, or its mistakes are told with their places.

use xd_core::rules::{Rule, cases};
use xd_core::{Engine, Limits, Message, RuleErrors, RuleSource};

use crate::judged;

/// The name that errors must give.
const FILE: &str = "fuzz.toml";

/// Mail with something for every kind of rule: a trace, names, text, HTML with a form, links, an attachment.
const MAIL: &[u8] = include_bytes!("../mail/everything.eml");

/// Compiles a rule file and panics unless its errors point into it, or the engine judges as engines do.
pub fn check(text: &str) {
    let source = RuleSource::new(FILE, text);
    match Engine::compile(vec![source.clone()]) {
        Err(errors) => places(&errors, &source),
        Ok(engine) => {
            renamed(&engine, text);
            costs(&engine);
            rules(&engine, &source);
            for raw in [MAIL, b""] {
                judged::check(&engine, &Message::parse(raw, &Limits::default()), text.len() as u8);
            }
        }
    }
}

/// Reads a file of cases and panics unless its errors point into it. Its cases are run, and may fail.
pub fn check_cases(text: &str, engine: &Engine) {
    let source = RuleSource::new(FILE, text);
    match cases::parse(&source) {
        Err(errors) => places(&errors, &source),
        Ok(cases) => {
            for case in cases {
                assert!((1..=lines(&source)).contains(&case.line));
                let known = engine.rules().rule(&case.rule).is_some();
                assert!(known || case.run(engine).is_err(), "a case of a rule that does not exist fails");
            }
        }
    }
}

fn places(errors: &RuleErrors, source: &RuleSource) {
    assert!(!errors.errors().is_empty());
    assert!(errors.errors().is_sorted());
    for error in errors.errors() {
        assert_eq!(error.file, FILE);
        assert!(!error.message.is_empty());
        assert!((1..=lines(source)).contains(&error.line), "{error}");
        let line = source.text.split('\n').nth(error.line - 1).unwrap_or_default();
        assert!((1..=line.chars().count() + 1).contains(&error.column), "{error}");
    }
}

fn lines(source: &RuleSource) -> usize {
    source.text.split('\n').count()
}

/// The hash follows from the content, not from names.
fn renamed(engine: &Engine, text: &str) {
    let again = Engine::compile(vec![RuleSource::new("renamed.toml", text)]).expect("it compiled before");
    assert_eq!(again.hash(), engine.hash());
    assert_eq!(engine.hash().to_string().len(), 64);
}

fn costs(engine: &Engine) {
    let cost = engine.rules().cost();
    assert!(cost.steps_per_byte <= cost.budget);
}

fn rules(engine: &Engine, source: &RuleSource) {
    let rules = engine.rules();
    assert!(rules.rules().is_sorted_by(|a, b| a.id() < b.id()));
    assert!(rules.groups().is_sorted_by(|a, b| a.id < b.id));
    for rule in rules.rules() {
        assert_eq!(rules.rule(rule.id()).map(Rule::id), Some(rule.id()));
        assert_eq!(rule.file(), FILE);
        assert!((1..=lines(source)).contains(&rule.line()));
        assert!(!rule.condition_text().is_empty() && !rule.condition_text().contains('\n'));
        assert!(rule.group().is_none_or(|group| group < rules.groups().len()));
    }
    for lint in rules.lints() {
        assert_eq!(lint.file, FILE);
        assert!((1..=lines(source)).contains(&lint.line));
    }
}
