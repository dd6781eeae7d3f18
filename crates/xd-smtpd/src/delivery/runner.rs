//! Delivery as a whole: what all connections share, the timer, and what operators ask for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use xd_store::{Content, QueueId, QueuedMessage, SpoolError, SpoolMessage};

use super::clock::Clock;
use super::control::{Applied, Control, QueueEntry, Selection, Status};
use super::options::DeliveryOptions;
use super::queue::{EntryState, Job, Queue, Wanted};
use super::record::DeliveryLog;
use super::settle::Fate;
use super::store::QueueStore;
use super::tls::TlsConfigs;
use super::worker;
use crate::budget::ContentBudget;

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
    pub(super) runtime: Handle,
    pub(super) counts: Counts,
    /// What messages that are read ahead may take.
    pub(super) ahead: ContentBudget,
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
const AHEAD_BYTES: usize = 64 << 20;
/// When a message is read again that could not be read, and is in no list.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How often it is looked whether the spool takes marks again.
const PAUSE: Duration = Duration::from_millis(100);
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
            ahead: ContentBudget::new(AHEAD_BYTES),
        });
        for queued in recovered {
            shared.admit(queued, None);
        }
        tokio::spawn(timer(shared.clone()));
        Ok(Self { shared })
    }

    /// Adds what a spool held, in the background and in its order, and tells how many that were. Each that was never tried is recorded once
    /// it could be read; what cannot be read now is read again later. What comes in meanwhile is delivered beside it; operators' requests
    /// wait until all is there.
    pub fn recover(
        &self,
        recovered: impl Iterator<Item = (QueueId, Result<QueuedMessage, SpoolError>)> + Send + 'static,
        done: impl FnOnce(u64) + Send + 'static,
    ) {
        let (shared, adding) = (self.shared.clone(), self.shared.clone());
        shared.recovering.send_replace(true);
        let added = tokio::task::spawn_blocking(move || {
            let unless_stopped = recovered.take_while(|_| !adding.stopped.load(Ordering::SeqCst));
            unless_stopped.map(|(id, read)| adding.admit_read(id, read, true)).count() as u64
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

    /// Does what an operator asks; tells how many messages it applied to, and how many were left alone: what is in flight is left to its
    /// attempt, and what cannot be read now stays as it is.
    pub async fn control(&self, control: Control) -> Applied {
        self.recovered().await;
        let shared = self.shared.clone();
        let asked = tokio::task::spawn_blocking(move || shared.control(&control));
        // It does not panic; were it to, nothing was found that it applied to.
        asked.await.unwrap_or_default()
    }

    /// Tries now what waits for the next hops of a domain, given by its A-label in lower case. Whether anything does, as far as is known: while
    /// what the spool held is still being added, something may.
    pub fn call_for(&self, domain: &str) -> bool {
        let key = self.shared.key_of(&format!("@{domain}"));
        let is_recovering = *self.shared.recovering.borrow();
        let is_waited_for = {
            let mut queue = self.shared.queue();
            let found = queue.find(&key);
            found.and_then(|destination| queue.at(destination)).is_some_and(|at| at.entries > 0)
        };
        if is_waited_for || is_recovering {
            let delivery = self.clone();
            tokio::spawn(async move {
                delivery.recovered().await;
                delivery.shared.aside(move |shared| shared.hurry_to(&key));
            });
        }
        is_waited_for || is_recovering
    }

    /// To how many messages it would apply.
    pub async fn count(&self, selection: Selection) -> u64 {
        self.recovered().await;
        let shared = self.shared.clone();
        let asked = tokio::task::spawn_blocking(move || shared.select(&selection).len() as u64);
        // It does not panic; were it to, nothing was found.
        asked.await.unwrap_or_default()
    }

    /// Delivers by other routes and limits from now on. What waits goes by them, what is under way ends as it began. The certificates of
    /// authorities stay as they are.
    pub fn reload(&self, options: DeliveryOptions) {
        let shared = self.shared.clone();
        let options = Arc::new(options);
        let former = std::mem::replace(&mut *shared.options.write().unwrap_or_else(PoisonError::into_inner), options.clone());
        let (resources, now) = (options.resources, shared.clock.steady());
        let wanted = shared.queue().set_limits(options.next_hops, resources.content_bytes, resources.connections, now);
        shared.carry_out(wanted);
        // Destinations follow from routes: where these changed, whatever waits is looked at again.
        if !options.has_routes_of(&former) {
            tokio::task::spawn_blocking(move || shared.readmit_all());
        }
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
        let (wanted, next, is_paused) = {
            let mut queue = shared.queue();
            let mut wanted = queue.tick(now);
            if queue.paused && !shared.store.is_short() {
                wanted.open.extend(queue.resume(now).open);
            }
            (wanted, queue.next_tick(), queue.paused)
        };
        shared.carry_out(wanted);
        let sleep = sweep_at.saturating_duration_since(Instant::now());
        let sleep = if is_paused { sleep.min(PAUSE) } else { sleep };
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

    /// Takes nothing more out of the queue while the spool takes no marks: what is sent then could not be remembered. A shortage ends when there
    /// is room again, which the timer sees; anything else with a start on another spool. Whether it is so.
    pub(super) fn heed_store(self: &Arc<Self>) -> bool {
        if self.store.is_broken() {
            self.queue().begin_drain();
            true
        } else if self.store.is_short() {
            if self.queue().pause() {
                self.poke.notify_one();
            }
            true
        } else {
            false
        }
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
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options()).field("pending", &self.pending).finish_non_exhaustive()
    }
}
