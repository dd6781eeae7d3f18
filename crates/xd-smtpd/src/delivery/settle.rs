//! What follows from the answers of an attempt: marks, records, DSNs, and the entry's next state.
//!
//! | answer | recipient | entry |
//! |---|---|---|
//! | 2yz to the content | done: delivered | |
//! | 5yz | done: failed, and a DSN where one is due; an archive copy is given up, which the journal tells | |
//! | 4yz about the message, or the connection lost in the transaction | waits | in about 20 minutes |
//! | 421, 4.3.x | waits | sooner, then ever later |
//! | too many recipients, after some were taken | waits | at once, when the others are marked |
//! | connection closed before anything was said | waits | at once |
//! | next hop not reached | waits | with the next probe of the next hop |
//!
//! An entry of which some recipients are done is ready again only when their marks are durable: the next attempt reads the
//! envelope, and must not find them waiting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use xd_core::schedule::{Extent, Plan, ReplyClass, Steady, classify};
use xd_store::{Attempt, Done, Mark, Notify, RecipientState};

use super::destination::DestinationKey;
use super::load::Loaded;
use super::queue::{Job, Tried};
use super::record::{AttemptRecord, DeliveryRecord};
use super::report::{is_reported, report};
use super::runner::Shared;
use crate::client::{Answer, Fault, RecipientResult, Reply, Stage};

/// Where an attempt went.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) next_hop: String,
    pub(super) address: Option<SocketAddr>,
    pub(super) tls: Option<String>,
}

impl Place {
    pub(super) fn named(next_hop: String) -> Self {
        Self { next_hop, address: None, tls: None }
    }
}

/// What an answer means for a recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// There were too many recipients before it.
    Again,
    Deferred,
    Delivered,
    Failed,
    /// Deferred by a next hop that is short of something.
    Pressed,
}

/// What came of an attempt.
pub(super) struct Outcome {
    pub(super) loaded: Loaded,
    /// The answer for each recipient that was in it; for an archive copy, one.
    pub(super) results: Vec<(u32, RecipientResult)>,
    /// Recipients for which the transaction had no room, or that had their turn before it.
    pub(super) left_out: Vec<u32>,
    /// Whether the next hop was asked, for as many as it has room for.
    pub(super) is_transaction: bool,
    pub(super) took: Duration,
    /// Whether it was final delivery, into a mailbox.
    pub(super) is_final: bool,
    /// Whether the next hop reports delivery itself.
    pub(super) has_dsn: bool,
}

pub(super) fn fate_of(result: &RecipientResult) -> Fate {
    match &result.answer {
        Answer::Reply(reply) => match classify(reply.code, reply.enhanced, result.stage == Stage::Rcpt) {
            ReplyClass::Done => Fate::Delivered,
            ReplyClass::Failed => Fate::Failed,
            ReplyClass::Deferred(Extent::Recipients) => Fate::Again,
            ReplyClass::Deferred(Extent::NextHop) => Fate::Pressed,
            ReplyClass::Deferred(Extent::Message) | ReplyClass::Nonsense => Fate::Deferred,
        },
        Answer::Interrupted(Fault::Refused(_)) => Fate::Pressed,
        Answer::Interrupted(_) | Answer::Unanswered(_) | Answer::Untried => Fate::Deferred,
    }
}

