//! What happens, as records of the journal: each refusal, acceptance, attempt and end.
//!
//! Records don't hold up mail. An acceptance is on disk in the spool before its record is; after a crash in between, the message is
//! recorded when it is recovered. What is accepted to be thrown away is in no spool, so its record is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::sync::oneshot;
use xd_store::{
    Change, CommitError, Delivery, HoldReason, Journal, JournalEvent, JournalGauges, JournalRecord, OsFileSystem, QueueId, Spool,
    SpoolMessage, Transaction as Recorded,
};

use super::judging::Judged;
use super::world::now_ms;
use crate::delivery::{AttemptRecord, DeliveryLog, DeliveryRecord};
use crate::log::Log;
use crate::server::Peer;
use crate::session::{Outcome, RefusalRecord, Reply, Stage, StageQuestion, Transaction};

/// Writes the journal.
#[derive(Debug)]
pub(crate) struct Ledger {
    journal: Journal,
    /// For the names of recipients, where a record knows their places alone.
    spool: Spool<OsFileSystem>,
    log: Log,
    /// Whether the last record was refused: a journal without room refuses many, and is warned of once.
    refuses: Arc<AtomicBool>,
}

impl Ledger {
    pub(crate) fn new(journal: Journal, spool: Spool<OsFileSystem>, log: Log) -> Self {
        Self { journal, spool, log, refuses: Arc::default() }
    }

    /// A message is on disk, or its end is.
    pub(super) fn accepted(&self, peer: &Peer, message: &SpoolMessage, judged: Option<Judged>, reply: &Outcome) {
        let mut record = Recorded {
            id: Some(message.id),
            reverse_path: Some(message.reverse_path.clone()),
            recipients: forward_paths(message),
            bytes: Some(message.bytes),
            sha256_received: hex(&message.sha256_received),
            sha256_spooled: hex(&message.sha256_spooled),
            actions: message.actions.clone(),
            reply: accepted(reply),
            ehlo: message.ehlo.clone(),
            // A verdict follows, or this says why there is none.
            class: message.class.clone(),
            ..of_peer(peer)
        };
        let capsule = judged.and_then(|judged| add_verdict(&mut record, judged));
        self.append(JournalEvent::Acceptance(record));
        self.append_capsule(Some(message.id), capsule);
        if let Some((recipients, reason)) = held(message) {
            let change = Change { id: Some(message.id), recipients, reason: reason.as_str().to_owned(), ..Change::default() };
            self.append(JournalEvent::Hold(change));
        }
    }

    /// A message is to be accepted and thrown away; waits until that is on disk. Its acceptance is recorded behind that: no message is
    /// recorded as accepted whose client is told otherwise.
    pub(super) async fn discarded(&self, message: &SpoolMessage) -> Result<(), CommitError> {
        let delivery = Delivery {
            id: Some(message.id),
            recipients: forward_paths(message),
            outcome: "discarded".to_owned(),
            reply: "by the action set for its class".to_owned(),
            ..Delivery::default()
        };
        let (written, commit) = oneshot::channel();
        let done = move |result| {
            // The connection may be gone; the record is there all the same.
            let _ = written.send(result);
        };
        // Its client waits: where something is used up it is told so, and comes again.
        self.journal.append_or_refuse(&at_now(JournalEvent::Final(delivery)), done);
        commit.await.unwrap_or(Err(CommitError::Closed))
    }

    /// A message was refused after its content.
    pub(super) fn refused_content(&self, peer: &Peer, transaction: &Transaction, judged: Option<Judged>, outcome: &Outcome) {
        let mut record = Recorded {
            reverse_path: Some(transaction.mail.reverse_path.as_str().to_owned()),
            recipients: transaction.recipients.iter().map(|recipient| recipient.forward_path.as_str().to_owned()).collect(),
            bytes: Some(transaction.content.len() as u64),
            sha256_received: hex(&transaction.sha256),
            stage: "content".to_owned(),
            reply: described(outcome),
            ehlo: transaction.ehlo.to_string(),
            ..of_peer(peer)
        };
        let capsule = judged.and_then(|judged| add_verdict(&mut record, judged));
        self.append(JournalEvent::Refusal(record));
        self.append_capsule(None, capsule);
    }

    /// A message could not be made durable, and its client was told so.
    pub(super) fn refused_spooling(&self, peer: &Peer, message: &SpoolMessage, outcome: &Outcome) {
        self.append(JournalEvent::Refusal(Recorded {
            reverse_path: Some(message.reverse_path.clone()),
            recipients: forward_paths(message),
            bytes: Some(message.bytes),
            sha256_received: hex(&message.sha256_received),
            stage: "content".to_owned(),
            reply: described(outcome),
            ehlo: message.ehlo.clone(),
            class: message.class.clone(),
            score: message.score.clone(),
            engine: message.engine.clone(),
            ..of_peer(peer)
        }));
    }

