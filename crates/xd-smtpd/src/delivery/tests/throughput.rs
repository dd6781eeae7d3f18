//! How many deliveries a second there are: a measurement, run by hand.

use super::*;

/// Prints deliveries a second to the next hop named by `XD_SINK`, such as one of `smtp-sink -c 127.0.0.1:2600 1000`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: it needs a next hop"]
async fn throughput() {
    let sink = std::env::var("XD_SINK").expect("XD_SINK names a next hop");
    let world = world(&[sink], |_| {});
    let body = [CONTENT.to_vec(), b"0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n".repeat(51)]
        .concat();
    let (count, began) = (20_000_u32, std::time::Instant::now());
    for _ in 0..count {
        let id = world.store.next_id();
        let content = Content::from(body.clone());
        let message = World::build(id, &["bob@example.org"], |message| message.bytes = content.bytes());
        world.store.accept(Acceptance { message: message.clone(), content: content.clone() }, Box::new(|_| {}));
        world.delivery.enqueue(message, Some(content));
    }
    let queued = began.elapsed();
    while world.delivery.status().delivered < u64::from(count) && began.elapsed().as_secs() < 60 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    println!(
        "{count} of {} bytes: queued in {queued:?}, delivered in {took:?}: {:.0}/s",
        body.len(),
        f64::from(count) / took.as_secs_f64()
    );
    println!("{:?}", world.delivery.status());
}
