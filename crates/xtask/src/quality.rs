//! How well the rules alone tell wanted mail from unwanted, measured on the corpus and held to bounds.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::corpus::Corpus;
use crate::judged::{self, Judged, SPAM_THRESHOLD};
use crate::report::{Report, Shortfall};
use crate::workspace::Workspace;

/// Area under the curve: the chance that a random spam scores above a random ham, a tie counting half.
const MIN_AUC: f64 = 0.86;

/// `xd eval` may print its figure rounded.
const AUC_ROUNDING: f64 = 0.001;

/// Of each hundred wanted messages, at most so many may reach the spam threshold.
const MAX_HAM_PERCENT: usize = 5;

/// Of each hundred unwanted messages, at least so many have a finding that scores.
const MIN_FOUND_PERCENT: usize = 90;

/// The steps on an unpacked corpus, by name.
pub(crate) const STEPS: [&str; 5] = [
    "corpus: two jobs print what one prints",
    "corpus: unwanted mail has findings",
    "corpus: wanted mail stays below the threshold",
    "corpus: everyday mail stays below the threshold",
    "corpus: rules alone separate",
];

/// Scans the corpus and holds the result to its bounds.
pub(crate) fn run(workspace: &Workspace, corpus: &Corpus, report: &mut Report) {
    let [parallel, found, wanted, everyday, separate] = STEPS;
    let mut dev = Vec::new();
    let scanned = report.step(parallel, || {
        let [one, two] = [scan(workspace, &corpus.dev(), "1"), scan(workspace, &corpus.dev(), "2")];
        let (one, two) = (one?, two?);
        if one != two {
            return Err(Shortfall::Failed(first_difference(&one, &two)));
        }
        dev = judged::parse(&one).map_err(Shortfall::Failed)?;
        Ok(format!("{} messages", dev.len()))
    });
    if scanned {
        report.step(found, || unwanted_is_found(&dev));
        report.step(wanted, || wanted_passes(dev.iter().filter(|message| message.label() == "ham")));
    } else {
        report.skip(&[found, wanted], "the scan did not pass");
    }
    report.step(everyday, || {
        let judged = judged::parse(&scan(workspace, &corpus.everyday_ham(), "2")?).map_err(Shortfall::Failed)?;
        wanted_passes(judged.iter())
    });
    if scanned {
        report.step(separate, || rules_separate(workspace, &corpus.dev(), &dev));
    } else {
        report.skip(&[separate], "the scan did not pass");
    }
}

fn scan(workspace: &Workspace, directory: &Path, jobs: &str) -> Result<Vec<u8>, Shortfall> {
    let xd = workspace.program(workspace.xd());
    let output = xd.arguments(["scan", "--format", "jsonl", "--model", "none", "--jobs", jobs]).argument(directory).output()?;
    if output.is_empty() {
        return Err(Shortfall::Failed(format!("nothing judged in {}", directory.display())));
    }
    Ok(output)
}

fn first_difference(one: &[u8], two: &[u8]) -> String {
    let (one, two) = (String::from_utf8_lossy(one), String::from_utf8_lossy(two));
    let equal = one.lines().zip(two.lines()).take_while(|(one, two)| one == two).count();
    let [one, two] =
        [one, two].map(|output| output.lines().nth(equal).unwrap_or("(nothing)").chars().take(200).collect::<String>());
    format!("line {} differs: `{one}` with one job, `{two}` with two", equal + 1)
}

fn unwanted_is_found(dev: &[Judged]) -> Result<String, Shortfall> {
    let unwanted: Vec<&Judged> = dev.iter().filter(|message| message.label() != "ham").collect();
    let found = unwanted.iter().filter(|message| message.has_scoring_finding).count();
    hold(found * 100 >= unwanted.len() * MIN_FOUND_PERCENT, found, unwanted.len(), &format!("at least {MIN_FOUND_PERCENT} %"))
}

fn wanted_passes<'a>(wanted: impl Iterator<Item = &'a Judged>) -> Result<String, Shortfall> {
    let wanted: Vec<&Judged> = wanted.collect();
    let reached = wanted.iter().filter(|message| message.score >= SPAM_THRESHOLD).count();
    hold(reached * 100 <= wanted.len() * MAX_HAM_PERCENT, reached, wanted.len(), &format!("at most {MAX_HAM_PERCENT} %"))
}

