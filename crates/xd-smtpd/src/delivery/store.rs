//! What delivery needs of the spool: a seam, so that tests run in memory and can fail each call.

use xd_store::{Acceptance, CommitError, Mark, QueueId, QueuedMessage, SpoolError};

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
}
