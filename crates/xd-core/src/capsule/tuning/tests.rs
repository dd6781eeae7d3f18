use proptest::prelude::*;

use super::*;
use crate::capsule::{Capsule, Conclusion, Recording, SettingsChange, WhatIf, judge_recorded};
use crate::{Limits, Message, RuleSource, evidence};

/// Rules `a` to `f`, each for a word of the subject; `a` and `b` share a cap of 4.00, `m` builds on `c` and `d`.
const RULES: &str = "family = 'test'
[[group]]
id = 'capped'
cap = '4.00'
[[rule]]
id = 'a'
group = 'capped'
score = '3.00'
why = 'a'
when = { in = 'subject', words = ['alpha'] }
[[rule]]
id = 'b'
group = 'capped'
score = '3.50'
why = 'b'
when = { in = 'subject', words = ['beta'] }
[[rule]]
id = 'c'
score = '2.50'
why = 'c'
when = { in = 'subject', words = ['gamma'] }
[[rule]]
id = 'd'
score = '1.80'
why = 'd'
when = { in = 'subject', words = ['delta'] }
[[rule]]
id = 'e'
score = '-1.20'
why = 'e'
when = { in = 'subject', words = ['epsilon'] }
[[rule]]
id = 'f'
score = '0.00'
why = 'f'
when = { in = 'subject', words = ['phi'] }
[[rule]]
id = 'm'
score = '2.00'
why = 'm'
when = { all = [{ rule = 'c' }, { rule = 'd' }] }
";

const WORDS: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "phi"];

fn engine() -> Engine {
    Engine::compile(vec![RuleSource::new("rules.toml", RULES)]).unwrap()
}

/// A message with some of the words, one for each bit.
fn capsule(engine: &Engine, bits: u8) -> Capsule {
    let words: Vec<&str> = WORDS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, word)| *word).collect();
    let raw = format!("Subject: {}\r\n\r\n", words.join(" "));
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    judge_recorded(engine, &envelope, &message, &evidence, [0; 32], &Recording::default()).1
}

fn standing(engine: &Engine, subject: &str) -> Standing {
    let bits = WORDS.iter().enumerate().map(|(bit, word)| u8::from(subject.contains(word)) << bit).sum();
    Standing::of(&capsule(engine, bits), 0, engine).unwrap().unwrap()
}

fn tuned(aim: Aim, subjects: &[&str]) -> Tuning {
    let engine = engine();
    let samples: Vec<Standing> = subjects.iter().map(|subject| standing(&engine, subject)).collect();
    Tuning::of(&engine, aim, &samples)
}

/// `c=1.49`, and the sum of the changes.
fn told(edits: &Edits) -> (String, String, bool) {
    let engine = engine();
    let each = edits.edits.iter().map(|edit| format!("{}={}", engine.rules().rules()[edit.rule].id(), edit.to));
    (each.collect::<Vec<_>>().join(" "), edits.total.to_string(), edits.is_least)
}

fn expected(edits: &str, total: &str, is_least: bool) -> (String, String, bool) {
    (edits.to_owned(), total.to_owned(), is_least)
}

#[test]
fn one_rule_that_all_share_is_the_least_there_is() {
    // 3.00 + 2.50 + 0.00 and 2.50 + 1.80 + 2.00.
    let tuning = tuned(Aim::Free, &["alpha gamma phi", "gamma delta"]);
    assert_eq!((tuning.already, tuning.beyond, tuning.at_least.to_string().as_str()), (0, 0, "1.31"));
    assert_eq!(tuning.singles.iter().map(told).collect::<Vec<_>>(), [expected("c=1.19", "1.31", true)]);
    assert_eq!((tuning.pair, tuning.larger, tuning.shared[0]), (None, None, SharedRule { rule: 2, held: 2, alone: 2 }));
}

#[test]
fn what_a_cap_holds_back_is_counted() {
    // Together 6.50, capped at 4.00, and 2.50: the first 2.50 taken from either change nothing.
    let tuning = tuned(Aim::Free, &["alpha beta gamma"]);
    let singles: Vec<_> = tuning.singles.iter().map(told).collect();
    assert_eq!(singles, [expected("c=0.99", "1.51", true)]);
    // Without `c` to move, `b` alone cannot: what is left of 4.00 is above the cap for its first 2.50.
    let tuning = tuned(Aim::Free, &["alpha beta delta"]);
    let singles: Vec<_> = tuning.singles.iter().map(told).collect();
    assert_eq!(singles, [expected("d=0.99", "0.81", true), expected("b=0.19", "3.31", false)]);
}

