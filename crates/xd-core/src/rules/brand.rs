//! Brands that mail likes to impersonate: the names they go by and the domains they really send from.

use std::ops::Range;

use crate::Domain;
use crate::lookalike::{Likeness, Suspect};

use super::finder::Finder;
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
    names: Finder,
    /// The brand of each name in `names`.
    owners: Vec<usize>,
    /// Domains with the brands that send from them, sorted.
    owners_of_domains: Vec<(String, usize)>,
    /// What it was made of: names and domains, sorted.
    entries: Vec<(Vec<String>, Vec<String>)>,
    /// The signs of names ([`Likeness::signs`]), each with the name's brand and its place among the brand's names; sorted.
    signs: Vec<(u64, u32, u32)>,
    /// One bit for the last bits of each sign: nearly all signs of ordinary domains end here.
    sign_map: Box<[u64]>,
    /// The characters of the longest name.
    longest: usize,
}

/// Bits of the map of signs; 8 KiB. The names that come with xd have some three thousand signs.
const SIGN_BITS: usize = 1 << 16;

impl Brands {
    /// Brands of names in normal spelling and their domains.
    ///
    /// # Errors
    /// When there are more names than can be looked for at once; says why.
    pub(super) fn try_new(entries: Vec<(Vec<String>, Vec<String>)>) -> Result<Self, String> {
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
        let names = Finder::try_new(names.into_iter().map(String::into_bytes).collect())?;
        owners_of_domains.sort_unstable();
        let longest = brands.iter().flat_map(|brand| &brand.names).map(Likeness::longest).max().unwrap_or(0);
        let mut signs = Vec::new();
        for (brand, entry) in (0..).zip(&brands) {
            for (name, likeness) in (0..).zip(&entry.names) {
                signs.extend(likeness.signs().map(|sign| (sign, brand, name)));
            }
        }
        signs.sort_unstable();
        signs.dedup();
        let mut sign_map = vec![0_u64; SIGN_BITS / 64].into_boxed_slice();
        for (sign, ..) in &signs {
            let bit = bit_of(*sign);
            sign_map[bit / 64] |= 1 << (bit % 64);
        }
        Ok(Self { brands, names, owners, owners_of_domains, signs, sign_map, longest, entries: known })
    }

    /// Names and domains of each, sorted.
    pub(super) fn entries(&self) -> &[(Vec<String>, Vec<String>)] {
        &self.entries
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

    /// Where a text in normal spelling names a brand as a word that is not among the owned ones; an empty list owns none.
    pub(super) fn named_in(&self, text: &str, owned: &[bool]) -> Option<Range<usize>> {
        let mut first: Option<Range<usize>> = None;
        self.names.find(text, true, |name, span| {
            let earlier = first.as_ref().is_none_or(|first| (span.end, span.start) < (first.end, first.start));
            if earlier && owned.get(self.owners[name]) != Some(&true) && stands_alone(text, &span) {
                first = Some(span);
            }
        });
        first
    }

    /// Whether a domain looks like a brand's and is not one of them.
    pub(super) fn resembled_by(&self, domain: &str) -> bool {
        // Addresses and bare suffixes are nobody's name.
        let Ok(domain) = Domain::parse(domain) else { return false };
        let label = domain.to_unicode_name();
        let suspect = Suspect::of(&label);
        suspect.signs(self.longest).any(|sign| {
            self.signed(sign).any(|(brand, name)| {
                suspect.resembles(&brand.names[name]) && !brand.domains.iter().any(|ours| domain.is_within(ours))
            })
        })
    }

    /// The names that have a sign: brands, and the places among their names.
    fn signed(&self, sign: u64) -> impl Iterator<Item = (&Brand, usize)> {
        let bit = bit_of(sign);
        let known = self.sign_map.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0);
        let from = if known { self.signs.partition_point(|(other, ..)| *other < sign) } else { self.signs.len() };
        let signed = self.signs[from..].iter().take_while(move |(other, ..)| *other == sign);
        signed.map(|&(_, brand, name)| (&self.brands[brand as usize], name as usize))
    }
}

fn bit_of(sign: u64) -> usize {
    (sign >> 48) as usize % SIGN_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brands() -> Brands {
        Brands::try_new(vec![
            (vec!["northwind bank".into(), "northwind".into()], vec!["northwind.example".into()]),
            (vec!["contoso".into()], vec!["contoso.example".into(), "contoso-mail.example".into()]),
        ])
        .unwrap()
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
