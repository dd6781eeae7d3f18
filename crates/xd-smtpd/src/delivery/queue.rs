//! The queue in memory: numbers only. What they stand for is read from the spool when an attempt is due.
//!
//! ```text
//!            due                taken                 deferred
//! Waiting ────────▶ Ready ────────────────▶ InFlight ────────▶ Waiting
//!                     ▲                       │  │ next hop down, nothing charged
//!                     └───────────────────────┼──┘
//! Held ──released──▶ (admitted anew)          └─ done ▶ gone
//!      ──kept for long enough, or deleted──▶ gone
//! ```
//!
//! An entry is a message at one destination: 48 bytes, with its places in lists and maps about 110, and no more than 180 when tables
//! have just doubled (`a_queued_message_is_small`).

mod connections;
mod entry;
mod look;
mod ready;

use std::collections::{BTreeSet, HashMap};

use xd_core::schedule::{NextHopPolicy, Steady, Wall};
use xd_store::{HoldReason, QueueId};

use super::destination::{Destination, DestinationKey, UNUSED};
use entry::{Entry, NONE, weight};
pub(super) use entry::{EntryState, HELD, Hot, Job, NewEntry, Old, Tried, Wanted, first_hold};
pub(super) use ready::ReadyList;

#[derive(Debug)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    free: Vec<u32>,
    by_id: HashMap<QueueId, u32>,
    destinations: Vec<Option<Destination>>,
    by_key: HashMap<DestinationKey, u32>,
    timers: BTreeSet<(Steady, u32)>,
    /// When a destination may be tried again.
    wakes: BTreeSet<(Steady, u32)>,
    hot: HashMap<u32, Hot>,
    /// Of entries of which some recipients have their turn yet in the same attempt.
    tried: HashMap<u32, Tried>,
    hot_bytes: usize,
    hot_most: usize,
    /// To next hops that were named, and to domains.
    connections: [usize; 2],
    connections_most: usize,
    policy: NextHopPolicy,
    node_seed: u64,
    timer_at: Option<Steady>,
    /// Destinations that would open a connection if there were room for one, to next hops that were named and to domains.
    wanting: [BTreeSet<u32>; 2],
    pub(super) draining: bool,
    /// Nothing is taken for now.
    pub(super) paused: bool,
    pub(super) in_flight: u64,
    pub(super) held: u64,
}

