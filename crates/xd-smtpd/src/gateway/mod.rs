//! The life of a message at the gateway, from the end of its content to 250.
//!
//! ```text
//! RCPT ──▶ stage ──▶ content ──▶ judge ──▶ route ──▶ change ──▶ spool ═══ commit ═══▶ 250 ──▶ delivery
//!            │                     │         │                                         │
//!            └── refusal ──────────┴─────────┴──────▶ journal ◀────── acceptance ──────┘
//! ```
//!
//! Up to the commit a message is its client's: whatever goes wrong is answered with 4yz, and the client keeps it. From the commit
//! on it is ours, and on disk.

mod change;
mod effort;
mod envelope;
mod fields;
mod judging;
mod ledger;
mod prepared;
mod replies;
mod stage;
mod tally;
mod trace;
mod world;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use xd_config::Ptr;
use xd_core::{Domain, Known};
use xd_lookup::ClientNames;
use xd_store::{Acceptance, CommitError, Content, Spool, SpoolMessage};

use crate::delivery::Delivery;
use crate::server::{Front, Peer};
use crate::session::{Outcome, RefusalRecord, Reply, Stage, StageDecision, StageQuestion, Transaction};
pub(crate) use ledger::Ledger;
use prepared::{Accepted, Prepared, Refused, prepare};
use stage::{Asking, Recipient};
pub(crate) use tally::Tally;
pub(crate) use world::{World, WorldError, now, now_ms};

/// How often the mail of one domain may be called for in a minute, whoever does: each time, all that waits for it is gone through.
const CALLS_A_MINUTE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Decides, takes, and hands on.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Configuration and engine; replaced as a whole.
    world: RwLock<Arc<World>>,
    spool: Spool,
    delivery: Delivery,
    ledger: Arc<Ledger>,
    tally: Tally,
    /// Who may work on a long message: as many as there are processors.
    turns: Semaphore,
    /// Domains called for by ETRN: since when, and how often. They are in the configuration, each by one name, so there are not many.
    called: Mutex<HashMap<Domain, (Instant, u32)>>,
}

impl Gateway {
    pub(crate) fn new(world: World, spool: Spool, delivery: Delivery, ledger: Arc<Ledger>) -> Self {
        let turns = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        let (world, tally, called) = (RwLock::new(Arc::new(world)), Tally::default(), Mutex::default());
        Self { world, spool, delivery, ledger, tally, turns, called }
    }

    /// Judges and routes by another configuration from now on. What is under way ends by the one it began with.
    pub(crate) fn replace_world(&self, world: World) {
        // A panic elsewhere cannot have left half a pointer.
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
    }

    /// The configuration and the engine in force.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why mail is not accepted now, if it is not.
    pub(crate) fn not_ready(&self) -> Option<String> {
        let spool = self.spool.is_broken().map(|why| format!("the spool takes nothing: {why}"));
        let spool = spool.or_else(|| self.spool.gauges().short.map(|why| format!("the spool is short of something: {why}")));
        spool.or_else(|| self.ledger.is_broken().map(|why| format!("the journal takes nothing: {why}")))
    }

