//! One connection's worth of work: takes entries of a destination, sends them one behind the other, and settles what became of
//! each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;
use xd_store::SpoolError;

use super::connection::{Connection, Peer};
use super::destination::DestinationKey;
use super::load::{Loaded, Pieces, Source, Unloadable, load};
use super::queue::{Job, Wanted};
use super::runner::Shared;
use super::settle::{Fate, Outcome, Place, fate_of};
use super::target::{NoTarget, Target, targets};
use crate::client::{Answer, Envelope, Event, Fault, Finished, Misfit, RecipientResult, Reply, Stage, Token};

/// Messages loaded ahead at most. Only a long backlog is worth reading several at once.
const AHEAD: usize = 32;
/// How often a message waits at once again whose connection was closed before anything was said. Then it is charged with an attempt:
/// it may be why.
const UNTRIED_MOST: u8 = 3;
/// Bytes of output above which no more content is added: bounds memory of a connection whose peer is slow.
const OUTPUT: usize = 128 << 10;

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) destination: u32,
    pub(super) key: DestinationKey,
    wake: Arc<Notify>,
    pub(super) loaded: VecDeque<Loaded>,
    open: VecDeque<Open>,
    /// Transactions that were answered on this connection: a first one that fares badly says more about the next hop.
    answered: u64,
    /// Whether it was recorded that the next hop said nothing about the first messages.
    untried_told: bool,
    /// The next hop asked for less: this connection ends.
    enough: bool,
}

/// A message in a transaction.
struct Open {
    token: Token,
    loaded: Loaded,
    /// Those of its recipients that are in the transaction.
    count: usize,
    pieces: Pieces,
    began: Instant,
    /// Whether its content is being sent.
    sending: bool,
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

    /// Begins a transaction of the next message that the next hop can take.
    async fn begin(&mut self, connection: &mut Connection, place: &Place) {
        let Some(mut loaded) = self.loaded.pop_front() else { return };
        let options = self.shared.options();
        if loaded.hops > options.resources.received_fields {
            // RFC 5321 §6.3.
            let reply = Reply::local(554, [5, 4, 6], "too many hops: this message loops");
            return self.shared.refuse(loaded, &reply, self.destination, &self.key, place);
        }
        let redirect = options.archive.as_ref().filter(|_| self.key.archive).map(|archive| archive.forward_path.as_str());
        if self.key.archive && redirect.is_none() {
            // It was taken out of the configuration in this very moment.
            return self.shared.put_away(loaded.job, Unloadable::Moved);
        }
        let most = options.resources.recipients.max(1);
        let count = loaded.recipients.len();
        if count > most {
            // Those that had no room the last time go first.
            loaded.recipients.rotate_left(usize::from(loaded.job.turn).saturating_mul(most) % count);
        }
        let (message, chosen) = (loaded.message.clone(), loaded.recipients[..count.min(most)].to_vec());
        let mut envelope = Envelope { message: &message, recipients: &chosen, is_ascii: false, header_is_ascii: false, redirect };
        let token = loop {
            let misfit = match connection.client.begin(&envelope) {
                Ok(token) => break token,
                Err(misfit) => misfit,
            };
            let known = match misfit {
                Misfit::EightBit => {
                    let Some((back, is_ascii)) = examined(&self.shared, loaded, Loaded::is_ascii).await else { return };
                    loaded = back;
                    envelope.is_ascii = matches!(is_ascii, Ok(true));
                    is_ascii
                }
                Misfit::Utf8Header => {
                    let Some((back, bytes)) = examined(&self.shared, loaded, Loaded::beginning).await else { return };
                    loaded = back;
                    let is_ascii = bytes.map(|bytes| super::dsn::header_section(&bytes).is_ascii());
                    envelope.header_is_ascii = matches!(is_ascii, Ok(true));
                    is_ascii
                }
                _ => Ok(false),
            };
            match known {
                Ok(true) => {}
                Ok(false) => {
                    let refused = connection.client.misfits(&envelope);
                    return self.refuse_misfits(loaded, misfit, refused, place);
                }
                Err(why) => return self.shared.put_away(loaded.job, why),
            }
        };
        let pieces = loaded.pieces();
        self.open.push_back(Open { token, loaded, count: chosen.len(), pieces, began: Instant::now(), sending: false });
    }

