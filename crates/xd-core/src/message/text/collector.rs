//! Collects one text view piece by piece in bounded memory: its beginning, its end, and where parts meet.

use super::{TextFacts, TextView, normal};

/// Keeps the first and the last bytes of everything pushed.
///
/// When no more was pushed than both bounds together, nothing is lost. Cuts fall between characters.
#[derive(Clone, Debug)]
pub(crate) struct TextCollector {
    head: String,
    tail: String,
    /// How many bytes the head may hold.
    head_bytes: usize,
    /// How many bytes head and tail may hold together.
    all_bytes: usize,
    /// Whether the head takes no more.
    full: bool,
    /// How many bytes were dropped between head and tail.
    skipped: usize,
    /// Where parts meet, as distances from the beginning of everything pushed; ascending.
    borders: Vec<usize>,
}

/// Bytes that hold the text of most parts; the mean of real mail is 2,300.
const USUAL_BYTES: usize = 2_048;

impl TextCollector {
    /// A collector of the first `head` and the last `tail` bytes.
    pub(crate) fn new(head: usize, tail: usize) -> Self {
        Self {
            head: String::new(),
            tail: String::new(),
            head_bytes: head,
            all_bytes: head.saturating_add(tail),
            full: false,
            skipped: 0,
            borders: Vec::new(),
        }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) {
        let mut rest = text;
        if !self.full {
            let room = self.head_bytes - self.head.len();
            if text.len() <= room {
                if self.head.capacity() == 0 {
                    // Texts come in small pieces; a usual one fits without growing.
                    self.head.reserve(USUAL_BYTES.min(self.head_bytes).max(text.len()));
                }
                self.head.push_str(text);
                return;
            }
            self.full = true;
            let (head, beyond) = text.split_at(text.floor_char_boundary(room));
            self.head.push_str(head);
            rest = beyond;
        }
        let keep = self.all_bytes - self.head.len();
        if rest.len() > keep {
            // Only its own end can stay.
            let cut = rest.ceil_char_boundary(rest.len() - keep);
            self.skipped += self.tail.len() + cut;
            self.tail.clear();
            rest = &rest[cut..];
        }
        self.tail.push_str(rest);
        // Trimming only when twice the bound is reached keeps the whole linear.
        if self.tail.len() > keep.saturating_mul(2) {
            self.trim(keep);
        }
    }

    /// What was pushed first.
    pub(crate) fn beginning(&self) -> &str {
        &self.head
    }

    /// Ends a part: no phrase of the normal text reaches from what was pushed before to what is pushed after.
    pub(crate) fn separate(&mut self) {
        let here = self.head.len() + self.skipped + self.tail.len();
        if here > 0 && self.borders.last() != Some(&here) {
            self.borders.push(here);
        }
    }

    /// The text, and whether its middle was skipped.
    pub(crate) fn finish(mut self) -> (TextView, bool) {
        self.trim(self.all_bytes - self.head.len());
        let Self { head, tail, skipped, borders, .. } = self;
        let mut original = head;
        let mut cuts: Vec<usize> = borders.iter().copied().take_while(|&border| border <= original.len()).collect();
        let in_tail = borders.get(cuts.len()..).unwrap_or_default();
        let tail_at = original.len();
        if skipped > 0 {
            cuts.push(tail_at);
        }
        cuts.extend(in_tail.iter().filter_map(|border| border.checked_sub(skipped)).filter(|&cut| cut > tail_at));
        cuts.dedup();
        original.push_str(&tail);
        if original.is_empty() {
            return (TextView::default(), skipped > 0);
        }
        let (original, normal) = join(original, &cuts);
        let facts = TextFacts::count(&original);
        (TextView { original, normal, facts }, skipped > 0)
    }

    fn trim(&mut self, keep: usize) {
        if let Some(excess) = self.tail.len().checked_sub(keep).filter(|&excess| excess > 0) {
            let cut = self.tail.ceil_char_boundary(excess);
            self.tail.drain(..cut);
            self.skipped += cut;
        }
    }
}

/// The text with a line end at each cut, as it stands and in normal spelling.
fn join(text: String, cuts: &[usize]) -> (String, String) {
    let mut normal = normal::Builder::new(text.len());
    // One part has its only cut at the end, where nothing follows.
    if cuts.iter().all(|&cut| cut == text.len()) {
        normal.push(&text);
        return (text, normal.finish());
    }
    let mut original = String::with_capacity(text.len() + cuts.len());
    let mut from = 0;
    for &cut in cuts.iter().chain([&text.len()]) {
        let Some(piece) = text.get(from..cut) else { continue };
        if from > 0 && !piece.is_empty() {
            original.push('\n');
            normal.separate();
        }
        original.push_str(piece);
        normal.push(piece);
        from = cut;
    }
    (original, normal.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collect(head: usize, tail: usize, pieces: &[&str]) -> (String, String, bool) {
        let mut collector = TextCollector::new(head, tail);
        for piece in pieces {
            match *piece {
                "|" => collector.separate(),
                text => collector.push(text),
            }
        }
        let (view, skipped) = collector.finish();
        (view.original, view.normal, skipped)
    }

    fn kept(original: &str, normal: &str, skipped: bool) -> (String, String, bool) {
        (original.to_owned(), normal.to_owned(), skipped)
    }

    #[test]
    fn the_bounds_hold_on_both_sides_of_their_edge() {
        assert_eq!(collect(4, 3, &["abcdefg"]), kept("abcdefg", "abcdefg", false));
        assert_eq!(collect(4, 3, &["abcdefgh"]), kept("abcd\nfgh", "abcd\nfgh", true));
        assert_eq!(collect(4, 3, &["ab", "cdef", "g"]), kept("abcdefg", "abcdefg", false));
        assert_eq!(collect(0, 0, &["a"]), kept("", "", true));
    }

    #[test]
    fn characters_are_not_cut() {
        assert_eq!(collect(4, 3, &["abcéxy"]), kept("abcéxy", "abcéxy", false));
        assert_eq!(collect(4, 3, &["abcédéfg"]), kept("abc\néfg", "abc\néfg", true));
    }

    #[test]
    fn parts_do_not_join_into_phrases() {
        assert_eq!(collect(99, 9, &["Click", "|", "here", "|"]), kept("Click\nhere", "click\nhere", false));
        assert_eq!(collect(99, 9, &["|", "Click\r\n", "|", "|", "\nhere"]), kept("Click\r\n\n\nhere", "click\nhere", false));
        assert_eq!(collect(3, 9, &["Click", "|", "here"]), kept("Click\nhere", "click\nhere", false));
        assert_eq!(collect(2, 6, &["Click", "|", "here"]), kept("Cl\nck\nhere", "cl\nck\nhere", true));
    }

    proptest! {
        #[test]
        fn agrees_with_slices(head in 0usize..20, tail in 0usize..20, pieces in prop::collection::vec("[aé\u{10000}]{0,9}", 0..12)) {
            let mut collector = TextCollector::new(head, tail);
            for piece in &pieces {
                collector.push(piece);
            }
            let (view, skipped) = collector.finish();
            let whole = pieces.concat();
            if whole.len() <= head + tail {
                prop_assert!(!skipped);
                prop_assert_eq!(view.original, whole);
            } else {
                let first = &whole[..whole.floor_char_boundary(head)];
                let last = &whole[whole.ceil_char_boundary(whole.len() - (head + tail - first.len()))..];
                prop_assert!(skipped);
                let expected = if first.is_empty() || last.is_empty() { format!("{first}{last}") } else { format!("{first}\n{last}") };
                prop_assert_eq!(view.original, expected);
            }
        }
    }
}
