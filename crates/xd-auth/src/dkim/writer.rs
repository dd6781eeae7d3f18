//! Writes fields of tags, folded: a line has at most 78 octets wherever its words allow it (RFC 5322 §2.1.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Octets of a line without its CRLF, where it can be folded.
const LINE: usize = 78;

/// Octets of a line of a signature, `b=` included: a tab stands before it and a semicolon may follow.
const PIECE: usize = LINE - 2;

/// A field in the making. What is signed is the field with `b=` empty; the signature is put in at the end.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    text: String,
    /// Octets of the last line.
    column: usize,
    /// Where the signature goes.
    signature: Option<usize>,
}

impl Writer {
    /// Begins a field.
    pub(crate) fn new(name: &str) -> Self {
        let text = format!("{name}:");
        Self { column: text.len(), text, signature: None }
    }

    /// A field of words, folded at single blanks. Folds in the text are taken out first, so that no line is empty.
    pub(crate) fn text_field(name: &str, text: &str) -> String {
        let mut field = Self::new(name);
        let text = text.replace(['\r', '\n'], "");
        for word in text.trim().split(' ') {
            // A line of blanks would be no fold.
            if !word.is_empty() && field.column + word.len() + 1 > LINE {
                field.fold();
            } else {
                field.push(" ");
            }
            field.push(word);
        }
        field.text
    }

    /// Adds a tag and its value, on a new line if the rest of this one is too short.
    pub(crate) fn tag(&mut self, name: &str, value: &str) {
        self.separate();
        self.word(&format!("{name}={value}"));
    }

    /// Adds a tag whose value may be folded after any colon, and is only if one line is too short for it.
    pub(crate) fn list(&mut self, name: &str, items: &[String]) {
        let whole = items.join(":");
        if name.len() + whole.len() + "\t=;".len() <= LINE {
            return self.tag(name, &whole);
        }
        self.separate();
        for (number, item) in items.iter().enumerate() {
            let colon = if number + 1 < items.len() { ":" } else { "" };
            if number == 0 {
                self.word(&format!("{name}={item}{colon}"));
            } else {
                // The semicolon that may follow needs room too.
                if self.column + item.len() + colon.len() >= LINE {
                    self.fold();
                }
                self.push(&format!("{item}{colon}"));
            }
        }
    }

    /// Adds `b=`, empty so far, on a line of its own.
    pub(crate) fn signature(&mut self) {
        if self.signature.is_none() && self.text.contains('=') {
            self.push(";");
        }
        self.fold();
        self.push("b=");
        self.signature = Some(self.text.len());
    }

    /// The field as it is signed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The field with its signature, without a final CRLF.
    pub(crate) fn signed(&self, signature: &[u8]) -> String {
        let at = self.signature.unwrap_or(self.text.len());
        let encoded = STANDARD.encode(signature);
        let mut text = String::with_capacity(self.text.len() + encoded.len() + encoded.len() / 16);
        text.push_str(&self.text[..at]);
        let (first, rest) = encoded.split_at(encoded.len().min(PIECE - "b=".len()));
        text.push_str(first);
        for piece in rest.as_bytes().chunks(PIECE) {
            text.push_str("\r\n\t");
            // Base64 is ASCII.
            text.extend(piece.iter().map(|&octet| char::from(octet)));
        }
        text.push_str(&self.text[at..]);
        text
    }

    fn separate(&mut self) {
        if self.text.contains('=') {
            self.push(";");
        }
    }

    /// A word after a blank, or on a new line.
    fn word(&mut self, word: &str) {
        // A blank before it, and the semicolon that may follow.
        if self.column + word.len() + 2 > LINE || self.signature.is_some_and(|at| at + 1 == self.text.len()) {
            self.fold();
        } else {
            self.push(" ");
        }
        self.push(word);
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n\t");
        self.column = 1;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short() {
        for length in [0, 1, 64, 256, 512] {
            let mut writer = Writer::new("DKIM-Signature");
            writer.tag("v", "1");
            writer.tag("d", &"a".repeat(60));
            writer.list("h", &vec!["content-transfer-encoding".to_owned(); 9]);
            writer.tag("bh", &"h".repeat(44));
            writer.signature();
            let text = writer.signed(&vec![0xff; length]);
            assert!(text.split("\r\n").all(|line| line.len() <= LINE), "{text}");
            assert!(text.split("\r\n").skip(1).all(|line| line.starts_with('\t') && line.len() > 1), "{text}");
            let compact: String = text.split_ascii_whitespace().collect();
            assert!(compact.contains(&"content-transfer-encoding:".repeat(8)), "{compact}");
            assert!(compact.ends_with(&format!("b={}", STANDARD.encode(vec![0xff; length]))));
        }
    }

    #[test]
    fn fields_of_words() {
        let text = Writer::text_field("A", &"  words and\r\n more".repeat(20));
        assert!(text.split("\r\n").all(|line| line.len() <= LINE && !line.trim().is_empty()), "{text}");
        assert!(text.starts_with("A: words and more  words"));
        assert_eq!(Writer::text_field("A", &"a".repeat(100)), format!("A:\r\n\t{}", "a".repeat(100)));
    }

    #[test]
    fn tags_after_the_signature() {
        let mut writer = Writer::new("ARC-Seal");
        writer.tag("a", "rsa-sha256");
        writer.signature();
        writer.tag("cv", "none");
        assert_eq!(writer.text(), "ARC-Seal: a=rsa-sha256;\r\n\tb=;\r\n\tcv=none");
        assert_eq!(writer.signed(b"a"), "ARC-Seal: a=rsa-sha256;\r\n\tb=YQ==;\r\n\tcv=none");
    }
}
