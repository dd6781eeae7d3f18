//! Documents of a few parts, and damage to them.

use super::*;

fn package(parts: &[(&str, &str)]) -> Opened<'static> {
    let mut opened = Opened::new();
    opened.members = parts
        .iter()
        .map(|(name, text)| {
            let mut member = Member::new(*name);
            member.content = Content::Whole(text.as_bytes().to_vec().into());
            member
        })
        .collect();
    opened
}

fn opened(parts: &[(&str, &str)]) -> Opened<'static> {
    let package = package(parts);
    assert!(is_document(&package));
    read(package, &mut Budget::default())
}

const WORD: (&str, &str) = (
    "[Content_Types].xml",
    r#"<Types><Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#,
);

#[test]
fn an_ordinary_document_has_text_and_links_only() {
    let opened = opened(&[
        WORD,
        (
            "word/document.xml",
            r#"<w:document><w:p><w:r><w:t xml:space="preserve">Good </w:t></w:r><w:r><w:t>morning &amp; bye</w:t></w:r></w:p></w:document>"#,
        ),
        (
            "word/_rels/document.xml.rels",
            r#"<Relationships><Relationship Id="1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="https://www.example.com/" TargetMode="External"/>
            <Relationship Id="2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" Target="file:///C:\Users\me\Normal.dotm" TargetMode="External"/></Relationships>"#,
        ),
    ]);
    assert_eq!((opened.signs.iter().collect::<Vec<_>>(), &*opened.text), (vec![], "Good morning & bye\n"));
    assert_eq!(opened.links, ["https://www.example.com/"]);
    assert_eq!(opened.media_type, Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"));
    assert!(opened.members.is_empty());
}

#[test]
fn templates_and_objects_from_elsewhere() {
    for (kind, target, expected) in [
        ("attachedTemplate", "https://www.example.com/a.dotm", true),
        ("oleObject", "mhtml:https://www.example.com/a.html!x-usc:https://www.example.com/a.html", true),
        ("frame", "\\\\server.example.com\\a.docx", true),
        ("image", "https://www.example.com/a.png", false),
        ("externalLinkPath", "https://www.example.com/a.xlsx", false),
        ("oleObject", "file:///D:/a.xlsx", false),
    ] {
        let rels =
            format!(r#"<Relationships><Relationship Type="x/{kind}" Target="{target}" TargetMode="External"/></Relationships>"#);
        let opened = opened(&[WORD, ("word/_rels/settings.xml.rels", &rels)]);
        assert_eq!(opened.signs.contains(Sign::RemoteTemplate), expected, "{kind} {target}");
        assert_eq!(opened.links.is_empty(), target.starts_with("file:"), "{kind} {target}");
    }
}

#[test]
fn macros_commands_and_embedded_files() {
    let opened = opened(&[
        WORD,
        ("word/strange.bin", "\u{1}"),
        (
            "word/document.xml",
            "<w:p><w:fldChar w:fldCharType='begin'/><w:instrText>DDE</w:instrText><w:instrText>AUTO c:</w:instrText><w:fldChar w:fldCharType='end'/></w:p><o:OLEObject ProgID='Equation.3'/>",
        ),
        ("word/embeddings/oleObject1.bin", "\u{1}"),
        ("customUI/customUI.xml", "<customUI onLoad='a'/>"),
        ("word/run.exe", "MZ\u{1}"),
    ]);
    assert_eq!(
        opened.signs.iter().collect::<Vec<_>>(),
        [Sign::Macros, Sign::AutoRun, Sign::Dde, Sign::EmbeddedObject, Sign::EquationObject]
    );
    let names: Vec<_> = opened.members.iter().map(|member| &*member.name).collect();
    assert_eq!(names, ["word/strange.bin", "word/embeddings/oleObject1.bin", "word/run.exe"]);
}

#[test]
fn files_among_the_parts_are_members_by_their_names() {
    let mut package = package(&[
        WORD,
        ("word/media/invoice.js", "var a = 1;"),
        ("Configurations2/a.vbs", "a = 1"),
        ("run.wsf", "<?xml version='1.0'?><job/>"),
        ("word/media/image1.bin", "\u{1}"),
        ("word/media/image2.emz", "\u{1}"),
        ("word/document.xml", "<?xml version='1.0'?><w:document/>"),
    ]);
    package.members[4].other_names.push("word/media/image1.hta".to_owned());
    let opened = read(package, &mut Budget::default());
    let names: Vec<_> = opened.members.iter().map(|member| &*member.name).collect();
    assert_eq!(names, ["word/media/invoice.js", "Configurations2/a.vbs", "run.wsf", "word/media/image1.bin"]);
}

#[test]
fn old_macros_that_run_when_a_workbook_opens() {
    let opened = opened(&[
        (
            "[Content_Types].xml",
            "<Types><Override PartName='/xl/workbook.xml' ContentType='application/vnd.ms-excel.sheet.macroEnabled.main+xml'/></Types>",
        ),
        (
            "xl/workbook.xml",
            "<workbook><definedNames><definedName name='_xlnm.Auto_Open12' hidden='1'>a!$A$1</definedName></definedNames></workbook>",
        ),
        ("xl/macrosheets/sheet1.xml", "<xm:macrosheet/>"),
        ("xl/externalLinks/externalLink1.xml", "<externalLink><ddeLink ddeService='cmd' ddeTopic='/c'/></externalLink>"),
        ("xl/sharedStrings.xml", "<sst><si><t>One</t></si><si><r><t>T</t></r><r><t>wo</t></r></si></sst>"),
    ]);
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::AutoRun, Sign::OldMacros, Sign::Dde]);
    assert_eq!(opened.media_type, Some("application/vnd.ms-excel.sheet.macroEnabled.12"));
    assert_eq!(opened.text, "One\nTwo\n");
}

