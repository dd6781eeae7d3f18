//! What is counted of judged messages, and the messages themselves in brief: enough to draw them anew and to say which went wrong.

use std::collections::BTreeMap;

use xd_core::classify::{LEARNED_ID, MODEL_ID, POINTS_MAX};
use xd_core::rules::Rule;
use xd_core::{Score, SpamClass};

use crate::arguments::By;
use crate::judging::Judge;

use super::figures::{Counts, Histogram};
use super::manifest::{Kind, Sample, directory};

/// What the figures need of a verdict.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) score: Score,
    pub(super) class: SpamClass,
    /// What was found, with its points.
    findings: Vec<(Source, Score)>,
}

/// Where points come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// What was learned beside the model.
    Learned,
    Model,
    /// The index of a rule.
    Rule(usize),
}

/// A judged message with its label.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) path: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    /// Ham and spam of one number belong together.
    pub(super) cluster: usize,
    pub(super) judged: Judged,
    /// What another judge made of it.
    pub(super) other: Option<Judged>,
}

/// All that is counted.
#[derive(Debug)]
pub(super) struct Tally {
    by: Option<By>,
    pub(super) thresholds: [(SpamClass, Score); 2],
    pub(super) scores: Histogram,
    /// Messages with a finding that adds points.
    pub(super) scoring: Counts,
    pub(super) labels: BTreeMap<String, Group>,
    pub(super) groups: BTreeMap<(String, String), Group>,
    rules: Vec<RuleTally>,
    pub(super) model: Option<ModelTally>,
    /// Messages that what was learned gives points above zero, where it is consulted.
    learned: Option<Counts>,
    pub(super) other: u64,
    pub(super) records: Vec<Record>,
    /// The numbers of clusters that have a name, and how many there are of both sorts.
    named_clusters: BTreeMap<String, usize>,
    pub(super) clusters: usize,
}

/// Messages that belong together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) messages: u64,
    pub(super) flagged: u64,
    pub(super) sure: u64,
    hundredths: i128,
}

/// A rule, or the model, with the messages that it finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleTally {
    pub(super) score: Score,
    pub(super) hits: Counts,
}

/// What the model gives.
#[derive(Clone, Debug)]
pub(super) struct ModelTally {
    pub(super) name: String,
    /// The least and the most that it gives any message.
    pub(super) range: (Score, Score),
    /// Messages that it gives points above zero.
    above_zero: Counts,
    ham: Group,
    spam: Group,
}

impl Judged {
    pub(super) fn of(judge: &Judge, bytes: &[u8]) -> Self {
        let judgement = judge.judge(bytes);
        let verdict = judgement.verdict();
        let rules = judge.engine().rules().rules();
        // The rules stand in the order of their ids.
        let source = |id: &str| match rules.binary_search_by(|rule| rule.id().cmp(id)) {
            Ok(index) => Some(Source::Rule(index)),
            Err(_) if id == LEARNED_ID => Some(Source::Learned),
            Err(_) => (id == MODEL_ID).then_some(Source::Model),
        };
        let findings = verdict.findings.iter();
        Self {
            score: verdict.score,
            class: verdict.spam_class,
            findings: findings.filter_map(|finding| Some((source(finding.rule)?, finding.score))).collect(),
        }
    }

    fn model(&self) -> Option<Score> {
        self.findings.iter().find(|(source, _)| *source == Source::Model).map(|(_, score)| *score)
    }

    /// What was found, with its points and why, the most points first.
    pub(super) fn explained<'a>(&'a self, judge: &'a Judge) -> Vec<(&'a str, Score, &'a str)> {
        let rules = judge.engine().rules().rules();
        let named = self.findings.iter().map(|(source, score)| match source {
            Source::Learned => (LEARNED_ID, *score, "what was learned of messages like it"),
            Source::Model => (MODEL_ID, *score, "what the model makes of the whole message"),
            Source::Rule(index) => (rules[*index].id(), *score, rules[*index].why()),
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| b.1.hundredths().abs().cmp(&a.1.hundredths().abs()).then(a.0.cmp(b.0)));
        named
    }
}

impl Tally {
    pub(super) fn new(judge: &Judge, by: Option<By>) -> Self {
        let settings = judge.settings();
        let score = |rule: &Rule| settings.scores.get(rule.id()).copied().unwrap_or_else(|| rule.score());
        let rules = judge.engine().rules().rules();
        let model = judge.engine().model().map(|model| ModelTally {
            name: model.name().to_owned(),
            range: model.range(),
            above_zero: Counts::default(),
            ham: Group::default(),
            spam: Group::default(),
        });
        Self {
            by,
            thresholds: [(SpamClass::Spam, settings.thresholds.spam()), (SpamClass::SureSpam, settings.thresholds.surespam())],
            scores: Histogram::default(),
            scoring: Counts::default(),
            labels: BTreeMap::new(),
            groups: BTreeMap::new(),
            rules: rules.iter().map(|rule| RuleTally { score: score(rule), hits: Counts::default() }).collect(),
            model,
            learned: judge.consults_delta().then(Counts::default),
            other: 0,
            records: Vec::new(),
            named_clusters: BTreeMap::new(),
            clusters: 0,
        }
    }

