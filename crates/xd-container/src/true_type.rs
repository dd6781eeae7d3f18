//! A file's true type, held against its names and its declared type; and the EICAR test file.

use crate::name::{self, Kind, Promise};
use crate::{Sign, Signs};

/// The signs that names, declared type and first bytes give of a file, whatever stands around it.
///
/// `names` are all names the file has, in any reading. `declared` is the media type its part or container declares.
/// `sniffed` is what [`sniff`](crate::sniff) tells of the bytes. `beginning` is what is there of them, from the first on.
///
/// A difference between two harmless types is no sign: much ordinary mail calls a JPEG image PNG.
///
/// # Example: is this image one?
/// ```
/// use xd_container::{Sign, signs_of, sniff};
///
/// let bytes = b"MZ\x90\0\x03\0\0\0";
/// let signs = signs_of(&["holiday.jpg"], Some("image/jpeg"), sniff(bytes), bytes);
/// assert!(signs.contains(Sign::Executable) && signs.contains(Sign::NameMismatch) && signs.contains(Sign::TypeMismatch));
/// ```
#[must_use]
pub fn signs_of(names: &[&str], declared: Option<&str>, sniffed: Option<&str>, beginning: &[u8]) -> Signs {
    let mut promise = name::promise(names);
    if is_plain_text(&promise, sniffed, beginning) {
        promise.kinds.retain(|kind| *kind != Kind::Program);
        promise.signs = promise.signs.iter().filter(|sign| *sign != Sign::DangerousName).collect();
    }
    let mut signs = promise.signs;
    let shown = sniffed.and_then(kind_of_bytes);
    for kind in promise.kinds.iter().copied().filter(|kind| might_be(*kind, shown)).chain(shown) {
        let sign = match kind {
            Kind::Disc => Sign::DiscImage,
            Kind::Installer => {
                signs.add(Sign::Executable);
                Sign::Installer
            }
            Kind::Program => Sign::Executable,
            Kind::Script | Kind::Source => Sign::Script,
            Kind::Shortcut => Sign::Shortcut,
            _ => continue,
        };
        signs.add(sign);
    }
    if let (Some(shown), Some(sniffed)) = (shown, sniffed) {
        if promise.kinds.iter().any(|promised| differs(*promised, shown, sniffed, &promise.endings)) {
            signs.add(Sign::NameMismatch);
        }
        if declared.and_then(kind_of_declared).is_some_and(|declared| differs(declared, shown, sniffed, &[])) {
            signs.add(Sign::TypeMismatch);
        }
    }
    match declared.map(essence).as_deref() {
        Some(
            "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature",
        ) => {
            signs.add(Sign::Smime);
        }
        Some("application/pgp-encrypted" | "application/pgp-signature" | "application/pgp-keys") => signs.add(Sign::OpenPgp),
        _ => {}
    }
    match sniffed {
        Some("application/pkcs7-mime") => signs.add(Sign::Smime),
        Some("application/pgp-encrypted" | "application/pgp-signature" | "application/pgp-keys") => signs.add(Sign::OpenPgp),
        Some(sniffed) if UNREAD.contains(&sniffed) => signs.add(Sign::Unsupported),
        _ => {}
    }
    if is_test_virus(beginning) {
        signs.add(Sign::TestVirus);
    }
    signs
}

/// Archives and images that are known by their bytes, and that nothing opens.
const UNREAD: &[&str] = &[
    "application/vnd.debian.binary-package",
    "application/vnd.ms-htmlhelp",
    "application/x-alz-compressed",
    "application/x-apple-diskimage",
    "application/x-compress",
    "application/x-cpio",
    "application/x-egg",
    "application/x-installshield",
    "application/x-lzip",
    "application/x-ms-wim",
    "application/x-rpm",
    "application/x-vmdk",
    "application/x-xar",
];

