//! 7z archives (7zFormat.txt of the LZMA SDK): names, sizes, encryption, and contents where every coder is known.
//!
//! Files stand in folders, each decoded as one run of bytes: to see the beginning of the last file, all before it is decoded.

mod folder;
mod header;
mod key;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::folder::{Decoded, Source};
use self::header::{Folder, Header, Read, Streams};
use self::key::Keys;
use crate::bytes::Bytes;
use crate::opened::BEGINNING;
use crate::unpack::{self, End};
use crate::{Budget, Content, Member, Opened, Passwords, Sign, Signs, sniff};

pub(crate) const SIGNATURE: &[u8] = b"7z\xBC\xAF\x27\x1C";
/// The first header: signature, version, checksum, and where the other one stands.
const START: usize = 32;
/// Headers packed in headers that are followed; 7-Zip writes one.
const MAX_HEADERS: usize = 4;
/// The longest header that is read; 4 MiB. Ten thousand files, of which no more are listed, take less than one.
const MAX_HEADER: usize = 4 << 20;

/// Lists and decodes the files.
pub(crate) fn open<'a>(bytes: &'a [u8], passwords: &Passwords, budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    // A program that unpacks itself stands before it.
    let start = memchr::memmem::find(bytes, SIGNATURE).unwrap_or(0);
    if start > 0 {
        opened.signs.add(Sign::Prefixed);
    }
    let bytes = bytes.get(start..).unwrap_or_default();
    let mut password = None;
    match find_header(bytes, passwords, &mut password, &mut opened.signs, budget) {
        Some(header) => Reader { bytes, passwords, password }.list(&header, &mut opened, budget),
        None if opened.signs.is_empty() || opened.signs.iter().all(|sign| sign == Sign::Prefixed) => {
            opened.signs.add(Sign::Damaged);
        }
        None => {}
    }
    opened
}

/// The header, unpacked where it is packed. The signs say why there is none.
fn find_header<'p>(
    bytes: &[u8],
    passwords: &'p Passwords,
    password: &mut Option<&'p str>,
    signs: &mut Signs,
    budget: &mut Budget,
) -> Option<Header> {
    let mut start = Bytes::from(bytes, 12);
    let (offset, size) = (start.u64_le()?, start.u64_le()?);
    if size == 0 && offset == 0 {
        return Some(Header::default());
    }
    let at = usize::try_from(offset).ok()?.checked_add(START)?;
    let rest = bytes.get(at..).unwrap_or_default();
    let size = usize::try_from(size).ok()?;
    if rest.len() < size {
        signs.add(Sign::Truncated);
    } else if rest.len() > size
        && rest.get(size..).unwrap_or_default().iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0)
    {
        signs.add(Sign::Trailing);
    }
    let mut header = Cow::Borrowed(rest.get(..size).unwrap_or(rest));
    for _ in 0..MAX_HEADERS {
        if header.len() > MAX_HEADER {
            signs.add(Sign::Limit);
            return None;
        }
        if !budget.charge_steps(header.len() as u64 * 10) {
            signs.add(Sign::Limit);
            return None;
        }
        let streams = match header::read(&header, budget)? {
            Read::Header(header) => return Some(header),
            Read::Packed(streams) => streams,
        };
        let folder = streams.folders.first()?;
        let source = Source { folder, packs: packs(bytes, &streams).into_iter().next()? };
        let most = usize::try_from(folder.size()).ok()?.min(MAX_HEADER + 1);
        let decoded = if folder.is_encrypted() {
            // A wrong password gives noise, which is no header.
            let right = passwords.iter().find_map(|candidate| {
                let decoded = source.decode(most, &mut Keys::new(Some(candidate)), budget);
                let is_header = matches!(decoded.bytes.first(), Some(0x01 | 0x17))
                    && header::read(&decoded.bytes, budget).is_some_and(|read| match read {
                        Read::Header(header) => !header.is_damaged,
                        Read::Packed(_) => true,
                    });
                is_header.then_some((candidate, decoded))
            });
            let Some((candidate, decoded)) = right else {
                signs.add(Sign::Encrypted);
                return None;
            };
            *password = Some(candidate);
            signs.add(Sign::Decrypted);
            decoded
        } else {
            source.decode(most, &mut Keys::new(None), budget)
        };
        if decoded.end == End::Limit {
            signs.add(Sign::Limit);
        }
        header = Cow::Owned(decoded.bytes.into_owned());
    }
    None
}

