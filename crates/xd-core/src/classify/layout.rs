//! What a message is made of: parts, charsets, HTML, and how its text is written.

use unicode_script::{Script, UnicodeScript};

use super::{Family, Gather};
use crate::{Message, View};

/// Characters of a text whose scripts are looked at.
const SCRIPT_CHARS: usize = 2_000;

pub(super) fn gather(message: &Message<'_>, to: &mut impl Gather) {
    parts(message, to);
    html(message, to);
    text(message, to);
}

fn parts(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Layout;
    let mut tree = String::new();
    for part in message.parts().iter().filter(|part| part.nested == 0 && !part.in_file).take(24) {
        if tree.len() < 100 {
            tree.push_str(["", " ", "  ", "   "][part.depth.min(3)]);
            tree.push_str(kind(&part.declared.kind, &part.declared.subtype));
        }
        if let Some(charset) = &part.charset {
            to.shape(family, "charset", &charset.to_ascii_lowercase());
        }
        if part.is_attachment() {
            to.shape(family, "attached", kind(&part.declared.kind, &part.declared.subtype));
            if let Some((_, ending)) = part.file_name.as_deref().and_then(|name| name.rsplit_once('.')) {
                to.shape(family, "attached ending", &ending.chars().take(8).collect::<String>().to_lowercase());
            }
        }
        for sign in part.signs.iter() {
            to.shape(family, "file sign", sign.id());
        }
    }
    to.shape(family, "parts", &tree);
    to.size(family, "attachments", message.attachments().count());
    to.fact(family, "nested message", message.parts().iter().any(|part| part.is_nested_message()));
    for field in message.header().all("content-transfer-encoding").take(1) {
        to.shape(family, "encoding", &field.decoded().trim().to_ascii_lowercase().chars().take(20).collect::<String>());
    }
    if let Some(boundary) = message.header().first("content-type").and_then(|field| boundary(field.decoded())) {
        to.shape(family, "boundary", &boundary);
    }
}

fn kind(kind: &str, subtype: &str) -> &'static str {
    match (kind, subtype) {
        ("multipart", "alternative") => "alternative",
        ("multipart", "mixed") => "mixed",
        ("multipart", "related") => "related",
        ("multipart", "signed") => "signed",
        ("multipart", "report") => "report",
        ("multipart", _) => "multipart",
        ("text", "plain") => "plain",
        ("text", "html") => "html",
        ("text", "calendar") => "calendar",
        ("text", _) => "text",
        ("image", _) => "image",
        ("audio" | "video", _) => "media",
        ("message", _) => "message",
        ("application", "pdf") => "pdf",
        ("application", "pgp-signature" | "pkcs7-signature" | "x-pkcs7-signature") => "signature",
        ("application", "octet-stream") => "bytes",
        _ => "other",
    }
}

/// The form of a boundary: its kinds of characters in order, runs of a kind once.
fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let value = content_type.get(at..)?.trim_start_matches('"');
    let value = value.split(['"', ';', ' ']).next()?;
    let mut form = String::new();
    for byte in value.bytes().take(70) {
        let kind = match byte {
            b'0'..=b'9' => '0',
            b'a'..=b'z' => 'a',
            b'A'..=b'Z' => 'A',
            byte => char::from(byte),
        };
        if !form.ends_with(kind) && form.len() < 12 {
            form.push(kind);
        }
    }
    Some(form)
}

fn html(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Layout;
    let html = message.html();
    if html.parts == 0 {
        return to.shape(family, "no html", "");
    }
    for (name, count) in [
        ("html tags", html.tags),
        ("html forms", html.forms),
        ("html inputs", html.inputs),
        ("html credential inputs", html.credential_inputs),
        ("html scripts", html.scripts),
        ("html frames", html.frames),
        ("html refreshes", html.refreshes),
        ("html bases", html.bases),
        ("html remote images", html.remote_images),
        ("html embedded images", html.embedded_images),
        ("html tracking pixels", html.tracking_pixels),
        ("html data documents", html.data_documents),
        ("html characters seen", html.visible_chars),
        ("html characters hidden", html.hidden_chars),
        ("html needless entities", html.needless_entities),
        ("html long comments", html.long_comments),
        ("html broken words", html.broken_words),
    ] {
        to.size(family, name, count as usize);
    }
    to.share(family, "html hidden", html.hidden_chars.into(), u64::from(html.hidden_chars) + u64::from(html.visible_chars));
    to.fact(family, "little text, images", html.visible_chars < 100 && html.images > 0);
    let plain = message.view(View::Plain).facts().chars;
    to.fact(family, "html alone", plain == 0);
    to.fact(
        family,
        "plain text unlike html",
        plain > 0 && (plain > html.visible_chars.saturating_mul(3) || html.visible_chars > plain.saturating_mul(3)),
    );
}

fn text(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Layout;
    let html = message.view(View::Html);
    let view = if html.normal().is_empty() { message.view(View::Plain) } else { html };
    let facts = view.facts();
    let chars = u64::from(facts.chars);
    to.size(family, "words", facts.words as usize);
    to.size(family, "lines", facts.lines as usize);
    to.size(family, "longest run", facts.longest_run as usize);
    to.size(family, "exclamation marks", facts.exclamation_marks as usize);
    to.size(family, "question marks", facts.question_marks as usize);
    to.size(family, "currency signs", facts.currency_signs as usize);
    to.size(family, "zero-width characters", facts.zero_width_chars as usize);
    to.size(family, "mixed words", facts.mixed_words as usize);
    to.size(family, "lookalike words", facts.lookalike_words as usize);
    to.size(family, "styled characters", facts.styled_chars as usize);
    to.share(family, "capitals", facts.upper_letters.into(), facts.letters.into());
    to.share(family, "digits", facts.digits.into(), chars);
    to.share(family, "outside ascii", facts.non_ascii_chars.into(), chars);
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for c in view.normal().chars().filter(|c| !c.is_ascii()).take(SCRIPT_CHARS) {
        let script = c.script();
        match counts.iter().position(|(known, _)| *known == script) {
            Some(at) => counts[at].1 += 1,
            None if counts.len() < 16 => counts.push((script, 1)),
            None => {}
        }
    }
    for (script, count) in counts {
        if count >= 8 {
            to.shape(family, "script", script.full_name());
        }
    }
    to.fact(family, "quotes", message.view(View::Plain).original().contains("\n>"));
    to.fact(
        family,
        "signature",
        message.view(View::Plain).original().contains("\n-- \n") || message.view(View::Plain).original().contains("\n-- \r\n"),
    );
}
