//! ISO 9660 (ECMA-119), with Joliet's second tree of directories and the names of Rock Ridge (IEEE P1282).

use std::collections::BTreeMap;

use super::{Image, Runs, join};
use crate::bytes::Bytes;
use crate::{Budget, Sign, names};

const SECTOR: usize = 2_048;
/// Where the volume descriptors begin, and how many are read.
const DESCRIPTORS: usize = 16;
const MAX_DESCRIPTORS: usize = 16;

const PRIMARY: u8 = 1;
const SUPPLEMENTARY: u8 = 2;

const DIRECTORY: u8 = 2;
/// Bytes of one directory that are read; 1 MiB.
const MAX_DIRECTORY: u64 = 1 << 20;

/// Whether there is such a volume. Its files are listed.
pub(super) fn read(image: &mut Image<'_>, budget: &mut Budget) -> bool {
    let (mut primary, mut joliet) = (None, None);
    for number in DESCRIPTORS..DESCRIPTORS + MAX_DESCRIPTORS {
        let Some(sector) = image.bytes.get(number * SECTOR..(number + 1) * SECTOR) else { break };
        if sector.get(1..6) != Some(b"CD001") {
            break;
        }
        if number + 1 == DESCRIPTORS + MAX_DESCRIPTORS {
            image.opened.signs.add(Sign::Limit);
        }
        let block = u64::from(Bytes::from(sector, 128).u16_le().unwrap_or(0)).max(512);
        let root = sector.get(156..190).and_then(|record| Record::read(record, false));
        match sector.first() {
            Some(&PRIMARY) => primary = primary.or_else(|| root.map(|root| (root, block))),
            // ISO 10646 in one of three levels: Joliet.
            Some(&SUPPLEMENTARY) if matches!(sector.get(88..91), Some(b"%/@" | b"%/C" | b"%/E")) => {
                joliet = joliet.or_else(|| root.map(|root| (root, block)));
            }
            _ => {}
        }
    }
    if primary.is_none() && joliet.is_none() {
        return false;
    }
    // Windows shows the names of Joliet, where there are any; others show those of the first tree.
    let mut files = BTreeMap::new();
    let (has_primary, has_joliet) = (primary.is_some(), joliet.is_some());
    let trees =
        [(joliet, true), (primary, false)].map(|(root, is_joliet)| root.map(|(root, block)| Tree { root, block, is_joliet }));
    for tree in trees.into_iter().flatten() {
        tree.walk(image, &mut files, budget);
    }
    // What only one of the trees has is there for some and not for others.
    let is_lone = |place: &Place| !place.in_primary || !place.in_joliet;
    if has_primary && has_joliet && !image.is_limited && files.iter().any(|((_, size), place)| *size > 0 && is_lone(place)) {
        image.opened.signs.add(Sign::Disagreement);
    }
    true
}

/// A file that was listed, by where it stands and how long it is.
struct Place {
    member: usize,
    in_primary: bool,
    in_joliet: bool,
}

struct Tree {
    root: Record,
    block: u64,
    is_joliet: bool,
}

impl Tree {
    fn walk(&self, image: &mut Image<'_>, files: &mut BTreeMap<(u64, u64), Place>, budget: &mut Budget) {
        image.seen.clear();
        let mut directories = vec![(self.root.at, self.root.size, String::new(), 0)];
        while let Some((at, size, path, depth)) = directories.pop() {
            if !image.enter(at, depth) {
                continue;
            }
            let start = usize::try_from(at.saturating_mul(self.block)).unwrap_or(usize::MAX).min(image.bytes.len());
            let bytes = image.bytes.get(start..).unwrap_or_default();
            if size.min(bytes.len() as u64) > MAX_DIRECTORY {
                image.opened.signs.add(Sign::Limit);
            }
            let size = usize::try_from(size.min(MAX_DIRECTORY)).unwrap_or(0);
            let bytes = bytes.get(..size).unwrap_or(bytes);
            let mut at = 0;
            while let Some(&length) = bytes.get(at) {
                if !image.pay_entry(budget) {
                    return;
                }
                if length == 0 {
                    // Records do not cross sectors; what is left of one is zeros.
                    at = (at / SECTOR + 1) * SECTOR;
                    continue;
                }
                let record = bytes.get(at..at + usize::from(length)).and_then(|record| Record::read(record, self.is_joliet));
                at += usize::from(length);
                let Some(record) = record else {
                    image.opened.signs.add(Sign::Damaged);
                    continue;
                };
                // The directory itself and the one above have names of one byte, 0 and 1.
                if record.is_self_or_parent {
                    continue;
                }
                let name = join(&path, &record.name);
                if record.flags & DIRECTORY != 0 {
                    if image.pay_path(&name, budget) {
                        directories.push((record.at, record.size, name, depth + 1));
                    }
                } else if !self.take(&record, name, image, files, budget) {
                    return;
                }
            }
        }
    }

