//! Delivery as a whole: what all connections share, the timer, and what operators ask for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use xd_config::NextHop;
use xd_core::Domain;
use xd_core::schedule::{Steady, Wall};
use xd_store::{Content, Done, HoldReason, Mark, QueueId, QueuedMessage, RecipientState, SpoolError, SpoolMessage};

use super::clock::Clock;
use super::control::{Control, QueueEntry, Selection, Status};
use super::destination::DestinationKey;
use super::load::{Budget, Unloadable, load, recipient_marks};
use super::options::DeliveryOptions;
use super::queue::{EntryState, HELD, Hot, Job, NewEntry, Queue, Wanted, first_hold};
use super::record::{DeliveryLog, DeliveryRecord, FinalRecord};
use super::settle::Fate;
use super::store::QueueStore;
use super::tls::TlsConfigs;
use super::worker;

/// Delivers what is in the spool. Cloning it shares the queue.
///
/// It lives on the tokio runtime it was started in; [`Delivery::drain`] ends it.
#[derive(Clone, Debug)]
pub struct Delivery {
    shared: Arc<Shared>,
}

/// What all connections share.
pub(super) struct Shared {
    /// Replaced as a whole on reload.
    options: RwLock<Arc<DeliveryOptions>>,
    pub(super) store: Arc<dyn QueueStore>,
    pub(super) log: Arc<dyn DeliveryLog>,
    pub(super) tls: TlsConfigs,
    pub(super) clock: Clock,
    queue: Mutex<Queue>,
    /// Wakes the timer: something is due earlier than it knows.
    poke: Notify,
    /// Marks and DSNs that are not durable yet.
    pub(super) pending: AtomicU64,
    /// A connection was closed or a mark became durable.
    pub(super) drained: Notify,
    stopped: AtomicBool,
    /// Whether what the spool held is still being added.
    recovering: watch::Sender<bool>,
    runtime: Handle,
    pub(super) counts: Counts,
    /// What messages that are read ahead may take.
    pub(super) ahead: Budget,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) deferred: AtomicU64,
    /// Ages at delivery in milliseconds, the last of them, and the place of the next.
    pub(super) ages: Mutex<(Vec<u32>, usize)>,
}

/// Deliveries whose ages are kept for [`Latencies`].
const AGES: usize = 4096;
/// Bytes of contents that are read whole before their attempts, all connections together. Beyond that they are read piece by piece.
const AHEAD_BYTES: u64 = 64 << 20;
/// When a message is read again that could not be read, and is in no list.
const READ_AGAIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How often age limits are looked at. Tests don't wait for that long.
const SWEEP: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 60 });

