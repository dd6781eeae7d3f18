//! RTF: text with fields, pictures and objects, which Word opens whatever the file's name is, and which Outlook writes mail in.
//!
//! Objects stand in it as hexadecimal digits, which those who hide something mix with anything that Word passes over. They become
//! members; where readers may see different bytes, each reading becomes one. Templates and objects from elsewhere, fields that
//! start programs and equation objects are signs.

pub(crate) mod compressed;
mod html;
mod object;
mod reader;
mod tokens;

use memchr::memmem;

use crate::opened::Opened;
use crate::{Budget, Sign, fields};

pub(crate) use reader::read;

/// Opens a document.
pub(crate) fn open(bytes: &[u8], budget: &mut Budget) -> Opened<'static> {
    let mut document = read(bytes, budget);
    let mut opened = Opened::new();
    opened.signs = document.signs;
    for instruction in &document.instructions {
        if !budget.charge_steps(1000 + instruction.len() as u64 * 10) {
            opened.signs.add(Sign::Limit);
            break;
        }
        fields::instruction(instruction, &mut opened);
    }
    document.templates.iter().for_each(|template| fields::remote(template.trim(), &mut opened));
    document.html.iter().flat_map(|html| html::links(html)).for_each(|link| {
        opened.add_link(&link);
    });
    for object in std::mem::take(&mut document.objects) {
        opened.signs.add(Sign::EmbeddedObject);
        let readings = [Some(object.plain.bytes), object.all.map(|all| all.bytes)];
        if readings.iter().flatten().filter(|reading| !reading.is_empty()).count() > 1 {
            opened.signs.add(Sign::Disagreement);
        }
        for reading in readings.into_iter().flatten().filter(|reading| !reading.is_empty()) {
            if !budget.charge_member() || !budget.charge_steps(2000) {
                opened.signs.add(Sign::Limit);
                return opened;
            }
            object::open(reading, &mut opened);
        }
    }
    opened.text = document.text;
    opened
}

/// Whether there are objects in a document that a part made of its text would lack.
pub(crate) fn has_objects(rtf: &[u8]) -> bool {
    memmem::find(rtf, b"\\objdata").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(rtf: &str) -> Opened<'static> {
        open(rtf.as_bytes(), &mut Budget::default())
    }

    /// A package with `MZ!` in it, as an object of the older form.
    const PACKAGE: &str = "0105000002000000080000005061636b616765000000000000000000290000000200\
        6c2e74787400433a5c612e65786500000003000900000043\
        3a5c742e65786500030000004d5a21";

    #[test]
    fn text_and_links() {
        let opened = opened(
            "{\\rtf1\\ansicpg1251{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}\\u8364?uro \\'ef\\'f0\\par\r\n{\\field{\\*\\fldinst{HYPERLINK \
             \"https://example.com/\"}}{\\fldrslt here}}\\u-10179?\\u-8704?{\\*\\template https://example.net/t.dot}{\\*\\unknown no}}",
        );
        assert_eq!(opened.text, "€uro пр\nhere😀");
        assert_eq!(opened.links, ["https://example.com/", "https://example.net/t.dot"]);
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::RemoteTemplate]);
    }

    #[test]
    fn fields_that_start_programs() {
        assert!(opened("{\\rtf{\\field{\\*\\fldinst {\\b DDE}{AUTO} c:\\\\\\\\x.exe}}").signs.contains(Sign::Dde));
        assert!(opened("{\\rtf{\\object\\objemb\\objupdate{\\*\\objclass Equation.3}}}").signs.contains(Sign::EquationObject));
        assert!(opened("{\\rtf{\\object\\objupdate}}").signs.contains(Sign::OpenAction));
    }

    #[test]
    fn packages_are_members_however_their_digits_are_hidden() {
        let half = PACKAGE.len() / 2;
        let (first, second) = PACKAGE.split_at(half);
        let disguises = [
            format!("{{\\rtf1{{\\object\\objemb{{\\*\\objdata {PACKAGE}}}}}}}"),
            format!("{{\\rt{{\\object{{\\objdata\\zz {first}\r\n\t{{}}{second}}}"),
            format!("{{\\rtf1{{\\object{{\\*\\objdata {first}\\'7a\\q8 {second}}}}}}}"),
            format!("{{\\rtf1{{\\object{{\\*\\objdata {first}{{\\*\\no 4142}}{second}}}}}}}"),
            format!("{{\\rtf1{{\\object{{\\*\\objdata {first}{{{second}}}}}}}}}"),
            format!("{{\\rtf1{{\\object{{\\*\\objdata {}\\bin3 MZ!}}}}}}", &PACKAGE[..PACKAGE.len() - 6]),
        ];
        for rtf in disguises {
            let opened = opened(&rtf);
            let member = opened.members.first().unwrap_or_else(|| panic!("a member in {rtf}"));
            assert_eq!((member.name.as_str(), member.bytes()), ("a.exe", &b"MZ!"[..]), "{rtf}");
            assert!(opened.signs.contains(Sign::EmbeddedObject));
        }
    }

    #[test]
    fn html_in_rtf_gives_its_text() {
        let opened = opened(
            "{\\rtf1\\ansi\\fromhtml1{\\*\\htmltag64 <p>}\\htmlrtf\\par hidden\\htmlrtf0 Hello {\\*\\htmltag84 \
             <a href=\"https://example.com/\">}you{\\*\\htmltag92 </a>}}",
        );
        assert_eq!(opened.text.trim(), "Hello you");
        assert_eq!(opened.links, ["https://example.com/"]);
    }

    #[test]
    fn any_depth_and_any_end() {
        let deep = "{".repeat(100_000) + "\\par";
        assert!(opened(&deep).signs.contains(Sign::Limit));
        assert!(opened("{\\rtf1}}}} more").text.ends_with("more"));
    }
}
