//! Containers written for tests, by as little code as makes them: each holds one file.

/// A file as a container holds it.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    /// The parameters of `Content-Disposition` that name it where it is a MIME part; the plain name where none are given.
    pub(crate) parameters: Option<String>,
    pub(crate) declared: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn new(name: &str, declared: &'static str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), parameters: None, declared, bytes: bytes.to_vec() }
    }
}

/// Base64 in lines (RFC 2045 §6.8).
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (number, three) in bytes.chunks(3).enumerate() {
        if number > 0 && number % 19 == 0 {
            out.push_str("\r\n");
        }
        let value = three.iter().chain([&0, &0]).take(3).fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        for place in 0..4 {
            let letter = char::from(LETTERS[value >> (18 - 6 * place) & 63]);
            out.push(if place <= three.len() { letter } else { '=' });
        }
    }
    out
}

/// One part in base64.
fn part(file: &File) -> String {
    let named = file.parameters.clone().unwrap_or_else(|| match &*file.name {
        "" => String::new(),
        name => format!("filename=\"{name}\""),
    });
    format!(
        "Content-Type: {}\r\nContent-Disposition: attachment; {named}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        file.declared,
        base64(&file.bytes)
    )
}

/// A message with this file.
pub(crate) fn message(file: &File) -> Vec<u8> {
    message_around(&part(file))
}

fn message_around(part: &str) -> Vec<u8> {
    format!(
        "From: <ann@home.example>\r\nTo: <bob@home.example>\r\nSubject: The file\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease see the file.\r\n\
         --b\r\n{part}\r\n--b--\r\n"
    )
    .into_bytes()
}

/// A message that is an attached file in base64, and holds the file.
pub(crate) fn nested(file: &File) -> File {
    File::new("letter.eml", "message/rfc822", &message(file))
}

fn little(value: usize, bytes: usize) -> Vec<u8> {
    value.to_le_bytes()[..bytes].to_vec()
}

fn crc32(bytes: &[u8]) -> usize {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ crc >> 1 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step) as usize
}

/// A zip archive of stored members.
fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let fields = [
            // Version 2.0, names in UTF-8, stored, a date.
            &[20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0x50][..],
            &little(crc32(data), 4),
            &little(data.len(), 4),
            &little(data.len(), 4),
            &little(name.len(), 2),
            &[0, 0],
        ]
        .concat();
        directory.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &little(bytes.len(), 4), name.as_bytes()].concat());
        bytes.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), data].concat());
    }
    let count = little(members.len(), 2);
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &little(directory.len(), 4), &little(bytes.len(), 4), b"\0\0"].concat();
    [bytes, directory, end].concat()
}

/// In a zip archive.
pub(crate) fn zip(file: &File) -> File {
    let name = if file.name.is_empty() { "image.png" } else { &file.name };
    File::new("files.zip", "application/zip", &zip_of(&[("about.txt", b"About it.\n"), (name, &file.bytes)]))
}

/// In a tar archive, which gzip holds in one stored block.
pub(crate) fn tar_gz(file: &File) -> File {
    let name = if file.name.is_empty() { "image.png" } else { &file.name };
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o} ", file.bytes.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = [header, file.bytes.clone()].concat();
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    let length = little(tar.len(), 2);
    let inverse: Vec<u8> = length.iter().map(|byte| !byte).collect();
    let packed =
        [b"\x1F\x8B\x08\0\0\0\0\0\0\x03\x01", &length[..], &inverse, &tar, &little(crc32(&tar), 4), &little(tar.len(), 4)]
            .concat();
    File::new("files.tar.gz", "application/gzip", &packed)
}

/// In `winmail.dat`, under a long name in Unicode.
pub(crate) fn tnef(file: &File) -> File {
    let attribute = |id: usize, data: &[u8]| {
        let sum = data.iter().map(|byte| usize::from(*byte)).sum::<usize>();
        [&[2][..], &little(id, 4), &little(data.len(), 4), data, &little(sum, 2)].concat()
    };
    let mut name: Vec<u8> = file.name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let length = name.len();
    name.resize(length.next_multiple_of(4), 0);
    let properties = [&little(1, 4)[..], &[0x1F, 0, 0x07, 0x37], &little(1, 4), &little(length, 4), &name].concat();
    let bytes = [
        b"\x78\x9F\x3E\x22\x01\0".to_vec(),
        attribute(0x69002, &[0; 14]),
        attribute(0x18010, b"FILE~1\0"),
        attribute(0x6800F, &file.bytes),
        attribute(0x69005, &properties),
    ]
    .concat();
    File::new("winmail.dat", "application/ms-tnef", &bytes)
}

/// Among the embedded objects of a document of Word.
pub(crate) fn docx(file: &File) -> File {
    let name = format!("word/embeddings/{}", if file.name.is_empty() { "image.png" } else { &file.name });
    let types = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let bytes = zip_of(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("word/document.xml", b"<w:document><w:p><w:r><w:t>Hello</w:t></w:r></w:p></w:document>"),
        (&name, &file.bytes),
    ]);
    File::new("report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", &bytes)
}

/// As a package in RTF.
pub(crate) fn rtf(file: &File) -> File {
    let name = [file.name.as_bytes(), b"\0"].concat();
    let path = [b"C:\\", &name[..]].concat();
    let package =
        [&b"\x02\0"[..], &name, &path, b"\0\0\x03\0", &little(path.len(), 4), &path, &little(file.bytes.len(), 4), &file.bytes]
            .concat();
    let object = [b"\x01\x05\0\0\x02\0\0\0\x08\0\0\0Package\0\0\0\0\0\0\0\0\0", &little(package.len(), 4)[..], &package].concat();
    let digits: String = object.iter().map(|byte| format!("{byte:02x}")).collect();
    File::new("report.rtf", "application/rtf", format!("{{\\rtf1{{\\object\\objemb{{\\*\\objdata {digits}}}}}}}").as_bytes())
}
