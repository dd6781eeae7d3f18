//! Zip archives (PKWARE APPNOTE.TXT 6.3.10; WinZip's AES; Info-ZIP's Unicode names).
//!
//! A zip archive says twice what it holds: in a directory at its end, and in a header before each member. Programs read the
//! one or the other, from the front or from the end, so that one file can be two archives. Here all of it is read: every
//! directory that something would find, and every header between the members that no directory names. What only one of
//! them knows is a member as well, and the archive carries [`Sign::Disagreement`].

mod cipher;
mod directory;
mod gaps;
mod header;
mod name;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::directory::Directory;
use self::gaps::Gaps;
use self::header::{Entry, Local};
use crate::unpack::{self, Method, Wanted};
use crate::{Budget, Member, Opened, Passwords, Sign};

/// Entries of directories that are looked at, whatever number of members may be listed; 200,000. Those beyond the bound on
/// members tell which bytes belong to members, so that these are not taken for hidden ones.
const MAX_ENTRIES: usize = 200_000;
/// What reading one entry costs, in steps.
const ENTRY_STEPS: u64 = 200;
/// What looking through name and extra fields may cost without being paid once more when a member is listed, in steps: members
/// behind one that took all steps are listed all the same.
const FREE_STEPS: u64 = 2_000;

/// Whether bytes end in a zip archive, whatever they begin with: programs that unpack themselves, pictures with an archive
/// behind them.
pub(crate) fn is_at_end(bytes: &[u8]) -> bool {
    let Some(directory) = directory::last(bytes) else { return false };
    let end = directory.end_at.saturating_add(directory.end_length);
    bytes.len().saturating_sub(end) <= MAX_BEHIND && directory.has_entries(bytes)
}

/// Bytes behind an archive at the end of another file that are passed over; 1 KiB. Files that hold archives as a matter of
/// course have more behind them.
const MAX_BEHIND: usize = 1 << 10;

/// The archive behind another file, where there is the end of one.
pub(crate) fn open_behind<'a>(bytes: &'a [u8], passwords: &Passwords, budget: &mut Budget) -> Option<Opened<'a>> {
    let directories = directory::find(bytes);
    directories.iter().any(|directory| directory.has_entries(bytes)).then(|| open(bytes, passwords, budget))
}

/// Lists and decodes the members.
pub(crate) fn open<'a>(bytes: &'a [u8], passwords: &Passwords, budget: &mut Budget) -> Opened<'a> {
    open_with(bytes, passwords, budget, |_| false)
}

/// The same for those who know what they look for: members with a wanted name are decoded whole, whatever they are.
pub(crate) fn open_with<'a>(
    bytes: &'a [u8],
    passwords: &Passwords,
    budget: &mut Budget,
    wants: impl Fn(&str) -> bool,
) -> Opened<'a> {
    let mut reader =
        Reader { bytes, passwords, wants: &wants, opened: Opened::new(), claims: Vec::new(), sizes: (0, 0), is_limited: false };
    reader.read(budget);
    reader.opened
}

/// One entry that was found, with the header before its bytes.
struct Found<'a> {
    entry: Entry<'a>,
    local: Option<Local<'a>>,
}

struct Reader<'a, 'r> {
    bytes: &'a [u8],
    passwords: &'r Passwords,
    wants: &'r dyn Fn(&str) -> bool,
    opened: Opened<'a>,
    /// Which bytes entries and directories take, with the number of the entry.
    claims: Vec<(usize, usize, Option<usize>)>,
    /// What all members hold by their own word, and in how many bytes.
    sizes: (u64, u64),
    is_limited: bool,
}