impl Shared {
    /// Carries out what follows from an attempt.
    pub(super) fn settle(self: &Arc<Self>, outcome: Outcome, destination: u32, key: &DestinationKey, place: &Place) {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        let Outcome { loaded, results, left_out, is_transaction, took, is_final, has_dsn } = outcome;
        let (job, message) = (&loaded.job, &loaded.message);
        let mut fates: Vec<Fate> = results.iter().map(|(_, result)| fate_of(result)).collect();
        let any_done = fates.iter().any(|fate| matches!(fate, Fate::Delivered | Fate::Failed));
        for fate in &mut fates {
            match *fate {
                // A next hop that takes not even one recipient is asked again as any that defers.
                Fate::Again if !any_done => *fate = Fate::Deferred,
                _ => {}
            }
        }
        let attempt = job.attempts.saturating_add(1);
        // All have their turn before any has its second. A next hop that takes nobody is not asked without a wait for ever.
        let before = job.tried.as_ref();
        let last = results.iter().zip(&fates).take_while(|(_, fate)| **fate != Fate::Again).last();
        let last = last.filter(|_| is_transaction).map(|((index, _), _)| *index).or_else(|| before.map(|tried| tried.last));
        let more_turns = left_out.iter().any(|index| last.is_none_or(|last| *index > last));
        let at_once = more_turns && (any_done || !fates.contains(&Fate::Pressed)) || fates.contains(&Fate::Again);
        // However many transactions it takes, it is one attempt.
        let attempts = if at_once { job.attempts } else { attempt };
        let plan = if at_once { None } else { self.plan(&fates, !left_out.is_empty(), job, attempts) };
        let is_expired = matches!(plan, Some(Plan::Expire(at)) if at <= now);
        let next_try = match plan {
            Some(Plan::Retry(at) | Plan::Expire(at)) if !is_expired => Some(wall.0.saturating_add(at.since(now))),
            _ => None,
        };
        let mut marks = Vec::with_capacity(results.len() + 1);
        let mut reports = Vec::new();
        let mut records: Vec<AttemptRecord> = Vec::new();
        let mut last_reply = before.map_or_else(String::new, |tried| tried.reply.clone());
        for ((recipient, result), fate) in results.iter().zip(&fates) {
            let notify = message.recipients.get(*recipient as usize).map_or(Notify::NEVER, |recipient| recipient.notify);
            let done = match fate {
                Fate::Delivered if !is_final && !has_dsn && notify.has(Notify::SUCCESS) && !key.archive => Some(Done::Relayed),
                Fate::Delivered => Some(Done::Delivered),
                Fate::Failed => Some(Done::Failed),
                Fate::Deferred | Fate::Pressed if is_expired => Some(Done::Expired),
                Fate::Again | Fate::Deferred | Fate::Pressed => None,
            };
            if let (Some(done), false) = (done, key.archive) {
                marks.push(Mark::Recipient { index: *recipient, state: RecipientState::Done(done) });
                if is_reported(notify, done, is_final) {
                    reports.push(report(*recipient, result, done, place));
                }
            } else if done.is_some() {
                marks.push(Mark::Archived);
            } else {
                last_reply = describe(result);
            }
            let recipients = if key.archive { Vec::new() } else { vec![*recipient] };
            match records.last_mut() {
                Some(last) if last.done == done && is_same(last, result) => {
                    last.forward_paths.extend(loaded.forward_paths(&recipients));
                    last.recipients.extend(recipients);
                }
                _ => records.push(AttemptRecord {
                    id: job.id,
                    forward_paths: loaded.forward_paths(&recipients).collect(),
                    recipients,
                    attempt,
                    destination: self.name_of(destination),
                    next_hop: place.next_hop.clone(),
                    address: place.address,
                    tls: place.tls.clone(),
                    stage: result.stage,
                    reply: reply_of(&result.answer).cloned(),
                    reason: reason_of(&result.answer),
                    remote_id: queue_id_of(result),
                    done,
                    next_try: if done.is_none() { next_try } else { None },
                    age: Duration::from_millis(wall.since(job.arrived)),
                    took,
                }),
            }
        }
        self.count(&fates, wall.since(job.arrived));
        for record in records {
            self.log.record(DeliveryRecord::Attempt(Box::new(record)));
        }
        let some_done = !marks.is_empty();
        let tried = last.filter(|_| at_once).map(|last| Tried { last, reply: last_reply.clone() });
        let remains = next_try.is_some() || fates.contains(&Fate::Again) || !left_out.is_empty();
        if remains {
            let next_try = next_try.unwrap_or(wall.0);
            marks.push(Mark::Attempt(Attempt { count: attempts, next_try, last_reply }));
        }
        let due = plan.filter(|_| !is_expired).map(|(Plan::Retry(at) | Plan::Expire(at))| at);
        let end = End { slot: loaded.job.slot, id: loaded.job.id, marks, attempts, tried, due, remains, some_done };
        if reports.is_empty() {
            return self.end(end);
        }
        let shared = Arc::clone(self);
        let interval = self.options().schedule.interval;
        self.report(&loaded, reports, move |reported| {
            shared.end(if reported { end } else { end.without_failures(now.after(interval)) });
        });
    }

