//! The live messages of the oldest segment are copied to the end, by and by, so that it can go. `log.rs` says when and why.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::index::States;
use super::log::{CHUNK_BYTES, Log, lock};
use super::record::{self, CHUNK, CHUNK_PREFIX_BYTES};
use super::{QueueId, SpoolError};
use crate::directory::Place;
use crate::error::SegmentError;
use crate::file_system::FileSystem;
use crate::segment::Offset;

/// How long nothing is copied after that could not go on: each beginning looks at all messages.
const COPY_PAUSE: Duration = Duration::from_secs(10);

/// The live messages of the oldest segment, on their way to the end.
pub(crate) struct Copying {
    segment: u64,
    left: VecDeque<QueueId>,
    message: Option<CopyingMessage>,
}

struct CopyingMessage {
    id: QueueId,
    from: VecDeque<Place>,
    to: Vec<Place>,
}

impl<F: FileSystem> Log<F> {
    /// Begins with the oldest segment, where that is worth it.
    pub(super) fn begin_copying(&mut self) {
        if self.copying.is_some() || self.copy_after.is_some_and(|after| Instant::now() < after) {
            return;
        }
        self.copy_after = None;
        let index = lock(&self.index);
        let (bytes, live) = (index.bytes(), index.live_bytes());
        let active = self.directory.active().map(|(number, _)| number);
        if bytes.saturating_sub(live) > live.saturating_add(self.slack_bytes)
            && let Some((segment, _)) = index.oldest().filter(|(oldest, _)| active > Some(*oldest))
        {
            let (left, sizes): (VecDeque<_>, Vec<u64>) = index.in_segment(segment).unzip();
            drop(index);
            if self.has_room_for(sizes.iter().sum()) {
                self.copying = Some(Copying { segment, left, message: None });
            } else {
                self.copy_later();
            }
        }
    }

    /// Whether so much can be copied, and marks have room beside it.
    fn has_room_for(&self, bytes: u64) -> bool {
        self.free.bytes() >= self.spare_bytes.saturating_add(bytes)
    }

    pub(super) fn copy_later(&mut self) {
        (self.copying, self.copy_after) = (None, Some(Instant::now() + COPY_PAUSE));
    }

    /// Copies about a chunk. Whether there is more to do.
    pub(super) fn copy_some(&mut self) -> Result<bool, SegmentError> {
        let Some(mut copying) = self.copying.take() else { return Ok(false) };
        // Others write to the disk too.
        if !self.has_room_for(CHUNK_BYTES as u64) && self.spare_bytes > 0 {
            self.copy_later();
            return Ok(false);
        }
        match self.copy_from(&mut copying)? {
            Copied::More => self.copying = Some(copying),
            Copied::All => {}
            // The segment stays, and is copied when it can be read.
            Copied::NotNow => {
                self.copy_later();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn copy_from(&mut self, copying: &mut Copying) -> Result<Copied, SegmentError> {
        let mut budget = CHUNK_BYTES as u64;
        while budget > 0 {
            let Some(mut message) = copying.message.take() else {
                let Some(id) = copying.left.pop_front() else { return Ok(Copied::All) };
                match self.find(id, copying.segment) {
                    Ok(found) => copying.message = found,
                    Err(CannotReadNow) => return Ok(Copied::NotNow),
                }
                continue;
            };
            if let Some(place) = message.from.pop_front() {
                let copied = self.copy_chunk(message.id, message.to.len() as u32, place)?;
                let Some(copied) = copied else { return Ok(Copied::NotNow) };
                budget = budget.saturating_sub(copied.1);
                message.to.push(copied.0);
                copying.message = Some(message);
            } else {
                let Some(copied) = self.copy_message(&message, copying.segment)? else { return Ok(Copied::NotNow) };
                budget = budget.saturating_sub(copied);
            }
        }
        Ok(Copied::More)
    }

    /// A message that begins in the segment, and where its chunks stand. What cannot be read stays there for good.
    fn find(&mut self, id: QueueId, segment: u64) -> Result<Option<CopyingMessage>, CannotReadNow> {
        let entry = lock(&self.index).get(id).filter(|entry| entry.first() == segment).cloned();
        let Some(entry) = entry else { return Ok(None) };
        match self.records.message(id, &entry) {
            Ok((_, chunks)) => Ok(Some(CopyingMessage { id, from: chunks.into(), to: Vec::new() })),
            Err(error) if passes(&error) => Err(CannotReadNow),
            Err(_) => {
                self.give_up(id, segment);
                Ok(None)
            }
        }
    }

    /// Its copy, and how many bytes were copied; none if it cannot be read now.
    fn copy_chunk(&mut self, id: QueueId, index: u32, place: Place) -> Result<Option<(Place, u64)>, SegmentError> {
        let mut chunk = Vec::new();
        match self.records.chunk(id, index, place, &mut chunk) {
            Ok(_) => {}
            Err(error) if passes(&error) => return Ok(None),
            Err(_) => {
                lock(&self.index).set_damaged(place.segment);
                return Ok(Some((Place { segment: 0, offset: Offset::new(0) }, 0)));
            }
        }
        let content = chunk.get(CHUNK_PREFIX_BYTES..).unwrap_or_default();
        let prefix = record::chunk_prefix(id, index);
        Ok(Some((self.unnumbered(CHUNK, &[&prefix, content])?, chunk.len() as u64)))
    }

    /// Writes the record of a copied message, by all marks that are durable now. How many bytes were written; none if it cannot be
    /// read now.
    fn copy_message(&mut self, copied: &CopyingMessage, segment: u64) -> Result<Option<u64>, SegmentError> {
        let entry = lock(&self.index).get(copied.id).cloned();
        // It may be done meanwhile.
        let Some(entry) = entry else { return Ok(Some(0)) };
        let queued = match self.records.message(copied.id, &entry) {
            Ok((queued, _)) => queued,
            Err(error) if passes(&error) => return Ok(None),
            Err(_) => {
                self.give_up(copied.id, segment);
                return Ok(Some(0));
            }
        };
        let envelope = record::envelope(&queued.message, queued.attempt.as_ref());
        let located = self.write_message(&envelope, &copied.to, queued.message.bytes)?;
        self.copied.push((copied.id, located, States::of(&queued.message)));
        Ok(Some(envelope.len() as u64))
    }

    /// A message whose record cannot be read any more. The segment that has it is kept.
    fn give_up(&self, id: QueueId, segment: u64) {
        let mut index = lock(&self.index);
        index.set_damaged(segment);
        index.give_up(id);
    }
}

/// How far copying came.
enum Copied {
    All,
    More,
    NotNow,
}

/// Something cannot be read for a reason that passes.
struct CannotReadNow;

/// Whether a failure to read says nothing about what is on disk: no descriptor was left, say.
fn passes(error: &SpoolError) -> bool {
    matches!(error, SpoolError::Segment(_))
}