impl<'a> Reader<'a, '_> {
    fn read(&mut self, budget: &mut Budget) {
        if !budget.charge_steps(self.bytes.len() as u64 / 8) {
            self.opened.signs.add(Sign::Limit);
            return;
        }
        let mut found = Vec::new();
        let directories = directory::find(self.bytes);
        let mut has_directory = false;
        if let Some(main) = directories.first() {
            has_directory = true;
            self.sign_of_end(main);
            self.take_directory(main, &mut found, budget);
        }
        // Directories that the main one's members and itself do not cover: a second archive before or behind.
        for other in directories.iter().skip(1) {
            if !self.is_claimed(other.end_at) && !self.is_claimed(other.starts_at) && other.has_entries(self.bytes) {
                self.take_directory(other, &mut found, budget);
                self.opened.signs.add(Sign::Disagreement);
            }
        }
        let first_local = found.len();
        if !self.is_limited {
            self.take_gaps(&mut found, budget);
        }
        if !has_directory && !found.is_empty() {
            self.opened.signs.add(Sign::Truncated);
        } else if found.is_empty() && !directories.iter().any(|directory| directory.is_empty()) {
            self.opened.signs.add(Sign::Damaged);
        } else if found.len() > first_local && has_directory {
            self.opened.signs.add(Sign::Disagreement);
        }
        self.sign_of_start(&found);
        let shared = self.shared();
        for (number, item) in found.iter().enumerate() {
            if !self.list(item, shared.get(&number).copied(), budget) {
                break;
            }
        }
        self.sign_of_all();
    }

    fn take_directory(&mut self, directory: &Directory, found: &mut Vec<Found<'a>>, budget: &mut Budget) {
        self.claims.push((directory.starts_at, directory.end_at.saturating_add(directory.end_length), None));
        let mut count = 0_u64;
        for entry in directory.entries(self.bytes) {
            if found.len() >= MAX_ENTRIES || !budget.charge_steps(ENTRY_STEPS) {
                self.is_limited = true;
                break;
            }
            count += 1;
            if !self.take(entry, found, budget) {
                self.is_limited = true;
                break;
            }
        }
        if self.is_limited {
            self.opened.signs.add(Sign::Limit);
        } else if !directory.counts(count) {
            self.opened.signs.add(Sign::Disagreement);
        }
    }

    /// Takes one entry. False where no more may be taken.
    fn take(&mut self, entry: Entry<'a>, found: &mut Vec<Found<'a>>, budget: &mut Budget) -> bool {
        let local = Local::read(self.bytes, entry.offset);
        let is_paid = budget.charge_steps(local.as_ref().map_or(0, |local| local.entry.steps()));
        let starts_at = usize::try_from(entry.offset).unwrap_or(usize::MAX);
        let ends_at = match &local {
            Some(local) => {
                // Where the two headers differ, what the longer one takes more may hold members for those who read the shorter.
                let same = local.entry.packed == 0 || local.entry.packed == entry.packed;
                let packed = if same { entry.packed } else { entry.packed.min(local.entry.packed) };
                local.data_at.saturating_add(usize::try_from(packed).unwrap_or(usize::MAX))
            }
            None => starts_at,
        };
        let ends_at = ends_at.min(self.bytes.len());
        if starts_at < ends_at {
            self.claims.push((starts_at, ends_at, Some(found.len())));
        }
        found.push(Found { entry, local });
        is_paid
    }

    /// Headers of members in bytes that nothing claims.
    fn take_gaps(&mut self, found: &mut Vec<Found<'a>>, budget: &mut Budget) {
        let claims = self.claims.iter().map(|(start, end, _)| (*start, *end)).collect();
        for entry in Gaps::new(self.bytes, claims) {
            if found.len() >= MAX_ENTRIES || !budget.charge_steps(ENTRY_STEPS) || !self.take(entry, found, budget) {
                self.opened.signs.add(Sign::Limit);
                return;
            }
        }
    }

    fn is_claimed(&self, at: usize) -> bool {
        self.claims.iter().any(|(start, end, _)| (*start..*end).contains(&at))
    }

    /// The entries whose bytes belong to another one as well, and whether it is the first of these, which alone is read whole.
    fn shared(&mut self) -> BTreeMap<usize, bool> {
        let mut claims: Vec<_> = self.claims.iter().filter_map(|(start, end, number)| Some((*start, *end, (*number)?))).collect();
        claims.sort_unstable();
        let mut shared = BTreeMap::new();
        let (mut reach, mut owner) = (0, None);
        for (start, end, number) in claims {
            if start < reach {
                shared.insert(number, false);
                if let Some(owner) = owner {
                    shared.entry(owner).or_insert(true);
                }
            }
            if end > reach {
                (reach, owner) = (end, Some(number));
            }
        }
        if !shared.is_empty() {
            self.opened.signs.add(Sign::Overlap);
        }
        shared
    }

    /// Lists one entry. False where no more may be listed.
    fn list(&mut self, item: &Found<'a>, shared: Option<bool>, budget: &mut Budget) -> bool {
        let Found { entry, local } = item;
        let steps = entry.steps() + local.as_ref().map_or(0, |local| local.entry.steps());
        if !budget.charge_steps(steps.saturating_sub(FREE_STEPS)) {
            self.opened.signs.add(Sign::Limit);
            return false;
        }
        let mut names = name::of(entry);
        // Those who read headers unpack what the one before its bytes says.
        let is_directory = |entry: &Entry<'_>| name::of(entry).is_directory && entry.size == 0;
        if is_directory(entry) && local.as_ref().is_none_or(|local| is_directory(&local.entry)) {
            return true;
        }
        if !budget.charge_member() {
            self.opened.signs.add(Sign::Limit);
            return false;
        }
        let mut disagrees = names.disagree;
        if let Some(local) = local {
            disagrees |= local.entry.disagrees(entry);
            let other = name::of(&local.entry);
            if !name::same(&names.name, &other.name) {
                disagrees = true;
                names.others.push(other.name);
            }
            names.others.extend(other.others);
        }
        names.others.retain(|other| *other != names.name);
        names.others.sort_unstable();
        names.others.dedup();
        let mut member = Member::new(names.name);
        member.other_names = names.others;
        member.size = Some(entry.size);
        if disagrees {
            self.opened.signs.add(Sign::Disagreement);
            member.signs.add(Sign::Disagreement);
        }
        if shared.is_some() {
            member.signs.add(Sign::Overlap);
        }
        let wanted = if shared == Some(false) {
            Wanted::Beginning
        } else if (self.wants)(&member.name) {
            Wanted::All
        } else {
            Wanted::AsOpened
        };
        self.sizes.0 = self.sizes.0.saturating_add(entry.size);
        self.sizes.1 = self.sizes.1.saturating_add(entry.packed);
        match local {
            Some(local) => self.read_member(&mut member, entry, local, wanted, budget),
            None => member.signs.add(Sign::Damaged),
        }
        self.opened.members.push(member);
        // A header that packs it otherwise gives other bytes to those who read headers.
        if let Some(local) = local.as_ref().filter(|local| local.entry.packs_otherwise(entry)) {
            if !budget.charge_member() {
                self.opened.signs.add(Sign::Limit);
                return false;
            }
            let mut member = Member::new(name::of(&local.entry).name);
            member.signs.add(Sign::Disagreement);
            let packed = if local.entry.packed == 0 { entry.packed } else { local.entry.packed };
            let as_local = Entry { packed, ..local.entry.clone() };
            self.read_member(&mut member, &as_local, local, wanted, budget);
            self.opened.members.push(member);
        }
        true
    }

    fn read_member(
        &mut self,
        member: &mut Member<'a>,
        entry: &Entry<'a>,
        local: &Local<'a>,
        wanted: Wanted,
        budget: &mut Budget,
    ) {
        let rest = self.bytes.get(local.data_at..).unwrap_or_default();
        let length = usize::try_from(entry.packed).unwrap_or(usize::MAX);
        let packed = match rest.get(..length) {
            Some(packed) => packed,
            None => {
                member.signs.add(Sign::Truncated);
                rest
            }
        };
        if entry.is_encrypted() {
            return self.read_encrypted(member, entry, packed, wanted, budget);
        }
        let (packed, method) = method(entry.method, packed, entry);
        unpack::fill(member, packed, &method, wanted, budget);
    }

    fn read_encrypted(&mut self, member: &mut Member<'a>, entry: &Entry<'a>, packed: &[u8], wanted: Wanted, budget: &mut Budget) {
        let Some((method_number, mut plain)) = cipher::decrypt(entry, packed, self.passwords, budget) else {
            member.signs.add(Sign::Encrypted);
            return;
        };
        member.signs.add(Sign::Decrypted);
        let (rest, method) = method(method_number, &plain, entry);
        let begin = plain.len() - rest.len();
        plain.drain(..begin);
        unpack::fill_decrypted(member, plain, &method, wanted, budget);
    }

    fn sign_of_end(&mut self, directory: &Directory) {
        let behind = self.bytes.get(directory.end_at.saturating_add(directory.end_length)..).unwrap_or_default();
        // Transports add line ends, and tapes zeros.
        if behind.iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0) {
            self.opened.signs.add(Sign::Trailing);
        }
        if directory.is_split {
            self.opened.signs.add(Sign::Split);
        }
        if directory.is_ambiguous {
            self.opened.signs.add(Sign::Disagreement);
        }
    }

    fn sign_of_start(&mut self, found: &[Found<'a>]) {
        if self.bytes.starts_with(b"PK\x07\x08") {
            self.opened.signs.add(Sign::Split);
        }
        let first = found.iter().filter(|item| item.local.is_some()).map(|item| item.entry.offset).min();
        // APPNOTE 8.5.5: a mark of four bytes may stand before archives that could have been split.
        if first.is_some_and(|first| first > 4) {
            self.opened.signs.add(Sign::Prefixed);
        }
    }

    fn sign_of_all(&mut self) {
        if unpack::is_bomb(self.sizes.0, (self.bytes.len() as u64).min(self.sizes.1)) {
            self.opened.signs.add(Sign::Bomb);
        }
        let members = &self.opened.members;
        let has = |sign| move |member: &Member<'_>| member.signs.contains(sign);
        if !members.is_empty() && members.iter().all(has(Sign::Encrypted)) {
            self.opened.signs.add(Sign::Encrypted);
        }
        if members.iter().any(has(Sign::Decrypted)) {
            self.opened.signs.add(Sign::Decrypted);
        }
        // One name and different bytes: some programs unpack the first, others the last.
        let mut names = BTreeMap::new();
        let differ = members.iter().any(|member| {
            let first = *names.entry(member.name.as_str()).or_insert(member);
            differs(first, member)
        });
        if differ {
            self.opened.signs.add(Sign::Disagreement);
        }
    }
}

