//! What is used up and comes back, what cannot be read, and what changes while mail waits.

use xd_store::simulated::Disk;

use super::*;

const HOUR: u64 = 3_600_000;

fn patient(options: &mut DeliveryOptions) {
    options.schedule = RetryPolicy { interval: HOUR, jitter: 0, max_age: 9 * HOUR };
}

impl World {
    /// A message that is in the spool alone.
    fn send_cold(&self, content: &[u8]) -> QueueId {
        let id = self.store.next_id();
        let mut message = Self::build(id, &["bob@example.org"], |_| {});
        message.bytes = content.len() as u64;
        let acceptance = Acceptance { message: message.clone(), content: Content::from(content.to_vec()) };
        self.store.accept(acceptance, Box::new(|_| {}));
        self.delivery.enqueue(message, None);
        id
    }

    fn told_unreadable(&self, meant: QueueId) -> bool {
        let log = self.log.0.lock().unwrap();
        log.iter().any(|record| matches!(record, DeliveryRecord::Unreadable { id, .. } if *id == meant))
    }
}

/// Whatever is delivered while no mark can be written is delivered again by the next start.
#[tokio::test]
async fn nothing_is_delivered_while_marks_wait_for_room() {
    let disk = Disk::new();
    let (sink, address) = Sink::start(&[]).await;
    let (spool, _) = rest::open(&disk);
    let mut messages = Vec::new();
    for _ in 0..40 {
        messages.push(rest::accept(&spool, &["bob@example.org"], CONTENT).await);
    }
    let delivery = rest::start(&spool, Vec::new(), address);
    disk.limit(0);
    delivery.enqueue(messages[0].clone(), None);
    rest::until("short", || spool.is_short()).await;
    messages[1..].iter().for_each(|message| delivery.enqueue(message.clone(), None));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(sink.count(), 1, "one was under way");
    assert!(!delivery.status().stopped);
    disk.make_room();
    rest::until("all delivered", || sink.count() == 40 && spool.ids().is_empty()).await;
    // It ends in good order while there is no room, too.
    let last = rest::accept(&spool, &["bob@example.org"], CONTENT).await;
    disk.limit(0);
    delivery.enqueue(last, None);
    rest::until("short", || spool.is_short()).await;
    let drained = tokio::spawn(async move { delivery.drain().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!drained.is_finished(), "a mark waits");
    disk.make_room();
    tokio::time::timeout(Duration::from_secs(10), drained).await.unwrap().unwrap();
    assert!(spool.ids().is_empty());
}

#[tokio::test]
async fn a_moment_without_descriptors_puts_nothing_off_for_long() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], patient);
    world.store.set_fault(Some(Fault::Descriptors));
    for _ in 0..50 {
        world.send_cold(CONTENT);
    }
    world.until("tried", || world.store.reads.load(Ordering::SeqCst) > 0).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    let reads = world.store.reads.load(Ordering::SeqCst);
    assert!(reads <= 20, "it does not try without a pause: {reads}");
    assert!(world.delivery.list().iter().all(|entry| entry.attempts == 0 && entry.next_try.is_none()));
    world.store.set_fault(None);
    world.until("all taken", || sink.count() == 50).await;
}

#[tokio::test]
async fn what_the_disk_does_not_give_back_is_told_and_comes_when_it_does() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    world.store.set_fault(Some(Fault::Disk));
    let id = world.send_cold(CONTENT);
    world.until("told", || world.told_unreadable(id)).await;
    assert_eq!(world.states(id), [RecipientState::Waiting]);
    world.store.set_fault(None);
    world.done(id).await;
    assert_eq!(sink.count(), 1);
}