    fn take(
        &self,
        record: &Record,
        name: String,
        image: &mut Image<'_>,
        files: &mut BTreeMap<(u64, u64), Place>,
        budget: &mut Budget,
    ) -> bool {
        let key = (record.at, record.size);
        if let Some(place) = files.get_mut(&key).filter(|place| !self.is_joliet && !place.in_primary) {
            place.in_primary = true;
            if let Some(member) = image.opened.members.get_mut(place.member) {
                if !is_short_for(&name, &member.name) {
                    image.opened.signs.add(Sign::Disagreement);
                    member.signs.add(Sign::Disagreement);
                }
                if name != member.name {
                    member.other_names.push(name);
                }
            }
            return true;
        }
        // Empty files stand nowhere, so that nothing tells them apart.
        if !self.is_joliet && record.size == 0 && !files.is_empty() {
            return true;
        }
        let runs = Runs::one(image.bytes, record.at.saturating_mul(self.block), record.size);
        let Some(member) = image.add(name, record.size, &runs, budget) else { return false };
        files.entry(key).or_insert(Place { member, in_primary: !self.is_joliet, in_joliet: self.is_joliet });
        true
    }
}

/// Whether a name of the first tree stands for one of Joliet: its ending is the beginning of the other's.
fn is_short_for(short: &str, long: &str) -> bool {
    let (short, long) = (names::extension(short), names::extension(long));
    let mut pairs = short.chars().zip(long.chars());
    short.len() <= long.len() && short.is_empty() == long.is_empty() && pairs.all(|(short, long)| short == long || short == '_')
}

struct Record {
    at: u64,
    size: u64,
    flags: u8,
    name: String,
    is_self_or_parent: bool,
}

impl Record {
    /// ECMA-119 9.1. Numbers stand in both orders of bytes; the first one counts.
    fn read(record: &[u8], is_joliet: bool) -> Option<Self> {
        let mut bytes = Bytes::new(record);
        bytes.take(1)?;
        let extended = bytes.u8()?;
        let at = u64::from(bytes.u32_le()?) + u64::from(extended);
        bytes.take(4)?;
        let size = bytes.u32_le()?.into();
        bytes.take(11)?;
        let flags = bytes.u8()?;
        bytes.take(6)?;
        let length = bytes.u8()?;
        let raw = bytes.take(length.into())?;
        let name = if is_joliet { names::utf16(raw, u16::from_be_bytes) } else { names::decode(raw) };
        // A number of the version stands behind a semicolon.
        let name =
            name.rsplit_once(';').filter(|(_, version)| version.parse::<u16>().is_ok()).map_or(name.as_str(), |(name, _)| name);
        let name = name.strip_suffix('.').unwrap_or(name).to_owned();
        let rest = bytes.rest();
        let rest = if length % 2 == 0 { rest.get(1..).unwrap_or_default() } else { rest };
        let name = if is_joliet { name } else { rock_ridge(rest).unwrap_or(name) };
        Some(Self { at, size, flags, name, is_self_or_parent: matches!(raw, [0] | [1]) })
    }
}

/// The name among the fields for systems (P1282 4.1.4), put together from its parts.
fn rock_ridge(fields: &[u8]) -> Option<String> {
    let mut fields = Bytes::new(fields);
    let mut name = Vec::new();
    // Each field takes four bytes at least, so that their length bounds the turns.
    while let Some([first, second, length, _version]) = fields.array() {
        let field = fields.take(usize::from(length).checked_sub(4)?)?;
        if [first, second] == *b"NM" {
            name.extend_from_slice(field.get(1..).unwrap_or_default());
        }
        if fields.rest().len() < 4 {
            break;
        }
    }
    (!name.is_empty()).then(|| names::decode(&name))
}
