//! What is made of a message before the disk: judged, routed, changed.

use tokio::sync::Semaphore;
use xd_config::OnEngineFailure;
use xd_core::routing::Disposition;
use xd_lookup::ClientNames;
use xd_store::{Content, QueueId, SpoolMessage};

use super::effort::Effort;
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

/// Prepares a message under a name that is new. `None` is a fault of ours beside the judge's, which has a guard of its own.
pub(super) async fn prepare(
    world: &World,
    peer: &Peer,
    id: QueueId,
    names: ClientNames,
    transaction: Transaction,
    turns: &Semaphore,
) -> Option<Prepared> {
    let effort = Effort::of(transaction.content.len(), turns);
    let refused = |transaction, judged, outcome| Some(Prepared::Refused(Box::new(Refused { transaction, judged, outcome })));
    if effort.spend(|| trace::goes_in_circles(&transaction.content)).await? {
        return refused(transaction, None, Outcome::One(replies::circles()));
    }
    let judged = if world.scans(peer.listener) {
        match world.judge(peer, &transaction, names, &effort).await {
            Ok(judged) => Ok(judged),
            Err(EngineFailure) if world.config().on_engine_failure() == OnEngineFailure::Accept => Err("unjudged"),
            Err(EngineFailure) => return refused(transaction, None, Outcome::One(replies::unjudged())),
        }
    } else {
        Err("unscanned")
    };
    effort.spend(|| settle(world, peer, id, transaction, judged)).await
}

fn settle(world: &World, peer: &Peer, id: QueueId, transaction: Transaction, judged: Result<Judged, &'static str>) -> Prepared {
    let dispositions = match &judged {
        Ok(judged) => judged.dispositions.clone(),
        Err(_) => vec![Disposition::Deliver; transaction.recipients.len()],
    };
    if !dispositions.iter().any(Disposition::accepts) {
        let outcome = replies::refused(world.brand(), peer.protocol, &dispositions);
        return Prepared::Refused(Box::new(Refused { transaction, judged: judged.ok(), outcome }));
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
