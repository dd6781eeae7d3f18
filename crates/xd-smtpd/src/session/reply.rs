//! Replies: a code, an enhanced status code, a text (RFC 5321 §4.2, RFC 2034, RFC 3463).

use std::borrow::Cow;

/// What a server says to a command.
///
/// The class of the enhanced status code is the first digit of the code, so the two cannot disagree. The text may hold line
/// breaks: each line becomes one of a multi-line reply. Characters that may not stand in a reply are written as `?`.
///
/// # Example: how does a refusal look on the wire?
/// ```
/// use xd_smtpd::session::Reply;
///
/// let reply = Reply::new(550, (1, 1), "mx.example.net does not protect this address");
/// assert_eq!(reply.to_string(), "550 5.1.1 mx.example.net does not protect this address");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: u16,
    enhanced: Option<(u16, u16)>,
    text: Cow<'static, str>,
}

/// A reply line has at most 512 octets with its end (RFC 5321 §4.5.3.1.5).
const LINE_MAX: usize = 510;

impl Reply {
    /// A reply with subject and detail of its enhanced status code: `(1, 1)` is `5.1.1` in a reply of 5yz.
    ///
    /// A code outside of 200–599 becomes 451: whatever was meant, the client should come again.
    #[must_use]
    pub fn new(code: u16, enhanced: (u16, u16), text: impl Into<Cow<'static, str>>) -> Self {
        let code = if (200..600).contains(&code) { code } else { 451 };
        // RFC 2034 §4: there is no enhanced status code of class 3.
        let enhanced = (code / 100 != 3).then_some(enhanced);
        Self { code, enhanced, text: text.into() }
    }

    /// A reply that never has an enhanced status code: the greeting, replies to HELO and EHLO, 3yz (RFC 2034 §4).
    #[must_use]
    pub fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        let code = if (200..600).contains(&code) { code } else { 451 };
        Self { code, enhanced: None, text: text.into() }
    }

    /// The reply code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code, if there is one.
    #[must_use]
    pub fn enhanced(&self) -> Option<(u16, u16, u16)> {
        self.enhanced.map(|(subject, detail)| (self.code / 100, subject, detail))
    }

    /// The text, without codes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is of 2yz.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether it is of 4yz.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// Whether it is of 5yz.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Writes the reply as it goes over the wire.
    pub(crate) fn write_to(&self, output: &mut Vec<u8>) {
        let mut lines = self.text.split('\n').flat_map(wrapped).peekable();
        while let Some(line) = lines.next() {
            self.write_codes(output, if lines.peek().is_some() { b'-' } else { b' ' });
            output.extend(line.iter().map(|&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' }));
            output.extend_from_slice(b"\r\n");
        }
    }

    fn write_codes(&self, output: &mut Vec<u8>, separator: u8) {
        push_number(output, self.code);
        output.push(separator);
        if let Some((class, subject, detail)) = self.enhanced() {
            for (number, end) in [(class, b'.'), (subject, b'.'), (detail, b' ')] {
                push_number(output, number);
                output.push(end);
            }
        }
    }
}

impl std::fmt::Display for Reply {
    /// All on one line, as a log shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced() {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        for line in self.text.split('\n') {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

/// A line of text in pieces that fit a reply line behind the longest codes.
fn wrapped(line: &str) -> impl Iterator<Item = &[u8]> {
    const CODES: usize = "550-5.999.999 ".len();
    let line = line.as_bytes();
    let first = &line[..line.len().min(LINE_MAX - CODES)];
    let rest = &line[first.len()..];
    std::iter::once(first).chain(rest.chunks(LINE_MAX - CODES))
}

fn push_number(output: &mut Vec<u8>, number: u16) {
    let mut digits = [0; 5];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        // A digit is below ten.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    output.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut output = Vec::new();
        reply.write_to(&mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn every_line_carries_both_codes() {
        let reply = Reply::new(550, (7, 1), "no\nnot at all");
        assert_eq!(wire(&reply), "550-5.7.1 no\r\n550 5.7.1 not at all\r\n");
        assert_eq!(reply.to_string(), "550 5.7.1 no not at all");
        assert_eq!(wire(&Reply::plain(354, "go on")), "354 go on\r\n");
        assert_eq!(wire(&Reply::new(250, (0, 0), "")), "250 2.0.0 \r\n");
    }

    #[test]
    fn text_cannot_break_out_of_its_line() {
        assert_eq!(wire(&Reply::new(250, (0, 0), "a\r\0ä")), "250 2.0.0 a????\r\n");
    }

    #[test]
    fn lines_keep_to_512_octets() {
        for length in [1, 495, 496, 497, 2_000] {
            let text = wire(&Reply::new(550, (7, 1), "x".repeat(length)));
            assert!(text.split_inclusive("\r\n").all(|line| line.len() <= 512), "{length}");
            assert_eq!(text.matches('x').count(), length);
        }
    }

    #[test]
    fn no_reply_is_outside_of_what_clients_know() {
        assert_eq!(Reply::new(0, (0, 0), "").code(), 451);
        assert_eq!(Reply::new(600, (0, 0), "").enhanced(), Some((4, 0, 0)));
        assert_eq!(Reply::new(354, (0, 0), "").enhanced(), None);
    }
}
