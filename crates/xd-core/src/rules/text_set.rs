//! Sets of texts that are asked often and never change: one hash, and seldom more than one comparison.

/// Texts, each once.
#[derive(Debug)]
pub(super) struct TextSet {
    texts: Box<[String]>,
    /// Open addressing: the index of a text plus one, or 0. At most half full, so that a search ends.
    slots: Box<[u32]>,
    /// The bits of the lengths of all texts.
    lengths: u64,
}

impl TextSet {
    pub(super) fn new(texts: Vec<String>) -> Self {
        let size = (texts.len() * 2).next_power_of_two().max(2);
        let lengths = texts.iter().fold(0, |lengths, text| lengths | bit_of(text.len()));
        let mut set = Self { lengths, texts: texts.into_boxed_slice(), slots: vec![0; size].into_boxed_slice() };
        for index in 0..set.texts.len() {
            let slot = set.slot(&set.texts[index]);
            // A message has no say here: 2^32 texts do not fit a rule file.
            set.slots[slot] = u32::try_from(index + 1).unwrap_or(0);
        }
        set
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.may_hold(text.len()) && self.slots[self.slot(text)] != 0
    }

    /// Whether a domain or one that it lies below is in the set.
    pub(super) fn contains_domain_of(&self, domain: &str) -> bool {
        let mut hash = SEED;
        domain.bytes().enumerate().rev().any(|(at, byte)| {
            hash = step(hash, byte);
            let begins_label = at == 0 || domain.as_bytes()[at - 1] == b'.';
            // A label begins at a character: behind a dot.
            begins_label && self.may_hold(domain.len() - at) && self.slots[self.slot_of(mixed(hash), &domain[at..])] != 0
        })
    }

    /// Whether texts so long may be in the set.
    fn may_hold(&self, length: usize) -> bool {
        self.lengths & bit_of(length) != 0
    }

    /// The slot of a text, or the free one where it would stand.
    fn slot(&self, text: &str) -> usize {
        self.slot_of(mixed(text.bytes().rev().fold(SEED, step)), text)
    }

    fn slot_of(&self, hash: usize, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash & mask;
        while let Some(index) = self.slots[slot].checked_sub(1) {
            if self.texts[index as usize] == text {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// FNV-1a over the bytes from the last to the first, so that the hashes of a domain and of all it lies below come from one
/// pass. The set is the author's, so nobody gains from texts that collide in it.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}

fn mixed(hash: u64) -> usize {
    (hash ^ (hash >> 32)) as usize
}

/// A bit for a length; lengths share bits.
fn bit_of(length: usize) -> u64 {
    1 << (length % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_given() {
        let texts: Vec<String> = (0..1000).map(|n| format!("host{n}.example")).collect();
        let set = TextSet::new(texts.clone());
        assert!(texts.iter().all(|text| set.contains(text)));
        assert!(!set.contains("") && !set.contains("host1000.example"));
        assert!(!TextSet::new(Vec::new()).contains(""));
    }

    #[test]
    fn domains_are_within_whole_labels() {
        let set = TextSet::new(vec!["example.com".to_owned(), "zip".to_owned()]);
        for (value, expected) in [
            ("example.com", true),
            ("a.b.example.com", true),
            ("badexample.com", false),
            ("x.zip", true),
            ("com", false),
            ("", false),
            ("é.zip", true),
            ("zip.é", false),
        ] {
            assert_eq!(set.contains_domain_of(value), expected, "{value}");
        }
    }
}
