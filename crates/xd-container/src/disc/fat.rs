//! Disks with FAT12, FAT16 or FAT32 (Microsoft's FAT specification 1.03), with or without a table of partitions.

use super::{Image, Runs, join};
use crate::bytes::Bytes;
use crate::{Budget, Sign, names};

/// Partitions that are read; 8. The old table has four.
const MAX_PARTITIONS: usize = 8;
/// Entries of GPT's table of partitions that are looked at: as many as it has by default.
const MAX_ENTRIES: usize = 128;
/// Within so many bytes from its beginning every volume shows that there is one.
const PARTITION_HEAD: usize = 4 << 10;
const SECTOR: u64 = 512;
/// Clusters of one file or directory that are followed; 1 million. A disk of 64 MiB has fewer.
const MAX_CLUSTERS: usize = 1 << 20;
/// What following a chain costs for each cluster, in steps.
const CLUSTER_STEPS: u64 = 5;
/// Bytes of one directory that are read; 2 MiB, as the specification allows.
const MAX_DIRECTORY: usize = 2 << 20;

/// Attributes of an entry.
const VOLUME_LABEL: u8 = 8;
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0F;

pub(super) fn is_boot_sector(bytes: &[u8]) -> bool {
    Volume::read(bytes, 0).is_some()
}

/// Whether there is such a volume. Its files are listed.
pub(super) fn read(image: &mut Image<'_>, budget: &mut Budget) -> bool {
    let mut is_known = false;
    let partitions = partitions(image.bytes);
    if partitions.len() > MAX_PARTITIONS {
        image.opened.signs.add(Sign::Limit);
    }
    let starts = std::iter::once(0).chain(partitions.into_iter().take(MAX_PARTITIONS));
    for start in starts {
        if let Some(volume) = Volume::read(image.bytes, start) {
            is_known = true;
            image.seen.clear();
            volume.list(image, budget);
        } else if start > 0 && holds_another(image.bytes, start) {
            image.opened.signs.add(Sign::Unsupported);
        }
    }
    is_known
}

/// Whether a partition without such a volume holds something else. Empty ones are common, GPT has a partition around itself, and
/// the volume of a disc may be one as well.
fn holds_another(bytes: &[u8], start: u64) -> bool {
    let rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let head = rest.get(..PARTITION_HEAD).unwrap_or(rest);
    head.iter().any(|byte| *byte != 0) && !head.starts_with(b"EFI PART") && head.get(1..6) != Some(b"CD001")
}

/// Where partitions begin, in bytes.
pub(super) fn partitions(bytes: &[u8]) -> Vec<u64> {
    let Some(table) = bytes.get(446..512).filter(|table| table.ends_with(&[0x55, 0xAA])) else { return Vec::new() };
    let entries = table.chunks_exact(16).take(4);
    // Code that ends in the same two bytes has no such table.
    if entries.clone().any(|entry| !matches!(entry.first(), Some(0 | 0x80))) {
        return Vec::new();
    }
    let start = |entry: &[u8]| {
        let mut fields = Bytes::from(entry, 4);
        let kind = fields.u8()?;
        fields.take(3)?;
        let (start, length) = (fields.u32_le()?, fields.u32_le()?);
        (kind != 0 && start != 0 && length != 0).then_some(u64::from(start) * SECTOR)
    };
    let mut starts: Vec<u64> = entries.filter_map(start).collect();
    if bytes.get(512..520) == Some(b"EFI PART") {
        let long = bytes.get(1_024..).unwrap_or_default().chunks_exact(128).take(MAX_ENTRIES);
        starts.extend(long.filter_map(|entry| Bytes::from(entry, 32).u64_le()?.checked_mul(SECTOR)).filter(|start| *start > 0));
    }
    starts
}

#[derive(Clone, Copy)]
enum Width {
    Bits12,
    Bits16,
    Bits32,
}