/// The packed streams of each folder. What is missing at the end is missing in them.
fn packs<'a>(bytes: &'a [u8], streams: &Streams) -> Vec<Vec<&'a [u8]>> {
    let mut at = usize::try_from(streams.pack_at).unwrap_or(usize::MAX).saturating_add(START);
    let mut sizes = streams.pack_sizes.iter();
    let mut pack = || {
        let size = sizes.next().map_or(0, |size| usize::try_from(*size).unwrap_or(usize::MAX));
        let end = at.saturating_add(size);
        let pack = bytes.get(at.min(bytes.len())..end.min(bytes.len())).unwrap_or_default();
        at = end;
        pack
    };
    streams.folders.iter().map(|folder| folder.packed.iter().map(|_| pack()).collect()).collect()
}

struct Reader<'a, 'p> {
    bytes: &'a [u8],
    passwords: &'p Passwords,
    /// The one that opened the header.
    password: Option<&'p str>,
}

impl<'a> Reader<'a, '_> {
    fn list(&self, header: &Header, opened: &mut Opened<'a>, budget: &mut Budget) {
        if header.is_damaged {
            opened.signs.add(Sign::Damaged);
        }
        if header.is_limited {
            opened.signs.add(Sign::Limit);
        }
        let mut files = header.files.iter();
        let packs = packs(self.bytes, &header.streams);
        let (mut size, mut packed) = (0_u64, 0_u64);
        for (folder, packs) in header.streams.folders.iter().zip(packs) {
            let mut members = Vec::new();
            let mut is_limited = false;
            for size in &folder.files {
                let name = loop {
                    match files.next() {
                        Some(file) if file.has_stream => break file.name.clone(),
                        Some(file) => is_limited |= !empty(file, opened, budget),
                        None => break String::new(),
                    }
                };
                if is_limited || !budget.charge_member() {
                    is_limited = true;
                    break;
                }
                let mut member = Member::new(name);
                member.size = Some(*size);
                members.push(member);
            }
            size = size.saturating_add(folder.size());
            packed = packed.saturating_add(packs.iter().map(|pack| pack.len() as u64).sum());
            if !members.is_empty() {
                self.fill(&mut members, folder, packs, opened, budget);
                opened.members.append(&mut members);
            }
            if is_limited {
                opened.signs.add(Sign::Limit);
                return;
            }
        }
        for file in files {
            if !empty(file, opened, budget) {
                opened.signs.add(Sign::Limit);
                break;
            }
        }
        if unpack::is_bomb(size, packed) {
            opened.signs.add(Sign::Bomb);
        }
        if !opened.members.is_empty() && opened.members.iter().all(|member| member.signs.contains(Sign::Encrypted)) {
            opened.signs.add(Sign::Encrypted);
        }
    }

    /// Decodes a folder as far as it takes to see the beginning of every file in it, and on to the end of the last file that
    /// something opens.
    fn fill(
        &self,
        members: &mut [Member<'a>],
        folder: &Folder,
        packs: Vec<&'a [u8]>,
        opened: &mut Opened<'_>,
        budget: &mut Budget,
    ) {
        let packed: u64 = packs.iter().map(|pack| pack.len() as u64).sum();
        let is_bomb = unpack::is_bomb(folder.size(), packed);
        if is_bomb {
            members.iter_mut().for_each(|member| member.signs.add(Sign::Bomb));
        }
        let source = Source { folder, packs };
        let mut sizes = members.iter().map(|member| member.size.unwrap_or(0));
        let before_last = sizes.clone().rev().skip(1).fold(0, u64::saturating_add);
        let last = sizes.next_back().unwrap_or(0).min(BEGINNING as u64);
        let first = if is_bomb { BEGINNING as u64 } else { before_last.saturating_add(last) };
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let passwords: Vec<Option<&str>> = match self.password {
            _ if !folder.is_encrypted() => vec![None],
            Some(password) => vec![Some(password)],
            None => self.passwords.iter().map(Some).collect(),
        };
        let right = passwords.into_iter().find_map(|password| {
            let mut keys = Keys::new(password);
            let decoded = source.decode(first, &mut keys, budget);
            let is_right = !folder.is_encrypted() || decoded.end != End::Damaged && !decoded.bytes.is_empty();
            is_right.then_some((keys, decoded))
        });
        let Some((mut keys, mut decoded)) = right else {
            members.iter_mut().for_each(|member| member.signs.add(Sign::Encrypted));
            return;
        };
        if folder.is_encrypted() {
            opened.signs.add(Sign::Decrypted);
            members.iter_mut().for_each(|member| member.signs.add(Sign::Decrypted));
        }
        let wanted = if is_bomb { 0 } else { wanted(members, &decoded.bytes, budget) };
        if wanted > decoded.bytes.len() && decoded.end == End::More {
            drop(std::mem::replace(&mut decoded.bytes, Cow::Borrowed(&[])));
            decoded = source.decode(wanted, &mut keys, budget);
        }
        give(members, decoded, budget);
    }
}

