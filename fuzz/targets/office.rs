//! Any bytes as parts of a document: cut at NULs into names and contents, and put into an archive as they stand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    let mut file = Vec::new();
    let mut pieces = bytes.split(|b| *b == 0);
    while let (Some(name), Some(content)) = (pieces.next(), pieces.next()) {
        let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        file.extend_from_slice(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
        file.extend_from_slice(&size(content.len()));
        file.extend_from_slice(&size(content.len()));
        file.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        file.extend_from_slice(b"\0\0");
        file.extend_from_slice(name);
        file.extend_from_slice(content);
    }
    carried::check(&file, "application/zip", "document.docx");
    carried::check(bytes, "application/x-sylk", "table.slk");
});
