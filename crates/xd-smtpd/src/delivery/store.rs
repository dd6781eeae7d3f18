//! What delivery needs of the spool: a seam, so that tests run in memory and can fail each call.

use xd_store::{Acceptance, CommitError, ContentReader, FileSystem, Mark, QueueId, QueuedMessage, Spool, SpoolError};

/// Called when a commit is durable, or known not to be. Runs on the thread that commits, so it must be short.
pub type Committed = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// Pieces of a content as they are read.
pub type ContentChunks = Box<dyn Iterator<Item = Result<Vec<u8>, SpoolError>> + Send>;

/// Where messages rest: the spool, and a map in tests.
pub trait QueueStore: Send + Sync + 'static {
    /// A name for a new message.
    fn next_id(&self) -> QueueId;

    /// Makes a message durable, in the order of calls.
    fn accept(&self, acceptance: Acceptance, done: Committed);

    /// Makes changes of one message durable, all or none, in the order of calls.
    fn mark(&self, id: QueueId, marks: Vec<Mark>, done: Committed);

    /// The envelope of a message with all marks. Reads a file.
    ///
    /// # Errors
    /// When it is done, or cannot be read.
    fn read(&self, id: QueueId) -> Result<QueuedMessage, SpoolError>;

    /// The content of a message. Reads a file, piece by piece.
    ///
    /// # Errors
    /// When it is done, or cannot be read.
    fn read_content(&self, id: QueueId) -> Result<ContentChunks, SpoolError>;

    /// Whether nothing is made durable any more. Nothing is delivered then: what was could not be marked.
    fn is_broken(&self) -> bool;

    /// Whether marks wait for something that is used up, such as the room on the disk. Nothing is delivered until they are durable. Asked
    /// before each delivery, so it must cost nothing.
    fn is_short(&self) -> bool;
}

impl<F: FileSystem + Send + Sync + 'static> QueueStore for Spool<F> {
    fn next_id(&self) -> QueueId {
        Self::next_id(self)
    }

    fn accept(&self, acceptance: Acceptance, done: Committed) {
        Self::accept(self, acceptance, done);
    }

    fn mark(&self, id: QueueId, marks: Vec<Mark>, done: Committed) {
        Self::mark(self, id, marks, done);
    }

    fn read(&self, id: QueueId) -> Result<QueuedMessage, SpoolError> {
        self.read_message(id)
    }

    fn read_content(&self, id: QueueId) -> Result<ContentChunks, SpoolError> {
        Ok(Box::new(Chunks(Self::read_content(self, id)?)))
    }

    fn is_broken(&self) -> bool {
        Self::is_broken(self).is_some()
    }

    fn is_short(&self) -> bool {
        Self::is_short(self)
    }
}

/// A reader as an iterator, which delivery can keep without knowing the file system.
struct Chunks<F: FileSystem>(ContentReader<F>);

impl<F: FileSystem> Iterator for Chunks<F> {
    type Item = Result<Vec<u8>, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_chunk().map(|chunk| chunk.map(<[u8]>::to_vec)).transpose()
    }
}
