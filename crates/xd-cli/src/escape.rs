//! Text from mail made safe to show: nothing in it can drive a terminal or reorder a line.
//!
//! Control characters (C0, DEL, C1), bidirectional controls (UAX #9) and characters without any width are written as
//! escapes. `UTS #39` lists further confusable characters; those are shown, since they are what a person must see.

use std::fmt;

/// A text that prints with all that a terminal could obey written as `\n`, `\t` or `\u{202e}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            f.write_str(&rest[..at])?;
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Whether a character could change how others are shown, or is not shown itself.
pub(crate) fn is_unsafe(c: char) -> bool {
    // Nearly all text is printable ASCII.
    if (' '..='~').contains(&c) {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero-width characters and directional marks; line and paragraph separators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags can spell a second, unseen text.
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        Plain(text).to_string()
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "Grüße", "日本語", "a\\b", "👩🏽 100 €"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn terminal_sequences_are_spelled_out() {
        assert_eq!(plain("\x1b[2Jhi\x07"), "\\u{1b}[2Jhi\\u{7}");
        assert_eq!(plain("\u{9b}31m\x7f"), "\\u{9b}31m\\u{7f}");
        assert_eq!(plain("a\r\n\tb"), "a\\r\\n\\tb");
    }

    #[test]
    fn reordering_is_spelled_out() {
        assert_eq!(plain("moc.\u{202e}exe"), "moc.\\u{202e}exe");
        assert_eq!(plain("\u{2066}x\u{2069}\u{200b}\u{feff}"), "\\u{2066}x\\u{2069}\\u{200b}\\u{feff}");
    }
}