impl Delivery {
    /// Starts delivery of what a spool held, and of what is added later. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the roots given for TLS are no certificates.
    pub fn start(
        options: DeliveryOptions,
        store: Arc<dyn QueueStore>,
        log: Arc<dyn DeliveryLog>,
        recovered: impl IntoIterator<Item = QueuedMessage>,
    ) -> Result<Self, rustls::Error> {
        let tls = TlsConfigs::try_new(&options.tls_roots)?;
        let seed = options.node.bytes().fold(0, |seed: u64, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let queue = Queue::new(options.next_hops, seed, options.resources.content_bytes, options.resources.connections);
        let shared = Arc::new(Shared {
            options: RwLock::new(Arc::new(options)),
            store,
            log,
            tls,
            clock: Clock::start(),
            queue: Mutex::new(queue),
            poke: Notify::new(),
            pending: AtomicU64::new(0),
            drained: Notify::new(),
            stopped: AtomicBool::new(false),
            recovering: watch::Sender::new(false),
            runtime: Handle::current(),
            counts: Counts::default(),
            ahead: Budget::new(AHEAD_BYTES),
        });
        for queued in recovered {
            shared.admit(queued, None);
        }
        tokio::spawn(timer(shared.clone()));
        Ok(Self { shared })
    }

    /// Adds what a spool held, in the background and in its order, and tells how many that were. What comes in meanwhile is delivered
    /// beside it; operators' requests wait until all is there.
    pub fn recover(
        &self,
        recovered: impl Iterator<Item = QueuedMessage> + Send + 'static,
        done: impl FnOnce(u64) + Send + 'static,
    ) {
        let (shared, adding) = (self.shared.clone(), self.shared.clone());
        shared.recovering.send_replace(true);
        let added = tokio::task::spawn_blocking(move || {
            let unless_stopped = recovered.take_while(|_| !adding.stopped.load(Ordering::SeqCst));
            unless_stopped.map(|queued| adding.admit(queued, None)).count() as u64
        });
        tokio::spawn(async move {
            let added = added.await;
            shared.recovering.send_replace(false);
            // It does not panic; were it to, the rest is added at the next start.
            done(added.unwrap_or_default());
        });
    }

    /// Returns when all is there that a spool held.
    async fn recovered(&self) {
        // Its sender is in our hands.
        let _ = self.shared.recovering.subscribe().wait_for(|recovering| !recovering).await;
    }

    /// Adds a message that was just made durable; its content, while it is in memory.
    pub fn enqueue(&self, message: SpoolMessage, content: Option<Content>) {
        self.shared.admit(QueuedMessage { message, attempt: None }, content);
    }

    /// Does what an operator asks; tells how many messages it applied to. What is in flight is left to its attempt.
    pub async fn control(&self, control: Control) -> u64 {
        self.recovered().await;
        let shared = self.shared.clone();
        let asked = tokio::task::spawn_blocking(move || shared.control(&control));
        // It does not panic; were it to, nothing was found that it applied to.
        asked.await.unwrap_or_default()
    }

    /// To how many messages it would apply.
    pub async fn count(&self, selection: Selection) -> u64 {
        self.recovered().await;
        let shared = self.shared.clone();
        let asked = tokio::task::spawn_blocking(move || shared.select(&selection).len() as u64);
        // It does not panic; were it to, nothing was found.
        asked.await.unwrap_or_default()
    }

    /// Delivers by other routes and limits from now on. What waits goes by them, what is under way ends as it began. How
    /// many connections a known next hop gets, and the certificates of authorities, stay as they are.
    pub fn reload(&self, options: DeliveryOptions) {
        let shared = self.shared.clone();
        *shared.options.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(options);
        // Destinations follow from routes: whatever waits is looked at again.
        tokio::task::spawn_blocking(move || shared.readmit_all());
    }

    /// All entries of the queue, the oldest messages first.
    #[must_use]
    pub fn list(&self) -> Vec<QueueEntry> {
        let now = self.shared.clock.steady();
        let mut queue = self.shared.queue();
        let found: Vec<_> = queue.list().collect();
        let mut entries: Vec<QueueEntry> = found
            .into_iter()
            .map(|(id, destination, arrived, attempts, state, due)| {
                let at = queue.at(destination);
                QueueEntry {
                    id,
                    archive: at.as_ref().is_some_and(|at| at.key.archive),
                    destination: at.map_or_else(String::new, |at| at.name.to_string()),
                    arrived: arrived.0,
                    attempts,
                    next_try: (state == EntryState::Waiting).then(|| Duration::from_millis(due.since(now))),
                    in_flight: state == EntryState::InFlight,
                    held: matches!(state, EntryState::Held(_)),
                }
            })
            .collect();
        drop(queue);
        entries.sort_by(|a, b| (a.id, &a.destination).cmp(&(b.id, &b.destination)));
        entries
    }

    /// How delivery is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Ends delivery: takes nothing new, lets transactions under way end, and waits for their marks. What waits stays in the
    /// spool.
    pub async fn drain(&self) {
        let shared = &self.shared;
        shared.queue().begin_drain();
        while !(shared.queue().is_idle() && shared.pending.load(Ordering::SeqCst) == 0) {
            shared.drained.notified().await;
        }
        shared.stopped.store(true, Ordering::SeqCst);
        shared.poke.notify_one();
    }
}

async fn timer(shared: Arc<Shared>) {
    let mut sweep_at = Instant::now();
    while !shared.stopped.load(Ordering::SeqCst) {
        if Instant::now() >= sweep_at {
            sweep_at = Instant::now() + SWEEP;
            let sweeping = shared.clone();
            // Age limits wait for the next minute if this one's sweep failed.
            let _ = tokio::task::spawn_blocking(move || sweeping.sweep()).await;
        }
        let now = shared.clock.steady();
        let (wanted, next) = {
            let mut queue = shared.queue();
            (queue.tick(now), queue.next_tick())
        };
        shared.carry_out(wanted);
        let sleep = sweep_at.saturating_duration_since(Instant::now());
        let sleep = next.map_or(sleep, |next| sleep.min(Duration::from_millis(next.since(now).max(1))));
        tokio::select! {
            () = shared.poke.notified() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

impl Shared {
    /// The settings in force.
    pub(super) fn options(&self) -> Arc<DeliveryOptions> {
        // A panic elsewhere cannot have left half a pointer.
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic while it was held leaves numbers, each in some list; going on loses nothing that the spool has.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens connections and wakes the timer, as the queue wants.
    pub(super) fn carry_out(self: &Arc<Self>, wanted: Wanted) {
        for destination in wanted.open {
            self.runtime.spawn(worker::run(self.clone(), destination));
        }
        if wanted.timer {
            self.poke.notify_one();
        }
        self.drained.notify_one();
    }

    /// Takes nothing more out of the queue once the spool takes no marks: what is sent then could not be remembered. Only a start
    /// with another spool ends that.
    pub(super) fn stop_if_broken(self: &Arc<Self>) {
        if self.store.is_broken() {
            self.queue().begin_drain();
        }
    }

    /// Adds the entries of a message: one for each destination of its waiting recipients, one for those held, one for the archive.
    pub(super) fn admit(self: &Arc<Self>, queued: QueuedMessage, content: Option<Content>) {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        let (attempts, due) = match &queued.attempt {
            // A clock that was set back must not make it wait for longer than any wait is.
            Some(attempt) => {
                (attempt.count, now.after(attempt.next_try.saturating_sub(wall.0).min(self.options().schedule.longest())))
            }
            None => (0, now),
        };
        let state = if due > now { EntryState::Waiting } else { EntryState::Ready };
        let mut keys: Vec<DestinationKey> = Vec::new();
        for recipient in queued.message.recipients.iter().filter(|recipient| recipient.state == RecipientState::Waiting) {
            let key = self.key_of(&recipient.forward_path);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let options = self.options();
        match &options.archive {
            _ if !queued.message.archive => {}
            Some(archive) => keys.push(DestinationKey { route: archive.route.clone(), domain: None, archive: true }),
            // Nothing could ever be done about it, and the message would stay for good.
            None => {
                let reason = "the archive copy was owed, and there is no archive any more".to_owned();
                let record = FinalRecord { id: queued.message.id, recipients: Vec::new(), done: Done::Discarded, reason };
                self.log.record(DeliveryRecord::Final(record));
                self.mark(queued.message.id, vec![Mark::Archived], |_| {});
            }
        }
        let hold = first_hold(&queued);
        let message = Arc::new(queued.message);
        let (id, arrived) = (message.id, Wall(message.arrived));
        let hot = content.map(|content| Hot { message, content });
        let mut all = Wanted::default();
        let mut queue = self.queue();
        for key in &keys {
            let destination = queue.destination(key, now);
            let wanted = queue.add(NewEntry { id, arrived, destination, attempts, state, due }, hot.clone(), now);
            all.open.extend(wanted.open);
            all.timer |= wanted.timer;
        }
        if let Some((reason, since)) = hold {
            let state = EntryState::Held(reason);
            let _ = queue.add(NewEntry { id, arrived, destination: HELD, attempts, state, due: Steady(since) }, None, now);
        }
        drop(queue);
        self.carry_out(all);
    }

    /// Adds the entries of a message anew, as the spool has it now. One that is done has none. Reads a file.
    pub(super) fn readmit(self: &Arc<Self>, id: QueueId) {
        match self.store.read(id) {
            Ok(queued) => self.admit(queued, None),
            Err(SpoolError::Unknown(_)) => {}
            // It is in no list meanwhile, and must come back to one.
            Err(_) => self.readmit_later(id),
        }
    }

    fn readmit_later(self: &Arc<Self>, id: QueueId) {
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(READ_AGAIN).await;
            shared.aside(move |shared| shared.readmit(id));
        });
    }

    /// Takes a message out of the queue and reads it, in this order: what an attempt does to it in the meantime is either read, or
    /// keeps it from being taken. None when there is nothing to take; what cannot be read stays where it was.
    pub(super) fn withdraw(self: &Arc<Self>, id: QueueId) -> Option<QueuedMessage> {
        let now = self.clock.steady();
        let entries = self.queue().withdraw(id, now);
        if entries.is_empty() {
            return None;
        }
        match self.store.read(id) {
            Ok(queued) => Some(queued),
            Err(SpoolError::Unknown(_)) => None,
            Err(_) => {
                let wanted = self.queue().put_back(entries, now);
                self.carry_out(wanted);
                None
            }
        }
    }

    /// Where a forward-path goes.
    fn key_of(&self, forward_path: &str) -> DestinationKey {
        // RFC 5321 §4.5.1: `postmaster` alone is ours.
        let options = self.options();
        let text = forward_path.rsplit_once('@').map_or(options.hostname.as_str(), |(_, domain)| domain);
        let domain = Domain::parse(text).map_or_else(|_| text.to_ascii_lowercase(), |domain| domain.as_str().to_owned());
        let route = options.routes.get(&domain).unwrap_or(&options.outbound).clone();
        let needs_domain = route.next_hops.contains(&NextHop::Mx);
        DestinationKey { route, domain: needs_domain.then_some(domain), archive: false }
    }

    /// Recipients that wait and go to a destination.
    pub(super) fn recipients_of(&self, message: &SpoolMessage, key: &DestinationKey) -> Vec<u32> {
        let recipients = message.recipients.iter().enumerate();
        let waiting = recipients.filter(|(_, recipient)| recipient.state == RecipientState::Waiting);
        waiting.filter(|(_, recipient)| self.key_of(&recipient.forward_path) == *key).map(|(index, _)| index as u32).collect()
    }

    pub(super) fn finish(&self, job: &Job) {
        let now = self.clock.steady();
        self.queue().finish(job.slot, now);
    }

    pub(super) fn name_of(&self, destination: u32) -> String {
        self.queue().at(destination).map_or_else(String::new, |at| at.name.to_string())
    }

    pub(super) fn count(&self, fates: &[Fate], age: u64) {
        for fate in fates {
            let count = match fate {
                Fate::Delivered => &self.counts.delivered,
                Fate::Failed => &self.counts.failed,
                Fate::Again | Fate::Deferred | Fate::Pressed => &self.counts.deferred,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        if fates.contains(&Fate::Delivered) {
            let mut ages = self.counts.ages.lock().unwrap_or_else(PoisonError::into_inner);
            let (ages, next) = &mut *ages;
            // Ages beyond seven weeks count as that.
            let age = u32::try_from(age).unwrap_or(u32::MAX);
            if ages.len() < AGES {
                ages.push(age);
            } else {
                ages[*next] = age;
            }
            *next = (*next + 1) % AGES;
        }
    }

    /// Gives up what is too old and discards what was held for long.
    fn sweep(self: &Arc<Self>) {
        let (wall, now) = (self.clock.wall(), self.clock.steady());
        if self.store.is_broken() {
            return;
        }
        let most = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let holds = self.options().holds;
        let hold = |reason| match reason {
            HoldReason::Dsn => Some(most(holds.dsn)),
            HoldReason::Quarantine => Some(most(holds.quarantine)),
            _ => None,
        };
        let old = {
            let mut queue = self.queue();
            queue.sweep(now);
            // After days without power, or with a clock that jumped, nothing is given back that was not tried since.
            let max_age = if self.has_tried_all() { self.options().schedule.max_age } else { u64::MAX };
            queue.take_old(wall, max_age, hold)
        };
        for (job, state, key) in old {
            match (state, key) {
                (EntryState::Held(reason), _) => self.discard(&job, reason),
                (_, Some((destination, key))) => match load(self, &key, job) {
                    Ok(loaded) => self.expire(loaded, destination, &key),
                    Err((job, why)) => self.put_away(job, why),
                },
                (_, None) => self.finish(&job),
            }
        }
    }

    /// Whether delivery has been at work for so long that whatever waits was due at least once.
    pub(super) fn has_tried_all(&self) -> bool {
        self.clock.steady().0 > self.options().schedule.longest()
    }

    /// Puts a job where it belongs whose message could not be loaded.
    pub(super) fn put_away(self: &Arc<Self>, job: Job, why: Unloadable) {
        match why {
            Unloadable::Damaged(error) => self.hold_unreadable(job, &error.to_string()),
            Unloadable::Gone => self.finish(&job),
            Unloadable::Later => {
                let due = self.clock.steady().after(self.options().schedule.interval);
                self.requeue(job.slot, job.attempts, Some(due));
            }
            Unloadable::Moved => {
                self.finish(&job);
                self.readmit(job.id);
            }
        }
    }

    fn discard(self: &Arc<Self>, job: &Job, reason: HoldReason) {
        let queued = match self.store.read(job.id) {
            Ok(queued) => queued,
            Err(error) => {
                self.finish(job);
                if !matches!(error, SpoolError::Unknown(_)) {
                    self.readmit_later(job.id);
                }
                return;
            }
        };
        let is_meant = |state: RecipientState| matches!(state, RecipientState::Held { reason: held, .. } if held == reason);
        let recipients = indexes(&queued.message, is_meant);
        let marks = recipient_marks(&recipients, RecipientState::Done(Done::Discarded));
        let reason = match reason {
            HoldReason::Dsn => "a report to somebody who may never have written was held for long enough",
            _ => "it was held for long enough",
        };
        let record = FinalRecord { id: job.id, recipients, done: Done::Discarded, reason: reason.to_owned() };
        self.log.record(DeliveryRecord::Final(record));
        let (shared, id) = (Arc::clone(self), job.id);
        self.mark_and_finish(job.slot, job.id, marks, move |committed| {
            // Others of its recipients may be held for another reason.
            if committed {
                shared.aside(move |shared| shared.readmit(id));
            }
        });
    }

    /// Does something that reads files, off the threads that commit and that speak.
    pub(super) fn aside(self: &Arc<Self>, what: impl FnOnce(&Arc<Self>) + Send + 'static) {
        self.pending.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(self);
        self.runtime.spawn_blocking(move || {
            what(&shared);
            if shared.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
                shared.drained.notify_one();
            }
        });
    }

    /// Takes all that waits out of the queue and puts it back where it belongs now.
    fn readmit_all(self: &Arc<Self>) {
        let ids = self.queue().ids();
        for id in ids {
            if let Some(queued) = self.withdraw(id) {
                self.admit(queued, None);
            }
        }
    }
}

pub(super) fn indexes(message: &SpoolMessage, chosen: impl Fn(RecipientState) -> bool) -> Vec<u32> {
    let recipients = message.recipients.iter().enumerate();
    recipients.filter(|(_, recipient)| chosen(recipient.state)).map(|(index, _)| index as u32).collect()
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options()).field("pending", &self.pending).finish_non_exhaustive()
    }
}
