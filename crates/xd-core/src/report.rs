//! Verdicts as header fields: what xd adds to mail it delivers.

use crate::engine::EngineHash;
use crate::verdict::Verdict;

/// Bytes of a line at which a field is folded (RFC 5322 §2.1.1).
const LINE: usize = 78;

/// One header field to add: its name, and its value folded with CRLF, without the final line end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderLine {
    /// The field name.
    pub name: &'static str,
    /// The value, folded.
    pub value: String,
}

impl HeaderLine {
    /// The whole field with its final CRLF.
    #[must_use]
    pub fn to_field(&self) -> String {
        format!("{}: {}\r\n", self.name, self.value)
    }
}

/// The fields that carry a verdict: `X-XD-Class`, `X-XD-Score`, `X-XD-Findings`, `X-XD-Engine`.
///
/// Values hold ids, numbers and nothing of the message, so that no message can write its own.
///
/// # Example: what is added to a clean message?
/// ```
/// use xd_core::{Engine, Limits, Message, RuleSource, evidence, judge, report};
///
/// let engine = Engine::compile(vec![])?;
/// let message = Message::parse(b"From: a@example.com\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let judgement = judge(&engine, &envelope, &message, &evidence);
/// let fields = report::header_fields(judgement.verdict(), judgement.engine);
/// assert_eq!(fields[0].to_field(), "X-XD-Class: clean\r\n");
/// assert_eq!(fields[1].to_field(), "X-XD-Score: 0.00 [0.00, 0.00]\r\n");
/// # Ok::<(), xd_core::RuleErrors>(())
/// ```
#[must_use]
pub fn header_fields(verdict: &Verdict<'_>, engine: EngineHash) -> Vec<HeaderLine> {
    let findings: Vec<String> = verdict.findings.iter().map(|finding| format!("{}={}", finding.rule, finding.score)).collect();
    let findings = if findings.is_empty() { "none".to_owned() } else { fold("X-XD-Findings", &findings) };
    vec![
        HeaderLine { name: "X-XD-Class", value: verdict.class.to_string() },
        HeaderLine { name: "X-XD-Score", value: format!("{} [{}, {}]", verdict.score, verdict.low, verdict.high) },
        HeaderLine { name: "X-XD-Findings", value: findings },
        HeaderLine { name: "X-XD-Engine", value: engine.to_string() },
    ]
}

/// Joins items with `, `, with a line end before each that would go past [`LINE`].
fn fold(name: &str, items: &[String]) -> String {
    let mut value = String::new();
    let mut column = name.len() + 2;
    for (index, item) in items.iter().enumerate() {
        let comma = usize::from(index + 1 < items.len());
        if index > 0 {
            if column + 1 + item.len() + comma > LINE {
                value.push_str("\r\n ");
                column = 1;
            } else {
                value.push(' ');
                column += 1;
            }
        }
        value.push_str(item);
        column += item.len() + comma;
        if comma == 1 {
            value.push(',');
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_short_and_unfold_to_the_same() {
        let items: Vec<String> = (0..40).map(|n| format!("some-rule-{}={n}.00", "x".repeat(n % 7))).collect();
        let value = fold("X-XD-Findings", &items);
        assert_eq!(value.replace("\r\n ", " "), items.join(", "));
        for line in format!("X-XD-Findings: {value}").split("\r\n") {
            assert!(line.len() <= LINE, "{line}");
        }
    }

    #[test]
    fn the_edge_of_a_line() {
        // "N: " and two items with comma and blank make 78 bytes exactly; one more byte folds.
        let (a, b) = ("a".repeat(40), "b".repeat(33));
        assert!(!fold("N", &[a.clone(), b.clone()]).contains("\r\n"));
        assert!(fold("N", &[a, b + "b"]).contains("\r\n"));
    }
}
