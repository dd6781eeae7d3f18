//! Sets of fields: finding them, and whether they are whole (RFC 8617 §4.2, §5.2 steps 1 to 3).

use super::StructureFault;
use crate::content::{Content, Field};
use crate::dkim::tags::{Tags, number, trim};

/// Sets of a chain (RFC 8617 §4.2.1).
pub const MAX_SETS: usize = 50;
/// Octets of all fields of a chain: 50 sets of the usual size have 150,000. Each seal covers all before it.
pub const MAX_CHAIN: usize = 1 << 18;

/// What one handler added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Set<'a> {
    pub(crate) results: Field<'a>,
    pub(crate) message: Field<'a>,
    pub(crate) seal: Field<'a>,
}

/// What a seal says of the chain before it (`cv=`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Validation {
    Fail,
    None,
    Other,
    Pass,
}

/// The sets of a message, first to last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets<'a> {
    pub(crate) sets: Vec<Set<'a>>,
    /// The highest instance of any field, whole or not.
    pub(crate) highest: u32,
    pub(crate) fault: Option<StructureFault>,
    /// The last seal says that the chain had failed.
    pub(crate) has_failed: bool,
}

impl<'a> Sets<'a> {
    pub(crate) fn of(content: &Content<'a>) -> Self {
        let mut found = Self::default();
        let mut slots: Vec<[Option<Field<'a>>; 3]> = Vec::new();
        let mut octets = 0;
        for field in content.fields() {
            let Some(kind) = NAMES.iter().position(|name| field.is(name)) else { continue };
            octets += field.raw().len();
            let fault = match instance(field, kind) {
                _ if octets > MAX_CHAIN => StructureFault::TooLarge,
                None => StructureFault::Instance,
                Some(instance) => {
                    found.highest = found.highest.max(instance);
                    let at = instance as usize - 1;
                    if slots.len() <= at {
                        slots.resize(at + 1, [None; 3]);
                    }
                    match slots[at][kind].replace(*field) {
                        None => continue,
                        Some(_) => StructureFault::Duplicate(instance),
                    }
                }
            };
            found.fault.get_or_insert(fault);
        }
        let last_seal = slots.last().and_then(|[.., seal]| seal.as_ref());
        found.has_failed = last_seal.is_some_and(|seal| validation(seal) == Validation::Fail);
        if found.fault.is_none() {
            found.complete(&slots);
        }
        found
    }

    /// Whether there is no field of a chain.
    pub(crate) fn is_empty(&self) -> bool {
        self.highest == 0 && self.fault.is_none()
    }

    fn complete(&mut self, slots: &[[Option<Field<'a>>; 3]]) {
        for (instance, slot) in (1..).zip(slots) {
            let [Some(results), Some(message), Some(seal)] = *slot else {
                self.fault = Some(StructureFault::Missing(instance));
                return;
            };
            let validation = validation(&seal);
            // RFC 8617 §5.2 step 3: the first seal says none, later ones pass; the last may say that the chain failed.
            let expected = if instance == 1 { Validation::None } else { Validation::Pass };
            let is_last = slots.len() == instance as usize;
            if validation != expected && !(validation == Validation::Fail && is_last) {
                self.fault = Some(StructureFault::Validation(instance));
                return;
            }
            self.sets.push(Set { results, message, seal });
        }
    }
}

impl Set<'_> {
    /// What follows `i=N;` in ARC-Authentication-Results.
    pub(crate) fn results_text(&self) -> Box<str> {
        let value = self.results.value();
        let start = memchr::memchr(b';', value).map_or(value.len(), |at| at + 1);
        String::from_utf8_lossy(trim(&value[start..])).into()
    }
}

const NAMES: [&str; 3] = ["ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"];

fn instance(field: &Field<'_>, kind: usize) -> Option<u32> {
    let digits = if kind == 0 {
        // RFC 8617 §4.1.1: `i=N;` comes first.
        let end = memchr::memchr(b';', field.value())?;
        let rest = trim(&field.value()[..end]).strip_prefix(b"i")?;
        trim(trim(rest).strip_prefix(b"=")?)
    } else {
        Tags::parse(field.value()).ok()?.get("i")?
    };
    let instance = u32::try_from(number(digits).filter(|_| digits.len() <= 2)?).ok()?;
    (1..=MAX_SETS as u32).contains(&instance).then_some(instance)
}

fn validation(seal: &Field<'_>) -> Validation {
    let tags = Tags::parse(seal.value());
    match tags.as_ref().ok().and_then(|tags| tags.get("cv")) {
        Some(b"fail") => Validation::Fail,
        Some(b"none") => Validation::None,
        Some(b"pass") => Validation::Pass,
        _ => Validation::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(instance: &str, validation: &str) -> String {
        format!(
            "ARC-Seal: i={instance}; cv={validation}\r\nARC-Message-Signature: i={instance}; a=b\r\n\
             ARC-Authentication-Results: i={instance}; example.com; none\r\n"
        )
    }

    fn fault(text: &str) -> Result<usize, StructureFault> {
        let content = Content::split(text.as_bytes());
        let sets = Sets::of(&content);
        sets.fault.map_or(Ok(sets.sets.len()), Err)
    }

    #[test]
    fn whole_and_broken_sets() {
        let (one, two) = (set("1", "none"), set("2", "pass"));
        for (text, expected) in [
            (String::new(), Ok(0)),
            ("Subject: ARC\r\n".to_owned(), Ok(0)),
            (one.clone(), Ok(1)),
            (two.clone() + &one, Ok(2)),
            (one.clone() + &two, Ok(2)),
            (set("2", "fail") + &one, Ok(2)),
            (set("1", "fail"), Ok(1)),
            (set("1", "pass"), Err(StructureFault::Validation(1))),
            (set("2", "none") + &one, Err(StructureFault::Validation(2))),
            (set("3", "pass") + &set("2", "fail") + &one, Err(StructureFault::Validation(2))),
            (two.clone(), Err(StructureFault::Missing(1))),
            (one.replacen("ARC-Seal", "X", 1), Err(StructureFault::Missing(1))),
            (one.clone() + &one, Err(StructureFault::Duplicate(1))),
            (set("0", "none"), Err(StructureFault::Instance)),
            (set("51", "none"), Err(StructureFault::Instance)),
            (set("a", "none"), Err(StructureFault::Instance)),
            (one.replace("Results: i=1; example.com", "Results: example.com; i=1"), Err(StructureFault::Instance)),
            (one.replace("Results: i=1;", "Results: i = 1\r\n ;"), Ok(1)),
            (one.replace("a=b", "a=b;;"), Err(StructureFault::Instance)),
        ] {
            assert_eq!(fault(&text), expected, "{text}");
        }
    }

    #[test]
    fn chains_are_limited() {
        let chain = (2..=50).fold(set("1", "none"), |chain, instance| set(&instance.to_string(), "pass") + &chain);
        assert_eq!(fault(&chain), Ok(MAX_SETS));
        let fill = |length: usize| set("1", "none").replacen("cv=none", &format!("cv=none; n={}", "n".repeat(length)), 1);
        let rest = fill(0).len() - 3 * "\r\n".len();
        assert_eq!(fault(&fill(MAX_CHAIN - rest)), Ok(1));
        assert_eq!(fault(&fill(MAX_CHAIN - rest + 1)), Err(StructureFault::TooLarge));
    }

    #[test]
    fn what_a_handler_saw() {
        let text = set("1", "none");
        let content = Content::split(text.as_bytes());
        assert_eq!(&*Sets::of(&content).sets[0].results_text(), "example.com; none");
    }
}
