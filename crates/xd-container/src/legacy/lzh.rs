//! LZH, also LHA (header levels 0 to 2, as LHa for UNIX documents them).

use super::Item;
use crate::bytes::Bytes;
use crate::names;

/// Types of the further headers.
const NAME: u8 = 1;
const DIRECTORY: u8 = 2;

pub(super) fn read(all: &[u8], at: usize) -> Option<Item> {
    let mut bytes = Bytes::from(all, at);
    let first = bytes.u8()?;
    if first == 0 {
        return Some(Item::End);
    }
    let second = bytes.u8()?;
    let method = bytes.array::<5>()?;
    if method.first() != Some(&b'-') || method.last() != Some(&b'-') {
        return None;
    }
    let (packed, size) = (u64::from(bytes.u32_le()?), u64::from(bytes.u32_le()?));
    bytes.take(5)?;
    let level = bytes.u8()?;
    let mut name = Vec::new();
    let mut further = Further::default();
    let (data_at, packed) = match level {
        0 => {
            let length = bytes.u8()?;
            name.extend_from_slice(bytes.take(length.into())?);
            (at.saturating_add(usize::from(first) + 2), packed)
        }
        1 => {
            let length = bytes.u8()?;
            name.extend_from_slice(bytes.take(length.into())?);
            let mut rest = Bytes::from(all, at.saturating_add(usize::from(first)));
            let start = rest.at() + 2;
            further.read(&mut rest)?;
            // The packed size counts the further headers, too.
            (rest.at(), packed.checked_sub((rest.at().checked_sub(start)?) as u64)?)
        }
        2 => {
            bytes.take(3)?;
            further.read(&mut bytes)?;
            (at.saturating_add(usize::from(u16::from_le_bytes([first, second]))), packed)
        }
        _ => return None,
    };
    if let Some(further) = further.name {
        name = further;
    }
    // Directories in them are parted by a byte of ones.
    let name = [further.directory, name].concat();
    let name: Vec<u8> = name.into_iter().map(|byte| if byte == 0xFF { b'/' } else { byte }).collect();
    if method == *b"-lhd-" {
        return Some(Item::Other { next: data_at.saturating_add(usize::try_from(packed).ok()?), is_split: false });
    }
    let is_stored = matches!(&method, b"-lh0-" | b"-lz4-" | b"-pm0-");
    let name = names::decode(&name);
    Some(Item::File { name, size, packed, data_at, is_stored, is_encrypted: false, is_split: false })
}

#[derive(Default)]
struct Further {
    name: Option<Vec<u8>>,
    directory: Vec<u8>,
}

impl Further {
    /// Each has its length first, which counts that of the next one; the last is empty.
    fn read(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        loop {
            let length = bytes.u16_le()?;
            if length == 0 {
                return Some(());
            }
            let field = bytes.take(usize::from(length).checked_sub(2)?)?;
            match field.split_first() {
                Some((&NAME, name)) => self.name = Some(name.to_vec()),
                Some((&DIRECTORY, directory)) => self.directory = directory.to_vec(),
                _ => {}
            }
        }
    }
}
