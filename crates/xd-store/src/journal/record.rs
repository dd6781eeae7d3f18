//! The records of the journal: what happened to mail, as JSON.
//!
//! | type | payload |
//! |---|---|
//! | 1 | sequence number (8 bytes, little-endian), then `{"version":1,"time":…,"event":"…",…}` |
//! | 2 | sequence number, time, queue id (8 bytes each; 0 is none), then a capsule |
//!
//! Readers pass over fields that they do not know; a field that means something else comes with another version.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::segment::RecordType;
use crate::spool::QueueId;

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JournalRecord {
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// What.
    pub event: JournalEvent,
}

/// What can happen.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalEvent {
    /// A message was accepted: it is the spool's.
    Acceptance(Transaction),
    /// A next hop was tried.
    Attempt(Delivery),
    /// What a verdict is replayed from, as `docs/capsule-format.md` says.
    #[serde(skip)]
    Capsule {
        /// The message, where it was accepted.
        id: Option<QueueId>,
        /// Its records.
        bytes: Vec<u8>,
    },
    /// A recipient is done: delivered, failed, expired, discarded, deleted.
    Final(Delivery),
    /// Recipients are held.
    Hold(Change),
    /// Records were left out before this one.
    Lost(Gap),
    /// Somebody did something: a setting, an erasure, a look at mail.
    Operator(Change),
    /// Something was refused or deferred in the dialogue.
    Refusal(Transaction),
    /// Recipients that were held go on.
    Release(Change),
}

/// A transaction, as far as it came. What is not known is empty, and not written.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Transaction {
    /// The message, if it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<QueueId>,
    /// The address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The EHLO domain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ehlo: String,
    /// As whom the client authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated: Option<String>,
    /// The argument of `MAIL FROM`; empty is the null reverse-path, `None` is before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path: Option<String>,
    /// The arguments of `RCPT TO` that this is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The subject, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The Message-ID field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Bytes of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the content as received, in hexadecimal.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256_received: String,
    /// The same as spooled.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256_spooled: String,
    /// What was changed between the two.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// At which command: "RCPT".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// What the client was told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reply: String,
    /// The class of the verdict.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The score of the verdict.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub score: String,
    /// The hash of the engine that judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub engine: String,
}

/// What became of recipients of a message, at one next hop or at the end.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Delivery {
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<QueueId>,
    /// The recipients that this is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// How it went: "delivered", "deferred", "failed", "expired".
    pub outcome: String,
    /// The next hop as configured or found.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_hop: String,
    /// The address and port that was talked to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer: String,
    /// What it replied, or why there was no reply.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reply: String,
    /// By which name it queued the message, where it said so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_id: String,
    /// Version and cipher of TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// Which attempt it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// Records that are missing, though their numbers are not: they were never given one.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Gap {
    /// How many. No room was left for them, or too much waited.
    pub records: u64,
}

/// What somebody changed, or a rule.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Change {
    /// The message, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<QueueId>,
    /// The recipients that this is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Who did it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// What was done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

pub(crate) const EVENT: RecordType = RecordType::new(1);
pub(crate) const CAPSULE: RecordType = RecordType::new(2);

/// The version of what is written.
const VERSION: u32 = 1;
const NUMBER_BYTES: usize = 8;

#[derive(Serialize)]
struct Written<'r> {
    version: u32,
    time: u64,
    #[serde(flatten)]
    event: &'r JournalEvent,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    time: u64,
    #[serde(flatten)]
    event: JournalEvent,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl JournalRecord {
    /// As one line of JSON, with its sequence number; of a capsule how long it is.
    #[must_use]
    pub fn to_json(&self, sequence: u64) -> String {
        match &self.event {
            JournalEvent::Capsule { id, bytes } => {
                let id = id.map(|id| format!(",\"id\":\"{id}\"")).unwrap_or_default();
                let (time, bytes) = (self.time, bytes.len());
                format!(
                    "{{\"sequence\":{sequence},\"version\":{VERSION},\"time\":{time},\"event\":\"capsule\"{id},\"bytes\":{bytes}}}"
                )
            }
            event => {
                let json = json(self.time, event);
                format!("{{\"sequence\":{sequence},{}", json.get(1..).unwrap_or_default())
            }
        }
    }

    /// The message that it is about.
    #[must_use]
    pub fn id(&self) -> Option<QueueId> {
        match &self.event {
            JournalEvent::Acceptance(it) | JournalEvent::Refusal(it) => it.id,
            JournalEvent::Attempt(it) | JournalEvent::Final(it) => it.id,
            JournalEvent::Capsule { id, .. } => *id,
            JournalEvent::Lost(_) => None,
            JournalEvent::Hold(it) | JournalEvent::Operator(it) | JournalEvent::Release(it) => it.id,
        }
    }

    /// The recipients that it is about.
    #[must_use]
    pub fn recipients(&self) -> &[String] {
        match &self.event {
            JournalEvent::Acceptance(it) | JournalEvent::Refusal(it) => &it.recipients,
            JournalEvent::Attempt(it) | JournalEvent::Final(it) => &it.recipients,
            JournalEvent::Capsule { .. } | JournalEvent::Lost(_) => &[],
            JournalEvent::Hold(it) | JournalEvent::Operator(it) | JournalEvent::Release(it) => &it.recipients,
        }
    }

    /// Type and payload, but for the sequence number.
    pub(crate) fn encode(&self) -> (RecordType, Vec<u8>) {
        match &self.event {
            JournalEvent::Capsule { id, bytes } => {
                let id = id.map_or(0, QueueId::number).to_le_bytes();
                (CAPSULE, [self.time.to_le_bytes().as_slice(), &id, bytes].concat())
            }
            event => (EVENT, json(self.time, event).into_bytes()),
        }
    }

    /// A record and its sequence number; `None` if it says nothing that is known.
    pub(crate) fn decode(record_type: RecordType, payload: &[u8]) -> Option<(u64, Self)> {
        let (number, rest) = payload.split_first_chunk::<NUMBER_BYTES>()?;
        let record = match record_type {
            EVENT => {
                let Read { version: VERSION, time, event } = serde_json::from_slice(rest).ok()? else { return None };
                Self { time, event }
            }
            CAPSULE => {
                let (time, rest) = rest.split_first_chunk()?;
                let (id, bytes) = rest.split_first_chunk()?;
                let id = Some(u64::from_le_bytes(*id)).filter(|id| *id > 0).map(QueueId::new);
                Self { time: u64::from_le_bytes(*time), event: JournalEvent::Capsule { id, bytes: bytes.to_vec() } }
            }
            _ => return None,
        };
        Some((u64::from_le_bytes(*number), record))
    }

    /// Whether a record that says nothing was written by a later version.
    pub(crate) fn is_later(record_type: RecordType, payload: &[u8]) -> bool {
        let version = || serde_json::from_slice::<Version>(payload.get(NUMBER_BYTES..)?).ok();
        ![EVENT, CAPSULE].contains(&record_type) || record_type == EVENT && version().is_some_and(|it| it.version > VERSION)
    }
}

/// The sequence number of any record; none where it says one that no journal ever came to: what follows it could not be numbered.
pub(crate) fn sequence(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).filter(|number| *number < SEQUENCE_END)
}

/// Records are numbered below this: at a million a second, for 146,000 years.
const SEQUENCE_END: u64 = 1 << 62;

fn json(time: u64, event: &JournalEvent) -> String {
    // Numbers, text and lists of text can always be written.
    serde_json::to_string(&Written { version: VERSION, time, event }).unwrap_or_default()
}

impl Serialize for QueueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QueueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
