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
mod envelope;
mod fields;
mod judging;
mod ledger;
mod replies;
mod stage;
mod tally;
mod trace;
mod world;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::oneshot;
use xd_config::{OnEngineFailure, Ptr};
use xd_core::Known;
use xd_core::routing::Disposition;
use xd_store::{Acceptance, CommitError, Content, Spool, SpoolMessage};

use crate::delivery::{Control, Delivery, Selection};
use crate::server::{Front, Peer};
use crate::session::{Outcome, RefusalRecord, Reply, Stage, StageDecision, StageQuestion, Transaction};
use judging::{EngineFailure, Judged};
pub(crate) use ledger::Ledger;
use stage::{Asking, Recipient};
pub(crate) use tally::Tally;
pub(crate) use world::{World, WorldError, now, now_ms};

/// Larger messages are judged on a thread of their own, so that one of them delays no other connection.
const JUDGED_INLINE_MAX: usize = 128 << 10;

/// Decides, takes, and hands on.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Configuration and engine; replaced as a whole.
    world: RwLock<Arc<World>>,
    spool: Spool,
    delivery: Delivery,
    ledger: Arc<Ledger>,
    tally: Tally,
}

impl Gateway {
    pub(crate) fn new(world: World, spool: Spool, delivery: Delivery, ledger: Arc<Ledger>) -> Self {
        Self { world: RwLock::new(Arc::new(world)), spool, delivery, ledger, tally: Tally::default() }
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
        spool.or_else(|| self.ledger.is_broken().map(|why| format!("the journal takes nothing: {why}")))
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(crate) fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes a message: its life up to 250.
    async fn take(&self, peer: &Peer, transaction: Transaction) -> Outcome {
        let began = Instant::now();
        let world = self.world();
        if trace::goes_in_circles(&transaction.content) {
            return self.refuse(peer, &transaction, None, Outcome::One(replies::circles()));
        }
        let (transaction, judged) = judge(&world, peer, transaction).await;
        let judged = match judged {
            Ok(judged) => judged,
            Err(EngineFailure) if world.config().on_engine_failure() == OnEngineFailure::Accept => None,
            Err(EngineFailure) => return self.refuse(peer, &transaction, None, Outcome::One(replies::unjudged())),
        };
        let dispositions = match &judged {
            Some(judged) => judged.dispositions.clone(),
            None => vec![Disposition::Deliver; transaction.recipients.len()],
        };
        if !dispositions.iter().any(Disposition::accepts) {
            let outcome = replies::refused(world.brand(), peer.protocol, &dispositions);
            return self.refuse(peer, &transaction, judged, outcome);
        }
        let id = self.spool.next_id();
        let (message, content) = envelope::spooled(&world, peer, id, transaction, &dispositions, judged.as_ref());
        let outcome = replies::accepted(world.brand(), peer.protocol, id, &dispositions);
        let safe = if message.is_live() {
            self.commit(message.clone(), content.clone()).await
        } else {
            self.ledger.discarded(peer, &message, judged.clone(), &outcome).await
        };
        if let Err(error) = safe {
            self.tally.refused();
            let outcome = Outcome::One(replies::unspooled(&error));
            self.ledger.refused_spooling(peer, &message, &outcome);
            return outcome;
        }
        // From here on the message is on disk, and ours.
        self.tally.accepted(began.elapsed());
        if message.is_live() {
            self.ledger.accepted(peer, &message, judged, &outcome);
            self.delivery.enqueue(message, Some(content));
        }
        outcome
    }

    fn refuse(&self, peer: &Peer, transaction: &Transaction, judged: Option<Judged>, outcome: Outcome) -> Outcome {
        self.tally.refused();
        self.ledger.refused_content(peer, transaction, judged, &outcome);
        outcome
    }

    /// What the names of a client say to a recipient that is taken.
    async fn named(&self, world: &Arc<World>, peer: &Peer, question: &StageQuestion<'_>) -> StageDecision {
        match world.ptr(peer) {
            // Unknown is not no: only a client that certainly has no such name is deferred.
            Ptr::Defer if world.names(peer).await.confirmed == Known::Absent => StageDecision::Defer(replies::nameless()),
            Ptr::Score if question.recipients.is_empty() && world.scans(peer.listener) => {
                // Judging asks for them when the content is here; by then the answer has come.
                let (world, peer) = (world.clone(), peer.clone());
                tokio::spawn(async move { world.names(&peer).await });
                StageDecision::Continue
            }
            Ptr::Defer | Ptr::Off | Ptr::Score => StageDecision::Continue,
        }
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

/// Judges a message, where its listener scans. Long ones are judged aside.
async fn judge(
    world: &Arc<World>,
    peer: &Peer,
    transaction: Transaction,
) -> (Transaction, Result<Option<Judged>, EngineFailure>) {
    if !world.scans(peer.listener) {
        return (transaction, Ok(None));
    }
    let names = world.names(peer).await;
    if transaction.content.len() <= JUDGED_INLINE_MAX {
        let judged = world.judge(peer, &transaction, names);
        return (transaction, judged.map(Some));
    }
    let (world, peer) = (world.clone(), peer.clone());
    let transaction = Arc::new(transaction);
    let aside = transaction.clone();
    let judged = tokio::task::spawn_blocking(move || world.judge(&peer, &aside, names)).await;
    // The thread has ended, and with it its share.
    let transaction = Arc::try_unwrap(transaction).unwrap_or_else(|shared| (*shared).clone());
    (transaction, judged.unwrap_or(Err(EngineFailure)).map(Some))
}

impl Front for Arc<Gateway> {
    async fn stage(&self, peer: &Peer, question: StageQuestion<'_>) -> StageDecision {
        if self.not_ready().is_some() {
            // RFC 5321 §3.8: a server that cannot go on says 421, and the client comes again.
            let reply = replies::not_ready();
            self.ledger.refused_stage(peer, &question, &reply);
            return StageDecision::Defer(reply);
        }
        let Stage::Rcpt(recipient) = question.stage else { return StageDecision::Continue };
        let world = self.world();
        let path = &recipient.forward_path;
        let asking =
            Asking { client: Some(peer.address.ip()), trusted: peer.trusted, authenticated: peer.authenticated.is_some() };
        let decision = match stage::recipient(world.config(), asking, path.local_part(), path.domain()) {
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
        if !world.may_call_for(peer, domain) {
            return replies::not_called_for();
        }
        let waiting = Selection::Domain(domain.to_ascii_lowercase());
        replies::called_for(self.delivery.control(Control::Retry(waiting)).await)
    }

    fn refused(&self, peer: &Peer, refusal: RefusalRecord) {
        self.ledger.refused_by_session(peer, &refusal);
    }
}

#[cfg(test)]
mod tests;
