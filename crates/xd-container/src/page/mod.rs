//! Pages that come as files: HTML, SVG, HTML applications. What they make, ask for, and lead to; their text is read elsewhere.
//!
//! A page that is opened from the disk may do what one in a mail may not: run scripts that build a file from words
//! ("smuggling"), or stand in for the page of a bank. Files that plainly stand in a page become members.

mod encoded;
mod literal;
mod script;
mod tag;
#[cfg(test)]
mod tests;

use self::tag::{Tag, tags};
use crate::{Budget, Content, Member, Opened, Sign, sniff, xml};

pub(crate) use literal::base64;

/// Pages within pages that are read: in `srcdoc`, in scripts that hold scripts.
const MAX_DEPTH: usize = 4;
/// Work for a byte of a page, in steps.
const PAGE_STEPS: u64 = 9;

/// Reads a page.
pub(crate) fn open<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    let is_svg = sniff(bytes) == Some("image/svg+xml");
    read(&xml::decode(bytes), is_svg, 0, &mut opened, budget);
    opened
}

/// Reads a script that is a file of its own: addresses in it, and files that stand in it.
pub(crate) fn open_script<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if budget.charge_steps(bytes.len() as u64 * PAGE_STEPS) {
        let text = xml::decode(bytes);
        let facts = script::read(&text, 0, &mut opened, budget);
        if facts.holds_file {
            opened.signs.add(Sign::Smuggling);
        }
    } else {
        opened.signs.add(Sign::Limit);
    }
    opened
}

fn read(text: &str, is_svg: bool, depth: usize, opened: &mut Opened<'_>, budget: &mut Budget) {
    if depth > MAX_DEPTH || !budget.charge_steps(text.len() as u64 * PAGE_STEPS) {
        opened.signs.add(Sign::Limit);
        return;
    }
    let mut facts = script::Facts::default();
    for tag in tags(text) {
        read_tag(&tag, is_svg, depth, &mut facts, opened, budget);
    }
    if facts.smuggles() {
        opened.signs.add(Sign::Smuggling);
    }
}

fn read_tag(tag: &Tag<'_>, is_svg: bool, depth: usize, facts: &mut script::Facts, opened: &mut Opened<'_>, budget: &mut Budget) {
    let mut run = |script: &str, opened: &mut Opened<'_>| {
        facts.add(script::read(script, depth, opened, budget));
        if is_svg {
            opened.signs.add(Sign::DocumentScript);
        }
    };
    if tag.name == "script" {
        run(tag.content, opened);
    }
    if is_svg && tag.name == "foreignobject" {
        opened.signs.add(Sign::DocumentScript);
    }
    let attributes = tag.attributes();
    let value = |name: &str| attributes.iter().find(|(one, _)| one == name).map(|(_, value)| &**value);
    for (name, value) in &attributes {
        if name.starts_with("on") && name.len() > 3 {
            run(value, opened);
        } else if let Some(script) = strip_scheme(value, "javascript:") {
            run(script, opened);
        }
    }
    let is_download = attributes.iter().any(|(name, _)| name == "download");
    for (name, value) in &attributes {
        if !matches!(&**name, "href" | "src" | "action" | "data" | "formaction" | "object" | "value") {
            continue;
        }
        if strip_scheme(value, "data:").is_some() {
            let has_file = read_data(value, is_download.then(|| file_name(&attributes)), opened, budget);
            // A picture in its page is ordinary; a file that is saved or a page that is shown is not.
            if has_file || is_download {
                opened.signs.add(Sign::Smuggling);
            }
        } else if name != "value" && !matches!(tag.name, "link" | "img" | "image" | "use" | "html" | "svg") {
            opened.add_link(value);
        }
    }
    match tag.name {
        "form" if value("action").is_some_and(|action| crate::found::leads_away(action.trim())) => opened.signs.add(Sign::Form),
        "input" if value("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("password")) => {
            opened.signs.add(Sign::PasswordForm);
        }
        "meta" if value("http-equiv").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("refresh")) => {
            let content = value("content").unwrap_or_default();
            if let Some(at) = content.to_ascii_lowercase().find("url") {
                opened.signs.add(Sign::Redirect);
                let address = content
                    .get(at + 3..)
                    .unwrap_or_default()
                    .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | '\'' | '"'));
                opened.add_link(address.trim_end_matches(['\'', '"', ' ']));
            }
        }
        "iframe" | "frame" => {
            if let Some(inner) = value("srcdoc") {
                read(inner, false, depth + 1, opened, budget);
            }
        }
        _ => {}
    }
}

fn file_name(attributes: &[(String, std::borrow::Cow<'_, str>)]) -> String {
    attributes.iter().find(|(name, _)| name == "download").map(|(_, value)| value.to_string()).unwrap_or_default()
}

fn strip_scheme<'t>(value: &'t str, scheme: &str) -> Option<&'t str> {
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    value.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).and_then(|_| value.get(scheme.len()..))
}

/// Takes the file that a `data:` address holds (RFC 2397), when it is one to keep. Says whether it is.
fn read_data(address: &str, name: Option<String>, opened: &mut Opened<'_>, budget: &mut Budget) -> bool {
    let Some((head, data)) = strip_scheme(address, "data:").and_then(|rest| rest.split_once(',')) else { return false };
    let declared = head.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let bytes = match head.to_ascii_lowercase().contains("base64") {
        true => base64(data.as_bytes(), budget.decoded_left()),
        false => literal::percent(data, budget.decoded_left()),
    };
    budget.charge_decoded(bytes.len());
    keep(bytes, name.unwrap_or_default(), Some(declared).filter(|declared| !declared.is_empty()), opened, budget)
}

/// Keeps decoded bytes as a member, when they show themselves to be a file other than a picture, sound or font.
fn keep(bytes: Vec<u8>, name: String, declared: Option<String>, opened: &mut Opened<'_>, budget: &mut Budget) -> bool {
    let shown = sniff(&bytes);
    let is_picture = |kind: &str| {
        ["image/", "audio/", "video/", "font/"].iter().any(|start| kind.starts_with(start)) && kind != "image/svg+xml"
    };
    let is_page = shown.is_none() && looks_like_page(&bytes);
    let is_file = shown.is_some_and(|shown| !is_picture(shown)) || is_page;
    let is_said =
        shown.is_none() && declared.as_deref().is_some_and(|kind| kind == "text/html" || kind.starts_with("application/"));
    if bytes.is_empty() || !(is_file || is_said || !name.is_empty()) {
        return false;
    }
    if !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return true;
    }
    let mut member = Member::new(name);
    member.declared = declared.or_else(|| is_page.then(|| "text/html".to_owned()));
    member.content = Content::Whole(bytes.into());
    opened.members.push(member);
    is_file || is_said
}

/// Markup that begins in the middle of a page.
fn looks_like_page(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let begins = |tag: &&[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    [&b"<div"[..], b"<form", b"<style", b"<center", b"<input", b"<link", b"<a ", b"<p>", b"<img", b"<!--", b"<base"]
        .iter()
        .any(begins)
}
