//! Connections as the queue sees them: how many there are, which wait for work, and who may open another.

use std::sync::Arc;

use tokio::sync::Notify;
use xd_core::schedule::{Permission, Steady};

use super::{Queue, Wanted};

impl Queue {
    /// A connection was closed.
    pub(in crate::delivery) fn close(&mut self, destination: u32, now: Steady) -> Wanted {
        let mut wanted = Wanted::default();
        let is_domain = self.at(destination).is_some_and(|at| {
            at.connections -= 1;
            at.key.domain.is_some()
        });
        self.connections[usize::from(is_domain)] -= 1;
        self.dispatch(destination, now, &mut wanted);
        // It may have been the last that a full house had room for. Whoever comes behind it has the first turn.
        let mut last = destination;
        while let Some(next) = self.next_wanting(last) {
            self.wanting.iter_mut().for_each(|wanting| _ = wanting.remove(&next));
            self.dispatch(next, now, &mut wanted);
            last = next;
        }
        wanted
    }

    /// The next destination behind this one that wants a connection for which there is room.
    fn next_wanting(&self, last: u32) -> Option<u32> {
        let mut found: Option<u32> = None;
        for (_, wanting) in self.wanting.iter().enumerate().filter(|(kind, _)| self.room_for(*kind) > 0) {
            let next = wanting.range(last.saturating_add(1)..).next().or_else(|| wanting.first()).copied();
            // Those behind go before those that come round again.
            found = [found, next].into_iter().flatten().min_by_key(|next| (*next <= last, *next));
        }
        found
    }

    /// How many connections of a kind could be opened.
    fn room_for(&self, kind: usize) -> usize {
        let room = self.connections_most.saturating_sub(self.open_connections());
        room.min(self.room_for_a_kind().saturating_sub(self.connections[kind]))
    }

    fn open_connections(&self) -> usize {
        self.connections.iter().sum()
    }

    /// How many connections there may be to next hops that were named, and how many to domains that are looked up: however many of the one
    /// kind are slow, some are left for the other.
    fn room_for_a_kind(&self) -> usize {
        self.connections_most - self.connections_most / 4
    }

    /// A connection has nothing to send and waits to be woken.
    pub(in crate::delivery) fn park(&mut self, destination: u32, wake: &Arc<Notify>) {
        if let Some(at) = self.at(destination) {
            at.idle.push(wake.clone());
        }
    }

    /// A connection that was parked goes. False when it was woken in this very moment: there is something to send.
    pub(in crate::delivery) fn unpark(&mut self, destination: u32, wake: &Arc<Notify>) -> bool {
        let Some(at) = self.at(destination) else { return true };
        let before = at.idle.len();
        at.idle.retain(|other| !Arc::ptr_eq(other, wake));
        at.idle.len() < before
    }

    /// Wakes idle connections and asks for new ones, as many as there is work and permission for.
    pub(in crate::delivery) fn dispatch(&mut self, index: u32, now: Steady, wanted: &mut Wanted) {
        if self.draining || self.paused {
            return;
        }
        let (timer_at, rooms) = (self.timer_at, [self.room_for(0), self.room_for(1)]);
        let Some(Some(destination)) = self.destinations.get_mut(index as usize) else { return };
        if let Some(until) = destination.rests {
            if now < until {
                self.wakes.insert((until, index));
                wanted.timer |= timer_at.is_none_or(|timer| until < timer);
                return;
            }
            destination.rests = None;
        }
        let kind = usize::from(destination.key.domain.is_some());
        let room = rooms[kind];
        let mut work = destination.ready.len();
        while work > 0
            && let Some(idle) = destination.idle.pop()
        {
            idle.notify_one();
            work -= 1;
        }
        let mut opened = 0;
        while work > opened && opened < room {
            match destination.state.permission(destination.connections, now) {
                Permission::Connect | Permission::Probe => {
                    destination.connections += 1;
                    opened += 1;
                    wanted.open.push(index);
                }
                Permission::Enough => break,
                Permission::NotBefore(at) => {
                    self.wakes.insert((at, index));
                    wanted.timer |= timer_at.is_none_or(|timer| at < timer);
                    break;
                }
            }
        }
        if work > opened && opened == room {
            self.wanting[kind].insert(index);
        }
        self.connections[kind] += opened;
    }

    /// Whether no connection is open.
    pub(in crate::delivery) fn is_idle(&self) -> bool {
        self.connections == [0, 0]
    }

    /// Takes nothing more from now on, and wakes whoever waits for work, to go.
    pub(in crate::delivery) fn begin_drain(&mut self) {
        self.draining = true;
        for destination in self.destinations.iter_mut().flatten() {
            destination.idle.drain(..).for_each(|idle| idle.notify_one());
        }
    }
}
