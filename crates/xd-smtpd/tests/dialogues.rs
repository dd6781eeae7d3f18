//! The dialogues of `tests/dialogues`, each in pieces of every kind; and any input, however it is cut.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use xd_smtpd::session::rehearsal::Rehearsal;
use xd_smtpd::session::{ClientFacts, LineEndings, Protocol, RefusalRecord, SessionOptions};

#[derive(Clone, Copy, PartialEq)]
enum Pieces {
    Lines,
    Octets,
    Whole,
}

#[test]
fn dialogues_go_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for dialogue in text.split("\n== ").skip(1) {
            let (name, lines) = dialogue.split_once('\n').unwrap();
            for (pieces, of) in [(Pieces::Lines, "lines"), (Pieces::Whole, "one piece"), (Pieces::Octets, "octets")] {
                if let Err(why) = run(lines, pieces) {
                    panic!("{}: {name}, in {of}: {why}", path.display());
                }
            }
            count += 1;
        }
    }
    assert!(count >= 44, "{count} dialogues");
}

fn run(lines: &str, pieces: Pieces) -> Result<(), String> {
    let lines: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    let (options, client) = options(lines.iter().filter_map(|line| line.strip_prefix("O ")).flat_map(str::split_whitespace));
    let mut rehearsal = Rehearsal::with_client(options, client);
    let (mut heard, mut content, mut unsaid) = (rehearsal.replies(), Vec::new(), Vec::new());
    let (mut expected, mut recorded) = (Vec::new(), Vec::new());
    for line in &lines {
        let (kind, text) = line.split_at(1);
        let text = text.strip_prefix(' ').unwrap_or(text);
        match kind {
            "C" => {
                let mut octets = unescape(text);
                if !text.ends_with('\\') {
                    octets.extend_from_slice(b"\r\n");
                }
                match pieces {
                    Pieces::Lines => rehearsal.say(&octets),
                    Pieces::Octets => octets.iter().for_each(|octet| rehearsal.say(&[*octet])),
                    Pieces::Whole => unsaid.extend(octets),
                }
                heard += &rehearsal.replies();
            }
            "D" => {
                rehearsal.say(&std::mem::take(&mut unsaid));
                heard += &rehearsal.replies();
                rehearsal.leave();
            }
            "M" => content.push(text),
            "R" => recorded.push(text.to_owned()),
            "S" => expected.push(text),
            "T" => {
                rehearsal.say(&std::mem::take(&mut unsaid));
                heard += &rehearsal.replies();
                if !rehearsal.tls_awaited {
                    return Err("no TLS is awaited".to_owned());
                }
                rehearsal.start_tls();
            }
            "O" | "X" => {}
            _ => return Err(format!("no such line: {line}")),
        }
    }
    rehearsal.say(&unsaid);
    heard += &rehearsal.replies();

    let mut replies = heard.split_terminator("\r\n").peekable();
    for text in expected {
        let reply = replies.next().ok_or_else(|| format!("no reply where {text:?} is expected"))?;
        match text.strip_suffix('*') {
            Some(code) if reply.starts_with(code) => {
                let mut last = reply;
                while last.as_bytes().get(3) == Some(&b'-') {
                    last = replies.next().ok_or("a reply without an end")?;
                }
            }
            None if reply.starts_with(text) => {}
            _ => return Err(format!("{reply:?} where {text:?} is expected")),
        }
    }
    if let Some(reply) = replies.next() {
        return Err(format!("{reply:?} where nothing is expected"));
    }
    let refusals: Vec<String> = rehearsal.refusals.iter().map(described).collect();
    if !recorded.is_empty() && recorded != refusals {
        return Err(format!("recorded: {refusals:#?}"));
    }
    if rehearsal.closed != lines.contains(&"X") {
        return Err(format!("closed: {}", rehearsal.closed));
    }
    let last = rehearsal.accepted.last().map(|transaction| transaction.content.as_slice());
    let lines: Vec<u8> = content.iter().flat_map(|line| [unescape(line), b"\r\n".to_vec()].concat()).collect();
    match last {
        None if content == ["."] || content.is_empty() => Ok(()),
        Some(last) if last == lines => Ok(()),
        _ => Err(format!("the content is {:?}", last.map(|last| last.escape_ascii().to_string()))),
    }
}

/// Command, codes and recipients of a refusal.
fn described(refusal: &RefusalRecord) -> String {
    let (class, subject, detail) = refusal.reply.enhanced().unwrap_or_default();
    let mut text = format!("{} {} {class}.{subject}.{detail}", refusal.command, refusal.reply.code());
    refusal.recipients.iter().for_each(|path| text.extend([" ", path.as_str()]));
    text
}

