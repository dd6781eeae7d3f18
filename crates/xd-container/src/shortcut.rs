//! Shortcuts of Windows (`.lnk`), [MS-SHLLINK], which start a program with arguments.
//!
//! What is started and with what becomes the text, so that rules find words in it; addresses in it become links.

use std::borrow::Cow;

use memchr::memmem;

use crate::bytes::Bytes;
use crate::opened::{Member, Opened};
use crate::{Budget, Sign, sniff, text};

/// Bits that say what follows the header, 2.1.1.
mod flag {
    pub(super) const TARGET: u32 = 0x01;
    pub(super) const INFO: u32 = 0x02;
    /// Description, relative path, working directory, arguments, place of the icon: each has a bit from here on.
    pub(super) const FIRST_STRING: u32 = 0x04;
    pub(super) const STRINGS: u32 = 5;
    pub(super) const UNICODE: u32 = 0x80;
}

/// Bytes of text that are kept of one shortcut; 64 KiB. Arguments are cut off by Windows at half of that.
const MAX_TEXT: usize = 64 << 10;

/// Opens a `.lnk` file.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    opened.signs.add(Sign::Shortcut);
    let mut lines = Vec::new();
    let _ = budget.charge_steps(bytes.len() as u64);
    let end = read(bytes, &mut lines);
    if end.is_none() {
        opened.signs.add(Sign::Truncated);
    }
    let rest = Bytes::from(bytes, end.unwrap_or(bytes.len())).rest();
    if rest.len() > 4 {
        // Scripts are put behind shortcuts that read themselves.
        opened.signs.add(Sign::Trailing);
        if budget.charge_member() {
            let mut member = Member::of_bytes("trailing", Cow::Borrowed(rest));
            member.declared = sniff(rest).map(str::to_owned);
            opened.members.push(member);
        }
    }
    for line in lines {
        if opened.text.len() + line.len() < MAX_TEXT && !line.is_empty() {
            addresses(&line, &mut opened);
            opened.text.push_str(&line);
            opened.text.push('\n');
        }
    }
    opened
}

/// Adds the texts of a shortcut, and tells where it ends. None when it is cut.
fn read(bytes: &[u8], lines: &mut Vec<String>) -> Option<usize> {
    let flags = Bytes::from(bytes, 20).u32_le()?;
    let mut at = Bytes::from(bytes, 76);
    let page = text::WESTERN;
    if flags & flag::TARGET != 0 {
        let length = at.u16_le()?;
        items(at.take(length.into())?, lines);
    }
    if flags & flag::INFO != 0 {
        let length = Bytes::from(bytes, at.at()).u32_le()?;
        let info = at.take(usize::try_from(length).ok()?.max(4))?;
        // Where the local path and its end stand, 2.3.
        for place in [16, 24] {
            let place =
                Bytes::from(info, place).u32_le().and_then(|place| usize::try_from(place).ok()).filter(|place| *place >= 28);
            lines.extend(place.map(|place| text::by_code_page_until_nul(Bytes::from(info, place).rest(), page)));
        }
        // The path on another machine has its name 20 bytes behind its own beginning.
        if let Some(network) =
            Bytes::from(info, 20).u32_le().and_then(|place| usize::try_from(place).ok()).filter(|place| *place >= 28)
        {
            lines.push(text::by_code_page_until_nul(Bytes::from(info, network.saturating_add(20)).rest(), page));
        }
    }
    for string in 0..flag::STRINGS {
        if flags & flag::FIRST_STRING << string == 0 {
            continue;
        }
        let length = usize::from(at.u16_le()?);
        let is_wide = flags & flag::UNICODE != 0;
        let string = at.take(if is_wide { length * 2 } else { length })?;
        lines.push(if is_wide { text::utf16(string) } else { text::by_code_page(string, page) });
    }
    // Blocks of more data, 2.5, until one that is too short to be one.
    loop {
        let size = usize::try_from(at.u32_le()?).ok()?;
        if size < 8 {
            return Some(at.at());
        }
        let block = at.take(size - 4)?;
        // Two blocks hold a path in both encodings.
        if matches!(Bytes::new(block).u32_le(), Some(0xA000_0001 | 0xA000_0007)) {
            lines.push(text::by_code_page_until_nul(Bytes::from(block, 4).rest(), page));
            lines.push(text::utf16_until_nul(Bytes::from(block, 264).rest()));
        }
    }
}

