//! Names one slip apart: a letter inserted, left out, replaced, or swapped with its neighbour.

use std::iter::once;

/// Brands of fewer letters have too many ordinary neighbours ("chase", "phase") for a slip to mean anything.
const LETTERS_FOR_A_SLIP: usize = 6;

/// A text and how many characters it has.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    pub(super) text: String,
    pub(super) chars: usize,
}

impl Spelling {
    pub(super) fn new(text: String) -> Self {
        Self { chars: text.chars().count(), text }
    }

    /// A number for the text, and one for each text that is left when a character is taken out. Texts one slip apart share
    /// one of them: what both leave when the letters that differ are taken out.
    pub(super) fn signs(&self) -> impl Iterator<Item = u64> {
        // The hash of a text is a polynomial over its characters; that of a text without one character is put together
        // from those of what stands before and after it.
        let whole = self.text.chars().fold(0, append);
        let (mut before, mut after, mut power) = (0_u64, whole, BASE.wrapping_pow(u32::try_from(self.chars).unwrap_or(0)));
        let without = self.text.chars().map(move |c| {
            power = power.wrapping_mul(INVERSE);
            after = after.wrapping_sub(term(c).wrapping_mul(power));
            let sign = before.wrapping_mul(power).wrapping_add(after);
            before = append(before, c);
            sign
        });
        once(whole).chain(without)
    }
}

/// The base of the polynomial: odd, so that it has an inverse.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
const INVERSE: u64 = inverse(BASE);

/// The inverse of an odd number modulo 2^64, by Newton's method: each step doubles the bits that are right, from three.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut right = 3;
    while right < u64::BITS {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        right *= 2;
    }
    inverse
}

fn append(hash: u64, c: char) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(term(c))
}

fn term(c: char) -> u64 {
    u64::from(c) + 1
}

/// Whether two names are equal, or one slip apart when the second is long enough.
#[inline]
pub(super) fn is_near(name: &Spelling, brand: &Spelling) -> bool {
    // Nearly all pairs end here.
    name.chars.abs_diff(brand.chars) <= 1 && is_equal_or_one_slip_apart(&name.text, &brand.text)
}

fn is_equal_or_one_slip_apart(name: &str, brand: &str) -> bool {
    if name == brand {
        return true;
    }
    if name.is_ascii() && brand.is_ascii() {
        return is_one_slip_apart(name.as_bytes(), brand.as_bytes());
    }
    is_one_slip_apart(&name.chars().collect::<Vec<_>>(), &brand.chars().collect::<Vec<_>>())
}

fn is_one_slip_apart<T: PartialEq>(name: &[T], brand: &[T]) -> bool {
    if brand.len() < LETTERS_FOR_A_SLIP || name.len().abs_diff(brand.len()) > 1 {
        return false;
    }
    let same = name.iter().zip(brand).take_while(|(a, b)| a == b).count();
    let (name, brand) = (name.get(same..).unwrap_or_default(), brand.get(same..).unwrap_or_default());
    match (name, brand) {
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && rest == other => true,
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([_, rest @ ..], all) if rest == all => true,
        (all, [_, other @ ..]) => all == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_one_slip_apart_share_a_sign(name in "[abcdé]{0,9}", brand in "[abcdé]{5,9}") {
            let (name, brand) = (Spelling::new(name), Spelling::new(brand));
            let signs: BTreeSet<u64> = brand.signs().collect();
            prop_assert!(!is_near(&name, &brand) || name.signs().any(|sign| signs.contains(&sign)));
        }

        #[test]
        fn signs_are_those_of_the_texts_that_are_left(text in "[abcdé]{1,9}") {
            let chars: Vec<char> = text.chars().collect();
            let left = (0..chars.len()).map(|out| {
                let rest = chars.iter().enumerate().filter(|(at, _)| *at != out);
                rest.fold(0, |hash, (_, &c)| append(hash, c))
            });
            prop_assert_eq!(Spelling::new(text.clone()).signs().skip(1).collect::<Vec<_>>(), left.collect::<Vec<_>>());
        }
    }
}
