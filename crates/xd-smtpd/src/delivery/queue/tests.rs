//! The queue alone: which entries are taken, in what order, and what is left of them.

use std::sync::Arc;

use xd_config::NextHop;
use xd_store::{Content, SpoolMessage};

use super::*;
use crate::delivery::Route;

fn queue() -> (Queue, u32) {
    let mut queue = Queue::new(NextHopPolicy::default(), 1, 0, 10);
    let key =
        DestinationKey { route: Arc::new(Route::new(vec![NextHop::Mx])), domain: Some("example.com".into()), archive: false };
    let destination = queue.destination(&key, Steady(0));
    (queue, destination)
}

fn entry(id: u64, destination: u32) -> NewEntry {
    let state = EntryState::Ready;
    NewEntry { id: QueueId::new(id), arrived: Wall(0), destination, attempts: 0, state, due: Steady(0) }
}

/// A message whose content is in memory.
fn hot() -> Hot {
    let message = SpoolMessage {
        id: QueueId::new(1),
        arrived: 0,
        reverse_path: String::new(),
        recipients: Vec::new(),
        ret: None,
        envid: None,
        body: xd_store::BodyType::SevenBit,
        smtputf8: false,
        bytes: 2,
        sha256_received: [0; 32],
        sha256_spooled: [0; 32],
        actions: Vec::new(),
        client: None,
        ehlo: String::new(),
        authenticated: None,
        tls: None,
        may_report: false,
        class: String::new(),
        score: String::new(),
        engine: String::new(),
        archive: false,
    };
    Hot { message: Arc::new(message), content: Content::from(b"\r\n".to_vec()) }
}

#[test]
fn an_entry_is_taken_once() {
    let (mut queue, destination) = queue();
    assert_eq!(queue.add(entry(1, destination), None, Steady(0)).open, [destination]);
    assert!(queue.add(entry(1, destination), None, Steady(0)).open.is_empty(), "it is there already");
    let job = queue.take(destination).unwrap();
    assert!(queue.take(destination).is_none());
    assert!(queue.withdraw(job.id, Steady(0)).is_empty(), "in flight");
    queue.finish(job.slot, Steady(0));
    assert!(queue.ids().is_empty() && queue.list().next().is_none());
}

#[test]
fn a_message_is_withdrawn_whole_or_not_at_all() {
    let (mut queue, first) = queue();
    let route = Arc::new(Route::new(vec![NextHop::Maildir("x".into())]));
    let second = queue.destination(&DestinationKey { route, domain: None, archive: false }, Steady(0));
    let _ = queue.add(entry(1, first), None, Steady(0));
    assert!(queue.is_alone(0));
    let _ = queue.add(NewEntry { state: EntryState::Waiting, due: Steady(9), ..entry(1, second) }, None, Steady(0));
    assert!(!queue.is_alone(0) && !queue.is_alone(1));
    let job = queue.take(first).unwrap();
    assert!(queue.withdraw(job.id, Steady(0)).is_empty());
    queue.give_back(job.slot, None, true);
    let entries = queue.withdraw(job.id, Steady(0));
    assert!(entries.len() == 2 && queue.list().next().is_none() && queue.take(first).is_none());
    assert!(queue.put_back(entries, Steady(0)).timer);
    assert_eq!(queue.take(first).unwrap().id, job.id);
    assert_eq!(queue.next_tick(), Some(Steady(9)));
}

#[test]
fn waits_are_kept() {
    let (mut queue, destination) = queue();
    let _ = queue.add(entry(1, destination), None, Steady(0));
    let job = queue.take(destination).unwrap();
    assert!(queue.wait(job.slot, 1, None, Steady(500)).timer);
    assert_eq!(queue.next_tick(), Some(Steady(500)));
    let _ = queue.close(destination, Steady(0));
    assert!(queue.tick(Steady(499)).open.is_empty());
    assert!(queue.take(destination).is_none());
    assert_eq!(queue.tick(Steady(500)).open, [destination]);
    assert_eq!(queue.take(destination).unwrap().attempts, 1);
}

