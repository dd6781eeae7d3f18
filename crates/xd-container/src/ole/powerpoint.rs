//! PowerPoint's binary presentations, [MS-PPT]: encryption, text, links, embedded objects.

use crate::bytes::Bytes;
use crate::opened::{Member, Opened};
use crate::unpack::{End, Method, Unpacker};
use crate::{Budget, Sign, fields, ole, text};

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
        if !budget.charge_steps(10) {
            opened.signs.add(Sign::Limit);
            break;
        }
        if version & 0xF == 0xF {
            continue;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let data = records.take(length).unwrap_or_else(|| records.rest());
        match number {
            record::TEXT | record::NARROW_TEXT | record::STRING if data.len() <= budget.decoded_left() => {
                let is_narrow = number == record::NARROW_TEXT;
                let text = if is_narrow { text::by_code_page(data, text::WESTERN) } else { text::utf16(data) };
                budget.charge_decoded(data.len());
                let _ = budget.charge_steps(200 + data.len() as u64 * 10);
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

/// An embedded compound file: an object, a control, or the VBA project. Its instance says whether it is compressed: then the
/// size stands before it, and it is in the format of zlib.
fn object(instance: u16, data: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    if !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return;
    }
    let (bytes, sign) = if instance == 0 {
        let bytes = data.get(..data.len().min(budget.decoded_left())).unwrap_or_default();
        budget.charge_decoded(bytes.len());
        (bytes.to_vec(), (bytes.len() < data.len()).then_some(Sign::Limit))
    } else {
        let mut unpacker = Unpacker::new(&Method::Deflate, data.get(6..).unwrap_or_default(), budget);
        let end = unpacker.advance(usize::MAX, budget);
        let declared = Bytes::new(data).u32_le().and_then(|size| usize::try_from(size).ok());
        let sign = match end {
            // Some writers leave the end mark out.
            _ if Some(unpacker.output().len()) == declared => None,
            End::Complete => None,
            End::Limit | End::More => Some(Sign::Limit),
            End::Truncated => Some(Sign::Truncated),
            End::Damaged | End::Unsupported => Some(Sign::Damaged),
        };
        (unpacker.into_output(), sign)
    };
    // A project of macros is an object, too, but nothing that was embedded.
    let macros = ole::vba(&bytes, budget);
    opened.signs.add_all(macros);
    if macros.is_empty() {
        opened.signs.add(Sign::EmbeddedObject);
    }
    let mut member = Member::of_bytes("object", bytes.into());
    sign.into_iter().for_each(|sign| member.signs.add(sign));
    opened.members.push(member);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ole::sample;

    fn record(version: u16, number: u16, data: &[u8]) -> Vec<u8> {
        [&version.to_le_bytes()[..], &number.to_le_bytes(), &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
    }

    #[test]
    fn text_links_and_macros() {
        let source = sample::compressed(b"Attribute VB_Name\r\nSub Auto_Open()\r\nEnd Sub\r\n");
        let project = sample::file(&[("VBA/dir", &sample::dir(&[("M", 0)])), ("VBA/M", &source), ("VBA/_VBA_PROJECT", b"")]);
        let packed = [&[0; 4][..], &miniz_oxide::deflate::compress_to_vec_zlib(&project, 6)].concat();
        let link: Vec<u8> = "https://example.com/".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let inner = [record(0, 0x0FA8, b"gr\xFC\xDFe"), record(0, 0x0FBA, &link), record(0x10, 0x1011, &packed)].concat();
        let mut opened = Opened::new();
        read(&record(0xF, 0x03E8, &inner), &mut opened, &mut Budget::default());
        assert_eq!((opened.text.as_str(), &opened.links[..]), ("grüße\n", &["https://example.com/".to_owned()][..]));
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Macros, Sign::AutoRun]);
        assert_eq!(opened.members[0].bytes(), project);
    }
}
