//! Every mistake in a rule file is told with its place and what was expected.

use super::*;
use crate::RuleSource;

fn errors(text: &str) -> Vec<String> {
    match RuleSet::compile(&[RuleSource::new("f.toml", text)]) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.errors().iter().map(ToString::to_string).collect(),
    }
}

fn lints(text: &str) -> Vec<String> {
    let rules = RuleSet::compile(&[RuleSource::new("f.toml", text)]).unwrap();
    rules.lints.iter().map(ToString::to_string).collect()
}

fn rule(when: &str) -> String {
    format!("family = \"test\"\n[[rule]]\nid = \"a\"\nscore = \"1.00\"\nwhy = \"because\"\nwhen = {when}\n")
}

/// The error must stand at `place` in the text, where it is found first, and say `part`.
#[track_caller]
fn refused(text: &str, place: &str, part: &str) {
    let offset = text.find(place).unwrap();
    let line = text[..offset].matches('\n').count() + 1;
    let column = offset - text[..offset].rfind('\n').map_or(0, |at| at + 1) + 1;
    let expected = format!("f.toml:{line}:{column}: ");
    let found = errors(text);
    assert!(found.iter().any(|error| error.starts_with(&expected) && error.contains(part)), "{expected}{part} in {found:#?}");
}

#[test]
fn mistakes_have_places() {
    let at_when = |when: &str, place: &str, part: &str| refused(&rule(when), place, part);
    at_when("{ in = \"subject\", word = [\"a\"] }", "{ in", "needs a matcher");
    at_when("{ in = \"subject\", words = [\"a\"], atleast = 2 }", "atleast", "unknown key \"atleast\"");
    at_when("{ in = \"subjekt\", words = [\"a\"] }", "\"subjekt", "unknown target \"subjekt\"");
    at_when("{ in = \"subject\", words = [] }", "[]", "at least one text");
    at_when("{ in = \"subject\", words = [\"@none\"] }", "\"@none", "no list \"none\"");
    at_when("{ in = \"text\", contains = [\"!!\"] }", "\"!!", "shorter than 3 bytes");
    at_when("{ in = \"subject\", words = [7] }", "7]", "found a whole number");
    at_when("{ in = \"subject\", words = [\"a b\", \"A  b\"], at_least = 2 }", "2 }", "2 of 1 different texts can never");
    at_when("{ in = \"subject.original\", contains = [\"Ab\", \"aB\"], at_least = 2 }", "2 }", "can never");
    at_when("{ in = \"subject\", regex = \"(a\" }", "\"(a", "not a pattern");
    at_when("{ in = \"subject\", regex = \"Free\" }", "\"Free", "write \"free\"");
    at_when("{ in = \"subject\", regex = \"x*\" }", "\"x*", "matches everywhere");
    at_when("{ in = \"subject\", regex = \"[äö]bc\" }", "\"[äö", "alternatives");
    at_when("{ in = \"subject\", regex = '(?:abc[a-z]{1,200}){1,200}' }", "{ in", "automaton");
    at_when("{ in = \"subject\", within = [\"a.example\"] }", "\"subject", "expected one of from.domain, ");
    at_when("{ in = \"envelope.client_address\", within = [\"a.example\"] }", "\"envelope", "looks at hosts");
    at_when("{ in = \"from.address\", resembles_brand = true }", "\"from.address", "looks at hosts");
    at_when("{ in = \"header:from\", listed_in = \"a.example\" }", "\"header:from", "envelope.client_address, ");
    at_when("{ in = \"from.name\", names_brand = true, outside = [\"from.name\"] }", "\"from.name\"] }", "looks at hosts");
    at_when("{ in = \"subject.original\", names_brand = true, outside = [\"from.domain\"] }", "\"subject", "keeps its own");
    at_when("{ number = \"lnks\", at_least = 1 }", "\"lnks", "unknown number");
    at_when("{ number = \"links\" }", "{ number", "compared by");
    at_when("{ number = \"links\", at_least = 1, at_most = 2 }", "at_most", "unknown key \"at_most\"");
    at_when("{ defect = \"nope\" }", "\"nope", "unknown defect");
    at_when("{ rule = \"nope\" }", "\"nope", "no rule \"nope\"");
    at_when("{ rule = \"a\" }", "\"a\"", "builds on itself");
    at_when("{ at_least = 3, of = [{ defect = \"no-from\" }] }", "3, of", "can never");
    at_when("{ all = [] }", "[] }", "at least one condition");
    at_when("{ }", "{ }", "expected a condition");
    refused("family = \"t\"\n[[rule]]\nid = \"a\"\n", "[[rule", "needs the key \"score\"");
    refused("[[rule]]\nid = \"a\"\n", "[[rule", "family");
    refused("x = 1\n", "x", "unknown key \"x\"");
    refused("family = = 1\n", "= 1", "not TOML");
    let good = rule("{ defect = \"no-from\" }");
    refused(&good.replace("1.00", "1.001"), "\"1.001", "at most two decimals");
    refused(&good.replace("\"a\"", "\"A b\""), "\"A b", "small letters");
    refused(&good.replace("because", "because."), "\"because", "final period");
    refused(&good.replace("why", "group = \"g\"\nwhy"), "\"g\"", "no group \"g\"");
}

