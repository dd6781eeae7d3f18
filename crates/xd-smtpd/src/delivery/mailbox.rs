//! Final delivery: a worker that writes files instead of speaking to a next hop.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::load::{Loaded, Source, Unloadable};
use super::maildir;
use super::runner::Shared;
use super::settle::{Outcome, Place};
use super::worker::Worker;
use crate::client::{Answer, Fault, RecipientResult, Reply, Stage};

/// Why a message was not written.
enum Unwritten {
    /// The mailbox: its disk is full, say.
    Mailbox(io::Error),
    /// Its own content could not be read.
    Content(Unloadable),
}

impl Worker {
    /// Writes what is ready into a Maildir, one after another.
    pub(super) async fn run_maildir(&mut self, path: &Path) {
        let place = Place::named(format!("maildir:{}", path.display()));
        let mut is_first = true;
        while self.fill().await {
            let Some(loaded) = self.loaded.pop_front() else { return };
            let (began, shared, is_archive, path) = (Instant::now(), self.shared.clone(), self.key.archive, path.to_owned());
            let written = tokio::task::spawn_blocking(move || {
                let result = write(&shared, &path, &loaded, is_archive);
                (loaded, result)
            });
            // It does not panic; were it to, the entry stays in flight until the next start, which loses nothing.
            let Ok((loaded, result)) = written.await else { return };
            match result {
                Ok(()) => {}
                Err(Unwritten::Content(why)) => {
                    self.shared.put_away(loaded.job, why);
                    continue;
                }
                Err(Unwritten::Mailbox(error)) => {
                    // A full disk is not the message's fault; all wait, and one tries.
                    self.loaded.push_front(loaded);
                    return self.unreachable(&[(place, Stage::Content, Fault::Connection(error.to_string()))]);
                }
            }
            if std::mem::take(&mut is_first) {
                self.reached();
            }
            {
                let (now, mut queue) = (self.shared.clock.steady(), self.shared.queue());
                if let Some(destination) = queue.at(self.destination) {
                    // Its own reader is the only one that profits from more at once.
                    let _ = destination.state.handle_delivered();
                    destination.count(now);
                }
            }
            let reply = Reply::local(250, [2, 0, 0], "written");
            let result = RecipientResult { stage: Stage::Content, answer: Answer::Reply(reply) };
            let recipients = if self.key.archive { vec![0] } else { loaded.recipients.clone() };
            let results = recipients.into_iter().map(|recipient| (recipient, result.clone())).collect();
            let (left_out, took) = (Vec::new(), began.elapsed());
            let outcome = Outcome { loaded, results, left_out, is_transaction: true, took, is_final: true, has_dsn: false };
            self.shared.settle(outcome, self.destination, &self.key, &place);
        }
    }
}

fn write(shared: &Shared, path: &Path, loaded: &Loaded, is_archive: bool) -> Result<(), Unwritten> {
    // The same message may come for other recipients later, and to the same Maildir as a copy for the archive: each its own file.
    let part = match loaded.recipients.first() {
        Some(first) if !is_archive => format!("R{first}"),
        _ => "A".to_owned(),
    };
    let name = format!("{}.{}{part}.{}", loaded.message.arrived / 1000, loaded.message.id, shared.options().hostname);
    // RFC 5321 §4.4: final delivery puts the reverse-path on top. The archive keeps what was accepted, byte for byte.
    let trace = (!is_archive).then(|| {
        let mut trace = format!("Return-Path: <{}>\r\n", loaded.message.reverse_path);
        for recipient in loaded.recipients.iter().filter_map(|index| loaded.message.recipients.get(*index as usize)) {
            trace.push_str(&format!("Delivered-To: {}\r\n", recipient.forward_path));
        }
        Ok(trace.into_bytes())
    });
    match &loaded.source {
        Source::Memory(content) => {
            let mut pieces = trace.into_iter().chain(content.pieces().map(|piece| Ok(piece.to_vec())));
            maildir::deliver(path, &name, &mut pieces).map_err(Unwritten::Mailbox)
        }
        Source::Spool => {
            let chunks = shared.store.read_content(loaded.job.id).map_err(|error| Unwritten::Content(Unloadable::of(error)))?;
            let mut unreadable = None;
            let mut chunks = chunks.map(|chunk| {
                chunk.map_err(|error| {
                    unreadable = Some(error);
                    io::Error::other("its content cannot be read")
                })
            });
            let written = maildir::deliver(path, &name, &mut trace.into_iter().chain(&mut chunks));
            drop(chunks);
            match (written, unreadable) {
                (Err(_), Some(error)) => Err(Unwritten::Content(Unloadable::of(error))),
                (written, _) => written.map_err(Unwritten::Mailbox),
            }
        }
    }
}
