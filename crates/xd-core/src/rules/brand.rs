//! Brands that mail likes to impersonate: the names they go by and the domains they really send from.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::Domain;
use crate::lookalike::{Likeness, Suspect};

use super::scanner::stands_alone;

/// Characters of a value that are searched for brands; names and subjects are shorter.
const MAX_VALUE: usize = 2_000;

#[derive(Debug)]
struct Brand {
    names: Vec<Likeness>,
    /// Domains in lower case.
    domains: Vec<String>,
}

/// All brands, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Brands {
    brands: Vec<Brand>,
    names: Option<AhoCorasick>,
    /// The brand of each name in `names`.
    owners: Vec<usize>,
}

impl Brands {
    /// Brands of names in normal spelling and their domains.
    pub(super) fn new(entries: Vec<(Vec<String>, Vec<String>)>) -> Self {
        let mut names = Vec::new();
        let mut owners = Vec::new();
        let mut brands = Vec::new();
        for (index, (spellings, domains)) in entries.into_iter().enumerate() {
            owners.extend(spellings.iter().map(|_| index));
            brands.push(Brand { names: spellings.iter().map(|name| Likeness::of(name)).collect(), domains });
            names.extend(spellings);
        }
        let automaton =
            AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA)).build(&names);
        Self { brands, names: automaton.ok().filter(|_| !names.is_empty()), owners }
    }

    /// Where a text names a brand as a word though none of `own` domains is the brand's.
    pub(super) fn named_in(&self, text: &str, own: &[&str]) -> Option<Range<usize>> {
        let names = self.names.as_ref()?;
        let searched = text.as_bytes().get(..MAX_VALUE).unwrap_or(text.as_bytes());
        let foreign = |owner: usize| {
            let brand = &self.brands[owner];
            !own.iter().any(|domain| brand.domains.iter().any(|ours| below(domain, ours)))
        };
        names
            .find_overlapping_iter(searched)
            .find(|hit| foreign(self.owners[hit.pattern().as_usize()]) && stands_alone(text, &hit.range()))
            .map(|hit| hit.range())
    }

    /// Whether a domain looks like a brand's and is not one of them.
    pub(super) fn resembled_by(&self, domain: &str) -> bool {
        // Addresses and bare suffixes are nobody's name.
        let Ok(domain) = Domain::parse(domain) else { return false };
        let label = domain.to_unicode_name();
        let suspect = Suspect::of(&label);
        self.brands.iter().any(|brand| {
            brand.names.iter().any(|name| suspect.resembles(name)) && !brand.domains.iter().any(|ours| domain.is_within(ours))
        })
    }
}

/// Whether `domain` is `ancestor` or lies below it.
fn below(domain: &str, ancestor: &str) -> bool {
    domain.strip_suffix(ancestor).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The first place where `word` stands as a whole word.
pub(super) fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let (&first, last_start) = (word.as_bytes().first()?, text.len().checked_sub(word.len())?);
    // Texts and words are short and many: a searcher would take longer to build than to run.
    let starts = memchr::memchr_iter(first, &text.as_bytes()[..=last_start]);
    starts.map(|at| at..at + word.len()).find(|span| text.get(span.clone()) == Some(word) && stands_alone(text, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brands() -> Brands {
        Brands::new(vec![
            (vec!["northwind bank".into(), "northwind".into()], vec!["northwind.example".into()]),
            (vec!["contoso".into()], vec!["contoso.example".into(), "contoso-mail.example".into()]),
        ])
    }

    #[test]
    fn lookalikes_are_not_the_brand_itself() {
        let brands = brands();
        for (domain, expected) in [
            ("c0ntoso.example", true),
            ("login.contoso-mail.example", false),
            ("cont0so-support.example", true),
            ("contoso.example", false),
            ("xn--cntoso-wqf.example", true), // Cyrillic о
            ("pontoons.example", false),
            ("192.0.2.7", false),
        ] {
            assert_eq!(brands.resembled_by(domain), expected, "{domain}");
        }
    }

    #[test]
    fn a_name_is_foreign_outside_its_domains() {
        let brands = brands();
        assert_eq!(brands.named_in("your northwind bank team", &["evil.example"]), Some(5..14));
        assert_eq!(brands.named_in("your northwind bank team", &["mail.northwind.example"]), None);
        assert_eq!(brands.named_in("northwinds", &["evil.example"]), None);
        assert_eq!(brands.named_in("hello", &[]), None);
        assert_eq!(brands.named_in("contoso", &["contoso-mail.example"]), None);
    }
}