/// Whether a name that ends in `.com` belongs to plain text: subjects and names of hosts end so. The test virus is a
/// program of letters alone, but has no line end before its last.
fn is_plain_text(promise: &Promise, sniffed: Option<&str>, beginning: &[u8]) -> bool {
    let is_program = promise.kinds.contains(&Kind::Program) && promise.endings.iter().all(|ending| ending == "com");
    let readable = |b: &u8| *b >= b' ' || matches!(b, b'\t' | b'\n' | b'\r');
    // The beginning may end within a character.
    let is_utf8 = |bytes| std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_program
        && sniffed.and_then(kind_of_bytes).is_none_or(|kind| matches!(kind, Kind::Text | Kind::Page | Kind::Mail))
        && beginning.contains(&b'\n')
        && !is_test_virus(beginning)
        && beginning.iter().all(readable)
        && is_utf8(beginning)
}

/// Whether a file of such a name may be what the name says, given what its bytes show: a picture called `.exe` is no program.
fn might_be(promised: Kind, shown: Option<Kind>) -> bool {
    match (promised, shown) {
        (_, None) => true,
        (promised, Some(shown)) if promised == shown => true,
        // Programs and installers for Java, Android and Windows are zip archives or compound files.
        (Kind::Program | Kind::Installer, Some(Kind::Archive | Kind::Office | Kind::Script | Kind::Page | Kind::Disc)) => true,
        (Kind::Script | Kind::Source | Kind::Shortcut, Some(Kind::Page | Kind::Text | Kind::Archive)) => true,
        (Kind::Disc, Some(Kind::Archive)) => true,
        _ => false,
    }
}

/// Whether what bytes show is something else than what was promised, and one of the two may do harm.
fn differs(promised: Kind, shown: Kind, sniffed: &str, endings: &[String]) -> bool {
    if promised == shown {
        // Programs that unpack rarer formats look at the bytes; what looks at names is passed by.
        let is_rare = matches!(
            sniffed,
            "application/vnd.rar"
                | "application/x-7z-compressed"
                | "application/x-ace-compressed"
                | "application/vnd.ms-cab-compressed"
        );
        let says_so = |ending: &String| match sniffed {
            "application/vnd.rar" => ending.starts_with('r') || ending == "001",
            "application/x-7z-compressed" => matches!(&**ending, "7z" | "001"),
            "application/x-ace-compressed" => ending == "ace",
            _ => ending == "cab",
        };
        return shown == Kind::Archive && is_rare && !endings.is_empty() && !endings.iter().any(says_so);
    }
    let is_zip = matches!(sniffed, "application/zip");
    match (promised, shown) {
        // Documents are zip archives, compound files, RTF, XML or pages, and programs open each under the others' names.
        (Kind::Office, Kind::Archive) => !is_zip && !endings.iter().any(|ending| matches!(&**ending, "onepkg" | "accdb")),
        (Kind::Office, Kind::Page | Kind::Text | Kind::Mail) => false,
        (Kind::Office, Kind::Pdf | Kind::Media) => false,
        (Kind::Archive, Kind::Office) => sniffed == "application/onenote",
        (Kind::Archive, Kind::Installer) => false,
        // Android's, Java's and Windows' packages are archives.
        (Kind::Program | Kind::Installer, Kind::Archive) => {
            !endings.is_empty()
                && endings.iter().any(|ending| matches!(&**ending, "exe" | "scr" | "com" | "pif" | "cpl" | "dll" | "sys" | "msi"))
        }
        (Kind::Program, Kind::Page | Kind::Text | Kind::Script) => {
            endings.iter().any(|ending| matches!(&**ending, "exe" | "scr" | "pif"))
        }
        (Kind::Installer, Kind::Office | Kind::Program | Kind::Disc) | (Kind::Program, Kind::Installer) => false,
        (Kind::Script | Kind::Source, Kind::Page | Kind::Text | Kind::Script | Kind::Source) => false,
        (Kind::Script, Kind::Archive) => !endings.iter().any(|ending| matches!(&**ending, "chm" | "its" | "hlp")),
        (Kind::Shortcut, Kind::Page | Kind::Text) => false,
        (Kind::Shortcut, Kind::Archive | Kind::Office) => false,
        (Kind::Disc, Kind::Archive) | (Kind::Archive, Kind::Disc) => false,
        (Kind::Mail, Kind::Office | Kind::Page | Kind::Text) => false,
        // `.dat` and `.pgp` may hold anything.
        (Kind::Mail, Kind::Archive | Kind::Media | Kind::Pdf) => false,
        (Kind::Page, Kind::Text | Kind::Mail | Kind::Media | Kind::Pdf) => false,
        (Kind::Text, Kind::Page | Kind::Script | Kind::Source) => false,
        (promised, Kind::Pdf | Kind::Media | Kind::Text | Kind::Mail) => promised.runs(),
        _ => true,
    }
}

