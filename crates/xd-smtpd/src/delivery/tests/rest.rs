//! Delivery on the real spool, over a disk in memory: restarts, large contents, commits that fail.

use xd_store::simulated::{self, Disk, Survival};
use xd_store::{Spool, SpoolOptions};

use super::*;

pub(super) fn open(disk: &Disk) -> (Spool<Disk>, Vec<QueuedMessage>) {
    let (spool, _) = Spool::open(disk, "/spool", SpoolOptions { reserve_bytes: 0, ..SpoolOptions::default() }).unwrap();
    let messages = spool.messages().collect::<Result<Vec<_>, _>>().unwrap();
    (spool, messages)
}

pub(super) fn start(spool: &Spool<Disk>, recovered: Vec<QueuedMessage>, hop: SocketAddr) -> Delivery {
    let options = world(&[hop.to_string()], |_| {}).options;
    Delivery::start(options, Arc::new(spool.clone()), Arc::new(List::default()), recovered).unwrap()
}

/// Makes a message durable, and does not tell delivery.
pub(super) async fn accept(spool: &Spool<Disk>, recipients: &[&str], content: &[u8]) -> SpoolMessage {
    let mut message = World::build(spool.next_id(), recipients, |message| message.reverse_path.clear());
    message.bytes = content.len() as u64;
    let (done, committed) = tokio::sync::oneshot::channel();
    let acceptance = Acceptance { message: message.clone(), content: Content::from(content.to_vec()) };
    spool.accept(acceptance, move |result| done.send(result.is_ok()).unwrap());
    assert!(committed.await.unwrap());
    message
}

pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not {what}");
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let disk = Disk::new();
    let (sink, address) = Sink::start(&[("RCPT TO:<later", "450 later", 1)]).await;
    let (spool, _) = open(&disk);
    let delivery = start(&spool, Vec::new(), address);
    let message = accept(&spool, &["now@example.org", "later@example.org"], CONTENT).await;
    let idle = accept(&spool, &["idle@example.org"], CONTENT).await;
    delivery.enqueue(message.clone(), None);
    until("delivered in part", || sink.count() == 1).await;
    delivery.drain().await;
    // The power fails; what was not synced is gone.
    let disk = disk.crashed(Survival::Durable);
    let (spool, recovered) = open(&disk);
    assert_eq!(recovered.iter().map(|queued| queued.message.id).collect::<Vec<_>>(), [message.id, idle.id]);
    let states: Vec<_> = recovered[0].message.recipients.iter().map(|recipient| recipient.state).collect();
    assert_eq!(states, [DELIVERED, RecipientState::Waiting]);
    let delivery = start(&spool, recovered, address);
    until("all delivered", || spool.ids().is_empty()).await;
    delivery.drain().await;
    let mut taken: Vec<String> = sink.taken.lock().unwrap().iter().flat_map(|(envelope, _)| envelope[1..].to_vec()).collect();
    taken.sort();
    assert_eq!(taken, ["RCPT TO:<idle@example.org>", "RCPT TO:<later@example.org>", "RCPT TO:<now@example.org>"]);
}

/// Contents above 256 KiB are read piece by piece while they are sent.
#[tokio::test]
async fn a_large_content_is_streamed_from_the_spool() {
    let disk = Disk::new();
    let (sink, address) = Sink::start(&[]).await;
    *sink.extensions.lock().unwrap() = "250 sink\r\n";
    let (spool, _) = open(&disk);
    let lines = b"0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n".repeat(20_000);
    let message = accept(&spool, &["bob@example.org"], &[CONTENT, &lines].concat()).await;
    let delivery = start(&spool, Vec::new(), address);
    delivery.enqueue(message, None);
    until("delivered", || spool.ids().is_empty()).await;
    let taken = sink.taken.lock().unwrap().clone();
    let stuffed = b"From: <a@example.com>\r\nSubject: Test\r\n\r\nHello\r\n..dots\r\n";
    assert!(taken.len() == 1 && taken[0].1 == [&stuffed[..], &lines].concat());
    delivery.drain().await;
}

/// When marks no longer become durable, nothing more is sent: it could not be remembered that it was.
#[tokio::test]
async fn after_a_failed_commit_nothing_is_attempted() {
    let disk = Disk::new();
    let (sink, address) = Sink::start(&[]).await;
    let (spool, _) = open(&disk);
    let first = accept(&spool, &["one@example.org"], CONTENT).await;
    let second = accept(&spool, &["two@example.org"], CONTENT).await;
    let delivery = start(&spool, Vec::new(), address);
    disk.fail_at(disk.calls(), simulated::Fault::Stops);
    delivery.enqueue(first.clone(), None);
    until("broken", || spool.is_broken().is_some()).await;
    assert!(delivery.status().stopped);
    delivery.enqueue(second.clone(), None);
    delivery.control(Control::Retry(Selection::All)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(sink.count(), 1);
    // After the next start both are there: the one that was sent comes again, none is lost.
    let (_, recovered) = open(&disk.crashed(Survival::Durable));
    assert_eq!(recovered.iter().map(|queued| queued.message.id).collect::<Vec<_>>(), [first.id, second.id]);
}

/// A bit of a content turned over on the disk: the message is neither sent nor lost, before and after a restart.
#[tokio::test]
async fn a_content_that_rots_on_the_disk_is_held() {
    let disk = Disk::new();
    let (sink, address) = Sink::start(&[]).await;
    let (spool, _) = open(&disk);
    let message = accept(&spool, &["bob@example.org"], CONTENT).await;
    // What is not whole of the last commit was never acknowledged, as far as anybody can tell: it is another story.
    accept(&spool, &["carol@example.org"], CONTENT).await;
    drop(spool);
    let path = "/spool/000001.xds";
    let mut bytes = disk.content(path).unwrap();
    let at = bytes.windows(5).position(|bytes| bytes == b"Hello").unwrap();
    bytes[at] ^= 1;
    disk.put(path, &bytes).unwrap();
    let (spool, recovered) = open(&disk);
    let delivery = start(&spool, recovered, address);
    let is_held = |spool: &Spool<Disk>| {
        let queued = spool.read_message(message.id).unwrap();
        matches!(queued.message.recipients[0].state, RecipientState::Held { reason: HoldReason::Unreadable, .. })
    };
    until("held", || is_held(&spool)).await;
    until("the other delivered", || sink.count() == 1).await;
    delivery.drain().await;
    drop((delivery, spool));
    let (spool, recovered) = open(&disk.crashed(Survival::Durable));
    assert!(recovered.len() == 1 && is_held(&spool));
    assert_eq!(sink.count(), 1);
}
