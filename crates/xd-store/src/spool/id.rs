//! The name of a message in the spool: one number, written as thirteen digits and capital letters.

use std::fmt;
use std::str::FromStr;

/// Names a message for the life of its spool. Later messages have greater numbers: the upper bits are the time of arrival, in
/// milliseconds since 1970, the lower 20 count within a millisecond. Where the clock goes back, counting goes on.
///
/// # Example: how is one written?
/// ```
/// use xd_store::QueueId;
///
/// let id = QueueId::new(1_800_000_000_000 << 20);
/// assert_eq!(id.to_string(), "0EC8GI7SHYBK0");
/// assert_eq!("0ec8gi7shybk0".parse(), Ok(id));
/// assert_eq!(id.arrived(), 1_800_000_000_000);
/// assert!("0EC8GI7SHYBK".parse::<QueueId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QueueId(u64);

/// The caller: a text that names no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a queue id has 13 digits and letters, such as 0EC8GI7SHYBK0")]
pub struct QueueIdError;

/// How many messages one millisecond has room for, as a power of two.
const COUNT_BITS: u32 = 20;
/// As many as any number needs to the base of 36.
const LETTERS: usize = 13;

impl QueueId {
    /// The name with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// About when the message arrived, in milliseconds since 1970: later than it was if the clock went back.
    #[must_use]
    pub const fn arrived(self) -> u64 {
        self.0 >> COUNT_BITS
    }

    /// The first name that is free at a time when `last` is the greatest taken.
    pub(crate) fn following(last: u64, now: u64) -> Self {
        Self(last.saturating_add(1).max(now.min(u64::MAX >> COUNT_BITS) << COUNT_BITS))
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut letters, mut rest) = ([b'0'; LETTERS], self.0);
        for letter in letters.iter_mut().rev() {
            let digit = (rest % 36) as u8;
            *letter = if digit < 10 { b'0' + digit } else { b'A' + digit - 10 };
            rest /= 36;
        }
        // All of it is ASCII.
        f.write_str(std::str::from_utf8(&letters).unwrap_or_default())
    }
}

impl FromStr for QueueId {
    type Err = QueueIdError;

    fn from_str(text: &str) -> Result<Self, QueueIdError> {
        if text.len() != LETTERS {
            return Err(QueueIdError);
        }
        let add = |number: u64, letter: char| number.checked_mul(36)?.checked_add(u64::from(letter.to_digit(36)?));
        text.chars().try_fold(0, add).map(Self).ok_or(QueueIdError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back_and_sort_as_numbers_do(one: u64, other: u64) {
            let [one, other] = [one, other].map(QueueId::new);
            prop_assert_eq!(one.to_string().parse(), Ok(one));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }
    }

    #[test]
    fn a_clock_that_goes_back_names_nothing_twice() {
        let first = QueueId::following(0, 5_000);
        assert_eq!(first.arrived(), 5_000);
        let second = QueueId::following(first.number(), 4_000);
        assert!(second > first);
        assert_eq!(QueueId::following(second.number(), 5_001).arrived(), 5_001);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "ZZZZZZZZZZZZZ", "0EC8GI7SHYBK-", "0EC8GI7SHYBK\u{e9}", " 0EC8GI7SHYBK0"] {
            assert_eq!(text.parse::<QueueId>(), Err(QueueIdError), "{text}");
        }
    }
}
