//! A check with the world that it asks, in a form that is the same for all parts: so that each can be run in more than one way.

use std::sync::Arc;

use xd_auth::{Answer, Answers, Name, Progress, Question, Record, Unknown, Wanted};
use xd_lookup::Signatures;
use xd_lookup::signature::verify;

/// What DNS says in a case.
pub(in super::super) trait World: Send + Sync {
    /// What is said of a question, aliases not followed.
    fn look(&self, question: &Question) -> Said;

    /// All questions that something may be said of; none where the world cannot tell.
    fn questions(&self) -> Vec<Question> {
        Vec::new()
    }
}

/// What is said of one name.
pub(in super::super) enum Said {
    /// It stands for another.
    Alias(Name),
    Answer(Answer<Record>),
}

/// A check of a case.
pub(in super::super) struct Job {
    pub(in super::super) name: String,
    pub(in super::super) world: Arc<dyn World>,
    pub(in super::super) check: Box<Check>,
}

type Check = dyn Fn(&Answers) -> Progress<Verdict> + Send + Sync;

/// What came of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Verdict {
    /// The results, in their registered spelling; `unknown` for what hangs on an answer that is not known.
    pub(in super::super) results: Vec<&'static str>,
    /// The whole outcome with its reasons and steps.
    pub(in super::super) text: String,
    /// Whether it passed over what is not known, as the standard says, and tells so.
    pub(in super::super) unsure: bool,
}

impl Verdict {
    /// Whether each result is that of the other, or none yet.
    pub(super) fn is_or_awaits(&self, full: &Self) -> bool {
        self.unsure
            || self.results.len() == full.results.len()
                && self.results.iter().zip(&full.results).all(|(one, full)| one == full || ["temperror", "unknown"].contains(one))
    }
}

/// The answer to a question, aliases followed; malformed where they have no end.
pub(super) fn answer(world: &dyn World, question: &Question) -> Answer<Record> {
    let mut question = question.clone();
    for _ in 0..=MAX_ALIASES {
        match world.look(&question) {
            Said::Alias(target) => question.name = target,
            Said::Answer(answer) => return answer,
        }
    }
    Answer::Unknown(Unknown::Malformed)
}

/// Aliases that are followed; suites have two at most, or a loop.
pub(super) const MAX_ALIASES: usize = 10;

/// The outcome with answers straight from the world, and those answers.
pub(super) fn straight(job: &Job) -> Result<(Verdict, Answers), String> {
    let mut answers = Answers::default();
    for _ in 0..MAX_ROUNDS {
        let wanted = match (job.check)(&answers) {
            Progress::Done(verdict) => return Ok((verdict, answers)),
            Progress::Wants(wanted) => wanted,
        };
        for wanted in wanted {
            match wanted {
                Wanted::Records(question) => {
                    let answer = answer(&*job.world, &question);
                    answers.put(question, answer);
                }
                Wanted::Verified(verification) => {
                    let holds = Keys.verify(&verification);
                    answers.put_verified(*verification, holds);
                }
                Wanted::Signature(signing) => {
                    let made = Keys.sign(&signing);
                    answers.put_signature(*signing, made);
                }
            }
        }
    }
    Err(format!("not over after {MAX_ROUNDS} rounds"))
}

const MAX_ROUNDS: usize = 200;

/// Verifies, and signs nothing.
pub(super) struct Keys;

impl Signatures for Keys {
    fn verify(&self, verification: &xd_auth::Verification) -> Result<bool, Unknown> {
        Ok(verify(verification))
    }

    fn sign(&self, _: &xd_auth::Signing) -> Result<Box<[u8]>, Unknown> {
        Err(Unknown::NotAsked)
    }
}
