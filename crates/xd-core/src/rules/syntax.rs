//! Rule files as they are written: read into trees, each piece with its place; names are not resolved yet.

use std::ops::Range;

use toml::de::DeValue;

use crate::{Defect, Domain, Score};

use super::number::Number;
use super::read::{Located, TableReader, parse_file, table};
use super::source::{RuleError, RuleSource};
use super::target::{Shape, Target};

type Read<T> = Result<T, RuleError>;

/// Conditions nest at most so deep; a deeper one is a mistake, and its evaluation recurses.
pub(super) const MAX_CONDITION_DEPTH: usize = 30;

/// One rule file.
#[derive(Debug, Default)]
pub(super) struct FileTree {
    pub(super) lists: Vec<ListTree>,
    pub(super) brands: Vec<BrandTree>,
    pub(super) groups: Vec<GroupTree>,
    pub(super) rules: Vec<RuleTree>,
}

/// `[[list]]`: words or domains under one name.
#[derive(Debug)]
pub(super) struct ListTree {
    pub(super) id: Located<String>,
    pub(super) entries: Vec<Located<String>>,
}

/// `[[brand]]`: the names a brand goes by and the domains it sends from.
#[derive(Debug)]
pub(super) struct BrandTree {
    pub(super) names: Vec<Located<String>>,
    pub(super) domains: Vec<Located<Domain>>,
}

/// `[[group]]`: rules whose points are capped together.
#[derive(Debug)]
pub(super) struct GroupTree {
    pub(super) id: Located<String>,
    pub(super) cap: Score,
}

/// `[[rule]]`
#[derive(Debug)]
pub(super) struct RuleTree {
    pub(super) id: Located<String>,
    pub(super) family: String,
    pub(super) score: Score,
    pub(super) why: String,
    pub(super) group: Option<Located<String>>,
    pub(super) when: ConditionTree,
}

/// The condition of a rule.
#[derive(Debug)]
pub(super) enum ConditionTree {
    All(Vec<Self>),
    Any(Vec<Self>),
    AtLeast(usize, Vec<Self>),
    Not(Box<Self>),
    Rule(Located<String>),
    Test(Box<TestTree>),
}

/// One test with its place.
#[derive(Debug)]
pub(super) struct TestTree {
    pub(super) span: Range<usize>,
    pub(super) kind: TestKind,
}

/// Texts and `@list` references.
pub(super) type SetTree = Vec<Located<String>>;

/// What a test asks.
#[derive(Debug)]
pub(super) enum TestKind {
    Contains { target: Target, set: SetTree, at_least: Located<u32> },
    Defect(Vec<Defect>),
    DiffersFrom { target: Target, other: Target },
    Equals { target: Target, set: SetTree, at_least: Located<u32> },
    Listed { target: Target, zone: Domain, answers: Vec<std::net::Ipv4Addr> },
    Mentions { target: Target, other: Target },
    NamesBrand { target: Target, outside: Vec<Target> },
    Number { number: Number, comparison: Comparison, value: i64 },
    Present { target: Target, present: bool },
    Regex { target: Target, pattern: Located<String>, at_least: Located<u32> },
    ResemblesBrand { target: Target },
    SameAs { target: Target, other: Target },
    Within { target: Target, set: SetTree, at_least: Located<u32> },
    Words { target: Target, set: SetTree, at_least: Located<u32> },
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Comparison {
    AtLeast,
    AtMost,
    Equals,
}

impl Comparison {
    const ALL: [(Self, &'static str); 3] = [(Self::AtLeast, "at_least"), (Self::AtMost, "at_most"), (Self::Equals, "equals")];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(other, _)| *other == self).map_or("", |(_, name)| name)
    }

    pub(super) fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
            Self::Equals => left == right,
        }
    }
}

