//! Who guessed passwords: which clients are not listened to for a while, and which names are asked for with care.
//!
//! A client that fails often is closed out, whoever it names. A name that is guessed at from many clients is not: whoever knows a name
//! could lock its owner out. Clients that were right about it before go on; of all others one is heard now and then.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures of clients, and clients that were right.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    clients: HashMap<IpAddr, Count>,
    names: HashMap<Box<str>, Name>,
    /// Failures of a client for one name: what its owner may take back.
    own: HashMap<(IpAddr, Box<str>), Count>,
    /// Clients that were right about a name, and when last.
    right: HashMap<(IpAddr, Box<str>), Instant>,
}

#[derive(Debug)]
struct Count {
    failures: u32,
    since: Instant,
}

#[derive(Debug)]
struct Name {
    count: Count,
    /// When somebody was last heard that was never right.
    heard: Option<Instant>,
}

/// Failures of a client after which no further password of it is looked at. Typing errors of several people may share an address.
const CLIENT_FAILURES_MAX: u32 = 10;
/// Failures for a name, from anywhere, after which clients that were never right about it are heard one at a time.
const NAME_FAILURES_MAX: u32 = 100;
/// How far these are apart: some nine thousand guesses a day, as many as without the limit of a hundred.
const STRANGERS_APART: Duration = Duration::from_secs(10);
/// How long failures count, from the first of them.
const FAILURES_LAST: Duration = Duration::from_secs(15 * 60);
/// How long a client is remembered that was right: over a holiday.
const RIGHT_LASTS: Duration = Duration::from_secs(30 * 86_400);
/// Entries of each kind remembered; beyond, those whose time is over are forgotten, then all.
const REMEMBERED_MAX: usize = 100_000;

impl Guesses {
    /// Whether a password that this client gives for this name is looked at.
    pub(super) fn may_try(&mut self, client: IpAddr, name: &str, now: Instant) -> bool {
        if self.clients.get(&client).is_some_and(|count| count.failures >= CLIENT_FAILURES_MAX && count.lasts(now)) {
            return false;
        }
        let Some(guessed) = self.names.get(name) else { return true };
        if guessed.count.failures < NAME_FAILURES_MAX || !guessed.count.lasts(now) || self.was_right(client, name, now) {
            return true;
        }
        guessed.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= STRANGERS_APART)
    }

    /// The password was wrong, or the name is none.
    pub(super) fn failed(&mut self, client: IpAddr, name: &str, now: Instant) {
        make_room(&mut self.clients, |count| count.lasts(now));
        make_room(&mut self.names, |name| name.count.lasts(now));
        make_room(&mut self.own, |count| count.lasts(now));
        self.clients.entry(client).or_insert_with(|| Count::new(now)).add(now);
        self.own.entry((client, name.into())).or_insert_with(|| Count::new(now)).add(now);
        let was_right = self.was_right(client, name, now);
        let guessed = self.names.entry(name.into()).or_insert_with(|| Name { count: Count::new(now), heard: None });
        guessed.count.add(now);
        if !was_right {
            guessed.heard = Some(now);
        }
    }

    /// The password was right: what this client failed for this name was its owner's, and is forgotten.
    pub(super) fn succeeded(&mut self, client: IpAddr, name: &str, now: Instant) {
        make_room(&mut self.right, |right| now.saturating_duration_since(*right) < RIGHT_LASTS);
        let own = self.own.remove(&(client, name.into())).filter(|count| count.lasts(now));
        if let (Some(own), Some(count)) = (own, self.clients.get_mut(&client)) {
            count.failures = count.failures.saturating_sub(own.failures);
        }
        self.right.insert((client, name.into()), now);
    }

    fn was_right(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        let right = self.right.get(&(client, name.into()));
        right.is_some_and(|right| now.saturating_duration_since(*right) < RIGHT_LASTS)
    }
}

fn make_room<K, V>(entries: &mut HashMap<K, V>, lasts: impl Fn(&V) -> bool) {
    if entries.len() >= REMEMBERED_MAX {
        entries.retain(|_, entry| lasts(entry));
        if entries.len() >= REMEMBERED_MAX {
            entries.clear();
        }
    }
}

impl Count {
    fn new(now: Instant) -> Self {
        Self { failures: 0, since: now }
    }

    fn add(&mut self, now: Instant) {
        if !self.lasts(now) {
            *self = Self::new(now);
        }
        self.failures = self.failures.saturating_add(1);
    }

    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < FAILURES_LAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    #[test]
    fn who_fails_often_is_not_listened_to_for_a_while() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..CLIENT_FAILURES_MAX {
            assert!(guesses.may_try(client(1), "u", now), "{number}");
            guesses.failed(client(1), &format!("name{number}"), now);
        }
        assert!(!guesses.may_try(client(1), "u", now) && guesses.may_try(client(2), "u", now));
        assert!(guesses.may_try(client(1), "u", now + FAILURES_LAST));
    }

    #[test]
    fn being_right_takes_back_what_was_mistyped_for_the_same_name_alone() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        (0..CLIENT_FAILURES_MAX - 1).for_each(|_| guesses.failed(client(1), "u", now));
        guesses.succeeded(client(1), "u", now);
        guesses.failed(client(1), "u", now);
        assert!(guesses.may_try(client(1), "u", now));
        // Who has an account cannot guess at another's by it.
        for _ in 1..CLIENT_FAILURES_MAX {
            guesses.failed(client(1), "v", now);
            guesses.succeeded(client(1), "u", now);
        }
        assert!(guesses.may_try(client(1), "v", now));
        guesses.failed(client(1), "v", now);
        assert!(!guesses.may_try(client(1), "v", now));
    }

    #[test]
    fn nobody_is_locked_out_by_others() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        guesses.succeeded(client(200), "u", now);
        for number in 0..NAME_FAILURES_MAX {
            assert!(guesses.may_try(client((number / 5) as u8), "u", now));
            guesses.failed(client((number / 5) as u8), "u", now);
        }
        // Where it was right before, its owner is heard; elsewhere now and then.
        assert!(guesses.may_try(client(200), "u", now));
        assert!(!guesses.may_try(client(201), "u", now) && guesses.may_try(client(201), "v", now));
        let later = now + STRANGERS_APART;
        assert!(guesses.may_try(client(201), "u", later));
        guesses.failed(client(202), "u", later);
        assert!(!guesses.may_try(client(201), "u", later));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..REMEMBERED_MAX as u32 + 10 {
            guesses.failed(IpAddr::from(number.to_be_bytes()), "u", now);
            guesses.succeeded(IpAddr::from(number.to_be_bytes()), "v", now);
        }
        assert!(guesses.clients.len() <= REMEMBERED_MAX && guesses.right.len() <= REMEMBERED_MAX);
    }
}
