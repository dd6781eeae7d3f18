//! The spool on its commit thread: what is written in which order, and how space comes back.
//!
//! Accepting a message, in this order:
//! 1. its content is written, in chunks of at most [`CHUNK_BYTES`]; 2. its message record, which says where they stand; 3. the segment
//!    is synced. When a segment began within 1 or 2: the one before was synced, the new one's header was synced under another name,
//!    it got its name, and the directory was synced. 4. The message is taken into the index; 5. its `done` is called: 250.
//!
//! A mark: 1. its record is written; 2. the segment is synced; 3. the index changes; 4. its `done` is called. A crash before 2 forgets
//! it. Where it says that a next hop took the message, it is delivered again: that window is one commit.
//!
//! | on disk | owns the message | next |
//! |---|---|---|
//! | no message record, or a torn one | the client: it was not told 250 | - |
//! | a message record of the last commit, its chunks not whole | the client; or, of a copy, the spool by the record before | a mark, or a record that says where it stood, when the spool is opened |
//! | a message record | the spool | a mark; a copy |
//! | marks behind it, some recipients not done | the spool, for those | a mark; a copy |
//! | a second message record (a copy) | the spool: the last one counts, with the marks behind it | a mark; a copy |
//! | a mark by which all are done | whoever took it | its segment goes |
//!
//! **Space.** Segments go in their order, the oldest first, each durably before the next: so a mark never goes before the message it is
//! about. One goes when no message that is not done begins in it. If more is done than live, and than the slack of the options,
//! the live messages of the oldest are copied to the end, by and by, a chunk or so with each commit: 1. chunks; 2. a message
//! record that says all that marks said; 3. sync; 4. only then may the old segment go. In the long run that copies no more bytes
//! than come in. A segment in which something could not be read is renamed instead of removed. Marks come first: nothing is copied for a
//! while after a shortage or a failure to read, and nothing that would not leave them a quarter of the reserve.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::copy::Copying;
use super::fold::message_bytes;
use super::index::{Entry, Index, Located, States};
use super::message::{Done, Mark};
use super::read::Records;
use super::record::{self, BEGIN, CHUNK, MARK, MESSAGE, PREFIX_BYTES};
use super::{Content, QueueId, SpoolError};
use crate::commit::{CommitError, Work};
use crate::directory::{Place, SegmentDir};
use crate::error::SegmentError;
use crate::file_system::FileSystem;
use crate::free_space::FreeSpace;
use crate::segment::RecordType;

/// The most bytes of content in one record.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Writes the spool.
pub(crate) struct Log<F: FileSystem> {
    pub(crate) directory: SegmentDir<F>,
    pub(crate) records: Records<F>,
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) last_id: Arc<AtomicU64>,
    /// The number of the next record.
    pub(crate) next: u64,
    /// The number of the first record of this commit.
    pub(crate) commit: u64,
    /// Where this commit begins.
    pub(crate) began: Option<Place>,
    pub(crate) slack_bytes: u64,
    /// Bytes of the segments written to since the last sync.
    pub(crate) sizes: Vec<(u64, u64)>,
    pub(crate) copying: Option<Copying>,
    /// Copies that are not durable yet.
    pub(crate) copied: Vec<(QueueId, Located, States)>,
    /// Until when nothing is copied.
    pub(crate) copy_after: Option<Instant>,
    pub(crate) free: FreeSpace,
    /// How much of the disk copying leaves to marks.
    pub(crate) spare_bytes: u64,
    pub(crate) scratch: Vec<u8>,
}

/// What is written. The complete set.
pub(crate) enum Item {
    Accept { id: QueueId, content: Content, envelope: Vec<u8>, states: States, written: Option<Located> },
    Mark { id: QueueId, marks: Vec<Mark>, encoded: Vec<u8>, written: Option<Place> },
}

impl<F: FileSystem> Work for Log<F> {
    type Item = Item;

