//! Messages that are known again by their id alone: a sink can tell whether each byte is right.

use std::fmt;

/// Names a message: which cycle, which session, which of its messages.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Id {
    pub(crate) cycle: u32,
    pub(crate) session: u32,
    pub(crate) number: u32,
}

impl Id {
    /// The id that a message says it has.
    pub(crate) fn of(content: &str) -> Option<Self> {
        let line = content.lines().find_map(|line| line.strip_prefix("X-Lab: "))?;
        let mut numbers = line.split('-').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { cycle: next()?, session: next()?, number: next()? })
    }

    /// A number that differs from message to message, and is always the same for one.
    pub(crate) fn hash(self) -> u32 {
        let mut hash = 0x811c_9dc5_u32;
        for part in [self.cycle, self.session, self.number] {
            hash = (hash ^ part).wrapping_mul(0x0100_0193);
            hash ^= hash >> 15;
        }
        hash
    }

    /// The whole message: lines of every length, some of dots.
    pub(crate) fn content(self) -> String {
        let mut text = format!("From: a@example.org\r\nTo: b@example.com\r\nSubject: {self}\r\nX-Lab: {self}\r\n\r\n");
        let mut state = self.hash();
        for _ in 0..20 + state % 60 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let dots = ".".repeat((state >> 28) as usize % 3);
            text += &format!("{dots}{}\r\n", "word ".repeat((state >> 16) as usize % 14).trim_end());
        }
        text
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.cycle, self.session, self.number)
    }
}
