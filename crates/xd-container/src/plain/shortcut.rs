//! Shortcuts: Windows' binary ones ([MS-SHLLINK]), and those that are written as settings (`.url`, `.desktop`).

use crate::bytes::Bytes;
use crate::{Budget, Opened, Sign, xml};

/// Reads a binary shortcut: where it leads and with which arguments, as text.
pub(crate) fn open_link<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64) || read_link(bytes, &mut opened).is_none() {
        opened.signs.add(Sign::Truncated);
    }
    // Paths and addresses that stand elsewhere in it, in one byte or two a letter.
    opened.add_links_of(bytes);
    let narrow: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).take(64 << 10).collect();
    opened.add_links_of(&narrow);
    opened
}

/// [MS-SHLLINK] §2.1: the flags say which parts follow; §2.4: the strings.
fn read_link(bytes: &[u8], opened: &mut Opened<'_>) -> Option<()> {
    let flags = Bytes::from(bytes, 20).u32_le()?;
    let mut rest = Bytes::from(bytes, 76);
    if flags & 1 != 0 {
        let length = rest.u16_le()?;
        rest.take(usize::from(length))?;
    }
    if flags & 2 != 0 {
        let length = usize::try_from(rest.u32_le()?).ok()?;
        rest.take(length.checked_sub(4)?)?;
    }
    let is_wide = flags & 0x80 != 0;
    // Name, relative path, working directory, arguments, place of the icon.
    for bit in 2..7 {
        if flags & 1 << bit == 0 {
            continue;
        }
        let count = usize::from(rest.u16_le()?);
        let text = rest.take(if is_wide { count * 2 } else { count })?;
        let text = if is_wide {
            let units = text.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        } else {
            String::from_utf8_lossy(text).into_owned()
        };
        opened.add_link(&text);
        opened.add_text(text.trim());
        opened.end_line();
    }
    Some(())
}

/// Reads a shortcut that is written as settings.
pub(crate) fn open_order<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 2) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    for line in xml::decode(bytes).lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match &*key.trim().to_ascii_lowercase() {
            "url" | "exec" | "workingdirectory" => {
                opened.add_text(value);
                opened.end_line();
                if !opened.add_link(value) {
                    opened.add_links_of(value.as_bytes());
                }
            }
            // An icon in another host is fetched when the directory is looked at, and tells who asks.
            "iconfile" | "icon" => {
                opened.add_link(value);
            }
            _ => {}
        }
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_a_binary_shortcut() {
        let mut bytes = b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F".to_vec();
        bytes.extend_from_slice(&0xA5_u32.to_le_bytes());
        bytes.resize(76, 0);
        bytes.extend_from_slice(b"\x02\0ab");
        for text in ["a name", "/c start https://www.example.com/a"] {
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        }
        let opened = open_link(&bytes, &mut Budget::default());
        assert_eq!(opened.text, "a name\n/c start https://www.example.com/a\n");
        assert_eq!(opened.links, ["https://www.example.com/a"]);
        assert!(opened.signs.is_empty());
        for length in 0..bytes.len() {
            assert!(open_link(&bytes[..length], &mut Budget::default()).signs.contains(Sign::Truncated));
        }
    }

    #[test]
    fn addresses_of_written_shortcuts() {
        let opened = open_order(
            b"[InternetShortcut]\r\nURL=file://server.example.com/a.exe\r\nIconFile=\\\\server.example.net\\a.ico\r\n",
            &mut Budget::default(),
        );
        assert_eq!(opened.links, ["file://server.example.com/a.exe", "\\\\server.example.net\\a.ico"]);
    }
}
