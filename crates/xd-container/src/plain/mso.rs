//! The packed objects of Word's web pages (`editdata.mso`, `oledata.mso`): macros hide in them.

use crate::bytes::Bytes;
use crate::pdf::filter::inflate;
use crate::{Budget, Content, Member, Opened, Sign};

/// Reads an object of `editdata.mso` or `oledata.mso`: zlib behind a header, and in it a compound file with the macros.
pub(crate) fn open<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    // The header's length varies between versions; its offset stands at 30.
    let told = Bytes::from(bytes, 30).u16_le().map_or(0, |offset| usize::from(offset) + 46);
    for at in [told, 50, 51, 66] {
        let Some(packed) = bytes.get(at..).filter(|packed| packed.first() == Some(&0x78)) else { continue };
        let affordable = usize::try_from(budget.steps_left() / 4).unwrap_or(usize::MAX);
        let (content, is_cut, _) = inflate(packed, true, budget.decoded_left().min(affordable));
        let is_paid = budget.charge_steps(content.len() as u64 * 2 + packed.len() as u64 * 6);
        budget.charge_decoded(content.len());
        if is_cut || !is_paid {
            opened.signs.add(Sign::Limit);
        }
        if !content.is_empty() && budget.charge_member() {
            let mut member = Member::new("");
            member.content = Content::Whole(content.into());
            opened.members.push(member);
            return opened;
        }
    }
    opened.signs.add(Sign::Damaged);
    opened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sniff;

    #[test]
    fn packed_objects() {
        let mut bytes = b"ActiveMime".to_vec();
        bytes.resize(50, 0);
        bytes.extend(miniz_oxide::deflate::compress_to_vec_zlib(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 6));
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(sniff(opened.members[0].bytes()), Some("application/x-ole-storage"));
        assert!(open(b"ActiveMime", &mut Budget::default()).signs.contains(Sign::Damaged));
    }
}
