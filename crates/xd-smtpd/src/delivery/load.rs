//! What an attempt needs of a message: its envelope, the recipients that are meant, and its content, from memory where it is
//! still there.

use std::sync::Arc;

use xd_store::{Content, Mark, QueueId, RecipientState, SegmentError, SpoolError, SpoolMessage};

use super::destination::DestinationKey;
use super::dsn;
use super::queue::{Hot, Job};
use super::runner::Shared;
use super::store::ContentChunks;
use crate::budget::Share;

/// A message that can be attempted.
pub(super) struct Loaded {
    pub(super) job: Job,
    pub(super) message: Arc<SpoolMessage>,
    /// Recipients that wait and go to this destination. Empty for an archive copy.
    pub(super) recipients: Vec<u32>,
    pub(super) source: Source,
    /// `Received` fields of the header section: hops so far (RFC 5321 §6.3).
    pub(super) hops: usize,
    /// What its content takes of what may be read ahead.
    _share: Option<Share>,
}

impl Loaded {
    /// The forward-paths of some recipients.
    pub(super) fn forward_paths(&self, recipients: &[u32]) -> impl Iterator<Item = String> {
        let known = &self.message.recipients;
        recipients.iter().filter_map(|index| known.get(*index as usize)).map(|recipient| recipient.forward_path.clone())
    }
}

/// Where the content comes from.
#[derive(Clone)]
pub(super) enum Source {
    Memory(Content),
    /// Not begun, to be read when it is due.
    Spool,
}

/// A content while it is sent.
pub(super) enum Pieces {
    Memory { content: Content, piece: usize, at: usize },
    Spool(Option<ContentChunks>),
}

/// Contents up to this are read whole before the attempt: an error then costs no connection.
const WHOLE: u64 = 256 << 10;
/// Bytes handed to a connection at once.
const PIECE: usize = 64 << 10;

/// Why a message could not be loaded.
pub(super) enum Unloadable {
    /// What is on disk is not what was written, or is gone. It stays so.
    Damaged(Box<SpoolError>),
    /// It is done, as far as the spool knows.
    Gone,
    /// Its recipients go elsewhere now.
    Moved,
    /// Something is used up that comes back within moments: descriptors, threads.
    Short,
    /// The disk does not give it back. It may again.
    Unreadable(Box<SpoolError>),
}

impl Unloadable {
    pub(super) fn of(error: SpoolError) -> Self {
        match error {
            SpoolError::Unknown(_) => Self::Gone,
            SpoolError::Segment(ref cause) if cause.is_shortage() => Self::Short,
            // What is gone or is no segment stays so, and somebody has to see it. A disk or a system in trouble may recover.
            SpoolError::Segment(SegmentError::Io { ref source, .. }) if source.kind() != std::io::ErrorKind::NotFound => {
                Self::Unreadable(Box::new(error))
            }
            SpoolError::Damaged { .. } | SpoolError::Segment(_) | SpoolError::Version { .. } => Self::Damaged(Box::new(error)),
            _ => Self::Short,
        }
    }
}

/// Loads what a job is about. Reads files unless it is in memory.
pub(super) fn load(shared: &Shared, key: &DestinationKey, job: Job) -> Result<Loaded, (Job, Unloadable)> {
    match try_load(shared, key, &job) {
        Ok((message, recipients, source, hops, share)) => Ok(Loaded { job, message, recipients, source, hops, _share: share }),
        Err(why) => Err((job, why)),
    }
}

/// The same without a look at the content, for what is not attempted any more.
pub(super) fn load_envelope(shared: &Shared, key: &DestinationKey, job: Job) -> Result<Loaded, (Job, Unloadable)> {
    let found = envelope(shared, &job).and_then(|(message, source)| {
        let recipients = recipients(shared, key, &message)?;
        Ok((message, source.unwrap_or(Source::Spool), recipients))
    });
    match found {
        Ok((message, source, recipients)) => Ok(Loaded { job, message, recipients, source, hops: 0, _share: None }),
        Err(why) => Err((job, why)),
    }
}

type Parts = (Arc<SpoolMessage>, Vec<u32>, Source, usize, Option<Share>);

fn try_load(shared: &Shared, key: &DestinationKey, job: &Job) -> Result<Parts, Unloadable> {
    let (message, source) = envelope(shared, job)?;
    let recipients = recipients(shared, key, &message)?;
    let mut share = None;
    let source = match source {
        Some(source) => source,
        None => {
            let mut wanted = shared.ahead.share();
            let fits = message.bytes <= WHOLE && usize::try_from(message.bytes).is_ok_and(|bytes| wanted.resize(bytes));
            if fits {
                share = Some(wanted);
                let chunks = shared.store.read_content(job.id).and_then(Iterator::collect::<Result<Vec<_>, _>>);
                Source::Memory(Content::from(chunks.map_err(Unloadable::of)?.concat()))
            } else {
                Source::Spool
            }
        }
    };
    let hops = source.hops(shared, job).map_err(Unloadable::of)?;
    Ok((message, recipients, source, hops, share))
}

