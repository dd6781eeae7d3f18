//! What clients are told, and that each refusal has its record, and but one.

use super::*;
use crate::delivery::Selection;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_has_one_record() {
    let settings =
        "actions = { spam = \"defer\", surespam = \"reject\" }\n[limits]\nmessage_bytes = 5000\ncontent_memory_bytes = 1048576";
    let world = World::start("refusals", settings).await;
    let mut client = world.connect(SMTP).await;
    for (line, code) in [
        ("NONSENSE", "500 5.5"),
        ("MAIL FROM:<broken", "501 5."),
        ("RCPT TO:<alice@example.com>", "503 5.5.1"),
        ("ETRN example.com", "4"),
        ("MAIL FROM:<someone@example.org> SIZE=6000", "552 5.3.4"),
        ("MAIL FROM:<someone@example.org>", "250"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<mallory@example.com>", "550 5.1.1 mx.example.com does not protect this address"),
        ("RCPT TO:<someone@example.net>", "550 5.7.1"),
        ("RCPT TO:<bob@example.com>", "250"),
        ("MAIL FROM:<again@example.org>", "503 5.5.1"),
        ("RSET", "250"),
    ] {
        let reply = client.ask(line).await;
        // A client that is nobody's may not ask at all, or be told that it may not.
        assert!(reply.starts_with(code) || line.starts_with("ETRN") && reply.starts_with('5'), "{line}: {reply}");
    }
    assert!(client.send(&["bob@example.com"], &message("doubtful")).await.starts_with("450 4.7.1"));
    assert!(client.send(&["bob@example.com", "alice@example.com"], &message("awful")).await.starts_with("550 5.7.1"));
    let circling = format!("{}{}", "Received: from a by b; c\r\n".repeat(100), message("x"));
    assert!(client.send(&["bob@example.com"], &circling).await.starts_with("554 5.4.6"));
    assert!(client.send(&["bob@example.com"], &format!("X: {}", "long ".repeat(1_200))).await.starts_with('5'));
    let mut lmtp = world.connect(LMTP).await;
    lmtp.send(&["bob@example.com", "alice@example.com"], &message("awful")).await;
    lmtp.reply().await;
    assert_eq!(lmtp.refusals.len(), 2, "LMTP answers for each");
    // One message, one record.
    let mut told = [client.refusals.clone(), vec![lmtp.refusals.join("; ")]].concat();
    told.sort();
    world.until(&format!("as told: {told:#?}"), || world.refusals() == told).await;
    assert!(world.arrived().is_empty());
    // What was judged is told with its verdict.
    let journal = world.journal();
    let judged = journal.iter().filter_map(|record| match &record.event {
        JournalEvent::Refusal(refusal) if refusal.stage == "content" => Some(refusal),
        _ => None,
    });
    let classes: Vec<&str> = judged.map(|refusal| refusal.class.as_str()).collect();
    assert_eq!(classes, ["spam", "surespam", "", "", "surespam"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_write_to_whom() {
    let world = World::start("recipients", "").await;
    let mut stranger = world.connect(SMTP).await;
    assert!(stranger.send(&["postmaster", "ALICE@example.com"], &message("x")).await.starts_with("250"));
    assert!(stranger.send(&["bob@example.net"], &message("x")).await.starts_with("550 5.7.1"));
    // Some recipients are refused, the others get it.
    stranger.ask("MAIL FROM:<>").await;
    assert!(stranger.ask("RCPT TO:<mallory@example.com>").await.starts_with("550"));
    assert!(stranger.ask("RCPT TO:<bob@example.com>").await.starts_with("250"));
    stranger.ask("DATA").await;
    assert!(stranger.ask(&format!("{}\r\n.", message("x"))).await.starts_with("250"));
    let mut own = world.connect_from("127.0.0.9", SMTP).await;
    assert!(own.send(&["bob@example.net"], &message("x")).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 3).await;
    let mut recipients: Vec<_> = world.arrived().into_iter().map(|(recipients, _)| recipients).collect();
    recipients.sort();
    let expected = [&["bob@example.com"][..], &["bob@example.net"], &["postmaster@example.com", "ALICE@example.com"]];
    assert_eq!(recipients, expected);
    world.until("recorded", || world.refusals().len() == stranger.refusals.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_defers() {
    let world = World::start("full", "[limits]\nspool_free_bytes = 1000000000000000").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], &message("x")).await.starts_with("452 4.3.1"));
    world.until("recorded", || world.refusals() == client.refusals).await;
    assert!(world.arrived().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_judging_fails() {
    const FAILS: &str = "X-Judging: fails\r\n\r\nHello";
    let world = World::start("judging-defer", "").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], FAILS).await.starts_with("451 4.3.0"));
    assert!(client.send(&["bob@example.com"], &message("x")).await.starts_with("250"), "the next is judged");
    // Where nothing is judged, nothing fails.
    let mut unscanned = world.connect(UNSCANNED).await;
    assert!(unscanned.send(&["bob@example.com"], FAILS).await.starts_with("250"));
    world.until("recorded", || world.refusals() == client.refusals).await;

    let world = World::start("judging-accept", "on_engine_failure = \"accept\"").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], FAILS).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    world.until("recorded", || world.journal().iter().any(|record| matches!(record.event, JournalEvent::Acceptance(_)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_mail_is_called_for_by_whom_it_concerns() {
    let world = World::start("etrn", "[[client]]\nnetworks = [\"127.0.0.1\"]\netrn = [\"example.com\"]").await;
    // Until it is known what waits from before, nobody is told that nothing does.
    assert_eq!(world.running.gateway().delivery().count(Selection::Held).await, 0);
    let mut named = world.connect(SMTP).await;
    assert!(named.ask("ETRN EXAMPLE.com").await.starts_with("251"));
    assert!(named.ask("ETRN example.net").await.starts_with("459 4.7.1"), "another's");
    assert!(named.ask("ETRN @example.com").await.starts_with("458 4.5.4"));
    // To be our own is not to be named.
    let mut own = world.connect_from("127.0.0.9", SMTP).await;
    assert!(own.ask("ETRN example.com").await.starts_with("550 5.7.1"));
    // Another connection begins nothing anew.
    let mut again = world.connect(SMTP).await;
    for _ in 1..10 {
        assert!(again.ask("ETRN example.com").await.starts_with("251"));
    }
    assert!(again.ask("ETRN example.com").await.starts_with("458 4.7.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_judged_says_why() {
    let world = World::start("unjudged", "on_engine_failure = \"accept\"").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], "X-Judging: fails\r\n\r\nHello").await.starts_with("250"));
    let mut unscanned = world.connect(UNSCANNED).await;
    assert!(unscanned.send(&["bob@example.com"], &message("x")).await.starts_with("250"));
    let classes = || -> Vec<String> {
        let journal = world.journal();
        let accepted = journal.into_iter().filter_map(|record| match record.event {
            JournalEvent::Acceptance(acceptance) => Some(acceptance.class),
            _ => None,
        });
        accepted.collect()
    };
    world.until("recorded", || classes() == ["unjudged", "unscanned"]).await;
}

/// Content that is long enough to be worked on aside passes the same way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_messages_are_judged_as_short_ones() {
    let world = World::start("long", "actions = { surespam = \"reject\" }").await;
    let mut client = world.connect(SMTP).await;
    let long = |subject: &str| format!("{}\r\n{}", message(subject), "words and words\r\n".repeat(20_000));
    assert!(client.send(&["bob@example.com"], &long("awful")).await.starts_with("550 5.7.1"));
    assert!(client.send(&["bob@example.com"], &long("doubtful")).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    assert!(world.arrived()[0].1.contains("\r\nX-XD-Class: spam\r\n"));
}
