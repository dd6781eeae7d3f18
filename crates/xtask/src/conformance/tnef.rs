//! TNEF: the files in it with names, sizes and hashes, against what other programs' tests list; and whole mails that carry it.
//!
//! `X.list` beside `X.tnef` names the attachments in order, `manifest.json` gives sizes and SHA-256. Names that a tool makes up
//! (`Untitled_Attachment`, `X-body.rtf`) stand for what has none and for the formatted text.

use serde_json::Value;
use sha2::{Digest, Sha256};
use xd_container::{Budget, Content, Member, Passwords, Sign, open};
use xd_core::{Limits, Message};

use super::{Case, MANIFEST, Reading, VectorFile, same, without_panic};

const SIGNATURE: &[u8] = b"\x78\x9F\x3E\x22";

/// What `xd_container::sniff` calls TNEF.
const MEDIA_TYPE: &str = "application/vnd.ms-tnef";

/// What stands before an embedded object, [MS-OXCMSG].
const INTERFACE_BYTES: u64 = 16;

pub(super) fn read(file: &VectorFile) -> Reading {
    if file.has_extension(&["list"]) || file.name() == MANIFEST {
        return Reading::Companion;
    }
    if file.bytes.starts_with(SIGNATURE) || file.has_extension(&["tnef", "dat", "bin"]) {
        return Reading::Cases(whole(file));
    }
    if file.has_extension(&["eml", "msg", "txt"]) {
        return Reading::Cases(vec![mail(file)]);
    }
    Reading::Unknown
}

/// A mail shows what its TNEF holds.
fn mail(file: &VectorFile) -> Case {
    let message = Message::parse(&file.bytes, &Limits::default());
    let carries = message.parts().iter().position(|part| part.sniffed == Some(MEDIA_TYPE));
    let outcome = match carries {
        None => Err("no part is TNEF".to_owned()),
        Some(index) if message.parts().iter().any(|part| part.parent == Some(index)) => Ok(()),
        Some(index) if message.parts()[index].signs.iter().any(|sign| matches!(sign, Sign::Damaged | Sign::Truncated)) => Ok(()),
        Some(_) => Err("nothing is found in the TNEF".to_owned()),
    };
    Case::new("members", outcome)
}

fn whole(file: &VectorFile) -> Vec<Case> {
    let mut budget = Budget::default();
    let opened = match without_panic(|| open(&file.bytes, Some(MEDIA_TYPE), &file.name(), &Passwords::default(), &mut budget)) {
        Ok(Some(opened)) => opened,
        Ok(None) => return vec![Case::new("open", Err("nothing opens it".to_owned()))],
        Err(why) => return vec![Case::new("open", Err(why))],
    };
    let members = &opened.members;
    let damaged = opened.signs.iter().any(|sign| matches!(sign, Sign::Damaged | Sign::Truncated));
    let refused = damaged || members.is_empty();
    let sound = is_sound(&file.bytes);
    let mut cases =
        vec![Case::new("read or refused", if sound || refused { Ok(()) } else { Err("its damage is no sign".to_owned()) })];
    let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(list) = file.sibling("list") {
        let plain = |name: &str| {
            // What the tool makes up, others make up too.
            let literal = members.iter().any(|member| member.name == name);
            if literal { name.to_owned() } else { plain_name(name, &stem) }
        };
        let listed: Vec<String> = list.lines().filter(|line| !line.is_empty()).map(plain).collect();
        let holds = |name: &String| members.iter().any(|member| has_name(member, name));
        cases.push(match names(members, &listed) {
            Err(why) if listed.iter().all(holds) => {
                Case::opinion("names", format!("{why}: all that is listed is there, in another order or with more"))
            }
            outcome => Case::new("names", outcome),
        });
    }
    let attachments = file.in_manifest().and_then(|facts| facts.get("attachments")?.as_array().cloned()).unwrap_or_default();
    for facts in &attachments {
        let name = facts.get("name").and_then(Value::as_str).unwrap_or_default();
        let member = members.iter().find(|member| member.name == name || has_name(member, &plain_name(name, &stem)));
        let (size, listed) = (member.and_then(|member| member.size), facts.get("size").and_then(Value::as_u64));
        if let (Some(size), Some(listed)) = (size, listed)
            && listed == size + INTERFACE_BYTES
        {
            cases.push(Case::opinion(name, "with the 16 bytes before an object that say which interface reads it"));
            continue;
        }
        let outcome = member.ok_or_else(|| "not found".to_owned()).and_then(|member| content(member, facts));
        cases.push(Case::new(name, outcome));
    }
    cases
}

