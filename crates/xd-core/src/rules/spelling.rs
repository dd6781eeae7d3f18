//! Whether what a rule writes can stand in what it looks at.
//!
//! Values in normal spelling hold no capital letter, no curly quote, no second blank. A text of a set is brought into the
//! spelling of its target; a pattern is the author's, so one that asks for what never stands there is refused.

use regex_syntax::ast::{self, Ast, Flag, Flags, HexLiteralKind, LiteralKind};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::target::{Shape, Target};
use crate::normalize;

/// Members of a class that are looked at one by one; of more, some can surely stand anywhere.
const MAX_CLASS: u32 = 256;

/// A text of a set in the spelling of its target. Blanks at its ends are meant: they stand for the edge of a word.
///
/// # Errors
/// When nothing is left of it.
pub(super) fn spelled(target: &Target, text: &str) -> Result<String, String> {
    let spelled = if target.shape().is_normal() { normalize(text) } else { text.to_owned() };
    let trimmed = spelled.trim();
    if trimmed.is_empty() {
        return Err(format!("{text:?} is empty in the spelling of {target}"));
    }
    let keep = |end: bool| if end { " " } else { "" };
    Ok(format!("{}{trimmed}{}", keep(text.starts_with(' ')), keep(text.ends_with(' '))))
}

/// Why a text of a set, spelled as its target, stands in no value; none when it can. `whole` asks for it as a whole value.
pub(super) fn misplaced(target: &Target, text: &str, whole: bool) -> Option<String> {
    // Whatever is spelled as a text can stand in one.
    let is_narrow = matches!(target.shape(), Shape::Address | Shape::Host);
    if let Some(stranger) = text.chars().find(|&c| is_narrow && !can_stand(target.shape(), c)) {
        return Some(format!("{text:?} never stands in {target}, which {}: {stranger:?} does not", holds(target.shape())));
    }
    if let Some(about) = target.lists(text).err().filter(|_| whole) {
        return Some(format!("{text:?} is no value of {target}, {about}"));
    }
    let edged = target.shape().is_normal() && (text.starts_with(' ') || text.ends_with(' '));
    (whole && edged).then(|| format!("no value of {target} is {text:?}: none begins or ends with a blank"))
}

/// Why a pattern, read as `hir`, can never match in a target, or a part of it cannot; none when all can.
pub(super) fn impossible(target: &Target, pattern: &str, hir: &Hir) -> Option<String> {
    if !target.shape().is_normal() {
        return None;
    }
    let mut literals = Literals { found: None, judge: |run: &str, _: bool| strange(target, run) };
    literals.read(pattern);
    literals
        .found
        .or_else(|| unmet(hir, target.shape()).map(|what| format!("{what} never stands in {target}: {}", holds(target.shape()))))
}

/// A letter outside ASCII under `(?i)`, which folds only ASCII, whose other case the pattern does not name.
pub(super) fn half_folded(target: &Target, pattern: &str) -> Option<char> {
    if target.shape().is_normal() {
        return None;
    }
    let lone = |c: &char| {
        let other: String = if c.is_lowercase() { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
        !c.is_ascii() && !pattern.contains(&other)
    };
    let mut literals = Literals { found: None, judge: |run: &str, folds: bool| run.chars().find(lone).filter(|_| folds) };
    literals.read(pattern);
    literals.found
}

/// Whether a character can stand in a value of this shape.
fn can_stand(shape: Shape, c: char) -> bool {
    match shape {
        Shape::Address => c.is_ascii_digit() || matches!(c, 'a'..='f' | '.' | ':'),
        Shape::Host => c.is_ascii_digit() || c.is_ascii_lowercase() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']'),
        Shape::Normal => c == ' ' || is_normal(c),
        // Line ends separate what does not stand together.
        Shape::NormalText => c == ' ' || c == '\n' || is_normal(c),
        Shape::Original | Shape::OriginalText => true,
    }
}

