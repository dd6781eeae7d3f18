//! Delivery against next hops in this process, on loopback, that misbehave as told; the spool is a map.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use xd_core::schedule::{NextHopPolicy, RetryPolicy};
use xd_core::{Limits, Message, View};
use xd_lookup::Resolver;
use xd_store::{
    Acceptance, BodyType, Content, Done, HoldReason, Mark, Notify, QueueId, QueuedMessage, RecipientState, SegmentError,
    SpoolError, SpoolMessage, SpoolRecipient,
};

use super::*;

mod backlog;
mod outcomes;
mod rest;
mod shortage;
mod throughput;
mod tls;
mod ways;

/// The spool in memory. Marks are committed at once, or when a test says so.
#[derive(Default)]
struct MemoryStore {
    messages: Mutex<BTreeMap<QueueId, (QueuedMessage, Vec<u8>)>>,
    last: AtomicU64,
    /// Marks that wait for their commit, while there is a slow one.
    slow: Mutex<Option<Vec<Late>>>,
    /// Where connections are spoken on: no file is read there.
    speaking: Option<std::thread::ThreadId>,
    /// How contents and, of the first two kinds, envelopes fail.
    fault: Mutex<Option<Fault>>,
    reads: AtomicUsize,
}

/// How reading fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// No descriptor is left.
    Descriptors,
    /// The disk gives nothing back.
    Disk,
    /// All contents have other bytes than were written.
    Content,
}

/// Marks that are not committed yet, and who waits for that.
type Late = (QueueId, Vec<Mark>, Committed);

impl MemoryStore {
    fn fails(&self, id: QueueId, faults: &[Fault]) -> Result<(), SpoolError> {
        assert_ne!(Some(std::thread::current().id()), self.speaking, "a file is read by a thread that others wait for");
        self.reads.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().unwrap().filter(|fault| faults.contains(fault));
        let error = |source| {
            let error = SegmentError::Io { operation: "read", path: "spool".into(), source };
            Err(SpoolError::Segment(error))
        };
        match fault {
            None => Ok(()),
            Some(Fault::Descriptors) => error(std::io::Error::from_raw_os_error(24)),
            Some(Fault::Disk) => error(std::io::Error::from_raw_os_error(5)),
            Some(Fault::Content) => Err(SpoolError::Damaged { id, path: "spool".into(), what: "a damaged record" }),
        }
    }

    fn read_attempt(&self, id: QueueId) -> xd_store::Attempt {
        self.messages.lock().unwrap()[&id].0.attempt.clone().unwrap()
    }

    fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Commits what waits, and from then on at once.
    fn commit(&self) {
        let waiting = self.slow.lock().unwrap().take().unwrap_or_default();
        waiting.into_iter().for_each(|(id, marks, done)| self.mark(id, marks, done));
    }
}

