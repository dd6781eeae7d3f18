//! `xd replay`: verdicts derived again, what-ifs held against fresh scans, and everything that can be wrong with capsules.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Place, RULES, Run, message};
use xd_store::{Entry, OsFileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentKind, SegmentReader};

/// The sample messages of the project.
const MAIL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/mail");

const LEVELS: [&str; 3] = ["causes", "facts", "content"];

/// The one object of `xd replay --format json`.
fn replay(place: &Place, arguments: &str) -> (Run, Value) {
    let run = place.run(&format!("replay --format json {arguments}"));
    let value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err));
    (run, value)
}

/// Class and score of each message by its hash, as scanned.
fn scanned(run: &Run) -> BTreeMap<String, (String, String)> {
    let text = |line: &Value, member: &str| line[member].as_str().unwrap().to_owned();
    run.json().iter().map(|line| (text(line, "sha256"), (text(line, "class"), text(line, "score")))).collect()
}

#[test]
fn every_verdict_follows_from_its_capsule_at_every_level() {
    let place = Place::new("every_verdict_follows_from_its_capsule_at_every_level");
    let plain = place.run(&format!("scan --format jsonl {MAIL}"));
    for level in LEVELS {
        let scan = place.run(&format!("scan --format jsonl --capsules {level} --capsule-level {level} --jobs 1 {MAIL}"));
        assert_eq!((scan.code, scan.err.as_str()), (Some(0), ""));
        assert_eq!(scan.out, plain.out, "capsules change no output");
        let (run, value) = replay(&place, level);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert_eq!(value["replayed"], plain.out.lines().count());
        assert_eq!(value["identical"], value["replayed"]);
        for none in ["changed", "undecided", "damaged"] {
            assert_eq!(value[none], 0, "{none}");
        }
        let begin = format!(
            "{{\"replayed\":{0},\"identical\":{0},\"changed\":0,\"undecided\":0,\"damaged\":0,\"changes\":[]",
            value["replayed"]
        );
        assert!(run.out.starts_with(&begin), "{}", run.out);
        let list = place.run(&format!("capsules list --format jsonl {level}"));
        assert_eq!(list.all("id"), plain.all("sha256"), "in the order of the scan");
        assert!(list.all("level").iter().all(|found| found == level));
    }
}

#[test]
fn same_inputs_make_the_same_bytes_whatever_the_jobs() {
    let place = Place::new("same_inputs_make_the_same_bytes_whatever_the_jobs");
    for level in LEVELS {
        let files = ["1", "4"].map(|jobs| {
            let run = place.run(&format!("scan --capsules {level}{jobs} --capsule-level {level} --jobs {jobs} {MAIL}"));
            assert_eq!(run.code, Some(0), "{}", run.err);
            fs::read(place.path(&format!("{level}{jobs}/000001.xdc"))).unwrap()
        });
        assert!(files[0] == files[1], "{level}");
        let runs = ["1", "4"].map(|jobs| replay(&place, &format!("--rules {} --jobs {jobs} {level}1", "rules.toml")).0.out);
        assert_eq!(runs[0], runs[1]);
    }
}

