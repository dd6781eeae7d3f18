//! Calendars (RFC 5545) and cards (RFC 6350): text, addresses and attached files. Programs show them without being asked.

use crate::page::base64;
use crate::{Budget, Content, Member, Opened, Sign, xml};

/// Reads a calendar or a card.
pub(crate) fn open<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 6) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    // RFC 5545 §3.1: a line that begins with a blank goes on with the one before.
    let text = xml::decode(bytes).replace("\r\n", "\n");
    let text = text.replace("\n ", "").replace("\n\t", "");
    for line in text.lines() {
        let Some((name, parameters, value)) = split(line) else { continue };
        let is_base64 = parameters.contains("BASE64") || parameters.contains("ENCODING=B") || value.starts_with("data:");
        match &*name {
            "SUMMARY" | "DESCRIPTION" | "LOCATION" | "COMMENT" | "NOTE" | "TITLE" | "FN" | "ORG" => {
                let value =
                    value.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
                opened.add_links_of(value.as_bytes());
                opened.add_text(&value);
                opened.end_line();
            }
            "ATTACH" if is_base64 => {
                let data = value.split_once("base64,").map_or(value, |(_, data)| data);
                let bytes = base64(data.as_bytes(), budget.decoded_left());
                budget.charge_decoded(bytes.len());
                if !budget.charge_member() {
                    opened.signs.add(Sign::Limit);
                    break;
                }
                let parameter = |name: &str| {
                    line.split(':')
                        .next()?
                        .split(';')
                        .find_map(|one| one.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case(name)))
                };
                let name = ["FILENAME", "X-FILENAME", "X-APPLE-FILENAME"].iter().find_map(|name| parameter(name));
                let mut member = Member::new(name.map_or("", |(_, value)| value.trim_matches('"')));
                member.declared = parameter("FMTTYPE").map(|(_, value)| value.trim_matches('"').to_owned());
                member.content = Content::Whole(bytes.into());
                opened.members.push(member);
            }
            // Pictures and keys are long and lead nowhere.
            "PHOTO" | "LOGO" | "KEY" | "SOUND" if is_base64 => {}
            "PRODID" | "UID" | "TZURL" | "BEGIN" | "END" => {}
            _ => {
                opened.add_links_of(value.as_bytes());
                if value.starts_with("\\\\") {
                    opened.add_link(value);
                }
            }
        }
    }
    opened
}

/// Name, parameters in upper case, and value of a line. Quoted parameters may hold colons.
fn split(line: &str) -> Option<(String, String, &str)> {
    let mut is_quoted = false;
    let at = line.bytes().position(|b| {
        is_quoted ^= b == b'"';
        b == b':' && !is_quoted
    })?;
    let (head, value) = (line.get(..at)?, line.get(at + 1..)?);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    // Cards put properties in groups: `item1.URL`.
    let name = name.rsplit('.').next().unwrap_or(name);
    Some((name.trim().to_ascii_uppercase(), parameters.to_ascii_uppercase(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_links_and_attached_files() {
        let text = "BEGIN:VCALENDAR\r\nUID:https://uid.example.com/\r\nSUMMARY;LANGUAGE=en:Pay now\\, please\r\nDESCRIPTION:See https://www.exa\r\n mple.com/a\\nBye\r\n\
            URL:https://www.example.net/\r\nATTACH;FMTTYPE=application/zip;ENCODING=BASE64;VALUE=BINARY;FILENAME=\"a.zip\":UEsDBA==\r\nEND:VCALENDAR\r\n";
        let opened = open(text.as_bytes(), &mut Budget::default());
        assert_eq!(opened.text, "Pay now, please\nSee https://www.example.com/a\nBye\n");
        assert_eq!(opened.links, ["https://www.example.com/a", "https://www.example.net/"]);
        assert_eq!((&*opened.members[0].name, opened.members[0].bytes()), ("a.zip", &b"PK\x03\x04"[..]));
        assert_eq!(opened.members[0].declared.as_deref(), Some("application/zip"));
    }
}
