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

#[tokio::test]
async fn a_hundred_recipients_are_one_transaction() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    let recipients: Vec<String> = (0..100).map(|n| format!("r{n}@{}.example", n % 2)).collect();
    let id = world.send(&recipients.iter().map(String::as_str).collect::<Vec<_>>(), |_| {});
    world.done(id).await;
    assert_eq!(world.states(id), [DELIVERED; 100]);
    let taken = sink.taken.lock().unwrap().clone();
    assert_eq!((taken.len(), taken[0].0.len()), (1, 101));
    assert_eq!(taken[0].1, b"From: <a@example.com>\r\nSubject: Test\r\n\r\nHello\r\n..dots\r\n");
    let log = world.log.0.lock().unwrap();
    let DeliveryRecord::Attempt(record) = &log[0] else { panic!() };
    assert_eq!((log.len(), record.recipients.len(), record.remote_id.as_deref()), (1, 100, Some("ABC123")));
}

#[tokio::test]
async fn many_messages_share_connections() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    for _ in 0..500 {
        world.send(&["bob@example.org"], |_| {});
    }
    world.until("all taken", || sink.count() == 500).await;
    assert!(sink.connections.load(Ordering::SeqCst) <= 20);
    world.delivery.drain().await;
    assert!(world.delivery.list().is_empty());
    assert_eq!(world.delivery.status().delivered, 500);
}

/// Whatever goes wrong once or thrice, each message arrives once, and nothing is failed.
#[tokio::test]
async fn what_goes_wrong_for_a_time_defers() {
    for rules in [
        &[("connect", "close", 3)][..],
        &[("connect", "421 4.3.2 busy", 3)],
        &[("connect", "554 not you", 3)],
        &[("connect", "hello", 3)],
        &[("EHLO", "421 4.3.2 busy", 3)],
        &[("EHLO", "close", 3)],
        &[("EHLO", "\x16\x03\x01 what?", 3)],
        &[("MAIL", "421 4.3.2 closing", 3)],
        &[("MAIL", "451 4.3.0 try later", 3)],
        &[("MAIL", "close", 3)],
        &[("RCPT", "450 4.2.0 greylisted", 3)],
        &[("RCPT", "452 too many", 3)],
        &[("RCPT", "close", 3)],
        &[("RCPT", "350 what", 3)],
        &[("DATA", "250 ok?", 3)],
        &[("DATA", "close", 3)],
        &[("DATA", "451 no", 3)],
        &[("dot", "close", 3)],
        &[("dot", "452 4.3.1 full", 3)],
        &[("dot", "450 4.7.1 later", 3)],
        &[("dot", "354 more?", 3)],
        &[("dot", "250-a\r\n251 b", 3)],
    ] {
        let (sink, address) = Sink::start(rules).await;
        let world = world(&[address.to_string()], |_| {});
        let ids: Vec<QueueId> = (0..5).map(|_| world.send(&["bob@example.org", "carol@example.org"], |_| {})).collect();
        for id in ids {
            world.done(id).await;
            assert_eq!(world.states(id), [DELIVERED; 2], "{rules:?}");
        }
        let recipients: usize = sink.taken.lock().unwrap().iter().map(|(envelope, _)| envelope.len() - 1).sum();
        assert!(sink.rules.lock().unwrap().iter().all(|rule| rule.2 == 0), "{rules:?} did not happen");
        // A reply that makes no sense, after the content was taken, leaves doubt; these come again.
        let doubled = if rules[0].1.starts_with("250-a") { 3 * 2 } else { 0 };
        assert_eq!(recipients, 10 + doubled, "{rules:?}");
    }
}

#[tokio::test]
async fn taken_without_an_answer_comes_again() {
    let (sink, address) = Sink::start(&[("dot", "keep", 1)]).await;
    let world = world(&[address.to_string()], |_| {});
    let id = world.send(&["bob@example.org"], |_| {});
    world.done(id).await;
    assert_eq!(sink.count(), 2);
    let log = world.log.0.lock().unwrap();
    let DeliveryRecord::Attempt(first) = &log[0] else { panic!() };
    assert!(first.reason.as_deref().is_some_and(|reason| reason.contains("may have been taken")), "{first:?}");
}

