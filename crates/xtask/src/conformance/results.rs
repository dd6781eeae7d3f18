//! What was found in all files of vectors, and how it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Case, Outcome};

/// What was found in all files.
#[derive(Debug, Default)]
pub(super) struct Results {
    topics: BTreeMap<&'static str, BTreeMap<String, Vec<Case>>>,
    pub(super) unread: Vec<String>,
}

/// The cases of one file, sorted by how they ended.
#[derive(Default)]
struct Sorted<'c> {
    passed: usize,
    missed: Vec<(&'c str, &'c str)>,
    opinions: Vec<(&'c str, &'c str)>,
    /// By the reason.
    apart: BTreeMap<&'c str, Vec<&'c str>>,
}

impl<'c> Sorted<'c> {
    fn of(cases: &'c [Case]) -> Self {
        let mut sorted = Self::default();
        for Case { name, outcome } in cases {
            match outcome {
                Outcome::Passed => sorted.passed += 1,
                Outcome::Missed(why) => sorted.missed.push((name, why)),
                Outcome::Opinion(why) => sorted.opinions.push((name, why)),
                Outcome::Apart(why) => sorted.apart.entry(why).or_default().push(name),
            }
        }
        sorted
    }

    fn total(&self) -> usize {
        self.passed + self.missed.len()
    }

    fn to_json(&self) -> Value {
        let list = |cases: &[(&str, &str)]| -> Vec<Value> {
            cases.iter().map(|(case, why)| json!({"case": case, "why": why})).collect()
        };
        let mut value = json!({"pass": self.passed, "total": self.total(), "misses": list(&self.missed)});
        if !self.opinions.is_empty() {
            value["opinions"] = json!(list(&self.opinions));
        }
        if !self.apart.is_empty() {
            value["apart"] = json!(self.apart);
        }
        value
    }
}

impl Results {
    pub(super) fn add(&mut self, topic: &'static str, name: String, cases: Vec<Case>) {
        self.topics.entry(topic).or_default().insert(name, cases);
    }

    /// How many cases passed and how many there are, of one topic or all.
    pub(super) fn counts(&self, topic: Option<&str>) -> (usize, usize) {
        let topics = self.topics.iter().filter(|(name, _)| topic.is_none_or(|topic| topic == **name));
        let files = topics.flat_map(|(_, files)| files.values()).map(|cases| Sorted::of(cases));
        files.fold((0, 0), |(pass, total), sorted| (pass + sorted.passed, total + sorted.total()))
    }

    pub(super) fn to_json(&self) -> Value {
        let topic = |files: &BTreeMap<String, Vec<Case>>| {
            let files: Map<String, Value> =
                files.iter().map(|(name, cases)| (name.clone(), Sorted::of(cases).to_json())).collect();
            json!({"files": files})
        };
        let topics: Map<String, Value> = self.topics.iter().map(|(name, files)| ((*name).to_owned(), topic(files))).collect();
        json!({"topics": topics, "unread": self.unread})
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for (topic, files) in &self.topics {
            for (name, cases) in files {
                let sorted = Sorted::of(cases);
                let _ = writeln!(text, "{:>5} of {:>5}  {topic}/{name}", sorted.passed, sorted.total());
                for (case, why) in &sorted.missed {
                    let _ = writeln!(text, "               missed: {case}: {why}");
                }
                for (case, why) in &sorted.opinions {
                    let _ = writeln!(text, "               opinion: {case}: {why}");
                }
                for (why, cases) in &sorted.apart {
                    let _ = writeln!(text, "               apart: {} cases: {why}", cases.len());
                }
            }
        }
        for name in &self.unread {
            let _ = writeln!(text, "       unread  {name}");
        }
        for topic in self.topics.keys() {
            let (pass, total) = self.counts(Some(topic));
            let _ = writeln!(text, "{pass:>5} of {total:>5}  {topic}");
        }
        let (pass, total) = self.counts(None);
        let _ = write!(text, "{pass} of {total} cases");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_printed_as_promised() {
        let mut results = Results::default();
        let cases = vec![
            Case::new("one", Ok(())),
            Case::new("two", Err("wrong".to_owned())),
            Case::opinion("three", "they differ"),
            Case::apart("four", "no aim"),
        ];
        results.add("smtp", "a/b.json".to_owned(), cases);
        results.unread.push("smtp/c.json".to_owned());
        let expected = json!({
            "topics": {"smtp": {"files": {"a/b.json": {
                "pass": 1, "total": 2, "misses": [{"case": "two", "why": "wrong"}],
                "opinions": [{"case": "three", "why": "they differ"}],
                "apart": {"no aim": ["four"]},
            }}}},
            "unread": ["smtp/c.json"],
        });
        assert_eq!(results.to_json(), expected);
        assert_eq!((results.counts(None), results.counts(Some("mime"))), ((1, 2), (0, 0)));
        assert!(results.to_text().contains("missed: two: wrong"));
    }
}