#[test]
fn two_rules_where_one_does_not_do() {
    // 4.00 + 2.50, the cap first; 2.50 + 1.80 + 2.00; 3.00 + 2.50; 3.50 + 1.80: what the last needs, `c` cannot give.
    let tuning = tuned(Aim::Free, &["alpha beta gamma", "delta gamma", "alpha gamma", "beta delta phi"]);
    assert_eq!(tuning.singles, []);
    let pair = told(tuning.pair.as_ref().unwrap());
    assert_eq!(pair, expected("b=3.19 c=0.99", "1.82", false));
    assert_eq!(tuning.larger, None);
}

#[test]
fn more_rules_where_two_do_not_do() {
    let rules = "family = 'test'\n".to_owned()
        + &["alpha", "beta", "gamma"]
            .map(|word| {
                format!("[[rule]]\nid = '{word}'\nscore = '5.50'\nwhy = 'x'\nwhen = {{ in = 'subject', words = ['{word}'] }}\n")
            })
            .concat();
    let engine = Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap();
    let samples = [standing(&engine, "alpha"), standing(&engine, "beta"), standing(&engine, "gamma")];
    let tuning = Tuning::of(&engine, Aim::Free, &samples);
    assert_eq!((tuning.singles.len(), &tuning.pair), (0, &None));
    let larger = tuning.larger.unwrap();
    assert_eq!((larger.edits.len(), larger.total.to_string().as_str(), larger.is_least), (3, "1.53", false));
    assert_eq!(tuning.at_least.to_string(), "0.51");
}

#[test]
fn a_missed_message_is_caught_by_more_points() {
    let tuning = tuned(Aim::Catch, &["gamma phi epsilon", "gamma phi"]);
    assert_eq!(tuning.at_least.to_string(), "3.70");
    let singles: Vec<_> = tuning.singles.iter().map(told).collect();
    assert_eq!(singles, [expected("c=6.20", "3.70", true), expected("f=3.70", "3.70", true)]);
    // Below a cap there is only so much room.
    let tuning = tuned(Aim::Catch, &["alpha"]);
    assert_eq!((tuning.beyond, tuning.singles.len(), tuning.already), (1, 0, 0));
}

#[test]
fn messages_that_are_where_they_should_be_are_left_out() {
    let tuning = tuned(Aim::Free, &["gamma", "alpha gamma", "phi"]);
    assert_eq!((tuning.already, tuning.singles.len()), (2, 2));
    assert_eq!(tuned(Aim::Catch, &["alpha gamma"]).already, 1);
    assert_eq!(tuned(Aim::Free, &[]).singles, []);
}

