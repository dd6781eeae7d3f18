//! Replies of a next hop: read strictly, with limits (RFC 5321 §4.2, RFC 2034).

use std::fmt;

/// One reply, of one line or several.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// The code, 200 to 599.
    pub code: u16,
    /// The enhanced status code at the beginning of the first line, if it has one of the reply's class.
    pub enhanced: Option<[u16; 3]>,
    /// The text of its lines without their codes, separated by line feeds; the enhanced code is still in it. Control
    /// characters and what is not UTF-8 are replaced.
    pub text: String,
}

/// Why bytes are not a reply. All point at the next hop.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Lines of one reply have different codes.
    #[error("lines of a reply differ in their code")]
    Codes,
    /// A line does not begin with a code of 200 to 599 and a space, hyphen or end.
    #[error("line is no reply")]
    Line,
    /// A line ends without CR.
    #[error("line ends in a bare line feed")]
    LineEnd,
    /// A line is longer than 2,048 bytes.
    #[error("line is longer than 2048 bytes")]
    LongLine,
    /// A reply has more than 256 lines.
    #[error("reply has more than 256 lines")]
    ManyLines,
}

/// Bytes of a line with its end. RFC 5321 §4.5.3.1.5 has 512; explanations with addresses of web pages are longer.
const MAX_LINE: usize = 2048;
/// Lines of a reply. The longest EHLO replies seen have about thirty.
const MAX_LINES: u32 = 256;
/// Bytes kept of the text of one reply. More is read and dropped.
const MAX_TEXT: usize = 8192;

/// Cuts what a next hop sends into replies.
///
/// # Example: how does a reply of several lines read?
/// ```
/// use xd_smtpd::client::ReplyReader;
///
/// let mut reader = ReplyReader::default();
/// let mut bytes: &[u8] = b"250-2.1.5 first\r\n250 2.1.5 last\r\n354 go";
/// let reply = reader.read(&mut bytes).unwrap().unwrap();
/// assert_eq!((reply.code, reply.enhanced), (250, Some([2, 1, 5])));
/// assert_eq!(reply.text, "2.1.5 first\n2.1.5 last");
/// assert_eq!(reader.read(&mut bytes), Ok(None));
/// assert!(!reader.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReplyReader {
    /// A line of which the end has not come yet.
    line: Vec<u8>,
    /// Of a reply of which the last line has not come yet.
    code: Option<u16>,
    lines: u32,
    text: String,
}

impl ReplyReader {
    /// Takes bytes up to the end of the next reply, which it returns; all of them when that has not come yet.
    ///
    /// # Errors
    /// When the bytes are not a reply. What follows cannot be understood.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Reply>, ReplyError> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end + 1);
            *bytes = rest;
            if self.line.len() + line.len() > MAX_LINE {
                return Err(ReplyError::LongLine);
            }
            let reply = if self.line.is_empty() {
                self.read_line(line)?
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.read_line(&whole)?
            };
            if reply.is_some() {
                return Ok(reply);
            }
        }
        if self.line.len() + bytes.len() >= MAX_LINE {
            return Err(ReplyError::LongLine);
        }
        self.line.extend_from_slice(bytes);
        *bytes = &[];
        Ok(None)
    }

    /// Whether it holds nothing of a reply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.code.is_none()
    }

    fn read_line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let line = line.strip_suffix(b"\r\n").ok_or(ReplyError::LineEnd)?;
        let (code, rest) = line.split_at_checked(3).ok_or(ReplyError::Line)?;
        // RFC 5321 §4.2: the first digit is 2 to 5, the second 0 to 5; nines occur in the second, so any digit may stand there.
        if !matches!(code, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
            return Err(ReplyError::Line);
        }
        let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReplyError::Line),
        };
        if self.code.is_some_and(|first| first != code) {
            return Err(ReplyError::Codes);
        }
        self.lines += 1;
        if self.lines > MAX_LINES {
            return Err(ReplyError::ManyLines);
        }
        self.keep(text);
        if !last {
            self.code = Some(code);
            return Ok(None);
        }
        (self.code, self.lines) = (None, 0);
        let text = std::mem::take(&mut self.text);
        Ok(Some(Reply { code, enhanced: enhanced(code, &text), text }))
    }

    fn keep(&mut self, text: &[u8]) {
        if self.text.len() + text.len() + 1 > MAX_TEXT {
            return;
        }
        if self.lines > 1 {
            self.text.push('\n');
        }
        let replaced = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        match std::str::from_utf8(text) {
            Ok(text) if !text.bytes().any(|byte| byte.is_ascii_control()) => self.text.push_str(text),
            _ => self.text.extend(String::from_utf8_lossy(text).chars().map(replaced)),
        }
    }
}

/// The enhanced status code a text begins with (RFC 2034 §4): class, subject, detail, and then a space or the end. Only one
/// of the class of the code counts.
fn enhanced(code: u16, text: &str) -> Option<[u16; 3]> {
    let word = text.split([' ', '\n']).next()?;
    let mut numbers = word.split('.').map(|number| {
        let digits = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if digits { number.parse::<u16>().ok() } else { None }
    });
    let status = [numbers.next()??, numbers.next()??, numbers.next()??];
    (numbers.next().is_none() && status[0] == code / 100).then_some(status)
}

impl Reply {
    /// A reply of our own making, for what we decide in a next hop's place.
    #[cfg(feature = "gateway")]
    pub(crate) fn local(code: u16, enhanced: [u16; 3], text: &str) -> Self {
        let [class, subject, detail] = enhanced;
        Self { code, enhanced: Some(enhanced), text: format!("{class}.{subject}.{detail} {text}") }
    }