impl QueueStore for MemoryStore {
    fn next_id(&self) -> QueueId {
        QueueId::new(self.last.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn accept(&self, acceptance: Acceptance, done: Committed) {
        let Acceptance { message, content } = acceptance;
        let queued = QueuedMessage { message, attempt: None };
        self.messages.lock().unwrap().insert(queued.message.id, (queued, content.to_vec()));
        done(Ok(()));
    }

    fn mark(&self, id: QueueId, marks: Vec<Mark>, done: Committed) {
        if let Some(waiting) = &mut *self.slow.lock().unwrap() {
            return waiting.push((id, marks, done));
        }
        if let Some((queued, _)) = self.messages.lock().unwrap().get_mut(&id) {
            for mark in marks {
                match mark {
                    Mark::Archived => queued.message.archive = false,
                    Mark::Attempt(attempt) => queued.attempt = Some(attempt),
                    Mark::Recipient { index, state } => {
                        let old = &mut queued.message.recipients[index as usize].state;
                        assert!(!old.is_done(), "{id}: {old:?} becomes {state:?}");
                        *old = state;
                    }
                    Mark::Remove(done) => {
                        queued.message.recipients.iter_mut().for_each(|recipient| recipient.state = RecipientState::Done(done));
                    }
                }
            }
        }
        done(Ok(()));
    }

    fn read(&self, id: QueueId) -> Result<QueuedMessage, SpoolError> {
        self.fails(id, &[Fault::Descriptors])?;
        let messages = self.messages.lock().unwrap();
        messages
            .get(&id)
            .map(|(queued, _)| queued.clone())
            .filter(|queued| queued.message.is_live())
            .ok_or(SpoolError::Unknown(id))
    }

    fn read_content(&self, id: QueueId) -> Result<ContentChunks, SpoolError> {
        let messages = self.messages.lock().unwrap();
        let content = messages.get(&id).map(|(_, content)| content.clone()).ok_or(SpoolError::Unknown(id))?;
        let mut chunks: Vec<_> = content.chunks(100_000).map(|chunk| Ok(chunk.to_vec())).collect();
        if let Err(error) = self.fails(id, &[Fault::Content, Fault::Descriptors, Fault::Disk]) {
            // What was read before may be on its way.
            chunks.pop();
            chunks.push(Err(error));
        }
        Ok(Box::new(chunks.into_iter()))
    }

    fn is_broken(&self) -> bool {
        false
    }

    fn is_short(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct List(Mutex<Vec<DeliveryRecord>>);

impl DeliveryLog for List {
    fn record(&self, record: DeliveryRecord) {
        self.0.lock().unwrap().push(record);
    }
}

/// What a next hop answers, by the beginning of the line it gets: each rule as often as it says, the first that fits.
type Rule = (&'static str, &'static str, usize);

/// A next hop: what it took, and how it was asked.
#[derive(Default)]
struct Sink {
    rules: Mutex<Vec<Rule>>,
    taken: Mutex<Vec<(Vec<String>, Vec<u8>)>>,
    connections: AtomicUsize,
    extensions: Mutex<&'static str>,
    /// Begins TLS after STARTTLS.
    acceptor: Mutex<Option<tokio_rustls::TlsAcceptor>>,
}

/// What a next hop speaks over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Sink {
    async fn start(rules: &[Rule]) -> (Arc<Self>, SocketAddr) {
        let sink = Arc::new(Self { rules: Mutex::new(rules.to_vec()), ..Self::default() });
        *sink.extensions.lock().unwrap() = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(sink.clone().listen(listener));
        (sink, address)
    }

    async fn listen(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            self.connections.fetch_add(1, Ordering::SeqCst);
            let sink = self.clone();
            tokio::spawn(async move { sink.talk(stream).await });
        }
    }

    fn rule(&self, line: &str) -> Option<&'static str> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|(start, _, left)| line.starts_with(start) && *left > 0)?;
        rule.2 -= 1;
        Some(rule.1)
    }

    /// Speaks until either side closes. A rule of `close` closes; of `keep` it takes the message and closes.
    async fn talk(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).unwrap();
        let mut stream: BufReader<Box<dyn Wire>> = BufReader::new(Box::new(stream));
        let mut lmtp = false;
        let greeting = self.rule("connect").unwrap_or("220 sink");
        if greeting == "close" {
            return None;
        }
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
        let mut envelope = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            let verb = line.split(' ').next().unwrap_or_default();
            let rule = self.rule(&line);
            if rule == Some("close") {
                return None;
            }
            let mut reply = match (rule, verb) {
                (Some(rule), _) => format!("{rule}\r\n"),
                (None, "EHLO" | "LHLO") => (*self.extensions.lock().unwrap()).to_owned(),
                (None, "DATA") if envelope.len() < 2 => "554 5.5.1 nobody\r\n".to_owned(),
                (None, "DATA") => "354 go\r\n".to_owned(),
                (None, "QUIT") => return None,
                (None, "STARTTLS") => "220 go\r\n".to_owned(),
                (None, _) => "250 2.0.0 ok\r\n".to_owned(),
            };
            match verb {
                "MAIL" => envelope = Vec::from_iter(reply.starts_with('2').then(|| line.clone())),
                "RCPT" if reply.starts_with('2') && !envelope.is_empty() => envelope.push(line.clone()),
                _ => {}
            }
            stream.write_all(reply.as_bytes()).await.ok()?;
            lmtp |= verb == "LHLO";
            if verb == "STARTTLS" && reply.starts_with('2') {
                let acceptor = self.acceptor.lock().unwrap().clone()?;
                stream = BufReader::new(Box::new(acceptor.accept(stream.into_inner()).await.ok()?));
            }
            if verb == "DATA" && reply.starts_with('3') {
                let mut content = Vec::new();
                while !content.ends_with(b"\r\n.\r\n") && content != b".\r\n" {
                    let byte = stream.read_u8().await.ok()?;
                    content.push(byte);
                }
                content.truncate(content.len() - 3);
                let rule = self.rule("dot");
                reply = rule.map_or_else(|| "250 2.0.0 Ok: queued as ABC123\r\n".to_owned(), |rule| format!("{rule}\r\n"));
                // RFC 2033 §4.2: LMTP answers for each recipient.
                for _ in 2..if lmtp { envelope.len() } else { 0 } {
                    reply.push_str(self.rule("dot").unwrap_or("250 2.0.0 kept"));
                    reply.push_str("\r\n");
                }
                if reply.starts_with('2') || rule == Some("keep") {
                    self.taken.lock().unwrap().push((std::mem::take(&mut envelope), content));
                }
                if matches!(rule, Some("keep" | "close")) {
                    return None;
                }
                stream.write_all(reply.as_bytes()).await.ok()?;
            }
        }
    }

    fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

