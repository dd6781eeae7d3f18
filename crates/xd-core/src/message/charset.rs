//! Bytes to text by the label of a charset (RFC 2046 §4.1.2), the way browsers know labels (WHATWG Encoding).

use std::borrow::Cow;

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16LE, WINDOWS_1252};
use memchr::memmem;

use super::utf7;
use crate::{Defect, Defects};

/// Names that mail programs write and browsers do not know.
const ALIASES: [(&str, &Encoding); 8] = [
    ("cp932", SHIFT_JIS),
    ("cp936", GBK),
    ("cp949", EUC_KR),
    ("cp950", BIG5),
    ("latin-1", WINDOWS_1252),
    ("us_ascii", WINDOWS_1252),
    ("utf", UTF_8),
    ("utf-8mb4", UTF_8),
];

/// How far into a page its own statement of a charset is looked for, as browsers do.
const META_BYTES: usize = 1_024;

/// The charset with this label. Those that browsers refuse because they can hide text (ISO-2022-KR, HZ) are unknown.
pub(super) fn find(label: &str) -> Option<&'static Encoding> {
    let label = label.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''));
    Encoding::for_label_no_replacement(label.as_bytes())
        .or_else(|| ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(label)).map(|&(_, encoding)| encoding))
}

/// A text part's bytes as text.
///
/// Text that says nothing, or says US-ASCII, and is not ASCII is read as UTF-8 if it is that, or else as Windows-1252.
pub(super) fn decode<'b>(bytes: &'b [u8], label: Option<&str>, html: bool, defects: &mut Defects) -> Cow<'b, str> {
    if label.is_some_and(is_utf7) {
        return Cow::Owned(utf7::decode(bytes));
    }
    let declared = label.and_then(find);
    if label.is_some() && declared.is_none() {
        defects.record(Defect::UnknownCharset);
    }
    // UTF-16 is the one charset known here whose text is not made of ASCII where it looks like it. ISO-2022-JP shifts by ESC.
    let ascii_is_ascii = declared.is_none_or(Encoding::is_ascii_compatible);
    if ascii_is_ascii
        && bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    let says_ascii = label.is_some_and(|label| declared == Some(WINDOWS_1252) && label.to_ascii_lowercase().contains("ascii"));
    if says_ascii {
        defects.record(Defect::BadCharset);
    }
    if let Some(encoding) = declared.filter(|_| !says_ascii) {
        // A byte order mark wins over the label, as in browsers; UTF-16 without one is big-endian by RFC 2781 §4.3 and
        // little-endian in life.
        let (text, actual, bad) = encoding.decode(bytes);
        if !bad {
            return text;
        }
        defects.record(Defect::BadCharset);
        if actual != UTF_8 && actual != UTF_16LE {
            return text;
        }
        // One stray byte in UTF-8 is one replaced character; a label that lies altogether is better read as the other.
        return if mostly_broken(&text) { WINDOWS_1252.decode_without_bom_handling(bytes).0 } else { text };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    }
    let stated = if html { meta_charset(bytes).and_then(find) } else { None };
    stated.unwrap_or(WINDOWS_1252).decode(bytes).0
}

/// UTF-7 (RFC 2152), which no browser reads and some mail programs do: what they show must be judged.
fn is_utf7(label: &str) -> bool {
    ["utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7"].iter().any(|name| name.eq_ignore_ascii_case(label.trim()))
}

/// Whether more than one in eight characters is a replacement.
fn mostly_broken(text: &str) -> bool {
    let broken = memmem::find_iter(text.as_bytes(), "\u{fffd}").count();
    broken * 8 > text.chars().count()
}

/// The charset that a page states itself.
fn meta_charset(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..META_BYTES).unwrap_or(bytes);
    let at = memmem::find(head, b"charset=").or_else(|| memmem::find(head, b"CHARSET="))?;
    let value = head.get(at + 8..)?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_:.".contains(b)).unwrap_or(value.len());
    std::str::from_utf8(value.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_their_charsets() {
        type Case<'c> = (&'c [u8], Option<&'c str>, bool, &'c str, Option<Defect>);
        let cases: &[Case<'_>] = &[
            (b"plain", None, false, "plain", None),
            (b"plain", Some("us-ascii"), false, "plain", None),
            ("Grüße".as_bytes(), None, false, "Grüße", None),
            (b"Gr\xFC\xDFe", None, false, "Grüße", None),
            (b"Gr\xFC\xDFe", Some("iso-8859-1"), false, "Grüße", None),
            ("Grüße".as_bytes(), Some("us-ascii"), false, "Grüße", Some(Defect::BadCharset)),
            (b"\xF0\xD2\xC9", Some("KOI8-R"), false, "При", None),
            (b"\x1B$BF|K\\\x1B(B", Some("iso-2022-jp"), false, "日本", None),
            (b"\x93\xFA\x96\x7B", Some("cp932"), false, "日本", None),
            (b"a\0b\0", Some("utf-16le"), false, "ab", None),
            (b"abcdefgh\xFFijklmnop", Some("utf-8"), false, "abcdefgh\u{fffd}ijklmnop", Some(Defect::BadCharset)),
            (b"\xFC\xDF", Some("utf-8"), false, "üß", Some(Defect::BadCharset)),
            (b"a +AGE-b+-", Some("UTF-7"), false, "a ab+", None),
            (b"a", Some("iso-2022-kr"), false, "a", Some(Defect::UnknownCharset)),
            (b"<meta charset=\"koi8-r\">\xF0", None, true, "<meta charset=\"koi8-r\">П", None),
            (b"<meta charset=\"koi8-r\">\xF0", None, false, "<meta charset=\"koi8-r\">ð", None),
        ];
        for (bytes, label, html, text, defect) in cases {
            let mut defects = Defects::default();
            assert_eq!(decode(bytes, *label, *html, &mut defects), *text, "{label:?}");
            assert_eq!(defects.iter().next(), *defect, "{text}");
        }
    }
}
