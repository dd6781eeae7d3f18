//! Field instructions of Word: a word that says what is done, and what it is done with. They are the same in binary documents,
//! RTF and Office Open XML.

use crate::Sign;
use crate::opened::Opened;
use crate::text;

/// Bytes of one instruction that are read; 16 KiB.
const MAX_INSTRUCTION: usize = 16 << 10;

/// Adds what an instruction leads to: links, templates and objects from elsewhere, programs.
pub(crate) fn instruction(instruction: &str, opened: &mut Opened<'_>) {
    let mut words = Words(text::cut(instruction, MAX_INSTRUCTION));
    let Some(verb) = words.next() else { return };
    match verb.to_ascii_uppercase().as_str() {
        "HYPERLINK" => hyperlink(words, opened),
        "DDE" | "DDEAUTO" => opened.signs.add(Sign::Dde),
        "INCLUDEPICTURE" | "INCLUDETEXT" | "IMPORT" | "INCLUDE" | "RD" => {
            words.find(|word| !is_switch(word)).into_iter().for_each(|link| remote(&link, opened));
        }
        // The class comes first, then the file.
        "LINK" => words.nth(1).into_iter().for_each(|link| remote(&link, opened)),
        _ => {}
    }
}

/// The address, and its part: a place within the document where no address stands.
fn hyperlink(words: Words<'_>, opened: &mut Opened<'_>) {
    let mut has_argument = false;
    for word in words {
        if std::mem::take(&mut has_argument) {
            continue;
        }
        if is_switch(&word) {
            // `\m` and `\n` stand alone.
            has_argument = matches!(word.as_str(), "\\l" | "\\o" | "\\t" | "\\s");
        } else {
            opened.add_link(&word);
            return;
        }
    }
}

fn is_switch(word: &str) -> bool {
    word.starts_with('\\') && !word.starts_with("\\\\")
}

/// Adds a file that is fetched when the document is opened, if it stands elsewhere.
pub(crate) fn remote(address: &str, opened: &mut Opened<'_>) {
    if is_remote(address) {
        opened.signs.add(Sign::RemoteTemplate);
        opened.add_link(address);
    }
}

/// Whether an address leads to another machine.
pub(crate) fn is_remote(address: &str) -> bool {
    let address = address.trim_start().to_ascii_lowercase();
    let schemes = ["http:", "https:", "ftp:", "mhtml:", "ms-", "script:", "x-usc:", "file:", "\\\\", "//"];
    schemes.iter().any(|scheme| address.starts_with(scheme))
}

/// Words between blanks or quotation marks; typographic ones count, too. A doubled backslash is one.
struct Words<'a>(&'a str);

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let is_quote = |c: char| matches!(c, '"' | '\u{201C}' | '\u{201D}');
        self.0 = self.0.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
        let (word, rest) = match self.0.strip_prefix(is_quote) {
            Some(quoted) => quoted.split_once(is_quote).unwrap_or((quoted, "")),
            None => self.0.split_at(self.0.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(self.0.len())),
        };
        let is_empty = self.0.is_empty();
        self.0 = rest;
        (!is_empty).then(|| word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Sign>, Vec<String>) {
        let mut opened = Opened::new();
        instruction(text, &mut opened);
        (opened.signs.iter().collect(), opened.links)
    }

    #[test]
    fn instructions() {
        let link = "https://example.com/a".to_owned();
        assert_eq!(read(" HYPERLINK \"https://example.com/a\" \\o \"tip\" "), (vec![], vec![link.clone()]));
        assert_eq!(read("HYPERLINK \\l \"anchor\""), (vec![], vec![]));
        assert_eq!(read("hyperlink https://example.com/a"), (vec![], vec![link.clone()]));
        assert_eq!(read(" DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe \"/k x\"").0, [Sign::Dde]);
        assert_eq!(read("INCLUDEPICTURE \"https://example.com/a\" \\d"), (vec![Sign::RemoteTemplate], vec![link.clone()]));
        assert_eq!(read("LINK Word.Document.8 \"https://example.com/a\""), (vec![Sign::RemoteTemplate], vec![link]));
        assert_eq!(read("INCLUDEPICTURE \"C:\\\\picture.png\""), (vec![], vec![]));
        assert_eq!(read("PAGE"), (vec![], vec![]));
        assert_eq!(read("\""), (vec![], vec![]));
    }
}
