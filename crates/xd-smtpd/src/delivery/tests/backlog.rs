//! Backlogs and next hops that would make delivery slow, busy or unfair.

use super::*;

const HOUR: u64 = 3_600_000;

fn patient(options: &mut DeliveryOptions) {
    options.schedule = RetryPolicy { interval: HOUR, jitter: 0, max_age: 9 * HOUR };
}

/// Nothing arrives any more, and no connection ends: what waits is still sent over more and more connections.
#[tokio::test]
async fn a_backlog_is_sent_over_more_and_more_connections() {
    let (sink, address) = Sink::start(&[]).await;
    let dead = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let world = world(&[dead.to_string()], patient);
    let ids: Vec<QueueId> = (0..1_000).map(|_| world.send(&["bob@example.org"], |_| {})).collect();
    world.until("down", || world.delivery.status().destinations[0].down_for.is_some()).await;
    let mut options = world.options.clone();
    options.outbound = Arc::new(Route::new(vec![address.to_string().parse().unwrap()]));
    world.delivery.reload(options);
    for id in ids {
        world.done(id).await;
    }
    let connections = sink.connections.load(Ordering::SeqCst);
    assert!(connections > 10, "{connections}");
}

/// One message makes the next hop close before it answers. Others pass it by, and it is charged.
#[tokio::test]
async fn a_message_that_nobody_answers_waits_as_one_that_was_deferred() {
    let (sink, address) = Sink::start(&[("MAIL FROM:<poison", "close", 99)]).await;
    *sink.extensions.lock().unwrap() = "250 sink\r\n";
    let world = world(&[address.to_string()], patient);
    let poison = world.send(&["bob@example.org"], |message| message.reverse_path = "poison@example.com".into());
    let other = world.send(&["bob@example.org"], |_| {});
    world.done(other).await;
    let waits = || world.delivery.list().iter().any(|entry| entry.id == poison && entry.next_try.is_some());
    world.until("charged", waits).await;
    let connections = sink.connections.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(sink.connections.load(Ordering::SeqCst) <= connections + 1, "it is left alone");
    assert!(connections <= 6, "{connections}");
    let entry = world.delivery.list().into_iter().find(|entry| entry.id == poison).unwrap();
    assert_eq!(entry.attempts, 1);
}

/// More recipients than a transaction takes, all of them deferred: each is tried once, then all wait.
#[tokio::test]
async fn many_recipients_that_are_deferred_do_not_go_in_circles() {
    let (sink, address) = Sink::start(&[("RCPT", "450 4.2.0 later", 9)]).await;
    let world = world(&[address.to_string()], |options| {
        patient(options);
        options.resources.recipients = 3;
    });
    let recipients: Vec<String> = (0..9).map(|n| format!("r{n}@example.org")).collect();
    let id = world.send(&recipients.iter().map(String::as_str).collect::<Vec<_>>(), |_| {});
    // Between the turns it waits for no more than the timer.
    let waits = |entry: &QueueEntry| entry.next_try.is_some_and(|next| next > Duration::from_secs(60));
    world.until("waits", || world.delivery.list().iter().any(waits)).await;
    let mut tried: Vec<u32> = world.attempts().iter().flat_map(|attempt| attempt.recipients.clone()).collect();
    tried.sort_unstable();
    assert_eq!(tried, (0..9).collect::<Vec<_>>(), "each had its turn, once");
    // That was one attempt, in three transactions.
    assert!(world.attempts().iter().all(|attempt| attempt.attempt == 1));
    assert_eq!(world.delivery.list().iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [1]);
    assert_eq!(world.delivery.control(Control::Retry(Selection::All)).await.messages, 1);
    world.done(id).await;
    assert_eq!((sink.count(), world.states(id)), (3, vec![DELIVERED; 9]));
}

/// Some of those that had their turn are done, so the list is shorter when the others have theirs: none is passed over, none comes twice.
#[tokio::test]
async fn recipients_have_their_turn_though_others_are_done() {
    let later = |start| (start, "450 4.2.0 later", 1);
    let (sink, address) = Sink::start(&[later("RCPT TO:<r1"), later("RCPT TO:<r3")]).await;
    let world = world(&[address.to_string()], |options| {
        patient(options);
        options.resources.recipients = 2;
    });
    let id = world.send(&["r0@example.org", "r1@example.org", "r2@example.org", "r3@example.org", "r4@example.org"], |_| {});
    let waits = |entry: &QueueEntry| entry.next_try.is_some_and(|next| next > Duration::from_secs(60));
    world.until("waits", || world.delivery.list().iter().any(waits)).await;
    let tried: Vec<u32> = world.attempts().iter().flat_map(|attempt| attempt.recipients.clone()).collect();
    assert_eq!(tried, [0, 1, 2, 3, 4]);
    let noted = world.store.read_attempt(id);
    assert_eq!((noted.count, &noted.last_reply[..]), (1, "450 4.2.0 later"), "though all of the last transaction are done");
    assert!(world.attempts().iter().all(|attempt| attempt.attempt == 1));
    assert_eq!(world.delivery.control(Control::Retry(Selection::All)).await.messages, 1);
    world.done(id).await;
    assert_eq!((sink.count(), world.states(id)), (4, vec![DELIVERED; 5]));
}