fn is_normal(c: char) -> bool {
    if c.is_ascii_lowercase() || c.is_ascii_digit() {
        return true;
    }
    let mut bytes = [0; 4];
    let text = c.encode_utf8(&mut bytes);
    normalize(text) == *text
}

/// How values of a shape are spelled, for messages.
fn holds(shape: Shape) -> &'static str {
    match shape {
        Shape::Address => "holds addresses",
        Shape::Host => "holds hosts in lower case and ASCII",
        Shape::Normal | Shape::NormalText => "is in normal spelling",
        Shape::Original | Shape::OriginalText => "is in its own spelling",
    }
}

/// Why a run of letters in a pattern never stands in a target of normal spelling.
fn strange(target: &Target, run: &str) -> Option<String> {
    let shape = target.shape();
    let can = run.chars().all(|c| can_stand(shape, c));
    // Characters that stand well alone may compose or fold together.
    let mut lines = run.split(|c| c == '\n' && shape.is_text());
    if can && lines.all(|line| normalize(line) == line.trim_matches(' ')) {
        return None;
    }
    let normal = normalize(run);
    let advice = match normal.as_str() {
        _ if !normal.chars().all(|c| can_stand(shape, c)) => String::new(),
        "" => "; leave it out".to_owned(),
        _ => format!("; write {normal:?}, or look at an original target"),
    };
    Some(format!("{run:?} never stands in {target}, which {}{advice}", holds(shape)))
}

/// The runs of literal characters of a pattern, and what is found in the first that is judged to be something.
struct Literals<F, T> {
    found: Option<T>,
    /// Judges a run, given whether ASCII case is ignored there.
    judge: F,
}

impl<T, F: FnMut(&str, bool) -> Option<T>> Literals<F, T> {
    fn read(&mut self, pattern: &str) {
        // A pattern that cannot be read is told of elsewhere.
        if let Ok(ast) = ast::parse::ParserBuilder::new().nest_limit(50).build().parse(pattern) {
            self.walk(&ast, &mut false);
        }
    }

    /// `folds` is whether ASCII case is ignored; a flag holds from where it stands to the end of its group.
    fn walk(&mut self, ast: &Ast, folds: &mut bool) {
        match ast {
            Ast::Flags(set) => set_flags(&set.flags, folds),
            Ast::Group(group) => {
                let mut inside = *folds;
                group.flags().iter().for_each(|flags| set_flags(flags, &mut inside));
                self.walk(&group.ast, &mut inside);
            }
            Ast::Repetition(repetition) => self.walk(&repetition.ast, folds),
            Ast::Alternation(alternation) => alternation.asts.iter().for_each(|ast| self.walk(ast, folds)),
            Ast::Concat(concat) => {
                let mut run = String::new();
                for ast in &concat.asts {
                    match ast {
                        Ast::Literal(literal) if is_char(literal) => run.push(folded(literal.c, *folds)),
                        other => {
                            self.judge_run(&std::mem::take(&mut run), *folds);
                            self.walk(other, folds);
                        }
                    }
                }
                self.judge_run(&run, *folds);
            }
            Ast::Literal(literal) if is_char(literal) => {
                self.judge_run(folded(literal.c, *folds).encode_utf8(&mut [0; 4]), *folds);
            }
            // Classes are judged as the translator has them, negated and intersected.
            Ast::Literal(_)
            | Ast::Assertion(_)
            | Ast::ClassBracketed(_)
            | Ast::ClassPerl(_)
            | Ast::ClassUnicode(_)
            | Ast::Dot(_)
            | Ast::Empty(_) => {}
        }
    }

    fn judge_run(&mut self, run: &str, folds: bool) {
        if self.found.is_none() && !run.is_empty() {
            self.found = (self.judge)(run, folds);
        }
    }
}

fn set_flags(flags: &Flags, folds: &mut bool) {
    *folds = flags.flag_state(Flag::CaseInsensitive).unwrap_or(*folds);
}