/// Names within the list of items that lead to the target: runs of letters in either encoding.
fn items(list: &[u8], lines: &mut Vec<String>) {
    const SHORTEST: usize = 4;
    let is_letter = |byte: &u8| (b' '..=b'~').contains(byte);
    let narrow = list.split(|byte| !is_letter(byte)).filter(|run| run.len() >= SHORTEST);
    lines.extend(narrow.map(|run| String::from_utf8_lossy(run).into_owned()));
    for start in [0, 1] {
        let units: Vec<u8> = Bytes::from(list, start)
            .rest()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[low, high]| if *high == 0 { *low } else { 0 })
            .collect();
        let wide = units.split(|byte| !is_letter(byte)).filter(|run| run.len() >= SHORTEST);
        lines.extend(wide.map(|run| String::from_utf8_lossy(run).into_owned()));
    }
}

/// Adds the addresses in a line of a shortcut, with or without quotation marks around them.
fn addresses(line: &str, opened: &mut Opened<'_>) {
    for scheme in ["http://", "https://", "\\\\"] {
        for place in memmem::find_iter(line.to_ascii_lowercase().as_bytes(), scheme).take(20) {
            let before = line.get(..place).unwrap_or_default();
            let is_start = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ':' | '\\'));
            let address = line.get(place..).unwrap_or_default();
            let end = address.find(|c: char| c.is_whitespace() || c.is_control() || "\"'`<>|;)".contains(c));
            let address = address.get(..end.unwrap_or(address.len())).unwrap_or_default();
            if is_start && address.len() > scheme.len() {
                opened.add_link(address);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A shortcut to a program with arguments, in UTF-16, and a block with its path.
    pub(crate) fn shortcut() -> Vec<u8> {
        let mut bytes = b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F".to_vec();
        bytes.extend((flag::TARGET | flag::FIRST_STRING << 3 | flag::UNICODE).to_le_bytes());
        bytes.resize(76, 0);
        bytes.extend(b"\x0E\0\x0C\0\x32cmd.exe\0\0\0\0");
        let arguments: Vec<u8> = "/c mshta \"https://example.com/a.hta\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.extend(u16::try_from(arguments.len() / 2).unwrap().to_le_bytes());
        bytes.extend(arguments);
        let mut block = 0xA000_0001_u32.to_le_bytes().to_vec();
        block.extend(b"%windir%\\cmd.exe");
        block.resize(784, 0);
        bytes.extend(788_u32.to_le_bytes());
        bytes.extend(block);
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn target_arguments_and_links() {
        let bytes = shortcut();
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Shortcut]);
        assert_eq!(opened.links, ["https://example.com/a.hta"]);
        for word in ["cmd.exe", "/c mshta", "%windir%"] {
            assert!(opened.text.contains(word), "{word} in {}", opened.text);
        }
    }

    #[test]
    fn what_follows_the_end_is_a_member() {
        let bytes = [shortcut(), b"<html><script>run()</script>".to_vec()].concat();
        let opened = open(&bytes, &mut Budget::default());
        assert!(opened.signs.contains(Sign::Trailing));
        assert_eq!(opened.members[0].declared.as_deref(), Some("text/html"));
        let cut = open(bytes.get(..100).unwrap(), &mut Budget::default());
        assert!(cut.signs.contains(Sign::Truncated) && cut.text.contains("cmd.exe"));
    }
}
