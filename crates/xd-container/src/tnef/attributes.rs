//! The attributes of a TNEF file, [MS-OXTNEF] 2.1.2: level, name, length, data, checksum.

use crate::bytes::Bytes;
use crate::{Sign, Signs};

/// What an attribute belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    Message,
    Attachment,
}

/// The lower half of an attribute's id, which names it. The upper half is the type of its data, which some writers leave out.
pub(super) mod name {
    pub(in crate::tnef) const SUBJECT: u16 = 0x8004;
    pub(in crate::tnef) const BODY: u16 = 0x800C;
    pub(in crate::tnef) const DATA: u16 = 0x800F;
    pub(in crate::tnef) const TITLE: u16 = 0x8010;
    pub(in crate::tnef) const RENDERING: u16 = 0x9002;
    pub(in crate::tnef) const PROPERTIES: u16 = 0x9003;
    pub(in crate::tnef) const RECIPIENTS: u16 = 0x9004;
    pub(in crate::tnef) const ATTACHMENT: u16 = 0x9005;
    pub(in crate::tnef) const CODE_PAGE: u16 = 0x9007;
}

#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) level: Level,
    pub(super) name: u16,
    pub(super) data: &'a [u8],
}

/// Reads one attribute after the other. The last one may be cut; what is no attribute ends the file.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    bytes: Bytes<'a>,
    count: usize,
    is_cut: bool,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // Behind the signature stands a key without meaning.
        Self { bytes: Bytes::from(bytes, 6), count: 0, is_cut: false }
    }

    /// How the file ended.
    pub(super) fn tell(&self, signs: &mut Signs) {
        // Some writers put a byte or two behind the last attribute.
        const PADDING: usize = 4;
        if self.is_cut {
            signs.add(Sign::Truncated);
        }
        if self.count == 0 {
            signs.add(Sign::Damaged);
        } else if self.bytes.rest().len() > PADDING {
            signs.add(Sign::Trailing);
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let mut bytes = self.bytes;
        let level = match bytes.u8()? {
            1 => Level::Message,
            2 => Level::Attachment,
            _ => return None,
        };
        let (id, length) = (bytes.u32_le()?, bytes.u32_le()?);
        let data = usize::try_from(length).ok().and_then(|length| bytes.take(length));
        let data = data.unwrap_or_else(|| {
            self.is_cut = true;
            let rest = bytes.rest();
            let _ = bytes.take(rest.len());
            rest
        });
        // The checksum is not asked: damage elsewhere in the data would hide it.
        let _ = bytes.u16_le();
        self.bytes = bytes;
        self.count += 1;
        let [low, high, ..] = id.to_le_bytes();
        Some(Attribute { level, name: u16::from_le_bytes([low, high]), data })
    }
}
