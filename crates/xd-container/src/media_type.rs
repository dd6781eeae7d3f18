//! What a file's first bytes show it to be, whatever its name and declared type say.

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
    at(0, b"\x7FELF", "application/x-elf"),
    at(0, b"\xCF\xFA\xED\xFE", "application/x-mach-binary"),
    at(0, b"\xCE\xFA\xED\xFE", "application/x-mach-binary"),
    // Java classes begin the same, with a version of 45 or more where fat Mach-O files count few architectures.
    both(b"\xCA\xFE\xBA\xBE", 4, b"\0\0\0\x02", "application/x-mach-binary"),
    at(0, b"\xCA\xFE\xBA\xBE", "application/java-vm"),
    at(0, b"PK\x03\x04", "application/zip"),
    at(0, b"PK\x05\x06", "application/zip"),
    at(0, b"Rar!\x1A\x07", "application/vnd.rar"),
    at(0, b"7z\xBC\xAF\x27\x1C", "application/x-7z-compressed"),
    at(0, b"\xFD7zXZ\0", "application/x-xz"),
    at(0, b"(\xB5/\xFD", "application/zstd"),
    at(0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    at(7, b"**ACE**", "application/x-ace-compressed"),
    at(0, b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp"),
    at(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/x-ole-storage"),
    at(0, b"\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D", "application/onenote"),
    at(0, b"\x78\x9F\x3E\x22", "application/vnd.ms-tnef"),
    at(0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", "application/x-ms-shortcut"),
    at(0x8001, b"CD001", "application/x-iso9660-image"),
    at(0, b"conectix", "application/x-vhd"),
    at(0, b"vhdxfile", "application/x-vhdx"),
    at(0, b"%PDF-", "application/pdf"),
    at(0, b"{\\rt", "application/rtf"),
    at(0, b"%!PS", "application/postscript"),
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
    at(4, b"ftypheic", "image/heic"),
    at(4, b"ftypM4A", "audio/mp4"),
    at(4, b"ftyp", "video/mp4"),
    at(0, b"OggS", "application/ogg"),
    at(0, b"ID3", "audio/mpeg"),
    at(0, b"fLaC", "audio/flac"),
    at(0, b"\x1A\x45\xDF\xA3", "video/x-matroska"),
    at(0, b"\0asm", "application/wasm"),
    at(0, b"CWS", "application/x-shockwave-flash"),
    at(0, b"FWS", "application/x-shockwave-flash"),
    at(0, b"wOFF", "font/woff"),
    at(0, b"wOF2", "font/woff2"),
    at(257, b"ustar", "application/x-tar"),
    at(0, b"BZh", "application/x-bzip2"),
    at(0, b"\x1F\x8B", "application/gzip"),
    at(0, b"#!", "text/x-script"),
    at(0, b"[InternetShortcut]", "application/x-mswinurl"),
    at(0, b"BEGIN:VCARD", "text/vcard"),
    at(0, b"BEGIN:VCALENDAR", "text/calendar"),
    at(0, b"\xFF\xFB", "audio/mpeg"),
];

/// Beginnings of pages, in lower case, that follow blanks and a byte order mark. A blank or `>` must follow.
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
    (b"<?xml", "text/xml"),
];

/// How many blanks may stand before a page.
const MAX_BLANKS: usize = 512;

/// The type that the first bytes show, when they are characteristic.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    let stands = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if let Some(media_type) = sniff_mz(bytes) {
        return Some(media_type);
    }
    let fits = |magic: &&Magic| stands(magic.offset, magic.bytes) && magic.and.is_none_or(|(offset, also)| stands(offset, also));
    MAGICS.iter().find(fits).map(|magic| magic.media_type).or_else(|| sniff_page(bytes))
}

/// Programs for Windows and DOS. Text may begin with `MZ` too, so that something binary must follow.
fn sniff_mz(bytes: &[u8]) -> Option<&'static str> {
    let header = bytes.strip_prefix(b"MZ")?;
    let header = header.get(..62).unwrap_or(header);
    (header.len() < 62 || header.iter().any(|b| *b < b'\t')).then_some("application/x-dosexec")
}

fn sniff_page(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let blanks = bytes.iter().take(MAX_BLANKS).take_while(|b| b.is_ascii_whitespace()).count();
    let page = bytes.get(blanks..).filter(|page| page.first() == Some(&b'<'))?;
    let begins = |tag: &[u8]| {
        page.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag))
            && page.get(tag.len()).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
    };
    PAGES.iter().find(|(tag, _)| begins(tag)).map(|(_, media_type)| *media_type)
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
        ];
        for (bytes, expected) in cases {
            assert_eq!(sniff(bytes), *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        let mut image = vec![0; 0x8001];
        assert_eq!(sniff(&image), None);
        image.extend_from_slice(b"CD001");
        assert_eq!(sniff(&image), Some("application/x-iso9660-image"));
    }
}