    /// Ends recipients that the next hop cannot take, each for its own reason. Others of the message come with the next attempt, at once;
    /// so do those of whom it takes another look at the content to know.
    fn refuse_misfits(&mut self, mut loaded: Loaded, misfit: Misfit, mut refused: Vec<(u32, Misfit)>, place: &Place) {
        refused.retain(|(_, own)| *own == misfit || !matches!(own, Misfit::EightBit | Misfit::Utf8Header));
        if self.key.archive || refused.is_empty() {
            return self.shared.refuse(loaded, &refusal(misfit), self.destination, &self.key, place);
        }
        let is_refused = |index: &u32| refused.iter().any(|(other, _)| other == index);
        let left_out = loaded.recipients.iter().copied().filter(|index| !is_refused(index)).collect();
        loaded.recipients = refused.iter().map(|(index, _)| *index).collect();
        let result = |own| RecipientResult { stage: Stage::Connect, answer: Answer::Reply(refusal(own)) };
        let results = refused.into_iter().map(|(index, own)| (index, result(own))).collect();
        let outcome = Outcome { loaded, results, left_out, took: Duration::ZERO, is_final: true, has_dsn: false };
        self.shared.settle(outcome, self.destination, &self.key, place);
    }

    fn conclude(&mut self, finished: Finished, place: &Place, has_dsn: bool) {
        let Some(at) = self.open.iter().position(|open| open.token == finished.token) else { return };
        let Some(open) = self.open.remove(at) else { return };
        let is_untried = finished.recipients.iter().all(|result| result.answer == Answer::Untried);
        let is_charged =
            is_untried && self.answered == 0 && self.shared.queue().count_untried(open.loaded.job.slot) >= UNTRIED_MOST;
        if is_untried && !is_charged {
            // Nothing was said about it. On a connection that has carried others, the next hop closed in the meantime; on one that
            // has not, that is why it still waits, behind others that may fare better.
            if self.answered == 0 && !std::mem::replace(&mut self.untried_told, true) {
                let stage = finished.recipients.first().map_or(Stage::Connect, |result| result.stage);
                self.shared.log_unreachable(&open.loaded, self.destination, place, stage, &Fault::Closed);
                self.shared.note_unreachable(&open.loaded, place, &Fault::Closed);
            }
            let job = open.loaded.job;
            self.shared.queue().give_back(job.slot, job.hot, self.answered > 0);
            return;
        }
        if !is_charged {
            self.learn(&finished);
        }
        let Open { mut loaded, count, began, .. } = open;
        let left_out = loaded.recipients.split_off(count.min(loaded.recipients.len()));
        // An archive copy has one forward-path, and no recipient.
        let recipients = if self.key.archive { vec![0] } else { loaded.recipients.clone() };
        let results = recipients.into_iter().zip(finished.recipients).collect();
        let outcome = Outcome { loaded, results, left_out, took: began.elapsed(), is_final: false, has_dsn };
        self.shared.settle(outcome, self.destination, &self.key, place);
    }

    /// What a transaction that was answered says of the next hop.
    fn learn(&mut self, finished: &Finished) {
        let fates: Vec<Fate> = finished.recipients.iter().map(fate_of).collect();
        let mut wanted = Wanted::default();
        {
            let (now, mut queue) = (self.shared.clock.steady(), self.shared.queue());
            if let Some(destination) = queue.at(self.destination) {
                if fates.contains(&Fate::Delivered) {
                    let grew = destination.state.handle_delivered();
                    fates.iter().filter(|fate| **fate == Fate::Delivered).for_each(|_| destination.count(now));
                    if grew {
                        // Nothing else may happen here until what waits is gone.
                        queue.dispatch(self.destination, now, &mut wanted);
                    }
                } else if fates.contains(&Fate::Pressed) {
                    destination.state.handle_pressure(now);
                    self.enough = true;
                } else if fates.contains(&Fate::Deferred) {
                    destination.state.handle_deferred();
                }
            }
        }
        self.shared.carry_out(wanted);
        self.answered += 1;
    }

