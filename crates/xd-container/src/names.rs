//! Names of members, in the character sets that archives write them in.

/// Bytes of a name that are kept: the beginning and the end, which says what it is. No system takes longer names.
const MAX_NAME: usize = 1_024;

/// A name in UTF-8, or where it is none, in the character set of DOS.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| cp437(*byte)).collect(),
    };
    ends(bytes, text)
}

/// A name in UTF-8, whatever is wrong with it.
pub(crate) fn utf8(bytes: &[u8]) -> String {
    ends(bytes, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// A name in ISO 8859-1.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    ends(bytes, |bytes| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// A name in UTF-16, in either order of bytes, up to the first null.
pub(crate) fn utf16(bytes: &[u8], order: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(order).take_while(|unit| *unit != 0);
    char::decode_utf16(units.take(MAX_NAME)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The last part of a path, in either system's spelling.
pub(crate) fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The ending of a name, in lower case and without its dot; empty where there is none.
pub(crate) fn extension(name: &str) -> String {
    match base(name).rsplit_once('.') {
        Some((_, extension)) => extension.trim_end().to_ascii_lowercase(),
        None => String::new(),
    }
}

fn ends(bytes: &[u8], text: impl Fn(&[u8]) -> String) -> String {
    if bytes.len() <= MAX_NAME {
        return text(bytes);
    }
    let (start, end) = (bytes.get(..MAX_NAME / 2), bytes.get(bytes.len() - MAX_NAME / 2..));
    format!("{}…{}", text(start.unwrap_or_default()), text(end.unwrap_or_default()))
}

fn cp437(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(high) => CP437.get(usize::from(high)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// The upper half of IBM code page 437 (Unicode's mapping CP437.TXT).
const CP437: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ',
    'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡', '«', '»', '░', '▒',
    '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩',
    '╦', '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐', '▀', 'α', 'ß', 'Γ', 'π',
    'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', '≡', '±', '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ',
    '²', '■', '\u{a0}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets() {
        assert_eq!(decode("tür.txt".as_bytes()), "tür.txt");
        assert_eq!(decode(b"t\x81r.txt"), "tür.txt");
        assert_eq!(utf16(b"a\0b\0\0\0c\0", u16::from_le_bytes), "ab");
        assert_eq!(utf16(b"\0a\xD8\0", u16::from_be_bytes), "a\u{fffd}");
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = [&b"start"[..], &[b'x'; 5_000], b".exe"].concat();
        let name = decode(&name);
        assert!(name.len() < 1_100 && name.starts_with("start") && name.ends_with(".exe"));
    }

    #[test]
    fn endings() {
        assert_eq!(extension("a/b.c\\d.EXE "), "exe");
        assert_eq!(extension("a.b/c"), "");
    }
}
