//! The names of an entry: what different programs make of the same bytes.

use super::header::Entry;
use crate::names;

/// Info-ZIP's field for a name in UTF-8 (APPNOTE 4.6.9).
const UNICODE_PATH: u16 = 0x7075;

pub(super) struct Names {
    pub(super) name: String,
    pub(super) others: Vec<String>,
    /// They end differently, so that programs take the member for different things.
    pub(super) disagree: bool,
    pub(super) is_directory: bool,
}

pub(super) fn of(entry: &Entry<'_>) -> Names {
    let raw = entry.name;
    let name = if entry.is_utf8() { names::utf8(raw) } else { names::decode(raw) };
    let mut all = Names { name, others: Vec::new(), disagree: false, is_directory: false };
    // Where strings end at a null, so do names.
    if let Some(null) = raw.iter().position(|byte| *byte == 0) {
        all.others.push(names::decode(raw.get(..null).unwrap_or_default()));
    }
    if let Some(path) = unicode_path(entry) {
        if path.is_current {
            all.others.push(std::mem::replace(&mut all.name, path.name));
        } else {
            all.others.push(path.name);
        }
    }
    all.disagree = all.others.iter().any(|other| names::extension(other) != names::extension(&all.name));
    all.others.retain(|other| *other != all.name);
    all.is_directory = all.name.ends_with(['/', '\\']);
    all
}

/// Whether two headers mean the same name: systems write one path with either slash.
pub(super) fn same(one: &str, other: &str) -> bool {
    one == other || one.replace('\\', "/") == other.replace('\\', "/")
}

struct UnicodePath {
    name: String,
    /// It belongs to the name beside it; else programs that check this use the other.
    is_current: bool,
}

fn unicode_path(entry: &Entry<'_>) -> Option<UnicodePath> {
    let (version_and_crc, name) = entry.extra(UNICODE_PATH)?.split_at_checked(5)?;
    let (version, crc) = version_and_crc.split_first()?;
    if *version != 1 || name.is_empty() {
        return None;
    }
    let crc = u32::from_le_bytes(crc.try_into().ok()?);
    Some(UnicodePath { name: names::utf8(name), is_current: crc == crate::crypt::crc32(entry.name) })
}