/// Its sender is told in time, though without its content.
#[tokio::test]
async fn what_is_too_old_expires_though_it_cannot_be_read() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| options.schedule.max_age = 500);
    world.store.set_fault(Some(Fault::Disk));
    let id = world.send_cold(CONTENT);
    world.done(id).await;
    assert_eq!(world.states(id), [RecipientState::Done(Done::Expired)]);
    world.until("reported", || sink.count() == 1).await;
    let taken = sink.taken.lock().unwrap();
    assert_eq!(
        taken[0].0[..],
        ["MAIL FROM:<> SIZE=".to_owned() + &taken[0].0[0][18..], "RCPT TO:<alice@example.com>".to_owned()]
    );
}

/// A content that is damaged on disk waits for a person. Nothing of it is delivered, and nothing is thrown away.
#[tokio::test]
async fn a_damaged_content_is_held_and_told() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| options.schedule.max_age = 500);
    world.store.set_fault(Some(Fault::Content));
    // The second is read piece by piece, when much of it was sent.
    for content in [CONTENT.to_vec(), b"0123456789 0123456789 0123456789\r\n".repeat(20_000)] {
        let id = world.send_cold(&content);
        let is_held = || matches!(world.states(id)[..], [RecipientState::Held { reason: HoldReason::Unreadable, .. }]);
        world.until("held", is_held).await;
        world.until("listed", || world.delivery.list().iter().any(|entry| entry.id == id && entry.held)).await;
        assert!(world.told_unreadable(id));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(is_held(), "its age ends nothing");
    }
    assert_eq!(sink.count(), 0);
    world.store.set_fault(None);
    assert_eq!(world.delivery.control(Control::Release(Selection::All)).await.messages, 2);
    world.until("delivered", || sink.count() == 2).await;
}

/// Other routes concern other mail: what waits goes on waiting, also by what the spool does not know yet.
#[tokio::test]
async fn a_reload_leaves_alone_what_goes_where_it_went() {
    let (sink, address) = Sink::start(&[("RCPT", "450 later", 1)]).await;
    let world = world(&[address.to_string()], patient);
    *world.store.slow.lock().unwrap() = Some(Vec::new());
    let id = world.send(&["bob@example.org"], |_| {});
    world.until("deferred", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    let mut options = world.options.clone();
    options.routes.insert("example.net".into(), Arc::new(Route::new(vec!["127.0.0.1:1".parse().unwrap()])));
    world.delivery.reload(options);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((sink.count(), world.delivery.list()[0].attempts), (0, 1), "not tried at once");
    assert_eq!(world.delivery.control(Control::Retry(Selection::Ids(vec![id]))).await.messages, 1);
    world.until("taken", || sink.count() == 1).await;
    world.store.commit();
    world.done(id).await;
}

/// What moves to another next hop takes its content along, in its order.
#[tokio::test]
async fn what_goes_elsewhere_after_a_reload_keeps_content_and_order() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[silent.local_addr().unwrap().to_string()], |options| {
        patient(options);
        options.next_hops.first = 1;
    });
    let ids: Vec<QueueId> = (0..60).map(|_| world.send(&["bob@example.org"], |_| {})).collect();
    world.until("under way", || world.delivery.list().iter().any(|entry| entry.in_flight)).await;
    let mut options = world.options.clone();
    options.next_hops = NextHopPolicy { first: 1, most: 1, ..options.next_hops };
    options.outbound = Arc::new(Route::new(vec![address.to_string().parse().unwrap()]));
    world.delivery.reload(options);
    world.until("taken", || sink.count() >= 59).await;
    assert_eq!(world.store.reads.load(Ordering::SeqCst), 59, "each once to be withdrawn, and none for its content");
    let log: Vec<QueueId> = world.attempts().iter().map(|attempt| attempt.id).collect();
    assert!(log.is_sorted(), "{log:?}");
    assert!(ids.contains(&log[0]));
}

