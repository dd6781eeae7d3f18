//! The journal on its commit thread: what is written, what goes for its age, and what could not be written.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::reader::Survey;
use super::record::{Gap, JournalEvent, JournalRecord};
use crate::commit::{CommitError, Work};
use crate::directory::{Place, SegmentDir};
use crate::error::SegmentError;
use crate::file_system::FileSystem;
use crate::segment::RecordType;

/// What is written. The complete set.
pub(super) enum Item {
    Append {
        record_type: RecordType,
        payload: Vec<u8>,
        time: u64,
    },
    Erase {
        places: Vec<Place>,
    },
    /// To tell what was left out, where nothing else is written.
    Tell,
}

/// Writes the journal.
pub(super) struct Log<F: FileSystem> {
    directory: SegmentDir<F>,
    next: u64,
    retention: u64,
    /// The time of the newest record.
    newest: u64,
    /// The segments, and the time of the first record of each.
    segments: VecDeque<(u64, u64)>,
    /// What time it may be at most: so much at this moment.
    latest: (Instant, u64),
    lost: Arc<Lost>,
    /// Records left out of which this commit tells.
    telling: u64,
    /// Where this commit begins: its place, the number of its first record, how many segments have records.
    began: (Option<Place>, u64, usize),
    /// What failed when records were erased, behind the sync of their commit: the next does not begin.
    failed: Option<SegmentError>,
}

/// Records that were left out.
#[derive(Debug, Default)]
pub(super) struct Lost {
    untold: AtomicU64,
    all: AtomicU64,
    /// Since when there are any, or when it was asked after that that they be told.
    since: Mutex<Option<Instant>>,
}

/// How long records that were left out wait for another with which they are told. A kill makes no more than these forgotten, unless the
/// disk takes nothing at all.
pub(super) const TELL_AFTER: Duration = Duration::from_secs(10);

/// How far a clock may be ahead of the records and of the time that passed, in milliseconds: a day. A clock that is set to another year by
/// mistake must not make all records old.
const AHEAD: u64 = 24 * 60 * 60 * 1000;

impl Lost {
    pub(super) fn add(&self, records: u64) {
        if self.untold.fetch_add(records, Ordering::Relaxed) == 0 {
            *self.since() = Some(Instant::now());
        }
        self.all.fetch_add(records, Ordering::Relaxed);
    }

    /// Whether it is time to tell of them, whatever else is written. Asks for the time only where there are any.
    pub(super) fn are_due(&self, now: impl FnOnce() -> Instant) -> bool {
        if self.untold.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let (mut since, now) = (self.since(), now());
        let is_due = since.is_some_and(|since| now.saturating_duration_since(since) >= TELL_AFTER);
        if is_due {
            *since = Some(now);
        }
        is_due
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }
}

impl<F: FileSystem> Log<F> {
    pub(super) fn new(directory: SegmentDir<F>, survey: Survey, retention: u64, lost: Arc<Lost>) -> Self {
        let Survey { last, newest, segments } = survey;
        let next = last + 1;
        let latest = (Instant::now(), if newest == 0 { now() } else { newest }.saturating_add(AHEAD));
        let began = (directory.position(), next, segments.len());
        Self { directory, next, retention, newest, segments, latest, lost, telling: 0, began, failed: None }
    }

    fn append(&mut self, record_type: RecordType, payload: &[u8], time: u64) -> Result<(), SegmentError> {
        let place = self.directory.append_parts(record_type, &[&self.next.to_le_bytes(), payload])?;
        self.next += 1;
        self.newest = self.newest.max(time);
        if self.segments.back().is_none_or(|(segment, _)| *segment != place.segment) {
            self.segments.push_back((place.segment, time));
        }
        Ok(())
    }

    /// Tells how many records were left out before this one.
    fn tell_lost(&mut self, time: u64) -> Result<(), SegmentError> {
        let records = self.lost.untold.swap(0, Ordering::Relaxed);
        if records == 0 {
            return Ok(());
        }
        self.telling += records;
        let (record_type, payload) = JournalRecord { time, event: JournalEvent::Lost(Gap { records }) }.encode();
        self.append(record_type, &payload, time)
    }

    /// What is older may go.
    fn limit(&self) -> u64 {
        let (when, latest) = self.latest;
        let passed = u64::try_from(when.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.newest.min(now()).min(latest.saturating_add(passed)).saturating_sub(self.retention)
    }
}

impl<F: FileSystem> Work for Log<F> {
    type Item = Item;

    /// Begins the next segment if it is time for one, and lets go of segments that are too old, one at a time.
    fn tend(&mut self) -> Result<bool, SegmentError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.began = (self.directory.position(), self.next, self.segments.len());
        self.directory.prepare(0)?;
        self.began.0 = self.directory.position();
        let limit = self.limit();
        // All records of a segment are as old as the first of it and the first of the next, unless a clock was set in between.
        match (self.segments.front().copied(), self.segments.get(1)) {
            (Some((oldest, begins)), Some(&(_, next_begins)))
                if begins.max(next_begins) < limit && self.directory.active().map(|it| it.0) > Some(oldest) =>
            {
                self.directory.remove(oldest)?;
                self.segments.pop_front();
                self.began.2 -= 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn write(&mut self, item: &mut Item) -> Result<(), SegmentError> {
        match item {
            // 1.
            Item::Append { record_type, payload, time } => {
                self.tell_lost(*time)?;
                self.append(*record_type, payload, *time)?;
            }
            Item::Tell => self.tell_lost(now())?,
            // Records are erased where they stand: what is added beside them must be durable, and not be taken back any more.
            Item::Erase { .. } => {}
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SegmentError> {
        // 2.
        self.directory.sync()
    }

    fn take_back(&mut self) -> Result<(), SegmentError> {
        let (place, next, segments) = self.began;
        self.next = next;
        self.segments.truncate(segments);
        self.lost.untold.fetch_add(std::mem::take(&mut self.telling), Ordering::Relaxed);
        self.directory.take_back(place)
    }

    fn settle_own(&mut self) {
        self.telling = 0;
    }

    fn settle(&mut self, item: Item) -> Result<(), CommitError> {
        match item {
            Item::Append { .. } | Item::Tell => Ok(()),
            Item::Erase { places } => self.erase(&places),
        }
    }

    fn end(&mut self) {
        // A disk that takes nothing takes this neither.
        let _ = self.tell_lost(now()).and_then(|()| self.directory.sync());
    }
}

impl<F: FileSystem> Log<F> {
    fn erase(&mut self, places: &[Place]) -> Result<(), CommitError> {
        for place in places {
            match self.directory.erase(*place) {
                Ok(_) | Err(SegmentError::NoRecord { .. }) => {}
                Err(error) if error.is_missing() => {}
                // Whoever asked may ask again.
                Err(error) if error.is_shortage() => return Err(CommitError::Short { reason: error.to_string().into() }),
                Err(error) => {
                    let reason = error.to_string().into();
                    self.failed = Some(error);
                    return Err(CommitError::Broken { reason });
                }
            }
        }
        Ok(())
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
