//! The sets of texts that tests look for: their lists filled in, each text spelled as its target is and checked.

use crate::Domain;
use crate::rules::literal;
use crate::rules::read::Located;
use crate::rules::source::{RuleError, RuleSource};
use crate::rules::spelling;
use crate::rules::syntax::SetTree;
use crate::rules::target::Target;

use super::{Compiler, nested, times};

impl<'s> Compiler<'s> {
    /// The texts of a set that are looked for in values, ignoring ASCII case; each that is met counts once.
    pub(super) fn counted(
        &mut self,
        source: &RuleSource,
        target: &Target,
        set: &'s SetTree,
        at_least: &Located<u32>,
        words: bool,
    ) -> Result<Vec<String>, RuleError> {
        let mut texts = self.texts(source, target, set, false)?;
        texts.iter_mut().for_each(|(text, _)| text.make_ascii_lowercase());
        texts.sort_by(|(a, _), (b, _)| a.cmp(b));
        texts.dedup_by(|(a, _), (b, _)| a == b);
        if at_least.value as usize > texts.len() {
            let message = format!("at least {} of {} different texts can never be met", at_least.value, texts.len());
            return Err(source.error(at_least.span.clone(), message));
        }
        if at_least.value > 1 {
            for (outer, inner) in nested::pairs(&texts, words) {
                let ((outer, place), (inner, _)) = (&texts[outer], &texts[inner]);
                let message = format!("{outer:?} holds {inner:?} and so counts as two; leave one of them out");
                self.lints.push(source.error(place.span.clone(), message));
            }
        }
        Ok(only_texts(texts))
    }

    /// The texts of a set with its lists filled in, spelled as the target is, sorted. `whole` asks for them as whole values.
    pub(super) fn texts(
        &mut self,
        source: &RuleSource,
        target: &Target,
        set: &'s SetTree,
        whole: bool,
    ) -> Result<Vec<(String, &'s Located<String>)>, RuleError> {
        let mut texts = Vec::new();
        for (text, place) in self.entries(source, set)? {
            let error = |message| source.error(place.span.clone(), message);
            let spelled = spelling::spelled(target, text).map_err(error)?;
            if target.shape().is_text() && spelled.len() < literal::MIN_LITERAL && !spelled.contains(' ') {
                let message = format!("{text:?} is shorter than {} bytes: it stands in every text", literal::MIN_LITERAL);
                return Err(error(message));
            }
            self.lints.extend(spelling::misplaced(target, &spelled, whole).map(error));
            texts.push((spelled, place));
        }
        texts.sort_by(|(a, _), (b, _)| a.cmp(b));
        texts.dedup_by(|(a, _), (b, _)| a == b);
        Ok(texts)
    }

    /// The domains of a set with its lists filled in, sorted.
    pub(super) fn domains(&self, source: &RuleSource, set: &'s SetTree) -> Result<Vec<String>, RuleError> {
        let mut domains = Vec::new();
        for (text, place) in self.entries(source, set)? {
            match Domain::parse(text) {
                Ok(domain) => domains.push(domain.as_str().to_owned()),
                Err(error) => return Err(source.error(place.span.clone(), format!("{text:?} is no domain: {error}"))),
            }
        }
        domains.sort();
        domains.dedup();
        Ok(domains)
    }

    /// The entries of a set with its lists filled in, each with the place in the set.
    fn entries(&self, source: &RuleSource, set: &'s SetTree) -> Result<Vec<(&'s str, &'s Located<String>)>, RuleError> {
        let mut entries = Vec::new();
        for entry in set {
            match entry.value.strip_prefix('@') {
                None => entries.push((entry.value.as_str(), entry)),
                Some(name) => match self.lists.get(name) {
                    Some(list) => entries.extend(list.iter().map(|text| (*text, entry))),
                    None => return Err(source.error(entry.span.clone(), format!("there is no list {name:?}"))),
                },
            }
        }
        Ok(entries)
    }
}

pub(super) fn only_texts(texts: Vec<(String, &Located<String>)>) -> Vec<String> {
    texts.into_iter().map(|(text, _)| text).collect()
}

/// How a test of a set reads.
pub(super) fn listed(target: &Target, matcher: &str, texts: &[String], at_least: u32) -> String {
    let mut reads = format!("{target} {matcher} [");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            reads.push_str(", ");
        }
        // Escaped, since tests that read the same are one; nearly none needs it, and there are thousands.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            reads.extend(["\"", text, "\""]);
        } else {
            reads += &format!("{text:?}");
        }
    }
    reads += "]";
    reads + &times(at_least)
}
