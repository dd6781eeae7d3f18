//! The styles that were read last: a page repeats a few of them over and over.

use super::style::Declared;

/// Style attributes by their text, one in each place.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    places: [(String, Declared); PLACES],
}

/// How many styles are kept; 16.
const PLACES: usize = 16;

/// Bytes of the longest text that is kept; 512.
const TEXT_BYTES: usize = 512;

impl Memo {
    /// The style that a text was last read as.
    pub(super) fn find(&self, text: &str) -> Option<Declared> {
        let (known, style) = self.places.get(place(text))?;
        (known == text && !text.is_empty()).then_some(*style)
    }

    /// Keeps the style of a text for later, in place of another.
    pub(super) fn keep(&mut self, text: &str, style: Declared) {
        if text.len() <= TEXT_BYTES
            && let Some((known, kept)) = self.places.get_mut(place(text))
        {
            known.clear();
            known.push_str(text);
            *kept = style;
        }
    }
}

/// Where a text is kept. It is told from others by its length and a few bytes spread over it.
fn place(text: &str) -> usize {
    let sample = text.bytes().step_by(text.len() / 8 + 1);
    sample.fold(text.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::style::Style;

    #[test]
    fn what_was_read_is_found_until_another_takes_its_place() {
        let style = Declared::from(Style { tiny: Some(true), ..Style::NONE });
        let mut memo = Memo::default();
        assert_eq!((memo.find(""), memo.find("font-size:0")), (None, None));
        memo.keep("font-size:0", style);
        assert_eq!((memo.find("font-size:0"), memo.find("font-size:1")), (Some(style), None));
        let other = (0..999).map(|n| format!("width:{n}")).find(|other| place(other) == place("font-size:0")).unwrap();
        memo.keep(&other, Declared::NONE);
        assert_eq!((memo.find("font-size:0"), memo.find(&other)), (None, Some(Declared::NONE)));
    }

    #[test]
    fn texts_are_bounded() {
        let mut memo = Memo::default();
        for (len, kept) in [(TEXT_BYTES, true), (TEXT_BYTES + 1, false)] {
            let text = "x".repeat(len);
            memo.keep(&text, Declared::NONE);
            assert_eq!(memo.find(&text).is_some(), kept, "{len}");
        }
    }
}
