//! `xd scan`: what it reads, in which order, and what it says of each message.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use support::{Place, Run, message};

const JSONL: &str = "scan --rules rules.toml --format jsonl";

fn hundredths(score: &serde_json::Value) -> i64 {
    let text = score.as_str().unwrap();
    assert!(text.rsplit_once('.').unwrap().1.len() == 2, "{text}");
    text.replace('.', "").parse().unwrap()
}

#[test]
fn a_line_has_its_keys_in_order() {
    let place = Place::new("a_line_has_its_keys_in_order");
    place.message("a.eml", "a prize and a watch");
    let run = place.run(&format!("{JSONL} a.eml"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let keys = ["path", "sha256", "class", "spam_class", "score", "low", "high", "decided", "findings", "defects", "engine"];
    let places: Vec<usize> = keys.iter().map(|key| run.out.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{}", run.out);
    assert!(run.out.contains(
        "\"findings\":[{\"rule\":\"prize\",\"score\":\"3.00\",\"why\":\"the subject promises a prize\"},\
         {\"rule\":\"watch\",\"score\":\"2.50\",\"why\":\"the subject offers watches\"}]"
    ));
    let line = &run.json()[0];
    assert_eq!(line["class"], "spam");
    assert_eq!(line["score"], "5.50");
    assert_eq!(line["decided"], true);
    let digest = Sha256::digest(message("a prize and a watch"));
    assert_eq!(line["sha256"], digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(line["engine"].as_str().unwrap().len(), 64);
}

#[test]
fn findings_add_up_to_the_score() {
    let place = Place::new("findings_add_up_to_the_score");
    for (index, subject) in ["", "prize", "prize watch", "minutes", "prize minutes watch"].iter().enumerate() {
        place.message(&format!("mail/{index}.eml"), subject);
    }
    let run = place.run(&format!("{JSONL} mail"));
    for line in run.json() {
        let sum: i64 = line["findings"].as_array().unwrap().iter().map(|finding| hundredths(&finding["score"])).sum();
        assert_eq!(sum, hundredths(&line["score"]), "{line}");
        assert!(hundredths(&line["low"]) <= sum && sum <= hundredths(&line["high"]), "{line}");
    }
    assert_eq!(run.all("score"), ["0.00", "3.00", "5.50", "-1.00", "4.50"]);
}

#[test]
fn a_file_of_outlook_is_the_message_in_it() {
    let place = Place::new("a_file_of_outlook_is_the_message_in_it");
    place.write("mail.msg", include_bytes!("support/prize.msg"));
    let run = place.run(&format!("{JSONL} mail.msg"));
    assert_eq!(run.all("score"), ["3.00"]);
    let run = place.run("explain --rules rules.toml mail.msg");
    assert!(run.out.contains("prize"), "{}", run.out);
}

#[test]
fn jobs_do_not_change_a_byte() {
    let place = Place::new("jobs_do_not_change_a_byte");
    let mut mbox = String::new();
    for index in 0..600 {
        let subject = ["prize", "watch", "minutes of a prize", "nothing"][index % 4];
        let long = "x".repeat(index * 37 % 9000);
        let text = format!("{}{long}\n", message(subject));
        if index % 3 == 0 {
            mbox.push_str(&format!("From x\n{text}\n"));
        } else {
            place.write(&format!("mail/{}/{index}.eml", index % 7), text);
        }
    }
    place.write("mail/box.mbox", mbox);
    for format in ["jsonl", "text"] {
        let runs = ["1", "4", "9"]
            .map(|jobs| place.run(&format!("scan --rules rules.toml --format {format} --jobs {jobs} mail missing.eml mail/1")));
        assert_eq!(runs[0].out.lines().count(), if format == "text" { 600 + 58 + 3 } else { 600 + 58 }, "{format}");
        for run in &runs {
            assert_eq!(run.out, runs[0].out);
            assert_eq!(run.err, runs[0].err);
            assert_eq!(run.code, Some(2));
        }
    }
}

#[test]
fn directories_are_walked_in_the_order_of_paths() {
    let place = Place::new("directories_are_walked_in_the_order_of_paths");
    for path in ["m/a/x", "m/a-b", "m/a.eml", "m/B", "m/a/c/y", "m/ä", "m/.hidden", "m/.git/z", "m/README.md"] {
        place.message(path, "");
    }
    let run = place.run(&format!("{JSONL} m"));
    assert_eq!(run.all("path"), ["m/B", "m/README.md", "m/a-b", "m/a.eml", "m/a/c/y", "m/a/x", "m/ä"]);
    let run = place.run(&format!("{JSONL} m/a/ ./m/.hidden"));
    assert_eq!(run.all("path"), ["m/a/c/y", "m/a/x", "./m/.hidden"]);
}

#[cfg(unix)]
#[test]
fn links_to_directories_are_not_followed_and_links_to_files_are() {
    let place = Place::new("links_to_directories_are_not_followed_and_links_to_files_are");
    place.message("m/a.eml", "");
    std::os::unix::fs::symlink(place.path("m"), place.path("m/loop")).unwrap();
    std::os::unix::fs::symlink(place.path("m/a.eml"), place.path("m/b.eml")).unwrap();
    let run = place.run(&format!("{JSONL} m"));
    assert_eq!(run.all("path"), ["m/a.eml", "m/b.eml"]);
    std::os::unix::fs::symlink(place.path("gone"), place.path("m/c.eml")).unwrap();
    let run = place.run(&format!("{JSONL} m"));
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: m/c.eml: no such file or directory\n"));
    // The argument itself may be a link.
    std::os::unix::fs::symlink(place.path("m"), place.path("linked")).unwrap();
    assert_eq!(place.run(&format!("{JSONL} linked")).all("path").len(), 2);
}

#[test]
fn messages_of_a_mailbox_are_numbered() {
    let place = Place::new("messages_of_a_mailbox_are_numbered");
    let one = message("one").replace("Hello.\n", ">From here\nFrom there\n");
    place.write("in.mbox", format!("From a\n{one}\nFrom b\n{}\nFrom c\n{}", message("prize"), message("watch")));
    let run = place.run(&format!("{JSONL} in.mbox"));
    assert_eq!(run.all("path"), ["in.mbox#1", "in.mbox#2", "in.mbox#3"]);
    assert_eq!(run.all("score"), ["0.00", "3.00", "2.50"]);
    let digest = Sha256::digest(one.replace(">From", "From"));
    assert_eq!(run.all("sha256")[0], digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let single = place.run(&format!("{JSONL} in.mbox#2"));
    assert_eq!(single.out.trim_end(), run.out.lines().nth(1).unwrap());
    let missing = place.run(&format!("{JSONL} in.mbox#4 in.mbox#0"));
    assert_eq!(missing.code, Some(2));
    assert!(
        missing.err.starts_with("xd: in.mbox#4: there are only 3 messages in it\nxd: in.mbox#0: no such file"),
        "{}",
        missing.err
    );
}

#[test]
fn standard_input_is_a_message_or_a_mailbox() {
    let place = Place::new("standard_input_is_a_message_or_a_mailbox");
    let run = place.run_with(&format!("{JSONL} -"), message("prize").as_bytes());
    assert_eq!((run.all("path"), run.all("score")), (vec!["-".to_owned()], vec!["3.00".to_owned()]));
    let mbox = format!("From x\n{}\nFrom y\n{}", message("a"), message("watch"));
    let run = place.run_with(&format!("{JSONL} -"), mbox.as_bytes());
    assert_eq!((run.all("path"), run.all("score")), (vec!["-#1".into(), "-#2".into()], vec!["0.00".into(), "2.50".into()]));
}

#[test]
fn standard_input_may_come_piece_by_piece() {
    let place = Place::new("standard_input_may_come_piece_by_piece");
    let mbox = format!("From x\n{}{}\n\nFrom y\n{}", message("watch"), "x".repeat(700_000), message("prize"));
    let letter = format!("{}{}", message("prize"), "x".repeat(700_000));
    for (input, scores) in [(mbox, vec!["2.50", "3.00"]), (letter, vec!["3.00"])] {
        let mut command = place.command(&format!("{JSONL} -"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let (first, rest) = input.as_bytes().split_at(2);
        for piece in [first].into_iter().chain(rest.chunks(100_001)) {
            pipe.write_all(piece).unwrap();
        }
        drop(pipe);
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.all("score"), run.err.as_str()), (scores.iter().map(ToString::to_string).collect(), ""));
    }
}

#[test]
fn an_empty_file_gets_a_verdict_with_defects() {
    let place = Place::new("an_empty_file_gets_a_verdict_with_defects");
    place.write("empty", "");
    let run = place.run(&format!("{JSONL} empty"));
    assert_eq!(run.code, Some(0));
    let line = &run.json()[0];
    assert_eq!(line["class"], "clean");
    assert!(line["defects"].as_array().unwrap().contains(&"empty-message".into()), "{line}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_judged() {
    let place = Place::new("what_cannot_be_read_is_named_and_the_rest_judged");
    place.message("a.eml", "");
    place.message("c.eml", "");
    let run = place.run(&format!("{JSONL} a.eml b.eml c.eml"));
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: b.eml: no such file or directory\n"));
    assert_eq!(run.all("path"), ["a.eml", "c.eml"]);
}

#[test]
fn a_message_over_the_limit_is_refused_with_its_size() {
    let place = Place::new("a_message_over_the_limit_is_refused_with_its_size");
    place.write("xd.toml", "[limits]\nmessage_bytes = 100\n");
    let text = |length: usize| format!("{}{}", message("prize"), "x".repeat(length - message("prize").len()));
    place.write("m/fits", text(100));
    place.write("m/over", text(101));
    place.write("m/z.mbox", format!("From x\n{}\n\nFrom y\n{}\n\nFrom z\n{}", text(99), text(300), text(100)));
    let run = place.run(&format!("{JSONL} --config xd.toml m"));
    assert_eq!(run.code, Some(2));
    assert_eq!(run.all("path"), ["m/fits", "m/z.mbox#1", "m/z.mbox#3"]);
    let errors: Vec<&str> = run.err.lines().collect();
    assert!(errors[0].starts_with("xd: m/over: 101 bytes are over the limit of 100"), "{}", run.err);
    assert!(errors[1].starts_with("xd: m/z.mbox#2: 301 bytes are over"), "{}", run.err);
    let run = place.run_with(&format!("{JSONL} --config xd.toml -"), text(70_000).as_bytes());
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.starts_with("xd: -: 70000 bytes are over"), "{}", run.err);
}

#[test]
fn nothing_runs_with_a_broken_rule_file() {
    let place = Place::new("nothing_runs_with_a_broken_rule_file");
    place.message("a.eml", "");
    place.write("bad/x.toml", "family = \"t\"\n[[rule]]\nid = 7\n");
    let run = place.run("scan --rules rules.toml --rules bad a.eml");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.starts_with("bad/x.toml:3:6: "), "{}", run.err);
    place.write("bad/x.toml", [b"a = 1\nb = \"".as_slice(), &[0xff]].concat());
    assert!(place.run("scan --rules bad a.eml").err.starts_with("bad/x.toml:2:6: expected UTF-8"));
    let run = place.run("scan --rules none a.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: none: no such file or directory\n"));
    fs::create_dir(place.path("empty")).unwrap();
    assert!(place.run("scan --rules empty a.eml").err.contains("no rule files"));
}

#[test]
fn nothing_runs_with_a_broken_configuration() {
    let place = Place::new("nothing_runs_with_a_broken_configuration");
    place.message("a.eml", "");
    for (text, expected) in [
        ("treshold = 1\n", "xd.toml:1:1: unknown field `treshold`"),
        ("[rules]\ndisable = [\"prize\", \"nope\"]\n", "xd.toml:2:21: there is no rule \"nope\""),
        ("thresholds = { spam = \"20.00\" }\n", "xd.toml:1:14: the threshold for spam"),
    ] {
        place.write("xd.toml", text);
        let run = place.run(&format!("{JSONL} --config xd.toml a.eml"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(run.err.starts_with(expected), "{}", run.err);
    }
}

#[test]
fn the_configuration_changes_scores_and_thresholds() {
    let place = Place::new("the_configuration_changes_scores_and_thresholds");
    place.message("a.eml", "prize watch minutes");
    place.write(
        "xd.toml",
        "thresholds = { spam = \"1.00\", surespam = \"4.00\" }\n\
         [rules]\ndisable = [\"minutes\"]\n[rules.scores]\n\"watch\" = \"1.25\"\n",
    );
    let run = place.run(&format!("{JSONL} --config xd.toml a.eml"));
    assert_eq!((run.all("score"), run.all("class")), (vec!["4.25".to_owned()], vec!["surespam".to_owned()]));
}

#[test]
fn the_documented_configuration_is_one() {
    let place = Place::new("the_documented_configuration_is_one");
    place.message("a.eml", "");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
    let (_, block) = page.rsplit_once("```toml\n").unwrap();
    place.write("xd.toml", block.split("```").next().unwrap());
    let run = place.run("scan --config xd.toml --format jsonl a.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

#[test]
fn a_model_or_number_of_jobs_that_does_not_exist_is_refused() {
    let place = Place::new("a_model_or_number_of_jobs_that_does_not_exist_is_refused");
    place.message("a.eml", "");
    for options in ["--model best", "--jobs 0", "--jobs 1025", "--format xml", "--rulez x"] {
        let run = place.run(&format!("{JSONL} {options} a.eml"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{options}");
    }
    assert_eq!(place.run(&format!("{JSONL} --model none --jobs 1024 a.eml")).code, Some(0));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let place = Place::new("a_reader_that_leaves_is_no_failure");
    let mbox: String = (0..5_000).map(|_| format!("From x\n{}\n", message("prize"))).collect();
    place.write("in.mbox", mbox);
    for jobs in ["1", "3"] {
        let mut command = place.command(&format!("{JSONL} --jobs {jobs} in.mbox"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0; 10]).unwrap();
        drop(output);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    }
}

#[test]
fn the_table_is_as_wide_as_it_says() {
    let place = Place::new("the_table_is_as_wide_as_it_says");
    place.message("a.eml", "prize watch minutes");
    place.message(&format!("{}/b.eml", "long-directory-name/".repeat(6)), "watch prize");
    place.write("empty", "");
    let run = place.run("scan --rules rules.toml a.eml long-directory-name empty gone");
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].starts_with("class       score  path  "), "{}", run.out);
    assert!(lines[1].starts_with("clean        4.50  a.eml  "), "{}", run.out);
    assert!(lines[1].contains("  the subject promises a prize; the subject"), "{}", run.out);
    assert!(lines[1].ends_with("watches") || lines[1].ends_with('…'), "{}", run.out);
    assert!(lines[2].contains("  …/long-directory-name/long-directory-name/b.eml  "), "{}", run.out);
    let why: Vec<usize> = ["why", "the", "the"].iter().zip(&lines).map(|(word, line)| line.find(word).unwrap()).collect();
    // The second path is cut, and `…` has three bytes.
    assert_eq!((why[0], why[1]), (why[1], why[2] - 2), "{}", run.out);
    assert_eq!(lines.last(), Some(&"3 messages: 2 clean, 1 spam, 3 with defects, 1 not read"));
    assert!(lines.iter().all(|line| line.chars().count() <= 120), "{}", run.out);
    assert!(!run.out.contains('\x1b'));
}

#[test]
fn the_table_names_the_directory_once() {
    let place = Place::new("the_table_names_the_directory_once");
    place.message("mail/in/1.eml", "prize");
    place.message("mail/in/a-longer-name.eml", "");
    place.message("mail/out.eml", "watch");
    let run = place.run("scan --rules rules.toml mail");
    let expected = "class       score  mail/                 why\n\
                    clean        3.00  in/1.eml              the subject promises a prize\n\
                    clean        0.00  in/a-longer-name.eml\n\
                    clean        2.50  out.eml               the subject offers watches\n\n\
                    3 messages: 3 clean, 3 with defects\n";
    assert_eq!(run.out, expected);
    let run = place.run("scan --rules rules.toml mail/in/ mail/out.eml");
    assert_eq!(run.out, expected);
    let run = place.run("scan --rules rules.toml mail/out.eml");
    assert!(run.out.contains("  mail/         why\nclean        2.50  out.eml       the subject"), "{}", run.out);
    // Everything else names the whole path.
    assert!(place.run("scan --rules rules.toml mail/in mail/gone").err.starts_with("xd: mail/gone: "));
}

#[test]
fn the_table_shows_bounds_that_are_open() {
    let place = Place::new("the_table_shows_bounds_that_are_open");
    let open = "[[rule]]\nid = \"odd\"\nscore = \"2.00\"\nwhy = \"odd\"\nwhen = { in = \"evidence.spf\", equals = [\"fail\"] }\n";
    place.write("rules.toml", format!("{}{open}", support::RULES));
    place.message("a.eml", "prize");
    let run = place.run("scan --rules rules.toml a.eml");
    assert!(run.out.contains("clean        3.00  a.eml         [3.00, 5.00]  the subject promises"), "{}{}", run.out, run.err);
}

#[cfg(unix)]
#[test]
fn names_and_content_cannot_drive_the_terminal() {
    let place = Place::new("names_and_content_cannot_drive_the_terminal");
    let name = "m/\x1b[2J\u{9b}31m\u{202e}evil\n.eml";
    place.message(name, "prize \x1b]0;title\x07 \u{202e}");
    place.message("m/mail\u{200b}.eml", "");
    std::os::unix::fs::symlink("gone", place.path("m/\x1b[1mgone")).unwrap();
    for command in [
        "scan --rules rules.toml m",
        "explain --rules rules.toml m",
        "explain --rules rules.toml --format json m",
        &format!("{JSONL} m"),
    ] {
        let run = place.run(command);
        for text in [&run.out, &run.err] {
            let bad = text.chars().find(|&c| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c)));
            assert_eq!(bad, None, "{command}: {text:?}");
        }
    }
    // A reader of JSON still gets the name as it is.
    assert!(place.run(&format!("{JSONL} m")).all("path").contains(&name.to_owned()));
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf8_are_shown_as_far_as_they_can_be() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new("paths_that_are_not_utf8_are_shown_as_far_as_they_can_be");
    fs::create_dir(place.path("m")).unwrap();
    fs::write(place.path("m").join(std::ffi::OsStr::from_bytes(b"a\xff.eml")), message("prize")).unwrap();
    let run = place.run(&format!("{JSONL} m"));
    assert_eq!((run.all("path"), run.all("score")), (vec!["m/a\u{fffd}.eml".to_owned()], vec!["3.00".to_owned()]));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_after_whole_lines() {
    let place = Place::new("an_interrupt_ends_after_whole_lines");
    let mbox: String = (0..50_000).map(|_| format!("From x\n{}\n", message("prize"))).collect();
    place.write("in.mbox", mbox);
    let mut command = place.command(&format!("{JSONL} --jobs 2 in.mbox"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut text = vec![0; 1000];
    output.read_exact(&mut text).unwrap();
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    output.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with("}\n"));
    assert!(text.lines().count() < 50_000);
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_wait_for_input() {
    let place = Place::new("an_interrupt_ends_a_wait_for_input");
    let mut child = place.command(&format!("{JSONL} -")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Held open: `wait` would close it and so end the wait for input by itself.
    let held = child.stdin.take();
    // Nothing tells when it waits; an interrupt before that finds no handler and ends it, too.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let code = child.wait().unwrap().code();
    drop(held);
    assert!(matches!(code, Some(130) | None), "{code:?}");
}
