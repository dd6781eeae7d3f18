//! One message, recipients of different opinions: what SMTP and LMTP answer, and what becomes of each.

use super::*;

const ACTIONS: &str = "actions = { clean = \"deliver\", spam = \"defer\", surespam = \"reject\" }";

/// Bob is to defer it, alice to reject it, postmaster to deliver it.
fn mixed() -> String {
    format!("X-Judging: each\r\n{}", message("doubtful"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smtp_has_one_answer() {
    let world = World::start("mixed-smtp", ACTIONS).await;
    let mut client = world.connect(SMTP).await;
    // All alike: the client is told.
    assert!(client.send(&["bob@example.com", "bob@example.com"], &mixed()).await.starts_with("450 4.7.1"));
    assert!(client.send(&["alice@example.com", "alice@example.com"], &mixed()).await.starts_with("550 5.7.1"));
    world.until("recorded", || world.refusals().len() == 2).await;
    assert!(world.arrived().is_empty());

    // Who was to reject gets it into quarantine, who was to defer gets it with its score.
    assert!(client.send(&["alice@example.com", "bob@example.com"], &mixed()).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 1).await;
    let (recipients, content) = world.arrived().remove(0);
    assert_eq!(recipients, ["bob@example.com"]);
    assert!(content.contains("\r\nX-XD-Class: spam\r\nX-XD-Score: 6.00"), "the verdict for bob: {content}");
    let is_hold =
        |record: &JournalRecord| matches!(&record.event, JournalEvent::Hold(hold) if hold.recipients == ["alice@example.com"]);
    world.until("held", || world.journal().iter().any(is_hold)).await;
    assert_eq!(world.running.gateway().delivery().status().held, 1);

    // One that takes it is enough.
    assert!(client.send(&["alice@example.com", "postmaster@example.com"], &mixed()).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 2).await;
    let (recipients, content) = world.arrived().remove(1);
    assert_eq!(recipients, ["postmaster@example.com"]);
    assert!(!content.contains("X-XD-Class"), "nobody is told a verdict: {content}");
    assert_eq!(world.refusals().len(), 2, "nothing more was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lmtp_answers_each_and_each_refusal_is_recorded() {
    let world = World::start("mixed-lmtp", ACTIONS).await;
    let mut client = world.connect(LMTP).await;
    let recipients = ["bob@example.com", "alice@example.com", "postmaster@example.com", "alice@example.com"];
    assert!(client.send(&recipients, &mixed()).await.starts_with("450 4.7.1"));
    assert!(client.reply().await.starts_with("550 5.7.1"));
    assert!(client.reply().await.starts_with("250 2.0.0 kept as "));
    assert!(client.reply().await.starts_with("550 5.7.1"));
    world.until("delivered", || world.arrived().len() == 1).await;
    assert_eq!(world.arrived()[0].0, ["postmaster@example.com"]);
    world.until("recorded", || world.refusals().len() == 2).await;
    let journal = world.journal();
    let mut refused = Vec::new();
    for record in &journal {
        match &record.event {
            JournalEvent::Refusal(refusal) => refused.push((&refusal.reply[..3], refusal.recipients.clone())),
            JournalEvent::Acceptance(acceptance) => {
                assert_eq!(acceptance.recipients, ["postmaster@example.com"]);
                assert!(acceptance.reply.starts_with("250") && !acceptance.reply.contains(';'), "{}", acceptance.reply);
            }
            _ => {}
        }
    }
    let alice = "alice@example.com".to_owned();
    assert_eq!(refused, [("450", vec!["bob@example.com".to_owned()]), ("550", vec![alice.clone(), alice])]);
    assert_eq!(world.running.gateway().delivery().status().held, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recipients_that_come_to_one_address_get_one_copy() {
    let world = World::start("mixed-redirect", "actions = { spam = \"redirect:spam@example.net\" }").await;
    let mut client = world.connect(SMTP).await;
    assert!(client.send(&["bob@example.com", "bob@example.com"], &message("x")).await.starts_with("250"));
    assert!(client.send(&["bob@example.com", "alice@example.com"], &message("doubtful")).await.starts_with("250"));
    world.until("delivered", || world.arrived().len() == 2).await;
    let mut recipients: Vec<_> = world.arrived().into_iter().map(|(recipients, _)| recipients).collect();
    recipients.sort();
    assert_eq!(recipients, [["bob@example.com"], ["spam@example.net"]]);
}