#[tokio::test]
async fn recipients_fare_each_by_itself_and_failures_are_reported() {
    let (sink, address) = Sink::start(&[("RCPT TO:<bad", "550 5.1.1 no such user", 1), ("RCPT TO:<later", "450 later", 1)]).await;
    let world = world(&[address.to_string()], |_| {});
    let id = world.send(&["good@example.org", "bad@example.org", "later@example.org"], |message| {
        message.envid = Some("QQ+2B314159".into());
        message.recipients[1].orcpt = Some("rfc822;Bad+2BOne@example.org".into());
    });
    world.done(id).await;
    assert_eq!(world.states(id), [DELIVERED, FAILED, DELIVERED]);
    world.until("reported", || sink.count() == 3).await;
    let taken = sink.taken.lock().unwrap().clone();
    let (envelope, report) = taken.iter().find(|(envelope, _)| envelope[0].starts_with("MAIL FROM:<>")).unwrap();
    assert_eq!(envelope[1], "RCPT TO:<alice@example.com>");
    let text = String::from_utf8(report.clone()).unwrap();
    for line in [
        "Reporting-MTA: dns; mx.example.net\r\n",
        "Original-Envelope-Id: QQ+314159\r\n",
        "Original-Recipient: rfc822; Bad+One@example.org\r\nFinal-Recipient: rfc822; bad@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "Subject: Test\r\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains("good@example.org"), "{text}");
    let message = Message::parse(report, &Limits::default());
    assert!(message.defects().is_empty(), "{:?}", message.defects());
    assert!(message.view(View::Plain).normal().contains("could not be delivered"));
}

#[tokio::test]
async fn whom_nobody_may_be_told_of() {
    let (sink, address) = Sink::start(&[("RCPT", "550 5.1.1 no", 9)]).await;
    let world = world(&[address.to_string()], |_| {});
    let null = world.send(&["bad@example.org"], |message| message.reverse_path.clear());
    let never = world.send(&["bad@example.org"], |message| message.recipients[0].notify = Notify::NEVER);
    let forged = world.send(&["bad@example.org"], |message| message.may_report = false);
    for id in [null, never, forged] {
        world.done(id).await;
        assert_eq!(world.states(id), [FAILED]);
    }
    world.until("held", || world.delivery.status().held == 1).await;
    assert_eq!((sink.count(), world.store.messages.lock().unwrap().len()), (0, 4));
    let held = world.delivery.list();
    assert!(held.len() == 1 && held[0].held);
    assert!(matches!(world.states(held[0].id)[..], [RecipientState::Held { reason: HoldReason::Dsn, .. }]));
    // An operator knows better.
    sink.rules.lock().unwrap().clear();
    assert_eq!(world.delivery.control(Control::Release(Selection::Held)).await.messages, 1);
    world.until("sent", || sink.count() == 1).await;
}

#[tokio::test]
async fn recovery_waits_for_a_probe_and_not_for_the_schedule() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let hour = 3_600_000;
    let world =
        world(&[address.to_string()], |options| options.schedule = RetryPolicy { interval: hour, jitter: 0, max_age: 9 * hour });
    let ids: Vec<QueueId> = (0..50).map(|_| world.send(&["bob@example.org"], |_| {})).collect();
    world.until("down", || world.delivery.status().destinations[0].down_for.is_some()).await;
    assert!(world.delivery.status().destinations[0].connections <= 1);
    let sink = Arc::new(Sink::default());
    *sink.extensions.lock().unwrap() = "250 sink\r\n";
    tokio::spawn(sink.clone().listen(TcpListener::bind(address).await.unwrap()));
    for id in ids {
        world.done(id).await;
    }
    assert_eq!(sink.count(), 50);
    assert!(world.delivery.status().destinations[0].down_for.is_none());
}

