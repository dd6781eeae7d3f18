//! One transaction on a connection: how it begins, what came of it, and what that says of the next hop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use xd_store::SpoolError;

use super::connection::Connection;
use super::load::{Loaded, Source, Unloadable};
use super::queue::Wanted;
use super::runner::Shared;
use super::settle::{Fate, Outcome, Place, fate_of};
use super::worker::{Open, Worker};
use crate::client::{Answer, Envelope, Fault, Finished, Misfit, RecipientResult, Reply, Stage};

/// How often a message waits at once again whose connection was closed before anything was said. Then it is charged with an attempt:
/// it may be why.
const UNTRIED_MOST: u8 = 3;

impl Worker {
    /// Begins a transaction of the next message that the next hop can take.
    pub(super) async fn begin(&mut self, connection: &mut Connection, place: &Place) {
        let Some(mut loaded) = self.loaded.pop_front() else { return };
        let options = self.shared.options();
        if loaded.hops > options.resources.received_fields {
            // RFC 5321 §6.3.
            let reply = Reply::local(554, [5, 4, 6], "too many hops: this message loops");
            return self.shared.refuse(loaded, &reply, self.destination, &self.key, place);
        }
        let redirect = options.archive.as_ref().filter(|_| self.key.archive).map(|archive| archive.forward_path.as_str());
        if self.key.archive && redirect.is_none() {
            // It was taken out of the configuration in this very moment.
            return self.shared.put_away(loaded.job, Unloadable::Moved);
        }
        // Those go first that had no room in the transactions before, and none that was in them.
        let had_turn = |index: &u32| loaded.job.tried.as_ref().is_some_and(|tried| *index <= tried.last);
        let turn = loaded.recipients.partition_point(had_turn) % loaded.recipients.len().max(1);
        let count = (loaded.recipients.len() - turn).min(options.resources.recipients.max(1));
        loaded.recipients.rotate_left(turn);
        let (message, chosen) = (loaded.message.clone(), loaded.recipients[..count].to_vec());
        let mut envelope = Envelope { message: &message, recipients: &chosen, is_ascii: false, header_is_ascii: false, redirect };
        let token = loop {
            let misfit = match connection.client.begin(&envelope) {
                Ok(token) => break token,
                Err(misfit) => misfit,
            };
            let known = match misfit {
                Misfit::EightBit => {
                    let Some((back, is_ascii)) = examined(&self.shared, loaded, Loaded::is_ascii).await else { return };
                    loaded = back;
                    envelope.is_ascii = matches!(is_ascii, Ok(true));
                    is_ascii
                }
                Misfit::Utf8Header => {
                    let Some((back, bytes)) = examined(&self.shared, loaded, Loaded::beginning).await else { return };
                    loaded = back;
                    let is_ascii = bytes.map(|bytes| super::dsn::header_section(&bytes).is_ascii());
                    envelope.header_is_ascii = matches!(is_ascii, Ok(true));
                    is_ascii
                }
                _ => Ok(false),
            };
            match known {
                Ok(true) => {}
                Ok(false) => {
                    let refused = connection.client.misfits(&envelope);
                    return self.refuse_misfits(loaded, misfit, refused, place);
                }
                Err(why) => return self.shared.put_away(loaded.job, why),
            }
        };
        let pieces = loaded.pieces();
        self.open.push_back(Open { token, loaded, count: chosen.len(), pieces, began: Instant::now(), sending: false });
    }

