//! Reading back what `xd scan --format jsonl` printed, and holding each line to its promises.
//!
//! The figures are computed here once more, from the printed text alone: a second source beside the engine's own sums.

use std::path::Path;

use serde_json::Value;

/// Hundredths of a point.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Points(i64);

/// From this score on a message counts as spam, by default.
pub(crate) const SPAM_THRESHOLD: Points = Points(500);

impl Points {
    const ZERO: Self = Self(0);

    /// Reads `7.35` or `-0.50`: always two decimals.
    fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, cents) = digits.split_once('.')?;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if cents.len() != 2 || !is_number(whole) || !is_number(cents) {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let cents: i64 = cents.parse().ok()?;
        whole.checked_mul(100)?.checked_add(cents).map(|points| Self(sign * points))
    }
}

/// One line of output: a message and what was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Judged {
    pub(crate) path: String,
    pub(crate) score: Points,
    /// Whether at least one finding has a positive score.
    pub(crate) has_scoring_finding: bool,
}

impl Judged {
    /// The name of the directory the message lies in: `ham`, `spam`, `phish`.
    pub(crate) fn label(&self) -> &str {
        Path::new(&self.path).parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// Reads all lines.
///
/// # Errors
/// The first line that breaks a promise: not the described JSON, contributions that do not add up to the score, or a
/// score outside its own bounds.
pub(crate) fn parse(output: &[u8]) -> Result<Vec<Judged>, String> {
    let output = std::str::from_utf8(output).map_err(|error| format!("output is not UTF-8: {error}"))?;
    let numbered = output.lines().enumerate();
    numbered.map(|(index, line)| parse_line(line).map_err(|why| format!("line {}: {why}: {line:.200}", index + 1))).collect()
}

fn parse_line(line: &str) -> Result<Judged, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let path = value["path"].as_str().ok_or("no path")?.to_owned();
    let [score, low, high] = ["score", "low", "high"].map(|name| points(&value, name));
    let (score, low, high) = (score?, low?, high?);

    let findings = value["findings"].as_array().ok_or("no findings")?;
    let contributions: Vec<Points> = findings.iter().map(|finding| points(finding, "score")).collect::<Result<_, _>>()?;
    let sum: i64 = contributions.iter().map(|points| points.0).sum();
    if sum != score.0 {
        return Err(format!("the findings sum to {sum} hundredths, not {}", score.0));
    }
    if !(low..=high).contains(&score) {
        return Err("the score lies outside its bounds".to_owned());
    }
    let has_scoring_finding = contributions.iter().any(|&points| points > Points::ZERO);
    Ok(Judged { path, score, has_scoring_finding })
}

fn points(value: &Value, name: &str) -> Result<Points, String> {
    let text = value[name].as_str().ok_or_else(|| format!("no {name}"))?;
    Points::parse(text).ok_or_else(|| format!("{name} is no score with two decimals: {text}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A judged message at `path` with this score in hundredths.
    pub(crate) fn judged(path: &str, score: i64) -> Judged {
        Judged { path: path.to_owned(), score: Points(score), has_scoring_finding: score > 0 }
    }

    #[test]
    fn scores_have_two_decimals() {
        for (text, expected) in [("0.00", Some(0)), ("7.35", Some(735)), ("-0.50", Some(-50)), ("10.00", Some(1000))] {
            assert_eq!(Points::parse(text), expected.map(Points), "{text}");
        }
        for text in ["", "7", "7.3", "7.350", ".35", "7,35", "+7.35", "--1.00", "7.-5"] {
            assert_eq!(Points::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_is_read() {
        let line = br#"{"path":"a/ham/1.eml","score":"1.50","low":"1.00","high":"2.00","findings":[{"rule":"a","score":"2.00"},{"rule":"b","score":"-0.50"}]}"#;
        let lines = parse(line).unwrap();
        assert_eq!(lines, [judged("a/ham/1.eml", 150)]);
        assert_eq!(lines[0].label(), "ham");
    }

    #[test]
    fn contributions_must_add_up() {
        let line = br#"{"path":"a","score":"1.50","low":"1.50","high":"1.50","findings":[{"rule":"a","score":"1.49"}]}"#;
        assert!(parse(line).unwrap_err().contains("sum to 149"));
    }

    #[test]
    fn score_must_lie_within_its_bounds() {
        let line = br#"{"path":"a","score":"0.00","low":"0.01","high":"1.00","findings":[]}"#;
        assert!(parse(line).unwrap_err().contains("outside its bounds"));
    }
}
