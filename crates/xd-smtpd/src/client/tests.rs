//! Dialogues as data: what the next hop says (`S`), what we say (`C`), and what comes of it.

use xd_store::{BodyType, Notify, QueueId, RecipientState, Ret, SpoolMessage, SpoolRecipient};

use super::*;

fn message(recipients: usize) -> SpoolMessage {
    let one = |index| SpoolRecipient {
        forward_path: format!("r{index}@example.org"),
        orcpt: None,
        notify: Notify::DEFAULT,
        state: RecipientState::Waiting,
    };
    SpoolMessage {
        id: QueueId::new(1),
        arrived: 0,
        reverse_path: "a@example.com".into(),
        recipients: (0..recipients).map(one).collect(),
        ret: None,
        envid: None,
        body: BodyType::SevenBit,
        smtputf8: false,
        bytes: 3,
        sha256_received: [0; 32],
        sha256_spooled: [0; 32],
        actions: Vec::new(),
        client: None,
        ehlo: String::new(),
        authenticated: None,
        tls: None,
        may_report: true,
        class: String::new(),
        score: String::new(),
        engine: String::new(),
        archive: false,
    }
}

/// Plays a dialogue with one message, given one piece of content when it is wanted. `!` of the next hop closes. Answers what was
/// told: for each recipient its stage and answer, then how it ended.
fn play(protocol: Protocol, tls: TlsWish, message: &SpoolMessage, lines: &[&str]) -> Vec<String> {
    let options = ClientOptions { protocol, hostname: "mx.example.net".into(), tls, timeouts: Timeouts::default() };
    let mut client = Client::new(options);
    let mut told = Vec::new();
    let recipients: Vec<u32> = (0..message.recipients.len() as u32).collect();
    for line in lines {
        if let Some(said) = line.strip_prefix("C ") {
            let output = client.output().to_vec();
            assert_eq!(String::from_utf8(output.clone()).unwrap().replace("\r\n", "|"), said);
            client.handle_sent(output.len());
        } else if *line == "S !" {
            client.fail(Fault::Closed);
        } else {
            client.handle_input(line.strip_prefix("S ").unwrap().replace('|', "\r\n").as_bytes());
        }
        while let Some(event) = client.poll_event() {
            match event {
                Event::Ready => {
                    let envelope =
                        Envelope { message, recipients: &recipients, is_ascii: false, header_is_ascii: false, redirect: None };
                    match client.begin(&envelope) {
                        Ok(_) => {}
                        Err(misfit) => told.push(misfit.to_string()),
                    }
                }
                Event::WantContent(_) => {
                    client.send_content(b"a\r\n");
                    client.end_content();
                }
                Event::StartTls => {
                    told.push("tls".into());
                    client.handle_tls();
                }
                Event::Finished(finished) => told.extend(finished.recipients.iter().map(|result| {
                    let answer = match &result.answer {
                        Answer::Reply(reply) => reply.code.to_string(),
                        Answer::Interrupted(_) => "interrupted".into(),
                        Answer::Unanswered(_) => "unanswered".into(),
                        Answer::Untried => "untried".into(),
                    };
                    format!("{} {answer}", result.stage.as_str())
                })),
                Event::Over(fault) => told.push(format!("over: {}", fault.map_or_else(String::new, |fault| fault.to_string()))),
            }
        }
    }
    told
}

const GREETING: [&str; 3] = ["S 220 x|", "C EHLO mx.example.net|", "S 250-x|250 PIPELINING|"];

#[test]
fn pipelined_dialogues() {
    let commands = "C MAIL FROM:<a@example.com>|RCPT TO:<r0@example.org>|RCPT TO:<r1@example.org>|DATA|";
    for (lines, told) in [
        (&["S 250 a|250 b|250 c|354 d|", "C a|.|", "S 250 e|"][..], &["content 250", "content 250"][..]),
        (&["S 250 a|550 b|250 c|354 d|", "C a|.|", "S 250 e|"], &["rcpt 550", "content 250"]),
        (&["S 250 a|250 b|250 c|354 d|", "C a|.|", "S 554 e|"], &["content 554", "content 554"]),
        (&["S 250 a|250 b|250 c|451 d|"], &["data 451", "data 451"]),
        (&["S 550 a|503 b|503 c|503 d|"], &["mail 550", "mail 550"]),
        (&["S 250 a|550 b|450 c|554 d|"], &["rcpt 550", "rcpt 450"]),
        // DATA is accepted for nobody: an empty message ends it.
        (&["S 250 a|550 b|450 c|354 d|", "C .|", "S 554 e|"], &["rcpt 550", "rcpt 450"]),
        // Closed at every place.
        (&["S !"], &["mail untried", "mail untried", "over: next hop closed the connection"]),
        (&["S 250 a|550 b|", "S !"], &["rcpt 550", "mail interrupted", "over: next hop closed the connection"]),
        (
            &["S 250 a|250 b|250 c|354 d|", "C a|.|", "S !"],
            &["content unanswered", "content unanswered", "over: next hop closed the connection"],
        ),
        (&["S 421 a|"], &["mail 421", "mail 421", "over: 421 a"]),
        (&["S 250 a|250 b|421 c|"], &["mail interrupted", "rcpt 421", "over: 421 c"]),
        // Nonsense at every place.
        (&["S 354 a|"], &["mail untried", "mail untried", "over: next hop talks nonsense: 354 a"]),
        (&["S 250 a|what|"], &["mail interrupted", "mail interrupted", "over: next hop talks nonsense: line is no reply"]),
        (&["S 250 a|250 b|250 c|250 d|"], &["mail interrupted", "mail interrupted", "over: next hop talks nonsense: 250 d"]),
        (
            &["S 250 a|250 b|250 c|354 d|", "C a|.|", "S 250 e|250 f|"],
            &["content 250", "content 250", "over: next hop talks nonsense: unasked: 250 f"],
        ),
    ] {
        let lines: Vec<&str> = GREETING.iter().chain([&commands]).chain(lines).copied().collect();
        assert_eq!(play(Protocol::Smtp, TlsWish::Never, &message(2), &lines), told, "{lines:?}");
    }
}

