//! Relationships of parts (ECMA-376 part 2 §9.3): what a document fetches from elsewhere, and where its links lead.

use crate::found::is_fetched;
use crate::xml::{self, Event};
use crate::{Opened, Sign};

/// Kinds whose target is loaded when the document is opened, by the last word of their type. Workbooks that others take
/// numbers from (`externalLinkPath`) and pictures are loaded when people allow it; they are links.
const LOADED: &[&str] = &[
    "attachedtemplate",
    "oleobject",
    "frame",
    "subdocument",
    "afchunk",
    "mailmergesource",
    "mailmergeheadersource",
    "recipientdata",
    "control",
    "activexcontrolbinary",
    "package",
    "externaldata",
];

/// Reads one `.rels` part.
pub(super) fn read(text: &str, opened: &mut Opened<'_>) {
    for event in xml::events(text) {
        let Event::Start { name: "Relationship", attributes, .. } = event else { continue };
        let (mut kind, mut target, mut is_external) = (String::new(), String::new(), false);
        for (name, value) in xml::attributes(attributes) {
            match name {
                "Type" => kind = value.rsplit('/').next().unwrap_or_default().to_ascii_lowercase(),
                "Target" => target = value.into_owned(),
                "TargetMode" => is_external = value.eq_ignore_ascii_case("External"),
                _ => {}
            }
        }
        // A target in another host is external whatever the mode says.
        if !is_external && !is_fetched(&target) {
            continue;
        }
        let is_kept = opened.add_link(&target);
        if !is_kept {
            // `mhtml:https://…!x-usc:https://…` and the like hold addresses.
            opened.add_links_of(target.as_bytes());
        }
        if LOADED.contains(&&*kind) && is_fetched(&target) {
            opened.signs.add(Sign::RemoteTemplate);
        }
    }
}
