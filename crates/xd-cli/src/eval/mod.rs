//! `xd eval`: how well the rules tell spam from ham, on messages whose labels are known.

mod figures;
mod manifest;
mod object;
mod report;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use xd_core::rules::Rule;
use xd_core::{Engine, Score, SpamClass};

use crate::arguments::{By, Eval, Format, jobs_or_all};
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::judging::Judge;
use crate::messages::{Gaps, Messages};
use crate::output::Output;
use crate::progress::Progress;
use crate::stop;
use crate::terminal::Terminal;
pub(crate) use figures::Share;
use figures::{Counts, Histogram};
use manifest::{Kind, Sample, Samples, directory};

/// Judges all messages and prints the figures.
pub(crate) fn run(arguments: &Eval) -> Result<ExitCode, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let Samples { samples, arguments: named } = Samples::of(arguments)?;
    stop::listen()?;
    let paths: Vec<PathBuf> = named.iter().map(|argument| argument.path.clone()).collect();
    let terminal = Terminal::of_output();
    let progress = Progress::of_files(true, &paths);
    let inputs = judge.tagged_inputs(named);
    let mut tally = Tally::new(&judge, arguments.by);

    let messages = Messages::new(inputs, jobs_or_all(arguments.jobs), progress).missing_apart(arguments.manifest.is_some());
    let Gaps { unread, missing } = messages.each(
        |_, bytes| Judged::of(&judge, bytes),
        |done, _| {
            tally.add(&samples[done.tag], &done.path, &done.gave);
            ControlFlow::Continue(())
        },
    );
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if tally.messages() == 0 {
        return Err(Failure::operator(match (&arguments.manifest, &arguments.root) {
            (Some(manifest), Some(root)) if missing > 0 => {
                format!("none of the {missing} messages of {} is below {}", manifest.display(), root.display())
            }
            _ => "there is no message to judge".to_owned(),
        }));
    }
    if missing > 0 {
        let are = if missing == 1 { "message of the manifest is" } else { "messages of the manifest are" };
        eprintln!("xd: {missing} {are} not there; the figures are about the other {}", tally.messages());
    }
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => output.lines(report::write(&tally, judge.engine(), terminal))?,
        Format::Json => output.lines(object::write(&tally, judge.engine())?)?,
    }
    output.finish()?;
    Ok(if unread > 0 { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

/// What the figures need of a verdict.
struct Judged {
    score: Score,
    class: SpamClass,
    /// Indices of the rules found.
    rules: Vec<usize>,
    /// Whether any finding adds points.
    scoring: bool,
}

impl Judged {
    fn of(judge: &Judge, bytes: &[u8]) -> Self {
        let judgement = judge.judge(bytes);
        let verdict = judgement.verdict();
        let rules = judge.engine().rules().rules();
        // The rules stand in the order of their ids.
        let index = |id: &str| rules.binary_search_by(|rule| rule.id().cmp(id)).ok();
        Self {
            score: verdict.score,
            class: verdict.spam_class,
            rules: verdict.findings.iter().filter_map(|finding| index(finding.rule)).collect(),
            scoring: verdict.findings.iter().any(|finding| finding.score > Score::ZERO),
        }
    }
}

/// All that is counted.
#[derive(Debug)]
struct Tally {
    by: Option<By>,
    thresholds: [(SpamClass, Score); 2],
    scores: Histogram,
    /// Messages with a finding that adds points.
    scoring: Counts,
    labels: BTreeMap<String, Group>,
    groups: BTreeMap<(String, String), Group>,
    rules: Vec<RuleTally>,
    other: u64,
}

/// Messages that belong together.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    messages: u64,
    flagged: u64,
    sure: u64,
    hundredths: i128,
}

#[derive(Clone, Copy, Debug)]
struct RuleTally {
    score: Score,
    hits: Counts,
}

impl Tally {
    fn new(judge: &Judge, by: Option<By>) -> Self {
        let settings = judge.settings();
        let score = |rule: &Rule| settings.scores.get(rule.id()).copied().unwrap_or_else(|| rule.score());
        let rules = judge.engine().rules().rules();
        Self {
            by,
            thresholds: [(SpamClass::Spam, settings.thresholds.spam()), (SpamClass::SureSpam, settings.thresholds.surespam())],
            scores: Histogram::default(),
            scoring: Counts::default(),
            labels: BTreeMap::new(),
            groups: BTreeMap::new(),
            rules: rules.iter().map(|rule| RuleTally { score: score(rule), hits: Counts::default() }).collect(),
            other: 0,
        }
    }

    fn add(&mut self, sample: &Sample, path: &str, judged: &Judged) {
        self.labels.entry(sample.label.clone()).or_default().add(judged);
        let group = match (&sample.group, self.by) {
            (Some(group), _) => Some(group.clone()),
            (None, Some(By::Dir)) => Some(directory(path)),
            (None, _) => None,
        };
        if let Some(group) = group {
            self.groups.entry((group, sample.label.clone())).or_default().add(judged);
        }
        let is_spam = match sample.kind {
            Kind::Ham => false,
            Kind::Spam => true,
            Kind::Other => {
                self.other += 1;
                return;
            }
        };
        self.scores.add(judged.score, is_spam);
        if judged.scoring {
            self.scoring.add(is_spam);
        }
        for &rule in &judged.rules {
            self.rules[rule].hits.add(is_spam);
        }
    }

    fn messages(&self) -> u64 {
        self.labels.values().map(|label| label.messages).sum()
    }

    /// The rules with their counts, those that find most spam first.
    fn rules<'e>(&self, engine: &'e Engine) -> Vec<(&'e str, RuleTally)> {
        let ids = engine.rules().rules().iter().map(Rule::id);
        let mut rules: Vec<_> = ids.zip(self.rules.iter().copied()).collect();
        rules.sort_by(|(a_id, a), (b_id, b)| {
            b.hits.spam.cmp(&a.hits.spam).then(a.hits.ham.cmp(&b.hits.ham)).then_with(|| a_id.cmp(b_id))
        });
        rules
    }
}

impl Group {
    fn add(&mut self, judged: &Judged) {
        self.messages += 1;
        self.flagged += u64::from(judged.class != SpamClass::Clean);
        self.sure += u64::from(judged.class == SpamClass::SureSpam);
        self.hundredths += i128::from(judged.score.hundredths());
    }

    /// The mean score in hundredths, rounded.
    fn mean(&self) -> Score {
        let count = i128::from(self.messages.max(1));
        let rounded = (2 * self.hundredths + count).div_euclid(2 * count);
        Score::from_hundredths(i64::try_from(rounded).unwrap_or(0))
    }
}
