//! What senders are told: which ends are reported, and the DSN made durable before they are marked (RFC 3461, RFC 3464).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use xd_store::{
    Acceptance, BodyType, Content, Done, HoldReason, Mark, Notify, QueuedMessage, RecipientState, SpoolMessage, SpoolRecipient,
};

use super::destination::DestinationKey;
use super::dsn::{self, Action, Report};
use super::load::Loaded;
use super::queue::Job;
use super::record::{DeliveryRecord, FinalRecord};
use super::runner::Shared;
use super::settle::{Place, describe, reply_of};
use crate::client::{RecipientResult, Stage};

impl Shared {
    /// Ends recipients that are too old.
    pub(super) fn expire(self: &Arc<Self>, loaded: Loaded, destination: u32, key: &DestinationKey) {
        let last = self.store.read(loaded.job.id).ok().and_then(|queued| queued.attempt).map(|attempt| attempt.last_reply);
        // Of a next hop that was never reached, nothing was said to any message.
        let unreached = || self.queue().at(destination).map(|at| at.last_error.clone());
        let last = last.filter(|reply| !reply.is_empty()).or_else(unreached);
        let reason = match last.as_deref() {
            None | Some("") => "it could not be delivered in time".to_owned(),
            Some(reply) => format!("it could not be delivered in time; the last answer was: {reply}"),
        };
        let mut marks = Vec::new();
        if key.archive {
            marks.push(Mark::Archived);
        } else {
            let state = RecipientState::Done(Done::Expired);
            marks.extend(loaded.recipients.iter().map(|index| Mark::Recipient { index: *index, state }));
            let report = |recipient: &u32| {
                let notify =
                    loaded.message.recipients.get(*recipient as usize).map_or(Notify::NEVER, |recipient| recipient.notify);
                is_reported(notify, Done::Expired, false).then(|| Report {
                    recipient: *recipient,
                    action: Action::Failed,
                    status: EXPIRED,
                    diagnostic: reason.clone(),
                    is_reply: false,
                    remote: None,
                })
            };
            let reports: Vec<Report> = loaded.recipients.iter().filter_map(report).collect();
            if !reports.is_empty() {
                return self.report_expired(&loaded, reports, marks, reason);
            }
        }
        self.end_expired(&loaded.job, loaded.recipients.clone(), marks, reason);
    }

    fn report_expired(self: &Arc<Self>, loaded: &Loaded, reports: Vec<Report>, marks: Vec<Mark>, reason: String) {
        let shared = Arc::clone(self);
        let (slot, attempts, recipients) = (loaded.job.slot, loaded.job.attempts, loaded.recipients.clone());
        let job = Job { slot, id: loaded.job.id, arrived: loaded.job.arrived, attempts, tried: None, hot: None };
        self.report(loaded, reports, move |reported| {
            if reported {
                // It names its recipients, which is read from a file.
                shared.aside(move |shared| shared.end_expired(&job, recipients, marks, reason));
            } else {
                // Its sender is told first; the spool may have room later.
                let due = shared.clock.steady().after(shared.options().schedule.interval);
                shared.requeue(slot, attempts, None, Some(due));
            }
        });
    }

    fn end_expired(self: &Arc<Self>, job: &Job, recipients: Vec<u32>, marks: Vec<Mark>, reason: String) {
        self.log.record(DeliveryRecord::Final(FinalRecord { id: job.id, recipients, done: Done::Expired, reason }));
        self.mark_and_finish(job.slot, job.id, marks, |_| {});
    }

    /// Makes a DSN durable, unless nobody may be told; `then` learns whether that is done.
    pub(super) fn report(self: &Arc<Self>, loaded: &Loaded, reports: Vec<Report>, then: impl FnOnce(bool) + Send + 'static) {
        // RFC 5321 §6.1: nothing is reported to the null reverse-path.
        if loaded.message.reverse_path.is_empty() {
            return then(true);
        }
        let (message, source, id) = (loaded.message.clone(), loaded.source.clone(), loaded.job.id);
        // It may have to be read, and who settles an attempt must not wait for a disk.
        self.aside(move |shared| {
            // What cannot be read is left out of the report; that is no reason to make none.
            let content = source.beginning(shared, id).unwrap_or_default();
            shared.accept_report(&message, &reports, &content, then);
        });
    }

