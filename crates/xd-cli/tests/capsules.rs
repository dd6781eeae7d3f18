//! Capsules on disk: what erasing leaves, what pseudonyms hide, and what a full disk or an interrupt does.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use support::{Place, Run, message};

/// Messages of three people, scanned at a level.
fn mail(test: &str, level: &str, options: &str) -> Place {
    let place = Place::new(test);
    for (name, from, to) in [("a", "ann", "bob"), ("b", "bob", "ann"), ("c", "ann", "carol"), ("d", "bobby", "carol")] {
        let text = format!(
            "Return-Path: <{from}@example.com>\nFrom: <{from}@example.com>\nTo: <{to}@example.com>\nSubject: x\n\nHello.\n"
        );
        place.write(&format!("mail/{name}.eml"), text);
    }
    let run = place.run(&format!("scan --rules rules.toml --capsules capsules --capsule-level {level} {options} mail"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    place
}

fn ids(place: &Place) -> Vec<String> {
    place.run("capsules list --format jsonl capsules").all("id")
}

#[track_caller]
fn replays(place: &Place, identical: usize) {
    let run: Run = place.run("replay --format json capsules");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(run.json()[0]["identical"], identical);
}

#[test]
fn one_message_is_erased_and_the_rest_replays() {
    let place = mail("one_message_is_erased_and_the_rest_replays", "content", "");
    let all = ids(&place);
    let dry = place.run(&format!("capsules erase --dry-run --message {} capsules", all[1]));
    assert_eq!((dry.code, ids(&place).len()), (Some(0), 4));
    assert!(dry.out.contains(&all[1]) && dry.out.contains("1 capsule would be erased"), "{}", dry.out);
    let run = place.run(&format!("capsules erase --message {} capsules", all[1].to_uppercase()));
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(ids(&place), [&all[0], &all[2], &all[3]].map(String::clone));
    replays(&place, 3);
    let text = place.run("capsules list capsules").out;
    assert!(text.contains("3 capsules, 1 erased"), "{text}");
    // Nothing is left of it; and again there is nothing to do.
    let again = place.run(&format!("capsules erase --message {} capsules", all[1]));
    assert_eq!((again.code, again.out.as_str()), (Some(0), "0 capsules erased\n"));
    // New capsules go on behind.
    place.run("scan --rules rules.toml --capsules capsules mail/a.eml");
    replays(&place, 4);
}

#[test]
fn one_person_is_erased_wherever_they_stand() {
    // The causes hold no To; facts and content do.
    for (level, left) in [("causes", 3), ("facts", 2), ("content", 2)] {
        let place = mail(&format!("one_person_is_erased_wherever_they_stand_{level}"), level, "");
        let run = place.run("capsules erase --person Bob@Example.com capsules");
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert_eq!(ids(&place).len(), left, "{level}");
        replays(&place, left);
        let bytes = fs::read(place.path("capsules/000001.xdc")).unwrap();
        assert!(!bytes.windows(16).any(|window| window == b"<bob@example.com"), "{level}");
    }
}

#[test]
fn a_person_is_found_wherever_a_message_names_them() {
    let head = "From: \"\" <>\n";
    let base64 = "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSSBhbSBib2JAZXhhbXBsZS5jb20uCg==\n";
    let nested = "Content-Type: message/rfc822\n\nTo: bob@example.com\n\nHello.\n";
    let file = "Content-Disposition: attachment; filename=\"bob@example.com.\"\n\nx\n";
    for (number, (rest, facts)) in [
        ("Authentication-Results: example.org; spf=pass smtp.mailfrom=bob@example.com\n\nx\n", true),
        ("X-Note: =?utf-8?B?Ym9iQGV4YW1wbGUuY29t?=\n\nx\n", true),
        ("Subject: “bob@example.com”\n\nx\n", true),
        ("Subject: x\n\nSee https://example.net/leave?who=bob%40example.com now\n", true),
        ("Content-Type: text/html\n\n<a href='mailto:bob@example.com'>us</a>\n", true),
        (file, true),
        (nested, false),
        (base64, false),
    ]
    .into_iter()
    .enumerate()
    {
        let place = Place::new("a_person_is_found_wherever_a_message_names_them");
        place.write("mail/a.eml", format!("{head}{rest}"));
        for (level, found) in [("causes", false), ("facts", facts), ("content", true)] {
            place.run(&format!("scan --rules rules.toml --capsules {level} --capsule-level {level} mail"));
            let run = place.run(&format!("capsules erase --dry-run --person bob@example.com {level}"));
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
            let expected = if found { "1 capsule would be erased" } else { "0 capsules would be erased" };
            assert_eq!(run.out.lines().last(), Some(expected), "{number} {level}");
        }
        for nobody in ["foo", "@", "<>", "bob@"] {
            let run = place.run(&format!("capsules erase --dry-run --person {nobody} content"));
            assert!(run.code == Some(2) && run.err.contains("expected an address"), "{nobody}: {}", run.err);
        }
    }
}

#[test]
fn an_erasure_that_was_cut_off_is_finished_in_any_segment() {
    let place = mail("an_erasure_that_was_cut_off_is_finished_in_any_segment", "content", "");
    let (first, second) = (place.path("capsules/000001.xdc"), place.path("capsules/000002.xdc"));
    let lines = place.run("capsules list --format jsonl capsules").json();
    let (begin, end) = (lines[0]["offset"].as_u64().unwrap() as usize, lines[1]["offset"].as_u64().unwrap() as usize);
    // What a crash leaves once the checksum of the erased record is written, in a segment that is not the last.
    let mut bytes = fs::read(&first).unwrap();
    let run = place.run("capsules erase --message ID capsules".replace("ID", lines[0]["id"].as_str().unwrap()).as_str());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let erased = fs::read(&first).unwrap();
    bytes[end - 4..end].copy_from_slice(&erased[end - 4..end]);
    fs::write(&first, &bytes).unwrap();
    let mut header = erased[..128].to_vec();
    header[12] = 2;
    fs::write(&second, header).unwrap();

    let args = "capsules erase --person nobody@example.com";
    let dry = place.run(&format!("{args} --dry-run capsules/000001.xdc"));
    assert!(dry.code == Some(2) && fs::read(&first).unwrap() == bytes, "{}", dry.err);
    let run = place.run(&format!("{args} capsules/000001.xdc"));
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains(&format!("finished an erasure that was begun, at offset {begin}")), "{}", run.err);
    assert!(fs::read(&first).unwrap() == erased);
}

#[test]
fn what_cannot_be_searched_is_said() {
    let place = mail("what_cannot_be_searched_is_said", "causes", "");
    let mut bytes = fs::read(place.path("capsules/000001.xdc")).unwrap();
    bytes[150] ^= 1;
    place.write("capsules/000001.xdc", bytes);
    let run = place.run("capsules erase --person carol@example.com capsules");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("offset 128") && run.err.contains("not searched"), "{}", run.err);
}

