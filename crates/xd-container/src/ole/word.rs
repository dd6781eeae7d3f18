//! Word's binary documents, [MS-DOC]: whether they are encrypted, their text, and the fields in it.

use super::compound::Compound;
use super::directory::Entry;
use crate::bytes::Bytes;
use crate::opened::Opened;
use crate::{Budget, Sign, fields, text};

/// Pieces of text that are read; 100,000. A document has some thousands after much editing.
const MAX_PIECES: usize = 100_000;

/// Fields within fields that are told apart; 20.
const MAX_FIELDS: usize = 20;

/// Reads a stream `WordDocument`.
pub(super) fn read(compound: &Compound<'_>, entry: &Entry, opened: &mut Opened<'_>, budget: &mut Budget) {
    let document = compound.read(entry, budget);
    let flags = Bytes::from(&document, 10).u16_le().unwrap_or_default();
    if flags & 0x0100 != 0 {
        opened.signs.add(Sign::Encrypted);
        return;
    }
    let table = if flags & 0x0200 == 0 { "0Table" } else { "1Table" };
    let siblings = compound.directory.streams_of(entry.parent);
    let is_paid = budget.charge_steps(siblings.len() as u64 * 20);
    let Some(table) = siblings.into_iter().find(|sibling| sibling.is_stream(table)).filter(|_| is_paid) else { return };
    let table = compound.read(table, budget);
    let at = |place: usize| Bytes::from(&document, place).u32_le().and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
    let text = pieces(&document, Bytes::from(&table, at(0x1A2)).rest(), budget);
    without_fields(&text, opened);
}

/// The text, put together of its pieces, 2.4.1.
fn pieces(document: &[u8], table: &[u8], budget: &mut Budget) -> String {
    let mut text = String::new();
    let mut table = Bytes::new(table);
    // What stands before the pieces is formats.
    while table.rest().first() == Some(&1) {
        let _ = table.u8();
        let length = table.u16_le().unwrap_or_default();
        if table.take(length.into()).is_none() {
            return text;
        }
    }
    let (Some(2), Some(size)) = (table.u8(), table.u32_le()) else { return text };
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(table.rest().len());
    let count = (size.saturating_sub(4) / 12).min(MAX_PIECES);
    let places = table.rest();
    let descriptors = Bytes::from(places, (count + 1) * 4);
    for piece in 0..count {
        let place = |index: usize| Bytes::from(places, index * 4).u32_le().and_then(|place| usize::try_from(place).ok());
        let (Some(from), Some(to)) = (place(piece), place(piece + 1)) else { break };
        let Some(at) = Bytes::from(descriptors.rest(), piece * 8 + 2).u32_le() else { break };
        let units = to.saturating_sub(from).min(budget.decoded_left());
        // A bit says that the characters have a byte each.
        let is_narrow = at & 0x4000_0000 != 0;
        let at = usize::try_from(at & 0x3FFF_FFFF).unwrap_or(usize::MAX);
        let (at, length) = if is_narrow { (at / 2, units) } else { (at, units.saturating_mul(2)) };
        let rest = Bytes::from(document, at).rest();
        let bytes = rest.get(..length.min(rest.len())).unwrap_or_default();
        if !budget.charge_steps(50 + bytes.len() as u64 * 10) {
            break;
        }
        budget.charge_decoded(bytes.len());
        text.push_str(&if is_narrow { text::by_code_page(bytes, text::WESTERN) } else { text::utf16(bytes) });
    }
    text
}

/// Text stays; the instructions of fields are looked at. A field begins with U+0013, its result with U+0014, and U+0015 ends it.
fn without_fields(text: &str, opened: &mut Opened<'_>) {
    let mut fields: Vec<(String, bool)> = Vec::new();
    for character in text.chars() {
        let is_room = fields.len() < MAX_FIELDS;
        match (character, fields.last_mut()) {
            ('\u{13}', _) if is_room => fields.push((String::new(), true)),
            ('\u{14}', Some((instruction, is_instruction))) => {
                *is_instruction = false;
                fields::instruction(instruction, opened);
            }
            ('\u{15}', Some(_)) => {
                // A field without a result, as DDE may have none.
                if let Some((instruction, true)) = fields.pop() {
                    fields::instruction(&instruction, opened);
                    // What is computed within an instruction is a part of it.
                    if let Some((outer, true)) = fields.last_mut() {
                        outer.push_str(&instruction);
                    }
                }
            }
            (_, Some((instruction, true))) => instruction.push(character),
            ('\r' | '\u{7}' | '\u{B}' | '\u{C}', _) => opened.text.push('\n'),
            ('\t' | '\n' | ' '.., _) => opened.text.push(character),
            _ => {}
        }
    }
    if let Some((instruction, true)) = fields.last() {
        fields::instruction(instruction, opened);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_out_of_the_text() {
        let mut opened = Opened::new();
        without_fields("a\u{13} HYPERLINK \"https://example.com/\" \u{14}here\u{15}\r\u{13}DDEAUTO x y\u{15}\u{1}b", &mut opened);
        assert_eq!((opened.text.as_str(), opened.links), ("ahere\nb", vec!["https://example.com/".to_owned()]));
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Dde]);
    }
}
