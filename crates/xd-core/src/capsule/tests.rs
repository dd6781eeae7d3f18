//! From messages to capsules and back: what was judged follows from its record.

use proptest::prelude::*;

use super::*;
use crate::evidence::{Antivirus, Correspondence, Dmarc, DmarcPolicy, DmarcResult, HostStanding, Listing, SpfResult};
use crate::{
    Domain, Engine, Envelope, Evidence, Host, Judgement, Known, Limits, Message, Operator, Score, Settings, Thresholds,
    Timestamp, Unknown, evidence, judge,
};

const KEY: &[u8] = b"a secret of at least 32 random bytes";

pub(super) fn builtin() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| Engine::builtin().unwrap())
}

macro_rules! mail {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../../examples/mail/", $name)))),*]
    };
}

/// The messages in `examples/mail`. `tests/capsule_samples.rs` reads whatever is there.
const SAMPLES: &[(&str, &[u8])] = mail![
    "01-personal.eml",
    "02-reply-german.eml",
    "03-newsletter.eml",
    "04-receipt.eml",
    "05-appointment.eml",
    "06-patch.eml",
    "07-password-reset.eml",
    "08-delivery-report.eml",
    "09-pills-and-watches.eml",
    "10-advance-fee.eml",
    "11-credential-phish.eml",
    "12-invoice-fraud.eml",
    "13-gift-cards.eml",
    "14-payroll-diversion.eml",
    "15-lookalike-domain.eml",
    "16-mailbox-deactivated.eml",
    "17-hidden-text.eml",
    "18-invisible-characters.eml",
    "19-forged-marks.eml",
    "20-malformed.eml",
    "21-backscatter.eml",
    "22-gtube.eml",
    "23-extortion.eml",
    "24-cold-pitch.eml",
];

pub(super) fn samples() -> Vec<(String, Vec<u8>)> {
    SAMPLES.iter().map(|(name, raw)| ((*name).to_owned(), raw.to_vec())).collect()
}

pub(super) fn recordings() -> Vec<Recording> {
    let hidden = |level| Recording::pseudonymous(level, PseudonymKey::new(KEY)).unwrap();
    let plain = [Level::Causes, Level::Facts, Level::Content].map(Recording::new);
    plain.into_iter().chain([hidden(Level::Causes), hidden(Level::Facts)]).collect()
}

/// Evidence of a live connection, with every slot filled and three recipients of their own settings.
pub(super) fn rich(message: &Message<'_>) -> (Envelope, Evidence) {
    let (mut envelope, mut evidence) = evidence::derive(message);
    let domain = |name: &str| Domain::parse(name).unwrap();
    envelope.client_address = Known::Found("192.0.2.7".parse().unwrap());
    envelope.forward_paths =
        ["alice@example.com", "bob@example.com", "carol@example.net", "dave@example.com"].map(ForwardPath::parse).to_vec();
    envelope.tls = Known::Found("TLSv1.3".into());
    envelope.authenticated_identity = Known::Absent;
    evidence.now = Known::Found(Timestamp::from_unix(1_795_309_200));
    evidence.reverse_names = Known::Found(vec![domain("mail.example.net")]);
    evidence.confirmed_name = Known::Absent;
    evidence.spf = Known::Found(SpfResult::SoftFail);
    evidence.dkim = Known::Unknown(Unknown::Timeout);
    evidence.dmarc = Known::Found(Dmarc { result: DmarcResult::Fail, policy: DmarcPolicy::Reject });
    evidence.antivirus = Known::Found(Antivirus::Clean);
    evidence.host_standing = Known::Found(HostStanding { listed: false, good: 3, bad: 1 });
    evidence.correspondence = Known::Found(Correspondence { sent: 2, last: Timestamp::from_unix(1) });
    let listing = Listing { zone: domain("zen.example.net"), item: Host::Address("192.0.2.7".parse().unwrap()) };
    evidence.listings.insert(listing, Known::Found(vec!["127.0.0.2".parse().unwrap()]));
    evidence.operator = Operator { names: vec!["Example Mail".into()], domains: vec![domain("example.org")] };
    let strict = Settings {
        thresholds: Thresholds::try_new(Score::from_hundredths(100), Score::from_hundredths(200)).unwrap(),
        disabled: ["subject-all-capitals".to_owned()].into(),
        scores: [("gtube".to_owned(), Score::from_hundredths(-5))].into(),
    };
    evidence.recipient_settings.insert("bob@example.com".into(), strict.clone());
    evidence.recipient_settings.insert("carol@example.net".into(), strict);
    evidence.recipient_settings.insert("nobody@example.net".into(), Settings::default());
    (envelope, evidence)
}

