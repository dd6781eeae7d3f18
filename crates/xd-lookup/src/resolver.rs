//! Answers questions of DNS: from what is kept, from whoever asks the same already, or from the servers; always in time.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind, Unknown};
use xd_core::Domain;

use crate::cache::Cache;
use crate::exchange::Exchange;
use crate::mx::{self, MailHosts};
use crate::names::{self, ClientNames};
use crate::settings::{ResolverError, ResolverOptions};
use crate::special::{self, Origin};

/// Asks DNS. Cloning it shares cache and sockets.
///
/// Equal questions that are open at the same time are asked once. Of all callers together no more
/// are open than the settings allow, a quarter of them kept for names that do not come from mail; the rest wait, and no longer than their deadline. Answers are kept for as long as their owners allow, but no longer than an hour, so that
/// what operators change arrives; absences no longer than five minutes; failures not at all.
///
/// # Example: nobody is asked
/// ```
/// use xd_lookup::{Answer, Origin, Resolver};
/// use xd_auth::{Name, Question, RecordKind, Unknown};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let question = Question::new(Name::parse("example.com").unwrap(), RecordKind::Txt);
/// let answer = runtime.block_on(Resolver::off().answer(&question, Origin::Mail));
/// assert_eq!(answer, Answer::Unknown(Unknown::NotAsked));
/// ```
#[derive(Clone)]
pub struct Resolver {
    inner: Option<Arc<Inner>>,
    deadline: Duration,
}

struct Inner {
    exchange: Exchange,
    shared: Mutex<Shared>,
    /// Those for names from mail, and those for others: what mail names can be made to answer slowly, and must hold up nothing else.
    open_mail: Arc<Semaphore>,
    open_site: Arc<Semaphore>,
    deadline: Duration,
}

/// What callers share.
struct Shared {
    cache: Cache,
    /// Questions that are open. Each is asked by a task of its own, so that it comes to its end, and into the cache, whoever
    /// stops waiting for it.
    flights: BTreeMap<Question, Flight>,
}

type Flight = watch::Receiver<Option<Arc<Answer<Record>>>>;

impl Resolver {
    /// A resolver with these settings. Reads the system's when they say so. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When no servers are known.
    pub fn try_new(options: &ResolverOptions) -> Result<Self, ResolverError> {
        let most = usize::try_from(options.cache).unwrap_or(usize::MAX);
        let inner = Exchange::try_new(options)?.map(|exchange| {
            let shared = Mutex::new(Shared { cache: Cache::new(most), flights: BTreeMap::new() });
            let [open_mail, open_site] =
                [options.open_by_mail(), options.open_by_site()].map(|most| Arc::new(Semaphore::new(most)));
            Arc::new(Inner { exchange, shared, open_mail, open_site, deadline: options.deadline })
        });
        Ok(Self { inner, deadline: options.deadline })
    }

    /// A resolver that asks nobody.
    #[must_use]
    pub fn off() -> Self {
        Self { inner: None, deadline: Duration::ZERO }
    }

    /// The answer to a question, within the deadline. Records are those of the name or of what it is an alias of, at most 100
    /// (500 texts); a larger answer is malformed rather than cut, since part of it could prove the wrong thing. Must be called
    /// within a tokio runtime.
    pub async fn answer(&self, question: &Question, origin: Origin) -> Answer<Record> {
        let Some(inner) = &self.inner else { return Answer::Unknown(Unknown::NotAsked) };
        if let Some(answer) = special::answer(question, origin) {
            return answer;
        }
        match timeout(self.deadline, Inner::answer(inner, question, origin)).await {
            Ok(answer) => answer.as_ref().clone(),
            Err(_) => Answer::Unknown(Unknown::Timeout),
        }
    }