/// Without Unicode, `\xe9` is a byte of a character.
fn is_char(literal: &ast::Literal) -> bool {
    literal.c.is_ascii() || literal.kind != LiteralKind::HexFixed(HexLiteralKind::X)
}

fn folded(c: char, folds: bool) -> char {
    if folds { c.to_ascii_lowercase() } else { c }
}

/// A part of a pattern that nothing in a value of this shape meets, in words. Runs of literals are judged before.
fn unmet(hir: &Hir, shape: Shape) -> Option<&'static str> {
    match hir.kind() {
        HirKind::Class(class) => (!members(class, |c| can_stand(shape, c))).then_some("any character of a class of the pattern"),
        HirKind::Capture(capture) => unmet(&capture.sub, shape),
        HirKind::Repetition(repetition) => {
            let blanks = repetition.min > 1 && (begins_blank(&repetition.sub, shape) && ends_blank(&repetition.sub, shape));
            if blanks { Some("a second blank") } else { unmet(&repetition.sub, shape) }
        }
        HirKind::Alternation(branches) => branches.iter().find_map(|branch| unmet(branch, shape)),
        HirKind::Concat(parts) => {
            let mut after_blank = false;
            for part in parts {
                match part.kind() {
                    HirKind::Look(Look::Start) => after_blank = true,
                    HirKind::Look(Look::End) if after_blank => return Some("a blank at the end"),
                    HirKind::Look(_) => {}
                    _ if after_blank && begins_blank(part, shape) => return Some("a blank beside another or at the beginning"),
                    _ => after_blank = ends_blank(part, shape),
                }
            }
            parts.iter().find_map(|part| unmet(part, shape))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => None,
    }
}

/// Whether some member of a class is as wanted.
fn members(class: &Class, wanted: impl Fn(char) -> bool) -> bool {
    match class {
        // Bytes beyond ASCII are parts of characters.
        Class::Bytes(bytes) => bytes.iter().any(|range| (range.start()..=range.end()).any(|b| !b.is_ascii() || wanted(b.into()))),
        Class::Unicode(chars) => chars.iter().any(|range| {
            u32::from(range.end()) - u32::from(range.start()) >= MAX_CLASS || (range.start()..=range.end()).any(&wanted)
        }),
    }
}

/// Whether every match begins with a blank or line end.
fn begins_blank(hir: &Hir, shape: Shape) -> bool {
    edge_is_blank(hir, shape, &|bytes| bytes.first().copied(), &|parts| parts.first())
}

/// Whether every match ends with one.
fn ends_blank(hir: &Hir, shape: Shape) -> bool {
    edge_is_blank(hir, shape, &|bytes| bytes.last().copied(), &|parts| parts.last())
}

