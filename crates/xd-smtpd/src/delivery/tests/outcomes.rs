//! What becomes of recipients: delivered, deferred, failed, reported, expired, held; and in how many transactions.

use super::*;

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