#[test]
fn one_by_one_without_pipelining() {
    let lines = [
        "S 220 x|",
        "C EHLO mx.example.net|",
        "S 502 what|",
        "C HELO mx.example.net|",
        "S 250 x|",
        "C MAIL FROM:<a@example.com>|",
        "S 250 a|",
        "C RCPT TO:<r0@example.org>|",
        "S 250 b|",
        "C RCPT TO:<r1@example.org>|",
        "S 450 c|",
        "C DATA|",
        "S 354 d|",
        "C a|.|",
        "S 250 e|",
    ];
    assert_eq!(play(Protocol::Smtp, TlsWish::Never, &message(2), &lines), ["content 250", "rcpt 450"]);
    let refused = [&lines[..6], &["S 550 a|", "C "]].concat();
    assert_eq!(play(Protocol::Smtp, TlsWish::Never, &message(2), &refused), ["mail 550", "mail 550"]);
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let lines = [
        "S 220 x|",
        "C LHLO mx.example.net|",
        "S 250-x|250 PIPELINING|",
        "C MAIL FROM:<a@example.com>|RCPT TO:<r0@example.org>|RCPT TO:<r1@example.org>|RCPT TO:<r2@example.org>|DATA|",
        "S 250 a|250 b|550 c|250 d|354 e|",
        "C a|.|",
        "S 250 f|",
        "S 452 4.2.2 full|",
    ];
    assert_eq!(play(Protocol::Lmtp, TlsWish::Never, &message(3), &lines), ["content 250", "rcpt 550", "content 452"]);
    let lines = [&lines[..7], &["S !"]].concat();
    let told = ["content 250", "rcpt 550", "content unanswered", "over: next hop closed the connection"];
    assert_eq!(play(Protocol::Lmtp, TlsWish::Never, &message(3), &lines), told);
}

#[test]
fn encryption_and_what_may_not_come_before_it() {
    let offered = ["S 220 x|", "C EHLO mx.example.net|", "S 250-x|250 STARTTLS|", "C STARTTLS|"];
    let cases: [(TlsWish, &[&str], &[&str]); 5] = [
        (TlsWish::Must, &["S 220 go|", "C EHLO mx.example.net|", "S 250 x|", "C MAIL FROM:<a@example.com>|"], &["tls"]),
        (TlsWish::Offered, &["S 454 no|", "C MAIL FROM:<a@example.com>|"], &[]),
        (TlsWish::Must, &["S 454 no|"], &["over: TLS: 454 no"]),
        (TlsWish::Offered, &["S 220 go|250 injected|"], &["over: next hop talks nonsense: more behind the reply to STARTTLS"]),
        (TlsWish::Offered, &["S 250 what|"], &["over: next hop talks nonsense: 250 what"]),
    ];
    for (wish, lines, told) in cases {
        let lines = [&offered, lines].concat();
        assert_eq!(play(Protocol::Smtp, wish, &message(1), &lines), told, "{lines:?}");
    }
    let told = play(Protocol::Smtp, TlsWish::Must, &message(1), &GREETING);
    assert_eq!(told, ["over: TLS: next hop does not offer STARTTLS"]);
}

