//! What must hold of what next hops say: however it is cut, the replies read are the same; each transaction ends once, with an answer
//! for each of its recipients; the dialogue is over when the connection is; and what we hold to be sent has a bound.

use xd_smtpd::client::{Answer, Client, ClientOptions, Envelope, Event, Fault, Protocol, Reply, ReplyReader, TlsWish, Token};
use xd_store::{BodyType, Notify, QueueId, RecipientState, SpoolMessage, SpoolRecipient};

/// Transactions that are begun at most: a next hop that takes all of them has said enough.
const TRANSACTIONS: usize = 4;
/// Bytes of commands and contents of two transactions, and much more.
const OUTPUT: usize = 10_000;

/// The first byte chooses what we want, the second where the rest is cut.
pub fn bytes(bytes: &[u8]) {
    let [choice, cut, said @ ..] = bytes else { return };
    let cut = usize::from(*cut).max(1);
    assert_eq!(replies(said, cut), replies(said, said.len().max(1)));

    // What is answered depends on what was asked by then, so dialogues that are cut otherwise may differ.
    for step in [1, cut] {
        let (events, begun) = heard(*choice, said, step);
        let finished: Vec<_> =
            events.iter().filter_map(|event| if let Event::Finished(finished) = event { Some(finished) } else { None }).collect();
        assert_eq!(finished.len(), begun, "{events:?}");
        for (place, one) in finished.iter().enumerate() {
            assert_eq!(one.recipients.len(), 2);
            assert!(finished[..place].iter().all(|other| other.token != one.token), "{events:?}");
            for result in &one.recipients {
                if let Answer::Reply(reply) = &result.answer {
                    assert!((200..600).contains(&reply.code), "{reply:?}");
                }
            }
        }
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Over(_))).count(), 1, "{events:?}");
    }
}

/// All replies, and whether an error ended them.
fn replies(said: &[u8], step: usize) -> (Vec<Reply>, bool) {
    let (mut reader, mut replies) = (ReplyReader::default(), Vec::new());
    for mut piece in said.chunks(step) {
        while !piece.is_empty() {
            match reader.read(&mut piece) {
                Ok(reply) => replies.extend(reply),
                Err(_) => return (replies, true),
            }
        }
    }
    (replies, false)
}

/// What a driver is told, and how many transactions it began.
fn heard(choice: u8, said: &[u8], step: usize) -> (Vec<Event>, usize) {
    let message = message(choice & 8 != 0);
    let options = ClientOptions {
        protocol: if choice & 1 == 0 { Protocol::Smtp } else { Protocol::Lmtp },
        hostname: "mx.example.net".to_owned(),
        tls: [TlsWish::Never, TlsWish::Offered, TlsWish::Must][usize::from(choice >> 1 & 3) % 3],
        timeouts: Default::default(),
    };
    let mut client = Client::new(options);
    let (mut events, mut begun) = (Vec::new(), 0);
    for piece in said.chunks(step) {
        client.handle_input(piece);
        turn(&mut client, &message, &mut events, &mut begun);
    }
    client.fail(Fault::Closed);
    turn(&mut client, &message, &mut events, &mut begun);
    (events, begun)
}

/// Does what the client wants, as a driver would.
fn turn(client: &mut Client, message: &SpoolMessage, events: &mut Vec<Event>, begun: &mut usize) {
    loop {
        let mut wanted: Vec<Token> = Vec::new();
        while let Some(event) = client.poll_event() {
            match &event {
                Event::StartTls => client.handle_tls(),
                Event::WantContent(token) => wanted.push(*token),
                _ => {}
            }
            events.push(event);
        }
        for _ in &wanted {
            client.send_content(b".\r\na\r\n");
            client.end_content();
        }
        let output = client.output().len();
        assert!(output < OUTPUT, "{output}");
        client.handle_sent(output);
        let envelope = Envelope { message, recipients: &[0, 1], is_ascii: true, header_is_ascii: true, redirect: None };
        let may_begin = client.can_begin() && *begun < TRANSACTIONS;
        if !may_begin || client.begin(&envelope).is_err() {
            break;
        }
        *begun += 1;
    }
}

fn message(dsn: bool) -> SpoolMessage {
    let recipient = |path: &str| SpoolRecipient {
        forward_path: path.to_owned(),
        orcpt: dsn.then(|| "rfc822;b".to_owned()),
        notify: if dsn { Notify::SUCCESS } else { Notify::DEFAULT },
        state: RecipientState::Waiting,
    };
    SpoolMessage {
        id: QueueId::new(1),
        arrived: 0,
        reverse_path: "a@example.com".to_owned(),
        recipients: vec![recipient("b@example.org"), recipient("c@example.org")],
        ret: None,
        envid: None,
        body: BodyType::SevenBit,
        smtputf8: false,
        bytes: 6,
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
