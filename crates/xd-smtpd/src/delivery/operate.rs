//! What operators ask of the queue: to delete, hold, release, try again; and how it is doing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use xd_core::schedule::Wall;
use xd_store::{Done, HoldReason, Mark, QueueId, RecipientState};

use super::admit::Withdrawn;
use super::control::{Applied, Control, DestinationStatus, Latencies, Selection, Status};
use super::destination::DestinationKey;
use super::load::recipient_marks;
use super::queue::EntryState;
use super::record::{DeliveryRecord, FinalRecord};
use super::runner::Shared;
use super::sweep::indexes;

/// How long one request waits for attempts under way: most end within this.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 3_000 });
/// How long between two looks whether they have.
const PAUSE: Duration = Duration::from_millis(10);

impl Shared {
    pub(super) fn control(self: &Arc<Self>, control: &Control) -> Applied {
        let now = self.clock.steady();
        let (Control::Delete(selection) | Control::Hold(selection) | Control::Release(selection) | Control::Retry(selection)) =
            control;
        let chosen = self.select(selection);
        if let Control::Retry(_) = control {
            let (count, wanted) = self.queue().hurry(|id, _| chosen.binary_search(&id).is_ok(), now);
            self.carry_out(wanted);
            return Applied { messages: count, left: 0 };
        }
        let mut applied = Applied::default();
        let until = Instant::now() + PATIENCE;
        for id in chosen {
            let queued = match self.withdraw_soon(id, until) {
                Withdrawn::Taken(queued) => *queued,
                Withdrawn::Gone => continue,
                Withdrawn::Busy | Withdrawn::Left => {
                    applied.left += 1;
                    continue;
                }
            };
            let message = &queued.message;
            let wall = self.clock.wall();
            let (marks, record) = match control {
                Control::Delete(_) => {
                    let recipients = indexes(message, |state| !state.is_done());
                    let reason = "deleted by an operator".to_owned();
                    (
                        vec![Mark::Remove(Done::Deleted)],
                        DeliveryRecord::Final(FinalRecord { id, recipients, done: Done::Deleted, reason }),
                    )
                }
                Control::Hold(_) => {
                    let recipients = indexes(message, |state| state == RecipientState::Waiting);
                    let reason = HoldReason::Operator;
                    let marks = recipient_marks(&recipients, RecipientState::Held { reason, since: wall.0 });
                    (marks, DeliveryRecord::Held { id, recipients, reason })
                }
                _ => {
                    let recipients = indexes(message, |state| matches!(state, RecipientState::Held { .. }));
                    (recipient_marks(&recipients, RecipientState::Waiting), DeliveryRecord::Released { id, recipients })
                }
            };
            if marks.is_empty() {
                self.admit(queued, None);
                continue;
            }
            applied.messages += 1;
            self.log.record(record);
            let shared = Arc::clone(self);
            self.mark(id, marks, move |committed| {
                if committed {
                    shared.aside(move |shared| shared.readmit(id));
                }
            });
        }
        applied
    }

    /// Takes a message out of the queue, also one that is in flight, when its attempt ends soon. One whose attempt lasts is left to it.
    fn withdraw_soon(self: &Arc<Self>, id: QueueId, until: Instant) -> Withdrawn {
        loop {
            match self.withdraw(id) {
                Withdrawn::Busy if Instant::now() < until => std::thread::sleep(PAUSE),
                withdrawn => return withdrawn,
            }
        }
    }

    /// Tries now what waits at a destination.
    pub(super) fn hurry_to(self: &Arc<Self>, key: &DestinationKey) {
        let now = self.clock.steady();
        let wanted = {
            let mut queue = self.queue();
            let Some(meant) = queue.find(key) else { return };
            queue.hurry(|_, destination| destination == meant, now).1
        };
        self.carry_out(wanted);
    }

    /// The messages that are meant, sorted.
    pub(super) fn select(&self, selection: &Selection) -> Vec<QueueId> {
        let mut ids = match selection {
            Selection::Ids(ids) => ids.clone(),
            Selection::All => self.queue().ids(),
            Selection::Held => {
                let queue = self.queue();
                queue.list().filter(|entry| matches!(entry.4, EntryState::Held(_))).map(|entry| entry.0).collect()
            }
            Selection::Domain(domain) => {
                let is_meant = |id: &QueueId| {
                    self.store.read(*id).is_ok_and(|queued| {
                        let paths = queued.message.recipients.iter().filter(|recipient| !recipient.state.is_done());
                        let mut domains = paths.map(|recipient| self.domain_of(&recipient.forward_path));
                        domains.any(|other| other == *domain)
                    })
                };
                let ids = self.queue().ids();
                ids.into_iter().filter(is_meant).collect()
            }
        };
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(super) fn status(&self) -> Status {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        let mut queue = self.queue();
        let oldest = queue.oldest();
        let indexes: Vec<u32> = queue.destinations().map(|(index, _)| index).collect();
        let mut destinations = Vec::with_capacity(indexes.len());
        for index in indexes {
            let Some(at) = queue.at(index) else { continue };
            let rate = at.rate(now);
            // Seconds of a backlog; a rate below one in ten seconds is none.
            let eta = (rate > 0.0 && at.entries > 0).then(|| Duration::from_secs_f64(f64::from(at.entries) / rate));
            destinations.push(DestinationStatus {
                name: at.name.to_string(),
                waiting: u64::from(at.entries),
                oldest: Duration::from_millis(oldest.get(&index).map_or(0, |arrived| wall.since(Wall(*arrived)))),
                connections: at.connections,
                limit: at.state.limit(),
                down_for: at.state.down_since().map(|since| Duration::from_millis(now.since(since))),
                rate,
                eta,
                last_error: at.last_error.clone(),
            });
        }
        let (held, in_flight) = (queue.held, queue.in_flight);
        drop(queue);
        destinations.sort_by(|a, b| a.name.cmp(&b.name));
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        Status {
            destinations,
            held,
            in_flight,
            delivered: load(&counts.delivered),
            failed: load(&counts.failed),
            deferred: load(&counts.deferred),
            latencies: latencies(counts.ages.lock().unwrap_or_else(PoisonError::into_inner).0.clone()),
            stopped: self.store.is_broken(),
        }
    }
}

fn latencies(mut ages: Vec<u32>) -> Latencies {
    ages.sort_unstable();
    let share = |hundredths: usize| {
        let at = (ages.len() * hundredths).div_ceil(100).saturating_sub(1);
        Duration::from_millis(ages.get(at).copied().unwrap_or(0).into())
    };
    Latencies { p50: share(50), p95: share(95), p99: share(99) }
}