    /// What a client is told at a stage while nothing could be accepted. Asked at each, so it takes no lock while all is well.
    fn refusal_at(&self, stage: &Stage<'_>) -> Option<Reply> {
        if self.spool.is_broken().is_some() || self.ledger.is_broken().is_some() {
            // RFC 5321 §3.8: a server that cannot go on says 421, and the client comes again.
            return Some(replies::not_ready());
        }
        (matches!(stage, Stage::Mail) && self.spool.is_short()).then(replies::no_room)
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(crate) fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes a message: its life up to 250.
    async fn take(&self, peer: &Peer, transaction: Transaction) -> Outcome {
        let began = Instant::now();
        let world = self.world();
        let names = if world.scans(peer.listener) { world.names(peer).await } else { ClientNames::default() };
        let Accepted { message, content, judged, outcome, beside } =
            match prepare(&world, peer, self.spool.next_id(), names, transaction, &self.turns).await {
                Some(Prepared::Accepted(accepted)) => *accepted,
                Some(Prepared::Refused(refused)) => {
                    let Refused { transaction, judged, outcome } = *refused;
                    self.tally.refused();
                    self.ledger.refused_content(peer, &transaction, judged, &outcome);
                    return outcome;
                }
                None => {
                    self.tally.refused();
                    self.ledger.refused_by_fault(peer, &replies::unjudged());
                    return Outcome::One(replies::unjudged());
                }
            };
        let safe = if message.is_live() {
            self.commit(message.clone(), content.clone()).await
        } else {
            self.ledger.discarded(&message).await
        };
        if let Err(error) = safe {
            self.tally.refused();
            let outcome = Outcome::One(replies::unspooled(&error));
            self.ledger.refused_spooling(peer, &message, &outcome);
            return outcome;
        }
        // From here on the message is on disk, and ours.
        self.tally.accepted(began.elapsed());
        self.ledger.accepted(peer, &message, judged, &outcome);
        self.ledger.refused_beside(peer, &message, beside);
        if message.is_live() {
            self.delivery.enqueue(message, Some(content));
        }
        outcome
    }

    /// What the names of a client say to a recipient that is taken.
    async fn named(&self, world: &Arc<World>, peer: &Peer, question: &StageQuestion<'_>) -> StageDecision {
        match world.ptr(peer) {
            // Unknown is not no: only a client that certainly has no such name is deferred.
            Ptr::Defer if world.names(peer).await.confirmed == Known::Absent => {
                StageDecision::Defer(replies::nameless(world.brand(), peer.address.ip().to_canonical()))
            }
            Ptr::Score if question.recipients.is_empty() && world.scans(peer.listener) => {
                // Judging asks for them when the content is here; by then the answer has come.
                let (world, peer) = (world.clone(), peer.clone());
                tokio::spawn(async move { world.names(&peer).await });
                StageDecision::Continue
            }
            Ptr::Defer | Ptr::Off | Ptr::Score => StageDecision::Continue,
        }
    }

    /// Counts a call for the mail of a domain; `false` where there were too many.
    fn may_call_again(&self, domain: &Domain, now: Instant) -> bool {
        let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, calls) = called.entry(domain.clone()).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= MINUTE {
            (*since, *calls) = (now, 0);
        }
        *calls += u32::from(*calls < CALLS_A_MINUTE + 1);
        *calls <= CALLS_A_MINUTE
    }

    /// Makes a message durable.
    async fn commit(&self, message: SpoolMessage, content: Content) -> Result<(), CommitError> {
        let (committed, commit) = oneshot::channel();
        self.spool.accept(Acceptance { message, content }, move |result| {
            // The connection may be gone; the message is safe all the same.
            let _ = committed.send(result);
        });
        // The spool calls back for each acceptance, even while it is being closed.
        commit.await.unwrap_or(Err(CommitError::Closed))
    }
}

impl Front for Arc<Gateway> {
    async fn stage(&self, peer: &Peer, question: StageQuestion<'_>) -> StageDecision {
        if let Some(reply) = self.refusal_at(&question.stage) {
            self.ledger.refused_stage(peer, &question, &reply);
            return StageDecision::Defer(reply);
        }
        let Stage::Rcpt(recipient) = question.stage else { return StageDecision::Continue };
        let world = self.world();
        let path = &recipient.forward_path;
        let decision = match stage::recipient(world.config(), Asking::of(peer), path.local_part(), path.domain()) {
            Recipient::Accepted(_) => self.named(&world, peer, &question).await,
            Recipient::NotProtected => StageDecision::Refuse(replies::not_protected(world.brand())),
            Recipient::NotRelayed => StageDecision::Refuse(replies::not_relayed(world.brand())),
        };
        if let StageDecision::Defer(reply) | StageDecision::Refuse(reply) = &decision {
            self.ledger.refused_stage(peer, &question, reply);
        }
        decision
    }

    async fn content(&self, peer: &Peer, transaction: Transaction) -> Outcome {
        self.take(peer, transaction).await
    }

    async fn etrn(&self, peer: &Peer, domain: &str) -> Reply {
        let world = self.world();
        let Ok(domain) = Domain::parse(domain) else { return replies::not_called_for() };
        if !world.may_call_for(peer, &domain) {
            return replies::not_called_for();
        }
        if !self.may_call_again(&domain, Instant::now()) {
            return replies::called_for_too_often();
        }
        replies::called_for(self.delivery.call_for(domain.as_str()))
    }

    fn refused(&self, peer: &Peer, refusal: RefusalRecord) {
        self.ledger.refused_by_session(peer, &refusal);
    }
}

#[cfg(test)]
mod tests;
