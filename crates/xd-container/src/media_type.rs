//! What a file's first bytes show it to be, whatever its name and declared type say.

use crate::bytes::Bytes;
use crate::{disc, letters, name, tar, zip};

/// A type and the bytes that show it.
struct Magic {
    offset: usize,
    bytes: &'static [u8],
    /// More bytes that must stand at another offset.
    and: Option<(usize, &'static [u8])>,
    media_type: &'static str,
}

const fn at(offset: usize, bytes: &'static [u8], media_type: &'static str) -> Magic {
    Magic { offset, bytes, and: None, media_type }
}

const fn both(bytes: &'static [u8], offset: usize, also: &'static [u8], media_type: &'static str) -> Magic {
    Magic { offset: 0, bytes, and: Some((offset, also)), media_type }
}

/// In order: the first that fits is the type. Short signatures stand last.
const MAGICS: &[Magic] = &[
    // Programs.
    at(0, b"\x7FELF", "application/x-elf"),
    at(0, b"\xCF\xFA\xED\xFE", "application/x-mach-binary"),
    at(0, b"\xCE\xFA\xED\xFE", "application/x-mach-binary"),
    at(0, b"\xFE\xED\xFA\xCE", "application/x-mach-binary"),
    at(0, b"\xFE\xED\xFA\xCF", "application/x-mach-binary"),
    at(0, b"\xCA\xFE\xBA\xBF\0\0\0", "application/x-mach-binary"),
    at(0, b"dex\n0", "application/vnd.android.dex"),
    at(0, b"\0asm", "application/wasm"),
    // Archives.
    at(0, b"PK\x03\x04", "application/zip"),
    at(0, b"PK\x05\x06", "application/zip"),
    // One of several volumes, or a marker that some programs write before the first member.
    at(0, b"PK\x07\x08PK\x03\x04", "application/zip"),
    at(0, b"PK00PK\x03\x04", "application/zip"),
    at(0, b"Rar!\x1A\x07", "application/vnd.rar"),
    at(0, b"RE~^", "application/vnd.rar"),
    at(0, b"7z\xBC\xAF\x27\x1C", "application/x-7z-compressed"),
    at(0, b"\xFD7zXZ\0", "application/x-xz"),
    at(0, b"(\xB5/\xFD", "application/zstd"),
    at(0, b"LZIP\x01", "application/x-lzip"),
    at(0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    at(0, b"ISc(", "application/x-installshield"),
    at(7, b"**ACE**", "application/x-ace-compressed"),
    // The first header of ARJ describes the archive, which is its type 2.
    both(b"\x60\xEA", 10, b"\x02", "application/x-arj"),
    both(b"ALZ\x01", 4, b"\x0A\0\0\0", "application/x-alz-compressed"),
    at(0, b"EGGA", "application/x-egg"),
    Magic { offset: 2, bytes: b"-lh", and: Some((6, b"-")), media_type: "application/x-lzh-compressed" },
    Magic { offset: 2, bytes: b"-lz", and: Some((6, b"-")), media_type: "application/x-lzh-compressed" },
    at(0, b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package"),
    at(0, b"\xED\xAB\xEE\xDB", "application/x-rpm"),
    at(0, b"xar!\0\x1C", "application/x-xar"),
    at(0, b"070701", "application/x-cpio"),
    at(0, b"070707", "application/x-cpio"),
    at(257, b"ustar", "application/x-tar"),
    // Images of discs.
    at(0x8001, b"CD001", "application/x-iso9660-image"),
    at(0x8001, b"BEA01", "application/x-iso9660-image"),
    at(0x8001, b"NSR0", "application/x-iso9660-image"),
    at(0x8801, b"CD001", "application/x-iso9660-image"),
    at(0, b"conectix", "application/x-vhd"),
    at(0, b"vhdxfile", "application/x-vhdx"),
    at(0, b"MSWIM\0\0\0", "application/x-ms-wim"),
    at(0, b"KDMV", "application/x-vmdk"),
    // Documents, and what opens with them.
    at(0, b"\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D", "application/onenote"),
    at(0, b"\xA1\x2F\xFF\x43\xD9\xEF\x76\x4C", "application/onenote"),
    at(0, b"\x78\x9F\x3E\x22", "application/vnd.ms-tnef"),
    at(0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", "application/x-ms-shortcut"),
    at(0, b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp"),
    at(0, b"ActiveMime", "application/x-mso"),
    at(0, b"\0\x01\0\0Standard Jet DB", "application/x-msaccess"),
    at(0, b"\0\x01\0\0Standard ACE DB", "application/x-msaccess"),
    at(0, b"!BDN", "application/vnd.ms-outlook-pst"),
    at(0, b"%PDF-", "application/pdf"),
    at(0, b"{\\rt", "application/rtf"),
    at(0, b"ID;P", "application/x-sylk"),
    at(0, b"%!PS", "application/postscript"),
    at(0, b"\xC5\xD0\xD3\xC6", "application/postscript"),
    at(0, b"-----BEGIN PGP MESSAGE", "application/pgp-encrypted"),
    at(0, b"-----BEGIN PGP SIGNATURE", "application/pgp-signature"),
    at(0, b"-----BEGIN PGP PUBLIC KEY", "application/pgp-keys"),
    // Scripts.
    at(0, b"#@~^", "text/x-encoded-script"),
    at(0, b"#!", "text/x-script"),
    // Images, sound, films.
    at(0, b"\x89PNG\r\n\x1A\n", "image/png"),
    at(0, b"\xFF\xD8\xFF", "image/jpeg"),
    at(0, b"GIF87a", "image/gif"),
    at(0, b"GIF89a", "image/gif"),
    both(b"RIFF", 8, b"WEBP", "image/webp"),
    both(b"RIFF", 8, b"WAVE", "audio/wav"),
    both(b"RIFF", 8, b"AVI ", "video/x-msvideo"),
    at(0, b"II*\0", "image/tiff"),
    at(0, b"MM\0*", "image/tiff"),
    at(0, b"\xD7\xCD\xC6\x9A", "image/wmf"),
    both(b"\x01\0\0\0", 40, b" EMF", "image/emf"),
    at(0, b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
    both(b"BM", 6, b"\0\0\0\0", "image/bmp"),
    at(4, b"ftypheic", "image/heic"),
    at(4, b"ftypheix", "image/heic"),
    at(4, b"ftypmif1", "image/heic"),
    at(4, b"ftypavif", "image/avif"),
    at(4, b"ftypM4A", "audio/mp4"),
    at(4, b"ftypqt  ", "video/quicktime"),
    at(4, b"ftyp", "video/mp4"),
    at(0, b"\0\0\0\x0CjP  \r\n", "image/jp2"),
    at(0, b"OggS", "application/ogg"),
    at(0, b"ID3", "audio/mpeg"),
    at(0, b"fLaC", "audio/flac"),
    at(0, b"\x1A\x45\xDF\xA3", "video/x-matroska"),
    at(0, b"CWS", "application/x-shockwave-flash"),
    at(0, b"FWS", "application/x-shockwave-flash"),
    at(0, b"wOFF", "font/woff"),
    at(0, b"wOF2", "font/woff2"),
    at(0, b"BZh", "application/x-bzip2"),
    both(b"\x5D\0\0", 4, b"\0", "application/x-lzma"),
    at(0, b"\x1F\x8B", "application/gzip"),
    at(0, b"\x1F\x9D", "application/x-compress"),
    at(0, b"BEGIN:VCARD", "text/vcard"),
    at(0, b"BEGIN:VCALENDAR", "text/calendar"),
    at(0, b"\xFF\xFB", "audio/mpeg"),
];

/// The bytes that files of these types may begin with.
const BEGINNINGS: [bool; 256] = {
    let mut beginnings = [false; 256];
    let mut number = 0;
    while number < MAGICS.len() {
        if MAGICS[number].offset == 0 {
            beginnings[MAGICS[number].bytes[0] as usize] = true;
        }
        number += 1;
    }
    beginnings
};

/// Beginnings of pages, in lower case, that follow blanks and a byte order mark. A blank, `>` or `/` must follow.
const PAGES: &[(&[u8], &str)] = &[
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<head", "text/html"),
    (b"<body", "text/html"),
    (b"<script", "text/html"),
    (b"<iframe", "text/html"),
    (b"<meta", "text/html"),
    (b"<title", "text/html"),
    (b"<table", "text/html"),
    (b"<svg", "image/svg+xml"),
    (b"<!doctype svg", "image/svg+xml"),
    (b"<hta:application", "application/hta"),
    (b"<?xml", "text/xml"),
];

/// Beginnings of plain texts that systems act upon, in lower case, behind blanks and a byte order mark.
const ORDERS: &[(&[u8], &str)] = &[
    (b"[internetshortcut]", "application/internet-shortcut"),
    (b"[desktop entry]", "application/x-desktop"),
    (b"[{000214a0-0000-0000-c000-000000000046}]", "application/internet-shortcut"),
    (b"windows registry editor version", "text/x-ms-regedit"),
    (b"regedit4", "text/x-ms-regedit"),
];

/// Where the trailers of Apple's disc images and of fixed virtual hard disks stand, counted from the end.
const TRAILER: usize = 512;

/// PDF readers look for the header in so many bytes (ISO 32000-1, annex H.3.4.1).
const PDF_HEAD: usize = 1_024;

/// Within so many bytes an `<hta:application>` makes an application of a page, and `<svg>` an image of XML.
const PAGE_HEAD: usize = 4 << 10;

/// How many blanks may stand before a page.
const MAX_BLANKS: usize = 512;

/// The type that the first bytes show, when they are characteristic.
///
/// Images of discs show themselves behind an empty beginning or at the very end: they are known when `bytes` are the whole file.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    let stands = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if let Some(media_type) = sniff_mz(bytes).or_else(|| sniff_cafebabe(bytes)).or_else(|| sniff_compound(bytes)) {
        return Some(media_type);
    }
    let fits = |magic: &&Magic| stands(magic.offset, magic.bytes) && magic.and.is_none_or(|(offset, also)| stands(offset, also));
    // Most bytes are told by the first of them to begin with none of these.
    let may_begin = bytes.first().is_some_and(|first| BEGINNINGS[usize::from(*first)]);
    MAGICS
        .iter()
        .filter(|magic| may_begin || magic.offset > 0)
        .find(fits)
        .map(|magic| magic.media_type)
        .or_else(|| sniff_text(bytes))
        .or_else(|| sniff_signed(bytes))
        .or_else(|| tar::is_header(bytes).then_some("application/x-tar"))
        .or_else(|| disc::is_disk(bytes).then_some("application/x-raw-disk-image"))
        .or_else(|| sniff_trailer(bytes))
        .or_else(|| holds_pdf(bytes.get(..PDF_HEAD).unwrap_or(bytes)).then_some("application/pdf"))
        // Behind what shows nothing by itself.
        .or_else(|| zip::is_at_end(bytes).then_some("application/zip"))
}

/// The same, and messages that are files: they are plain text, which only their names and the fields at their beginning show.
///
/// # Example: what is in this file?
/// ```
/// use xd_container::sniff_named;
///
/// let bytes = b"Subject: Hello\r\n\r\nGood morning";
/// assert_eq!(sniff_named(bytes, "letter.eml"), Some("message/rfc822"));
/// assert_eq!(sniff_named(bytes, "letter.txt"), None);
/// ```
#[must_use]
pub fn sniff_named(bytes: &[u8], name: &str) -> Option<&'static str> {
    sniff(bytes).or_else(|| (name::is_message(name) && begins_as_message(bytes)).then_some("message/rfc822"))
}

/// Whether header fields stand at the beginning (RFC 5322 §2.2): a name of letters and `-`, and a colon. The line that begins
/// a message in a mailbox may stand before them.
pub(crate) fn begins_as_message(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let mut lines = bytes.split(|b| *b == b'\n').skip_while(|line| line.starts_with(b"From ") || line.starts_with(b">From "));
    let first = lines.next().unwrap_or_default();
    let length = first.iter().take(77).position(|b| *b == b':').unwrap_or(0);
    length > 1 && first.iter().take(length).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Programs for Windows and DOS. Text may begin with `MZ` too, so that something binary must follow.
fn sniff_mz(bytes: &[u8]) -> Option<&'static str> {
    // DOS takes the letters in either order.
    let header = bytes.strip_prefix(b"MZ").or_else(|| bytes.strip_prefix(b"ZM"))?;
    let header = header.get(..62).unwrap_or(header);
    (header.len() < 62 || header.iter().any(|b| *b < b'\t')).then_some("application/x-dosexec")
}

/// Java classes begin as fat Mach-O files do, with a version of 45 or more where these count few architectures.
fn sniff_cafebabe(bytes: &[u8]) -> Option<&'static str> {
    let rest = bytes.strip_prefix(b"\xCA\xFE\xBA\xBE")?;
    Some(match rest.first_chunk() {
        Some([0, 0, 0, 1..45]) => "application/x-mach-binary",
        _ => "application/java-vm",
    })
}

/// Compound files ([MS-CFB] §2.2). Packages of Windows' installer are told by the class of their root.
fn sniff_compound(bytes: &[u8]) -> Option<&'static str> {
    const INSTALLER: [u8; 16] = *b"\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F";
    if !bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return None;
    }
    let shift = u32::from(Bytes::from(bytes, 30).u16_le().unwrap_or(9).clamp(9, 12));
    let root =
        Bytes::from(bytes, 48).u32_le().and_then(|sector| usize::try_from(sector).ok()?.checked_add(1)?.checked_shl(shift));
    let class = root.and_then(|root| Bytes::from(bytes, root.checked_add(80)?).array());
    // Patches of installed programs have the class 000C1086.
    let is_installer = class.is_some_and(|mut class: [u8; 16]| {
        class[0] = if class[0] == 0x86 { 0x84 } else { class[0] };
        class == INSTALLER
    });
    Some(if is_installer { "application/x-msi" } else { "application/x-ole-storage" })
}