/// The envelope of a message, and its content if that is in memory.
fn envelope(shared: &Shared, job: &Job) -> Result<(Arc<SpoolMessage>, Option<Source>), Unloadable> {
    match &job.hot {
        Some(Hot { message, content }) => Ok((message.clone(), Some(Source::Memory(content.clone())))),
        None => Ok((Arc::new(shared.store.read(job.id).map_err(Unloadable::of)?.message), None)),
    }
}

/// The recipients of a message that are meant at a destination.
fn recipients(shared: &Shared, key: &DestinationKey, message: &SpoolMessage) -> Result<Vec<u32>, Unloadable> {
    if key.archive && message.archive {
        // The archive may have changed, or be gone.
        if shared.options().archive.as_ref().is_none_or(|archive| archive.route != key.route) {
            return Err(Unloadable::Moved);
        }
    }
    let recipients = if key.archive { Vec::new() } else { shared.recipients_of(message, key) };
    if recipients.is_empty() && !(key.archive && message.archive) {
        // Routes may have changed while it waited, or was under way.
        let waits = message.recipients.iter().any(|recipient| recipient.state == RecipientState::Waiting);
        return Err(if waits && !key.archive { Unloadable::Moved } else { Unloadable::Gone });
    }
    Ok(recipients)
}

impl Source {
    /// The beginning of the content, as much as a DSN returns at most.
    pub(super) fn beginning(&self, shared: &Shared, id: QueueId) -> Result<Vec<u8>, SpoolError> {
        let mut bytes = Vec::new();
        match self {
            Self::Memory(content) => {
                for piece in content.pieces() {
                    bytes.extend_from_slice(&piece[..piece.len().min(dsn::MAX_RETURNED - bytes.len())]);
                }
            }
            Self::Spool => {
                for chunk in shared.store.read_content(id)? {
                    let chunk = chunk?;
                    bytes.extend_from_slice(&chunk[..chunk.len().min(dsn::MAX_RETURNED - bytes.len())]);
                    if bytes.len() == dsn::MAX_RETURNED {
                        break;
                    }
                }
            }
        }
        Ok(bytes)
    }

    fn hops(&self, shared: &Shared, job: &Job) -> Result<usize, SpoolError> {
        let count = |bytes: &[u8]| {
            let header = dsn::header_section(bytes);
            let starts = memchr::memchr_iter(b'\n', header).map(|at| at + 1);
            let is_received = |at: &usize| header.get(*at..at + 9).is_some_and(|name| name.eq_ignore_ascii_case(b"received:"));
            std::iter::once(0).chain(starts).filter(is_received).count()
        };
        match self {
            Self::Memory(content) if content.pieces().count() == 1 => Ok(content.pieces().next().map_or(0, count)),
            _ => Ok(count(&self.beginning(shared, job.id)?)),
        }
    }
}

impl Loaded {
    /// The content from its beginning.
    pub(super) fn pieces(&self) -> Pieces {
        match &self.source {
            Source::Memory(content) => Pieces::Memory { content: content.clone(), piece: 0, at: 0 },
            Source::Spool => Pieces::Spool(None),
        }
    }

    /// The beginning of the content, as much as a DSN returns at most.
    pub(super) fn beginning(&self, shared: &Shared) -> Result<Vec<u8>, SpoolError> {
        self.source.beginning(shared, self.job.id)
    }

    /// Whether all of the content is ASCII. Reads all of it.
    pub(super) fn is_ascii(&self, shared: &Shared) -> Result<bool, SpoolError> {
        match &self.source {
            Source::Memory(content) => Ok(content.pieces().all(<[u8]>::is_ascii)),
            Source::Spool => {
                for chunk in shared.store.read_content(self.job.id)? {
                    if !chunk?.is_ascii() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

impl Pieces {
    /// The next piece, read in the background where it comes from a file.
    pub(super) async fn next(
        &mut self,
        shared: &Arc<Shared>,
        loaded: &Loaded,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<bool, Unloadable> {
        match self {
            Self::Memory { content, piece, at } => {
                let Some(bytes) = content.pieces().nth(*piece) else { return Ok(false) };
                let end = (*at + PIECE).min(bytes.len());
                take(&bytes[*at..end]);
                if end == bytes.len() {
                    (*piece, *at) = (*piece + 1, 0);
                } else {
                    *at = end;
                }
                Ok(true)
            }
            Self::Spool(chunks) => {
                let (shared, id, mut open) = (shared.clone(), loaded.job.id, chunks.take());
                let read = tokio::task::spawn_blocking(move || {
                    let mut chunks = match open.take() {
                        Some(chunks) => chunks,
                        None => shared.store.read_content(id)?,
                    };
                    let chunk = chunks.next().transpose()?;
                    Ok::<_, SpoolError>((chunks, chunk))
                });
                // It does not panic; were it to, that says nothing about the message.
                let (rest, chunk) = read.await.map_err(|_| Unloadable::Short)?.map_err(Unloadable::of)?;
                *chunks = Some(rest);
                match chunk {
                    Some(chunk) => {
                        take(&chunk);
                        Ok(true)
                    }
                    None => Ok(false),
                }
            }
        }
    }
}

/// Marks that give recipients a state.
pub(super) fn recipient_marks(recipients: &[u32], state: RecipientState) -> Vec<Mark> {
    recipients.iter().map(|index| Mark::Recipient { index: *index, state }).collect()
}