#[test]
fn conditions_nest_so_deep_and_no_deeper() {
    let nested = |depth: usize, outer: &str, end: &str| {
        rule(&format!("{}{{ defect = \"no-from\" }}{}", outer.repeat(depth), end.repeat(depth)))
    };
    for (outer, end) in [("{ not = ", " }"), ("{ all = [", "] }"), ("{ at_least = 1, of = [", "] }")] {
        assert_eq!(errors(&nested(syntax::MAX_CONDITION_DEPTH, outer, end)), [""; 0]);
        refused(&nested(syntax::MAX_CONDITION_DEPTH + 1, outer, end), "{ defect", "deeper than 30");
    }
}

#[test]
fn all_mistakes_of_all_files_are_told() {
    let one = RuleSource::new("one.toml", rule("{ in = \"nope\" }"));
    let two = RuleSource::new("two.toml", "family = 1\n");
    let errors = RuleSet::compile(&[two, one]).unwrap_err();
    assert_eq!(errors.errors().iter().map(|error| error.file.as_str()).collect::<Vec<_>>(), ["one.toml", "two.toml"]);
}

#[test]
fn ids_are_unique_over_files() {
    let file = |name: &str| RuleSource::new(name, rule("{ defect = \"no-from\" }"));
    let errors = RuleSet::compile(&[file("a.toml"), file("b.toml")]).unwrap_err();
    assert_eq!(errors.to_string(), "b.toml:3:6: there is already a rule \"a\", at a.toml:3:6");
}

#[test]
fn a_cap_is_not_negative() {
    let with = |cap: &str| format!("[[group]]\nid = \"g\"\ncap = \"{cap}\"\n");
    refused(&with("-0.01"), "\"-0.01", "a cap is not negative");
    assert_eq!(errors(&with("0.00")), [""; 0]);
}

#[test]
fn a_name_belongs_to_one_brand() {
    let brand = |names: &str, domains: &str| format!("[[brand]]\nnames = [{names}]\ndomains = [{domains}]\n");
    let one = brand("\"Northwind\", \"Northwind Bank\"", "\"northwind.example\"");
    let lints = |text: &str| lints(&format!("family = \"t\"\n{text}"));
    let other = brand("\"NORTHWIND  bank\"", "\"bank.example\"");
    refused(&(one.clone() + &other), "\"NORTHWIND  bank", "the name of the brand at f.toml:2:23 already");
    refused(&brand("\"\\u200b\"", "\"a.example\""), "\"\\u200b", "names nobody");
    assert_eq!(lints(&(one + &brand("\"Contoso\"", "\"northwind.example\""))), [""; 0], "brands may share a domain");
    let twice = brand("\"Contoso\", \"contoso\"", "\"contoso.example\", \"CONTOSO.example\"");
    assert_eq!(
        lints(&twice),
        ["f.toml:3:21: the brand goes by \"contoso\" already", "f.toml:4:31: the brand sends from contoso.example already"]
    );
}

