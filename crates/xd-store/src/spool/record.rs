//! The records of the spool as bytes.
//!
//! Numbers are little-endian where their length is fixed, and LEB128 otherwise: seven bits a byte, the lowest first. Text and lists
//! have their length before them; what may be missing has 0 or 1 before it. Each record but chunks begins with a prefix:
//! the version of what follows, 1; its number (8 bytes), which grows by one from record to record, so that one that is missing is
//! noticed; and the number of the first record of its commit (8 bytes), so that what was synced can be told from what may not
//! have been: all but the last commit was.
//!
//! | type | record | holds |
//! |---|---|---|
//! | 1 | begin | prefix, the greatest name given so far; the first of each segment |
//! | 2 | chunk | name (8 bytes), which chunk (4 bytes), a part of the content |
//! | 3 | message | prefix, name, last attempt, envelope with the state of each recipient, places of its chunks |
//! | 4 | mark | prefix, name, marks |
//!
//! A message is whatever its last message record says, with the marks behind that. Its chunks stand before it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::QueueId;
use super::message::{
    Attempt, BodyType, Done, HoldReason, Mark, Notify, QueuedMessage, RecipientState, Ret, SpoolMessage, SpoolRecipient,
};
use crate::Place;
use crate::segment::{Offset, RecordType};

pub(crate) const BEGIN: RecordType = RecordType::new(1);
pub(crate) const CHUNK: RecordType = RecordType::new(2);
pub(crate) const MESSAGE: RecordType = RecordType::new(3);
pub(crate) const MARK: RecordType = RecordType::new(4);

const VERSION: u8 = 1;
/// Version, number and commit.
pub(crate) const PREFIX_BYTES: usize = 17;
/// Name and number of a chunk.
pub(crate) const CHUNK_PREFIX_BYTES: usize = 12;

/// What a record says. The complete set of this version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SpoolRecord {
    Begin { last_id: u64 },
    Mark { id: QueueId, marks: Vec<Mark> },
    Message { queued: Box<QueuedMessage>, chunks: Vec<Place> },
}

/// Why a record says nothing. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Undecoded {
    /// It is not how one is written.
    Malformed,
    /// A later version wrote it.
    Version,
}

/// What a record with this number begins with.
pub(crate) fn prefix(number: u64, commit: u64) -> [u8; PREFIX_BYTES] {
    let mut bytes = [VERSION; PREFIX_BYTES];
    bytes[1..9].copy_from_slice(&number.to_le_bytes());
    bytes[9..].copy_from_slice(&commit.to_le_bytes());
    bytes
}

/// What a chunk begins with.
pub(crate) fn chunk_prefix(id: QueueId, index: u32) -> [u8; CHUNK_PREFIX_BYTES] {
    let mut bytes = [0; CHUNK_PREFIX_BYTES];
    bytes[..8].copy_from_slice(&id.number().to_le_bytes());
    bytes[8..].copy_from_slice(&index.to_le_bytes());
    bytes
}

/// The numbers of a record and of the first of its commit, whatever else it says.
pub(crate) fn numbers(payload: &[u8]) -> Result<(u64, u64), Undecoded> {
    match payload.split_first() {
        Some((&VERSION, rest)) => {
            let (number, rest) = rest.split_first_chunk().ok_or(Undecoded::Malformed)?;
            let commit = rest.first_chunk().ok_or(Undecoded::Malformed)?;
            Ok((u64::from_le_bytes(*number), u64::from_le_bytes(*commit)))
        }
        Some(_) => Err(Undecoded::Version),
        None => Err(Undecoded::Malformed),
    }
}

/// A message record but for its prefix and places.
pub(crate) fn envelope(message: &SpoolMessage, attempt: Option<&Attempt>) -> Vec<u8> {
    // Most have no more.
    let mut out = Writer(Vec::with_capacity(400));
    out.fixed(&message.id.number().to_le_bytes());
    out.optional(attempt, |out, attempt| out.attempt(attempt));
    out.number(message.arrived);
    out.text(&message.reverse_path);
    out.number(message.recipients.len() as u64);
    for recipient in &message.recipients {
        out.text(&recipient.forward_path);
        out.optional_text(recipient.orcpt.as_deref());
        out.byte(recipient.notify.bits());
        out.state(recipient.state);
    }
    out.byte(message.ret.map_or(0, Ret::code));
    out.optional_text(message.envid.as_deref());
    out.byte(message.body.code());
    out.byte(u8::from(message.smtputf8) | u8::from(message.may_report) << 1 | u8::from(message.archive) << 2);
    out.number(message.bytes);
    out.fixed(&message.sha256_received);
    out.fixed(&message.sha256_spooled);
    out.number(message.actions.len() as u64);
    message.actions.iter().for_each(|action| out.text(action));
    match message.client {
        None => out.byte(0),
        Some(IpAddr::V4(address)) => {
            out.byte(4);
            out.fixed(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.byte(6);
            out.fixed(&address.octets());
        }
    }
    out.text(&message.ehlo);
    out.optional_text(message.authenticated.as_deref());
    out.optional_text(message.tls.as_deref());
    out.text(&message.class);
    out.text(&message.score);
    out.text(&message.engine);
    out.0
}

/// What follows the envelope.
pub(crate) fn places(chunks: &[Place], out: &mut Vec<u8>) {
    let mut writer = Writer(std::mem::take(out));
    writer.number(chunks.len() as u64);
    for place in chunks {
        writer.number(place.segment);
        writer.number(place.offset.bytes());
    }
    *out = writer.0;
}

/// A mark record but for its prefix.
pub(crate) fn marks(id: QueueId, marks: &[Mark]) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(40));
    out.fixed(&id.number().to_le_bytes());
    out.number(marks.len() as u64);
    for mark in marks {
        match mark {
            Mark::Archived => out.byte(1),
            Mark::Attempt(attempt) => {
                out.byte(2);
                out.attempt(attempt);
            }
            Mark::Recipient { index, state } => {
                out.byte(3);
                out.number(u64::from(*index));
                out.state(*state);
            }
            Mark::Remove(done) => {
                out.byte(4);
                out.byte(done.code());
            }
        }
    }
    out.0
}

