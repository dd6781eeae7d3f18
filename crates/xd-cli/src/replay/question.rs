//! What is asked of every capsule: whether its verdicts follow from it, or what they would have been.

use std::path::PathBuf;
use std::sync::Arc;

use xd_config::{Config, NO_MODEL};
use xd_core::capsule::{Capsule, Conclusion, RecordedVerdict, Replay as ExactReplay, SettingsChange, WhatIf};
use xd_core::classify::Model;
use xd_core::{Engine, EngineHash, Limits};

use super::{Answer, Bounds, Outcome};
use crate::arguments::Replay;
use crate::capsules::Engines;
use crate::engine;
use crate::failure::Failure;

/// The question, the same for all capsules.
#[derive(Debug)]
pub(super) struct Question {
    /// Rules in place of those that judged.
    rules: Option<Engine>,
    /// The model in place of that which judged; the inner one is none for rules alone.
    model: Option<Option<Model>>,
    /// Settings in place of those that were in force.
    config: Option<Config>,
    is_what_if: bool,
    /// What is asked, in words.
    words: Option<String>,
}

/// Why a capsule has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Because of itself.
    Capsule(String),
    /// Because its engine is not to be had.
    Engine(EngineHash, Arc<str>),
    /// Because the question makes no sense for its engine.
    Question(Failure),
}

impl Question {
    /// Reads rules and settings; nothing runs when either is wrong.
    pub(super) fn try_new(arguments: &Replay) -> Result<Self, Failure> {
        let shown = |path: &PathBuf| path.display().to_string();
        let mut words = Vec::new();
        let mut rules = None;
        if !arguments.rules.is_empty() {
            words.push(format!("rules of {}", arguments.rules.iter().map(shown).collect::<Vec<_>>().join(" and ")));
            rules = Some(engine::compile(&arguments.rules)?);
        }
        let mut config = None;
        if let Some(path) = &arguments.config {
            words.push(format!("settings of {}", shown(path)));
            let read = Config::load(path)?;
            if rules.is_none() && read.names_rules() {
                rules = Some(read.engine()??);
            }
            if let Some(rules) = &rules {
                // Said before anything is replayed.
                read.settings(rules)?;
            }
            config = Some(read);
        }
        let mut model = None;
        if let Some(name) = &arguments.model {
            words.push(if name == NO_MODEL { "no model".to_owned() } else { format!("the model {name}") });
            model = Some(engine::model(name)?);
        } else if let Some(config) = config.as_ref().filter(|config| config.names_model()) {
            model = Some(config.model()?);
        }
        let is_what_if = !words.is_empty();
        Ok(Self { rules, model, config, is_what_if, words: is_what_if.then(|| words.join(", ")) })
    }

    /// Whether verdicts may come out differently.
    pub(super) fn is_what_if(&self) -> bool {
        self.is_what_if
    }

    /// What is supposed, for people; none for an exact replay.
    pub(super) fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The question to capsules of one engine.
    fn to<'e>(&'e self, old: &'e Engine) -> Result<Asked<'e>, Failure> {
        if !self.is_what_if {
            return Ok(Asked::Exact(ExactReplay::new(old)));
        }
        Ok(Asked::WhatIf(Box::new(self.what_if(old, self.rules.as_ref().unwrap_or(old))?)))
    }

    /// The question to capsules whose engine is not to be had: what other rules say of the messages that they hold. Without
    /// other rules there is none.
    fn afresh(&self) -> Result<Option<WhatIf<'_>>, Failure> {
        self.rules.as_ref().map(|new| self.what_if(new, new)).transpose()
    }

    fn what_if<'e>(&'e self, old: &'e Engine, new: &'e Engine) -> Result<WhatIf<'e>, Failure> {
        let replace = self.config.as_ref().map(|config| config.settings(new)).transpose()?;
        let operator = self.config.as_ref().map(Config::operator);
        let change = SettingsChange { replace, operator, ..SettingsChange::default() };
        // Other rules judge beside the model that judged, unless another is supposed.
        let model = self.model.as_ref().map_or_else(|| old.model(), Option::as_ref);
        Ok(WhatIf::new(old, new, change, Limits::default()).with_model(model))
    }
}

/// Asks on behalf of one thread, and keeps what is worked out once for each engine.
#[derive(Debug, Default)]
pub(super) struct Asker<'e> {
    prepared: Vec<(EngineHash, Asked<'e>)>,
    /// The question to messages whose engine is not to be had.
    afresh: Option<WhatIf<'e>>,
}