    /// Whether it is 2yz.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The name that the next hop gave the message, where its reply to the content shows one in a form that is known: `queued
    /// as NAME` (Postfix, xd), `id=NAME` (Exim), `qp NAME` (qmail), `NAME Message accepted for delivery` (Sendmail).
    #[must_use]
    pub fn queue_id(&self) -> Option<&str> {
        let text = self.text.as_str();
        let after = |mark: &str| text.find(mark).and_then(|at| text.get(at + mark.len()..));
        let before = || text.find(" Message accepted for delivery").and_then(|at| text.get(..at)?.rsplit(' ').next());
        let found = after("queued as ").or_else(|| after(" id=")).or_else(|| after(" qp ")).or_else(before)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/');
        let end = found.find(|c| !is_name(c)).unwrap_or(found.len());
        found.get(..end.min(MAX_QUEUE_ID)).map(|name| name.trim_end_matches('.')).filter(|name| !name.is_empty())
    }
}

/// Bytes kept of the name that a next hop gave a message.
const MAX_QUEUE_ID: usize = 64;

impl fmt::Display for Reply {
    /// In one line, as records have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for line in self.text.split('\n') {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(mut bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        while let Some(reply) = reader.read(&mut bytes)? {
            replies.push(reply);
        }
        Ok(replies)
    }

    #[test]
    fn replies_as_data() {
        for (bytes, code, enhanced, text) in [
            (&b"250 ok\r\n"[..], 250, None, "ok"),
            (b"250\r\n", 250, None, ""),
            (b"250 \r\n", 250, None, ""),
            (b"250-\r\n250 x\r\n", 250, None, "\nx"),
            (b"550 5.1.1 no\r\n", 550, Some([5, 1, 1]), "5.1.1 no"),
            (b"550 5.1.1\r\n", 550, Some([5, 1, 1]), "5.1.1"),
            (b"550-5.7.26 a\r\n550 5.7.26 b\r\n", 550, Some([5, 7, 26]), "5.7.26 a\n5.7.26 b"),
            (b"550 4.1.1 other class\r\n", 550, None, "4.1.1 other class"),
            (b"250 1.2.3.4 an address\r\n", 250, None, "1.2.3.4 an address"),
            (b"250 2..0 x\r\n", 250, None, "2..0 x"),
            (b"250 2.0000.0 x\r\n", 250, None, "2.0000.0 x"),
            (b"250 a\x07b\xff\r\n", 250, None, "a\u{fffd}b\u{fffd}"),
        ] {
            assert_eq!(read(bytes), Ok(vec![Reply { code, enhanced, text: text.into() }]), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_reply() {
        for (bytes, error) in [
            (&b"hello\r\n"[..], ReplyError::Line),
            (b"\r\n", ReplyError::Line),
            (b"25\r\n", ReplyError::Line),
            (b"250x\r\n", ReplyError::Line),
            (b"150 x\r\n", ReplyError::Line),
            (b"650 x\r\n", ReplyError::Line),
            (b"+250 x\r\n", ReplyError::Line),
            (b"\x16\x03\x01\x02\x00 what? \xff\xfe\r\n", ReplyError::Line),
            (b"250 x\n", ReplyError::LineEnd),
            (b"250-x\r\n251 y\r\n", ReplyError::Codes),
        ] {
            assert_eq!(read(bytes), Err(error), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn limits_at_their_edges() {
        let line = |length: usize| [b"250 ".as_slice(), &vec![b'a'; length - 6], b"\r\n"].concat();
        assert!(read(&line(MAX_LINE)).is_ok());
        assert_eq!(read(&line(MAX_LINE + 1)), Err(ReplyError::LongLine));
        assert_eq!(read(&[b'2'; MAX_LINE]), Err(ReplyError::LongLine));
        assert_eq!(read(&[b'2'; MAX_LINE - 1]), Ok(vec![]));
        let lines = |count: u32| ["250-x\r\n".repeat(count as usize - 1), "250 x\r\n".into()].concat();
        assert!(read(lines(MAX_LINES).as_bytes()).is_ok());
        assert_eq!(read(lines(MAX_LINES + 1).as_bytes()), Err(ReplyError::ManyLines));
        let long = ["250-".to_owned() + &"a".repeat(2000) + "\r\n"; 1].concat().repeat(9) + "250 end\r\n";
        assert!(read(long.as_bytes()).unwrap()[0].text.len() <= MAX_TEXT);
    }

    #[test]
    fn queue_ids_of_known_servers() {
        for (text, id) in [
            ("2.0.0 Ok: queued as 4F1B2C3D", Some("4F1B2C3D")),
            ("OK id=1tExim-0004xK-2B", Some("1tExim-0004xK-2B")),
            ("ok 1732240000 qp 12345", Some("12345")),
            ("2.0.0 4AM0abcd012345 Message accepted for delivery", Some("4AM0abcd012345")),
            ("2.0.0 ok kept 1", None),
            ("queued as ", None),
            ("queued as é", None),
        ] {
            assert_eq!(Reply { text: text.into(), ..Reply::default() }.queue_id(), id, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(bytes in "((25[01]|354|450)[ -][a-z.0-9]{0,5}\r?\n){0,8}[0-9]{0,3}", cut in 0..100_usize) {
            let whole = read(bytes.as_bytes());
            let mut reader = ReplyReader::default();
            let mut parts = Vec::new();
            let (a, b) = bytes.as_bytes().split_at(cut.min(bytes.len()));
            let mut result = Ok(());
            'all: for mut part in [a, b] {
                loop {
                    match reader.read(&mut part) {
                        Ok(Some(reply)) => parts.push(reply),
                        Ok(None) => break,
                        Err(error) => { result = Err(error); break 'all; }
                    }
                }
            }
            prop_assert_eq!(whole, result.map(|()| parts));
        }
    }
}
