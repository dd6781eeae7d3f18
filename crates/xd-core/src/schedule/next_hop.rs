//! How gently a next hop is treated: how many connections at once, and when it is probed while it is down.
//!
//! ```text
//!            reached                        refused, closed or 421 before anything was delivered
//!   Up ◀────────────── Down ◀──────────────────────────────────────────────── Up
//!   more at once as        probes of one connection, 1 s apart at first,
//!   deliveries succeed     then each wait twice as long, up to 30 s
//! ```
//!
//! A greeting alone proves little: the wait between probes grows on until something was answered in a transaction.
//!
//! A probe is an attempt of one waiting message. Messages that wait for a next hop are not charged with its being down, and
//! go on the moment it is reached again: recovery waits for the next probe, never for a message's 20 minutes.

use super::Steady;
use super::retry::hash;

/// Limits on how a next hop is treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NextHopPolicy {
    /// Connections at once to a next hop of which nothing is known, or which has just come back. Default 2.
    pub first: u32,
    /// Connections at once at most. Default 20.
    pub most: u32,
    /// Wait before the first probe of a next hop that went down, in milliseconds. Default 1 second.
    pub probe_first: u64,
    /// Longest wait between probes, in milliseconds. Default 30 seconds.
    pub probe_most: u64,
    /// How long a next hop that asked for less is left alone, in milliseconds; doubles each time it asks again before
    /// anything was delivered, up to `probe_most`. Default 1 second.
    pub pause: u64,
}

impl Default for NextHopPolicy {
    fn default() -> Self {
        Self { first: 2, most: 20, probe_first: 1_000, probe_most: 30_000, pause: 1_000 }
    }
}

/// What is known of a next hop, and what follows from it. Every event returns nothing; [`NextHopState::permission`] tells what
/// may be done now.
///
/// # Example: a next hop goes down and comes back
/// ```
/// use xd_core::schedule::{NextHopPolicy, NextHopState, Permission, Steady};
///
/// let mut state = NextHopState::new(NextHopPolicy::default(), 1);
/// assert_eq!(state.permission(0, Steady(0)), Permission::Connect);
/// state.handle_unreachable(Steady(0));
/// let Permission::NotBefore(probe) = state.permission(0, Steady(0)) else { panic!("not at once") };
/// assert!(probe.0 <= 1_250);
/// assert_eq!(state.permission(0, probe), Permission::Probe);
/// assert_eq!(state.permission(1, probe), Permission::Enough, "one probe at a time");
/// state.handle_reached();
/// assert_eq!(state.permission(1, probe), Permission::Connect);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NextHopState {
    policy: NextHopPolicy,
    /// Makes the waits of this next hop differ from those of others.
    seed: u64,
    /// Connections allowed at once.
    limit: u32,
    /// Deliveries since the limit last changed.
    successes: u32,
    /// Set while it is down.
    down: Option<Down>,
    /// Failures since anything was answered, which a greeting does not end.
    failures: u32,
    /// Pauses in a row, and until when.
    pauses: u32,
    paused_until: Steady,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Down {
    since: Steady,
    probe: Steady,
}

/// Whether another connection may be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
#[must_use]
pub enum Permission {
    /// Yes.
    Connect,
    /// Yes, one, to see whether it is back.
    Probe,
    /// No: as many are open as it takes.
    Enough,
    /// Not before this moment.
    NotBefore(Steady),
}

impl NextHopState {
    /// A next hop of which nothing is known. The seed tells it from others, such as a hash of node and name.
    #[must_use]
    pub const fn new(policy: NextHopPolicy, seed: u64) -> Self {
        let limit = if policy.first == 0 { 1 } else { policy.first };
        Self { policy, seed, limit, successes: 0, down: None, failures: 0, pauses: 0, paused_until: Steady(0) }
    }

    /// Other limits hold from now on. What is known stays known.
    pub fn set_policy(&mut self, policy: NextHopPolicy) {
        self.policy = policy;
        self.limit = self.limit.min(policy.most.max(1));
    }

    /// A connection was greeted: it is up.
    pub fn handle_reached(&mut self) {
        if self.down.take().is_some() {
            self.shrink_to(self.policy.first);
        }
    }

