//! The content of a message on its way into the spool: pieces of shared memory, so that neither adding a header field nor
//! keeping it for the first delivery copies a letter.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The content of a message, in one or several pieces. Cloning it copies nothing of them.
///
/// # Example: how is a header field put before a message that is already in memory?
/// ```
/// use xd_store::Content;
///
/// let received = std::sync::Arc::new(b"Subject: Hello\r\n\r\nDear Bob\r\n".to_vec());
/// let mut content = Content::from(b"X-Class: ham\r\n".to_vec());
/// content.push(&received, 0..received.len());
/// assert_eq!(content.bytes(), 42);
/// assert_eq!(content.to_vec(), b"X-Class: ham\r\nSubject: Hello\r\n\r\nDear Bob\r\n");
/// ```
#[derive(Clone, Default)]
pub struct Content {
    pieces: Vec<Piece>,
    bytes: u64,
}

#[derive(Clone)]
enum Piece {
    Part(Arc<Vec<u8>>, Range<usize>),
    Whole(Arc<[u8]>),
}

impl Content {
    /// Adds a part of a buffer. What lies outside of it is left out.
    pub fn push(&mut self, buffer: &Arc<Vec<u8>>, range: Range<usize>) {
        let end = range.end.min(buffer.len());
        let range = range.start.min(end)..end;
        self.bytes += range.len() as u64;
        self.pieces.push(Piece::Part(buffer.clone(), range));
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| match piece {
            Piece::Part(buffer, range) => buffer.get(range.clone()).unwrap_or_default(),
            Piece::Whole(bytes) => bytes,
        })
    }

    /// All of it in one piece: a copy.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces().collect::<Vec<_>>().concat()
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        let mut content = Self::default();
        let range = 0..bytes.len();
        content.push(&Arc::new(bytes), range);
        content
    }
}

impl From<Arc<[u8]>> for Content {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self { bytes: bytes.len() as u64, pieces: vec![Piece::Whole(bytes)] }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.bytes)
    }
}
