//! PowerPoint's binary presentations, [MS-PPT]: encryption, text, links, embedded objects.

use crate::bytes::Bytes;
use crate::opened::{Member, Opened};
use crate::{Budget, Sign, fields, sniff, text};

/// Numbers of the records that are read, 2.13.24.
mod record {
    pub(super) const TEXT: u16 = 0x0FA0;
    pub(super) const NARROW_TEXT: u16 = 0x0FA8;
    pub(super) const STRING: u16 = 0x0FBA;
    pub(super) const OBJECT: u16 = 0x1011;
}

/// Reads a stream `PowerPoint Document`. Records stand in records; those that hold others are gone into, so that one walk
/// passes all.
pub(super) fn read(stream: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    let mut records = Bytes::new(stream);
    while let (Some(version), Some(number), Some(length)) = (records.u16_le(), records.u16_le(), records.u32_le()) {
        if version & 0xF == 0xF {
            continue;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let data = records.take(length).unwrap_or_else(|| records.rest());
        if !budget.charge_steps(10) {
            opened.signs.add(Sign::Limit);
            break;
        }
        match number {
            record::TEXT | record::NARROW_TEXT | record::STRING if data.len() <= budget.decoded_left() => {
                let is_narrow = number == record::NARROW_TEXT;
                let text = if is_narrow { text::by_code_page(data, text::WESTERN) } else { text::utf16(data) };
                budget.charge_decoded(data.len());
                let _ = budget.charge_steps(data.len() as u64 * 4);
                if number == record::STRING {
                    if fields::is_remote(&text) {
                        opened.add_link(&text);
                    }
                } else {
                    opened.text.push_str(&text.replace(['\r', '\u{B}'], "\n"));
                    opened.text.push('\n');
                }
            }
            record::OBJECT => object(version >> 4, data, opened, budget),
            _ => {}
        }
        if data.len() < length {
            break;
        }
    }
}

/// Reads a stream `Current User`.
pub(super) fn read_user(stream: &[u8], opened: &mut Opened<'_>) {
    const ENCRYPTED: u32 = 0xF3D1_C4DF;
    if Bytes::from(stream, 12).u32_le() == Some(ENCRYPTED) {
        opened.signs.add(Sign::Encrypted);
    }
}

/// An embedded compound file: an object, a control, or the VBA project. Its instance says whether it is compressed.
fn object(instance: u16, data: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    if !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return;
    }
    let mut member = Member::new("object");
    opened.signs.add(Sign::EmbeddedObject);
    if instance == 0 && sniff(data).is_some() && data.len() <= budget.decoded_left() {
        budget.charge_decoded(data.len());
        member = Member::of_bytes("object", data.to_vec().into());
    } else {
        member.signs.add(Sign::Unsupported);
    }
    opened.members.push(member);
}