#[test]
fn people_are_found_behind_their_pseudonyms_with_the_key_alone() {
    let test = "people_are_found_behind_their_pseudonyms_with_the_key_alone";
    let place = Place::new(test);
    let key = "0123456789abcdef0123456789abcdef\n";
    let config = format!("[capsules]\npseudonym_key_file = \"{}\"\n", place.path("key").display());
    let prepare = |place: &Place| {
        place.write("key", key);
        place.write("xd.toml", &config);
    };
    prepare(&place);
    place.write("mail/a.eml", "Return-Path: <ann@example.com>\nFrom: <ann@example.com>\nSubject: prize\n\nHello.\n");
    for level in ["causes", "facts"] {
        let run = place.run(&format!("scan --rules rules.toml --config xd.toml --capsules {level} --capsule-level {level} mail"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let bytes = fs::read(place.path(&format!("{level}/000001.xdc"))).unwrap();
        assert!(!bytes.windows(3).any(|window| window == b"ann"), "{level}");
        assert_eq!(place.run(&format!("replay {level}")).code, Some(0));
        let run = place.run(&format!("capsules erase --person ann@example.com {level}"));
        assert_eq!(run.code, Some(2), "{}", run.out);
        assert!(run.err.contains("pseudonyms"), "{}", run.err);
        let run = place.run(&format!("capsules erase --config xd.toml --person ann@example.com {level}"));
        assert_eq!((run.code, run.out.lines().last()), (Some(0), Some("1 capsule erased")));
    }
    // The message names everyone.
    let run = place.run("scan --rules rules.toml --config xd.toml --capsules content --capsule-level content mail");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("cannot be pseudonymous"), "{}", run.err);
    place.write("key", "too short");
    let run = place.run("scan --rules rules.toml --config xd.toml mail");
    assert!(run.code == Some(2) && run.err.starts_with("xd.toml:2:22: ") && run.err.contains("at least 32"), "{}", run.err);
}

#[test]
fn pseudonyms_of_another_key_are_not_searched_and_that_is_said() {
    let place = Place::new("pseudonyms_of_another_key_are_not_searched_and_that_is_said");
    place.write("mail/a.eml", "Return-Path: <ann@example.com>\nFrom: <ann@example.com>\nSubject: prize\n\nHello.\n");
    for (key, secret) in [("old", "0123456789abcdef0123456789abcdef"), ("new", "fedcba9876543210fedcba9876543210")] {
        place.write(key, secret);
        let config = format!("[capsules]\npseudonym_key_file = \"{}\"\n", place.path(key).display());
        place.write(&format!("{key}.toml"), config);
        let run = place.run(&format!("scan --rules rules.toml --config {key}.toml --capsules capsules mail"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    }
    // Each key has segments of its own.
    assert!(place.path("capsules/000002.xdc").exists());
    let run = place.run("capsules erase --config new.toml --person bob@example.com capsules/000002.xdc");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let run = place.run("capsules erase --config new.toml --person ann@example.com capsules");
    assert_eq!((run.code, run.out.lines().last()), (Some(2), Some("1 capsule erased")));
    assert!(run.err.starts_with("xd: 1 capsule not searched: pseudonyms of another key"), "{}", run.err);
    let run = place.run("capsules erase --config old.toml --person ann@example.com capsules");
    assert_eq!((run.code, run.out.lines().last(), run.err.as_str()), (Some(0), Some("1 capsule erased"), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let place = Place::new("a_full_disk_is_a_failure");
    for index in 0..40 {
        place.write(&format!("mail/{index}.eml"), format!("{}{}\n", message("prize"), noise(index)));
    }
    // Files may not grow beyond 64 KiB; without its signal, that is an error like a full disk.
    let script = "trap '' 25; ulimit -f 128; exec \"$0\" scan --rules rules.toml --format jsonl --capsules capsules --capsule-level content mail";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_xd")]).current_dir(place.path(""));
    let run = Run::from(command.output().unwrap());
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("cannot write capsules/000001.xdc: file too large"), "{}", run.err);
    // What stands there is whole up to its end.
    let run = place.run("capsules list capsules");
    assert!(!run.err.contains("damaged records"), "{}", run.err);
}

/// Text that does not compress.
fn noise(seed: u64) -> String {
    let mut state = seed + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 40) as u8 % 94)
    };
    (0..200).map(|_| (0..70).map(|_| next()).collect::<String>() + "\n").collect()
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_file_that_can_be_read() {
    let place = Place::new("an_interrupt_leaves_a_file_that_can_be_read");
    for index in 0..3_000 {
        place.write(&format!("mail/{index}.eml"), message("prize"));
    }
    let mut command = place.command("scan --rules rules.toml --format jsonl --capsules capsules mail -");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Standard input stays open: the scan cannot end by itself.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"Subject: x\n").unwrap();
    while !place.path("capsules/000001.xdc").exists() {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(input);
    let run = place.run("replay --format json capsules");
    let value = &run.json()[0];
    assert!(value["damaged"].as_u64().unwrap() <= 1, "{}", run.err);
    assert_eq!(value["identical"], value["replayed"]);
}
