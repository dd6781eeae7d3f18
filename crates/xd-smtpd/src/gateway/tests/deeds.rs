//! What becomes of messages by the action set for their class.

use super::*;
use crate::delivery::{Control, Selection};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tagged_and_passed_as_they_came() {
    let world = World::start("tag", "subject_tag = true").await;
    let mut client = world.connect(SMTP).await;
    let forged = format!("X-XD-Class: clean\r\n{}", message("doubtful"));
    assert!(client.send(&["bob@example.com"], &forged).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    let tagged = world.arrived()[0].1.clone();
    assert!(
        tagged.starts_with("Received: from client.example.org ([127.0.0.1])\r\n\tby mx.example.com with ESMTP id "),
        "{tagged}"
    );
    assert!(tagged.contains("\r\nX-XD-Class: spam\r\nX-XD-Score: 6.00 [") && tagged.contains("Subject: [SPAM] doubtful\r\n"));
    assert_eq!(tagged.matches("X-XD-Class").count(), 1, "{tagged}");
    let mut unscanned = world.connect(UNSCANNED).await;
    assert!(unscanned.send(&["bob@example.com"], &message("awful")).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 2).await;
    assert!(world.arrived()[1].1.ends_with(&format!("\r\n{}\r\n", message("awful"))) && !world.arrived()[1].1.contains("X-XD-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantine_is_held_until_it_is_released() {
    let world = World::start("quarantine", "actions = { spam = \"quarantine\" }").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], &message("doubtful")).await.starts_with("250"));
    world.until("held", || world.running.gateway().delivery().status().held == 1).await;
    let is_hold =
        |record: &JournalRecord| matches!(&record.event, JournalEvent::Hold(hold) if hold.recipients == ["bob@example.com"]);
    world.until("recorded", || world.journal().iter().any(is_hold)).await;
    assert!(world.arrived().is_empty());
    assert_eq!(world.running.gateway().delivery().control(Control::Release(Selection::Held)).await.messages, 1);
    world.until("delivered", || world.arrived().len() == 1).await;
    world.until("recorded", || world.has_ended("delivered")).await;
    assert!(world.journal().iter().any(|record| matches!(record.event, JournalEvent::Release(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantine_that_nobody_wants_is_discarded_with_a_record() {
    let world = World::start("kept", "actions = { spam = \"quarantine\" }\nquarantine_keep = \"1s\"").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], &message("doubtful")).await.starts_with("250"));
    world.until("discarded", || world.has_ended("discarded")).await;
    world.until("gone", || world.running.gateway().spool().ids().is_empty()).await;
    assert!(world.arrived().is_empty() && world.running.gateway().delivery().list().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discarded_and_redirected() {
    let world = World::start("elsewhere", "actions = { spam = \"discard\", surespam = \"redirect:spam@example.net\" }").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com"], &message("doubtful")).await.starts_with("250"));
    // It was recorded before it was acknowledged.
    assert!(world.has_ended("discarded"));
    assert!(client.send(&["bob@example.com", "alice@example.com"], &message("awful")).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    assert!(world.arrived()[0].0.iter().all(|recipient| recipient == "spam@example.net"));
    world.until("done", || world.running.gateway().spool().ids().is_empty()).await;
    assert_eq!(world.arrived().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lmtp_says_what_became_of_each() {
    let world = World::start("lmtp", "").await;
    let mut client = world.connect(LMTP).await;
    assert!(client.send(&["bob@example.com", "alice@example.com"], &message("x")).await.starts_with("250 2.0.0 kept as "));
    assert!(client.reply().await.starts_with("250 2.0.0 kept as "));
    world.until("delivered", || world.arrived().len() == 1).await;
    assert_eq!(world.arrived()[0].0.len(), 2, "one transaction for all");
    assert!(world.arrived()[0].1.contains(" with LMTP id "));
}
