//! Asks DNS what a check wants, round by round, in bounded time.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use xd_auth::{Answer, Answers, Progress, Question, Record, Unknown, Wanted};
use xd_config::{Config, Dns};
use xd_lookup::{Origin, Resolver, ResolverOptions, Servers};

use super::arguments::Asked;
use crate::failure::Failure;
use crate::judging;

/// Asks on behalf of an operator, who may ask about private networks too.
pub(super) struct Asking {
    runtime: Runtime,
    resolver: Resolver,
    config: Config,
}

/// What a check came to, and what it asked, in order.
pub(super) struct Checked<T> {
    pub(super) outcome: T,
    pub(super) answers: Answers,
    pub(super) asked: Vec<Question>,
}

/// How long one question may take. A resolver that is not ill answers in a tenth of it.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a check may take in all; what is not answered by then is unknown.
const WHOLE_DEADLINE: Duration = Duration::from_secs(60);
/// Questions of one check: ten times those about a large domain.
const MAX_QUESTIONS: usize = 3_000;
/// Questions that are open at the same time.
const MAX_OPEN: usize = 32;
/// Rounds of one check. An audit of SPF takes the most: two for each of the terms that it walks.
const MAX_ROUNDS: usize = 300;

impl Asking {
    pub(super) fn try_new(arguments: &Asked) -> Result<Self, Failure> {
        let config = judging::config(arguments.config.as_deref())?;
        let servers = match config.dns() {
            _ if !arguments.dns.is_empty() => Servers::Listed(arguments.dns.clone()),
            Dns::Off => Servers::Off,
            Dns::Servers(servers) => Servers::Listed(servers.clone()),
            Dns::System => Servers::System,
        };
        let threads = NonZeroUsize::MIN.get();
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::operator(format!("cannot ask DNS: {error}")))?;
        let options = ResolverOptions { servers, deadline: DEADLINE, ..ResolverOptions::default() };
        let entered = runtime.enter();
        let resolver = Resolver::try_new(&options).map_err(|error| Failure::operator(error.to_string()))?;
        drop(entered);
        Ok(Self { runtime, resolver, config })
    }

    /// The name of this host, which explanations of SPF may tell.
    pub(super) fn hostname(&self) -> &str {
        self.config.hostname().unwrap_or_default()
    }

    /// Runs a check to its end.
    pub(super) fn run<T>(&self, mut check: impl FnMut(&Answers) -> Progress<T>) -> Result<Checked<T>, Failure> {
        let (mut answers, mut asked) = (Answers::default(), Vec::new());
        let until = Instant::now() + WHOLE_DEADLINE;
        for _ in 0..MAX_ROUNDS {
            let wanted = match check(&answers) {
                Progress::Done(outcome) => return Ok(Checked { outcome, answers, asked }),
                Progress::Wants(wanted) => wanted,
            };
            let mut open = BTreeSet::new();
            for wanted in wanted {
                // These checks want no signatures: one that did would not come to its end.
                if let Wanted::Records(question) = wanted
                    && answers.records(&question).is_none()
                {
                    open.insert(question);
                }
            }
            if open.is_empty() {
                break;
            }
            asked.extend(open.iter().cloned());
            let left = MAX_QUESTIONS.saturating_sub(asked.len() - open.len());
            self.runtime.block_on(self.ask_all(open, left, until, &mut answers));
        }
        Err(Failure::operator("the check asks without end; nothing can be said"))
    }

    async fn ask_all(&self, questions: BTreeSet<Question>, left: usize, until: Instant, answers: &mut Answers) {
        let mut next = questions.iter().take(left);
        let mut asked: JoinSet<(Question, Answer<Record>)> = JoinSet::new();
        loop {
            while asked.len() < MAX_OPEN
                && let Some(question) = next.next()
            {
                let (resolver, question) = (self.resolver.clone(), question.clone());
                asked.spawn(async move {
                    let answer = resolver.answer(&question, Origin::Site).await;
                    (question, answer)
                });
            }
            match timeout_at(until, asked.join_next()).await {
                Ok(Some(Ok((question, answer)))) => answers.put(question, answer),
                // One that panicked stays without answer.
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => break,
            }
        }
        // The first answer stays: this reaches only those without one.
        for (place, question) in questions.into_iter().enumerate() {
            let why = if place < left { Unknown::Timeout } else { Unknown::NotAsked };
            answers.put(question, Answer::Unknown(why));
        }
    }
}
