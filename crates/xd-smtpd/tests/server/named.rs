//! PROXY and XCLIENT: named peers, and the clients they speak for.

use super::*;

#[test]
fn limits_are_those_of_the_client_that_is_named() {
    let world = World::new(|settings, _| {
        settings.listeners[0].xclient.push("127.0.0.1".parse().unwrap());
        settings.trusted.push("192.0.2.9".parse().unwrap());
        settings.clients.connections = 1;
        settings.clients.messages_per_minute = 1;
    });
    let named = |address: &str| {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO proxy");
        let greeting = client.ask(&format!("XCLIENT ADDR={address}"));
        client.ask("EHLO c");
        (client, greeting)
    };
    // However many connections the peer needs, each of its clients has what others have.
    let (mut first, greeting) = named("192.0.2.1");
    assert!(greeting.starts_with("220"));
    let (mut second, greeting) = named("192.0.2.1");
    assert!(greeting.starts_with("421 4.7.0 too many connections from your address"), "{greeting}");
    assert!(second.is_at_end());
    let (_third, greeting) = named("192.0.2.2");
    assert!(greeting.starts_with("220"));
    assert!(first.ask("MAIL FROM:<>").starts_with("250"));
    first.ask("RSET");
    assert!(first.ask("MAIL FROM:<>").starts_with("450 4.7.0"));
    // And our own have what our own have.
    let (mut own, _) = named("192.0.2.9");
    let (_again, greeting) = named("192.0.2.9");
    assert!(greeting.starts_with("220"));
    for _ in 0..3 {
        assert!(own.ask("MAIL FROM:<>").starts_with("250"));
        own.ask("RSET");
    }
}

#[test]
fn what_several_commands_say_of_a_client_adds_up() {
    let world = World::new(|settings, _| {
        settings.listeners[0].xclient.push("127.0.0.1".parse().unwrap());
        settings.trusted.push("127.0.0.1".parse().unwrap());
    });
    let mut client = world.connect();
    client.reply();
    for line in ["EHLO c", "XCLIENT ADDR=[UNAVAILABLE] LOGIN=u", "EHLO c", "XCLIENT NAME=c.example.org", "EHLO c"] {
        client.ask(line);
    }
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    client.ask("XCLIENT ADDR=192.0.2.1");
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    let kept = world.server.front().kept.lock().unwrap();
    // Who is not known has no rights of who spoke for it, and keeps its name.
    let (peer, transaction) = &kept[0];
    assert_eq!((peer.client(), peer.trusted, transaction.authenticated.as_deref()), (None, false, Some("u")));
    // Another client is another.
    assert_eq!(kept[1].1.authenticated, None);
}

#[test]
fn named_peers_say_who_the_client_is() {
    let world = World::new(|settings, _| {
        settings.trusted.push("127.0.0.1".parse().unwrap());
        settings.listeners[0].proxies.push("127.0.0.1".parse().unwrap());
        settings.listeners[0].xclient.push("192.0.2.7".parse().unwrap());
    });
    let mut client = world.connect();
    client.say(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n");
    client.reply();
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    assert!(client.ask("XCLIENT ADDR=IPV6:2001:db8::1 LOGIN=u").starts_with("220"));
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    let kept = world.server.front().kept.lock().unwrap();
    assert_eq!(kept[0].0.address, "192.0.2.7:4711".parse().unwrap());
    assert_eq!(kept[1].0.address.ip().to_string(), "2001:db8::1");
    assert_eq!(kept[1].1.authenticated.as_deref(), Some("u"));
    assert!(kept[1].0.via.is_some());
    drop(kept);

    // Who comes through the proxy has no rights of the proxy.
    let mut other = world.connect();
    other.say(b"PROXY TCP4 192.0.2.8 192.0.2.1 4711 25\r\n");
    other.reply();
    other.ask("EHLO c");
    assert!(other.ask("XCLIENT ADDR=127.0.0.1 LOGIN=u").starts_with("550"), "XCLIENT is for named clients");

    // Nor has one whose address it cannot tell.
    let mut nobody = world.connect();
    nobody.say(b"PROXY UNKNOWN\r\n");
    nobody.reply();
    nobody.ask("EHLO c");
    nobody.say(MESSAGE);
    (0..5).for_each(|_| drop(nobody.reply()));
    let (peer, _) = world.server.front().kept.lock().unwrap().pop().unwrap();
    assert_eq!((peer.client(), peer.trusted), (None, false));

    let mut stranger = world.connect();
    stranger.say(b"EHLO stranger.example.org\r\n");
    assert_eq!(stranger.reply(), "");
}

/// Clients that a peer cannot name have nothing in common but that peer: one does not use up what another may do.
#[test]
fn clients_that_nobody_knows_are_not_counted_as_one() {
    let world = World::new(|settings, _| {
        settings.trusted.clear();
        settings.clients.connections = 1;
        settings.listeners[0].proxies.push("127.0.0.1".parse().unwrap());
    });
    let open: Vec<_> = (0..3)
        .map(|_| {
            let mut nobody = world.connect();
            nobody.say(b"PROXY UNKNOWN\r\n");
            assert!(nobody.reply().starts_with("220"));
            nobody
        })
        .collect();
    let mut named = world.connect();
    named.say(b"PROXY TCP4 192.0.2.8 192.0.2.1 4711 25\r\n");
    assert!(named.reply().starts_with("220"));
    let mut again = world.connect();
    again.say(b"PROXY TCP4 192.0.2.8 192.0.2.1 4711 25\r\n");
    assert!(again.reply().starts_with("421"));
    drop(open);
}