/// What the boot sector says, in bytes from the beginning of the image.
struct Volume {
    width: Width,
    table: u64,
    table_length: u64,
    root: u64,
    root_length: u64,
    root_cluster: u32,
    data: u64,
    cluster: u64,
    clusters: u64,
}

impl Volume {
    fn read(all: &[u8], start: u64) -> Option<Self> {
        let start_at = usize::try_from(start).ok()?;
        let sector = all.get(start_at..)?.get(..512)?;
        if !sector.ends_with(&[0x55, 0xAA]) || !matches!(sector.first(), Some(0xEB | 0xE9)) {
            return None;
        }
        let mut fields = Bytes::from(sector, 11);
        let (bytes, per_cluster, reserved) = (fields.u16_le()?, fields.u8()?, fields.u16_le()?);
        let (tables, root_entries, total) = (fields.u8()?, fields.u16_le()?, fields.u16_le()?);
        fields.take(1)?;
        let table = fields.u16_le()?;
        fields.take(8)?;
        let (total_long, table_long) = (fields.u32_le()?, fields.u32_le()?);
        let root_cluster = Bytes::from(sector, 44).u32_le()?;
        if !matches!(bytes, 512 | 1_024 | 2_048 | 4_096)
            || !per_cluster.is_power_of_two()
            || reserved == 0
            || !(1..=4).contains(&tables)
        {
            return None;
        }
        let bytes = u64::from(bytes);
        let is_long = table == 0;
        let table_sectors = if is_long { u64::from(table_long) } else { u64::from(table) };
        let total = if total == 0 { u64::from(total_long) } else { u64::from(total) };
        let root_length = u64::from(root_entries) * 32;
        let root = u64::from(reserved) + u64::from(tables) * table_sectors;
        let data = root + root_length.div_ceil(bytes);
        let clusters = total.saturating_sub(data) / u64::from(per_cluster);
        // The number of clusters alone says which it is.
        let width = match clusters {
            _ if is_long => Width::Bits32,
            0..=4_084 => Width::Bits12,
            4_085..=65_524 => Width::Bits16,
            _ => Width::Bits32,
        };
        Some(Self {
            width,
            table: start + u64::from(reserved) * bytes,
            table_length: table_sectors * bytes,
            root: start + root * bytes,
            root_length,
            root_cluster,
            data: start + data * bytes,
            cluster: bytes * u64::from(per_cluster),
            clusters,
        })
    }

    fn list(&self, image: &mut Image<'_>, budget: &mut Budget) {
        let root = matches!(self.width, Width::Bits32).then_some(self.root_cluster);
        // Only the first clusters wait: a chain takes a thousand times as much.
        let mut directories = vec![(root, String::new(), 0)];
        while let Some((cluster, path, depth)) = directories.pop() {
            let runs = match cluster {
                Some(cluster) => self.chain(image, cluster, MAX_DIRECTORY as u64, budget),
                None => Runs::one(image.bytes, self.root, self.root_length),
            };
            let Ok(bytes) = runs.bytes(MAX_DIRECTORY, budget) else {
                image.is_limited = true;
                continue;
            };
            let mut long = Vec::new();
            for entry in bytes.chunks_exact(32) {
                if !image.pay_entry(budget) {
                    return;
                }
                let Some(entry) = Entry::read(entry) else { break };
                if entry.attributes & LONG_NAME == LONG_NAME {
                    long.push(entry.units());
                    // A name has 20 parts at most.
                    if long.len() > 20 {
                        long.remove(0);
                    }
                    continue;
                }
                // The parts of a long name stand before it, the last first.
                let parts = std::mem::take(&mut long);
                if entry.is_deleted || entry.attributes & VOLUME_LABEL != 0 || entry.is_self_or_parent() {
                    continue;
                }
                let units: Vec<u8> = parts.into_iter().rev().flatten().collect();
                let short = entry.short_name();
                let name = Some(names::utf16(&units, u16::from_le_bytes)).filter(|name| !name.is_empty());
                let name = join(&path, &name.unwrap_or(short));
                if entry.attributes & DIRECTORY != 0 {
                    if image.enter(entry.cluster.into(), depth + 1) && image.pay_path(&name, budget) {
                        directories.push((Some(entry.cluster), name, depth + 1));
                    }
                    continue;
                }
                let runs = self.chain(image, entry.cluster, entry.size, budget);
                if image.add(name, entry.size, &runs, budget).is_none() {
                    return;
                }
            }
        }
    }