/// Records, encodes, decodes, replays and explains, and holds it all against the judgement.
fn check(raw: &[u8], scene: impl Fn(&Message<'_>) -> (Envelope, Evidence)) {
    let engine = builtin();
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = scene(&message);
    let expected = judge(engine, &envelope, &message, &evidence);
    for recording in recordings() {
        let (judgement, capsule) = judge_recorded(engine, &envelope, &message, &evidence, [7; 32], &recording);
        assert_eq!(judgement, expected, "recording changes nothing");
        let bytes = capsule.encode().unwrap();
        let decoded = Capsule::decode(&bytes).unwrap();
        assert_eq!(decoded, capsule);
        assert_eq!(decoded.encode().unwrap(), bytes);
        assert_eq!(decoded.message_sha256(), &[7; 32]);

        let replayed = decoded.replay(engine).unwrap();
        assert!(replayed.is_identical(), "{replayed:?} {:?}", decoded.verdicts());
        let summed = |verdict: &crate::Verdict<'_>| (verdict.class, verdict.score, verdict.low, verdict.high);
        let again = |verdict: &RecordedVerdict| (verdict.class, verdict.score, verdict.low, verdict.high);
        assert!(replayed.verdicts.iter().map(again).eq(expected.verdicts.iter().map(summed)));

        let explained = decoded.explain(engine, &Limits::default()).unwrap();
        let whole = decoded.level() == Level::Content;
        assert!(explained == expected || !whole, "the message tells everything");
        assert_eq!(without_proofs(explained), without_proofs(Judgement { defects: expected.defects, ..expected.clone() }));
    }
}

/// A judgement without what a record does not hold.
fn without_proofs(mut judgement: Judgement<'_>) -> Judgement<'_> {
    for verdict in &mut judgement.verdicts {
        verdict.recipient = None;
        for finding in &mut verdict.findings {
            assert!(finding.proofs.iter().all(|proof| proof.span.start <= proof.span.end));
            finding.proofs.clear();
        }
    }
    judgement
}

#[test]
fn samples_follow_from_their_records() {
    for (_, raw) in samples() {
        check(&raw, evidence::derive);
        check(&raw, rich);
    }
}

/// Facts quote what stands in header fields as the message does.
#[test]
fn facts_prove_what_they_tell() {
    let engine = builtin();
    for (name, raw) in samples() {
        let message = Message::parse(&raw, &Limits::default());
        let (envelope, evidence) = evidence::derive(&message);
        let (judgement, capsule) = judge_recorded(engine, &envelope, &message, &evidence, [0; 32], &Recording::new(Level::Facts));
        let explained = capsule.explain(engine, &Limits::default()).unwrap();
        let proofs = |judgement: &Judgement<'_>| -> Vec<_> {
            let proofs = judgement.verdict().findings.iter().flat_map(|finding| finding.proofs.clone());
            proofs.filter(|proof| !proof.target.starts_with("text")).map(|proof| (proof.target.to_owned(), proof.quote)).collect()
        };
        assert_eq!(proofs(&explained), proofs(&judgement), "{name}");
    }
}

/// Header fields, links and parts read from facts are those of the message.
fn reads_alike(raw: &[u8]) {
    let message = Message::parse(raw, &Limits::default());
    let facts = Facts::of(&message);
    let again = facts.message(None, message.defects(), &Limits::default());
    let fields = |message: &Message<'_>| -> Vec<_> {
        let fields = message.header().fields().iter();
        fields.map(|field| (field.name().to_owned(), field.raw_value().to_vec(), field.decoded().to_owned())).collect()
    };
    assert_eq!(fields(&again), fields(&message));
    assert_eq!((again.from(), again.sender(), again.reply_to()), (message.from(), message.sender(), message.reply_to()));
    assert_eq!((again.to(), again.cc(), again.hops()), (message.to(), message.cc(), message.hops()));
    assert_eq!((again.subject(), again.date(), again.links()), (message.subject(), message.date(), message.links()));
    for ((fact, again), part) in facts.parts.iter().zip(again.parts()).zip(message.parts()) {
        assert_eq!((&again.declared, again.sniffed, &again.charset), (&part.declared, part.sniffed, &part.charset));
        assert_eq!((&again.file_name, &again.other_names), (&part.file_name, &part.other_names));
        assert_eq!(again.is_attachment(), part.is_attachment());
        assert!(part.decode_whole(raw).is_none_or(|whole| whole.starts_with(&part.content)));
        assert!(fact.sha256.is_none() || part.is_attachment());
    }
}

