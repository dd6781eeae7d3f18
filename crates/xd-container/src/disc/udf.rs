//! UDF (ECMA-167, OSTA UDF 1.02 to 2.01): one partition, with files where their entries say.

use std::collections::BTreeMap;

use super::{Image, MAX_OTHER_NAMES, Runs, join};
use crate::bytes::Bytes;
use crate::{Budget, Member, Sign, names};

const SECTOR: u64 = 2_048;
/// Where the first descriptor stands that says where the others are.
const ANCHOR: u64 = 256;
/// Where the descriptors begin that say which volumes there are.
const FIRST_SECTOR: usize = 16;
/// Descriptors of the volume that are read.
const MAX_DESCRIPTORS: u64 = 32;
/// Extents of one file that are followed; 10,000.
const MAX_EXTENTS: usize = 10_000;
/// What reading an extent costs, in steps. Many names may lead to one file.
const EXTENT_STEPS: u64 = 10;
/// Bytes of one directory that are read; 1 MiB.
const MAX_DIRECTORY: usize = 1 << 20;

/// Tags of descriptors.
const ANCHOR_TAG: u16 = 2;
const PARTITION: u16 = 5;
const LOGICAL_VOLUME: u16 = 6;
const FILE_SET: u16 = 256;
const FILE_IDENTIFIER: u16 = 257;
const FILE_ENTRY: u16 = 261;
const EXTENDED_FILE_ENTRY: u16 = 266;

/// Characteristics of a file (ECMA-167 4/14.4.3).
const DIRECTORY: u8 = 2;
const DELETED: u8 = 4;
const PARENT: u8 = 8;

/// Whether there is such a volume. Its files are listed, unless another volume of the image has the same bytes.
pub(super) fn read(image: &mut Image<'_>, budget: &mut Budget) -> bool {
    let Some(volume) = Volume::find(image.bytes) else {
        if is_announced(image.bytes) {
            image.opened.signs.add(Sign::Unsupported);
        }
        return false;
    };
    image.seen.clear();
    let others = Others::new(&image.opened.members);
    let mut directories = vec![(volume.root, String::new(), 0)];
    while let Some((place, path, depth)) = directories.pop() {
        if !image.enter(place, depth) {
            continue;
        }
        let Some(entry) = volume.entry(image, place, budget) else {
            image.opened.signs.add(Sign::Damaged);
            continue;
        };
        if entry.size > MAX_DIRECTORY as u64 {
            image.opened.signs.add(Sign::Limit);
        }
        let size = usize::try_from(entry.size).unwrap_or(usize::MAX).min(MAX_DIRECTORY);
        let Ok(bytes) = entry.runs.bytes(size, budget) else {
            image.is_limited = true;
            continue;
        };
        let mut cursor = Bytes::new(&bytes);
        while cursor.rest().len() >= 38 {
            if !image.pay_entry(budget) {
                return true;
            }
            let Some(identifier) = Identifier::read(&mut cursor) else {
                image.opened.signs.add(Sign::Damaged);
                break;
            };
            if identifier.characteristics & (PARENT | DELETED) != 0 {
                continue;
            }
            let name = join(&path, &identifier.name);
            if identifier.characteristics & DIRECTORY != 0 {
                if image.pay_path(&name, budget) {
                    directories.push((identifier.place, name, depth + 1));
                }
                continue;
            }
            let Some(entry) = volume.entry(image, identifier.place, budget) else {
                image.opened.signs.add(Sign::Damaged);
                continue;
            };
            if !take(image, &others, name, &entry, budget) {
                return true;
            }
        }
    }
    true
}

/// Whether the descriptors at the beginning say that there is such a volume (ECMA-167 3/9.1), as systems ask first.
fn is_announced(all: &[u8]) -> bool {
    let sectors = all.chunks_exact(2_048).skip(FIRST_SECTOR).take(MAX_DESCRIPTORS as usize);
    sectors.filter_map(|sector| sector.get(1..5)).any(|kind| kind == b"NSR0")
}

/// Lists a file, or gives its name to the one that stands at the same place in the other volume.
fn take<'a>(image: &mut Image<'a>, others: &Others, name: String, entry: &Entry<'a>, budget: &mut Budget) -> bool {
    let first = entry.runs.runs.first().map_or(&[][..], |run| *run);
    let same = others.places.get(&(first.as_ptr().addr(), entry.size)).and_then(|number| image.opened.members.get_mut(*number));
    if let Some(member) = same {
        if member.name != name && !member.other_names.contains(&name) {
            if member.other_names.len() >= MAX_OTHER_NAMES {
                image.is_limited = true;
                return false;
            }
            if names::extension(&name) != names::extension(&member.name) {
                member.signs.add(Sign::Disagreement);
                image.opened.signs.add(Sign::Disagreement);
            }
            member.other_names.push(name);
        }
        return true;
    }
    let has_others = others.count > 0;
    if has_others && entry.size > 0 {
        image.opened.signs.add(Sign::Disagreement);
    }
    if has_others && entry.size == 0 {
        return true;
    }
    image.add(name, entry.size, &entry.runs, budget).is_some()
}

/// The files of the other volume, by where their bytes stand in memory and how many they are.
struct Others {
    places: BTreeMap<(usize, u64), usize>,
    count: usize,
}

