//! How messages come into the queue, leave it, and come back: which entries a message has follows from its recipients and the routes.

use std::sync::Arc;
use std::time::Duration;

use xd_config::NextHop;
use xd_core::Domain;
use xd_core::schedule::{Steady, Wall};
use xd_store::{Content, Done, Mark, QueueId, QueuedMessage, RecipientState, SpoolError, SpoolMessage};

use super::destination::DestinationKey;
use super::load::Unloadable;
use super::queue::{EntryState, HELD, Hot, NewEntry, Wanted, first_hold};
use super::record::{DeliveryRecord, FinalRecord};
use super::runner::{READ_AGAIN, Shared};

/// What became of a message that was to be taken out of the queue.
pub(super) enum Withdrawn {
    /// An attempt of it is under way.
    Busy,
    /// It is done.
    Gone,
    /// It cannot be read now, and stays where it is.
    Left,
    Taken(Box<QueuedMessage>),
}

impl Shared {
    /// Adds the entries of a message: one for each destination of its waiting recipients, one for those held, one for the archive.
    pub(super) fn admit(self: &Arc<Self>, queued: QueuedMessage, content: Option<Content>) {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        let (attempts, due) = match &queued.attempt {
            // A clock that was set back must not make it wait for longer than any wait is.
            Some(attempt) => {
                (attempt.count, now.after(attempt.next_try.saturating_sub(wall.0).min(self.options().schedule.longest())))
            }
            None => (0, now),
        };
        let state = if due > now { EntryState::Waiting } else { EntryState::Ready };
        let keys = self.keys_of(&queued.message);
        if queued.message.archive && self.options().archive.is_none() {
            // Nothing could ever be done about it, and the message would stay for good.
            let reason = "the archive copy was owed, and there is no archive any more".to_owned();
            let record = FinalRecord { id: queued.message.id, recipients: Vec::new(), done: Done::Discarded, reason };
            self.log.record(DeliveryRecord::Final(record));
            self.mark(queued.message.id, vec![Mark::Archived], |_| {});
        }
        let hold = first_hold(&queued);
        let message = Arc::new(queued.message);
        let (id, arrived) = (message.id, Wall(message.arrived));
        let hot = content.map(|content| Hot { message, content });
        let mut all = Wanted::default();
        let mut queue = self.queue();
        for key in &keys {
            let destination = queue.destination(key, now);
            let wanted = queue.add(NewEntry { id, arrived, destination, attempts, state, due }, hot.clone(), now);
            all.open.extend(wanted.open);
            all.timer |= wanted.timer;
        }
        if let Some((reason, since)) = hold {
            let state = EntryState::Held(reason);
            let _ = queue.add(NewEntry { id, arrived, destination: HELD, attempts, state, due: Steady(since) }, None, now);
        }
        drop(queue);
        self.carry_out(all);
    }

    /// Adds the entries of a message anew, as the spool has it now. One that is done has none. Reads a file.
    pub(super) fn readmit(self: &Arc<Self>, id: QueueId) {
        self.admit_read(id, self.store.read(id), false);
    }

    /// Adds the entries of a message as it was read. One that could not be is in no list meanwhile, and must come back to one.
    /// What the spool held at the start is recorded as such, once, when it could be read.
    pub(super) fn admit_read(self: &Arc<Self>, id: QueueId, read: Result<QueuedMessage, SpoolError>, is_recovered: bool) {
        match read.map_err(Unloadable::of) {
            Ok(queued) => {
                // Of one that was never tried, the end came perhaps before the record of its acceptance.
                if is_recovered && queued.attempt.is_none() {
                    let recipients = queued.message.recipients.iter();
                    let forward_paths = recipients.map(|recipient| recipient.forward_path.clone()).collect();
                    self.log.record(DeliveryRecord::Recovered { id, forward_paths });
                }
                self.admit(queued, None);
            }
            Err(Unloadable::Gone | Unloadable::Moved) => {}
            Err(Unloadable::Short) => self.readmit_later(id, READ_AGAIN, is_recovered),
            Err(Unloadable::Damaged(why) | Unloadable::Unreadable(why)) => {
                self.log.record(DeliveryRecord::Unreadable { id, why: why.to_string() });
                self.readmit_later(id, Duration::from_millis(self.options().schedule.interval), is_recovered);
            }
        }
    }