/// Reads one rule file. Every error found in it is returned, not only the first.
pub(super) fn read(source: &RuleSource) -> Result<FileTree, Vec<RuleError>> {
    let mut tree = FileTree::default();
    let mut errors = Vec::new();
    let whole = parse_file(source, "a rule file", |mut file| {
        let family = file.text("family")?;
        if let Some(family) = &family {
            check_id(source, family, "a family")?;
        }
        for entry in file.tables("list", "a list")? {
            keep(list(entry), &mut tree.lists, &mut errors);
        }
        for entry in file.tables("brand", "a brand")? {
            keep(brand(entry), &mut tree.brands, &mut errors);
        }
        for entry in file.tables("group", "a group")? {
            keep(group(entry), &mut tree.groups, &mut errors);
        }
        for entry in file.tables("rule", "a rule")? {
            let family = match &family {
                Some(family) => family.value.to_owned(),
                None => return Err(file.error("a file with rules needs the key \"family\" before the first [[rule]]")),
            };
            keep(rule(entry, family), &mut tree.rules, &mut errors);
        }
        file.finish()
    });
    if let Err(error) = whole {
        errors.push(error);
    }
    if errors.is_empty() { Ok(tree) } else { Err(errors) }
}

fn keep<T>(read: Read<T>, items: &mut Vec<T>, errors: &mut Vec<RuleError>) {
    match read {
        Ok(item) => items.push(item),
        Err(error) => errors.push(error),
    }
}

fn check_id(source: &RuleSource, id: &Located<&str>, what: &str) -> Read<()> {
    let valid = (1..=64).contains(&id.value.len())
        && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.value.starts_with('-');
    if valid {
        return Ok(());
    }
    let message = format!("{:?} cannot name {what}: names have 1 to 64 small letters, digits and hyphens", id.value);
    Err(source.error(id.span.clone(), message))
}

fn id(table: &mut TableReader<'_, '_>, what: &str) -> Read<Located<String>> {
    let id = table.required_text("id")?;
    check_id(table.source(), &id, what)?;
    Ok(own(id))
}

fn own(text: Located<&str>) -> Located<String> {
    Located { value: text.value.to_owned(), span: text.span }
}

fn list(mut table: TableReader<'_, '_>) -> Read<ListTree> {
    let id = id(&mut table, "a list")?;
    let entries = table.texts("entries")?.ok_or_else(|| table.missing("entries"))?;
    table.finish()?;
    Ok(ListTree { id, entries: entries.into_iter().map(own).collect() })
}

fn brand(mut table: TableReader<'_, '_>) -> Read<BrandTree> {
    let source = table.source();
    let names = table.texts("names")?.ok_or_else(|| table.missing("names"))?;
    let domains = table.texts("domains")?.ok_or_else(|| table.missing("domains"))?;
    table.finish()?;
    let domains = domains.into_iter().map(|domain| parse_domain(source, domain)).collect::<Read<_>>()?;
    Ok(BrandTree { names: names.into_iter().map(own).collect(), domains })
}

fn parse_domain(source: &RuleSource, text: Located<&str>) -> Read<Located<Domain>> {
    match Domain::parse(text.value) {
        Ok(value) => Ok(Located { value, span: text.span }),
        Err(error) => Err(source.error(text.span, format!("{:?} is no domain: {error}", text.value))),
    }
}

fn score(source: &RuleSource, text: &Located<&str>) -> Read<Score> {
    Score::parse(text.value).map_err(|error| source.error(text.span.clone(), format!("{:?}: {error}", text.value)))
}

fn group(mut table: TableReader<'_, '_>) -> Read<GroupTree> {
    let id = id(&mut table, "a group")?;
    let text = table.required_text("cap")?;
    let cap = score(table.source(), &text)?;
    if cap < Score::ZERO {
        return Err(table.source().error(text.span, "a cap is not negative: it bounds the points that rules add"));
    }
    table.finish()?;
    Ok(GroupTree { id, cap })
}

fn rule(mut table: TableReader<'_, '_>, family: String) -> Read<RuleTree> {
    let id = id(&mut table, "a rule")?;
    let text = table.required_text("score")?;
    let score = score(table.source(), &text)?;
    let why = table.required_text("why")?;
    if why.value.trim().is_empty() || why.value.ends_with('.') || why.value.contains('\n') {
        let message = "the sentence in \"why\" is one line without a final period, for a person to read";
        return Err(table.source().error(why.span, message));
    }
    let group = table.text("group")?.map(own);
    let when = condition(table.required_table("when", "a condition")?, 0)?;
    table.finish()?;
    Ok(RuleTree { id, family, score, why: why.value.to_owned(), group, when })
}