/// What the type that bytes show is. None where it says nothing of harm.
fn kind_of_bytes(sniffed: &str) -> Option<Kind> {
    Some(match sniffed {
        "application/x-dosexec"
        | "application/x-elf"
        | "application/x-mach-binary"
        | "application/java-vm"
        | "application/vnd.android.dex"
        | "application/wasm" => Kind::Program,
        "application/x-msi" | "application/vnd.debian.binary-package" | "application/x-rpm" | "application/x-xar" => {
            Kind::Installer
        }
        "text/x-encoded-script" | "application/hta" | "text/x-ms-regedit" | "application/vnd.ms-htmlhelp" => Kind::Script,
        "text/x-script" => Kind::Source,
        "application/x-ms-shortcut" | "application/internet-shortcut" | "application/x-desktop" => Kind::Shortcut,
        "application/x-iso9660-image"
        | "application/x-vhd"
        | "application/x-vhdx"
        | "application/x-ms-wim"
        | "application/x-vmdk"
        | "application/x-apple-diskimage" => Kind::Disc,
        "application/zip"
        | "application/vnd.rar"
        | "application/x-7z-compressed"
        | "application/x-xz"
        | "application/zstd"
        | "application/x-lzip"
        | "application/vnd.ms-cab-compressed"
        | "application/x-installshield"
        | "application/x-ace-compressed"
        | "application/x-alz-compressed"
        | "application/x-egg"
        | "application/x-lzh-compressed"
        | "application/x-cpio"
        | "application/x-tar"
        | "application/x-bzip2"
        | "application/gzip"
        | "application/x-compress" => Kind::Archive,
        "application/x-ole-storage"
        | "application/onenote"
        | "application/rtf"
        | "application/x-sylk"
        | "application/x-mso"
        | "application/x-msaccess" => Kind::Office,
        "text/html" | "image/svg+xml" | "text/xml" => Kind::Page,
        "application/pdf" | "application/postscript" => Kind::Pdf,
        "application/ogg" | "application/x-shockwave-flash" => Kind::Media,
        "message/rfc822" | "text/calendar" | "text/vcard" => Kind::Mail,
        other if other.starts_with("image/") || other.starts_with("audio/") || other.starts_with("video/") => Kind::Media,
        other if other.starts_with("text/") => Kind::Text,
        _ => return None,
    })
}