    /// Ends recipients that the next hop cannot take, each for its own reason. Others of the message come with the next attempt, at once;
    /// so do those of whom it takes another look at the content to know.
    fn refuse_misfits(&mut self, mut loaded: Loaded, misfit: Misfit, mut refused: Vec<(u32, Misfit)>, place: &Place) {
        refused.retain(|(_, own)| *own == misfit || !matches!(own, Misfit::EightBit | Misfit::Utf8Header));
        if self.key.archive || refused.is_empty() {
            return self.shared.refuse(loaded, &refusal(misfit), self.destination, &self.key, place);
        }
        let is_refused = |index: &u32| refused.iter().any(|(other, _)| other == index);
        let left_out = loaded.recipients.iter().copied().filter(|index| !is_refused(index)).collect();
        loaded.recipients = refused.iter().map(|(index, _)| *index).collect();
        let result = |own| RecipientResult { stage: Stage::Connect, answer: Answer::Reply(refusal(own)) };
        let results = refused.into_iter().map(|(index, own)| (index, result(own))).collect();
        let took = Duration::ZERO;
        let outcome = Outcome { loaded, results, left_out, is_transaction: false, took, is_final: true, has_dsn: false };
        self.shared.settle(outcome, self.destination, &self.key, place);
    }

    pub(super) fn conclude(&mut self, finished: Finished, place: &Place, has_dsn: bool) {
        let Some(at) = self.open.iter().position(|open| open.token == finished.token) else { return };
        let Some(open) = self.open.remove(at) else { return };
        let is_untried = finished.recipients.iter().all(|result| result.answer == Answer::Untried);
        let is_charged =
            is_untried && self.answered == 0 && self.shared.queue().count_untried(open.loaded.job.slot) >= UNTRIED_MOST;
        if is_untried && !is_charged {
            // Nothing was said about it. On a connection that has carried others, the next hop closed in the meantime; on one that
            // has not, that is why it still waits, behind others that may fare better.
            if self.answered == 0 && !std::mem::replace(&mut self.untried_told, true) {
                let stage = finished.recipients.first().map_or(Stage::Connect, |result| result.stage);
                self.shared.log_unreachable(&open.loaded, self.destination, place, stage, &Fault::Closed);
                self.shared.note_unreachable(&open.loaded, place, &Fault::Closed);
            }
            let job = open.loaded.job;
            self.shared.queue().give_back(job.slot, job.hot, self.answered > 0);
            return;
        }
        if !is_charged {
            self.learn(&finished);
        }
        let Open { mut loaded, count, began, .. } = open;
        let left_out = loaded.recipients.split_off(count.min(loaded.recipients.len()));
        // An archive copy has one forward-path, and no recipient.
        let recipients = if self.key.archive { vec![0] } else { loaded.recipients.clone() };
        let results = recipients.into_iter().zip(finished.recipients).collect();
        let took = began.elapsed();
        let outcome = Outcome { loaded, results, left_out, is_transaction: true, took, is_final: false, has_dsn };
        self.shared.settle(outcome, self.destination, &self.key, place);
    }

    /// What a transaction that was answered says of the next hop.
    fn learn(&mut self, finished: &Finished) {
        let fates: Vec<Fate> = finished.recipients.iter().map(fate_of).collect();
        let mut wanted = Wanted::default();
        {
            let (now, mut queue) = (self.shared.clock.steady(), self.shared.queue());
            if let Some(destination) = queue.at(self.destination) {
                if fates.contains(&Fate::Delivered) {
                    let grew = destination.state.handle_delivered();
                    fates.iter().filter(|fate| **fate == Fate::Delivered).for_each(|_| destination.count(now));
                    if grew {
                        // Nothing else may happen here until what waits is gone.
                        queue.dispatch(self.destination, now, &mut wanted);
                    }
                } else if fates.contains(&Fate::Pressed) {
                    destination.state.handle_pressure(now);
                    self.enough = true;
                } else if fates.contains(&Fate::Deferred) {
                    destination.state.handle_deferred();
                }
            }
        }
        self.shared.carry_out(wanted);
        self.answered += 1;
    }