impl Queue {
    pub(super) fn new(policy: NextHopPolicy, node_seed: u64, hot_most: usize, connections_most: usize) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            destinations: Vec::new(),
            by_key: HashMap::new(),
            timers: BTreeSet::new(),
            wakes: BTreeSet::new(),
            hot: HashMap::new(),
            tried: HashMap::new(),
            hot_bytes: 0,
            hot_most,
            connections: [0, 0],
            connections_most,
            policy,
            node_seed,
            timer_at: None,
            wanting: [BTreeSet::new(), BTreeSet::new()],
            draining: false,
            paused: false,
            in_flight: 0,
            held: 0,
        }
    }

    /// The destination with this key, made where it is missing.
    pub(super) fn destination(&mut self, key: &DestinationKey, now: Steady) -> u32 {
        if let Some(index) = self.by_key.get(key) {
            return *index;
        }
        let destination = Destination::new(key.clone(), self.policy, self.node_seed, now);
        let index = match self.destinations.iter().position(Option::is_none) {
            Some(index) => {
                self.destinations[index] = Some(destination);
                index as u32
            }
            None => {
                self.destinations.push(Some(destination));
                (self.destinations.len() - 1) as u32
            }
        };
        self.by_key.insert(key.clone(), index);
        index
    }

    /// Adds an entry. One that exists already, of the same message at the same destination, stays as it is.
    pub(super) fn add(&mut self, new: NewEntry, hot: Option<Hot>, now: Steady) -> Wanted {
        let mut wanted = Wanted::default();
        let first = self.by_id.get(&new.id).copied().unwrap_or(NONE);
        let is_held = matches!(new.state, EntryState::Held(_));
        let mut slot = first;
        while let Some(entry) = self.entries.get(slot as usize) {
            let same_kind = matches!(entry.state, EntryState::Held(_)) == is_held;
            if same_kind && (is_held || entry.destination == new.destination) {
                return wanted;
            }
            slot = entry.sibling;
        }
        let entry = Entry {
            id: new.id,
            arrived: new.arrived.0,
            due: new.due,
            sibling: first,
            destination: new.destination,
            attempts: new.attempts,
            before: NONE,
            behind: NONE,
            state: new.state,
            untried: 0,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        self.by_id.insert(new.id, slot);
        if is_held {
            self.held += 1;
            return wanted;
        }
        if let Some(destination) = self.at(new.destination) {
            destination.entries += 1;
        }
        if let Some(hot) = hot {
            self.keep(slot, hot);
        }
        if new.state == EntryState::Waiting {
            self.timers.insert((new.due, slot));
            wanted.timer = self.timer_at.is_none_or(|at| new.due < at);
        } else {
            self.make_ready(slot, false);
            self.dispatch(new.destination, now, &mut wanted);
        }
        wanted
    }

    /// Takes the next entry that is ready at a destination, for a connection that can send it.
    pub(super) fn take(&mut self, destination: u32) -> Option<Job> {
        if !self.may_take(destination) {
            return None;
        }
        let slot = self.at(destination)?.ready.first()?;
        self.unlist(slot);
        Some(self.take_slot(slot))
    }

    fn take_slot(&mut self, slot: u32) -> Job {
        let entry = &mut self.entries[slot as usize];
        entry.state = EntryState::InFlight;
        let (id, arrived, hot) = (entry.id, Wall(entry.arrived), self.hot.get(&slot).cloned());
        let job = Job { slot, id, arrived, attempts: entry.attempts, tried: self.tried.get(&slot).cloned(), hot };
        self.in_flight += 1;
        job
    }

    /// An attempt charged nothing: the entry is ready again, before all others or behind them.
    pub(super) fn give_back(&mut self, slot: u32, hot: Option<Hot>, first: bool) {
        self.in_flight -= 1;
        if let Some(hot) = hot {
            self.forget(slot);
            self.keep(slot, hot);
        }
        self.make_ready(slot, first);
    }

    /// Counts that a connection ended before anything was said of an entry; how often that was in a row.
    pub(super) fn count_untried(&mut self, slot: u32) -> u8 {
        let entry = &mut self.entries[slot as usize];
        entry.untried = entry.untried.saturating_add(1);
        entry.untried
    }

    /// Whether anything can be taken at a destination now.
    pub(super) fn may_take(&mut self, destination: u32) -> bool {
        !self.draining && !self.paused && self.at(destination).is_some_and(|at| at.has_ready())
    }

    /// Takes nothing until [`Queue::resume`]. Whether that is new.
    pub(super) fn pause(&mut self) -> bool {
        !std::mem::replace(&mut self.paused, true)
    }

    /// Goes on where [`Queue::pause`] stopped.
    pub(super) fn resume(&mut self, now: Steady) -> Wanted {
        self.paused = false;
        self.dispatch_all(now)
    }

    /// Takes nothing at a destination until a moment.
    pub(super) fn rest(&mut self, destination: u32, until: Steady) -> Wanted {
        let Some(at) = self.at(destination) else { return Wanted::default() };
        at.rests = Some(until);
        self.wakes.insert((until, destination));
        Wanted { open: Vec::new(), timer: self.timer_at.is_none_or(|at| until < at) }
    }

    /// Other limits hold from now on.
    pub(super) fn set_limits(&mut self, policy: NextHopPolicy, hot_most: usize, connections_most: usize, now: Steady) -> Wanted {
        (self.policy, self.hot_most, self.connections_most) = (policy, hot_most, connections_most);
        self.destinations.iter_mut().flatten().for_each(|at| at.state.set_policy(policy));
        self.dispatch_all(now)
    }

    fn dispatch_all(&mut self, now: Steady) -> Wanted {
        let mut wanted = Wanted::default();
        (0..self.destinations.len() as u32).for_each(|destination| self.dispatch(destination, now, &mut wanted));
        wanted
    }

    /// An entry that was in flight waits until `due`. Where that is in the midst of an attempt, for which several transactions are needed, it goes
    /// on behind the recipient that had its turn last.
    pub(super) fn wait(&mut self, slot: u32, attempts: u32, tried: Option<Tried>, due: Steady) -> Wanted {
        self.in_flight -= 1;
        self.forget(slot);
        match tried {
            Some(tried) => _ = self.tried.insert(slot, tried),
            None => _ = self.tried.remove(&slot),
        }
        let entry = &mut self.entries[slot as usize];
        (entry.attempts, entry.due, entry.state, entry.untried) = (attempts, due, EntryState::Waiting, 0);
        self.timers.insert((due, slot));
        Wanted { open: Vec::new(), timer: self.timer_at.is_none_or(|at| due < at) }
    }

    /// Nothing is left of an entry that was in flight.
    pub(super) fn finish(&mut self, slot: u32, now: Steady) {
        self.in_flight -= 1;
        self.remove(slot, now);
    }

    /// Moves to the ready lists what is due, and tells what to open.
    pub(super) fn tick(&mut self, now: Steady) -> Wanted {
        let mut wanted = Wanted::default();
        let mut touched = Vec::new();
        while let Some((due, slot)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, slot));
            self.make_ready(slot, false);
            touched.push(self.entries[slot as usize].destination);
        }
        while let Some((at, destination)) = self.wakes.first().copied().filter(|(at, _)| *at <= now) {
            self.wakes.remove(&(at, destination));
            touched.push(destination);
        }
        touched.sort_unstable();
        touched.dedup();
        for destination in touched {
            self.dispatch(destination, now, &mut wanted);
        }
        wanted
    }

    /// When the timer is to tick next. What is due earlier from now on is told by [`Wanted::timer`].
    pub(super) fn next_tick(&mut self) -> Option<Steady> {
        let first = |set: &BTreeSet<(Steady, u32)>| set.first().map(|(at, _)| *at);
        self.timer_at = [first(&self.timers), first(&self.wakes)].into_iter().flatten().min();
        self.timer_at
    }

    /// Entries that are over their age or hold limit; they are in flight from now on.
    pub(super) fn take_old(&mut self, wall: Wall, max_age: u64, hold: impl Fn(HoldReason) -> Option<u64>) -> Vec<Old> {
        let mut old = Vec::new();
        for slot in 0..self.entries.len() as u32 {
            let entry = self.entries[slot as usize];
            let is_old = match entry.state {
                EntryState::Ready | EntryState::Waiting => wall.since(Wall(entry.arrived)) >= max_age,
                EntryState::Held(reason) => hold(reason).is_some_and(|most| wall.0.saturating_sub(entry.due.0) >= most),
                EntryState::Free | EntryState::InFlight => false,
            };
            if is_old {
                self.unlist(slot);
                let key = self.at(entry.destination).map(|at| (entry.destination, at.key.clone()));
                old.push((self.take_slot(slot), entry.state, key));
            }
        }
        old
    }

    /// Takes a message out of the queue with all its entries, to admit it anew or to delete it; empty when any of them is in
    /// flight, since that attempt's marks must not cross ours. [`Queue::put_back`] undoes it.
    pub(super) fn withdraw(&mut self, id: QueueId, now: Steady) -> Vec<NewEntry> {
        let (mut slots, mut entries) = (Vec::new(), Vec::new());
        let mut slot = self.by_id.get(&id).copied().unwrap_or(NONE);
        while let Some(entry) = self.entries.get(slot as usize).copied() {
            if entry.state == EntryState::InFlight {
                return Vec::new();
            }
            let Entry { arrived, destination, attempts, state, due, .. } = entry;
            entries.push(NewEntry { id, arrived: Wall(arrived), destination, attempts, state, due });
            slots.push(slot);
            slot = entry.sibling;
        }
        for slot in slots {
            self.unlist(slot);
            self.remove(slot, now);
        }
        entries
    }

    /// Puts back what was withdrawn a moment ago.
    pub(super) fn put_back(&mut self, entries: Vec<NewEntry>, now: Steady) -> Wanted {
        let mut all = Wanted::default();
        for entry in entries {
            let wanted = self.add(entry, None, now);
            all.open.extend(wanted.open);
            all.timer |= wanted.timer;
        }
        all
    }

    /// Makes entries that wait ready now.
    pub(super) fn hurry(&mut self, chosen: impl Fn(QueueId, u32) -> bool, now: Steady) -> (u64, Wanted) {
        let (mut count, mut wanted, mut touched) = (0, Wanted::default(), BTreeSet::new());
        for slot in 0..self.entries.len() as u32 {
            let entry = self.entries[slot as usize];
            if matches!(entry.state, EntryState::Ready | EntryState::Waiting) && chosen(entry.id, entry.destination) {
                count += 1;
                touched.insert(entry.destination);
                if entry.state == EntryState::Waiting {
                    self.timers.remove(&(entry.due, slot));
                    self.make_ready(slot, false);
                }
            }
        }
        for destination in touched {
            if let Some(at) = self.at(destination) {
                at.state.handle_retry_now(now);
            }
            self.dispatch(destination, now, &mut wanted);
        }
        (count, wanted)
    }

    /// Forgets destinations that have had nothing to do for ten minutes.
    pub(super) fn sweep(&mut self, now: Steady) {
        for index in 0..self.destinations.len() {
            let Some(destination) = &mut self.destinations[index] else { continue };
            if destination.entries > 0 || destination.connections > 0 {
                destination.unused_since = now;
            } else if now.since(destination.unused_since) > UNUSED {
                self.by_key.remove(&destination.key);
                self.wakes.retain(|(_, other)| *other as usize != index);
                self.wanting.iter_mut().for_each(|wanting| _ = wanting.remove(&(index as u32)));
                self.destinations[index] = None;
            }
        }
    }

    pub(super) fn at(&mut self, index: u32) -> Option<&mut Destination> {
        self.destinations.get_mut(index as usize)?.as_mut()
    }

    fn make_ready(&mut self, slot: u32, first: bool) {
        let entry = &mut self.entries[slot as usize];
        entry.state = EntryState::Ready;
        if let Some(Some(destination)) = self.destinations.get_mut(entry.destination as usize) {
            let (ready, entries) = (&mut destination.ready, &mut self.entries);
            if first { ready.push_front(entries, slot) } else { ready.push_back(entries, slot) }
        }
    }

    /// Takes an entry out of whatever list it waits in.
    fn unlist(&mut self, slot: u32) {
        let entry = self.entries[slot as usize];
        match entry.state {
            EntryState::Waiting => {
                self.timers.remove(&(entry.due, slot));
            }
            EntryState::Ready => {
                if let Some(Some(destination)) = self.destinations.get_mut(entry.destination as usize) {
                    destination.ready.remove(&mut self.entries, slot);
                }
            }
            EntryState::Free | EntryState::Held(_) | EntryState::InFlight => {}
        }
    }

    /// Forgets an entry that is in no list.
    fn remove(&mut self, slot: u32, now: Steady) {
        self.forget(slot);
        self.tried.remove(&slot);
        let entry = self.entries[slot as usize];
        if entry.destination == NONE {
            self.held -= 1;
        } else if let Some(destination) = self.at(entry.destination) {
            destination.entries -= 1;
            destination.unused_since = now;
        }
        match self.by_id.get(&entry.id).copied() {
            Some(first) if first == slot && entry.sibling == NONE => {
                self.by_id.remove(&entry.id);
            }
            Some(first) if first == slot => {
                self.by_id.insert(entry.id, entry.sibling);
            }
            Some(mut before) => {
                while let Some(other) = self.entries.get(before as usize).copied() {
                    if other.sibling == slot {
                        self.entries[before as usize].sibling = entry.sibling;
                        break;
                    }
                    before = other.sibling;
                }
            }
            None => {}
        }
        self.entries[slot as usize].state = EntryState::Free;
        self.free.push(slot);
    }

    /// Keeps a content in memory while there is room, and its next hop is not known to be down: what waits for long is on disk.
    fn keep(&mut self, slot: u32, hot: Hot) {
        let bytes = weight(&hot);
        let destination = self.entries[slot as usize].destination;
        let is_down = self.at(destination).is_some_and(|at| at.state.down_since().is_some());
        if !is_down && self.hot_bytes + bytes <= self.hot_most {
            self.hot_bytes += bytes;
            self.hot.insert(slot, hot);
        }
    }

    /// A next hop went down: what waits for it is read from disk when it is back.
    pub(super) fn cool(&mut self, destination: u32) {
        let at = |slot: &u32| self.entries[*slot as usize].destination;
        let slots: Vec<u32> = self.hot.keys().copied().filter(|slot| at(slot) == destination).collect();
        slots.into_iter().for_each(|slot| self.forget(slot));
        self.hot.shrink_to(2 * self.hot.len());
    }

    fn forget(&mut self, slot: u32) {
        if let Some(hot) = self.hot.remove(&slot) {
            self.hot_bytes -= weight(&hot);
        }
    }
}

#[cfg(test)]
mod tests;
