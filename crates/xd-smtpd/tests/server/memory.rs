//! Contents in memory, bounded over all connections.

use xd_smtpd::server::ContentBudget;

use super::*;

#[test]
fn content_beyond_the_budget_is_deferred() {
    let world = World::new(|settings, _| settings.budget = ContentBudget::new(100_000));
    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    assert!(client.ask("MAIL FROM:<> SIZE=100001").starts_with("452 4.3.1"));
    client.ask("MAIL FROM:<>");
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(300_000));
    assert!(client.ask("\r\n.").starts_with("452 4.3.1"));
    assert!(client.ask("NOOP").starts_with("250"));
    assert_eq!(world.server.gauges().content_octets, 0);
}

#[test]
fn the_budget_outlasts_a_reload() {
    let world = World::new(|settings, _| settings.budget = ContentBudget::new(1_000_000));
    let begin = || {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO c");
        client
    };
    let mut client = begin();
    client.ask("MAIL FROM:<>");
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(300_000));
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while world.server.gauges().content_octets < 300_000 {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut settings = world.settings.clone();
    settings.budget = ContentBudget::new(400_000);
    world.server.reload(settings).unwrap();
    assert!(world.server.gauges().content_octets >= 300_000, "what is held is still counted");
    let mut other = begin();
    assert!(other.ask("MAIL FROM:<> SIZE=200000").starts_with("452 4.3.1"));
    assert!(client.ask("\r\n.").starts_with("250"));
    assert!(other.ask("MAIL FROM:<> SIZE=200000").starts_with("250"));
}

#[test]
fn the_largest_message_fits_a_budget_of_its_size() {
    let largest = 3 << 20;
    let world = World::new(|settings, options| {
        // With the buffer that it is read into.
        settings.budget = ContentBudget::new(largest + (128 << 10));
        options.limits.content_octets = largest as u64;
    });
    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    client.ask(&format!("MAIL FROM:<> SIZE={largest}"));
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(largest - 2));
    assert_eq!(client.ask("\r\n."), "250 2.0.0 kept");
    assert_eq!(world.server.gauges().content_octets, 0);
}
