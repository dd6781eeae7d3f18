//! Writes scores into rule files and changes nothing else in them.

use std::collections::BTreeMap;

/// A rule file with these scores for the rules that it names, by id.
pub(super) fn with_scores(text: &str, scores: &BTreeMap<&str, String>) -> String {
    let mut score = None;
    let mut in_rule = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[") {
            in_rule = line.trim_end() == "[[rule]]";
            score = None;
        } else if in_rule && let Some(id) = value(line, "id") {
            score = scores.get(id);
        } else if let (Some(score), Some(old)) = (score, value(line, "score")) {
            out.push_str(&line.replacen(old, score, 1));
            continue;
        }
        out.push_str(line);
    }
    out
}

/// The value of a key whose line this is.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scores_of_named_rules_change() {
        let text = "family = \"a\"\n\n[[rule]] \nid = \"one\"\nscore = \"1.00\"  # why\nwhen = { x = 'score = \"1.00\"' }\n\n\
                    [[rule]]\nid = \"two\"\nscore=\"2.00\"\n[[list]]\nid = \"one\"\nscore = \"3.00\"\n";
        let changed = with_scores(text, &BTreeMap::from([("one", "0.40".to_owned()), ("three", "9.00".to_owned())]));
        assert_eq!(changed, text.replacen("\"1.00\"  #", "\"0.40\"  #", 1));
        assert_eq!(with_scores(text, &BTreeMap::new()), text);
    }

    #[test]
    fn every_score_of_the_built_in_rules_is_found() {
        let engine = xd_core::Engine::builtin().unwrap();
        let ids = engine.rules().rules().iter().map(|rule| (rule.id(), "7.77".to_owned())).collect();
        let changed: String = engine.sources().iter().map(|source| with_scores(&source.text, &ids)).collect();
        assert_eq!(changed.matches("\nscore = \"7.77\"\n").count(), engine.rules().rules().len());
    }
}
