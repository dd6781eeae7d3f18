//! Who guessed passwords: which clients are not listened to for a while, and which names are asked for with care.
//!
//! A client that fails often is closed out, whoever it names. A name that is guessed at from many clients is not: whoever knows a name
//! could lock its owner out. Clients that were right about it before go on; of all others one is heard now and then.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures of clients, and clients that were right.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    clients: HashMap<IpAddr, Count>,
    names: HashMap<Hashed, Name>,
    /// Failures of a client for one name: what its owner may take back.
    own: HashMap<(IpAddr, Hashed), Count>,
    /// Clients that were right about a name, and when last.
    right: HashMap<(IpAddr, Hashed), Instant>,
    /// Hashes names by a key of this process.
    key: RandomState,
}

/// A name. Clients make them up, as long as they like; two that meet by chance are counted together, which harms nobody.
type Hashed = u64;

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
/// Entries of each kind remembered, some 20 MiB in all; beyond, those whose time is over are forgotten, then those that say least.
const REMEMBERED_MAX: usize = 100_000;

impl Guesses {
    /// Whether a password that this client gives for this name is looked at.
    pub(super) fn may_try(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        if self.clients.get(&client).is_some_and(|count| count.failures >= CLIENT_FAILURES_MAX && count.lasts(now)) {
            return false;
        }
        let Some(guessed) = self.names.get(&self.hashed(name)) else { return true };
        if guessed.count.failures < NAME_FAILURES_MAX || !guessed.count.lasts(now) || self.was_right(client, name, now) {
            return true;
        }
        guessed.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= STRANGERS_APART)
    }

    /// The same of a client whose address nobody knows: it may be anyone, and what one did is held against no other but by the name.
    pub(super) fn may_anyone_try(&self, name: &str, now: Instant) -> bool {
        let guessed = self.names.get(&self.hashed(name));
        guessed
            .filter(|guessed| guessed.count.failures >= NAME_FAILURES_MAX && guessed.count.lasts(now))
            .is_none_or(|guessed| guessed.heard.is_none_or(|heard| now.saturating_duration_since(heard) >= STRANGERS_APART))
    }

    /// The password was wrong, or the name is none. Of a client whose address nobody knows, only the name is counted.
    pub(super) fn failed(&mut self, client: Option<IpAddr>, name: &str, now: Instant) {
        let hashed = self.hashed(name);
        let mut was_right = false;
        if let Some(client) = client {
            make_room(&mut self.clients, |count| count.lasts(now), |count| count.failures);
            make_room(&mut self.own, |count| count.lasts(now), |count| count.failures);
            self.clients.entry(client).or_insert_with(|| Count::new(now)).add(now);
            self.own.entry((client, hashed)).or_insert_with(|| Count::new(now)).add(now);
            was_right = self.was_right(client, name, now);
        }
        make_room(&mut self.names, |name| name.count.lasts(now), |name| name.count.failures);
        let guessed = self.names.entry(hashed).or_insert_with(|| Name { count: Count::new(now), heard: None });
        guessed.count.add(now);
        if !was_right {
            guessed.heard = Some(now);
        }
    }

    /// The password was right: what this client failed for this name was its owner's, and is forgotten.
    pub(super) fn succeeded(&mut self, client: IpAddr, name: &str, now: Instant) {
        make_room(&mut self.right, |right| now.saturating_duration_since(*right) < RIGHT_LASTS, |right| *right);
        let hashed = self.hashed(name);
        let own = self.own.remove(&(client, hashed)).filter(|count| count.lasts(now));
        if let (Some(own), Some(count)) = (own, self.clients.get_mut(&client)) {
            count.failures = count.failures.saturating_sub(own.failures);
        }
        self.right.insert((client, hashed), now);
    }

    fn was_right(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        let right = self.right.get(&(client, self.hashed(name)));
        right.is_some_and(|right| now.saturating_duration_since(*right) < RIGHT_LASTS)
    }

    fn hashed(&self, name: &str) -> Hashed {
        self.key.hash_one(name)
    }
}

