//! What rules give a message, summed as the judge sums it: for any scores, without judging again.

use xd_core::rules::Rule;
use xd_core::{Engine, Score};

/// The scores of a set of rules, in hundredths, with the caps of their groups. Rules are named by their place in the order of ids.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Scores {
    pub(super) of_rules: Vec<i32>,
    pub(super) groups: Vec<Option<usize>>,
    pub(super) caps: Vec<i32>,
}

impl Scores {
    /// Those of an engine.
    pub(super) fn of(engine: &Engine) -> Self {
        let rules = engine.rules().rules();
        Self {
            of_rules: rules.iter().map(|rule| hundredths(rule.score())).collect(),
            groups: rules.iter().map(Rule::group).collect(),
            caps: engine.rules().groups().iter().map(|group| hundredths(group.cap)).collect(),
        }
    }

    /// What these rules give together. A group gives its positive points up to its cap.
    pub(super) fn sum(&self, held: &[usize]) -> i32 {
        let is_capped = |rule: &usize| self.groups[*rule].is_some() && self.of_rules[*rule] > 0;
        let free: i32 = held.iter().filter(|rule| !is_capped(rule)).map(|&rule| self.of_rules[rule]).sum();
        let of_group = |group: usize| {
            let points = held.iter().filter(|rule| is_capped(rule) && self.groups[**rule] == Some(group));
            points.map(|&rule| self.of_rules[rule]).sum::<i32>()
        };
        free + (0..self.caps.len()).map(|group| of_group(group).min(self.caps[group])).sum::<i32>()
    }
}

/// The hundredths of a score, far below what 32 bits hold.
pub(super) fn hundredths(score: Score) -> i32 {
    score.hundredths().clamp(-1_000_000, 1_000_000) as i32
}

#[cfg(test)]
mod tests {
    use xd_core::{Limits, Message, RuleSource, evidence, judge};

    use super::*;

    #[test]
    fn sums_are_those_of_the_judge() {
        let rule = |id: &str, score: &str, group: &str| {
            let group = if group.is_empty() { String::new() } else { format!("group = \"{group}\"\n") };
            format!(
                "[[rule]]\nid = \"{id}\"\nscore = \"{score}\"\nwhy = \"test\"\n{group}when = {{ in = \"subject\", words = [\"{id}\"] }}\n"
            )
        };
        let rules = [
            rule("a", "2.00", "few"),
            rule("b", "1.00", ""),
            rule("c", "1.50", "few"),
            rule("d", "-0.50", "few"),
            rule("e", "4.00", "many"),
        ];
        let text = format!(
            "family = \"test\"\n[[group]]\nid = \"few\"\ncap = \"2.50\"\n[[group]]\nid = \"many\"\ncap = \"9.00\"\n{}",
            rules.concat()
        );
        let engine = Engine::compile(vec![RuleSource::new("test.toml", &text)]).unwrap();
        let scores = Scores::of(&engine);
        for held in 0..32_u32 {
            let held: Vec<usize> = (0..5).filter(|rule| held & (1 << rule) != 0).collect();
            let words: Vec<&str> = held.iter().map(|&rule| ["a", "b", "c", "d", "e"][rule]).collect();
            let raw = format!("Subject: {}\r\n\r\n", words.join(" "));
            let message = Message::parse(raw.as_bytes(), &Limits::default());
            let (envelope, evidence) = evidence::derive(&message);
            let judged = judge(&engine, &envelope, &message, &evidence).verdict().score;
            assert_eq!(i64::from(scores.sum(&held)), judged.hundredths(), "{words:?}");
        }
    }
}