    /// Some recipients of a message that others get were refused it (LMTP).
    pub(super) fn refused_beside(&self, peer: &Peer, message: &SpoolMessage, beside: Vec<(Reply, Vec<String>)>) {
        for (reply, recipients) in beside {
            self.append(JournalEvent::Refusal(Recorded {
                reverse_path: Some(message.reverse_path.clone()),
                recipients,
                bytes: Some(message.bytes),
                sha256_received: hex(&message.sha256_received),
                stage: "content".to_owned(),
                reply: reply.to_string(),
                ehlo: message.ehlo.clone(),
                engine: message.engine.clone(),
                ..of_peer(peer)
            }));
        }
    }

    /// A message was refused because we failed on it; it is lost to us, and its client has it.
    pub(super) fn refused_by_fault(&self, peer: &Peer, reply: &Reply) {
        let (stage, reply) = ("content".to_owned(), reply.to_string());
        self.append(JournalEvent::Refusal(Recorded { stage, reply, ..of_peer(peer) }));
    }

    /// A client was refused before the message existed.
    pub(super) fn refused_stage(&self, peer: &Peer, question: &StageQuestion<'_>, reply: &Reply) {
        let (stage, recipient) = match question.stage {
            Stage::Connect => ("connection", None),
            Stage::Ehlo => ("EHLO", None),
            Stage::Mail => ("MAIL", None),
            Stage::Rcpt(recipient) => ("RCPT", Some(recipient.forward_path.as_str().to_owned())),
        };
        self.append(JournalEvent::Refusal(Recorded {
            reverse_path: question.mail.map(|mail| mail.reverse_path.as_str().to_owned()),
            recipients: recipient.into_iter().collect(),
            stage: stage.to_owned(),
            reply: reply.to_string(),
            ehlo: question.ehlo.unwrap_or_default().to_owned(),
            ..of_peer(peer)
        }));
    }

    /// The dialogue itself refused something.
    pub(super) fn refused_by_session(&self, peer: &Peer, refusal: &RefusalRecord) {
        self.append(JournalEvent::Refusal(Recorded {
            reverse_path: refusal.reverse_path.as_ref().map(|path| path.as_str().to_owned()),
            recipients: refusal.recipients.iter().map(|path| path.as_str().to_owned()).collect(),
            stage: refusal.command.to_owned(),
            reply: refusal.reply.to_string(),
            ehlo: refusal.ehlo.as_deref().unwrap_or_default().to_owned(),
            ..of_peer(peer)
        }));
    }

    /// A message cannot be read from the spool.
    pub(crate) fn unreadable(&self, id: QueueId, why: &str) {
        self.log.warn("unreadable", json!({ "id": id.to_string(), "why": why }));
        let (what, reason) = ("unreadable".to_owned(), why.to_owned());
        self.append(JournalEvent::Operator(Change { id: Some(id), what, reason, ..Change::default() }));
    }

    /// Sees to it that what was left out is told though nothing else is recorded.
    pub(crate) fn tell_lost(&self) {
        self.journal.tell_lost();
    }

    /// How the journal is doing.
    pub(crate) fn gauges(&self) -> JournalGauges {
        self.journal.gauges()
    }

    /// Why nothing can be recorded any more. What cannot be recorded is not accepted.
    pub(super) fn is_broken(&self) -> Option<Arc<str>> {
        self.journal.is_broken()
    }

    fn append_capsule(&self, id: Option<QueueId>, capsule: Option<Vec<u8>>) {
        if let Some(bytes) = capsule {
            self.append(JournalEvent::Capsule { id, bytes });
        }
    }

    fn append(&self, event: JournalEvent) {
        let (log, refuses) = (self.log.clone(), self.refuses.clone());
        let done = move |result: Result<(), CommitError>| match result {
            Ok(()) => refuses.store(false, Ordering::Relaxed),
            Err(error) if !refuses.swap(true, Ordering::Relaxed) => {
                log.warn("journal", json!({ "why": error.to_string(), "records": "left out, and counted" }));
            }
            Err(_) => {}
        };
        self.journal.append(&at_now(event), Some(Box::new(done)));
    }

    /// The forward-paths of some recipients of a message in the spool.
    fn named(&self, id: QueueId, recipients: &[u32]) -> Vec<String> {
        let Ok(queued) = self.spool.read_message(id) else { return Vec::new() };
        let known = &queued.message.recipients;
        recipients.iter().filter_map(|index| known.get(*index as usize)).map(|recipient| recipient.forward_path.clone()).collect()
    }
}