/// What is written as text: pages, and orders to a system.
fn sniff_text(bytes: &[u8]) -> Option<&'static str> {
    let narrow: Vec<u8>;
    let bytes = match bytes.strip_prefix(b"\xFF\xFE") {
        // Windows writes such files in UTF-16; every other byte is enough to know them by.
        Some(wide) => {
            narrow = wide.get(..2 * MAX_BLANKS).unwrap_or(wide).iter().copied().step_by(2).collect();
            &narrow
        }
        None => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
    };
    let blanks = bytes.iter().take(MAX_BLANKS).take_while(|b| b.is_ascii_whitespace()).count();
    let text = bytes.get(blanks..)?;
    let begins = |beginning: &[u8]| text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
    match text.first()? {
        b'<' => {
            let ends = |tag: &[u8]| text.get(tag.len()).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
            let page = PAGES.iter().find(|(tag, _)| begins(tag) && ends(tag)).map(|(_, media_type)| *media_type);
            let head = text.get(..PAGE_HEAD).unwrap_or(text);
            match page {
                Some("text/html") if holds_tag(head, b"<hta:application") => Some("application/hta"),
                Some("text/xml") if holds_tag(head, b"<svg") => Some("image/svg+xml"),
                Some("text/xml") if holds_tag(head, b"<html") => Some("text/html"),
                // Drawing programs and licences leave a comment before the image.
                None if begins(b"<!--") && holds_tag(head, b"<svg") => Some("image/svg+xml"),
                None if begins(b"<!--") && holds_tag(head, b"<html") => Some("text/html"),
                page => page,
            }
        }
        b'b' | b'=' | b'(' if letters::begins(text) => Some("text/x-uuencode"),
        b'[' | b'w' | b'W' | b'r' | b'R' => ORDERS.iter().find(|(text, _)| begins(text)).map(|(_, media_type)| *media_type),
        _ => None,
    }
}