/// The standing where the one recipient has these points for rules.
fn with_scores(engine: &Engine, subject: &str, scores: &[(&str, i64)]) -> Standing {
    let raw = format!("Subject: {subject}\r\n\r\n");
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let (envelope, mut evidence) = evidence::derive(&message);
    let scores = scores.iter().map(|&(rule, points)| (rule.to_owned(), Score::from_hundredths(points)));
    evidence.settings.scores.extend(scores);
    let (_, capsule) = judge_recorded(engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    Standing::of(&capsule, 0, engine).unwrap().unwrap()
}

#[test]
fn where_recipients_have_points_of_their_own_no_bound_is_told() {
    let engine = engine();
    // For the first, `c` has 4.99 points and needs nothing but `f` to fall; for the second, 9.00.
    let samples = [with_scores(&engine, "gamma phi", &[("c", 499), ("f", 1)]), with_scores(&engine, "gamma", &[("c", 900)])];
    let tuning = Tuning::of(&engine, Aim::Free, &samples);
    assert_eq!((tuning.uniform, tuning.at_least), (false, Score::ZERO));
    // What sets `c` to 4.98 for both is told by the first, and held for no least.
    assert_eq!(tuning.singles.iter().map(told).collect::<Vec<_>>(), [expected("c=4.98", "0.01", false)]);
    // Nothing is taken from the 4.00 points that the first has for `c`; the second needs them all the same.
    let tuning = Tuning::of(
        &engine,
        Aim::Free,
        &[
            with_scores(&engine, "gamma phi", &[("c", 400), ("f", 300)]),
            with_scores(&engine, "gamma", &[("c", 900)]),
            with_scores(&engine, "phi", &[("f", 600)]),
        ],
    );
    assert_eq!((tuning.singles.len(), told(&tuning.pair.unwrap())), (0, expected("c=4.00 f=0.99", "2.01", false)));
}

#[test]
fn work_is_bounded_and_what_is_not_tried_is_said() {
    let engine = engine();
    // None is like another, so that none is left out.
    let sample = |number: i64| with_scores(&engine, "alpha gamma", &[("a", 700 + number), ("c", 700)]);
    let samples: Vec<Standing> = (0..100).map(sample).collect();
    let whole = Problem::new(engine.rules(), Aim::Free, samples.iter().collect());
    let candidates = whole.candidates();
    assert!(whole.pair(&candidates, None).1 && whole.larger(&candidates).is_some());
    for work_max in [0, 100, 1_000] {
        let short = Problem { work_max, ..Problem::new(engine.rules(), Aim::Free, samples.iter().collect()) };
        assert!(!short.pair(&candidates, None).1, "{work_max}");
        assert!(short.larger(&candidates).is_none_or(|edits| short.does(&edits.edits)));
    }
}

proptest! {
    /// What a standing says of other scores is what a what-if says.
    #[test]
    fn standings_say_what_what_ifs_say(bits in 0..64_u8, changes in prop::collection::btree_map(0..7_usize, -600..600_i64, 0..4)) {
        let engine = engine();
        let capsule = capsule(&engine, bits);
        let standing = Standing::of(&capsule, 0, &engine).unwrap().unwrap();
        let edits: Vec<Edit> =
            changes.iter().map(|(&rule, &points)| Edit { rule, to: Score::from_hundredths(points) }).collect();
        let id = |rule: usize| engine.rules().rules()[rule].id().to_owned();
        let scores = edits.iter().map(|edit| (id(edit.rule), edit.to)).collect();
        let mut what_if =
            WhatIf::new(&engine, &engine, SettingsChange { scores, ..SettingsChange::default() }, Limits::default());
        let (class, score) = match &what_if.ask(&capsule).unwrap()[0] {
            Conclusion::Changed { to, score_to, .. } => (*to, score_to.unwrap()),
            Conclusion::Unchanged { class, score_to, .. } => (*class, score_to.unwrap()),
            Conclusion::Undecided { .. } => panic!("all is known"),
        };
        prop_assert_eq!((standing.class(engine.rules(), &edits), standing.score(engine.rules(), &edits)), (class, score));
    }

    /// Single rules and pairs against trying every step.
    #[test]
    fn nothing_less_does_it(all in prop::collection::vec(0..64_u8, 1..4), aim in prop_oneof![Just(Aim::Free), Just(Aim::Catch)]) {
        const STEP: i64 = 10;
        let engine = engine();
        let samples: Vec<Standing> = all.iter().map(|&bits| Standing::of(&capsule(&engine, bits), 0, &engine).unwrap().unwrap()).collect();
        let tuning = Tuning::of(&engine, aim, &samples);
        let open: Vec<&Standing> = samples.iter().filter(|sample| !there(aim, sample, engine.rules(), &[])).collect();
        let every: Vec<Edit> = points_of(&open).0.iter().map(|(&rule, &from)| Edit { rule, to: end(aim, from) }).collect();
        let movable: Vec<&Standing> = open.into_iter().filter(|sample| there(aim, sample, engine.rules(), &every)).collect();
        let does = |edits: &[Edit]| movable.iter().all(|sample| there(aim, sample, engine.rules(), edits));
        let found: Vec<&Edits> = tuning.singles.iter().chain(&tuning.pair).chain(&tuning.larger).collect();
        for edits in &found {
            prop_assert!(does(&edits.edits) && edits.total >= tuning.at_least);
        }
        prop_assume!(!movable.is_empty());
        prop_assert!(!found.is_empty(), "all rules together do it");
        let best = tuning.singles.iter().chain(&tuning.pair).map(|edits| edits.total.hundredths()).min().unwrap_or(i64::MAX);
        let problem = Problem::new(engine.rules(), aim, movable.clone());
        let candidates = problem.candidates();
        let tried = |rule: usize| (0..=problem.room(rule).min(900)).step_by(STEP as usize);
        for (place, &one) in candidates.iter().enumerate() {
            for &other in &candidates[place..] {
                for a in tried(one) {
                    for b in tried(other).take_while(|b| a + b < best) {
                        if one != other || b == 0 {
                            let edits = [problem.moved(one, a), problem.moved(other, b)];
                            prop_assert!(!does(&edits[..if one == other { 1 } else { 2 }]), "{a} and {b} do it");
                        }
                    }
                }
            }
        }
    }
}