/// What a declared type promises. None where it promises nothing: `application/octet-stream` may be anything.
fn kind_of_declared(declared: &str) -> Option<Kind> {
    let declared = essence(declared);
    Some(match &*declared {
        "image/svg+xml" | "text/html" | "text/xml" | "application/xml" | "application/xhtml+xml" => Kind::Page,
        "text/calendar" | "text/vcard" | "text/x-vcard" => Kind::Mail,
        "text/rtf" | "application/rtf" | "application/msword" | "text/csv" | "text/comma-separated-values" => Kind::Office,
        "text/javascript" | "text/x-python" | "text/x-sh" | "text/x-shellscript" | "text/x-script" | "text/x-perl" => {
            Kind::Source
        }
        "application/pdf" | "application/postscript" => Kind::Pdf,
        "application/json" => Kind::Text,
        "application/zip"
        | "application/x-zip-compressed"
        | "application/gzip"
        | "application/x-gzip"
        | "application/vnd.rar"
        | "application/x-tar"
        | "application/x-7z-compressed" => Kind::Archive,
        other if other.starts_with("application/vnd.ms-") && other != "application/vnd.ms-tnef" => match other {
            "application/vnd.ms-excel" | "application/vnd.ms-powerpoint" | "application/vnd.ms-word" => Kind::Office,
            _ => return None,
        },
        other
            if other.starts_with("application/vnd.openxmlformats") || other.starts_with("application/vnd.oasis.opendocument") =>
        {
            Kind::Office
        }
        other if other.starts_with("image/") || other.starts_with("audio/") || other.starts_with("video/") => Kind::Media,
        other if other.starts_with("text/") => Kind::Text,
        _ => return None,
    })
}

/// A media type without parameters, in lower case.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The EICAR test file backwards, so that this file and programs made of it are not taken for one.
const TEST_VIRUS_BACKWARDS: &[u8; 68] = b"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\\4[PA@%P!O5X";

/// The longest file that is the test virus, blanks behind it included.
const TEST_VIRUS_LENGTH: usize = 128;

