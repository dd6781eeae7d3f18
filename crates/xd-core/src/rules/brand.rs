//! Brands that mail likes to impersonate: the names they go by and the domains they really send from.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use crate::Domain;
use crate::lookalike::{Likeness, Suspect};

use super::scanner::stands_alone;

/// Bytes of the longest domain (RFC 1035 §2.3.4).
const MAX_DOMAIN: usize = 253;

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
    /// Domains with the brands that send from them, sorted.
    owners_of_domains: Vec<(String, usize)>,
    /// What it was made of: names and domains, sorted.
    entries: Vec<(Vec<String>, Vec<String>)>,
}

impl Brands {
    /// Brands of names in normal spelling and their domains.
    pub(super) fn new(entries: Vec<(Vec<String>, Vec<String>)>) -> Self {
        let sorted = |texts: &Vec<String>| {
            let mut texts = texts.clone();
            texts.sort();
            texts
        };
        let mut known: Vec<_> = entries.iter().map(|(names, domains)| (sorted(names), sorted(domains))).collect();
        known.sort();
        let mut names = Vec::new();
        let mut owners = Vec::new();
        let mut brands = Vec::new();
        let mut owners_of_domains = Vec::new();
        for (index, (spellings, domains)) in entries.into_iter().enumerate() {
            owners.extend(spellings.iter().map(|_| index));
            owners_of_domains.extend(domains.iter().map(|domain: &String| (domain.clone(), index)));
            brands.push(Brand { names: spellings.iter().map(|name| Likeness::of(name)).collect(), domains });
            names.extend(spellings);
        }
        let automaton =
            AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA)).build(&names);
        owners_of_domains.sort_unstable();
        Self { brands, names: automaton.ok().filter(|_| !names.is_empty()), owners, owners_of_domains, entries: known }
    }

    /// Whether tests of brands mean the same with both.
    pub(super) fn are(&self, other: &Self) -> bool {
        self.entries == other.entries
    }

    /// The brands that one of the domains belongs to.
    pub(super) fn owned_by<'d>(&self, domains: impl Iterator<Item = &'d str>) -> Vec<bool> {
        let mut owned = vec![false; self.brands.len()];
        for domain in domains.filter(|domain| domain.len() <= MAX_DOMAIN) {
            let mut rest = domain;
            loop {
                // Several brands may send from one domain.
                let from = self.owners_of_domains.partition_point(|(name, _)| name.as_str() < rest);
                for (_, brand) in self.owners_of_domains[from..].iter().take_while(|(name, _)| name == rest) {
                    owned[*brand] = true;
                }
                match rest.split_once('.') {
                    Some((_, parent)) => rest = parent,
                    None => break,
                }
            }
        }
        owned
    }

    /// Where a text names a brand as a word that is not among the owned ones; an empty list owns none.
    pub(super) fn named_in(&self, text: &str, owned: &[bool]) -> Option<Range<usize>> {
        self.names
            .as_ref()?
            .find_overlapping_iter(text)
            .find(|hit| owned.get(self.owners[hit.pattern().as_usize()]) != Some(&true) && stands_alone(text, &hit.range()))
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

/// The first place where the finder's word stands as a whole word.
pub(super) fn find_word(text: &str, finder: &memmem::Finder<'_>) -> Option<Range<usize>> {
    let places = finder.find_iter(text.as_bytes()).map(|at| at..at + finder.needle().len());
    places.into_iter().find(|span| stands_alone(text, span))
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
        let named = |text: &str, own: &[&str]| brands.named_in(text, &brands.owned_by(own.iter().copied()));
        assert_eq!(named("your northwind bank team", &["evil.example"]), Some(5..14));
        assert_eq!(named("your northwind bank team", &["mail.northwind.example"]), None);
        assert_eq!(named("northwinds", &["evil.example"]), None);
        assert_eq!(named("hello", &[]), None);
        assert_eq!(named("contoso", &["contoso-mail.example"]), None);
    }
}
