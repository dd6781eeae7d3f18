//! OpenDocument: text, links, scripts, events, and objects from elsewhere (OASIS ODF 1.3).

use super::{markup, part_name};
use crate::found::is_fetched;
use crate::xml::{self, Event};
use crate::{Budget, Member, Opened, Sign};

const TYPES: &[&str] = &[
    "application/vnd.oasis.opendocument.text-template",
    "application/vnd.oasis.opendocument.text-master",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet-template",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation-template",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.graphics",
    "application/vnd.oasis.opendocument.formula",
    "application/vnd.oasis.opendocument.base",
];

/// The type that `mimetype` says, when it is a known one.
pub(super) fn media_type(members: &[Member<'_>]) -> Option<&'static str> {
    let member = members.iter().find(|member| part_name(&member.name) == "mimetype")?;
    let said = String::from_utf8_lossy(member.bytes());
    TYPES.iter().copied().find(|known| said.trim().starts_with(known))
}

/// Reads one part.
pub(super) fn read_part(name: &str, bytes: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    let is_library = name.starts_with("basic/")
        && name.ends_with(".xml")
        && !name.ends_with("script-lc.xml")
        && !name.ends_with("script-lb.xml");
    let is_script = name.starts_with("scripts/") && !name.ends_with('/') && !name.ends_with(".xml");
    if is_library || is_script {
        opened.signs.add(Sign::Macros);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") || name.starts_with("object") && name.ends_with("/content.xml") {
        opened.signs.add(Sign::EmbeddedObject);
    }
    let is_content = name.ends_with("content.xml") || name == "styles.xml" || name == "settings.xml";
    if is_content || name == "meta-inf/manifest.xml" {
        let Some(text) = markup(bytes, opened, budget) else { return };
        read_markup(&text, name == "content.xml", opened);
    }
}

fn read_markup(text: &str, has_text: bool, opened: &mut Opened<'_>) {
    let mut paragraphs = 0_usize;
    for event in xml::events(text) {
        match event {
            Event::Start { name, attributes, is_empty } => {
                read_tag(name, attributes, opened);
                match name {
                    "p" | "h" if !is_empty => paragraphs += 1,
                    "tab" | "s" if paragraphs > 0 => opened.add_text(" "),
                    "line-break" => opened.end_line(),
                    _ => {}
                }
            }
            Event::End { name: "p" | "h" } => {
                paragraphs = paragraphs.saturating_sub(1);
                opened.end_line();
            }
            Event::Text(text) if has_text && paragraphs > 0 => opened.add_text(&xml::unescape(text)),
            _ => {}
        }
    }
}

fn read_tag(name: &str, attributes: &str, opened: &mut Opened<'_>) {
    match name {
        "dde-source" | "dde-connection-decl" | "dde-link" => opened.signs.add(Sign::Dde),
        "encryption-data" => opened.signs.add(Sign::Encrypted),
        "event-listener" => {
            let event = xml::attribute(attributes, "event-name").unwrap_or_default();
            let target = xml::attribute(attributes, "href").unwrap_or_default();
            if target.starts_with("vnd.sun.star.script:") || xml::attribute(attributes, "macro-name").is_some() {
                opened.signs.add(Sign::Macros);
                // The events of opening, closing and of what lies in between without a click.
                if matches!(
                    event.rsplit(':').next(),
                    Some("load" | "load-finished" | "new" | "unload" | "start-app" | "focus" | "view-created")
                ) {
                    opened.signs.add(Sign::AutoRun);
                }
            }
        }
        _ => {
            let Some(target) = xml::attribute(attributes, "href") else { return };
            if target.starts_with("vnd.sun.star.script:") || target.starts_with("macro:") {
                opened.signs.add(Sign::Macros);
            }
            // Templates, sections and objects are loaded; links wait for a click, images show nothing but themselves.
            if matches!(name, "template" | "section-source" | "object" | "object-ole" | "plugin" | "applet" | "floating-frame")
                && is_fetched(&target)
            {
                opened.signs.add(Sign::RemoteTemplate);
            }
            opened.add_link(&target);
        }
    }
}
