//! What a command did, step by step, and the summary at its end.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

/// Why a step did not pass.
#[derive(Debug)]
pub(crate) enum Shortfall {
    /// What it guards is broken, or could not be examined though it should.
    Failed(String),
    /// It needs something this machine does not have; never a pass.
    Skipped(String),
}

impl From<io::Error> for Shortfall {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The steps taken so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    outcome: Outcome,
    note: String,
    took: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Failed,
    Passed,
    Skipped,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes one step, shows how it ended and remembers it; later steps run whatever happens here.
    ///
    /// A step that passes may say what it measured; an empty string says nothing. Returns whether it passed.
    pub(crate) fn step(&mut self, name: &str, step: impl FnOnce() -> Result<String, Shortfall>) -> bool {
        println!("\n==> {name}");
        let start = Instant::now();
        let (outcome, note) = match step() {
            Ok(note) => (Outcome::Passed, note),
            Err(Shortfall::Failed(why)) => (Outcome::Failed, why),
            Err(Shortfall::Skipped(why)) => (Outcome::Skipped, why),
        };
        let step = Step { name: name.to_owned(), outcome, note, took: start.elapsed() };
        println!("<== {}", step.line());
        self.steps.push(step);
        outcome == Outcome::Passed
    }

    /// Records steps that cannot be taken, all for the same reason.
    pub(crate) fn skip(&mut self, names: &[&str], why: &str) {
        for name in names {
            self.step(name, || Err(Shortfall::Skipped(why.to_owned())));
        }
    }

    /// Whether nothing failed.
    pub(crate) fn holds(&self) -> bool {
        self.count(Outcome::Failed) == 0
    }

    /// Every step with its outcome and time, then what failed or was skipped, then the counts in one line.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::from("\nSummary\n");
        for step in &self.steps {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", step.line());
        }
        let [passed, failed, skipped] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(|outcome| self.count(outcome));
        let _ = writeln!(text, "{passed} passed, {failed} failed, {skipped} skipped");
        text
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }
}

impl Step {
    fn line(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Failed => "FAILED ",
            Outcome::Passed => "passed ",
            Outcome::Skipped => "skipped",
        };
        let separator = if self.note.is_empty() { "" } else { ": " };
        format!("{outcome} {:>7.1} s  {}{separator}{}", self.took.as_secs_f64(), self.name, self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_every_outcome() {
        let mut report = Report::new();
        assert!(report.step("one", || Ok("AUC 0.9".to_owned())));
        assert!(!report.step("two", || Err(Shortfall::Skipped("no zstd".to_owned()))));
        assert!(report.holds());
        assert!(!report.step("three", || Err(Shortfall::Failed("broken".to_owned()))));
        report.skip(&["four", "five"], "no corpus");
        assert!(!report.holds());

        let summary = report.summary();
        assert_eq!(summary.lines().last(), Some("1 passed, 1 failed, 3 skipped"));
        assert!(summary.contains("one: AUC 0.9"));
        assert!(summary.contains("two: no zstd"));
        assert!(summary.contains("three: broken"));
        assert!(summary.contains("five: no corpus"));
    }
}
