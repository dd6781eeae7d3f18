//! Attachments: what `manifest.json` says of each file beside it, asked of a mail that carries the file.
//!
//! One case is one fact. What the manifest does not say is not asserted; what it says in words not known here is listed apart.

use serde_json::Value;
use xd_container::{Sign, sniff};
use xd_core::message::Part;
use xd_core::{Limits, Message};

use super::{Case, MANIFEST, Reading, VectorFile, same};

pub(super) fn read(file: &VectorFile) -> Reading {
    if file.name() == MANIFEST {
        return Reading::Companion;
    }
    let declared = file.in_manifest().and_then(|facts| Some(facts.get("declared")?.as_str()?.to_owned()));
    let raw = mail_with(&file.name(), declared.as_deref().unwrap_or("application/octet-stream"), &file.bytes);
    let message = Message::parse(&raw, &Limits::default());
    let Some(facts) = file.in_manifest() else {
        // Read to its end, and nothing more is known of it.
        return Reading::Cases(vec![Case::new("read", Ok(()))]);
    };
    let carried = Carried { message: &message, bytes: &file.bytes };
    let facts = facts.as_object().into_iter().flatten();
    // What the file itself is, and remarks.
    let facts = facts.filter(|(key, _)| !matches!(key.as_str(), "declared" | "note" | "sha256" | "size"));
    Reading::Cases(facts.map(|(key, value)| carried.fact(key, value)).collect())
}

/// A file in a mail.
struct Carried<'m> {
    message: &'m Message<'m>,
    bytes: &'m [u8],
}

impl Carried<'_> {
    fn fact(&self, key: &str, value: &Value) -> Case {
        let name = format!("{key}: {value}");
        let texts = || value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let outcome = match key {
            "members" if value.is_array() => {
                texts().try_for_each(|member| self.named(member)).and_then(|()| self.count(texts().count()))
            }
            "local" | "central" | "member" => self.named(value.as_str().unwrap_or_default()),
            "bad_ext" => texts().try_for_each(|extension| self.ends_badly(extension)),
            "double_ext" => self.has(&[Sign::DoubleExtension, Sign::HiddenExtension], texts().count() > 0),
            "magic" => texts().try_for_each(|magic| self.magic(magic)),
            "autoexec" => self.has(&[Sign::AutoRun], texts().count() > 0),
            "depth" => same(&(self.depth() as u64), &value.as_u64().unwrap_or_default()),
            "type" => return self.container(name, value.as_str().unwrap_or_default()),
            key if key.contains("count") || key.contains("number") || key == "members" => {
                self.count(value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
            }
            key => match signs_of_fact(key) {
                Some(signs) => self.has(signs, value.as_bool() != Some(false)),
                None => return Case::apart(name, "a fact that is not known here"),
            },
        };
        Case::new(name, outcome)
    }

    fn members(&self) -> impl Iterator<Item = &Part<'_>> {
        self.message.parts().iter().filter(|part| part.in_file)
    }

    fn named(&self, name: &str) -> Result<(), String> {
        let is = |part: &Part<'_>| part.file_name.iter().chain(&part.other_names).any(|other| other == name);
        if self.members().any(is) {
            return Ok(());
        }
        let found: Vec<&str> = self.members().filter_map(|part| part.file_name.as_deref()).collect();
        Err(format!("{name:?} is not among {found:?}"))
    }

    /// At least so many members, or as many as are read of any message.
    fn count(&self, expected: usize) -> Result<(), String> {
        let found = self.members().count();
        let bounded = self.message.defects().contains(xd_core::Defect::PartLimit)
            || self.message.parts().iter().any(|part| part.signs.contains(Sign::Limit));
        if found >= expected || bounded { Ok(()) } else { Err(format!("{found} members where {expected} are expected")) }
    }

    fn depth(&self) -> usize {
        let files = self.members().map(|part| part.depth);
        // The attachment is the whole mail, at depth 0; what is packed once stands at depth 1.
        files.max().unwrap_or_default()
    }

    fn has(&self, signs: &[Sign], expected: bool) -> Result<(), String> {
        let found: Vec<Sign> = self.message.parts().iter().flat_map(|part| part.signs.iter()).collect();
        if found.iter().any(|sign| signs.contains(sign)) == expected {
            return Ok(());
        }
        let word = if expected { "none" } else { "one" };
        let names = |signs: &[Sign]| signs.iter().map(|sign| sign.id()).collect::<Vec<_>>().join(", ");
        Err(format!("{word} of [{}] is among [{}]", names(signs), names(&found)))
    }

    fn ends_badly(&self, extension: &str) -> Result<(), String> {
        let ends = |name: &String| {
            // Windows drops dots and blanks at the end.
            let name = name.trim_end_matches(['.', ' ']).to_lowercase();
            name.rsplit_once('.').is_some_and(|(_, last)| last == extension.to_lowercase())
        };
        let parts = self.message.parts().iter();
        let mut named = parts.filter(|part| part.file_name.iter().chain(&part.other_names).any(ends)).peekable();
        if named.peek().is_none() {
            return Err(format!("no name ends in {extension}"));
        }
        let bad = [Sign::DangerousName, Sign::Executable, Sign::Script, Sign::Macros];
        if named.any(|part| bad.iter().any(|sign| part.signs.contains(*sign))) {
            Ok(())
        } else {
            Err(format!("{extension} is no dangerous ending"))
        }
    }

    fn magic(&self, magic: &str) -> Result<(), String> {
        if magic.contains("prefix") {
            return self.has(&[Sign::Prefixed, Sign::Executable], true);
        }
        let is = |part: &Part<'_>| match magic {
            "pe" | "mz" | "exe" | "elf" | "macho" => part.signs.contains(Sign::Executable),
            other => part.sniffed.is_some_and(|sniffed| sniffed.contains(other)),
        };
        if self.message.parts().iter().any(is) {
            return Ok(());
        }
        let found: Vec<&str> = self.message.parts().iter().filter_map(|part| part.sniffed).collect();
        Err(format!("{magic} is not among {found:?}"))
    }

    /// What the first bytes show.
    fn container(&self, name: String, kind: &str) -> Case {
        let expected = match kind {
            "OLE" => "application/x-ole-storage",
            "OOXML" | "ODF" | "ZIP" => "application/zip",
            "RTF" => "application/rtf",
            "PDF" => "application/pdf",
            _ => return Case::apart(name, "a fact that is not known here"),
        };
        Case::new(name, same(&sniff(self.bytes), &Some(expected)))
    }
}