/// A what-if from capsules of each level, held against a fresh scan message by message.
fn what_if_agrees(test: &str, options: &str, more: Option<(&str, &str)>) {
    let place = Place::new(test);
    if let Some((path, content)) = more {
        place.write(path, content);
    }
    let before = scanned(&place.run(&format!("scan --format jsonl {MAIL}")));
    let after = scanned(&place.run(&format!("scan --format jsonl {options} {MAIL}")));
    let differing = before.iter().filter(|(id, (class, _))| after[*id].0 != *class).count();
    assert!(differing > 0, "the change changes something");
    for level in LEVELS {
        place.run(&format!("scan --capsules {level} --capsule-level {level} {MAIL}"));
        let run = place.run(&format!("replay --format csv {options} {level}"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let mut undecided = 0;
        for row in run.out.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let (id, outcome, to, score_to) = (cells[0], cells[1], cells[3], cells[5]);
            match outcome {
                "undecided" => {
                    undecided += 1;
                    assert_ne!(cells[7], "", "the test is named: {row}");
                }
                outcome => {
                    assert_eq!(to, after[id].0, "{level}: {row}");
                    assert!(score_to.is_empty() && level != "content" || score_to == after[id].1, "{level}: {row}");
                    assert_eq!(outcome == "changed", before[id].0 != after[id].0, "{level}: {row}");
                }
            }
        }
        assert!(undecided == 0 || level != "content");
        let (run, value) = replay(&place, &format!("{options} {level}"));
        assert_eq!(run.code, Some(0));
        assert_eq!(value["undecided"], undecided);
        assert_eq!(value["changes"].as_array().unwrap().len(), value["changed"]);
        if undecided == 0 {
            assert_eq!(value["changed"], differing);
        }
        assert_eq!(value["undecided_tests"].as_array().unwrap().is_empty(), undecided == 0);
    }
}

#[test]
fn a_what_if_without_a_rule_is_a_fresh_scan() {
    let config = "[rules]\ndisable = [\"gtube\"]\n";
    what_if_agrees("a_what_if_without_a_rule_is_a_fresh_scan", "--config xd.toml", Some(("xd.toml", config)));
}

#[test]
fn a_what_if_with_other_thresholds_is_a_fresh_scan() {
    let config = "thresholds = { spam = \"2.00\", surespam = \"20.00\" }\n";
    what_if_agrees("a_what_if_with_other_thresholds_is_a_fresh_scan", "--config xd.toml", Some(("xd.toml", config)));
}

#[test]
fn a_what_if_with_one_rule_more_is_a_fresh_scan() {
    let rule = |id: &str, condition: &str| {
        format!("[[rule]]\nid = \"{id}\"\nscore = \"6.00\"\nwhy = \"one more\"\nwhen = {condition}\n")
    };
    let told = rule("told", "{ in = \"from.domain\", within = [\"example.com\"] }");
    // One test that facts answer, and one that only content does.
    let subject = rule("subject", "{ in = \"subject\", words = [\"invoice\", \"your\"] }");
    let text = rule("text", "{ in = \"text\", words = [\"please\", \"you\"] }");
    for (name, rules) in [("told", told.clone()), ("open", told + &subject + &text)] {
        let test = format!("a_what_if_with_one_rule_more_is_a_fresh_scan_{name}");
        let file = format!("family = \"more\"\n{rules}");
        what_if_agrees(&test, "--rules builtin --rules more.toml", Some(("more.toml", &file)));
    }
}

#[test]
fn changes_have_their_keys_in_order_and_rank_their_rules() {
    let place = samples("changes_have_their_keys_in_order_and_rank_their_rules");
    place.write("other.toml", RULES.replace("3.00", "6.00").replace("2.50", "2.75"));
    let (run, value) = replay(&place, "--rules other.toml capsules");
    assert_eq!(run.code, Some(0));
    assert!(
        run.out
            .contains("\"from\":\"clean\",\"to\":\"spam\",\"score_from\":\"3.00\",\"score_to\":\"6.00\",\"rules\":[\"prize\"]"),
        "{}",
        run.out
    );
    assert_eq!([&value["replayed"], &value["changed"], &value["rescored"]], [5, 1, 2]);
    assert_eq!(value["rules"][0]["rule"], "prize");
    let text = place.run("replay --rules other.toml capsules").out;
    for words in ["What if: rules of other.toml", "5 verdicts replayed: 4 unchanged, 1 changed, 0 undecided", "prize"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let rows = place.run("replay --rules other.toml --only-changed --format csv capsules").out;
    assert_eq!(rows.lines().count(), 2, "{rows}");
}

#[test]
fn a_test_that_causes_do_not_answer_is_named() {
    let place = samples("a_test_that_causes_do_not_answer_is_named");
    place.write("other.toml", RULES.replace("xyzzy", "nothing"));
    let (run, value) = replay(&place, "--rules other.toml capsules");
    assert_eq!(run.code, Some(0));
    assert!(value["undecided"].as_u64().unwrap() > 0, "{}", run.out);
    let test = value["undecided_tests"][0]["test"].as_str().unwrap();
    assert!(test.contains("subject") && test.contains("nothing"), "{test}");
    assert!(place.run("replay --rules other.toml capsules").out.contains("nothing"));
}

#[test]
fn a_fresh_process_replays_when_the_rules_are_gone() {
    let place = samples("a_fresh_process_replays_when_the_rules_are_gone");
    fs::remove_file(place.path("rules.toml")).unwrap();
    let (run, value) = replay(&place, "capsules");
    assert_eq!((run.code, &value["identical"]), (Some(0), &Value::from(5)));
    // The engine may lie elsewhere.
    fs::rename(place.path("capsules/engines"), place.path("kept")).unwrap();
    assert_eq!(place.run("replay capsules").code, Some(2));
    assert_eq!(place.run("replay --engines kept capsules").code, Some(0));
}

/// A kept message is judged anew with the rules that are asked about; nothing below content can be.
#[test]
fn content_needs_no_engine_for_other_rules() {
    let place = Place::new("content_needs_no_engine_for_other_rules");
    place.write("other.toml", RULES.replace("3.00", "6.00").replace("xyzzy", "nothing"));
    place.write("xd.toml", "thresholds = { spam = \"2.00\", surespam = \"20.00\" }\n");
    for (name, subject) in [("a", "prize"), ("b", "watch"), ("c", "prize watch"), ("d", "minutes"), ("e", "nothing")] {
        place.message(&format!("mail/{name}.eml"), subject);
    }
    for level in LEVELS {
        place.run(&format!("scan --rules rules.toml --capsules {level} --capsule-level {level} mail"));
        fs::remove_dir_all(place.path(&format!("{level}/engines"))).unwrap();
        for options in ["--rules other.toml", "--rules other.toml --config xd.toml"] {
            let (run, value) = replay(&place, &format!("{options} {level}"));
            if level != "content" {
                assert_eq!((run.code, &value["damaged"], &value["afresh"]), (Some(2), &Value::from(5), &Value::from(0)));
                continue;
            }
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
            assert_eq!([&value["replayed"], &value["afresh"], &value["undecided"]], [5, 5, 0]);
            let fresh = scanned(&place.run(&format!("scan --format jsonl {options} mail")));
            let rows = place.run(&format!("replay --format csv {options} {level}")).out;
            for row in rows.lines().skip(1) {
                let cells: Vec<&str> = row.split(',').collect();
                assert_eq!((cells[3], cells[5]), (fresh[cells[0]].0.as_str(), fresh[cells[0]].1.as_str()), "{row}");
            }
            let text = place.run(&format!("replay {options} {level}")).out;
            assert!(text.contains("5 judged anew from their messages: their engine is not to be had"), "{text}");
        }
        // Rules that are the engine's own stand for it.
        let (run, value) = replay(&place, &format!("--rules rules.toml {level}"));
        assert_eq!([&value["identical"], &value["afresh"]], [5, 0], "{}", run.err);
        // Without other rules there is nothing to judge with.
        for options in ["", "--config xd.toml"] {
            let (run, value) = replay(&place, &format!("{options} {level}"));
            assert_eq!((run.code, &value["damaged"]), (Some(2), &Value::from(5)), "{options}");
        }
    }
}

#[test]
fn an_unknown_engine_is_said_with_its_first_capsule() {
    let place = samples("an_unknown_engine_is_said_with_its_first_capsule");
    place.run("scan --capsules capsules a.eml");
    let own = place.run("scan --rules rules.toml --format jsonl a.eml").all("engine").remove(0);
    fs::remove_dir_all(place.path(&format!("capsules/engines/{own}"))).unwrap();
    let (run, value) = replay(&place, "capsules");
    assert_eq!((run.code, &value["damaged"], &value["identical"]), (Some(2), &Value::from(5), &Value::from(1)));
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("xd: capsules/000001.xdc: the capsule at offset 128: its engine ") && lines[0].contains(&own),
        "{}",
        lines[0]
    );
}

#[test]
fn a_flipped_byte_costs_one_capsule_and_is_told_with_its_offset() {
    let place = samples("a_flipped_byte_costs_one_capsule_and_is_told_with_its_offset");
    let whole = fs::read(place.path("capsules/000001.xdc")).unwrap();
    for at in (128..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        place.write("capsules/000001.xdc", bytes);
        let (run, value) = replay(&place, "capsules");
        assert_eq!(run.code, Some(2), "byte {at}");
        assert_eq!(value["damaged"], 1, "byte {at}: {}", run.err);
        assert_eq!(value["identical"], 4, "byte {at}: {}", run.err);
        assert!(run.err.contains("capsules/000001.xdc: ") && run.err.contains("offset"), "{}", run.err);
    }
}

/// Whole by its checksum, and yet not what its engine says: nothing but a fault of xd or a forgery looks so.
#[test]
fn a_verdict_that_does_not_follow_is_shown() {
    let place = samples("a_verdict_that_does_not_follow_is_shown");
    let mut reader = SegmentReader::open(place.path("capsules/000001.xdc")).unwrap();
    let options = SegmentDirOptions::new(SegmentKind::CAPSULES);
    let (mut forged, _) = SegmentDir::open(&OsFileSystem, place.path("forged"), options).unwrap();
    // A capsule of causes ends with the score (3.00, zigzag) and its distances from the bounds.
    for (from, to) in [([0xD8, 0x04, 0, 0], [0xDA, 0x04, 0, 0]), ([0xCC, 0x08, 0, 0], [0xCC, 0x08, 0, 1])] {
        let payload = loop {
            let Some(Entry::Record(record)) = reader.next_entry().unwrap() else { panic!("no such score") };
            if let Some(start) = record.payload().strip_suffix(&from) {
                break [start, &to].concat();
            }
        };
        forged.append(RecordType::new(1), &payload).unwrap();
    }
    forged.sync().unwrap();
    let (run, value) = replay(&place, "--engines capsules/engines forged");
    assert_eq!((run.code, &value["changed"], &value["identical"]), (Some(1), &Value::from(2), &Value::from(0)));
    assert_eq!([&value["changes"][0]["score_from"], &value["changes"][0]["score_to"]], ["3.01", "3.00"]);
    assert_eq!([&value["changes"][1]["bounds"][0]["high"], &value["changes"][1]["bounds"][1]["high"]], ["5.51", "5.50"]);
    let text = place.run("replay --engines capsules/engines forged");
    assert_eq!(text.code, Some(1));
    assert!(
        text.out.contains("2 verdicts replayed: 0 identical, 2 different") && text.out.contains("[5.50, 5.51] → [5.50, 5.50]"),
        "{}",
        text.out
    );
}

#[test]
fn a_torn_end_costs_the_last_capsule() {
    let place = samples("a_torn_end_costs_the_last_capsule");
    let mut bytes = fs::read(place.path("capsules/000001.xdc")).unwrap();
    bytes.truncate(bytes.len() - 3);
    place.write("capsules/000001.xdc", bytes);
    let (run, value) = replay(&place, "capsules");
    assert_eq!((run.code, &value["damaged"], &value["identical"]), (Some(2), &Value::from(1), &Value::from(4)));
    assert!(run.err.contains("torn"), "{}", run.err);
    // The next scan goes on behind the last whole capsule, and says so.
    let scan = place.run("scan --rules rules.toml --capsules capsules a.eml");
    assert_eq!(scan.code, Some(0));
    assert!(scan.err.contains("torn"), "{}", scan.err);
    let (run, value) = replay(&place, "capsules");
    assert_eq!((run.code, &value["identical"]), (Some(0), &Value::from(5)));
}

#[test]
fn what_a_later_version_wrote_is_named() {
    let place = samples("what_a_later_version_wrote_is_named");
    let whole = fs::read(place.path("capsules/000001.xdc")).unwrap();
    let mut bytes = whole.clone();
    bytes[8] = 9;
    let checksum = crc32c(&bytes[..124]).to_le_bytes();
    bytes[124..128].copy_from_slice(&checksum);
    place.write("capsules/000002.xdc", bytes);
    let (run, value) = replay(&place, "capsules");
    assert_eq!((run.code, &value["identical"], &value["damaged"]), (Some(2), &Value::from(5), &Value::from(1)));
    assert!(run.err.contains("capsules/000002.xdc: version 9 of the segment format"), "{}", run.err);
}

#[test]
fn slips_of_the_pen_are_told_before_anything_runs() {
    let place = Place::new("slips_of_the_pen_are_told_before_anything_runs");
    fs::create_dir(place.path("empty")).unwrap();
    place.write("a.xdc", "");
    for (arguments, words) in [
        ("replay missing", "xd: missing: no such file"),
        ("replay empty", "no capsules (NNNNNN.xdc)"),
        ("replay --rules missing.toml empty", "missing.toml"),
        ("replay --sample 0 empty", "--sample"),
        ("replay --engines missing a.xdc", "xd: missing: no such file"),
        ("rules value --engines rules.toml a.xdc", "xd: rules.toml: is not a directory"),
        ("scan --capsule-level facts rules.toml", "--capsules"),
    ] {
        let run = place.run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        assert!(run.err.contains(words), "{arguments}: {}", run.err);
    }
}

#[test]
fn a_sample_is_spread_evenly_and_always_the_same() {
    let place = samples("a_sample_is_spread_evenly_and_always_the_same");
    let (_, value) = replay(&place, "--sample 2 capsules");
    assert_eq!(value["replayed"], 2);
    assert_eq!(replay(&place, "--sample 2 capsules").0.out, replay(&place, "--sample 2 --jobs 3 capsules").0.out);
    assert_eq!(replay(&place, "--sample 100 capsules").1["replayed"], 5);
}

/// CRC-32C, as the segment format has it.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, bit: u32| (crc >> 1) ^ (0x82F6_3B78 * ((crc ^ bit) & 1));
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc, |crc, bit| step(crc, u32::from(byte) >> bit)))
}