#[test]
fn facts_read_as_the_message_does() {
    samples().iter().for_each(|(_, raw)| reads_alike(raw));
    // The hash is that of the file, not of how it travels.
    let raw = b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nYWJj\n";
    let facts = Facts::of(&Message::parse(raw, &Limits::default()));
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2 §B.1: "abc"
    assert_eq!(facts.parts[0].sha256.unwrap().map(|byte| format!("{byte:02x}")).concat(), expected);
}

/// A signature is told but for its value, and its pseudonym is that of all of it.
#[test]
fn signatures_are_cut() {
    let raw =
        b"DKIM-Signature: v=1; d=example.com; b=AAAABBBBCCCCDDDD; s=one\nARC-Seal: b=short\nX-Other: b=AAAABBBBCCCCDDDD\n\n";
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let values = |recording: &Recording| -> Vec<FieldValue> {
        let (_, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], recording);
        let decoded = Capsule::decode(&capsule.encode().unwrap()).unwrap();
        assert_eq!(decoded, capsule);
        decoded.fields().unwrap().iter().map(|field| field.value.clone()).collect()
    };
    let told = values(&Recording::new(Level::Facts));
    assert!(matches!(&told[0], FieldValue::Cut { rest, .. } if rest == b" v=1; d=example.com; b=; s=one"), "{told:?}");
    assert_eq!(told[1..], [&b" b=short"[..], b" b=AAAABBBBCCCCDDDD"].map(|value| FieldValue::Raw(value.to_vec())));
    let hidden = values(&Recording::pseudonymous(Level::Facts, PseudonymKey::new(KEY)).unwrap());
    let mut whole = Facts::of(&message);
    PseudonymKey::new(KEY).hide_facts(&mut whole);
    assert_eq!(hidden[0], whole.fields[0].value);
    assert!(matches!(hidden[0], FieldValue::Pseudonym(_)));
}

#[test]
fn the_recipients_cost_little() {
    let engine = builtin();
    let message = Message::parse(b"From: a@example.com\n\nhello\n", &Limits::default());
    let size = |count: usize| {
        let path = |n: usize| ForwardPath::parse(&format!("person.{n:05}@department.example.com"));
        let envelope = Envelope { forward_paths: (0..count).map(path).collect(), ..Envelope::default() };
        let (_, capsule) = judge_recorded(engine, &envelope, &message, &Evidence::default(), [0; 32], &Recording::default());
        assert_eq!(Capsule::decode(&capsule.encode().unwrap()).as_ref(), Ok(&capsule));
        capsule.encode().unwrap().len()
    };
    assert!(size(101) - size(1) <= 100 * 24, "{} {}", size(101), size(1));
}

