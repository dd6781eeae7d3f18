//! Content as it arrives: un-dotted, hashed, and searched for what another server might take for its end.
//!
//! Only CRLF.CRLF ends the data (RFC 5321 §4.1.1.4). A CR or LF that stands alone is a defect; so is a line that begins with NUL
//! and a dot, since servers that drop NULs would read its dot as the first character. A dot that begins a line is safe to pass
//! on: the next hop is sent two.

use sha2::{Digest, Sha256};

use super::LineEndings;

/// A content being received.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    hash: Sha256,
    hashed: usize,
    at: At,
    /// Whether dots are stuffed: DATA, not BDAT.
    stuffed: bool,
    endings: LineEndings,
    octets_max: u64,
    /// Octets of content, those given up included.
    octets: u64,
    /// Octets that came over the wire.
    wire: u64,
    bare_lf: u64,
    bare_cr: u64,
    given_up: Option<GivenUp>,
}

/// Why content will not be accepted, whatever follows. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GivenUp {
    BareCr,
    BareLf,
    /// No memory for it now.
    Memory,
    NulDot,
    Size,
}

/// Whole content.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: [u8; 32],
    pub(super) normalized: (u64, u64),
    /// Its last line had no end and got one.
    pub(super) completed: bool,
}

/// Where in a line the next octet stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    /// Behind a CR, which is already among the bytes.
    Cr,
    /// Behind a dot that begins a line and is not among the bytes.
    Dot,
    /// Behind `.` and CR, neither of which is among the bytes.
    DotCr,
    Middle,
    /// Behind one or more NULs that begin a line.
    Nul,
    /// Behind an LF that was made a line end: a dot here was not stuffed, since the client saw no line end.
    NormalStart,
    Start,
}

/// The end of data, which is no content.
const END: &[u8] = b".\r\n";
/// Room made at once for content whose size was announced; more comes with the octets.
const RESERVED_MAX: u64 = 256 << 10;
/// Content up to which room is doubled. Of longer content a quarter is added, so that little is held that is not filled.
const DOUBLED_MAX: usize = 1 << 20;

impl Content {
    /// Content of at most so many octets, with dots stuffed or not.
    pub(super) fn new(stuffed: bool, endings: LineEndings, octets_max: u64, announced: Option<u64>) -> Self {
        // The minimum is far below what a Vec can hold on any machine.
        let room = announced.unwrap_or(4 << 10).min(RESERVED_MAX).min(octets_max) as usize;
        Self {
            bytes: Vec::with_capacity(room),
            hash: Sha256::new(),
            hashed: 0,
            at: At::Start,
            stuffed,
            endings,
            octets_max,
            octets: 0,
            wire: 0,
            bare_lf: 0,
            bare_cr: 0,
            given_up: None,
        }
    }

    /// Takes octets; returns how many, and whether the end was among them. Takes none once [`is_endless`](Self::is_endless).
    pub(super) fn handle(&mut self, input: &[u8]) -> (usize, bool) {
        let room = self.wire_max() - self.wire;
        let (used, ended) = self.undot(&input[..usize::try_from(room).map_or(input.len(), |room| room.min(input.len()))]);
        self.wire += used as u64;
        if self.given_up.is_none() {
            // A CR at the end may yet turn out to stand alone and change.
            let settled = self.bytes.len() - usize::from(self.at == At::Cr);
            self.hash.update(&self.bytes[self.hashed..settled]);
            self.hashed = settled;
        }
        (used, ended)
    }

    /// Gives the content up: what is held is freed, what follows is dropped.
    pub(super) fn give_up(&mut self, why: GivenUp) {
        self.given_up.get_or_insert(why);
        self.bytes = Vec::new();
    }

    /// Ends the content.
    pub(super) fn finish(mut self) -> Result<Received, GivenUp> {
        // Only BDAT can end in the middle of a line. A last line without an end gets one: DATA to the next hop could not do
        // otherwise.
        match self.at {
            At::Cr => self.bare_cr(),
            At::Start | At::NormalStart | At::Dot | At::DotCr | At::Middle | At::Nul => {}
        }
        match self.given_up {
            // What is wrong besides does not matter, and may have been seen or not.
            Some(why) if why == GivenUp::Memory || self.octets <= self.octets_max => return Err(why),
            Some(_) => return Err(GivenUp::Size),
            None => {}
        }
        let completed = !self.bytes.is_empty() && !self.bytes.ends_with(b"\r\n");
        if completed {
            self.bytes.reserve_exact(2);
            self.bytes.extend_from_slice(b"\r\n");
        }
        if self.bytes.len() as u64 > self.octets_max {
            return Err(GivenUp::Size);
        }
        self.hash.update(&self.bytes[self.hashed..]);
        let normalized = (self.bare_lf, self.bare_cr);
        Ok(Received { bytes: self.bytes, sha256: self.hash.finalize().into(), normalized, completed })
    }

