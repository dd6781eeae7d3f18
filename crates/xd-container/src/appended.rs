//! Archives behind other files: programs that unpack themselves, and pictures or documents that are archives as well.
//!
//! Programs that unpack archives look for them from the end, whatever stands before.

use crate::{Budget, Opened, Passwords, Sign, cab, rar, sevenz, zip};

/// Programs: their archives may stand anywhere, with a signature of the program behind them.
pub(crate) fn is_program(media_type: &str) -> bool {
    matches!(media_type, "application/x-dosexec" | "application/x-elf" | "application/x-mach-binary")
}

/// The archive in a file that is none by its beginning.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    media_type: Option<&str>,
    passwords: &Passwords,
    budget: &mut Budget,
) -> Option<Opened<'a>> {
    let is_program = media_type.is_some_and(is_program);
    // The last bytes alone are looked at, except in programs.
    if !is_program && !zip::is_at_end(bytes) {
        return None;
    }
    // Many members may be the same program: each time it is gone through is paid for.
    if is_program && !budget.charge_steps(bytes.len() as u64 / 4) {
        let mut opened = Opened::new();
        opened.signs.add(Sign::Limit);
        return Some(opened);
    }
    let mut opened = zip::open_behind(bytes, passwords, budget).filter(is_found);
    if is_program && opened.is_none() {
        let open_7z = |bytes: &'a [u8], budget: &mut Budget| sevenz::open(bytes, passwords, budget);
        let mut is_limited = false;
        opened = behind(bytes, rar::SIGNATURE, budget, &mut is_limited, rar::open)
            .or_else(|| behind(bytes, sevenz::SIGNATURE, budget, &mut is_limited, open_7z))
            .or_else(|| behind(bytes, cab::SIGNATURE, budget, &mut is_limited, cab::open));
        if is_limited {
            opened.get_or_insert_with(Opened::new).signs.add(Sign::Limit);
        }
    }
    if let Some(opened) = opened.as_mut().filter(|opened| is_found(opened)) {
        opened.signs.add(Sign::Prefixed);
    }
    opened
}

/// Places in a program where an archive may begin that are tried; 16. Programs that make archives hold the signatures of all kinds.
const MAX_PLACES: usize = 16;
/// Work for each place, in steps, besides what its archive takes.
const PLACE_STEPS: u64 = 2_000;

/// The first archive behind a signature that is one. Says where places were left out: archives of other kinds may stand there.
fn behind<'a>(
    bytes: &'a [u8],
    signature: &[u8],
    budget: &mut Budget,
    is_limited: &mut bool,
    open: impl Fn(&'a [u8], &mut Budget) -> Opened<'a>,
) -> Option<Opened<'a>> {
    for (number, at) in memchr::memmem::find_iter(bytes, signature).enumerate() {
        if number >= MAX_PLACES || !budget.charge_steps(PLACE_STEPS) {
            *is_limited = true;
            return None;
        }
        let opened = open(bytes.get(at..)?, budget);
        if is_found(&opened) {
            return Some(opened);
        }
    }
    None
}

/// Whether it is an archive and not just its signature, which programs that make archives hold as well.
fn is_found(opened: &Opened<'_>) -> bool {
    !opened.members.is_empty() || opened.signs.contains(Sign::Encrypted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, open as open_any, opens, sniff};

    /// A zip archive with one empty member, "a".
    const ARCHIVE: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a\
        PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a\
        PK\x05\x06\0\0\0\0\x01\0\x01\0\x2F\0\0\0\x1F\0\0\0\0\0";

    fn opened(bytes: &[u8]) -> Option<(usize, bool)> {
        let opened = open_any(bytes, sniff(bytes), "a.bin", &Passwords::default(), &mut Budget::default())?;
        Some((opened.members.len(), opened.signs.contains(Sign::Prefixed)))
    }

    #[test]
    fn archives_behind_other_files_are_opened() {
        let begin: &[&[u8]] = &[
            b"MZ\x90\0\x03\0\0\0 a program",
            b"\x7FELF\x02 a program",
            b"\x89PNG\r\n\x1A\n an image",
            b"\xFF\xD8\xFF\xE0 an image",
            b"nothing that is known",
        ];
        for begin in begin {
            let bytes = [begin, ARCHIVE].concat();
            assert_eq!(opened(&bytes), Some((1, true)), "{}", String::from_utf8_lossy(begin));
        }
        assert!(opens(Some("application/x-dosexec"), ""));
        assert_eq!(opened(ARCHIVE), Some((1, false)));
    }

    #[test]
    fn programs_alone_are_no_archives() {
        assert_eq!(
            opened(b"MZ\x90\0\x03\0\0\0 a program with Rar!\x1A\x07\0 and 7z\xBC\xAF\x27\x1C in it, MSCF\0\0\0\0 and PK\x05\x06"),
            None
        );
    }

    #[test]
    fn signatures_in_programs_hide_no_archive() {
        // A RAR archive of one empty member "a", stored; the CRCs are not looked at.
        let rar = b"Rar!\x1A\x07\0\xCF\x90\x73\0\0\x0D\0\0\0\0\0\0\0\
            \0\0\x74\0\x80\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\x30\x01\0\0\0\0\0a";
        for decoys in [0, 1, 15, 16] {
            for decoy in [&rar[..7], b"Rar!\x1A\x07\x01\0"] {
                let program = [b"MZ\x90\0\x03\0\0\0 a program", &*decoy.repeat(decoys), &[0; 40], &rar[..]].concat();
                let opened = open_any(&program, sniff(&program), "a.exe", &Passwords::default(), &mut Budget::default())
                    .unwrap_or_default();
                assert_eq!(opened.members.len(), usize::from(decoys < 16), "{decoys}");
                assert_eq!(opened.signs.contains(Sign::Limit), decoys == 16, "{decoys}");
            }
        }
    }

    #[test]
    fn signatures_of_one_kind_hide_no_archive_of_another() {
        // A cabinet with one file "a" of five bytes, stored.
        let cabinet = b"MSCF\0\0\0\0\0\0\0\0\0\0\0\0\x2C\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\0\0\0\0\
            \x3E\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a\0\0\0\0\0\x05\0\x05\0Hello";
        let decoys = b"Rar!\x1A\x07\0".repeat(17);
        let program = [b"MZ\x90\0\x03\0\0\0 a program", &decoys[..], &[0; 40], cabinet].concat();
        let opened = open_any(&program, sniff(&program), "a.exe", &Passwords::default(), &mut Budget::default()).unwrap();
        assert_eq!(opened.members.len(), 1);
        assert!(opened.signs.contains(Sign::Limit) && opened.signs.contains(Sign::Prefixed));
    }

    #[test]
    fn programs_are_gone_through_as_far_as_is_paid() {
        let program = [b"MZ".to_vec(), vec![0; 4_000], ARCHIVE.to_vec()].concat();
        let mut budget = Budget::new(Bounds { steps: 5_000, ..Bounds::default() });
        let mut listed = || {
            let opened = open_any(&program, sniff(&program), "a.exe", &Passwords::default(), &mut budget)?;
            Some((opened.members.len(), opened.signs.contains(Sign::Limit)))
        };
        let all: Vec<_> = (0..10).filter_map(|_| listed()).collect();
        assert_eq!(all.first(), Some(&(1, false)));
        assert_eq!(all.last(), Some(&(0, true)));
    }
}
