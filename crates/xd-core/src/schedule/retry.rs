//! The schedule of one message at one next hop: at once, then about every 20 minutes, for 7 days (RFC 5321 §4.5.4.1 asks for
//! 4 to 5 days at least).

use super::{Steady, Wall};

/// How long to wait between attempts, and when to give up.
///
/// Each wait is drawn from `interval ± jitter` by a hash of node, message and attempt: messages that failed together do not
/// come back together, and two nodes that share a backlog do not knock in step.
///
/// # Example: when is the message tried again?
/// ```
/// use xd_core::schedule::{Plan, RetryPolicy, Steady, Wall};
///
/// let policy = RetryPolicy::default();
/// let minute = 60_000;
/// let plan = policy.after_attempt(b"mx1.example.net", 7, 1, Wall(0), Wall(5), Steady(1000));
/// let Plan::Retry(at) = plan else { panic!("a young message is tried again") };
/// assert!((15 * minute..=25 * minute).contains(&at.since(Steady(1000))));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// The middle of the waits, in milliseconds. Default 20 minutes.
    pub interval: u64,
    /// How far a wait may be from the middle, in milliseconds; no more than the interval counts. Default 5 minutes: a herd
    /// of messages that failed in the same moment is spread over ten minutes, and further with each round.
    pub jitter: u64,
    /// The age at which a message is given up, in milliseconds. Default 7 days.
    pub max_age: u64,
}

/// What is to be done with a message that could not be delivered yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
#[must_use]
pub enum Plan {
    /// It is tried again at this moment, not sooner.
    Retry(Steady),
    /// It reaches its age before another attempt would be due, and is given up at this moment.
    Expire(Steady),
}

impl RetryPolicy {
    /// The shortest wait between two attempts, in milliseconds.
    #[must_use]
    pub const fn shortest(&self) -> u64 {
        self.interval.saturating_sub(self.jitter)
    }

    /// The longest wait between two attempts, in milliseconds.
    #[must_use]
    pub const fn longest(&self) -> u64 {
        self.interval.saturating_add(if self.jitter < self.interval { self.jitter } else { self.interval })
    }

    /// The wait after the `attempt`-th attempt, counted from 1, in milliseconds.
    #[must_use]
    pub fn wait(&self, node: &[u8], message: u64, attempt: u32) -> u64 {
        let width = self.longest() - self.shortest();
        let drawn = u128::from(hash(node, message, attempt));
        // The top bits of the product spread evenly over 0..=width, without the bias and the division of a remainder.
        self.shortest() + ((drawn * (u128::from(width) + 1)) >> 64) as u64
    }

    /// What follows the `attempt`-th attempt of a message that arrived at `arrived`.
    pub fn after_attempt(&self, node: &[u8], message: u64, attempt: u32, arrived: Wall, wall: Wall, now: Steady) -> Plan {
        let left = self.max_age.saturating_sub(wall.since(arrived));
        let wait = self.wait(node, message, attempt);
        if wait < left { Plan::Retry(now.after(wait)) } else { Plan::Expire(now.after(left)) }
    }

    /// What follows from an attempt that met a next hop under pressure (421, 4.3.x): the first wait is a thirty-second of the usual
    /// one, and each is twice as long as the one before, until it is the usual one. Pressure passes sooner than other reasons.
    pub fn after_pressure(&self, node: &[u8], message: u64, attempt: u32, arrived: Wall, wall: Wall, now: Steady) -> Plan {
        let left = self.max_age.saturating_sub(wall.since(arrived));
        let wait = self.wait(node, message, attempt) >> 5_u32.saturating_sub(attempt.saturating_sub(1));
        if wait < left { Plan::Retry(now.after(wait.max(1))) } else { Plan::Expire(now.after(left)) }
    }

    /// Whether a message has reached its age.
    #[must_use]
    pub const fn is_expired(&self, arrived: Wall, wall: Wall) -> bool {
        wall.since(arrived) >= self.max_age
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { interval: 20 * MINUTE, jitter: 5 * MINUTE, max_age: 7 * 24 * 60 * MINUTE }
    }
}

/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;