impl Others {
    fn new(members: &[Member<'_>]) -> Self {
        // The last first, so that of several at one place the first stays.
        let listed = members.iter().enumerate().rev().filter(|(_, member)| !member.bytes().is_empty());
        let place = |(number, member): (usize, &Member<'_>)| Some(((member.bytes().as_ptr().addr(), member.size?), number));
        Self { places: listed.filter_map(place).collect(), count: members.len() }
    }
}

struct Volume {
    block: u64,
    partition: u64,
    /// The block of the root directory's entry.
    root: u64,
}

impl Volume {
    fn find(all: &[u8]) -> Option<Self> {
        let mut anchor = at(all, ANCHOR * SECTOR, ANCHOR_TAG)?;
        anchor.take(4)?;
        let start = u64::from(anchor.u32_le()?);
        let (mut partition, mut logical) = (None, None);
        for number in start..start + MAX_DESCRIPTORS {
            let place = number.checked_mul(SECTOR)?;
            if let Some(descriptor) = at(all, place, PARTITION) {
                partition = partition.or_else(|| u64_at(&descriptor, 188 - 16));
            } else if let Some(descriptor) = at(all, place, LOGICAL_VOLUME) {
                logical = logical.or_else(|| u64_at(&descriptor, 212 - 16).zip(u64_at(&descriptor, 252 - 16)));
            }
        }
        let (partition, (block, set)) = (partition?, logical?);
        let block = if matches!(block, 512 | 1_024 | 2_048 | 4_096) { block } else { SECTOR };
        let mut volume = Self { block, partition, root: 0 };
        let set = at(all, volume.place(set)?, FILE_SET)?;
        volume.root = u64_at(&set, 404 - 16)?;
        Some(volume)
    }

    fn place(&self, block: u64) -> Option<u64> {
        self.partition.checked_add(block)?.checked_mul(self.block)
    }

    /// What the entry at this block says of its file (ECMA-167 4/14.9 and 4/14.17). At the bound there are fewer extents.
    fn entry<'a>(&self, image: &mut Image<'a>, block: u64, budget: &mut Budget) -> Option<Entry<'a>> {
        let all = image.bytes;
        let place = self.place(block)?;
        let (entry, fixed) = match at(all, place, FILE_ENTRY) {
            Some(entry) => (entry, 176),
            None => (at(all, place, EXTENDED_FILE_ENTRY)?, 216),
        };
        let start = usize::try_from(place).ok()?;
        let flags = Bytes::from(all, start.checked_add(34)?).u16_le()?;
        let size = Bytes::from(all, start.checked_add(56)?).u64_le()?;
        let mut lengths = Bytes::from(all, start.checked_add(fixed - 8)?);
        let (extended, allocated) = (usize::try_from(lengths.u32_le()?).ok()?, usize::try_from(lengths.u32_le()?).ok()?);
        let mut places = entry;
        places.take(fixed - 16)?;
        places.take(extended)?;
        let here = places.at();
        let field = places.take(allocated)?;
        let mut runs = Runs::new(all);
        match flags & 7 {
            // The bytes stand in the entry itself.
            3 => runs.push(here as u64, allocated as u64),
            kind @ (0 | 1) => {
                let mut field = Bytes::new(field);
                for _ in 0..MAX_EXTENTS {
                    let (Some(length), Some(position)) = (field.u32_le(), field.u32_le()) else { break };
                    if kind == 1 {
                        field.take(8)?;
                    }
                    // The upper two bits say whether it was recorded.
                    let length = u64::from(length & 0x3FFF_FFFF);
                    if length == 0 {
                        break;
                    }
                    if !budget.charge_steps(EXTENT_STEPS) {
                        image.is_limited = true;
                        break;
                    }
                    runs.push(self.place(position.into())?, length);
                }
            }
            _ => return None,
        }
        Some(Entry { size, runs })
    }
}

struct Entry<'a> {
    size: u64,
    runs: Runs<'a>,
}

/// One name in a directory (ECMA-167 4/14.4).
struct Identifier {
    characteristics: u8,
    place: u64,
    name: String,
}

impl Identifier {
    fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let start = bytes.at();
        if bytes.u16_le()? != FILE_IDENTIFIER {
            return None;
        }
        bytes.take(16)?;
        let (characteristics, length) = (bytes.u8()?, bytes.u8()?);
        bytes.take(4)?;
        let place = bytes.u32_le()?.into();
        bytes.take(8)?;
        let used = bytes.u16_le()?;
        bytes.take(used.into())?;
        let name = bytes.take(length.into())?;
        // Padded to four bytes; the last one may lack it.
        let over = (bytes.at() - start) % 4;
        let _ = bytes.take((4 - over) % 4);
        let name = match name.split_first() {
            Some((16, units)) => names::utf16(units, u16::from_be_bytes),
            Some((_, bytes)) => names::latin1(bytes),
            None => String::new(),
        };
        Some(Self { characteristics, place, name })
    }
}

/// What stands behind the tag of a descriptor, where it has this number (ECMA-167 3/7.2).
fn at(all: &[u8], place: u64, tag: u16) -> Option<Bytes<'_>> {
    let mut bytes = Bytes::from(all, usize::try_from(place).ok()?);
    let is_such = bytes.u16_le()? == tag;
    bytes.take(14)?;
    is_such.then_some(bytes)
}

fn u64_at(bytes: &Bytes<'_>, offset: usize) -> Option<u64> {
    let mut bytes = *bytes;
    bytes.take(offset)?;
    bytes.u32_le().map(u64::from)
}