/// A condition inside `depth` others.
fn condition(mut table: TableReader<'_, '_>, depth: usize) -> Read<ConditionTree> {
    if depth > MAX_CONDITION_DEPTH {
        return Err(
            table.error(format!("a condition nests deeper than {MAX_CONDITION_DEPTH}; give a part of it a rule of its own"))
        );
    }
    let combined = if table.has("all") {
        ConditionTree::All(conditions(&mut table, "all", depth)?)
    } else if table.has("any") {
        ConditionTree::Any(conditions(&mut table, "any", depth)?)
    } else if table.has("not") {
        ConditionTree::Not(Box::new(condition(table.required_table("not", "a condition")?, depth + 1)?))
    } else if table.has("of") {
        let Some(needed) = table.integer("at_least")? else { return Err(table.missing("at_least")) };
        let terms = conditions(&mut table, "of", depth)?;
        match usize::try_from(needed.value) {
            Ok(count) if (1..=terms.len()).contains(&count) => ConditionTree::AtLeast(count, terms),
            _ => {
                let message = format!(
                    "at least {} of {} conditions can never be told apart; expected 1 to {}",
                    needed.value,
                    terms.len(),
                    terms.len()
                );
                return Err(table.source().error(needed.span, message));
            }
        }
    } else if table.has("rule") {
        ConditionTree::Rule(own(table.required_text("rule")?))
    } else {
        let span = table.span();
        let kind = test(&mut table)?;
        ConditionTree::Test(Box::new(TestTree { span, kind }))
    };
    table.finish()?;
    Ok(combined)
}

fn conditions(table: &mut TableReader<'_, '_>, key: &'static str, depth: usize) -> Read<Vec<ConditionTree>> {
    let source = table.source();
    match table.take(key) {
        Some((DeValue::Array(items), span)) => {
            if items.is_empty() {
                return Err(source.error(span, format!("{key:?} needs at least one condition")));
            }
            items
                .iter()
                .map(|item| condition(self::table(source, item.get_ref(), item.span(), "a condition")?, depth + 1))
                .collect()
        }
        Some((_, span)) => Err(source.error(span, format!("{key:?} is an array of conditions"))),
        None => Err(table.missing(key)),
    }
}

const MATCHERS: &str =
    "contains, differs_from, equals, listed_in, mentions, names_brand, present, regex, resembles_brand, same_as, within, words";

fn test(table: &mut TableReader<'_, '_>) -> Read<TestKind> {
    if table.has("number") {
        return number(table);
    }
    if table.has("defect") {
        return defects(table);
    }
    if !table.has("in") {
        return Err(table.error("expected a condition: all, any, not, of, rule, number, defect, or in with a matcher"));
    }
    let name = table.required_text("in")?;
    let target = parse_target(table.source(), &name)?;
    if table.has("words") {
        let (set, at_least) = (set(table, "words")?, at_least(table)?);
        Ok(TestKind::Words { target, set, at_least })
    } else if table.has("contains") {
        let (set, at_least) = (set(table, "contains")?, at_least(table)?);
        Ok(TestKind::Contains { target, set, at_least })
    } else if table.has("equals") {
        let (set, at_least) = (set(table, "equals")?, at_least(table)?);
        Ok(TestKind::Equals { target, set, at_least })
    } else if table.has("within") {
        fits(table.source(), &name, &target, "within", &[Shape::Host])?;
        let (set, at_least) = (set(table, "within")?, at_least(table)?);
        Ok(TestKind::Within { target, set, at_least })
    } else if table.has("regex") {
        let pattern = own(table.required_text("regex")?);
        Ok(TestKind::Regex { target, pattern, at_least: at_least(table)? })
    } else if let Some(present) = table.boolean("present")? {
        Ok(TestKind::Present { target, present })
    } else if table.has("listed_in") {
        fits(table.source(), &name, &target, "listed_in", &[Shape::Address, Shape::Host])?;
        listed(table, target)
    } else if table.has("mentions") {
        Ok(TestKind::Mentions { target, other: other(table, "mentions")? })
    } else if table.has("differs_from") {
        Ok(TestKind::DiffersFrom { target, other: other(table, "differs_from")? })
    } else if table.has("same_as") {
        Ok(TestKind::SameAs { target, other: other(table, "same_as")? })
    } else if flag(table, "names_brand")? {
        let source = table.source();
        let names = table.texts("outside")?.ok_or_else(|| table.missing("outside"))?;
        let outside = names.iter().map(|name| {
            let target = parse_target(source, name)?;
            fits(source, name, &target, "outside", &[Shape::Host])?;
            Ok(target)
        });
        let outside = outside.collect::<Read<_>>()?;
        if !target.shape().is_normal() {
            let message = format!("names of brands are looked for in normal spelling, and {target} keeps its own");
            return Err(source.error(name.span, message));
        }
        Ok(TestKind::NamesBrand { target, outside })
    } else if flag(table, "resembles_brand")? {
        fits(table.source(), &name, &target, "resembles_brand", &[Shape::Host])?;
        Ok(TestKind::ResemblesBrand { target })
    } else {
        Err(table.error(format!("a test of {:?} needs a matcher: one of {MATCHERS}", name.value)))
    }
}

