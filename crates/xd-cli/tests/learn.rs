//! `xd learn`, and judging with what was learned.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use support::Place;
use xd_core::Timestamp;
use xd_core::classify::{Delta, Features, Label};

/// Newsletters that the rule `prize` takes for spam, and mail that is like none of them.
fn place(test: &str) -> Place {
    let place = Place::new(test);
    let names = ["ant", "bee", "cow", "dog", "eel", "fox", "gnu", "hen"];
    for (index, name) in names.iter().enumerate() {
        let text =
            format!("This month in the garden club: pruning the {name} roses, the summer prize, and dates for your diary.");
        place.write(
            &format!("news/{index}.eml"),
            format!("From: Garden Club <news@example.org>\nSubject: Prize roses, {name}\n\n{text}\n"),
        );
    }
    let text = "Dear customer, confirm your bank details at once or lose your account for good.";
    place.write("phish.eml", format!("From: Bank desk <x@example.net>\nTo: a@example.com\nSubject: Your account\nMIME-Version: 1.0\nContent-Type: text/html\n\n<b>{text}</b>\n"));
    place
}

const SCAN: &str = "scan --rules rules.toml --format jsonl";

/// The points of what was learned.
fn learned(place: &Place, path: &str) -> f64 {
    let run = place.run(&format!("{SCAN} --delta own.xdl {path}"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let line = run.json().remove(0);
    let findings = line["findings"].as_array().unwrap().clone();
    let of = findings.iter().find(|finding| finding["rule"] == "learned");
    of.map_or(0.0, |finding| finding["score"].as_str().unwrap().parse().unwrap())
}

#[test]
fn what_is_learned_moves_like_messages_and_no_others() {
    let place = place("what_is_learned_moves_like_messages_and_no_others");
    let run = place.run("learn ham --delta own.xdl news/0.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(run.out, "1 message learned as ham\nown.xdl: 1 learned as ham, 0 as spam\n");
    let one = learned(&place, "news/7.eml");
    assert!((-1.0..0.0).contains(&one), "{one}");
    let rest = "news/1.eml news/2.eml news/3.eml news/4.eml news/5.eml";
    let run = place.run(&format!("learn ham --delta own.xdl {rest} news/0.eml"));
    assert_eq!(run.out, "6 messages learned as ham, 1 of them known as such\nown.xdl: 6 learned as ham, 0 as spam\n");
    let several = learned(&place, "news/7.eml");
    assert!((-3.0..one).contains(&several), "{several}");
    assert_eq!(learned(&place, "phish.eml"), 0.0);
    let run = place.run("learn spam --delta own.xdl --jobs 1 news");
    assert_eq!(run.out, "8 messages learned as spam, 6 instead of ham\nown.xdl: 0 learned as ham, 8 as spam\n");
    assert!(learned(&place, "news/7.eml") > 1.5);
    let run = place.run("learn forget --delta own.xdl news");
    assert_eq!(run.out, "8 messages forgotten\nown.xdl: 0 learned as ham, 0 as spam\n");
    assert!(learned(&place, "news/7.eml").abs() < 0.01);
}

#[test]
fn the_order_does_not_matter_and_files_merge() {
    let place = place("the_order_does_not_matter_and_files_merge");
    for command in ["ham --delta a.xdl news/0.eml", "ham --delta b.xdl news/1.eml", "spam --delta b.xdl phish.eml"] {
        assert_eq!(place.run(&format!("learn {command}")).code, Some(0));
    }
    for (out, files) in [("ab.xdl", "a.xdl b.xdl"), ("ba.xdl", "b.xdl a.xdl b.xdl")] {
        let run = place.run(&format!("learn merge --delta {out} {files}"));
        assert!(run.out.contains("3 messages more") || run.out.contains("3 more"), "{}", run.out);
    }
    let bytes = |file: &str| std::fs::read(place.path(file)).unwrap();
    assert_eq!(bytes("ab.xdl"), bytes("ba.xdl"));
    let lines = |options: &str| place.run(&format!("{SCAN} {options} news phish.eml")).out;
    assert_eq!(lines("--delta a.xdl --delta b.xdl"), lines("--delta ab.xdl"));
    assert_ne!(lines("--delta ab.xdl"), lines(""));
}

#[test]
fn it_is_explained_recorded_and_replayed() {
    let place = place("it_is_explained_recorded_and_replayed");
    assert_eq!(place.run("learn ham --delta own.xdl news/0.eml news/1.eml news/2.eml").code, Some(0));
    let scan = place.run(&format!("{SCAN} --delta own.xdl --capsules caps news"));
    assert_eq!(scan.code, Some(0));
    std::fs::remove_file(place.path("own.xdl")).unwrap();
    let replayed = place.run("replay --format json caps");
    assert_eq!((replayed.code, &replayed.json()[0]["identical"]), (Some(0), &8.into()));
    let scores = scan.all("score");
    let explained = place.run("explain --format json caps").json();
    for (line, score) in explained.iter().zip(scores) {
        assert_eq!((line["score"].as_str().unwrap(), &line["learned"]["ham"]), (score.as_str(), &3.into()));
    }
    let text = place.run("explain caps/000001.xdc#4").out;
    assert!(text.contains("messages like it were learned as wanted  (learned)"), "{text}");
    assert!(text.contains("like 3 messages learned as wanted and 0 as spam, of 3 in delta "), "{text}");
    // What-ifs keep what was recorded.
    place.write("more.toml", support::RULES.replace("3.00", "9.00"));
    let what_if = place.run("replay --format json --rules more.toml caps").out;
    let what_if: serde_json::Value = serde_json::from_str(&what_if).unwrap();
    let change = &what_if["changes"][0];
    assert_eq!((&change["rules"][0], change["rules"].as_array().unwrap().len()), (&"prize".into(), 1));
}

#[test]
fn a_configuration_names_what_was_learned() {
    let place = place("a_configuration_names_what_was_learned");
    assert_eq!(place.run("learn merge --delta empty.xdl").code, Some(0));
    assert_eq!(place.run("learn ham --delta own.xdl news/0.eml").code, Some(0));
    let lines = |options: &str| place.run(&format!("{SCAN} {options} news")).out;
    place.write("xd.toml", "[rules]\ndelta = \"own.xdl\"\n");
    assert_eq!(lines("--config xd.toml"), lines("--delta own.xdl"));
    assert_eq!(lines("--config xd.toml --delta empty.xdl"), lines(""));
    place.write("off.toml", "[rules]\ndelta = \"own.xdl\"\ndisable = [\"learned\"]\n");
    assert_eq!(lines("--config off.toml"), lines(""));
    place.write("gone.toml", "[rules]\ndelta = \"gone.xdl\"\n");
    let run = place.run("scan --config gone.toml news");
    assert!(run.code == Some(2) && run.err.contains("gone.toml:2:9: gone.xdl: no such file"), "{}", run.err);
    place.write("score.toml", "[rules.scores]\nlearned = \"1.00\"\n");
    let run = place.run("scan --config score.toml news");
    assert!(run.code == Some(2) && run.err.contains("score.toml:2:1: the points of what was learned"), "{}", run.err);
}

#[test]
fn what_is_damaged_is_named_and_stays_as_it_is() {
    let place = place("what_is_damaged_is_named_and_stays_as_it_is");
    assert_eq!(place.run("learn ham --delta own.xdl news").code, Some(0));
    let whole = std::fs::read(place.path("own.xdl")).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    let mut other = whole.clone();
    other[12] = 9;
    for (bytes, why) in [
        (&whole[..whole.len() - 9], "is damaged: the checksum at the end"),
        (&whole[..10], "ends in the middle, at byte 10"),
        (&flipped, "is damaged: the checksum at the end"),
        (&other, "is of feature version 9 with 20 bits"),
        (b"From: a@example.com\n", "this is nothing that was learned"),
    ] {
        place.write("own.xdl", bytes);
        for command in
            ["scan --delta own.xdl news", "learn ham --delta own.xdl news/1.eml", "learn merge --delta new.xdl own.xdl"]
        {
            let run = place.run(command);
            assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{command}");
            assert!(run.err.contains("own.xdl: ") && run.err.contains(why), "{command}: {}", run.err);
        }
        assert_eq!(std::fs::read(place.path("own.xdl")).unwrap(), bytes);
    }
    std::fs::File::create(place.path("own.xdl")).unwrap().set_len((32 << 20) + 1).unwrap();
    let run = place.run("scan --delta own.xdl news");
    assert!(run.code == Some(2) && run.err.contains("own.xdl: it has more than 32 MiB"), "{}", run.err);
    assert!(!place.path("new.xdl").exists());
}

#[test]
fn what_is_not_there_is_said() {
    let place = place("what_is_not_there_is_said");
    let run = place.run("scan --delta own.xdl news");
    assert!(run.code == Some(2) && run.err.contains("own.xdl: no such file"), "{}", run.err);
    let run = place.run("learn forget --delta own.xdl news");
    assert!(run.code == Some(2) && run.err.contains("own.xdl: no such file, nothing was learned"), "{}", run.err);
    let run = place.run("learn ham --delta own.xdl news/0.eml gone.eml");
    assert!(run.code == Some(2) && run.err.contains("gone.eml: no such file"), "{}", run.err);
    assert!(run.out.contains("1 learned as ham"), "{}", run.out);
    let sha256 = place.run(&format!("{SCAN} news/0.eml")).all("sha256").remove(0);
    let run = place.run(&format!("learn forget --delta own.xdl --message {sha256} news/1.eml"));
    assert_eq!((run.code, run.out.lines().next().unwrap()), (Some(0), "1 message forgotten, 1 message had not been learned"));
}

/// A file of lessons of these moments, each of another message.
fn dated(place: &Place, name: &str, moments: impl Iterator<Item = i64>) {
    let mut delta = Delta::default();
    for (number, moment) in (0_u64..).zip(moments) {
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&number.to_le_bytes());
        delta.learn(sha256, Label::Ham, Timestamp::from_unix(moment), &Features::default());
    }
    place.write(name, delta.to_bytes());
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().try_into().unwrap()
}

#[test]
fn lessons_of_the_far_future_are_named_and_can_be_forgotten() {
    let place = place("lessons_of_the_far_future_are_named_and_can_be_forgotten");
    dated(&place, "late.xdl", std::iter::once(i64::MAX));
    for command in ["ham --delta late.xdl news/0.eml", "merge --delta own.xdl late.xdl", "merge --delta late.xdl"] {
        let run = place.run(&format!("learn {command}"));
        let sha256 = "0".repeat(64);
        assert!(run.code == Some(2) && run.err.contains(&format!("late.xdl: message {sha256} is dated")), "{}", run.err);
    }
    assert!(!place.path("own.xdl").exists());
    assert_eq!(place.run(&format!("learn forget --delta late.xdl --message {}", "0".repeat(64))).code, Some(0));
    assert_eq!(place.run("learn ham --delta late.xdl news/0.eml").code, Some(0));
    // An hour ahead is no reason to refuse; each correction counts, however many follow in one second.
    dated(&place, "ahead.xdl", std::iter::once(now() + 60 * 60));
    assert_eq!(place.run("learn merge --delta own.xdl ahead.xdl").code, Some(0));
    for (label, ham, spam) in [("ham", 2, 0), ("spam", 1, 1), ("ham", 2, 0), ("spam", 1, 1)] {
        let run = place.run(&format!("learn {label} --delta own.xdl news/0.eml"));
        assert!(run.out.ends_with(&format!("own.xdl: {ham} learned as ham, {spam} as spam\n")), "{}", run.out);
    }
}

#[test]
fn what_gives_way_is_counted_and_too_many_at_once_are_refused() {
    let place = place("what_gives_way_is_counted_and_too_many_at_once_are_refused");
    let now = now();
    dated(&place, "own.xdl", (0..1_995).map(|number| now - 3_000 + number));
    let run = place.run("learn ham --delta own.xdl news");
    assert!(
        run.out.ends_with("2000 learned as ham, 0 as spam; 3 messages gave way, the oldest: 2000 is the most\n"),
        "{}",
        run.out
    );
    // The first two expired long ago, so they take nobody's place.
    dated(&place, "other.xdl", (0..2).map(|number| number + 9));
    let run = place.run("learn merge --delta own.xdl other.xdl");
    assert!(run.out.contains("; 2 messages expired; 2000 is the most, older ones give way"), "{}", run.out);
    let before = std::fs::read(place.path("own.xdl")).unwrap();
    for number in 0..2_001 {
        place.write(&format!("many/{number}.eml"), format!("Subject: {number}\n\n"));
    }
    let run = place.run("learn spam --delta own.xdl many");
    assert!(run.code == Some(2) && run.err.contains("2001 messages are more than are kept, 2000 is the most"), "{}", run.err);
    assert_eq!(std::fs::read(place.path("own.xdl")).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn the_file_keeps_its_readers() {
    use std::os::unix::fs::PermissionsExt;

    let place = place("the_file_keeps_its_readers");
    let mode = || std::fs::metadata(place.path("own.xdl")).unwrap().permissions().mode() & 0o777;
    assert_eq!(place.run("learn ham --delta own.xdl news/0.eml").code, Some(0));
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(place.path("own.xdl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(place.path("own.xdl"), place.path("link.xdl")).unwrap();
    assert_eq!(place.run("learn ham --delta link.xdl news/1.eml").code, Some(0));
    assert_eq!(mode(), 0o640);
    assert!(place.run("learn merge --delta own.xdl").out.contains("own.xdl: 2 learned as ham"));
    assert!(!place.path("link.xdl.lock").exists());
}

#[test]
fn several_who_learn_at_once_lose_nothing() {
    let place = place("several_who_learn_at_once_lose_nothing");
    let children: Vec<_> = (0..8)
        .map(|index| {
            place
                .command(&format!("learn ham --delta own.xdl news/{index}.eml"))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let run = place.run("learn merge --delta own.xdl");
    assert!(run.out.contains("own.xdl: 8 learned as ham, 0 as spam"), "{}", run.out);
    assert!(!place.path("own.xdl.part").exists());
}
