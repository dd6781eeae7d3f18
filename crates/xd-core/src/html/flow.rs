//! Running text: how pieces of HTML text join into words and lines (CSS Text 3 §4.1).

use crate::message::TextCollector;

/// What stands between the last piece of text and the next.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Gap {
    #[default]
    None,
    Blank,
    Line,
}

/// One running text on its way into a collector.
#[derive(Debug)]
pub(super) struct Flow<'s> {
    collector: &'s mut TextCollector,
    gap: Gap,
    /// Whether anything was written yet.
    begun: bool,
    /// Whether the last character was a letter or digit.
    in_word: bool,
}

impl<'s> Flow<'s> {
    pub(super) fn new(collector: &'s mut TextCollector) -> Self {
        Self { collector, gap: Gap::None, begun: false, in_word: false }
    }

    /// Sets what follows apart from what was written.
    pub(super) fn gap(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
        self.in_word = false;
    }

    /// Whether the last character was a letter or digit, and nothing stands between it and what comes next.
    pub(super) fn in_word(&self) -> bool {
        self.in_word
    }

    /// Writes text as it stands and returns what was set before it.
    pub(super) fn write(&mut self, text: &str) -> Gap {
        let gap = if self.begun { std::mem::take(&mut self.gap) } else { Gap::None };
        match gap {
            Gap::None => {}
            Gap::Blank => self.collector.push(" "),
            Gap::Line => self.collector.push("\n"),
        }
        self.gap = Gap::None;
        self.begun = true;
        self.collector.push(text);
        self.in_word = text.chars().next_back().is_some_and(char::is_alphanumeric);
        gap
    }
}

/// Whether a text needs its blanks folded: two stand side by side, or one that is no space.
pub(super) fn needs_folding(text: &str) -> bool {
    let bytes = text.as_bytes();
    let odd = bytes.iter().fold(false, |odd, byte| odd | (*byte < b' '));
    let doubled = bytes
        .iter()
        .zip(bytes.get(1..).unwrap_or_default())
        .fold(false, |doubled, (a, b)| doubled | ((*a == b' ') & (*b == b' ')));
    odd || doubled
}

/// Appends the text with every run of ASCII blanks as one space.
pub(super) fn fold_blanks(text: &str, out: &mut String) {
    for word in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}