/// Whether a file is the EICAR test file: it begins with the string, and nothing but blanks follows in the first 128 bytes.
/// A byte order mark and blanks before it, which mail programs add, do not count.
#[must_use]
pub fn is_test_virus(beginning: &[u8]) -> bool {
    let bytes = beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(beginning).trim_ascii_start();
    let bytes = bytes.get(..TEST_VIRUS_LENGTH).unwrap_or(bytes);
    bytes.split_at_checked(TEST_VIRUS_BACKWARDS.len()).is_some_and(|(start, rest)| {
        // The standard allows Ctrl-Z, too: DOS ended texts so.
        start.iter().eq(TEST_VIRUS_BACKWARDS.iter().rev())
            && rest.iter().all(|b| b.is_ascii_whitespace() || matches!(b, 0 | 0x1A))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sniff;
    use Sign::*;

    const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0";
    const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0";

    fn signs(name: &str, declared: &str, bytes: &[u8]) -> Vec<Sign> {
        signs_of(&[name], Some(declared), sniff(bytes), bytes).iter().collect()
    }

    #[test]
    fn what_is_alike_is_no_sign() {
        let cases: &[(&str, &str, &[u8])] = &[
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP),
            ("a.docx", "application/octet-stream", OLE),
            ("a.doc", "application/msword", b"{\\rtf1"),
            ("a.doc", "application/msword", ZIP),
            ("a.xls", "application/vnd.ms-excel", b"<html><table>"),
            ("a.jpg", "image/jpeg", b"\x89PNG\r\n\x1A\n"),
            ("a.png", "image/png", b"\xFF\xD8\xFF\xE0"),
            ("a.zip", "application/zip", b"\x1F\x8B\x08"),
            ("a.txt", "text/plain", b"<html>"),
            ("a.csv", "text/csv", b"a;b"),
            ("a.pdf", "application/octet-stream", b"%PDF-1.4"),
            ("a.eml", "message/rfc822", b"From: a@example.com"),
            ("winmail.dat", "application/ms-tnef", b"\x78\x9F\x3E\x22"),
            ("", "application/octet-stream", ZIP),
            ("Mail of example.com", "message/rfc822", b"From: a@example.com\r\nTo: b@example.com\r\n"),
            ("a.svg", "image/svg+xml", b"<svg>"),
        ];
        for (name, declared, bytes) in cases {
            assert_eq!(signs(name, declared, bytes), [], "{name} {declared}");
        }
    }

    #[test]
    fn archives_that_nothing_opens_say_so() {
        let cases: &[(&str, &[u8])] =
            &[("a.cpio", b"070701"), ("a.egg", b"EGGA"), ("a.alz", b"ALZ\x01\x0A\0\0\0"), ("a.z", b"\x1F\x9D\x90")];
        for (name, bytes) in cases {
            assert_eq!(signs(name, "application/octet-stream", bytes), [Unsupported], "{name}");
        }
        assert!(UNREAD.iter().all(|unread| !crate::opens(Some(unread), "a")));
    }

    #[test]
    fn true_types_against_names_and_declared_types() {
        let cases: &[(&str, &str, &[u8], &[Sign])] = &[
            ("a.jpg", "image/jpeg", PROGRAM, &[Executable, NameMismatch, TypeMismatch]),
            ("readme.txt", "application/octet-stream", PROGRAM, &[Executable, NameMismatch]),
            ("readme", "text/plain", PROGRAM, &[Executable, TypeMismatch]),
            ("a.exe", "application/octet-stream", PROGRAM, &[Executable, DangerousName]),
            ("a.exe", "application/octet-stream", b"", &[Executable, DangerousName]),
            ("a.exe", "application/octet-stream", b"\x89PNG\r\n\x1A\n", &[DangerousName, NameMismatch]),
            ("a.jar", "application/java-archive", ZIP, &[Executable, DangerousName]),
            ("a.msi", "application/octet-stream", OLE, &[Executable, Installer, DangerousName]),
            ("a.gif", "image/gif", ZIP, &[NameMismatch, TypeMismatch]),
            ("a.pdf", "application/pdf", ZIP, &[NameMismatch, TypeMismatch]),
            ("a.pdf", "application/pdf", b"<html>", &[NameMismatch, TypeMismatch]),
            ("a.zip", "application/zip", b"Rar!\x1A\x07\0", &[NameMismatch]),
            ("a.doc", "application/msword", b"Rar!\x1A\x07\0", &[NameMismatch, TypeMismatch]),
            ("a.js", "text/javascript", b"var a;", &[Script, DangerousName]),
            ("a.py", "text/x-python", b"#!/usr/bin/python", &[Script]),
            ("a.lnk", "application/octet-stream", b"", &[Shortcut, DangerousName]),
            ("a.txt", "text/plain", b"[InternetShortcut]\n", &[Shortcut, NameMismatch, TypeMismatch]),
            ("a.iso", "application/octet-stream", b"", &[DiscImage]),
            ("a.com", "application/octet-stream", b"\xB4\x09\xBA\n", &[Executable, DangerousName]),
            ("smime.p7s", "application/pkcs7-signature", b"", &[Smime]),
            ("a.asc", "application/pgp-keys", b"", &[OpenPgp]),
        ];
        for (name, declared, bytes, expected) in cases {
            assert_eq!(signs(name, declared, bytes), *expected, "{name} {declared}");
        }
    }

    #[test]
    fn the_test_virus_and_what_only_holds_it() {
        let virus: Vec<u8> = TEST_VIRUS_BACKWARDS.iter().rev().copied().collect();
        let with = |before: &[u8], after: &[u8]| [before, &virus, after].concat();
        assert!(is_test_virus(&virus));
        assert!(is_test_virus(&with(b"\xEF\xBB\xBF\r\n ", b"\r\n\x1A")));
        assert!(is_test_virus(&with(b"", &[b' '; 60])));
        assert!(!is_test_virus(&with(b"", b"x")));
        assert!(!is_test_virus(&with(b"This is the test file: ", b"")));
        assert!(!is_test_virus(&virus[..67]));
        assert!(is_test_virus(&with(b"", &[[b' '; 60].as_slice(), b"x"].concat())));
        assert!(!is_test_virus(&with(b"", &[[b' '; 59].as_slice(), b"x"].concat())));
        assert_eq!(signs("eicar.com", "text/plain", &virus), [Executable, TestVirus, DangerousName]);
    }
}
