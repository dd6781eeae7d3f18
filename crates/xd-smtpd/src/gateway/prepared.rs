//! What is made of a message without waiting for anybody: judged, routed, changed. Long ones on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;
use xd_config::OnEngineFailure;
use xd_core::routing::Disposition;
use xd_lookup::ClientNames;
use xd_store::{Content, QueueId, SpoolMessage};

use super::judging::{EngineFailure, Judged};
use super::world::World;
use super::{envelope, replies, trace};
use crate::server::Peer;
use crate::session::{Outcome, Reply, Transaction};

/// A message as far as it can go before the disk.
#[derive(Debug)]
pub(super) enum Prepared {
    /// At least one recipient gets it, or it is thrown away with a record.
    Accepted(Box<Accepted>),
    /// Nobody gets it.
    Refused(Box<Refused>),
}

#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) message: SpoolMessage,
    pub(super) content: Content,
    pub(super) judged: Option<Judged>,
    pub(super) outcome: Outcome,
    /// Recipients that LMTP refuses beside those that get it, by what they are told.
    pub(super) beside: Vec<(Reply, Vec<String>)>,
}

#[derive(Debug)]
pub(super) struct Refused {
    pub(super) transaction: Transaction,
    pub(super) judged: Option<Judged>,
    pub(super) outcome: Outcome,
}

/// Longer messages are worked on by a thread of their own, so that one of them delays no other connection: this much takes about
/// a millisecond.
const INLINE_MAX: usize = 128 << 10;

/// Prepares a message under a name that is new. `None` is a fault of ours beside the judge's, which has a guard of its own.
pub(super) async fn prepare(
    world: &Arc<World>,
    peer: &Peer,
    id: QueueId,
    names: ClientNames,
    transaction: Transaction,
    turns: &Semaphore,
) -> Option<Prepared> {
    if transaction.content.len() <= INLINE_MAX {
        return guarded(|| work(world, peer, id, names, transaction));
    }
    // More at once than there are processors would only hold more memory, and slow down those who carry mail.
    let _turn = turns.acquire().await;
    let (world, peer) = (world.clone(), peer.clone());
    tokio::task::spawn_blocking(move || guarded(|| work(&world, &peer, id, names, transaction))).await.ok().flatten()
}

/// Does something in which a fault of ours must not end the connection: its client would come again with the same, unanswered and unrecorded.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What it was about is thrown away with it; the world is only read.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn work(world: &World, peer: &Peer, id: QueueId, names: ClientNames, transaction: Transaction) -> Prepared {
    let refused = |transaction, judged, outcome| Prepared::Refused(Box::new(Refused { transaction, judged, outcome }));
    if trace::goes_in_circles(&transaction.content) {
        return refused(transaction, None, Outcome::One(replies::circles()));
    }
    let judged = if world.scans(peer.listener) {
        match world.judge(peer, &transaction, names) {
            Ok(judged) => Ok(judged),
            Err(EngineFailure) if world.config().on_engine_failure() == OnEngineFailure::Accept => Err("unjudged"),
            Err(EngineFailure) => return refused(transaction, None, Outcome::One(replies::unjudged())),
        }
    } else {
        Err("unscanned")
    };
    let dispositions = match &judged {
        Ok(judged) => judged.dispositions.clone(),
        Err(_) => vec![Disposition::Deliver; transaction.recipients.len()],
    };
    if !dispositions.iter().any(Disposition::accepts) {
        let outcome = replies::refused(world.brand(), peer.protocol, &dispositions);
        return refused(transaction, judged.ok(), outcome);
    }
    let outcome = replies::accepted(world.brand(), peer.protocol, id, &dispositions);
    let beside = refused_beside(&transaction, &outcome);
    let (message, content) = envelope::spooled(world, peer, id, transaction, &dispositions, judged.as_ref().map_err(|why| *why));
    Prepared::Accepted(Box::new(Accepted { message, content, judged: judged.ok(), outcome, beside }))
}

fn refused_beside(transaction: &Transaction, outcome: &Outcome) -> Vec<(Reply, Vec<String>)> {
    let Outcome::PerRecipient(replies) = outcome else { return Vec::new() };
    let mut beside: Vec<(Reply, Vec<String>)> = Vec::new();
    for (recipient, reply) in transaction.recipients.iter().zip(replies).filter(|(_, reply)| !reply.is_positive()) {
        let path = recipient.forward_path.as_str().to_owned();
        match beside.iter_mut().find(|(told, _)| told == reply) {
            Some((_, paths)) => paths.push(path),
            None => beside.push((reply.clone(), vec![path])),
        }
    }
    beside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_an_answer_and_no_end() {
        assert_eq!(guarded(|| 7), Some(7));
        assert_eq!(guarded(|| -> u32 { panic!("a fault") }), None);
    }
}