/// Forgets what is over, and of the rest, where it is still too much, a quarter that says least: many that failed once must not wash away
/// who failed often.
fn make_room<K: Eq + Hash, V, R: Copy + Ord>(entries: &mut HashMap<K, V>, lasts: impl Fn(&V) -> bool, rank: impl Fn(&V) -> R) {
    if entries.len() < REMEMBERED_MAX {
        return;
    }
    entries.retain(|_, entry| lasts(entry));
    let most = REMEMBERED_MAX / 4 * 3;
    if entries.len() > most {
        let mut ranks: Vec<R> = entries.values().map(&rank).collect();
        let excess = ranks.len() - most;
        let (_, &mut least, _) = ranks.select_nth_unstable(excess - 1);
        // Of those that are alike none is better than another.
        let mut alike = excess;
        entries.retain(|_, entry| {
            let goes = rank(entry) < least || rank(entry) == least && alike > 0;
            alike -= usize::from(goes && alike > 0);
            !goes
        });
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
            guesses.failed(Some(client(1)), &format!("name{number}"), now);
        }
        assert!(!guesses.may_try(client(1), "u", now) && guesses.may_try(client(2), "u", now));
        assert!(guesses.may_try(client(1), "u", now + FAILURES_LAST));
    }

    #[test]
    fn being_right_takes_back_what_was_mistyped_for_the_same_name_alone() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        (0..CLIENT_FAILURES_MAX - 1).for_each(|_| guesses.failed(Some(client(1)), "u", now));
        guesses.succeeded(client(1), "u", now);
        guesses.failed(Some(client(1)), "u", now);
        assert!(guesses.may_try(client(1), "u", now));
        // Who has an account cannot guess at another's by it.
        for _ in 1..CLIENT_FAILURES_MAX {
            guesses.failed(Some(client(1)), "v", now);
            guesses.succeeded(client(1), "u", now);
        }
        assert!(guesses.may_try(client(1), "v", now));
        guesses.failed(Some(client(1)), "v", now);
        assert!(!guesses.may_try(client(1), "v", now));
    }

    #[test]
    fn nobody_is_locked_out_by_others() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        guesses.succeeded(client(200), "u", now);
        for number in 0..NAME_FAILURES_MAX {
            assert!(guesses.may_try(client((number / 5) as u8), "u", now));
            guesses.failed(Some(client((number / 5) as u8)), "u", now);
        }
        // Where it was right before, its owner is heard; elsewhere now and then.
        assert!(guesses.may_try(client(200), "u", now));
        assert!(!guesses.may_try(client(201), "u", now) && guesses.may_try(client(201), "v", now));
        let later = now + STRANGERS_APART;
        assert!(guesses.may_try(client(201), "u", later));
        guesses.failed(Some(client(202)), "u", later);
        assert!(!guesses.may_try(client(201), "u", later));
    }

    #[test]
    fn memory_is_bounded_and_lock_outs_last() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        (0..CLIENT_FAILURES_MAX).for_each(|_| guesses.failed(Some(client(1)), "u", now));
        for number in 0..3 * REMEMBERED_MAX as u32 / 2 {
            let address = IpAddr::from((1_u32 << 30 | number).to_be_bytes());
            guesses.failed(Some(address), &format!("made up {number}"), now);
            guesses.succeeded(address, "v", now);
        }
        let most = [guesses.clients.len(), guesses.right.len(), guesses.names.len(), guesses.own.len()].into_iter().max();
        assert!(most <= Some(REMEMBERED_MAX), "{most:?}");
        assert!(!guesses.may_try(client(1), "u", now), "who fails once each from many addresses frees nobody else");
    }

    #[test]
    fn clients_that_nobody_knows_do_not_lock_each_other_out() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        (0..NAME_FAILURES_MAX - 1).for_each(|_| guesses.failed(None, "u", now));
        assert!(guesses.may_anyone_try("u", now));
        guesses.failed(None, "u", now);
        assert!(!guesses.may_anyone_try("u", now) && guesses.may_anyone_try("v", now));
        assert!(guesses.may_anyone_try("u", now + STRANGERS_APART));
    }
}