#[tokio::test]
async fn a_reload_changes_the_limits_of_next_hops_that_are_known() {
    let (_, address) = Sink::start(&[("RCPT", "450 later", 1)]).await;
    let world = world(&[address.to_string()], patient);
    world.send(&["bob@example.org"], |_| {});
    world.until("deferred", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    assert_eq!(world.delivery.status().destinations[0].limit, 2);
    let mut options = world.options.clone();
    options.next_hops.most = 1;
    world.delivery.reload(options);
    assert_eq!(world.delivery.status().destinations[0].limit, 1);
}

/// ETRN and operators name a domain in whatever way; it is the same one.
#[tokio::test]
async fn mail_is_called_for_by_the_name_of_its_domain() {
    let (sink, address) = Sink::start(&[("RCPT", "450 later", 1)]).await;
    let dead = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let a_label = "xn--bcher-kva.example";
    let world = world(&[dead.to_string()], |options| {
        patient(options);
        options.routes.insert(a_label.into(), Arc::new(Route::new(vec![address.to_string().parse().unwrap()])));
    });
    *sink.extensions.lock().unwrap() = "250-sink\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n";
    assert!(!world.delivery.call_for(a_label), "nothing waits");
    let id = world.send(&["bob@B\u{fc}cher.example"], |_| {});
    world.until("deferred", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    assert_eq!(world.delivery.count(Selection::Domain(a_label.into())).await, 1);
    let reads = world.store.reads.load(Ordering::SeqCst);
    assert!(world.delivery.call_for(a_label) && !world.delivery.call_for("example.net"));
    world.done(id).await;
    assert!(world.store.reads.load(Ordering::SeqCst) <= reads + 2, "only its own attempt reads it");
}

/// An operator is told what a request left alone.
#[tokio::test]
async fn what_cannot_be_withdrawn_is_counted_as_left_alone() {
    let (_, address) = Sink::start(&[("RCPT", "450 later", 1)]).await;
    let world = world(&[address.to_string()], patient);
    let id = world.send(&["bob@example.org"], |_| {});
    world.until("deferred", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    world.store.set_fault(Some(Fault::Descriptors));
    let delete = || Control::Delete(Selection::Ids(vec![id, QueueId::new(999)]));
    let applied = world.delivery.control(delete()).await;
    assert_eq!((applied.messages, applied.left), (0, 2), "none of them could be read");
    world.store.set_fault(None);
    let applied = world.delivery.control(delete()).await;
    assert_eq!((applied.messages, applied.left), (1, 0), "and there is no other");
}

/// At the start, what cannot be read yet is recorded as recovered when it can be: once, and not what was tried before.
#[tokio::test]
async fn what_is_recovered_is_recorded_though_it_is_read_later() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    let ids: Vec<QueueId> = (0..3).map(|_| world.store.next_id()).collect();
    for id in &ids {
        let mut message = World::build(*id, &["bob@example.org"], |_| {});
        message.bytes = CONTENT.len() as u64;
        world.store.accept(Acceptance { message, content: Content::from(CONTENT.to_vec()) }, Box::new(|_| {}));
    }
    let attempt = xd_store::Attempt { count: 1, next_try: 0, last_reply: String::new() };
    world.store.mark(ids[2], vec![Mark::Attempt(attempt)], Box::new(|_| {}));
    world.store.set_fault(Some(Fault::Descriptors));
    let (store, names) = (world.store.clone(), ids.clone());
    let read = move |id: QueueId| {
        // The first is read well, the others are not.
        store.set_fault((id != names[0]).then_some(Fault::Descriptors));
        (id, store.read(id))
    };
    world.delivery.recover(ids.clone().into_iter().map(read), |_| {});
    world.until("tried", || world.store.reads.load(Ordering::SeqCst) >= 3).await;
    world.store.set_fault(None);
    world.until("all taken", || sink.count() == 3).await;
    let log = world.log.0.lock().unwrap();
    let mut recovered: Vec<_> = log
        .iter()
        .filter_map(|record| match record {
            DeliveryRecord::Recovered { id, forward_paths } => Some((*id, forward_paths.clone())),
            _ => None,
        })
        .collect();
    recovered.sort();
    assert_eq!(recovered, ids[..2].iter().map(|id| (*id, vec!["bob@example.org".to_owned()])).collect::<Vec<_>>());
}
