//! What ends or is put aside without an attempt: what is too old, was held for long enough, or cannot be read.

use std::sync::Arc;
use std::time::Duration;

use xd_store::{Attempt, Done, HoldReason, Mark, RecipientState, SpoolError, SpoolMessage};

use super::load::{Unloadable, load_envelope, recipient_marks};
use super::queue::{EntryState, Job};
use super::record::{DeliveryRecord, FinalRecord};
use super::runner::Shared;

/// How long a destination is left alone when there was no descriptor to read a message, in milliseconds.
const REST: u64 = if cfg!(test) { 100 } else { 2_000 };

impl Shared {
    /// Gives up what is too old and discards what was held for long.
    pub(super) fn sweep(self: &Arc<Self>) {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        // What cannot be marked is not ended.
        if self.store.is_broken() || self.store.is_short() {
            return;
        }
        let most = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let holds = self.options().holds;
        let hold = |reason| match reason {
            HoldReason::Dsn => Some(most(holds.dsn)),
            HoldReason::Quarantine => Some(most(holds.quarantine)),
            _ => None,
        };
        let old = {
            let mut queue = self.queue();
            queue.sweep(now);
            // After days without power, or with a clock that jumped, nothing is given back that was not tried since.
            let max_age = if self.has_tried_all() { self.options().schedule.max_age } else { u64::MAX };
            queue.take_old(wall, max_age, hold)
        };
        for (job, state, key) in old {
            match (state, key) {
                (EntryState::Held(reason), _) => self.discard(&job, reason),
                // Whether its content can be read or not: a report of its end has as much of it as can be.
                (_, Some((destination, key))) => match load_envelope(self, &key, job) {
                    Ok(loaded) => self.expire(loaded, destination, &key),
                    Err((job, why)) => self.put_away_here(job, why),
                },
                (_, None) => self.finish(&job),
            }
        }
    }

    /// Whether delivery has been at work for so long that whatever waits was due at least once.
    pub(super) fn has_tried_all(&self) -> bool {
        self.clock.steady().0 > self.options().schedule.longest()
    }

    /// Puts a job where it belongs whose message could not be loaded, from a thread that must not read files.
    pub(super) fn put_away(self: &Arc<Self>, job: Job, why: Unloadable) {
        match why {
            Unloadable::Gone => self.finish(&job),
            Unloadable::Short => self.put_back(job),
            Unloadable::Damaged(_) | Unloadable::Moved | Unloadable::Unreadable(_) => {
                self.aside(move |shared| shared.put_away_here(job, why));
            }
        }
    }

    /// The same where files may be read.
    fn put_away_here(self: &Arc<Self>, job: Job, why: Unloadable) {
        match why {
            Unloadable::Damaged(error) => self.hold_unreadable(job, &error),
            Unloadable::Gone => self.finish(&job),
            Unloadable::Short => self.put_back(job),
            Unloadable::Unreadable(error) => self.wait_unreadable(&job, &error),
            Unloadable::Moved => {
                self.finish(&job);
                self.readmit(job.id);
            }
        }
    }

    /// Puts an entry back before all others, and leaves its destination alone for a moment: there was no descriptor to read it.
    fn put_back(self: &Arc<Self>, job: Job) {
        let until = self.clock.steady().after(REST);
        let wanted = {
            let mut queue = self.queue();
            let destination = queue.destination_of(job.slot);
            queue.give_back(job.slot, job.hot, true);
            queue.rest(destination, until)
        };
        self.carry_out(wanted);
    }

    /// Lets wait what the disk does not give back, and says so.
    fn wait_unreadable(self: &Arc<Self>, job: &Job, why: &SpoolError) {
        self.log.record(DeliveryRecord::Unreadable { id: job.id, why: why.to_string() });
        let due = self.clock.steady().after(self.options().schedule.interval);
        self.requeue(job.slot, job.attempts, job.tried.clone(), Some(due));
    }

    /// Holds what cannot be read until an operator has seen to it.
    fn hold_unreadable(self: &Arc<Self>, job: Job, why: &SpoolError) {
        let wall = self.clock.wall();
        let queued = match self.store.read(job.id) {
            Ok(queued) => queued,
            Err(SpoolError::Unknown(_)) => return self.finish(&job),
            // Not even the envelope: nothing can be marked.
            Err(error) => return self.wait_unreadable(&job, &error),
        };
        let recipients = indexes(&queued.message, |state| state == RecipientState::Waiting);
        if recipients.is_empty() {
            // Only its archive copy is owed, and stays so.
            return self.wait_unreadable(&job, why);
        }
        let (reason, since) = (HoldReason::Unreadable, wall.0);
        let mut marks = recipient_marks(&recipients, RecipientState::Held { reason, since });
        marks.push(Mark::Attempt(Attempt { count: job.attempts, next_try: wall.0, last_reply: why.to_string() }));
        self.log.record(DeliveryRecord::Unreadable { id: job.id, why: why.to_string() });
        self.log.record(DeliveryRecord::Held { id: job.id, recipients, reason });
        let shared = Arc::clone(self);
        self.mark_and_finish(job.slot, job.id, marks, move |committed| {
            if committed {
                shared.aside(move |shared| shared.readmit(job.id));
            }
        });
    }

    fn discard(self: &Arc<Self>, job: &Job, reason: HoldReason) {
        let queued = match self.store.read(job.id) {
            Ok(queued) => queued,
            read => {
                self.finish(job);
                return self.admit_read(job.id, read, false);
            }
        };
        let is_meant = |state: RecipientState| matches!(state, RecipientState::Held { reason: held, .. } if held == reason);
        let recipients = indexes(&queued.message, is_meant);
        let marks = recipient_marks(&recipients, RecipientState::Done(Done::Discarded));
        let reason = match reason {
            HoldReason::Dsn => "a report to somebody who may never have written was held for long enough",
            _ => "it was held for long enough",
        };
        let record = FinalRecord { id: job.id, recipients, done: Done::Discarded, reason: reason.to_owned() };
        self.log.record(DeliveryRecord::Final(record));
        let (shared, id) = (Arc::clone(self), job.id);
        self.mark_and_finish(job.slot, job.id, marks, move |committed| {
            // Others of its recipients may be held for another reason.
            if committed {
                shared.aside(move |shared| shared.readmit(id));
            }
        });
    }
}

pub(super) fn indexes(message: &SpoolMessage, chosen: impl Fn(RecipientState) -> bool) -> Vec<u32> {
    let recipients = message.recipients.iter().enumerate();
    recipients.filter(|(_, recipient)| chosen(recipient.state)).map(|(index, _)| index as u32).collect()
}