    /// Octets of memory held.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Why it will not be accepted, if that is so.
    pub(super) fn given_up(&self) -> Option<GivenUp> {
        self.given_up
    }

    /// Whether so much came that no more is read, be it to be dropped.
    pub(super) fn is_endless(&self) -> bool {
        self.wire >= self.wire_max()
    }

    /// Twice what is taken: content of nothing but stuffed dots is as long, and who sends too much may come to an end.
    fn wire_max(&self) -> u64 {
        self.octets_max.saturating_mul(2).saturating_add(END.len() as u64)
    }

    fn undot(&mut self, input: &[u8]) -> (usize, bool) {
        // What was seen but is not among the bytes yet begins here.
        let mut copied = 0;
        let mut next = 0;
        while let Some(&byte) = input.get(next) {
            match (self.at, byte) {
                (At::Middle, _) => match memchr::memchr2(b'\r', b'\n', &input[next..]) {
                    None => next = input.len(),
                    Some(ahead) if input[next + ahead] == b'\r' => {
                        next += ahead + 1;
                        self.at = At::Cr;
                    }
                    Some(ahead) => {
                        self.keep(&input[copied..next + ahead]);
                        next += ahead + 1;
                        copied = next;
                        self.bare_lf();
                    }
                },
                (At::Cr, b'\n') => {
                    next += 1;
                    self.at = At::Start;
                }
                (At::Cr, _) => {
                    self.keep(&input[copied..next]);
                    copied = next;
                    self.bare_cr();
                }
                (At::Start, b'.') if self.stuffed => {
                    self.keep(&input[copied..next]);
                    next += 1;
                    copied = next;
                    self.at = At::Dot;
                }
                (At::Start | At::NormalStart | At::Nul, 0) => {
                    next += 1;
                    self.at = At::Nul;
                }
                (At::Nul, b'.') => {
                    self.give_up(GivenUp::NulDot);
                    self.at = At::Middle;
                }
                (At::Start | At::NormalStart | At::Nul, _) => self.at = At::Middle,
                (At::Dot, b'\r') => {
                    next += 1;
                    copied = next;
                    self.at = At::DotCr;
                }
                (At::Dot, _) => self.at = At::Middle,
                (At::DotCr, b'\n') => {
                    self.at = At::Start;
                    return (next + 1, true);
                }
                (At::DotCr, _) => {
                    // The line begins with a dot and goes on: the dot was stuffing, its CR stands alone.
                    self.keep(b"\r");
                    self.at = At::Cr;
                }
            }
        }
        self.keep(&input[copied..]);
        (input.len(), false)
    }

    fn keep(&mut self, run: &[u8]) {
        self.octets += run.len() as u64;
        if self.octets > self.octets_max {
            self.give_up(GivenUp::Size);
        } else if self.given_up.is_none() {
            self.make_room(run.len());
            self.bytes.extend_from_slice(run);
        }
    }

    /// Room for so many octets more, and for what may follow; never for more than is taken, so that the largest content fits a budget
    /// that is no larger.
    fn make_room(&mut self, more: usize) {
        let held = self.bytes.len();
        if self.bytes.capacity() - held < more {
            let ahead = if held < DOUBLED_MAX { held } else { held / 4 };
            let most = usize::try_from(self.octets_max).unwrap_or(usize::MAX).saturating_sub(held);
            self.bytes.reserve_exact(ahead.min(most).max(more));
        }
    }

    /// An LF without a CR before it; the octets before it are kept, it is not.
    fn bare_lf(&mut self) {
        self.bare_lf += 1;
        self.at = At::NormalStart;
        match self.endings {
            LineEndings::Normalize => self.keep(b"\r\n"),
            LineEndings::Refuse => self.give_up(GivenUp::BareLf),
        }
    }

