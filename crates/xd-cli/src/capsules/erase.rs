//! `xd capsules erase`: the capsules of one message or one person become zeros; the files stay valid.
//!
//! Directories are locked first, so that no capsule is added behind our back. Then all capsules are looked at –
//! where an earlier erasure was cut off, it is finished – and those meant are erased one by one, each durably.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use xd_core::capsule::PseudonymKey;
use xd_store::{Damage, DamageKind, OsFileSystem, SegmentDir, SegmentDirOptions, SegmentKind, erase};

use super::person::Person;
use super::{Found, Origin, Records, Trouble, records};
use crate::arguments::CapsulesErase;
use crate::escape::Plain;
use crate::failure::{Failure, INTERRUPTED, UNREAD, reason};
use crate::json::Hex;
use crate::judging;
use crate::output::{Output, complain};
use crate::stop;
use crate::terminal::Terminal;

/// Whose capsules are meant.
enum Meant {
    Message([u8; 32]),
    Person(Person),
}

pub(super) fn run(arguments: &CapsulesErase) -> Result<ExitCode, Failure> {
    let key = judging::config(arguments.config.as_deref())?.pseudonym_key()?;
    let meant = match (&arguments.message, &arguments.person) {
        (Some(hash), _) => Meant::Message(*hash),
        (None, Some(address)) => Meant::Person(Person::new(address, key.as_ref())),
        (None, None) => return Err(Failure::operator("name a message (--message) or a person (--person)")),
    };
    stop::listen()?;
    let mut records = Records::try_new(&arguments.capsules)?;
    let directories: BTreeSet<PathBuf> = records.files().iter().map(|file| directory_of(file)).collect();
    let mut search = Search {
        meant,
        origins: Vec::new(),
        ids: Vec::new(),
        unsearched: 0,
        pseudonymous: 0,
        other_key: 0,
        locked: !arguments.dry_run,
    };
    let mut locks = Vec::new();
    if !arguments.dry_run {
        for directory in &directories {
            locks.push(lock(directory)?);
        }
        // What another process added before it let go of the lock counts, too.
        records = Records::try_new(&arguments.capsules)?;
    }
    let fingerprint = key.as_ref().map(PseudonymKey::fingerprint);
    while let Some(found) = records.next() {
        if stop::asked() {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let same_key = fingerprint.is_some_and(|fingerprint| records.label() == Some(&fingerprint));
        search.look_at(found, same_key);
    }
    for directory in &directories {
        search.find_torn_ends(directory)?;
    }
    if search.pseudonymous > 0 {
        let why = "hold pseudonyms; --config FILE names the file with their key";
        eprintln!("xd: {} capsules {why}", search.pseudonymous);
    }
    if search.other_key > 0 {
        let count = search.other_key;
        let plural = if count == 1 { "" } else { "s" };
        eprintln!("xd: {count} capsule{plural} not searched: pseudonyms of another key, or of one that the file does not name");
    }

    let mut output = Output::new(Terminal::of_output());
    let verb = if arguments.dry_run { "would be erased" } else { "erased" };
    let mut erased = 0_u64;
    for (origin, id) in search.origins.iter().zip(&search.ids) {
        if stop::asked() {
            break;
        }
        if !arguments.dry_run {
            let done = stop::while_writing(|| erase(&OsFileSystem, &origin.file, origin.offset));
            if let Err(error) = done {
                complain(&origin.file.display().to_string(), &records::told(&error));
                search.unsearched += 1;
                continue;
            }
        }
        erased += 1;
        output.lines(format!("{}  {}\n", id.as_str(), Plain(&origin.to_string())))?;
    }
    output.lines(format!("{erased} capsule{} {verb}\n", if erased == 1 { "" } else { "s" }))?;
    output.finish()?;
    Ok(ExitCode::from(match search.unsearched + search.pseudonymous + search.other_key {
        _ if stop::asked() => INTERRUPTED,
        0 => 0,
        _ => UNREAD,
    }))
}

struct Search {
    meant: Meant,
    origins: Vec<Origin>,
    ids: Vec<Hex>,
    /// What may hold a capsule that is meant, and could not be looked at.
    unsearched: u64,
    /// Capsules with pseudonyms, when there is no key.
    pseudonymous: u64,
    /// Capsules with pseudonyms that the key at hand may not have made.
    other_key: u64,
    /// Whether nobody else writes, so that erasures which were begun are finished.
    locked: bool,
}

impl Search {
    fn look_at(&mut self, found: Found, same_key: bool) {
        match found {
            Found::Capsule(origin, capsule) => {
                let meant = match &self.meant {
                    Meant::Message(hash) => Some(capsule.message_sha256() == hash),
                    Meant::Person(person) => person.is_in(&capsule),
                };
                match meant {
                    Some(true) => {
                        self.origins.push(origin);
                        self.ids.push(Hex::of(*capsule.message_sha256()));
                    }
                    // The hash of a message is no pseudonym.
                    Some(false) if same_key || !capsule.is_pseudonymous() || matches!(self.meant, Meant::Message(_)) => {}
                    Some(false) => self.other_key += 1,
                    None => self.pseudonymous += 1,
                }
            }
            Found::Erased(_) => {}
            Found::Trouble(trouble) if self.locked && finish(&trouble) => {}
            Found::Trouble(trouble) => {
                self.unsearched += 1;
                complain(&trouble.path(), &format!("{}; it was not searched", trouble.why));
            }
        }
    }

    /// Names the files to which recovery moved torn ends: what is left of a capsule may stand in them.
    fn find_torn_ends(&mut self, directory: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::operator(format!("{}: {}", directory.display(), reason(&error)));
        let mut torn = Vec::new();
        for entry in directory.read_dir().map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension.to_string_lossy().starts_with("torn-")) {
                torn.push(path);
            }
        }
        torn.sort_unstable();
        for path in torn {
            self.unsearched += 1;
            complain(
                &path.display().to_string(),
                "the torn end of a file, which cannot be searched; remove it if it is not needed",
            );
        }
        Ok(())
    }
}

/// Goes on with an erasure that was begun and cut off: whoever began it meant that capsule. Says whether it is one, and done.
fn finish(trouble: &Trouble) -> bool {
    let Some(Damage { offset, kind: DamageKind::UnfinishedErasure, .. }) = trouble.damage else { return false };
    match stop::while_writing(|| erase(&OsFileSystem, &trouble.file, offset)) {
        Ok(_) => complain(&trouble.path(), &format!("finished an erasure that was begun, at offset {offset}")),
        Err(error) => {
            complain(&trouble.path(), &records::told(&error));
            return false;
        }
    }
    true
}

/// Locks a directory against whoever would add to it.
fn lock(directory: &Path) -> Result<SegmentDir, Failure> {
    let options = SegmentDirOptions::new(SegmentKind::CAPSULES);
    let opened = SegmentDir::open(&OsFileSystem, directory, options);
    let (lock, recovery) = opened.map_err(|error| Failure::operator(records::told(&error)))?;
    if let Some(recovery) = recovery {
        eprintln!("xd: {}", Plain(&recovery.to_string()));
    }
    Ok(lock)
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