    /// Whether it asks nobody.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.inner.is_none()
    }

    /// IPv4 addresses of a name.
    pub async fn ipv4(&self, domain: &Domain) -> Answer<Ipv4Addr> {
        let address = |record| if let Record::A(address) = record { Some(address) } else { None };
        self.of(domain, RecordKind::A, address).await
    }

    /// IPv6 addresses of a name.
    pub async fn ipv6(&self, domain: &Domain) -> Answer<Ipv6Addr> {
        let address = |record| if let Record::Aaaa(address) = record { Some(address) } else { None };
        self.of(domain, RecordKind::Aaaa, address).await
    }

    /// Addresses of both families, IPv6 first (RFC 6724 §2.1). Found when either has some; unknown when neither has and either
    /// could not be found out.
    pub async fn addresses(&self, domain: &Domain) -> Answer<IpAddr> {
        let (six, four) = tokio::join!(self.ipv6(domain), self.ipv4(domain));
        let mut found = Vec::new();
        let (mut unknown, mut absence) = (None, Absence::Name);
        let six = six.map(IpAddr::V6);
        let four = four.map(IpAddr::V4);
        for answer in [six, four] {
            match answer {
                Answer::Found(addresses) => found.extend(addresses),
                Answer::Absent(Absence::Records) => absence = Absence::Records,
                Answer::Absent(Absence::Name) => {}
                Answer::Unknown(why) => unknown = Some(why),
            }
        }
        match (found.is_empty(), unknown) {
            (false, _) => Answer::Found(found),
            (true, Some(why)) => Answer::Unknown(why),
            (true, None) => Answer::Absent(absence),
        }
    }

    /// MX records of a name: preference and host, the root being empty. Hosts whose names cannot be such are left out.
    pub async fn mx(&self, domain: &Domain) -> Answer<(u16, String)> {
        let host = |record| match record {
            Record::Mx { preference, host } => Some((preference, host.as_str().to_owned())),
            _ => None,
        };
        self.of(domain, RecordKind::Mx, host).await
    }

    /// Which hosts take mail for a domain, in the order in which they are to be tried (RFC 5321 §5.1). Hosts of one preference
    /// are rotated by `turn`.
    pub async fn mail_hosts(&self, domain: &Domain, turn: u64) -> MailHosts {
        mx::mail_hosts(domain, self.mx(domain).await, turn)
    }

    /// The names in the PTR records of an address, as many of them as are domain names; malformed when none is.
    pub async fn reverse_names(&self, address: IpAddr) -> Answer<Domain> {
        let name = |record| match record {
            Record::Ptr(name) => Domain::parse(name.as_str()).ok(),
            _ => None,
        };
        // An IPv4 address written as an IPv6 one has the names of the IPv4 address: `Question::reverse` sees to it.
        pick(self.answer(&Question::reverse(address), Origin::Site).await, name)
    }

    /// The names of a client: those of its PTR records, and the first of them that leads back to it. Takes no longer than `within`;
    /// what is not known by then is unknown.
    pub async fn client_names(&self, address: IpAddr, within: Duration) -> ClientNames {
        names::client_names(self, address.to_canonical(), within).await
    }

    async fn of<T>(&self, domain: &Domain, kind: RecordKind, change: impl Fn(Record) -> Option<T>) -> Answer<T> {
        match Name::parse(domain.as_str()) {
            Ok(name) => pick(self.answer(&Question::new(name, kind), Origin::Site).await, change),
            Err(_) => Answer::Unknown(Unknown::Malformed),
        }
    }
}

fn pick<T>(answer: Answer<Record>, change: impl Fn(Record) -> Option<T>) -> Answer<T> {
    match answer {
        Answer::Found(records) => {
            let found: Vec<T> = records.into_iter().filter_map(change).collect();
            if found.is_empty() { Answer::Unknown(Unknown::Malformed) } else { Answer::Found(found) }
        }
        Answer::Absent(absence) => Answer::Absent(absence),
        Answer::Unknown(why) => Answer::Unknown(why),
    }
}

impl Inner {
    async fn answer(self: &Arc<Self>, question: &Question, origin: Origin) -> Arc<Answer<Record>> {
        let known = self.lock().known(question);
        let flight = match known {
            Some(known) => known,
            None => {
                // Waits here while too many are open. It is never closed.
                let open = match origin {
                    Origin::Mail => &self.open_mail,
                    Origin::Site => &self.open_site,
                };
                let permit = open.clone().acquire_owned().await.ok();
                let mut shared = self.lock();
                // Somebody may have asked it meanwhile.
                shared.known(question).unwrap_or_else(|| {
                    let (done, flight) = watch::channel(None);
                    shared.flights.insert(question.clone(), flight.clone());
                    let landing = Landing { inner: self.clone(), question: question.clone(), done };
                    tokio::spawn(async move {
                        let _permit = permit;
                        landing.fly().await;
                    });
                    Known::Open(flight)
                })
            }
        };
        let mut flight = match flight {
            Known::Kept(answer) => return answer,
            Known::Open(flight) => flight,
        };
        // It closes without an answer only when the runtime ends.
        let answer = flight.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Arc::new(Answer::Unknown(Unknown::Timeout)))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Whatever panicked while it held the lock left tables that hold each other's entries or fewer.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Known {
    Kept(Arc<Answer<Record>>),
    Open(Flight),
}

impl Shared {
    fn known(&self, question: &Question) -> Option<Known> {
        let kept = self.cache.find(question, Instant::now()).map(Known::Kept);
        kept.or_else(|| self.flights.get(question).cloned().map(Known::Open))
    }
}

/// The end of a question: takes it from those that are open, however it ends.
struct Landing {
    inner: Arc<Inner>,
    question: Question,
    done: watch::Sender<Option<Arc<Answer<Record>>>>,
}

impl Landing {
    async fn fly(self) {
        let asked = timeout(self.inner.deadline, self.inner.exchange.ask(&self.question)).await;
        let (answer, ttl) = asked.unwrap_or((Answer::Unknown(Unknown::Timeout), 0));
        let answer = Arc::new(answer);
        self.inner.lock().cache.put(&self.question, &answer, ttl, Instant::now());
        self.done.send_replace(Some(answer));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.inner.lock().flights.remove(&self.question);
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("off", &self.inner.is_none()).field("deadline", &self.deadline).finish()
    }
}