fn holds_pdf(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).any(|at| bytes.get(at..).is_some_and(|rest| rest.starts_with(b"%PDF-")))
}

/// Whether a tag stands anywhere in the bytes; `tag` in lower case, with its `<`.
fn holds_tag(bytes: &[u8], tag: &[u8]) -> bool {
    let second = tag.get(1);
    memchr::memchr_iter(b'<', bytes).any(|at| {
        bytes.get(at + 1).map(u8::to_ascii_lowercase).as_ref() == second
            && bytes.get(at..at + tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag))
            // `<svg:font-face>` is a part of many documents.
            && bytes.get(at + tag.len()).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
    })
}

/// Cryptographic messages in DER (RFC 5652 §3): a sequence that begins with one of their object identifiers.
fn sniff_signed(bytes: &[u8]) -> Option<&'static str> {
    let rest = bytes.strip_prefix(b"\x30")?;
    let rest = match rest.first()? {
        long @ 0x81..=0x84 => rest.get(1 + usize::from(long & 0x7F)..)?,
        _ => rest.get(1..)?,
    };
    rest.starts_with(b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07").then_some("application/pkcs7-mime")
}

/// Images of discs that are known by their last block.
fn sniff_trailer(bytes: &[u8]) -> Option<&'static str> {
    let trailer = bytes.get(bytes.len().checked_sub(TRAILER)?..)?;
    if trailer.starts_with(b"koly\0\0\0\x04") {
        return Some("application/x-apple-diskimage");
    }
    trailer.starts_with(b"conectix").then_some("application/x-vhd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_and_types() {
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"", None),
            (b"Hello", None),
            (b"MZ\x90\0\x03\0\0\0", Some("application/x-dosexec")),
            (b"MZ is how this text begins, and it goes on for a while in plain words.", None),
            (b"\x7FELF\x02", Some("application/x-elf")),
            (b"PK\x03\x04\x14\0", Some("application/zip")),
            (b"PK is no archive", None),
            (b"%PDF-1.7", Some("application/pdf")),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0", Some("application/x-ole-storage")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0????", None),
            (b"\0\0\0\x18ftypmp42", Some("video/mp4")),
            (b"\xCA\xFE\xBA\xBE\0\0\0\x34", Some("application/java-vm")),
            (b"#!/bin/sh\n", Some("text/x-script")),
            (b"\xEF\xBB\xBF \r\n<!DOCTYPE HTML><p>", Some("text/html")),
            (b"<html>", Some("text/html")),
            (b"<HtMl lang=de>", Some("text/html")),
            (b"<htmlx>", None),
            (b"<?xml version='1.0'?>", Some("text/xml")),
            (b"<b>bold</b>", None),
            (b"\xCA\xFE\xBA\xBE\0\0\0\x02", Some("application/x-mach-binary")),
            (b"<html><head><HTA:APPLICATION id=a>", Some("application/hta")),
            (b"<?xml version='1.0'?><!-- made by --><svg xmlns=''>", Some("image/svg+xml")),
            (b"<?xml version='1.0'?><office:a><svg:font-face/>", Some("text/xml")),
            (b"<!-- a licence --><svg>", Some("image/svg+xml")),
            (b"<!-- a comment --><b>", None),
            (b"[InternetShortcut]\r\nURL=https://www.example.com/", Some("application/internet-shortcut")),
            (
                b"\xFF\xFEW\0i\0n\0d\0o\0w\0s\0 \0R\0e\0g\0i\0s\0t\0r\0y\0 \0E\0d\0i\0t\0o\0r\0 \0V\0e\0r\0s\0i\0o\0n\0",
                Some("text/x-ms-regedit"),
            ),
            (b"[a note]", None),
            (b"junk\n%PDF-1.4\n", Some("application/pdf")),
            (b"\x30\x82\x01\x02\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", Some("application/pkcs7-mime")),
            (b"\x30\x82", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(sniff(bytes), *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        let mut image = vec![0; 0x8001];
        assert_eq!(sniff(&image), None);
        image.extend_from_slice(b"CD001");
        assert_eq!(sniff(&image), Some("application/x-iso9660-image"));

        let mut late = vec![b' '; PDF_HEAD - 5];
        late.extend_from_slice(b"%PDF-");
        assert_eq!(sniff(&late), Some("application/pdf"));
        late.insert(0, b' ');
        assert_eq!(sniff(&late), None);
    }

    #[test]
    fn trailers_of_discs_and_classes_of_roots() {
        let mut disc = vec![1; 2_048];
        disc[1_536..1_544].copy_from_slice(b"koly\0\0\0\x04");
        assert_eq!(sniff(&disc), Some("application/x-apple-diskimage"));
        disc[1_536..1_544].copy_from_slice(b"conectix");
        assert_eq!(sniff(&disc), Some("application/x-vhd"));
        assert_eq!(sniff(&disc[..2_047]), None);

        let mut compound = vec![0; 2_048];
        compound[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
        compound[30] = 9;
        compound[48] = 1;
        assert_eq!(sniff(&compound), Some("application/x-ole-storage"));
        compound[1_024 + 80..1_024 + 96].copy_from_slice(b"\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F");
        assert_eq!(sniff(&compound), Some("application/x-msi"));
        compound[48..52].copy_from_slice(&[0xFF; 4]);
        assert_eq!(sniff(&compound), Some("application/x-ole-storage"));
    }
}
