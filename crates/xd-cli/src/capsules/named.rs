//! Names of single capsules: `FILE#3` is the third of a file or directory, `FILE#9f86d081` that of the message whose SHA-256
//! begins so, and a further `#2` behind either its second recipient.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use xd_core::capsule::Capsule;
use xd_store::{OsFileSystem, SegmentKind, segment_files};

use super::{Found, Records, Trouble};
use crate::failure::Failure;

/// What an argument names: the capsules of a file or directory, or one of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    pub(crate) place: PathBuf,
    which: Which,
    /// The place of the recipient among those of the capsule, from 0; the first when none is named.
    pub(crate) verdict: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Which {
    All,
    /// The beginning of the SHA-256 of a message, in hexadecimal digits.
    Message(String),
    /// From 1; erased capsules count, so that erasing one renames no other.
    Number(u64),
}

/// Shorter beginnings of a hash are numbers where all their digits are decimal.
const NUMBER_DIGITS: usize = 8;

/// A shorter beginning of a hash is a slip of the pen.
const HASH_DIGITS: usize = 4;

impl Named {
    /// What an argument names; nothing when it does not name capsules: then it is a message.
    pub(crate) fn parse(argument: &Path) -> Result<Option<Self>, Failure> {
        if is_capsules(argument) {
            return Ok(Some(Self { place: argument.to_owned(), which: Which::All, verdict: 0 }));
        }
        let Some(text) = argument.to_str() else { return Ok(None) };
        // Names of directories may have the sign, too.
        let Some((place, name)) = text
            .match_indices('#')
            .map(|(at, _)| (&text[..at], &text[at + 1..]))
            .find(|(place, _)| is_capsules(Path::new(place)))
        else {
            return Ok(None);
        };
        let (which, recipient) = name.split_once('#').unwrap_or((name, "1"));
        let verdict = recipient.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match (Which::parse(which), verdict) {
            (Some(which), Some(verdict)) => Ok(Some(Self { place: place.into(), which, verdict })),
            _ => {
                let advice =
                    "a number or the beginning of a SHA-256 (at least 4 digits), then perhaps # and the number of a recipient";
                Err(Failure::operator(format!("{text}: expected behind {place}#: {advice}")))
            }
        }
    }

    /// The capsules, in their order.
    pub(crate) fn capsules(self) -> Result<Capsules, Failure> {
        let records = Records::try_new(std::slice::from_ref(&self.place))?;
        Ok(Capsules { named: self, records, number: 0, found: false })
    }
}

impl Which {
    fn parse(name: &str) -> Option<Self> {
        let decimal = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if decimal && name.len() < NUMBER_DIGITS {
            return name.parse().ok().filter(|&number| number > 0).map(Self::Number);
        }
        let hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hexadecimal && (HASH_DIGITS..=64).contains(&name.len())).then(|| Self::Message(name.to_ascii_lowercase()))
    }
}

/// The capsules that an argument names.
#[derive(Debug)]
pub(crate) struct Capsules {
    named: Named,
    records: Records,
    number: u64,
    found: bool,
}

impl Iterator for Capsules {
    /// A capsule with the name that stands for it alone.
    type Item = Result<(String, Box<Capsule>), Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.named.which, Which::Number(_)) && self.found {
            return None;
        }
        loop {
            let found = self.records.next();
            self.number += u64::from(matches!(found, Some(Found::Capsule(..) | Found::Erased(_))));
            let fits = |capsule: Option<&Capsule>| match (&self.named.which, capsule) {
                (Which::All, _) => true,
                (Which::Message(start), Some(capsule)) => super::id(capsule, 0).starts_with(start.as_str()),
                (Which::Message(_), None) => false,
                (Which::Number(number), _) => *number == self.number,
            };
            match found {
                Some(Found::Capsule(_, capsule)) if fits(Some(&capsule)) => {
                    self.found = true;
                    return Some(Ok((format!("{}#{}", self.named.place.display(), self.number), capsule)));
                }
                Some(Found::Erased(origin)) if self.named.which != Which::All && fits(None) => {
                    self.found = true;
                    return Some(Err(origin.trouble(&"it was erased")));
                }
                Some(Found::Capsule(..) | Found::Erased(_)) => {}
                Some(Found::Trouble(trouble)) => return Some(Err(trouble)),
                None if self.found || self.named.which == Which::All => return None,
                None => {
                    self.found = true;
                    let why = match &self.named.which {
                        Which::Message(start) => format!("no capsule of a message whose SHA-256 begins with {start}"),
                        _ => format!("it has {} capsules", self.number),
                    };
                    return Some(Err(Trouble { file: Arc::from(self.named.place.as_path()), why, damage: None }));
                }
            }
        }
    }
}

/// Whether a path names capsules: a file `*.xdc`, there or not, or a directory of such files.
fn is_capsules(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "xdc")
        || (path.is_dir() && segment_files(&OsFileSystem, path, SegmentKind::CAPSULES).is_ok_and(|files| !files.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_single_capsules() {
        let named = |text: &str| Named::parse(Path::new(text)).ok().flatten().map(|named| (named.which, named.verdict));
        let hash = |text: &str| Some((Which::Message(text.to_owned()), 0));
        assert_eq!(named("a.xdc"), Some((Which::All, 0)));
        assert_eq!(named("a.xdc#1"), Some((Which::Number(1), 0)));
        assert_eq!(named("a#b.xdc#1234567#3"), Some((Which::Number(1_234_567), 2)));
        assert_eq!(named("a.xdc#12345678"), hash("12345678"));
        assert_eq!(named("a.xdc#9F86"), hash("9f86"));
        for message in ["letter.eml", "inbox.mbox#3", "-", "gone"] {
            assert!(matches!(Named::parse(Path::new(message)), Ok(None)), "{message}");
        }
        for wrong in ["a.xdc#", "a.xdc#0", "a.xdc#9f8", "a.xdc#word", "a.xdc#1#0", "a.xdc#1#", "a.xdc#1#2#3"] {
            assert!(Named::parse(Path::new(wrong)).is_err(), "{wrong}");
        }
    }
}
