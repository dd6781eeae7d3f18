//! The literals that any match of a pattern must contain, found from its syntax tree.
//!
//! They let one pass over a text say which patterns need to be tried at all, and near which places.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter literals occur everywhere and gate nothing.
pub(crate) const MIN_LITERAL: usize = 3;
/// More literals than this for one pattern cost more than they save.
const MAX_SET: usize = 128;
/// Longer literals gate no better.
const MAX_LITERAL: usize = 32;
/// A class of more characters is not spelled out.
const MAX_CLASS: usize = 10;

/// Literals in ASCII lower case of which every match contains at least one, ignoring ASCII case; each of at least
/// [`MIN_LITERAL`] bytes. None when there is no such set.
pub(crate) fn required(pattern: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut best = analyse(pattern).best()?;
    best.sort_unstable();
    best.dedup();
    (shortest(&best) >= MIN_LITERAL).then_some(best)
}

type Set = Vec<Vec<u8>>;

struct Analysis {
    /// All texts that match, when they are few.
    exact: Option<Set>,
    /// Texts of which each match contains one.
    required: Option<Set>,
}

impl Analysis {
    fn nothing() -> Self {
        Self { exact: None, required: None }
    }

    fn exact(set: Set) -> Self {
        Self { exact: Some(set), required: None }
    }

    fn best(self) -> Option<Set> {
        better(self.exact, self.required)
    }
}

fn shortest(set: &Set) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

/// The set that gates better: longer literals first, then fewer.
fn better(a: Option<Set>, b: Option<Set>) -> Option<Set> {
    // Beyond eight bytes length hardly matters; fewer literals then do.
    let rank = |set: &Set| (shortest(set).min(8), usize::MAX - set.len());
    match (a, b) {
        (Some(a), Some(b)) => Some(if rank(&b) > rank(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn analyse(pattern: &Hir) -> Analysis {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Analysis::exact(vec![Vec::new()]),
        HirKind::Literal(literal) => Analysis::exact(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => class_members(class).map_or_else(Analysis::nothing, Analysis::exact),
        HirKind::Capture(capture) => analyse(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = analyse(&repetition.sub);
            match (repetition.min, repetition.max) {
                (1, Some(1)) => inner,
                (0, Some(1)) => match inner.exact {
                    Some(mut set) if set.len() < MAX_SET => {
                        set.push(Vec::new());
                        Analysis::exact(set)
                    }
                    _ => Analysis::nothing(),
                },
                (0, _) => Analysis::nothing(),
                (min, max) => {
                    let mut repeated = Some(vec![Vec::new()]);
                    for _ in 0..min.min(MAX_LITERAL as u32) {
                        repeated = match (&repeated, &inner.exact) {
                            (Some(left), Some(right)) => product(left, right),
                            _ => None,
                        };
                    }
                    if max == Some(min) && min <= MAX_LITERAL as u32 && repeated.is_some() {
                        return Analysis { exact: repeated, required: inner.required };
                    }
                    let required = better(repeated, inner.best());
                    Analysis { exact: None, required }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn class_members(class: &Class) -> Option<Set> {
    let mut members: Set = match class {
        Class::Bytes(bytes) => {
            let total: usize = bytes.iter().map(regex_syntax::hir::ClassBytesRange::len).sum();
            if total > MAX_CLASS {
                return None;
            }
            bytes.iter().flat_map(|range| range.start()..=range.end()).map(|b| vec![b.to_ascii_lowercase()]).collect()
        }
        Class::Unicode(chars) => {
            let total: usize = chars.iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
            if total > MAX_CLASS {
                return None;
            }
            let spelled = |c: char| c.to_string().to_ascii_lowercase().into_bytes();
            chars.iter().flat_map(|range| range.start()..=range.end()).map(spelled).collect()
        }
    };
    members.sort_unstable();
    members.dedup();
    (!members.is_empty()).then_some(members)
}

/// Every text of `left` followed by every text of `right`, unless they become too many or too long.
fn product(left: &Set, right: &Set) -> Option<Set> {
    if left.len().saturating_mul(right.len()) > MAX_SET {
        return None;
    }
    let mut all = Set::new();
    for a in left {
        for b in right {
            if a.len() + b.len() > MAX_LITERAL {
                return None;
            }
            all.push([a.as_slice(), b.as_slice()].concat());
        }
    }
    Some(all)
}

fn concat(parts: &[Hir]) -> Analysis {
    let mut run: Set = vec![Vec::new()];
    let mut whole = true;
    let mut required = None;
    for part in parts {
        let inner = analyse(part);
        let joined = inner.exact.as_ref().and_then(|exact| product(&run, exact));
        match joined {
            Some(longer) => run = longer,
            None => {
                whole = false;
                let ended = std::mem::replace(&mut run, vec![Vec::new()]);
                required = better(required, Some(ended));
                if let Some(exact) = &inner.exact {
                    run.clone_from(exact);
                }
            }
        }
        required = better(required, inner.required);
    }
    if whole { Analysis { exact: Some(run), required } } else { Analysis { exact: None, required: better(required, Some(run)) } }
}

fn alternation(branches: &[Hir]) -> Analysis {
    let analyses: Vec<Analysis> = branches.iter().map(analyse).collect();
    let exact: Option<Set> = analyses.iter().map(|a| a.exact.clone()).collect::<Option<Vec<Set>>>().map(|sets| sets.concat());
    if let Some(set) = exact
        && set.len() <= MAX_SET
    {
        return Analysis::exact(set);
    }
    let required: Option<Set> = analyses.into_iter().map(Analysis::best).collect::<Option<Vec<Set>>>().map(|sets| sets.concat());
    Analysis { exact: None, required: required.filter(|set| set.len() <= MAX_SET) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        required(&hir).map(|set| set.into_iter().map(|literal| String::from_utf8(literal).unwrap()).collect())
    }

    fn some(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn literals_of_patterns() {
        assert_eq!(of("free money"), some(&["free money"]));
        assert_eq!(of("(?i)FREE"), some(&["free"]));
        assert_eq!(of("free|gratis"), some(&["free", "gratis"]));
        assert_eq!(of(r"\bact (?:now|today)\b"), some(&["act now", "act today"]));
        assert_eq!(of(r"[0-9]+ million dollars?"), some(&[" million dollar", " million dollars"]));
        assert_eq!(of("(?:abc){2}"), some(&["abcabc"]));
        assert_eq!(of("(?:abc)+"), some(&["abc"]));
        assert_eq!(of("gr[ae]y"), some(&["gray", "grey"]));
    }

    #[test]
    fn patterns_without() {
        for pattern in ["[a-z]+", "a|bcd", r"\d{3}-\d{4}", "(?:abc)*", "ab", ".*", "(?:abc)?x"] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }
}
