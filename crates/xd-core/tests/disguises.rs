//! A program is found whatever it calls itself and whatever it stands in; so is the test file for antivirus programs.

#![allow(clippy::unwrap_used, reason = "what a test made is as it made it")]

mod made;

use made::File;
use xd_core::{Class, Engine, Limits, Message, Sign, evidence, judge};

const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0";

type Wrap = fn(&File) -> File;

/// Each way to wrap a file, with its name.
const CONTAINERS: [(&str, Wrap); 7] = [
    ("a part", Clone::clone),
    ("a message in base64", made::nested),
    ("zip", made::zip),
    ("tar.gz", made::tar_gz),
    ("TNEF", made::tnef),
    ("a document of Word", made::docx),
    ("RTF", made::rtf),
];

/// Disguises, and whether a reader of names alone sees through them wherever they stand.
fn disguises() -> Vec<(&'static str, File, bool)> {
    const BYTES: &str = "application/octet-stream";
    let named = |name: &str| File::new(name, BYTES, PROGRAM);
    let encoded = |parameters: &str| File { parameters: Some(parameters.to_owned()), ..named("setup.exe") };
    vec![
        ("none", named("setup.exe"), true),
        ("another ending", File::new("notes.txt", "text/plain", PROGRAM), false),
        ("a second ending", named("invoice.pdf.exe"), true),
        ("a dot and a blank behind", named("setup.exe. "), true),
        ("writing that turns", named("invoice\u{202E}fdp.exe"), true),
        ("a name by RFC 2231", encoded("filename*0*=utf-8''set%75p%2E; filename*1*=e%78e"), true),
        ("a name in encoded words", encoded("filename=\"=?utf-8?B?c2V0dXAuZXhl?=\""), true),
        ("declared a picture, without a name", File::new("", "image/png", PROGRAM), false),
        ("capitals behind blanks", named("Holiday.jpg                              .SCR"), true),
    ]
}

fn judged(engine: &Engine, raw: &[u8]) -> (bool, Class, Vec<String>) {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let judgement = judge(engine, &envelope, &message, &evidence);
    let verdict = judgement.verdict();
    let rules = verdict.findings.iter().map(|finding| finding.rule.to_owned()).collect();
    (message.signs().contains(Sign::Executable), verdict.class, rules)
}

#[test]
fn programs_are_found_in_every_disguise_and_container() {
    let engine = Engine::builtin().unwrap();
    for (disguise, file, by_name) in disguises() {
        for (container, wrap) in CONTAINERS {
            // Bytes that show nothing: the name alone makes a system run them.
            let unknown = File { bytes: b"\x01\x02\x03\x04".to_vec(), ..file.clone() };
            for file in [Some(file.clone()), by_name.then_some(unknown)].into_iter().flatten() {
                let (found, _, rules) = judged(&engine, &made::message(&wrap(&file)));
                assert!(found, "{disguise} in {container}: {:?}", file.bytes);
                assert!(rules.iter().any(|rule| rule == "program-attached"), "{disguise} in {container}: {rules:?}");
                let is_inside = !matches!(container, "a part" | "a message in base64");
                let says_inside = rules.iter().any(|rule| rule == "program-inside-file");
                assert_eq!(says_inside, is_inside, "{disguise} in {container}: {rules:?}");
            }
        }
    }
}

#[test]
fn programs_are_found_in_containers_within_containers() {
    let engine = Engine::builtin().unwrap();
    let file = File::new("holiday.jpg", "image/jpeg", PROGRAM);
    for (outer, wrap_outer) in CONTAINERS {
        for (inner, wrap_inner) in CONTAINERS {
            let (found, ..) = judged(&engine, &made::message(&wrap_outer(&wrap_inner(&file))));
            assert!(found, "{inner} in {outer}");
        }
    }
}

#[test]
fn the_test_virus_is_found_in_every_container() {
    let engine = Engine::builtin().unwrap();
    // Backwards, so that this file is not taken for one.
    let virus: Vec<u8> = br"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\4[PA@%P!O5X".iter().rev().copied().collect();
    for (container, wrap) in CONTAINERS {
        for name in ["eicar.com", "notes.txt"] {
            let raw = made::message(&wrap(&File::new(name, "application/octet-stream", &virus)));
            assert_eq!(judged(&engine, &raw).1, Class::Infected, "{name} in {container}");
        }
    }
}

#[test]
fn ordinary_files_are_no_programs() {
    let engine = Engine::builtin().unwrap();
    for (container, wrap) in CONTAINERS {
        for (name, declared, bytes) in [
            ("notes.txt", "text/plain", &b"Good morning.\n"[..]),
            ("build.sh", "text/x-sh", b"#!/bin/sh\necho hello\n"),
            ("tool.py", "text/x-python", b"#!/usr/bin/python3\nprint(1)\n"),
            ("system.iso", "application/octet-stream", &[0; 4096]),
            ("page.url", "application/octet-stream", b"[InternetShortcut]\r\nURL=https://www.example.com/\r\n"),
            ("report.pdf", "application/pdf", b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n%%EOF\n"),
        ] {
            let (found, class, rules) = judged(&engine, &made::message(&wrap(&File::new(name, declared, bytes))));
            assert!(!found && class == Class::Clean, "{name} in {container}: {rules:?}");
        }
    }
}
