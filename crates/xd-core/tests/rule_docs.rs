//! `docs/rules.md` is true: its examples compile and their cases hold, and its lists are those of the program.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the page that it checks")]

use std::path::Path;

use xd_core::rules::{cases, vocabulary};
use xd_core::{Defect, Engine, RuleSource};

fn page() -> (std::path::PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

#[test]
fn examples_compile_and_their_cases_hold() {
    let (_, text) = page();
    let mut engine = None;
    let mut run = 0;
    for block in text.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let source = RuleSource::new("docs/rules.md", block);
        if block.contains("[[case]]") {
            for case in cases::parse(&source).unwrap() {
                case.run(engine.as_ref().unwrap()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
                run += 1;
            }
        } else {
            let compiled = Engine::compile(vec![source]).unwrap_or_else(|errors| panic!("{errors}\n{block}"));
            assert!(compiled.rules().lints().is_empty(), "{:?}", compiled.rules().lints());
            engine = Some(compiled);
        }
    }
    assert!(run >= 7, "{run} cases");
}

#[test]
fn lists_are_those_of_the_program() {
    let row = |name: &str, about: &str| format!("| `{name}` | {about} |\n");
    let words: String = vocabulary().map(|(name, about)| row(name, about)).collect();
    let defects: String = Defect::ALL.iter().map(|defect| row(defect.id(), defect.sentence())).collect();
    let (path, text) = page();
    let updated = replaced(&text, "vocabulary", &format!("| name | meaning |\n|---|---|\n{words}"));
    let updated = replaced(&updated, "defects", &format!("| id | meaning |\n|---|---|\n{defects}"));
    if std::env::var_os("XD_BLESS").is_some() {
        std::fs::write(path, updated).unwrap();
    } else {
        assert!(text == updated, "docs/rules.md is out of date; run XD_BLESS=1 cargo test -p xd-core --test rule_docs");
    }
}

/// The text with what stands between the two marks of `name` replaced.
fn replaced(text: &str, name: &str, content: &str) -> String {
    let start = text.find(&format!("<!-- {name}:")).unwrap();
    let start = start + text[start..].find("-->\n").unwrap() + 4;
    let end = text.find(&format!("<!-- end of {name} -->")).unwrap();
    format!("{}{content}{}", &text[..start], &text[end..])
}