    /// The bytes of a chain of clusters, as many as are wanted.
    fn chain<'a>(&self, image: &mut Image<'a>, first: u32, size: u64, budget: &mut Budget) -> Runs<'a> {
        let mut runs = Runs::new(image.bytes);
        let mut cluster = first;
        let mut length = 0;
        for _ in 0..MAX_CLUSTERS {
            let Some(index) = u64::from(cluster).checked_sub(2).filter(|index| *index < self.clusters) else { break };
            if length >= size {
                break;
            }
            if !budget.charge_steps(CLUSTER_STEPS) {
                image.is_limited = true;
                break;
            }
            runs.push(self.data + index * self.cluster, self.cluster);
            length = length.saturating_add(self.cluster);
            // A chain that is longer than the image goes round.
            if length > (image.bytes.len() as u64).saturating_add(self.cluster) {
                image.opened.signs.add(Sign::Damaged);
                break;
            }
            match self.next(image.bytes, cluster) {
                Some(next) => cluster = next,
                None => break,
            }
        }
        runs
    }

    fn next(&self, all: &[u8], cluster: u32) -> Option<u32> {
        let cluster = u64::from(cluster);
        let (offset, length) = match self.width {
            Width::Bits12 => (cluster + cluster / 2, 2),
            Width::Bits16 => (cluster * 2, 2),
            Width::Bits32 => (cluster * 4, 4),
        };
        if offset + length > self.table_length {
            return None;
        }
        let mut bytes = Bytes::from(all, usize::try_from(self.table + offset).ok()?);
        Some(match self.width {
            Width::Bits12 if cluster % 2 == 1 => u32::from(bytes.u16_le()? >> 4),
            Width::Bits12 => u32::from(bytes.u16_le()? & 0x0FFF),
            Width::Bits16 => bytes.u16_le()?.into(),
            Width::Bits32 => bytes.u32_le()? & 0x0FFF_FFFF,
        })
    }
}

/// One entry of a directory.
struct Entry<'b> {
    bytes: &'b [u8],
    attributes: u8,
    cluster: u32,
    size: u64,
    is_deleted: bool,
}

impl<'b> Entry<'b> {
    /// None at the end of the directory.
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let first = *bytes.first().filter(|first| **first != 0)?;
        let mut fields = Bytes::from(bytes, 11);
        let attributes = fields.u8()?;
        fields.take(8)?;
        let high = u32::from(fields.u16_le()?);
        fields.take(4)?;
        let (low, size) = (u32::from(fields.u16_le()?), fields.u32_le()?);
        Some(Self { bytes, attributes, cluster: high << 16 | low, size: size.into(), is_deleted: first == 0xE5 })
    }

    fn is_self_or_parent(&self) -> bool {
        self.bytes.starts_with(b". ") || self.bytes.starts_with(b".. ")
    }

    /// The name of eight and three characters.
    fn short_name(&self) -> String {
        let part = |start: usize, end: usize| {
            let part = self.bytes.get(start..end).unwrap_or_default();
            names::decode(part.trim_ascii_end())
        };
        let (name, extension) = (part(0, 8), part(8, 11));
        if extension.is_empty() { name } else { format!("{name}.{extension}") }
    }

    /// Thirteen characters of a long name, in UTF-16.
    fn units(&self) -> Vec<u8> {
        let part = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        let units = [part(1, 11), part(14, 26), part(28, 32)].concat();
        // What is left of the last part is filled with ones.
        units.chunks_exact(2).take_while(|unit| **unit != [0xFF, 0xFF]).flatten().copied().collect()
    }
}
