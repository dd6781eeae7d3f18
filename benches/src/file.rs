//! Files as mail carries them, and files built to cost far more than their size.

use std::fmt::Write as _;

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

use crate::{KIB, MIB, Random, prose};

/// Ordinary files, each with its name in mail.
#[must_use]
pub fn ordinary() -> Vec<(&'static str, Vec<u8>)> {
    let text = prose::text(&mut Random::new(11), 256 * KIB);
    let members: Vec<(String, Vec<u8>)> =
        (0..20).map(|n| (format!("files/{n}.txt"), text.as_bytes()[n * 12 * KIB..][..12 * KIB].to_vec())).collect();
    vec![
        ("files.zip", zip(&members, true)),
        ("report.docx", docx(&text)),
        ("report.pdf", pdf(400, &text)),
        ("winmail.dat", tnef(&[("report.pdf", pdf(40, &text[..8 * KIB])), ("notes.txt", text.as_bytes()[..64 * KIB].to_vec())])),
    ]
}

/// Hostile ones.
#[must_use]
pub fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let empty = |count: usize| (0..count).map(|n| (format!("{n}.exe"), Vec::new())).collect::<Vec<_>>();
    let zeros = compress_to_vec(&vec![0; 64 * MIB], 9);
    let mut quine = zip(&[("a.txt".to_owned(), vec![b'x'; KIB])], true);
    for _ in 0..60 {
        quine =
            zip(&[("inner.zip".to_owned(), quine.clone()), ("again.zip".to_owned(), quine[..quine.len() / 2].to_vec())], true);
        quine.truncate(MIB);
    }
    vec![
        ("zip: 100,000 members", "files.zip", zip(&empty(100_000), false)),
        ("zip: a bomb", "files.zip", zip_of_packed(&[("a.bin".to_owned(), zeros.clone(), 64 * MIB)])),
        (
            "zip: a hundred bombs",
            "files.zip",
            zip_of_packed(&(0..100).map(|n| (format!("{n}.zip"), zeros.clone(), 100)).collect::<Vec<_>>()),
        ),
        ("zip: archives in archives", "files.zip", quine),
        ("docx: 100,000 relations", "report.docx", docx_with(100_000)),
        ("pdf: 200,000 objects", "report.pdf", pdf(200_000, "x")),
        ("pdf: open dictionaries", "report.pdf", format!("%PDF-1.7\n{}", "1 0 obj <<".repeat(200_000)).into_bytes()),
        ("page: one address, 500,000 times", "page.html", addresses(500_000)),
        ("letters: 500,000 beginnings", "files.uue", b"begin 644 a\n#0V%T\n".repeat(500_000)),
        (
            "letters: 200,000 beginnings without an end",
            "files.uue",
            [&b"begin-base64 644 a\n".repeat(200_000)[..], b"\xFF"].concat(),
        ),
        ("letters: 100,000 of BinHex", "files.hqx", b"(This file must be converted with BinHex\n".repeat(100_000)),
        ("tnef: 10,000 attachments", "winmail.dat", tnef(&vec![("a.exe", b"MZ".to_vec()); 10_000])),
    ]
}

/// A page that leads to as many addresses as are kept, and then to the last of them again and again.
fn addresses(times: usize) -> Vec<u8> {
    let known: String = (0..499).map(|n| format!("<a href='https://www.example.com/{n}'>x</a>")).collect();
    format!("<html>{known}<script>{}</script>", "https://www.example.com/498 ".repeat(times)).into_bytes()
}

fn little(value: usize, bytes: usize) -> Vec<u8> {
    value.to_le_bytes()[..bytes].to_vec()
}

fn zip(members: &[(String, Vec<u8>)], packs: bool) -> Vec<u8> {
    let packed: Vec<_> = members
        .iter()
        .map(|(name, bytes)| (name.clone(), if packs { compress_to_vec(bytes, 6) } else { bytes.clone() }, bytes.len()))
        .collect();
    zip_of(&packed, if packs { 8 } else { 0 })
}

fn zip_of_packed(members: &[(String, Vec<u8>, usize)]) -> Vec<u8> {
    zip_of(members, 8)
}

/// An archive of members with their packed bytes and sizes. Checksums are none: nothing that opens mail asks for them.
fn zip_of(members: &[(String, Vec<u8>, usize)], method: u8) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, packed, size) in members {
        let fields = [
            &[20, 0, 0, 0, method, 0, 0, 0, 0x21, 0x50, 0, 0, 0, 0][..],
            &little(packed.len(), 4),
            &little(*size, 4),
            &little(name.len(), 2),
            &[0, 0],
        ]
        .concat();
        directory.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &little(bytes.len(), 4), name.as_bytes()].concat());
        bytes.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), packed].concat());
    }
    let count = little(members.len() & 0xFFFF, 2);
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &little(directory.len(), 4), &little(bytes.len(), 4), b"\0\0"].concat();
    [bytes, directory, end].concat()
}

const TYPES: &str = r#"<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;

fn docx(text: &str) -> Vec<u8> {
    let mut body = "<w:document><w:body>".to_owned();
    for line in text.lines() {
        // Writing to a string cannot fail.
        let _ = write!(body, "<w:p><w:r><w:rPr><w:sz w:val=\"22\"/></w:rPr><w:t>{line}</w:t></w:r></w:p>");
    }
    body.push_str("</w:body></w:document>");
    zip(
        &[
            ("[Content_Types].xml".to_owned(), TYPES.into()),
            ("word/document.xml".to_owned(), body.into_bytes()),
            ("word/media/image1.png".to_owned(), crate::mail::noise(64 * KIB)),
        ],
        true,
    )
}

fn docx_with(relations: usize) -> Vec<u8> {
    let mut text = "<Relationships>".to_owned();
    for n in 0..relations {
        // Writing to a string cannot fail.
        let _ = write!(text, "<Relationship Type=\"x/oleObject\" Target=\"https://a{n}.example/\" TargetMode=\"External\"/>");
    }
    zip(
        &[
            ("[Content_Types].xml".to_owned(), TYPES.into()),
            ("word/document.xml".to_owned(), b"<w:document/>".to_vec()),
            ("word/_rels/document.xml.rels".to_owned(), text.into_bytes()),
        ],
        true,
    )
}

fn pdf(objects: usize, text: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n".to_vec();
    for number in 3..objects {
        let object =
            format!("{number} 0 obj << /Subtype /Link /A << /S /URI /URI (https://www.example.com/{number}) >> >> endobj\n");
        bytes.extend(object.as_bytes());
    }
    let data = compress_to_vec_zlib(text.as_bytes(), 6);
    bytes.extend(format!("2 0 obj << /Filter /FlateDecode /Length {} >> stream\n", data.len()).as_bytes());
    bytes.extend(data);
    bytes.extend(b"\nendstream endobj\ntrailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

fn tnef(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let attribute = |id: usize, data: &[u8]| [&[2][..], &little(id, 4), &little(data.len(), 4), data, b"\0\0"].concat();
    let mut bytes = b"\x78\x9F\x3E\x22\x01\0".to_vec();
    for (name, data) in files {
        bytes.extend(attribute(0x69002, &[0; 14]));
        bytes.extend(attribute(0x18010, &[name.as_bytes(), b"\0"].concat()));
        bytes.extend(attribute(0x6800F, data));
    }
    bytes
}
