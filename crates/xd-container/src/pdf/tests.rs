//! Files of a few objects, and damage to them.

use super::*;

fn file(objects: &[&str]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    for object in objects {
        bytes.extend_from_slice(object.as_bytes());
        bytes.extend_from_slice(b"\nendobj\n");
    }
    bytes.extend_from_slice(b"trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

fn signs(objects: &[&str]) -> Vec<Sign> {
    open(&file(objects), &mut Budget::default()).signs.iter().collect()
}

/// A stream of objects that holds these, packed.
fn packed(number: u32, objects: &[(u32, &str)]) -> Vec<u8> {
    let (mut header, mut body) = (String::new(), String::new());
    for (number, object) in objects {
        header.push_str(&format!("{number} {} ", body.len()));
        body.push_str(object);
        body.push(' ');
    }
    let data = miniz_oxide::deflate::compress_to_vec_zlib(format!("{header}{body}").as_bytes(), 6);
    let head = format!(
        "{number} 0 obj << /Type /ObjStm /N {} /First {} /Filter /FlateDecode /Length {} >> stream\n",
        objects.len(),
        header.len(),
        data.len()
    );
    [head.as_bytes(), &data, b"\nendstream\nendobj\n"].concat()
}

#[test]
fn an_ordinary_file_has_links_only() {
    let bytes = file(&[
        "1 0 obj << /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /FitH 700] /AcroForm << /Fields [] >> >>",
        "2 0 obj << /Type /Pages /Kids [3 0 R] >>",
        "4 0 obj << /Subtype /Link /A << /S /URI /URI (https://www.example.com/a\\(b\\)) >> >>",
        "5 0 obj << /A << /S /URI /URI 6 0 R >> >>",
        "6 0 obj (https://www.example.net/)",
    ]);
    let opened = open(&bytes, &mut Budget::default());
    assert!(opened.signs.is_empty(), "{:?}", opened.signs);
    assert_eq!(opened.links, ["https://www.example.com/a(b)", "https://www.example.net/"]);
}

#[test]
fn what_happens_by_itself() {
    let cases: &[(&[&str], &[Sign])] = &[
        (&["1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"], &[Sign::DocumentScript, Sign::OpenAction]),
        (
            &["1 0 obj << /OpenAction 2 0 R >>", "2 0 obj << /S /J#61vaScript /J#53 3 0 R >>"],
            &[Sign::DocumentScript, Sign::OpenAction],
        ),
        (&["1 0 obj << /OpenAction 2 0 R >>", "2 0 obj << /S /GoTo /D [3 0 R /Fit] >>"], &[]),
        (&["1 0 obj << /AA << /O << /S /Launch /F (a.exe) >> >> >>"], &[Sign::LaunchAction, Sign::OpenAction]),
        (&["1 0 obj << /AA << /K << /S /JavaScript /JS (f) >> >> >>"], &[Sign::DocumentScript]),
        (&["1 0 obj << /A << /S /SubmitForm /F << /FS /URL /F (https://www.example.com/) >> >> >>"], &[Sign::Form]),
        (&["1 0 obj << /S /GoToE /F (\\\\\\\\server.example.com\\\\a) >>"], &[Sign::RemoteTemplate]),
        (&["1 0 obj << /S /GoToR /F (other.pdf) >>"], &[]),
        (&["1 0 obj << /Subtype /RichMedia >>"], &[Sign::EmbeddedObject]),
        (&["1 0 obj << /Encrypt 2 0 R >>"], &[Sign::Encrypted]),
        (&["1 0 obj << /OpenAction 1 0 R >>"], &[]),
        (&["1 0 obj 2 0 R", "2 0 obj 1 0 R", "3 0 obj << /OpenAction 1 0 R >>"], &[]),
    ];
    for (objects, expected) in cases {
        assert_eq!(signs(objects), *expected, "{objects:?}");
    }
}

#[test]
fn objects_in_streams_count_as_others_do() {
    let mut bytes = b"%PDF-1.7\n1 0 obj << /OpenAction 7 0 R >> endobj\n".to_vec();
    bytes.extend(packed(2, &[(7, "<< /S /JavaScript /JS (x) >>"), (8, "<< /S /URI /URI (https://www.example.com/) >>")]));
    bytes.extend_from_slice(b"startxref\n");
    let opened = open(&bytes, &mut Budget::default());
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::DocumentScript, Sign::OpenAction]);
    assert_eq!(opened.links, ["https://www.example.com/"]);
}

#[test]
fn embedded_files_are_members() {
    let data = miniz_oxide::deflate::compress_to_vec_zlib(&b"a file ".repeat(1_000), 6);
    let mut bytes = b"%PDF-1.7\n1 0 obj << /Type /Filespec /F (a.txt) /UF <FEFF00E4002E007400780074> /EF << /F 2 0 R /UF 2 0 R >> >> endobj\n\
        2 0 obj << /Type /EmbeddedFile /Subtype /text#2Fplain /Params << /Size 7000 >> /Filter [/FlateDecode] /Length 3 0 R >> stream\r\n"
        .to_vec();
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(
        b"\nendstream endobj 3 0 obj 99 endobj 4 0 obj << /Type /EmbeddedFile /Length 2 >> stream\nMZ\nendstream endobj\n",
    );
    let opened = open(&bytes, &mut Budget::default());
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::EmbeddedObject, Sign::Truncated]);
    let members: Vec<_> = opened
        .members
        .iter()
        .map(|member| (&*member.name, member.declared.as_deref(), member.size, member.bytes().len()))
        .collect();
    assert_eq!(members, [("ä.txt", Some("text/plain"), Some(7_000), BEGINNING), ("", None, None, 2)]);
    assert!(matches!(opened.members[1].content, Content::Whole(_)));
}

