//! One connection's worth of work: takes entries of a destination, sends them one behind the other, and settles what became of
//! each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::connection::{Connection, Peer};
use super::destination::DestinationKey;
use super::load::{Loaded, Pieces, Unloadable, load};
use super::queue::Job;
use super::runner::Shared;
use super::settle::Place;
use super::target::{NoTarget, Target, targets};
use crate::client::{Event, Fault, Reply, Stage, Token};

/// Messages loaded ahead at most. Only a long backlog is worth reading several at once.
const AHEAD: usize = 32;
/// Bytes of output above which no more content is added: bounds memory of a connection whose peer is slow.
const OUTPUT: usize = 128 << 10;

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) destination: u32,
    pub(super) key: DestinationKey,
    wake: Arc<Notify>,
    pub(super) loaded: VecDeque<Loaded>,
    pub(super) open: VecDeque<Open>,
    /// Transactions that were answered on this connection: a first one that fares badly says more about the next hop.
    pub(super) answered: u64,
    /// Whether it was recorded that the next hop said nothing about the first messages.
    pub(super) untried_told: bool,
    /// The next hop asked for less: this connection ends.
    pub(super) enough: bool,
}

/// A message in a transaction.
pub(super) struct Open {
    pub(super) token: Token,
    pub(super) loaded: Loaded,
    /// Those of its recipients that are in the transaction.
    pub(super) count: usize,
    pub(super) pieces: Pieces,
    pub(super) began: Instant,
    /// Whether its content is being sent.
    pub(super) sending: bool,
}

/// Runs until there is nothing to send for a while, or the next hop cannot be reached.
pub(super) async fn run(shared: Arc<Shared>, destination: u32) {
    let key = shared.queue().at(destination).map(|at| at.key.clone());
    if let Some(key) = key {
        let wake = Arc::new(Notify::new());
        let mut worker = Worker {
            shared: shared.clone(),
            destination,
            key,
            wake,
            loaded: VecDeque::new(),
            open: VecDeque::new(),
            answered: 0,
            untried_told: false,
            enough: false,
        };
        worker.run().await;
        worker.return_all();
    }
    let now = shared.clock.steady();
    let wanted = shared.queue().close(destination, now);
    shared.carry_out(wanted);
}

impl Worker {
    async fn run(&mut self) {
        if !self.fill().await {
            return;
        }
        let shared = self.shared.clone();
        let mut troubles: Vec<(Place, Stage, Fault)> = Vec::new();
        let mut never: Option<Reply> = None;
        let route = self.key.route.clone();
        for hop in &route.next_hops {
            let turn = self.loaded.front().map_or(0, |loaded| loaded.job.id.number());
            let options = shared.options();
            let found = targets(hop, self.key.domain.as_deref(), &options.resolver, &options.mx, turn).await;
            let found = match found {
                Ok(found) => found,
                Err(NoTarget::Unknown(reply)) => {
                    troubles.push((Place::named(hop.to_string()), Stage::Connect, Fault::Connection(reply.text)));
                    continue;
                }
                Err(NoTarget::Never(reply)) => {
                    never = Some(reply);
                    continue;
                }
            };
            for target in found {
                match target {
                    Target::Maildir(path) => return self.run_maildir(&path).await,
                    Target::Server { protocol, name, address } => {
                        let peer = Peer { protocol, name: &name, address, route: &route, hostname: &options.hostname };
                        match Connection::open(peer, &shared.tls).await {
                            Ok(connection) => {
                                self.reached();
                                return self.run_connection(connection).await;
                            }
                            Err((stage, fault)) => {
                                let place = Place { next_hop: name, address: Some(address), tls: None };
                                troubles.push((place, stage, fault));
                            }
                        }
                    }
                }
            }
        }
        match never {
            Some(reply) if troubles.is_empty() => self.fail_all(&reply).await,
            _ => self.unreachable(&troubles),
        }
    }

    /// Loads messages; false when there are none.
    pub(super) async fn fill(&mut self) -> bool {
        if self.is_stopped() {
            return false;
        }
        while self.loaded.is_empty() {
            let jobs = {
                let mut queue = self.shared.queue();
                let Some(first) = queue.take(self.destination) else { return false };
                let mut jobs = vec![first];
                if jobs[0].hot.is_none() {
                    let share = queue.at(self.destination).map_or(0, |at| at.share());
                    jobs.extend((1..share.min(AHEAD)).map_while(|_| queue.take(self.destination)));
                }
                jobs
            };
            let (shared, key) = (self.shared.clone(), self.key.clone());
            let results: Vec<_> = if jobs.iter().all(|job| job.hot.is_some()) {
                load_all(&shared, &key, jobs)
            } else {
                let loading = tokio::task::spawn_blocking(move || load_all(&shared, &key, jobs));
                // It does not panic; were it to, the entries stay in flight until the next start, which loses nothing.
                loading.await.unwrap_or_default()
            };
            let mut short = Vec::new();
            for result in results {
                match result {
                    Ok(loaded) => self.keep(loaded),
                    Err((job, Unloadable::Short)) => short.push(job),
                    Err((job, why)) => self.shared.put_away(job, why),
                }
            }
            // Each goes before those behind it.
            short.into_iter().rev().for_each(|job| self.shared.put_away(job, Unloadable::Short));
        }
        true
    }

    /// Whether nothing may be sent now, since it could not be marked. What was loaded is given back then.
    fn is_stopped(&mut self) -> bool {
        let is_stopped = self.shared.heed_store();
        if is_stopped {
            let mut queue = self.shared.queue();
            self.loaded.drain(..).rev().for_each(|loaded| queue.give_back(loaded.job.slot, loaded.job.hot, true));
        }
        is_stopped
    }