/// A record that begins a segment.
pub(crate) fn begin(number: u64, commit: u64, last_id: u64) -> Vec<u8> {
    [prefix(number, commit).as_slice(), &last_id.to_le_bytes()].concat()
}

/// What a record says.
pub(crate) fn decode(record_type: RecordType, payload: &[u8]) -> Result<SpoolRecord, Undecoded> {
    numbers(payload)?;
    let mut bytes = Reader(payload.get(PREFIX_BYTES..).unwrap_or_default());
    let record = match record_type {
        BEGIN => bytes.fixed().map(|last| SpoolRecord::Begin { last_id: u64::from_le_bytes(last) }),
        MESSAGE => bytes.message(),
        MARK => bytes.marks(),
        _ => return Err(Undecoded::Version),
    };
    // Nothing stands behind it.
    record.filter(|_| bytes.0.is_empty()).ok_or(Undecoded::Malformed)
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.fixed(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.optional(text, Self::text);
    }

    fn attempt(&mut self, attempt: &Attempt) {
        self.number(u64::from(attempt.count));
        self.number(attempt.next_try);
        self.text(&attempt.last_reply);
    }

    fn state(&mut self, state: RecipientState) {
        match state {
            RecipientState::Waiting => self.byte(0),
            RecipientState::Done(done) => {
                self.byte(1);
                self.byte(done.code());
            }
            RecipientState::Held { reason, since } => {
                self.byte(2);
                self.byte(reason.code());
                self.number(since);
            }
        }
    }
}

/// Each of its calls is `None` where the bytes are not what was asked for.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// In the one way that it is written.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn text(&mut self) -> Option<String> {
        let bytes = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = usize::try_from(self.number()?).ok()?;
        // Each takes a byte at least: a length that is wrong asks for no more memory than there are bytes.
        if length > self.0.len() {
            return None;
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn attempt(&mut self) -> Option<Attempt> {
        Some(Attempt { count: self.small()?, next_try: self.number()?, last_reply: self.text()? })
    }

    fn state(&mut self) -> Option<RecipientState> {
        Some(match self.byte()? {
            0 => RecipientState::Waiting,
            1 => RecipientState::Done(Done::from_code(self.byte()?)?),
            2 => RecipientState::Held { reason: HoldReason::from_code(self.byte()?)?, since: self.number()? },
            _ => return None,
        })
    }

    fn id(&mut self) -> Option<QueueId> {
        self.fixed().map(|bytes| QueueId::new(u64::from_le_bytes(bytes)))
    }

    fn recipient(&mut self) -> Option<SpoolRecipient> {
        let (forward_path, orcpt) = (self.text()?, self.optional(Self::text)?);
        let bits = self.byte()?;
        let notify = Notify::from_bits(bits);
        (notify.bits() == bits).then_some(())?;
        Some(SpoolRecipient { forward_path, orcpt, notify, state: self.state()? })
    }

    fn message(&mut self) -> Option<SpoolRecord> {
        let id = self.id()?;
        let attempt = self.optional(Self::attempt)?;
        let (arrived, reverse_path) = (self.number()?, self.text()?);
        let recipients = self.list(Self::recipient)?;
        let ret = match self.byte()? {
            0 => None,
            code => Some(Ret::from_code(code)?),
        };
        let (envid, body) = (self.optional(Self::text)?, BodyType::from_code(self.byte()?)?);
        let flags = self.byte().filter(|flags| flags & !7 == 0)?;
        let message = SpoolMessage {
            id,
            arrived,
            reverse_path,
            recipients,
            ret,
            envid,
            body,
            smtputf8: flags & 1 != 0,
            may_report: flags & 2 != 0,
            archive: flags & 4 != 0,
            bytes: self.number()?,
            sha256_received: self.fixed()?,
            sha256_spooled: self.fixed()?,
            actions: self.list(Self::text)?,
            client: match self.byte()? {
                0 => None,
                4 => Some(IpAddr::V4(Ipv4Addr::from(self.fixed::<4>()?))),
                6 => Some(IpAddr::V6(Ipv6Addr::from(self.fixed::<16>()?))),
                _ => return None,
            },
            ehlo: self.text()?,
            authenticated: self.optional(Self::text)?,
            tls: self.optional(Self::text)?,
            class: self.text()?,
            score: self.text()?,
            engine: self.text()?,
        };
        let chunks = self.list(|bytes| Some(Place { segment: bytes.number()?, offset: Offset::new(bytes.number()?) }))?;
        Some(SpoolRecord::Message { queued: Box::new(QueuedMessage { message, attempt }), chunks })
    }

    fn marks(&mut self) -> Option<SpoolRecord> {
        let id = self.id()?;
        let marks = self.list(|bytes| {
            Some(match bytes.byte()? {
                1 => Mark::Archived,
                2 => Mark::Attempt(bytes.attempt()?),
                3 => Mark::Recipient { index: bytes.small()?, state: bytes.state()? },
                4 => Mark::Remove(Done::from_code(bytes.byte()?)?),
                _ => return None,
            })
        })?;
        Some(SpoolRecord::Mark { id, marks })
    }
}