    /// The dialogue is over; what was open has been settled.
    pub(super) fn over(&mut self, fault: Option<Fault>, place: &Place) {
        let Some(fault) = fault else { return };
        let has_work = !self.loaded.is_empty() || self.shared.queue().at(self.destination).is_some_and(|at| at.has_ready());
        let now = self.shared.clock.steady();
        let mut queue = self.shared.queue();
        let Some(destination) = queue.at(self.destination) else { return };
        destination.last_error = describe(place, &fault);
        // A server that greets and closes before it answers anything is down, whatever its greeting says.
        if self.answered == 0 && has_work {
            destination.state.handle_unreachable(now);
            queue.cool(self.destination);
        }
    }

    pub(super) fn reached(&self) {
        let mut queue = self.shared.queue();
        let mut wanted = Wanted::default();
        if let Some(destination) = queue.at(self.destination) {
            destination.state.handle_reached();
        }
        // Others were kept back while it was probed.
        queue.dispatch(self.destination, self.shared.clock.steady(), &mut wanted);
        drop(queue);
        self.shared.carry_out(wanted);
    }

    /// None of the places tried could be reached. Each is recorded; the last tells why.
    pub(super) fn unreachable(&mut self, troubles: &[(Place, Stage, Fault)]) {
        let now = self.shared.clock.steady();
        let told = troubles.last().map_or_else(|| "no next hop".to_owned(), |(place, _, fault)| describe(place, fault));
        {
            let mut queue = self.shared.queue();
            if let Some(destination) = queue.at(self.destination) {
                destination.last_error = told;
                // A greeting that refuses, beside connections that were greeted, says that those are enough.
                let is_enough = matches!(troubles.last(), Some((_, _, Fault::Refused(_)))) && destination.connections > 1;
                if is_enough && destination.state.down_since().is_none() {
                    destination.state.handle_pressure(now);
                } else {
                    destination.state.handle_unreachable(now);
                    queue.cool(self.destination);
                }
            }
        }
        let Some(loaded) = self.loaded.front() else { return };
        for (place, stage, fault) in troubles {
            self.shared.log_unreachable(loaded, self.destination, place, *stage, fault);
        }
        if let Some((place, _, fault)) = troubles.last() {
            self.shared.note_unreachable(loaded, place, fault);
        }
    }
}

/// Looks at a content, off the threads that speak where it is on disk. None if that panicked, which it does not; were it to, the entry stays
/// in flight until the next start, which loses nothing.
async fn examined<T: Send + 'static>(
    shared: &Arc<Shared>,
    loaded: Loaded,
    look: fn(&Loaded, &Shared) -> Result<T, SpoolError>,
) -> Option<(Loaded, Result<T, Unloadable>)> {
    let (shared, is_in_memory) = (shared.clone(), matches!(loaded.source, Source::Memory(_)));
    let look = move || {
        let found = look(&loaded, &shared).map_err(Unloadable::of);
        (loaded, found)
    };
    if is_in_memory { Some(look()) } else { tokio::task::spawn_blocking(look).await.ok() }
}

/// What the sender is told in place of a next hop that was not asked.
fn refusal(misfit: Misfit) -> Reply {
    match misfit {
        // RFC 6152 §3: what cannot go as it is, and is not to be changed, fails.
        Misfit::EightBit => Reply::local(554, [5, 6, 3], "next hop takes no 8-bit content, and this is not converted"),
        Misfit::Path => Reply::local(553, [5, 1, 3], "an address cannot be written in a command"),
        Misfit::Size { limit } => Reply::local(552, [5, 3, 4], &format!("next hop takes {limit} bytes at most")),
        Misfit::Utf8Address => Reply::local(553, [5, 6, 7], "next hop takes no addresses beyond ASCII"),
        // RFC 6531 §3.2 and RFC 3463: X.6.9 is a header section that cannot be passed on.
        Misfit::Utf8Header => Reply::local(554, [5, 6, 9], "next hop takes no header fields beyond ASCII"),
    }
}

fn describe(place: &Place, fault: &Fault) -> String {
    if place.next_hop.is_empty() { fault.to_string() } else { format!("{}: {fault}", place.next_hop) }
}