impl DeliveryLog for Arc<Ledger> {
    fn record(&self, record: DeliveryRecord) {
        let change = |id, recipients: &[u32], reason: String| Change {
            id: Some(id),
            recipients: self.named(id, recipients),
            reason,
            ..Change::default()
        };
        match record {
            DeliveryRecord::Attempt(attempt) => self.append(JournalEvent::Attempt(attempted(*attempt))),
            DeliveryRecord::Dsn { about, id, held } => {
                let what = if held { "report held" } else { "report" };
                let reason = format!("about {about}");
                self.append(JournalEvent::Operator(Change { id: Some(id), what: what.to_owned(), reason, ..Change::default() }));
            }
            DeliveryRecord::Final(end) => self.append(JournalEvent::Final(Delivery {
                id: Some(end.id),
                recipients: self.named(end.id, &end.recipients),
                outcome: end.done.as_str().to_owned(),
                reply: end.reason,
                ..Delivery::default()
            })),
            DeliveryRecord::Held { id, recipients, reason } => {
                self.append(JournalEvent::Hold(change(id, &recipients, reason.as_str().to_owned())));
            }
            DeliveryRecord::Recovered { id, forward_paths: recipients } => {
                let (id, what) = (Some(id), "recovered".to_owned());
                self.append(JournalEvent::Operator(Change { id, recipients, what, ..Change::default() }));
            }
            DeliveryRecord::Unreadable { id, why } => self.unreadable(id, &why),
            DeliveryRecord::Released { id, recipients } => {
                self.append(JournalEvent::Release(change(id, &recipients, String::new())));
            }
        }
    }
}

fn attempted(attempt: AttemptRecord) -> Delivery {
    let reply = attempt.reply.as_ref().map(ToString::to_string);
    Delivery {
        id: Some(attempt.id),
        recipients: attempt.forward_paths,
        outcome: attempt.done.map_or("deferred", |done| done.as_str()).to_owned(),
        next_hop: attempt.next_hop,
        peer: attempt.address.map(|address| address.to_string()).unwrap_or_default(),
        reply: reply.or(attempt.reason).unwrap_or_default(),
        remote_id: attempt.remote_id.unwrap_or_default(),
        tls: attempt.tls,
        took: u64::try_from(attempt.took.as_millis()).ok(),
        attempt: Some(attempt.attempt),
    }
}

fn at_now(event: JournalEvent) -> JournalRecord {
    JournalRecord { time: now_ms(), event }
}

fn of_peer(peer: &Peer) -> Recorded {
    Recorded { client: peer.client(), authenticated: peer.authenticated.as_deref().map(str::to_owned), ..Recorded::default() }
}

/// Adds what judging said; gives what it follows from.
fn add_verdict(record: &mut Recorded, judged: Judged) -> Option<Vec<u8>> {
    record.class = judged.class.to_string();
    (record.score, record.engine) = (judged.score, judged.engine);
    record.subject = Some(judged.subject).filter(|subject| !subject.is_empty());
    judged.capsule
}

fn forward_paths(message: &SpoolMessage) -> Vec<String> {
    message.recipients.iter().map(|recipient| recipient.forward_path.clone()).collect()
}

/// The recipients that are held from the beginning, and why.
fn held(message: &SpoolMessage) -> Option<(Vec<String>, HoldReason)> {
    let quarantined = message
        .recipients
        .iter()
        .filter(|recipient| matches!(recipient.state, xd_store::RecipientState::Held { reason: HoldReason::Quarantine, .. }));
    let recipients: Vec<_> = quarantined.map(|recipient| recipient.forward_path.clone()).collect();
    (!recipients.is_empty()).then_some((recipients, HoldReason::Quarantine))
}

/// What those were told for whom it was accepted.
fn accepted(outcome: &Outcome) -> String {
    match outcome {
        Outcome::PerRecipient(replies) => replies.iter().find(|reply| reply.is_positive()).map(ToString::to_string),
        Outcome::One(reply) => Some(reply.to_string()),
    }
    .unwrap_or_default()
}

fn described(outcome: &Outcome) -> String {
    match outcome {
        Outcome::One(reply) => reply.to_string(),
        Outcome::PerRecipient(replies) => replies.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

fn hex(hash: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)]));
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_in_hexadecimal() {
        let mut hash = [0; 32];
        (hash[0], hash[31]) = (0xab, 0x0f);
        assert_eq!(hex(&hash), format!("ab{}0f", "00".repeat(30)));
    }
}