#[test]
fn another_engine_does_not_replay() {
    let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let (_, mut capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
    let other = Engine::compile(vec![]).unwrap();
    assert!(matches!(capsule.replay(&other), Err(ReplayError::Engine { .. })));
    capsule.engine = other.hash();
    assert_eq!(capsule.replay(&other), Err(ReplayError::Register));
    capsule.semantics = "0".into();
    assert!(matches!(capsule.replay(&other), Err(ReplayError::Semantics { .. })));
}

#[test]
fn a_record_that_was_changed_shows_it() {
    let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let (_, mut capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
    capsule.verdicts[0].score += Score::from_hundredths(1);
    assert_eq!(capsule.replay(builtin()).unwrap().differing, [0]);
}

/// No name, address or subject of a message stands in its pseudonymous records.
#[test]
fn pseudonyms_hide_people() {
    let raw = b"Received: from mail.secret.example (mail.secret.example [203.0.113.9])\r\n\tby mx.example.com for <secret@example.com>;\r\n\tSun, 22 Nov 2026 01:00:00 +0000\r\n\
        Return-Path: <secret@secret.example>\r\nFrom: Secret <secret@secret.example>\r\nTo: secret@example.com\r\nSubject: secret\r\nList-Id: <secret.example>\r\n\
        X-Mailer: Mailer\r\nContent-Type: text/html; name=secret.html\r\nContent-Disposition: attachment; filename=secret.html\r\n\r\n\
        <a href='https://secret.example.com/secret?secret'>secret</a>\r\n";
    let message = Message::parse(raw, &Limits::default());
    for recording in recordings().into_iter().skip(3) {
        let (envelope, mut evidence) = rich(&message);
        evidence.confirmed_name = Known::Found(Domain::parse("secret.example").unwrap());
        let (_, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &recording);
        assert!(capsule.is_pseudonymous());
        let bytes = String::from_utf8_lossy(&capsule.encode().unwrap()).to_lowercase();
        for secret in ["secret", "alice", "203.0.113.9"] {
            assert!(!bytes.contains(secret), "{secret}");
        }
        assert!(!capsule.encode().unwrap().windows(4).any(|bytes| bytes == [192, 0, 2, 7]));
    }
}

/// Each bit turned and each end cut off: an error with its place, or another capsule that replays or says why not.
#[test]
fn damaged_bytes_never_panic() {
    let engine = builtin();
    let (_, raw) = &samples()[2];
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = rich(&message);
    for recording in recordings() {
        let (_, capsule) = judge_recorded(engine, &envelope, &message, &evidence, [7; 32], &recording);
        let bytes = capsule.encode().unwrap();
        let mut replay = Replay::new(engine);
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 2000) {
            let error = Capsule::decode(&bytes[..end]).unwrap_err();
            assert!(error.at <= end, "{error}");
        }
        for bit in (0..bytes.len() * 8).step_by(1 + bytes.len() / 500) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            match Capsule::decode(&damaged) {
                Err(error) => assert!(error.at <= damaged.len(), "{error}"),
                Ok(other) => {
                    assert_eq!(other.encode().unwrap(), damaged, "one spelling");
                    let _ = replay.run(&other);
                }
            }
        }
    }
}

#[test]
fn an_unknown_version_is_named() {
    let error = Capsule::decode(&[4, 0]).unwrap_err();
    assert_eq!((error.fault, error.to_string()), (Fault::Version(4), "byte 0: capsules of version 4 are not known".to_owned()));
    assert_eq!(Capsule::decode(&[]).unwrap_err().fault, Fault::End);
}

/// The bytes of the first version are read for ever: this file does not change. The engine of its day is not kept, so that it
/// is decoded and encoded only.
#[test]
fn the_first_version_is_still_read() {
    let bytes = include_bytes!("../../tests/capsules/version-1.xdc");
    let capsule = Capsule::decode(bytes).unwrap();
    assert_eq!(capsule.encode().unwrap(), bytes);
    assert_eq!((capsule.level(), capsule.verdicts().len(), capsule.semantics()), (Level::Facts, 4, "1"));
    assert_eq!(capsule.recipient(1).unwrap().to_string(), "<bob@example.com>");
    assert_eq!(capsule.verdicts()[1].class, Class::SureSpam);
    assert_eq!(capsule.evidence().spf, Known::Found(SpfResult::SoftFail));
    assert_eq!(capsule.identities().from[0].address, "info@kuechen-lager.example");
    assert!(capsule.links().unwrap().iter().any(|link| link.misleads()));
    assert!(capsule.fields().unwrap().iter().any(|field| matches!(field.value, FieldValue::Cut { .. })));
}