#[derive(Debug)]
enum Asked<'e> {
    Exact(ExactReplay<'e>),
    WhatIf(Box<WhatIf<'e>>),
}

/// Questions kept ready. Capsules of one engine mostly follow one another, and each takes memory.
const PREPARED_MAX: usize = 16;

impl<'e> Asker<'e> {
    /// What becomes of each verdict of a capsule.
    pub(super) fn ask(
        &mut self,
        question: &'e Question,
        engines: &'e Engines,
        capsule: &Capsule,
    ) -> Result<Vec<Answer<'e>>, Unanswered> {
        let hash = capsule.engine();
        let index = match self.prepared.iter().position(|(prepared, _)| *prepared == hash) {
            Some(index) => index,
            None => {
                // What is asked about may be the engine itself, kept or not.
                let given = question.rules.as_ref().filter(|rules| rules.hash() == hash);
                let engine = match given.map_or_else(|| engines.engine(hash), Ok) {
                    Ok(engine) => engine,
                    Err(why) => {
                        let answers = self.ask_afresh(question, capsule)?.ok_or(Unanswered::Engine(hash, why))?;
                        engines.tell_if_broken(hash);
                        return Ok(answers);
                    }
                };
                let asked = question.to(engine).map_err(Unanswered::Question)?;
                if self.prepared.len() == PREPARED_MAX {
                    self.prepared.remove(0);
                }
                self.prepared.push((hash, asked));
                self.prepared.len() - 1
            }
        };
        match &mut self.prepared[index].1 {
            Asked::Exact(replay) => exact(replay, capsule),
            Asked::WhatIf(what_if) => {
                let conclusions = what_if.ask(capsule).map_err(|error| Unanswered::Capsule(error.to_string()))?;
                Ok(conclusions.into_iter().map(Answer::of).collect())
            }
        }
    }
}

impl<'e> Asker<'e> {
    /// What other rules say of the message that a capsule holds; nothing where it holds none, or no other rules are given.
    fn ask_afresh(&mut self, question: &'e Question, capsule: &Capsule) -> Result<Option<Vec<Answer<'e>>>, Unanswered> {
        if capsule.content().is_none() {
            return Ok(None);
        }
        if self.afresh.is_none() {
            self.afresh = question.afresh().map_err(Unanswered::Question)?;
        }
        let Some(what_if) = &mut self.afresh else { return Ok(None) };
        let conclusions = what_if.ask(capsule).map_err(|error| Unanswered::Capsule(error.to_string()))?;
        Ok(Some(conclusions.into_iter().map(|conclusion| Answer { afresh: true, ..Answer::of(conclusion) }).collect()))
    }
}

fn exact<'e>(replay: &mut ExactReplay<'e>, capsule: &Capsule) -> Result<Vec<Answer<'e>>, Unanswered> {
    let replayed = replay.run(capsule).map_err(|error| Unanswered::Capsule(error.to_string()))?;
    let verdicts = capsule.verdicts().iter().zip(&replayed.verdicts);
    let bounds = |verdict: &RecordedVerdict| Bounds { low: verdict.low, high: verdict.high };
    let answer = |(recorded, derived): (&RecordedVerdict, &RecordedVerdict)| Answer {
        outcome: if recorded == derived { Outcome::Identical } else { Outcome::Changed },
        bounds: (recorded != derived).then(|| [bounds(recorded), bounds(derived)]),
        from: recorded.class,
        to: Some(derived.class),
        score_from: recorded.score,
        score_to: Some(derived.score),
        rules: Vec::new(),
        tests: Vec::new(),
        afresh: false,
    };
    Ok(verdicts.map(answer).collect())
}

impl<'e> Answer<'e> {
    fn of(conclusion: Conclusion<'e>) -> Self {
        let (bounds, rules, tests, afresh) = (None, Vec::new(), Vec::new(), false);
        match conclusion {
            Conclusion::Changed { from, to, score_from, score_to, rules } => {
                Self { outcome: Outcome::Changed, from, to: Some(to), score_from, score_to, bounds, rules, tests, afresh }
            }
            Conclusion::Undecided { from, score_from, tests } => {
                Self { outcome: Outcome::Undecided, from, to: None, score_from, score_to: None, bounds, rules, tests, afresh }
            }
            Conclusion::Unchanged { class, score_from, score_to } => Self {
                outcome: Outcome::Identical,
                from: class,
                to: Some(class),
                score_from,
                score_to,
                bounds,
                rules,
                tests,
                afresh,
            },
        }
    }
}