    /// Marks what became of an entry, and puts it where it belongs.
    fn end(self: &Arc<Self>, end: End) {
        let End { slot, id, marks, attempts, tried, due, remains, some_done } = end;
        if !remains {
            self.mark_and_finish(slot, id, marks, |_| {});
        } else if some_done {
            let shared = Arc::clone(self);
            self.mark(id, marks, move |committed| {
                // Marks that are not durable leave it in flight: nothing is attempted again before the next start.
                if committed {
                    shared.requeue(slot, attempts, tried, due);
                }
            });
        } else {
            self.mark(id, marks, |_| {});
            self.requeue(slot, attempts, tried, due);
        }
    }

    /// Settles a message as if a next hop had given this reply for all recipients.
    pub(super) fn refuse(self: &Arc<Self>, loaded: Loaded, reply: &Reply, destination: u32, key: &DestinationKey, place: &Place) {
        let result = RecipientResult { stage: Stage::Connect, answer: Answer::Reply(reply.clone()) };
        let recipients = if key.archive { vec![0] } else { loaded.recipients.clone() };
        let results = recipients.into_iter().map(|recipient| (recipient, result.clone())).collect();
        let (left_out, took) = (Vec::new(), Duration::ZERO);
        let outcome = Outcome { loaded, results, left_out, is_transaction: false, took, is_final: true, has_dsn: false };
        self.settle(outcome, destination, key, place);
    }

    /// When an entry is due again, if any of its recipients waits: of these, or of others that were deferred before them.
    fn plan(&self, fates: &[Fate], others: bool, job: &Job, attempts: u32) -> Option<Plan> {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        let options = self.options();
        let (node, message) = (options.node.as_bytes(), job.id.number());
        let schedule = &options.schedule;
        if fates.contains(&Fate::Deferred) || others && !fates.contains(&Fate::Pressed) {
            Some(schedule.after_attempt(node, message, attempts, job.arrived, wall, now))
        } else if fates.contains(&Fate::Pressed) {
            Some(schedule.after_pressure(node, message, attempts, job.arrived, wall, now))
        } else {
            None
        }
    }

    /// Puts an entry that is in flight back: until a moment, or at once.
    pub(super) fn requeue(self: &Arc<Self>, slot: u32, attempts: u32, tried: Option<Tried>, due: Option<Steady>) {
        let wanted = self.queue().wait(slot, attempts, tried, due.unwrap_or_else(|| self.clock.steady()));
        self.carry_out(wanted);
    }