/// Passes or fails with the measured share; a share of nothing is no pass.
fn hold(within: bool, count: usize, total: usize, bound: &str) -> Result<String, Shortfall> {
    if total == 0 {
        return Err(Shortfall::Failed("no message to measure on".to_owned()));
    }
    // Counts of files: far below the 2^53 that an f64 holds exactly.
    let share = format!("{count} of {total} ({:.1} %), bound {bound}", count as f64 * 100.0 / total as f64);
    if within { Ok(share) } else { Err(Shortfall::Failed(share)) }
}

fn rules_separate(workspace: &Workspace, directory: &Path, dev: &[Judged]) -> Result<String, Shortfall> {
    let [ham, spam, phish]: [PathBuf; 3] = ["ham", "spam", "phish"].map(|label| directory.join(label));
    let eval = workspace.program(workspace.xd()).arguments(["eval", "--format", "json", "--model", "none"]);
    let eval = eval.argument("--ham").argument(ham).argument("--spam").argument(spam).argument("--spam").argument(phish);
    let printed: Value =
        serde_json::from_slice(&eval.output()?).map_err(|error| Shortfall::Failed(format!("xd eval --format json: {error}")))?;
    let auc = &printed["auc"];
    let auc = auc.as_f64().or_else(|| auc.as_str()?.parse().ok());
    let auc = auc.ok_or_else(|| Shortfall::Failed("xd eval --format json has no `auc`".to_owned()))?;

    let (ham, spam): (Vec<&Judged>, Vec<&Judged>) = dev.iter().partition(|message| message.label() == "ham");
    let computed = area_under_curve(&ham, &spam);
    if (auc - computed).abs() > AUC_ROUNDING {
        return Err(Shortfall::Failed(format!("xd eval says AUC {auc:.4}, its own scores give {computed:.4}")));
    }
    let note = format!("AUC {auc:.4}, bound at least {MIN_AUC}");
    if auc >= MIN_AUC { Ok(note) } else { Err(Shortfall::Failed(note)) }
}

/// By the definition, with ham sorted so that each spam costs two binary searches.
fn area_under_curve(ham: &[&Judged], spam: &[&Judged]) -> f64 {
    let mut scores: Vec<_> = ham.iter().map(|message| message.score).collect();
    scores.sort_unstable();
    let wins_twice: usize = spam
        .iter()
        .map(|message| {
            let below = scores.partition_point(|score| score.cmp(&message.score) == Ordering::Less);
            let not_above = scores.partition_point(|score| score.cmp(&message.score) != Ordering::Greater);
            below + not_above
        })
        .sum();
    wins_twice as f64 / (2 * ham.len() * spam.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judged::tests::judged;

    fn at(scores: &[i64]) -> Vec<Judged> {
        scores.iter().map(|&score| judged("dev/ham/1.eml", score)).collect()
    }

    fn auc(ham: &[i64], spam: &[i64]) -> f64 {
        area_under_curve(&at(ham).iter().collect::<Vec<_>>(), &at(spam).iter().collect::<Vec<_>>())
    }

    #[test]
    fn area_under_curve_counts_ties_half() {
        assert_eq!(auc(&[0, 1], &[2, 3]), 1.0);
        assert_eq!(auc(&[2, 3], &[0, 1]), 0.0);
        assert_eq!(auc(&[5, 5], &[5, 5]), 0.5);
        assert_eq!(auc(&[0, 2], &[1, 2]), 0.625);
    }

    #[test]
    fn five_in_a_hundred_ham_is_the_edge() {
        let mut scores = vec![499; 95];
        scores.extend([500; 5]);
        assert!(wanted_passes(at(&scores).iter()).is_ok());
        scores[0] = 500;
        assert!(matches!(wanted_passes(at(&scores).iter()), Err(Shortfall::Failed(_))));
    }

    #[test]
    fn ninety_in_a_hundred_spam_is_the_edge() {
        let spam = |found: usize| -> Vec<Judged> { (0..100).map(|n| judged("dev/spam/1.eml", i64::from(n < found))).collect() };
        assert!(unwanted_is_found(&spam(90)).is_ok());
        assert!(matches!(unwanted_is_found(&spam(89)), Err(Shortfall::Failed(_))));
    }

    #[test]
    fn a_share_of_nothing_is_no_pass() {
        assert!(matches!(wanted_passes(at(&[]).iter()), Err(Shortfall::Failed(_))));
        assert!(matches!(unwanted_is_found(&at(&[])), Err(Shortfall::Failed(_))));
    }

    #[test]
    fn the_first_differing_line_is_named() {
        assert!(first_difference(b"a\nb\n", b"a\nc\n").starts_with("line 2 differs: `b`"));
        assert!(first_difference(b"a\n", b"a\nb\n").contains("`(nothing)` with one job"));
    }
}