    pub(super) fn add(&mut self, sample: &Sample, path: String, judged: Judged, other: Option<Judged>) {
        self.labels.entry(sample.label.clone()).or_default().add(&judged);
        let group = match (&sample.group, self.by) {
            (Some(group), _) => Some(group.clone()),
            (None, Some(By::Dir)) => Some(directory(&path)),
            (None, _) => None,
        };
        if let Some(group) = group {
            self.groups.entry((group, sample.label.clone())).or_default().add(&judged);
        }
        match sample.kind {
            Kind::Ham => self.count(&judged, false),
            Kind::Spam => self.count(&judged, true),
            Kind::Other => self.other += 1,
        }
        // Figures are of ham and spam: clusters of nothing else are not drawn.
        let cluster = if sample.kind == Kind::Other { 0 } else { self.cluster(sample.cluster.as_deref()) };
        self.records.push(Record { path, label: sample.label.clone(), kind: sample.kind, cluster, judged, other });
    }

    fn count(&mut self, judged: &Judged, is_spam: bool) {
        self.scores.add(judged.score, is_spam);
        if judged.findings.iter().any(|(_, score)| *score > Score::ZERO) {
            self.scoring.add(is_spam);
        }
        for (source, score) in &judged.findings {
            match (source, &mut self.learned) {
                (Source::Rule(rule), _) => self.rules[*rule].hits.add(is_spam),
                (Source::Learned, Some(learned)) if *score > Score::ZERO => learned.add(is_spam),
                _ => {}
            }
        }
        if let Some(model) = &mut self.model {
            let points = judged.model().unwrap_or(Score::ZERO);
            if points > Score::ZERO {
                model.above_zero.add(is_spam);
            }
            (if is_spam { &mut model.spam } else { &mut model.ham }).add_score(points);
        }
    }

    fn cluster(&mut self, name: Option<&str>) -> usize {
        let next = self.clusters;
        let number = match name {
            Some(name) => *self.named_clusters.entry(name.to_owned()).or_insert(next),
            None => next,
        };
        self.clusters = self.clusters.max(number + 1);
        number
    }

    pub(super) fn messages(&self) -> u64 {
        self.labels.values().map(|label| label.messages).sum()
    }

    /// The rules, the model and what was learned with their counts, those that find most spam first. Model and lessons count where they give
    /// points above zero, and show the most that they give.
    pub(super) fn rules<'e>(&self, judge: &'e Judge) -> Vec<(&'e str, RuleTally)> {
        let ids = judge.engine().rules().rules().iter().map(Rule::id);
        let model = self.model.iter().map(|model| (MODEL_ID, RuleTally { score: model.range.1, hits: model.above_zero }));
        let learned = self.learned.iter().map(|&hits| (LEARNED_ID, RuleTally { score: POINTS_MAX, hits }));
        let mut rules: Vec<_> = ids.zip(self.rules.iter().copied()).chain(model).chain(learned).collect();
        rules.sort_by(|(a_id, a), (b_id, b)| {
            b.hits.spam.cmp(&a.hits.spam).then(a.hits.ham.cmp(&b.hits.ham)).then_with(|| a_id.cmp(b_id))
        });
        rules
    }

    /// The messages that were judged worst: wanted ones with the highest scores, or spam with the lowest; at most so many, and no wanted
    /// message without a point against it.
    pub(super) fn worst(&self, kind: Kind, most: usize) -> Vec<&Record> {
        let errs = |record: &&Record| match kind {
            Kind::Ham => record.judged.score > Score::ZERO,
            Kind::Spam => record.judged.score < self.thresholds[0].1,
            Kind::Other => false,
        };
        let mut worst: Vec<&Record> = self.records.iter().filter(|record| record.kind == kind).filter(errs).collect();
        worst.sort_by(|a, b| {
            let order = a.judged.score.cmp(&b.judged.score);
            (if kind == Kind::Ham { order.reverse() } else { order }).then_with(|| a.path.cmp(&b.path))
        });
        worst.truncate(most);
        worst
    }
}

impl Group {
    fn add(&mut self, judged: &Judged) {
        self.add_score(judged.score);
        self.flagged += u64::from(judged.class != SpamClass::Clean);
        self.sure += u64::from(judged.class == SpamClass::SureSpam);
    }

    fn add_score(&mut self, score: Score) {
        self.messages += 1;
        self.hundredths += i128::from(score.hundredths());
    }

    /// The mean score in hundredths, rounded.
    pub(super) fn mean(&self) -> Score {
        let count = i128::from(self.messages.max(1));
        let rounded = (2 * self.hundredths + count).div_euclid(2 * count);
        Score::from_hundredths(i64::try_from(rounded).unwrap_or(0))
    }
}

impl ModelTally {
    /// The mean points that it gives wanted mail, and spam.
    pub(super) fn means(&self) -> (Score, Score) {
        (self.ham.mean(), self.spam.mean())
    }
}
