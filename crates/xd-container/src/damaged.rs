//! Damage to samples of all that is opened: nothing panics, bounds hold, and what stood before the damage stays.

use crate::ole::sample;
use crate::{Budget, Content, Opened, Passwords, mutate, open, sniff};

/// `winmail.dat` with a body, an attachment, an embedded message that has one, and a last attachment.
pub(crate) fn tnef() -> Vec<u8> {
    let attribute = |level: u8, id: u32, data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap();
        [&[level][..], &id.to_le_bytes(), &length.to_le_bytes(), data, b"\0\0"].concat()
    };
    let property = |kind: u16, id: u16, value: &[u8]| {
        let mut bytes = [kind.to_le_bytes(), id.to_le_bytes()].concat();
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let utf16 = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let attachment = |title: &[u8], data: &[u8], properties: &[Vec<u8>]| {
        let count = u32::try_from(properties.len()).unwrap().to_le_bytes();
        [
            attribute(2, 0x69002, &[0; 14]),
            attribute(2, 0x18010, title),
            attribute(2, 0x6800F, data),
            attribute(2, 0x69005, &[&count[..], &properties.concat()].concat()),
        ]
        .concat()
    };
    let start = b"\x78\x9F\x3E\x22\x01\0".to_vec();
    let inner = [
        start.clone(),
        attribute(1, 0x18004, b"Inner\0"),
        attachment(b"IN.TXT\0", b"inner", &[property(0x1F, 0x3707, &utf16("innermost.txt"))]),
    ]
    .concat();
    let interface = b"\x07\x03\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F";
    let object = [&interface[..], &inner].concat();
    [
        start,
        attribute(1, 0x2800C, b"the body\0"),
        attachment(b"FIRST~1.TXT\0", b"first", &[property(0x1F, 0x3707, &utf16("first attachment.txt"))]),
        attachment(b"Untitled\0", b"instead", &[property(0x0D, 0x3701, &object)]),
        attachment(b"LAST.TXT\0", b"last", &[property(0x1E, 0x370E, b"text/plain\0")]),
    ]
    .concat()
}

/// A message of Outlook with an attachment, and a message in it.
pub(crate) fn msg() -> Vec<u8> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let subject = utf16("Subject ü");
    let body = utf16("See https://example.com/");
    let name = utf16("run.exe");
    let headers = utf16("From: a@example.com\r\nContent-Type: text/plain\r\nX-Folded: one\r\n two\r\n\r\nno: header");
    let inner = "__attach_version1.0_#00000001/__substg1.0_3701000D";
    sample::file(&[
        ("__properties_version1.0", &[0; 32]),
        ("__substg1.0_0037001F", &subject),
        ("__substg1.0_1000001F", &body),
        ("__substg1.0_007D001F", &headers),
        ("__attach_version1.0_#00000000/__properties_version1.0", &[0; 8]),
        ("__attach_version1.0_#00000000/__substg1.0_3707001F", &name),
        ("__attach_version1.0_#00000000/__substg1.0_37010102", b"MZ"),
        ("__attach_version1.0_#00000001/__properties_version1.0", &[0; 8]),
        (&format!("{inner}/__properties_version1.0"), &[0; 24]),
        (&format!("{inner}/__substg1.0_0037001F"), &subject),
    ])
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let source = sample::compressed(b"Attribute VB_Name\r\nSub AutoOpen()\r\nEnd Sub\r\n");
    let package = b"\x30\0\0\0\x02\0a.txt\0C:\\run.exe\0\0\0\x03\0\x01\0\0\0\0\x02\0\0\0MZ";
    let document = sample::file(&[
        ("WordDocument", &[1; 5000]),
        ("1Table", &[2; 100]),
        ("Macros/VBA/dir", &sample::dir(&[("Module", 0)])),
        ("Macros/VBA/Module", &source),
        ("Macros/VBA/_VBA_PROJECT", b"AutoOpen AutoOpen"),
        ("ObjectPool/_1/\u{1}Ole10Native", package),
        ("Workbook", b"\x09\x08\x04\0\0\x06\x05\0\x85\0\x0A\0\0\0\0\0\0\x01\x02\0ab"),
    ]);
    let rtf = b"{\\rtf1\\ansicpg1252{\\*\\template https://example.com/t}text \\'e4\\u8364?{\\field{\\*\\fldinst HYPERLINK \
        \"https://example.com/\"}}{\\object\\objemb{\\*\\objdata 0105000002000000080000005061636b616765000000{\\*\\x 41}0000}}}";
    vec![
        ("winmail.dat", tnef()),
        ("message.msg", msg()),
        ("document.doc", document),
        ("text.rtf", rtf.to_vec()),
        ("notes.one", crate::onenote::tests::section()),
        ("run.lnk", crate::shortcut::tests::shortcut()),
        ("letters.uue", include_bytes!("../../../fuzz/seeds/page/letters").to_vec()),
        ("run.vbe", include_bytes!("../../../fuzz/seeds/page/encoded").to_vec()),
    ]
}

