//! The answers of all tests and the numbers they asked for, by their places in the register of the engine.
//!
//! Most tests are not met by most messages. What is written is how often each of the others was met, and which could not be
//! answered; a test holds when it was met often enough, so its truth needs no byte of its own.

use std::ops::Range;

use super::wire::{DecodeError, Reader, Wire, Writer, zigzag};
use super::wire::{FOUND, reason, reason_number, unzigzag};
use crate::rules::{Observation, Possible, Register};
use crate::{Known, Truth};

type Read<T> = Result<T, DecodeError>;

/// The answers of all tests. Those that are neither met nor open were met nowhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Outcomes {
    /// The places of tests that were met, with how often; ascending.
    met: Vec<(u32, u32)>,
    /// The places of tests that could not be answered, as runs; ascending, with a gap between any two.
    open: Vec<Range<u32>>,
    /// One past the last place, so that a record and an engine can be held against each other.
    end: u32,
}

/// The places and values of numbers that are not nought; ascending.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Numbers(Vec<(u32, Known<i64>)>);

impl Outcomes {
    pub(super) fn of(seen: &Observation<'_>, register: &Register) -> Self {
        let mut outcomes = Self::default();
        for (place, test) in (0_u32..).zip(register.tests()) {
            let outcome = &seen.outcomes[test.matcher];
            match outcome.truth {
                Truth::Unknown => match outcomes.open.last_mut() {
                    Some(run) if run.end == place => run.end += 1,
                    _ => outcomes.open.push(place..place + 1),
                },
                _ if outcome.count > 0 => outcomes.met.push((place, outcome.count)),
                _ => {}
            }
            debug_assert!(
                outcome.truth == Truth::Unknown || outcome.truth.is_true() == (outcome.count >= test.at_least),
                "a test holds when it is met often enough"
            );
        }
        outcomes.end = outcomes.last_place();
        outcomes
    }

    fn last_place(&self) -> u32 {
        let met = self.met.last().map_or(0, |(place, _)| place.saturating_add(1));
        self.open.last().map_or(0, |run| run.end).max(met)
    }

    /// Whether every place stands in a register.
    pub(super) fn fit(&self, register: &Register) -> bool {
        self.end as usize <= register.tests().len()
    }

    /// Tests that were met, by place, with how often.
    pub(super) fn met(&self) -> &[(u32, u32)] {
        &self.met
    }

    /// Runs of places of tests that could not be answered.
    pub(super) fn open(&self) -> &[Range<u32>] {
        &self.open
    }

    /// The tests that are not simply false, by index of matcher.
    pub(super) fn possible(&self, register: &Register, out: &mut Vec<(usize, Possible)>) {
        out.clear();
        let tests = register.tests();
        for &(place, count) in &self.met {
            if let Some(test) = tests.get(place as usize).filter(|test| count >= test.at_least) {
                out.push((test.matcher, Possible::exactly(Truth::True)));
            }
        }
        for run in &self.open {
            let run = tests.get(run.start as usize..run.end as usize).unwrap_or_default();
            out.extend(run.iter().map(|test| (test.matcher, Possible::exactly(Truth::Unknown))));
        }
    }
}

impl Wire for Outcomes {
    fn write(&self, out: &mut Writer) {
        out.count(self.met.len());
        let mut next = 0;
        for &(place, count) in &self.met {
            // The lowest bit says that the count follows, which is mostly one.
            out.number(u64::from(place - next) << 1 | u64::from(count != 1));
            if count != 1 {
                out.number(u64::from(count));
            }
            next = place + 1;
        }
        out.count(self.open.len());
        let mut next = 0;
        for run in &self.open {
            out.number(u64::from(run.start - next));
            out.number(u64::from(run.end - run.start - 1));
            next = run.end + 1;
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let mut outcomes = Self::default();
        let count = from.count()?;
        outcomes.met.reserve(count);
        let mut next = 0;
        for _ in 0..count {
            let at = from.at();
            let head = from.number()?;
            let times = match head & 1 {
                0 => 1,
                _ => from.small()?,
            };
            let place = place(next, head >> 1, at)?;
            if times == 0 || (times == 1 && head & 1 == 1) {
                return Reader::wrong(at, "a count of one is written out, or one of nought");
            }
            outcomes.met.push((place, times));
            next = place + 1;
        }
        let mut next = 0;
        let mut met = outcomes.met.iter().map(|(place, _)| *place).peekable();
        for _ in 0..from.count()? {
            let at = from.at();
            let start = place(next, from.number()?, at)?;
            let last = place(start, from.number()?, at)?;
            while met.next_if(|place| *place < start).is_some() {}
            if met.peek().is_some_and(|place| *place <= last) {
                return Reader::wrong(at, "a test is both met and open");
            }
            outcomes.open.push(start..last + 1);
            next = last.saturating_add(2);
        }
        outcomes.end = outcomes.last_place();
        Ok(outcomes)
    }
}

/// From here on values stand apart, so that none meets the numbers of states.
const LARGE: u64 = 1 << 62;

/// The place so many after another one.
fn place(next: u32, gap: u64, at: usize) -> Read<u32> {
    // Far above the tests of any rule set, and far enough from the end that a place after it can be counted.
    const MOST: u64 = u32::MAX as u64 / 2;
    match u64::from(next).checked_add(gap) {
        Some(place) if place < MOST => Ok(place as u32),
        _ => Reader::wrong(at, "no rule set has so many tests"),
    }
}

impl Numbers {
    pub(super) fn of(seen: &Observation<'_>, register: &Register) -> Self {
        let values = (0_u32..).zip(register.numbers()).map(|(place, number)| (place, seen.numbers[number.index()].clone()));
        Self(values.filter(|(_, value)| *value != Known::Found(0)).collect())
    }

