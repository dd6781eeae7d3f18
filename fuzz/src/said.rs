//! What must hold of dialogues: however the client's bytes are cut, replies, messages and records are the same; every reply has
//! the form of one; and no message holds what another server might take for the end of its data.

use xd_smtpd::session::rehearsal::Rehearsal;
use xd_smtpd::session::{ClientFacts, LineEndings, Protocol, SessionOptions};

/// What came of a dialogue.
#[derive(Debug, PartialEq)]
struct Outcome {
    replies: String,
    contents: Vec<Vec<u8>>,
    refusals: String,
    closed: bool,
}

/// The first byte chooses what the session offers, the second where the rest is cut.
pub fn bytes(bytes: &[u8]) {
    let [choice, cut, said @ ..] = bytes else { return };
    let whole = spoken(*choice, said, said.len().max(1));
    assert_eq!(spoken(*choice, said, usize::from(*cut).max(1)), whole);
    assert_eq!(spoken(*choice, said, 1), whole);

    for line in whole.replies.split_terminator("\r\n") {
        let (code, rest) = line.split_at(3);
        assert!(code.bytes().all(|digit| digit.is_ascii_digit()) && rest.starts_with([' ', '-']), "{line:?}");
        assert!(line.len() <= 510, "{line:?}");
    }
    for content in &whole.contents {
        assert!(content.is_empty() || content.ends_with(b"\r\n"));
        let ends = content.windows(2).filter(|pair| pair == b"\r\n").count();
        assert_eq!(content.iter().filter(|&&byte| byte == b'\r').count(), ends);
        assert_eq!(content.iter().filter(|&&byte| byte == b'\n').count(), ends);
    }
}

fn spoken(choice: u8, said: &[u8], step: usize) -> Outcome {
    let protocol = if choice & 1 == 0 { Protocol::Smtp } else { Protocol::Lmtp };
    let mut options = SessionOptions::new("mx.example.net", protocol);
    options.line_endings = if choice & 2 == 0 { LineEndings::Refuse } else { LineEndings::Normalize };
    (options.auth, options.etrn, options.starttls) = (true, true, true);
    options.limits.content_octets = 200;
    let client = ClientFacts {
        trusted: choice & 4 != 0,
        xclient: choice & 8 != 0,
        etrn: choice & 16 != 0,
        tls: choice & 32 != 0,
        authenticated: None,
    };
    let mut rehearsal = Rehearsal::with_client(options, client);
    for piece in said.chunks(step) {
        rehearsal.say(piece);
    }
    Outcome {
        replies: rehearsal.replies(),
        contents: rehearsal.accepted.iter().map(|transaction| transaction.content.clone()).collect(),
        refusals: format!("{:?}", rehearsal.refusals),
        closed: rehearsal.closed,
    }
}
