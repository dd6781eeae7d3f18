//! Brands of all rule files in one: each name belongs to one brand, a domain may belong to several.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Files;
use crate::normalize;
use crate::rules::brand::Brands;
use crate::rules::source::{RuleError, RuleSource};

/// The brands of all files, and what is said twice in them. One whose names cannot be looked for is an error at the first.
pub(super) fn brands(files: &Files<'_>, errors: &mut Vec<RuleError>, lints: &mut Vec<RuleError>) -> Option<Brands> {
    let mut owners: BTreeMap<String, (usize, &RuleSource, Range<usize>)> = BTreeMap::new();
    let mut entries = Vec::new();
    let mut first = None;
    let all = files.iter().flat_map(|(source, tree)| tree.brands.iter().map(move |brand| (*source, brand)));
    for (index, (source, brand)) in all.enumerate() {
        let mut names = Vec::new();
        for name in &brand.names {
            let span = name.span.clone();
            first.get_or_insert_with(|| (source, span.clone()));
            let spelled = normalize(&name.value);
            if spelled.is_empty() {
                errors.push(source.error(span, format!("{:?} is empty in normal spelling, so it names nobody", name.value)));
                continue;
            }
            match owners.get(&spelled) {
                None => {
                    owners.insert(spelled.clone(), (index, source, span));
                    names.push(spelled);
                }
                Some((owner, ..)) if *owner == index => {
                    lints.push(source.error(span, format!("the brand goes by {:?} already", name.value)));
                }
                // Mail from the domains of one would be a foreign use of the other's name.
                Some((_, other, at)) => {
                    let message = format!(
                        "{:?} is the name of the brand at {} already; give one brand the domains of both",
                        name.value,
                        other.place(at.clone())
                    );
                    errors.push(source.error(span, message));
                }
            }
        }
        let mut domains: Vec<String> = Vec::new();
        for domain in &brand.domains {
            let text = domain.value.as_str();
            if domains.iter().any(|known| known == text) {
                lints.push(source.error(domain.span.clone(), format!("the brand sends from {text} already")));
            } else {
                domains.push(text.to_owned());
            }
        }
        entries.push((names, domains));
    }
    match Brands::try_new(entries) {
        Ok(brands) => Some(brands),
        Err(message) => {
            errors.extend(first.map(|(source, span)| source.error(span, message)));
            None
        }
    }
}