    /// Marks in the spool; `then` learns whether they are durable.
    pub(super) fn mark(self: &Arc<Self>, id: xd_store::QueueId, marks: Vec<Mark>, then: impl FnOnce(bool) + Send + 'static) {
        self.pending.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(self);
        let done = move |result: Result<(), xd_store::CommitError>| {
            if result.is_err() {
                shared.heed_store();
            }
            then(result.is_ok());
            if shared.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
                shared.drained.notify_one();
            }
        };
        self.store.mark(id, marks, Box::new(done));
    }

    /// Marks the end of an entry in the spool. An entry that has others of its message beside it stays in flight until that is
    /// durable: whoever reads the message for one of them must not find these recipients waiting.
    pub(super) fn mark_and_finish(
        self: &Arc<Self>,
        slot: u32,
        id: xd_store::QueueId,
        marks: Vec<Mark>,
        then: impl FnOnce(bool) + Send + 'static,
    ) {
        let now = self.clock.steady();
        let is_finished = {
            let mut queue = self.queue();
            let is_alone = queue.is_alone(slot);
            if is_alone {
                queue.finish(slot, now);
            }
            is_alone
        };
        let shared = Arc::clone(self);
        self.mark(id, marks, move |committed| {
            // Without the marks it stays in flight until the next start: nothing of it is attempted twice before.
            if committed && !is_finished {
                shared.queue().finish(slot, now);
            }
            then(committed);
        });
    }

    /// Records that a destination could not be reached, by the message that tried. It is charged nothing: what is said of it in
    /// the spool is why it still waits.
    pub(super) fn log_unreachable(&self, loaded: &Loaded, destination: u32, place: &Place, stage: Stage, fault: &Fault) {
        let reply = if let Fault::Refused(reply) = fault { Some(reply.clone()) } else { None };
        self.log.record(DeliveryRecord::Attempt(Box::new(AttemptRecord {
            id: loaded.job.id,
            recipients: loaded.recipients.clone(),
            forward_paths: loaded.forward_paths(&loaded.recipients).collect(),
            attempt: loaded.job.attempts.saturating_add(1),
            destination: self.name_of(destination),
            next_hop: place.next_hop.clone(),
            address: place.address,
            tls: place.tls.clone(),
            stage,
            reason: if reply.is_none() { Some(fault.to_string()) } else { None },
            reply,
            remote_id: None,
            done: None,
            next_try: None,
            age: Duration::from_millis(self.clock.wall().since(loaded.job.arrived)),
            took: Duration::ZERO,
        })));
    }

    /// Notes in the spool why a message still waits, for whoever looks at it. It is charged nothing.
    pub(super) fn note_unreachable(self: &Arc<Self>, loaded: &Loaded, place: &Place, fault: &Fault) {
        let last_reply = shortened(format!("{}: {fault}", place.next_hop));
        let attempt = Attempt { count: loaded.job.attempts, next_try: self.clock.wall().0, last_reply };
        self.mark(loaded.job.id, vec![Mark::Attempt(attempt)], |_| {});
    }
}

/// How an attempt ends for its entry.
struct End {
    slot: u32,
    id: xd_store::QueueId,
    marks: Vec<Mark>,
    attempts: u32,
    tried: Option<Tried>,
    due: Option<Steady>,
    remains: bool,
    some_done: bool,
}

impl End {
    /// The same when failures could not be reported: those recipients wait, and fail again later.
    fn without_failures(mut self, due: Steady) -> Self {
        let failed = [Done::Failed, Done::Expired].map(RecipientState::Done);
        self.marks.retain(|mark| !matches!(mark, Mark::Recipient { state, .. } if failed.contains(state)));
        self.some_done = self.marks.iter().any(|mark| matches!(mark, Mark::Recipient { .. }));
        (self.remains, self.due) = (true, Some(due));
        self
    }
}

pub(super) fn reply_of(answer: &Answer) -> Option<&Reply> {
    match answer {
        Answer::Reply(reply) | Answer::Interrupted(Fault::Refused(reply)) | Answer::Unanswered(Fault::Refused(reply)) => {
            Some(reply)
        }
        Answer::Interrupted(_) | Answer::Unanswered(_) | Answer::Untried => None,
    }
}

fn reason_of(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Reply(_) => None,
        Answer::Interrupted(fault) => Some(fault.to_string()),
        Answer::Unanswered(fault) => Some(format!("{fault}, after the whole message was sent: it may have been taken")),
        Answer::Untried => Some(Fault::Closed.to_string()),
    }
}

fn queue_id_of(result: &RecipientResult) -> Option<String> {
    let reply = reply_of(&result.answer).filter(|reply| result.stage == Stage::Content && reply.is_positive())?;
    reply.queue_id().map(str::to_owned)
}

fn is_same(record: &AttemptRecord, result: &RecipientResult) -> bool {
    record.stage == result.stage
        && record.reply.as_ref() == reply_of(&result.answer)
        && record.reason == reason_of(&result.answer)
}

/// An answer in a line, for operators and senders.
pub(super) fn describe(result: &RecipientResult) -> String {
    shortened(match (reason_of(&result.answer), reply_of(&result.answer)) {
        (Some(reason), _) => reason,
        (None, Some(reply)) => reply.to_string(),
        (None, None) => String::new(),
    })
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_DESCRIPTION {
        text.truncate((0..=MAX_DESCRIPTION).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
    }
    text
}

/// Bytes of an answer that are kept in the spool and told to senders.
const MAX_DESCRIPTION: usize = 512;
