//! Documents that are zip archives: Office Open XML (ECMA-376, [MS-OFFMACRO]) and OpenDocument (OASIS ODF 1.3).
//!
//! Parts of the document itself (XML, images, settings) are read here and are members no more;
//! everything else stays one, so that a program that somebody put among the parts is seen.

mod fields;
mod odf;
mod ooxml;
mod relations;
mod sheet;
#[cfg(test)]
mod tests;

pub(crate) use self::sheet::{open_csv, open_sylk};
use crate::name::{self, Kind};
use crate::{Budget, Content, Member, Opened, Passwords, Sign, sniff, xml, zip};

/// Work for a byte of XML, in steps: decoding, tags, text.
const XML_STEPS: u64 = 6;

/// Opens a zip archive: as the document it is, or as an archive.
pub(crate) fn open<'a>(bytes: &'a [u8], passwords: &Passwords, budget: &mut Budget) -> Opened<'a> {
    let package = zip::open_with(bytes, passwords, budget, wants);
    if is_document(&package) { read(package, budget) } else { package }
}

/// Whether a member of this name is a part that must be read whole to know the document.
fn wants(name: &str) -> bool {
    let name = part_name(name);
    let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
    let is_dull =
        ["theme/", "styles.xml", "fonttable", "numbering.xml", "slidelayouts/", "slidemasters/", "worksheets/sheet", "charts/"]
            .iter()
            .any(|dull| name.contains(dull));
    let is_of_office = ["word/", "xl/", "ppt/", "visio/", "customui/", "_rels/", "customxml/", "docprops/"]
        .iter()
        .any(|directory| name.starts_with(directory));
    is_xml && (is_of_office && !is_dull || name.ends_with(".rels"))
        || matches!(&*name, "[content_types].xml" | "mimetype" | "content.xml" | "settings.xml" | "meta-inf/manifest.xml")
        || name == "xl/workbook.bin"
        || name == "xl/sharedstrings.bin"
}

/// Whether these members make a document.
fn is_document(package: &Opened<'_>) -> bool {
    package.members.iter().any(|member| match &*part_name(&member.name) {
        "[content_types].xml" | "_rels/.rels" => true,
        "mimetype" => is_odf_type(member.bytes()),
        _ => false,
    })
}

/// Reads a document from the members of its archive.
fn read<'a>(package: Opened<'a>, budget: &mut Budget) -> Opened<'a> {
    let mut opened = package;
    let members = std::mem::take(&mut opened.members);
    let is_odf = members.iter().any(|member| part_name(&member.name) == "mimetype" && is_odf_type(member.bytes()));
    let types = ooxml::Types::read(&members, budget);
    opened.media_type = if is_odf { odf::media_type(&members) } else { types.media_type() };
    for member in &members {
        if member.signs.contains(Sign::Encrypted) {
            opened.signs.add(Sign::Encrypted);
        }
        let name = part_name(&member.name);
        if is_odf {
            odf::read_part(&name, member.bytes(), &mut opened, budget);
        } else {
            ooxml::read_part(&name, types.of(&name), member.bytes(), &mut opened, budget);
        }
    }
    opened.members = members.into_iter().filter(|member| !is_part(member)).collect();
    opened
}

fn is_odf_type(mimetype: &[u8]) -> bool {
    mimetype.starts_with(b"application/vnd.oasis.opendocument") || mimetype.starts_with(b"application/vnd.sun.xml")
}

/// A name as parts are compared: lower case, with slashes, from the root of the package.
fn part_name(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// Whether a member belongs to the document itself: markup, pictures, fonts, settings. Anything else is a file of its own.
fn is_part(member: &Member<'_>) -> bool {
    let name = part_name(&member.name);
    let bytes = member.bytes();
    if name.contains("embeddings/") || member.signs.contains(Sign::Encrypted) || !is_named_as_part(member) {
        return false;
    }
    match sniff(bytes) {
        Some("text/xml" | "application/xml") => true,
        // Macros were read already.
        Some("application/x-ole-storage") => name.ends_with("vbaproject.bin"),
        Some(shown) if shown.starts_with("image/") && shown != "image/svg+xml" => true,
        Some(shown) if shown.starts_with("audio/") || shown.starts_with("video/") => true,
        Some("image/svg+xml") => name.contains("media/"),
        Some("text/html") => name.ends_with(".xml") || name.ends_with(".vml"),
        Some(_) => false,
        None => {
            let is_markup = [".xml", ".rels", ".vml", ".rdf", ".xmp"].iter().any(|ending| name.ends_with(ending));
            let is_known = name == "mimetype"
                || name.starts_with("xl/") && name.ends_with(".bin")
                || name.contains("printersettings")
                || name.contains("activex/")
                || name.ends_with(".odttf")
                || name.ends_with(".fntdata")
                || name.ends_with('/')
                || name == "layout-cache"
                || name.starts_with("configurations2/")
                || name.starts_with("word/media/")
                || name.starts_with("ppt/media/")
                || name.starts_with("xl/media/");
            is_markup && is_text(bytes) || is_known && !matches!(member.content, Content::Unread)
        }
    }
}

/// Whether all names of a member are such as parts have. Any archive may hold a list of parts: what somebody put beside them
/// under the name of a script, a page or an archive is a file of its own wherever it stands.
fn is_named_as_part(member: &Member<'_>) -> bool {
    let names: Vec<&str> = [&member.name].into_iter().chain(&member.other_names).map(String::as_str).collect();
    let is_of_part =
        |ending: &String| matches!(&**ending, "svg" | "xml") || matches!(name::kind(ending), None | Some(Kind::Media));
    let promise = name::promise(&names);
    !promise.signs.contains(Sign::DangerousName) && promise.endings.iter().all(is_of_part)
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().take(64).all(|b| *b >= b' ' || b.is_ascii_whitespace() || *b == 0)
}

/// The text of a part, when the budget has the steps to read it.
fn markup<'b>(bytes: &'b [u8], opened: &mut Opened<'_>, budget: &mut Budget) -> Option<std::borrow::Cow<'b, str>> {
    if budget.charge_steps(bytes.len() as u64 * XML_STEPS) {
        return Some(xml::decode(bytes));
    }
    opened.signs.add(Sign::Limit);
    None
}