    /// The dialogue is over; what was open has been settled.
    fn over(&mut self, fault: Option<Fault>, place: &Place) {
        let Some(fault) = fault else { return };
        let has_work = !self.loaded.is_empty() || self.shared.queue().at(self.destination).is_some_and(|at| at.has_ready());
        let now = self.shared.clock.steady();
        let mut queue = self.shared.queue();
        let Some(destination) = queue.at(self.destination) else { return };
        destination.last_error = describe(place, &fault);
        // A server that greets and closes before it answers anything is down, whatever its greeting says.
        if self.answered == 0 && has_work {
            destination.state.handle_unreachable(now);
            queue.cool(self.destination);
        }
    }

    pub(super) fn reached(&self) {
        let mut queue = self.shared.queue();
        let mut wanted = Wanted::default();
        if let Some(destination) = queue.at(self.destination) {
            destination.state.handle_reached();
        }
        // Others were kept back while it was probed.
        queue.dispatch(self.destination, self.shared.clock.steady(), &mut wanted);
        drop(queue);
        self.shared.carry_out(wanted);
    }

    /// None of the places tried could be reached. Each is recorded; the last tells why.
    pub(super) fn unreachable(&mut self, troubles: &[(Place, Stage, Fault)]) {
        let now = self.shared.clock.steady();
        let told = troubles.last().map_or_else(|| "no next hop".to_owned(), |(place, _, fault)| describe(place, fault));
        {
            let mut queue = self.shared.queue();
            if let Some(destination) = queue.at(self.destination) {
                destination.last_error = told;
                // A greeting that refuses, beside connections that were greeted, says that those are enough.
                let is_enough = matches!(troubles.last(), Some((_, _, Fault::Refused(_)))) && destination.connections > 1;
                if is_enough && destination.state.down_since().is_none() {
                    destination.state.handle_pressure(now);
                } else {
                    destination.state.handle_unreachable(now);
                    queue.cool(self.destination);
                }
            }
        }
        let Some(loaded) = self.loaded.front() else { return };
        for (place, stage, fault) in troubles {
            self.shared.log_unreachable(loaded, self.destination, place, *stage, fault);
        }
        if let Some((place, _, fault)) = troubles.last() {
            self.shared.note_unreachable(loaded, place, fault);
        }
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

/// Looks at a content, off the threads that speak where it is on disk. None if that panicked, which it does not; were it to, the entry stays
/// in flight until the next start, which loses nothing.
async fn examined<T: Send + 'static>(
    shared: &Arc<Shared>,
    loaded: Loaded,
    look: fn(&Loaded, &Shared) -> Result<T, SpoolError>,
) -> Option<(Loaded, Result<T, Unloadable>)> {
    let (shared, is_in_memory) = (shared.clone(), matches!(loaded.source, Source::Memory(_)));
    let look = move || {
        let found = look(&loaded, &shared).map_err(Unloadable::of);
        (loaded, found)
    };
    if is_in_memory { Some(look()) } else { tokio::task::spawn_blocking(look).await.ok() }
}

/// What the sender is told in place of a next hop that was not asked.
fn refusal(misfit: Misfit) -> Reply {
    match misfit {
        // RFC 6152 §3: what cannot go as it is, and is not to be changed, fails.
        Misfit::EightBit => Reply::local(554, [5, 6, 3], "next hop takes no 8-bit content, and this is not converted"),
        Misfit::Path => Reply::local(553, [5, 1, 3], "an address cannot be written in a command"),
        Misfit::Size { limit } => Reply::local(552, [5, 3, 4], &format!("next hop takes {limit} bytes at most")),
        Misfit::Utf8Address => Reply::local(553, [5, 6, 7], "next hop takes no addresses beyond ASCII"),
        // RFC 6531 §3.2 and RFC 3463: X.6.9 is a header section that cannot be passed on.
        Misfit::Utf8Header => Reply::local(554, [5, 6, 9], "next hop takes no header fields beyond ASCII"),
    }
}

fn describe(place: &Place, fault: &Fault) -> String {
    if place.next_hop.is_empty() { fault.to_string() } else { format!("{}: {fault}", place.next_hop) }
}