/// A name without what the tool that wrote the list made up.
fn plain_name(name: &str, stem: &str) -> String {
    if name.starts_with("Untitled_Attachment") {
        return String::new();
    }
    name.strip_prefix(stem)
        .and_then(|rest| rest.strip_prefix("-body."))
        .map_or_else(|| name.to_owned(), |kind| format!("body.{kind}"))
}

fn has_name(member: &Member<'_>, name: &str) -> bool {
    let is_message = member.declared.as_deref() == Some("message/rfc822");
    member.name == name || member.other_names.iter().any(|other| other == name) || name.is_empty() && is_message
}

/// The listed names in order. The formatted text may stand anywhere, and is listed only by some tools.
fn names(members: &[Member<'_>], expected: &[String]) -> Result<(), String> {
    let is_body = |name: &str| name.starts_with("body.");
    let found: Vec<&Member<'_>> = members.iter().filter(|member| !is_body(&member.name)).collect();
    let listed: Vec<&String> = expected.iter().filter(|name| !is_body(name)).collect();
    let alike = found.len() == listed.len() && found.iter().zip(&listed).all(|(member, name)| has_name(member, name));
    let bodies = expected.iter().filter(|name| is_body(name)).all(|name| members.iter().any(|member| member.name == **name));
    if alike && bodies {
        return Ok(());
    }
    let found: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    Err(format!("{found:?} where {expected:?} is expected"))
}

fn content(member: &Member<'_>, facts: &Value) -> Result<(), String> {
    if member.declared.as_deref() == Some("message/rfc822") {
        // Written as MIME here; the facts are of the object as it stood.
        return Ok(());
    }
    if let Some(size) = facts.get("size").and_then(Value::as_u64) {
        same(&member.size.unwrap_or_default(), &size)?;
    }
    let Content::Whole(bytes) = &member.content else { return Ok(()) };
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    match facts.get("sha256").and_then(Value::as_str) {
        Some(expected) if expected != hash => Err(format!("SHA-256 {hash} where {expected} is expected")),
        _ => Ok(()),
    }
}

/// Whether its attributes fill it to the end, by a look of our own: level, name, length, that many bytes, checksum.
fn is_sound(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(SIGNATURE).and_then(|rest| rest.get(2..)) else { return false };
    while matches!(rest.first(), Some(1 | 2)) {
        let Some(length) = rest.get(5..9).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes) else { return false };
        // The last checksum may be cut off.
        let end = (length as usize).saturating_add(9);
        if end > rest.len() {
            return false;
        }
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_tool_made_up_stand_for_others() {
        assert_eq!(plain_name("one-body.rtf", "one"), "body.rtf");
        assert_eq!(plain_name("Untitled_Attachment", "one"), "");
        assert_eq!(plain_name("two-body.rtf", "one"), "two-body.rtf");
    }

    #[test]
    fn attributes_fill_the_file() {
        let mut file = [SIGNATURE, b"\0\0\x01\x06\x90\x08\0\x04\0\0\0abcd\x8a\x01"].concat();
        assert!(is_sound(&file));
        file.truncate(file.len() - 2);
        assert!(is_sound(&file));
        file.truncate(file.len() - 1);
        assert!(!is_sound(&file));
    }
}
