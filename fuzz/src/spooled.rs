//! What must hold of spool and journal: whatever their records say, opening them ends, twice with the same result, and what was
//! accepted behind it is read back.

use std::sync::mpsc::channel;

use xd_store::simulated::{Disk, Survival};
use xd_store::{
    Acceptance, BodyType, Content, Journal, JournalEntry, JournalEvent, JournalOptions, JournalQuery, JournalReader,
    JournalRecord, RecipientState, RecordType, SegmentDir, SegmentDirOptions, SegmentKind, Spool, SpoolError, SpoolMessage,
    SpoolOptions, SpoolRecipient, SpoolView, Transaction,
};

const PATH: &str = "/d";

/// Any bytes as the payloads of spool records.
pub fn spool(bytes: &[u8]) {
    let disk = segments(bytes, SegmentKind::SPOOL);
    let (spool, recovery) = match Spool::open(&disk, PATH, SpoolOptions { reserve_bytes: 0, ..SpoolOptions::default() }) {
        Ok(opened) => opened,
        Err(SpoolError::Version { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(spool.ids().len() as u64, recovery.live);
    for id in spool.ids() {
        assert_eq!(spool.read_message(id).expect("it was read before").message.id, id);
        // There may be no such content.
        if let Ok(content) = spool.read_content(id).and_then(|mut reader| reader.read_all()) {
            assert_eq!(content.len() as u64, spool.read_message(id).expect("it was read before").message.bytes);
        }
    }
    let ids = spool.ids();
    let next = spool.next_id();
    if ids.last().is_some_and(|last| last.number() == u64::MAX) {
        return;
    }
    assert!(ids.iter().all(|id| *id < next), "names are new");
    let (done, told) = channel();
    let content = Content::from(bytes.to_vec());
    let message = message(next, content.bytes());
    spool.accept(Acceptance { message: message.clone(), content }, move |result| done.send(result).expect("it is awaited"));
    told.recv().expect("it is told").expect("the disk works");
    drop(spool);
    let view = SpoolView::read(&disk.crashed(Survival::Durable), PATH).expect("it was opened before");
    assert_eq!(view.message(next).expect("it was accepted").message, message);
    assert_eq!(view.read_content(next).and_then(|mut reader| reader.read_all()).expect("it was accepted"), bytes);
    assert_eq!(view.messages().count(), ids.len() + 1);
}

/// Any bytes as the payloads of journal records.
pub fn journal(bytes: &[u8]) {
    let disk = segments(bytes, SegmentKind::JOURNAL);
    let mut reader = JournalReader::open(&disk, PATH).expect("it is there");
    while let Some(entry) = reader.next_entry().expect("memory is read") {
        if let JournalEntry::Record { sequence, record, .. } = entry {
            assert!(record.to_json(sequence).starts_with('{'));
            let found = JournalQuery::new("").matches(&record);
            assert_eq!(found, !record.recipients().is_empty());
        }
    }
    let (journal, recovery) = Journal::open(&disk, PATH, JournalOptions::default()).expect("it can be gone on with");
    if recovery.last_sequence > u64::MAX - 10 {
        return;
    }
    let subject = Some(String::from_utf8_lossy(bytes).into_owned());
    let transaction = Transaction { subject, recipients: vec!["bob@example.com".to_owned()], ..Transaction::default() };
    let record = JournalRecord { time: 1, event: JournalEvent::Refusal(transaction) };
    journal.append(&record, None);
    drop(journal);
    let mut last = None;
    while let Some(entry) = reader.next_entry().expect("memory is read") {
        last = Some(entry);
    }
    let Some(JournalEntry::Record { sequence, record: read, .. }) = last else { panic!("{last:?}") };
    assert_eq!((sequence, read), (recovery.last_sequence + 1, record));
}

/// A segment with records of which the bytes give type, length and payload.
fn segments(mut bytes: &[u8], kind: SegmentKind) -> Disk {
    let disk = Disk::new();
    let (mut directory, _) = SegmentDir::open(&disk, PATH, SegmentDirOptions::new(kind)).expect("the disk works");
    while let [record_type, length, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        directory.append(RecordType::new(*record_type), payload).expect("the disk works");
        bytes = rest;
    }
    directory.sync().expect("the disk works");
    disk
}

fn message(id: xd_store::QueueId, bytes: u64) -> SpoolMessage {
    let recipient = SpoolRecipient {
        forward_path: "bob@example.com".to_owned(),
        orcpt: None,
        notify: xd_store::Notify::DEFAULT,
        state: RecipientState::Waiting,
    };
    SpoolMessage {
        id,
        arrived: 1,
        reverse_path: String::new(),
        recipients: vec![recipient],
        ret: None,
        envid: None,
        body: BodyType::SevenBit,
        smtputf8: false,
        bytes,
        sha256_received: [0; 32],
        sha256_spooled: [0; 32],
        actions: Vec::new(),
        client: None,
        ehlo: String::new(),
        authenticated: None,
        tls: None,
        may_report: false,
        class: String::new(),
        score: String::new(),
        engine: String::new(),
        archive: false,
    }
}
