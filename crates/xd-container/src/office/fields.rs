//! Fields of Word documents (ECMA-376 part 1 §17.16): instructions, which may be split over runs and stand in one another.

use crate::found::is_fetched;
use crate::{Opened, Sign};

/// Fields within fields that are followed; Word allows 20.
const MAX_DEPTH: usize = 20;
/// The longest instruction that is kept, in bytes.
const MAX_INSTRUCTION: usize = 4_096;

/// The fields that are open at a place of a document.
#[derive(Debug, Default)]
pub(super) struct Fields {
    open: Vec<String>,
    /// Fields that were opened beyond the bound.
    beyond: usize,
}

impl Fields {
    /// A field begins.
    pub(super) fn begin(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(String::new());
        } else {
            self.beyond += 1;
        }
    }

    /// Text of an instruction. Runs may stand outside of any field: Word does not run these, but nothing else writes them.
    pub(super) fn instruction(&mut self, text: &str) {
        if self.open.is_empty() {
            self.begin();
        }
        if let Some(field) = self.open.last_mut()
            && field.len() < MAX_INSTRUCTION
        {
            field.push_str(text.get(..text.floor_char_boundary(MAX_INSTRUCTION)).unwrap_or_default());
        }
    }

    /// A field ends: what it says is acted upon, and becomes part of the field around it.
    pub(super) fn end(&mut self, opened: &mut Opened<'_>) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let Some(field) = self.open.pop() else { return };
        let shown = quoted(&field).unwrap_or(field);
        read(&shown, opened);
        if let Some(outer) = self.open.last_mut()
            && outer.len() < MAX_INSTRUCTION
        {
            outer.push_str(&shown);
        }
    }

    /// The document ends, with what was left open.
    pub(super) fn finish(&mut self, opened: &mut Opened<'_>) {
        self.beyond = 0;
        while !self.open.is_empty() {
            self.end(opened);
        }
    }
}

/// Acts on one instruction.
pub(super) fn read(instruction: &str, opened: &mut Opened<'_>) {
    let instruction = instruction.trim();
    let (word, rest) = instruction.split_once(|c: char| c.is_whitespace() || c == '"').unwrap_or((instruction, ""));
    match &*word.to_ascii_uppercase() {
        "DDE" | "DDEAUTO" => opened.signs.add(Sign::Dde),
        "INCLUDETEXT" | "INCLUDE" | "LINK" | "IMPORT" if arguments(rest).any(is_fetched) => {
            opened.signs.add(Sign::RemoteTemplate);
            opened.add_links_of(rest.as_bytes());
        }
        "HYPERLINK" | "INCLUDEPICTURE" => opened.add_links_of(rest.as_bytes()),
        _ => {}
    }
}

fn arguments(rest: &str) -> impl Iterator<Item = &str> {
    rest.split(|c: char| c.is_whitespace() || c == '"').filter(|argument| !argument.is_empty())
}

/// What a `QUOTE` field of character codes says; it hides words from those who look for them.
fn quoted(field: &str) -> Option<String> {
    let codes = field.trim().get(..5).filter(|word| word.eq_ignore_ascii_case("QUOTE")).and_then(|_| field.trim().get(5..))?;
    let characters = codes.split_whitespace().map(|code| code.trim_matches('"').parse().ok().and_then(char::from_u32));
    characters.collect::<Option<String>>().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(steps: &[&str]) -> (Vec<Sign>, Vec<String>) {
        let (mut fields, mut opened) = (Fields::default(), Opened::new());
        for step in steps {
            match *step {
                "{" => fields.begin(),
                "}" => fields.end(&mut opened),
                text => fields.instruction(text),
            }
        }
        fields.finish(&mut opened);
        (opened.signs.iter().collect(), opened.links)
    }

    #[test]
    fn commands_split_over_runs_and_quoted_as_codes() {
        assert_eq!(signs(&["{", " DDE", "AUTO c:\\\\windows", "}"]).0, [Sign::Dde]);
        assert_eq!(signs(&["{", "{", "QUOTE 68 68 69", "}", " c:\\\\windows", "}"]).0, [Sign::Dde]);
        assert_eq!(signs(&["dde a"]).0, [Sign::Dde]);
        assert_eq!(signs(&["{", " PAGE ", "}", "{", "DDEX", "}", "}", "}"]).0, []);
        assert_eq!(signs(&["{", "INCLUDETEXT \"https://www.example.com/a.docx\"", "}"]).0, [Sign::RemoteTemplate]);
        assert_eq!(
            signs(&["{", "HYPERLINK \"https://www.example.com/\"", "}"]),
            (vec![], vec!["https://www.example.com/".to_owned()])
        );
    }

    #[test]
    fn fields_beyond_the_bound_end_too() {
        let mut steps = vec!["{"; MAX_DEPTH + 1];
        steps.extend(vec!["}"; MAX_DEPTH + 1]);
        steps.extend(["{", "DDE", "}"]);
        assert_eq!(signs(&steps).0, [Sign::Dde]);
    }
}