/// What could not be read had no turn.
#[tokio::test]
async fn a_message_that_could_not_be_read_misses_no_turn() {
    let (_, address) = Sink::start(&[("RCPT", "450 4.2.0 later", 4)]).await;
    let world = world(&[address.to_string()], |options| {
        patient(options);
        options.resources.recipients = 2;
    });
    world.store.set_fault(Some(Fault::Disk));
    let id = world.store.next_id();
    let recipients: Vec<String> = (0..4).map(|n| format!("r{n}@example.org")).collect();
    let message = World::build(id, &recipients.iter().map(String::as_str).collect::<Vec<_>>(), |_| {});
    world.store.accept(Acceptance { message: message.clone(), content: Content::from(CONTENT.to_vec()) }, Box::new(|_| {}));
    world.delivery.enqueue(message, None);
    world.until("unread", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    world.store.set_fault(None);
    assert_eq!(world.delivery.control(Control::Retry(Selection::All)).await.messages, 1);
    world.until("charged", || world.delivery.list().iter().any(|entry| entry.attempts == 1)).await;
    let tried: Vec<u32> = world.attempts().iter().flat_map(|attempt| attempt.recipients.clone()).collect();
    assert_eq!(tried, [0, 1, 2, 3]);
}

#[tokio::test]
async fn what_ends_one_hold_leaves_the_others() {
    let (_, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| options.holds.quarantine = Duration::from_millis(1));
    let held = |reason| RecipientState::Held { reason, since: 1 };
    let id = world.send(&["spam@example.org", "kept@example.org"], |message| {
        message.recipients[0].state = held(HoldReason::Quarantine);
        message.recipients[1].state = RecipientState::Held { reason: HoldReason::Operator, since: 0 };
    });
    let discarded = RecipientState::Done(Done::Discarded);
    world.until("discarded", || world.states(id)[0] == discarded).await;
    world.until("still held", || world.delivery.list().iter().any(|entry| entry.held)).await;
    assert_eq!(world.delivery.control(Control::Release(Selection::Ids(vec![id]))).await.messages, 1);
    world.done(id).await;
    assert_eq!(world.states(id), [discarded, DELIVERED]);
}

#[tokio::test]
async fn an_archive_that_was_taken_away_is_owed_nothing() {
    let dead = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let (_, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| {
        let route = Arc::new(Route::new(vec![dead.to_string().parse().unwrap()]));
        options.archive = Some(ArchiveOptions { route, forward_path: "archive@example.net".into() });
    });
    let id = world.send(&["bob@example.org"], |message| message.archive = true);
    world.done(id).await;
    world.until("down", || world.delivery.status().destinations.iter().any(|it| it.down_for.is_some())).await;
    world.delivery.reload(DeliveryOptions { archive: None, ..world.options.clone() });
    world.until("gone", || !world.store.messages.lock().unwrap()[&id].0.message.archive).await;
    world.until("empty", || world.delivery.list().is_empty()).await;
    let log = world.log.0.lock().unwrap();
    assert!(log.iter().any(|record| matches!(record, DeliveryRecord::Final(end) if end.done == Done::Discarded)), "{log:?}");
}

#[tokio::test]
async fn one_maildir_may_be_mailbox_and_archive() {
    let path = std::env::temp_dir().join(format!("xd-delivery-both-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let maildir = format!("maildir:{}", path.join("box").display());
    let world = world(std::slice::from_ref(&maildir), |options| {
        let route = Arc::new(Route::new(vec![maildir.parse().unwrap()]));
        options.archive = Some(ArchiveOptions { route, forward_path: "archive@example.net".into() });
    });
    let id = world.send(&["bob@example.org", "held@example.org"], |message| {
        message.archive = true;
        message.recipients[1].state = RecipientState::Held { reason: HoldReason::Operator, since: 0 };
    });
    world.until("first", || world.states(id)[0].is_done()).await;
    world.until("archived", || !world.store.messages.lock().unwrap()[&id].0.message.archive).await;
    world.until("listed", || world.delivery.list().iter().any(|entry| entry.held)).await;
    assert_eq!(world.delivery.control(Control::Release(Selection::All)).await.messages, 1);
    world.done(id).await;
    assert_eq!(std::fs::read_dir(path.join("box/new")).unwrap().count(), 3);
    std::fs::remove_dir_all(&path).unwrap();
}

/// One address that the next hop cannot take costs nobody else the message.
#[tokio::test]
async fn an_address_that_does_not_fit_fails_alone() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    let null = |message: &mut SpoolMessage| message.reverse_path.clear();
    let id = world.send(&["bob@example.org", "jörg@example.org", "\"a b\" <x>@example.org", "\"c > d\"@example.org"], null);
    world.done(id).await;
    assert_eq!(world.states(id), [DELIVERED, FAILED, FAILED, DELIVERED]);
    let taken = sink.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].0[1..], ["RCPT TO:<bob@example.org>", "RCPT TO:<\"c > d\"@example.org>"]);
    // Each is told its own reason.
    let reasons: Vec<_> = world
        .attempts()
        .into_iter()
        .filter(|attempt| attempt.done == Some(Done::Failed))
        .map(|attempt| (attempt.recipients, attempt.reply.and_then(|reply| reply.enhanced)))
        .collect();
    assert_eq!(reasons, [(vec![1], Some([5, 6, 7])), (vec![2], Some([5, 1, 3]))]);
}

/// A connection that has just sent something finds more to send, and may not take it: it goes.
#[tokio::test]
async fn draining_ends_with_a_backlog() {
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |_| {});
    for _ in 0..2_000 {
        world.send(&["bob@example.org"], |_| {});
    }
    world.until("begun", || sink.count() > 0).await;
    tokio::time::timeout(Duration::from_secs(10), world.delivery.drain()).await.unwrap();
    assert!(!world.delivery.list().is_empty(), "it ended before the backlog did");
}
