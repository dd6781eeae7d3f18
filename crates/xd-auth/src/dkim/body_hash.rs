//! Hashes of a body: each canonical form is made once, whatever number of signatures ask for it.

use sha2::{Digest, Sha256};

use super::Canonicalization;

/// The hashes of one body that signatures asked for, kept so that DKIM and ARC share them.
///
/// # Example: a body that is hashed for DKIM is not hashed again for ARC
/// ```
/// use xd_auth::content::Content;
/// use xd_auth::dkim::{BodyHashes, Signatures};
///
/// let content = Content::split(b"From: a@example.com\r\n\r\nHello\r\n");
/// let mut hashes = BodyHashes::of(&content);
/// let signatures = Signatures::prepare(&content, &mut hashes);
/// assert_eq!(signatures.len(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct BodyHashes<'a> {
    body: &'a [u8],
    known: Vec<(Request, BodyHash)>,
}

/// A canonical form, and how many octets of it are hashed: all without a limit (`l=`).
pub(crate) type Request = (Canonicalization, Option<u64>);

/// The hash of a canonical body, or of its beginning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BodyHash {
    pub(crate) hash: [u8; 32],
    /// Octets that were hashed; fewer than the limit when the body is shorter.
    pub(crate) hashed: u64,
    /// Octets of the whole canonical body.
    pub(crate) total: u64,
}

impl<'a> BodyHashes<'a> {
    /// None yet, of this body.
    #[must_use]
    pub fn of(content: &crate::content::Content<'a>) -> Self {
        Self { body: content.body(), known: Vec::new() }
    }

    /// Computes what is asked for and not known yet: one pass for each canonical form.
    pub(crate) fn prepare(&mut self, requests: &[Request]) {
        for how in [Canonicalization::Relaxed, Canonicalization::Simple] {
            let wanted = requests.iter().filter(|request| request.0 == how && self.get(**request).is_none());
            let mut limits: Vec<Option<u64>> = wanted.map(|request| request.1).collect();
            if limits.is_empty() {
                continue;
            }
            // Longest first, all last of all: they are taken from the end.
            limits.sort_unstable_by_key(|limit| std::cmp::Reverse(limit.unwrap_or(u64::MAX)));
            limits.dedup();
            let mut pass = Pass { hasher: Sha256::new(), octets: 0, limits, done: Vec::new() };
            how.body(self.body, &mut |piece| pass.take(piece));
            self.known.extend(pass.end().map(|(limit, hash)| ((how, limit), hash)));
        }
    }

    pub(crate) fn get(&self, request: Request) -> Option<BodyHash> {
        self.known.iter().find(|(known, _)| *known == request).map(|(_, hash)| *hash)
    }
}

/// One pass over a canonical body.
struct Pass {
    hasher: Sha256,
    octets: u64,
    limits: Vec<Option<u64>>,
    done: Vec<(Option<u64>, [u8; 32], u64)>,
}

impl Pass {
    fn take(&mut self, mut piece: &[u8]) {
        while let Some(&Some(limit)) = self.limits.last() {
            let room = limit.saturating_sub(self.octets);
            // What fits into no usize is more than any piece holds.
            let Some((head, tail)) = usize::try_from(room).ok().and_then(|room| piece.split_at_checked(room)) else { break };
            self.hash(head);
            self.done.push((Some(limit), self.hasher.clone().finalize().into(), self.octets));
            self.limits.pop();
            piece = tail;
        }
        self.hash(piece);
    }

    fn hash(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.octets += piece.len() as u64;
    }

    /// All hashes; whoever asked for more than there is gets the hash of what there is.
    fn end(mut self) -> impl Iterator<Item = (Option<u64>, BodyHash)> {
        let (total, hash) = (self.octets, self.hasher.finalize().into());
        self.done.extend(self.limits.into_iter().map(|limit| (limit, hash, total)));
        self.done.into_iter().map(move |(limit, hash, hashed)| (limit, BodyHash { hash, hashed, total }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    #[test]
    fn limits_are_cut_out_of_one_pass() {
        let content = Content::split(b"\r\nab  c \r\nd\r\n\r\n");
        let mut hashes = BodyHashes::of(&content);
        let limits = [None, Some(0), Some(2), Some(3), Some(9), Some(10)];
        hashes.prepare(&limits.map(|limit| (Canonicalization::Relaxed, limit)));
        let canonical = b"ab c\r\nd\r\n";
        for (limit, length) in limits.into_iter().zip([9, 0, 2, 3, 9, 9]) {
            let expected = BodyHash { hash: Sha256::digest(&canonical[..length]).into(), hashed: length as u64, total: 9 };
            assert_eq!(hashes.get((Canonicalization::Relaxed, limit)), Some(expected), "{limit:?}");
        }
        assert_eq!(hashes.get((Canonicalization::Simple, None)), None);
    }

    #[test]
    fn what_an_empty_body_hashes_to() {
        use base64::Engine as _;
        let content = Content::split(b"");
        let mut hashes = BodyHashes::of(&content);
        hashes.prepare(&[(Canonicalization::Simple, None), (Canonicalization::Relaxed, None)]);
        for (how, expected) in [
            // RFC 6376 §3.4.3, §3.4.4.
            (Canonicalization::Simple, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            (Canonicalization::Relaxed, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ] {
            let hash = hashes.get((how, None)).unwrap().hash;
            assert_eq!(base64::engine::general_purpose::STANDARD.encode(hash), expected);
        }
    }
}