#[test]
fn scripts_in_forms() {
    let bytes = file(&[
        "1 0 obj << /XFA [(template) 2 0 R] >>",
        "2 0 obj << /Length 20 >> stream\n<template><script>a</script>\nendstream",
    ]);
    assert_eq!(open(&bytes, &mut Budget::default()).signs.iter().collect::<Vec<_>>(), [Sign::DocumentScript]);
}

#[test]
fn bombs_and_floods_end_at_the_budget() {
    let zeros = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 1 << 20], 1);
    let mut bomb = b"%PDF-1.7\n".to_vec();
    for number in 0..5 {
        bomb.extend_from_slice(format!("{number} 0 obj << /Type /ObjStm /First 0 /Filter /FlateDecode >> stream\n").as_bytes());
        bomb.extend_from_slice(&zeros);
        bomb.extend_from_slice(b"endstream endobj\n");
    }
    let mut budget = Budget::new(crate::Bounds { decoded_bytes: 3 << 20, ..crate::Bounds::default() });
    assert!(open(&bomb, &mut budget).signs.contains(Sign::Limit));
    assert_eq!(budget.decoded_left(), 0);

    for unit in [
        "1 0 obj [",
        "1 0 obj <<",
        "1 0 obj (",
        "1 0 obj << /Type /ObjStm >> stream\n",
        "trailer <",
        "1 0 obj << /EF << /F 1 0 R >> /F (a) >> ",
    ] {
        let _ =
            open(unit.repeat(4_000).as_bytes(), &mut Budget::new(crate::Bounds { steps: 5_000_000, ..crate::Bounds::default() }));
    }
}

#[test]
fn damage_behind_an_object_leaves_it() {
    let mut sample = file(&["1 0 obj << /OpenAction << /S /JavaScript /JS (x) >> >>"]);
    let kept = sample.len() - 50;
    sample.extend(packed(5, &[(7, "<< /S /URI /URI (https://www.example.com/) >>"), (8, "<< /EF << /F 9 0 R >> /F (a) >>")]));
    sample.extend_from_slice(b"9 0 obj << /Filter [/LZWDecode /A85 /AHx /RL] >> stream\nabcdefgh\nendstream endobj");
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..600 {
        let mut bytes = sample.clone();
        let at = kept + random(bytes.len() - kept);
        match random(3) {
            0 => bytes[at] ^= 1 << random(8),
            1 => bytes.truncate(at),
            _ => bytes.insert(at, u8::try_from(random(256)).unwrap()),
        }
        let signs = open(&bytes, &mut Budget::default()).signs;
        assert!(signs.contains(Sign::DocumentScript) && signs.contains(Sign::OpenAction));
    }
}

#[test]
fn filters_that_are_referred_to_are_paid_for_each_time() {
    let objects =
        [format!("9 0 obj ({})", "x".repeat(60_000)), "7 0 obj <</Type/ObjStm/Filter 9 0 R>> stream endstream ".repeat(100)];
    let bytes = objects.concat().into_bytes();
    let mut budget = Budget::new(crate::Bounds { steps: 5_000_000, ..crate::Bounds::default() });
    assert!(open(&bytes, &mut budget).signs.contains(Sign::Limit));
    let mut budget = Budget::new(crate::Bounds { steps: 50_000_000, ..crate::Bounds::default() });
    assert!(!open(&bytes, &mut budget).signs.contains(Sign::Limit));
}

#[test]
fn blanks_around_a_stream_are_bounded() {
    for (blanks, is_found) in [(MAX_BLANKS, true), (MAX_BLANKS + 1, false)] {
        let bytes = [&vec![b' '; blanks][..], b"stream\nabc\nendstream"].concat();
        let found = stream(&bytes, 0, &Dictionary::default(), &mut Budget::default());
        assert_eq!(found, is_found.then_some(&b"abc\n"[..]));
    }
}

/// Two hundred million comparisons, each with each.
#[test]
fn files_that_lead_nowhere_are_not_compared_with_one_another() {
    let object = |number| format!("1 0 obj <</EF<</F {number} 0 R>>>>");
    let bytes = (100..100 + MAX_PENDING).map(object).collect::<String>();
    assert!(open(bytes.as_bytes(), &mut Budget::default()).members.is_empty());
}

/// What waits is one reference or text, however deep the trees around it stand in one another.
#[test]
fn trees_in_one_another_are_not_kept() {
    let cases = [
        ("<</AA ", 0),
        ("<</AA<</O 5 0 R /C 6 0 R /F 7 0 R>>/AA ", 30),
        ("<</OpenAction ", 0),
        ("<</URI ", 0),
        ("<</XFA ", 0),
        ("<</S/SubmitForm/F ", 0),
    ];
    for (begin, waiting) in cases {
        let bytes = format!("1 0 obj {} [{}]", begin.repeat(30), "0 ".repeat(1_000));
        let mut reader = Reader {
            sources: Vec::new(),
            main: bytes.as_bytes(),
            places: BTreeMap::new(),
            pending: Vec::new(),
            opened: Opened::new(),
        };
        reader.scan(&mut Budget::default());
        let is_small = |item: &Pending| {
            matches!(item, Pending::Action { .. }) || matches!(item, Pending::Form(Object::Array(parts)) if parts.is_empty())
        };
        assert!(reader.pending.iter().all(is_small), "{begin}");
        let actions = reader.pending.iter().filter(|item| matches!(item, Pending::Action { .. })).count();
        assert_eq!(actions, waiting, "{begin}");
    }
}