fn options<'a>(words: impl Iterator<Item = &'a str>) -> (SessionOptions, ClientFacts) {
    let mut options = SessionOptions::new("mx.example.net", Protocol::Smtp);
    let mut client = ClientFacts::default();
    for word in words {
        match word.split_once('=').map_or((word, 0), |(word, number)| (word, number.parse().unwrap())) {
            ("auth", _) => options.auth = true,
            ("commands", number) => options.limits.idle_commands = number,
            ("errors", number) => options.limits.errors = number,
            ("etrn", _) => options.etrn = true,
            ("known", _) => client.etrn = true,
            ("lmtp", _) => options.protocol = Protocol::Lmtp,
            ("normalize", _) => options.line_endings = LineEndings::Normalize,
            ("recipients", number) => options.limits.recipients = number as usize,
            ("require-auth", _) => options.require_auth = true,
            ("require-tls", _) => options.require_tls = true,
            ("size", number) => options.limits.content_octets = number.into(),
            ("starttls", _) => options.starttls = true,
            ("tls", _) => client.tls = true,
            ("trusted", _) => client.trusted = true,
            ("xclient", _) => client.xclient = true,
            _ => panic!("no such option: {word}"),
        }
    }
    (options, client)
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        match rest.next() {
            Some(b'r') => octets.push(b'\r'),
            Some(b'n') => octets.push(b'\n'),
            Some(b't') => octets.push(b'\t'),
            Some(b'0') => octets.push(0),
            Some(b'\\') => octets.push(b'\\'),
            // `\{a*3}` is `aaa`.
            Some(b'{') => {
                let repeated: Vec<u8> = rest.by_ref().take_while(|&octet| octet != b'}').collect();
                let times = std::str::from_utf8(&repeated[2..]).unwrap().parse().unwrap();
                octets.extend(std::iter::repeat_n(repeated[0], times));
            }
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                octets.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            None => {}
            Some(other) => panic!("no such escape: {}", char::from(other)),
        }
    }
    octets
}

/// What a session makes of octets cut at these places.
fn outcome(octets: &[u8], cuts: &[usize], endings: LineEndings) -> (String, Vec<Vec<u8>>, String, bool) {
    let mut options = SessionOptions::new("mx.example.net", Protocol::Smtp);
    options.line_endings = endings;
    options.limits.content_octets = 60;
    options.limits.errors = 50;
    (options.auth, options.etrn) = (true, true);
    let client = ClientFacts { tls: true, xclient: true, ..ClientFacts::default() };
    let mut rehearsal = Rehearsal::with_client(options, client);
    let mut begin = 0;
    for &cut in cuts {
        rehearsal.say(&octets[begin..cut]);
        begin = cut;
    }
    rehearsal.say(&octets[begin..]);
    let contents = rehearsal.accepted.iter().map(|transaction| transaction.content.clone()).collect();
    (rehearsal.replies(), contents, format!("{:?}", rehearsal.refusals), rehearsal.closed)
}

fn said() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "EHLO c\r\n",
        "HELO c\r\n",
        "MAIL FROM:<a@example.com>\r\n",
        "MAIL FROM:<a@b> SIZE=10\r\n",
        "RCPT TO:<b@example.net>\r\n",
        "RCPT TO:<unknown@example.net>\r\n",
        "DATA\r\n",
        "BDAT 4\r\n",
        "BDAT 7 LAST\r\n",
        "BDAT 0 LAST\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "\n.\r\n",
        "\r.\r\n",
        "..\r\n",
        "a line\r\n",
        "\0.\r\n",
        "\r",
        "\n",
        "RSET\r\n",
        "QUIT\r\n",
        "NOOP\r\n",
        "AUTH PLAIN\r\n",
        "AUTH LOGIN dQ==\r\n",
        "c2VjcmV0\r\n",
        "*\r\n",
        "XCLIENT ADDR=192.0.2.1\r\n",
        "ETRN example.com\r\n",
        "FOO\r\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let opening = b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n".to_vec();
    (any::<bool>(), prop::collection::vec(prop::sample::select(words.to_vec()), 0..30)).prop_map(move |(opened, words)| {
        let mut octets = if opened { opening.clone() } else { Vec::new() };
        octets.extend(words.concat().into_bytes());
        octets
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_change_nothing(octets in said(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20), normal in any::<bool>()) {
        let endings = if normal { LineEndings::Normalize } else { LineEndings::Refuse };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = outcome(&octets, &[], endings);
        prop_assert_eq!(&outcome(&octets, &cuts, endings), &whole);
        for content in &whole.1 {
            prop_assert!(content.is_empty() || content.ends_with(b"\r\n"));
            let lines = content.windows(2).filter(|pair| pair == b"\r\n").count();
            prop_assert_eq!(content.iter().filter(|&&octet| octet == b'\r').count(), lines);
            prop_assert_eq!(content.iter().filter(|&&octet| octet == b'\n').count(), lines);
        }
    }
}