    /// Whether every place stands in a register.
    pub(super) fn fit(&self, register: &Register) -> bool {
        self.0.last().is_none_or(|(place, _)| (*place as usize) < register.numbers().len())
    }

    /// The value of the number at a place.
    pub(super) fn value(&self, place: usize) -> Known<i64> {
        let found = self.0.binary_search_by_key(&place, |(known, _)| *known as usize);
        found.map_or(Known::Found(0), |index| self.0[index].1.clone())
    }
}

impl Wire for Numbers {
    fn write(&self, out: &mut Writer) {
        out.count(self.0.len());
        let mut next = 0;
        for (place, value) in &self.0 {
            out.number(u64::from(place - next));
            match value {
                Known::Absent => out.number(0),
                Known::Unknown(reason) => out.number(u64::from(reason_number(*reason))),
                Known::Found(value) if zigzag(*value) < LARGE => out.number(zigzag(*value) + u64::from(FOUND) + 1),
                Known::Found(value) => {
                    out.number(u64::from(FOUND));
                    out.signed(*value);
                }
            }
            next = place + 1;
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let count = from.count()?;
        let mut numbers = Vec::with_capacity(count);
        let mut next = 0;
        for _ in 0..count {
            let at = from.at();
            let place = place(next, from.number()?, at)?;
            let value = match from.number()? {
                0 => Known::Absent,
                // Before what is beyond it: a reason that came late stands where a nought would be, which is never written out.
                number if let Some(why) = reason(number) => Known::Unknown(why),
                number if number == u64::from(FOUND) => match from.signed()? {
                    value if zigzag(value) >= LARGE => Known::Found(value),
                    _ => return Reader::wrong(at, "a small number is written as a large one"),
                },
                number => match number - u64::from(FOUND) - 1 {
                    value if value < LARGE => Known::Found(unzigzag(value)),
                    _ => return Reader::wrong(at, "a large number is written as a small one"),
                },
            };
            numbers.push((place, value));
            next = place + 1;
        }
        Ok(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back() {
        let outcomes = Outcomes { met: vec![(0, 1), (3, 7), (90, 1)], open: vec![1..3, 5..90], end: 91 };
        let mut out = Writer::default();
        outcomes.write(&mut out);
        assert_eq!(out.bytes, [3, 0, 5, 7, 172, 1, 2, 1, 1, 1, 84]);
        assert_eq!(Outcomes::read(&mut Reader::new(&out.bytes)), Ok(outcomes));
    }

    #[test]
    fn a_test_is_not_both_met_and_open() {
        assert!(Outcomes::read(&mut Reader::new(&[1, 6, 1, 3, 0])).is_err());
        assert!(Outcomes::read(&mut Reader::new(&[1, 6, 1, 2, 0])).is_ok());
        assert!(Outcomes::read(&mut Reader::new(&[1, 6, 1, 4, 0])).is_ok());
    }

    #[test]
    fn numbers_come_back() {
        use crate::Unknown;
        let numbers = Numbers(vec![
            (1, Known::Found(i64::MAX)),
            (2, Known::Found(-1)),
            (3, Known::Absent),
            (9, Known::Unknown(Unknown::Timeout)),
            (10, Known::Unknown(Unknown::Refused)),
            (11, Known::Found(-1)),
        ]);
        let mut out = Writer::default();
        numbers.write(&mut out);
        assert_eq!(Numbers::read(&mut Reader::new(&out.bytes)).as_ref(), Ok(&numbers));
        assert_eq!((numbers.value(2), numbers.value(4)), (Known::Found(-1), Known::Found(0)));
    }
}