    fn tend(&mut self) -> Result<bool, SegmentError> {
        self.commit = self.next;
        self.began = self.directory.position();
        self.prepare()?;
        if self.remove_oldest()? {
            return Ok(true);
        }
        self.begin_copying();
        self.copy_some()
    }

    fn write(&mut self, item: &mut Item) -> Result<(), SegmentError> {
        match item {
            Item::Accept { id, content, envelope, written, .. } => {
                // 1.
                let chunks = self.write_content(*id, content)?;
                // 2.
                *written = Some(self.write_message(envelope, &chunks, content.bytes())?);
            }
            Item::Mark { encoded, written, .. } => *written = Some(self.numbered(MARK, &[encoded])?),
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SegmentError> {
        // 3.
        self.directory.sync()
    }

    fn take_back(&mut self) -> Result<(), SegmentError> {
        self.next = self.commit;
        self.sizes.clear();
        self.copied.clear();
        // Some of it may be what was taken back. It begins anew.
        self.copy_later();
        self.directory.take_back(self.began)
    }

    fn settle_own(&mut self) {
        let mut index = lock(&self.index);
        for (segment, bytes) in self.sizes.drain(..) {
            index.set_bytes(segment, bytes);
        }
        for (id, located, states) in self.copied.drain(..) {
            index.insert(id, &located, states);
        }
    }

    fn settle(&mut self, item: Item) -> Result<(), CommitError> {
        // 4.
        let mut index = lock(&self.index);
        match item {
            Item::Accept { id, states, written: Some(located), .. } => index.insert(id, &located, states),
            Item::Mark { id, marks, written: Some(place), .. } => {
                if !index.mark(id, &marks, place) {
                    return Err(CommitError::Unknown(id));
                }
            }
            // What is settled was written.
            Item::Accept { .. } | Item::Mark { .. } => {}
        }
        Ok(())
    }
}

impl<F: FileSystem> Log<F> {
    /// Begins the first segment, or the one after a damaged header; and sees to the messages of the last commit before a crash,
    /// given with where they stood before that commit. Names those that were not whole.
    ///
    /// A disk may write the message record of a commit that was never synced, and not the chunks. Nobody was told 250 then. What was
    /// copied goes back to where it stood; what was new is taken back.
    pub(crate) fn begin(&mut self, last: Vec<(QueueId, Option<Entry>)>) -> Result<Vec<QueueId>, SegmentError> {
        self.prepare()?;
        let mut torn = Vec::new();
        for (id, before) in last {
            let Some(entry) = lock(&self.index).get(id).cloned() else { continue };
            if self.is_whole(id, &entry)? {
                continue;
            }
            lock(&self.index).set_damaged(entry.first());
            torn.push(id);
            let before = match before.map(|before| self.records.message(id, &before)) {
                // It says nothing about what is on disk, and must not be taken for an answer.
                Some(Err(SpoolError::Segment(error))) => return Err(error),
                before => before.and_then(Result::ok),
            };
            if let Some((queued, chunks)) = before {
                let envelope = record::envelope(&queued.message, queued.attempt.as_ref());
                let located = self.write_message(&envelope, &chunks, queued.message.bytes)?;
                self.copied.push((id, located, States::of(&queued.message)));
            } else {
                let remove = [Mark::Remove(Done::Discarded)];
                let place = self.numbered(MARK, &[&record::marks(id, &remove)])?;
                lock(&self.index).mark(id, &remove, place);
            }
        }
        self.directory.sync()?;
        self.settle_own();
        Ok(torn)
    }

    fn is_whole(&mut self, id: QueueId, entry: &Entry) -> Result<bool, SegmentError> {
        let chunks = match self.records.message(id, entry) {
            Ok((_, chunks)) => chunks,
            Err(SpoolError::Segment(error)) if !error.is_missing() => return Err(error),
            Err(_) => return Ok(false),
        };
        let mut chunk = Vec::new();
        for (place, index) in chunks.into_iter().zip(0..) {
            match self.records.chunk(id, index, place, &mut chunk) {
                Ok(()) => {}
                // What was damaged when it was copied is not new.
                Err(_) if place.segment == 0 => {}
                Err(SpoolError::Segment(error)) if !error.is_missing() => return Err(error),
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    fn write_content(&mut self, id: QueueId, content: &Content) -> Result<Vec<Place>, SegmentError> {
        let mut places = Vec::with_capacity(1);
        let mut chunk: Vec<&[u8]> = vec![&[]];
        let mut room = CHUNK_BYTES;
        let mut prefix = record::chunk_prefix(id, 0);
        for mut piece in content.pieces() {
            while !piece.is_empty() {
                let (now, rest) = piece.split_at(piece.len().min(room));
                chunk.push(now);
                piece = rest;
                room -= now.len();
                if room == 0 {
                    chunk[0] = &prefix;
                    places.push(self.unnumbered(CHUNK, &chunk)?);
                    chunk = vec![&[]];
                    room = CHUNK_BYTES;
                    prefix = record::chunk_prefix(id, places.len() as u32);
                }
            }
        }
        if chunk.len() > 1 {
            chunk[0] = &prefix;
            places.push(self.unnumbered(CHUNK, &chunk)?);
        }
        Ok(places)
    }

    pub(super) fn write_message(&mut self, envelope: &[u8], chunks: &[Place], content: u64) -> Result<Located, SegmentError> {
        let mut places = std::mem::take(&mut self.scratch);
        places.clear();
        record::places(chunks, &mut places);
        let bytes = message_bytes(content, PREFIX_BYTES + envelope.len() + places.len(), chunks.len());
        let written = self.numbered(MESSAGE, &[envelope, &places]);
        self.scratch = places;
        let record = written?;
        let first = chunks.iter().map(|chunk| chunk.segment).find(|&segment| segment > 0).unwrap_or(record.segment);
        Ok(Located { record, first, bytes })
    }

    /// Begins a segment if it is time for one, and writes its first record.
    fn prepare(&mut self) -> Result<(), SegmentError> {
        if self.directory.prepare(0)? {
            self.began = self.directory.position();
            let begin = record::begin(self.next, self.commit, self.last_id.load(Ordering::Relaxed));
            self.next += 1;
            self.append(BEGIN, &[&begin])?;
        }
        Ok(())
    }

    pub(super) fn unnumbered(&mut self, record_type: RecordType, parts: &[&[u8]]) -> Result<Place, SegmentError> {
        self.append(record_type, parts)
    }

    fn numbered(&mut self, record_type: RecordType, parts: &[&[u8]]) -> Result<Place, SegmentError> {
        let prefix = record::prefix(self.next, self.commit);
        self.next += 1;
        match *parts {
            [part] => self.append(record_type, &[&prefix, part]),
            [part, other] => self.append(record_type, &[&prefix, part, other]),
            _ => self.append(record_type, &[&prefix, &parts.concat()]),
        }
    }

    fn append(&mut self, record_type: RecordType, parts: &[&[u8]]) -> Result<Place, SegmentError> {
        let place = self.directory.append_parts(record_type, parts)?;
        let active = self.directory.active();
        match (self.sizes.last_mut(), active) {
            (Some((segment, bytes)), Some((active, now))) if *segment == active => *bytes = now,
            (_, Some(active)) => self.sizes.push(active),
            (_, None) => {}
        }
        Ok(place)
    }

    /// Removes the oldest segment if nothing in it is needed. Whether it did.
    fn remove_oldest(&mut self) -> Result<bool, SegmentError> {
        let active = self.directory.active().map(|(number, _)| number);
        let oldest = lock(&self.index).oldest();
        let Some((number, segment)) = oldest.filter(|(number, segment)| segment.live == 0 && active > Some(*number)) else {
            return Ok(false);
        };
        if segment.damaged {
            self.directory.set_aside(number)?;
        } else {
            self.directory.remove(number)?;
        }
        lock(&self.index).remove_segment(number);
        Ok(true)
    }
}

pub(crate) fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    // Whatever panicked did so beside a change of it, not within.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}
