//! `xd rules`: list, show, check, test and value rules.

mod check;
mod test;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use xd_core::rules::{Group, Rule};
use xd_core::{Engine, Score};

use crate::arguments::{Format, Rules, RulesList, RulesShow};
use crate::engine::compile;
use crate::escape::Plain;
use crate::failure::Failure;
use crate::json;
use crate::output::Output;
use crate::table::{cut_right, pad};
use crate::terminal::{Style, Terminal};

pub(crate) fn run(rules: &Rules) -> Result<ExitCode, Failure> {
    match rules {
        Rules::Check(arguments) => check::run(arguments),
        Rules::List(arguments) => list(arguments),
        Rules::Show(arguments) => show(arguments),
        Rules::Test(arguments) => test::run(arguments),
        Rules::Value(arguments) => value::run(arguments),
    }
}

fn list(arguments: &RulesList) -> Result<ExitCode, Failure> {
    let engine = compile(&arguments.places.rules)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => output.lines(list_text(&engine, terminal))?,
        Format::Json => output.lines(list_json(&engine)?)?,
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The rules by family, each family with its largest scores first.
pub(crate) fn list_text(engine: &Engine, terminal: Terminal) -> String {
    let mut families: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in engine.rules().rules() {
        families.entry(rule.family()).or_default().push(rule);
    }
    let widest = engine.rules().rules().iter().map(|rule| rule.id().len()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for (family, mut rules) in families {
        rules.sort_by(|a, b| b.score().cmp(&a.score()).then_with(|| a.id().cmp(b.id())));
        let _ = writeln!(text, "{}", terminal.paint(Style::Bold, Plain(family)));
        for rule in rules {
            let mut id = Plain(rule.id()).to_string();
            pad(&mut id, widest);
            let group = group_of(engine, rule).map_or_else(String::new, |group| format!(" [{}]", group.id));
            let why = Plain(&format!("{}{group}", rule.why())).to_string();
            let why = cut_right(&why, terminal.width.saturating_sub(widest + 13));
            let _ = writeln!(text, "{:>9}  {id}  {why}", rule.score());
        }
        text.push('\n');
    }
    let (rules, groups) = (engine.rules().rules().len(), engine.rules().groups());
    for group in groups {
        let _ = writeln!(text, "[{}] gives at most {} in all", Plain(&group.id), group.cap);
    }
    let _ = writeln!(text, "{rules} rules; engine {}", engine.hash());
    text
}

#[derive(Serialize)]
struct List<'a> {
    engine: String,
    #[serde(flatten)]
    list: RuleList<'a>,
}

/// All rules and groups of an engine.
#[derive(Serialize)]
pub(crate) struct RuleList<'a> {
    rules: Vec<ListedRule<'a>>,
    groups: Vec<ListedGroup<'a>>,
}

#[derive(Serialize)]
struct ListedRule<'a> {
    id: &'a str,
    family: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    group: Option<&'a str>,
    why: &'a str,
    file: &'a str,
    line: usize,
    condition: &'a str,
}

#[derive(Serialize)]
struct ListedGroup<'a> {
    id: &'a str,
    #[serde(serialize_with = "json::score")]
    cap: Score,
}

impl<'a> ListedRule<'a> {
    fn of(engine: &'a Engine, rule: &'a Rule) -> Self {
        Self {
            id: rule.id(),
            family: rule.family(),
            score: rule.score(),
            group: group_of(engine, rule).map(|group| group.id.as_str()),
            why: rule.why(),
            file: rule.file(),
            line: rule.line(),
            condition: rule.condition_text(),
        }
    }
}

impl<'a> RuleList<'a> {
    pub(crate) fn of(engine: &'a Engine) -> Self {
        Self {
            rules: engine.rules().rules().iter().map(|rule| ListedRule::of(engine, rule)).collect(),
            groups: engine.rules().groups().iter().map(|group| ListedGroup { id: &group.id, cap: group.cap }).collect(),
        }
    }
}

fn list_json(engine: &Engine) -> Result<Vec<u8>, Failure> {
    let list = List { engine: engine.hash().to_string(), list: RuleList::of(engine) };
    let mut line = Vec::new();
    json::write_line(&mut line, &list)?;
    Ok(line)
}

fn show(arguments: &RulesShow) -> Result<ExitCode, Failure> {
    let engine = compile(&arguments.places.rules)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    for (index, id) in arguments.ids.iter().enumerate() {
        let rule = find(&engine, id)?;
        let blank = if index > 0 { "\n" } else { "" };
        output.lines(format!("{blank}{}", show_text(&engine, rule, terminal)))?;
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The group whose cap holds for a rule.
fn group_of<'e>(engine: &'e Engine, rule: &Rule) -> Option<&'e Group> {
    engine.rules().groups().get(rule.group()?)
}

fn find<'e>(engine: &'e Engine, id: &str) -> Result<&'e Rule, Failure> {
    if let Some(rule) = engine.rules().rule(id) {
        return Ok(rule);
    }
    let rules = engine.rules().rules();
    let mut near: Vec<&str> = rules.iter().map(Rule::id).filter(|known| known.contains(id) || id.contains(known)).collect();
    near.truncate(5);
    let advice = if near.is_empty() { "`xd rules list` names all".to_owned() } else { format!("is it {}?", near.join(" or ")) };
    Err(Failure::operator(format!("there is no rule {id:?}; {advice}")))
}

fn show_text(engine: &Engine, rule: &Rule, terminal: Terminal) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", terminal.paint(Style::Bold, Plain(rule.id())));
    let mut fact = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<9} {}", Plain(value));
    };
    fact("says", rule.why());
    fact("score", &rule.score().to_string());
    fact("family", rule.family());
    if let Some(group) = group_of(engine, rule) {
        fact("group", &format!("{}, at most {} in all", group.id, group.cap));
    }
    fact("written", &format!("{}:{}", rule.file(), rule.line()));
    fact("when", rule.condition_text());
    text
}