    fn accept_report(
        self: &Arc<Self>,
        message: &SpoolMessage,
        reports: &[Report],
        content: &[u8],
        then: impl FnOnce(bool) + Send + 'static,
    ) {
        let (id, wall) = (self.store.next_id(), self.clock.wall());
        let name = id.to_string();
        let options = self.options();
        let frame = dsn::Frame { hostname: &options.hostname, brand: &options.brand, id: &name, now: wall.0 };
        let bytes = dsn::write(frame, message, reports, content);
        // A reverse-path that may be forged is not written to: the report waits for an operator, and then is discarded.
        let held = !message.may_report;
        let state = if held { RecipientState::Held { reason: HoldReason::Dsn, since: wall.0 } } else { RecipientState::Waiting };
        let sha256 = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &bytes)).into();
        let report = SpoolMessage {
            id,
            arrived: wall.0,
            reverse_path: String::new(),
            recipients: vec![SpoolRecipient {
                forward_path: message.reverse_path.clone(),
                orcpt: None,
                notify: Notify::NEVER,
                state,
            }],
            ret: None,
            envid: None,
            body: if bytes.is_ascii() { BodyType::SevenBit } else { BodyType::EightBitMime },
            smtputf8: !message.reverse_path.is_ascii() || message.smtputf8 && !bytes.is_ascii(),
            bytes: bytes.len() as u64,
            sha256_received: sha256,
            sha256_spooled: sha256,
            actions: Vec::new(),
            client: None,
            ehlo: options.hostname.clone(),
            authenticated: None,
            tls: None,
            may_report: false,
            class: String::new(),
            score: String::new(),
            engine: String::new(),
            archive: false,
        };
        self.log.record(DeliveryRecord::Dsn { about: message.id, id, held });
        let content = Content::from(bytes);
        let shared = Arc::clone(self);
        let queued = QueuedMessage { message: report.clone(), attempt: None };
        let acceptance = Acceptance { message: report, content: content.clone() };
        self.pending.fetch_add(1, Ordering::SeqCst);
        // Recipients are marked once it is durable: a crash may repeat a report, never lose it.
        let done = move |result: Result<(), xd_store::CommitError>| {
            let is_durable = result.is_ok();
            if is_durable {
                shared.admit(queued, Some(content));
            }
            then(is_durable);
            if shared.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
                shared.drained.notify_one();
            }
        };
        self.store.accept(acceptance, Box::new(done));
    }
}

/// RFC 3463 §3.5: delivery time expired.
const EXPIRED: [u16; 3] = [4, 4, 7];

/// Whether the end of a recipient is reported (RFC 3461 §4.1, §5.2).
pub(super) fn is_reported(notify: Notify, done: Done, is_final: bool) -> bool {
    match done {
        Done::Failed | Done::Expired => notify == Notify::DEFAULT || notify.has(Notify::FAILURE),
        // A next hop that reports itself was asked to; of others, that it took the message is all that is known.
        Done::Delivered => is_final && notify.has(Notify::SUCCESS),
        Done::Relayed => notify.has(Notify::SUCCESS),
        Done::Deleted | Done::Discarded => false,
    }
}

/// What a DSN says of a recipient.
pub(super) fn report(recipient: u32, result: &RecipientResult, done: Done, place: &Place) -> Report {
    let reply = reply_of(&result.answer);
    let action = match done {
        Done::Delivered => Action::Delivered,
        Done::Relayed => Action::Relayed,
        _ => Action::Failed,
    };
    let class = reply.map_or(4, |reply| reply.code / 100);
    let status = match (done, reply.and_then(|reply| reply.enhanced)) {
        (Done::Expired, _) => EXPIRED,
        (_, Some(status)) => status,
        (_, None) => [class, 0, 0],
    };
    Report {
        recipient,
        action,
        status,
        diagnostic: describe(result),
        is_reply: reply.is_some() && place.address.is_some() && result.stage != Stage::Connect,
        remote: (!place.next_hop.is_empty() && place.address.is_some()).then(|| place.next_hop.clone()),
    }
}