/// Up to where a folder is worth decoding: the end of the last file that something opens.
fn wanted(members: &[Member<'_>], decoded: &[u8], budget: &Budget) -> usize {
    let mut at = 0_usize;
    let mut wanted = 0;
    for member in members {
        let size = usize::try_from(member.size.unwrap_or(0)).unwrap_or(usize::MAX);
        let end = at.saturating_add(size);
        let shown = decoded.get(at.min(decoded.len())..end.min(decoded.len())).unwrap_or_default();
        if budget.wants(sniff(shown), &member.name) {
            wanted = end;
        }
        at = end;
    }
    wanted
}

/// Cuts what was decoded into the files.
fn give<'a>(members: &mut [Member<'a>], decoded: Decoded<'a>, budget: &Budget) {
    let mut at = 0_usize;
    for member in members {
        let size = usize::try_from(member.size.unwrap_or(0)).unwrap_or(usize::MAX);
        let end = at.saturating_add(size);
        let range = at.min(decoded.bytes.len())..end.min(decoded.bytes.len());
        let is_whole = range.len() == size;
        let bytes = match &decoded.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(range).unwrap_or_default()),
            Cow::Owned(bytes) => {
                let bytes = bytes.get(range).unwrap_or_default();
                let kept =
                    if is_whole && (size <= BEGINNING || budget.wants(sniff(bytes), &member.name)) { size } else { BEGINNING };
                Cow::Owned(bytes.get(..kept).unwrap_or(bytes).to_vec())
            }
        };
        if !is_whole {
            match decoded.end {
                End::Complete | End::More => {}
                End::Damaged => member.signs.add(Sign::Damaged),
                End::Limit => member.signs.add(Sign::Limit),
                End::Truncated => member.signs.add(Sign::Truncated),
                End::Unsupported => member.signs.add(Sign::Unsupported),
            }
        }
        member.content = match bytes.len() {
            length if length == size => Content::Whole(bytes),
            0 => Content::Unread,
            _ => Content::Beginning(bytes),
        };
        at = end;
    }
}

/// Lists a file without bytes. False at the bound.
fn empty(file: &header::File, opened: &mut Opened<'_>, budget: &mut Budget) -> bool {
    if file.is_directory {
        return true;
    }
    if !budget.charge_member() {
        return false;
    }
    let mut member = Member::new(file.name.clone());
    member.size = Some(0);
    member.content = Content::Whole(Cow::Borrowed(&[]));
    opened.members.push(member);
    true
}
