//! Sets of texts that are asked often and never change: one hash, and seldom more than one comparison.

/// Texts, each once.
#[derive(Debug)]
pub(super) struct TextSet {
    texts: Box<[String]>,
    /// Open addressing: the index of a text plus one, or 0. At most half full, so that a search ends.
    slots: Box<[u32]>,
    /// The signs of all texts, a bit for each.
    signs: [u64; 4],
}

impl TextSet {
    pub(super) fn new(texts: Vec<String>) -> Self {
        let size = (texts.len() * 2).next_power_of_two().max(2);
        let mut signs = [0; 4];
        for text in &texts {
            let (word, bit) = sign_of(text.as_bytes());
            signs[word] |= bit;
        }
        let mut set = Self { signs, texts: texts.into_boxed_slice(), slots: vec![0; size].into_boxed_slice() };
        for index in 0..set.texts.len() {
            let slot = set.slot(&set.texts[index]);
            // A message has no say here: 2^32 texts do not fit a rule file.
            set.slots[slot] = u32::try_from(index + 1).unwrap_or(0);
        }
        set
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.may_hold(text.as_bytes()) && self.slots[self.slot(text)] != 0
    }

    /// Whether a domain or one that it lies below is in the set.
    pub(super) fn contains_domain_of(&self, domain: &str) -> bool {
        let bytes = domain.as_bytes();
        // The hash of what stands from here to the end.
        let (mut hash, mut from) = (SEED, bytes.len());
        (0..bytes.len()).rev().any(|at| {
            let begins_label = at == 0 || bytes[at - 1] == b'.';
            if !begins_label || !self.may_hold(&bytes[at..]) {
                return false;
            }
            hash = bytes[at..from].iter().rev().copied().fold(hash, step);
            from = at;
            // A label begins at a character: behind a dot.
            self.slots[self.slot_of(mixed(hash), &domain[at..])] != 0
        })
    }

    /// Whether a text of this sign may be in the set.
    fn may_hold(&self, text: &[u8]) -> bool {
        let (word, bit) = sign_of(text);
        self.signs[word] & bit != 0
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

/// One bit of 256 for the length of a text, its first and its last byte, which tell most texts apart without a hash: the
/// word, and the bit in it.
fn sign_of(text: &[u8]) -> (usize, u64) {
    let byte = |byte: Option<&u8>| byte.map_or(0, |&byte| usize::from(byte));
    let sign = text.len() * 37 + byte(text.first()) * 5 + byte(text.last()) * 11;
    (sign / 64 % 4, 1 << (sign % 64))
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