/// Whether two members of one name have different bytes. What stands at the same place is the same, and is not compared: of
/// members that share their bytes, all but the first show only the beginning of them.
fn differs(one: &Member<'_>, other: &Member<'_>) -> bool {
    let (bytes, others) = (one.bytes(), other.bytes());
    if !bytes.is_empty() && !others.is_empty() && std::ptr::eq(bytes.as_ptr(), others.as_ptr()) {
        return one.size != other.size;
    }
    bytes != others
}

/// The decoder of a method (APPNOTE 4.4.5), and where its bytes begin.
fn method<'b>(number: u16, packed: &'b [u8], entry: &Entry<'_>) -> (&'b [u8], Method) {
    match number {
        0 => (packed, Method::Stored),
        8 => (packed, Method::Deflate),
        9 => (packed, Method::Deflate64),
        12 => (packed, Method::Bzip2),
        // APPNOTE 5.8.8: a version, the length of the properties, and the properties.
        14 => match packed {
            [_, _, 5, 0, a, b, c, d, e, rest @ ..] => {
                let size = (entry.flags & 2 == 0).then_some(entry.size);
                (rest, Method::Lzma { properties: [*a, *b, *c, *d, *e], size })
            }
            _ => (packed, Method::Unknown),
        },
        20 | 93 => (packed, Method::Zstd),
        95 => (packed, Method::Xz),
        _ => (packed, Method::Unknown),
    }
}
