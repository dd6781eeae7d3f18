//! Text in the encodings of Windows: UTF-16 and code pages. What cannot be decoded becomes U+FFFD, as browsers do it.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_2022_JP, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_13, ISO_8859_15, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_874,
    WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
    X_MAC_CYRILLIC,
};

/// The code page of western Windows, which stands where none is named.
pub(crate) const WESTERN: u32 = 1252;

/// Little-endian UTF-16; an odd byte at the end counts for nothing.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// UTF-16 up to the first NUL.
pub(crate) fn utf16_until_nul(bytes: &[u8]) -> String {
    let mut text = utf16(bytes);
    text.truncate(text.find('\0').unwrap_or(text.len()));
    text
}

/// Bytes of this code page. Pages that the web does not know (437, 850) are read as western: file names seldom suffer.
pub(crate) fn by_code_page(bytes: &[u8], page: u32) -> String {
    encoding(page).decode_without_bom_handling(bytes).0.into_owned()
}

/// Bytes of this code page up to the first NUL.
pub(crate) fn by_code_page_until_nul(bytes: &[u8], page: u32) -> String {
    by_code_page(until_nul(bytes), page)
}

/// What stands before the first NUL.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.get(..memchr::memchr(0, bytes).unwrap_or(bytes.len())).unwrap_or(bytes)
}

/// Up to `most` bytes of a text, whole characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

fn encoding(page: u32) -> &'static Encoding {
    match page {
        866 => IBM866,
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 | 51949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1253 => WINDOWS_1253,
        1254 | 28599 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10000 => MACINTOSH,
        10007 => X_MAC_CYRILLIC,
        20866 => KOI8_R,
        21866 => KOI8_U,
        28592 => ISO_8859_2,
        28593 => ISO_8859_3,
        28594 => ISO_8859_4,
        28595 => ISO_8859_5,
        28596 => ISO_8859_6,
        28597 => ISO_8859_7,
        28598 | 38598 => ISO_8859_8,
        28603 => ISO_8859_13,
        28605 => ISO_8859_15,
        50220..=50222 => ISO_2022_JP,
        51932 => EUC_JP,
        54936 => GB18030,
        65001 => UTF_8,
        _ => WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_pages_and_utf16() {
        assert_eq!(by_code_page(b"gr\xFC\xDFe", WESTERN), "grüße");
        assert_eq!(by_code_page(b"\xEF\xF0", 1251), "пр");
        assert_eq!(by_code_page_until_nul(b"a\0b", 65001), "a");
        assert_eq!(utf16(b"a\0\xFC\0\x00\xD8x\0!"), "aü\u{FFFD}x");
        assert_eq!(utf16_until_nul(b"a\0\0\0b\0"), "a");
        assert_eq!(cut("aü", 2), "a");
    }
}
