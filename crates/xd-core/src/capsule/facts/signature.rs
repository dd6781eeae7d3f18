//! Signatures in header fields, cut: nothing makes them shorter, and without the message nobody can verify them. What verifying
//! them gave is evidence and stands there.
//!
//! What is taken out is decided by names and syntax alone: tags `b` and `bh` of a tag list (RFC 6376 §3.2) with a value in base64, in
//! fields that are named as signatures.

use sha2::{Digest, Sha256};

use super::FieldValue;

/// Fields that hold signatures in tag lists: `ARC-Seal`, and all named `…-Signature`, as are those of DKIM, of ARC, of DomainKeys
/// and of programs that sign in the manner of DKIM under names of their own.
fn is_signature(name: &str) -> bool {
    const SUFFIX: &[u8] = b"-signature";
    let end = name.len().checked_sub(SUFFIX.len()).and_then(|start| name.as_bytes().get(start..));
    name.eq_ignore_ascii_case("arc-seal") || end.is_some_and(|end| end.eq_ignore_ascii_case(SUFFIX))
}

/// The value without its signatures, if it holds any that are longer than what stands for them.
pub(super) fn cut(name: &str, value: &[u8]) -> Option<FieldValue> {
    if !is_signature(name) {
        return None;
    }
    let mut rest = Vec::with_capacity(value.len());
    for (index, tag) in value.split(|&byte| byte == b';').enumerate() {
        if index > 0 {
            rest.push(b';');
        }
        rest.extend_from_slice(&tag[..signature_at(tag).unwrap_or(tag.len())]);
    }
    let digest = Sha256::digest(value);
    let mut hash = [0; 8];
    hash.copy_from_slice(&digest[..8]);
    (rest.len() + hash.len() < value.len()).then_some(FieldValue::Cut { rest, hash })
}

/// Whether this is what is left of a field of this name.
pub(super) fn is_rest(name: &str, rest: &[u8]) -> bool {
    let mut tags = rest.split(|&byte| byte == b';').map(|tag| (tag, signature_at(tag)));
    let whole = tags.clone().any(|(tag, at)| at.is_some_and(|at| at < tag.len()));
    is_signature(name) && !whole && tags.any(|(_, at)| at.is_some())
}

/// Where the value of a tag begins that is a signature, or nothing any more.
fn signature_at(tag: &[u8]) -> Option<usize> {
    let equals = memchr::memchr(b'=', tag)?;
    let (name, value) = (tag[..equals].trim_ascii(), &tag[equals + 1..]);
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/= \t\r\n".contains(byte);
    (matches!(name, b"b" | b"bh") && value.iter().all(is_base64)).then_some(equals + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str =
        " v=1; d=example.com; h=from:to;\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=AAAA\r\n\t BBBB==";

    #[test]
    fn signatures_are_taken_out() {
        let hash = |value: &str| Sha256::digest(value.as_bytes())[..8].try_into().unwrap();
        let last = VALUE.replace(" v=1; ", "").replace("example", "b=");
        for (name, value, expected) in [
            ("DKIM-Signature", VALUE, Some(" v=1; d=example.com; h=from:to;\r\n\tbh=;\r\n\tb=")),
            ("X-Google-DKIM-Signature", "b=AAAABBBBCCCC; d=example.com", Some("b=; d=example.com")),
            ("arc-seal", &last, Some("d=b=.com; h=from:to;\r\n\tbh=;\r\n\tb=")),
            ("ARC-Message-Signature", "B=AAAABBBBCCCCDDDD; bb=AAAABBBBCCCCDDDD; =;", None),
            ("ARC-Message-Signature", "b=alice@example.com, who signs", None),
            ("DKIM-Signature", "b=AAAABBBB", None),
            ("DKIM-Signature", "b=AAAABBBBC", Some("b=")),
            ("X-Signed", VALUE, None),
            ("Signature", VALUE, None),
            ("", VALUE, None),
        ] {
            let found = cut(name, value.as_bytes());
            let expected = expected.map(|rest| FieldValue::Cut { rest: rest.into(), hash: hash(value) });
            assert_eq!(found, expected, "{name}: {value}");
            if let Some(FieldValue::Cut { rest, .. }) = found {
                assert!(is_rest(name, &rest) && !is_rest("Subject", &rest) && cut(name, &rest).is_none());
            }
            assert!(!is_rest(name, value.as_bytes()), "{name}: {value}");
        }
    }
}