/// Sixty-four bits that differ between nodes, messages and attempts: FNV-1a over the bytes, then the finisher of SplitMix64,
/// which makes every bit of the result depend on every bit of the input. Not for secrets.
pub(super) fn hash(node: &[u8], message: u64, attempt: u32) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = node.iter().copied().chain(message.to_le_bytes()).chain(attempt.to_le_bytes());
    for byte in bytes {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Attempts of one message that always fails, under a virtual clock: the wall times of all attempts, then of giving up.
    fn life(policy: &RetryPolicy, node: &[u8], message: u64) -> (Vec<u64>, u64) {
        let (mut now, mut attempts) = (0, Vec::new());
        loop {
            attempts.push(now);
            match policy.after_attempt(node, message, attempts.len() as u32, Wall(0), Wall(now), Steady(now)) {
                Plan::Retry(at) => now = at.0,
                Plan::Expire(at) => return (attempts, at.0),
            }
        }
    }

    #[test]
    fn a_week_of_attempts_about_every_twenty_minutes() {
        let (attempts, end) = life(&RetryPolicy::default(), b"node", 1);
        assert_eq!(end, 7 * 24 * 60 * MINUTE);
        // 504 intervals of twenty minutes fit in seven days.
        assert!((495..=515).contains(&attempts.len()), "{}", attempts.len());
        assert!(attempts.last().is_some_and(|last| *last < end));
    }

    #[test]
    fn a_herd_spreads() {
        // 10,000 messages that fail in one moment: attempts of each minute once a few rounds have passed.
        let policy = RetryPolicy::default();
        let mut minutes = vec![0_u32; 7 * 60];
        for message in 0..10_000 {
            for at in life(&RetryPolicy { max_age: 7 * 60 * MINUTE, ..policy }, b"node", message).0 {
                minutes[(at / MINUTE) as usize] += 1;
            }
        }
        // The first round comes over ten minutes, not in one.
        assert!(minutes[1..30].iter().all(|count| *count < 1_300), "{:?}", &minutes[..30]);
        // Flat is 500 a minute. After four hours each minute is near it.
        assert!(minutes[240..].iter().all(|count| (350..650).contains(count)), "{:?}", &minutes[240..]);
    }

    #[test]
    fn pressure_is_met_with_waits_that_grow() {
        let policy = RetryPolicy { jitter: 0, ..RetryPolicy::default() };
        let waits: Vec<u64> = (1..9)
            .map(|attempt| match policy.after_pressure(b"", 1, attempt, Wall(0), Wall(0), Steady(0)) {
                Plan::Retry(at) => at.0 / 1000,
                Plan::Expire(_) => panic!("it is young"),
            })
            .collect();
        assert_eq!(waits, [37, 75, 150, 300, 600, 1200, 1200, 1200]);
    }

    #[test]
    fn nodes_do_not_knock_in_step() {
        let policy = RetryPolicy::default();
        let same = (0..1_000).filter(|id| policy.wait(b"a", *id, 1).abs_diff(policy.wait(b"b", *id, 1)) < 1_000).count();
        assert!(same < 20, "{same}");
    }

    proptest! {
        #[test]
        fn never_sooner_than_the_interval_and_never_past_the_age(
            interval in 1..10_000_000_u64, jitter in 0..20_000_000_u64, days in 1..1_000_000_000_u64, message: u64, attempt: u32,
            age in 0..2_000_000_000_u64, now in 0..1_u64 << 60,
        ) {
            let policy = RetryPolicy { interval, jitter, max_age: days };
            match policy.after_attempt(b"node", message, attempt, Wall(5), Wall(5 + age), Steady(now)) {
                Plan::Retry(at) => {
                    let wait = at.since(Steady(now));
                    prop_assert!(policy.shortest() <= wait && wait <= policy.longest());
                    prop_assert!(age + wait < days);
                }
                Plan::Expire(at) => {
                    // Given up when the age is reached, or at once when it has been.
                    prop_assert_eq!(at.since(Steady(now)), days.saturating_sub(age));
                    prop_assert!(age + policy.longest() >= days);
                }
            }
        }

        #[test]
        fn extremes_do_not_overflow(message: u64, attempt: u32) {
            let policy = RetryPolicy { interval: u64::MAX, jitter: u64::MAX, max_age: u64::MAX };
            let _ = policy.after_attempt(b"", message, attempt, Wall(u64::MAX), Wall(0), Steady(u64::MAX));
            prop_assert!(policy.wait(b"", message, attempt) <= policy.longest());
        }

        #[test]
        fn a_clock_set_back_makes_no_message_old(arrived: u64, back in 0..1_000_000_u64) {
            let policy = RetryPolicy::default();
            prop_assert!(!policy.is_expired(Wall(arrived), Wall(arrived.saturating_sub(back))));
        }
    }
}