    /// A message was taken: it is up, whatever other connections met. After as many as are allowed at once, one more is allowed,
    /// so that the limit doubles with each full round. Whether the limit grew.
    pub fn handle_delivered(&mut self) -> bool {
        (self.down, self.failures, self.pauses) = (None, 0, 0);
        let before = self.limit;
        self.successes += 1;
        if self.successes >= self.limit {
            self.successes = 0;
            let most = self.policy.most.max(1);
            self.limit = self.limit.saturating_mul(2).min(most);
        }
        self.limit > before
    }

    /// It could not be connected to, did not greet, or closed before anything was delivered.
    pub fn handle_unreachable(&mut self, now: Steady) {
        // Connections that were open together fail together: that is one failure, not twenty.
        if self.down.is_some_and(|down| now < down.probe) {
            return;
        }
        let since = self.down.map_or(now, |down| down.since);
        let wait = self.backed_off(self.policy.probe_first, self.failures);
        self.failures = self.failures.saturating_add(1);
        self.down = Some(Down { since, probe: now.after(wait) });
        self.shrink_to(self.policy.first);
    }

    /// It said that it is short of something or closing (421, 4.3.x): half as many at once, after a pause.
    pub fn handle_pressure(&mut self, now: Steady) {
        // Connections that were open together hear it together: that is one call for less, not twenty.
        if now < self.paused_until {
            return;
        }
        self.failures = 0;
        let wait = self.backed_off(self.policy.pause, self.pauses);
        self.pauses = self.pauses.saturating_add(1);
        self.paused_until = now.after(wait);
        self.shrink_to(self.limit / 2);
    }

    /// It deferred a message for that message's sake (450, 451): not pressure, but no reason for more either.
    pub fn handle_deferred(&mut self) {
        (self.successes, self.failures) = (0, 0);
    }

    /// An operator wants it tried now: waits are over, though it stays down until it is reached.
    pub fn handle_retry_now(&mut self, now: Steady) {
        self.pauses = 0;
        (self.paused_until, self.failures) = (Steady(0), 0);
        if let Some(down) = &mut self.down {
            down.probe = now;
        }
    }

    /// Whether another connection may be opened while `open` are.
    pub fn permission(&self, open: u32, now: Steady) -> Permission {
        if let Some(down) = self.down {
            return match open {
                0 if now >= down.probe => Permission::Probe,
                0 => Permission::NotBefore(down.probe),
                _ => Permission::Enough,
            };
        }
        if now < self.paused_until {
            return Permission::NotBefore(self.paused_until);
        }
        if open < self.limit { Permission::Connect } else { Permission::Enough }
    }

    /// Connections allowed at once.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Since when it is down, if it is.
    #[must_use]
    pub fn down_since(&self) -> Option<Steady> {
        self.down.map(|down| down.since)
    }

    /// `first` doubled so many times, no more than the longest, and up to a quarter of it more: two nodes do not knock in step.
    fn backed_off(&self, first: u64, times: u32) -> u64 {
        let wait = first.saturating_mul(1_u64 << times.min(20)).min(self.policy.probe_most).max(1);
        let drawn = u128::from(hash(&[], self.seed, times));
        wait.saturating_add(((drawn * u128::from(wait / 4 + 1)) >> 64) as u64)
    }

