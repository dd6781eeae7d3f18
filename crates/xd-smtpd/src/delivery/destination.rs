//! Where entries of the queue go: next hops with what is known of them, and what waits for them.

use std::sync::Arc;

use tokio::sync::Notify;
use xd_core::schedule::{NextHopPolicy, NextHopState, Steady};

use super::options::Route;
use super::queue::ReadyList;

/// Where an entry goes: a route, and the domain where the route asks for MX records.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct DestinationKey {
    pub(super) route: Arc<Route>,
    pub(super) domain: Option<String>,
    pub(super) archive: bool,
}

/// One destination with its entries.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) key: DestinationKey,
    pub(super) name: Arc<str>,
    pub(super) state: NextHopState,
    pub(super) ready: ReadyList,
    /// All its entries but those held.
    pub(super) entries: u32,
    pub(super) connections: u32,
    /// Connections with nothing to send, which wait to be woken.
    pub(super) idle: Vec<Arc<Notify>>,
    pub(super) last_error: String,
    /// Until when nothing is taken here.
    pub(super) rests: Option<Steady>,
    /// Deliveries in each of the last ten seconds, by second modulo ten, and the last second counted.
    rate: [u32; RATE_SECONDS],
    rate_second: u64,
    /// When nothing was left to do here.
    pub(super) unused_since: Steady,
}

const RATE_SECONDS: usize = 10;

/// How long a destination without work is remembered: its state of being down or busy is worth that.
pub(super) const UNUSED: u64 = 600_000;

impl Destination {
    /// A destination of which nothing is known. The seed of the node makes its waits differ from those of others.
    pub(super) fn new(key: DestinationKey, policy: NextHopPolicy, node_seed: u64, now: Steady) -> Self {
        let name = key.name();
        let seed = name.bytes().fold(node_seed, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self {
            key,
            name: name.into(),
            state: NextHopState::new(policy, seed),
            ready: ReadyList::new(),
            entries: 0,
            connections: 0,
            idle: Vec::new(),
            last_error: String::new(),
            rests: None,
            rate: [0; RATE_SECONDS],
            rate_second: 0,
            unused_since: now,
        }
    }

    /// Whether anything is ready to be taken.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty() && self.rests.is_none()
    }

    /// How many entries one connection may take at once, so that enough remains for the others.
    pub(super) fn share(&self) -> usize {
        self.ready.len() / (self.state.limit() as usize * 2)
    }

    /// A recipient was delivered.
    pub(super) fn count(&mut self, now: Steady) {
        self.roll(now);
        let second = (now.0 / 1000) as usize % RATE_SECONDS;
        self.rate[second] = self.rate[second].saturating_add(1);
    }

    /// Deliveries a second over the last ten.
    pub(super) fn rate(&mut self, now: Steady) -> f64 {
        self.roll(now);
        f64::from(self.rate.iter().sum::<u32>()) / RATE_SECONDS as f64
    }

    fn roll(&mut self, now: Steady) {
        let second = now.0 / 1000;
        for passed in (self.rate_second + 1..=second).rev().take(RATE_SECONDS) {
            self.rate[passed as usize % RATE_SECONDS] = 0;
        }
        self.rate_second = second;
    }
}

impl DestinationKey {
    fn name(&self) -> String {
        let hops: Vec<String> = self.route.next_hops.iter().map(ToString::to_string).collect();
        let hops = hops.join(" ");
        let archive = if self.archive { "archive " } else { "" };
        match &self.domain {
            Some(domain) => format!("{archive}{hops} {domain}"),
            None => format!("{archive}{hops}"),
        }
    }
}
