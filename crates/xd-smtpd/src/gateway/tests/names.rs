//! The names of clients, asked of a name server in this process.

use std::net::Ipv4Addr;

use tokio::net::UdpSocket;

use super::*;

/// Clients by the last number of their address 192.0.2.N: 1 has a confirmed name, 2 one that leads elsewhere, 3 none; of 4 nobody can
/// tell.
async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query).await {
            let _ = socket.send_to(&answer(&query[..length]), client).await;
        }
    });
    address
}

const A: u8 = 1;
const PTR: u8 = 12;
const TXT: u8 = 16;

/// The answer to a query (RFC 1035 §4.1).
fn answer(query: &[u8]) -> Vec<u8> {
    let (mut name, mut at) = (String::new(), 12);
    while query[at] > 0 {
        let label = &query[at + 1..=at + usize::from(query[at])];
        name.push_str(&format!("{}.", String::from_utf8_lossy(label).to_ascii_lowercase()));
        at += label.len() + 1;
    }
    let question = &query[12..at + 5];
    let wire = |name: &str| {
        let labels = name.split('.').flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat());
        labels.chain([0]).collect::<Vec<u8>>()
    };
    let text = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
    let (code, data) = match (name.as_str(), query[at + 2]) {
        ("1.2.0.192.in-addr.arpa.", PTR) => (0, wire("good.example.net")),
        ("2.2.0.192.in-addr.arpa.", PTR) => (0, wire("liar.example.net")),
        ("4.2.0.192.in-addr.arpa.", PTR) => (2, Vec::new()),
        // Whose mail this test sends.
        ("example.org.", TXT) => (0, text("v=spf1 ip4:192.0.2.1 -all")),
        ("_dmarc.example.org.", TXT) => (0, text("v=DMARC1; p=reject")),
        ("good.example.net.", A) => (0, Ipv4Addr::new(192, 0, 2, 1).octets().to_vec()),
        ("liar.example.net.", A) => (0, Ipv4Addr::new(192, 0, 2, 99).octets().to_vec()),
        _ => (3, Vec::new()),
    };
    let count = u8::from(!data.is_empty());
    let mut answer = [&query[..2], &[0x85, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if count > 0 {
        // A pointer to the question's name, its type and class, 60 seconds.
        answer.extend([0xc0, 12, 0, query[at + 2], 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        answer.extend(data);
    }
    answer
}

/// What a client with this address is told.
async fn told(world: &World, address: &str) -> String {
    let mut client = world.connect(SMTP).await;
    assert!(client.ask(&format!("XCLIENT ADDR={address}")).await.starts_with("220"));
    client.ask("EHLO client.example.org").await;
    client.send(&["bob@example.com"], &message("x")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_without_a_confirmed_name_are_deferred_where_that_is_set() {
    let world = World::start("ptr-defer", &format!("ptr = \"defer\"\ndns = [\"{}\"]", name_server().await)).await;
    let denied = |address: &str| {
        format!(
            "450 4.7.1 Access temporarily denied. mx.example.com requires you to have valid reverse DNS PTR record in order to send \
             mail from [{address}]"
        )
    };
    let (second, third) = (denied("192.0.2.2"), denied("192.0.2.3"));
    for (address, code) in
        [("192.0.2.1", "250"), ("192.0.2.2", second.as_str()), ("192.0.2.3", third.as_str()), ("192.0.2.4", "250")]
    {
        let reply = told(&world, address).await;
        assert!(reply.starts_with(code), "{address}: {reply}");
    }
    // Our own are not asked for their names.
    assert!(told(&world, "127.0.0.9").await.starts_with("250"));
    // Of a client that the peer in between does not know, nobody can say that it has no name.
    assert!(told(&world, "[UNAVAILABLE]").await.starts_with("250"));
    world.until("recorded", || world.refusals().len() == 2).await;
    let is_unknown = |record: &JournalRecord| matches!(&record.event, JournalEvent::Acceptance(taken) if taken.client.is_none());
    world.until("told as unknown", || world.journal().iter().any(is_unknown)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_evidence() {
    let world = World::start("ptr-score", &format!("dns = [\"{}\"]", name_server().await)).await;
    let off = World::start("ptr-off", &format!("ptr = \"off\"\ndns = [\"{}\"]", name_server().await)).await;
    for (world, expected) in [(&world, [false, true, true, false]), (&off, [false; 4])] {
        for (number, is_tagged) in (1..).zip(expected) {
            assert!(told(world, &format!("192.0.2.{number}")).await.starts_with("250"));
            world.until("delivered", || world.arrived().len() == number).await;
            let arrived = world.arrived()[number - 1].1.clone();
            assert_eq!(arrived.contains("nameless=6.00"), is_tagged, "{number}: {arrived}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_send_is_found_out_and_told() {
    let world = World::start("senders", &format!("ptr = \"off\"\ndns = [\"{}\"]", name_server().await)).await;
    let arrived = async |address: &str, number: usize| {
        assert!(told(&world, address).await.starts_with("250"));
        world.until("delivered", || world.arrived().len() == number).await;
        world.arrived()[number - 1].1.clone()
    };
    let allowed = arrived("192.0.2.1", 1).await;
    assert!(allowed.contains("Authentication-Results: mx.example.com;"), "{allowed}");
    assert!(allowed.contains("spf=pass") && allowed.contains("dmarc=pass") && !allowed.contains("forged="), "{allowed}");
    let forged = arrived("192.0.2.3", 2).await;
    assert!(forged.contains("spf=fail") && forged.contains("dmarc=fail") && forged.contains("forged=6.00"), "{forged}");
    // Of our own nobody asks.
    assert!(!arrived("127.0.0.9", 3).await.contains("Authentication-Results"));
}
