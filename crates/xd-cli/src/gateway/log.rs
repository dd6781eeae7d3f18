//! `xd log`: what happened to mail, from the journal of a gateway, whether it runs or not.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use xd_core::Timestamp;
use xd_store::{
    Change, Delivery, Journal, JournalEntry, JournalEvent, JournalQuery, JournalReader, JournalRecord, OsFileSystem, Transaction,
};

use super::arguments::{Log, Place, Search, Tail};
use crate::arguments::ScanFormat;
use crate::escape::Plain;
use crate::failure::{FAILED, Failure, INTERRUPTED, UNREAD};
use crate::output::{Output, complain};
use crate::stop;
use crate::terminal::Terminal;

/// How often a journal is looked at for more.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(log: &Log) -> Result<ExitCode, Failure> {
    stop::listen()?;
    match log {
        Log::Search(arguments) => search(arguments),
        Log::Tail(arguments) => tail(arguments),
    }
}

/// A journal that is read, and what could not be.
struct Reading {
    reader: JournalReader<OsFileSystem>,
    damaged: bool,
}

impl Reading {
    fn open(place: &Place) -> Result<Self, Failure> {
        let path = place.data()?.join("journal");
        let reader = Journal::read_dir(&path).map_err(|error| Failure::operator(format!("{}: {error}", path.display())))?;
        Ok(Self { reader, damaged: false })
    }

    /// The next record, if there is one yet. Damage is named and passed over.
    fn next(&mut self) -> Result<Option<(u64, JournalRecord)>, Failure> {
        loop {
            match self.reader.next_entry().map_err(|error| Failure::operator(error.to_string()))? {
                Some(JournalEntry::Record { sequence, record, .. }) => {
                    if let JournalEvent::Lost(gap) = &record.event {
                        complain("journal", &format!("{} records were left out before record {sequence}", gap.records));
                    }
                    return Ok(Some((sequence, record)));
                }
                Some(JournalEntry::Damage(path, damage)) => {
                    complain(&path.display().to_string(), &damage.to_string());
                    self.damaged = true;
                }
                Some(JournalEntry::Missing { from, to }) => {
                    complain("journal", &format!("records {from} to {} are gone", to - 1));
                }
                Some(JournalEntry::Unknown { sequence, .. }) => {
                    complain("journal", &format!("record {sequence} is of a later version"));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Says up to where the journal was read: what is not found up to there is not in it.
    fn ending(&self, found: bool, text: bool, output: &mut Output) -> Result<ExitCode, Failure> {
        if text {
            output.lines(format!("\nread up to record {}\n", self.reader.last_sequence()))?;
        }
        Ok(ExitCode::from(match () {
            () if stop::asked() => INTERRUPTED,
            () if self.damaged => UNREAD,
            () if found => 0,
            () => FAILED,
        }))
    }
}

fn search(arguments: &Search) -> Result<ExitCode, Failure> {
    let query = JournalQuery::new(&arguments.to).with_reverse_path(&arguments.from).with_subject(&arguments.subject);
    let mut reading = Reading::open(&arguments.place)?;
    let mut output = Output::new(Terminal::of_output());
    let text = arguments.place.format == ScanFormat::Text;
    let mut found = false;
    while let Some((sequence, record)) = reading.next()? {
        if stop::asked() {
            break;
        }
        if query.matches(&record) {
            found = true;
            output.lines(line(sequence, &record, text))?;
        }
    }
    let ending = reading.ending(found, text, &mut output)?;
    output.finish()?;
    Ok(ending)
}

fn tail(arguments: &Tail) -> Result<ExitCode, Failure> {
    let mut reading = Reading::open(&arguments.place)?;
    let mut output = Output::new(Terminal::of_output());
    let text = arguments.place.format == ScanFormat::Text;
    let mut last = VecDeque::new();
    while let Some(record) = reading.next()? {
        if last.len() >= arguments.lines.max(1) {
            last.pop_front();
        }
        last.push_back(record);
    }
    for (sequence, record) in last.iter().take(arguments.lines) {
        output.lines(line(*sequence, record, text))?;
    }
    while arguments.follow && !stop::asked() {
        match reading.next()? {
            Some((sequence, record)) => output.lines(line(sequence, &record, text))?,
            None => {
                output.flush()?;
                std::thread::sleep(LOOK);
            }
        }
    }
    let ending = reading.ending(true, text && !arguments.follow, &mut output)?;
    output.finish()?;
    Ok(ending)
}

/// A record on a line of its own.
fn line(sequence: u64, record: &JournalRecord, text: bool) -> Vec<u8> {
    let mut line = if text { told(record) } else { record.to_json(sequence) };
    line.push('\n');
    line.into_bytes()
}

/// A record for people: when, what, about whom, and what was said.
fn told(record: &JournalRecord) -> String {
    let when = Timestamp::from_unix(i64::try_from(record.time / 1_000).unwrap_or(i64::MAX));
    let id = record.id().map_or_else(|| " ".repeat(13), |id| id.to_string());
    let (what, rest) = match &record.event {
        JournalEvent::Acceptance(transaction) => ("accepted", of_transaction(transaction)),
        JournalEvent::Attempt(delivery) => (delivery.outcome.as_str(), of_delivery(delivery)),
        JournalEvent::Capsule { bytes, .. } => ("capsule", format!("{} bytes", bytes.len())),
        JournalEvent::Final(delivery) => (delivery.outcome.as_str(), of_delivery(delivery)),
        JournalEvent::Hold(change) => ("held", of_change(change)),
        JournalEvent::Lost(gap) => ("lost", format!("{} records were left out: no room was left for them", gap.records)),
        JournalEvent::Operator(change) => (change.what.as_str(), of_change(change)),
        JournalEvent::Refusal(transaction) => ("refused", of_transaction(transaction)),
        JournalEvent::Release(change) => ("released", of_change(change)),
        _ => ("other", String::new()),
    };
    format!("{when}  {id}  {:<9}  {}", Plain(what).to_string(), Plain(&rest))
}

fn of_transaction(transaction: &Transaction) -> String {
    let Transaction { reverse_path, recipients, class, score, client, reply, subject, .. } = transaction;
    let mut text = String::new();
    text.extend(reverse_path.as_ref().map(|path| format!("<{path}> ")));
    if !recipients.is_empty() {
        text += &format!("to {} ", list(recipients));
    }
    text.extend(client.map(|client| format!("from {client} ")));
    if !class.is_empty() {
        text += &format!("{class} {score} ");
    }
    text.extend(subject.as_ref().map(|subject| format!("{subject:?} ")));
    text + reply
}

fn of_delivery(delivery: &Delivery) -> String {
    let Delivery { recipients, next_hop, peer, reply, .. } = delivery;
    let by = if peer.is_empty() { next_hop } else { peer };
    let by = if by.is_empty() { String::new() } else { format!("by {by} ") };
    format!("{} {by}{reply}", list(recipients))
}

fn of_change(change: &Change) -> String {
    format!("{} {}", list(&change.recipients), change.reason)
}

/// The first of the recipients, and how many follow.
fn list(recipients: &[String]) -> String {
    match recipients {
        [] => String::new(),
        [only] => format!("<{only}>"),
        [first, others @ ..] => format!("<{first}> and {} more", others.len()),
    }
}
