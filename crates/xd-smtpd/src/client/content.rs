//! Content on its way to a next hop: dots doubled at the beginnings of lines, and an end that nothing in it can forge
//! (RFC 5321 §4.5.2).

/// What has been written of a content: whether the next byte begins a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stuffing {
    last: u8,
    before: u8,
}

impl Stuffing {
    pub(super) const fn new() -> Self {
        Self { last: b'\n', before: b'\r' }
    }

    /// Adds a piece of content to what is to be sent. Pieces without a dot at the beginning of a line are added whole.
    ///
    /// A dot is doubled after any CR or LF, not after CRLF alone: servers exist that take a bare one for the end of a line, and
    /// for them `LF . CRLF` would end the message and begin a smuggled one. Bare ones come here only where the operator let
    /// them pass; strict servers then see one dot more.
    pub(super) fn add(&mut self, piece: &[u8], output: &mut Vec<u8>) {
        output.reserve(piece.len());
        let mut start = 0;
        for at in memchr::memchr_iter(b'.', piece) {
            let previous = if at == 0 { self.last } else { piece[at - 1] };
            if matches!(previous, b'\r' | b'\n') {
                output.extend_from_slice(&piece[start..at]);
                output.push(b'.');
                start = at;
            }
        }
        output.extend_from_slice(&piece[start..]);
        match piece {
            [] => {}
            [only] => (self.before, self.last) = (self.last, *only),
            [.., before, last] => (self.before, self.last) = (*before, *last),
        }
    }

    /// Adds the end: the last line is ended where it was not.
    pub(super) fn end(self, output: &mut Vec<u8>) {
        let ended = (self.before, self.last) == (b'\r', b'\n');
        output.extend_from_slice(if ended { b".\r\n" } else { b"\r\n.\r\n" });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut stuffing, mut output) = (Stuffing::new(), Vec::new());
        pieces.iter().for_each(|piece| stuffing.add(piece, &mut output));
        stuffing.end(&mut output);
        output
    }

    #[test]
    fn contents_and_what_is_sent() {
        for (content, sent) in [
            ("", ".\r\n"),
            (".", "..\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r", "a\r\r\n.\r\n"),
            ("a\n", "a\n\r\n.\r\n"),
            (".a\r\n", "..a\r\n.\r\n"),
            ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\n..b\r\n", "a\r\n...b\r\n.\r\n"),
            ("a.b. \r\n", "a.b. \r\n.\r\n"),
            // What servers of loose habits take for an end.
            ("a\n.\nb\r\n", "a\n..\nb\r\n.\r\n"),
            ("a\n.\r\nb\r\n", "a\n..\r\nb\r\n.\r\n"),
            ("a\r.\r\nb\r\n", "a\r..\r\nb\r\n.\r\n"),
            ("a\r\n.\rb\r\n", "a\r\n..\rb\r\n.\r\n"),
        ] {
            assert_eq!(stuffed(&[content.as_bytes()]), sent.as_bytes(), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_end_looks_like_one_and_cuts_change_nothing(content in "[.\r\na]{0,40}", cut in 0..40_usize) {
            let whole = stuffed(&[content.as_bytes()]);
            let (a, b) = content.as_bytes().split_at(cut.min(content.len()));
            prop_assert_eq!(&stuffed(&[a, b]), &whole);
            let body = whole.strip_suffix(b".\r\n").unwrap();
            prop_assert!(body.is_empty() || body.ends_with(b"\r\n"));
            // However lines are cut, none of them is a single dot.
            for line in body.split(|byte| matches!(byte, b'\r' | b'\n')) {
                prop_assert!(line != b".");
            }
            // Undone, it is what it was, but for the end of its last line and dots behind a bare CR or LF.
            let undone = [b"\r\n", body].concat();
            let undone = String::from_utf8(undone).unwrap().replace("\n..", "\n.").replace("\r..", "\r.");
            prop_assert!(undone[2..].starts_with(&content));
        }
    }
}