/// The signs that say a fact, any of them.
fn signs_of_fact(key: &str) -> Option<&'static [Sign]> {
    Some(match key {
        "eicar" => &[Sign::TestVirus],
        "encrypted" => &[Sign::Encrypted, Sign::Decrypted],
        "mismatch" => &[Sign::Disagreement],
        "overlap" => &[Sign::Overlap],
        "bomb" => &[Sign::Bomb],
        "traversal" | "path_traversal" | "unsafe_path" => &[Sign::UnsafePath],
        "truncated" | "damaged" => &[Sign::Truncated, Sign::Damaged],
        "bidi" | "override" | "reversed" | "right_to_left" | "rlo" | "rtl" | "rtl_override" | "rtlo" => &[Sign::ReversedName],
        "executable" | "exe" => &[Sign::Executable],
        "vba" | "vba_part" | "macros" => &[Sign::Macros],
        "xlm" => &[Sign::OldMacros],
        "dde" => &[Sign::Dde],
        "embedded_object" => &[Sign::EmbeddedObject],
        "external_link" | "remote_template" => &[Sign::RemoteTemplate],
        "pdf_javascript" | "script_in_svg" | "javascript" | "script" => &[Sign::DocumentScript, Sign::Script],
        "open_action" => &[Sign::OpenAction],
        "launch" | "launch_action" => &[Sign::LaunchAction],
        "html_form_password" => &[Sign::PasswordForm],
        "smuggling" | "html_smuggling" => &[Sign::Smuggling],
        "shortcut" | "lnk" => &[Sign::Shortcut],
        _ => return None,
    })
}

/// A mail whose body is the file.
fn mail_with(name: &str, media_type: &str, bytes: &[u8]) -> Vec<u8> {
    let escaped: String = name
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let header = format!(
        "From: a@example.com\r\nTo: b@example.com\r\nMIME-Version: 1.0\r\nContent-Type: {media_type}\r\n\
         Content-Disposition: attachment; filename*=utf-8''{escaped}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let mut mail = header.into_bytes();
    for (line, group) in base64(bytes).chunks(76).enumerate() {
        if line > 0 {
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(group);
    }
    mail.extend_from_slice(b"\r\n");
    mail
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + 4);
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * digit)) as usize & 63];
            out.push(if digit > group.len() { b'=' } else { letter });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_out_of_the_mail_as_it_went_in() {
        for text in ["", "a", "ab", "abc", "abcd"] {
            let mail = mail_with("a b.txt", "text/plain", text.as_bytes());
            let message = Message::parse(&mail, &Limits::default());
            assert_eq!(message.parts()[0].file_name.as_deref(), Some("a b.txt"));
            assert_eq!(message.parts()[0].content.as_ref(), text.as_bytes());
        }
    }

    #[test]
    fn facts_are_asked_one_by_one() {
        let mail = mail_with("a.exe", "image/png", b"MZ\x90\0");
        let message = Message::parse(&mail, &Limits::default());
        let carried = Carried { message: &message, bytes: b"MZ\x90\0" };
        let outcome = |key: &str, value: Value| carried.fact(key, &value).outcome;
        use super::super::Outcome::{Apart, Missed, Passed};
        assert_eq!(outcome("bad_ext", serde_json::json!(["exe"])), Passed);
        assert_eq!(outcome("magic", serde_json::json!(["pe"])), Passed);
        assert_eq!(outcome("encrypted", serde_json::json!(false)), Passed);
        assert!(matches!(outcome("encrypted", serde_json::json!(true)), Missed(_)));
        assert!(matches!(outcome("colour", serde_json::json!("red")), Apart(_)));
    }
}
