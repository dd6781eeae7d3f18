use proptest::prelude::*;

use super::*;
use crate::classify::{FEATURES, Features, PLACE_BITS};
use crate::evidence::Learned;
use crate::{Limits, Message, Score};

fn features(text: &str) -> Features {
    Features::of(&Message::parse(format!("From: a@example.com\r\nSubject: x\r\n\r\n{text}\r\n").as_bytes(), &Limits::default()))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

const TEXTS: [&str; 4] = ["the minutes of our meeting", "claim your lottery prize", "your order was shipped", ""];

/// A message by number, a label, and when it was learned.
type Said = (u8, Label, i64);

fn learn(delta: &mut Delta, &(number, label, time): &Said) {
    delta.learn([number; 32], label, at(time), &features(TEXTS[usize::from(number) % TEXTS.len()]));
}

fn of(said: &[Said]) -> Delta {
    let mut delta = Delta::default();
    said.iter().for_each(|said| learn(&mut delta, said));
    delta
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let label = prop_oneof![Just(Label::Ham), Just(Label::Spam)];
    prop::collection::vec((0..6_u8, label, 0..4_i64), 0..12)
}

proptest! {
    #[test]
    fn the_order_in_which_messages_are_learned_does_not_matter(
        (said, shuffled) in said().prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle())),
    ) {
        prop_assert_eq!(of(&said), of(&shuffled));
    }

    #[test]
    fn merging_is_union(one in said(), two in said(), three in said()) {
        let all = of(&[one.clone(), two.clone(), three.clone()].concat());
        let (one, two, three) = (of(&one), of(&two), of(&three));
        prop_assert_eq!(&one.clone().merged(&two).merged(&three), &all);
        prop_assert_eq!(&three.clone().merged(&one.clone().merged(&two)), &all);
        prop_assert_eq!(&two.clone().merged(&two), &two);
    }

    #[test]
    fn learning_twice_counts_once(said in said()) {
        prop_assert_eq!(of(&said), of(&[said.clone(), said.clone()].concat()));
        let (one, twice) = (of(&said), of(&[said.clone(), said].concat()));
        let text = features("claim the prize of the meeting");
        prop_assert_eq!(DeltaModel::of(&one).weigh(&text), DeltaModel::of(&twice).weigh(&text));
    }

    #[test]
    fn forgetting_is_removal(said in said(), number in 0..6_u8) {
        let mut forgotten = of(&said);
        let was_there = said.iter().any(|(other, ..)| *other == number);
        prop_assert_eq!(forgotten.forget(&[number; 32]), was_there);
        let others: Vec<Said> = said.into_iter().filter(|(other, ..)| *other != number).collect();
        prop_assert_eq!(forgotten, of(&others));
    }

    #[test]
    fn expiry_and_merging_go_in_any_order(one in said(), two in said(), before in 0..4_i64) {
        let expired = |mut delta: Delta| { delta.expire(at(before)); delta };
        let (one, two) = (of(&one), of(&two));
        let merged = expired(one.clone().merged(&two));
        prop_assert_eq!(expired(one).merged(&expired(two)), merged);
    }

    #[test]
    fn a_delta_reads_what_it_wrote(said in said()) {
        let delta = of(&said);
        prop_assert_eq!(Delta::read(&delta.to_bytes()), Ok(delta));
    }

    #[test]
    fn points_stay_in_their_bounds(said in said(), number in 0..4_usize) {
        let learned = DeltaModel::of(&of(&said)).weigh(&features(TEXTS[number]));
        prop_assert!(-POINTS_MAX <= learned.points && learned.points <= POINTS_MAX);
        prop_assert!(learned.ham + learned.spam <= learned.lessons);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut whole = [b"xd delta".as_slice(), &1_u32.to_le_bytes(), &FEATURES.to_le_bytes(), &PLACE_BITS.to_le_bytes(), &bytes].concat();
        whole.extend_from_slice(&Sha256::digest(&whole));
        let _ = Delta::read(&whole);
        let _ = Delta::read(&bytes);
    }
}

#[test]
fn of_two_labels_the_later_counts_and_equal_ones_cancel() {
    let delta = |said: &[Said]| of(said).label(&[1; 32]).unwrap();
    assert_eq!(delta(&[(1, Label::Ham, 5), (1, Label::Spam, 9)]), (Some(Label::Spam), at(9)));
    assert_eq!(delta(&[(1, Label::Spam, 9), (1, Label::Ham, 5)]), (Some(Label::Spam), at(9)));
    let both = of(&[(1, Label::Ham, 9), (1, Label::Spam, 9)]);
    assert_eq!(both.label(&[1; 32]).unwrap(), (None, at(9)));
    assert_eq!(both.counts(), DeltaCounts { contradictory: 1, ..DeltaCounts::default() });
    assert_eq!(DeltaModel::of(&both).weigh(&features(TEXTS[1])).lessons, 0);
}