#[tokio::test]
async fn the_next_next_hop_is_tried_when_one_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = listener.local_addr().unwrap();
    drop(listener);
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[dead.to_string(), address.to_string()], |_| {});
    let id = world.send(&["bob@example.org"], |_| {});
    world.done(id).await;
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn what_is_too_old_expires_and_is_reported() {
    let (sink, address) = Sink::start(&[("RCPT TO:<bob", "450 4.2.1 later", 1_000)]).await;
    let world = world(&[address.to_string()], |options| options.schedule.max_age = 200);
    let id = world.send(&["bob@example.org"], |_| {});
    world.done(id).await;
    assert_eq!(world.states(id), [RecipientState::Done(Done::Expired)]);
    world.until("reported", || sink.count() == 1).await;
    let text = String::from_utf8(sink.taken.lock().unwrap()[0].1.clone()).unwrap();
    assert!(text.contains("Status: 4.4.7\r\n") && text.contains("450 4.2.1 later"), "{text}");
}

#[tokio::test]
async fn held_and_deleted_messages_are_not_tried() {
    let (sink, address) = Sink::start(&[("RCPT", "450 later", 1), ("RCPT", "450 later", 1)]).await;
    let hour = 3_600_000;
    let world =
        world(&[address.to_string()], |options| options.schedule = RetryPolicy { interval: hour, jitter: 0, max_age: 9 * hour });
    let (one, two) = (world.send(&["bob@example.org"], |_| {}), world.send(&["bob@example.net"], |_| {}));
    let waits = |id| world.delivery.list().iter().any(|entry| entry.id == id && entry.next_try.is_some());
    world.until("deferred", || waits(one) && waits(two)).await;
    assert_eq!(world.delivery.control(Control::Hold(Selection::Domain("example.org".into()))).await.messages, 1);
    assert_eq!(world.delivery.control(Control::Retry(Selection::All)).await.messages, 1);
    world.done(two).await;
    assert_eq!(world.delivery.status().held, 1);
    assert_eq!(world.delivery.control(Control::Delete(Selection::Ids(vec![one]))).await.messages, 1);
    assert_eq!(world.states(one), [RecipientState::Done(Done::Deleted)]);
    assert!(world.delivery.list().is_empty() && sink.count() == 1);
}

#[tokio::test]
async fn an_archive_that_stalls_delays_nothing() {
    let (archive, stalled) = Sink::start(&[("MAIL", "450 later", 2)]).await;
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| {
        let route = Arc::new(Route::new(vec![stalled.to_string().parse().unwrap()]));
        options.archive = Some(ArchiveOptions { route, forward_path: "archive@example.net".into() });
    });
    let id = world.send(&["bob@example.org"], |message| message.archive = true);
    world.done(id).await;
    assert_eq!(sink.count(), 1);
    world.until("archived", || archive.count() == 1).await;
    world.until("marked", || !world.store.messages.lock().unwrap()[&id].0.message.archive).await;
    assert_eq!(archive.taken.lock().unwrap()[0].0[1], "RCPT TO:<archive@example.net>");
}

/// Mail that comes in with a hundred trace fields is refused there; what is found here has grown on the way, such as mail that was
/// in the spool before.
#[tokio::test]
async fn a_loop_ends() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    let content = |hops: usize| [b"Received: from a by b; c\r\n".repeat(hops), CONTENT.to_vec()].concat();
    let null = |message: &mut SpoolMessage| message.reverse_path.clear();
    let far = world.send_content(&["bob@example.org"], &content(100), null);
    let circling = world.send_content(&["bob@example.org"], &content(101), null);
    world.done(far).await;
    world.done(circling).await;
    assert_eq!((sink.count(), world.states(far), world.states(circling)), (1, vec![DELIVERED], vec![FAILED]));
    let log = world.log.0.lock().unwrap();
    let replies =
        log.iter().filter_map(|record| if let DeliveryRecord::Attempt(attempt) = record { attempt.reply.clone() } else { None });
    assert!(replies.map(|reply| reply.to_string()).any(|reply| reply.starts_with("554 5.4.6 ")), "{log:#?}");
}
