//! Drives checks that ask in rounds: all that a check wants is asked at once, and it runs again with the answers, until it is
//! done. One deadline and one budget hold for all checks of a message, so that it is always judged in time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use xd_auth::{Answer, Answers, Progress, Question, Record, Signing, Unknown, Verification, Wanted};

use crate::{Origin, Resolver};

/// How much may be asked for a message, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RoundsOptions {
    /// How long all questions of a message may take together. Default 5 s: beyond it, clients begin to wonder.
    pub deadline: Duration,
    /// How long the answer to one of them is waited for. Default 1.5 s: whoever sends mail may have names that nobody answers for, and they
    /// must not take the time of all others. An answer that comes later is there for the next message.
    pub patience: Duration,
    /// How many questions of DNS a message may cause. Default 100: SPF, DKIM, DMARC and ARC of ordinary mail take some 20, lists as many.
    pub questions: usize,
    /// How many signatures are verified for a message. Default 30: each takes some 20 µs, and a message may carry a hundred.
    pub signatures: usize,
}

/// Signatures, verified and made: what needs keys and cryptography.
pub trait Signatures {
    /// Whether a signature holds, or why that cannot be said. A key or signature that makes no sense does not hold.
    ///
    /// # Errors
    /// The reason why nothing is known.
    fn verify(&self, verification: &Verification) -> Result<bool, Unknown>;

    /// Makes a signature.
    ///
    /// # Errors
    /// The reason why there is none.
    fn sign(&self, signing: &Signing) -> Result<Box<[u8]>, Unknown>;
}

/// Verifies and makes none: every signature is unknown, since nobody asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSignatures;

/// A check went wrong: it wants what it was told, or never comes to an end. A fault of the check, not of the mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a check asks without end")]
pub struct Endless;

/// The questions of one message: what was asked so far, and how much may still be.
///
/// # Example: a check that wants one record
/// ```
/// use xd_auth::{Answer, Name, Progress, Question, RecordKind, Unknown, Wanted};
/// use xd_lookup::{NoSignatures, Resolver, Rounds, RoundsOptions};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let question = Question::new(Name::parse("example.com").unwrap(), RecordKind::Txt);
/// let mut rounds = Rounds::new(Resolver::off(), RoundsOptions::default());
/// let outcome = rounds.run(&NoSignatures, |answers| match answers.records(&question) {
///     Some(answer) => Progress::Done(answer.clone()),
///     None => Progress::Wants(vec![Wanted::Records(question.clone())]),
/// });
/// assert_eq!(outcome.await, Ok(Answer::Unknown(Unknown::NotAsked)));
/// # });
/// ```
#[derive(Debug)]
pub struct Rounds {
    resolver: Resolver,
    until: Instant,
    patience: Duration,
    left: usize,
    signatures_left: usize,
    answers: Answers,
}

impl Rounds {
    /// Begins the questions of a message; its time runs from now. Must be called within a tokio runtime with time enabled.
    #[must_use]
    pub fn new(resolver: Resolver, options: RoundsOptions) -> Self {
        let RoundsOptions { deadline, patience, questions, signatures } = options;
        let until = Instant::now() + deadline;
        Self { resolver, until, patience, left: questions, signatures_left: signatures, answers: Answers::default() }
    }

    /// Runs a check to its end. Checks after each other share answers, deadline and budget; checks that should ask at the same
    /// time belong into one closure that wants what any of them wants.
    ///
    /// What is not answered at the deadline is unknown by timeout, what the budget no longer allows was not asked.
    ///
    /// # Errors
    /// When the check does not end.
    pub async fn run<T>(
        &mut self,
        signatures: &impl Signatures,
        mut check: impl FnMut(&Answers) -> Progress<T>,
    ) -> Result<T, Endless> {
        for _ in 0..MAX_ROUNDS {
            let wants = match check(&self.answers) {
                Progress::Done(outcome) => return Ok(outcome),
                Progress::Wants(wants) => wants,
            };
            if !self.answer(signatures, wants).await {
                return Err(Endless);
            }
        }
        Err(Endless)
    }

    /// Asks all of these questions, as far as they are not answered yet. For lists and others that ask once.
    pub async fn ask(&mut self, questions: impl IntoIterator<Item = Question>) {
        let wants = questions.into_iter().map(Wanted::Records).collect();
        self.answer(&NoSignatures, wants).await;
    }

    /// What was answered so far.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// What was answered: with it, every check gives the same outcome forever.
    #[must_use]
    pub fn into_answers(self) -> Answers {
        self.answers
    }

    /// Answers what is wanted; whether any of it was not answered before.
    async fn answer(&mut self, signatures: &impl Signatures, wants: Vec<Wanted>) -> bool {
        let (mut questions, mut is_new) = (BTreeSet::new(), false);
        for wanted in wants {
            match wanted {
                Wanted::Records(question) => {
                    if self.answers.records(&question).is_none() {
                        questions.insert(question);
                    }
                }
                Wanted::Signature(signing) => {
                    if self.answers.signature(&signing).is_none() {
                        let made = signatures.sign(&signing);
                        self.answers.put_signature(*signing, made);
                        is_new = true;
                    }
                }
                Wanted::Verified(verification) => {
                    if self.answers.verified(&verification).is_none() {
                        let may = self.signatures_left > 0;
                        self.signatures_left = self.signatures_left.saturating_sub(1);
                        let holds = if may { signatures.verify(&verification) } else { Err(Unknown::NotAsked) };
                        self.answers.put_verified(*verification, holds);
                        is_new = true;
                    }
                }
            }
        }
        is_new |= !questions.is_empty();
        self.ask_all(questions).await;
        is_new
    }

    async fn ask_all(&mut self, questions: BTreeSet<Question>) {
        let mut open = Vec::with_capacity(questions.len());
        for question in questions {
            if self.left == 0 {
                self.answers.put(question, Answer::Unknown(Unknown::NotAsked));
            } else {
                self.left -= 1;
                open.push(question);
            }
        }
        let mut asked: JoinSet<(Question, Answer<Record>)> = JoinSet::new();
        let mut next = open.iter();
        while Instant::now() < self.until {
            while asked.len() < MAX_OPEN
                && let Some(question) = next.next()
            {
                let (resolver, question, patience) = (self.resolver.clone(), question.clone(), self.patience);
                asked.spawn(async move {
                    let answer = timeout(patience, resolver.answer(&question, Origin::Mail)).await;
                    (question, answer.unwrap_or(Answer::Unknown(Unknown::Timeout)))
                });
            }
            match timeout_at(self.until, asked.join_next()).await {
                Ok(Some(Ok((question, answer)))) => self.answers.put(question, answer),
                // One that panicked stays without answer.
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => break,
            }
        }
        // The first answer stays: this reaches only those without one.
        for question in open {
            self.answers.put(question, Answer::Unknown(Unknown::Timeout));
        }
    }
}

/// Questions of one message that are open at the same time. Where mail names only what answers slowly, others still get their turn.
const MAX_OPEN: usize = 24;
/// Rounds of one check. With a budget of questions each of which needs its own round, no honest check takes more.
const MAX_ROUNDS: usize = 1000;

impl Default for RoundsOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), patience: Duration::from_millis(1_500), questions: 100, signatures: 30 }
    }
}

impl Signatures for NoSignatures {
    fn verify(&self, _: &Verification) -> Result<bool, Unknown> {
        Err(Unknown::NotAsked)
    }

    fn sign(&self, _: &Signing) -> Result<Box<[u8]>, Unknown> {
        Err(Unknown::NotAsked)
    }
}
