//! Which fields of a header a signature covers (RFC 6376 §5.4.2): each time a name is listed, the lowest field of that name not taken yet.

use std::cmp::Ordering;
use std::ops::Range;

use super::Canonicalization;
use crate::content::{Content, Field};

/// A header whose fields are found by name: 10,000 fields and 1,000 names are no work.
#[derive(Debug)]
pub(crate) struct HeaderIndex<'c, 'a> {
    fields: &'c [Field<'a>],
    /// Numbers of fields by name; those of one name in the order of the header.
    sorted: Vec<usize>,
}

impl<'c, 'a> HeaderIndex<'c, 'a> {
    pub(crate) fn of(content: &'c Content<'a>) -> Self {
        let fields = content.fields();
        let mut sorted: Vec<usize> = (0..fields.len()).collect();
        sorted.sort_by(|&one, &other| by_name(fields[one].name(), fields[other].name()));
        Self { fields, sorted }
    }

    /// How many fields have a name.
    pub(crate) fn count(&self, name: &[u8]) -> usize {
        self.range(name).len()
    }

    /// Appends the canonical fields that the names take, each with its CRLF. False when that would be more than `most` octets.
    pub(crate) fn append(&self, names: &[&[u8]], how: Canonicalization, out: &mut Vec<u8>, most: usize) -> bool {
        let mut taken = vec![0; self.sorted.len()];
        for name in names {
            let range = self.range(name);
            let Some(taken) = taken.get_mut(range.start) else { continue };
            // One more than there are stands for none, so that none can be added (RFC 6376 §5.4.2). A name that is not there at all
            // begins where another one does, and may have been taken.
            if *taken >= range.len() {
                continue;
            }
            *taken += 1;
            how.field(&self.fields[self.sorted[range.end - *taken]], out);
            out.extend_from_slice(b"\r\n");
            if out.len() > most {
                return false;
            }
        }
        true
    }

    fn range(&self, name: &[u8]) -> Range<usize> {
        let start = self.sorted.partition_point(|&field| by_name(self.fields[field].name(), name).is_lt());
        let length = self.sorted[start..].partition_point(|&field| by_name(self.fields[field].name(), name).is_eq());
        start..start + length
    }
}

/// Some order of names without regard to case: length first, which tells most apart.
fn by_name(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.iter().map(u8::to_ascii_lowercase).cmp(other.iter().map(u8::to_ascii_lowercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_field_is_taken_first() {
        let content = Content::split(b"A: 1\r\nB: 2\r\na: 3\r\nAB: 4\r\n\r\n");
        let index = HeaderIndex::of(&content);
        assert_eq!((index.count(b"a"), index.count(b"ab"), index.count(b"c")), (2, 1, 0));
        for (names, expected) in [
            (&["A"][..], "a: 3\r\n"),
            (&["a", "b", "A"], "a: 3\r\nB: 2\r\nA: 1\r\n"),
            (&["a", "0", "b"], "a: 3\r\nB: 2\r\n"),
            (&["c", "ab", "", "a", "a", "a"], "AB: 4\r\na: 3\r\nA: 1\r\n"),
        ] {
            let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            let mut out = Vec::new();
            assert!(index.append(&names, Canonicalization::Simple, &mut out, expected.len()));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert!(!index.append(&names, Canonicalization::Simple, &mut Vec::new(), expected.len() - 1));
        }
    }
}
