//! Members that no directory names: their headers stand in bytes that nothing else claims.

use memchr::memmem;

use super::header::{CENTRAL, Entry, LOCAL, Local};

/// Walks the headers in the gaps between claimed bytes, in order.
pub(super) struct Gaps<'a> {
    bytes: &'a [u8],
    /// The gaps, the last first.
    gaps: Vec<(usize, usize)>,
}

impl<'a> Gaps<'a> {
    pub(super) fn new(bytes: &'a [u8], mut claims: Vec<(usize, usize)>) -> Self {
        claims.sort_unstable();
        let mut gaps = Vec::new();
        let mut reach = 0;
        for (start, end) in claims {
            if start > reach {
                gaps.push((reach, start));
            }
            reach = reach.max(end);
        }
        if reach < bytes.len() {
            gaps.push((reach, bytes.len()));
        }
        gaps.reverse();
        Self { bytes, gaps }
    }

    /// The packed bytes of a member whose header does not say how many follow: up to the next signature.
    fn packed(&self, local: &Local<'a>, gap_end: usize) -> usize {
        let rest = self.bytes.get(local.data_at..gap_end).unwrap_or_default();
        let next = memmem::find_iter(rest, b"PK").find(|at| {
            let signature = rest.get(*at..).unwrap_or_default();
            signature.starts_with(b"PK\x07\x08") || signature.starts_with(&LOCAL) || signature.starts_with(&CENTRAL)
        });
        next.unwrap_or(rest.len())
    }
}

impl<'a> Iterator for Gaps<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        while let Some((start, end)) = self.gaps.pop() {
            let gap = self.bytes.get(start..end).unwrap_or_default();
            let Some(at) = memmem::find(gap, &LOCAL) else { continue };
            let at = start + at;
            let local = Local::read(self.bytes, at as u64).filter(|local| is_plausible(&local.entry));
            let Some(local) = local else {
                self.gaps.push((at + LOCAL.len(), end));
                continue;
            };
            let mut entry = local.entry.clone();
            let unknown = entry.has_descriptor() && entry.packed == 0;
            let length = match usize::try_from(entry.packed) {
                Ok(length) if !unknown => length,
                _ => self.packed(&local, end),
            };
            let length = length.min(self.bytes.len().saturating_sub(local.data_at));
            if unknown {
                entry.packed = length as u64;
            }
            self.gaps.push((local.data_at.saturating_add(length).clamp(at + LOCAL.len(), end.max(at + LOCAL.len())), end));
            return Some(entry);
        }
        None
    }
}

/// Whether a header is one, and not four bytes that look like it: programs that unpack archives hold such.
fn is_plausible(entry: &Entry<'_>) -> bool {
    let named = !entry.name.is_empty() && entry.name.len() <= 4_096 && !entry.name.iter().any(|byte| *byte < b' ');
    named && matches!(entry.method, 0..=20 | 93..=99)
}