/// Lines of header fields and of text, in any order.
pub(super) fn generated() -> impl Strategy<Value = Vec<u8>> {
    const LINES: &[&str] = &[
        "From: Alice <alice@example.com>",
        "From: \"PayPal\" <x@xn--pypal-4ve.example>",
        "To: undisclosed-recipients:;",
        "Subject: URGENT!!! ACT NOW",
        "Subject: =?koi8-r?b?8NLJ18XU?=",
        "X-Mailer: \u{e9}\u{e9}",
        "List-Id: Friends <friends.example.net>",
        "List-Unsubscribe: <mailto:x@example.com>",
        "Received: from a.example (b.example [203.0.113.5]) by mx.example.com; Sun, 22 Nov 2026 01:00:00 +0000",
        "Date: Sun, 22 Nov 2026 01:00:00 +0000",
        "Return-Path: <>",
        "Return-Path: <a@example.com>",
        "Content-Type: text/html",
        "Content-Type: text/plain; charset=utf-8",
        "Message-ID: <1@example.com>",
        "DKIM-Signature: v=1; d=example.com; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAABBBBCCCCDDDD",
        "ARC-Seal: i=1; d=example.com; b=AAAABBBBCCCC\r\n\tDDDDEEEE",
        "Content-Disposition: attachment; filename=invoice.pdf.exe",
        "broken line",
        "",
        "viagra cialis, buy now",
        "<a href='http://192.0.2.1/login'>https://bank.example</a>",
        "dear beneficiary, your inheritance of $10,500,000",
        "<p style='display:none'>hidden</p>",
        "unsubscribe here: http://example.com/u?id=1",
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X",
    ];
    prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..14).prop_map(|lines| lines.join("\r\n").into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn generated_messages_follow_from_their_records(raw in generated()) {
        check(&raw, evidence::derive);
        check(&raw, rich);
        reads_alike(&raw);
    }

    #[test]
    fn any_bytes_decode_or_say_why_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [bytes.clone(), [&[1, 0, 1, b'1'][..], &[0; 64], &bytes].concat()] {
            if let Ok(capsule) = Capsule::decode(&bytes) {
                prop_assert_eq!(capsule.encode().unwrap(), bytes);
            }
        }
    }
}

/// A domain stands once and may be repeated from a few bytes. What is written is read, and no more of either.
#[test]
fn forward_paths_are_as_many_as_are_read() {
    let message = Message::parse(b"Subject: x\r\n\r\n", &Limits::default());
    let (mut envelope, evidence) = evidence::derive(&message);
    let mut capsule = |recipients: usize| {
        envelope.forward_paths = vec![ForwardPath::parse("<a@example.com>"); recipients];
        judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default()).1
    };
    let most = capsule(100_000);
    assert!(Capsule::decode(&most.encode().unwrap()).as_ref() == Ok(&most));
    let beyond = capsule(100_001);
    assert_eq!(beyond.encode(), Err(EncodeError::ForwardPaths(100_001)));
    let fault = Capsule::decode(&beyond.write().bytes).unwrap_err().fault;
    assert_eq!(fault, Fault::Value("there are too many forward-paths"));
}

/// Recipients with settings of their own, each others: neither writing nor reading compares every one with every other.
#[test]
fn items_are_as_many_as_are_read() {
    let message = Message::parse(b"Subject: x\r\n\r\n", &Limits::default());
    let (mut envelope, mut evidence) = evidence::derive(&message);
    let mut capsule = |recipients: usize, rules: usize| {
        let addresses = (0..recipients).map(|number| format!("{number}@example.com"));
        envelope.forward_paths = addresses.clone().map(|address| ForwardPath::parse(&address)).collect();
        let disabled = |number| (0..rules).map(|rule| format!("{number}-{rule}")).collect();
        let settings = |number| Settings { disabled: disabled(number), ..Settings::default() };
        evidence.recipient_settings = addresses.enumerate().map(|(number, address)| (address, settings(number))).collect();
        judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default()).1
    };
    // A path, settings, and the rules they disable; less than 1,000 in all other lists.
    let most = capsule(49_900, 8);
    assert!(Capsule::decode(&most.encode().unwrap()).as_ref() == Ok(&most));
    let beyond = capsule(50_000, 8);
    assert!(matches!(beyond.encode(), Err(EncodeError::Items(500_001..))));
    let fault = Capsule::decode(&beyond.write().bytes).unwrap_err().fault;
    assert_eq!(fault, Fault::Value("the lists have too many items"));
}

/// Settings of recipients stand once each, in the order of those who have them.
#[test]
fn other_settings_have_one_spelling() {
    let message = Message::parse(b"Subject: x\r\n\r\n", &Limits::default());
    let (envelope, evidence) = rich(&message);
    let (_, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
    assert_eq!(capsule.other_settings.len(), 1);
    let refused = |change: &dyn Fn(&mut Capsule)| {
        let mut other = capsule.clone();
        change(&mut other);
        Capsule::decode(&other.encode().unwrap()).unwrap_err().fault
    };
    let expected = Fault::Value("settings are not in the order of recipients, each once");
    assert_eq!(refused(&|other| other.other_settings[0] = Settings::default()), expected);
    assert_eq!(
        refused(&|other| other.other_settings.push(Settings { disabled: ["x".to_owned()].into(), ..Settings::default() })),
        expected
    );
    assert_eq!(refused(&|other| other.other_settings.push(other.other_settings[0].clone())), expected);
}