#[test]
fn a_message_at_three_destinations_leaves_one_by_one() {
    let (mut queue, first) = queue();
    let route = Arc::new(Route::new(vec![NextHop::Maildir("x".into())]));
    let second = queue.destination(&DestinationKey { route: route.clone(), domain: None, archive: false }, Steady(0));
    let third = queue.destination(&DestinationKey { route, domain: None, archive: true }, Steady(0));
    for destination in [first, second, third] {
        let _ = queue.add(entry(7, destination), None, Steady(0));
    }
    for (left, destination) in [(2, second), (1, third), (0, first)] {
        let job = queue.take(destination).unwrap();
        queue.finish(job.slot, Steady(0));
        assert_eq!(queue.list().count(), left);
    }
    assert!(queue.ids().is_empty());
}

#[test]
fn contents_wait_in_memory_only_for_a_next_hop_that_may_be_up() {
    let (mut queue, destination) = queue();
    queue.hot_most = usize::MAX;
    let _ = queue.add(entry(1, destination), Some(hot()), Steady(0));
    assert!(queue.take(destination).unwrap().hot.is_some());
    queue.at(destination).unwrap().state.handle_unreachable(Steady(0));
    let _ = queue.add(entry(2, destination), Some(hot()), Steady(0));
    assert!(queue.take(destination).unwrap().hot.is_none());
}

#[test]
fn a_next_hop_that_goes_down_leaves_no_content_in_memory() {
    let (mut queue, destination) = queue();
    queue.hot_most = usize::MAX;
    let _ = queue.add(entry(1, destination), Some(hot()), Steady(0));
    queue.cool(destination);
    assert!(queue.hot_bytes == 0 && queue.take(destination).unwrap().hot.is_none());
}

#[test]
fn ready_entries_leave_the_list_from_anywhere() {
    let (mut queue, destination) = queue();
    for id in 1..=5 {
        let _ = queue.add(entry(id, destination), None, Steady(0));
    }
    for id in [3, 1, 5] {
        assert_eq!(queue.withdraw(QueueId::new(id), Steady(0)).len(), 1);
    }
    let _ = queue.add(entry(6, destination), None, Steady(0));
    let jobs: Vec<Job> = std::iter::from_fn(|| queue.take(destination)).collect();
    assert_eq!(jobs.iter().map(|job| job.id.number()).collect::<Vec<_>>(), [2, 4, 6]);
    queue.give_back(jobs[2].slot, None, true);
    queue.give_back(jobs[0].slot, None, false);
    queue.give_back(jobs[1].slot, None, true);
    let order: Vec<u64> = std::iter::from_fn(|| queue.take(destination)).map(|job| job.id.number()).collect();
    assert_eq!(order, [4, 6, 2]);
}

/// Fifty domains whose servers are slow must not take what the operator's own mail server needs.
#[test]
fn domains_leave_connections_to_next_hops_that_were_named() {
    let (mut queue, _) = queue();
    let mut open = 0;
    for domain in 0..20 {
        let route = Arc::new(Route::new(vec![NextHop::Mx]));
        let key = DestinationKey { route, domain: Some(format!("{domain}.example")), archive: false };
        let destination = queue.destination(&key, Steady(0));
        open += queue.add(entry(domain, destination), None, Steady(0)).open.len();
    }
    assert_eq!(open, 8, "of ten");
    let route = Arc::new(Route::new(vec![NextHop::Maildir("x".into())]));
    let own = queue.destination(&DestinationKey { route, domain: None, archive: false }, Steady(0));
    assert_eq!(queue.add(entry(99, own), None, Steady(0)).open, [own]);
    let _ = queue.take(own);
    assert_eq!(queue.close(1, Steady(0)).open, [1], "it still has something to send");
    let _ = queue.take(2);
    assert_eq!(queue.close(2, Steady(0)).open, [9], "who comes behind it and has none has the first turn");
    let _ = queue.take(3);
    assert_eq!(queue.close(3, Steady(0)).open, [10], "and then the next");
}

#[test]
fn a_queued_message_is_small() {
    let (mut queue, destination) = queue();
    let count = 100_000;
    for id in 0..count {
        let state = EntryState::Waiting;
        let _ = queue.add(NewEntry { state, due: Steady(id), ..entry(id, destination) }, None, Steady(0));
    }
    // Of tables that double, the most they can be; of the tree, its nodes of eleven at half of their room.
    let bytes = queue.entries.capacity() * size_of::<Entry>()
        + queue.by_id.capacity() * 8 / 7 * (size_of::<(QueueId, u32)>() + 1)
        + queue.timers.len() * size_of::<(Steady, u32)>() * 2;
    assert!(bytes as u64 / count <= 180, "{}", bytes as u64 / count);
}