    /// Keeps a message for its attempt, unless it has grown too old for one.
    fn keep(&mut self, loaded: Loaded) {
        // Whatever its age, it is tried once: it may have been held all the time, or nobody was here to try it.
        let is_tried = loaded.job.attempts > 0 && self.shared.has_tried_all();
        if is_tried && self.shared.options().schedule.is_expired(loaded.job.arrived, self.shared.clock.wall()) {
            let (destination, key) = (self.destination, self.key.clone());
            self.shared.aside(move |shared| shared.expire(loaded, destination, &key));
        } else {
            self.loaded.push_back(loaded);
        }
    }

    /// Takes a message that is in memory, if one is next.
    fn fill_at_once(&mut self) -> bool {
        if self.is_stopped() {
            return false;
        }
        while self.loaded.is_empty() {
            let Some(job) = self.shared.queue().take(self.destination) else { return false };
            if job.hot.is_none() {
                let mut queue = self.shared.queue();
                queue.give_back(job.slot, None, true);
                return false;
            }
            match load(&self.shared, &self.key, job) {
                Ok(loaded) => self.keep(loaded),
                Err((job, why)) => self.shared.put_away(job, why),
            }
        }
        true
    }

    async fn run_connection(&mut self, mut connection: Connection) {
        let place = Place { next_hop: connection.name.clone(), address: Some(connection.address), tls: connection.tls.clone() };
        loop {
            while let Some(event) = connection.client.poll_event() {
                match event {
                    Event::WantContent(token) => {
                        if let Some(open) = self.open.iter_mut().find(|open| open.token == token) {
                            open.sending = true;
                        }
                    }
                    Event::Finished(finished) => self.conclude(finished, &place, connection.client.extensions().dsn),
                    Event::Over(fault) => return self.over(fault, &place),
                    Event::Ready | Event::StartTls => {}
                }
            }
            if let Err(why) = self.send_content(&mut connection).await {
                // Without its end, what was sent is no message: the next hop drops it when the connection ends.
                if let Some(open) = self.open.pop_front() {
                    self.shared.put_away(open.loaded.job, why);
                }
                return;
            }
            if connection.client.can_begin() {
                let any = !self.enough && if connection.client.is_idle() { self.fill().await } else { self.fill_at_once() };
                if any {
                    let was_idle = connection.client.is_idle();
                    self.begin(&mut connection, &place).await;
                    if was_idle {
                        connection.touch();
                    }
                    continue;
                }
                if connection.client.is_idle() && connection.client.output().is_empty() {
                    if !self.enough && self.park(&mut connection).await {
                        continue;
                    }
                    connection.client.quit();
                    connection.touch();
                }
            }
            connection.step().await;
        }
    }

    /// Waits to be woken. False when the connection is to be closed; whatever happens on it in the meantime is found later.
    async fn park(&mut self, connection: &mut Connection) -> bool {
        self.shared.queue().park(self.destination, &self.wake);
        // What was added since the last look found nobody idle.
        let (draining, more) = {
            let mut queue = self.shared.queue();
            let draining = queue.draining;
            // Once nothing more is taken, what is ready is no reason to stay.
            (draining, queue.may_take(self.destination))
        };
        let wake = self.wake.clone();
        // Who has been idle for long enough takes its leave; it is not late.
        connection.rest(self.key.route.timeouts.idle);
        let woken = more
            || !draining
                && tokio::select! {
                    biased;
                    () = wake.notified() => return true,
                    () = connection.step() => !connection.client.is_over() && connection.client.is_idle(),
                    woken = timeout(self.key.route.timeouts.idle, std::future::pending::<()>()) => woken.is_ok(),
                };
        let was_parked = self.shared.queue().unpark(self.destination, &self.wake);
        if !was_parked {
            // Woken in this very moment: the permit is used up, so that a later park does not wake at once.
            wake.notified().await;
        }
        woken || !was_parked
    }

    async fn send_content(&mut self, connection: &mut Connection) -> Result<(), Unloadable> {
        let Some(open) = self.open.front_mut().filter(|open| open.sending) else { return Ok(()) };
        while connection.client.output().len() < OUTPUT {
            let client = &mut connection.client;
            if !open.pieces.next(&self.shared, &open.loaded, &mut |piece| client.send_content(piece)).await? {
                connection.client.end_content();
                open.sending = false;
                return Ok(());
            }
        }
        Ok(())
    }

    /// There is no place to send anything to, and that is certain.
    async fn fail_all(&mut self, reply: &Reply) {
        loop {
            while let Some(loaded) = self.loaded.pop_front() {
                self.shared.refuse(loaded, reply, self.destination, &self.key, &Place::default());
            }
            if !self.fill().await {
                return;
            }
        }
    }

    /// Gives back what was taken and not attempted, in its order.
    fn return_all(&mut self) {
        let mut queue = self.shared.queue();
        for loaded in self.loaded.drain(..).rev() {
            queue.give_back(loaded.job.slot, loaded.job.hot, true);
        }
        for open in self.open.drain(..).rev() {
            queue.give_back(open.loaded.job.slot, open.loaded.job.hot, true);
        }
    }
}

/// Loads messages. Where something is used up for one, it is not tried for those behind.
fn load_all(shared: &Shared, key: &DestinationKey, jobs: Vec<Job>) -> Vec<Result<Loaded, (Job, Unloadable)>> {
    let mut is_short = false;
    let load = |job| {
        if is_short {
            return Err((job, Unloadable::Short));
        }
        let loaded = load(shared, key, job);
        is_short = matches!(loaded, Err((_, Unloadable::Short)));
        loaded
    };
    jobs.into_iter().map(load).collect()
}