#[test]
fn rules_that_build_on_each_other_in_a_circle() {
    let text = "family = \"t\"\n".to_owned()
        + &[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
            .map(|(id, on)| format!("[[rule]]\nid = \"{id}\"\nscore = \"1\"\nwhy = \"w\"\nwhen = {{ rule = \"{on}\" }}\n"))
            .concat();
    assert!(errors(&text).iter().any(|error| error.contains("\"b\" builds on itself")));
}

#[test]
fn equal_tests_are_one_matcher() {
    let text =
        rule("{ any = [{ in = \"subject\", words = [\"x\", \"y\"] }, { in = \"subject\", words = [\"y\", \"x\", \"x\"] }] }");
    let rules = RuleSet::compile(&[RuleSource::new("f.toml", text)]).unwrap();
    assert_eq!(rules.matchers.len(), 1);
}

#[test]
fn a_text_pattern_without_a_literal_is_unwise() {
    let lints = |when: &str| lints(&rule(when)).len();
    assert_eq!(lints("{ in = \"text\", regex = \"[0-9]{5}\" }"), 1);
    assert_eq!(lints("{ in = \"text\", regex = \"code [0-9]{5}\" }"), 0);
    assert_eq!(lints("{ in = \"subject\", regex = \"[0-9]{5}\" }"), 0);
}

#[test]
fn what_can_never_match_has_a_place() {
    let at = |when: &str, place: &str, part: &str| {
        let text = rule(when);
        let column = text.lines().last().unwrap().find(place).unwrap() + 1;
        let found = lints(&text);
        assert!(found.iter().any(|lint| lint.starts_with(&format!("f.toml:6:{column}: ")) && lint.contains(part)), "{found:?}");
    };
    at("{ in = \"link.host\", contains = [\"a.example\", \"b.example/\"] }", "\"b.example", "never stands in link.host");
    at("{ in = \"subject\", equals = [\" hello\"] }", "\" hello", "none begins or ends with a blank");
    at("{ in = \"subject.original\", regex = '(?i)café' }", "'(?i)", "this case only");
    at("{ in = \"text\", words = [\"money\", \"free money\"], at_least = 2 }", "\"free", "holds \"money\"");
    at("{ in = \"text\", contains = [\"mono\", \"monotony\"], at_least = 2 }", "\"monotony", "counts as two");
    assert_eq!(lints(&rule("{ in = \"text\", words = [\"mono\", \"monotony\"], at_least = 2 }")), [""; 0]);
    assert_eq!(lints(&rule("{ in = \"text\", words = [\"money\", \"free money\"] }")), [""; 0]);
    assert_eq!(lints(&rule("{ in = \"subject\", regex = '(?P<Name>free|(?i:MONEY))' }")), [""; 0]);
    assert_eq!(lints(&rule("{ in = \"subject\", words = [\"FREE  “money”\"] }")), [""; 0]);
}

#[test]
fn the_budget_has_an_edge() {
    // One pattern of about 1,000 states, repeated with different tails until the budget is spent.
    let patterns = |count: usize| {
        let tests: Vec<String> = (0..count).map(|n| format!("{{ in = \"text\", regex = \"abc[a-z]{{900}}x{n}y\" }}")).collect();
        rule(&format!("{{ any = [{}] }}", tests.join(", ")))
    };
    let cost = |count| RuleSet::compile(&[RuleSource::new("f.toml", patterns(count))]).map(|rules| rules.cost().steps_per_byte);
    let one = cost(1).unwrap();
    let fit = STEPS_PER_BYTE / (one + 5);
    assert!(cost(fit).is_ok());
    assert!(cost(STEPS_PER_BYTE / one + 1).is_err());
}

#[test]
fn the_budget_is_one_for_all_targets() {
    let rules = |targets: &[&str]| {
        let tests: Vec<String> =
            targets.iter().map(|target| format!("{{ in = \"{target}\", regex = \"abc[a-z]{{900}}\" }}")).collect();
        RuleSet::compile(&[RuleSource::new("f.toml", rule(&format!("{{ any = [{}] }}", tests.join(", "))))]).unwrap()
    };
    let (one, both) = (rules(&["text"]).cost().steps_per_byte, rules(&["text", "text.html"]).cost().steps_per_byte);
    assert_eq!(both, 2 * one);
    let half = STEPS_PER_BYTE / one / 2 + 1;
    let tests = |target| (0..half).map(move |n| format!("{{ in = \"{target}\", regex = \"abc[a-z]{{900}}x{n}y\" }}"));
    let tests: Vec<String> = tests("text").chain(tests("text.html")).collect();
    let text = rule(&format!("{{ any = [{}] }}", tests.join(", ")));
    refused(&text, tests.last().unwrap(), "the budget is 30000");
}

#[test]
fn lists_fill_sets_and_blanks_at_ends_stay() {
    let text = "[[list]]\nid = \"l\"\nentries = [\"Foo\", \" BAR \"]\n".to_owned();
    let with = format!(
        "family = \"t\"\n{text}[[rule]]\nid = \"a\"\nscore = \"1\"\nwhy = \"w\"\nwhen = {{ in = \"subject\", contains = [\"@l\", \"baz\"] }}\n"
    );
    let rules = RuleSet::compile(&[RuleSource::new("f.toml", with)]).unwrap();
    assert_eq!(rules.rules()[0].condition_text(), "subject contains [\" bar \", \"baz\", \"foo\"]");
}