fn parse_target(source: &RuleSource, name: &Located<&str>) -> Read<Target> {
    Target::parse(name.value).ok_or_else(|| {
        let message =
            format!("unknown target {:?}; docs/rules.md lists them, header fields are header:name in lower case", name.value);
        source.error(name.span.clone(), message)
    })
}

/// Refuses a target whose values the matcher could never be met by.
fn fits(source: &RuleSource, name: &Located<&str>, target: &Target, matcher: &str, shapes: &[Shape]) -> Read<()> {
    if shapes.contains(&target.shape()) {
        return Ok(());
    }
    let message = format!("{matcher} looks at hosts, and {target} is none; expected one of {}", Target::names_of(shapes));
    Err(source.error(name.span.clone(), message))
}

fn other(table: &mut TableReader<'_, '_>, key: &'static str) -> Read<Target> {
    let name = table.required_text(key)?;
    parse_target(table.source(), &name)
}

fn flag(table: &mut TableReader<'_, '_>, key: &'static str) -> Read<bool> {
    match table.boolean(key)? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(table.error(format!("{key} is true or left out; use not = {{ … }} for the opposite"))),
    }
}

fn set(table: &mut TableReader<'_, '_>, key: &'static str) -> Read<SetTree> {
    let texts = table.texts(key)?.unwrap_or_default();
    Ok(texts.into_iter().map(own).collect())
}

fn at_least(table: &mut TableReader<'_, '_>) -> Read<Located<u32>> {
    match table.integer("at_least")? {
        None => Ok(Located { value: 1, span: table.span() }),
        Some(Located { value, span }) => match u32::try_from(value) {
            Ok(value) if (1..=1000).contains(&value) => Ok(Located { value, span }),
            _ => Err(table.source().error(span, "at_least is a number from 1 to 1000")),
        },
    }
}

fn number(table: &mut TableReader<'_, '_>) -> Read<TestKind> {
    let name = table.required_text("number")?;
    let Some(number) = Number::parse(name.value) else {
        let message = format!("unknown number {:?}; docs/rules.md lists them", name.value);
        return Err(table.source().error(name.span, message));
    };
    for (comparison, key) in Comparison::ALL {
        if let Some(value) = table.integer(key)? {
            return Ok(TestKind::Number { number, comparison, value: value.value });
        }
    }
    Err(table.error("a number is compared by at_least, at_most or equals"))
}

fn defects(table: &mut TableReader<'_, '_>) -> Read<TestKind> {
    let source = table.source();
    let ids = table.texts("defect")?.unwrap_or_default();
    let find = |id: &Located<&str>| {
        Defect::from_id(id.value)
            .ok_or_else(|| source.error(id.span.clone(), format!("unknown defect {:?}; docs/rules.md lists them", id.value)))
    };
    Ok(TestKind::Defect(ids.iter().map(find).collect::<Read<_>>()?))
}

fn listed(table: &mut TableReader<'_, '_>, target: Target) -> Read<TestKind> {
    let source = table.source();
    let zone = table.required_text("listed_in")?;
    let zone = parse_domain(source, zone)?.value;
    let mut answers = Vec::new();
    for answer in table.texts("answers")?.unwrap_or_default() {
        match answer.value.parse() {
            Ok(address) => answers.push(address),
            Err(_) => return Err(source.error(answer.span, "an answer is an IPv4 address such as \"127.0.0.2\"")),
        }
    }
    Ok(TestKind::Listed { target, zone, answers })
}