#[test]
fn several_corrections_weigh_more_than_one_and_other_mail_is_left_alone() {
    let ham = |count: i64| {
        let mut delta = Delta::default();
        for number in 0..count {
            let text = format!("the minutes of our meeting, number {number}, and what was agreed on budgets and rooms {number}");
            delta.learn([number as u8; 32], Label::Ham, at(0), &features(&text));
        }
        DeltaModel::of(&delta)
    };
    let like = features("the minutes of our meeting, number 99, and what was agreed on budgets and rooms 99");
    let points = |count| ham(count).weigh(&like).points.hundredths();
    assert_eq!(points(0), 0);
    assert!(-100 <= points(1) && points(1) < -70, "{}", points(1));
    assert!(points(2) < points(1) && points(10) < -200 && points(40) > -300);
    let unlike = Message::parse(
        b"From: Prize Desk <win@example.net>\r\nTo: c@example.org\r\nMIME-Version: 1.0\r\nSubject: WINNER\r\nContent-Type: text/html\r\n\r\n\
          <p>claim your lottery prize <a href='http://example.org/claim'>here</a> before it goes to somebody else",
        &Limits::default(),
    );
    assert_eq!(ham(40).consult(&unlike), Learned { lessons: 40, delta: ham(40).consult(&unlike).delta, ..Learned::default() });
    let mut delta = Delta::default();
    delta.learn([1; 32], Label::Ham, at(0), &like);
    delta.learn([2; 32], Label::Spam, at(0), &like);
    let learned = DeltaModel::of(&delta).weigh(&like);
    assert_eq!((learned.points, learned.ham, learned.spam), (Score::ZERO, 1, 1));
}

#[test]
fn the_latest_messages_stay_whichever_way_they_came() {
    let hash = |number: usize| {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(number as u64).to_le_bytes());
        hash
    };
    let some = |numbers: std::ops::Range<usize>| {
        let mut delta = Delta::default();
        for number in numbers {
            delta.learn(hash(number), Label::Ham, at((number / 2) as i64), &Features::default());
        }
        delta
    };
    let (full, one_more) = (some(0..MESSAGES_MAX), some(MESSAGES_MAX..MESSAGES_MAX + 1));
    assert_eq!(full.counts().ham, MESSAGES_MAX);
    let merged = full.clone().merged(&one_more);
    assert_eq!((full.clone().merge([&one_more]), full.clone().merge([&full])), (1, 0));
    assert_eq!(full.latest().map(|(_, learned)| learned), Some(at((MESSAGES_MAX as i64 - 1) / 2)));
    assert_eq!(merged.counts().ham, MESSAGES_MAX);
    assert_eq!(merged, one_more.merged(&full));
    assert_eq!(merged, some(0..MESSAGES_MAX + 1));
    let gone: Vec<usize> = (0..=MESSAGES_MAX).filter(|number| merged.label(&hash(*number)).is_none()).collect();
    assert_eq!(gone.len(), 1);
    assert!(gone[0] < 2, "of those learned first");
}

#[test]
fn a_long_message_leaves_a_bounded_sketch() {
    let letters = b"abcdefghijklmnopqrstuvwxyz";
    let word =
        |number: usize| [number / 676, number / 26, number].map(|digit| letters[digit % 26] as char).iter().collect::<String>();
    let long: Vec<String> = (0..2_000).map(word).collect();
    let of = |words: usize| Sketch::of(&features(&long[..words].join(" "))).places(Family::Text).len();
    assert_eq!(of(2_000), TEXT_MAX);
    assert!(of(100) < TEXT_MAX);
}

#[test]
fn every_cut_and_every_flipped_byte_is_noticed() {
    let bytes = of(&[(1, Label::Ham, 1), (2, Label::Spam, 2)]).to_bytes();
    for length in 0..bytes.len() {
        assert!(Delta::read(&bytes[..length]).is_err(), "{length}");
    }
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        assert!(Delta::read(&bytes).is_err(), "{place}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Delta::read(&longer).is_err());
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let whole = |bytes: &[u8]| [bytes, &Sha256::digest(bytes)].concat();
    let told = |bytes: &[u8]| Delta::read(bytes).unwrap_err().to_string();
    let good = bytes::write(&of(&[(1, Label::Ham, 1)]));
    assert_eq!(told(b"X-Mailer: none"), "this is nothing that was learned: it does not begin with \"xd delta\"");
    let mut other = good.clone();
    other[8] = 7;
    assert_eq!(told(&whole(&other)), "what was learned is of format version 7, which is not known");
    let mut other = good.clone();
    other[12] = 99;
    let why = format!(
        "what was learned is of feature version 99 with {PLACE_BITS} bits, this program is of version {FEATURES} with {PLACE_BITS}; learn the messages anew into another file"
    );
    assert_eq!(told(&whole(&other)), why);
    let mut other = good.clone();
    // Behind the head of 20 bytes, a count, a hash and a time.
    other[20 + 1 + 32 + 8] = 4;
    assert_eq!(told(&whole(&other)), "byte 61 of what was learned: there is no such label");
    let mut other = good.clone();
    other[30] ^= 1;
    assert!(told(&[&other[..], &Sha256::digest(&good)].concat()).starts_with("what was learned is damaged: the checksum"));
}