fn walk(bytes: &[u8], name: &str, depth: usize, budget: &mut Budget) {
    let opened = open(bytes, sniff(bytes), name, &Passwords::default(), budget);
    for member in opened.into_iter().flat_map(|opened| opened.members).filter(|_| depth > 0) {
        walk(member.bytes(), &member.name, depth - 1, budget);
    }
}

fn opened<'a>(bytes: &'a [u8], name: &str) -> Opened<'a> {
    open(bytes, sniff(bytes), name, &Passwords::default(), &mut Budget::default()).unwrap()
}

#[test]
fn damaged_samples_are_read_to_some_result() {
    for (name, good) in samples() {
        mutate::check(&good, |bytes, _| walk(bytes, name, 5, &mut Budget::default()));
    }
}

#[test]
fn attachments_before_the_damage_stay() {
    let good = tnef();
    let whole = opened(&good, "winmail.dat");
    let names: Vec<&str> = whole.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["first attachment.txt", "Untitled", "LAST.TXT"]);
    assert_eq!(whole.text, "the body");
    assert_eq!(whole.members[0].other_names, ["FIRST~1.TXT"]);
    assert_eq!(whole.members[2].declared.as_deref(), Some("text/plain"));
    let last = memchr::memmem::find(&good, b"LAST.TXT").unwrap();
    let (before, behind) = good.split_at(last);
    mutate::check(behind, |behind, _| {
        let bytes = [before, behind].concat();
        let opened = opened(&bytes, "winmail.dat");
        assert!(opened.members.len() >= 2);
        for (member, before) in opened.members.iter().zip(&whole.members).take(2) {
            assert_eq!((&member.name, member.bytes()), (&before.name, before.bytes()));
        }
    });
}

#[test]
fn messages_in_messages_become_mime() {
    for (name, bytes, expected) in [
        ("winmail.dat", tnef(), vec!["Subject: Inner\r\n", "filename*=utf-8''innermost.txt\r\n", "aW5uZXI=\r\n"]),
        (
            "message.msg",
            msg(),
            vec![
                "From: a@example.com\r\nX-Folded: one\r\n two\r\nSubject: =?utf-8?B?U3ViamVjdCDDvA==?=\r\n",
                "filename*=utf-8''run.exe\r\nContent-Transfer-Encoding: base64\r\n\r\nTVo=\r\n",
                "Content-Type: message/rfc822\r\n",
            ],
        ),
    ] {
        let opened = opened(&bytes, name);
        let message = opened.members.iter().find(|member| member.declared.as_deref() == Some("message/rfc822")).unwrap();
        assert!(matches!(message.content, Content::Whole(_)));
        let text = String::from_utf8(message.bytes().to_vec()).unwrap();
        for expected in expected {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }
}
