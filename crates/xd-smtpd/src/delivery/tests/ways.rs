//! Ways that mail leaves by: LMTP, Maildir, another next hop after a reload; and what a next hop cannot take.

use super::*;

/// A directory that is removed at the end.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("xd-delivery-{name}-{}", std::process::id())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let rules = [("dot", "250 2.0.0 kept", 1), ("dot", "550 5.2.2 full", 1), ("dot", "450 4.2.1 busy", 1)];
    let (sink, address) = Sink::start(&rules).await;
    *sink.extensions.lock().unwrap() = "250-sink\r\n250 PIPELINING\r\n";
    let world = world(&[format!("lmtp:{address}")], |_| {});
    let null = |message: &mut SpoolMessage| message.reverse_path.clear();
    let id = world.send(&["a@example.org", "b@example.org", "c@example.org"], null);
    world.done(id).await;
    assert_eq!(world.states(id), [DELIVERED, FAILED, DELIVERED]);
    let taken = sink.taken.lock().unwrap();
    let envelopes: Vec<usize> = taken.iter().map(|(envelope, _)| envelope.len() - 1).collect();
    assert_eq!(envelopes, [3, 1], "only who was deferred comes again");
}

#[tokio::test]
async fn a_maildir_is_final_delivery() {
    let directory = Directory::new("maildir");
    let (path, archive) = (directory.0.join("bob"), directory.0.join("archive"));
    std::fs::create_dir_all(&directory.0).unwrap();
    let world = world(&[format!("maildir:{}", path.display())], |options| {
        let route = Arc::new(Route::new(vec![format!("maildir:{}", archive.display()).parse().unwrap()]));
        options.archive = Some(ArchiveOptions { route, forward_path: "archive@example.net".into() });
    });
    let id = world.send(&["bob@example.org", "bobby@example.org"], |message| message.archive = true);
    world.done(id).await;
    world.until("archived", || !world.store.messages.lock().unwrap()[&id].0.message.archive).await;
    let read = |maildir: &std::path::Path| {
        let files: Vec<_> = std::fs::read_dir(maildir.join("new")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!((files.len(), std::fs::read_dir(maildir.join("tmp")).unwrap().count()), (1, 0));
        std::fs::read(&files[0]).unwrap()
    };
    let trace = b"Return-Path: <alice@example.com>\r\nDelivered-To: bob@example.org\r\nDelivered-To: bobby@example.org\r\n";
    assert_eq!(read(&path), [&trace[..], CONTENT].concat());
    assert_eq!(read(&archive), CONTENT, "the archive keeps what was accepted");
}

#[tokio::test]
async fn a_maildir_that_cannot_be_written_is_a_next_hop_that_is_down() {
    let directory = Directory::new("no-maildir");
    std::fs::create_dir_all(&directory.0).unwrap();
    let path = directory.0.join("bob");
    std::fs::write(&path, "a file is in its place").unwrap();
    let world = world(&[format!("maildir:{}", path.display())], |_| {});
    let id = world.send(&["bob@example.org"], |_| {});
    world.until("tried", || !world.attempts().is_empty()).await;
    assert_eq!(world.states(id), [RecipientState::Waiting]);
    std::fs::remove_file(&path).unwrap();
    world.done(id).await;
    assert_eq!(std::fs::read_dir(path.join("new")).unwrap().count(), 1);
}

#[tokio::test]
async fn after_a_reload_what_waits_goes_the_new_way() {
    let (old, before) = Sink::start(&[("RCPT", "450 later", 99)]).await;
    let (new, after) = Sink::start(&[]).await;
    let hour = 3_600_000;
    let world =
        world(&[before.to_string()], |options| options.schedule = RetryPolicy { interval: hour, jitter: 0, max_age: 9 * hour });
    let id = world.send(&["bob@example.org"], |_| {});
    world.until("deferred", || world.delivery.list().iter().any(|entry| entry.next_try.is_some())).await;
    let mut options = world.options.clone();
    options.outbound = Arc::new(Route::new(vec![after.to_string().parse().unwrap()]));
    world.delivery.reload(options);
    world.until("moved", || world.delivery.list().iter().any(|entry| entry.destination == after.to_string())).await;
    let entries = world.delivery.list();
    let waits_as_before = entries.len() == 1 && entries[0].attempts == 1 && entries[0].next_try.is_some();
    assert!(waits_as_before, "{entries:?}");
    assert_eq!(world.delivery.control(Control::Retry(Selection::All)).await.messages, 1);
    world.done(id).await;
    assert_eq!((old.count(), new.count()), (0, 1));
}

/// A recipient that was delivered waits in the spool until that is committed. Whoever reads the message meanwhile, for another of its
/// destinations, must not deliver it again.
#[tokio::test]
async fn a_mark_on_its_way_is_not_overtaken() {
    let (first, one) = Sink::start(&[]).await;
    let (second, two) = Sink::start(&[("RCPT", "450 later", 1)]).await;
    let hour = 3_600_000;
    let world = world(&[one.to_string()], |options| {
        options.schedule = RetryPolicy { interval: hour, jitter: 0, max_age: 9 * hour };
        options.routes.insert("example.net".into(), Arc::new(Route::new(vec![two.to_string().parse().unwrap()])));
    });
    *world.store.slow.lock().unwrap() = Some(Vec::new());
    let id = world.send(&["bob@example.org", "carol@example.net"], |_| {});
    let waits = || world.delivery.list().iter().any(|entry| entry.next_try.is_some());
    world.until("delivered to the first", || first.count() == 1 && waits()).await;
    world.delivery.reload(world.options.clone());
    let selection = || Selection::Ids(vec![id]);
    assert_eq!(world.delivery.control(Control::Hold(selection())).await.messages, 0, "it is in flight in part");
    world.store.commit();
    world.until("settled", || world.delivery.list().len() == 1).await;
    assert_eq!(world.delivery.control(Control::Retry(selection())).await.messages, 1);
    world.done(id).await;
    assert_eq!((first.count(), second.count()), (1, 1));
}

/// RFC 6152 §3: what is 8-bit goes to who takes it, or fails; content that is ASCII whatever was declared goes to anyone.
#[tokio::test]
async fn a_next_hop_without_8bitmime() {
    let (sink, address) = Sink::start(&[]).await;
    *sink.extensions.lock().unwrap() = "250 sink\r\n";
    let world = world(&[address.to_string()], |_| {});
    let declared = |message: &mut SpoolMessage| {
        (message.body, message.reverse_path) = (BodyType::EightBitMime, String::new());
    };
    let ascii = world.send(&["bob@example.org"], declared);
    let eight = world.send_content(&["bob@example.org"], "Subject: x\r\n\r\nGrüße\r\n".as_bytes(), declared);
    world.done(ascii).await;
    world.done(eight).await;
    assert_eq!((world.states(ascii), world.states(eight)), (vec![DELIVERED], vec![FAILED]));
    assert_eq!(sink.count(), 1);
    assert!(!sink.taken.lock().unwrap()[0].0[0].contains("BODY"), "it was not told of it");
    let failed = world.attempts().into_iter().find(|attempt| attempt.id == eight).unwrap();
    assert!(failed.reply.unwrap().to_string().starts_with("554 5.6.3 "));
}

#[tokio::test]
async fn an_archive_that_refuses_gets_no_second_try() {
    let (archive, refusing) = Sink::start(&[("RCPT", "550 5.1.1 no archive here", 99)]).await;
    let (sink, address) = Sink::start(&[]).await;
    let world = world(&[address.to_string()], |options| {
        let route = Arc::new(Route::new(vec![refusing.to_string().parse().unwrap()]));
        options.archive = Some(ArchiveOptions { route, forward_path: "archive@example.net".into() });
    });
    let id = world.send(&["bob@example.org"], |message| message.archive = true);
    world.done(id).await;
    world.until("given up", || world.delivery.list().is_empty()).await;
    assert!(!world.store.messages.lock().unwrap()[&id].0.message.archive);
    assert_eq!((sink.count(), archive.count()), (1, 0), "nobody is told but the journal");
    let given_up: Vec<_> = world.attempts().into_iter().filter(|attempt| attempt.recipients.is_empty()).collect();
    assert!(given_up.len() == 1 && given_up[0].done == Some(Done::Failed), "{given_up:?}");
}

/// Each place that was tried is recorded, and whoever looks at the message learns why it waits. It is charged nothing.
#[tokio::test]
async fn what_could_not_be_reached_is_told() {
    let mut dead = Vec::new();
    for _ in 0..2 {
        dead.push(TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap());
    }
    let hops: Vec<String> = dead.iter().map(ToString::to_string).collect();
    let world = world(&hops, |options| options.schedule.max_age = 300);
    let id = world.send(&["bob@example.org"], |message| message.reverse_path.clear());
    world.until("tried", || world.attempts().len() >= 2).await;
    let tried = world.attempts();
    assert_eq!([tried[0].address, tried[1].address], [Some(dead[0]), Some(dead[1])]);
    for attempt in &tried[..2] {
        assert!(attempt.attempt == 1 && attempt.done.is_none() && attempt.reason.is_some(), "{attempt:?}");
    }
    let noted = || world.store.messages.lock().unwrap()[&id].0.attempt.clone();
    world.until("noted", || noted().is_some_and(|noted| noted.count == 0 && noted.last_reply.contains("refused"))).await;
    world.done(id).await;
    assert_eq!(world.states(id), [RecipientState::Done(Done::Expired)]);
    let log = world.log.0.lock().unwrap();
    let reason = log.iter().find_map(|record| if let DeliveryRecord::Final(end) = record { Some(&end.reason) } else { None });
    assert!(reason.unwrap().contains("refused"), "{log:#?}");
}