#[test]
fn parameters_go_to_those_who_know_them() {
    let mut message = message(1);
    message.ret = Some(Ret::Headers);
    message.envid = Some("QQ314".into());
    message.body = BodyType::EightBitMime;
    message.recipients[0].notify = Notify::SUCCESS | Notify::FAILURE;
    message.recipients[0].orcpt = Some("rfc822;r0@example.org".into());
    let hello = |extensions| ["S 220 x|", "C EHLO mx.example.net|", extensions];
    let all = "C MAIL FROM:<a@example.com> SIZE=3 BODY=8BITMIME RET=HDRS ENVID=QQ314|\
               RCPT TO:<r0@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;r0@example.org|DATA|";
    let lines = [&hello("S 250-x|250-DSN|250-SIZE|250-8BITMIME|250 PIPELINING|")[..], &[all]].concat();
    assert!(play(Protocol::Smtp, TlsWish::Never, &message, &lines).is_empty());
    let lines = [
        &hello("S 250-x|250-8BITMIME|250 PIPELINING|")[..],
        &["C MAIL FROM:<a@example.com> BODY=8BITMIME|RCPT TO:<r0@example.org>|DATA|"],
    ];
    assert!(play(Protocol::Smtp, TlsWish::Never, &message, &lines.concat()).is_empty());
    for (extensions, change, told) in [
        ("S 250 x|", (|_| {}) as fn(&mut SpoolMessage), "next hop takes no 8-bit content"),
        ("S 250-x|250 SIZE 2|", |_| {}, "next hop takes 2 bytes at most"),
        (
            "S 250-x|250 8BITMIME|",
            |message| message.reverse_path = "\u{fc}@example.com".into(),
            "next hop takes no addresses with other characters than ASCII",
        ),
        (
            "S 250-x|250 8BITMIME|",
            |message| message.smtputf8 = true,
            "next hop takes no header fields with other characters than ASCII",
        ),
        (
            "S 250-x|250 8BITMIME|",
            |message| message.reverse_path = "a@b>\r\nDATA".into(),
            "a path cannot be written in a command",
        ),
        ("S 250-x|250-DSN|250 8BITMIME|", |message| message.envid = Some("a b".into()), "a path cannot be written in a command"),
    ] {
        let mut message = message.clone();
        change(&mut message);
        let told: [String; 1] = [told.to_owned()];
        assert_eq!(play(Protocol::Smtp, TlsWish::Never, &message, &hello(extensions)), told, "{extensions}");
    }
}

/// A reply that comes before its command was sent was put there by somebody else, or answers something else.
#[test]
fn replies_before_their_commands_are_not_believed() {
    let options = || ClientOptions {
        protocol: Protocol::Smtp,
        hostname: "mx.example.net".into(),
        tls: TlsWish::Offered,
        timeouts: Timeouts::default(),
    };
    let mut client = Client::new(options());
    client.handle_input(b"220 x\r\n");
    client.handle_sent(client.output().len());
    client.handle_input(b"250-x\r\n250 STARTTLS\r\n220 go on in clear\r\n");
    assert!(client.is_over());
    assert!(matches!(client.poll_event(), Some(Event::Over(Some(Fault::Nonsense(_))))));
    let mut client = Client::new(options());
    client.handle_input(b"220 x\r\n");
    client.handle_sent(client.output().len() - 1);
    client.handle_input(b"421 closing\r\n");
    assert!(matches!(client.poll_event(), Some(Event::Over(Some(Fault::Refused(_))))), "that may be said at any time");
}

#[test]
fn lmtp_that_takes_data_for_nobody_is_left() {
    let lines = [
        "S 220 x|",
        "C LHLO mx.example.net|",
        "S 250-x|250 PIPELINING|",
        "C MAIL FROM:<a@example.com>|RCPT TO:<r0@example.org>|DATA|",
        "S 250 ok|550 5.1.1 nobody|354 go|",
    ];
    let told = play(Protocol::Lmtp, TlsWish::Never, &message(1), &lines);
    assert_eq!(told, ["rcpt 550", "over: next hop talks nonsense: DATA was accepted for nobody"]);
}

#[test]
fn paths_hold_no_more_than_their_quotes_allow() {
    let extensions = |client: &mut Client| {
        client.handle_input(b"220 x\r\n");
        client.handle_sent(client.output().len());
        client.handle_input(b"250-x\r\n250 SMTPUTF8\r\n");
    };
    let begin = |path: &str| {
        let options = ClientOptions {
            protocol: Protocol::Smtp,
            hostname: "mx.example.net".into(),
            tls: TlsWish::Never,
            timeouts: Timeouts::default(),
        };
        let (mut client, mut message) = (Client::new(options), message(1));
        extensions(&mut client);
        message.recipients[0].forward_path = path.into();
        let envelope = Envelope { message: &message, recipients: &[0], is_ascii: false, header_is_ascii: false, redirect: None };
        client.begin(&envelope).map(|_| String::from_utf8(client.output().to_vec()).unwrap())
    };
    for path in ["\"a b\"@example.org", "\"a \\\" > b\"@example.org", "\"\\\\\"@example.org"] {
        assert!(begin(path).is_ok(), "{path}");
    }
    for path in ["\"a\" b@example.org", "\"a\"> X=Y@example.org", "\"a b@example.org", "\"a\\\" >@example.org", "a b@example.org"]
    {
        assert_eq!(begin(path), Err(Misfit::Path), "{path}");
    }
    assert!(begin("jörg@example.org").unwrap().contains(" SMTPUTF8\r\n"), "the message need not have declared it");
}