/// Five messages scanned with the sample rules, their capsules in `capsules`.
fn samples(test: &str) -> Place {
    let place = Place::new(test);
    let subjects = ["prize", "watch", "prize watch", "minutes", "nothing"];
    for (name, subject) in ["a", "b", "c", "d", "e"].iter().zip(subjects) {
        place.write(&format!("{name}.eml"), message(subject));
    }
    let run = place.run("scan --rules rules.toml --capsules capsules a.eml b.eml c.eml d.eml e.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(Path::new(&place.path("capsules/engines")).is_dir());
    place
}

/// Ways of asking that end in a sum, cut short while they wait for the first of two FIFOs.
#[cfg(unix)]
#[test]
fn an_interrupted_replay_prints_no_sum() {
    use std::process::{Command, Stdio};
    use std::time::Duration;
    let place = Place::new("an_interrupted_replay_prints_no_sum");
    place.message("mail/a.eml", "prize");
    place.run("scan --rules rules.toml --capsules capsules mail");
    let fifos = ["first", "second"].map(|name| place.path(name));
    assert!(Command::new("mkfifo").args(&fifos).status().unwrap().success());
    for (options, files) in
        [("--format json", "capsules first"), ("--format text", "capsules first"), ("--sample 1", "first second")]
    {
        let mut command = place.command(&format!("replay --jobs 1 {options} {files}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // Opens as soon as the program waits there, and is damaged when it is let go.
        let first = fs::File::options().write(true).open(&fifos[0]).unwrap();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
        drop(first);
        let mut waited = 0;
        while child.try_wait().unwrap().is_none() && waited < 200 {
            std::thread::sleep(Duration::from_millis(50));
            waited += 1;
        }
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0), "{options}");
    }
}

#[test]
fn an_engine_that_is_gone_is_told_once() {
    let place = Place::new("an_engine_that_is_gone_is_told_once");
    for name in 0..600 {
        place.write(&format!("mail/{name}.eml"), message(&format!("prize {name}")));
    }
    place.run("scan --rules rules.toml --capsules capsules mail");
    // More than one batch, whoever works on it.
    let counted = ["1", "3"].map(|jobs| place.run(&format!("rules value --jobs {jobs} capsules")).out);
    assert!(counted[0] == counted[1] && counted[0].starts_with("600 messages judged by 1 engine\n"), "{}", counted[0]);
    fs::remove_dir_all(place.path("capsules/engines")).unwrap();
    for command in ["replay --format json", "rules value --format json"] {
        let run = place.run(&format!("{command} capsules"));
        let lines: Vec<&str> = run.err.lines().collect();
        assert_eq!((run.code, lines.len(), run.json()[0]["damaged"].as_u64()), (Some(2), 2, Some(600)), "{}", run.err);
        assert!(lines[0].contains("offset 128") && lines[0].contains("is not kept in"), "{}", run.err);
        assert!(lines[1].ends_with("the same of 599 more capsules"), "{}", run.err);
    }
}
