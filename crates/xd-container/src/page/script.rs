//! What a script does with files and addresses, as far as its words tell; scripts are not run.

use super::{MAX_DEPTH, encoded, keep, literal};
use crate::name::{self, Kind};
use crate::{Budget, Opened, Sign};

/// Strings that are decoded to see what they hold.
const MAX_DECODED: usize = 200;
/// Bytes in base64 that make a script one that holds a file, though nobody can tell which.
const LONG_BASE64: usize = 4_096;

/// What scripts of one page do, together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// A file stands in it, written as a string.
    pub(super) holds_file: bool,
    /// It makes bytes of words.
    makes_bytes: bool,
    /// It gives bytes to the browser as a file.
    saves: bool,
}

impl Facts {
    pub(super) fn add(&mut self, other: Self) {
        self.holds_file |= other.holds_file;
        self.makes_bytes |= other.makes_bytes;
        self.saves |= other.saves;
    }

    pub(super) fn smuggles(self) -> bool {
        self.holds_file || self.saves && self.makes_bytes
    }
}

/// Reads one script.
pub(super) fn read(script: &str, depth: usize, opened: &mut Opened<'_>, budget: &mut Budget) -> Facts {
    let mut facts = Facts::default();
    if depth > MAX_DEPTH || !budget.charge_steps(script.len() as u64 * 4 + 500) {
        opened.signs.add(Sign::Limit);
        return facts;
    }
    opened.add_links_of(script.as_bytes());
    if encoded::is_in(script) {
        let (decoded, is_limited) = encoded::decode(script);
        if is_limited {
            opened.signs.add(Sign::Limit);
        }
        facts.add(read(&decoded, depth + 1, opened, budget));
    }
    let lower = script.to_ascii_lowercase();
    let holds = |word: &str| memchr::memmem::find(lower.as_bytes(), word.as_bytes()).is_some();
    facts.saves = ["createobjecturl", "mssaveoropenblob", "mssaveblob", ".download", "'download'", "\"download\""]
        .iter()
        .any(|word| holds(word));
    facts.makes_bytes = ["atob(", "new blob", "uint8array", "fromcharcode", "frombase64"].iter().any(|word| holds(word));
    if asks_for_password(&lower) {
        opened.signs.add(Sign::PasswordForm);
    }
    if leads_elsewhere(&lower) {
        opened.signs.add(Sign::Redirect);
    }
    let (mut name, mut files, mut decoded) = (None, Vec::new(), 0);
    for text in literal::literals(script) {
        if text.len() < 64 {
            let is_name = |text: &str| {
                !text.contains(['/', '\\', '\n', '<'])
                    && name::ending(text).and_then(|ending| name::kind(&ending)).is_some_and(is_saved)
            };
            if name.is_none() && text.len() > 4 && is_name(&text) {
                name = Some(text);
            }
            continue;
        }
        decoded += 1;
        if decoded > MAX_DECODED {
            opened.signs.add(Sign::Limit);
            break;
        }
        let Some(bytes) = decode(&text, budget) else { continue };
        budget.charge_decoded(bytes.len());
        if !budget.charge_steps(text.len() as u64 * 4) {
            opened.signs.add(Sign::Limit);
            break;
        }
        // A script that is made of words is a script again.
        let is_script = bytes.iter().take(512).all(|b| *b >= b' ' || b.is_ascii_whitespace())
            && !bytes.trim_ascii_start().starts_with(b"<")
            && ["document.", "window.", "function", "eval(", "atob("]
                .iter()
                .any(|word| memchr::memmem::find(&bytes, word.as_bytes()).is_some());
        if is_script {
            let inner = String::from_utf8_lossy(&bytes);
            opened.add_links_of(&bytes);
            facts.add(read(&inner, depth + 1, opened, budget));
        } else {
            facts.makes_bytes |= text.len() >= LONG_BASE64;
            opened.add_links_of(&bytes);
            files.push(bytes);
        }
    }
    for bytes in files {
        let name = name.clone().filter(|_| crate::sniff(&bytes).is_none_or(|shown| shown != "text/html")).unwrap_or_default();
        // Text without a known beginning is kept only under a name, and only when something is saved.
        let name = if facts.saves { name } else { String::new() };
        facts.holds_file |= keep(bytes, name, None, opened, budget);
    }
    facts
}

/// Kinds of files that scripts save.
fn is_saved(kind: Kind) -> bool {
    kind.runs() || matches!(kind, Kind::Archive | Kind::Disc | Kind::Office | Kind::Page | Kind::Pdf)
}

fn decode(text: &str, budget: &Budget) -> Option<Vec<u8>> {
    let limit = budget.decoded_left();
    let text = text.strip_prefix("data:").and_then(|rest| rest.split_once("base64,")).map_or(text, |(_, data)| data);
    if let Some(bytes) = literal::hexadecimal(text, limit) {
        return Some(bytes);
    }
    if literal::is_base64(text) {
        return Some(literal::base64(text.as_bytes(), limit));
    }
    let many = |mark: &str| text.matches(mark).take(16).count() == 16;
    if many("%") {
        return Some(literal::percent(text, limit));
    }
    if many("\\x") {
        return Some(literal::backslashes(text, limit));
    }
    // Markup in a string is written into the page.
    let looks = text.trim_start();
    (looks.starts_with('<') && super::looks_like_page(looks.as_bytes()))
        .then(|| text.as_bytes().get(..text.len().min(limit)).unwrap_or_default().to_vec())
}

/// `type="password"`, with quotes escaped or not.
fn asks_for_password(script: &str) -> bool {
    memchr::memmem::find_iter(script.as_bytes(), b"password").any(|at| {
        let before = script.as_bytes().get(at.saturating_sub(12)..at).unwrap_or_default();
        let before: Vec<u8> = before.iter().copied().filter(|b| !matches!(b, b'"' | b'\'' | b'\\' | b' ' | b'`')).collect();
        before.ends_with(b"type=") || before.ends_with(b".type,") || before.ends_with(b"type,")
    })
}

/// Whether the page is left: something is assigned to `location`, or its `replace` or `assign` is called.
fn leads_elsewhere(script: &str) -> bool {
    memchr::memmem::find_iter(script.as_bytes(), b"location").any(|at| {
        let before = script.get(..at).unwrap_or_default();
        // A name that only ends so, a variable of one's own, or a key is no location.
        let is_other = before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '"' | '\''))
            || ["var ", "let ", "const "].iter().any(|word| before.ends_with(word))
            || before.ends_with('.')
                && !["window.", "document.", "self.", "top.", "parent.", "this."].iter().any(|object| before.ends_with(object));
        let behind = script.get(at + 8..).unwrap_or_default();
        let behind = behind.strip_prefix(".href").unwrap_or(behind);
        let calls = behind.starts_with(".replace(") || behind.starts_with(".assign(");
        let behind = behind.trim_start();
        !is_other && (calls || behind.starts_with('=') && !behind.starts_with("=="))
    })
}