#[test]
fn open_documents_with_scripts_and_events() {
    let opened = opened(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        (
            "content.xml",
            "<office:body><script:event-listener script:event-name='dom:load' xlink:href='vnd.sun.star.script:S.M.Main?language=Basic'/><text:p>Hello <text:a xlink:href='https://www.example.com/'>you</text:a></text:p><text:section-source xlink:href='https://www.example.net/a.odt'/></office:body>",
        ),
        ("Basic/Standard/Module1.xml", "<script:module/>"),
    ]);
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Macros, Sign::AutoRun, Sign::RemoteTemplate]);
    assert_eq!(opened.text, "Hello you\n");
    assert_eq!(opened.links, ["https://www.example.com/", "https://www.example.net/a.odt"]);
    assert!(!is_document(&package(&[("mimetype", "text/plain"), ("content.xml", "<a>")])));
}

#[test]
fn parts_beyond_the_budget_are_said() {
    let mut budget = Budget::new(crate::Bounds { steps: 10, ..crate::Bounds::default() });
    let opened = read(package(&[WORD, ("word/document.xml", "<w:p/><w:p/>")]), &mut budget);
    assert!(opened.signs.contains(Sign::Limit));
}

#[test]
fn damaged_parts_leave_the_others() {
    let document = "<w:p><w:fldChar w:fldCharType='begin'/><w:instrText>DDE</w:instrText><w:fldChar w:fldCharType='end'/></w:p><!-- x --><a b=\"c\">&#65;</a>";
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..600 {
        let mut bytes = document.as_bytes().to_vec();
        match random(3) {
            0 => {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            1 => bytes.truncate(random(document.len())),
            _ => bytes.insert(random(document.len()), u8::try_from(random(256)).unwrap()),
        }
        let mut package = package(&[
            WORD,
            ("word/a.xml", ""),
            ("word/_rels/b.rels", "<Relationship Type='x/frame' Target='https://www.example.com/' TargetMode='External'/>"),
        ]);
        package.members[1].content = Content::Whole(bytes.into());
        assert!(read(package, &mut Budget::default()).signs.contains(Sign::RemoteTemplate));
    }
}
