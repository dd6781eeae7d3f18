//! Style sheets inside mail: rules of one simple selector that decide what is seen.
//!
//! A rule counts when its selector is an element, a class, an id, or an element with one of these, alone or in a list.
//! Longer selectors, and rules inside `@media` and other blocks, are passed over: they depend on what we do not know.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::declaration::{end_of_block, end_of_prelude, plain};
use super::element::Tag;
use super::style::Declared;

/// Rules kept of all sheets of one part; 1,000. Newsletters have fewer than 300 of which a fifth matters here.
const RULES: usize = 1_000;

/// Bytes read of all sheets of one part; 256 KiB.
const SHEET_BYTES: usize = 256 << 10;

/// Rules kept of one class or id, for different elements; 8.
const RULES_PER_NAME: usize = 8;

/// Classes of one element that are looked up; 16.
const CLASSES: usize = 16;

/// The rules of a part's style sheets by their selector's last name.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    classes: BTreeMap<Box<str>, Vec<Rule>>,
    ids: BTreeMap<Box<str>, Vec<Rule>>,
    elements: BTreeMap<Tag, Declared>,
    rules: usize,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    element: Option<Tag>,
    style: Declared,
}

impl Rule {
    fn applies(&self, tag: Tag) -> bool {
        self.element.is_none_or(|element| element == tag)
    }
}

impl Sheet {
    /// How many bytes of style sheets may still be read.
    pub(super) fn room(&self) -> usize {
        SHEET_BYTES.saturating_sub(self.bytes)
    }

    /// Whether no rule matters.
    pub(super) fn is_empty(&self) -> bool {
        self.rules == 0
    }

    /// Reads a sheet.
    pub(super) fn read(&mut self, text: &str) {
        let text = text.get(..text.floor_char_boundary(self.room())).unwrap_or(text);
        self.bytes += text.len();
        let text = without_marks(text);
        let mut rest = &*text;
        while self.rules < RULES
            && let Some(open) = end_of_prelude(rest, plain_start(rest).starts_with('@'))
        {
            let (selectors, from) = rest.split_at(open);
            let selectors = plain(selectors);
            let selectors = selectors.trim();
            let Some(body) = from.strip_prefix('{') else {
                // `@import …;`
                rest = &from[1..];
                continue;
            };
            if selectors.contains('@') {
                rest = body.get(end_of_block(body) + 1..).unwrap_or_default();
                continue;
            }
            let (declarations, after) = body.split_at(end_of_block(body));
            rest = after.get(1..).unwrap_or_default();
            // Most rules of newsletters have longer selectors: their declarations are not read.
            let mut style = None;
            for selector in selectors.split(',').filter_map(|selector| simple(selector.trim())) {
                let style = *style.get_or_insert_with(|| Declared::parse(declarations, &mut |_| {}));
                if style == Declared::NONE {
                    break;
                }
                self.add(selector, style);
            }
        }
    }

    /// What the rules say about an element.
    pub(super) fn style(&self, tag: Tag, classes: &str, id: &str) -> Declared {
        let mut style = Declared::NONE;
        if let Some(element) = self.elements.get(&tag) {
            style = style.overlaid(element);
        }
        for class in classes.split_ascii_whitespace().take(CLASSES) {
            for rule in self.classes.get(class).into_iter().flatten().filter(|rule| rule.applies(tag)) {
                style = style.overlaid(&rule.style);
            }
        }
        for rule in self.ids.get(id.trim()).into_iter().flatten().filter(|rule| rule.applies(tag)) {
            style = style.overlaid(&rule.style);
        }
        style
    }

    fn add(&mut self, (element, mark, name): Selector<'_>, style: Declared) {
        if self.rules >= RULES {
            return;
        }
        let element = match element {
            "" | "*" => None,
            name => Some(Tag::from_name(name.to_ascii_lowercase().as_bytes())),
        };
        // Later rules win; equal selectors share one place, so that an element never meets many.
        let rules = match mark {
            None => {
                // A rule for everything (`* { … }`) is none: if it hid anything, nobody would see anything.
                if let Some(tag) = element {
                    let known = self.elements.entry(tag).or_default();
                    *known = known.overlaid(&style);
                    self.rules += 1;
                }
                return;
            }
            Some('#') => self.ids.entry(name.into()).or_default(),
            Some(_) => self.classes.entry(name.into()).or_default(),
        };
        if let Some(other) = rules.iter_mut().find(|other| other.element == element) {
            other.style = other.style.overlaid(&style);
        } else if rules.len() < RULES_PER_NAME {
            rules.push(Rule { element, style });
        }
        self.rules += 1;
    }
}