    fn shrink_to(&mut self, limit: u32) {
        self.limit = limit.max(1).min(self.limit);
        self.successes = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ramp_doubles_up_to_its_limit() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 0);
        let mut limits = vec![state.limit()];
        for _ in 0..60 {
            state.handle_delivered();
            if limits.last() != Some(&state.limit()) {
                limits.push(state.limit());
            }
        }
        assert_eq!(limits, [2, 4, 8, 16, 20]);
    }

    #[test]
    fn another_policy_holds_for_next_hops_that_are_known() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 0);
        (0..60).for_each(|_| _ = state.handle_delivered());
        state.set_policy(NextHopPolicy { most: 3, ..NextHopPolicy::default() });
        assert_eq!(state.permission(3, Steady(0)), Permission::Enough);
        (0..60).for_each(|_| _ = state.handle_delivered());
        assert_eq!(state.limit(), 3);
        state.set_policy(NextHopPolicy { most: 40, ..NextHopPolicy::default() });
        (0..60).for_each(|_| _ = state.handle_delivered());
        assert_eq!(state.limit(), 40);
    }

    #[test]
    fn probes_back_off_and_stay_frequent() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 3);
        let (mut now, mut waits) = (Steady(0), Vec::new());
        for _ in 0..12 {
            state.handle_unreachable(now);
            let Permission::NotBefore(probe) = state.permission(0, now) else { panic!("a wait follows a failure") };
            waits.push(probe.since(now) / 1_000);
            now = probe;
        }
        assert!(waits[0] <= 1 && waits[..6].is_sorted(), "{waits:?}");
        assert!(waits[6..].iter().all(|wait| (30..=37).contains(wait)), "{waits:?}");
        assert_eq!(state.down_since(), Some(Steady(0)));
    }

    #[test]
    fn who_greets_and_closes_is_asked_less_and_less() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 3);
        let (mut now, mut last) = (Steady(0), 0);
        for _ in 0..8 {
            state.handle_unreachable(now);
            // Those that were open beside it.
            state.handle_unreachable(now);
            let Permission::NotBefore(probe) = state.permission(0, now) else { panic!("a wait follows a failure") };
            last = probe.since(now);
            now = probe;
            state.handle_reached();
        }
        assert!(last >= 30_000, "{last}");
        assert_eq!(state.limit(), 2);
        state.handle_delivered();
        state.handle_unreachable(now);
        assert!(matches!(state.permission(0, now), Permission::NotBefore(probe) if probe.since(now) <= 1_250));
        state.handle_delivered();
        assert_eq!((state.permission(1, now), state.down_since()), (Permission::Connect, None), "it delivers: it is not down");
    }

    #[test]
    fn twenty_voices_of_pressure_are_one() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 0);
        (0..60).for_each(|_| _ = state.handle_delivered());
        (0..20).for_each(|_| state.handle_pressure(Steady(100)));
        assert_eq!(state.limit(), 10);
        assert!(matches!(state.permission(0, Steady(100)), Permission::NotBefore(at) if at.since(Steady(100)) <= 1_250));
        assert_eq!(state.permission(0, Steady(2_000)), Permission::Connect);
    }

    /// A server that takes 4 connections and answers any more with 421, under a virtual clock of one step for each delivery of
    /// all that are open.
    #[test]
    fn back_pressure_does_not_thrash() {
        let mut state = NextHopState::new(NextHopPolicy::default(), 0);
        let (mut now, mut left, mut refused, mut open) = (Steady(0), 20_000_u32, 0, 0_u32);
        while left > 0 {
            while state.permission(open, now) == Permission::Connect {
                if open < 4 {
                    open += 1;
                } else {
                    refused += 1;
                    state.handle_pressure(now);
                }
            }
            if open > state.limit() {
                open = state.limit();
            }
            for _ in 0..open.min(left) {
                left -= 1;
                state.handle_delivered();
            }
            now = now.after(100);
        }
        assert!(refused < 2_000, "{refused}");
        assert!(now.0 < 2 * 3_600_000, "{now:?}");
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Reached,
        Delivered,
        Unreachable,
        Pressure,
        Deferred,
        RetryNow,
    }

    proptest! {
        #[test]
        fn always_at_least_one_and_never_more_than_most(
            events in proptest::collection::vec((0..6_u8, 0..60_000_u64), 0..200), first in 0..50_u32, most in 0..50_u32, seed: u64,
        ) {
            let policy = NextHopPolicy { first, most: most.max(first), ..NextHopPolicy::default() };
            let mut state = NextHopState::new(policy, seed);
            let mut now = Steady(0);
            for (event, step) in events {
                now = now.after(step);
                match [Event::Reached, Event::Delivered, Event::Unreachable, Event::Pressure, Event::Deferred, Event::RetryNow]
                    [usize::from(event)]
                {
                    Event::Reached => state.handle_reached(),
                    Event::Delivered => _ = state.handle_delivered(),
                    Event::Unreachable => state.handle_unreachable(now),
                    Event::Pressure => state.handle_pressure(now),
                    Event::Deferred => state.handle_deferred(),
                    Event::RetryNow => state.handle_retry_now(now),
                }
                prop_assert!((1..=policy.most.max(1)).contains(&state.limit()));
                // Nothing waits for long: with no connection open, one may be opened within the longest wait and a quarter.
                match state.permission(0, now) {
                    Permission::NotBefore(at) => prop_assert!(at.since(now) <= 37_501 && at > now),
                    Permission::Enough => prop_assert!(false, "none is open"),
                    Permission::Connect | Permission::Probe => {}
                }
            }
        }
    }
}
