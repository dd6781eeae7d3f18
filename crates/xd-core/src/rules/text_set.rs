//! Sets of texts that are asked often and never change: one hash, and seldom more than one comparison.

/// Texts, each once.
#[derive(Debug)]
pub(super) struct TextSet {
    texts: Box<[String]>,
    /// Open addressing: the index of a text plus one, or 0. At most half full, so that a search ends.
    slots: Box<[u32]>,
}

impl TextSet {
    pub(super) fn new(texts: Vec<String>) -> Self {
        let size = (texts.len() * 2).next_power_of_two().max(2);
        let mut set = Self { texts: texts.into_boxed_slice(), slots: vec![0; size].into_boxed_slice() };
        for index in 0..set.texts.len() {
            let slot = set.slot(&set.texts[index]);
            // A message has no say here: 2^32 texts do not fit a rule file.
            set.slots[slot] = u32::try_from(index + 1).unwrap_or(0);
        }
        set
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.slots[self.slot(text)] != 0
    }

    /// The slot of a text, or the free one where it would stand.
    fn slot(&self, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text) & mask;
        while let Some(index) = self.slots[slot].checked_sub(1) {
            if self.texts[index as usize] == text {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// FNV-1a. The set is the author's, so nobody gains from texts that collide in it.
fn hash(text: &str) -> usize {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (hash ^ (hash >> 32)) as usize
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
}