    /// A CR without an LF behind it, the last octet kept.
    fn bare_cr(&mut self) {
        self.bare_cr += 1;
        self.at = At::Middle;
        match (self.endings, self.bytes.last_mut()) {
            (LineEndings::Normalize, Some(last)) => *last = b' ',
            (LineEndings::Normalize, None) => {}
            (LineEndings::Refuse, _) => self.give_up(GivenUp::BareCr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], endings: LineEndings, step: usize) -> Option<Result<Vec<u8>, GivenUp>> {
        let mut content = Content::new(true, endings, 1_000, None);
        for chunk in input.chunks(step) {
            let (used, ended) = content.handle(chunk);
            if ended {
                return Some(content.finish().map(|received| {
                    let expected: [u8; 32] = Sha256::digest(&received.bytes).into();
                    assert_eq!(received.sha256, expected);
                    received.bytes
                }));
            }
            assert_eq!(used, chunk.len());
        }
        None
    }

    /// Whatever the pieces in which it comes.
    fn check(input: &[u8], endings: LineEndings, expected: Option<Result<&[u8], GivenUp>>) {
        for step in 1..=input.len() {
            let expected = expected.map(|result| result.map(<[u8]>::to_vec));
            assert_eq!(read(input, endings, step), expected, "{:?} by {step}", input.escape_ascii().to_string());
        }
    }

    #[test]
    fn dots_are_removed_where_they_begin_a_line() {
        for (wire, content) in
            [(".\r\n", ""), ("a\r\n.\r\n", "a\r\n"), ("..\r\n...\r\n.a\r\na.b.\r\n\r\n.\r\n", ".\r\n..\r\na\r\na.b.\r\n\r\n")]
        {
            check(wire.as_bytes(), LineEndings::Refuse, Some(Ok(content.as_bytes())));
        }
    }

    #[test]
    fn nothing_else_ends_data_and_what_looks_like_it_is_refused() {
        use GivenUp::{BareCr, BareLf, NulDot};
        for (middle, why) in [
            ("\n.\n", BareLf),
            ("\n.\r", BareLf),
            ("\r.\n", BareCr),
            ("\r.\r", BareCr),
            ("\n.\r\n", BareLf),
            ("\r.\r\n", BareCr),
            ("\r\n.\r\r\n", BareCr),
            ("\r\r\n.\r\r\n", BareCr),
            ("\r\n\0.\r\n", NulDot),
            ("\r\n\0\0.\r\n", NulDot),
            ("\r\n.\n", BareLf),
            ("\r\n.\r", BareCr),
        ] {
            let wire = format!("a{middle}b\r\n");
            check(wire.as_bytes(), LineEndings::Refuse, None);
            check(format!("{wire}.\r\n").as_bytes(), LineEndings::Refuse, Some(Err(why)));
            check(wire.as_bytes(), LineEndings::Normalize, None);
        }
    }

    #[test]
    fn normalized_content_has_lines_alone() {
        for (wire, content) in [
            ("a\nb\r\n.\r\n", "a\r\nb\r\n"),
            ("a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\n..\r\n.\r\n", "a\r\n..\r\n"),
            ("a\rb\r\n.\r\n", "a b\r\n"),
            ("a\r\r\n.\r\n", "a \r\n"),
            ("a\r\n.\r\r\n.\r\n", "a\r\n \r\n"),
            ("a\r\n.\rb\r\n.\r\n", "a\r\n b\r\n"),
        ] {
            check(wire.as_bytes(), LineEndings::Normalize, Some(Ok(content.as_bytes())));
        }
        check(b"a\n\0.\r\n.\r\n", LineEndings::Normalize, Some(Err(GivenUp::NulDot)));
    }

    #[test]
    fn nothing_is_kept_of_content_too_large() {
        let mut content = Content::new(true, LineEndings::Refuse, 4, Some(u64::MAX));
        content.handle(b"ab\r\n");
        assert!(content.given_up.is_none());
        content.handle(b"c");
        assert_eq!((content.given_up, content.held()), (Some(GivenUp::Size), 0));
        assert_eq!(content.handle(b"d\r\n.\r\n"), (6, true));
        assert_eq!(content.finish().unwrap_err(), GivenUp::Size);
    }

    #[test]
    fn no_more_is_held_than_the_largest_content() {
        let octets_max = 5 << 20;
        let mut content = Content::new(false, LineEndings::Refuse, octets_max, None);
        let mut grown = 0;
        for _ in 0..octets_max >> 10 {
            let before = content.held();
            content.handle(&[b'x'; 1 << 10]);
            grown += u32::from(content.held() > before);
            assert!(content.held() as u64 <= octets_max);
        }
        assert!(grown < 20, "{grown} times");
        assert!(content.given_up.is_none());
    }

    #[test]
    fn chunks_hold_dots_as_they_are_and_end_with_a_line() {
        let mut content = Content::new(false, LineEndings::Refuse, 100, None);
        assert_eq!(content.handle(b"a\r\n.\r\n..b"), (9, false));
        let received = content.finish().unwrap();
        assert_eq!((received.bytes, received.completed), (b"a\r\n.\r\n..b\r\n".to_vec(), true));
        for (chunk, why) in [(b"a\n".as_slice(), GivenUp::BareLf), (b"a\r", GivenUp::BareCr)] {
            let mut content = Content::new(false, LineEndings::Refuse, 100, None);
            content.handle(chunk);
            assert_eq!(content.finish().unwrap_err(), why);
        }
    }
}