fn edge_is_blank(hir: &Hir, shape: Shape, byte: &impl Fn(&[u8]) -> Option<u8>, part: &impl Fn(&[Hir]) -> Option<&Hir>) -> bool {
    let is_blank = |c: char| c == ' ' || c == '\n';
    let inner = |hir: &Hir| edge_is_blank(hir, shape, byte, part);
    match hir.kind() {
        HirKind::Literal(literal) => byte(&literal.0).is_some_and(|byte| is_blank(byte.into())),
        HirKind::Class(class) => !members(class, |c| !is_blank(c) && can_stand(shape, c)),
        HirKind::Capture(capture) => inner(&capture.sub),
        HirKind::Repetition(repetition) => repetition.min > 0 && inner(&repetition.sub),
        HirKind::Concat(parts) => part(parts).is_some_and(inner),
        HirKind::Alternation(branches) => branches.iter().all(inner),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::scanner::parse_regex;

    fn wrong(target: &str, pattern: &str) -> Option<String> {
        impossible(&Target::parse(target).unwrap(), pattern, &parse_regex(pattern).unwrap())
    }

    #[test]
    fn what_never_stands_in_normal_spelling() {
        for (pattern, part) in [
            ("Free", "write \"free\""),
            ("abc(?:d|[E-G])", "class"),
            ("don’t", "write \"don't\""),
            ("a  b", "write \"a b\""),
            ("a\\tb", "write \"a b\""),
            ("a\\nb", "write \"a b\""),
            ("a\u{200b}b", "write \"ab\""),
            ("(?:\u{200b}|x)y", "leave it out"),
            ("e\u{301}", "write \"é\""),
            ("ﬁnance", "write \"finance\""),
            ("É", "write \"é\""),
            ("\\u{201c}x", "write \"\\\"x\""),
            ("(?i:É)t", "write \"é\""),
            ("(?i)x(?-i)Y", "write \"y\""),
            ("x{2} {2}", "second blank"),
            ("a\\s{2,}b", "second blank"),
            ("a\\s\\b\\sb", "beside another"),
            ("(?:a|b) (?: c| d)", "beside another"),
            ("^ a", "at the beginning"),
            ("a\\s$", "at the end"),
            ("a[^\\x00-\\xff]", "class"),
            ("a\\x00", "write \"a\""),
        ] {
            let message = wrong("subject", pattern).unwrap_or_default();
            assert!(message.contains("subject") && message.contains(part), "{pattern}: {message}");
        }
        assert!(wrong("link.host", "bücher").unwrap().contains("holds hosts"));
        assert!(wrong("link.host", "a/b").is_some_and(|message| !message.contains("write")));
        assert!(wrong("envelope.client_address", "192 ").unwrap().contains("holds addresses"));
    }

    #[test]
    fn what_can_stand_there() {
        for pattern in [
            "free",
            "(?i)FREE",
            "(?P<Name>x)y",
            "(?<N>x)",
            "[A-Za-z]+x",
            r"\D\W\S\B.x",
            r"a\s+b\s*c ?d",
            r"\ba (?:b|c)\b",
            "é|ñ|漢字",
            r"\xe9\xA9",
            "^a$",
            " a ",
            "[^a-z]x",
            "a[ \\t]b",
            r"(?x) a  b",
            r"^\s*a",
            "x\u{301}",
        ] {
            assert_eq!(wrong("subject", pattern), None, "{pattern}");
        }
        assert_eq!(wrong("text", "a\\nb"), None);
        assert_eq!(wrong("subject.original", "Free  “x”"), None);
        assert_eq!(wrong("link.host", r"^\[2001:|x-_\.example$"), None);
    }

    #[test]
    fn texts_that_stand_in_no_value() {
        let lint = |target: &str, text: &str, whole| {
            let target = Target::parse(target).unwrap();
            misplaced(&target, &spelled(&target, text).unwrap(), whole).is_some()
        };
        assert!(!lint("subject", "“FREE”  offer", true));
        assert!(lint("subject", " free", true) && !lint("subject", " free", false));
        assert!(lint("link.host", "example.com/", false) && !lint("link.host", "EXAMPLE.com", true));
        assert!(lint("envelope.client_address", "localhost", true) && !lint("envelope.client_address", "2001:DB8::1", true));
        assert!(!lint("subject.original", " Free", true));
        assert!(lint("evidence.spf", "hardfail", true) && !lint("evidence.spf", "SoftFail", true));
        assert!(spelled(&Target::parse("subject").unwrap(), "\u{200b}").is_err());
    }

    #[test]
    fn letters_outside_ascii_are_not_folded() {
        let half = |target: &str, pattern: &str| half_folded(&Target::parse(target).unwrap(), pattern);
        assert_eq!(half("subject.original", "(?i)café"), Some('é'));
        assert_eq!(half("subject.original", "(?i)caf(?:é|É)"), None);
        assert_eq!(half("subject.original", "(?i:caf)é"), None);
        assert_eq!(half("subject.original", "(?i)漢字"), None);
        assert_eq!(half("subject", "(?i)café"), None);
    }
}