    fn readmit_later(self: &Arc<Self>, id: QueueId, after: Duration, is_recovered: bool) {
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(after).await;
            shared.aside(move |shared| shared.admit_read(id, shared.store.read(id), is_recovered));
        });
    }

    /// Takes a message out of the queue and reads it, in this order: what an attempt does to it in the meantime is either read, or
    /// keeps it from being taken. What cannot be read stays where it was.
    pub(super) fn withdraw(self: &Arc<Self>, id: QueueId) -> Withdrawn {
        let now = self.clock.steady();
        let entries = {
            let mut queue = self.queue();
            if queue.is_in_flight(id) {
                return Withdrawn::Busy;
            }
            queue.withdraw(id, now)
        };
        match self.store.read(id) {
            // It is about to be added, after a failure to read, say.
            Ok(_) if entries.is_empty() => Withdrawn::Left,
            Ok(queued) => Withdrawn::Taken(Box::new(queued)),
            Err(SpoolError::Unknown(_)) => Withdrawn::Gone,
            Err(_) => {
                let wanted = self.queue().put_back(entries, now);
                self.carry_out(wanted);
                Withdrawn::Left
            }
        }
    }

    /// Where a message goes: each destination of its waiting recipients once, and that of its archive copy.
    fn keys_of(&self, message: &SpoolMessage) -> Vec<DestinationKey> {
        let mut keys: Vec<DestinationKey> = Vec::new();
        for recipient in message.recipients.iter().filter(|recipient| recipient.state == RecipientState::Waiting) {
            let key = self.key_of(&recipient.forward_path);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if let (Some(archive), true) = (&self.options().archive, message.archive) {
            keys.push(DestinationKey { route: archive.route.clone(), domain: None, archive: true });
        }
        keys
    }

    /// The domain of a forward-path, by its A-label in lower case.
    pub(super) fn domain_of(&self, forward_path: &str) -> String {
        // RFC 5321 §4.5.1: `postmaster` alone is ours.
        let options = self.options();
        let text = forward_path.rsplit_once('@').map_or(options.hostname.as_str(), |(_, domain)| domain);
        Domain::parse(text).map_or_else(|_| text.to_ascii_lowercase(), |domain| domain.as_str().to_owned())
    }

    /// Where a forward-path goes.
    pub(super) fn key_of(&self, forward_path: &str) -> DestinationKey {
        let (options, domain) = (self.options(), self.domain_of(forward_path));
        let route = options.routes.get(&domain).unwrap_or(&options.outbound).clone();
        let needs_domain = route.next_hops.contains(&NextHop::Mx);
        DestinationKey { route, domain: needs_domain.then_some(domain), archive: false }
    }

    /// Recipients that wait and go to a destination.
    pub(super) fn recipients_of(&self, message: &SpoolMessage, key: &DestinationKey) -> Vec<u32> {
        let recipients = message.recipients.iter().enumerate();
        let waiting = recipients.filter(|(_, recipient)| recipient.state == RecipientState::Waiting);
        waiting.filter(|(_, recipient)| self.key_of(&recipient.forward_path) == *key).map(|(index, _)| index as u32).collect()
    }

    /// Puts back where it belongs now all that waits elsewhere, in its order. What goes where it went stays as it is.
    pub(super) fn readmit_all(self: &Arc<Self>) {
        let mut ids = self.queue().ids();
        ids.sort_unstable();
        for id in ids {
            let known = self.queue().known(id);
            // What is under way is looked at when it comes back.
            let Some((keys, hot)) = known else { continue };
            let message = match &hot {
                Some(hot) => Ok(hot.message.clone()),
                None => self.store.read(id).map(|queued| Arc::new(queued.message)),
            };
            if message.is_ok_and(|message| is_same(&self.keys_of(&message), &keys)) {
                continue;
            }
            if let Withdrawn::Taken(queued) = self.withdraw(id) {
                self.admit(*queued, hot.map(|hot| hot.content));
            }
        }
    }
}

fn is_same(some: &[DestinationKey], others: &[DestinationKey]) -> bool {
    some.len() == others.len() && some.iter().all(|key| others.contains(key))
}