struct World {
    store: Arc<MemoryStore>,
    log: Arc<List>,
    delivery: Delivery,
    options: DeliveryOptions,
}

/// Delivery to one next hop, with a schedule in milliseconds instead of minutes.
fn world(hops: &[String], change: impl FnOnce(&mut DeliveryOptions)) -> World {
    let hops = hops.iter().map(|hop| hop.parse().unwrap()).collect();
    let mut options = DeliveryOptions {
        hostname: "mx.example.net".into(),
        brand: String::new(),
        node: "mx.example.net".into(),
        routes: BTreeMap::new(),
        outbound: Arc::new(Route::new(hops)),
        schedule: RetryPolicy { interval: 40, jitter: 10, max_age: 60_000 },
        next_hops: NextHopPolicy { probe_first: 20, probe_most: 50, pause: 20, ..NextHopPolicy::default() },
        resolver: Resolver::off(),
        mx: MxPolicy::default(),
        resources: Resources::default(),
        holds: HoldLimits::default(),
        archive: None,
        tls_roots: Vec::new(),
    };
    change(&mut options);
    let kept = options.clone();
    let speaking = Some(std::thread::current().id());
    let (store, log) = (Arc::new(MemoryStore { speaking, ..MemoryStore::default() }), Arc::new(List::default()));
    let delivery = Delivery::start(options, store.clone(), log.clone(), []).unwrap();
    World { store, log, delivery, options: kept }
}

const CONTENT: &[u8] = b"From: <a@example.com>\r\nSubject: Test\r\n\r\nHello\r\n.dots\r\n";

impl World {
    fn send(&self, recipients: &[&str], change: impl FnOnce(&mut SpoolMessage)) -> QueueId {
        self.send_content(recipients, CONTENT, change)
    }

    fn send_content(&self, recipients: &[&str], content: &[u8], change: impl FnOnce(&mut SpoolMessage)) -> QueueId {
        let id = self.store.next_id();
        let mut message = Self::build(id, recipients, change);
        message.bytes = content.len() as u64;
        let content = Content::from(content.to_vec());
        self.store.accept(Acceptance { message: message.clone(), content: content.clone() }, Box::new(|_| {}));
        self.delivery.enqueue(message, Some(content));
        id
    }

    fn build(id: QueueId, recipients: &[&str], change: impl FnOnce(&mut SpoolMessage)) -> SpoolMessage {
        let one = |path: &&str| SpoolRecipient {
            forward_path: (*path).into(),
            orcpt: None,
            notify: Notify::DEFAULT,
            state: RecipientState::Waiting,
        };
        let arrived = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
        let mut message = SpoolMessage {
            id,
            arrived,
            reverse_path: "alice@example.com".into(),
            recipients: recipients.iter().map(one).collect(),
            ret: None,
            envid: None,
            body: BodyType::SevenBit,
            smtputf8: false,
            bytes: CONTENT.len() as u64,
            sha256_received: [0; 32],
            sha256_spooled: [0; 32],
            actions: Vec::new(),
            client: None,
            ehlo: "client.example.org".into(),
            authenticated: None,
            tls: None,
            may_report: true,
            class: "clean".into(),
            score: "0.00".into(),
            engine: String::new(),
            archive: false,
        };
        change(&mut message);
        message
    }

    fn states(&self, id: QueueId) -> Vec<RecipientState> {
        let messages = self.store.messages.lock().unwrap();
        messages[&id].0.message.recipients.iter().map(|recipient| recipient.state).collect()
    }

    fn attempts(&self) -> Vec<AttemptRecord> {
        let records = self.log.0.lock().unwrap();
        let attempt = |record: &DeliveryRecord| match record {
            DeliveryRecord::Attempt(attempt) => Some((**attempt).clone()),
            _ => None,
        };
        records.iter().filter_map(attempt).collect()
    }

    /// Waits until a condition holds; ten seconds at most.
    async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not {what}: {:?}\n{:#?}", self.delivery.status(), self.log.0.lock().unwrap());
    }

    async fn done(&self, id: QueueId) {
        self.until("done", || self.states(id).iter().all(RecipientState::is_done)).await;
    }
}

const DELIVERED: RecipientState = RecipientState::Done(Done::Delivered);
const FAILED: RecipientState = RecipientState::Done(Done::Failed);