/// Element, mark (`.` or `#`) and name.
type Selector<'t> = (&'t str, Option<char>, &'t str);

/// A selector that has no other parts.
fn simple(selector: &str) -> Option<Selector<'_>> {
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte >= 0x80);
    match selector.find(['.', '#']) {
        Some(at) => {
            let (element, rest) = selector.split_at(at);
            let mark = rest.chars().next()?;
            let name = &rest[1..];
            ((is_name(element) || element == "*") && is_name(name) && !name.is_empty()).then_some((element, Some(mark), name))
        }
        None => ((is_name(selector) || selector == "*") && !selector.is_empty()).then_some((selector, None, "")),
    }
}

/// The sheet without the marks that hide it from old programs (`<!--`, `-->`).
fn without_marks(text: &str) -> Cow<'_, str> {
    if memchr::memmem::find(text.as_bytes(), b"--").is_some() && (text.contains("<!--") || text.contains("-->")) {
        return Cow::Owned(text.replace("<!--", "").replace("-->", ""));
    }
    Cow::Borrowed(text)
}

/// The text from its first token on: behind blanks and comments.
fn plain_start(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("/*") {
        rest = comment.split_once("*/").map_or("", |(_, rest)| rest.trim_start());
    }
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hides(sheet: &str, tag: &str, classes: &str, id: &str) -> bool {
        let mut rules = Sheet::default();
        rules.read(sheet);
        rules.style(Tag::from_name(tag.as_bytes()), classes, id).settled().removes()
    }

    #[test]
    fn simple_selectors_apply() {
        for sheet in [
            ".x{display:none}",
            "#y{display:none}",
            "span{display:none}",
            "span.x { color: red; display: none }",
            "SPAN#y{display:none}",
            "*.x{display:none}",
            "p, .x , b{display:none}",
            "<!-- .a{} .x{display:none} -->",
            "/* c */ .x /* } */ { display/**/:none }",
            "@import url(a.css); .x{display:none}",
            "@media print { .q{display:block} .x{color:red} } .x{display:none}",
            ".x{color:red}.x{display:none}",
            ".x{display:none!important}.x{display:block}",
            "p{x:'}'}.x{display:none}",
        ] {
            assert!(hides(sheet, "span", "a x b", "y"), "{sheet}");
        }
    }

    #[test]
    fn other_rules_do_not() {
        for sheet in [
            "",
            ".z{display:none}",
            "p.x{display:none}",
            ".a .x{display:none}",
            ".a>.x{display:none}",
            ".x:hover{display:none}",
            ".a.x{display:none}",
            "*{display:none}",
            "@media only screen and (max-width:600px){ .x{display:none} }",
            "@media print{@media screen{.q{color:red}} .x{display:none}",
            ".x{display:none}.x{display:block}",
            ".x{display:block!important}.x{display:none}",
            "p{x:';}.x{display:none}';}",
            ".x",
            "{display:none}",
            // Only at-rules end by a semicolon: elsewhere it spoils the selector (CSS Syntax 3 §5.4.1).
            ";.x{display:none}",
            "a{};.x{display:none}",
            "a{}; /* ; */ .x{display:none}",
        ] {
            assert!(!hides(sheet, "span", "a x b", "y"), "{sheet}");
        }
    }

    #[test]
    fn rules_are_bounded() {
        let many: String = (0..RULES).map(|n| format!(".c{n}{{color:red}}")).collect();
        assert!(hides(&format!(".x{{display:none}}{many}"), "b", "x", ""));
        assert!(!hides(&format!("{many}.x{{display:none}}"), "b", "x", ""));
    }

    proptest! {
        #[test]
        fn any_sheet_is_read(text in "(\\PC|[.#{};:@,]|/\\*|\\*/|display:none){0,60}") {
            let _ = hides(&text, "b", "x", "y");
        }
    }
}
